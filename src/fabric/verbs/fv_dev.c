/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A device: protection domain, limits, asynchronous events, and its removal. The context is librdmacm's;
 * we only borrow it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fabric/verbs/fv.h"

static const char *dev_name(const struct fv_dev *d)
{
	return ibv_get_device_name(d->verbs->device);
}

/* Give up what we have of it. */
static void dev_free(struct fv_dev *d)
{
	fv_mem_detach(d);
	if (d->pd)
		(void)ibv_dealloc_pd(d->pd);
	list_del(&d->node);
	free(d->keys.v);
	free(d);
}

/* A message has a limit on each port; what no port can do is split. */
static uint32_t dev_max_msg(struct ibv_context *verbs, unsigned n_ports)
{
	uint32_t max = 1u << 30;
	struct ibv_port_attr attr;

	for (unsigned i = 1; i <= n_ports; i++)
		if (ibv_query_port(verbs, (uint8_t)i, &attr) == 0 && attr.max_msg_sz)
			max = min_u32(max, attr.max_msg_sz);
	return max & ~4095u ? max & ~4095u : max;
}

static int dev_new(struct fv_dev **ret, struct fv *fv, struct ibv_context *verbs)
{
	struct fv_dev *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	list_init(&d->node);
	list_init(&d->ports);
	d->fv = fv;
	d->verbs = verbs;
	(void)snprintf(d->uverbs, sizeof(d->uverbs), "%s", verbs->device->dev_name);
	d->iwarp = verbs->device->transport_type == IBV_TRANSPORT_IWARP;
	d->pd = ibv_alloc_pd(verbs);
	if (!d->pd || ibv_query_device(verbs, &d->attr)) {
		r = errno ? -errno : -ENODEV;
		dev_free(d);
		return r;
	}
	d->max_msg = dev_max_msg(verbs, d->attr.phys_port_cnt);
	r = fv_mem_attach(d);
	if (r) {
		log_error("verbs: %s: cannot register memory: %s (is LimitMEMLOCK too low?)",
			  dev_name(d), strerror(-r));
		dev_free(d);
		return r;
	}
	list_push(&fv->devs, &d->node);
	*ret = d;
	return 0;
}

static struct fv_dev *dev_find(const struct fv *fv, const struct ibv_context *verbs)
{
	const struct list *pos;

	list_for_each (pos, &fv->devs) {
		struct fv_dev *d = list_entry(pos, struct fv_dev, node);

		if (d->verbs == verbs && !d->gone)
			return d;
	}
	return NULL;
}

int fv_dev_get(struct fv_dev **ret, struct fv *fv, struct ibv_context *verbs, struct fv_port *p)
{
	struct fv_dev *d;
	int r = 0;

	(void)pthread_mutex_lock(&fv->lock);
	d = dev_find(fv, verbs);
	if (!d)
		r = dev_new(&d, fv, verbs);
	if (!r && d) {
		d->n_users++;
		list_push(&d->ports, &p->dev_node);
		*ret = d;
	}
	(void)pthread_mutex_unlock(&fv->lock);
	return r;
}

/* All workers that use the device are to end its connections. Context: fv.lock is held. */
static void dev_end_ports(struct fv_dev *d)
{
	struct list *pos;

	list_for_each (pos, &d->ports) {
		struct fv_port *p = list_entry(pos, struct fv_port, dev_node);

		if (!atomic_exchange(&p->fatal_posted, true))
			worker_post(p->lane->w, &p->fatal_msg);
	}
}

void fv_dev_put(struct fv_dev *d, struct fv_port *p)
{
	struct fv *fv = d->fv;

	(void)pthread_mutex_lock(&fv->lock);
	list_del(&p->dev_node);
	if (!--d->n_users && d->gone) {
		char node[sizeof(d->uverbs)];

		memcpy(node, d->uverbs, sizeof(node));
		dev_free(d);
		fv_watch_unused(fv, node);
	}
	(void)pthread_mutex_unlock(&fv->lock);
}

void fv_dev_removed(struct fv *fv, const char *node)
{
	struct list *pos;
	struct list *tmp;
	bool used = false;

	(void)pthread_mutex_lock(&fv->lock);
	list_for_each_safe (pos, tmp, &fv->devs) {
		struct fv_dev *d = list_entry(pos, struct fv_dev, node);

		if (strcmp(d->uverbs, node) != 0)
			continue;
		if (d->n_users) {
			used = true;
			d->gone = true;
			dev_end_ports(d);
		} else {
			dev_free(d);
		}
	}
	if (!used)
		fv_watch_unused(fv, node);
	(void)pthread_mutex_unlock(&fv->lock);
}

void fv_dev_gone(struct fv *fv, const struct ibv_context *verbs)
{
	struct fv_dev *d;

	(void)pthread_mutex_lock(&fv->lock);
	d = dev_find(fv, verbs);
	if (d && d->n_users)
		d->gone = true;
	(void)pthread_mutex_unlock(&fv->lock);
}

void fv_dev_free_all(struct fv *fv)
{
	struct list *pos;
	struct list *tmp;

	list_for_each_safe (pos, tmp, &fv->devs)
		dev_free(list_entry(pos, struct fv_dev, node));
}

/* --- asynchronous events --- */

static void dev_fatal(struct fv_dev *d)
{
	(void)pthread_mutex_lock(&d->fv->lock);
	dev_end_ports(d);
	(void)pthread_mutex_unlock(&d->fv->lock);
}

static unsigned dev_qp_event(enum ibv_event_type type)
{
	switch (type) {
	case IBV_EVENT_COMM_EST:
		return FV_ASYNC_COMM_EST;
	case IBV_EVENT_QP_FATAL:
	case IBV_EVENT_QP_REQ_ERR:
	case IBV_EVENT_QP_ACCESS_ERR:
	case IBV_EVENT_PATH_MIG_ERR:
		return FV_ASYNC_FATAL;
	case IBV_EVENT_QP_LAST_WQE_REACHED:
		return FV_ASYNC_LAST_WQE;
	default:
		return 0;
	}
}

static void dev_event(struct fv_dev *d, const struct ibv_async_event *ev)
{
	unsigned what = dev_qp_event(ev->event_type);

	if (what) {
		fv_conn_async(ev->element.qp->qp_context, what);
		return;
	}
	switch (ev->event_type) {
	case IBV_EVENT_DEVICE_FATAL:
		log_error("verbs: %s: fatal error of the device, ending its connections",
			  dev_name(d));
		dev_fatal(d);
		break;
	case IBV_EVENT_CQ_ERR: /* a queue that overflowed took the queue pairs on it along */
		log_error("verbs: %s: completion queue error, ending its connections", dev_name(d));
		dev_fatal(d);
		break;
	case IBV_EVENT_PORT_ACTIVE:
	case IBV_EVENT_PORT_ERR:
	case IBV_EVENT_LID_CHANGE:
	case IBV_EVENT_PKEY_CHANGE:
	case IBV_EVENT_GID_CHANGE:
	case IBV_EVENT_SM_CHANGE:
	case IBV_EVENT_CLIENT_REREGISTER:
		/* Connections live on or time out by themselves; listeners are bound to addresses, not ports. */
		log_info("verbs: %s port %d: %s", dev_name(d), ev->element.port_num,
			 ibv_event_type_str(ev->event_type));
		break;
	default:
		log_debug("verbs: %s: %s", dev_name(d), ibv_event_type_str(ev->event_type));
	}
}

void fv_dev_events(struct fv_port *p)
{
	struct fv_dev *d = p->dev;
	struct ibv_async_event ev;

	while (ibv_get_async_event(d->verbs, &ev) == 0) {
		dev_event(d, &ev);
		/* ibv_destroy_qp() on another worker waits for this. */
		ibv_ack_async_event(&ev);
	}
}
