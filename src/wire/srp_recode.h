/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* For tests and fuzz targets: a codec as one function, decode and then encode what was decoded. */
#pragma once

#include "wire/srp.h"

typedef int srp_recode_fn(struct cur *in, struct pen *out);

/* SRP_DEFINE_RECODE(srp_x, struct_name) defines recode_srp_x() over struct struct_name. */
#define SRP_DEFINE_RECODE(name, type)                             \
	static int recode_##name(struct cur *in, struct pen *out) \
	{                                                         \
		struct type v;                                    \
		int r = name##_decode(in, &v);                    \
                                                                  \
		return r ? r : name##_encode(&v, out);            \
	}
