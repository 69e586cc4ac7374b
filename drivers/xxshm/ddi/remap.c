// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver changes an existing mapping: the pages that a process may touch without asking
 * the driver again, devmap_load(9F) and devmap_unload(9F), and the memory that the process
 * sees there, devmap_umem_remap(9F).
 *
 * A change is made under the segment's lock, so that later page faults see it. Then the
 * caller waits for the lock of each old page, because a fault may still be installing it,
 * see fault.c, and removes all old pages from the page tables.
 */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/sched.h>

#include <xxshm/devmap.h>

#include "../region.h"
#include "cookie.h"
#include "handle.h"

/**
 * struct remap_part - pages of a handle, and their memory
 * @seg: the segment
 * @first: the first page, in the mapping
 * @npages: number of pages
 * @region: their region; remap_zap() needs a reference
 * @at: number of the first page in @region
 */
struct remap_part {
	struct ddi_segment *seg;
	pgoff_t first;
	pgoff_t npages;
	struct xxshm_region *region;
	pgoff_t at;
};

static struct remap_part remap_part_of(const struct ddi_handle *handle,
				       pgoff_t first, pgoff_t end)
{
	lockdep_assert_held(&handle->space->seg->lock);
	return (struct remap_part){
		.seg	= handle->space->seg,
		.first	= first,
		.npages	= end - first,
		.region	= handle->region,
		.at	= ddi_handle_page(handle, first),
	};
}

/* Find the pages that a driver names by the user's offset; a @len of 0 means the rest. */
static bool remap_find_part(const struct ddi_handle *handle, offset_t off,
			    size_t len, struct remap_part *part)
{
	struct ddi_segment *seg = handle->space->seg;
	offset_t begin = off - ddi_segment_offset(seg, 0);
	pgoff_t first = begin >> PAGE_SHIFT, end;

	lockdep_assert_held(&seg->lock);
	if (begin < 0 || first < handle->first || first >= ddi_handle_end(handle) ||
	    len > handle->npages << PAGE_SHIFT)
		return false;
	end = len ? PAGE_ALIGN(begin + len) >> PAGE_SHIFT : ddi_handle_end(handle);
	if (end > ddi_handle_end(handle))
		return false;
	*part = remap_part_of(handle, first, end);
	return true;
}

/* The driver is to be asked again for these pages. */
static void remap_forget_loaded(const struct remap_part *part,
				struct ddi_space *space)
{
	lockdep_assert_held(&space->seg->lock);
	if (space->loaded)
		bitmap_clear(space->loaded, part->first, part->npages);
}

static struct remap_part remap_whole(const struct ddi_handle *handle)
{
	return remap_part_of(handle, handle->first, ddi_handle_end(handle));
}

/* A page fault keeps the page locked until it is installed. */
static void remap_wait(const struct remap_part *part, pgoff_t at)
{
	struct page *page = xxshm_region_find_page(part->region, at);

	if (page) {
		lock_page(page);
		unlock_page(page);
		put_page(page);
	}
}

/*
 * Remove the pages from all page tables, also those that a fault is installing now, and
 * drop the reference to their region.
 */
static void remap_zap(const struct remap_part *part)
{
	pgoff_t last = min(part->at + part->npages, xxshm_region_npages(part->region));
	pgoff_t at;

	for (at = part->at; at < last; at++) {
		remap_wait(part, at);
		cond_resched();
	}
	unmap_mapping_range(xxshm_region_mapping(),
			    (loff_t)(part->seg->map.index + part->first) << PAGE_SHIFT,
			    (loff_t)part->npages << PAGE_SHIFT, 1);
	xxshm_region_put(part->region);
}

/**
 * devmap_load() - let a process touch pages without asking the driver again
 * @dhp: the handle
 * @off: the user's offset of the first page, in bytes; rounded down to pages
 * @len: number of bytes, rounded up to pages; 0: the rest of the handle
 * @type: as given to access()
 * @rw: as given to access()
 *
 * As devmap_load(9F).
 *
 * Context: In access(), or elsewhere in process context.
 * Return: 0; FC_MAKE_ERR(EINVAL) if the pages are not inside the handle;
 * FC_NOMAP if the handle is invalid.
 */
int devmap_load(devmap_cookie_t dhp, offset_t off, size_t len, uint_t type, uint_t rw)
{
	struct ddi_space *space = dhp->space;
	struct remap_part part;
	int ret = 0;

	mutex_lock(&space->seg->lock);
	if (!remap_find_part(dhp, off, len, &part))
		ret = FC_MAKE_ERR(EINVAL);
	else if (dhp->is_invalid)
		ret = FC_NOMAP;
	else if (space->loaded)
		bitmap_set(space->loaded, part.first, part.npages);
	mutex_unlock(&space->seg->lock);
	return ret;
}
EXPORT_SYMBOL_GPL(devmap_load);

/**
 * devmap_default_access() - allow the access, for use in access()
 * @dhp: the handle
 * @pvtp: as given to access()
 * @off: as given to access()
 * @len: as given to access()
 * @type: as given to access()
 * @rw: as given to access()
 *
 * As devmap_default_access(9F): devmap_load().
 *
 * Context: In access().
 * Return: as devmap_load().
 */
int devmap_default_access(devmap_cookie_t dhp, void *pvtp, offset_t off, size_t len,
			  uint_t type, uint_t rw)
{
	return devmap_load(dhp, off, len, type, rw);
}
EXPORT_SYMBOL_GPL(devmap_default_access);

/**
 * devmap_unload() - ask the driver again before a process touches pages
 * @dhp: the handle; it must not end meanwhile. A handle that is unmapped as a whole ends
 *	when its unmap() returns
 * @off: as for devmap_load()
 * @len: as for devmap_load()
 *
 * As devmap_unload(9F).
 *
 * Context: Process context, may sleep, also in access(), dup() and unmap() of this handle
 * or another one. In an unmap() of a part, @dhp has only the remaining pages.
 * Return: 0; FC_MAKE_ERR(EINVAL) if the pages are not inside the handle.
 */
int devmap_unload(devmap_cookie_t dhp, offset_t off, size_t len)
{
	struct ddi_space *space = dhp->space;
	struct remap_part part;
	bool is_inside;

	mutex_lock(&space->seg->lock);
	is_inside = remap_find_part(dhp, off, len, &part);
	if (is_inside) {
		xxshm_region_get(part.region);
		remap_forget_loaded(&part, space);
	}
	mutex_unlock(&space->seg->lock);
	if (!is_inside)
		return FC_MAKE_ERR(EINVAL);
	remap_zap(&part);
	return 0;
}
EXPORT_SYMBOL_GPL(devmap_unload);

/**
 * devmap_umem_remap() - let a handle show other memory
 * @dhp: the handle, set up with DEVMAP_ALLOW_REMAP; it must not end meanwhile
 * @dip: ignored
 * @cookie: the new memory, from ddi_umem_alloc()
 * @koff: offset of the range in it, in bytes; a multiple of the page size
 * @len: the length of the handle, in bytes
 * @maxprot: the highest protection that the process may get; must include PROT_USER
 * @flags: 0
 * @accattrp: ignored
 *
 * As devmap_umem_remap(9F): the process sees the new memory in place of the old one, after
 * access() has been asked again. An invalid handle becomes valid again. If the process has
 * made its mapping writable, and @maxprot lacks PROT_WRITE, the call fails.
 *
 * Better than on Solaris: @len is compared with the handle, and @cookie may not be NULL.
 *
 * Context: Process context, may sleep.
 * Return: DDI_SUCCESS; DDI_FAILURE if an argument is wrong, the handle was made without
 * DEVMAP_ALLOW_REMAP, the memory cgroup of the process is at its limit, there is no
 * memory, or the process is being killed.
 */
int devmap_umem_remap(devmap_cookie_t dhp, dev_info_t *dip, ddi_umem_cookie_t cookie,
		      offset_t koff, size_t len, uint_t maxprot, uint_t flags,
		      const ddi_device_acc_attr_t *accattrp)
{
	struct ddi_segment *seg = dhp->space->seg;
	struct remap_part old;
	bool fits;

	if (!cookie || flags || !(dhp->flags & DEVMAP_ALLOW_REMAP) ||
	    !ddi_cookie_has_range(cookie, koff, len) ||
	    xxshm_region_publish(cookie->region))
		return DDI_FAILURE;
	mutex_lock(&seg->lock);
	maxprot &= dhp->ceiling;
	fits = len == dhp->npages << PAGE_SHIFT && !(dhp->prot & ~maxprot);
	if (fits) {
		old = remap_whole(dhp);
		remap_forget_loaded(&old, dhp->space);
		xxshm_region_get(cookie->region);
		dhp->region = cookie->region;
		dhp->is_trash = cookie->trash;
		dhp->koff = koff >> PAGE_SHIFT;
		dhp->maxprot = maxprot;
		dhp->is_invalid = false;
	}
	mutex_unlock(&seg->lock);
	if (!fits)
		return DDI_FAILURE;
	remap_zap(&old);
	return DDI_SUCCESS;
}
EXPORT_SYMBOL_GPL(devmap_umem_remap);

/**
 * devmap_devmem_remap() - make a handle invalid
 * @dhp: the handle, set up with DEVMAP_ALLOW_REMAP; it must not end meanwhile
 * @dip: ignored
 * @rnumber: ignored
 * @roff: ignored
 * @len: ignored
 * @maxprot: ignored
 * @flags: DEVMAP_MAPPING_INVALID
 * @accattrp: ignored
 *
 * As devmap_devmem_remap(9F) with that flag, its only use for kernel memory. Touching the
 * pages is SIGSEGV until devmap_umem_remap(). An access() callback is asked before, and may
 * call that. The handle still holds its memory.
 *
 * Context: Process context, may sleep.
 * Return: DDI_SUCCESS; DDI_FAILURE if the handle may not be remapped, or for other flags:
 * there is no device memory here.
 */
int devmap_devmem_remap(devmap_cookie_t dhp, dev_info_t *dip, uint_t rnumber,
			offset_t roff, size_t len, uint_t maxprot, uint_t flags,
			const ddi_device_acc_attr_t *accattrp)
{
	struct ddi_segment *seg = dhp->space->seg;
	struct remap_part part;

	if (flags != DEVMAP_MAPPING_INVALID || !(dhp->flags & DEVMAP_ALLOW_REMAP))
		return DDI_FAILURE;
	mutex_lock(&seg->lock);
	dhp->is_invalid = true;
	part = remap_whole(dhp);
	remap_forget_loaded(&part, dhp->space);
	xxshm_region_get(part.region);
	mutex_unlock(&seg->lock);
	remap_zap(&part);
	return DDI_SUCCESS;
}
EXPORT_SYMBOL_GPL(devmap_devmem_remap);
