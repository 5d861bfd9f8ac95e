/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Sense data: any bytes read, written and read again; and any fields written and read again. The first byte
 * of the input and those behind it serve both.
 */
#include "fuzz.h"
#include "wire/sense.h"

static void same(const struct sense *a, const struct sense *b)
{
	check(a->descriptor == b->descriptor && a->deferred == b->deferred);
	check(a->key == b->key && a->asc == b->asc);
	check(a->info_valid == b->info_valid && a->info == b->info);
	check(a->field_valid == b->field_valid && a->field_in_cdb == b->field_in_cdb);
	check(a->field_in_segment == b->field_in_segment);
	check(a->field_bit_valid == b->field_bit_valid && a->field_bit == b->field_bit);
	check(a->field_byte == b->field_byte);
}

/* Fields that are not valid read as zero. */
static void tidy(const struct sense *s)
{
	check(s->key < 16);
	check(s->info_valid || s->info == 0);
	check(s->field_valid ||
	      (!s->field_in_cdb && !s->field_in_segment && !s->field_bit_valid && !s->field_byte));
	check(s->field_bit_valid || s->field_bit == 0);
	check(s->field_bit < 8);
	check(!s->field_in_cdb || s->key == SENSE_ILLEGAL_REQUEST);
	check(!s->field_in_segment || s->key == SENSE_COPY_ABORTED);
	check(!s->field_valid || s->key == SENSE_ILLEGAL_REQUEST || s->key == SENSE_COPY_ABORTED);
	check(sense_key_text(s->key)[0]);
	check(!sense_asc_text(s->asc) || sense_asc_text(s->asc)[0]);
}

static void again(const struct sense *s)
{
	uint8_t *buf = malloc(SENSE_MAX_BYTES);
	struct sense back;
	size_t n;

	check(buf);
	n = sense_encode(s, buf);
	check(n <= SENSE_MAX_BYTES);
	check(sense_decode(buf, n, &back) == 0);
	same(s, &back);
	free(buf);
}

static void bytes(const uint8_t *data, size_t len)
{
	uint8_t *p = fuzz_copy(data, len);
	struct sense s = { .asc = 0x1234 };

	if (sense_decode(p, len, &s)) {
		check(s.asc == 0x1234 && (len < 3 || (p[0] & 0x7f) < 0x70 || (p[0] & 0x7f) > 0x73));
	} else {
		tidy(&s);
		again(&s);
	}
	free(p);
}

static void fields(struct cur in)
{
	uint8_t bits = cur_u8(&in);
	struct sense s = { .descriptor = bits & 1,
			   .deferred = bits & 2,
			   .key = cur_u8(&in) & 0xf,
			   .asc = cur_be16(&in),
			   .info_valid = bits & 4,
			   .field_valid = bits & 8 };

	if (s.info_valid) /* fixed format has no room for more than 32 bits */
		s.info = s.descriptor ? cur_be64(&in) : cur_be32(&in);
	if (s.key != SENSE_ILLEGAL_REQUEST && s.key != SENSE_COPY_ABORTED)
		s.field_valid = false;
	if (s.field_valid) {
		s.field_in_cdb = s.key == SENSE_ILLEGAL_REQUEST && bits & 0x10;
		s.field_in_segment = s.key == SENSE_COPY_ABORTED && bits & 0x10;
		s.field_byte = cur_be16(&in);
		s.field_bit_valid = bits & 0x20;
		s.field_bit = s.field_bit_valid ? cur_u8(&in) & 7 : 0;
	}
	again(&s);
	/* An INFORMATION that does not fit is left out, not cut. */
	if (!s.descriptor) {
		uint8_t buf[SENSE_MAX_BYTES];
		struct sense big = s;
		struct sense back;

		big.info_valid = true;
		big.info = cur_be64(&in) | 1ull << 32;
		check(sense_decode(buf, sense_encode(&big, buf), &back) == 0);
		check(!back.info_valid && back.info == 0 && back.asc == s.asc);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	bytes(data, len);
	fields(cur_of(data, len));
	return 0;
}
