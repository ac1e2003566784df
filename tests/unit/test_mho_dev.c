// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Devices: opening, what they are, what they count, closing; handles that are no
 * longer valid; topologies and firmware from files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libfdt.h>

#include "core/blob.h"
#include "mho_fixture.h"
#include "mho_hw.h"
#include "scratch.h"

static char *temp_path(const char *name)
{
	char *path = malloc(512);

	scratch_path(path, 512, name);
	return path;
}

static char *write_temp(const char *name, const void *data, size_t len)
{
	char *path = temp_path(name);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return path;
}

static void drop_temp(char *path)
{
	unlink(path);
	free(path);
}

static int open_file(const char *path, const char *rest, struct mho_dev **dev)
{
	char uri[640];

	snprintf(uri, sizeof(uri), "emu:%s%s", path, rest);
	return mho_open(uri, NULL, dev);
}

static void test_library(void **state)
{
	(void)state;
	assert_int_equal(mho_version(),
			 MHO_VERSION_MAJOR << 16 | MHO_VERSION_MINOR << 8 | MHO_VERSION_PATCH);
	assert_string_equal(mho_strerror(0), "Success");
	assert_string_equal(mho_strerror(-ENOENT), "No such file or directory");
	assert_string_equal(mho_strerror(MHO_HW_ST_BAD_KEY), mho_hw_status_text(MHO_HW_ST_BAD_KEY));
	assert_non_null(strstr(mho_strerror(0x7fff), "does not know"));
	assert_non_null(strstr(mho_strerror(-99999), "not known"));
	assert_non_null(strstr(mho_strerror(INT32_MIN), "not known"));
}

static void test_info(void **state)
{
	struct fixture *f = fixture_open("emu:small?seed=5", MHO_IO_THREAD);
	struct mho_info info = MHO_INIT(struct mho_info), brief;
	struct mho_tech_info tech = MHO_INIT(struct mho_tech_info);
	size_t len = 0;

	(void)state;
	assert_int_equal(mho_dev_info(f->dev, &info), 0);
	assert_string_equal(info.model, "mho small");
	assert_string_equal(info.uri, "emu:small?seed=5");
	assert_int_equal(info.tiles, 4);
	assert_int_equal(info.cells, 4 * 16 * 16);
	assert_int_equal(info.queues, 4);
	assert_int_equal(info.queue_depth, 64);
	assert_int_equal(info.batch_max, 256);
	assert_int_equal(info.io, MHO_IO_THREAD);
	assert_int_equal(info.interface, MHO_HW_VERSION);
	assert_int_equal(info.restored, 0);
	assert_true(info.firmware != 0);
	assert_true(strlen(info.firmware_name) > 0);
	assert_int_equal(fdt_check_header(mho_topology(f->dev, &len)), 0);
	assert_int_equal(len, fdt_totalsize(mho_topology(f->dev, NULL)));

	for (uint32_t i = 0; i < info.technologies; i++)
		assert_int_equal(mho_tech_get(f->dev, i, &tech), 0);
	assert_int_equal(mho_tech_get(f->dev, 0, &tech), 0);
	assert_string_equal(tech.name, "ideal");
	assert_string_equal(tech.law, MHO_HW_TECH_IDEAL);
	assert_true(tech.w_max == 1.0f && tech.w_min == -1.0f && tech.dw_min > 0.0f);
	assert_int_equal(mho_tech_get(f->dev, info.technologies, &tech), -EINVAL);
	expect_error("technology");

	memset(&brief, 0, sizeof(brief));
	assert_int_equal(mho_dev_info(f->dev, &brief), -EINVAL);
	expect_error("MHO_INIT(struct mho_info)");
	assert_int_equal(mho_dev_info(f->dev, NULL), -EINVAL);
	fixture_close(f);
}

/* A program that was built with a larger structure gets zeros in what is not known here. */
static void test_larger_struct(void **state)
{
	struct {
		struct mho_info info;
		uint64_t future;
	} newer = { .info = { .size = sizeof(newer) }, .future = 1 };
	struct {
		struct mho_open_opts opts;
		uint64_t future;
	} opts = { .opts = { .size = sizeof(opts) } };
	struct mho_dev *dev;

	(void)state;
	assert_int_equal(mho_open("emu:small", &opts.opts, &dev), 0);
	assert_int_equal(mho_dev_info(dev, &newer.info), 0);
	assert_true(newer.future == 0 && newer.info.size == sizeof(newer));
	mho_close(dev);
	opts.future = 1;
	assert_int_equal(mho_open("emu:small", &opts.opts, &dev), -EINVAL);
	expect_error("use a newer libmho");
	opts.opts.size = 8;
	assert_int_equal(mho_open("emu:small", &opts.opts, &dev), -EINVAL);
	expect_error("MHO_INIT(struct mho_open_opts)");
}

static void test_bad_opts(void **state)
{
	struct mho_open_opts opts = MHO_INIT(struct mho_open_opts);
	struct mho_dev *dev;

	(void)state;
	opts.io = 3;
	assert_int_equal(mho_open("emu:small", &opts, &dev), -EINVAL);
	expect_error("MHO_IO_AUTO");
	opts.io = 0;
	opts.reserved[2] = 1;
	assert_int_equal(mho_open("emu:small", &opts, &dev), -EINVAL);
	expect_error("reserved");
	assert_int_equal(mho_open("emu:small", NULL, NULL), -EINVAL);
}

static int count_line(uint64_t time_ns, int level, const char *text, void *arg)
{
	(void)time_ns;
	assert_in_range(level, MHO_LOG_ERROR, MHO_LOG_DEBUG);
	assert_true(strlen(text) > 0);
	++*(int *)arg;
	return 0;
}

static int stop_at_once(uint64_t time_ns, int level, const char *text, void *arg)
{
	(void)time_ns;
	(void)level;
	(void)text;
	(void)arg;
	return 42;
}

static void test_telemetry(void **state)
{
	struct fixture *f = fixture_open("emu:small", MHO_IO_AUTO);
	struct mho_telemetry t = MHO_INIT(struct mho_telemetry);
	struct mho_tile_info tile = MHO_INIT(struct mho_tile_info);
	struct mho_selftest result = MHO_INIT(struct mho_selftest);
	struct mho_mat *mat = new_mat(f->dev, 16, 16);
	float x[16] = { 1.0f }, y[16];
	struct mho_mat_block block;
	int lines = 0;

	(void)state;
	assert_int_equal(mho_mvm(mat, x, y, 1), 0);
	assert_int_equal(mho_telemetry_get(f->dev, &t), 0);
	assert_int_equal(t.mvms, 1);
	assert_int_equal(t.commands, 1);
	assert_int_equal(t.tiles_free, 3);
	assert_true(t.time_ns > 0 && t.energy_fj > 0);
	assert_int_equal(mho_mat_blocks(mat, &block, 1), 1);
	assert_int_equal(mho_tile_get(f->dev, block.tile, &tile), 0);
	assert_int_equal(tile.state, 1);
	assert_int_equal(tile.rows, 16);
	assert_true(tile.busy_ns > 0);
	assert_int_equal(mho_tile_get(f->dev, 4, &tile), -EINVAL);
	expect_error("tiles 0 to 3");
	t.size = 1;
	assert_int_equal(mho_telemetry_get(f->dev, &t), -EINVAL);

	assert_int_equal(mho_log_read(f->dev, count_line, &lines), 0);
	assert_true(lines > 0);
	assert_int_equal(mho_log_read(f->dev, stop_at_once, NULL), 42);
	assert_int_equal(mho_log_read(f->dev, NULL, NULL), -EINVAL);

	assert_int_equal(mho_selftest_run(f->dev, 1, &result), 0);
	assert_true(result.tests > 0 && result.failures == 0);
	assert_int_equal(mho_selftest_run(f->dev, 0, NULL), -EINVAL);
	assert_int_equal(mho_calibrate(f->dev, -1), 0);
	assert_int_equal(mho_calibrate(f->dev, 3), 0);
	assert_int_equal(mho_calibrate(f->dev, 4), -EINVAL);
	assert_int_equal(mho_calibrate(f->dev, -2), -EINVAL);
	assert_int_equal(mho_sync(f->dev), 0);
	fixture_close(f);
}

static int note_found(const struct mho_found *found, void *arg)
{
	char *names = arg;

	assert_true(found->tiles > 0 && found->rows > 0 && found->cols > 0);
	strcat(strcat(names, found->uri), " ");
	return 0;
}

static int find_small(const struct mho_found *found, void *arg)
{
	(void)arg;
	return strcmp(found->uri, "emu:small") ? 0 : 7;
}

static void test_enumerate(void **state)
{
	char names[1024] = "";

	(void)state;
	assert_int_equal(mho_enumerate(NULL, note_found, names), 0);
	assert_non_null(strstr(names, "emu:default "));
	assert_non_null(strstr(names, "emu:small "));
	names[0] = '\0';
	assert_int_equal(mho_enumerate("accel", note_found, names), 0);
	/* Cards only; this machine may have some. */
	assert_null(strstr(names, "emu:"));
	assert_int_equal(mho_enumerate("emu", find_small, NULL), 7);
	assert_int_equal(mho_enumerate("usb", note_found, names), -EINVAL);
	expect_error("no scheme");
	assert_int_equal(mho_enumerate("emu", NULL, NULL), -EINVAL);
}

static void test_stale(void **state)
{
	struct fixture *f = fixture_open("emu:small", MHO_IO_AUTO);
	struct mho_mat *mat = new_mat(f->dev, 2, 2), *other;
	struct mho_buf *buf = new_buf(f->dev, 64), *next;
	struct mho_queue *queue = NULL;
	struct mho_dev *dev = f->dev;
	float w[4] = { 0 };

	(void)state;
	assert_int_equal(mho_queue_create(dev, NULL, &queue), 0);
	mho_buf_free(buf);
	mho_buf_free(buf);
	expect_error("mho_buf_free: this buffer was freed before");
	assert_true(fixture_logged(f, "mho_buf_free: this buffer was freed before"));
	/* Its slot holds another buffer now: the old handle is still recognised. */
	next = new_buf(dev, 64);
	assert_null(mho_buf_map(buf));
	expect_error("mho_buf_map: this buffer was freed before");
	assert_non_null(mho_buf_map(next));
	assert_int_equal(mho_buf_size(next), 64);
	assert_int_equal(mho_buf_size(buf), 0);

	mho_mat_free(mat);
	mho_mat_free(mat);
	expect_error("mho_mat_free: this matrix was freed before");
	other = new_mat(dev, 2, 2);
	assert_int_equal(mho_program(mat, w, 2, 0.0f), -EINVAL);
	expect_error("mho_program: this matrix was freed before");
	assert_int_equal(mho_mat_rows(mat), 0);
	assert_int_equal(mho_mat_rows(other), 2);

	assert_null(mho_buf_map((struct mho_buf *)other));
	expect_error("this is a matrix, not a buffer");
	assert_null(mho_buf_map(NULL));
	expect_error("the buffer is NULL");
	assert_null(mho_buf_map((struct mho_buf *)f));
	expect_error("is no buffer that libmho gave out");

	mho_queue_destroy(queue);
	mho_queue_destroy(queue);
	expect_error("mho_queue_destroy: this queue was destroyed before");
	assert_int_equal(mho_queue_reap(queue, NULL, 0, 0, 0), -EINVAL);

	/* Closing takes all that is left along. */
	mho_close(dev);
	mho_close(dev);
	expect_error("mho_close: this device was closed before");
	mho_mat_free(other);
	expect_error("mho_mat_free: this matrix was freed before (or its device was closed)");
	assert_null(mho_buf_map(next));
	assert_int_equal(mho_sync(dev), -EINVAL);
	mho_close(NULL);
	mho_buf_free(NULL);
	mho_mat_free(NULL);
	mho_queue_destroy(NULL);
	f->dev = NULL;
	fixture_close(f);
}

static void test_buffers(void **state)
{
	struct fixture *f = fixture_open("emu:small", MHO_IO_AUTO);
	struct mho_buf *bufs[65], *big;
	int n = 0, err = 0;

	(void)state;
	assert_int_equal(mho_buf_alloc(f->dev, 0, &big), -EINVAL);
	assert_int_equal(mho_buf_alloc(f->dev, 1, NULL), -EINVAL);
	assert_int_equal(mho_buf_alloc(f->dev, (size_t)1 << 45, &big), -ENOMEM);
	expect_error("no memory for a buffer");
	assert_int_equal(mho_buf_alloc(f->dev, SIZE_MAX, &big), -EINVAL);
	big = new_buf(f->dev, (5 << 20) + 1); /* three pages of the device */
	assert_int_equal((uintptr_t)mho_buf_map(big) % 4096, 0);
	assert_int_equal(((char *)mho_buf_map(big))[5 << 20], 0);
	while (n < 65 && !(err = mho_buf_alloc(f->dev, 1, &bufs[n])))
		n++;
	assert_int_equal(err, -ENOSPC);
	expect_error("no memory key left");
	mho_buf_free(bufs[--n]);
	assert_int_equal(mho_buf_alloc(f->dev, 1, &bufs[n]), 0);
	fixture_close(f);
}

/* What a child inherits of a device is not there, rather than a copy that looks alive. */
static void test_fork(void **state)
{
	struct fixture *f = fixture_open("emu:small", MHO_IO_AUTO);
	struct mho_buf *buf = new_buf(f->dev, 4096);
	unsigned char *map = mho_buf_map(buf), present;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(mincore(map, 4096, &present), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(mincore(map, 4096, &present) == -1 && errno == ENOMEM ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	map[0] = 1;
	fixture_close(f);
}

static void test_dtb_file(void **state)
{
	const struct mho_blob *blob = mho_blob_find("topology/small");
	char *path = write_temp("good.dtb", blob->data, blob->len);
	struct mho_info info = MHO_INIT(struct mho_info);
	struct mho_dev *dev;

	(void)state;
	assert_int_equal(open_file(path, "?seed=3", &dev), 0);
	assert_int_equal(mho_dev_info(dev, &info), 0);
	assert_string_equal(info.model, "mho small");
	mho_close(dev);
	drop_temp(path);
	path = write_temp("cut.dtb", blob->data, blob->len / 2);
	assert_int_equal(open_file(path, "", &dev), -EINVAL);
	assert_true(strlen(mho_last_error()) > 10);
	drop_temp(path);
	path = write_temp("empty.dtb", "", 0);
	assert_int_equal(open_file(path, "", &dev), -EINVAL);
	expect_error("is empty");
	drop_temp(path);
}

static void test_dts_file(void **state)
{
	char *path = write_temp("bad.dts", "this is no device tree\n", 23);
	struct mho_dev *dev;

	(void)state;
	assert_int_equal(open_file(path, "", &dev), -EINVAL);
	expect_error("dtc does not compile");
	expect_error("syntax error");
	drop_temp(path);
}

static void test_bad_firmware(void **state)
{
	const struct mho_blob *blob = mho_blob_find("firmware/mho-1");
	unsigned char *image = malloc(blob->len);
	struct mho_dev *dev;
	char *path;

	(void)state;
	memcpy(image, blob->data, blob->len);
	path = write_temp("good.itb", image, blob->len);
	assert_int_equal(open_file("small?firmware=", path, &dev), 0);
	mho_close(dev);
	drop_temp(path);
	path = write_temp("cut.itb", image, blob->len / 2);
	assert_int_equal(open_file("small?firmware=", path, &dev), -EBADMSG);
	expect_error("refused the firmware");
	expect_error("leave out firmware=");
	drop_temp(path);
	path = write_temp("text.itb", "hello", 5);
	assert_int_equal(open_file("small?firmware=", path, &dev), -EBADMSG);
	expect_error("not a well-formed FIT image");
	drop_temp(path);
	free(image);
}

/* A card that any work overheats: the device stops, and everything says so instead of hanging. */
static void test_dead_device(void **state)
{
	const struct mho_blob *blob = mho_blob_find("topology/small");
	unsigned char *dtb = malloc(blob->len);
	struct mho_queue *queue;
	struct mho_job job = { .op = MHO_OP_UPDATE, .alpha = 1.0f }, *list = &job, *done;
	struct mho_dev *dev;
	struct mho_buf *buf;
	char *path;
	int node, ret;

	(void)state;
	memcpy(dtb, blob->data, blob->len);
	node = fdt_path_offset(dtb, "/thermal");
	assert_int_equal(fdt_setprop_inplace_u32(dtb, node, "warning-millicelsius", 25001), 0);
	assert_int_equal(fdt_setprop_inplace_u32(dtb, node, "critical-millicelsius", 25002), 0);
	assert_int_equal(
		fdt_setprop_inplace_u32(dtb, node, "resistance-millicelsius-per-watt", 1000000), 0);
	path = write_temp("hot.dtb", dtb, blob->len);
	free(dtb);
	assert_int_equal(open_file(path, "", &dev), 0);
	drop_temp(path);
	job.mat = new_mat(dev, 16, 16);
	buf = new_buf(dev, 65536);
	for (int i = 0; i < 4096; i++)
		((float *)mho_buf_map(buf))[i] = 1.0f;
	job.a.buf = buf;
	job.b.buf = buf;
	job.batch = 256;
	assert_int_equal(mho_queue_create(dev, NULL, &queue), 0);
	/* Power is averaged over 10 ms of device time: 256 trains of 31 slots take 40 us a job. */
	for (int i = 0; i < 2000; i++) {
		ret = mho_queue_submit(queue, &list, 1);
		if (ret == 1)
			ret = mho_queue_reap(queue, &done, 1, 1, -1);
		if (ret < 0)
			break;
	}
	assert_int_equal(ret, -EIO);
	expect_error("too hot");
	mho_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_library),	      cmocka_unit_test(test_info),
		cmocka_unit_test(test_larger_struct), cmocka_unit_test(test_bad_opts),
		cmocka_unit_test(test_telemetry),     cmocka_unit_test(test_enumerate),
		cmocka_unit_test(test_stale),	      cmocka_unit_test(test_buffers),
		cmocka_unit_test(test_fork),	      cmocka_unit_test(test_dtb_file),
		cmocka_unit_test(test_dts_file),      cmocka_unit_test(test_bad_firmware),
		cmocka_unit_test(test_dead_device),
	};

	return cmocka_run_group_tests_name("mho_dev", tests, NULL, NULL);
}
