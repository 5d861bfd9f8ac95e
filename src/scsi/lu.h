/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A logical unit: what it is (identity, geometry, limits: constant after scsi_lu_init(), any worker
 * may read them) and the state of its device server (owned by the home worker).
 */
#pragma once

#include "scsi/alua.h"
#include "scsi/copy.h"
#include "scsi/erase.h"
#include "scsi/medium.h"
#include "scsi/pr.h"
#include "scsi/set.h"
#include "scsi/token.h"
#include "scsi/ua.h"

#define SCSI_SERIAL_MAX   36    /* bytes of a unit serial number, without the NUL */
#define SCSI_BUFFER_BYTES 4096u /* of WRITE BUFFER and READ BUFFER */
#define SCSI_SELFTEST_MAX 20u

/* Where nothing else is configured. */
#define SCSI_PHYSICAL_MAX         65536u /* bytes of a physical block */
#define SCSI_WRITE_SAME_MAX_BYTES (256ull << 20)
#define SCSI_UNMAP_MAX_BYTES \
	(512ull << 20) /* 2^20 blocks of 512, more than which testers take for an error */

/* What the owner of a store says about it; copied by scsi_lu_init(). */
struct scsi_lu_params {
	const char *vendor;   /* up to 8 printable ASCII characters; NULL: "SRPTD" */
	const char *product;  /* up to 16; NULL: "VIRTUAL-DISK" */
	const char *revision; /* up to 4; NULL: "0001" */
	const char *serial;   /* 1 to SCSI_SERIAL_MAX printable ASCII characters; required */
	uint8_t naa
		[16]; /* NAA designator, network order; first nibble 6 (16 bytes), 2, 3 or 5 (8) */
	uint32_t block_bytes;          /* 512, 1024, 2048 or 4096 */
	uint32_t physical_block_bytes; /* power of two times block_bytes; 0: block_bytes */
	uint32_t lowest_aligned_bytes; /* where the first of these begins, less than one */
	uint64_t size_bytes;           /* rounded down to whole blocks; at least one */
	uint32_t max_transfer_bytes;   /* longest READ/WRITE/VERIFY; 0: not limited */
	uint32_t unmap_grain_bytes;    /* 0: cannot unmap */
	uint64_t max_unmap_bytes;      /* of one UNMAP command; 0: SCSI_UNMAP_MAX_BYTES */
	uint64_t max_write_same_bytes; /* 0: SCSI_WRITE_SAME_MAX_BYTES */
	uint8_t soft_threshold_percent; /* of the size: with less space than that left, a unit attention; 0: none;
					 * at most 99 */
	uint32_t
		atomic_bytes; /* longest write of which a crash leaves all or nothing; 0: none is so */
	bool read_only;
	bool write_cache; /* completed writes may be volatile until a flush */
	bool write_through; /* the store has a cache that nobody is to see: each write is stable when it ends;
			     * without write_cache */
	bool rotational;
	bool removable; /* it has a medium that can be taken out, see medium.h */
	bool keeps;     /* what scsi_lu_save() writes outlives the process */
	bool remote; /* a place in LUN maps for a unit of another target, whose commands are not for us */
	/* Of the control mode page, until MODE SELECT changes it: D_SENSE, and as in struct scsi_mode. */
	bool descriptor_sense, tas, swp;
	uint8_t tst, qerr, ua_intlck;
	const struct scsi_ports
		*ports; /* of the device server; must outlive the unit. NULL: of a nexus
					 * only its own is known */
};

/* Of what a thin unit is made. */
struct scsi_space {
	uint64_t used_bytes;      /* allocated to it */
	uint64_t available_bytes; /* that it could still get */
};

enum scsi_ua_intlck { /* UA_INTLCK_CTRL: a unit attention that was reported with CHECK CONDITION ... */
	SCSI_UA_INTLCK_CLEAR = 0, /* is cleared */
	SCSI_UA_INTLCK_KEEP = 2,  /* stays, until REQUEST SENSE asks for it */
	SCSI_UA_INTLCK_NOTE = 3,  /* and BUSY and RESERVATION CONFLICT establish one */
};

/* What MODE SELECT can change: the control page (SPC-5 7.5.10), the caching page (SBC-4 6.5.6) and the logical block
 * provisioning page (SBC-4 6.5.9). */
struct scsi_mode {
	uint8_t tst;       /* 0: one task set for all nexuses; 1: one for each */
	uint8_t reorder;   /* queue algorithm modifier: 0 restricted, 1 not */
	uint8_t qerr;      /* 0, 1 or 3: whom a CHECK CONDITION aborts */
	uint8_t ua_intlck; /* enum scsi_ua_intlck */
	bool tas;          /* aborted by another nexus: TASK ABORTED instead of silence */
	bool swp;          /* write protected by software */
	bool d_sense;
	bool wce;                /* the write cache is used */
	bool threshold;          /* of a thin unit: who has it is told when space runs out ... */
	uint32_t threshold_sets; /* ... which is so when no more of it is left: not 0 then */
};

enum scsi_count_kind {
	SCSI_COUNT_READ,
	SCSI_COUNT_WRITE,
	SCSI_COUNT_VERIFY,
	SCSI_COUNT_OTHER, /* errors that are not of the medium */
	SCSI_COUNT_KINDS,
};

struct scsi_count {
	uint64_t commands;
	uint64_t bytes;
	uint64_t errors; /* commands that failed */
};

/* What has happened to a unit since it was opened; the caller counts. */
struct scsi_counters {
	struct scsi_count of[SCSI_COUNT_KINDS];
	uint64_t on_ms;   /* since it was opened, by a clock that does not jump */
	uint64_t wall_ms; /* since 1970, by the system's clock, which may */
};

#define SCSI_IDENT_BYTES 64u  /* of peripheral device identifying information */
#define SCSI_TEXT_BYTES  256u /* of text identifying information, with its NUL */

/* What SET IDENTIFYING INFORMATION wrote. */
struct scsi_ident {
	uint16_t ident_len; /* 0: none */
	uint16_t text_len;
	uint8_t ident[SCSI_IDENT_BYTES];
	uint8_t text[SCSI_TEXT_BYTES];
};

enum scsi_selftest_result { /* SPC-5 table 299 */
	SCSI_SELFTEST_PASSED = 0,
	SCSI_SELFTEST_FAILED = 7, /* in the only segment there is */
};

struct scsi_selftest {
	uint8_t code;   /* SELF-TEST CODE of SEND DIAGNOSTIC */
	uint8_t result; /* enum scsi_selftest_result */
	uint64_t lba;   /* of the block that could not be read */
};

#define SCSI_OWED_MAX 64u

/* Unit attentions for a nexus that has not come back since the state of the unit was restored. */
struct scsi_owed {
	struct scsi_pr_nexus nexus;
	struct scsi_uas uas;
};

struct scsi_lu {
	/* constant after scsi_lu_init() */
	char vendor[8 + 1]; /* without padding, NUL at the end; so the next three */
	char product[16 + 1];
	char revision[4 + 1];
	char serial[SCSI_SERIAL_MAX + 1];
	uint8_t naa[16];
	uint8_t naa_len;           /* 8 or 16 */
	uint8_t block_shift;       /* 9 or 12 */
	uint8_t physical_exponent; /* log2 of logical blocks in a physical one */
	uint16_t lowest_aligned;   /* the first logical block that begins one */
	uint32_t block_bytes;
	uint32_t max_transfer_blocks; /* 0: not limited */
	uint32_t unmap_grain_blocks;  /* 0: cannot unmap */
	uint32_t max_unmap_blocks; /* of one command, all descriptors together; 0: cannot unmap */
	uint32_t max_write_same_blocks;
	uint32_t max_caw_blocks;    /* of COMPARE AND WRITE */
	uint32_t max_atomic_blocks; /* of WRITE ATOMIC; 0: cannot */
	uint8_t soft_threshold_percent;
	bool read_only;
	bool write_cache;   /* the store has one; mode.wce says whether it is used */
	bool write_through; /* the store has one, which is never used */
	bool rotational;
	bool removable;
	bool keeps;
	bool remote;
	void *owner; /* the caller's, never looked at: its backend, for example */

	/* home worker */
	uint64_t n_blocks; /* changes with scsi_lu_set_size() */
	bool stopped;      /* by START STOP UNIT: medium commands get NOT READY */
	bool ejected;      /* its medium is out: likewise */
	uint8_t power;     /* enum scsi_power */
	bool gone;         /* by scsi_lu_set_present(): so they do too, and START does not help */
	bool fenced;      /* by scsi_lu_set_fenced(): likewise, whatever the store says of itself */
	bool space_known; /* @space is */
	bool space_low;   /* the soft threshold was passed, and the space has not grown again */
	struct scsi_space space;
	struct list nexuses; /* struct scsi_itl.lu_node: who has it mapped */
	struct scsi_mode mode;
	struct scsi_mode mode_default; /* as configured */
	struct scsi_mode mode_saved;   /* after a reset; the defaults, until something was saved */
	bool mode_is_saved;
	struct scsi_order order;
	const struct scsi_ports *ports;
	struct scsi_pr pr;
	const struct scsi_nexus *reserved;   /* by RESERVE; NULL: by nobody */
	const struct scsi_nexus *echo_owner; /* who wrote @buffer as an echo buffer; NULL: nobody */
	uint8_t buffer[SCSI_BUFFER_BYTES];
	struct scsi_counters counters;      /* when COUNT asked last */
	struct scsi_counters counters_base; /* where LOG SELECT began anew */
	uint32_t n_stops;                   /* by START STOP UNIT */
	struct scsi_ident ident;
	bool timestamp_set;          /* by SET TIMESTAMP */
	uint64_t timestamp_ahead_ms; /* of counters.on_ms then; wraps around */
	struct scsi_alua *alua;      /* NULL: it is reached through all ports alike */
	struct list alua_node;       /* on alua->units */
	bool alua_explicit;
	struct scsi_alua_kept alua_kept; /* until it gets its groups */
	struct scsi_erase erase;
	uint8_t suspend; /* enum scsi_suspend_state */
	unsigned n_owed;
	struct scsi_owed owed[SCSI_OWED_MAX];
	struct scsi_copies copies;
	struct scsi_tokens tokens;
	unsigned n_selftests;                             /* ever */
	struct scsi_selftest selftest[SCSI_SELFTEST_MAX]; /* the last ones, as a ring */
};

/**
 * scsi_lu_init() - describe a logical unit
 * @lu: the caller's memory, stays where it is until scsi_lu_deinit()
 * @p:  copied
 *
 * Return: 0, or -EINVAL when a parameter is outside what struct scsi_lu_params says.
 * Context: home worker.
 */
must_check int scsi_lu_init(struct scsi_lu *lu, const struct scsi_lu_params *p);

/* No nexus may have it mapped any more, and no task may use it. */
void scsi_lu_deinit(struct scsi_lu *lu);

/**
 * scsi_lu_set_size() - the store grew or shrank
 * @size_bytes: rounded down to whole blocks; at least one
 *
 * Every nexus that maps the unit gets CAPACITY DATA HAS CHANGED (2Ah/09h, SBC-4 5.18.1).
 * Return: true when the capacity changed: publish the views of all nexuses of @lu again.
 * Context: home worker.
 */
bool scsi_lu_set_size(struct scsi_lu *lu, uint64_t size_bytes);

/**
 * scsi_lu_set_space() - so much space is left for a unit that can unmap
 *
 * Below the soft threshold every nexus gets THIN PROVISIONING SOFT THRESHOLD REACHED (38h/07h, SBC-4 4.7.3.7), once
 * until there is an eighth more than that again.
 * Return: true when that has happened: publish the views of all nexuses of @lu again.
 * Context: home worker.
 */
bool scsi_lu_set_space(struct scsi_lu *lu, const struct scsi_space *space);

/* Resources of a thin unit are counted in sets of 2^this blocks; 0: they are not counted. */
unsigned scsi_lu_threshold_exponent(const struct scsi_lu *lu);
/* The soft threshold, 0 for none. */
uint64_t scsi_lu_threshold_bytes(const struct scsi_lu *lu);

/**
 * scsi_lu_set_present() - the store went away (medium commands get NOT READY) or came back
 *
 * Return: true when that is news: publish the views of all nexuses of @lu again.
 * Context: home worker.
 */
bool scsi_lu_set_present(struct scsi_lu *lu, bool present);

/**
 * scsi_lu_set_fenced() - I/O of commands that were given up is still under way (medium commands get NOT READY), or has ended
 *
 * Whatever may be written meanwhile, no token is for it.
 * Return: true when that is news: publish the views of all nexuses of @lu again.
 * Context: home worker.
 */
bool scsi_lu_set_fenced(struct scsi_lu *lu, bool fenced);

/**
 * scsi_lu_set_mode() - the mode pages say something else now
 *
 * Return: true when that is news: publish the views of all nexuses of @lu again, and ask scsi_lu_next().
 * Context: home worker. Unit attentions are the caller's.
 */
bool scsi_lu_set_mode(struct scsi_lu *lu, const struct scsi_mode *mode);

/* A self-test has ended. Context: home worker. */
void scsi_selftest_note(struct scsi_lu *lu, unsigned code, enum scsi_selftest_result result,
			uint64_t lba);
