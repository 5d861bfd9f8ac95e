/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/proc_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "sim/check.h"
#include "sim/world.h"

#define TEXT_MAX 8192u

struct text {
	char at[TEXT_MAX];
	size_t len;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->at + t->len, sizeof(t->at) - t->len, fmt, ap);
	va_end(ap);
	check(n >= 0 && (size_t)n < sizeof(t->at) - t->len);
	t->len += (size_t)n;
}

static void add_devices(struct text *t, const struct proc_config *c, unsigned scratch)
{
	add(t, "HANDLER vdisk_fileio {\n");
	for (unsigned i = 0; i < c->n_disks; i++)
		if (!c->closed[i])
			add(t,
			    "	DEVICE d%u { filename /sim/%u; blocksize %u; o_direct %d; "
			    "write_through %d; thin_provisioned %d; expl_alua %d; removable %d%s "
			    "}\n",
			    i, i, proc_lun_block_bytes((int)i), c->direct[i], c->write_through[i],
			    c->thin[i], c->sets_access, c->removable[i],
			    c->threshold ? "; soft_threshold 10" : "");
	add(t, "	DEVICE scratch { filename /sim/%u; thin_provisioned 1 }\n}\n", scratch);
}

static void add_target(struct text *t, const struct proc_config *c, unsigned n)
{
	add(t,
	    "	TARGET t%u {\n"
	    "		listen 10.0.0.1:%u\n		id_ext 0x%llx\n		ioc_guid 0x%llx\n"
	    "		max_channels %u\n		max_channels_per_initiator %u\n"
	    "		credits %u\n		credits_per_initiator %u\n"
	    "		max_immediate %u\n		multi_channel %d\n"
	    "		default_target %d\n",
	    n, PROC_PORT, PROC_ID_EXT + n, PROC_IOC_GUID + n, c->max_chans, c->max_chans_host,
	    c->credits, c->credits_host, c->max_immediate, !c->single_channel, n == 0);
	if (c->memory_host)
		add(t, "		max_memory_per_initiator %llu\n",
		    (unsigned long long)c->memory_host);
	add(t, "		GROUP hosts {\n			INITIATOR 0x51*\n");
	for (unsigned i = 0; i < HOSTS_MAX; i++)
		if (c->denied & BIT(i))
			add(t, "			INITIATOR !0x51%014x*\n", i + 1);
	for (unsigned i = 0; i < c->n_disks; i++)
		if (!c->hidden[i] && !c->closed[i])
			add(t, "			LUN %u d%u { read_only %d }\n", i, i,
			    c->ro[i]);
	add(t,
	    "		}\n		GROUP rogues {\n			INITIATOR 0x66*\n"
	    "			LUN 0 scratch\n		}\n");
	add(t, "		enabled %d\n	}\n", c->enabled);
}

/* All hosts come through the first target, so what the state of the first group is, is so for them all. */
static void add_groups(struct text *t, const struct proc_config *c)
{
	add(t, "DEVICE_GROUP all {\n");
	for (unsigned i = 0; i < c->n_disks; i++)
		if (!c->closed[i])
			add(t, "	DEVICE d%u\n", i);
	if (c->hook)
		add(t, "	on_stpg /sim/hook\n");
	add(t,
	    "	TARGET_GROUP near { group_id %u; TARGET t0%s\n"
	    "		SEGMENT 0 nonoptimized; SEGMENT %u standby }\n",
	    CHECK_ACCESS_NEAR, c->second ? "; TARGET t1" : "", CHECK_ACCESS_STANDBY_LBA);
	add(t, "	TARGET_GROUP far { group_id %u; state standby }\n}\n", CHECK_ACCESS_FAR);
}

int proc_parse(const struct proc_config *c, const struct proc_opts *o, struct config **ret)
{
	static struct text t;
	struct config_errors errs;
	char line[600];
	int r;

	t.len = 0;
	add(&t, "workers %u\nmax_logins_per_second %u\nlog_level debug\n", o->n_workers,
	    c->logins_per_s);
	if (c->keeps)
		add(&t, "state_dir /sim/state\n");
	add_devices(&t, c, o->scratch);
	add(&t, "TARGET_DRIVER srpt {\n");
	add_target(&t, c, 0);
	if (c->second)
		add_target(&t, c, 1);
	add(&t, "}\n");
	if (c->groups)
		add_groups(&t, c);
	r = config_parse(ret, t.at, t.len, "sim.conf", &errs);
	for (unsigned i = 0; r == -EINVAL && i < errs.n; i++) {
		config_error_format(&errs, i, line, sizeof(line));
		(void)printf("%s\n", line);
	}
	if (r == -EINVAL)
		fail_now("a configuration that is right was not accepted");
	return r;
}
