/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sense data, SPC-5 4.4: fixed (70h, 71h) and descriptor (72h, 73h) format. */
#include "wire/sense.h"

#include "base/cur.h"

#define FIXED_LEN       18u
#define DESC_HEADER_LEN 8u
#define DESC_INFO       0x00
#define DESC_INFO_LEN   12u
#define DESC_SPECIFIC   0x01
#define DESC_SKS        0x02
#define DESC_SKS_LEN    8u
#define SKS_VALID       0x80
#define SKS_IN_CDB      0x40
#define SKS_IN_SEGMENT  0x20
#define SKS_BIT_VALID   0x08
#define FIXED_VALID     0x80 /* byte 0: INFORMATION is */

static void sks_put(struct pen *out, const struct sense *s)
{
	uint8_t flags = SKS_VALID;

	if (s->progress_valid) {
		pen_u8(out, SKS_VALID);
		pen_be16(out, s->progress);
		return;
	}
	if (!s->field_valid) {
		pen_zero(out, 3);
		return;
	}
	if (s->field_in_cdb)
		flags |= SKS_IN_CDB;
	if (s->field_in_segment)
		flags |= SKS_IN_SEGMENT;
	if (s->field_bit_valid)
		flags |= (uint8_t)(SKS_BIT_VALID | (s->field_bit & 7));
	pen_u8(out, flags);
	pen_be16(out, s->field_byte);
}

static void fixed_put(struct pen *out, const struct sense *s)
{
	bool info = s->info_valid && s->info <= UINT32_MAX;

	pen_u8(out, (uint8_t)((s->deferred ? 0x71 : 0x70) | (info ? FIXED_VALID : 0)));
	pen_u8(out, 0);
	pen_u8(out, s->key & 0xf);
	pen_be32(out, info ? (uint32_t)s->info : 0);
	pen_u8(out, FIXED_LEN - 8);
	pen_be32(out, s->specific);
	pen_be16(out, s->asc);
	pen_u8(out, 0); /* field replaceable unit */
	sks_put(out, s);
}

static void desc_put(struct pen *out, const struct sense *s)
{
	bool sks = s->field_valid || s->progress_valid;
	unsigned more = (s->info_valid ? DESC_INFO_LEN : 0) + (s->specific ? DESC_INFO_LEN : 0) +
			(sks ? DESC_SKS_LEN : 0);

	pen_u8(out, s->deferred ? 0x73 : 0x72);
	pen_u8(out, s->key & 0xf);
	pen_be16(out, s->asc);
	pen_zero(out, 3);
	pen_u8(out, (uint8_t)more);
	if (s->info_valid) {
		pen_u8(out, DESC_INFO);
		pen_u8(out, DESC_INFO_LEN - 2);
		pen_u8(out, 0x80); /* VALID */
		pen_u8(out, 0);
		pen_be64(out, s->info);
	}
	if (s->specific) {
		pen_u8(out, DESC_SPECIFIC);
		pen_u8(out, DESC_INFO_LEN - 2);
		pen_be16(out, 0);
		pen_be64(out, s->specific);
	}
	if (sks) {
		pen_u8(out, DESC_SKS);
		pen_u8(out, DESC_SKS_LEN - 2);
		pen_zero(out, 2);
		sks_put(out, s);
		pen_u8(out, 0);
	}
}

size_t sense_encode(const struct sense *s, uint8_t *buf)
{
	struct pen out = pen_of(buf, SENSE_MAX_BYTES);

	if (s->descriptor)
		desc_put(&out, s);
	else
		fixed_put(&out, s);
	return out.pos;
}

static void sks_get(struct cur *in, struct sense *s)
{
	uint8_t flags = cur_u8(in);
	uint16_t byte = cur_be16(in);

	if (in->bad || !(flags & SKS_VALID))
		return;
	if (s->key == SENSE_NOT_READY || s->key == SENSE_NO_SENSE) {
		s->progress_valid = true;
		s->progress = byte;
	}
	if (s->key != SENSE_ILLEGAL_REQUEST && s->key != SENSE_COPY_ABORTED)
		return; /* retry counts and the like */
	s->field_valid = true;
	s->field_in_cdb = s->key == SENSE_ILLEGAL_REQUEST && flags & SKS_IN_CDB;
	s->field_in_segment = s->key == SENSE_COPY_ABORTED && flags & SKS_IN_SEGMENT;
	s->field_bit_valid = flags & SKS_BIT_VALID;
	s->field_bit = s->field_bit_valid ? flags & 7 : 0;
	s->field_byte = byte;
}

static void fixed_get(struct cur *in, bool info_valid, struct sense *s)
{
	cur_skip(in, 1);
	s->key = cur_u8(in) & 0xf;
	s->info = cur_be32(in);
	s->info_valid = info_valid && !in->bad;
	if (!s->info_valid)
		s->info = 0;
	cur_skip(in, 1);
	s->specific = cur_be32(in);
	if (in->bad)
		s->specific = 0;
	s->asc = cur_be16(in);
	cur_skip(in, 1);
	sks_get(in, s);
}

static void desc_get(struct cur *in, struct sense *s)
{
	size_t more;

	s->key = cur_u8(in) & 0xf;
	s->asc = cur_be16(in);
	cur_skip(in, 3);
	more = cur_u8(in);
	more = min_size(more, cur_left(in));
	while (more >= 2) {
		uint8_t type = cur_u8(in);
		size_t len = cur_u8(in);
		struct cur d;

		more -= 2;
		if (len > more)
			return;
		d = cur_of(cur_take(in, len), len);
		more -= len;
		if (type == DESC_INFO && len == DESC_INFO_LEN - 2) {
			s->info_valid = cur_u8(&d) & 0x80;
			cur_skip(&d, 1);
			s->info = s->info_valid ? cur_be64(&d) : 0;
		} else if (type == DESC_SPECIFIC && len == DESC_INFO_LEN - 2) {
			cur_skip(&d, 2 + 4);
			s->specific = cur_be32(&d);
		} else if (type == DESC_SKS && len == DESC_SKS_LEN - 2) {
			cur_skip(&d, 2);
			sks_get(&d, s);
		}
	}
}

int sense_decode(const void *p, size_t len, struct sense *ret)
{
	struct cur in = cur_of(p, len);
	struct sense s = { 0 };
	uint8_t first = cur_u8(&in);
	uint8_t format = first & 0x7f;

	if (len < 3 || format < 0x70 || format > 0x73)
		return SENSE_E_FORMAT;
	s.descriptor = format >= 0x72;
	s.deferred = format & 1;
	if (s.descriptor)
		desc_get(&in, &s);
	else
		fixed_get(&in, first & FIXED_VALID, &s);
	*ret = s;
	return 0;
}

const char *sense_key_text(uint8_t key)
{
	static const char *const text[16] = {
		"NO SENSE",         "RECOVERED ERROR", "NOT READY",      "MEDIUM ERROR",
		"HARDWARE ERROR",   "ILLEGAL REQUEST", "UNIT ATTENTION", "DATA PROTECT",
		"BLANK CHECK",      "VENDOR SPECIFIC", "COPY ABORTED",   "ABORTED COMMAND",
		"reserved key 0Ch", "VOLUME OVERFLOW", "MISCOMPARE",     "COMPLETED",
	};

	return text[key & 0xf];
}

static const struct {
	uint16_t asc;
	const char *text;
} asc_texts[] = {
	{ 0x0000, "NO ADDITIONAL SENSE INFORMATION" },
	{ 0x0016, "OPERATION IN PROGRESS" },
	{ 0x0400, "LOGICAL UNIT NOT READY, CAUSE NOT REPORTABLE" },
	{ 0x0401, "LOGICAL UNIT IS IN PROCESS OF BECOMING READY" },
	{ 0x0402, "LOGICAL UNIT NOT READY, INITIALIZING COMMAND REQUIRED" },
	{ 0x0403, "LOGICAL UNIT NOT READY, MANUAL INTERVENTION REQUIRED" },
	{ 0x040a, "LOGICAL UNIT NOT ACCESSIBLE, ASYMMETRIC ACCESS STATE TRANSITION" },
	{ 0x040b, "LOGICAL UNIT NOT ACCESSIBLE, TARGET PORT IN STANDBY STATE" },
	{ 0x040c, "LOGICAL UNIT NOT ACCESSIBLE, TARGET PORT IN UNAVAILABLE STATE" },
	{ 0x0412, "LOGICAL UNIT NOT READY, OFFLINE" },
	{ 0x0404, "LOGICAL UNIT NOT READY, FORMAT IN PROGRESS" },
	{ 0x041b, "LOGICAL UNIT NOT READY, SANITIZE IN PROGRESS" },
	{ 0x0800, "LOGICAL UNIT COMMUNICATION FAILURE" },
	{ 0x0c00, "WRITE ERROR" },
	{ 0x0d01, "THIRD PARTY DEVICE FAILURE" },
	{ 0x0d02, "COPY TARGET DEVICE NOT REACHABLE" },
	{ 0x0d03, "INCORRECT COPY TARGET DEVICE TYPE" },
	{ 0x0e03, "INVALID FIELD IN COMMAND INFORMATION UNIT" },
	{ 0x1100, "UNRECOVERED READ ERROR" },
	{ 0x1a00, "PARAMETER LIST LENGTH ERROR" },
	{ 0x1d00, "MISCOMPARE DURING VERIFY OPERATION" },
	{ 0x2000, "INVALID COMMAND OPERATION CODE" },
	{ 0x2100, "LOGICAL BLOCK ADDRESS OUT OF RANGE" },
	{ 0x2301, "INVALID TOKEN OPERATION, UNSUPPORTED TOKEN TYPE" },
	{ 0x2304, "INVALID TOKEN OPERATION, TOKEN UNKNOWN" },
	{ 0x2307, "INVALID TOKEN OPERATION, TOKEN EXPIRED" },
	{ 0x2308, "INVALID TOKEN OPERATION, TOKEN CANCELLED" },
	{ 0x2309, "INVALID TOKEN OPERATION, TOKEN DELETED" },
	{ 0x230a, "INVALID TOKEN OPERATION, INVALID TOKEN LENGTH" },
	{ 0x2400, "INVALID FIELD IN CDB" },
	{ 0x2500, "LOGICAL UNIT NOT SUPPORTED" },
	{ 0x2600, "INVALID FIELD IN PARAMETER LIST" },
	{ 0x2604, "INVALID RELEASE OF PERSISTENT RESERVATION" },
	{ 0x2606, "TOO MANY TARGET DESCRIPTORS" },
	{ 0x2607, "UNSUPPORTED TARGET DESCRIPTOR TYPE CODE" },
	{ 0x2608, "TOO MANY SEGMENT DESCRIPTORS" },
	{ 0x2609, "UNSUPPORTED SEGMENT DESCRIPTOR TYPE CODE" },
	{ 0x260a, "UNEXPECTED INEXACT SEGMENT" },
	{ 0x260b, "INLINE DATA LENGTH EXCEEDED" },
	{ 0x260d, "COPY SEGMENT GRANULARITY VIOLATION" },
	{ 0x2700, "WRITE PROTECTED" },
	{ 0x2707, "SPACE ALLOCATION FAILED WRITE PROTECT" },
	{ 0x2800, "NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED" },
	{ 0x2900, "POWER ON, RESET, OR BUS DEVICE RESET OCCURRED" },
	{ 0x2903, "BUS DEVICE RESET FUNCTION OCCURRED" },
	{ 0x2907, "I_T NEXUS LOSS OCCURRED" },
	{ 0x2a01, "MODE PARAMETERS CHANGED" },
	{ 0x2a03, "RESERVATIONS PREEMPTED" },
	{ 0x2a04, "RESERVATIONS RELEASED" },
	{ 0x2a05, "REGISTRATIONS PREEMPTED" },
	{ 0x2a06, "ASYMMETRIC ACCESS STATE CHANGED" },
	{ 0x2a09, "CAPACITY DATA HAS CHANGED" },
	{ 0x2c07, "PREVIOUS BUSY STATUS" },
	{ 0x2c09, "PREVIOUS RESERVATION CONFLICT STATUS" },
	{ 0x2e02, "COMMAND TIMEOUT DURING PROCESSING" },
	{ 0x2f00, "COMMANDS CLEARED BY ANOTHER INITIATOR" },
	{ 0x3100, "MEDIUM FORMAT CORRUPTED" },
	{ 0x3101, "FORMAT COMMAND FAILED" },
	{ 0x3103, "SANITIZE COMMAND FAILED" },
	{ 0x3807, "THIN PROVISIONING SOFT THRESHOLD REACHED" },
	{ 0x3900, "SAVING PARAMETERS NOT SUPPORTED" },
	{ 0x3a00, "MEDIUM NOT PRESENT" },
	{ 0x3f03, "INQUIRY DATA HAS CHANGED" },
	{ 0x3f0e, "REPORTED LUNS DATA HAS CHANGED" },
	{ 0x4400, "INTERNAL TARGET FAILURE" },
	{ 0x4401, "PERSISTENT RESERVATION INFORMATION LOST" },
	{ 0x4900, "INVALID MESSAGE ERROR" },
	{ 0x4b00, "DATA PHASE ERROR" },
	{ 0x5302, "MEDIUM REMOVAL PREVENTED" },
	{ 0x5504, "INSUFFICIENT REGISTRATION RESOURCES" },
	{ 0x550c, "INSUFFICIENT RESOURCES TO CREATE ROD TOKEN" },
	{ 0x5e03, "IDLE CONDITION ACTIVATED BY COMMAND" },
	{ 0x5e04, "STANDBY CONDITION ACTIVATED BY COMMAND" },
	{ 0x670a, "SET TARGET PORT GROUPS COMMAND FAILED" },
};

const char *sense_asc_text(uint16_t asc)
{
	for (size_t i = 0; i < ARRAY_SIZE(asc_texts); i++)
		if (asc_texts[i].asc == asc)
			return asc_texts[i].text;
	return NULL;
}
