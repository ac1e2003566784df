// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Weights are non-volatile: the first run programs a named matrix, every later one
 * finds it in the card. An emulated card keeps its cells in a state file.
 */
#include <errno.h>
#include <mho/mho.h>
#include <stdio.h>

static int program(struct mho_dev *dev, struct mho_mat **mat)
{
	const float w[2][2] = { { 3.0f, -1.0f }, { 0.5f, 2.0f } };
	struct mho_mat_desc desc = MHO_INIT(struct mho_mat_desc);
	int err;

	desc.rows = 2;
	desc.cols = 2;
	desc.scale = 4.0f; /* cells hold weights of about -1 to 1: -4 to 4 for this program */
	desc.name = "persist";
	err = mho_mat_alloc(dev, &desc, mat);
	return err ? err : mho_program(*mat, &w[0][0], 2, 0.0f);
}

int main(int argc, char **argv)
{
	const float x[2] = { 1.0f, 1.0f };
	struct mho_dev *dev;
	struct mho_mat *mat;
	float y[2];
	int err;

	err = mho_open(argc > 1 ? argv[1] : "emu:?tech=protonic-ns&state=persist.state", NULL,
		       &dev);
	if (err)
		goto fail;
	err = mho_mat_find(dev, "persist", &mat);
	printf(err == -ENOENT ? "first run: programming\n" :
				"found the matrix of an earlier run\n");
	if (err == -ENOENT)
		err = program(dev, &mat);
	if (err >= 0)
		err = mho_mvm(mat, x, y, 1);
	if (err < 0)
		goto fail;
	printf("y = %.2f %.2f\n", (double)y[0], (double)y[1]);
	mho_close(dev);
	return 0;
fail:
	fprintf(stderr, "persist: %s\n", mho_last_error());
	return 1;
}
