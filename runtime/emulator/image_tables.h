/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * The two tables in a firmware image: what image.c asks of image_tables.c.
 */
#ifndef MHO_EMU_IMAGE_TABLES_H
#define MHO_EMU_IMAGE_TABLES_H

#include "emulator/image.h"
#include "emulator/props.h"

/**
 * mho_image_read_calibration() - read the calibration table
 * @dtb: its blob, not checked in any way
 * @len: its bytes
 * @image: trims are filled
 * @err: filled on failure; offset counts from the start of @dtb
 *
 * Return: 0, -EINVAL, or -ENOMEM.
 */
int mho_image_read_calibration(const void *dtb, size_t len, struct mho_image *image,
			       struct mho_props_error *err);

/* mho_image_read_pulses() - read the pulse table; as mho_image_read_calibration(). */
int mho_image_read_pulses(const void *dtb, size_t len, struct mho_image *image,
			  struct mho_props_error *err);

#endif
