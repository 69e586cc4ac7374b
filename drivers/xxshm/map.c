// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mapping: a VMA over a range of a memory object.
 *
 * An mmap handler calls xxshm_map_check(), which refuses invalid mappings and changes
 * nothing; then xxshm_map_alloc(), which pays for the mapping; then it gets the memory;
 * then it calls xxshm_map_commit(), which cannot fail. Only map.c and fault.c set VMA
 * flags and operations. Exception: pageable mappings use the operations of tmpfs; they
 * are not charged.
 *
 * References: the struct xxshm_map of a call holds the charge, and counts its VMAs. fork,
 * splits and mremap copy a VMA and take one more reference. That cannot fail and costs
 * nothing, because they add no memory. munmap, exec and exit drop a reference, and the
 * last one returns the whole price. So a part of a mapping costs as much as the whole.
 *
 * Lifetime: a VMA holds its file, the file holds its module and device, and the device
 * frees its memory object only when both are gone.
 *
 * A mapping may later become smaller, move, be split, become read-only and writable again.
 * It never grows, never becomes executable and is never dumped. VM_DONTEXPAND forbids
 * growing and merging: without it, kernels from 6.12 on would merge two neighbours
 * without asking the module.
 */
#include <kunit/visibility.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "backport.h"
#include "fault.h"
#include "map.h"

/**
 * xxshm_map_list_init() - make a list of mappings
 * @list: the list
 * @size: size of a mapping's structure, which begins with a struct xxshm_map
 * @totals: the sums that its mappings are part of
 *
 * Context: Before anybody else knows of @list.
 */
void xxshm_map_list_init(struct xxshm_map_list *list, size_t size,
			 struct xxshm_map_totals *totals)
{
	mutex_init(&list->lock);
	INIT_HLIST_HEAD(&list->maps);
	list->charged = 0;
	list->spare = NULL;
	list->size = size;
	list->totals = totals;
}

/**
 * xxshm_map_list_destroy() - free the spare structure of an empty list
 * @list: the list
 *
 * Context: Process context, after the last of its mappings is gone.
 */
void xxshm_map_list_destroy(struct xxshm_map_list *list)
{
	kfree(list->spare);
	mutex_destroy(&list->lock);
}

/**
 * xxshm_map_list_charged() - the charge for all mappings of a list
 * @list: the list
 *
 * Context: Process context, may sleep.
 * Return: the sum of their prices, in pages.
 */
unsigned long xxshm_map_list_charged(struct xxshm_map_list *list)
{
	unsigned long charged;

	mutex_lock(&list->lock);
	charged = list->charged;
	mutex_unlock(&list->lock);
	return charged;
}

static void map_list_add(struct xxshm_map_list *list, struct xxshm_map *map)
{
	mutex_lock(&list->lock);
	hlist_add_head(&map->entry, &list->maps);
	list->charged += map->charge.npages;
	mutex_unlock(&list->lock);
	atomic_long_add(map->charge.npages, &list->totals->charged);
}

/* A mapping that was never committed is on no list. Neighbours write to its entry. */
static void map_list_del(struct xxshm_map_list *list, struct xxshm_map *map)
{
	bool is_listed;

	mutex_lock(&list->lock);
	is_listed = !hlist_unhashed(&map->entry);
	if (is_listed) {
		list->charged -= map->charge.npages;
		hlist_del(&map->entry);
	}
	mutex_unlock(&list->lock);
	if (is_listed)
		atomic_long_sub(map->charge.npages, &list->totals->charged);
}

/*
 * A list keeps one structure for the next mapping. Without it, the slab would be half the
 * cost of a charge in a program that maps a page again and again.
 */
static struct xxshm_map *map_take(struct xxshm_map_list *list)
{
	return xchg(&list->spare, NULL) ?: kmalloc(list->size, MEMLOCK_GFP);
}

static void map_put_back(struct xxshm_map_list *list, struct xxshm_map *map)
{
	if (cmpxchg(&list->spare, NULL, map))
		kfree(map);
}

/**
 * xxshm_map_alloc() - pay for a mapping that is to be made
 * @list: the list of the file that is being mapped
 * @npages: its length in pages; all of it is paid for, mapped before or not
 *
 * xxshm_map_commit() puts it on the list, where programs and administrators see it.
 *
 * Context: Process context, may sleep.
 * Return: the mapping, for xxshm_map_commit() or xxshm_map_free();
 * ERR_PTR(-EAGAIN) if the user of current may not lock so much, see
 * xxshm_memlock_charge(); ERR_PTR(-ENOMEM). On failure nothing has changed.
 */
struct xxshm_map *xxshm_map_alloc(struct xxshm_map_list *list, pgoff_t npages)
{
	struct xxshm_map *map = map_take(list);
	int err;

	if (!map)
		return ERR_PTR(-ENOMEM);
	err = xxshm_memlock_charge(&map->charge, npages);
	if (err) {
		atomic_long_inc(&list->totals->refused);
		map_put_back(list, map);
		return ERR_PTR(err);
	}
	refcount_set(&map->vmas, 1);
	map->list = list;
	map->ops = NULL;
	INIT_HLIST_NODE(&map->entry);
	return map;
}

/**
 * xxshm_map_free() - return the price of a mapping without VMAs
 * @map: the mapping
 *
 * Context: Process context, about any process, may sleep.
 */
void xxshm_map_free(struct xxshm_map *map)
{
	map_list_del(map->list, map);
	xxshm_memlock_uncharge(&map->charge);
	if (map->ops)
		map->ops->release(map);
	map_put_back(map->list, map);
}

/* fork, split, mremap: the new VMA is a copy of one that still exists. */
static void map_open(struct vm_area_struct *vma)
{
	struct xxshm_map *map = vma->vm_private_data;

	refcount_inc(&map->vmas);
	if (map->ops)
		map->ops->open(map, vma);
}

/* The VMA still holds its file here, and with it the list of the map. */
static void map_close(struct vm_area_struct *vma)
{
	struct xxshm_map *map = vma->vm_private_data;

	if (map->ops)
		map->ops->close(map, vma);
	if (refcount_dec_and_test(&map->vmas))
		xxshm_map_free(map);
}

static int map_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	struct xxshm_map *map = vma->vm_private_data;

	return map->ops ? map->ops->may_split(map, vma) : 0;
}

static int map_mprotect(struct vm_area_struct *vma, unsigned long start,
			unsigned long end, unsigned long vm_flags)
{
	struct xxshm_map *map = vma->vm_private_data;
	pgoff_t index = vma->vm_pgoff + ((start - vma->vm_start) >> PAGE_SHIFT);

	if (!map->ops)
		return 0;
	return map->ops->may_protect(map, index,
				     (end - start) >> PAGE_SHIFT, vm_flags);
}

static const struct vm_operations_struct map_vm_ops = {
	.open		= map_open,
	.close		= map_close,
	.may_split	= map_may_split,
	.mprotect	= map_mprotect,
	.fault		= xxshm_fault,
	.huge_fault	= HUGE_FAULT_IS_SAFE ? xxshm_fault_huge : NULL,
	.map_pages	= xxshm_fault_map_pages,
};

static vm_fault_t map_fault_by_owner(struct vm_fault *vmf)
{
	struct xxshm_map *map = vmf->vma->vm_private_data;

	return map->ops->fault(map, vmf);
}

/* Without .map_pages, which would look for the index in the page cache. */
static const struct vm_operations_struct map_by_owner_vm_ops = {
	.open		= map_open,
	.close		= map_close,
	.may_split	= map_may_split,
	.mprotect	= map_mprotect,
	.fault		= map_fault_by_owner,
};

/*
 * A program with an executable stack may run under READ_IMPLIES_EXEC. Then the kernel
 * adds PROT_EXEC to every readable mapping, and nobody can see what the program itself
 * asked for: it gets the mapping without PROT_EXEC.
 */
static bool map_exec_is_implied(const struct vm_area_struct *vma)
{
	return (current->personality & READ_IMPLIES_EXEC) &&
	       (vma->vm_flags & VM_READ);
}

/**
 * xxshm_map_check_kind() - may a mapping be of this kind?
 * @vma: the VMA as mmap(2) made it
 *
 * VM_MAYSHARE tells a shared mapping: the kernel clears VM_SHARED in a shared mapping of a
 * descriptor that was opened read-only.
 *
 * Context: In an mmap handler.
 * Return: 0; -EINVAL if the mapping is private; -EACCES if it is to be executable.
 */
int xxshm_map_check_kind(const struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if ((vma->vm_flags & VM_EXEC) && !map_exec_is_implied(vma))
		return -EACCES;
	return 0;
}

/**
 * xxshm_map_check() - may this VMA be a mapping of a range of this size?
 * @vma: the VMA as mmap(2) made it; its vm_pgoff counts from the start of the range
 * @npages: number of pages in the range
 *
 * The order of the checks is part of the contract with programs.
 *
 * Context: In an mmap handler.
 * Return: 0; -ENXIO if the VMA is not inside the range, as xxdevmap() of the Solaris
 * guide has it; another errno of xxshm_map_check_kind().
 */
int xxshm_map_check(struct vm_area_struct *vma, pgoff_t npages)
{
	pgoff_t len = vma_pages(vma);

	if (len > npages || vma->vm_pgoff > npages - len)
		return -ENXIO;
	return xxshm_map_check_kind(vma);
}
EXPORT_SYMBOL_IF_KUNIT(xxshm_map_check);

/**
 * xxshm_map_restrict() - forbid a checked VMA to grow, merge, execute or be dumped
 * @vma: the VMA that xxshm_map_check() or xxshm_map_check_kind() accepted
 * @index: index in the page cache of its first page
 *
 * From here on vm_pgoff is that index, as rmap and faults need it.
 *
 * Context: In an mmap handler; if the handler fails later, the kernel drops the VMA.
 */
void xxshm_map_restrict(struct vm_area_struct *vma, pgoff_t index)
{
	vma->vm_pgoff = index;
	vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP, VM_EXEC | VM_MAYEXEC);
}

/**
 * xxshm_map_commit() - make a checked VMA the mapping that was paid for
 * @vma: the VMA that xxshm_map_check() or xxshm_map_check_kind() accepted
 * @map: its mapping, whose index the owner has set; the VMA owns it from now on
 *
 * All pages of the mapping must be in the page cache of the VMA's file, unless the
 * mapping's owner finds them.
 *
 * Context: In an mmap handler, as its last step.
 */
void xxshm_map_commit(struct vm_area_struct *vma, struct xxshm_map *map)
{
	xxshm_map_restrict(vma, map->index);
	vma->vm_private_data = map;
	map_list_add(map->list, map);
	if (map->ops && map->ops->fault) {
		vma->vm_ops = &map_by_owner_vm_ops;
	} else {
		vma->vm_ops = &map_vm_ops;
		xxshm_fault_ahead(vma);
	}
}

/* The kernel needs the hint again: one above 47 bits asks for any address up there. */
static unsigned long map_place_aligned(struct file *file, unsigned long addr,
				       unsigned long len, pgoff_t index,
				       unsigned long flags)
{
	unsigned long offset = index << PAGE_SHIFT;
	unsigned long room = mm_get_unmapped_area(file, addr, len + PMD_SIZE - PAGE_SIZE,
						  index, flags);

	if (IS_ERR_VALUE(room))
		return room;
	return room + ((offset - room) & (PMD_SIZE - 1));
}

/**
 * xxshm_map_place() - choose the address of a mapping
 * @file: the file being mapped
 * @addr: the address that the caller asked for, or 0
 * @len: length in bytes
 * @index: index in the memory object of the first page to be mapped
 * @flags: flags of mmap(2)
 *
 * The module chooses an address that is congruent to the index modulo the size that a PMD
 * maps, so that one entry maps each large folio. The kernel's thp_get_unmapped_area() does
 * not do this for 32-bit callers. A free hint is taken as it is; if the hint is not free,
 * the module chooses.
 *
 * Context: In a get_unmapped_area handler.
 * Return: the address, or a negative errno, as get_unmapped_area() has it.
 */
unsigned long xxshm_map_place(struct file *file, unsigned long addr,
			      unsigned long len, pgoff_t index,
			      unsigned long flags)
{
	unsigned long place;

	if (flags & MAP_FIXED || len < PMD_SIZE)
		return mm_get_unmapped_area(file, addr, len, index, flags);
	if (addr) {
		place = mm_get_unmapped_area(file, addr, len, index, flags);
		if (place == (addr & PAGE_MASK))
			return place;
	}
	place = map_place_aligned(file, addr, len, index, flags);
	if (!IS_ERR_VALUE(place))
		return place;
	return mm_get_unmapped_area(file, addr, len, index, flags);
}
