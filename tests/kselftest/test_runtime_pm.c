// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * A card that nobody uses sleeps, what wakes it and what does not, and that nothing is lost by it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mho_hw.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define ROWS 8
#define COLS 8
#define LABEL "test_runtime_pm"
#define FIRMWARE "/lib/firmware/" MHO_HW_FW_FILE
#define AWAY "/lib/firmware/away"

/* The first line of a file, or what reading it gave. */
static int read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, line, size - 1);
	n = n < 0 ? -errno : n;
	close(fd);
	line[n < 0 ? 0 : n] = 0;
	line[strcspn(line, "\n")] = 0;
	return n < 0 ? (int)n : 0;
}

static int read_pci(const char *file, char *line, size_t size)
{
	return read_line(mt_card_path(file), line, size);
}

static bool status_is(const char *status)
{
	char line[32];

	return !read_pci("power/runtime_status", line, sizeof(line)) && !strcmp(line, status);
}

static bool falls_asleep(void)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		if (status_is("suspended"))
			return true;
		usleep(10000);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < 60);
	return false;
}

/* Long enough for a card with the test's delay to fall asleep. */
static bool stays_awake(void)
{
	int i;

	for (i = 0; i < 10; i++) {
		usleep(50000);
		if (!status_is("active"))
			return false;
	}
	return true;
}

static int telemetry(int fd, struct drm_mho_telemetry *t)
{
	int ret = mt_query(fd, DRM_MHO_QUERY_TELEMETRY, 0, t, sizeof(*t));

	return ret < 0 ? ret : 0;
}

/* A file of the card's hwmon. */
static int read_hwmon(const char *file, char *line, size_t size)
{
	char name[NAME_MAX + 64];
	struct dirent *entry;
	int ret = -ENOENT;
	DIR *dir;

	dir = opendir(mt_card_path("hwmon"));
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "hwmon", 5))
			continue;
		snprintf(name, sizeof(name), "hwmon/%s/%s", entry->d_name, file);
		ret = read_pci(name, line, size);
	}
	closedir(dir);
	return ret;
}

FIXTURE(runtime_pm)
{
	int fd;
	char delay[32];
};

FIXTURE_SETUP(runtime_pm)
{
	ASSERT_EQ(0, read_pci("power/autosuspend_delay_ms", self->delay, sizeof(self->delay)));
	self->fd = mt_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, mt_card_write("power/control", "auto"));
	ASSERT_EQ(0, mt_card_write("power/autosuspend_delay_ms", "50"));
	ASSERT_TRUE(falls_asleep());
}

FIXTURE_TEARDOWN(runtime_pm)
{
	if (self->fd >= 0)
		close(self->fd);
	mt_card_write("power/autosuspend_delay_ms", self->delay);
}

TEST_F(runtime_pm, sleeps_in_d3hot)
{
	char line[32];

	ASSERT_EQ(0, read_pci("power_state", line, sizeof(line)));
	EXPECT_STREQ("D3hot", line);
}

TEST_F(runtime_pm, control_on)
{
	ASSERT_EQ(0, mt_card_write("power/control", "on"));
	EXPECT_TRUE(status_is("active"));
	EXPECT_TRUE(stays_awake());
	ASSERT_EQ(0, mt_card_write("power/control", "auto"));
	EXPECT_TRUE(falls_asleep());
}

TEST_F(runtime_pm, context_keeps_awake)
{
	struct mt_session s;
	struct drm_mho_job nop = mt_job_nop();

	ASSERT_EQ(0, mt_session_open(&s));
	EXPECT_TRUE(status_is("active"));
	EXPECT_TRUE(stays_awake());
	EXPECT_EQ(0, mt_run_one(&s, &nop));
	mt_session_close(&s);
	EXPECT_TRUE(falls_asleep());
}

TEST_F(runtime_pm, file_from_before)
{
	struct drm_mho_telemetry t;
	uint32_t ctx, array;

	/* Opened before it slept, used after, several times. */
	ASSERT_EQ(0, telemetry(self->fd, &t));
	ASSERT_TRUE(falls_asleep());
	ASSERT_EQ(0, mt_ctx_create(self->fd, &ctx));
	ASSERT_EQ(0, mt_array_create(self->fd, ROWS, COLS, &array));
	ASSERT_EQ(0, mt_array_destroy(self->fd, array));
	EXPECT_TRUE(stays_awake());
	ASSERT_EQ(0, mt_ctx_destroy(self->fd, ctx));
	/* The file has the device's context until it is closed. */
	EXPECT_TRUE(stays_awake());
	close(self->fd);
	self->fd = -1;
	EXPECT_TRUE(falls_asleep());
}

TEST_F(runtime_pm, looking_does_not_wake)
{
	struct drm_mho_info info;
	char line[64];

	EXPECT_EQ(-ENODATA, read_hwmon("temp1_input", line, sizeof(line)));
	EXPECT_EQ(0, read_hwmon("power1_average", line, sizeof(line)));
	EXPECT_STREQ("0", line);
	EXPECT_EQ(0, read_hwmon("energy1_input", line, sizeof(line)));
	EXPECT_EQ(0, read_pci("serial", line, sizeof(line)));
	EXPECT_EQ(0, read_pci("fw_version", line, sizeof(line)));
	EXPECT_LT(0, mt_query(self->fd, DRM_MHO_QUERY_INFO, 0, &info, sizeof(info)));
	EXPECT_LT(0, mt_query(self->fd, DRM_MHO_QUERY_TOPOLOGY, 0, NULL, 0));
	EXPECT_TRUE(status_is("suspended"));
}

TEST_F(runtime_pm, looking_does_not_keep_awake)
{
	struct drm_mho_telemetry t;
	char line[64];
	bool asleep = false;
	int i;

	ASSERT_EQ(0, mt_card_write("power/autosuspend_delay_ms", "1000"));
	ASSERT_EQ(0, telemetry(self->fd, &t));
	EXPECT_EQ(0, read_hwmon("temp1_input", line, sizeof(line)));
	EXPECT_NE(0, atoi(line));
	for (i = 0; i < 600 && !asleep; i++) {
		usleep(100000);
		asleep = read_hwmon("temp1_input", line, sizeof(line)) == -ENODATA;
	}
	EXPECT_TRUE(asleep);
}

TEST_F(runtime_pm, asking_wakes)
{
	struct drm_mho_telemetry t;
	struct drm_mho_firmware fw;
	struct drm_mho_tile tile;
	struct drm_mho_selftest test = { 0 };
	struct drm_mho_calibrate calibrate = { .tile = 0 };
	struct drm_mho_reset reset = { .scope = DRM_MHO_RESET_DEVICE };

	EXPECT_EQ(0, telemetry(self->fd, &t));
	EXPECT_TRUE(falls_asleep());
	EXPECT_LT(0, mt_query(self->fd, DRM_MHO_QUERY_FIRMWARE, 0, &fw, sizeof(fw)));
	EXPECT_TRUE(falls_asleep());
	EXPECT_LT(0, mt_query(self->fd, DRM_MHO_QUERY_TILE, 0, &tile, sizeof(tile)));
	EXPECT_TRUE(falls_asleep());
	EXPECT_EQ(0, mt_ioctl(self->fd, DRM_IOCTL_MHO_SELFTEST, &test));
	EXPECT_TRUE(falls_asleep());
	EXPECT_EQ(0, mt_ioctl(self->fd, DRM_IOCTL_MHO_CALIBRATE, &calibrate));
	EXPECT_TRUE(falls_asleep());
	EXPECT_EQ(0, mt_ioctl(self->fd, DRM_IOCTL_MHO_RESET, &reset));
	EXPECT_TRUE(falls_asleep());
}

/* What is refused does not leave the card awake. */
TEST_F(runtime_pm, refusals)
{
	struct drm_mho_ctx_create ctx = { .priority = 77 };
	struct drm_mho_array_create array = { .rows = 0 };
	struct drm_mho_calibrate calibrate = { .tile = 0x7fffffff };
	struct drm_mho_tile tile;

	EXPECT_EQ(-ENOENT, mt_query(self->fd, DRM_MHO_QUERY_TILE, 0x7fffffff, &tile, sizeof(tile)));
	EXPECT_EQ(-EFAULT, mt_query(self->fd, DRM_MHO_QUERY_TELEMETRY, 0, (void *)1, 8));
	EXPECT_EQ(-EINVAL, mt_query(self->fd, 77, 0, &tile, sizeof(tile)));
	EXPECT_NE(0, mt_ioctl(self->fd, DRM_IOCTL_MHO_CALIBRATE, &calibrate));
	EXPECT_EQ(-EINVAL, mt_ioctl(self->fd, DRM_IOCTL_MHO_CTX_CREATE, &ctx));
	EXPECT_EQ(-EINVAL, mt_ioctl(self->fd, DRM_IOCTL_MHO_ARRAY_CREATE, &array));
	EXPECT_TRUE(falls_asleep());
}

static int read_weights(struct mt_session *s, uint32_t array, float *to)
{
	struct drm_mho_job job = mt_job_read(s, array, 16);
	int ret = mt_run_one(s, &job);

	memcpy(to, mt_data(s, MT_AT_READ), ROWS * COLS * sizeof(*to));
	return ret;
}

TEST_F(runtime_pm, weights_stay)
{
	struct drm_mho_array_create create = mt_array_args(ROWS, COLS);
	struct drm_mho_array_find find = { 0 };
	float before[ROWS * COLS], after[ROWS * COLS];
	struct mt_session s;
	struct drm_mho_job job;

	create.flags = DRM_MHO_ARRAY_NAMED;
	strcpy((char *)create.label, LABEL);
	strcpy((char *)find.label, LABEL);
	ASSERT_EQ(0, mt_session_open(&s));
	ASSERT_EQ(0, mt_ioctl(s.fd, DRM_IOCTL_MHO_ARRAY_CREATE, &create));
	mt_fill(mt_data(&s, MT_AT_WEIGHTS), (size_t)ROWS * COLS, 0.6F, 9);
	job = mt_job_program(&s, create.handle);
	ASSERT_EQ(0, mt_run_one(&s, &job));
	ASSERT_EQ(0, read_weights(&s, create.handle, before));
	mt_session_close(&s);
	ASSERT_TRUE(falls_asleep());

	ASSERT_EQ(0, mt_session_open(&s));
	ASSERT_EQ(0, mt_ioctl(s.fd, DRM_IOCTL_MHO_ARRAY_FIND, &find));
	ASSERT_EQ(0, read_weights(&s, find.handle, after));
	EXPECT_GT(0.1 * 0.1, mt_error2(after, before, (size_t)ROWS * COLS));
	EXPECT_EQ(0, mt_array_destroy(s.fd, find.handle));
	mt_session_close(&s);
}

/* Coming back takes no file: there may be no file system to read it from. */
TEST_F(runtime_pm, firmware_is_kept)
{
	struct drm_mho_telemetry t;

	ASSERT_EQ(0, rename(FIRMWARE, AWAY));
	EXPECT_EQ(0, telemetry(self->fd, &t));
	ASSERT_EQ(0, rename(AWAY, FIRMWARE));
}

TEST_F(runtime_pm, function_reset_while_asleep)
{
	struct drm_mho_telemetry t;

	ASSERT_EQ(0, mt_card_write("reset", "1"));
	EXPECT_EQ(0, telemetry(self->fd, &t));
	EXPECT_TRUE(falls_asleep());
}

/* Callbacks of devices alone: the machine does not sleep. */
TEST_F(runtime_pm, system_suspend_while_asleep)
{
	struct drm_mho_telemetry t;
	struct mt_session s;
	struct drm_mho_job nop = mt_job_nop();

	if (mt_write_file("/sys/power/pm_test", "devices"))
		SKIP(return, "no pm_test");
	/* It would spin for seconds, with nothing to see. */
	EXPECT_EQ(0, mt_write_file("/sys/module/suspend/parameters/pm_test_delay", "0"));
	EXPECT_EQ(0, mt_write_file("/sys/power/state", "freeze"));
	EXPECT_EQ(0, telemetry(self->fd, &t));
	ASSERT_EQ(0, mt_session_open(&s));
	EXPECT_EQ(0, mt_write_file("/sys/power/state", "freeze"));
	EXPECT_EQ(0, mt_run_one(&s, &nop));
	mt_session_close(&s);
	EXPECT_EQ(0, mt_write_file("/sys/power/pm_test", "none"));
	EXPECT_TRUE(falls_asleep());
}

TEST_F(runtime_pm, driver_leaves_while_asleep)
{
	struct mt_session s;
	int fd;

	ASSERT_EQ(0, mt_unbind());
	ASSERT_EQ(0, mt_bind());
	ASSERT_EQ(0, mt_card_write("power/autosuspend_delay_ms", "50"));
	EXPECT_TRUE(falls_asleep());

	/* And while a file keeps it awake, which outlives the driver. */
	ASSERT_EQ(0, mt_session_open(&s));
	ASSERT_EQ(0, mt_unbind());
	ASSERT_EQ(0, mt_bind());
	ASSERT_EQ(0, mt_card_write("power/autosuspend_delay_ms", "50"));
	EXPECT_TRUE(falls_asleep());
	mt_session_close(&s);
	fd = mt_open();
	ASSERT_LE(0, fd);
	EXPECT_LT(0, mt_query(fd, DRM_MHO_QUERY_FIRMWARE, 0, NULL, 0));
	close(fd);
	EXPECT_TRUE(falls_asleep());
}

MHO_TEST_MAIN
