// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * The client's memory: which bus addresses it has mapped, and the device's use of
 * them, in place. Memory that comes without a file descriptor is known but cannot
 * be reached: messages that ask the client for it would wait for a client that
 * waits for us.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emulator/vfio_user_internal.h"

int vfu_dma_init(struct vfu_dma *dma)
{
	int err = pthread_mutex_init(&dma->lock, NULL);

	if (err)
		return -err;
	err = pthread_cond_init(&dma->changed, NULL);
	if (err)
		pthread_mutex_destroy(&dma->lock);
	return -err;
}

void vfu_dma_fini(struct vfu_dma *dma)
{
	vfu_dma_clear(dma);
	free(dma->by_addr);
	free(dma->by_host);
	pthread_cond_destroy(&dma->changed);
	pthread_mutex_destroy(&dma->lock);
}

void vfu_dma_set_master(struct vfu_dma *dma, bool master)
{
	pthread_mutex_lock(&dma->lock);
	dma->master = master;
	pthread_cond_broadcast(&dma->changed);
	pthread_mutex_unlock(&dma->lock);
}

void vfu_dma_abort(struct vfu_dma *dma, bool aborting)
{
	pthread_mutex_lock(&dma->lock);
	dma->aborting = aborting;
	pthread_cond_broadcast(&dma->changed);
	pthread_mutex_unlock(&dma->lock);
}

/* ---- the tables ---- */

/* Index of the first region that ends above @addr. */
static size_t find_addr(const struct vfu_dma *dma, uint64_t addr)
{
	size_t low = 0, high = dma->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (dma->by_addr[mid]->addr + (dma->by_addr[mid]->size - 1) < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static size_t find_host(const struct vfu_dma *dma, const uint8_t *host)
{
	size_t low = 0, high = dma->host_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (dma->by_host[mid]->host + (dma->by_host[mid]->size - 1) < host)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void insert(struct vfu_dma_region **table, size_t *count, size_t at,
		   struct vfu_dma_region *r)
{
	memmove(&table[at + 1], &table[at], (*count - at) * sizeof(*table));
	table[at] = r;
	(*count)++;
}

static void drop(struct vfu_dma_region **table, size_t *count, size_t at)
{
	(*count)--;
	memmove(&table[at], &table[at + 1], (*count - at) * sizeof(*table));
}

static int make_room(struct vfu_dma *dma)
{
	size_t room = dma->room ? 2 * dma->room : 16;
	struct vfu_dma_region **bigger;

	if (dma->count < dma->room)
		return 0;
	bigger = realloc(dma->by_addr, room * sizeof(struct vfu_dma_region *));
	if (!bigger)
		return -ENOMEM;
	dma->by_addr = bigger;
	bigger = realloc(dma->by_host, room * sizeof(struct vfu_dma_region *));
	if (!bigger)
		return -ENOMEM;
	dma->by_host = bigger;
	dma->room = room;
	return 0;
}

static int add(struct vfu_dma *dma, struct vfu_dma_region *r, uint32_t max)
{
	size_t at;
	int err;

	if (dma->count >= max)
		return -ENOSPC;
	at = find_addr(dma, r->addr);
	if (at < dma->count && dma->by_addr[at]->addr <= r->addr + (r->size - 1))
		return -EEXIST;
	err = make_room(dma);
	if (err)
		return err;
	insert(dma->by_addr, &dma->count, at, r);
	if (r->host)
		insert(dma->by_host, &dma->host_count, find_host(dma, r->host), r);
	return 0;
}

/* Waits until the device has let go of it. Called with the lock held. */
static void evict(struct vfu_dma *dma, struct vfu_dma_region *r)
{
	r->leaving = true;
	dma->unmapping++;
	/* A command that holds this one may wait for bus mastering to get another. */
	pthread_cond_broadcast(&dma->changed);
	while (r->users)
		pthread_cond_wait(&dma->changed, &dma->lock);
	dma->unmapping--;
	drop(dma->by_addr, &dma->count, find_addr(dma, r->addr));
	if (r->host) {
		drop(dma->by_host, &dma->host_count, find_host(dma, r->host));
		munmap(r->host, r->size);
	}
	free(r);
}

void vfu_dma_clear(struct vfu_dma *dma)
{
	pthread_mutex_lock(&dma->lock);
	while (dma->count)
		evict(dma, dma->by_addr[dma->count - 1]);
	pthread_mutex_unlock(&dma->lock);
}

/* ---- the device's side ---- */

/* Whether the function may do DMA; waits for that. Called with the lock held. */
static bool may_master(struct vfu_dma *dma)
{
	while (!dma->master && !dma->aborting && !dma->unmapping)
		pthread_cond_wait(&dma->changed, &dma->lock);
	return dma->master && !dma->aborting;
}

/* Return: the counter that says why not, or -1 and *at. Called with the lock held. */
static int reach(struct vfu_dma *dma, uint64_t addr, size_t *len, bool write, uint8_t **at)
{
	size_t i = find_addr(dma, addr);
	struct vfu_dma_region *r;

	if (i == dma->count || dma->by_addr[i]->addr > addr)
		return VFU_C_dma_unmapped;
	r = dma->by_addr[i];
	if (r->leaving)
		return VFU_C_dma_aborted;
	if (!(r->flags & (write ? VFU_DMA_WRITEABLE : VFU_DMA_READABLE)))
		return VFU_C_dma_forbidden;
	if (!r->host)
		return VFU_C_dma_no_fd;
	if (*len > r->size - (addr - r->addr))
		*len = r->size - (addr - r->addr);
	r->users++;
	*at = r->host + (addr - r->addr);
	return -1;
}

void *vfu_dma_op_map(void *opaque, uint64_t addr, size_t *len, bool write)
{
	struct vfu_server *srv = opaque;
	struct vfu_dma *dma = &srv->dma;
	uint8_t *at = NULL;
	int why;

	if (vfu_fault_take(srv, &srv->faults.dma_fail)) {
		vfu_count(srv, VFU_C_dma_failed);
		return NULL;
	}
	pthread_mutex_lock(&dma->lock);
	why = may_master(dma) ? reach(dma, addr, len, write, &at) : VFU_C_dma_aborted;
	pthread_mutex_unlock(&dma->lock);
	if (why == VFU_C_dma_aborted)
		vfu_count(srv, VFU_C_dma_aborted);
	else if (why >= 0)
		vfu_complain(srv, (enum vfu_counter_id)why, "DMA %s of %zu bytes at 0x%llx: %s",
			     write ? "write" : "read", *len, (unsigned long long)addr,
			     why == VFU_C_dma_unmapped	? "nothing is mapped there" :
			     why == VFU_C_dma_forbidden ? "the client did not allow it" :
							  "the memory is not shared with this "
							  "process (QEMU: share=on)");
	return at;
}

void vfu_dma_op_unmap(void *opaque, void *ptr, size_t len)
{
	struct vfu_server *srv = opaque;
	struct vfu_dma *dma = &srv->dma;
	struct vfu_dma_region *r;

	(void)len;
	pthread_mutex_lock(&dma->lock);
	r = dma->by_host[find_host(dma, ptr)];
	if (!--r->users && r->leaving)
		pthread_cond_broadcast(&dma->changed);
	pthread_mutex_unlock(&dma->lock);
}

/* ---- the client's side ---- */

static int map_fd(const struct vfu_dma_map_payload *p, int fd, uint8_t **host)
{
	int prot = (p->flags & VFU_DMA_READABLE ? PROT_READ : 0) |
		   (p->flags & VFU_DMA_WRITEABLE ? PROT_READ | PROT_WRITE : 0);
	struct stat st;
	void *at;

	if (p->size > SIZE_MAX || p->offset > INT64_MAX || p->offset % VFU_PAGE)
		return -EINVAL;
	if (fstat(fd, &st))
		return -errno;
	/* Beyond the end of a file there is no memory, but SIGBUS. */
	if (!S_ISREG(st.st_mode) || p->offset > (uint64_t)st.st_size ||
	    p->size > (uint64_t)st.st_size - p->offset)
		return -EINVAL;
	at = mmap(NULL, (size_t)p->size, prot, MAP_SHARED, fd, (off_t)p->offset);
	if (at == MAP_FAILED)
		return -errno;
	*host = at;
	return 0;
}

static int check_map(const struct vfu_msg *msg, const struct vfu_dma_map_payload *p)
{
	if (msg->len != sizeof(*p) || p->argsz < sizeof(*p) || p->flags & ~VFU_DMA_FLAGS ||
	    !(p->flags & (VFU_DMA_READABLE | VFU_DMA_WRITEABLE)) || msg->nfds > 1)
		return -EINVAL;
	if (!p->size || (p->size | p->address) % VFU_PAGE ||
	    p->address + (p->size - 1) < p->address)
		return -EINVAL;
	if (p->flags & (VFU_DMA_MMAP | VFU_DMA_FILE_IO) && !msg->nfds)
		return -EINVAL;
	/* Reading and writing a file is no access in place. */
	return (p->flags & (VFU_DMA_MMAP | VFU_DMA_FILE_IO)) == VFU_DMA_FILE_IO ? -ENOTSUP : 0;
}

int vfu_handle_dma_map(struct vfu_server *srv, struct vfu_client *client)
{
	struct vfu_msg *msg = &client->msg;
	struct vfu_dma_map_payload p = { 0 };
	struct vfu_dma_region *r;
	int err;

	memcpy(&p, msg->payload, msg->len < sizeof(p) ? msg->len : sizeof(p));
	err = check_map(msg, &p);
	if (err)
		return err;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->addr = p.address;
	r->size = p.size;
	r->flags = p.flags & (VFU_DMA_READABLE | VFU_DMA_WRITEABLE);
	err = msg->nfds ? map_fd(&p, msg->fds[0], &r->host) : 0;
	if (!err) {
		pthread_mutex_lock(&srv->dma.lock);
		err = add(&srv->dma, r, client->max_maps);
		pthread_mutex_unlock(&srv->dma.lock);
	}
	if (err) {
		if (r->host)
			munmap(r->host, r->size);
		free(r);
		return err;
	}
	vfu_log(srv, MHO_HW_LOG_DEBUG, "mapped 0x%llx, 0x%llx bytes, %s%s%s",
		(unsigned long long)p.address, (unsigned long long)p.size,
		p.flags & VFU_DMA_READABLE ? "r" : "", p.flags & VFU_DMA_WRITEABLE ? "w" : "",
		msg->nfds ? "" : ", not shared: it cannot be reached");
	return 0;
}

/*
 * Takes all regions in [@first, @last] away, as the kernel's VFIO does: a client with an IOMMU gives
 * back whole ranges of what it has mapped page by page. A region that is only in part there stays,
 * and all others. Called with the lock held.
 */
static int unmap_range(struct vfu_dma *dma, uint64_t first, uint64_t last)
{
	size_t i = find_addr(dma, first), end = find_addr(dma, last);
	const struct vfu_dma_region *r;

	if (i == dma->count || dma->by_addr[i]->addr < first || dma->by_addr[i]->addr > last)
		return -ENOENT;
	if (end < dma->count) {
		r = dma->by_addr[end];
		if (r->addr <= last && r->addr + (r->size - 1) > last)
			return -ENOENT;
	}
	/* Evicting waits without the lock. */
	while ((i = find_addr(dma, first)) < dma->count && dma->by_addr[i]->addr <= last)
		evict(dma, dma->by_addr[i]);
	return 0;
}

int vfu_handle_dma_unmap(struct vfu_server *srv, struct vfu_client *client)
{
	const struct vfu_msg *msg = &client->msg;
	struct vfu_dma *dma = &srv->dma;
	struct vfu_dma_unmap_payload p = { 0 };
	int err;

	if (msg->len != sizeof(p))
		return -EINVAL;
	memcpy(&p, msg->payload, sizeof(p));
	if (p.argsz < sizeof(p) || p.flags || msg->nfds || !p.size ||
	    p.address + (p.size - 1) < p.address)
		return -EINVAL;
	pthread_mutex_lock(&dma->lock);
	err = unmap_range(dma, p.address, p.address + (p.size - 1));
	pthread_mutex_unlock(&dma->lock);
	if (!err)
		memcpy(vfu_reply_room(client, sizeof(p)), &p, sizeof(p));
	return err;
}
