// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Verification of a firmware image: the container, whom it is for, its hashes.
 * The tables inside are read in image_tables.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>
#include <openssl/evp.h>

#include "emulator/image.h"
#include "emulator/image_tables.h"
#include "emulator/props.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define SHA256_SIZE 32
/* The device accepts what was made for any minor version of its own major one. */
#define INTERFACE_OLDEST ((uint32_t)MHO_HW_VERSION_MAJOR << 16)

static const char *const part_names[MHO_IMAGE_PARTS] = {
	[MHO_IMAGE_CODE] = MHO_HW_FW_IMAGE_CODE,
	[MHO_IMAGE_CALIBRATION] = MHO_HW_FW_IMAGE_CALIBRATION,
	[MHO_IMAGE_PULSES] = MHO_HW_FW_IMAGE_PULSES,
};

/* State of one mho_image_verify(). */
struct verifier {
	const void *fit;
	struct mho_image *out;
	struct mho_props_error err;
	int node[MHO_IMAGE_PARTS];
	const void *data[MHO_IMAGE_PARTS];
	int len[MHO_IMAGE_PARTS];
};

/* Sets reason and place (an offset in the structure block, or -1). */
#define refuse(v, status, node, ...) \
	(mho_props_fail(&(v)->err, (v)->fit, node, __VA_ARGS__), (status))

static uint32_t place_of(const struct verifier *v, const void *data)
{
	return (uint32_t)((const char *)data - (const char *)v->fit);
}

/* A property of @n cells, or NULL. */
static const fdt32_t *cells(const void *fdt, int node, const char *name, int n)
{
	int len;
	const fdt32_t *p = fdt_getprop(fdt, node, name, &len);

	return p && len == n * (int)sizeof(*p) ? p : NULL;
}

static enum mho_hw_status check_container(struct verifier *v, size_t len)
{
	int ret;

	if (len > MHO_HW_FW_SIZE_MAX)
		return refuse(v, MHO_HW_ST_FW_TOO_LARGE, -1, "%zu bytes, at most %u are allowed",
			      len, MHO_HW_FW_SIZE_MAX);
	ret = mho_props_check(v->fit, len);
	if (ret == -FDT_ERR_TRUNCATED)
		return refuse(v, MHO_HW_ST_FW_TRUNCATED, -1, "cut off after %zu bytes", len);
	if (ret)
		return refuse(v, MHO_HW_ST_FW_BAD_IMAGE, -1, "no proper device tree: %s",
			      fdt_strerror(ret));
	v->out->size = fdt_totalsize(v->fit);
	return MHO_HW_ST_OK;
}

/* The first string of a property, if it is there, made printable. */
static void read_text(const struct verifier *v, int node, const char *property, char *text,
		      size_t size)
{
	int len;
	const char *value = fdt_getprop(v->fit, node, property, &len);

	if (value && len > 0)
		snprintf(text, size, "%.*s", len, value);
	mho_props_printable(text);
}

static enum mho_hw_status read_identity(struct verifier *v)
{
	const fdt32_t *version = cells(v->fit, 0, MHO_HW_FW_PROP_VERSION, 3);
	const fdt32_t *interface = cells(v->fit, 0, MHO_HW_FW_PROP_INTERFACE, 1);
	const fdt32_t *timestamp = cells(v->fit, 0, "timestamp", 1);

	if (!version || fdt32_ld(version) > 0xff || fdt32_ld(version + 1) > 0xff ||
	    fdt32_ld(version + 2) > 0xffff)
		return refuse(v, MHO_HW_ST_FW_BAD_IMAGE, 0, "/: \"%s\" must be <major minor patch>",
			      MHO_HW_FW_PROP_VERSION);
	if (!interface)
		return refuse(v, MHO_HW_ST_FW_BAD_IMAGE, 0, "/: \"%s\" must be one number",
			      MHO_HW_FW_PROP_INTERFACE);
	v->out->version = fdt32_ld(version) << 24 | fdt32_ld(version + 1) << 16 |
			  fdt32_ld(version + 2);
	v->out->interface = fdt32_ld(interface);
	v->out->build_time = timestamp ? fdt32_ld(timestamp) : 0;
	read_text(v, 0, "description", v->out->name, sizeof(v->out->name));
	return MHO_HW_ST_OK;
}

/* Finds the three images and their data; what is in them is not looked at. */
static enum mho_hw_status find_parts(struct verifier *v)
{
	int images = fdt_path_offset(v->fit, "/images");

	if (images < 0)
		return refuse(v, MHO_HW_ST_FW_BAD_IMAGE, 0, "node /images is missing");
	for (unsigned int i = 0; i < MHO_IMAGE_PARTS; i++) {
		const char *compression;
		int len;

		v->node[i] = fdt_subnode_offset(v->fit, images, part_names[i]);
		if (v->node[i] < 0)
			return refuse(v, MHO_HW_ST_FW_BAD_IMAGE, images,
				      "node /images/%s is missing", part_names[i]);
		v->data[i] = fdt_getprop(v->fit, v->node[i], "data", &v->len[i]);
		if (!v->data[i] || !v->len[i])
			return refuse(v, MHO_HW_ST_FW_BAD_IMAGE, v->node[i],
				      "/images/%s: \"data\" is missing (external data will not do)",
				      part_names[i]);
		compression = fdt_getprop(v->fit, v->node[i], "compression", &len);
		if (compression && (len != sizeof("none") || memcmp(compression, "none", len) != 0))
			return refuse(v, MHO_HW_ST_FW_BAD_IMAGE, v->node[i],
				      "/images/%s: \"compression\" must be \"none\"",
				      part_names[i]);
		v->out->parts[i].size = (uint32_t)v->len[i];
	}
	return MHO_HW_ST_OK;
}

static bool has_string(const void *fdt, int node, const char *property, const char *string)
{
	return fdt_stringlist_search(fdt, node, property, string) >= 0;
}

static enum mho_hw_status check_configurations(struct verifier *v)
{
	int configurations = fdt_path_offset(v->fit, "/configurations");
	const char *name;
	int conf, len;

	if (configurations < 0)
		return refuse(v, MHO_HW_ST_FW_BAD_IMAGE, 0, "node /configurations is missing");
	name = fdt_stringlist_get(v->fit, configurations, "default", 0, &len);
	conf = name ? fdt_subnode_offset(v->fit, configurations, name) : -1;
	if (conf < 0)
		return refuse(v, MHO_HW_ST_FW_BAD_IMAGE, configurations,
			      "/configurations: \"default\" names no configuration");
	if (!has_string(v->fit, conf, "firmware", part_names[MHO_IMAGE_CODE]) ||
	    !has_string(v->fit, conf, "loadables", part_names[MHO_IMAGE_CALIBRATION]) ||
	    !has_string(v->fit, conf, "loadables", part_names[MHO_IMAGE_PULSES]))
		return refuse(v, MHO_HW_ST_FW_BAD_IMAGE, conf,
			      "/configurations/%.32s does not name the three images", name);
	read_text(v, conf, "compatible", v->out->compatible, sizeof(v->out->compatible));
	fdt_for_each_subnode(conf, v->fit, configurations)
	{
		if (fdt_node_check_compatible(v->fit, conf, MHO_HW_FW_COMPATIBLE) == 0)
			return MHO_HW_ST_OK;
	}
	return refuse(v, MHO_HW_ST_FW_INCOMPATIBLE, configurations,
		      "no configuration is compatible with \"%s\"", MHO_HW_FW_COMPATIBLE);
}

enum mho_hw_status mho_image_check_interface(uint32_t interface, uint32_t device, uint32_t oldest)
{
	if (interface >> 16 != device >> 16 || interface > device)
		return MHO_HW_ST_FW_INCOMPATIBLE;
	return interface < oldest ? MHO_HW_ST_FW_TOO_OLD : MHO_HW_ST_OK;
}

static enum mho_hw_status check_interface(struct verifier *v)
{
	uint32_t interface = v->out->interface;
	enum mho_hw_status status;

	status = mho_image_check_interface(interface, MHO_HW_VERSION, INTERFACE_OLDEST);
	if (status == MHO_HW_ST_OK)
		return status;
	return refuse(v, status, 0, "made for interface %u.%u, the device has %d.%d",
		      interface >> 16, interface & 0xffff, MHO_HW_VERSION_MAJOR,
		      MHO_HW_VERSION_MINOR);
}

/* All hashes of this kind must be right, and there must be one. */
static enum mho_hw_status check_hash(struct verifier *v, unsigned int part)
{
	enum mho_image_hash *hash = &v->out->parts[part].hash;
	uint8_t sha256[SHA256_SIZE];
	bool found = false;
	int node;

	if (!EVP_Digest(v->data[part], (size_t)v->len[part], sha256, NULL, EVP_sha256(), NULL))
		return refuse(v, MHO_HW_ST_INTERNAL, -1, "SHA-256 failed");
	fdt_for_each_subnode(node, v->fit, v->node[part])
	{
		const char *name = fdt_get_name(v->fit, node, NULL);
		const void *value;
		int len;

		if (!name || strncmp(name, "hash", 4) != 0 ||
		    !has_string(v->fit, node, "algo", "sha256"))
			continue;
		value = fdt_getprop(v->fit, node, "value", &len);
		if (!value)
			continue;
		*hash = MHO_IMAGE_HASH_BAD;
		if (len != SHA256_SIZE || memcmp(value, sha256, SHA256_SIZE) != 0)
			return refuse(v, MHO_HW_ST_FW_BAD_HASH, node,
				      "/images/%s does not match its SHA-256", part_names[part]);
		found = true;
	}
	*hash = found ? MHO_IMAGE_HASH_GOOD : MHO_IMAGE_HASH_MISSING;
	if (!found)
		return refuse(v, MHO_HW_ST_FW_NO_HASH, v->node[part],
			      "/images/%s carries no SHA-256", part_names[part]);
	if (part == MHO_IMAGE_CODE)
		memcpy(v->out->sha256, sha256, SHA256_SIZE);
	return MHO_HW_ST_OK;
}

static enum mho_hw_status check_hashes(struct verifier *v)
{
	for (unsigned int i = 0; i < MHO_IMAGE_PARTS; i++) {
		enum mho_hw_status status = check_hash(v, i);

		if (status != MHO_HW_ST_OK)
			return status;
	}
	return MHO_HW_ST_OK;
}

static enum mho_hw_status read_table(struct verifier *v, unsigned int part,
				     int (*read)(const void *dtb, size_t len,
						 struct mho_image *image,
						 struct mho_props_error *err))
{
	char text[MHO_IMAGE_REASON_SIZE] = "";
	struct mho_props_error err = { .text = text, .size = sizeof(text) };
	int ret = read(v->data[part], (size_t)v->len[part], v->out, &err);

	if (ret == -ENOMEM)
		return refuse(v, MHO_HW_ST_INTERNAL, -1, "no memory for the %s table",
			      part_names[part]);
	if (!ret)
		return MHO_HW_ST_OK;
	mho_props_fail(&v->err, v->fit, -1, "%s: %s", part_names[part], text);
	v->err.offset = place_of(v, v->data[part]) + err.offset;
	return MHO_HW_ST_FW_BAD_TABLE;
}

static enum mho_hw_status read_tables(struct verifier *v)
{
	enum mho_hw_status status;

	status = read_table(v, MHO_IMAGE_CALIBRATION, mho_image_read_calibration);
	if (status != MHO_HW_ST_OK)
		return status;
	return read_table(v, MHO_IMAGE_PULSES, mho_image_read_pulses);
}

static enum mho_hw_status verify(struct verifier *v, size_t len)
{
	static enum mho_hw_status (*const checks[])(struct verifier * v) = {
		read_identity,	 find_parts,   check_configurations,
		check_interface, check_hashes, read_tables,
	};
	enum mho_hw_status status = check_container(v, len);

	for (unsigned int i = 0; i < ARRAY_SIZE(checks) && status == MHO_HW_ST_OK; i++)
		status = checks[i](v);
	return status;
}

static void drop_tables(struct mho_image *image)
{
	free(image->tiles);
	free(image->pulses);
	image->tiles = NULL;
	image->pulses = NULL;
	image->n_tiles = 0;
	image->n_pulses = 0;
	memset(&image->trim, 0, sizeof(image->trim));
}

enum mho_hw_status mho_image_verify(const void *fit, size_t len, struct mho_image *out)
{
	char reason[MHO_IMAGE_REASON_SIZE] = "";
	struct verifier v = { .out = out, .err = { .text = reason, .size = sizeof(reason) } };
	enum mho_hw_status status;
	void *copy;

	memset(out, 0, sizeof(*out));
	/* What is too large is refused without a look at it. */
	copy = mho_props_copy(fit, len <= MHO_HW_FW_SIZE_MAX ? len : 0);
	v.fit = copy;
	if (copy)
		status = verify(&v, len);
	else
		status = refuse(&v, MHO_HW_ST_INTERNAL, -1, "no memory for the image");
	free(copy);
	if (status != MHO_HW_ST_OK) {
		drop_tables(out);
		out->offset = v.err.offset;
		memcpy(out->reason, reason, sizeof(reason));
	}
	return status;
}

void mho_image_release(struct mho_image *image)
{
	drop_tables(image);
	memset(image, 0, sizeof(*image));
}
