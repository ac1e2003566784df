// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Probes that fail: firmware that is missing, broken, refused, too old; a card that does not boot,
 * or is none that the driver knows. The driver says why, leaves nothing behind, and binds when what
 * was wrong is right.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mho_hw.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define FILE_NAME "/lib/firmware/" MHO_HW_FW_FILE
#define IMAGE_MAX (1 << 20)

/* The driver is unbound, and the card has lost its firmware. */
FIXTURE(firmware)
{
	uint8_t image[IMAGE_MAX];
	size_t size;
};

static int write_image(const uint8_t *image, size_t size)
{
	int fd = open(FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, image, size) != (ssize_t)size)
		ret = -EIO;
	close(fd);
	return ret;
}

FIXTURE_SETUP(firmware)
{
	int fd = open(FILE_NAME, O_RDONLY | O_CLOEXEC);
	ssize_t size;

	ASSERT_LE(0, fd);
	size = read(fd, self->image, sizeof(self->image));
	close(fd);
	ASSERT_LT(0, size);
	ASSERT_GT((ssize_t)sizeof(self->image), size);
	self->size = (size_t)size;
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_unbind());
	ASSERT_EQ(0, mt_card_write("reset", "1"));
}

FIXTURE_TEARDOWN(firmware)
{
	EXPECT_EQ(0, write_image(self->image, self->size));
	EXPECT_EQ(0, mt_repair());
}

TEST_F(firmware, missing)
{
	ASSERT_EQ(0, unlink(FILE_NAME));
	EXPECT_GT(0, mt_bind());
	EXPECT_EQ(-ENODEV, mt_open());
	EXPECT_LT(0, mt_log_count("firmware " MHO_HW_FW_FILE ": not found"));
}

TEST_F(firmware, empty)
{
	ASSERT_EQ(0, write_image(self->image, 0));
	EXPECT_GT(0, mt_bind());
	EXPECT_EQ(-ENODEV, mt_open());
}

TEST_F(firmware, truncated)
{
	ASSERT_EQ(0, mt_order("expect firmware refused"));
	ASSERT_EQ(0, write_image(self->image, self->size / 2));
	EXPECT_GT(0, mt_bind());
	EXPECT_EQ(-ENODEV, mt_open());
	EXPECT_LT(0, mt_log_count("firmware " MHO_HW_FW_FILE " refused at byte"));
	/* The card is usable as soon as the right one is there. */
	ASSERT_EQ(0, write_image(self->image, self->size));
	EXPECT_EQ(0, mt_bind());
	EXPECT_EQ(0, mt_works());
}

/* The last of its data: only the hash tells. */
TEST_F(firmware, changed)
{
	static const uint8_t magic[] = { 0xd0, 0x0d, 0xfe, 0xed };
	uint8_t *image = self->image, old;
	size_t at;

	ASSERT_EQ(0, mt_order("expect firmware refused"));
	/* Images within the image begin like the whole; a byte of the first one's strings. */
	for (at = sizeof(magic); at < self->size && memcmp(image + at, magic, sizeof(magic)); at++)
		;
	ASSERT_GT(self->size, at + 64);
	old = image[at + 60];
	image[at + 60] ^= 1;
	ASSERT_EQ(0, write_image(image, self->size));
	image[at + 60] = old;
	EXPECT_GT(0, mt_bind());
	EXPECT_LT(0, mt_log_count(mho_hw_status_text(MHO_HW_ST_FW_BAD_HASH)));
}

TEST_F(firmware, too_old)
{
	/* A property of four bytes, its name, and interface version 1.0; 0.1 is of another age. */
	static const uint8_t head[] = { 0, 0, 0, 3, 0, 0, 0, 4 };
	static const uint8_t version[] = { 0, 1, 0, 0 };
	uint8_t *image = self->image;
	size_t at;

	ASSERT_EQ(0, mt_order("expect firmware refused"));
	for (at = 0; at + 16 < self->size; at += 4)
		if (!memcmp(image + at, head, sizeof(head)) &&
		    !memcmp(image + at + 12, version, sizeof(version)))
			break;
	ASSERT_GT(self->size, at + 16);
	image[at + 13] = 0;
	image[at + 15] = 1;
	ASSERT_EQ(0, write_image(image, self->size));
	image[at + 13] = 1;
	image[at + 15] = 0;
	EXPECT_GT(0, mt_bind());
	EXPECT_LT(0, mt_log_count(mho_hw_status_text(MHO_HW_ST_FW_INCOMPATIBLE)));
}

TEST_F(firmware, refused)
{
	ASSERT_EQ(0, mt_order("fault fw-refuse"));
	EXPECT_GT(0, mt_bind());
	EXPECT_EQ(-ENODEV, mt_open());
	EXPECT_EQ(0, mt_bind());
	EXPECT_EQ(0, mt_works());
}

/* Once is a matter of a reset of the function; a card that never boots is not bound. */
TEST_F(firmware, boot_that_does_not_end)
{
	ASSERT_EQ(0, mt_order("fault boot-hang"));
	EXPECT_EQ(0, mt_bind());
	EXPECT_EQ(0, mt_works());
	ASSERT_EQ(0, mt_unbind());
	ASSERT_EQ(0, mt_card_write("reset", "1"));
	ASSERT_EQ(0, mt_order("fault boot-hang 9"));
	EXPECT_GT(0, mt_bind());
	EXPECT_EQ(-ENODEV, mt_open());
}

TEST_F(firmware, other_card)
{
	ASSERT_EQ(0, mt_order("fault bad-id"));
	EXPECT_EQ(-ENODEV, mt_bind());
	EXPECT_LT(0, mt_log_count("no mho card"));
	ASSERT_EQ(0, mt_order("fault bad-id off"));
	ASSERT_EQ(0, mt_order("fault bad-version"));
	EXPECT_EQ(-ENODEV, mt_bind());
	EXPECT_LT(0, mt_log_count("interface version"));
	ASSERT_EQ(0, mt_order("fault bad-version off"));
	EXPECT_EQ(0, mt_bind());
}

/* Each step of a probe that fails is undone: or the twentieth finds no vectors, numbers, memory. */
TEST_F(firmware, failures_leave_nothing)
{
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, mt_order("fault fw-refuse"));
		ASSERT_GT(0, mt_bind());
	}
	EXPECT_EQ(0, mt_bind());
	EXPECT_EQ(0, mt_works());
}

MHO_TEST_MAIN
