// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Resets that come through PCI: of the function, of the slot, after errors. What the driver had told
 * the device is there again afterwards; jobs in flight are done, or told that they are not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define LABEL "pci-reset"
#define NAMED_SEED 41
#define SEED 42

/* Uncorrectable and correctable errors, as the kernel's linux/pci_regs.h has them. */
#define UNCOR_POISONED 0x00001000 /* Poisoned TLP: non-fatal */
#define UNCOR_MALFORMED 0x00040000 /* Malformed TLP: fatal */
#define COR_RECEIVER 0x00000001

/* As the kernel's drivers/pci/pcie/aer_inject.c takes it. */
struct aer_error {
	uint8_t bus;
	uint8_t dev;
	uint8_t fn;
	uint32_t uncor_status;
	uint32_t cor_status;
	uint32_t header_log[4];
	uint32_t domain;
};

FIXTURE(pci_reset)
{
	struct mt_session s;
	uint32_t named;
	uint32_t array;
};

FIXTURE_SETUP(pci_reset)
{
	ASSERT_EQ(0, mt_node_wait(true));
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ(0, mt_model_make(&self->s, LABEL, NAMED_SEED, &self->named));
	ASSERT_EQ(0, mt_model_make(&self->s, NULL, SEED, &self->array));
}

FIXTURE_TEARDOWN(pci_reset)
{
	EXPECT_EQ(0, mt_array_destroy(self->s.fd, self->named));
	mt_session_close(&self->s);
	EXPECT_EQ(0, mt_repair());
}

static int reset_by(const char *method)
{
	int ret = mt_card_write("reset_method", method);

	return ret ? ret : mt_card_write("reset", "1");
}

static int inject(uint32_t uncor, uint32_t cor)
{
	struct aer_error error = { .uncor_status = uncor, .cor_status = cor };
	unsigned int domain, bus, dev, fn;
	const char *address = mt_card_address();
	int fd, ret = 0;

	if (!address || sscanf(address, "%x:%x:%x.%x", &domain, &bus, &dev, &fn) != 4)
		return -ENODEV;
	error.domain = domain;
	error.bus = (uint8_t)bus;
	error.dev = (uint8_t)dev;
	error.fn = (uint8_t)fn;
	if (system("/usr/sbin/modprobe aer_inject"))
		return -ENOENT;
	fd = open("/dev/aer_inject", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, &error, sizeof(error)) != sizeof(error))
		ret = -errno;
	close(fd);
	return ret;
}

/* Short enough to be waited for by a device that shuts down in good order, ms. */
#define ORDERLY_MS 2000

/* An orderly reset: the device is told before, so that all weights stay, and no job is lost. */
static void survive_reset(struct __test_metadata *_metadata, FIXTURE_DATA(pci_reset) * self,
			  const char *method)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->array);
	int i;

	/* Twice, since what the first has restored the second may find spoilt. */
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mt_order("fault cmd-delay %d", ORDERLY_MS));
		ASSERT_EQ(0, mt_submit(&self->s, &job, 1));
		ASSERT_EQ(0, mt_fault_taken("cmd-delay"));
		ASSERT_EQ(0, reset_by(method));
		EXPECT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
		EXPECT_EQ(0, mt_results(&self->s)[0].status);
		EXPECT_TRUE(mt_model_right(&self->s, SEED));
		EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
		EXPECT_EQ(0, mt_model_check(&self->s, self->named, NAMED_SEED));
	}
	EXPECT_EQ(0, mt_works());
}

TEST_F(pci_reset, function)
{
	survive_reset(_metadata, self, "flr");
}

TEST_F(pci_reset, bus)
{
	survive_reset(_metadata, self, "bus");
}

/* It is reported, and nothing else happens. */
TEST_F(pci_reset, correctable_error)
{
	int64_t resets = mt_card_number("resets");

	ASSERT_EQ(0, inject(0, COR_RECEIVER));
	EXPECT_EQ(0, mt_model_check(&self->s, self->array, SEED));
	EXPECT_EQ(resets, mt_card_number("resets"));
	EXPECT_LT(0, mt_log_count("severity=Correct"));
}

/* Recovery is asynchronous; the kernel says when it is over. */
static int wait_recovered(int before)
{
	int64_t steps = MT_WAIT_NS / 20000000;

	while (mt_log_count("device recovery successful") <= before)
		if (!steps--)
			return -ETIMEDOUT;
		else
			usleep(20000);
	return 0;
}

/* The device may have lost what nobody could save: jobs that wait are told, named weights stay. */
static void survive_error(struct __test_metadata *_metadata, FIXTURE_DATA(pci_reset) * self,
			  uint32_t uncor)
{
	struct drm_mho_job job = mt_model_job(&self->s, self->named);
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mt_order("fault cmd-delay %d", MT_DELAY_MS));
		ASSERT_EQ(0, mt_submit(&self->s, &job, 1));
		ASSERT_EQ(0, mt_fault_taken("cmd-delay"));
		ASSERT_EQ(0, inject(uncor, 0));
		ASSERT_EQ(0, wait_recovered(i));
		EXPECT_EQ(0, mt_syncobj_wait(self->s.fd, self->s.done, MT_WAIT_NS));
		EXPECT_EQ(0, mt_results(&self->s)[0].status);
		EXPECT_TRUE(mt_model_right(&self->s, NAMED_SEED));
		EXPECT_EQ(0, mt_model_check(&self->s, self->named, NAMED_SEED));
	}
	EXPECT_EQ(0, mt_log_count("device recovery failed"));
	EXPECT_EQ(0, mt_works());
}

TEST_F(pci_reset, non_fatal_error)
{
	survive_error(_metadata, self, UNCOR_POISONED);
}

TEST_F(pci_reset, fatal_error)
{
	survive_error(_metadata, self, UNCOR_MALFORMED);
}

MHO_TEST_MAIN
