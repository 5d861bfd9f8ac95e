/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/list.h"

struct item {
	int value;
	struct list node;
};

static void test_order_and_removal(void **state)
{
	struct item it[4] = { { .value = 0 }, { .value = 1 }, { .value = 2 }, { .value = 3 } };
	struct list head;
	struct list *pos;
	struct list *tmp;
	int want = 0;

	(void)state;
	list_init(&head);
	list_push(&head, &it[1].node);
	list_push(&head, &it[2].node);
	list_push(&head, &it[3].node);
	list_push_front(&head, &it[0].node);
	list_for_each (pos, &head)
		assert_int_equal(list_entry(pos, struct item, node)->value, want++);
	list_for_each_safe (pos, tmp, &head) {
		if (list_entry(pos, struct item, node)->value % 2)
			list_del(pos);
	}
	assert_ptr_equal(list_pop(&head), &it[0].node);
	assert_ptr_equal(list_pop(&head), &it[2].node);
	assert_null(list_pop(&head));
	list_del(&it[1].node); /* twice is harmless */
}

static void test_splice_keeps_order(void **state)
{
	struct list a;
	struct list b;
	struct list n[3];

	(void)state;
	list_init(&a);
	list_init(&b);
	list_push(&a, &n[0]);
	list_push(&b, &n[1]);
	list_push(&b, &n[2]);
	list_splice(&a, &b);
	assert_true(list_empty(&b));
	list_splice(&a, &b);
	for (unsigned i = 0; i < ARRAY_SIZE(n); i++)
		assert_ptr_equal(list_pop(&a), &n[i]);
	assert_true(list_empty(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_removal),
		cmocka_unit_test(test_splice_keeps_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
