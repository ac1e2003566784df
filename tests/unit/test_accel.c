// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What of the "accel:" backend needs no card: which node a URI means, what it says
 * if there is none, and how jobs are translated. The rest is tested in guests.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/accel_dev.h"
#include "backend/emu_dev.h"
#include "mho_fixture.h"
#include "scratch.h"

/* ---- a root directory with sysfs as a machine with cards has it ---- */

static char root[256];

/* A directory below the root, with those above it. */
static void make_directory(const char *path)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *p = whole + strlen(root) + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(whole, 0700);
		*p = '/';
	}
	assert_true(!mkdir(whole, 0700) || errno == EEXIST);
}

static void make_file(const char *directory, const char *name, const char *text)
{
	char whole[PATH_MAX];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s%s/%s", root, directory, name);
	file = fopen(whole, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void make_link(const char *directory, const char *name, const char *target)
{
	char whole[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s/%s", root, directory, name);
	assert_int_equal(symlink(target, whole), 0);
}

/* A PCI device; @driver may be NULL. */
static void make_pci(const char *address, const char *vendor, const char *device,
		     const char *driver)
{
	char directory[256], target[256];

	snprintf(directory, sizeof(directory), "/sys/bus/pci/devices/%s", address);
	make_directory(directory);
	make_file(directory, "vendor", vendor);
	make_file(directory, "device", device);
	if (!driver)
		return;
	snprintf(target, sizeof(target), "../../drivers/%s", driver);
	make_link(directory, "driver", target);
}

/* A node of a device that make_pci() made. */
static void make_node(const char *name, const char *address)
{
	char directory[256], target[256];

	snprintf(directory, sizeof(directory), "/sys/class/accel/%s", name);
	make_directory(directory);
	snprintf(target, sizeof(target), "../../../bus/pci/devices/%s", address);
	make_link(directory, "device", target);
}

static void make_card(const char *node, const char *address, const char *serial)
{
	char directory[256];

	make_pci(address, "0x1af4\n", "0x10f0\n", "mho");
	snprintf(directory, sizeof(directory), "/sys/bus/pci/devices/%s", address);
	make_file(directory, "serial", serial);
	make_file(directory, "model", "mho card\n");
	make_node(node, address);
}

static int new_root(void **state)
{
	(void)state;
	return scratch_dir(root, sizeof(root), "accel");
}

static int remove_root(void **state)
{
	char command[sizeof(root) + 16];

	(void)state;
	snprintf(command, sizeof(command), "rm -r '%s'", root);
	return system(command);
}

/* ---- tests ---- */

static void expect_path(const char *name, const char *path)
{
	char found[PATH_MAX];

	assert_int_equal(accelb_find(root, name, found), 0);
	assert_string_equal(found, path);
}

static void expect_failure(const char *name, int err, const char *says)
{
	char found[PATH_MAX];

	assert_int_equal(accelb_find(root, name, found), err);
	expect_error(says);
}

static void test_one_card(void **state)
{
	char whole[PATH_MAX];

	(void)state;
	make_pci("0000:00:02.0", "0x8086\n", "0x7d1d\n", "intel_vpu");
	make_node("accel0", "0000:00:02.0");
	make_card("accel1", "0000:01:00.0", "00000000000000ab\n");
	expect_path("", "/dev/accel/accel1");
	expect_path("0000:01:00.0", "/dev/accel/accel1");
	expect_path("01:00.0", "/dev/accel/accel1");
	expect_path("serial=ab", "/dev/accel/accel1");
	expect_path("serial=0x00AB", "/dev/accel/accel1");
	snprintf(whole, sizeof(whole), "%s/dev/some/link", root);
	expect_path("/dev/some/link", whole);
	expect_failure("serial=ac", -ENOENT, "no card has the serial number 00000000000000ac");
	expect_failure("serial=", -EINVAL, "\"\" is no serial number");
	expect_failure("serial=-1", -EINVAL, "is no serial number");
	expect_failure("serial=12 cards", -EINVAL, "is no serial number");
	expect_failure("02:00.0", -ENOENT, "no PCI device 0000:02:00.0");
	expect_failure("0000:00:02.0", -ENODEV, "is no mho card");
	expect_failure("accel1", -EINVAL, "names no card; write accel:/dev/accel/accel0");
	expect_failure("01:00.0 ", -EINVAL, "names no card");
}

static void test_many_cards(void **state)
{
	struct accelb_node *nodes;
	size_t n;

	(void)state;
	make_card("accel10", "0001:41:00.0", "00000000000000cd\n");
	make_card("accel2", "0000:01:00.0", "00000000000000ab\n");
	make_directory("/sys/class/accel/accel");
	make_directory("/sys/class/accel/accel3x");
	assert_int_equal(accelb_scan(root, &nodes, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(nodes[0].number, 2);
	assert_int_equal(nodes[1].number, 10);
	assert_string_equal(nodes[1].path, "/dev/accel/accel10");
	assert_string_equal(nodes[1].address, "0001:41:00.0");
	assert_string_equal(nodes[1].model, "mho card");
	assert_true(nodes[1].serial == 0xcd);
	free(nodes);
	expect_failure("", -EINVAL,
		       "there are 2 cards, and \"accel:\" names none of them; take "
		       "accel:/dev/accel/accel2 (0000:01:00.0), accel:/dev/accel/accel10 "
		       "(0001:41:00.0)");
	expect_path("0001:41:00.0", "/dev/accel/accel10");
	expect_failure("41:00.0", -ENOENT, "no PCI device 0000:41:00.0");
	expect_path("serial=cd", "/dev/accel/accel10");
}

static void test_no_card(void **state)
{
	struct accelb_node *nodes;
	size_t n;

	(void)state;
	assert_int_equal(accelb_scan(root, &nodes, &n), 0);
	assert_int_equal(n, 0);
	free(nodes);
	expect_failure("", -ENODEV, "there is no mho card in this machine");
	make_pci("0000:00:02.0", "0x8086\n", "0x7d1d\n", "intel_vpu");
	make_node("accel0", "0000:00:02.0");
	expect_failure("", -ENODEV, "there is no mho card in this machine");
}

static void test_no_driver(void **state)
{
	(void)state;
	make_pci("0000:01:00.0", "0x1af4\n", "0x10f0\n", NULL);
	expect_failure("", -ENODEV, "the card at 0000:01:00.0 has no driver: sudo modprobe mho");
	expect_failure("01:00.0", -ENODEV, "has no driver: sudo modprobe mho");
}

static void test_other_driver(void **state)
{
	(void)state;
	make_pci("0000:01:00.0", "0x1af4\n", "0x10f0\n", "vfio-pci");
	expect_failure("", -ENODEV, "the card at 0000:01:00.0 has the driver vfio-pci, not mho");
	expect_failure("01:00.0", -ENODEV, "has the driver vfio-pci, not mho");
}

static void test_no_node(void **state)
{
	(void)state;
	make_pci("0000:01:00.0", "0x1af4\n", "0x10f0\n", "mho");
	expect_failure("", -ENODEV, "it has no device node; dmesg tells why");
}

/* What only shows when a node is opened. */
static void test_open(void **state)
{
	struct mho_open_opts opts = MHO_INIT(struct mho_open_opts);
	struct mho_dev *dev;

	(void)state;
	assert_int_equal(mho_open("accel:/does/not/exist", NULL, &dev), -ENOENT);
	expect_error("there is no /does/not/exist; \"mhoctl list\" shows");
	assert_int_equal(mho_open("accel:/dev/null", NULL, &dev), -ENODEV);
	expect_error("/dev/null is no accelerator's device node");
	assert_int_equal(mho_open("accel:/proc/self/exe", NULL, &dev), -ENOTTY);
	expect_error("/proc/self/exe is no device node");
	assert_int_equal(mho_open("accel:/dev/null?seed=1", NULL, &dev), -EINVAL);
	expect_error("only emulated cards take");
	/* What is no card is said first, whatever way in is asked for. */
	opts.io = MHO_IO_URING;
	assert_int_equal(mho_open("accel:/dev/null", &opts, &dev), -ENODEV);
	expect_error("/dev/null is no accelerator's device node");
}

/*
 * The driver passes a job on to the device field by field. So it must say what the emulated card's
 * own driver says for the same command.
 */
static void same_command(const struct mrt_cmd *cmd)
{
	struct emub_mem a = { .key = 17 }, b = { .key = 23 };
	struct mrt_cmd for_emu = *cmd, for_card = *cmd;
	struct drm_mho_job job;
	struct mho_hw_sqe sqe;
	bool operands = false;

	for_emu.a.mem = (uint64_t)(uintptr_t)&a;
	for_emu.b.mem = (uint64_t)(uintptr_t)&b;
	for_card.a.mem = 17;
	for_card.b.mem = 23;
	emub_translate(&for_emu, 5, &sqe);
	accelb_translate(&for_card, &job);
	assert_int_equal(job.op, sqe.opcode);
	assert_int_equal(job.flags, sqe.flags);
	assert_int_equal(job.modifier, mho_le16_to_cpu(sqe.modifier));
	assert_int_equal(job.array, mho_le32_to_cpu(sqe.array));
	assert_int_equal(job.batch, mho_le32_to_cpu(sqe.batch));
	assert_int_equal(job.a_type, sqe.a_type);
	assert_int_equal(job.b_type, sqe.b_type);
	assert_int_equal(job.pad, 0);
	assert_int_equal(job.a_scale, mho_le32_to_cpu(sqe.a_scale));
	assert_int_equal(job.b_scale, mho_le32_to_cpu(sqe.b_scale));
	assert_int_equal(job.param[0], mho_le32_to_cpu(sqe.param[0]));
	assert_int_equal(job.param[1], mho_le32_to_cpu(sqe.param[1]));
	if (job.a_type) {
		operands = true;
		assert_int_equal(job.a.handle, mho_le32_to_cpu(sqe.a.key));
		assert_int_equal(job.a.stride, mho_le32_to_cpu(sqe.a.stride));
		assert_true(job.a.offset == mho_le64_to_cpu(sqe.a.offset));
	}
	if (job.b_type) {
		operands = true;
		assert_int_equal(job.b.handle, mho_le32_to_cpu(sqe.b.key));
		assert_int_equal(job.b.stride, mho_le32_to_cpu(sqe.b.stride));
		assert_true(job.b.offset == mho_le64_to_cpu(sqe.b.offset));
	}
	if (operands)
		return;
	assert_int_equal(job.a_region.row, mho_le32_to_cpu(sqe.a_region.row));
	assert_int_equal(job.a_region.col, mho_le32_to_cpu(sqe.a_region.col));
	assert_int_equal(job.a_region.rows, mho_le32_to_cpu(sqe.a_region.rows));
	assert_int_equal(job.a_region.cols, mho_le32_to_cpu(sqe.a_region.cols));
	assert_int_equal(job.b_region.row, mho_le32_to_cpu(sqe.b_region.row));
	assert_int_equal(job.b_region.col, mho_le32_to_cpu(sqe.b_region.col));
	assert_int_equal(job.b_region.rows, mho_le32_to_cpu(sqe.b_region.rows));
	assert_int_equal(job.b_region.cols, mho_le32_to_cpu(sqe.b_region.cols));
}

static void test_translate(void **state)
{
	static const uint32_t flags[] = { 0, MHO_JOB_FENCE, MHO_JOB_CONDUCTANCE, MHO_JOB_WEAR };

	(void)state;
	for (uint32_t op = MHO_OP_NOP; op <= MHO_OP_BARRIER; op++) {
		for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
			struct mrt_cmd cmd = {
				.op = op,
				.flags = flags[i],
				.array = 3,
				.dst = 4,
				.batch = 6,
				.limit = 7,
				.rate = 0.125f,
				.a = { .offset = 64, .stride = 32, .type = MHO_I8, .scale = 0.5f },
				.b = { .offset = 1ULL << 33, .type = MHO_F32, .scale = -2.0f },
				.rows = 9,
				.src_col = 10,
				.dst_col = 11,
				.count = 12,
			};

			same_command(&cmd);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_card, new_root, remove_root),
		cmocka_unit_test_setup_teardown(test_many_cards, new_root, remove_root),
		cmocka_unit_test_setup_teardown(test_no_card, new_root, remove_root),
		cmocka_unit_test_setup_teardown(test_no_driver, new_root, remove_root),
		cmocka_unit_test_setup_teardown(test_other_driver, new_root, remove_root),
		cmocka_unit_test_setup_teardown(test_no_node, new_root, remove_root),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_translate),
	};

	return cmocka_run_group_tests_name("accel", tests, NULL, NULL);
}
