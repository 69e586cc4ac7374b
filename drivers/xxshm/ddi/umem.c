// SPDX-License-Identifier: GPL-2.0-only
/* Kernel memory that a driver uses and exports: ddi_umem_alloc(9F). */
#include <linux/align.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <asm/barrier.h>

#include <xxshm/umem.h>

#include "../region.h"
#include "cookie.h"

#define UMEM_FLAGS	(DDI_UMEM_NOSLEEP | DDI_UMEM_PAGEABLE | DDI_UMEM_TRASH)

/* A size that would wrap when it is rounded up to pages is invalid. */
static bool umem_request_is_valid(size_t size, int flag)
{
	return size && size <= ALIGN_DOWN(SIZE_MAX, PAGE_SIZE) &&
	       !(flag & ~UMEM_FLAGS) &&
	       (flag & (DDI_UMEM_PAGEABLE | DDI_UMEM_TRASH)) !=
	       (DDI_UMEM_PAGEABLE | DDI_UMEM_TRASH);
}

static struct ddi_umem_cookie *umem_cookie_alloc(pgoff_t npages, int flag)
{
	bool trash = flag & DDI_UMEM_TRASH;
	bool may_sleep = !(flag & DDI_UMEM_NOSLEEP);
	struct ddi_umem_cookie *cookie;
	struct xxshm_region *region;

	cookie = kmalloc(sizeof(*cookie),
			 may_sleep ? GFP_KERNEL : GFP_NOWAIT | __GFP_NOWARN);
	if (!cookie)
		return NULL;
	region = xxshm_region_alloc(trash ? 1 : npages, may_sleep);
	if (IS_ERR(region)) {
		kfree(cookie);
		return NULL;
	}
	*cookie = (struct ddi_umem_cookie){
		.region	= region,
		.npages	= npages,
		.trash	= trash,
	};
	return cookie;
}

/**
 * ddi_umem_alloc() - allocate kernel memory that can be exported
 * @size: its size in bytes; rounded up to whole pages
 * @flag: DDI_UMEM_SLEEP: wait for memory; DDI_UMEM_NOSLEEP: do not wait. To either may be
 *	added DDI_UMEM_PAGEABLE; or DDI_UMEM_TRASH: one page for all, to be mapped
 *	where a process is to see no data
 * @cookiep: the cookie, which names the memory in other calls, is stored here; NULL on
 *	failure
 *
 * As ddi_umem_alloc(9F). All pages of the memory are zeroed. The memory cgroup of the
 * first process that maps it pays for it.
 *
 * DDI_UMEM_NOSLEEP gets contiguous memory, because the kernel sleeps when it puts pages
 * together. The page allocator has pieces of up to 1024 pages, which is 4 MiB: a larger
 * @size is always NULL. More than 32 KiB often fails when memory is fragmented. A driver
 * should allocate large memory with DDI_UMEM_SLEEP, in advance.
 *
 * Better than on Solaris: DDI_UMEM_SLEEP gives up if the machine can never have enough
 * memory, or if the process is killed; unknown flags are refused; each cookie of
 * DDI_UMEM_TRASH has a page of its own. DDI_UMEM_PAGEABLE is accepted, but the memory is
 * locked like any other.
 *
 * Context: Process context, may sleep; any but NMI with DDI_UMEM_NOSLEEP.
 * Return: a page-aligned kernel address; NULL if there is no memory, if @size is 0, near
 * SIZE_MAX or too large for DDI_UMEM_NOSLEEP, or if the flags are wrong. With
 * DDI_UMEM_TRASH it is always NULL, and *@cookiep tells whether the call succeeded.
 */
void *ddi_umem_alloc(size_t size, int flag, ddi_umem_cookie_t *cookiep)
{
	struct ddi_umem_cookie *cookie;
	void *address;

	if (!cookiep)
		return NULL;
	*cookiep = NULL;
	if (!umem_request_is_valid(size, flag))
		return NULL;
	cookie = umem_cookie_alloc(PAGE_ALIGN(size) >> PAGE_SHIFT, flag);
	if (!cookie)
		return NULL;
	address = cookie->trash ? NULL : xxshm_region_address(cookie->region);
	/* Another thread may use or free the cookie as soon as it sees it. */
	smp_store_release(cookiep, cookie);
	return address;
}
EXPORT_SYMBOL_GPL(ddi_umem_alloc);

/**
 * ddi_umem_free() - free memory of a driver
 * @cookie: from ddi_umem_alloc(), or NULL: then nothing happens. Locked memory of a
 *	program is unlocked, see ddi_umem_unlock()
 *
 * As ddi_umem_free(9F). Better than on Solaris: programs that have the memory mapped keep
 * it until they unmap it, and nobody else gets it before.
 *
 * Context: Any but NMI; not under a spinlock or with preemption off alone.
 */
void ddi_umem_free(ddi_umem_cookie_t cookie)
{
	if (!cookie)
		return;
	if (!cookie->region) {
		ddi_umem_unlock(cookie);
		return;
	}
	xxshm_region_put(cookie->region);
	kfree(cookie);
}
EXPORT_SYMBOL_GPL(ddi_umem_free);
