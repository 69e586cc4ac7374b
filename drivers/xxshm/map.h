/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_MAP_H
#define _XXSHM_MAP_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>

#include "memlock.h"

struct file;
struct vm_area_struct;
struct vm_fault;
struct xxshm_map;

/**
 * struct xxshm_map_totals - sums over all mappings of a device
 * @charged: pages charged for mappings that exist
 * @refused: how many calls were refused because of RLIMIT_MEMLOCK
 */
struct xxshm_map_totals {
	atomic_long_t charged;
	atomic_long_t refused;
};

/**
 * struct xxshm_map_list - the mappings that were made through one open file
 * @lock: protects @maps and @charged, for single steps; nests inside mmap_lock
 * @maps: struct xxshm_map, the newest first
 * @charged: pages charged for them
 * @spare: a struct xxshm_map for the next mapping, or NULL; exchanged without @lock
 * @size: size of a mapping's structure, which begins with a struct xxshm_map; constant
 * @totals: the sums that the mappings are part of; constant
 */
struct xxshm_map_list {
	struct mutex lock;	/* of maps, charged */
	struct hlist_head maps;
	unsigned long charged;
	size_t size;
	struct xxshm_map *spare;
	struct xxshm_map_totals *totals;
};

/**
 * struct xxshm_map_ops - what the owner of a mapping does for it
 * @release: the last VMA is gone, or there never was one
 * @may_split: may a VMA become two? Returns 0 or a negative errno
 * @open: a VMA has become two, or a process has forked
 * @close: a VMA goes away
 * @may_protect: may the pages from @index on get this protection, of VM_READ and
 *	VM_WRITE? Returns 0 or a negative errno
 * @fault: find a page; NULL: the VMA's indexes are those of the page cache
 *
 * Indexes are those of the VMA, see xxshm_map_commit(). Context: process context,
 * may sleep. mmap_lock is held: for reading in @fault and, in munmap(2), in @close. The
 * lock of the VMA alone never is: the kernel uses that for VMAs with .map_pages only.
 */
struct xxshm_map_ops {
	void (*release)(struct xxshm_map *map);
	int (*may_split)(struct xxshm_map *map, struct vm_area_struct *vma);
	void (*open)(struct xxshm_map *map, struct vm_area_struct *vma);
	void (*close)(struct xxshm_map *map, struct vm_area_struct *vma);
	int (*may_protect)(struct xxshm_map *map, pgoff_t index, pgoff_t npages,
			   unsigned long vm_flags);
	vm_fault_t (*fault)(struct xxshm_map *map, struct vm_fault *vmf);
};

/**
 * struct xxshm_map - a mapping that one call of mmap(2) made and paid for
 * @vmas: number of its VMAs: it begins with one, and fork, split and mremap make
 *	more; the charge is returned when the last one is gone
 * @list: the list it is on as long as it has a VMA; constant
 * @entry: in @list, under its lock
 * @index: of its first page in the page cache of its file; set by the owner, constant
 *	once a VMA has it
 * @charge: its price; constant
 * @ops: operations of its owner, or NULL; constant once a VMA has it
 */
struct xxshm_map {
	refcount_t vmas;
	struct xxshm_map_list *list;
	struct hlist_node entry;
	pgoff_t index;
	struct xxshm_charge charge;
	const struct xxshm_map_ops *ops;
};

void xxshm_map_list_init(struct xxshm_map_list *list, size_t size,
			 struct xxshm_map_totals *totals);
void xxshm_map_list_destroy(struct xxshm_map_list *list);
unsigned long xxshm_map_list_charged(struct xxshm_map_list *list);

int xxshm_map_check_kind(const struct vm_area_struct *vma);
int xxshm_map_check(struct vm_area_struct *vma, pgoff_t npages);
struct xxshm_map *xxshm_map_alloc(struct xxshm_map_list *list, pgoff_t npages);
void xxshm_map_free(struct xxshm_map *map);
void xxshm_map_restrict(struct vm_area_struct *vma, pgoff_t index);
void xxshm_map_commit(struct vm_area_struct *vma, struct xxshm_map *map);
unsigned long xxshm_map_place(struct file *file, unsigned long addr,
			      unsigned long len, pgoff_t index,
			      unsigned long flags);

#endif /* _XXSHM_MAP_H */
