// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Firmware images as files, without a device: verified by the code that the emulated
 * device's boot has.
 */
#include <errno.h>
#include <string.h>

#include "core/dev.h"
#include "emulator/image.h"

_Static_assert(MHO_FIRMWARE_CODE == (int)MHO_IMAGE_CODE &&
		       MHO_FIRMWARE_CALIBRATION == (int)MHO_IMAGE_CALIBRATION &&
		       MHO_FIRMWARE_PULSES == (int)MHO_IMAGE_PULSES &&
		       MHO_FIRMWARE_PARTS == (int)MHO_IMAGE_PARTS,
	       "parts of a firmware image");
_Static_assert(MHO_HASH_UNKNOWN == (int)MHO_IMAGE_HASH_UNKNOWN &&
		       MHO_HASH_GOOD == (int)MHO_IMAGE_HASH_GOOD &&
		       MHO_HASH_BAD == (int)MHO_IMAGE_HASH_BAD &&
		       MHO_HASH_MISSING == (int)MHO_IMAGE_HASH_MISSING,
	       "states of a hash");

static void describe(const struct mho_image *image, struct mho_firmware_image *to)
{
	to->offset = image->offset;
	to->version = image->version;
	to->interface = image->interface;
	to->build_time = image->build_time;
	to->image_size = image->size;
	for (unsigned int i = 0; i < MHO_FIRMWARE_PARTS; i++) {
		to->part_size[i] = image->parts[i].size;
		to->part_hash[i] = image->parts[i].hash;
	}
	memcpy(to->name, image->name, sizeof(to->name));
	memcpy(to->compatible, image->compatible, sizeof(to->compatible));
	memcpy(to->reason, image->reason, sizeof(to->reason));
	memcpy(to->sha256, image->sha256, sizeof(to->sha256));
}

int mho_firmware_check(const void *data, size_t len, struct mho_firmware_image *result)
{
	struct mho_firmware_image out = MHO_INIT(struct mho_firmware_image);
	struct mho_image image;
	enum mho_hw_status status;

	if (!data && len)
		return mrt_fail(-EINVAL, "mho_firmware_check: image is NULL");
	status = mho_image_verify(data, len, &image);
	if (status != MHO_HW_ST_INTERNAL) {
		out.status = (int32_t)status;
		describe(&image, &out);
	}
	mho_image_release(&image);
	if (status == MHO_HW_ST_INTERNAL)
		return mrt_fail(-ENOMEM, "out of memory for a firmware image");
	return mrt_copy_out(result, &out, sizeof(out), sizeof(out), "struct mho_firmware_image");
}
