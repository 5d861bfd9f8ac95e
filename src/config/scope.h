/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The engine of the grammar: a block is a table of the words it may hold. A word takes one value into a
 * field, or opens a block with a table of its own. After an error the rest of the statement is left out
 * and reading goes on, so that one run reports all errors of a file.
 */
#pragma once

#include "config/lex.h"
#include "config/parse.h"

#define STMT_WORDS_MAX 3u  /* the longest statement: LUN number device */
#define WORDS_MAX      32u /* rows of one table */

struct stmt {
	unsigned n;    /* words kept */
	bool bad;      /* an error was noted already */
	bool bad_head; /* and it is in the first word */
	bool block;    /* ended by '{' */
	bool surplus;  /* more words than any statement has */
	struct config_pos surplus_pos;
	struct config_pos pos[STMT_WORDS_MAX];
	char word[STMT_WORDS_MAX][CONFIG_WORD_MAX + 1];
};

enum word_type {
	WORD_BLOCK, /* has `open`, takes what it likes */
	WORD_BOOL,
	WORD_UINT, /* unsigned, min..max */
	WORD_SIZE,
	WORD_HEX64,
	WORD_TEXT, /* char[max + 1] of printable ASCII */
	WORD_PATH, /* char *, absolute */
	WORD_BLOCK_SIZE,
	WORD_PHYSICAL_SIZE,
	WORD_LOG_LEVEL,
	WORD_ACCESS,
	WORD_SOCKET,  /* char[max + 1], absolute path */
	WORD_ADDRESS, /* struct config_listen */
	WORD_LISTEN,
	WORD_INITIATOR
};

struct parser;
struct scope;

struct word {
	const char *name;
	enum word_type type;
	unsigned
		handlers; /* bits of enum config_handler it belongs to; 0: it does not depend on it */
	size_t offset;    /* of the field in the scope's object */
	uint64_t min, max;
	void (*open)(struct parser *p, struct scope *s, bool block);
};

/* A block being read. */
struct scope {
	const struct word *words;
	unsigned n_words;
	const char *what; /* for errors: "TARGET" */
	void *object;
	unsigned handler; /* in DEVICE: enum config_handler */
	struct config_pos seen[WORDS_MAX];
	struct scope *up;
};

struct parser {
	struct parse state;
	struct lex lex;
	struct lex_token token;
	bool have_token; /* @token is still to be used */
	bool eof_noted;
	enum config_driver driver; /* of the TARGET_DRIVER block being read */
	enum config_handler handler;
	struct config_target *target; /* being read, or NULL */
	struct config_group *group;   /* being read; outside GROUP the target's any_group */
	struct stmt stmt;
};

/* The word DEVICE_GROUP. */
void parse_open_dgroup(struct parser *p, struct scope *up, bool block);
/* Read statements up to the block's '}', or for the outermost one up to the end of the file. */
void scope_read(struct parser *p, struct scope *s, struct config_pos opened);
/* Step over the block just opened; nothing in it is looked at. */
void scope_skip(struct parser *p, struct config_pos opened);
/* Has the statement @n values behind its word? Else an error, with @form as what is right. */
bool scope_args(struct parser *p, unsigned n, const char *form);
/* @allowed not NULL: word @i of the statement may not be; note "must be @allowed" and return false. */
bool scope_value(struct parser *p, unsigned i, const char *allowed);
/* Has the statement, whose word opens a block, a name for it and the block? Else an error, with @form as what is right. */
bool scope_named(struct parser *p, bool block, const char *form);
/* Was the attribute @name there? For words whose absence only shows when the block has been read. */
bool scope_seen(const struct scope *s, const char *name);
