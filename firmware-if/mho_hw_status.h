/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Every status that the device can answer with, in one list that yields the
 * numbers and the texts. Completions carry them in mho_hw_cqe.status, the FAULT
 * register in its low half. What each command answers to which misuse is in
 * docs/hardware.md.
 */
#ifndef MHO_HW_STATUS_H
#define MHO_HW_STATUS_H

/*
 * X(NAME, value, text)
 *
 * The high byte is the class: 0 success, 1 malformed command, 2 addressing and
 * ownership, 3 resources, 4 execution, 5 boot and firmware, 6 device.
 * Values are never reused; new ones go to the end of their class.
 */
#define MHO_HW_STATUS_LIST(X)                                                                      \
	X(OK, 0x0000, "success")                                                                   \
	X(BAD_OPCODE, 0x0101, "the device does not know this opcode on this kind of queue")        \
	X(BAD_FIELD, 0x0102, "a field has a value that the command does not allow")                \
	X(RESERVED, 0x0103, "a reserved field or flag is not zero")                                \
	X(BAD_TYPE, 0x0104, "the operand type is unknown or not allowed here")                     \
	X(BAD_BATCH, 0x0105, "the batch is zero or larger than the device's limit")                \
	X(BAD_STRIDE, 0x0106, "the stride is smaller than a row or not a multiple of the element") \
	X(BAD_REGION, 0x0107, "the region lies outside the array")                                 \
	X(BAD_SCALE, 0x0108, "a scale, rate or tolerance is not a finite number in its range")     \
	X(CID_IN_USE, 0x0109, "a command with this identifier is in flight on this queue")         \
	X(BAD_LENGTH, 0x010a, "the data buffer is too short for the answer or the request")        \
	X(UNSUPPORTED, 0x010b, "the device does not have this feature")                            \
	X(BAD_KEY, 0x0201, "no memory key of this context has this number")                        \
	X(KEY_RANGE, 0x0202, "the operand reaches beyond the memory that the key covers")          \
	X(KEY_ACCESS, 0x0203, "the memory key does not permit this access")                        \
	X(BAD_ARRAY, 0x0204, "no array of this context has this number")                           \
	X(BAD_CONTEXT, 0x0205, "no context has this number")                                       \
	X(BAD_QUEUE, 0x0206, "no queue has this number, or it is the admin queue")                 \
	X(BAD_TILE, 0x0207, "no tile has this number")                                             \
	X(DMA_FAULT, 0x0208, "host memory could not be reached at an address that was given")      \
	X(MISALIGNED, 0x0209, "an address or offset is not aligned as its use requires")           \
	X(WINDOW_RANGE, 0x020a, "the operand does not fit the tile's buffer in the window")        \
	X(EXISTS, 0x0301, "the number or name is in use already")                                  \
	X(NO_TILES, 0x0302, "not enough free tiles of the wanted kind")                            \
	X(NO_RESOURCE, 0x0303, "the device has no more of this resource")                          \
	X(BUSY, 0x0304, "the object is in use by a command in flight")                             \
	X(NOT_FOUND, 0x0305, "no array has this name and owner")                                   \
	X(NOT_OWNER, 0x0306, "the array is attached to another context")                           \
	X(NOT_FINITE, 0x0401, "an operand holds a NaN or an infinity")                             \
	X(ABORTED, 0x0402, "the command was aborted by a reset, or its queue was deleted")         \
	X(TIMEOUT, 0x0403, "the command did not finish within the device's own limit")             \
	X(TILE_FAILED, 0x0404, "a tile of the array is out of service")                            \
	X(WORN_OUT, 0x0405, "a cell of the array has used up its endurance budget")                \
	X(SELFTEST_FAILED, 0x0406, "a self-test found a fault; the log says which")                \
	X(FW_BAD_IMAGE, 0x0501, "the firmware is not a well-formed FIT image")                     \
	X(FW_TRUNCATED, 0x0502, "the firmware image is shorter than its header says")              \
	X(FW_BAD_HASH, 0x0503, "an image in the firmware does not match its SHA-256")              \
	X(FW_NO_HASH, 0x0504, "an image in the firmware carries no SHA-256")                       \
	X(FW_INCOMPATIBLE, 0x0505, "the firmware was made for another kind of device")             \
	X(FW_TOO_OLD, 0x0506, "the firmware's interface version is older than the device accepts") \
	X(FW_BAD_TABLE, 0x0507, "a calibration or pulse table in the firmware is not valid")       \
	X(FW_DMA_FAULT, 0x0508, "the firmware image could not be read from host memory")           \
	X(NO_FIRMWARE, 0x0509, "the device has no firmware yet")                                   \
	X(FW_TOO_LARGE, 0x050a, "the firmware image is larger than the device's limit")            \
	X(BAD_STATE, 0x0601, "the device is not in the state that this request needs")             \
	X(RING_DMA_FAULT, 0x0602, "a ring in host memory could not be reached; the queue is dead") \
	X(BAD_DOORBELL, 0x0603, "a doorbell was rung with an index outside its ring")              \
	X(BAD_ADMIN_RING, 0x0604, "the admin ring registers hold no usable ring")                  \
	X(THERMAL_TRIP, 0x0605, "the device is too hot and has stopped")                           \
	X(INTERNAL, 0x0606, "the firmware met a condition that it does not handle")

enum mho_hw_status {
#define MHO_HW_STATUS_ENUM(name, value, text) MHO_HW_ST_##name = value,
	MHO_HW_STATUS_LIST(MHO_HW_STATUS_ENUM)
#undef MHO_HW_STATUS_ENUM
};

/**
 * mho_hw_status_text() - what a status means, in one sentence
 * @status: a value of mho_hw_cqe.status or of the FAULT register's low half
 *
 * Return: a constant string; a number that the list does not know has a text, too.
 */
static inline const char *mho_hw_status_text(unsigned int status)
{
	switch (status) {
#define MHO_HW_STATUS_CASE(name, value, text) \
	case value:                           \
		return text;
		MHO_HW_STATUS_LIST(MHO_HW_STATUS_CASE)
#undef MHO_HW_STATUS_CASE
	default:
		return "a status that this version of the interface does not know";
	}
}

/**
 * mho_hw_status_name() - the symbolic name of a status, for logs and JSON
 * @status: as for mho_hw_status_text()
 *
 * Return: a constant string such as "BAD_KEY"; "UNKNOWN" for any other number.
 */
static inline const char *mho_hw_status_name(unsigned int status)
{
	switch (status) {
#define MHO_HW_STATUS_CASE(name, value, text) \
	case value:                           \
		return #name;
		MHO_HW_STATUS_LIST(MHO_HW_STATUS_CASE)
#undef MHO_HW_STATUS_CASE
	default:
		return "UNKNOWN";
	}
}

#endif
