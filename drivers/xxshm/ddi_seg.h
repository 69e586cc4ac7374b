/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_SEG_H
#define _XXSHM_DDI_SEG_H

#include <linux/container_of.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include "ddi_handle.h"
#include "map.h"

struct devmap_seg;
struct mm_struct;
struct vm_area_struct;
struct vm_fault;

/**
 * struct devmap_space - a segment as one process has it
 * @entry: in devmap_seg.spaces
 * @seg: the segment; constant
 * @mm: the process, only to be compared; constant
 * @handles: struct devmap_handle
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

/**
 * struct devmap_seg - what one mmap(2) of a driver's node made
 * @map: what it paid for; its list makes the memory for both
 * @lock: protects @spaces, all that is in them, and which region a handle has;
 *	nests inside mmap_lock, and outside the lock of a page. Not held while
 *	the driver is called
 * @spaces: struct devmap_space, one for each process that has it, if @is_watched,
 *	and one for all of them together otherwise
 * @dev: the node; constant
 * @off: the user's offset of its first page, in bytes; constant
 * @npages: its size; constant
 * @is_watched: a handle has callbacks; constant once a VMA has it
 * @first_space: of the process that called mmap(2), as long as that has it
 * @first_handle: the first one there. Most segments have no others: to allocate
 *	each alone would be a tenth of the cost of mapping a page
 */
struct devmap_seg {
	struct xxshm_map map;
	struct mutex lock;	/* of spaces */
	struct list_head spaces;
	dev_t dev;
	offset_t off;
	pgoff_t npages;
	bool is_watched;
	struct devmap_space first_space;
	struct devmap_handle first_handle;
};

/* A page of the mapping as the driver knows it. */
static inline offset_t xxshm_seg_offset(const struct devmap_seg *seg, pgoff_t page)
{
	return seg->off + ((offset_t)page << PAGE_SHIFT);
}

static inline struct devmap_seg *xxshm_map_to_seg(struct xxshm_map *map)
{
	return container_of(map, struct devmap_seg, map);
}

void xxshm_seg_init(struct devmap_seg *seg, dev_t dev, offset_t off, pgoff_t npages);
struct devmap_handle *xxshm_seg_add_handle(struct devmap_seg *seg, pgoff_t first);
int xxshm_seg_ready(struct devmap_seg *seg);
void xxshm_seg_watch(struct devmap_seg *seg, struct vm_area_struct *vma);

struct devmap_space *xxshm_seg_space(struct devmap_seg *seg,
				     const struct mm_struct *mm);
struct devmap_handle *xxshm_space_handle(struct devmap_space *space, pgoff_t page);
vm_fault_t xxshm_seg_fault(struct xxshm_map *map, struct vm_fault *vmf);

#endif /* _XXSHM_DDI_SEG_H */
