/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "prove/choice.h"

#include "base/check.h"
#include "base/prng.h"

static struct prng *chance;
static struct choice seq[CHOICES_MAX];
static unsigned len; /* choices of this run that are decided */
static unsigned pos; /* choices of this run that were asked for */

void choice_start(void)
{
	len = 0;
	pos = 0;
}

unsigned choose(unsigned n)
{
	check(n >= 1 && n <= UINT16_MAX);
	if (pos == len) {
		check(len < CHOICES_MAX);
		seq[len++] = (struct choice){ .n = (uint16_t)n,
					      .at = chance ? (uint16_t)prng_below(chance, n) : 0 };
	}
	/* The world is restored before each run, so the same question comes at the same place. */
	check(seq[pos].n == n);
	return seq[pos++].at;
}

bool choice_next(void)
{
	check(pos == len);
	while (len && seq[len - 1].at + 1 == seq[len - 1].n)
		len--;
	pos = 0;
	if (!len)
		return false;
	seq[len - 1].at++;
	return true;
}

void choice_random(struct prng *r)
{
	choice_start();
	chance = r;
}

void choice_save(struct choices *ret)
{
	memcpy(ret->seq, seq, sizeof(seq));
	ret->len = pos;
}

void choice_repeat(const struct choices *c)
{
	memcpy(seq, c->seq, sizeof(seq));
	len = c->len;
	pos = 0;
}
