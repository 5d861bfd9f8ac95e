/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/transport_id.h"

static const uint8_t vector[TRANSPORT_ID_BYTES] = { 0x04, 0, 0, 0, 0, 0,  0,  0,  1,  2,  3,  4,
						    5,    6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

static void known(void **state)
{
	struct cur in = cur_of(vector, sizeof(vector));
	uint8_t buf[TRANSPORT_ID_BYTES];
	struct pen out = pen_of(buf, sizeof(buf));
	struct transport_id id = { 0 };

	(void)state;
	assert_int_equal(transport_id_decode(&in, &id), 0);
	assert_int_equal(cur_left(&in), 0);
	assert_int_equal(id.protocol, TRANSPORT_ID_SRP);
	assert_memory_equal(id.name, vector + 8, 16);
	transport_id_encode(&id, &out);
	assert_false(out.bad);
	assert_memory_equal(buf, vector, sizeof(vector));
}

static void truncated(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(vector); len++) {
		struct cur in = cur_of(vector, len);
		struct transport_id id = { .protocol = 9 };

		assert_int_equal(transport_id_decode(&in, &id), TRANSPORT_ID_E_TRUNCATED);
		assert_int_equal(id.protocol, 9);
	}
}

/* Every first byte; the reserved bytes behind it are not looked at. */
static void formats(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 256; first++) {
		uint8_t buf[TRANSPORT_ID_BYTES];
		struct cur in = cur_of(buf, sizeof(buf));
		struct transport_id id;

		memset(buf, 0xff, sizeof(buf));
		buf[0] = (uint8_t)first;
		assert_int_equal(transport_id_decode(&in, &id),
				 (first & 0xcf) == 4 ? 0 : TRANSPORT_ID_E_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known),
		cmocka_unit_test(truncated),
		cmocka_unit_test(formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
