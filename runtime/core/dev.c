// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Opening, closing and listing devices.
 */
#include "core/dev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph.h"
#include "core/sched.h"
#include "core/uri.h"
#include "emulator/topo.h"

/* Cards first: so they are listed. */
static const struct mrt_backend *const backends[] = { &mrt_backend_accel, &mrt_backend_emu };

#define BACKENDS (sizeof(backends) / sizeof(*backends))

uint32_t mho_version(void)
{
	return MHO_VERSION_MAJOR << 16 | MHO_VERSION_MINOR << 8 | MHO_VERSION_PATCH;
}

const struct mrt_backend *mrt_backend_find(const char *scheme)
{
	for (unsigned int i = 0; i < BACKENDS; i++)
		if (!strcmp(backends[i]->scheme, scheme))
			return backends[i];
	return NULL;
}

int mrt_copy_in(void *to, size_t to_size, const void *from, size_t min, const char *name)
{
	size_t size;

	memset(to, 0, to_size);
	if (!from)
		return 0;
	memcpy(&size, from, sizeof(size));
	if (size < min || size > 4096)
		return mrt_fail(-EINVAL, "%s: size is %zu; begin with MHO_INIT(%s)", name, size,
				name);
	for (size_t i = to_size; i < size; i++)
		if (((const char *)from)[i])
			return mrt_fail(
				-EINVAL,
				"%s: byte %zu is set, which this version of libmho does not "
				"know; use a newer libmho",
				name, i);
	memcpy(to, from, size < to_size ? size : to_size);
	return 0;
}

int mrt_copy_out(void *to, const void *from, size_t from_size, size_t min, const char *name)
{
	size_t size, n;

	if (!to)
		return mrt_fail(-EINVAL, "there is no place for a %s (NULL)", name);
	memcpy(&size, to, sizeof(size));
	if (size < min || size > 4096)
		return mrt_fail(-EINVAL, "%s: size is %zu; begin with MHO_INIT(%s)", name, size,
				name);
	n = size < from_size ? size : from_size;
	memcpy((char *)to + sizeof(size), (const char *)from + sizeof(size), n - sizeof(size));
	if (size > n)
		memset((char *)to + n, 0, size - n);
	return 0;
}

static int parse_topology(struct mrt_dev *dev)
{
	const void *blob;
	char text[256];
	size_t len;
	int err;

	blob = dev->ops->topology(dev->bdev, &len);
	err = mho_topo_parse(blob, len, NULL, &dev->topo, text, sizeof(text));
	return err ? mrt_fail(err, "the card's topology: %s", text) : 0;
}

static void free_dev(struct mrt_dev *dev)
{
	pthread_mutex_destroy(&dev->lock);
	free(dev);
}

static int new_dev(const struct mho_open_opts *opts, struct mrt_dev **out)
{
	struct mrt_dev *dev = calloc(1, sizeof(*dev));

	if (!dev)
		return mrt_fail(-ENOMEM, "out of memory for a device");
	dev->log.fn = opts->log;
	dev->log.arg = opts->log_arg;
	dev->log.level = opts->log_level ? opts->log_level : MHO_LOG_WARNING;
	pthread_mutex_init(&dev->lock, NULL);
	mrt_link_init(&dev->bufs);
	mrt_link_init(&dev->mats);
	mrt_link_init(&dev->queues);
	mrt_link_init(&dev->graphs);
	mrt_link_init(&dev->scheds);
	*out = dev;
	return 0;
}

static int start(struct mrt_dev *dev, const struct mho_open_opts *opts, const char *text,
		 struct mho_dev **out)
{
	int err;

	dev->info.size = sizeof(dev->info);
	dev->ops->info(dev->bdev, &dev->info);
	strncpy(dev->info.uri, text, sizeof(dev->info.uri) - 1);
	err = parse_topology(dev);
	if (err)
		return err;
	dev->handle = mrt_handle_new(MRT_DEV, dev, NULL);
	if (!dev->handle) {
		err = mrt_fail(-ENOMEM, "out of memory for the handle of a device");
		goto free_topo;
	}
	err = mrt_sync_new(dev);
	if (err)
		goto free_handle;
	err = mrt_trace_new(opts->trace, dev->bdev, text, &dev->log, &dev->trace);
	if (err)
		goto free_sync;
	*out = dev->handle;
	return 0;
free_sync:
	mrt_sync_free(dev);
free_handle:
	mrt_handle_take(dev->handle, MRT_DEV, "mho_open");
free_topo:
	mho_topo_free(dev->topo);
	return err;
}

static int check_opts(const struct mho_open_opts *opts)
{
	if (opts->io > MHO_IO_THREAD)
		return mrt_fail(-EINVAL,
				"struct mho_open_opts: io is %u; allowed are MHO_IO_AUTO, "
				"MHO_IO_URING and MHO_IO_THREAD",
				opts->io);
	for (unsigned int i = 0; i < sizeof(opts->reserved) / sizeof(*opts->reserved); i++)
		if (opts->reserved[i])
			return mrt_fail(-EINVAL,
					"struct mho_open_opts: reserved is not zero; begin "
					"with MHO_INIT(struct mho_open_opts)");
	return 0;
}

static int find_backend(const struct mrt_uri *uri, const struct mrt_backend **out)
{
	*out = mrt_backend_find(uri->scheme);
	if (*out)
		return 0;
	return mrt_fail(-EINVAL,
			"\"%s:\" is no scheme of a device; \"accel:\" names a card, \"emu:\" an "
			"emulated one",
			uri->scheme);
}

int mho_open(const char *text, const struct mho_open_opts *opts, struct mho_dev **out)
{
	struct mho_open_opts o;
	struct mrt_uri *uri;
	struct mrt_dev *dev = NULL;
	int err;

	if (!out)
		return mrt_fail(-EINVAL,
				"mho_open: there is no place for the device (out is NULL)");
	err = mrt_copy_in(&o, sizeof(o), opts, sizeof(o), "struct mho_open_opts");
	if (!err)
		err = check_opts(&o);
	if (err)
		return err;
	uri = malloc(sizeof(*uri));
	if (!uri)
		return mrt_fail(-ENOMEM, "out of memory for a URI");
	err = mrt_uri_parse(text, uri);
	if (!err)
		err = new_dev(&o, &dev);
	if (!err)
		err = find_backend(uri, &dev->ops);
	if (!err)
		err = dev->ops->open(uri, o.io, &dev->log, &dev->bdev);
	if (!err) {
		err = start(dev, &o, text, out);
		if (err)
			dev->ops->close(dev->bdev);
	}
	if (err && dev)
		free_dev(dev);
	free(uri);
	return err;
}

static void free_scheds(struct mrt_dev *dev)
{
	while (!mrt_link_empty(&dev->scheds)) {
		struct mrt_sched *s = mrt_link_entry(dev->scheds.next, struct mrt_sched, link);

		mrt_handle_take(s->handle, MRT_SCHED, "mho_close");
		mrt_sched_free(s);
	}
}

static void free_queues(struct mrt_dev *dev)
{
	while (!mrt_link_empty(&dev->queues)) {
		struct mrt_queue *q = mrt_link_entry(dev->queues.next, struct mrt_queue, link);

		if (q->handle)
			mrt_handle_take(q->handle, MRT_QUEUE, "mho_close");
		mrt_queue_free(q);
	}
}

/* Without queues there are no jobs: the handles, and graphs, hold the only references. */
static void free_objects(struct mrt_dev *dev)
{
	while (!mrt_link_empty(&dev->graphs)) {
		struct mrt_graph *g = mrt_link_entry(dev->graphs.next, struct mrt_graph, link);

		mrt_handle_take(g->handle, MRT_GRAPH, "mho_close");
		mrt_graph_put(g);
	}
	while (!mrt_link_empty(&dev->mats)) {
		struct mrt_mat *mat = mrt_link_entry(dev->mats.next, struct mrt_mat, link);

		mrt_handle_take(mat->handle, MRT_MAT, "mho_close");
		mrt_mat_put(mat);
	}
	while (!mrt_link_empty(&dev->bufs)) {
		struct mrt_buf *buf = mrt_link_entry(dev->bufs.next, struct mrt_buf, link);

		mrt_handle_take(buf->handle, MRT_BUF, "mho_close");
		mrt_buf_put(buf);
	}
}

void mho_close(struct mho_dev *handle)
{
	struct mrt_dev *dev;

	if (!handle)
		return;
	dev = mrt_handle_take(handle, MRT_DEV, "mho_close");
	if (!dev)
		return;
	mrt_sync_free(dev);
	free_scheds(dev);
	free_queues(dev);
	free_objects(dev);
	mrt_trace_free(dev->trace);
	dev->ops->close(dev->bdev);
	mho_topo_free(dev->topo);
	free_dev(dev);
}

int mho_trace_flush(struct mho_dev *handle)
{
	struct mrt_dev *dev = mrt_handle_get(handle, MRT_DEV, "mho_trace_flush");

	if (!dev)
		return -EINVAL;
	return dev->trace ? mrt_trace_flush(dev->trace) : 0;
}

int mho_enumerate(const char *scheme, mho_found_fn fn, void *arg)
{
	int ret = 0;

	if (!fn)
		return mrt_fail(-EINVAL, "mho_enumerate: fn is NULL");
	if (scheme && !mrt_backend_find(scheme))
		return mrt_fail(-EINVAL, "\"%s\" is no scheme; allowed are \"emu\" and \"accel\"",
				scheme);
	for (unsigned int i = 0; i < BACKENDS && !ret; i++)
		if (!scheme || !strcmp(backends[i]->scheme, scheme))
			ret = backends[i]->enumerate(fn, arg);
	return ret;
}
