// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mapping: a VMA over a range of an umem.
 *
 * mmap handlers call xxshm_map_check(), which refuses what may not be mapped
 * and changes nothing, then get the memory, then call xxshm_map_commit(),
 * which cannot fail. Nobody but this file sets flags or operations of a VMA.
 *
 * What holds the umem while a VMA exists: the VMA holds its file, the file
 * holds its module and device, and the device frees its umem only when both
 * are gone. fork, mremap and splits copy the VMA with its own reference to the
 * file, so there is nothing to count here; exec and exit drop it.
 *
 * What a mapping may become later: smaller, moved, split, read-only and back.
 * It never grows, never becomes executable, is never dumped, and 6.12 does not
 * merge it with a neighbour, which it would do without asking the driver:
 * VM_DONTEXPAND forbids both growing and merging.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/personality.h>
#include <linux/sched.h>

#include "backport.h"
#include "map.h"
#include "umem.h"

static vm_fault_t map_fault(struct vm_fault *vmf)
{
	struct xxshm_umem *umem = vmf->vma->vm_private_data;
	struct page *page = xxshm_umem_lock_page(umem, vmf->pgoff);

	if (!page)
		return VM_FAULT_SIGBUS;
	vmf->page = page;
	return VM_FAULT_LOCKED;
}

static const struct vm_operations_struct map_vm_ops = {
	.fault		= map_fault,
	.map_pages	= filemap_map_pages,
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
 * xxshm_map_check() - may this VMA be a mapping of a range of that size?
 * @vma: the VMA as mmap(2) made it, vm_pgoff counting from the range's start
 * @npages: number of pages in the range
 *
 * The order of the checks is part of the contract. Shared is VM_MAYSHARE:
 * VM_SHARED is cleared for a shared mapping of a descriptor opened read-only.
 *
 * Context: In an mmap handler.
 * Return: 0; -ENXIO if the VMA is not inside the range, as xxdevmap() of the
 * Solaris guide has it; -EINVAL if the mapping is private; -EACCES if it is to
 * be executable.
 */
int xxshm_map_check(struct vm_area_struct *vma, pgoff_t npages)
{
	pgoff_t len = vma_pages(vma);

	if (len > npages || vma->vm_pgoff > npages - len)
		return -ENXIO;
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if ((vma->vm_flags & VM_EXEC) && !map_exec_is_implied(vma))
		return -EACCES;
	return 0;
}

/**
 * xxshm_map_commit() - make a checked VMA a mapping of an umem
 * @vma: the VMA that xxshm_map_check() accepted; its file's f_mapping must be
 *	xxshm_umem_mapping(@umem)
 * @umem: the memory object
 * @first: index in @umem where the range begins; the range is populated
 *
 * From here on vm_pgoff is an index in the umem, as rmap and faults need it.
 *
 * Context: In an mmap handler, as its last step.
 */
void xxshm_map_commit(struct vm_area_struct *vma, struct xxshm_umem *umem,
		      pgoff_t first)
{
	vma->vm_pgoff += first;
	vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP, VM_EXEC | VM_MAYEXEC);
	vma->vm_private_data = umem;
	vma->vm_ops = &map_vm_ops;
}

/**
 * xxshm_map_place() - choose the address of a mapping
 * @file: the file being mapped
 * @addr: the address that the caller asked for, or 0
 * @len: length in bytes
 * @index: index in the umem of the first page to be mapped
 * @flags: flags of mmap(2)
 *
 * An address of our own choice is congruent to the index modulo the size that
 * a PMD maps, so that large folios are mapped by one entry each. The kernel's
 * thp_get_unmapped_area() does not do it for 32-bit callers.
 *
 * Context: In a get_unmapped_area handler.
 * Return: the address, or a negative errno, as get_unmapped_area() has it.
 */
unsigned long xxshm_map_place(struct file *file, unsigned long addr,
			      unsigned long len, pgoff_t index,
			      unsigned long flags)
{
	unsigned long offset = index << PAGE_SHIFT;
	unsigned long room;

	if (!addr && !(flags & MAP_FIXED) && len >= PMD_SIZE) {
		room = mm_get_unmapped_area(current->mm, file, 0,
					    len + PMD_SIZE - PAGE_SIZE,
					    index, flags);
		if (!IS_ERR_VALUE(room))
			return room + ((offset - room) & (PMD_SIZE - 1));
	}
	return mm_get_unmapped_area(current->mm, file, addr, len, index, flags);
}
