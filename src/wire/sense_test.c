/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sense data against vectors written by hand, round trips, truncation at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "wire/sense.h"

#include <string.h>

static void expect(const struct sense *s, const uint8_t *want, size_t want_len)
{
	uint8_t buf[SENSE_MAX_BYTES + 1];
	size_t n;

	memset(buf, 0xee, sizeof(buf));
	n = sense_encode(s, buf);
	assert_int_equal(n, want_len);
	assert_memory_equal(buf, want, want_len);
	assert_int_equal(buf[n], 0xee); /* not one byte more */
}

static void fixed_vectors(void **state)
{
	static const uint8_t plain[] = {
		0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x29, 0, 0, 0, 0, 0
	};
	static const uint8_t medium[] = { 0xf0, 0, 3, 0x01, 0x02, 0x03, 0x04, 10, 0,
					  0,    0, 0, 0x11, 0,    0,    0,    0,  0 };
	static const uint8_t far[] = {
		0x70, 0, 3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x0c, 0, 0, 0, 0, 0
	};
	static const uint8_t field[] = { 0x70, 0, 5, 0,    0, 0, 0,    10, 0,
					 0,    0, 0, 0x24, 0, 0, 0xcb, 0,  2 };

	(void)state;
	expect(&(struct sense){ .key = 6, .asc = 0x2900 }, plain, sizeof(plain));
	expect(&(struct sense){ .key = 3, .asc = 0x1100, .info_valid = true, .info = 0x01020304 },
	       medium, sizeof(medium));
	/* an LBA beyond 32 bits has no room in fixed format */
	expect(&(struct sense){ .key = 3, .asc = 0x0c00, .info_valid = true, .info = 1ull << 32 },
	       far, sizeof(far));
	expect(&(struct sense){ .key = 5,
				.asc = ASC_INVALID_FIELD_IN_CDB,
				.field_valid = true,
				.field_in_cdb = true,
				.field_bit_valid = true,
				.field_bit = 3,
				.field_byte = 2 },
	       field, sizeof(field));
}

static void progress(void **state)
{
	static const uint8_t fixed[] = { 0x70, 0, 2, 0,    0,    0, 0,    10,   0,
					 0,    0, 0, 0x04, 0x1b, 0, 0x80, 0x12, 0x34 };
	static const uint8_t desc[] = {
		0x72, 2, 4, 4, 0, 0, 0, 8, 2, 6, 0, 0, 0x80, 0xff, 0xff, 0
	};
	struct sense s = { .key = 2, .asc = 0x041b, .progress_valid = true, .progress = 0x1234 };
	struct sense got;

	(void)state;
	expect(&s, fixed, sizeof(fixed));
	assert_int_equal(sense_decode(fixed, sizeof(fixed), &got), 0);
	assert_true(got.progress_valid && got.progress == 0x1234 && !got.field_valid);
	s.descriptor = true;
	s.asc = 0x0404;
	s.progress = 0xffff;
	expect(&s, desc, sizeof(desc));
	assert_int_equal(sense_decode(desc, sizeof(desc), &got), 0);
	assert_true(got.progress_valid && got.progress == 0xffff && !got.field_valid);
}

/* Of a segment of a copy that was aborted. */
static void segment_field(void **state)
{
	static const uint8_t fixed[] = { 0x70, 0, 10, 0, 0, 0, 0,    10, 0,
					 0,    0, 3,  0, 0, 0, 0xa0, 0,  20 };
	struct sense s = { .key = SENSE_COPY_ABORTED,
			   .specific = 3,
			   .field_valid = true,
			   .field_in_segment = true,
			   .field_byte = 20 };
	struct sense got;

	(void)state;
	expect(&s, fixed, sizeof(fixed));
	assert_int_equal(sense_decode(fixed, sizeof(fixed), &got), 0);
	assert_true(got.field_valid && got.field_in_segment && !got.field_in_cdb);
	assert_int_equal(got.field_byte, 20);
	assert_int_equal(got.specific, 3);
}

static void descriptor_vectors(void **state)
{
	static const uint8_t plain[] = { 0x72, 2, 4, 2, 0, 0, 0, 0 };
	static const uint8_t both[] = { 0x72, 5, 0x21, 0, 0, 0, 0, 20, 0x00, 0x0a, 0x80, 0, 0, 0,
					0,    1, 0,    0, 0, 0, 2, 6,  0,    0,    0xc0, 0, 2, 0 };

	(void)state;
	expect(&(struct sense){ .descriptor = true, .key = 2, .asc = 0x0402 }, plain,
	       sizeof(plain));
	expect(&(struct sense){ .descriptor = true,
				.key = 5,
				.asc = 0x2100,
				.info_valid = true,
				.info = 1ull << 32,
				.field_valid = true,
				.field_in_cdb = true,
				.field_byte = 2 },
	       both, sizeof(both));
}

static struct sense random_sense(struct prng *r)
{
	struct sense s = { .descriptor = prng_below(r, 2),
			   .deferred = prng_below(r, 2),
			   .key = (uint8_t)prng_below(r, 16),
			   .asc = (uint16_t)prng_u64(r) };

	if (prng_below(r, 2)) {
		s.info_valid = true;
		s.info = prng_u64(r);
		if (!s.descriptor)
			s.info = (uint32_t)s.info;
	}
	if (prng_below(r, 2)) {
		s.key = SENSE_ILLEGAL_REQUEST;
		s.field_valid = true;
		s.field_in_cdb = prng_below(r, 2);
		s.field_byte = (uint16_t)prng_u64(r);
		s.field_bit_valid = prng_below(r, 2);
		s.field_bit = s.field_bit_valid ? (uint8_t)prng_below(r, 8) : 0;
	}
	return s;
}

static void same(const struct sense *a, const struct sense *b)
{
	assert_int_equal(a->descriptor, b->descriptor);
	assert_int_equal(a->deferred, b->deferred);
	assert_int_equal(a->key, b->key);
	assert_int_equal(a->asc, b->asc);
	assert_int_equal(a->info_valid, b->info_valid);
	assert_int_equal(a->info, b->info);
	assert_int_equal(a->field_valid, b->field_valid);
	assert_int_equal(a->field_in_cdb, b->field_in_cdb);
	assert_int_equal(a->field_bit_valid, b->field_bit_valid);
	assert_int_equal(a->field_bit, b->field_bit);
	assert_int_equal(a->field_byte, b->field_byte);
}

static void round_trip(void **state)
{
	struct prng r = prng_of(7);

	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct sense s = random_sense(&r), got;
		uint8_t buf[SENSE_MAX_BYTES];
		size_t n = sense_encode(&s, buf);

		assert_true(n <= SENSE_MAX_BYTES);
		assert_int_equal(sense_decode(buf, n, &got), 0);
		same(&s, &got);
	}
}

/* Cut anywhere: no field may be invented, and the key survives as soon as its byte is there. */
static void truncation(void **state)
{
	struct prng r = prng_of(9);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct sense s = random_sense(&r), got;
		uint8_t buf[SENSE_MAX_BYTES];
		size_t n = sense_encode(&s, buf);

		for (size_t cut = 0; cut < n; cut++) {
			if (cut < 3) {
				assert_int_equal(sense_decode(buf, cut, &got), SENSE_E_FORMAT);
				continue;
			}
			assert_int_equal(sense_decode(buf, cut, &got), 0);
			assert_int_equal(got.key, s.key);
			if (got.info_valid)
				assert_int_equal(got.info, s.info);
			if (got.field_valid)
				assert_int_equal(got.field_byte, s.field_byte);
		}
	}
}

static void garbage(void **state)
{
	struct prng r = prng_of(11);
	struct sense got;
	uint8_t buf[64];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		size_t n = prng_below(&r, sizeof(buf) + 1);

		for (size_t k = 0; k < n; k++)
			buf[k] = (uint8_t)prng_u64(&r);
		if (n && prng_below(&r, 2))
			buf[0] = (uint8_t)(0x70 + prng_below(&r, 4));
		if (sense_decode(buf, n, &got) == 0)
			assert_in_range(buf[0] & 0x7f, 0x70, 0x73);
	}
	buf[0] = 0x6f;
	assert_int_equal(sense_decode(buf, sizeof(buf), &got), SENSE_E_FORMAT);
	buf[0] = 0x74;
	assert_int_equal(sense_decode(buf, sizeof(buf), &got), SENSE_E_FORMAT);
}

static void texts(void **state)
{
	(void)state;
	assert_string_equal(sense_key_text(SENSE_DATA_PROTECT), "DATA PROTECT");
	assert_string_equal(sense_asc_text(0x2707), "SPACE ALLOCATION FAILED WRITE PROTECT");
	assert_null(sense_asc_text(0xffff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_vectors), cmocka_unit_test(descriptor_vectors),
		cmocka_unit_test(progress),      cmocka_unit_test(segment_field),
		cmocka_unit_test(round_trip),    cmocka_unit_test(truncation),
		cmocka_unit_test(garbage),       cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
