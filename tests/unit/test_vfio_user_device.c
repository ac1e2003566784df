// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The card used through vfio-user messages alone, as QEMU and a driver use it:
 * boot, admin commands, interrupts, ioeventfds, memory that goes away, resets,
 * clients that come back, and faults on demand.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "emulator/vfio_user_internal.h"
#include "vfio_client.h"
#include "scratch.h"

#define CONFIG VFIO_PCI_CONFIG_REGION_INDEX
#define OWNER 77
#define CAP_PCIE 0x50 /* test_vfio_user_pci.c finds it by itself */

static uint64_t counter(struct vc_server *s, const char *name)
{
	return vfu_counter(s->srv, name);
}

/* A driver that does nothing wrong leaves these at 0. */
static void assert_no_complaints(struct vc_server *s)
{
	assert_int_equal(counter(s, "doorbells_bad"), 0);
	assert_int_equal(counter(s, "dma_unmapped"), 0);
	assert_int_equal(counter(s, "dma_forbidden"), 0);
	assert_int_equal(counter(s, "dma_no_fd"), 0);
	assert_int_equal(counter(s, "messages_refused"), 0);
}

static struct vc_client *open_booted(struct vc_server *s, uint32_t irq_index)
{
	struct vc_client *c = vc_open(s);

	vc_enable(c, irq_index);
	vc_boot(c);
	return c;
}

static void identify(struct vc_client *c)
{
	struct mho_hw_admin_sqe sqe = { .opcode = MHO_HW_ADM_IDENTIFY,
					.length = mho_cpu_to_le32(sizeof(struct mho_hw_identify)) };
	const struct mho_hw_identify *id;

	sqe.data = mho_cpu_to_le64(vc_alloc(c, sizeof(*id)));
	assert_int_equal(vc_admin(c, &sqe, NULL), MHO_HW_ST_OK);
	id = vc_ptr(c, mho_le64_to_cpu(sqe.data));
	assert_int_equal(mho_le32_to_cpu(id->version), MHO_HW_VERSION);
	assert_true(mho_le64_to_cpu(id->serial) == 0x1122334455667788ULL);
}

static void test_boot(void **state)
{
	static const uint32_t kinds[] = { VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct vc_server *s = vc_start(i ? VFU_MSI : VFU_MSIX, NULL);
		struct vc_client *c = open_booted(s, kinds[i]);

		vc_irq(c, 0, 0);
		vc_write(c, MHO_HW_BAR_REGS, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_ALL, 4);
		identify(c);
		assert_true(vc_irq(c, 0, 5000) >= 1);
		assert_int_equal(vc_irq(c, 1, 0), 0);
		assert_true(counter(s, "irqs_sent") >= 1);
		assert_no_complaints(s);
		vc_close(c);
		vc_stop(s);
	}
}

static void test_complaints(void **state)
{
	struct vc_server *s = vc_start(VFU_MSIX, NULL);
	struct vc_client *c = vc_open(s);
	struct mho_hw_admin_sqe sqe = { .opcode = MHO_HW_ADM_IDENTIFY,
					.length = mho_cpu_to_le32(sizeof(struct mho_hw_identify)) };

	(void)state;
	vc_enable(c, VFIO_PCI_MSIX_IRQ_INDEX);
	vc_write(c, MHO_HW_BAR_DOORBELL, MHO_HW_DB_SQ_TAIL, 1, 4); /* not READY */
	assert_int_equal(counter(s, "doorbells_bad"), 1);
	vc_boot(c);
	vc_write(c, MHO_HW_BAR_DOORBELL, 0x5000, 1, 4); /* the card has queues 0 to 4 */
	vc_write(c, MHO_HW_BAR_DOORBELL, 0x8, 1, 4);
	vc_write(c, MHO_HW_BAR_DOORBELL, 0, 1, 2);
	assert_int_equal(counter(s, "doorbells_bad"), 4);
	assert_int_equal(counter(s, "dma_unmapped"), 0);
	sqe.data = mho_cpu_to_le64(0x2000);
	assert_int_equal(vc_admin(c, &sqe, NULL), MHO_HW_ST_DMA_FAULT);
	assert_true(counter(s, "dma_unmapped") >= 1);
	assert_int_equal(vc_dma_map(c, 0, 0x1000, 0, VFU_DMA_READABLE, c->memfd), 0);
	assert_int_equal(vc_dma_map(c, 0x1000, 0x1000, 0, 3, -1), 0);
	sqe.data = 0;
	sqe.data = mho_cpu_to_le64(0x800);
	assert_int_equal(vc_admin(c, &sqe, NULL), MHO_HW_ST_DMA_FAULT);
	assert_true(counter(s, "dma_forbidden") >= 1);
	sqe.data = mho_cpu_to_le64(0x1000);
	assert_int_equal(vc_admin(c, &sqe, NULL), MHO_HW_ST_DMA_FAULT);
	assert_true(counter(s, "dma_no_fd") >= 1);
	vc_close(c);
	vc_stop(s);
}

/* ---- ioeventfds ---- */

static void make_queue(struct vc_client *c, uint64_t sq, uint64_t cq)
{
	struct mho_hw_admin_sqe context = { .opcode = MHO_HW_ADM_CONTEXT_CREATE,
					    .context = mho_cpu_to_le16(1) };
	struct mho_hw_admin_sqe queue = { .opcode = MHO_HW_ADM_QUEUE_CREATE,
					  .context = mho_cpu_to_le16(1),
					  .queue = mho_cpu_to_le16(1),
					  .queue_create = { .sq = mho_cpu_to_le64(sq),
							    .cq = mho_cpu_to_le64(cq),
							    .vector = mho_cpu_to_le16(1),
							    .order = 1 } };

	assert_int_equal(vc_admin(c, &context, NULL), MHO_HW_ST_OK);
	assert_int_equal(vc_admin(c, &queue, NULL), MHO_HW_ST_OK);
}

static void test_ioeventfd(void **state)
{
	struct vc_server *s = vc_start(VFU_MSIX, NULL);
	struct vc_client *c = open_booted(s, VFIO_PCI_MSIX_IRQ_INDEX);
	struct vfu_region_io_fds q = { .argsz = 4096, .index = MHO_HW_BAR_DOORBELL };
	uint64_t sq = vc_alloc(c, 4096), cq = vc_alloc(c, 4096);
	struct mho_hw_sqe *entries = vc_ptr(c, sq);
	const uint64_t one = 1;
	struct vfu_io_fd fd;
	struct vc_reply r;

	(void)state;
	make_queue(c, sq, cq);
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_REGION_IO_FDS, &q, sizeof(q), &r), 0);
	memcpy(&q, r.data, sizeof(q));
	assert_int_equal(q.count, 4);
	assert_int_equal(r.nfds, 4);
	assert_int_equal(r.len, sizeof(q) + 4 * sizeof(fd));
	memcpy(&fd, r.data + sizeof(q), sizeof(fd));
	assert_int_equal(fd.offset, MHO_HW_DB_OFFSET(1, MHO_HW_DB_SQ_TAIL));
	assert_int_equal(fd.size, 4);
	assert_int_equal(fd.type, VFU_IO_FD_IOEVENTFD);
	assert_int_equal(fd.flags, VFU_IOEVENTFD_DATAMATCH);
	assert_int_equal(fd.datamatch, 0);
	/* The ring has two entries: the first goes by message, the second wraps to 0. */
	entries[0].opcode = MHO_HW_OP_NOP;
	vc_write(c, MHO_HW_BAR_DOORBELL, fd.offset, 1, 4);
	assert_int_equal(vc_irq(c, 1, 5000), 1);
	vc_write(c, MHO_HW_BAR_DOORBELL, MHO_HW_DB_OFFSET(1, MHO_HW_DB_CQ_HEAD), 1, 4);
	entries[1].opcode = MHO_HW_OP_NOP;
	entries[1].cid = mho_cpu_to_le16(1);
	assert_int_equal(write(r.fds[fd.fd_index], &one, sizeof(one)), sizeof(one));
	assert_int_equal(vc_irq(c, 1, 5000), 1);
	assert_no_complaints(s);
	for (unsigned int i = 0; i < r.nfds; i++)
		close(r.fds[i]);
	/* What has none; what does not fit; what is malformed. */
	q = (struct vfu_region_io_fds){ .argsz = 4096 };
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_REGION_IO_FDS, &q, sizeof(q), &r), 0);
	assert_int_equal(r.nfds, 0);
	q = (struct vfu_region_io_fds){ .argsz = sizeof(q), .index = MHO_HW_BAR_DOORBELL };
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_REGION_IO_FDS, &q, sizeof(q), &r), 0);
	assert_int_equal(r.nfds, 0);
	memcpy(&q, r.data, sizeof(q));
	assert_int_equal(q.argsz, sizeof(q) + 4 * sizeof(fd));
	q.flags = 1;
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_REGION_IO_FDS, &q, sizeof(q), &r), EINVAL);
	q = (struct vfu_region_io_fds){ .argsz = 4096, .index = 9 };
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_REGION_IO_FDS, &q, sizeof(q), &r), EINVAL);
	assert_int_equal(vc_call(c, VFU_DEVICE_GET_REGION_IO_FDS, &q, 8, &r), EINVAL);
	vc_close(c);
	vc_stop(s);
}

/* ---- memory that goes away, bus mastering that goes off ---- */

static void test_unmap_in_use(void **state)
{
	struct vc_server *s = vc_start(VFU_MSIX, NULL);
	struct vc_client *c = vc_open(s);
	struct vfu_dma_unmap_payload u = { sizeof(u), 0, VC_BUS, VC_MEMORY };
	struct vfu_header h = { .command = VFU_DMA_UNMAP, .size = sizeof(h) + sizeof(u) };
	uint8_t message[sizeof(h) + sizeof(u)];
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	size_t len = VC_MEMORY * 2;
	struct vc_reply r;
	void *used;

	(void)state;
	vc_enable(c, VFIO_PCI_MSIX_IRQ_INDEX);
	/* The test stands in for the device, which would let go at a time of its own. */
	used = vfu_dma_op_map(s->srv, VC_BUS + 4096, &len, true);
	assert_non_null(used);
	assert_int_equal(len, VC_MEMORY - 4096);
	memcpy(message, &h, sizeof(h));
	memcpy(message + sizeof(h), &u, sizeof(u));
	vc_send(c, message, sizeof(message), NULL, 0);
	assert_int_equal(poll(&p, 1, 100), 0);
	memset(used, 0x5a, 4096); /* it is still there */
	len = 4096;
	assert_null(vfu_dma_op_map(s->srv, VC_BUS, &len, false)); /* and nobody gets it any more */
	vfu_dma_op_unmap(s->srv, used, VC_MEMORY - 4096);
	assert_true(vc_recv(c, &r));
	assert_int_equal(r.header.flags, VFU_TYPE_REPLY);
	assert_int_equal(c->mem[4096], 0x5a);
	assert_null(vfu_dma_op_map(s->srv, VC_BUS, &len, false));
	vc_close(c);
	vc_stop(s);
}

static void test_bus_master(void **state)
{
	struct vc_server *s = vc_start(VFU_MSIX, NULL);
	struct vc_client *c = open_booted(s, VFIO_PCI_MSIX_IRQ_INDEX);
	struct mho_hw_admin_sqe sqe = { .opcode = MHO_HW_ADM_NOP };
	struct mho_hw_cqe cqe;

	(void)state;
	/* Off between the doorbell and the work: it waits, and this is no fault. */
	vc_put(c, &sqe);
	vc_write(c, CONFIG, 4, 2, 2);
	vc_write(c, MHO_HW_BAR_DOORBELL, MHO_HW_DB_SQ_TAIL, c->tail, 4);
	assert_false(vc_take(c, &cqe, 100));
	assert_int_equal(vc_state(c), MHO_HW_STATE_READY);
	vc_write(c, CONFIG, 4, 6, 2);
	assert_true(vc_take(c, &cqe, 5000));
	assert_int_equal(mho_le16_to_cpu(cqe.status), MHO_HW_ST_OK);
	assert_int_equal(counter(s, "doorbells_bad"), 1); /* rung while it was off */
	/* A warm reset ends although commands wait. */
	vc_put(c, &sqe);
	vc_write(c, CONFIG, 4, 2, 2);
	vc_write(c, MHO_HW_BAR_DOORBELL, MHO_HW_DB_SQ_TAIL, c->tail, 4);
	vc_write(c, MHO_HW_BAR_REGS, MHO_HW_REG_CONTROL, MHO_HW_CONTROL_RESET, 4);
	assert_true(vc_wait_state(c, MHO_HW_STATE_BOOTED));
	vc_close(c);
	vc_stop(s);
}

static void test_resets(void **state)
{
	struct vc_server *s = vc_start(VFU_MSIX, NULL);
	struct vc_client *c = open_booted(s, VFIO_PCI_MSIX_IRQ_INDEX);

	(void)state;
	vc_write(c, CONFIG, CAP_PCIE + 8, 0x8000, 2); /* FLR */
	assert_int_equal(vc_read(c, CONFIG, 4, 2), 0);
	assert_int_equal(vc_reg(c, MHO_HW_REG_STATUS), 0xffffffff);
	vc_write(c, CONFIG, 4, 6, 2);
	assert_int_equal(vc_state(c), MHO_HW_STATE_WAIT_FW);
	vc_boot(c); /* memory and eventfds are the client's: they are still there */
	vc_irq(c, 0, 0);
	identify(c);
	assert_true(vc_irq(c, 0, 5000) >= 1);
	assert_int_equal(vc_call(c, VFU_DEVICE_RESET, NULL, 0, NULL), 0);
	assert_int_equal(vc_read(c, CONFIG, 4, 2), 0);
	vc_write(c, CONFIG, 4, 6, 2);
	assert_int_equal(vc_state(c), MHO_HW_STATE_WAIT_FW);
	assert_int_equal(counter(s, "resets"), 2);
	vc_close(c);
	vc_stop(s);
}

/* ---- what stays ---- */

static unsigned int named(struct vc_client *c, unsigned int opcode)
{
	struct mho_hw_admin_sqe context = { .opcode = MHO_HW_ADM_CONTEXT_CREATE,
					    .context = mho_cpu_to_le16(1) };
	struct mho_hw_array_request *request;
	struct mho_hw_admin_sqe sqe = { .opcode = (mho_u8)opcode,
					.context = mho_cpu_to_le16(1),
					.length = mho_cpu_to_le32(sizeof(*request)) };

	assert_int_equal(vc_admin(c, &context, NULL), MHO_HW_ST_OK);
	sqe.data = mho_cpu_to_le64(vc_alloc(c, sizeof(*request)));
	request = vc_ptr(c, mho_le64_to_cpu(sqe.data));
	memset(request, 0, sizeof(*request));
	if (opcode == MHO_HW_ADM_ARRAY_CREATE) {
		request->rows = mho_cpu_to_le32(8);
		request->cols = mho_cpu_to_le32(8);
		request->technology = mho_cpu_to_le32(MHO_HW_ALL);
		request->flags = mho_cpu_to_le16(MHO_HW_ARRAY_NAMED);
	}
	request->owner = mho_cpu_to_le64(OWNER);
	strcpy((char *)request->label, "layer");
	return vc_admin(c, &sqe, NULL);
}

static void test_reconnect(void **state)
{
	struct vc_server *s = vc_start(VFU_MSIX, NULL);
	struct vc_client *c = open_booted(s, VFIO_PCI_MSIX_IRQ_INDEX);

	(void)state;
	assert_int_equal(named(c, MHO_HW_ADM_ARRAY_FIND), MHO_HW_ST_NOT_FOUND);
	vc_close(c);
	c = open_booted(s, VFIO_PCI_MSIX_IRQ_INDEX);
	assert_int_equal(named(c, MHO_HW_ADM_ARRAY_CREATE), MHO_HW_ST_OK);
	vc_close(c);
	for (unsigned int i = 0; i < 3; i++) {
		c = vc_open(s);
		assert_int_equal(vc_read(c, CONFIG, 4, 2), 0);
		vc_enable(c, VFIO_PCI_MSIX_IRQ_INDEX);
		assert_int_equal(vc_state(c), MHO_HW_STATE_WAIT_FW);
		vc_boot(c);
		assert_int_equal(named(c, MHO_HW_ADM_ARRAY_FIND), MHO_HW_ST_OK);
		vc_close(c);
	}
	assert_no_complaints(s);
	vc_stop(s);
}

static void test_state_file(void **state)
{
	char path[256];
	struct vc_server *s;
	struct vc_client *c;

	(void)state;
	scratch_path(path, sizeof(path), "vfio-state");
	s = vc_start(VFU_MSIX, path);
	c = open_booted(s, VFIO_PCI_MSIX_IRQ_INDEX);
	assert_int_equal(named(c, MHO_HW_ADM_ARRAY_CREATE), MHO_HW_ST_OK);
	vc_stop(s); /* with the client there */
	vc_close(c);
	s = vc_start(VFU_MSIX, path);
	c = open_booted(s, VFIO_PCI_MSIX_IRQ_INDEX);
	assert_true(vc_reg(c, MHO_HW_REG_STATUS) & MHO_HW_STATUS_RESTORED);
	assert_int_equal(named(c, MHO_HW_ADM_ARRAY_FIND), MHO_HW_ST_OK);
	vc_close(c);
	vc_stop(s);
	unlink(path);
}

/* ---- the control socket ---- */

static void test_control(void **state)
{
	struct vc_server *s = vc_start(VFU_MSIX, NULL);
	struct json_object *o, *counters;
	struct mho_emu_fault_info info;
	char answer[4096], line[400];
	unsigned int counted = 0;

	(void)state;
	vc_control(s, "counters\n", answer, sizeof(answer));
	o = json_tokener_parse(answer);
	assert_true(json_object_object_get_ex(o, "counters", &counters));
	for (unsigned int i = 0; mho_emu_fault_info(s->srv->emu, i, &info); i++)
		counted += info.kind != MHO_EMU_FAULT_LASTS;
	assert_int_equal(json_object_object_length(counters), VFU_NCOUNTERS + counted);
	json_object_put(o);
	assert_true(vc_control_ok(s, "faults\n"));
	assert_true(vc_control_ok(s, "save\r\n"));
	assert_true(vc_control_ok(s, "clear\n"));
	assert_false(vc_control_ok(s, "\n"));
	assert_false(vc_control_ok(s, "nonsense\n"));
	assert_false(vc_control_ok(s, "fault\n"));
	assert_false(vc_control_ok(s, "fault nonsense\n"));
	assert_false(vc_control_ok(s, "fault irq-drop many\n"));
	assert_false(vc_control_ok(s, "fault irq-drop -1\n"));
	assert_false(vc_control_ok(s, "fault mmio-delay\n"));
	assert_false(vc_control_ok(s, "fault mmio-delay 60001\n"));
	assert_false(vc_control_ok(s, "fault mmio-ones perhaps\n"));
	assert_false(vc_control_ok(s, "fault irq-spurious 257\n"));
	assert_false(vc_control_ok(s, "a b c d e f\n"));
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	assert_false(vc_control_ok(s, line));
	vc_stop(s);
}

static void test_faults(void **state)
{
	struct vc_server *s = vc_start(VFU_MSIX, NULL);
	struct vc_client *c = open_booted(s, VFIO_PCI_MSIX_IRQ_INDEX);
	struct mho_hw_admin_sqe sqe = { .opcode = MHO_HW_ADM_IDENTIFY,
					.length = mho_cpu_to_le32(sizeof(struct mho_hw_identify)) };
	struct vc_reply r;

	(void)state;
	sqe.data = mho_cpu_to_le64(vc_alloc(c, 4096));
	vc_write(c, MHO_HW_BAR_REGS, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_ALL, 4);
	vc_irq(c, 0, 0);
	assert_true(vc_control_ok(s, "fault irq-drop 1\n"));
	assert_int_equal(vc_admin(c, &sqe, NULL), MHO_HW_ST_OK);
	assert_int_equal(vc_irq(c, 0, 100), 0);
	assert_int_equal(counter(s, "irqs_dropped"), 1);
	assert_true(vc_control_ok(s, "fault irq-duplicate\n"));
	vc_write(c, MHO_HW_BAR_REGS, MHO_HW_REG_IRQ_CAUSE, MHO_HW_IRQ_ALL, 4);
	assert_int_equal(vc_admin(c, &sqe, NULL), MHO_HW_ST_OK);
	assert_true(vc_irq(c, 0, 5000) >= 2);
	assert_int_equal(counter(s, "irqs_duplicated"), 1);
	assert_true(vc_control_ok(s, "fault irq-spurious 3 5\n"));
	assert_int_equal(vc_irq(c, 3, 5000), 5);
	assert_true(vc_control_ok(s, "fault mmio-delay 50 2\n"));
	assert_int_equal(vc_reg(c, MHO_HW_REG_MAGIC), MHO_HW_MAGIC);
	assert_true(vc_control_ok(s, "fault mmio-ones\n"));
	assert_int_equal(vc_reg(c, MHO_HW_REG_MAGIC), 0xffffffff);
	assert_true(vc_control_ok(s, "clear\n"));
	assert_int_equal(vc_reg(c, MHO_HW_REG_MAGIC), MHO_HW_MAGIC);
	/* The first DMA of a command is the fetch: of the admin ring, which is fatal. */
	assert_true(vc_control_ok(s, "fault dma-fail 1\n"));
	vc_put(c, &sqe);
	vc_write(c, MHO_HW_BAR_DOORBELL, MHO_HW_DB_SQ_TAIL, c->tail, 4);
	assert_true(vc_wait_state(c, MHO_HW_STATE_FAILED));
	assert_int_equal(counter(s, "dma_failed"), 1);
	assert_no_complaints(s);
	assert_true(vc_control_ok(s, "fault disconnect\n"));
	assert_false(vc_recv(c, &r));
	vc_close(c);
	vc_close(vc_open(s));
	vc_stop(s);
}

static void test_die(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		struct vc_server *s = vc_start(VFU_MSIX, NULL);
		char answer[256];

		unlink(s->path);
		unlink(s->control);
		rmdir(s->dir);
		vfu_control_line(s->srv, strcpy(answer, "fault die"));
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_die),	     cmocka_unit_test(test_boot),
		cmocka_unit_test(test_complaints),   cmocka_unit_test(test_ioeventfd),
		cmocka_unit_test(test_unmap_in_use), cmocka_unit_test(test_bus_master),
		cmocka_unit_test(test_resets),	     cmocka_unit_test(test_reconnect),
		cmocka_unit_test(test_state_file),   cmocka_unit_test(test_control),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
