// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * An application that has its own io_uring: completions of the device announce
 * themselves there, beside those of files and sockets.
 */
#include <liburing.h>
#include <mho/mho.h>
#include <stdio.h>

#define DEVICE 1 /* user_data of the device's messages */

int main(int argc, char **argv)
{
	struct mho_queue_opts opts = MHO_INIT(struct mho_queue_opts);
	struct __kernel_timespec second = { .tv_sec = 1 };
	struct mho_job jobs[8] = { { .op = MHO_OP_NOP } }, *list[8], *done[8];
	struct mho_queue *queue;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	struct mho_dev *dev;
	int n, left = 8;

	if (io_uring_queue_init(32, &ring, 0)) {
		fprintf(stderr, "own_ring: io_uring is refused here\n");
		return 1;
	}
	opts.ring = &ring;
	opts.ring_user_data = DEVICE;
	if (mho_open(argc > 1 ? argv[1] : "emu:", NULL, &dev) ||
	    mho_queue_create(dev, &opts, &queue))
		goto fail;
	for (int i = 0; i < 8; i++)
		list[i] = &jobs[i];
	/* Something else that the ring is for. */
	io_uring_prep_timeout(io_uring_get_sqe(&ring), &second, 0, 0);
	if (io_uring_submit(&ring) < 0 || mho_queue_submit(queue, list, 8) != 8)
		goto fail;
	while (left) {
		if (io_uring_wait_cqe(&ring, &cqe))
			goto fail;
		if (cqe->user_data == DEVICE)
			printf("message of the device: %d completions so far\n", cqe->res);
		io_uring_cqe_seen(&ring, cqe);
		while ((n = mho_queue_reap(queue, done, 8, 0, 0)) > 0)
			left -= n;
	}
	printf("all jobs are done\n");
	mho_close(dev);
	io_uring_queue_exit(&ring);
	return 0;
fail:
	fprintf(stderr, "own_ring: %s\n", mho_last_error());
	return 1;
}
