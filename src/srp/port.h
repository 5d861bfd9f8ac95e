/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Target ports and their I_T nexuses: who is logged in, who may log in, who must leave. Owned by the
 * control worker; channels live elsewhere and are known here by an entry the caller embeds.
 *
 * A login takes two visits, because the channel is built on another worker in between:
 *   1. port_login():  enabled? limits? finds or makes the nexus, puts the entry on its list (so before
 *                     anything can complete on its queue pair, INV-6), and condemns the nexus's other
 *                     channels when the login is a single-channel one;
 *   2. port_admit():  asked by the channel when its queue pair is ready. Decided at once or, after a
 *                     single-channel login or in a nexus that follows one that ended, when the last older
 *                     channel said port_quiet(), so no old command can still do anything when the reply
 *                     goes out (INV-25). Port disabled or
 *                     entry condemned meanwhile: refused (INV-3, INV-21).
 * Decisions, evictions and request limits come out of three queues: after every call that says so, drain
 * port_next_close(), port_next_limit() and port_next_admission() and post what they return to the channels'
 * workers.
 *
 * A nexus ends with its last channel that goes on, although the entries of channels that close stay until they are
 * released. A login that comes then is a new nexus, whose logins are all admitted when the old one can do nothing
 * any more (port_nexus_over()), as if it waited for the end of it.
 *
 * Credits: the channels of a nexus share what port_limits.nexus_credits says in equal parts. A channel
 * that joins or leaves changes the parts of the others, while they live (CHAN_EV_SET_LIMIT).
 *
 * Nexus key: initiator and target port identifier; when the GUID half of the initiator's identifier is
 * zero, the peer's address too. Soft iWARP hosts all present sixteen zero bytes, and without the
 * address two of them would evict each other for ever.
 */
#pragma once

#include "base/list.h"
#include "wire/srp.h"

#define PORT_ADDR_BYTES 16u

/* The peer's address without its port number: IPv4 or IPv6 bytes, or a GID. */
struct port_addr {
	uint8_t len; /* <= PORT_ADDR_BYTES */
	uint8_t bytes[PORT_ADDR_BYTES];
};

struct port_nexus {
	struct list node; /* on the port's list of nexuses, or of free ones */
	struct srp_port_id initiator;
	struct srp_port_id target;
	struct port_addr addr; /* len 0 when it is not part of the key */
	struct list chans;     /* struct port_chan, oldest first */
	unsigned n_chans;      /* >= 1 while on the port's list */
	/* Of the same key: the one that ended before and is not gone, and the one that came after. May be NULL. */
	struct port_nexus *before;
	struct port_nexus *after;
	void *user; /* the caller's: the SCSI session of this nexus; NULL in a new nexus */
};

enum port_close {
	PORT_KEEP,
	PORT_CLOSE_EVICTED,  /* step CHAN_EV_EVICTED */
	PORT_CLOSE_DISABLED, /* step CHAN_EV_PORT_DISABLED */
	PORT_CLOSE_SESSION   /* step CHAN_EV_CLOSE_SESSION */
};

/* Embedded by the caller beside its channel. Fields are for reading only. */
struct port_chan {
	struct list node;       /* on its nexus */
	struct list close_node; /* queued for port_next_close() */
	struct list admit_node; /* waiting, or queued for port_next_admission() */
	struct list limit_node; /* queued for port_next_limit() */
	struct port *port;      /* NULL: not logged in */
	struct port_nexus *nexus;
	uint64_t seq;          /* order of logins */
	enum port_close close; /* why it must leave; KEEP: it need not */
	uint32_t limit;        /* request limit: of its login, then as last changed */
	uint64_t bytes;        /* memory it takes */
	bool single;           /* it asked for the single-channel action */
	bool closing;          /* it said port_closing(): it serves no more ... */
	bool quiet;            /* ... and port_quiet(): its last task has ended */
	bool admission_asked;
	bool admission_decided;
	bool evicted_some; /* its login condemned another channel */
	uint32_t reject;   /* decided: 0 admitted, else enum srp_rej_reason */
	uint8_t result;    /* admitted: SRP_LOGIN_RESULT_* */
};

/* What one initiator may have; may change while channels live. */
struct port_limits {
	unsigned max_chans_per_nexus; /* 0: 64 */
	uint32_t max_limit;           /* request limit of a channel at most; >= PORT_LIMIT_MIN */
	uint32_t nexus_credits;       /* of all channels of a nexus together; 0: not limited */
	uint64_t nexus_bytes; /* memory of all channels of a nexus together; 0: not limited */
};

#define PORT_LIMIT_MIN \
	4u /* a share of the credits never gets smaller; the login is refused instead */

struct port {
	struct list node; /* the caller's list of ports */
	struct srp_port_id id;
	bool enabled;
	unsigned max_chans; /* in all; >= 1 */
	struct port_limits limits;
	unsigned n_chans; /* entries logged in and not released: the refcount of INV-20 */
	unsigned n_nexuses;
	uint64_t seq;
	struct list nexuses; /* struct port_nexus, oldest first */
	struct list free;    /* struct port_nexus */
	struct list closes;  /* struct port_chan.close_node */
	struct list admits;  /* struct port_chan.admit_node, decided */
	struct list told;    /* struct port_chan.limit_node, whose limit changed */
	void *user;          /* the caller's */
};

struct port_config {
	struct srp_port_id id;
	unsigned max_chans; /* 0: as many as @n_pool */
	struct port_limits limits;
	struct port_nexus *pool; /* stays the caller's, must live as long as the port */
	unsigned n_pool;         /* nexuses at @pool, >= 1 */
};

struct port_login {
	struct srp_port_id initiator;
	struct srp_port_id target; /* as in the login; kept in the key */
	struct port_addr addr;     /* of the peer */
	uint64_t bytes;            /* memory its channel will take */
	bool single;               /* login_result.single */
};

/* Set up a disabled port. Context of everything here: the control worker. */
void port_init(struct port *p, const struct port_config *cfg);

/* The port must be disabled and empty; panics otherwise (INV-20). */
void port_deinit(struct port *p);

/**
 * port_find() - the port with identifier @id
 * @ports: list of struct port.node
 *
 * Return: the port, or NULL. An all-zero @id finds nothing unless a port has it; see login_params.any_target.
 */
struct port *port_find(const struct list *ports, const struct srp_port_id *id);

/* From now on logins are taken. */
void port_enable(struct port *p);

/*
 * From now on no login is taken, also none that passed port_login() before (INV-21); every channel is
 * queued for port_next_close(). It is empty when port_release() said so or @n_chans is 0. Drain all queues.
 */
void port_disable(struct port *p);

/* From now on these limits count; the credits of the channels that are there are shared anew. Logins that
 * would not be taken now stay. Drain port_next_limit(). */
void port_set_limits(struct port *p, const struct port_limits *limits);

/**
 * port_login() - first visit of a login that login_check() accepted
 * @pc:    the caller's entry, uninitialised; owned by the port until port_release()
 * @login: copied
 *
 * After success @pc->limit is its request limit. Drain all queues then.
 *
 * Return: 0, or an enum srp_rej_reason: SRP_REJ_RESOURCES (disabled, no nexus left, all channels in use,
 * or this nexus has all the memory it may have), SRP_REJ_CHANNEL_LIMIT (it has all the channels it may
 * have, or another one's share of its credits would be too small). After a refusal nothing was changed and
 * nothing was evicted, and @pc is not logged in.
 */
int port_login(struct port *p, struct port_chan *pc, const struct port_login *login);

/* Second visit: the channel is ready for its reply. Exactly once, unless port_release() comes first.
 * Drain port_next_admission(): the answer is there now or later. */
void port_admit(struct port_chan *pc);

/* The channel serves no more (CHAN_ACT_CLOSING). Drain all queues: others may wait for it. */
void port_closing(struct port_chan *pc);

/*
 * After port_closing(): the last task of the channel has ended, so none of its commands can touch a medium any
 * more, or another command. May be left out before port_release(). Drain port_next_admission().
 */
void port_quiet(struct port_chan *pc);

/* Did every channel of @n say port_quiet()? Then it has ended, and what its session holds at the units must be let go
 * before the next admission is told: the next nexus of this initiator may have waited for that. */
bool port_nexus_over(const struct port_nexus *n);

/*
 * Could a command of an older login of this nexus still do something? To be asked of a port that is on its way
 * out before another one with its identifier takes @login: the nexus is the same (INV-25).
 */
bool port_works(const struct port *p, const struct port_login *login);

/* Ask that channel @pc, or every channel of the nexus, be closed in an orderly way (PORT_CLOSE_SESSION).
 * Drain all queues. */
void port_close_chan(struct port_chan *pc);
void port_close_nexus(struct port_nexus *n);

#define PORT_NEXUS_ENDED \
	BIT(0) /* it was the last channel of its nexus, whose user pointer is in *ret_user */
#define PORT_EMPTY BIT(1) /* no channel is left on this port */

/**
 * port_release() - the channel is gone (CHAN_ACT_RELEASE, or it could not be built after port_login())
 * @pc:       may be freed by the caller afterwards, when no message to the channel is under way
 * @ret_user: set to the nexus's user pointer when the nexus ended, else to NULL
 *
 * Drain all queues.
 *
 * Return: a set of PORT_NEXUS_ENDED and PORT_EMPTY.
 */
unsigned port_release(struct port_chan *pc, void **ret_user);

/* The next channel to be told to leave (pc->close says why), NULL when there is none. Each is returned
 * once per reason; a later PORT_CLOSE_DISABLED of an evicted channel is told too. */
struct port_chan *port_next_close(struct port *p);

/* The next channel whose request limit changed (pc->limit), NULL when there is none; each with the last
 * value only. */
struct port_chan *port_next_limit(struct port *p);

/* The next admission decided (pc->reject, pc->result), NULL when there is none. Each exactly once. */
struct port_chan *port_next_admission(struct port *p);

/* Panic unless the registry is consistent (INV-6, INV-20, INV-21, INV-25). Walks all of it. */
void port_check(const struct port *p);
