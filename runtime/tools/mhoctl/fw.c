// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * mhoctl fw: the firmware that runs in a device, or a firmware image in a file and
 * whether a device would take it.
 */
#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mho_hw.h"
#include "tools/mhoctl/mhoctl.h"

#define SHA256_TEXT 65

static const char *const part_names[MHO_FIRMWARE_PARTS] = {
	[MHO_FIRMWARE_CODE] = MHO_HW_FW_IMAGE_CODE,
	[MHO_FIRMWARE_CALIBRATION] = MHO_HW_FW_IMAGE_CALIBRATION,
	[MHO_FIRMWARE_PULSES] = MHO_HW_FW_IMAGE_PULSES,
};

static const char *hash_text(uint32_t state)
{
	switch (state) {
	case MHO_HASH_GOOD:
		return "good";
	case MHO_HASH_BAD:
		return "wrong";
	case MHO_HASH_MISSING:
		return "missing";
	default:
		return "not checked";
	}
}

static const char *hex_text(char text[SHA256_TEXT], const uint8_t hash[32])
{
	for (int i = 0; i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	return text;
}

/* ISO 8601, UTC; "unknown" for 0. */
static const char *time_text(char text[TEXT_MAX], uint64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!seconds || !gmtime_r(&t, &tm) || !strftime(text, TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(text, TEXT_MAX, "unknown");
	return text;
}

/* ---- what a running firmware and an image have in common ---- */

static void json_identity(struct json_object *doc, const struct mho_firmware *fw)
{
	static const uint8_t unknown[sizeof(fw->sha256)];
	bool hashed = memcmp(fw->sha256, unknown, sizeof(unknown)) != 0;
	char text[SHA256_TEXT], part[TEXT_MAX];

	/* Of a bad image not all of this is known. */
	json_set_text(doc, "name", *fw->name ? fw->name : NULL);
	json_set_text(doc, "version", fw->version ? text_firmware(part, fw->version) : NULL);
	json_set_text(doc, "interface", fw->interface ? text_interface(part, fw->interface) : NULL);
	json_set_text(doc, "built", fw->build_time ? time_text(part, fw->build_time) : NULL);
	json_set_text(doc, "sha256", hashed ? hex_text(text, fw->sha256) : NULL);
}

static void table_identity(struct libscols_table *t, const struct mho_firmware *fw)
{
	char text[TEXT_MAX];

	table_pair(t, "name", "%s", fw->name);
	table_pair(t, "version", "%s", text_firmware(text, fw->version));
	table_pair(t, "interface", "%s", text_interface(text, fw->interface));
	table_pair(t, "built", "%s", time_text(text, fw->build_time));
}

/* ---- a device ---- */

static void print_running(const struct call *call, const char *uri, const struct mho_firmware *fw)
{
	char text[SHA256_TEXT];
	struct libscols_table *t;

	if (call->json) {
		struct json_object *doc = json_new("fw");

		json_set_text(doc, "kind", "running");
		json_set_text(doc, "source", uri);
		json_identity(doc, fw);
		json_print(doc, stdout);
		return;
	}
	t = table_new_pairs();
	table_pair(t, "running in", "%s", uri);
	table_identity(t, fw);
	table_pair(t, "sha256 of code", "%s", hex_text(text, fw->sha256));
	table_print(t);
}

static int show_running(const struct call *call, const char *uri)
{
	struct mho_firmware fw = MHO_INIT(struct mho_firmware);
	struct mho_dev *dev;
	int err;

	err = open_uri(call, uri, &dev);
	if (err)
		return err;
	err = mho_firmware_get(dev, &fw);
	if (err)
		err = fail_device(call, "the firmware does not describe itself", err);
	else
		print_running(call, uri, &fw);
	mho_close(dev);
	return err;
}

/* ---- a file ---- */

/* One byte more than an image may have, at most: enough to see that it is too large. */
static int read_file(const struct call *call, const char *path, char **data, size_t *len)
{
	const size_t room = MHO_HW_FW_SIZE_MAX + 1;
	FILE *file = fopen(path, "re");
	int err = 0;

	if (!file)
		return fail(call, MHOCTL_DEVICE,
			    "%s is neither a URI (emu:, accel:) nor a file: %s", path,
			    strerror(errno));
	*data = malloc(room);
	if (*data) {
		errno = 0;
		*len = fread(*data, 1, room, file);
		if (ferror(file))
			err = fail(call, MHOCTL_DEVICE, "%s cannot be read: %s", path,
				   strerror(errno));
	} else {
		err = fail(call, MHOCTL_DEVICE, "out of memory for %s", path);
	}
	if (err)
		free(*data);
	fclose(file);
	return err;
}

/* What is to be done about an image that devices refuse. */
static const char *remedy(int32_t status)
{
	switch (status) {
	case MHO_HW_ST_FW_TRUNCATED:
		return "the copy is incomplete: copy it again";
	case MHO_HW_ST_FW_BAD_HASH:
		return "it was damaged on its way: copy it again";
	case MHO_HW_ST_FW_NO_HASH:
		return "build it with mkimage, which adds the hashes";
	case MHO_HW_ST_FW_INCOMPATIBLE:
		return "get the firmware for this card, or a driver and a libmho that fit";
	case MHO_HW_ST_FW_TOO_OLD:
		return "get newer firmware";
	case MHO_HW_ST_FW_BAD_TABLE:
		return "correct the table and build the image again";
	default:
		return "this is another kind of file, or a damaged one";
	}
}

static struct json_object *json_parts(const struct mho_firmware_image *image)
{
	struct json_object *list = json_object_new_array();

	for (unsigned int i = 0; i < MHO_FIRMWARE_PARTS; i++) {
		struct json_object *part = json_object_new_object();

		json_set_text(part, "part", part_names[i]);
		json_set_uint(part, "size", image->part_size[i]);
		json_set_text(part, "hash", hash_text(image->part_hash[i]));
		json_object_array_add(list, part);
	}
	return list;
}

static void print_image_json(const char *path, size_t len, const struct mho_firmware *fw,
			     const struct mho_firmware_image *image)
{
	struct json_object *doc = json_new("fw");

	json_set_text(doc, "kind", "image");
	json_set_text(doc, "source", path);
	json_identity(doc, fw);
	json_set_bool(doc, "accepted", image->status == 0);
	json_set_text(doc, "status", mho_hw_status_name((unsigned int)image->status));
	json_set_text(doc, "reason", image->status ? image->reason : NULL);
	json_set_uint(doc, "offset", image->offset);
	json_set_text(doc, "compatible", *image->compatible ? image->compatible : NULL);
	json_set_uint(doc, "file_size", len);
	json_set_uint(doc, "image_size", image->image_size);
	json_set(doc, "parts", json_parts(image));
	json_print(doc, stdout);
}

static void print_image(const char *path, size_t len, const struct mho_firmware *fw,
			const struct mho_firmware_image *image)
{
	struct libscols_table *t = table_new_pairs();
	char text[SHA256_TEXT];

	table_pair(t, "file", "%s", path);
	if (image->image_size && image->image_size < len)
		table_pair(t, "size", "%u bytes, and %zu behind them", image->image_size,
			   len - image->image_size);
	else
		table_pair(t, "size", "%zu bytes", len);
	/* Before its version there is nothing in it that could be told. */
	if (fw->version) {
		table_identity(t, fw);
		table_pair(t, "for cards", "%s",
			   *image->compatible ? image->compatible : "unknown");
	}
	for (unsigned int i = 0; i < MHO_FIRMWARE_PARTS; i++)
		if (image->part_size[i])
			table_pair(t, part_names[i], "%u bytes, sha256 %s", image->part_size[i],
				   hash_text(image->part_hash[i]));
	if (image->part_hash[MHO_FIRMWARE_CODE] == MHO_HASH_GOOD)
		table_pair(t, "sha256 of code", "%s", hex_text(text, fw->sha256));
	table_pair(t, "verdict", "%s", image->status ? "refused" : "a device takes it");
	table_print(t);
}

static int report_image(const struct call *call, const char *path, size_t len,
			const struct mho_firmware_image *image)
{
	struct mho_firmware fw = {
		.version = image->version,
		.interface = image->interface,
		.build_time = image->build_time,
	};

	memcpy(fw.name, image->name, sizeof(fw.name));
	memcpy(fw.sha256, image->sha256, sizeof(fw.sha256));
	if (call->json)
		print_image_json(path, len, &fw, image);
	else
		print_image(path, len, &fw, image);
	if (!image->status)
		return MHOCTL_OK;
	if (image->offset)
		return fail(call, MHOCTL_FAILED, "%s: devices refuse it: %s (at byte %u); %s", path,
			    image->reason, image->offset, remedy(image->status));
	return fail(call, MHOCTL_FAILED, "%s: devices refuse it: %s; %s", path, image->reason,
		    remedy(image->status));
}

static int show_file(const struct call *call, const char *path)
{
	struct mho_firmware_image image = MHO_INIT(struct mho_firmware_image);
	size_t len = 0;
	char *data = NULL;
	int err;

	err = read_file(call, path, &data, &len);
	if (err)
		return err;
	err = mho_firmware_check(data, len, &image);
	free(data);
	if (err)
		return fail_device(call, "the image cannot be checked", err);
	/* How large it is was not looked at. */
	if (len > MHO_HW_FW_SIZE_MAX)
		snprintf(image.reason, sizeof(image.reason),
			 "more than %u bytes, which is the most that is allowed",
			 MHO_HW_FW_SIZE_MAX);
	return report_image(call, path, len, &image);
}

int run_fw(struct call *call)
{
	if (call->nargs != 2 || strcmp(call->args[0], "show") != 0)
		return fail(call, MHOCTL_USAGE,
			    "usage: mhoctl fw show URI, or mhoctl fw show FILE.itb");
	return is_uri(call->args[1]) ? show_running(call, call->args[1]) :
				       show_file(call, call->args[1]);
}
