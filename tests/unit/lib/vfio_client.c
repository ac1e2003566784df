// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The vfio-user client of the tests.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "core/blob.h"
#include "vfio_client.h"
#include "scratch.h"

#define PATIENCE_MS 20000
#define ADMIN_ORDER 4

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- the server ---- */

static void *run(void *arg)
{
	struct vc_server *s = arg;

	s->result = vfu_run(s->srv, s->listen_fd);
	return NULL;
}

struct vc_server *vc_start(unsigned int interrupts, const char *state)
{
	const struct mho_blob *small = mho_blob_find("topology/small");
	struct vfu_config config = { .emu = { .size = sizeof(config.emu),
					      .topology = small->data,
					      .topology_len = small->len,
					      .seed = 1,
					      .serial = 0x1122334455667788ULL,
					      .threads = 1,
					      .state_path = state },
				     .interrupts = interrupts };
	struct vc_server *s = calloc(1, sizeof(*s));
	char err[256] = "";

	assert_non_null(s);
	assert_int_equal(scratch_dir(s->dir, sizeof(s->dir), "vfio"), 0);
	snprintf(s->path, sizeof(s->path), "%s/socket", s->dir);
	snprintf(s->control, sizeof(s->control), "%s/control", s->dir);
	if (vfu_create(&config, &s->srv, err, sizeof(err)))
		fail_msg("no server: %s", err);
	s->listen_fd = vfu_listen_unix(s->path, err, sizeof(err));
	s->control_fd = vfu_listen_unix(s->control, err, sizeof(err));
	if (s->listen_fd < 0 || s->control_fd < 0)
		fail_msg("no socket: %s", err);
	assert_int_equal(vfu_control_start(s->srv, s->control_fd), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
	return s;
}

void vc_stop(struct vc_server *s)
{
	vfu_stop(s->srv);
	pthread_join(s->thread, NULL);
	assert_int_equal(s->result, 0);
	assert_int_equal(vfu_save(s->srv), 0);
	vfu_destroy(s->srv);
	close(s->listen_fd);
	close(s->control_fd);
	unlink(s->path);
	unlink(s->control);
	assert_int_equal(rmdir(s->dir), 0);
	free(s);
}

/* ---- connections and messages ---- */

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

struct vc_client *vc_connect(struct vc_server *s)
{
	struct vc_client *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->fd = connect_to(s->path);
	c->memfd = memfd_create("guest", MFD_CLOEXEC);
	assert_true(c->memfd >= 0);
	assert_int_equal(ftruncate(c->memfd, VC_MEMORY), 0);
	c->mem = mmap(NULL, VC_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, c->memfd, 0);
	assert_ptr_not_equal(c->mem, MAP_FAILED);
	for (unsigned int i = 0; i < VC_VECTORS; i++)
		c->irq[i] = -1;
	return c;
}

struct vc_client *vc_open(struct vc_server *s)
{
	struct vc_client *c = vc_connect(s);
	struct vc_reply r;

	assert_int_equal(vc_version(c, 0, "{\"capabilities\":{\"max_msg_fds\":16}}", &r), 0);
	return c;
}

void vc_close(struct vc_client *c)
{
	close(c->fd);
	close(c->memfd);
	munmap(c->mem, VC_MEMORY);
	for (unsigned int i = 0; i < VC_VECTORS; i++)
		if (c->irq[i] >= 0)
			close(c->irq[i]);
	free(c);
}

void vc_send(struct vc_client *c, const void *data, size_t len, const int *fds, unsigned int nfds)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(253 * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfds) {
		struct cmsghdr *cm;

		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(cm), fds, nfds * sizeof(int));
	}
	assert_int_equal(sendmsg(c->fd, &mh, MSG_NOSIGNAL), len);
}

static bool recv_full(struct vc_client *c, void *data, size_t len, struct vc_reply *r)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(253 * sizeof(int))];
	size_t done = 0;

	while (done < len) {
		struct iovec iov = { .iov_base = (uint8_t *)data + done, .iov_len = len - done };
		struct msghdr mh = { .msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = control,
				     .msg_controllen = sizeof(control) };
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		struct cmsghdr *cm;
		ssize_t n;

		if (poll(&p, 1, PATIENCE_MS) != 1)
			fail_msg("the server does not answer");
		n = recvmsg(c->fd, &mh, MSG_CMSG_CLOEXEC);
		if (n <= 0)
			return false;
		for (cm = CMSG_FIRSTHDR(&mh); cm; cm = CMSG_NXTHDR(&mh, cm)) {
			r->nfds = (unsigned int)((cm->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			assert_in_range(r->nfds, 1, 64);
			memcpy(r->fds, CMSG_DATA(cm), r->nfds * sizeof(int));
		}
		done += (size_t)n;
	}
	return true;
}

bool vc_recv(struct vc_client *c, struct vc_reply *r)
{
	memset(r, 0, sizeof(*r));
	if (!recv_full(c, &r->header, sizeof(r->header), r))
		return false;
	r->len = r->header.size - sizeof(r->header);
	assert_in_range(r->len, 0, sizeof(r->data));
	return recv_full(c, r->data, r->len, r);
}

static size_t build(struct vc_client *c, uint8_t *to, unsigned int command, uint32_t flags,
		    const void *data, size_t len)
{
	struct vfu_header h = { .id = c->next_id++,
				.command = (uint16_t)command,
				.size = (uint32_t)(sizeof(h) + len),
				.flags = flags };

	assert_in_range(len, 0, 8192 - sizeof(h));
	memcpy(to, &h, sizeof(h));
	if (len)
		memcpy(to + sizeof(h), data, len);
	return sizeof(h) + len;
}

int vc_call_fds(struct vc_client *c, unsigned int command, const void *data, size_t len,
		const int *fds, unsigned int nfds, struct vc_reply *r)
{
	uint16_t id = c->next_id;
	struct vc_reply mine;
	uint8_t message[8192];

	r = r ? r : &mine;
	vc_send(c, message, build(c, message, command, 0, data, len), fds, nfds);
	if (!vc_recv(c, r))
		fail_msg("the server closes the connection on message %u", command);
	assert_int_equal(r->header.id, id);
	assert_int_equal(r->header.command, command);
	assert_int_equal(r->header.flags & VFU_FLAG_TYPE_MASK, VFU_TYPE_REPLY);
	if (!(r->header.flags & VFU_FLAG_ERROR))
		return 0;
	assert_int_equal(r->len, 0);
	assert_int_not_equal(r->header.error, 0);
	return (int)r->header.error;
}

int vc_call(struct vc_client *c, unsigned int command, const void *data, size_t len,
	    struct vc_reply *r)
{
	return vc_call_fds(c, command, data, len, NULL, 0, r);
}

void vc_post(struct vc_client *c, unsigned int command, const void *data, size_t len)
{
	uint8_t message[8192];

	vc_send(c, message, build(c, message, command, VFU_FLAG_NO_REPLY, data, len), NULL, 0);
}

int vc_version(struct vc_client *c, unsigned int major, const char *json, struct vc_reply *r)
{
	struct vfu_version_payload v = { .major = (uint16_t)major };
	size_t len = json ? strlen(json) + 1 : 0;
	uint8_t data[4096];

	memcpy(data, &v, sizeof(v));
	if (json)
		memcpy(data + sizeof(v), json, len);
	return vc_call(c, VFU_VERSION, data, sizeof(v) + len, r);
}

/* ---- the device through messages ---- */

uint64_t vc_read(struct vc_client *c, unsigned int region, uint64_t offset, unsigned int width)
{
	struct vfu_region_access a = { offset, region, width };
	uint64_t value = 0;
	struct vc_reply r;

	assert_int_equal(vc_call(c, VFU_REGION_READ, &a, sizeof(a), &r), 0);
	assert_int_equal(r.len, sizeof(a) + width);
	assert_memory_equal(r.data, &a, sizeof(a));
	memcpy(&value, r.data + sizeof(a), width);
	return value;
}

void vc_write(struct vc_client *c, unsigned int region, uint64_t offset, uint64_t value,
	      unsigned int width)
{
	struct vfu_region_access a = { offset, region, width };
	uint8_t data[sizeof(a) + 8];
	struct vc_reply r;

	memcpy(data, &a, sizeof(a));
	memcpy(data + sizeof(a), &value, width);
	assert_int_equal(vc_call(c, VFU_REGION_WRITE, data, sizeof(a) + width, &r), 0);
	assert_int_equal(r.len, sizeof(a));
	assert_memory_equal(r.data, &a, sizeof(a));
}

int vc_dma_map(struct vc_client *c, uint64_t addr, uint64_t size, uint64_t offset, uint32_t flags,
	       int fd)
{
	struct vfu_dma_map_payload p = { sizeof(p), flags, offset, addr, size };

	return vc_call_fds(c, VFU_DMA_MAP, &p, sizeof(p), &fd, fd >= 0, NULL);
}

int vc_dma_unmap(struct vc_client *c, uint64_t addr, uint64_t size)
{
	struct vfu_dma_unmap_payload p = { sizeof(p), 0, addr, size };
	struct vc_reply r;
	int err = vc_call(c, VFU_DMA_UNMAP, &p, sizeof(p), &r);

	if (!err)
		assert_memory_equal(r.data, &p, sizeof(p));
	return err;
}

int vc_set_irqs(struct vc_client *c, uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
		const int *fds, unsigned int nfds)
{
	struct vfio_irq_set s = {
		.argsz = sizeof(s), .flags = flags, .index = index, .start = start, .count = count
	};

	return vc_call_fds(c, VFU_DEVICE_SET_IRQS, &s, sizeof(s), fds, nfds, NULL);
}

void vc_enable(struct vc_client *c, uint32_t irq_index)
{
	assert_int_equal(vc_dma_map(c, VC_BUS, VC_MEMORY, 0, VFU_DMA_READABLE | VFU_DMA_WRITEABLE,
				    c->memfd),
			 0);
	vc_write(c, VFIO_PCI_CONFIG_REGION_INDEX, 4, 6, 2);
	for (unsigned int i = 0; i < VC_VECTORS; i++) {
		c->irq[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		assert_true(c->irq[i] >= 0);
	}
	assert_int_equal(vc_set_irqs(c, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
				     irq_index, 0, VC_VECTORS, c->irq, VC_VECTORS),
			 0);
}

uint64_t vc_irq(struct vc_client *c, unsigned int vector, int ms)
{
	struct pollfd p = { .fd = c->irq[vector], .events = POLLIN };
	uint64_t n = 0;

	if (poll(&p, 1, ms) == 1)
		assert_int_equal(read(c->irq[vector], &n, sizeof(n)), sizeof(n));
	return n;
}

uint64_t vc_alloc(struct vc_client *c, size_t len)
{
	uint64_t addr = VC_BUS + c->used;

	c->used += (len + 4095) & ~(size_t)4095;
	assert_in_range(c->used, 0, VC_MEMORY);
	return addr;
}

void *vc_ptr(struct vc_client *c, uint64_t addr)
{
	return c->mem + (addr - VC_BUS);
}

/* ---- a driver ---- */

uint32_t vc_reg(struct vc_client *c, uint32_t reg)
{
	return (uint32_t)vc_read(c, MHO_HW_BAR_REGS, reg, 4);
}

unsigned int vc_state(struct vc_client *c)
{
	return vc_reg(c, MHO_HW_REG_STATUS) & MHO_HW_STATUS_STATE_MASK;
}

bool vc_wait_state(struct vc_client *c, unsigned int state)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (vc_state(c) != state) {
		if (now_ms() > end)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	}
	return true;
}

static void set(struct vc_client *c, uint32_t reg, uint64_t value, unsigned int width)
{
	vc_write(c, MHO_HW_BAR_REGS, reg, value, width);
}

void vc_boot(struct vc_client *c)
{
	const struct mho_blob *firmware = mho_blob_find("firmware/mho-1");
	uint64_t addr = vc_alloc(c, firmware->len);

	memcpy(vc_ptr(c, addr), firmware->data, firmware->len);
	set(c, MHO_HW_REG_FW_ADDR_LO, addr, 8);
	set(c, MHO_HW_REG_FW_SIZE, firmware->len, 4);
	set(c, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_BOOT, 4);
	assert_true(vc_wait_state(c, MHO_HW_STATE_BOOTED));
	c->asq = vc_alloc(c, MHO_HW_SQE_SIZE << ADMIN_ORDER);
	c->acq = vc_alloc(c, MHO_HW_CQE_SIZE << ADMIN_ORDER);
	c->tail = 0;
	c->head = 0;
	set(c, MHO_HW_REG_ASQ_LO, c->asq, 8);
	set(c, MHO_HW_REG_ACQ_LO, c->acq, 8);
	set(c, MHO_HW_REG_AQ_ORDER, ADMIN_ORDER, 4);
	set(c, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_ENABLE, 4);
	assert_true(vc_wait_state(c, MHO_HW_STATE_READY));
	set(c, MHO_HW_REG_IRQ_MASK, MHO_HW_IRQ_ALL & ~MHO_HW_IRQ_ADMIN, 4);
}

void vc_put(struct vc_client *c, struct mho_hw_admin_sqe *sqe)
{
	struct mho_hw_admin_sqe *ring = vc_ptr(c, c->asq);

	sqe->cid = mho_cpu_to_le16((uint16_t)c->tail);
	ring[c->tail++ % (1U << ADMIN_ORDER)] = *sqe;
}

bool vc_take(struct vc_client *c, struct mho_hw_cqe *cqe, int ms)
{
	const struct mho_hw_cqe *ring = vc_ptr(c, c->acq);
	const struct mho_hw_cqe *at = &ring[c->head % (1U << ADMIN_ORDER)];
	unsigned int phase = !(c->head >> ADMIN_ORDER & 1);
	uint64_t end = now_ms() + (uint64_t)ms;

	while ((mho_le16_to_cpu(__atomic_load_n(&at->flags, __ATOMIC_SEQ_CST)) &
		MHO_HW_CQE_PHASE) != phase) {
		if (now_ms() > end)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	}
	*cqe = *at;
	c->head++;
	vc_write(c, MHO_HW_BAR_DOORBELL, MHO_HW_DB_CQ_HEAD, c->head % (1U << ADMIN_ORDER), 4);
	return true;
}

unsigned int vc_admin(struct vc_client *c, struct mho_hw_admin_sqe *sqe, struct mho_hw_cqe *cqe)
{
	struct mho_hw_cqe mine;

	vc_put(c, sqe);
	vc_write(c, MHO_HW_BAR_DOORBELL, MHO_HW_DB_SQ_TAIL, c->tail % (1U << ADMIN_ORDER), 4);
	if (!vc_take(c, &mine, PATIENCE_MS))
		fail_msg("admin command 0x%02x does not complete", sqe->opcode);
	assert_int_equal(mine.cid, sqe->cid);
	if (cqe)
		*cqe = mine;
	return mho_le16_to_cpu(mine.status);
}

/* ---- the control socket ---- */

void vc_control(struct vc_server *s, const char *line, char *answer, size_t size)
{
	int fd = connect_to(s->control);
	size_t done = 0;

	assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
	while (!done || answer[done - 1] != '\n') {
		ssize_t n = recv(fd, answer + done, size - 1 - done, 0);

		if (n <= 0)
			fail_msg("the control socket does not answer");
		done += (size_t)n;
	}
	answer[done] = '\0';
	close(fd);
}

bool vc_control_ok(struct vc_server *s, const char *line)
{
	struct json_object *o, *ok;
	char answer[4096];
	bool is_ok;

	vc_control(s, line, answer, sizeof(answer));
	o = json_tokener_parse(answer);
	assert_non_null(o);
	assert_true(json_object_object_get_ex(o, "ok", &ok));
	is_ok = json_object_get_boolean(ok);
	assert_int_equal(is_ok, !json_object_object_get_ex(o, "error", &ok));
	json_object_put(o);
	return is_ok;
}
