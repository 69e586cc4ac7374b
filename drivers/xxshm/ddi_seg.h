/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_SEG_H
#define _XXSHM_DDI_SEG_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include <xxshm/devmap.h>

struct devmap_handle;
struct mm_struct;
struct vm_area_struct;
struct vm_fault;
struct xxshm_map_ops;

/**
 * struct devmap_seg - what one mmap(2) of a driver's node made
 * @lock: protects @spaces, all that is in them, and which region a handle has;
 *	nests inside mmap_lock, and outside the lock of a page. Not held while
 *	the driver is called
 * @spaces: struct devmap_space, one for each process that has it, if @is_watched,
 *	and one for all of them together otherwise
 * @dev: the node; constant
 * @off: the user's offset of its first page, in bytes; constant
 * @npages: its size; constant
 * @index: of its first page in the store; constant once a VMA has it
 * @is_watched: a handle has callbacks; constant once a VMA has it
 * @is_plain: the kernel's own code finds its pages; likewise
 */
struct devmap_seg {
	struct mutex lock;	/* of spaces */
	struct list_head spaces;
	dev_t dev;
	offset_t off;
	pgoff_t npages;
	pgoff_t index;
	bool is_watched;
	bool is_plain;
};

/**
 * struct devmap_space - a segment as one process has it
 * @entry: in devmap_seg.spaces
 * @seg: the segment; constant
 * @mm: the process, only to be compared; constant
 * @handles: struct devmap_handle, by their first page
 * @vmas: struct devmap_vma
 * @nvmas: how many
 * @telling: held while the driver is told what is unmapped, and for reading while
 *	it is asked by access(); nests inside mmap_lock, outside devmap_seg.lock
 * @loaded: pages whose access() is not called again, or NULL if there is none; which
 *	it is, is constant
 */
struct devmap_space {
	struct list_head entry;
	struct devmap_seg *seg;
	const struct mm_struct *mm;
	struct list_head handles;
	struct list_head vmas;
	unsigned int nvmas;
	struct rw_semaphore telling;
	unsigned long *loaded;
};

/* A page of the mapping as the driver knows it. */
static inline offset_t xxshm_seg_offset(const struct devmap_seg *seg, pgoff_t page)
{
	return seg->off + ((offset_t)page << PAGE_SHIFT);
}

struct devmap_seg *xxshm_seg_alloc(dev_t dev, offset_t off, pgoff_t npages);
void xxshm_seg_free(struct devmap_seg *seg);
struct devmap_handle *xxshm_seg_add_handle(struct devmap_seg *seg, pgoff_t first);
int xxshm_seg_ready(struct devmap_seg *seg);
void xxshm_seg_watch(struct devmap_seg *seg, struct vm_area_struct *vma);
const struct xxshm_map_ops *xxshm_seg_map_ops(const struct devmap_seg *seg);

struct devmap_space *xxshm_seg_space(struct devmap_seg *seg,
				     const struct mm_struct *mm);
struct devmap_handle *xxshm_space_handle(struct devmap_space *space, pgoff_t page);
vm_fault_t xxshm_seg_fault(void *owner, struct vm_fault *vmf);

#endif /* _XXSHM_DDI_SEG_H */
