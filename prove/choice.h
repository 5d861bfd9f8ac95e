/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Everything in a transition that is not determined is asked for by choose(). Running the transition
 * again and again, with choice_next() between, tries every combination of answers: the next run repeats
 * all answers but the last, which becomes the next one.
 *
 *	choice_start();
 *	do {
 *		restore the state; run the transition, which calls choose();
 *	} while (choice_next());
 *
 * One walk per process, so there is one sequence.
 */
#pragma once

#include "base/util.h"

#define CHOICES_MAX 64u /* in one transition */

struct choice {
	uint16_t n;  /* possible answers */
	uint16_t at; /* this run's */
};

/* Before the first run: every choose() answers 0. */
void choice_start(void);

/* This run's answer, in [0, @n); @n >= 1. */
unsigned choose(unsigned n);

static inline bool choose_bool(void)
{
	return choose(2) != 0;
}

/* Return: false when every combination has been run. */
bool choice_next(void);

/* A run of its own, whose answers are taken by chance from @r; NULL: the next ones are 0 again. */
struct prng;
void choice_random(struct prng *r);

struct choices {
	struct choice seq[CHOICES_MAX];
	unsigned len;
};

/* The answers of the run that was just made, or broken off; and a run that repeats them. */
void choice_save(struct choices *ret);
void choice_repeat(const struct choices *c);
