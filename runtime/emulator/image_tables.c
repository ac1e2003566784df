// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Calibration and pulse table of a firmware image, and their use.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "emulator/image.h"
#include "emulator/image_tables.h"
#include "emulator/topo.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define IGNORE(property)                                    \
	{                                                   \
		.name = (property), .kind = MHO_PROP_IGNORE \
	}
#define TRIM(property, field)                                                                  \
	{                                                                                      \
		.name = (property), .kind = MHO_PROP_I32,                                      \
		.offset = offsetof(struct mho_image_tile, trim.field),                         \
		.min = -MHO_HW_CAL_TRIM_MAX_PPM, .max = MHO_HW_CAL_TRIM_MAX_PPM, .unit = "ppm" \
	}
#define PULSE(property, field, lo, hi)                                                       \
	{                                                                                    \
		.name = (property), .kind = MHO_PROP_U32,                                    \
		.offset = offsetof(struct mho_image_pulses, field), .min = (lo), .max = (hi) \
	}

static const struct mho_prop root_properties[] = {
	IGNORE("compatible"),
	IGNORE("description"),
	IGNORE("#address-cells"),
	IGNORE("#size-cells"),
};

static const struct mho_prop trim_properties[] = {
	TRIM(MHO_HW_CAL_ADC_GAIN, gain_ppm),
	TRIM(MHO_HW_CAL_ADC_OFFSET, offset_ppm),
	{ .name = "reg",
	  .kind = MHO_PROP_U32,
	  .offset = offsetof(struct mho_image_tile, tile),
	  .max = MHO_HW_TILES_MAX - 1 },
};

static const struct mho_prop pulse_properties[] = {
	PULSE(MHO_HW_PULSE_TRAIN_LENGTH, train_length, 1, MHO_HW_BL_MAX),
	PULSE(MHO_HW_PULSE_VERIFY_ITERATIONS, verify_iterations, 1, MHO_HW_PROGRAM_ITERATIONS_MAX),
	PULSE(MHO_HW_PULSE_VERIFY_TOLERANCE, verify_tolerance_ppm, MHO_TOPO_TOLERANCE_MIN_PPM,
	      MHO_TOPO_TOLERANCE_MAX_PPM),
};

static int fail(struct mho_props_error *err, const void *fdt, int node, const char *problem)
{
	char path[64];

	mho_props_fail(err, fdt, node, "%s: %s", mho_props_name(fdt, node, path, sizeof(path)),
		       problem);
	return -EINVAL;
}

/* A copy of a table that libfdt can walk, with its root checked; to be freed. */
static int open_table(const void *dtb, size_t len, const char *compatible, void **out,
		      struct mho_props_error *err)
{
	void *fdt = mho_props_copy(dtb, len);
	int ret;

	if (!fdt)
		return -ENOMEM;
	ret = mho_props_check(fdt, len);
	if (ret) {
		mho_props_fail(err, fdt, -1, "no proper device tree: %s", fdt_strerror(ret));
		ret = -EINVAL;
	} else if (fdt_node_check_compatible(fdt, 0, compatible) != 0) {
		mho_props_fail(err, fdt, 0, "compatible does not hold \"%s\"", compatible);
		ret = -EINVAL;
	} else {
		ret = mho_props_read(fdt, 0, root_properties, ARRAY_SIZE(root_properties), NULL,
				     err);
	}
	if (ret)
		free(fdt);
	else
		*out = fdt;
	return ret;
}

static int read_trim(const void *fdt, int node, struct mho_image *image, bool *have_default,
		     struct mho_props_error *err)
{
	const char *name = fdt_get_name(fdt, node, NULL);
	struct mho_image_tile t = { 0 };
	bool has_reg = fdt_getprop(fdt, node, "reg", NULL) != NULL;
	int ret;

	ret = mho_props_read(fdt, node, trim_properties, ARRAY_SIZE(trim_properties), &t, err);
	if (ret)
		return ret;
	if (fdt_first_subnode(fdt, node) >= 0)
		return fail(err, fdt, node, "must have no nodes");
	if (name && strcmp(name, "default") == 0) {
		if (*have_default || has_reg)
			return fail(err, fdt, node,
				    has_reg ? "must have no reg" : "is there twice");
		*have_default = true;
		image->trim = t.trim;
		return 0;
	}
	if (!name || strncmp(name, "tile@", 5) != 0 || !has_reg)
		return fail(err, fdt, node, "must be default or tile@N with reg");
	if (image->n_tiles == MHO_HW_TILES_MAX)
		return fail(err, fdt, 0, "has too many tiles");
	image->tiles[image->n_tiles++] = t;
	return 0;
}

static int by_tile(const void *a, const void *b)
{
	const struct mho_image_tile *x = a, *y = b;

	return x->tile < y->tile ? -1 : x->tile > y->tile;
}

int mho_image_read_calibration(const void *dtb, size_t len, struct mho_image *image,
			       struct mho_props_error *err)
{
	bool have_default = false;
	void *fdt;
	int node, ret;

	ret = open_table(dtb, len, MHO_HW_CALIBRATION_COMPATIBLE, &fdt, err);
	if (ret)
		return ret;
	image->tiles = calloc(MHO_HW_TILES_MAX, sizeof(*image->tiles));
	if (!image->tiles) {
		ret = -ENOMEM;
		goto out;
	}
	fdt_for_each_subnode(node, fdt, 0)
	{
		ret = read_trim(fdt, node, image, &have_default, err);
		if (ret)
			goto out;
	}
	qsort(image->tiles, image->n_tiles, sizeof(*image->tiles), by_tile);
	for (unsigned int i = 1; i < image->n_tiles; i++) {
		if (image->tiles[i].tile == image->tiles[i - 1].tile) {
			mho_props_fail(err, fdt, 0, "tile %u is there twice", image->tiles[i].tile);
			ret = -EINVAL;
			goto out;
		}
	}
out:
	free(fdt);
	return ret;
}

static int read_pulse(const void *fdt, int node, struct mho_image *image,
		      struct mho_props_error *err)
{
	struct mho_image_pulses p = { 0 };
	const char *name;
	int len, ret;

	name = fdt_get_name(fdt, node, &len);
	if (!name || len < 1 || (size_t)len >= sizeof(p.technology))
		return fail(err, fdt, node, "is no name of a technology");
	memcpy(p.technology, name, (size_t)len + 1);
	if (mho_image_pulses(image, p.technology))
		return fail(err, fdt, node, "is there twice");
	ret = mho_props_read(fdt, node, pulse_properties, ARRAY_SIZE(pulse_properties), &p, err);
	if (ret)
		return ret;
	if (fdt_first_subnode(fdt, node) >= 0)
		return fail(err, fdt, node, "must have no nodes");
	if (image->n_pulses == MHO_HW_TOPO_TECHNOLOGIES_MAX)
		return fail(err, fdt, 0, "has too many technologies");
	image->pulses[image->n_pulses++] = p;
	return 0;
}

int mho_image_read_pulses(const void *dtb, size_t len, struct mho_image *image,
			  struct mho_props_error *err)
{
	void *fdt;
	int node, ret;

	ret = open_table(dtb, len, MHO_HW_PULSES_COMPATIBLE, &fdt, err);
	if (ret)
		return ret;
	image->pulses = calloc(MHO_HW_TOPO_TECHNOLOGIES_MAX, sizeof(*image->pulses));
	if (!image->pulses)
		ret = -ENOMEM;
	if (!ret)
		fdt_for_each_subnode(node, fdt, 0)
		{
			ret = read_pulse(fdt, node, image, err);
			if (ret)
				break;
		}
	free(fdt);
	return ret;
}

const struct mho_image_trim *mho_image_trim(const struct mho_image *image, uint32_t tile)
{
	const struct mho_image_tile key = { .tile = tile };
	const struct mho_image_tile *t = NULL;

	if (image->n_tiles)
		t = bsearch(&key, image->tiles, image->n_tiles, sizeof(key), by_tile);
	return t ? &t->trim : &image->trim;
}

const struct mho_image_pulses *mho_image_pulses(const struct mho_image *image, const char *name)
{
	for (unsigned int i = 0; i < image->n_pulses; i++) {
		if (strcmp(image->pulses[i].technology, name) == 0)
			return &image->pulses[i];
	}
	return NULL;
}

void mho_image_apply(const struct mho_image *image, struct mho_topo *topo)
{
	for (unsigned int i = 0; i < topo->ntechs; i++) {
		struct mho_tech *tech = &topo->techs[i];
		const struct mho_image_pulses *p = mho_image_pulses(image, tech->name);

		if (!p)
			continue;
		if (p->train_length)
			tech->train_length = p->train_length;
		if (p->verify_iterations)
			tech->verify_iterations = p->verify_iterations;
		if (p->verify_tolerance_ppm)
			tech->verify_tolerance = (float)(p->verify_tolerance_ppm / 1e6);
	}
}
