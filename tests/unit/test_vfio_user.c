// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The vfio-user protocol: negotiation, what each message answers, what each
 * malformed one is answered, one client at a time, sockets. What the device does
 * is tested in test_vfio_user_device.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "vfio_client.h"

#define RW (VFU_DMA_READABLE | VFU_DMA_WRITEABLE)

static struct vc_server *server;

static int setup(void **state)
{
	(void)state;
	server = vc_start(VFU_MSIX | VFU_MSI, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vc_stop(server);
	return 0;
}

static void test_version(void **state)
{
	static const char offer[] =
		"{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":4096,"
		"\"max_dma_maps\":2,\"pgsizes\":4096,\"twin_socket\":{\"supported\":true},"
		"\"write_multiple\":true}}";
	struct vc_client *c = vc_connect(server);
	struct vfu_region_access a = { 0, VFIO_PCI_CONFIG_REGION_INDEX, 4096 };
	struct vc_reply r;
	const char *json = (const char *)r.data + 4;

	(void)state;
	assert_int_equal(vc_version(c, 0, offer, &r), 0);
	assert_memory_equal(r.data, "\0\0\0\0", 4);
	assert_int_equal(r.data[r.len - 1], 0);
	assert_non_null(strstr(json, "\"max_msg_fds\":8"));
	assert_non_null(strstr(json, "\"max_data_xfer_size\":4096"));
	assert_non_null(strstr(json, "\"max_dma_maps\":2"));
	assert_non_null(strstr(json, "\"write_multiple\":true"));
	assert_null(strstr(json, "twin_socket"));
	/* Once only. */
	assert_int_equal(vc_version(c, 0, offer, &r), EINVAL);
	/* What was agreed upon holds. */
	assert_int_equal(vc_dma_map(c, 0, 4096, 0, RW, c->memfd), 0);
	assert_int_equal(vc_dma_map(c, 4096, 4096, 0, RW, c->memfd), 0);
	assert_int_equal(vc_dma_map(c, 8192, 4096, 0, RW, c->memfd), ENOSPC);
	a.count = 4097;
	assert_int_equal(vc_call(c, VFU_REGION_READ, &a, sizeof(a), &r), EINVAL);
	vc_close(c);

	c = vc_connect(server);
	assert_int_equal(vc_version(c, 0, NULL, &r), 0); /* capabilities are optional */
	assert_string_equal(json, "{\"capabilities\":{}}");
	vc_close(c);
}

static void test_version_refused(void **state)
{
	static const char *const bad[] = {
		"{",
		"[]",
		"{\"capabilities\":7}",
		"{\"capabilities\":{\"max_msg_fds\":-1}}",
		"{\"capabilities\":{\"max_msg_fds\":\"many\"}}",
		"{\"capabilities\":{\"max_data_xfer_size\":0}}",
		"{\"capabilities\":{\"pgsizes\":512}}",
	};
	struct vc_client *c;
	struct vc_reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = vc_connect(server);
		assert_int_equal(vc_version(c, 0, bad[i], &r), EINVAL);
		assert_false(vc_recv(c, &r));
		vc_close(c);
	}
	c = vc_connect(server);
	assert_int_equal(vc_version(c, 1, NULL, &r), EINVAL);
	assert_false(vc_recv(c, &r));
	vc_close(c);
	/* No NUL at the end; too short; not the first message. */
	c = vc_connect(server);
	assert_int_equal(vc_call(c, VFU_VERSION, "\0\0\0\0{}", 6, &r), EINVAL);
	assert_false(vc_recv(c, &r));
	vc_close(c);
	c = vc_connect(server);
	assert_int_equal(vc_call(c, VFU_VERSION, "\0\0", 2, &r), EINVAL);
	vc_close(c);
	c = vc_connect(server);
	assert_int_equal(vc_call(c, VFU_DEVICE_RESET, NULL, 0, &r), EINVAL);
	assert_false(vc_recv(c, &r));
	vc_close(c);
}

static void test_headers(void **state)
{
	struct vfu_header h = { .id = 9, .command = VFU_DEVICE_RESET, .size = sizeof(h) };
	struct vc_client *c = vc_open(server);
	struct vc_reply r;

	(void)state;
	/* Commands that do not exist, or go the other way. */
	assert_int_equal(vc_call(c, 0, NULL, 0, NULL), ENOSYS);
	assert_int_equal(vc_call(c, 14, NULL, 0, NULL), ENOSYS);
	assert_int_equal(vc_call(c, 0xffff, NULL, 0, NULL), ENOSYS);
	assert_int_equal(vc_call(c, VFU_DMA_READ, NULL, 0, NULL), ENOSYS);
	assert_int_equal(vc_call(c, VFU_MIG_DATA_READ, "12345678", 8, NULL), ENOTSUP);
	assert_int_equal(vc_call(c, VFU_DEVICE_FEATURE, "12345678", 8, NULL), ENOTTY);
	assert_int_equal(vc_call(c, VFU_DEVICE_FEATURE, "1234", 4, NULL), EINVAL);
	assert_int_equal(vc_call(c, VFU_DEVICE_RESET, "x", 1, NULL), EINVAL);
	/* Flags that do not exist. */
	h.flags = VFU_FLAG_ERROR;
	vc_send(c, &h, sizeof(h), NULL, 0);
	assert_true(vc_recv(c, &r));
	assert_int_equal(r.header.error, EINVAL);
	assert_int_equal(r.header.id, 9);
	h.flags = 2;
	vc_send(c, &h, sizeof(h), NULL, 0);
	assert_true(vc_recv(c, &r));
	assert_int_equal(r.header.error, EINVAL);
	/* A message in pieces is a message. */
	h.flags = 0;
	vc_send(c, &h, 5, NULL, 0);
	usleep(20000);
	vc_send(c, (uint8_t *)&h + 5, sizeof(h) - 5, NULL, 0);
	assert_true(vc_recv(c, &r));
	assert_int_equal(r.header.flags, VFU_TYPE_REPLY);
	/* Where the stream has lost its frame the connection ends. */
	h.size = 15;
	vc_send(c, &h, sizeof(h), NULL, 0);
	assert_false(vc_recv(c, &r));
	vc_close(c);
	c = vc_open(server);
	h.size = 0x7fffffff;
	vc_send(c, &h, sizeof(h), NULL, 0);
	assert_false(vc_recv(c, &r));
	vc_close(c);
	c = vc_open(server);
	h.size = sizeof(h);
	h.flags = VFU_TYPE_REPLY;
	vc_send(c, &h, sizeof(h), NULL, 0);
	assert_false(vc_recv(c, &r));
	vc_close(c);
	/* Cut off in a header, cut off in a payload. */
	c = vc_open(server);
	vc_send(c, &h, 7, NULL, 0);
	vc_close(c);
	c = vc_open(server);
	h.size = 100;
	h.flags = 0;
	vc_send(c, &h, sizeof(h), NULL, 0);
	vc_close(c);
	vc_close(vc_open(server));
}

static void test_descriptors(void **state)
{
	struct vc_client *c = vc_open(server);
	struct vfu_dma_map_payload p = { sizeof(p), RW, 0, 0, 4096 };
	int fds[253];

	(void)state;
	for (unsigned int i = 0; i < 253; i++)
		fds[i] = c->memfd;
	assert_int_equal(vc_call_fds(c, VFU_DEVICE_RESET, NULL, 0, fds, 1, NULL), EINVAL);
	assert_int_equal(vc_call_fds(c, VFU_DMA_MAP, &p, sizeof(p), fds, 2, NULL), EINVAL);
	assert_int_equal(vc_call_fds(c, VFU_DMA_MAP, &p, sizeof(p), fds, 253, NULL), EINVAL);
	assert_int_equal(vc_call_fds(c, VFU_DMA_MAP, &p, sizeof(p), fds, 1, NULL), 0);
	vc_close(c);
}

static void test_info(void **state)
{
	struct vc_client *c = vc_open(server);
	uint32_t info[4] = { 16 };
	struct vc_reply r;

	(void)state;
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_INFO, info, 16, &r), 0);
	memcpy(info, r.data, 16);
	assert_int_equal(r.len, 16);
	assert_int_equal(info[1], VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI);
	assert_int_equal(info[2], VFIO_PCI_NUM_REGIONS);
	assert_int_equal(info[3], VFIO_PCI_NUM_IRQS);
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_INFO, info, 16, &r), EINVAL); /* not zero */
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_INFO, info, 15, &r), EINVAL);
	memset(info, 0, sizeof(info));
	info[0] = 15;
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_INFO, info, 16, &r), EINVAL);
	vc_close(c);
}

static void test_region_info(void **state)
{
	struct vc_client *c = vc_open(server);
	struct vfio_region_info in = { .argsz = 4096 }, out;
	struct vfio_info_cap_header cap;
	uint64_t area[2];
	struct stat st;
	struct vc_reply r;
	uint8_t *map;

	(void)state;
	for (in.index = 0; in.index < VFIO_PCI_NUM_REGIONS; in.index++) {
		static const uint64_t sizes[] = {
			[0] = MHO_HW_REGS_SIZE, [2] = 0x8000, [4] = 0x8000, [7] = 4096, [8] = 0
		};

		assert_int_equal(vc_call(c, VFU_DEVICE_GET_REGION_INFO, &in, sizeof(in), &r), 0);
		memcpy(&out, r.data, sizeof(out));
		assert_int_equal(out.index, in.index);
		assert_int_equal(out.size, sizes[in.index]);
		assert_int_equal(r.nfds, in.index == MHO_HW_BAR_WINDOW);
		assert_int_equal(!!(out.flags & VFIO_REGION_INFO_FLAG_MMAP),
				 in.index == MHO_HW_BAR_WINDOW);
		if (in.index != MHO_HW_BAR_WINDOW)
			continue;
		assert_int_equal(out.argsz, r.len);
		assert_int_equal(out.cap_offset, sizeof(out));
		memcpy(&cap, r.data + out.cap_offset, sizeof(cap));
		assert_int_equal(cap.id, VFIO_REGION_INFO_CAP_SPARSE_MMAP);
		assert_int_equal(cap.version, 1);
		assert_int_equal(cap.next, 0);
		memcpy(area, r.data + out.cap_offset + 16, sizeof(area));
		assert_true(area[0] == 0 && area[1] && area[1] <= out.size);
		assert_int_equal(fstat(r.fds[0], &st), 0);
		assert_true((uint64_t)st.st_size >= out.offset + area[0] + area[1]);
		map = mmap(NULL, area[1], PROT_READ | PROT_WRITE, MAP_SHARED, r.fds[0],
			   (off_t)out.offset);
		assert_ptr_not_equal(map, MAP_FAILED);
		map[5] = 0x5a;
		vc_write(c, VFIO_PCI_CONFIG_REGION_INDEX, 4, 2, 2);
		assert_int_equal(vc_read(c, MHO_HW_BAR_WINDOW, 5, 1), 0x5a);
		vc_write(c, MHO_HW_BAR_WINDOW, 8, 0x1122334455667788ULL, 8);
		assert_int_equal(map[8], 0x88);
		munmap(map, area[1]);
		close(r.fds[0]);
	}
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_REGION_INFO, &in, sizeof(in), &r), EINVAL);
	in.index = MHO_HW_BAR_WINDOW;
	in.argsz = sizeof(in); /* no room for the capability */
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_REGION_INFO, &in, sizeof(in), &r), 0);
	memcpy(&out, r.data, sizeof(out));
	assert_int_equal(r.len, sizeof(out));
	assert_true(out.argsz > sizeof(out));
	close(r.fds[0]);
	in.argsz--;
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_REGION_INFO, &in, sizeof(in), &r), EINVAL);
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_REGION_INFO, &in, 8, &r), EINVAL);
	vc_close(c);
}

static void test_irq_info(void **state)
{
	struct vc_client *c = vc_open(server);
	struct vfio_irq_info in = { .argsz = sizeof(in) }, out;
	struct vc_reply r;

	(void)state;
	for (in.index = 0; in.index < VFIO_PCI_NUM_IRQS; in.index++) {
		static const uint32_t counts[] = { 0, 8, VC_VECTORS, 0, 0 };

		assert_int_equal(vc_call(c, VFU_DEVICE_GET_IRQ_INFO, &in, sizeof(in), &r), 0);
		memcpy(&out, r.data, sizeof(out));
		assert_int_equal(out.count, counts[in.index]);
		assert_int_equal(!!(out.flags & VFIO_IRQ_INFO_EVENTFD), !!out.count);
	}
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_IRQ_INFO, &in, sizeof(in), &r), EINVAL);
	in.index = 0;
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_IRQ_INFO, &in, 12, &r), EINVAL);
	vc_close(c);
}

static void test_set_irqs(void **state)
{
	const uint32_t eventfd_trigger = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	const uint32_t none_trigger = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
	const uint32_t x = VFIO_PCI_MSIX_IRQ_INDEX;
	struct vc_client *c = vc_open(server);
	struct {
		struct vfio_irq_set s;
		uint8_t on[VC_VECTORS];
	} __attribute__((packed))
	b = { .s = { .argsz = sizeof(b),
		     .flags = VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER,
		     .index = x,
		     .count = VC_VECTORS },
	      .on = { 0, 1, 0, 0, 1 } };

	(void)state;
	vc_enable(c, x);
	assert_int_equal(vc_set_irqs(c, none_trigger, x, 2, 1, NULL, 0), 0);
	assert_int_equal(vc_irq(c, 2, 0), 1);
	assert_int_equal(vc_call(c, VFU_DEVICE_SET_IRQS, &b, sizeof(b), NULL), 0);
	for (unsigned int v = 0; v < VC_VECTORS; v++)
		assert_int_equal(vc_irq(c, v, 0), b.on[v]);
	/* Masked, and after that. */
	assert_int_equal(vc_set_irqs(c, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK, x, 2, 1,
				     NULL, 0),
			 0);
	assert_int_equal(vc_set_irqs(c, none_trigger, x, 2, 1, NULL, 0), 0);
	assert_int_equal(vc_irq(c, 2, 0), 0);
	assert_int_equal(vc_reg(c, MHO_HW_MSIX_PBA), 1 << 2);
	assert_int_equal(vc_set_irqs(c, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, x, 2,
				     1, NULL, 0),
			 0);
	assert_int_equal(vc_irq(c, 2, 0), 1);
	assert_int_equal(vc_reg(c, MHO_HW_MSIX_PBA), 0);
	/* Bus mastering off: held back. */
	vc_write(c, VFIO_PCI_CONFIG_REGION_INDEX, 4, 2, 2);
	assert_int_equal(vc_set_irqs(c, none_trigger, x, 0, 1, NULL, 0), 0);
	assert_int_equal(vc_irq(c, 0, 0), 0);
	vc_write(c, VFIO_PCI_CONFIG_REGION_INDEX, 4, 6, 2);
	assert_int_equal(vc_irq(c, 0, 0), 1);
	/* Taken away, one and all. */
	assert_int_equal(vc_set_irqs(c, eventfd_trigger, x, 1, 1, NULL, 0), 0);
	assert_int_equal(vc_set_irqs(c, none_trigger, x, 0, 2, NULL, 0), 0);
	assert_int_equal(vc_irq(c, 0, 0), 1);
	assert_int_equal(vc_irq(c, 1, 0), 0);
	assert_int_equal(vc_set_irqs(c, none_trigger, x, 0, 0, NULL, 0), 0);
	assert_int_equal(vc_set_irqs(c, none_trigger, x, 0, 1, NULL, 0), 0);
	assert_int_equal(vc_irq(c, 0, 0), 0);
	/* Malformed. */
	assert_int_equal(vc_set_irqs(c, eventfd_trigger, x, 0, 2, c->irq, 1), EINVAL);
	assert_int_equal(vc_set_irqs(c, eventfd_trigger, x, 0, 1, &c->memfd, 1), EINVAL);
	assert_int_equal(vc_set_irqs(c, eventfd_trigger, x, VC_VECTORS, 1, c->irq, 1), EINVAL);
	assert_int_equal(vc_set_irqs(c, eventfd_trigger, x, 0xffffffff, 2, c->irq, 2), EINVAL);
	assert_int_equal(vc_set_irqs(c, none_trigger, x, 1, VC_VECTORS, NULL, 0), EINVAL);
	assert_int_equal(vc_set_irqs(c, none_trigger, 0, 0, 1, NULL, 0), EINVAL);
	assert_int_equal(vc_set_irqs(c, none_trigger, 77, 0, 1, NULL, 0), EINVAL);
	assert_int_equal(vc_set_irqs(c, none_trigger, x, 0, 1, c->irq, 1), EINVAL);
	assert_int_equal(vc_set_irqs(c, 0, x, 0, 1, NULL, 0), EINVAL);
	assert_int_equal(vc_set_irqs(c, none_trigger | VFIO_IRQ_SET_ACTION_MASK, x, 0, 1, NULL, 0),
			 EINVAL);
	assert_int_equal(vc_set_irqs(c, none_trigger | 1 << 6, x, 0, 1, NULL, 0), EINVAL);
	assert_int_equal(vc_set_irqs(c, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_MASK, x, 0,
				     1, c->irq, 1),
			 ENOTSUP);
	assert_int_equal(vc_call(c, VFU_DEVICE_SET_IRQS, &b, sizeof(b) - 1, NULL), EINVAL);
	assert_int_equal(vc_call(c, VFU_DEVICE_SET_IRQS, &b, 8, NULL), EINVAL);
	vc_close(c);
}

static void test_regions(void **state)
{
	struct vc_client *c = vc_open(server);
	struct vfu_region_access a = { 0, 0, 4 };
	uint8_t data[64] = { 0 };
	struct vc_reply r;

	(void)state;
	vc_write(c, VFIO_PCI_CONFIG_REGION_INDEX, 4, 2, 2);
	/* A copy is many accesses. */
	a.count = 32;
	assert_int_equal(vc_call(c, VFU_REGION_READ, &a, sizeof(a), &r), 0);
	assert_memory_equal(r.data + sizeof(a), "mho1", 4);
	/* Posted: its effect is there when a later message is answered. */
	a = (struct vfu_region_access){ MHO_HW_REG_FW_SIZE, 0, 4 };
	memcpy(data, &a, sizeof(a));
	data[sizeof(a)] = 42;
	vc_post(c, VFU_REGION_WRITE, data, sizeof(a) + 4);
	assert_int_equal(vc_reg(c, MHO_HW_REG_FW_SIZE), 42);
	vc_post(c, VFU_REGION_WRITE, data, 7); /* malformed, and no answer all the same */
	assert_int_equal(vc_reg(c, MHO_HW_REG_MAGIC), MHO_HW_MAGIC);
	/* Malformed. */
	assert_int_equal(vc_call(c, VFU_REGION_WRITE, data, sizeof(a) + 3, NULL), EINVAL);
	assert_int_equal(vc_call(c, VFU_REGION_WRITE, data, sizeof(a) + 5, NULL), EINVAL);
	assert_int_equal(vc_call(c, VFU_REGION_WRITE, data, 8, NULL), EINVAL);
	assert_int_equal(vc_call(c, VFU_REGION_READ, data, 20, NULL), EINVAL);
	for (unsigned int i = 0; i < 7; i++) {
		static const struct vfu_region_access bad[] = {
			{ 0, 0, 0 },
			{ 0, 1, 4 },
			{ 0, 9, 4 },
			{ 0, 0xffffffff, 4 },
			{ MHO_HW_REGS_SIZE - 2, 0, 4 },
			{ ~0ULL - 1, 0, 4 },
			{ 0, 0, 0xffffffff },
		};

		assert_int_equal(vc_call(c, VFU_REGION_READ, &bad[i], sizeof(a), NULL), EINVAL);
		memcpy(data, &bad[i], sizeof(a));
		assert_int_equal(vc_call(c, VFU_REGION_WRITE, data, sizeof(a) + 4, NULL), EINVAL);
	}
	vc_close(c);
}

static void test_write_multi(void **state)
{
	struct vc_client *c = vc_open(server);
	struct {
		uint64_t count;
		struct vfu_small_write w[2];
	} m = { 2,
		{ { MHO_HW_REG_FW_SIZE, 0, 4, { 1 } }, { MHO_HW_REG_FW_ADDR_LO, 0, 8, { 2 } } } };
	struct vc_reply r;
	uint64_t n;

	(void)state;
	vc_write(c, VFIO_PCI_CONFIG_REGION_INDEX, 4, 2, 2);
	assert_int_equal(vc_call(c, VFU_REGION_WRITE_MULTI, &m, sizeof(m), &r), 0);
	memcpy(&n, r.data, sizeof(n));
	assert_int_equal(n, 2);
	assert_int_equal(vc_reg(c, MHO_HW_REG_FW_SIZE), 1);
	assert_int_equal(vc_reg(c, MHO_HW_REG_FW_ADDR_LO), 2);
	m.w[1].count = 9;
	assert_int_equal(vc_call(c, VFU_REGION_WRITE_MULTI, &m, sizeof(m), &r), 0);
	memcpy(&n, r.data, sizeof(n));
	assert_int_equal(n, 1);
	m.count = 3;
	assert_int_equal(vc_call(c, VFU_REGION_WRITE_MULTI, &m, sizeof(m), &r), EINVAL);
	m.count = 1ULL << 61;
	assert_int_equal(vc_call(c, VFU_REGION_WRITE_MULTI, &m, sizeof(m), &r), EINVAL);
	m.count = 0;
	assert_int_equal(vc_call(c, VFU_REGION_WRITE_MULTI, &m, 8, &r), EINVAL);
	vc_close(c);
}

static void test_dma_map(void **state)
{
	struct vc_client *c = vc_open(server);
	struct vfu_dma_unmap_payload u = { sizeof(u), 1, 0, 4096 };
	const int fd = c->memfd;

	(void)state;
	assert_int_equal(vc_dma_map(c, 0x10000, 0x4000, 0, RW, fd), 0);
	assert_int_equal(vc_dma_map(c, 0x10000, 0x4000, 0, RW, fd), EEXIST);
	assert_int_equal(vc_dma_map(c, 0xf000, 0x2000, 0, RW, fd), EEXIST);
	assert_int_equal(vc_dma_map(c, 0x13000, 0x2000, 0, RW, fd), EEXIST);
	assert_int_equal(vc_dma_map(c, 0x11000, 0x1000, 0, RW, fd), EEXIST);
	assert_int_equal(vc_dma_map(c, 0xf000, 0x10000, 0, RW, fd), EEXIST);
	assert_int_equal(vc_dma_map(c, 0xf000, 0x1000, 0x4000, VFU_DMA_READABLE, fd), 0);
	assert_int_equal(vc_dma_map(c, 0x14000, 0x1000, 0, RW | VFU_DMA_MMAP, fd), 0);
	assert_int_equal(vc_dma_map(c, -4096ULL, 0x1000, 0, RW, -1), 0); /* known, not reached */
	assert_int_equal(vc_dma_unmap(c, 0x10000, 0x3000), ENOENT);
	assert_int_equal(vc_dma_unmap(c, 0x11000, 0x3000), ENOENT);
	assert_int_equal(vc_dma_unmap(c, 0x10000, 0x4000), 0);
	assert_int_equal(vc_dma_unmap(c, 0x10000, 0x4000), ENOENT);
	assert_int_equal(vc_dma_map(c, 0x10000, 0x4000, 0, RW, fd), 0);
	/* Several at once, what is between them, too; but none in part. */
	assert_int_equal(vc_dma_map(c, 0x200000, 0x1000, 0, RW, fd), 0);
	assert_int_equal(vc_dma_map(c, 0x201000, 0x2000, 0, RW, fd), 0);
	assert_int_equal(vc_dma_map(c, 0x208000, 0x2000, 0, RW, fd), 0);
	assert_int_equal(vc_dma_unmap(c, 0x200000, 0x9000), ENOENT);
	assert_int_equal(vc_dma_unmap(c, 0x202000, 0x8000), ENOENT);
	assert_int_equal(vc_dma_unmap(c, 0x1ff000, 0x10000), 0);
	assert_int_equal(vc_dma_unmap(c, 0x201000, 0x2000), ENOENT);
	assert_int_equal(vc_dma_map(c, 0x200000, 0x10000, 0, RW, fd), 0);
	assert_int_equal(vc_dma_unmap(c, 0x200000, 0x10000), 0);
	/* Malformed. */
	assert_int_equal(vc_dma_map(c, 0x100000, 0, 0, RW, fd), EINVAL);
	assert_int_equal(vc_dma_map(c, 0x100001, 0x1000, 0, RW, fd), EINVAL);
	assert_int_equal(vc_dma_map(c, 0x100000, 0x1001, 0, RW, fd), EINVAL);
	assert_int_equal(vc_dma_map(c, 0x100000, 0x1000, 1, RW, fd), EINVAL);
	assert_int_equal(vc_dma_map(c, 0x100000, 0x1000, VC_MEMORY, RW, fd), EINVAL);
	assert_int_equal(vc_dma_map(c, 0x100000, VC_MEMORY + 4096, 0, RW, fd), EINVAL);
	assert_int_equal(vc_dma_map(c, 0x100000, 0x1000, 1ULL << 63, RW, fd), EINVAL);
	assert_int_equal(vc_dma_map(c, -4096ULL, 0x2000, 0, RW, fd), EINVAL);
	assert_int_equal(vc_dma_map(c, 0x100000, 0x1000, 0, 0, fd), EINVAL);
	assert_int_equal(vc_dma_map(c, 0x100000, 0x1000, 0, RW | 16, fd), EINVAL);
	assert_int_equal(vc_dma_map(c, 0x100000, 0x1000, 0, RW | VFU_DMA_MMAP, -1), EINVAL);
	assert_int_equal(vc_dma_map(c, 0x100000, 0x1000, 0, RW | VFU_DMA_FILE_IO, -1), EINVAL);
	assert_int_equal(vc_dma_map(c, 0x100000, 0x1000, 0, RW | VFU_DMA_FILE_IO, fd), ENOTSUP);
	assert_int_equal(vc_dma_map(c, 0x100000, 0x1000, 0, RW, c->fd), EINVAL); /* a socket */
	assert_int_equal(vc_call(c, VFU_DMA_MAP, &u, sizeof(u), NULL), EINVAL);
	assert_int_equal(vc_call(c, VFU_DMA_UNMAP, &u, sizeof(u), NULL), EINVAL);
	assert_int_equal(vc_call(c, VFU_DMA_UNMAP, &u, 8, NULL), EINVAL);
	vc_close(c);
}

static void test_second_client(void **state)
{
	struct vc_client *c = vc_open(server), *other = vc_connect(server);
	uint64_t refused = vfu_counter(server->srv, "clients_refused");
	struct vc_reply r;

	(void)state;
	assert_int_equal(vc_version(other, 0, NULL, &r), EBUSY);
	assert_false(vc_recv(other, &r));
	assert_true(vfu_counter(server->srv, "clients_refused") >= refused);
	vc_close(other);
	/* One that says nothing is in nobody's way. */
	other = vc_connect(server);
	vc_write(c, VFIO_PCI_CONFIG_REGION_INDEX, 4, 2, 2);
	assert_int_equal(vc_reg(c, MHO_HW_REG_MAGIC), MHO_HW_MAGIC);
	vc_close(c);
	vc_close(other);
	vc_close(vc_open(server));
}

static void test_sockets(void **state)
{
	char path[160], err[256];
	int fd, again;

	(void)state;
	snprintf(path, sizeof(path), "%s/another", server->dir);
	fd = vfu_listen_unix(path, err, sizeof(err));
	assert_true(fd >= 0);
	again = vfu_listen_unix(path, err, sizeof(err));
	assert_int_equal(again, -EADDRINUSE);
	assert_non_null(strstr(err, "in use"));
	close(fd); /* left behind */
	fd = vfu_listen_unix(path, err, sizeof(err));
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	assert_int_equal(close(creat(path, 0600)), 0);
	assert_int_equal(vfu_listen_unix(path, err, sizeof(err)), -EADDRINUSE);
	assert_non_null(strstr(err, "no socket"));
	unlink(path);
	assert_int_equal(vfu_listen_unix("/nonexistent/x", err, sizeof(err)), -ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(vfu_listen_unix(path, err, sizeof(err)), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),	 cmocka_unit_test(test_version_refused),
		cmocka_unit_test(test_headers),	 cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_info),	 cmocka_unit_test(test_region_info),
		cmocka_unit_test(test_irq_info), cmocka_unit_test(test_set_irqs),
		cmocka_unit_test(test_regions),	 cmocka_unit_test(test_write_multi),
		cmocka_unit_test(test_dma_map),	 cmocka_unit_test(test_second_client),
		cmocka_unit_test(test_sockets),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
