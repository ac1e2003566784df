// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Many jobs in flight, and an event loop: epoll tells when some are done.
 */
#include <mho/mho.h>
#include <stdio.h>
#include <sys/epoll.h>

enum {
	ROWS = 64,
	COLS = 128,
	BATCH = 16,
	JOBS = 100
};

int main(int argc, char **argv)
{
	struct mho_mat_desc desc = { .size = sizeof(desc), .rows = ROWS, .cols = COLS };
	struct epoll_event event = { .events = EPOLLIN };
	struct mho_job jobs[JOBS], *list[JOBS], *done[JOBS];
	struct mho_queue *queue;
	struct mho_buf *x, *y;
	struct mho_mat *mat;
	struct mho_dev *dev;
	double ns = 0.0;
	int n, left = JOBS, epoll = epoll_create1(EPOLL_CLOEXEC);

	if (mho_open(argc > 1 ? argv[1] : "emu:", NULL, &dev) || mho_mat_alloc(dev, &desc, &mat) ||
	    mho_buf_alloc(dev, BATCH * COLS * sizeof(float), &x) ||
	    mho_buf_alloc(dev, (size_t)JOBS * BATCH * ROWS * sizeof(float), &y) ||
	    mho_queue_create(dev, NULL, &queue))
		goto fail;
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = (struct mho_job){ .op = MHO_OP_MVM, .mat = mat, .alpha = 1.0f };
		jobs[i].batch = BATCH;
		jobs[i].a.buf = x;
		jobs[i].b.buf = y;
		jobs[i].b.offset = i * BATCH * ROWS * sizeof(float);
		list[i] = &jobs[i];
	}
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, mho_queue_fd(queue), &event) ||
	    mho_queue_submit(queue, list, JOBS) != JOBS)
		goto fail;
	while (left) {
		while ((n = mho_queue_reap(queue, done, JOBS, 0, 0)) > 0)
			for (left -= n; n > 0; n--)
				ns += (double)done[n - 1]->device_ns;
		if (n < 0)
			goto fail;
		epoll_wait(epoll, &event, 1, left ? -1 : 0);
	}
	printf("%d jobs of %d vectors: %.1f us of device time\n", JOBS, BATCH, ns / 1e3);
	mho_close(dev);
	return 0;
fail:
	fprintf(stderr, "async: %s\n", mho_last_error());
	return 1;
}
