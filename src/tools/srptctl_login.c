/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* srptctl login-info: the line a Linux host writes to add_target, for each address of each target. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "tools/srptctl.h"

/* Add { target, listen, line } to @out. */
static bool login_add(json_t *out, const json_t *target, const char *at)
{
	char line[160];

	(void)snprintf(line, sizeof(line), "id_ext=%s,ioc_guid=%s,dest=%s",
		       srptctl_str(target, "id_ext"), srptctl_str(target, "ioc_guid"), at);
	return !json_array_append_new(out, json_pack("{s:s, s:s, s:s}", "target",
						     srptctl_str(target, "name"), "dest", at,
						     "line", line));
}

/* The address of @i as text when it can be put in the place of the wildcard of @family. */
static bool login_address(const struct ifaddrs *i, sa_family_t family, char *buf, socklen_t len)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (!i->ifa_addr || i->ifa_addr->sa_family != family || !(i->ifa_flags & IFF_UP))
		return false;
	if (family == AF_INET) {
		memcpy(&v4, i->ifa_addr, sizeof(v4));
		return inet_ntop(AF_INET, &v4.sin_addr, buf, len) != NULL;
	}
	memcpy(&v6, i->ifa_addr, sizeof(v6));
	/* Link-local addresses mean nothing on another host. */
	return !IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) &&
	       inet_ntop(AF_INET6, &v6.sin6_addr, buf, len) != NULL;
}

/* One line for each address of this host that is (not) of a loopback interface. Lines added. */
static unsigned login_interfaces(json_t *out, const json_t *target, const char *port,
				 sa_family_t family, bool loopback)
{
	struct ifaddrs *all = NULL;
	unsigned n = 0;

	if (getifaddrs(&all))
		return 0;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		char host[INET6_ADDRSTRLEN];
		char at[INET6_ADDRSTRLEN + 16];

		if (!(i->ifa_flags & IFF_LOOPBACK) == loopback ||
		    !login_address(i, family, host, sizeof(host)))
			continue;
		(void)snprintf(at, sizeof(at), family == AF_INET ? "%s%s" : "[%s]%s", host, port);
		n += login_add(out, target, at);
	}
	freeifaddrs(all);
	return n;
}

/* One address a target listens on; a wildcard stands for those of this host. */
static void login_listen(json_t *out, const json_t *target, const char *listen)
{
	const char *port = strrchr(listen, ':');
	sa_family_t family = listen[0] == '[' ? AF_INET6 : AF_INET;

	if (!port || (strncmp(listen, "0.0.0.0:", 8) != 0 && strncmp(listen, "[::]:", 5) != 0)) {
		(void)login_add(out, target, listen);
		return;
	}
	if (!login_interfaces(out, target, port, family, false))
		(void)login_interfaces(out, target, port, family, true);
}

static json_t *login_lines(const json_t *status, const char *name, bool *ret_found)
{
	json_t *out = json_array();
	json_t *target;
	size_t i;

	json_array_foreach(json_object_get(status, "targets"), i, target)
	{
		json_t *listen;
		size_t j;

		if (name && strcmp(name, srptctl_str(target, "name")) != 0)
			continue;
		*ret_found = true;
		if (!json_is_true(json_object_get(target, "enabled")))
			continue;
		json_array_foreach(json_object_get(target, "listen"), j, listen)
		{
			if (out && json_is_string(listen))
				login_listen(out, target, json_string_value(listen));
		}
	}
	return out;
}

enum srptctl_exit srptctl_login_info(const struct srptctl *s)
{
	const char *name = s->n_args ? s->args[0] : NULL;
	bool found = false;
	json_t *status = NULL;
	json_t *lines;
	json_t *row;
	size_t i;
	enum srptctl_exit r = srptctl_call(s, "status", NULL, &status);

	if (r)
		return r;
	lines = login_lines(status, name, &found);
	json_decref(status);
	if (name && !found) {
		srptctl_error(name, "no such target");
		r = SRPTCTL_NOT_FOUND;
	} else if (s->json) {
		r = srptctl_print_json(lines);
	} else {
		json_array_foreach(lines, i, row)
		{
			(void)puts(srptctl_str(row, "line"));
		}
		if (!json_array_size(lines))
			srptctl_error(name ? name : "login-info",
				      "nothing is enabled, so nobody can log in");
	}
	json_decref(lines);
	return r;
}
