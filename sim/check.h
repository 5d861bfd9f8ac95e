/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What must be true of the target as seen from outside. Each check_*.c judges one kind of promise; here is
 * what they share: excuses. A command that fails, is late or loses its channel needs one, and in a
 * calm world there are none.
 */
#pragma once

#include "sim/host.h"
#include "sim/model_pr.h"
#include "srp/chan.h"

enum excuse {
	EXCUSE_NET,     /* the network misbehaved, or a host did */
	EXCUSE_DISK,    /* a disk did (of one disk) */
	EXCUSE_STOP,    /* somebody stopped a unit (of one disk) */
	EXCUSE_RESET,   /* a LUN reset, a clear task set (of one disk) */
	EXCUSE_REMAP,   /* a reload of the configuration */
	EXCUSE_CLOSE,   /* the target closes channels: disable, reload, shutdown */
	EXCUSE_DIED,    /* the target died, or its device went away */
	EXCUSE_MEMORY,  /* an allocation failed, or another call that we made fail */
	EXCUSE_SUSPEND, /* an operator suspends a disk: commands are late */
	EXCUSE_SLOW,    /* a worker was held up, or all is slow */
	EXCUSE_COUNT
};

/* It happens now; of @disk, -1: to everybody. */
void excuse(enum excuse e, int disk);
/* It goes on until then. */
void excuse_until(enum excuse e, int disk, uint64_t until_ns);
/* It goes on from now on, or no more. */
void excuse_hold(enum excuse e, int disk, bool on);
/* Likewise, for what several may do at a time: it goes on until each has ended it. */
void excuse_begin(enum excuse e, int disk);
void excuse_end(enum excuse e, int disk);
/* Did it happen since @tick (of sched_tick()), or does it now? */
bool excused(enum excuse e, int disk, uint64_t tick);
/* Did something of a set that was said to go on until a time still go on at @since_ns? It may be over by now. */
bool excused_until(unsigned set, int disk, uint64_t since_ns);
/* A disk, whichever: one that misbehaves delays what others want of it, too; a task management function, say. */
bool excused_disks(uint64_t tick);
/* How long what the workers tell each other may take now. */
uint64_t held_up_ns(void);
/* May a worker stand still for long? */
bool is_held_up(void);
/* Any of a set of BIT(enum excuse). */
bool excused_any(unsigned set, int disk, uint64_t tick);
#define EXCUSE_ANY (BIT(EXCUSE_COUNT) - 1)

/* --- check_host.c: channels and commands of a host that follows the rules --- */

void check_command_late(struct hchan *c, const struct hcmd *cmd);
void check_task_late(struct hchan *c);
void check_channel_down(struct hchan *c);
/* A login of the first channel begins; none is left. */
void check_host_in(struct host *h);
void check_host_out(struct host *h);
/* It was answered. */
void check_admitted(const struct hchan *c, const struct hcmd *cmd);
/* A status other than GOOD and not UNIT ATTENTION. */
void check_status(struct hchan *c, const struct hcmd *cmd);

/* --- check_ua.c: unit attentions and event reports --- */

/* A channel of the host is in: a nexus came into being, unless there is one; @first: of this host's channels. */
void check_login(struct host *h, bool first);
/* Somebody logs in under the name of @h and shares its nexus. */
void check_disguise(struct host *h);
void check_task_begins(struct hchan *c, uint8_t function, uint16_t lun);
/* @code: of the response, -1: there was none. */
void check_task_ended(struct hchan *c, uint8_t function, uint16_t lun, uint64_t tick, int code);
/* A command brought the unit attention @asc, or (0) did not. */
void check_attention(struct hchan *c, const struct hcmd *cmd, uint16_t asc);
/* A command was aborted, or lost with its channel. */
void check_not_answered(struct hchan *c, const struct hcmd *cmd);
/* The unit attention @asc came about for @h; it may be told from now on ... */
void check_told(struct host *h, int disk, uint16_t asc);
/* ... for all nexuses, and must be as soon as every worker knows. */
void check_told_all(int disk, uint16_t asc);
/* Likewise, of what happens again and again. */
void check_told_again(struct host *h, int disk, uint16_t asc);
/* ... and what caused it at @tick has been answered: it must be. */
void check_told_for_sure(struct host *h, int disk, uint16_t asc, uint64_t tick);
/* ... and it was saved before: who has not heard of it when the process dies hears of it from the next one. */
void check_told_outlives(struct host *h, int disk, uint16_t asc, uint64_t tick);
/* The process is about to die. */
void check_ua_dies(void);
/* A nexus of @h with units @comes inside the target, or has ended and what it was owed with it; its host may never have
 * known of it. */
void check_ua_nexus(struct host *h, bool comes);
/* The unit of @disk begins anew, with what was kept of the one before. */
void check_ua_found(int disk);
/* A command of @h ended with BUSY or RESERVATION CONFLICT where that is noted. */
void check_noted(struct host *h, int disk, uint8_t status);
/* A command of @h ended inside the target without an answer; not because of its channel. */
void check_cut(const struct host *h, int disk);
/* The function may take commands from others. */
bool check_takes(uint8_t function);
/* Too much has happened to @h to say anything; its name is used by somebody else, say. */
bool check_ua_is_wild(const struct host *h, int disk);
/* The one of @by that began at @tick was answered: those it took commands from hear of it. */
void check_cleared(const struct host *by, int disk, uint64_t tick);
/* A MODE SELECT of @by has changed the pages of @disk; QERR: @clears. */
void check_mode_changed(const struct host *by, int disk, bool clears);
void check_mode_answered(const struct hchan *c, const struct hcmd *cmd);
/* A command of @by has failed where QERR lets it take others with it. */
void check_error_clears(const struct host *by, int disk);
void check_event_report(struct hchan *c, uint64_t lun, const struct ichan_answer *a);
/* A reload brought other maps than those of @old. */
struct proc_config;
void check_remapped(const struct proc_config *old);
/* A device could not be opened, so a map may lack it, and get it later. */
void check_maybe_remapped(void);

/* --- check_order.c: task sets --- */

struct scsi_lu;
struct spied;
/* Something of it is done on the medium. */
void check_order_access(struct spied *s);
/* From now on each nexus of the unit has its own task set, or had. */
void check_order_apart(const struct scsi_lu *lu);
void check_order_reset(void);
/* A copy has its turn; what of it is done on the medium may come later. */
void check_order_turn(struct spied *s);
/* It must wait for its turn. */
void check_order_waits(const struct spied *s);

/* --- check_chan.c: steps of the target's channels --- */

struct tchan;
/* Before and after a step, from outside or inside another. */
void check_chan_before(const struct tchan *ch, enum chan_ev type);
void check_chan_after(const struct tchan *ch, enum chan_ev type, enum chan_state was);

/* --- check_target.c: what must be true of the target's objects between two rounds --- */

struct tgt;
void check_target(struct tgt *t);
/* ... when nobody wants anything. */
void check_target_at_rest(struct tgt *t);
/* What was to close has had the time to. */
void check_target_closed(struct tgt *t);

/* --- check_pr.c: reservations --- */

struct scsi_act;
struct scsi_lu;
struct scsi_nexus;
struct scsi_task;
/* A unit came into being, or is about to go. */
void check_pr_unit(const struct scsi_lu *lu);
void check_pr_unit_gone(const struct scsi_lu *lu);
/* It is the unit of @disk (-1: no host's) and has been given what outlived the one before. */
void check_pr_found(const struct scsi_lu *lu, int disk);
/* What RESERVE took is lost with @nexus (NULL: by a reset). */
void check_pr_lost(const struct scsi_lu *lu, const struct scsi_nexus *nexus);
/* It was decided whether the command may go on; @act is what it does then. */
void check_pr_looked(const struct spied *s, const struct scsi_task *t, const struct scsi_act *act);
/* A PERSISTENT RESERVE OUT with @list was carried out, or refused. */
void check_pr_out(const struct spied *s, const struct scsi_task *t, const struct scsi_act *act,
		  const uint8_t *list);
/* Its host has the GOOD of a command. */
void check_pr_answered(const struct hchan *c, const struct hcmd *cmd);
void check_pr_reset(void);
/* Something was reserved there, or registered, by the unit that is there now. */
bool check_pr_used(int disk);
/* What the reservations of a unit say at home now. */
enum mpr_verdict check_pr_now(const struct scsi_lu *lu, const struct scsi_nexus *n,
			      const uint8_t *cdb);
/* The disk of a unit; -1: no host has been there. */
int check_pr_disk(const struct scsi_lu *lu);

/* The state of a disk's unit as it is now, NULL: no host has been there. */
const struct mpr *check_pr_state(int disk);
struct mpr_nexus check_pr_name(const struct host *h);

/* --- check_fence.c --- */
/* The unit of @disk is fenced, or is about to be served again. */
void check_fence(int disk, bool fenced);
/* A request that was cancelled then has ended now, and its command has waited for it. */
void check_fence_kept(uint64_t cancel_ns);

/* --- check_takers.c: what takes commands from others --- */

/* One begins; it has ended, and (@known) can do nothing more. */
void check_taker_begins(int disk);
void check_taker_ended(int disk, bool known);
/* Count one that gives hosts no excuse of its own: it takes what is its own host's. */
void check_taker_counts(int disk, bool begins);
/* Nobody knows what has become of it. */
void check_taker_lost(int disk);
/* Was the one that began at @tick and has ended now the only one? */
bool check_taker_was_alone(int disk, uint64_t tick);
/* Since when one has been under way all the time; UINT64_MAX: none is. */
uint64_t check_takers_since(int disk);
/* One that was lost may still be under way. */
bool check_taker_strays(int disk);

/* --- check_keep.c: the control mode page, in force and saved --- */

/* MODE SELECT with this list is carried out; @cmd: NULL when nobody waits for it; @saves: with SP. */
void check_keep_select(int disk, struct hcmd *cmd, const uint8_t *list, bool saves);
/* A LUN RESET: what is saved is in force. */
void check_keep_reset(int disk);
/* Its host has the GOOD. */
void check_keep_answered(const struct hcmd *cmd);
/* It was decided whether a command may go on. */
void check_keep_looked(const struct spied *s, const struct scsi_act *act);
/* Does SWP let through what is stepped at home now? */
bool check_keep_lets_write(int disk);
/* SWP was on at some time since @tick. */
bool check_keep_was_protected(int disk, uint64_t tick);
/* Was UA_INTLCK_CTRL other than 00b, all the time since @tick? */
enum check_lock {
	CHECK_UNLOCKED,
	CHECK_MAYBE_LOCKED,
	CHECK_LOCKED
};
enum check_lock check_keep_lock(int disk, uint64_t tick);
/* Was TAS @tas at some time since @tick? May a command that fails have taken others with it (QERR)? */
bool check_keep_may_tell(int disk, uint64_t tick, bool tas);
bool check_keep_clears(int disk, uint64_t tick);
/* BUSY and RESERVATION CONFLICT make a unit attention now. */
bool check_keep_notes(int disk);
/* A unit of the disk begins. */
void check_keep_found(const struct scsi_lu *lu, int disk);

/* --- check_access.c: access states of target port groups --- */

#define CHECK_ACCESS_NEAR 1u /* the group of all hosts */
#define CHECK_ACCESS_FAR  2u /* one that nobody is in */
/* While the state of the former depends on the block: nonoptimized up to this one, from it on standby. */
#define CHECK_ACCESS_STANDBY_LBA 12u

struct scsi_alua;
/* It was decided whether a command may go on. */
void check_access_looked(const struct spied *s, const struct scsi_act *act);
/* A command that no state but the active ones lets in. */
bool check_access_needs(const uint8_t *cdb);
/* ... of those at home, now. */
bool check_access_is_active(void);
/* A SET is over inside the target, with GOOD. */
void check_access_set(struct hcmd *cmd);
/* Somebody was told that a version is in effect; 0: none. */
void check_access_answered(uint64_t version);
uint64_t check_access_newest(void);
/* The state that NOT READY with @asc tells of, -1: none. */
int check_access_state(uint16_t asc);
/* The group of the hosts was in @state at some time since @tick. */
bool check_access_was(uint8_t state, uint64_t tick);
/* NOT READY with @asc is right for a command that was sent then. */
bool check_access_kept_out(const uint8_t *cdb, uint16_t asc, uint64_t tick);
/* A SET is sent; there is more than one. */
void check_access_asked(void);
bool check_access_others(void);
/* The process begins; @all: every unit that could have kept them is there. */
void check_access_found(const struct scsi_alua *a, bool all);

/* --- check_copy.c: copies inside the target --- */

/* A piece of one is about to be carried out. */
void check_copy_piece(const struct spied *s, const struct scsi_task *t);

/* --- check_erase.c: FORMAT UNIT and SANITIZE --- */

/* A command will erase the unit of its disk. False: it is being erased already. */
bool check_erase_begins(struct hcmd *cmd);
void check_erase_good(struct hcmd *cmd);
/* It was answered otherwise, aborted or lost; @untouched: it has done nothing. */
void check_erase_failed(struct hcmd *cmd, bool untouched);
/* Between two rounds: the unit of @disk. */
void check_erase_look(const struct scsi_lu *lu, int disk);
/* A unit of the disk begins. */
void check_erase_found(int disk);
/* Something was, or may have been, erased there since @tick. */
bool check_erase_was(int disk, uint64_t tick);
/* It was decided whether a command may go on. */
void check_erase_looked(const struct spied *s, const struct scsi_act *act);

/* --- check_medium.c: units whose medium can be taken out --- */

/* A command was stepped; before that it may have been decided whether it may go on. */
void check_medium_looked(const struct spied *s, const struct scsi_act *act);
void check_medium_stepped(const struct spied *s, const struct scsi_task *t,
			  const struct scsi_act *act);
/* @nexus (NULL: whoever) prevents nothing at @lu (NULL: no unit) any more. */
void check_medium_allowed(const struct scsi_lu *lu, const struct scsi_nexus *nexus);
/* PREEMPT AND ABORT of @s takes the commands of @hosts (BIT(host)), and more when it has succeeded. */
void check_medium_preempts(const struct spied *s, unsigned hosts);
/* Its host has the GOOD of it. Return: what is wrong with that, NULL: nothing. */
const char *check_medium_good(const struct hcmd *cmd);
/* Somebody was told that a version is in effect; 0: none. */
void check_medium_answered(int disk, uint64_t version);
/* An operator has moved it, or has tried to. Return: the version that is in effect when he is answered. */
uint64_t check_medium_moved(int disk);
/* The medium was out, or could not be moved, at some time since @tick. */
bool check_medium_was_out(int disk, uint64_t tick);
bool check_medium_was_kept(int disk, uint64_t tick);
/* A unit of the disk begins; the process is gone. */
void check_medium_found(const struct scsi_lu *lu, int disk);
void check_medium_reset(void);

/* --- check_ident.c: identifying information and the timestamp --- */

enum check_ident {
	CHECK_IDENT_DEVICE,
	CHECK_IDENT_TEXT,
	CHECK_IDENT_CLOCK,
	CHECK_IDENT_COUNT
};

/* A command was stepped. */
void check_ident_stepped(struct spied *s, const struct scsi_task *t, const struct scsi_act *act);
/* A host has the GOOD of one that sets; or what one that asks was told, @got bytes. Return: what is wrong with it. */
void check_ident_answered(const struct hchan *c, const struct hcmd *cmd);
const char *check_ident_told(const struct hcmd *cmd, uint32_t got);
/* A unit of the disk begins. */
void check_ident_found(const struct scsi_lu *lu, int disk);

/* --- check_size.c: stores that change --- */

/* A unit of the disk begins. */
void check_size_found(const struct scsi_lu *lu, int disk);
/* Blocks of the unit, as the target knows it. */
uint64_t check_size_now(int disk);
/* By a size that it may have gone by, the blocks of a command are not all there; or are. */
bool check_size_refuses(const struct hcmd *cmd);
bool check_size_reaches(const struct hcmd *cmd);
/* ... it has so many. */
bool check_size_was(const struct hcmd *cmd, uint64_t n_blocks);
/* No command is inside that may have begun before the unit had its size. */
bool check_size_is_settled(int disk);
/* Between two rounds: the unit of @disk. */
void check_size_look(const struct scsi_lu *lu, int disk);

/* --- check_suspend.c: disks that an operator suspends --- */

struct scsi_lu;
/* He asks for it now, with these times on the clock. */
void check_suspend_asked(unsigned disk, uint64_t deadline_ns, uint64_t until_ns);
/* It is suspended already, and stays so until then. */
void check_suspend_longer(unsigned disk, uint64_t until_ns);
/* He is told: 0, or -errno. */
void check_suspend_told(unsigned disk, int result);
/* It is about to be resumed. */
void check_suspend_over(unsigned disk);
/* A reload may have taken units away, which serve until they are closed; the others stay suspended. */
void check_suspend_reload(void);
/* He was refused; nobody is there any more. */
void check_suspend_reset_one(unsigned disk);
void check_suspend_reset(void);
bool check_suspend_is(unsigned disk);
/* Is there a reason for commands to wait, at whatever unit? */
bool check_suspend_may_wait(void);
/* A request reaches a disk; a command was stepped. */
void check_suspend_io(unsigned disk);
void check_suspend_stepped(const struct spied *s, const struct scsi_act *act);
/* Between two rounds. */
void check_suspend_look(unsigned disk, const struct scsi_lu *lu);

/* --- check_tas.c: commands that were aborted by others --- */

/* A command of a host whose channel is live is over inside the target. */
void check_tas(const struct spied *s, const struct scsi_task *t, const struct hcmd *cmd);

/* --- check_wire.c: what is on the wire --- */

void check_wire_init(void);

/* --- check_credit.c: what the target says of its channels --- */

struct tgt_report;
/* All is at rest: both sides must think the same of the credits of each channel. */
void check_credits(const struct tgt_report *r);

/* --- check_end.c: the end of a run --- */

/* The target has ended: nothing of it may be left. */
void check_all_gone(const char *when);
