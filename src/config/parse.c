/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The grammar: each block is a table of the words it may hold. A word takes one value, or opens a block
 * with a table of its own. After an error the rest of the statement is left out and reading goes on, so
 * that one run reports all errors of a file.
 */
#include "config/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/attr.h"
#include "config/lex.h"

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

enum stmt_end {
	STMT_READ,
	STMT_CLOSE,
	STMT_EOF
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
	WORD_LOG_LEVEL,
	WORD_SOCKET, /* char[max + 1], absolute path */
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

static void parse_block(struct parser *p, struct scope *s, struct config_pos opened);

bool parse_grow(void *array, unsigned n, size_t elem_size)
{
	size_t cap = n ? 2 * (size_t)n : 1;
	void *now;
	void *more;

	if (n & (n - 1)) /* not at a power of two: there is room */
		return true;
	memcpy(&now, array, sizeof(now)); /* a pointer of another type, seen as void * */
	more = reallocarray(now, cap, elem_size);
	if (!more)
		return false;
	memcpy(array, &more, sizeof(more));
	return true;
}

void parse_defaults_options(struct config_options *o)
{
	memset(o, 0, sizeof(*o));
	(void)snprintf(o->control_socket, sizeof(o->control_socket), "%s", CONFIG_CONTROL_SOCKET);
	o->log_level = LOG_INFO;
	o->handshake_ms = 5000;
	o->handshakes = 1024;
	o->handshakes_per_peer = 32;
	o->max_conns = 4096;
}

void parse_defaults_target(struct config_target *t)
{
	memset(t, 0, sizeof(*t));
	t->max_channels = 1024;
	t->max_channels_per_initiator = 64;
}

/* --- statements --- */

static struct lex_token *parse_token(struct parser *p)
{
	if (!p->have_token)
		lex_next(&p->lex, &p->token);
	p->have_token = false;
	return &p->token;
}

static void stmt_add(struct stmt *s, const struct lex_token *t)
{
	s->bad = s->bad || t->bad;
	s->bad_head = s->bad_head || (t->bad && !s->n);
	if (s->n < STMT_WORDS_MAX) {
		s->pos[s->n] = t->pos;
		memcpy(s->word[s->n++], t->word, strlen(t->word) + 1);
	} else if (!s->surplus) {
		s->surplus = true;
		s->surplus_pos = t->pos;
	}
}

/* The '{' of a block may stand on a line of its own. */
static void stmt_brace_below(struct parser *p)
{
	while (parse_token(p)->type == LEX_END)
		continue;
	if (p->token.type == LEX_OPEN)
		p->stmt.block = true;
	else
		p->have_token = true;
}

/* Read the words of the next statement into @p->stmt. */
static enum stmt_end stmt_read(struct parser *p)
{
	struct stmt *s = &p->stmt;

	s->n = 0;
	s->bad = s->bad_head = s->block = s->surplus = false;
	for (;;) {
		struct lex_token *t = parse_token(p);

		switch (t->type) {
		case LEX_WORD:
			stmt_add(s, t);
			continue;
		case LEX_OPEN:
			s->block = true;
			if (!s->n) {
				s->pos[0] = t->pos;
				errors_add(p->state.errs, t->pos,
					   "\"{\" has no word in front of it");
				s->bad = true;
			}
			return STMT_READ;
		case LEX_END:
			if (s->n) {
				stmt_brace_below(p);
				return STMT_READ;
			}
			continue;
		case LEX_CLOSE:
		case LEX_EOF:
			if (!s->n)
				return t->type == LEX_EOF ? STMT_EOF : STMT_CLOSE;
			p->have_token = true;
			return STMT_READ;
		}
	}
}

static void parse_never_closed(struct parser *p, struct config_pos opened, const char *what)
{
	if (!p->eof_noted)
		errors_add(p->state.errs, opened, "the block of %s opened here is never closed",
			   what);
	p->eof_noted = true;
}

/* Step over the block just opened; nothing in it is looked at. */
static void parse_skip_block(struct parser *p, struct config_pos opened)
{
	unsigned depth = 1;

	while (depth) {
		struct lex_token *t = parse_token(p);

		if (t->type == LEX_EOF) {
			parse_never_closed(p, opened, "this word");
			return;
		}
		depth += t->type == LEX_OPEN;
		depth -= t->type == LEX_CLOSE;
	}
}

/* Has the statement @n values behind its word? Else an error, with @form as what is right. */
static bool stmt_is(struct parser *p, unsigned n, const char *form)
{
	struct stmt *s = &p->stmt;

	if (s->bad)
		return false;
	if (s->n == n + 1 && !s->surplus)
		return true;
	if (s->n > n + 1)
		errors_add(p->state.errs, s->pos[n + 1], "\"%.64s\" is one value too many: %s",
			   s->word[n + 1], form);
	else if (s->surplus)
		errors_add(p->state.errs, s->surplus_pos, "one value too many: %s", form);
	else
		errors_add(p->state.errs, s->pos[0], "\"%.64s\" needs more: %s", s->word[0], form);
	return false;
}

/* A value that may not be: note "@word must be @allowed". */
static bool stmt_value(struct parser *p, unsigned i, const char *allowed)
{
	struct stmt *s = &p->stmt;

	if (allowed)
		errors_add(p->state.errs, s->pos[i], "%.32s \"%.48s\" must be %s", s->word[0],
			   s->word[i], allowed);
	return !allowed;
}

/* --- attributes --- */

static const char *take_uint(const struct word *w, const char *text, char *buf, size_t len,
			     unsigned *field)
{
	uint64_t v;

	if (attr_uint(text, &v) || v < w->min || v > w->max) {
		(void)snprintf(buf, len, "a whole number from %llu to %llu",
			       (unsigned long long)w->min, (unsigned long long)w->max);
		return buf;
	}
	*field = (unsigned)v;
	return NULL;
}

static const char *take_text(const struct word *w, const char *text, char *buf, size_t len,
			     char *field)
{
	size_t n = strlen(text);
	bool printable = n > 0;

	for (const char *c = text; *c; c++)
		printable = printable && *c >= ' ' && *c <= '~';
	if (!printable || n > w->max) {
		(void)snprintf(buf, len, "1 to %llu printable ASCII characters",
			       (unsigned long long)w->max);
		return buf;
	}
	memcpy(field, text, n + 1);
	return NULL;
}

static const char *take_path(struct parser *p, const char *text, char **field)
{
	if (text[0] != '/')
		return "an absolute path";
	free(*field);
	*field = strdup(text);
	p->state.no_memory = p->state.no_memory || !*field;
	return NULL;
}

static const char *take_socket(const struct word *w, const char *text, char *field)
{
	if (text[0] != '/' || strlen(text) > w->max)
		return "an absolute path of at most 107 bytes";
	memcpy(field, text, strlen(text) + 1);
	return NULL;
}

static const char *take_listen(struct parser *p, const char *text)
{
	struct config_target *t = p->target;
	struct config_listen l = { .pos = p->stmt.pos[1] };
	const char *allowed = attr_listen(text, &l);

	if (allowed)
		return allowed;
	if (t->n_listens == CONFIG_LISTENS_MAX)
		return "one of at most 16 addresses of a target";
	if (!parse_grow(&t->listens, t->n_listens, sizeof(l))) {
		p->state.no_memory = true;
		return NULL;
	}
	t->listens[t->n_listens++] = l;
	return NULL;
}

static const char *take_initiator(struct parser *p, char *text)
{
	struct config_group *g = p->group;
	const char *allowed = attr_pattern(text);

	if (allowed)
		return allowed;
	if (g->n_patterns == CONFIG_PATTERNS_MAX)
		return "one of at most 1024 patterns of a group";
	for (unsigned i = 0; i < g->n_patterns; i++)
		if (!strcmp(g->patterns[i], text))
			return "given once: this group has it already";
	if (!parse_grow(&g->patterns, g->n_patterns, sizeof(char *))) {
		p->state.no_memory = true;
		return NULL;
	}
	g->patterns[g->n_patterns] = strdup(text);
	if (g->patterns[g->n_patterns])
		g->n_patterns++;
	else
		p->state.no_memory = true;
	return NULL;
}

/* One value into its field. NULL or what is allowed. */
static const char *take_value(struct parser *p, const struct word *w, void *field, char *buf,
			      size_t len)
{
	char *text = p->stmt.word[1];

	switch (w->type) {
	case WORD_BOOL:
		return attr_bool(text, field);
	case WORD_UINT:
		return take_uint(w, text, buf, len, field);
	case WORD_SIZE:
		return attr_size(text, field);
	case WORD_HEX64:
		return attr_hex64(text, field);
	case WORD_TEXT:
		return take_text(w, text, buf, len, field);
	case WORD_PATH:
		return take_path(p, text, field);
	case WORD_BLOCK_SIZE:
		return attr_block_size(text, field);
	case WORD_LOG_LEVEL:
		return attr_log_level(text, field);
	case WORD_SOCKET:
		return take_socket(w, text, field);
	case WORD_LISTEN:
		return take_listen(p, text);
	case WORD_INITIATOR:
		return take_initiator(p, text);
	case WORD_BLOCK:
		break;
	}
	return NULL;
}

static void parse_attribute(struct parser *p, struct scope *s, const struct word *w)
{
	struct config_pos *seen = &s->seen[w - s->words];
	char buf[80];

	if (stmt_is(p, 1, "it takes one value, and it ends with the line")) {
		if (seen->line && w->type != WORD_LISTEN && w->type != WORD_INITIATOR)
			errors_add(p->state.errs, p->stmt.pos[0],
				   "\"%s\" is given twice; the first is in line %u", w->name,
				   seen->line);
		else
			(void)stmt_value(
				p, 1,
				take_value(p, w, (char *)s->object + w->offset, buf, sizeof(buf)));
	}
	/* Also after an error: else the word would be reported as missing, too. */
	if (!seen->line)
		*seen = p->stmt.pos[0];
	if (p->stmt.block) {
		if (!p->stmt.bad && p->stmt.n == 2)
			errors_add(p->state.errs, p->stmt.pos[0], "\"%s\" has no block", w->name);
		parse_skip_block(p, p->stmt.pos[0]);
	}
}

/* Does @w belong here, also by the device's handler? With an unknown handler every word does. */
static bool word_fits(const struct scope *s, const struct word *w)
{
	return !w->handlers || s->handler >= CONFIG_HANDLER_COUNT ||
	       (w->handlers & BIT(s->handler));
}

static void parse_unknown(struct parser *p, struct scope *s)
{
	struct errors_offer offer;
	char hint[160];
	char what[64];

	errors_offer_init(&offer, p->stmt.word[0]);
	for (unsigned i = 0; i < s->n_words; i++)
		if (word_fits(s, &s->words[i]))
			errors_offer_add(&offer, s->words[i].name);
	errors_offer_format(&offer, hint, sizeof(hint));
	(void)snprintf(what, sizeof(what), "%s", s->what);
	if (s->handler < CONFIG_HANDLER_COUNT && !strcmp(s->what, "DEVICE"))
		(void)snprintf(what, sizeof(what), "DEVICE of %s",
			       config_handler_name((enum config_handler)s->handler));
	errors_add(p->state.errs, p->stmt.pos[0], "unknown word \"%.40s\" in %s; %s",
		   p->stmt.word[0], what, hint);
	if (p->stmt.block)
		parse_skip_block(p, p->stmt.pos[0]);
}

static void parse_statement(struct parser *p, struct scope *s)
{
	if (p->stmt.n && !p->stmt.bad_head) {
		for (unsigned i = 0; i < s->n_words; i++) {
			const struct word *w = &s->words[i];

			if (strcmp(w->name, p->stmt.word[0]) != 0 || !word_fits(s, w))
				continue;
			if (w->type == WORD_BLOCK)
				w->open(p, s, p->stmt.block);
			else
				parse_attribute(p, s, w);
			return;
		}
		parse_unknown(p, s);
	} else if (p->stmt.block) {
		parse_skip_block(p, p->stmt.pos[0]);
	}
}

/* Read statements up to the block's '}'. */
static void parse_block(struct parser *p, struct scope *s, struct config_pos opened)
{
	while (!p->state.no_memory) {
		enum stmt_end end = stmt_read(p);

		if (end == STMT_READ) {
			parse_statement(p, s);
			continue;
		}
		if (end == STMT_EOF && s->up)
			parse_never_closed(p, opened, s->what);
		if (end == STMT_CLOSE && !s->up) {
			errors_add(p->state.errs, p->token.pos, "\"}\" closes nothing");
			continue;
		}
		return;
	}
}

/* --- LUN --- */

static const struct word lun_words[] = {
	{ "read_only", WORD_BOOL, 0, offsetof(struct config_lun, read_only), 0, 0, NULL },
};

static bool lun_add(struct parser *p, uint16_t lun)
{
	struct config_group *g = p->group;
	struct parse *st = &p->state;
	struct parse_ref *ref;

	if (!parse_grow(&g->luns, g->n_luns, sizeof(*g->luns)) ||
	    !parse_grow(&st->refs, st->n_refs, sizeof(*st->refs))) {
		st->no_memory = true;
		return false;
	}
	ref = &st->refs[st->n_refs];
	memset(ref, 0, sizeof(*ref));
	ref->pos = p->stmt.pos[2];
	memcpy(ref->device, p->stmt.word[2], strlen(p->stmt.word[2]) + 1);
	g->luns[g->n_luns++] =
		(struct config_lun){ .lun = lun, .device = st->n_refs++, .pos = p->stmt.pos[0] };
	return true;
}

static void open_lun(struct parser *p, struct scope *up, bool block)
{
	struct config_pos opened = p->stmt.pos[0];
	struct config_lun scratch = { 0 };
	struct scope s = { .words = lun_words,
			   .n_words = ARRAY_SIZE(lun_words),
			   .what = "LUN",
			   .object = &scratch,
			   .up = up };
	uint64_t lun = 0;
	bool ok = stmt_is(p, 2, "LUN NUMBER DEVICE");

	if (ok && (attr_uint(p->stmt.word[1], &lun) || lun > CONFIG_LUN_MAX))
		ok = stmt_value(p, 1, "a number from 0 to 16383");
	ok = ok && stmt_value(p, 2, attr_name(p->stmt.word[2]));
	ok = ok && lun_add(p, (uint16_t)lun);
	if (ok)
		s.object = &p->group->luns[p->group->n_luns - 1];
	if (block)
		parse_block(p, &s, opened);
	if (ok)
		p->state.refs[p->state.n_refs - 1].ro_given = s.seen[0].line;
}

/* --- GROUP --- */

static const struct word group_words[] = {
	{ "LUN", WORD_BLOCK, 0, 0, 0, 0, open_lun },
	{ "INITIATOR", WORD_INITIATOR, 0, 0, 0, 0, NULL },
};

/* A word that opens a block and has a name: check both; the block must be there. */
static bool open_named(struct parser *p, bool block, const char *form)
{
	if (!stmt_is(p, 1, form))
		return false;
	if (!block)
		errors_add(p->state.errs, p->stmt.pos[0], "\"%s\" needs a block: %s",
			   p->stmt.word[0], form);
	return stmt_value(p, 1, attr_name(p->stmt.word[1]));
}

static void open_group(struct parser *p, struct scope *up, bool block)
{
	struct config_pos opened = p->stmt.pos[0];
	struct config_target *t = p->target;
	struct config_group scratch = { 0 };
	struct scope s = {
		.words = group_words, .n_words = ARRAY_SIZE(group_words), .what = "GROUP", .up = up
	};
	bool ok = open_named(p, block, "GROUP NAME { ... }");

	if (ok && t->n_groups == CONFIG_GROUPS_MAX)
		ok = stmt_value(p, 1, "one of at most 1024 groups of a target");
	if (ok && !parse_grow(&t->groups, t->n_groups, sizeof(scratch))) {
		p->state.no_memory = true;
		return;
	}
	p->group = &scratch;
	scratch.pos = opened;
	if (ok) {
		memcpy(scratch.name, p->stmt.word[1], strlen(p->stmt.word[1]) + 1);
		t->groups[t->n_groups] = scratch;
		p->group = &t->groups[t->n_groups++];
	}
	if (block)
		parse_block(p, &s, opened);
	p->group = &t->any_group;
	/* A group whose head is wrong was read for its errors only. */
	for (unsigned i = 0; i < scratch.n_patterns; i++)
		free(scratch.patterns[i]);
	free(scratch.patterns);
	free(scratch.luns);
}

/* --- TARGET_DRIVER, TARGET --- */

#define TARGET_WORD(name, type, field, min, max)                                     \
	{                                                                            \
		name, type, 0, offsetof(struct config_target, field), min, max, NULL \
	}

static const struct word target_words[] = {
	TARGET_WORD("enabled", WORD_BOOL, enabled, 0, 0),
	TARGET_WORD("listen", WORD_LISTEN, listens, 0, 0),
	TARGET_WORD("id_ext", WORD_HEX64, id_ext, 0, 0),
	TARGET_WORD("ioc_guid", WORD_HEX64, ioc_guid, 0, 0),
	TARGET_WORD("default_target", WORD_BOOL, default_target, 0, 0),
	TARGET_WORD("allow_any", WORD_BOOL, allow_any, 0, 0),
	TARGET_WORD("max_channels", WORD_UINT, max_channels, 1, 65536),
	TARGET_WORD("max_channels_per_initiator", WORD_UINT, max_channels_per_initiator, 1, 65536),
	{ "LUN", WORD_BLOCK, 0, 0, 0, 0, open_lun },
	{ "GROUP", WORD_BLOCK, 0, 0, 0, 0, open_group },
};

/* Words whose absence can only be seen when the block has been read. */
static bool scope_seen(const struct scope *s, const char *name)
{
	for (unsigned i = 0; i < s->n_words; i++)
		if (!strcmp(s->words[i].name, name) && word_fits(s, &s->words[i]))
			return s->seen[i].line != 0;
	return false;
}

/* A number for people to copy: the same target name gives the same one. */
static uint64_t target_example_id(const char *name)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3ull;
	return (h & ~(0xffull << 56)) | 0x02ull << 56; /* locally administered */
}

static void target_missing(struct parser *p, struct scope *s, const struct config_target *t)
{
	static const char *const ids[] = { "id_ext", "ioc_guid" };

	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
		if (!scope_seen(s, ids[i]))
			errors_add(p->state.errs, t->pos,
				   "TARGET \"%s\" has no %s: give it 16 hex digits that no other "
				   "target "
				   "on the network has, as \"%s %016llx\"",
				   t->name, ids[i], ids[i],
				   (unsigned long long)target_example_id(t->name));
	/* After an error 0 may only mean that the value could not be read. */
	if (scope_seen(s, "id_ext") && scope_seen(s, "ioc_guid") && !t->id_ext && !t->ioc_guid &&
	    !errors_any(p->state.errs))
		errors_add(p->state.errs, t->pos,
			   "TARGET \"%s\": id_ext and ioc_guid must not be both 0, which names no "
			   "target",
			   t->name);
	if (t->any_group.n_luns && !scope_seen(s, "allow_any"))
		errors_add(p->state.errs, t->any_group.luns[0].pos,
			   "LUN outside a GROUP is for every initiator that can connect: say "
			   "\"allow_any 1\" in TARGET \"%s\", or move it into a GROUP",
			   t->name);
	if (t->allow_any && !t->any_group.n_luns)
		errors_add(p->state.errs, t->pos,
			   "TARGET \"%s\" has allow_any 1 but no LUN outside its groups", t->name);
}

static void open_target(struct parser *p, struct scope *up, bool block)
{
	struct config *c = p->state.config;
	struct config_target *t;
	struct config_pos opened = p->stmt.pos[0];
	struct scope s = { .words = target_words,
			   .n_words = ARRAY_SIZE(target_words),
			   .what = "TARGET",
			   .up = up };
	bool ok = open_named(p, block, "TARGET NAME { ... }");

	if (ok && c->n_targets == CONFIG_TARGETS_MAX)
		ok = stmt_value(p, 1, "one of at most 256 targets");
	if (!ok) {
		if (block)
			parse_skip_block(p, opened);
		return;
	}
	if (!parse_grow(&c->targets, c->n_targets, sizeof(*t))) {
		p->state.no_memory = true;
		return;
	}
	t = &c->targets[c->n_targets++];
	parse_defaults_target(t);
	memcpy(t->name, p->stmt.word[1], strlen(p->stmt.word[1]) + 1);
	t->driver = p->driver;
	t->pos = opened;
	t->any_group.pos = opened;
	p->target = t;
	p->group = &t->any_group;
	s.object = t;
	if (!block)
		return;
	parse_block(p, &s, opened);
	target_missing(p, &s, t);
}

static const struct word driver_words[] = {
	{ "TARGET", WORD_BLOCK, 0, 0, 0, 0, open_target },
};

static void open_driver(struct parser *p, struct scope *up, bool block)
{
	struct config_pos opened = p->stmt.pos[0];
	struct scope s = { .words = driver_words,
			   .n_words = ARRAY_SIZE(driver_words),
			   .what = "TARGET_DRIVER",
			   .up = up };

	p->driver = CONFIG_DRIVER_COUNT;
	if (open_named(p, block, "TARGET_DRIVER srpt { ... }")) {
		for (unsigned i = 0; i < CONFIG_DRIVER_COUNT; i++)
			if (!strcmp(p->stmt.word[1], config_driver_name((enum config_driver)i)))
				p->driver = (enum config_driver)i;
		if (p->driver == CONFIG_DRIVER_COUNT)
			(void)stmt_value(p, 1, "srpt or iwarp");
	}
	if (block)
		parse_block(p, &s, opened);
}

/* --- HANDLER, DEVICE --- */

#define FILEIO BIT(CONFIG_FILEIO)
#define NULLIO BIT(CONFIG_NULLIO)
#define RAM    BIT(CONFIG_RAM)

#define DEVICE_WORD(name, type, handlers, field, max)                                     \
	{                                                                                 \
		name, type, handlers, offsetof(struct config_device, field), 0, max, NULL \
	}

static const struct word device_words[] = {
	DEVICE_WORD("filename", WORD_PATH, FILEIO, path, 0),
	DEVICE_WORD("size", WORD_SIZE, 0, size_bytes, 0),
	DEVICE_WORD("blocksize", WORD_BLOCK_SIZE, 0, block_bytes, 0),
	DEVICE_WORD("read_only", WORD_BOOL, 0, read_only, 0),
	DEVICE_WORD("o_direct", WORD_BOOL, FILEIO, direct, 0),
	DEVICE_WORD("write_through", WORD_BOOL, FILEIO, write_through, 0),
	DEVICE_WORD("nv_cache", WORD_BOOL, FILEIO, nv_cache, 0),
	DEVICE_WORD("thin_provisioned", WORD_BOOL, FILEIO | RAM, thin, 0),
	DEVICE_WORD("rotational", WORD_BOOL, FILEIO | NULLIO, rotational, 0),
	DEVICE_WORD("usn", WORD_TEXT, 0, serial, 36),
	DEVICE_WORD("t10_dev_id", WORD_TEXT, 0, t10_dev_id, 48),
	DEVICE_WORD("t10_vend_id", WORD_TEXT, 0, vendor, 8),
	DEVICE_WORD("prod_id", WORD_TEXT, 0, product, 16),
	DEVICE_WORD("prod_rev_lvl", WORD_TEXT, 0, revision, 4),
	DEVICE_WORD("vend_specific_id", WORD_TEXT, 0, vend_specific_id, 32),
};

static void device_missing(struct parser *p, struct scope *s, const struct config_device *d)
{
	if (d->handler == CONFIG_FILEIO && !scope_seen(s, "filename"))
		errors_add(p->state.errs, d->pos,
			   "DEVICE \"%s\" has no filename: vdisk_fileio needs the path of its file",
			   d->name);
	if (s->handler < CONFIG_HANDLER_COUNT && d->handler != CONFIG_FILEIO &&
	    !scope_seen(s, "size"))
		errors_add(p->state.errs, d->pos,
			   "DEVICE \"%s\" has no size: %s needs one, as \"size 1G\"", d->name,
			   config_handler_name(d->handler));
	if (d->size_bytes % d->block_bytes)
		errors_add(
			p->state.errs, d->pos,
			"DEVICE \"%s\": its size of %llu bytes is not a multiple of its blocksize "
			"%u",
			d->name, (unsigned long long)d->size_bytes, d->block_bytes);
	if (d->write_through && d->nv_cache)
		errors_add(p->state.errs, d->pos,
			   "DEVICE \"%s\" has write_through 1 and nv_cache 1: without a cache "
			   "there is "
			   "none that survives",
			   d->name);
}

static void open_device(struct parser *p, struct scope *up, bool block)
{
	struct config *c = p->state.config;
	struct config_pos opened = p->stmt.pos[0];
	struct config_device *d;
	struct scope s = { .words = device_words,
			   .n_words = ARRAY_SIZE(device_words),
			   .what = "DEVICE",
			   .handler = p->handler,
			   .up = up };
	bool ok = stmt_is(p, 1, "DEVICE NAME { ... }") &&
		  stmt_value(p, 1, attr_name(p->stmt.word[1]));

	if (ok && c->n_devices == CONFIG_DEVICES_MAX)
		ok = stmt_value(p, 1, "one of at most 16384 devices");
	if (!ok) {
		if (block)
			parse_skip_block(p, opened);
		return;
	}
	if (!parse_grow(&c->devices, c->n_devices, sizeof(*d))) {
		p->state.no_memory = true;
		return;
	}
	d = &c->devices[c->n_devices++];
	memset(d, 0, sizeof(*d));
	memcpy(d->name, p->stmt.word[1], strlen(p->stmt.word[1]) + 1);
	d->handler = p->handler;
	d->block_bytes = 512;
	d->pos = opened;
	s.object = d;
	if (block)
		parse_block(p, &s, opened);
	device_missing(p, &s, d);
}

static const struct word handler_words[] = {
	{ "DEVICE", WORD_BLOCK, 0, 0, 0, 0, open_device },
};

static void open_handler(struct parser *p, struct scope *up, bool block)
{
	struct config_pos opened = p->stmt.pos[0];
	struct scope s = { .words = handler_words,
			   .n_words = ARRAY_SIZE(handler_words),
			   .what = "HANDLER",
			   .up = up };

	p->handler = CONFIG_HANDLER_COUNT;
	if (open_named(p, block, "HANDLER NAME { ... }")) {
		for (unsigned i = 0; i < CONFIG_HANDLER_COUNT; i++)
			if (!strcmp(p->stmt.word[1], config_handler_name((enum config_handler)i)))
				p->handler = (enum config_handler)i;
		if (p->handler == CONFIG_HANDLER_COUNT)
			(void)stmt_value(p, 1, "vdisk_fileio, vdisk_nullio or vdisk_ram");
	}
	if (block)
		parse_block(p, &s, opened);
}

/* --- the file --- */

#define OPTION_WORD(name, type, field, min, max)                                      \
	{                                                                             \
		name, type, 0, offsetof(struct config_options, field), min, max, NULL \
	}

static const struct word file_words[] = {
	{ "HANDLER", WORD_BLOCK, 0, 0, 0, 0, open_handler },
	{ "TARGET_DRIVER", WORD_BLOCK, 0, 0, 0, 0, open_driver },
	OPTION_WORD("control_socket", WORD_SOCKET, control_socket, 0, 107),
	OPTION_WORD("workers", WORD_UINT, workers, 0, CONFIG_WORKERS_MAX),
	OPTION_WORD("poll_us", WORD_UINT, poll_us, 0, 1000000),
	OPTION_WORD("log_level", WORD_LOG_LEVEL, log_level, 0, 0),
	OPTION_WORD("handshake_ms", WORD_UINT, handshake_ms, 100, 600000),
	OPTION_WORD("max_handshakes", WORD_UINT, handshakes, 1, 65536),
	OPTION_WORD("max_handshakes_per_peer", WORD_UINT, handshakes_per_peer, 1, 65536),
	OPTION_WORD("max_connections", WORD_UINT, max_conns, 1, 1048576),
};

static int parse_run(struct parser *p, const char *text, size_t len)
{
	struct parse *st = &p->state;
	struct scope s = { .words = file_words,
			   .n_words = ARRAY_SIZE(file_words),
			   .what = "the file" };

	st->config = calloc(1, sizeof(*st->config));
	if (!st->config)
		return -ENOMEM;
	parse_defaults_options(&st->config->opts);
	s.object = &st->config->opts;
	p->lex = lex_of(text, len, st->errs);
	parse_block(p, &s, (struct config_pos){ 0 });
	if (!st->no_memory)
		resolve(st);
	errors_sort(st->errs);
	if (st->no_memory)
		return -ENOMEM;
	return errors_any(st->errs) ? -EINVAL : 0;
}

int config_parse(struct config **ret, const char *text, size_t len, const char *name,
		 struct config_errors *errs)
{
	struct parser *p;
	int r = -ENOMEM;

	errors_init(errs, name);
	if (len > CONFIG_FILE_MAX) {
		errors_add(errs, (struct config_pos){ 0 }, "the file is longer than %u bytes",
			   CONFIG_FILE_MAX);
		return -EINVAL;
	}
	p = calloc(1, sizeof(*p));
	if (p) {
		p->state.errs = errs;
		r = parse_run(p, text, len);
		if (!r)
			*ret = take(p->state.config);
		free(p->state.refs);
		config_free(p->state.config);
		free(p);
	}
	if (r == -ENOMEM)
		errors_add(errs, (struct config_pos){ 0 }, "out of memory");
	return r;
}
