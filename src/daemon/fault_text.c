/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "daemon/fault_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/sense.h"
#include "wire/srp_login_rej.h"

static const struct {
	const char *name;
	uint32_t on;
} ons[] = {
	{ "read", FAULT_ON_READ },
	{ "write", FAULT_ON_WRITE },
	{ "other", FAULT_ON_OTHER },
	{ "tmf", FAULT_ON_TMF },
};

/* All of @text is a number up to @max. */
static bool number(const char *text, int base, uint64_t max, uint64_t *ret)
{
	char *end;

	if (!isxdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, base);
	return !errno && !*end && *ret <= max;
}

static int plain(char c)
{
	return c == '-' || c == '_' ? ' ' : toupper((unsigned char)c);
}

/* "MEDIUM ERROR" is "medium-error", too. */
static bool same_words(const char *words, const char *text)
{
	while (*words && plain(*words) == plain(*text)) {
		words++;
		text++;
	}
	return !*words && !*text;
}

static bool key_of(const char *text, uint8_t *ret)
{
	uint64_t v;

	for (uint8_t k = 0; k < 16; k++)
		if (same_words(sense_key_text(k), text)) {
			*ret = k;
			return true;
		}
	if (!number(text, 16, 15, &v))
		return false;
	*ret = (uint8_t)v;
	return true;
}

static bool asc_of(const char *text, uint16_t *ret)
{
	for (uint32_t asc = 0; asc <= UINT16_MAX; asc++) {
		const char *words = sense_asc_text((uint16_t)asc);

		if (words && same_words(words, text)) {
			*ret = (uint16_t)asc;
			return true;
		}
	}
	return false;
}

static const char *sense_of(const char *text, struct fault_spec *ret)
{
	static const char allowed[] =
		"KEY/ASC/ASCQ, the key by its name or in hex, the other two in hex or as one name: "
		"\"MEDIUM ERROR/11/00\", \"medium-error/unrecovered-read-error\"";
	char word[FAULT_TEXT_MAX];
	char *asc;
	char *ascq;
	uint64_t a;
	uint64_t q;

	if (strlen(text) >= sizeof(word))
		return allowed;
	memcpy(word, text, strlen(text) + 1);
	asc = strchr(word, '/');
	if (!asc)
		return allowed;
	*asc++ = '\0';
	ascq = strchr(asc, '/');
	if (ascq)
		*ascq++ = '\0';
	if (!key_of(word, &ret->key))
		return allowed;
	if (!ascq)
		return asc_of(asc, &ret->asc) ? NULL : allowed;
	if (!number(asc, 16, 0xff, &a) || !number(ascq, 16, 0xff, &q))
		return allowed;
	ret->asc = (uint16_t)(a << 8 | q);
	return NULL;
}

static const char *reason_of(const char *text, struct fault_spec *ret)
{
	uint64_t v;

	if (!number(text, 0, UINT32_MAX, &v) || v < SRP_REJ_UNSPECIFIED ||
	    v > SRP_REJ_CHANNEL_LIMIT)
		return "a reason of LOGIN_REJ, 0x00010000 to 0x00010006";
	ret->reason = (uint32_t)v;
	return NULL;
}

const char *fault_text_value(const char *text, struct fault_spec *ret)
{
	uint64_t v;

	switch (ret->kind) {
	case FAULT_DELAY:
		if (!number(text, 10, FAULT_DELAY_MAX_NS / NSEC_PER_MSEC, &v) || !v)
			return "milliseconds, 1 to 600000";
		ret->delay_ns = v * NSEC_PER_MSEC;
		return NULL;
	case FAULT_ERROR:
		return sense_of(text, ret);
	case FAULT_CREDITS:
		if (!number(text, 10, UINT32_MAX, &v) || v < FAULT_CREDITS_MIN)
			return "a number of credits, 2 or more";
		ret->credits = (uint32_t)v;
		return NULL;
	case FAULT_REJECT_LOGIN:
		return reason_of(text, ret);
	default:
		return *text ? "no value, as it needs none" : NULL;
	}
}

void fault_text_put_value(const struct fault_spec *f, char *buf, size_t len)
{
	const char *asc = sense_asc_text(f->asc);

	buf[0] = '\0';
	switch (f->kind) {
	case FAULT_DELAY:
		(void)snprintf(buf, len, "%" PRIu64 " ms", (uint64_t)(f->delay_ns / NSEC_PER_MSEC));
		break;
	case FAULT_ERROR:
		(void)snprintf(buf, len, "%s/%02x/%02x%s%s", sense_key_text(f->key), f->asc >> 8,
			       f->asc & 0xff, asc ? " " : "", asc ? asc : "");
		break;
	case FAULT_CREDITS:
		(void)snprintf(buf, len, "%" PRIu32, f->credits);
		break;
	case FAULT_REJECT_LOGIN:
		(void)snprintf(buf, len, "0x%08" PRIx32, f->reason);
		break;
	default:
		break;
	}
}

/* One word of the list. */
static bool on_word(const char *word, struct fault_spec *ret)
{
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(ons); i++)
		if (!strcmp(ons[i].name, word)) {
			ret->on |= ons[i].on;
			return true;
		}
	if (strncmp(word, "0x", 2) != 0 || !number(word, 16, 0xff, &v) ||
	    ret->n_opcodes == FAULT_OPCODES_MAX)
		return false;
	ret->opcodes[ret->n_opcodes++] = (uint8_t)v;
	return true;
}

const char *fault_text_on(const char *text, struct fault_spec *ret)
{
	static const char allowed[] =
		"read, write, other, tmf and up to 16 opcodes like 0x28, parted by commas; and the "
		"kind must be able to hit it";
	char words[FAULT_TEXT_MAX];
	char *save = NULL;

	if (strlen(text) >= sizeof(words))
		return allowed;
	memcpy(words, text, strlen(text) + 1);
	for (char *w = strtok_r(words, ",", &save); w; w = strtok_r(NULL, ",", &save))
		if (!on_word(w, ret))
			return allowed;
	/* Opcodes alone say nothing of reading or writing. */
	if (ret->n_opcodes && !(ret->on & FAULT_ON_CMD))
		ret->on |= FAULT_ON_CMD & fault_can_hit(ret->kind);
	return !ret->on || ret->on & ~fault_can_hit(ret->kind) ? allowed : NULL;
}

void fault_text_put_on(const struct fault_spec *f, char *buf, size_t len)
{
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(ons) && at < len; i++)
		if (f->on & ons[i].on)
			at += (size_t)snprintf(buf + at, len - at, "%s%s", at ? "," : "",
					       ons[i].name);
	for (unsigned i = 0; i < f->n_opcodes && at < len; i++)
		at += (size_t)snprintf(buf + at, len - at, "%s0x%02x", at ? "," : "",
				       f->opcodes[i]);
}

const char *fault_text_lbas(const char *text, struct fault_spec *ret)
{
	static const char allowed[] =
		"a block or blocks from first to last, \"100\" or \"100-199\"";
	const char *dash = strchr(text, '-');
	char first[24];

	if (dash && (size_t)(dash - text) >= sizeof(first))
		return allowed;
	(void)snprintf(first, sizeof(first), "%.*s", dash ? (int)(dash - text) : 23, text);
	if (!number(first, 10, UINT64_MAX, &ret->lba_first) ||
	    !number(dash ? dash + 1 : first, 10, UINT64_MAX, &ret->lba_last) ||
	    ret->lba_last < ret->lba_first)
		return allowed;
	ret->has_lbas = true;
	return NULL;
}

const char *fault_text_port(const char *text, struct srp_port_id *ret)
{
	static const char allowed[] =
		"a port as \"srptctl session list\" shows it: 0x and 32 hex digits";
	uint8_t bytes[sizeof(*ret)];

	if (strncmp(text, "0x", 2) == 0)
		text += 2;
	if (strlen(text) != 2 * sizeof(bytes))
		return allowed;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		const char pair[] = { text[2 * i], text[2 * i + 1], '\0' };
		uint64_t v;

		if (!isxdigit((unsigned char)pair[1]) || !number(pair, 16, 0xff, &v))
			return allowed;
		bytes[i] = (uint8_t)v;
	}
	memcpy(ret, bytes, sizeof(bytes));
	return NULL;
}
