// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Program a matrix, multiply with it: the shortest whole program. The device is an
 * emulated card, or what the first argument names.
 */
#include <mho/mho.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	const float w[3][4] = { { 0.1f, 0.2f, 0.3f, 0.4f },
				{ -0.4f, 0.0f, 0.5f, 0.1f },
				{ 0.2f, -0.1f, 0.0f, 0.3f } };
	const float x[4] = { 1.0f, 0.5f, -0.5f, 0.25f };
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	struct mho_dev *dev;
	struct mho_mat *mat;
	float y[3];
	int err;

	err = mho_open(argc > 1 ? argv[1] : "emu:", NULL, &dev);
	if (err)
		goto fail;
	desc.rows = 3;
	desc.cols = 4;
	err = mho_mat_alloc(dev, &desc, &mat);
	if (!err)
		err = mho_program(mat, &w[0][0], 4, 0.0f);
	if (err >= 0)
		err = mho_mvm(mat, x, y, 1);
	if (err < 0)
		goto fail;
	printf("y = %.3f %.3f %.3f\n", (double)y[0], (double)y[1], (double)y[2]);
	mho_close(dev);
	return 0;
fail:
	fprintf(stderr, "hello: %s\n", mho_last_error());
	return 1;
}
