// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap(2) of a ported driver's node: segmap(9E) calls devmap_setup(), which calls
 * devmap(9E) until all of the mapping is covered, and devmap(9E) calls
 * devmap_umem_setup().
 *
 * As on Solaris, the driver is called without the lock of the address space. So it may
 * take a mutex that it holds elsewhere while it copies to or from user memory, and it may
 * wait. Therefore the segment is made before the VMA, as the preparation of the call, see
 * prep.c.
 *
 * A segment that is made here belongs to this file alone until the VMA has it, in
 * ddi_setup_commit().
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include <xxshm/devmap.h>
#include <xxshm/driver.h>

#include "../map.h"
#include "../prep.h"
#include "../region.h"
#include "../trace.h"
#include "cookie.h"
#include "entry.h"
#include "handle.h"
#include "segment.h"
#include "setup.h"

/**
 * struct as - the mmap(2) for which a driver is called
 * @driver: the driver
 * @dev: the node
 * @maps: the list for the mapping
 * @call: the call
 * @seg: the segment that devmap_setup() made and charged, or NULL
 */
struct as {
	const struct ddi_driver *driver;
	dev_t dev;
	struct xxshm_map_list *maps;
	const struct xxshm_prep_call *call;
	struct ddi_segment *seg;
};

/* Is the handle set up, with the length that devmap(9E) returned? */
static bool setup_handle_is_sound(const struct ddi_handle *handle,
				  size_t len, size_t maplen)
{
	return handle->region && maplen <= len &&
	       maplen == handle->npages << PAGE_SHIFT;
}

/* Let the driver set up the next handle, at @done bytes of the mapping. */
static int setup_handle(struct as *as, struct ddi_handle *handle,
			size_t done, size_t *maplen)
{
	struct ddi_segment *seg = handle->space->seg;
	size_t len = (seg->npages << PAGE_SHIFT) - done;
	int ret;

	*maplen = 0;
	ret = as->driver->devmap(as->dev, handle, seg->off + done, len, maplen,
				 ddi_mmap_get_model());
	if (ret) {
		trace_xxshm_devmap_error(as->dev, seg->off + done, ret);
		return -ENXIO;
	}
	if (!setup_handle_is_sound(handle, len, *maplen)) {
		ddi_entry_report(as->driver, DDI_ENTRY_DEVMAP,
				 "returned 0 without devmap_umem_setup(), or with a maplen of %zu that is not what it has set up, or more than the %zu that were left",
				 *maplen, len);
		return -EINVAL;
	}
	return 0;
}

static int setup_handles(struct as *as, struct ddi_segment *seg, uint_t prot,
			 uint_t maxprot)
{
	size_t done, maplen, len = seg->npages << PAGE_SHIFT;
	struct ddi_handle *handle;
	int err;

	for (done = 0; done < len; done += maplen) {
		/* There may be a handle for each page. */
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
		handle = ddi_segment_add_handle(seg, done >> PAGE_SHIFT);
		if (!handle)
			return -ENOMEM;
		handle->prot = prot;
		handle->maxprot = maxprot;
		handle->ceiling = maxprot;
		err = setup_handle(as, handle, done, &maplen);
		if (err)
			return err;
	}
	return ddi_segment_ready(seg);
}

static size_t setup_len(const struct xxshm_prep_call *call)
{
	return call->npages << PAGE_SHIFT;
}

static uint_t setup_prot(const struct xxshm_prep_call *call)
{
	return (call->vm_flags & (VM_READ | VM_WRITE)) | PROT_USER;
}

static uint_t setup_maxprot(const struct xxshm_prep_call *call)
{
	return PROT_READ | (call->vm_flags & VM_MAYWRITE ? PROT_WRITE : 0) |
	       PROT_USER;
}

static int setup_check(const struct as *as, offset_t off, size_t len)
{
	if (!as || as->seg || off < 0 || !PAGE_ALIGNED(off))
		return -EINVAL;
	return len == setup_len(as->call) ? 0 : -EINVAL;
}

static int setup_make(struct as *as, offset_t off, size_t len, uint_t prot,
		      uint_t maxprot)
{
	struct ddi_segment *seg;
	struct xxshm_map *map;
	int err;

	err = setup_check(as, off, len);
	if (err)
		return err;
	map = xxshm_map_alloc(as->maps, len >> PAGE_SHIFT);
	if (IS_ERR(map))
		return PTR_ERR(map);
	seg = ddi_segment_of(map);
	ddi_segment_init(seg, as->dev, off, len >> PAGE_SHIFT);
	err = setup_handles(as, seg, prot | setup_prot(as->call),
			    maxprot & setup_maxprot(as->call));
	if (err) {
		xxshm_map_free(map);
		return err;
	}
	as->seg = seg;
	return 0;
}

/**
 * devmap_setup() - make the mapping for which segmap() was called
 * @dev: the device, as given to segmap()
 * @off: offset of the mapping, as devmap() will see it; a multiple of the page size
 * @as: as given to segmap()
 * @addrp: the address of the mapping is stored here. If another thread takes that address
 *	meanwhile, the mapping gets another one
 * @len: its length, as given to segmap()
 * @prot: the protection that the process asked for, as given to segmap()
 * @maxprot: the highest protection that it may get; segmap() may leave out PROT_WRITE
 * @flags: as given to segmap()
 * @cred: as given to segmap()
 *
 * As devmap_setup(9F). It charges the mapping, see xxshm_memlock_charge(). Then it calls
 * devmap() until the whole mapping is covered.
 *
 * Better than on Solaris: maplen is checked. 0, a length that is not a multiple of the page
 * size or exceeds @len, or one that differs from devmap_umem_setup(), is EINVAL.
 *
 * Context: In segmap(), once.
 * Return: 0; EAGAIN if the mapping does not fit under RLIMIT_MEMLOCK; ENXIO if a map()
 * callback failed, or devmap() did, for whatever reason (the tracepoint
 * xxshm_devmap_error has its value); EINVAL if an argument, or the maplen of devmap(), is
 * wrong; ENOMEM.
 */
int devmap_setup(dev_t dev, offset_t off, ddi_as_handle_t as, caddr_t *addrp,
		 size_t len, uint_t prot, uint_t maxprot, uint_t flags,
		 cred_t *cred)
{
	int err = setup_make(as, off, len, prot, maxprot);

	if (!err && addrp)
		*addrp = (caddr_t)as->call->addr;
	return -err;
}
EXPORT_SYMBOL_GPL(devmap_setup);

/**
 * ddi_devmap_segmap() - a segmap() that only calls devmap_setup()
 * @dev: as given to segmap()
 * @off: as given to segmap()
 * @as: as given to segmap()
 * @addrp: as given to segmap()
 * @len: as given to segmap()
 * @prot: as given to segmap()
 * @maxprot: as given to segmap()
 * @flags: as given to segmap()
 * @cred: as given to segmap()
 *
 * As ddi_devmap_segmap(9F).
 *
 * Context: In segmap(), or as segmap(), once.
 * Return: as devmap_setup().
 */
int ddi_devmap_segmap(dev_t dev, off_t off, ddi_as_handle_t as, caddr_t *addrp,
		      off_t len, uint_t prot, uint_t maxprot, uint_t flags,
		      cred_t *cred)
{
	return devmap_setup(dev, off, as, addrp, len, prot, maxprot, flags, cred);
}
EXPORT_SYMBOL_GPL(ddi_devmap_segmap);

#define SETUP_FLAGS	(DEVMAP_MAPPING_INVALID | DEVMAP_ALLOW_REMAP | IOMEM_DATA_CACHED)

/* An invalid handle that cannot be remapped would be useless. */
static bool setup_flags_are_valid(uint_t flags)
{
	return !(flags & ~SETUP_FLAGS) &&
	       (flags & (DEVMAP_MAPPING_INVALID | DEVMAP_ALLOW_REMAP)) !=
	       DEVMAP_MAPPING_INVALID;
}

/**
 * devmap_umem_setup() - export a range of kernel memory
 * @dhp: the handle, as given to devmap()
 * @dip: ignored
 * @callbackops: the driver's callbacks, or NULL
 * @cookie: the memory, from ddi_umem_alloc()
 * @koff: offset of the range in it, in bytes; a multiple of the page size
 * @len: length of the range, in bytes; a multiple of the page size; devmap() returns it
 *	as maplen
 * @maxprot: the highest protection that the process may get; must include PROT_USER;
 *	PROT_EXEC is never granted
 * @flags: DEVMAP_DEFAULTS, DEVMAP_ALLOW_REMAP, or DEVMAP_ALLOW_REMAP with
 *	DEVMAP_MAPPING_INVALID; IOMEM_DATA_CACHED may be added
 * @accattrp: ignored
 *
 * As devmap_umem_setup(9F). A process that asks for more than @maxprot does not get its
 * mapping, nor more protection by mprotect(2) later.
 *
 * Better than on Solaris: @koff and @len that are negative, not aligned, or overflow are
 * refused, and the driver may free the memory while it is mapped.
 *
 * Context: In devmap(), once for each handle.
 * Return: DDI_SUCCESS; DDI_FAILURE if an argument is wrong, the memory cgroup of the
 * process is at its limit, there is no memory, or the process is being killed. devmap()
 * should then return an errno.
 */
int devmap_umem_setup(devmap_cookie_t dhp, dev_info_t *dip,
		      struct devmap_callback_ctl *callbackops,
		      ddi_umem_cookie_t cookie, offset_t koff, size_t len,
		      uint_t maxprot, uint_t flags,
		      const ddi_device_acc_attr_t *accattrp)
{
	if (!cookie || !ddi_cookie_has_range(cookie, koff, len))
		return DDI_FAILURE;
	if (!setup_flags_are_valid(flags) || dhp->region)
		return DDI_FAILURE;
	if (dhp->prot & ~(maxprot & dhp->maxprot))
		return DDI_FAILURE;
	if (xxshm_region_publish(cookie->region))
		return DDI_FAILURE;
	xxshm_region_get(cookie->region);
	dhp->region = cookie->region;
	dhp->is_trash = cookie->trash;
	dhp->is_invalid = flags & DEVMAP_MAPPING_INVALID;
	dhp->koff = koff >> PAGE_SHIFT;
	dhp->npages = len >> PAGE_SHIFT;
	dhp->flags = flags;
	dhp->maxprot &= maxprot;
	if (callbackops)
		dhp->ops = *callbackops;
	return DDI_SUCCESS;
}
EXPORT_SYMBOL_GPL(devmap_umem_setup);

static int setup_call_driver(struct as *as)
{
	const struct xxshm_prep_call *call = as->call;
	offset_t off = (offset_t)call->pgoff << PAGE_SHIFT;
	caddr_t addr = (caddr_t)call->addr;
	size_t len = setup_len(call);

	/* A larger offset would be negative in a signed type. */
	if (call->pgoff > (MAX_LFS_FILESIZE - len) >> PAGE_SHIFT)
		return -ENXIO;
	if (!as->driver->segmap)
		return setup_make(as, off, len, setup_prot(call), setup_maxprot(call));
	return ddi_entry_errno(as->driver, DDI_ENTRY_SEGMAP,
			       as->driver->segmap(as->dev, off, as, &addr, len,
						  setup_prot(call), setup_maxprot(call),
						  MAP_SHARED, ddi_entry_cred()));
}

/**
 * ddi_setup_make() - let a ported driver make a segment
 * @driver: the driver
 * @dev: the node
 * @maps: the mappings made through the file, each of the size of a struct ddi_segment
 * @call: the mmap(2)
 * @made: the segment is stored here, for ddi_setup_commit() or ddi_setup_drop()
 *
 * Context: Process context, about current, may sleep.
 * Return: 0; the errno of segmap(), or of devmap_setup() if there is no segmap(), as a
 * negative value; -ENXIO if segmap() returns no errno, or made no mapping, or the offset is
 * larger than a file can be.
 */
int ddi_setup_make(const struct ddi_driver *driver, dev_t dev,
		   struct xxshm_map_list *maps, const struct xxshm_prep_call *call,
		      void **made)
{
	struct as as = {
		.driver	= driver,
		.dev	= dev,
		.maps	= maps,
		.call	= call,
	};
	int err = setup_call_driver(&as);

	if (!as.seg)
		return err ?: -ENXIO;
	if (err)
		xxshm_map_free(&as.seg->map);
	else
		*made = as.seg;
	return err;
}

/**
 * ddi_setup_drop() - free a segment that does not get a VMA
 * @made: the segment, as ddi_setup_make() made it
 *
 * Context: Process context, about any process, may sleep.
 */
void ddi_setup_drop(void *made)
{
	struct ddi_segment *seg = made;

	xxshm_map_free(&seg->map);
}

/**
 * ddi_setup_commit() - make a VMA the mapping of a segment
 * @made: the segment, as ddi_setup_make() made it; the VMA owns it from now on
 * @vma: as mmap(2) made it; its file's f_mapping is xxshm_region_mapping()
 *
 * Context: In an mmap handler, as its last step.
 */
void ddi_setup_commit(void *made, struct vm_area_struct *vma)
{
	ddi_segment_commit(made, vma);
}
