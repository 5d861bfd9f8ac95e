/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/attr.h"
#include "config/parse.h"

/* --- life --- */

static void model_group_deinit(struct config_group *g)
{
	for (unsigned i = 0; i < g->n_patterns; i++)
		free(g->patterns[i]);
	free(g->patterns);
	free(g->luns);
}

static void model_dgroup_deinit(struct config_dgroup *dg)
{
	for (unsigned i = 0; i < dg->n_tpgs; i++)
		free(dg->tpgs[i].ports);
	free(dg->tpgs);
	free(dg->members);
	free(dg->on_stpg);
}

struct config *config_free(struct config *c)
{
	if (!c)
		return NULL;
	for (unsigned i = 0; i < c->n_devices; i++)
		free(c->devices[i].path);
	for (unsigned i = 0; i < c->n_targets; i++) {
		struct config_target *t = &c->targets[i];

		for (unsigned j = 0; j < t->n_groups; j++)
			model_group_deinit(&t->groups[j]);
		model_group_deinit(&t->any_group);
		free(t->groups);
		free(t->listens);
	}
	for (unsigned i = 0; i < c->n_dgroups; i++)
		model_dgroup_deinit(&c->dgroups[i]);
	free(c->dgroups);
	free(c->devices);
	free(c->targets);
	free(c);
	return NULL;
}

/* Read @fd to its end into @buf of CONFIG_FILE_MAX + 1 bytes. Return: bytes or -errno. */
static ssize_t model_read(int fd, char *buf)
{
	size_t n = 0;

	while (n <= CONFIG_FILE_MAX) {
		ssize_t r = read(fd, buf + n, CONFIG_FILE_MAX + 1 - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (!r)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

static int model_load(struct config **ret, int fd, const char *path, struct config_errors *errs)
{
	char *buf;
	ssize_t n;
	int r;

	buf = malloc(CONFIG_FILE_MAX + 1);
	if (!buf)
		return -ENOMEM;
	n = model_read(fd, buf);
	r = n < 0 ? (int)n : config_parse(ret, buf, (size_t)n, path, errs);
	free(buf);
	return r;
}

int config_load_file(struct config **ret, const char *path, struct config_errors *errs)
{
	struct stat st = { 0 };
	int fd;
	int r;

	errors_init(errs, path);
	/* Without waiting: a fifo in the place of the file must not stop the daemon. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
	if (!r && S_ISDIR(st.st_mode))
		r = -EISDIR;
	if (!r)
		r = model_load(ret, fd, path, errs);
	if (fd >= 0)
		(void)close(fd);
	if (r && !errors_any(errs)) {
		char text[128];

		errors_add(errs, (struct config_pos){ 0 }, "cannot read it: %s",
			   strerror_r(-r, text, sizeof(text)));
	}
	return r;
}

int config_demo(struct config **ret)
{
	static const char text[] = "HANDLER vdisk_ram {\n"
				   "	DEVICE ram0 {\n"
				   "		size 256M\n"
				   "		thin_provisioned 1\n"
				   "	}\n"
				   "}\n"
				   "HANDLER vdisk_nullio {\n"
				   "	DEVICE null0 {\n"
				   "		size 1T\n"
				   "	}\n"
				   "}\n"
				   "TARGET_DRIVER iwarp {\n"
				   "	TARGET demo {\n"
				   "		listen 127.0.0.1:5555\n"
				   "		id_ext 0002c90300a0dd01\n"
				   "		ioc_guid 0002c90300a0dd00\n"
				   "		default_target 1\n"
				   "		allow_any 1\n"
				   "		LUN 0 ram0\n"
				   "		LUN 1 null0\n"
				   "		enabled 1\n"
				   "	}\n"
				   "}\n";
	struct config_errors errs;

	/* The text is ours and right (a test parses it), so only memory can be missing. */
	return config_parse(ret, text, sizeof(text) - 1, "demo", &errs) ? -ENOMEM : 0;
}

/* --- questions --- */

const struct config_device *config_device_find(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_devices; i++)
		if (!strcmp(c->devices[i].name, name))
			return &c->devices[i];
	return NULL;
}

const struct config_target *config_target_find(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_targets; i++)
		if (!strcmp(c->targets[i].name, name))
			return &c->targets[i];
	return NULL;
}

const struct config_dgroup *config_dgroup_find(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_dgroups; i++)
		if (!strcmp(c->dgroups[i].name, name))
			return &c->dgroups[i];
	return NULL;
}

/* The least beginning of a segment from @from on; false: there is none. */
static bool segment_next(const struct config_dgroup *dg, uint64_t from, uint64_t *ret)
{
	bool found = false;

	for (unsigned i = 0; i < dg->n_tpgs; i++)
		for (unsigned k = 0; k < dg->tpgs[i].n_segments; k++) {
			uint64_t lba = dg->tpgs[i].segments[k].lba;

			if (lba < from || (found && lba >= *ret))
				continue;
			*ret = lba;
			found = true;
		}
	return found;
}

unsigned config_dgroup_segments(const struct config_dgroup *dg, uint64_t lba[CONFIG_SEGMENTS_MAX])
{
	uint64_t at = 0;
	unsigned n = 0;

	while (segment_next(dg, at, &at)) {
		if (n < CONFIG_SEGMENTS_MAX)
			lba[n] = at;
		n++;
		if (at++ == UINT64_MAX)
			break;
	}
	return n;
}

enum config_access config_tpg_state_at(const struct config_tpg *g, uint64_t lba)
{
	enum config_access state =
		g->state <= CONFIG_ACCESS_UNAVAILABLE ? g->state : CONFIG_ACCESS_ACTIVE;

	for (unsigned i = 0; i < g->n_segments && g->segments[i].lba <= lba; i++)
		state = g->segments[i].state;
	return state;
}

const char *config_access_name(enum config_access a)
{
	static const char *const names[CONFIG_ACCESS_COUNT] = {
		[CONFIG_ACCESS_ACTIVE] = "active",
		[CONFIG_ACCESS_NONOPTIMIZED] = "nonoptimized",
		[CONFIG_ACCESS_STANDBY] = "standby",
		[CONFIG_ACCESS_UNAVAILABLE] = "unavailable",
		[CONFIG_ACCESS_LBA_DEPENDENT] = "lba_dependent",
		[CONFIG_ACCESS_OFFLINE] = "offline",
		[CONFIG_ACCESS_TRANSITIONING] = "transitioning",
	};

	return names[a];
}

const char *config_handler_name(enum config_handler h)
{
	static const char *const names[CONFIG_HANDLER_COUNT] = {
		[CONFIG_FILEIO] = "vdisk_fileio",
		[CONFIG_NULLIO] = "vdisk_nullio",
		[CONFIG_RAM] = "vdisk_ram",
		[CONFIG_PROXY] = "proxy",
	};

	return names[h];
}

const char *config_driver_name(enum config_driver d)
{
	static const char *const names[CONFIG_DRIVER_COUNT] = {
		[CONFIG_DRIVER_SRPT] = "srpt",
		[CONFIG_DRIVER_IWARP] = "iwarp",
		[CONFIG_DRIVER_VERBS] = "verbs",
	};

	return names[d];
}

void config_listen_format(const struct config_listen *l, char *buf, size_t len)
{
	char host[INET6_ADDRSTRLEN] = "";
	struct config_listen_ib ib;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (l->addr.ss_family == AF_IB) {
		memcpy(&ib, &l->addr, sizeof(ib));
		(void)snprintf(buf, len, "ib:%u", ntohs(ib.port));
	} else if (l->addr.ss_family == AF_INET) {
		memcpy(&v4, &l->addr, sizeof(v4));
		(void)inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
		(void)snprintf(buf, len, "%s:%u", host, ntohs(v4.sin_port));
	} else {
		memcpy(&v6, &l->addr, sizeof(v6));
		(void)inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
		(void)snprintf(buf, len, "[%s]:%u", host, ntohs(v6.sin6_port));
	}
}

void config_login_line(const struct config_target *t, const struct config_listen *l, char *buf,
		       size_t len)
{
	struct config_listen_ib ib;
	char at[64];

	config_listen_format(l, at, sizeof(at));
	if (l->addr.ss_family == AF_IB) {
		memcpy(&ib, &l->addr, sizeof(ib));
		(void)snprintf(buf, len,
			       "id_ext=%016llx,ioc_guid=%016llx,dgid=GID-OF-THE-PORT,pkey=ffff,"
			       "service_id=00000000013f%04x",
			       (unsigned long long)t->id_ext, (unsigned long long)t->ioc_guid,
			       ntohs(ib.port));
		return;
	}
	(void)snprintf(buf, len, "id_ext=%016llx,ioc_guid=%016llx,dest=%s",
		       (unsigned long long)t->id_ext, (unsigned long long)t->ioc_guid, at);
}
