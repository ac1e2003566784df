// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the card tells without being opened (sysfs, hwmon), and what a file tells of itself (fdinfo):
 * the same as QUERY says, in the units that tools expect.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mho_test.h"
#include "mho_test_fault.h"

#define NOBODY 65534
#define LINE 64 /* of "wear" */
#define FJ_PER_UJ 1000000000ULL
/* More programming than a card needs for a microjoule. */
#define PROGRAMS_MAX 2000

FIXTURE(sysfs)
{
	struct mt_session s;
	struct drm_mho_info info;
	char text[4096];
};

FIXTURE_SETUP(sysfs)
{
	ASSERT_EQ(0, mt_session_open(&self->s));
	ASSERT_EQ((int)sizeof(self->info),
		  mt_query(self->s.fd, DRM_MHO_QUERY_INFO, 0, &self->info, sizeof(self->info)));
}

FIXTURE_TEARDOWN(sysfs)
{
	mt_session_close(&self->s);
}

/* Without the newline at its end. */
static const char *read_line(const char *path, char *text, size_t size)
{
	mt_read_text(path, text, size);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

TEST_F(sysfs, topology_is_that_of_query)
{
	uint32_t size = self->info.topology_size;
	char *file = malloc(size + 1), *query = malloc(size);

	ASSERT_TRUE(file && query);
	ASSERT_EQ((int)size, mt_query(self->s.fd, DRM_MHO_QUERY_TOPOLOGY, 0, query, size));
	ASSERT_EQ((ssize_t)size, mt_read_file(mt_card_path("topology"), file, size + 1));
	EXPECT_EQ(0, memcmp(file, query, size));
	free(file);
	free(query);
}

TEST_F(sysfs, identity_is_that_of_query)
{
	struct drm_mho_firmware fw;
	char want[80];
	size_t i;

	ASSERT_LT(0, mt_query(self->s.fd, DRM_MHO_QUERY_FIRMWARE, 0, &fw, sizeof(fw)));
	snprintf(want, sizeof(want), "%016llx", self->info.serial);
	EXPECT_STREQ(want, read_line(mt_card_path("serial"), self->text, sizeof(self->text)));
	EXPECT_STREQ((char *)self->info.model,
		     read_line(mt_card_path("model"), self->text, sizeof(self->text)));
	snprintf(want, sizeof(want), "%u.%u.%u", fw.version >> 24, fw.version >> 16 & 0xff,
		 fw.version & 0xffff);
	EXPECT_STREQ(want, read_line(mt_card_path("fw_version"), self->text, sizeof(self->text)));
	EXPECT_STREQ((char *)fw.name,
		     read_line(mt_card_path("fw_name"), self->text, sizeof(self->text)));
	for (i = 0; i < sizeof(fw.sha256); i++)
		snprintf(want + 2 * i, 3, "%02x", fw.sha256[i]);
	EXPECT_STREQ(want, read_line(mt_card_path("fw_sha256"), self->text, sizeof(self->text)));
}

static int wear_as_nobody(void *unused)
{
	int fd = open(mt_card_path("wear"), O_RDONLY);

	(void)unused;
	return fd < 0 ? errno : 0;
}

TEST_F(sysfs, wear_is_that_of_query)
{
	struct drm_mho_telemetry t;
	struct drm_mho_tile tile;
	unsigned int i, number, most, whole, milli;
	unsigned long long endurance;
	char *wear = malloc((size_t)self->info.tiles * LINE + 1);

	ASSERT_NE(NULL, wear);
	ASSERT_EQ((ssize_t)self->info.tiles * LINE,
		  mt_read_text(mt_card_path("wear"), wear, (size_t)self->info.tiles * LINE + 1));
	for (i = 0; i < self->info.tiles; i++) {
		ASSERT_LT(0, mt_query(self->s.fd, DRM_MHO_QUERY_TILE, i, &tile, sizeof(tile)));
		ASSERT_EQ('\n', wear[(i + 1) * LINE - 1]);
		ASSERT_EQ(5, sscanf(wear + i * LINE, "%u %u %u.%u %llu", &number, &most, &whole,
				    &milli, &endurance));
		EXPECT_EQ(i, number);
		EXPECT_EQ(tile.endurance, endurance);
		/* A tile may be being scrubbed. */
		EXPECT_GE(tile.wear_max, most);
		EXPECT_GE(tile.wear_mean_milli, whole * 1000ULL + milli);
	}
	ASSERT_LT(0, mt_query(self->s.fd, DRM_MHO_QUERY_TELEMETRY, 0, &t, sizeof(t)));
	EXPECT_GE(t.wear_max, mt_card_number("wear_max"));
	EXPECT_EQ(EACCES, mt_child(NOBODY, wear_as_nobody, NULL));
	free(wear);
}

/* A line of "wear" can be read alone. */
TEST_F(sysfs, wear_of_one_tile)
{
	unsigned int last = self->info.tiles - 1, number = 0;
	int fd = open(mt_card_path("wear"), O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	EXPECT_EQ(LINE, pread(fd, self->text, 2 * LINE, (off_t)last * LINE));
	EXPECT_EQ(1, sscanf(self->text, "%u", &number));
	EXPECT_EQ(last, number);
	EXPECT_EQ(0, pread(fd, self->text, LINE, (off_t)(last + 1) * LINE));
	close(fd);
}

static int64_t sensor(const char *name)
{
	int64_t value = -ENOENT;
	char text[64];
	glob_t found;

	if (glob(mt_card_path("hwmon/hwmon*"), 0, NULL, &found))
		return value;
	snprintf(text, sizeof(text), "hwmon/%.16s/%.32s", strrchr(found.gl_pathv[0], '/') + 1,
		 name);
	globfree(&found);
	return mt_card_number(text);
}

static uint64_t energy(int fd)
{
	struct drm_mho_telemetry t = { 0 };

	mt_query(fd, DRM_MHO_QUERY_TELEMETRY, 0, &t, sizeof(t));
	return t.energy_fj;
}

/* The default card's topology has these limits. */
TEST_F(sysfs, sensors_have_the_topology_s_limits)
{
	EXPECT_EQ(85000, sensor("temp1_max"));
	EXPECT_EQ(100000, sensor("temp1_crit"));
	EXPECT_EQ(25000000, sensor("power1_max"));
	EXPECT_LE(20000, sensor("temp1_input"));
	EXPECT_GT(85000, sensor("temp1_input"));
	EXPECT_EQ(0, sensor("temp1_max_alarm"));
	EXPECT_EQ(0, sensor("temp1_crit_alarm"));
}

TEST_F(sysfs, energy_moves_with_jobs)
{
	int64_t before = sensor("energy1_input"), after;
	struct drm_mho_telemetry t;
	struct drm_mho_job job;
	uint32_t array;
	int i;

	ASSERT_EQ(0, mt_array_create(self->s.fd, 64, 64, &array));
	job = mt_job_program(&self->s, array);
	for (i = 0; i < PROGRAMS_MAX && energy(self->s.fd) / FJ_PER_UJ <= (uint64_t)before; i++) {
		mt_fill(mt_data(&self->s, MT_AT_WEIGHTS), 64 * 64, 0.8F, (uint32_t)i);
		ASSERT_EQ(0, mt_run_one(&self->s, &job));
	}
	after = sensor("energy1_input");
	EXPECT_LT(before, after);
	EXPECT_EQ(energy(self->s.fd) / FJ_PER_UJ, (uint64_t)after);
	ASSERT_LT(0, mt_query(self->s.fd, DRM_MHO_QUERY_TELEMETRY, 0, &t, sizeof(t)));
	EXPECT_EQ(t.power_mw * 1000LL, sensor("power1_average"));
	EXPECT_EQ(0, mt_array_destroy(self->s.fd, array));
}

static void read_fdinfo(int fd, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	mt_read_text(path, text, size);
}

TEST_F(sysfs, fdinfo_counts_jobs)
{
	const struct drm_mho_result *result = mt_results(&self->s);
	struct drm_mho_array_info info = { 0 };
	struct drm_mho_job job;
	int64_t time, fj;
	uint32_t array;

	ASSERT_EQ(0, mt_array_create(self->s.fd, 20, 20, &array));
	info.handle = array;
	ASSERT_EQ(0, mt_ioctl(self->s.fd, DRM_IOCTL_MHO_ARRAY_INFO, &info));
	read_fdinfo(self->s.fd, self->text, sizeof(self->text));
	EXPECT_NE(NULL, strstr(self->text, "drm-driver:\tmho\n"));
	EXPECT_EQ(self->info.tiles, mt_text_number(self->text, "drm-engine-capacity-tiles:"));
	EXPECT_EQ(1, mt_text_number(self->text, "mho-queues:"));
	EXPECT_EQ(1, mt_text_number(self->text, "mho-arrays:"));
	EXPECT_EQ(info.block_count, mt_text_number(self->text, "mho-tiles:"));
	EXPECT_EQ(2, mt_text_number(self->text, "mho-keys:"));
	time = mt_text_number(self->text, "drm-engine-tiles:");
	fj = mt_text_number(self->text, "mho-energy:");
	ASSERT_EQ(0, time);
	ASSERT_EQ(0, fj);
	job = mt_job_vectors(&self->s, array, DRM_MHO_OP_MVM, 4);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	ASSERT_LT(0, result->device_ns);
	read_fdinfo(self->s.fd, self->text, sizeof(self->text));
	EXPECT_NE(NULL, strstr(strstr(self->text, "drm-engine-tiles:"), " ns\n"));
	EXPECT_EQ(result->device_ns * info.block_count,
		  (uint64_t)mt_text_number(self->text, "drm-engine-tiles:"));
	EXPECT_EQ(result->device_ns, (uint64_t)mt_text_number(self->text, "mho-device-time:"));
	EXPECT_EQ(result->energy_fj, (uint64_t)mt_text_number(self->text, "mho-energy:"));
	EXPECT_EQ(0, mt_array_destroy(self->s.fd, array));
}

/* Contexts count for themselves; the file's sums have those that are gone, too. */
TEST_F(sysfs, fdinfo_remembers_contexts)
{
	const struct drm_mho_result *result = mt_results(&self->s);
	struct mt_session other = self->s;
	uint64_t time, energy;
	struct drm_mho_job job;
	uint32_t array;

	ASSERT_EQ(0, mt_array_create(self->s.fd, 20, 20, &array));
	job = mt_job_vectors(&self->s, array, DRM_MHO_OP_MVM, 4);
	ASSERT_EQ(0, mt_run_one(&self->s, &job));
	time = result->device_ns;
	energy = result->energy_fj;
	ASSERT_EQ(0, mt_ctx_create(self->s.fd, &other.ctx));
	ASSERT_EQ(0, mt_run_one(&other, &job));
	time += result->device_ns;
	energy += result->energy_fj;
	read_fdinfo(self->s.fd, self->text, sizeof(self->text));
	EXPECT_EQ(time, (uint64_t)mt_text_number(self->text, "mho-device-time:"));
	ASSERT_EQ(0, mt_ctx_destroy(self->s.fd, other.ctx));
	read_fdinfo(self->s.fd, self->text, sizeof(self->text));
	EXPECT_EQ(time, (uint64_t)mt_text_number(self->text, "mho-device-time:"));
	EXPECT_EQ(energy, (uint64_t)mt_text_number(self->text, "mho-energy:"));
	EXPECT_LT(time, (uint64_t)mt_text_number(self->text, "drm-engine-tiles:"));
	EXPECT_EQ(0, mt_array_destroy(self->s.fd, array));
}

TEST_F(sysfs, fdinfo_counts_memory)
{
	struct mt_buffer buffer;
	int64_t before;

	read_fdinfo(self->s.fd, self->text, sizeof(self->text));
	EXPECT_NE(NULL, strstr(strstr(self->text, "drm-total-memory:"), " KiB\n"));
	before = mt_text_number(self->text, "drm-total-memory:");
	ASSERT_EQ(0, mt_buffer_create(self->s.fd, 1 << 20, &buffer));
	read_fdinfo(self->s.fd, self->text, sizeof(self->text));
	EXPECT_EQ(before + 1024, mt_text_number(self->text, "drm-total-memory:"));
	EXPECT_EQ(before + 1024, mt_text_number(self->text, "drm-resident-memory:"));
	EXPECT_EQ(3, mt_text_number(self->text, "mho-keys:"));
	mt_buffer_destroy(self->s.fd, &buffer);
	read_fdinfo(self->s.fd, self->text, sizeof(self->text));
	EXPECT_EQ(before, mt_text_number(self->text, "drm-total-memory:"));
}

MHO_TEST_MAIN
