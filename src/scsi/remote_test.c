/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A unit of another target in a LUN map: what goes there, and the little that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "scsi/scsi.h"

struct world {
	struct scsi_lu there, here;
	struct scsi_nexus nexus;
	struct scsi_view view;
	struct scsi_task t;
	uint8_t data[SCSI_DATA_LONG_BYTES];
};

static struct world *world_new(void)
{
	struct scsi_lu_params p = { .serial = "SN-1",
				    .naa = { 0x60, 1 },
				    .block_bytes = 512,
				    .size_bytes = 512,
				    .remote = true };
	const struct scsi_port port = { .protocol = 4 };
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(scsi_lu_init(&w->there, &p), 0);
	p.remote = false;
	p.naa[1] = 2;
	assert_int_equal(scsi_lu_init(&w->here, &p), 0);
	assert_int_equal(scsi_nexus_init(&w->nexus, &port, &port,
					 &(struct scsi_map_entry){ .lu = &w->there, .lun = 0 }, 1),
			 0);
	scsi_view_build(&w->nexus, &w->view);
	return w;
}

static void world_free(struct world *w)
{
	scsi_nexus_deinit(&w->nexus);
	scsi_lu_deinit(&w->there);
	scsi_lu_deinit(&w->here);
	free(w);
}

static enum scsi_route route(struct world *w, uint8_t opcode)
{
	w->t = (struct scsi_task){ .cdb = { opcode },
				   .in_len = 512,
				   .nexus = &w->nexus,
				   .data = w->data,
				   .data_cap = sizeof(w->data) };
	if (opcode == SCSI_OP_REPORT_LUNS)
		put_be32(w->t.cdb + 6, 512);
	return scsi_route(&w->view, &w->t);
}

static uint8_t run(struct world *w)
{
	struct scsi_act a = scsi_task_step(&w->t, &(struct scsi_event){ .type = SCSI_EV_START });

	assert_int_equal(a.type, SCSI_ACT_COMPLETE);
	scsi_view_build(&w->nexus, &w->view);
	return w->t.status;
}

static void test_all_but_the_map_goes_there(void **state)
{
	static const uint8_t opcodes[] = { SCSI_OP_READ_10, SCSI_OP_INQUIRY, SCSI_OP_REQUEST_SENSE,
					   SCSI_OP_TEST_UNIT_READY, 0xee /* none we know */ };
	struct world *w = world_new();

	(void)state;
	for (size_t i = 0; i < sizeof(opcodes); i++)
		assert_int_equal(route(w, opcodes[i]), SCSI_ROUTE_REMOTE);
	assert_ptr_equal(w->t.lu, &w->there);
	assert_int_equal(route(w, SCSI_OP_REPORT_LUNS), SCSI_ROUTE_HOME);
	assert_int_equal(run(w), SCSI_STATUS_GOOD);
	assert_int_equal(get_be32(w->data), 8);
	world_free(w);
}

static void test_news_of_the_map_is_ours(void **state)
{
	struct world *w = world_new();
	const struct scsi_map_entry map[] = { { .lu = &w->there, .lun = 0 },
					      { .lu = &w->here, .lun = 1 } };
	struct scsi_task second;

	(void)state;
	assert_int_equal(scsi_nexus_remap(&w->nexus, map, 2), 1);
	scsi_view_build(&w->nexus, &w->view);
	assert_int_equal(route(w, SCSI_OP_INQUIRY), SCSI_ROUTE_REMOTE); /* tells no attention */
	assert_int_equal(route(w, SCSI_OP_READ_10), SCSI_ROUTE_HOME);
	second = w->t;
	assert_int_equal(run(w), SCSI_STATUS_CHECK_CONDITION);
	assert_int_equal(w->t.sense[2], SENSE_UNIT_ATTENTION);
	assert_int_equal(get_be16(w->t.sense + 12), SCSI_UA_LUNS_CHANGED);
	/* One that came for the same news, which is told: it must not run at a unit that is not there. */
	w->t = second;
	assert_int_equal(run(w), SCSI_STATUS_BUSY);
	assert_int_equal(route(w, SCSI_OP_READ_10), SCSI_ROUTE_REMOTE);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_but_the_map_goes_there),
		cmocka_unit_test(test_news_of_the_map_is_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
