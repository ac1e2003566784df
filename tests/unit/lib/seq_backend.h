/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * A backend with sequences, for tests: the emulated card's, with sequences that are
 * made of its single commands.
 */
#ifndef SEQ_BACKEND_H
#define SEQ_BACKEND_H

#include "backend/backend.h"
#include "mho/mho.h"

/**
 * struct seq_backend - what it has been asked for
 * @created: sequences
 * @destroyed: of these destroyed by the library
 * @pushed: runs that it took
 * @refuse: seq_create fails
 */
struct seq_backend {
	uint32_t created;
	uint32_t destroyed;
	uint32_t pushed;
	bool refuse;
};

/*
 * seq_backend_use() - give an open device sequences; before its first queue. One device at a time.
 * Counts begin at 0.
 */
struct seq_backend *seq_backend_use(struct mho_dev *dev);

#endif
