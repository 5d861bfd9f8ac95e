/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* SRP 6.2 to 6.4: what a LOGIN_RSP says. */
#include <string.h>

#include "conform.h"

RULE(login, response, SAFE,
     "LOGIN_RSP: the tag of the request, a usable request limit and usable lengths")
{
	struct nexus *n = nexus_new(t, &(struct login){ .flags = LOGIN_MULTI });
	const uint8_t *p = n->answer;

	EXPECT(t, memcmp(p + 8, "conform", 8) == 0, "the tag is not that of the request");
	EXPECT(t, n->credits >= 2,
	       "a request limit of %d, a command and a task management function need 2",
	       n->credits);
	EXPECT(t, get_be32(p + 16) >= 64,
	       "MAXIMUM INITIATOR TO TARGET IU LENGTH is %u, at least 64 are due",
	       get_be32(p + 16));
	EXPECT(t, get_be32(p + 20) >= 40, "MAXIMUM TARGET TO INITIATOR IU LENGTH is %u",
	       get_be32(p + 20));
	EXPECT(t, get_be16(p + 24) & 2, "direct descriptors are not supported");
	EXPECT(t, (p[26] & 3) == 0,
	       "a login without any other channel has the multi-channel result %u", p[26] & 3);
}
