/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the boot code does with a firmware image: verify it, and take out what the
 * device needs of it (mho_hw_image.h has the format). How the image gets here, and
 * what the tables are used for, is not known here.
 */
#ifndef MHO_EMU_IMAGE_H
#define MHO_EMU_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "mho_hw.h"

struct mho_topo;

#define MHO_IMAGE_NAME_SIZE 64
#define MHO_IMAGE_TECHNOLOGY_SIZE 32 /* as in struct mho_tech */
#define MHO_IMAGE_COMPATIBLE_SIZE 64
#define MHO_IMAGE_REASON_SIZE 112

enum mho_image_part_number {
	MHO_IMAGE_CODE,
	MHO_IMAGE_CALIBRATION,
	MHO_IMAGE_PULSES,
	MHO_IMAGE_PARTS,
};

enum mho_image_hash {
	MHO_IMAGE_HASH_UNKNOWN,
	MHO_IMAGE_HASH_GOOD,
	MHO_IMAGE_HASH_BAD,
	MHO_IMAGE_HASH_MISSING,
};

/**
 * struct mho_image_part - one of the images in an image
 * @size: bytes
 * @hash: what became of its hash
 */
struct mho_image_part {
	uint32_t size;
	enum mho_image_hash hash;
};

/**
 * struct mho_image_trim - correction of a tile's converters
 * @gain_ppm: deviation of the gain from 1, millionths
 * @offset_ppm: offset, millionths of the ADC's full scale
 */
struct mho_image_trim {
	int32_t gain_ppm;
	int32_t offset_ppm;
};

/* The trim of one tile. */
struct mho_image_tile {
	uint32_t tile;
	struct mho_image_trim trim;
};

/**
 * struct mho_image_pulses - write parameters of one technology; 0: as in the topology
 * @technology: its name
 * @train_length: slots of a pulse train
 * @verify_iterations: most iterations of a closed-loop write
 * @verify_tolerance_ppm: its tolerance, millionths of weight 1
 */
struct mho_image_pulses {
	char technology[MHO_IMAGE_TECHNOLOGY_SIZE];
	uint32_t train_length;
	uint32_t verify_iterations;
	uint32_t verify_tolerance_ppm;
};

/**
 * struct mho_image - a verified image
 * @version: major in [31:24], minor in [23:16], patch in [15:0]
 * @interface: MHO_HW_VERSION that it was built for
 * @build_time: seconds since 1970
 * @name: its description, NUL-terminated; what is no printable ASCII is a question mark
 * @compatible: first compatible of its default configuration, made printable as the name
 * @size: its bytes, as its header gives them
 * @parts: its parts
 * @sha256: of the code image
 * @trim: of tiles that have none of their own
 * @tiles: trims of single tiles, by tile number
 * @n_tiles: their number
 * @pulses: write parameters, by technology
 * @n_pulses: their number
 * @offset: of a refused image: byte in the image that is wrong, 0 if not known
 * @reason: of a refused image: a short sentence, fit for a log entry
 */
struct mho_image {
	uint32_t version;
	uint32_t interface;
	uint64_t build_time;
	char name[MHO_IMAGE_NAME_SIZE];
	char compatible[MHO_IMAGE_COMPATIBLE_SIZE];
	uint32_t size;
	struct mho_image_part parts[MHO_IMAGE_PARTS];
	uint8_t sha256[32];
	struct mho_image_trim trim;
	struct mho_image_tile *tiles;
	unsigned int n_tiles;
	struct mho_image_pulses *pulses;
	unsigned int n_pulses;
	uint32_t offset;
	char reason[MHO_IMAGE_REASON_SIZE];
};

/**
 * mho_image_verify() - check a firmware image and take it apart
 * @fit: the image; read once, into a copy, so that it may lie in memory that others write to. Bytes
 *       behind the length that its header gives are ignored.
 * @len: its bytes
 * @out: filled; free with mho_image_release(), also after a refusal. Nothing in it points to @fit.
 *       After a refusal it has what had been read by then, but for the tables.
 *
 * The checks and their order are those of docs/hardware.md; that the memory can be read is the
 * caller's. What the tables say of tiles and technologies that the card does not have is ignored:
 * one image serves many cards.
 *
 * Return: MHO_HW_ST_OK; or FW_TOO_LARGE, FW_BAD_IMAGE, FW_TRUNCATED, FW_INCOMPATIBLE, FW_TOO_OLD,
 * FW_NO_HASH, FW_BAD_HASH, FW_BAD_TABLE with @out->offset and @out->reason set, or INTERNAL (no
 * memory).
 * Threads: any.
 */
enum mho_hw_status mho_image_verify(const void *fit, size_t len, struct mho_image *out);

/**
 * mho_image_check_interface() - whether a device can run firmware of an interface version
 * @interface: of the image
 * @device: MHO_HW_VERSION of the device
 * @oldest: oldest version that it accepts
 *
 * Return: MHO_HW_ST_OK, FW_INCOMPATIBLE (another major version, or a newer minor one), or
 * FW_TOO_OLD.
 */
enum mho_hw_status mho_image_check_interface(uint32_t interface, uint32_t device, uint32_t oldest);

/**
 * mho_image_release() - free what an image holds, and clear it
 * @image: image, or all zero
 */
void mho_image_release(struct mho_image *image);

/**
 * mho_image_trim() - correction of a tile's converters
 * @image: verified image
 * @tile: tile number
 *
 * Return: its own, or the default; valid as long as @image.
 */
const struct mho_image_trim *mho_image_trim(const struct mho_image *image, uint32_t tile);

/**
 * mho_image_pulses() - write parameters of a technology
 * @image: verified image
 * @name: of the technology
 *
 * Return: its entry, valid as long as @image; NULL if the image has none.
 */
const struct mho_image_pulses *mho_image_pulses(const struct mho_image *image, const char *name);

/**
 * mho_image_apply() - replace the topology's write parameters by those of the pulse table
 * @image: verified image
 * @topo: changed; technologies that the image does not name stay as they are
 *
 * Apply it to a fresh copy of the topology for each boot: what one image has set, the next one
 * does not undo.
 */
void mho_image_apply(const struct mho_image *image, struct mho_topo *topo);

#endif
