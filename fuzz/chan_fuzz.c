/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Lives of a channel: byte 0 chooses the CM, then three bytes each choose what happens next. The model
 * judges every action; whatever happened, the channel must be gone after a disable of its port.
 */
#include "srp/chan_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct model m;
	size_t i;

	if (!len)
		return 0;
	m.now_ns = 0;
	model_init(&m, data[0] & 1);
	for (i = 1; i + 3 <= len && i < 30000; i += 3)
		model_pick(&m, (enum chan_ev)(data[i] % CHAN_EV_COUNT),
			   (unsigned)data[i + 1] << 8 | data[i + 2]);
	model_finish(&m);
	return 0;
}
