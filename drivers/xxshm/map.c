// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mapping: a VMA over a range of a memory object.
 *
 * mmap handlers call xxshm_map_check(), which refuses what may not be mapped
 * and changes nothing; then xxshm_map_alloc(), which pays for the mapping; then
 * they get the memory; then xxshm_map_commit(), which cannot fail. Nobody but
 * this file and fault.c sets flags or operations of a VMA, but for the operations of tmpfs that
 * pageable memory has: nobody pays for a mapping of that.
 *
 * Who counts what: the struct xxshm_map that the call made holds the charge,
 * and counts its VMAs. fork, splits and mremap copy a VMA and with it take one
 * more reference, which cannot fail and costs nothing: they add no memory.
 * munmap, exec and exit drop one, and the last one returns the whole price. So
 * a part of a mapping costs as much as the whole did.
 *
 * What holds the memory object while a VMA exists: the VMA holds its file, the file
 * holds its module and device, and the device frees its memory object only when both
 * are gone.
 *
 * What a mapping may become later: smaller, moved, split, read-only and back.
 * It never grows, never becomes executable, is never dumped, and 6.12 does not
 * merge it with a neighbour, which it would do without asking the driver:
 * VM_DONTEXPAND forbids both growing and merging.
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
 * @size: of a mapping on it: of a structure that begins with a struct xxshm_map
 * @totals: the sums that its mappings are to be part of
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
 * xxshm_map_list_destroy() - free what an empty list of mappings holds
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
 * xxshm_map_list_charged() - what is charged for the mappings of a list
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

static void map_list_del(struct xxshm_map_list *list, struct xxshm_map *map)
{
	if (hlist_unhashed(&map->entry))
		return;
	atomic_long_sub(map->charge.npages, &list->totals->charged);
	mutex_lock(&list->lock);
	list->charged -= map->charge.npages;
	hlist_del(&map->entry);
	mutex_unlock(&list->lock);
}

/*
 * A list keeps one struct for the next mapping: for a program that maps a page
 * again and again, half the cost of charging it would be that of the slab.
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
 * It is on the list, where programs and administrators see it, only when
 * xxshm_map_commit() has made it.
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
 * xxshm_map_free() - return the price of a mapping that no VMA is left of
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

/* fork, split, mremap: the new VMA is a copy of one that lives. */
static void map_open(struct vm_area_struct *vma)
{
	struct xxshm_map *map = vma->vm_private_data;

	refcount_inc(&map->vmas);
	if (map->ops)
		map->ops->open(map, vma);
}

/* Comes before the VMA drops its file, and with it the list of the map. */
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
 * A program with an executable stack may run under READ_IMPLIES_EXEC. Then the
 * kernel adds PROT_EXEC to every readable mapping, and what the program itself
 * asked for cannot be seen any more: it gets the mapping without PROT_EXEC.
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
 * Shared is VM_MAYSHARE: VM_SHARED is cleared for a shared mapping of a descriptor
 * opened read-only.
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
 * xxshm_map_check() - may this VMA be a mapping of a range of that size?
 * @vma: the VMA as mmap(2) made it, vm_pgoff counting from the range's start
 * @npages: number of pages in the range
 *
 * The order of the checks is part of the contract.
 *
 * Context: In an mmap handler.
 * Return: 0; -ENXIO if the VMA is not inside the range, as xxdevmap() of the
 * Solaris guide has it; what else xxshm_map_check_kind() refuses.
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
 * xxshm_map_restrict() - see to it that a checked VMA stays what it is
 * @vma: the VMA that xxshm_map_check() or xxshm_map_check_kind() accepted
 * @index: its first page in the page cache of what it maps
 *
 * From here on vm_pgoff is that index, as rmap and faults need it.
 *
 * Context: In an mmap handler; if it fails later, the kernel drops the VMA.
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

/* The kernel sees the hint again: one above 47 bits asks for any address there. */
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
 * An address of our own choice is congruent to the index modulo the size that
 * a PMD maps, so that large folios are mapped by one entry each. The kernel's
 * thp_get_unmapped_area() does not do it for 32-bit callers. A hint that is free
 * is taken as it is; for one that is not, the choice is ours as well.
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
