/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interfaces of newer kernels for older ones: one definition for each symbol, with the
 * version that brought it. Only this file may ask for the kernel's version. Each
 * definition is deleted with the last kernel that needs it.
 */
#ifndef _XXSHM_BACKPORT_H
#define _XXSHM_BACKPORT_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/version.h>

/*
 * Before 6.2, pinning for reading may pin the zero page, or a page that the next write of
 * the process replaces. Then the reader sees old data for ever. Pinning for writing
 * replaces the page first. Shared memory that the process cannot write to is never
 * replaced: its pages are pinned as they are. Private read-only pages of hugetlb are
 * pinned as they are, too, although mprotect(2) and a write would replace them.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
static inline int pin_user_pages_to_read(unsigned long start, int npages,
					 struct page **pages)
{
	int got = pin_user_pages_fast(start, npages,
				      FOLL_LONGTERM | FOLL_WRITE | FOLL_FORCE, pages);

	if (got == -EFAULT)
		got = pin_user_pages_fast(start, 1, FOLL_LONGTERM, pages);
	return got;
}
#else
static inline int pin_user_pages_to_read(unsigned long start, int npages,
					 struct page **pages)
{
	return pin_user_pages_fast(start, npages, FOLL_LONGTERM, pages);
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_mod(struct vm_area_struct *vma,
				vm_flags_t set, vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

/*
 * Before 6.6, the argument of huge_fault() is a size, not an order. And if there is no page
 * table, filemap_map_pages() says that it has mapped a page when it has not: the fault
 * would repeat for ever.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define HUGE_FAULT_IS_SAFE	0
#else
#define HUGE_FAULT_IS_SAFE	1
#endif

/* Before 6.6, a fault of a mapping of a file holds mmap_lock. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
static inline void release_fault_lock(struct vm_fault *vmf)
{
	mmap_read_unlock(vmf->vma->vm_mm);
}
#endif

/* Before 6.19, the address space is an argument. It is always that of current. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
static inline unsigned long
mm_get_unmapped_area(struct file *file, unsigned long addr, unsigned long len,
		     unsigned long pgoff, unsigned long flags)
{
	return current->mm->get_unmapped_area(file, addr, len, pgoff, flags);
}
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define mm_get_unmapped_area(file, addr, len, pgoff, flags) \
	mm_get_unmapped_area(current->mm, file, addr, len, pgoff, flags)
#endif

/* From 6.19 on, tmpfs has .mmap_prepare instead of .mmap. vfs_mmap() calls either. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define vfs_mmap	call_mmap
#endif

/* Before 7.0, the flags of a VMA are one word, and a flag is a mask. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define VMA_NORESERVE_BIT	VM_NORESERVE
#define mk_vma_flags(flag)	(flag)
#endif

#endif /* _XXSHM_BACKPORT_H */
