// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * libFuzzer: any bytes as a firmware image. No fuzzer finds a SHA-256, so each
 * input is tried twice: as it is, and with its hashes made right, which leads on
 * to the tables.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>
#include <openssl/evp.h>

#include "mho_hw.h"
#include "emulator/image.h"
#include "emulator/props.h"

#define SHA256_SIZE 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check(const uint8_t *data, size_t size)
{
	struct mho_image image;
	enum mho_hw_status status = mho_image_verify(data, size, &image);

	if (status != MHO_HW_ST_OK) {
		require(status >> 8 == MHO_HW_ST_FW_BAD_IMAGE >> 8);
		require(image.reason[0] && image.offset <= size);
	} else {
		require(image.interface <= MHO_HW_VERSION);
		for (uint32_t tile = 0; tile < MHO_HW_TILES_MAX; tile += 61)
			require(abs(mho_image_trim(&image, tile)->gain_ppm) <=
				MHO_HW_CAL_TRIM_MAX_PPM);
		for (unsigned int i = 0; i < image.n_pulses; i++)
			require(image.pulses[i].train_length <= MHO_HW_BL_MAX &&
				mho_image_pulses(&image, image.pulses[i].technology));
	}
	mho_image_release(&image);
}

/* Writes the hashes of the images into the first child node of each, in place. */
static void rehash(void *fit)
{
	int images = fdt_path_offset(fit, "/images");
	int node;

	if (images < 0)
		return;
	fdt_for_each_subnode(node, fit, images)
	{
		int len, value_len;
		const void *part = fdt_getprop(fit, node, "data", &len);
		int hash = fdt_first_subnode(fit, node);
		void *value;

		if (!part || hash < 0)
			continue;
		value = fdt_getprop_w(fit, hash, "value", &value_len);
		if (value && value_len == SHA256_SIZE)
			require(EVP_Digest(part, (size_t)len, value, NULL, EVP_sha256(), NULL));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *copy;

	check(data, size);
	if (size > MHO_HW_FW_SIZE_MAX)
		return 0;
	copy = mho_props_copy(data, size);
	require(copy != NULL);
	if (mho_props_check(copy, size) == 0) {
		rehash(copy);
		check(copy, size);
	}
	free(copy);
	return 0;
}
