/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "sim/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "sim/dice.h"
#include "sim/disk.h"
#include "sim/world.h"
#include "state/state_file.h"

struct state_file {
	unsigned disk;
	bool open;
	bool unsure;
	size_t len;
	uint8_t value[STATE_VALUE_MAX];
};

static struct state_file *files[DISKS_MAX];

/* The rogues' disk keeps nothing that anybody looks at, but it is kept all the same. */
static unsigned disk_of(const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	return *name == 'd' ? (unsigned)strtoul(name + 1, NULL, 10) : DISKS_MAX - 1;
}

int state_file_open(struct state_file **ret, const char *path, struct state_found *found, char *err,
		    size_t err_len)
{
	unsigned disk = disk_of(path);
	struct state_file *f;

	check(disk < DISKS_MAX);
	if (!files[disk])
		files[disk] = world_alloc(sizeof(*f));
	f = files[disk];
	if (f->open) {
		(void)snprintf(err, err_len, "state file %s: in use", path);
		return -EBUSY;
	}
	f->disk = disk;
	f->open = true;
	memcpy(found->buf, f->value, f->len);
	found->len = f->len;
	found->cut = 0;
	*ret = f;
	return 0;
}

int state_file_save(struct state_file *f, const void *value, size_t len)
{
	bool fails = disk_save_fails(f->disk, __builtin_return_address(0));

	check(f->open && len <= STATE_VALUE_MAX);
	if (!fails || dice_below(2)) {
		memcpy(f->value, value, len);
		f->len = len;
	}
	f->unsure = fails;
	trace("disk %u: %u bytes of state %s", f->disk, len, fails ? "are lost" : "are kept");
	return fails ? -EIO : 0;
}

struct state_file *state_file_close(struct state_file *f)
{
	if (f)
		f->open = false;
	return NULL;
}

/* --- the world's side --- */

void store_crash(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++)
		if (files[i])
			files[i]->open = false;
}

void store_reset(void)
{
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		world_free(files[i]);
		files[i] = NULL;
	}
}

unsigned store_n_open(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < DISKS_MAX; i++)
		n += files[i] && files[i]->open;
	return n;
}

bool store_is_unsure(unsigned disk)
{
	return files[disk] && files[disk]->unsure;
}
