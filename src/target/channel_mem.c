/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The memory of a channel: one mapping for its receives, its commands, and what is noted of each receive. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "run/worker.h"
#include "target/internal.h"

/* Memory for one IU. */
static uint8_t *channel_rx_mem(const struct tchan *ch, size_t i)
{
	return ch->rx_mem + i * ch->rx_stride + ch->rx_lead;
}

uint8_t *channel_rx_buf(const struct tchan *ch, size_t i)
{
	uint8_t *mem = ch->all_rx[i].mem;

	return mem ? mem : channel_rx_mem(ch, i);
}

/* Announce @mem to the connection's provider; one with real devices registers it. Return: 0 or -errno. */
static int channel_mem_add(struct tchan *ch, void *mem, size_t len)
{
	const struct fab *f = ch->mem_fab;

	return f->ops->mem_add ? f->ops->mem_add(ch->mem_fab, mem, len) : 0;
}

static void channel_mem_del(struct tchan *ch, void *mem, size_t len)
{
	if (mem && ch->mem_fab && ch->mem_fab->ops->mem_del)
		ch->mem_fab->ops->mem_del(ch->mem_fab, mem,
					  len); /* harmless when it was not added */
}

static void channel_free_memory(struct tchan *ch)
{
	if (ch->mem) {
		channel_mem_del(ch, ch->all_cmds, ch->n_cmds * sizeof(*ch->all_cmds));
		channel_mem_del(ch, ch->rx_mem, (ch->n_rx + TGT_CMD_EXTRA) * ch->rx_stride);
		(void)munmap(ch->mem, ch->mem_bytes);
	}
	free(ch);
}

/* How the memory of a channel is laid out: receives, commands, what is noted of each receive. */
struct channel_layout {
	unsigned n_rx;
	unsigned n_mem; /* for one receive each */
	unsigned n_cmds;
	size_t lead;   /* bytes in front of each IU */
	size_t stride; /* from receive to receive */
	size_t cmds;
	size_t rxs;
	size_t total;
};

static struct channel_layout channel_layout(const struct tchan *ch)
{
	struct channel_layout l = { .n_rx = ch->credits + TGT_RX_EXTRA,
				    .n_cmds = ch->credits + TGT_CMD_EXTRA };

	l.n_mem = l.n_rx + TGT_CMD_EXTRA;
	/* Immediate data start at an aligned address, so that a file opened with O_DIRECT takes them as is. */
	l.lead = (TGT_IMM_ALIGN - ch->login.imm_data_offset % TGT_IMM_ALIGN) % TGT_IMM_ALIGN;
	l.stride = (l.lead + ch->login.max_it_iu_len + TGT_IMM_ALIGN - 1) / TGT_IMM_ALIGN *
		   TGT_IMM_ALIGN;
	l.cmds = l.n_mem * l.stride;
	l.rxs = l.cmds + l.n_cmds * sizeof(struct cmd);
	l.total = l.rxs + l.n_rx * sizeof(struct rx);
	return l;
}
_Static_assert(TGT_IMM_ALIGN % _Alignof(struct cmd) == 0 &&
		       sizeof(struct cmd) % _Alignof(struct rx) == 0,
	       "one may follow the other");

uint64_t channel_bytes(const struct tchan *ch)
{
	return sizeof(*ch) + channel_layout(ch).total;
}

/* One mapping of zeroes, of which a page takes memory when it is first used: an idle channel takes little. */
int channel_alloc(struct tchan *ch)
{
	struct channel_layout l = channel_layout(ch);
	uint8_t *mem = mmap(NULL, l.total, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return -ENOMEM;
	ch->mem = mem;
	ch->mem_bytes = l.total;
	ch->n_rx = l.n_rx;
	ch->n_cmds = l.n_cmds;
	ch->rx_mem = mem;
	ch->rx_lead = l.lead;
	ch->rx_stride = l.stride;
	ch->all_cmds = (void *)(mem + l.cmds);
	ch->all_rx = (void *)(mem + l.rxs);
	for (unsigned i = l.n_rx; i < l.n_mem; i++)
		ch->spare_rx[ch->n_spare_rx++] = channel_rx_mem(ch, i);
	ch->mem_fab = ch->conn->fab; /* the connection goes before the memory */
	if (channel_mem_add(ch, ch->rx_mem, l.n_mem * l.stride) ||
	    channel_mem_add(ch, ch->all_cmds, l.n_cmds * sizeof(*ch->all_cmds)))
		return -ENOMEM;
	return 0;
}

void channel_free(struct worker *w, struct worker_msg *m)
{
	struct tchan *ch = container_of(m, struct tchan, to_free);

	(void)w;
	if (ch->n_orphans)
		ch->free_due = true;
	else
		channel_free_memory(ch);
}

void channel_orphan_gone(struct tchan *ch)
{
	if (ch->free_due && !ch->n_orphans)
		channel_free_memory(ch);
	else if (!ch->chan.released)
		channel_resources(ch);
}
