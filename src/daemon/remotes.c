/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Devices of the configuration that are units of other targets. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "daemon/daemon.h"
#include "proxy/proxy.h"

int remotes_new(struct remote **ret, struct daemon *d, const struct config_device *c)
{
	char host[INET6_ADDRSTRLEN] = "";
	struct proxy_opts o = {
		.host = host, .id_ext = c->id_ext, .ioc_guid = c->ioc_guid, .lun = c->lun
	};
	int r = d->proxy ? 0 : proxy_new(&d->proxy);

	if (r)
		return r;
	if (c->connect.addr.ss_family == AF_INET6) {
		const struct sockaddr_in6 *a = (const void *)&c->connect.addr;

		(void)inet_ntop(AF_INET6, &a->sin6_addr, host, sizeof(host));
		o.port = ntohs(a->sin6_port);
	} else {
		const struct sockaddr_in *a = (const void *)&c->connect.addr;

		(void)inet_ntop(AF_INET, &a->sin_addr, host, sizeof(host));
		o.port = ntohs(a->sin_port);
	}
	return proxy_unit_new(ret, d->proxy, &o);
}

void remotes_free(struct daemon *d)
{
	d->proxy = proxy_free(d->proxy);
}
