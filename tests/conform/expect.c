/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Demands on answers, and answers in words. */
#include <stdio.h>

#include "test.h"
#include "wire/cdb.h"
#include "wire/sense.h"

static const char *status_text(uint8_t status)
{
	switch (status) {
	case GOOD:
		return "GOOD";
	case CHECK_CONDITION:
		return "CHECK CONDITION";
	case CONDITION_MET:
		return "CONDITION MET";
	case BUSY:
		return "BUSY";
	case RESERVATION_CONFLICT:
		return "RESERVATION CONFLICT";
	case TASK_SET_FULL:
		return "TASK SET FULL";
	case ACA_ACTIVE:
		return "ACA ACTIVE";
	case TASK_ABORTED:
		return "TASK ABORTED";
	default:
		return "a status that there is not";
	}
}

static const char *name_of(struct cmd *c)
{
	const char *name = cdb_opcode_text(c->cdb);
	char bytes[3 * 16 + 1] = "";

	if (c->is_tmf)
		return text_of(c->n->t, "task management function %02x", c->function);
	for (unsigned i = 0; i < c->cdb_len && i < 16; i++)
		(void)snprintf(bytes + (size_t)3 * i, 4, "%02x ", c->cdb[i]);
	return text_of(c->n->t, "%s [%s]", name ? name : "a command", bytes);
}

const char *cmd_text(struct cmd *c)
{
	struct test *t = c->n->t;
	const char *asc = sense_asc_text(c->asc);

	if (!c->done)
		return name_of(c);
	if (c->is_tmf)
		return text_of(t, "%s ended with response code %u", name_of(c), c->code);
	if (c->status != CHECK_CONDITION)
		return text_of(t, "%s ended with %s", name_of(c), status_text(c->status));
	return text_of(t, "%s ended with %s, %s (%04xh)", name_of(c), sense_key_text(c->key),
		       asc ? asc : "an additional code", c->asc);
}

static void answered(struct cmd *c)
{
	if (c->done)
		return;
	if (c->sent)
		cmd_wait(c);
	else
		cmd_run(c);
}

bool is_sense(const struct cmd *c, uint8_t key, uint16_t asc)
{
	return c->done && c->status == CHECK_CONDITION && c->key == key && c->asc == asc;
}

void expect_status(struct cmd *c, uint8_t status)
{
	answered(c);
	EXPECT(c->n->t, c->status == status, "%s; it must end with %s", cmd_text(c),
	       status_text(status));
}

void expect_good(struct cmd *c)
{
	expect_status(c, GOOD);
}

void expect_sense(struct cmd *c, uint8_t key, uint16_t asc)
{
	const char *text = sense_asc_text(asc);

	answered(c);
	EXPECT(c->n->t, is_sense(c, key, asc), "%s; it must end with %s, %s (%04xh)", cmd_text(c),
	       sense_key_text(key), text ? text : "", asc);
}

void expect_key(struct cmd *c, uint8_t key)
{
	answered(c);
	EXPECT(c->n->t, c->status == CHECK_CONDITION && c->key == key, "%s; it must end with %s",
	       cmd_text(c), sense_key_text(key));
}

static void expect_field(struct cmd *c, bool in_cdb, unsigned byte)
{
	EXPECT(c->n->t, !c->field_valid || (c->field_in_cdb == in_cdb && c->field == byte),
	       "%s: the field pointer says byte %u of the %s, it must say byte %u of the %s",
	       cmd_text(c), c->field, c->field_in_cdb ? "CDB" : "parameter list", byte,
	       in_cdb ? "CDB" : "parameter list");
}

void expect_bad_cdb(struct cmd *c, unsigned byte)
{
	expect_sense(c, ILLEGAL_REQUEST, INVALID_FIELD_IN_CDB);
	expect_field(c, true, byte);
}

void expect_bad_parameter(struct cmd *c, unsigned byte)
{
	expect_sense(c, ILLEGAL_REQUEST, INVALID_FIELD_IN_PARAMETERS);
	expect_field(c, false, byte);
}

void expect_code(struct cmd *tmf, uint8_t code)
{
	answered(tmf);
	EXPECT(tmf->n->t, tmf->code == code, "%s; it must be %u", cmd_text(tmf), code);
}
