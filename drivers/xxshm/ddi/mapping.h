/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The three structures that a driver's mapping consists of. They point at each other:
 *
 *	segment		one mmap(2) of a driver's node, in all processes that have it
 *	  space		the same, as one process has it
 *	    handle	a piece of a space, over one region: the driver's devmap_cookie_t
 */
#ifndef _XXSHM_DDI_MAPPING_H
#define _XXSHM_DDI_MAPPING_H

#include <linux/container_of.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include <xxshm/devmap.h>

#include "../map.h"

struct ddi_segment;
struct ddi_space;
struct xxshm_region;

/**
 * struct ddi_handle - a piece of a mapping in one process, over one region
 * @entry: in ddi_space.handles, which has no order: fork copies the handles VMA by VMA,
 *	and mremap may have changed the order of the VMAs
 * @space: the space that it is part of; constant
 * @region: its memory, with a reference; NULL before devmap_umem_setup()
 * @koff: number of its first page in @region
 * @first: number of its first page in the mapping
 * @npages: its size
 * @is_trash: all its pages are the first page of @region
 * @is_invalid: touching it is SIGSEGV
 * @is_known: the driver has been told of it, and will be told of its end
 * @is_refused: the driver refused it in a forked process: it stays invalid
 * @flags: from devmap_umem_setup()
 * @prot: the protection that the process has asked for, by mmap(2) or mprotect(2)
 * @maxprot: the highest protection that the process may get
 * @ceiling: the highest @maxprot that the driver may set; constant
 * @ops: the driver's callbacks
 * @pvtp: the driver's private data
 */
struct ddi_handle {
	struct list_head entry;
	struct ddi_space *space;
	struct xxshm_region *region;
	pgoff_t koff;
	pgoff_t first;
	pgoff_t npages;
	bool is_trash;
	bool is_invalid;
	bool is_known;
	bool is_refused;
	uint_t flags;
	uint_t prot;
	uint_t maxprot;
	uint_t ceiling;
	struct devmap_callback_ctl ops;
	void *pvtp;
};

/**
 * struct ddi_space - a segment as one process has it
 * @entry: in ddi_segment.spaces
 * @seg: the segment; constant
 * @mm: the process, only to be compared; constant
 * @handles: struct ddi_handle
 * @vmas: its VMAs, if the segment is watched, see space.c
 * @nvmas: how many
 * @telling: held while the driver is told of unmapped pages, and for reading while it is
 *	asked by access()
 * @loaded: a bitmap of pages for which access() is not called again; NULL if there is no
 *	access(); the pointer is constant
 */
struct ddi_space {
	struct list_head entry;
	struct ddi_segment *seg;
	const struct mm_struct *mm;
	struct list_head handles;
	struct list_head vmas;
	unsigned int nvmas;
	struct rw_semaphore telling;
	unsigned long *loaded;
};

/**
 * struct ddi_segment - what one mmap(2) of a driver's node made
 * @map: the mapping and its charge; its list allocates the memory of both
 * @lock: protects @spaces, their contents, and the region of each handle. Not held while
 *	the driver is called
 * @spaces: struct ddi_space: one for each process if @is_watched, otherwise one for all
 *	processes together
 * @dev: the node; constant
 * @off: the user's offset of its first page, in bytes; constant
 * @npages: its size; constant
 * @is_watched: a handle has callbacks; constant once a VMA has it
 * @first_space: the space of the process that called mmap(2), as long as that has one
 * @first_handle: its first handle. Most segments have no other. Allocating space and
 *	handle separately would be a tenth of the cost of mapping a page
 */
struct ddi_segment {
	struct xxshm_map map;
	struct mutex lock;	/* of spaces */
	struct list_head spaces;
	dev_t dev;
	offset_t off;
	pgoff_t npages;
	bool is_watched;
	struct ddi_space first_space;
	struct ddi_handle first_handle;
};

static inline struct ddi_segment *ddi_segment_of(struct xxshm_map *map)
{
	return container_of(map, struct ddi_segment, map);
}

/* A page of the mapping as the driver knows it. */
static inline offset_t ddi_segment_offset(const struct ddi_segment *seg, pgoff_t page)
{
	return seg->off + ((offset_t)page << PAGE_SHIFT);
}

#endif /* _XXSHM_DDI_MAPPING_H */
