/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A TCP connection that carries messages of a header and a payload, as both ends of bench/ see it. A payload has no
 * content: it is sent from one buffer and received into another, whoever it belongs to. One recv and one
 * sendmsg serve as many messages as there are.
 */
#pragma once

#include <stdnoreturn.h>
#include <sys/epoll.h>

#include "base/util.h"

#define STREAM_HEAD_MAX 48u
#define STREAM_RING     4096u /* messages of one stream that may wait to be sent; a power of two */
#define STREAM_PAYLOAD  ((size_t)4 * 1024 * 1024)

struct stream;

struct stream_msg {
	uint32_t head_len;
	uint32_t pay_len;
	uint8_t head[STREAM_HEAD_MAX];
};

/* What a protocol makes of the bytes. */
struct stream_proto {
	uint32_t head_len; /* of what comes in, at most STREAM_HEAD_MAX */
	/* Bytes of payload that follow the header @head. */
	uint32_t (*payload)(struct stream *s, const uint8_t *head);
	/* The message of header @head has come in whole. */
	void (*message)(struct stream *s, const uint8_t *head);
};

struct stream {
	const struct stream_proto *proto;
	int fd;
	void *user;
	/* messages to send, the first of which may be partly sent; on demand */
	struct stream_msg *ring;
	uint32_t first;
	uint32_t n;
	uint64_t sent; /* bytes of the first that are in TCP */
	/* the message that comes in */
	uint8_t head[STREAM_HEAD_MAX];
	uint32_t head_got;
	uint32_t skip; /* payload of it still to come */
};

enum stream_got {
	STREAM_EMPTY, /* nothing more is there now */
	STREAM_MORE,  /* there may be more */
	STREAM_END    /* the peer has closed, or the connection broke */
};

/* Get the shared payload; once, before anything else here. */
void stream_setup(void);
/* Take @fd over; it may be blocking or not. */
void stream_init(struct stream *s, int fd, const struct stream_proto *proto, void *user);
void stream_close(struct stream *s);

/* A place for a message at the end of what is to be sent; the caller fills it in. */
struct stream_msg *stream_queue(struct stream *s);

/* Send what is queued, as much as TCP takes. False: the connection broke. */
bool stream_flush(struct stream *s);

/**
 * stream_receive() - one recv, and message() for each message that it completes
 * @buf: where everything is received; not used after the call
 */
enum stream_got stream_receive(struct stream *s, uint8_t *buf, size_t len);

/*
 * epoll_wait(), or with @poll a look that never sleeps. Who never sleeps now and then makes way for the kernel's own
 * threads, when it has looked in vain for longer than an answer takes: the network's work for both ends may be theirs, and
 * would wait for the end of a time slice.
 */
int stream_wait(int ep, struct epoll_event *got, int max, int timeout_ms, bool poll);

/* For what cannot go on: print @what and errno, exit 1. */
noreturn void die(const char *what);
uint64_t now_ns(void);
