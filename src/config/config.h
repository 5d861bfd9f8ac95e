/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The configuration as a plain model. Text in the grammar of scst.conf goes in, structs come out, and
 * two models are compared into a list of operations. Nothing here opens a device, a socket or logs.
 *
 * A model is one allocation tree, owned by whoever called config_load_file(), config_parse() or
 * config_demo() and released by config_free(). It does not change after that, so any number of threads
 * may read it. Pointers into it live as long as it does.
 */
#pragma once

#include <sys/socket.h>

#include "base/log.h"
#include "base/util.h"

#define CONFIG_FILE_MAX       (4u << 20) /* bytes of a file */
#define CONFIG_WORD_MAX       4095u      /* bytes of one word */
#define CONFIG_NAME_MAX       63u        /* bytes of the name of a device, target or group */
#define CONFIG_DEVICES_MAX    16384u
#define CONFIG_TARGETS_MAX    256u
#define CONFIG_GROUPS_MAX     1024u /* per target */
#define CONFIG_PATTERNS_MAX   1024u /* per group */
#define CONFIG_LISTENS_MAX    16u   /* per target */
#define CONFIG_LUN_MAX        255u  /* what the SCSI core maps */
#define CONFIG_WORKERS_MAX    64u
#define CONFIG_ERRORS_MAX     20u
#define CONFIG_DGROUPS_MAX    1024u
#define CONFIG_TPGS_MAX       32u  /* per device group */
#define CONFIG_TPG_PORTS_MAX  255u /* per device group, in all its target groups */
#define CONFIG_SEGMENTS_MAX   16u  /* per device group, where one begins in any of its groups */
#define CONFIG_STPG_TIMEOUT_S 30u

#define CONFIG_DEFAULT_PORT   5555u
#define CONFIG_CONTROL_SOCKET "/run/srptd/srptd.sock"

/* --- the model --- */

/* Where something stands in the file; line and column count from 1 (0: nowhere, as in the demo). */
struct config_pos {
	unsigned line;
	unsigned column; /* in bytes */
};

/* Words at the top of the file. Every field has its value, the default where the file is silent. */
struct config_options {
	char control_socket[108]; /* control_socket PATH */
	char state_dir[192];      /* state_dir PATH; "" (default): nothing outlives the process */
	unsigned workers;         /* workers N; 0 (default): one per online CPU, at most 8 */
	unsigned poll_us;         /* poll_us N, 0..1000000; busy-poll after work; default 0 */
	unsigned store_poll_s;    /* store_poll_s N, 1..86400; default 1 */
	enum log_level log_level; /* log_level error|warn|info|debug; default info */
	unsigned handshake_ms;    /* handshake_ms N, 100..600000; default 5000 */
	unsigned handshakes;      /* max_handshakes N, half-open logins in all; default 1024 */
	unsigned handshakes_per_peer; /* max_handshakes_per_peer N; default 32 */
	unsigned max_conns;           /* max_connections N, 1..1048576; default 4096 */
	unsigned
		logins_per_s; /* max_logins_per_second N, of one address; 0: no limit; default 1000 */
	unsigned faults;      /* faults 0|1: may be asked for on the control socket; default 1 */
};

enum config_handler {
	CONFIG_FILEIO, /* vdisk_fileio: a regular file or a block device */
	CONFIG_NULLIO, /* vdisk_nullio: writes vanish, reads give zeroes */
	CONFIG_RAM,    /* vdisk_ram: memory of the daemon */
	CONFIG_PROXY, /* proxy: a unit of another target; of all below it has the four words that say which */
	CONFIG_HANDLER_COUNT
};

struct config_listen {
	/* AF_INET or AF_INET6, with port; AF_IB: struct config_listen_ib */
	struct sockaddr_storage addr;
	socklen_t addr_len;
	struct config_pos pos;
};

struct config_device {
	char name[CONFIG_NAME_MAX + 1]; /* unique in the file */
	enum config_handler handler;
	char *path; /* filename; fileio only (NULL else), absolute */
	struct config_listen
		connect; /* connect ADDRESS[:PORT]: where the target listens; proxy only */
	uint64_t id_ext,
		ioc_guid; /* so named: the target port there; both 0: its default target; proxy only */
	unsigned lun;     /* lun N, there, 0..16383; default 0; proxy only */
	uint64_t size_bytes;  /* size; multiple of block_bytes. 0 (fileio only): what is there */
	uint32_t block_bytes; /* blocksize: 512 (default), 1024, 2048 or 4096 */
	uint32_t
		physical_bytes; /* physical_blocksize: what the store writes at once; 0: block_bytes */
	bool direct;            /* o_direct; fileio only */
	bool read_only;         /* read_only: for every LUN of it */
	bool write_through; /* write_through: no volatile cache, each write is stable when answered */
	bool nv_cache; /* nv_cache: the cache survives power loss, SYNCHRONIZE CACHE does nothing */
	bool thin;     /* thin_provisioned: offer UNMAP */
	unsigned
		soft_threshold; /* soft_threshold: percent of the size; thin fileio; default 0: none */
	bool rotational;        /* rotational; default 0 */
	bool removable;         /* removable: its medium can be taken out; default 0 */
	bool expl_alua;         /* expl_alua: initiators may set access states; default 0 */
	bool d_sense, swp,
		tas; /* so named, of the control mode page; default 0, as the next three */
	unsigned tst, qerr, ua_intlck; /* 0 or 1; 0, 1 or 3; 0, 2 or 3 */
	int dgroup;                    /* index of the DEVICE_GROUP it is in, -1: none */
	char vendor[9];                /* t10_vend_id; "" where not given, as all below */
	char product[17];              /* prod_id */
	char revision[5];              /* prod_rev_lvl */
	char serial[37];               /* usn */
	char t10_dev_id[49];           /* t10_dev_id */
	char vend_specific_id[33];     /* vend_specific_id */
	struct config_pos pos;
};

struct config_lun {
	uint16_t lun;    /* 0..CONFIG_LUN_MAX */
	unsigned device; /* index in config.devices */
	bool read_only;  /* as the group sees it: its own word or the device's */
	struct config_pos pos;
};

/* A LUN map and who gets it. */
struct config_group {
	char name[CONFIG_NAME_MAX + 1]; /* unique in its target; "" for a target's any_group */
	struct config_lun *luns;        /* ascending by number, no number twice; may be empty */
	unsigned n_luns;
	char **patterns; /* INITIATOR words in the file's order, with their leading '!'; lower case */
	unsigned n_patterns;
	struct config_pos pos;
};

/* "ib:PORT": logins by the InfiniBand CM on every device. */
struct config_listen_ib {
	sa_family_t family; /* AF_IB */
	uint16_t port;      /* network byte order; the low 16 bits of the service id */
};

enum config_driver {
	CONFIG_DRIVER_SRPT, /* TARGET_DRIVER srpt: over RDMA devices where there are, else over iWARP */
	CONFIG_DRIVER_IWARP, /* TARGET_DRIVER iwarp: SRP over user-space iWARP, whatever else there is */
	CONFIG_DRIVER_VERBS, /* TARGET_DRIVER verbs: SRP over RDMA devices, and only over them */
	CONFIG_DRIVER_COUNT
};

struct config_target {
	char name[CONFIG_NAME_MAX + 1]; /* unique in the file, over all drivers */
	enum config_driver driver;
	bool enabled;        /* enabled; default 0, as in SCST: no listener, no login */
	bool default_target; /* default_target: answers logins that name no target (all-zero id) */
	bool allow_any;      /* allow_any: whoever no group matches gets any_group */
	uint64_t id_ext;     /* with ioc_guid unique in the file; together they are the 16-byte */
	uint64_t ioc_guid;   /* target port id, id_ext first, both big-endian */
	unsigned
		rel_tgt_id; /* rel_tgt_id N, 1..65535: its number as a SCSI port; 0 (default): the next */
	unsigned max_channels;               /* max_channels N; default 1024 */
	unsigned max_channels_per_initiator; /* max_channels_per_initiator N; default 64 */
	unsigned credits;                    /* credits N, of a channel, 4..1024; default 129 */
	unsigned
		credits_per_initiator; /* credits_per_initiator N; 0 (default): as many as asked for */
	uint64_t memory_per_initiator; /* max_memory_per_initiator SIZE; 0 (default): no limit */
	unsigned max_immediate;        /* max_immediate N, bytes, 0..65536; default 8192 */
	bool multi_channel;            /* multi_channel; default 1 */
	struct config_listen *listens; /* at least one when enabled; may be shared by targets */
	unsigned n_listens;
	struct config_group *groups; /* in the file's order: the first match counts */
	unsigned n_groups;
	struct config_group any_group; /* the LUNs that stand directly in TARGET; no patterns */
	struct config_pos pos;
};

/* Asymmetric access states by SCST's words. */
#define CONFIG_ACCESS_STATES \
	"active, nonoptimized, standby, unavailable, lba_dependent, offline or transitioning"
enum config_access {
	CONFIG_ACCESS_ACTIVE,
	CONFIG_ACCESS_NONOPTIMIZED,
	CONFIG_ACCESS_STANDBY,
	CONFIG_ACCESS_UNAVAILABLE,
	CONFIG_ACCESS_LBA_DEPENDENT, /* as the SEGMENTs say */
	CONFIG_ACCESS_OFFLINE,
	CONFIG_ACCESS_TRANSITIONING,
	CONFIG_ACCESS_COUNT
};

/* TARGET in a TARGET_GROUP. */
struct config_tpg_port {
	char target[CONFIG_NAME_MAX + 1];
	unsigned rel_tgt_id; /* of one that is not of this file; else 0, or what TARGET says */
	int target_index;    /* in config.targets, -1: a port of another node */
	struct config_pos pos;
};

/* SEGMENT LBA STATE: the state of a TARGET_GROUP from this block up to the next one. */
struct config_segment {
	uint64_t lba;
	enum config_access state; /* active to unavailable */
};

struct config_tpg {
	char name[CONFIG_NAME_MAX + 1]; /* unique in its device group, as is group_id */
	unsigned group_id;              /* group_id N, 0..65535; needed */
	enum config_access state;       /* state WORD; default active */
	bool preferred;                 /* preferred; default 0 */
	struct config_segment segments[CONFIG_SEGMENTS_MAX]; /* ascending, the first one at 0 */
	unsigned n_segments;
	struct config_tpg_port *ports;
	unsigned n_ports;
	struct config_pos pos;
};

/* DEVICE in a DEVICE_GROUP. */
struct config_member {
	char device[CONFIG_NAME_MAX + 1];
	struct config_pos pos; /* of the name */
};

struct config_dgroup {
	char name[CONFIG_NAME_MAX + 1]; /* unique in the file */
	struct config_member *members;  /* a device is in one device group at most */
	unsigned n_members;
	struct config_tpg *tpgs; /* at least one */
	unsigned n_tpgs;
	char *on_stpg;              /* on_stpg PATH; NULL: what initiators ask for is so at once */
	unsigned on_stpg_timeout_s; /* on_stpg_timeout N, seconds, 1..600 */
	struct config_pos pos;
};

struct config {
	struct config_options opts;
	struct config_device *devices; /* in the file's order */
	unsigned n_devices;
	struct config_target *targets;
	unsigned n_targets;
	struct config_dgroup *dgroups;
	unsigned n_dgroups;
};

/* --- errors --- */

struct config_error {
	struct config_pos pos; /* line 0: about the file as a whole */
	char text[232];        /* one sentence: what is wrong, with the word, and what is allowed */
};

struct config_errors {
	char file[256];
	unsigned n;                               /* stored */
	unsigned n_omitted;                       /* found beyond CONFIG_ERRORS_MAX */
	struct config_error e[CONFIG_ERRORS_MAX]; /* by place in the file */
};

/**
 * config_error_format() - "FILE:LINE:COLUMN: sentence" of error @i
 * @i:   < @errs->n
 * @buf: gets the text, cut to @len bytes with its NUL
 */
void config_error_format(const struct config_errors *errs, unsigned i, char *buf, size_t len);

/* --- reading and writing --- */

/**
 * config_load_file() - read a configuration file
 * @ret:  set on success only; the caller's, see config_free()
 * @path: a regular file of at most CONFIG_FILE_MAX bytes
 * @errs: always filled in: n = 0 on success, else every error found, up to the limit
 *
 * Return: 0, -EINVAL (the text is wrong), -ENOMEM, or what opening and reading gave (also in @errs).
 * Context: any thread; reads the file and nothing else.
 */
must_check int config_load_file(struct config **ret, const char *path, struct config_errors *errs);

/**
 * config_parse() - the same for text in memory
 * @text: @len bytes, need not end in NUL; borrowed during the call
 * @name: stands for the file in errors
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
must_check int config_parse(struct config **ret, const char *text, size_t len, const char *name,
			    struct config_errors *errs);

/* Release a model; NULL is accepted; returns NULL. */
struct config *config_free(struct config *c);
DEFINE_CLEANUP(config, struct config *, config_free)

/**
 * config_demo() - the model of `srptd --demo`
 * @ret: set on success; the caller's
 *
 * Target "demo" on 127.0.0.1:5555, default target, open to any: LUN 0 a RAM disk of 256 MiB, LUN 1 a
 * null disk of 1 TiB; ids CONFIG_DEMO_ID_EXT and CONFIG_DEMO_IOC_GUID.
 *
 * Return: 0 or -ENOMEM.
 */
must_check int config_demo(struct config **ret);

#define CONFIG_DEMO_ID_EXT   0x0002c90300a0dd01ull
#define CONFIG_DEMO_IOC_GUID 0x0002c90300a0dd00ull

/**
 * config_format() - the text that parses to @c again
 * @ret_text: set on success; NUL-terminated, the caller free()s it
 *
 * Attributes that have their default value are left out.
 *
 * Return: 0 or -ENOMEM.
 */
must_check int config_format(const struct config *c, char **ret_text);

/* --- questions --- */

/**
 * config_match_group() - which LUN map an initiator gets (the access rule)
 * @t:       the target it logs in to
 * @port_id: its initiator port id as it came in the login
 * @peer:    its address, or NULL where the transport has none; an IPv4-mapped IPv6 address counts as IPv4
 *
 * A pattern is matched, without regard to case, against "0x" and the 32 hex digits of @port_id and
 * against the text of @peer without port. A group matches when one of its patterns does and none of
 * those with a leading '!' does. The first matching group in file order counts; without one, any_group
 * where allow_any is given.
 *
 * Return: the group, of @t's lifetime, or NULL: the login must be refused (default deny).
 * Context: any thread; no allocation.
 */
const struct config_group *config_match_group(const struct config_target *t,
					      const uint8_t port_id[16],
					      const struct sockaddr *peer);

/* Does @text match @glob (* ? [a-f] [!a-f], case ignored)? Time is bounded by len(glob) * len(text). */
bool config_glob(const char *glob, const char *text);

/* The device or target of that name, or NULL. */
const struct config_device *config_device_find(const struct config *c, const char *name);
const struct config_target *config_target_find(const struct config *c, const char *name);
const struct config_dgroup *config_dgroup_find(const struct config *c, const char *name);
/**
 * config_dgroup_segments() - where the segments of all groups of @dg begin
 * @lba: gets the first CONFIG_SEGMENTS_MAX of them, ascending, each once
 *
 * Return: how many there are; more than CONFIG_SEGMENTS_MAX only of a file that is refused.
 */
unsigned config_dgroup_segments(const struct config_dgroup *dg, uint64_t lba[CONFIG_SEGMENTS_MAX]);
/* The state in which @g reaches block @lba: of one without SEGMENTs its own, active if blocks cannot have that. */
enum config_access config_tpg_state_at(const struct config_tpg *g, uint64_t lba);

/* Words of the grammar: "vdisk_fileio", "srpt", ... */
const char *config_handler_name(enum config_handler h);
const char *config_driver_name(enum config_driver d);
const char *config_access_name(enum config_access a);

/* "10.0.0.1:5555" or "[fd00::1]:5555"; at most 56 bytes with the NUL. */
void config_listen_format(const struct config_listen *l, char *buf, size_t len);

/**
 * config_login_line() - what a Linux host writes to add_target to log in
 * @buf: gets "id_ext=...,ioc_guid=...,dest=ADDRESS:PORT"; 128 bytes always suffice
 */
void config_login_line(const struct config_target *t, const struct config_listen *l, char *buf,
		       size_t len);
