/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What newer kernels have and the oldest supported one lacks, one definition
 * a symbol, each with the version that brought it. This is the only file that
 * may ask for the kernel's version. It goes when 6.1 goes.
 */
#ifndef _XXSHM_BACKPORT_H
#define _XXSHM_BACKPORT_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/version.h>

/*
 * Older kernels may pin the zero page, or one that the process's next write replaces,
 * so that the reader sees old data for ever. Pinning for writing replaces it first.
 * Memory that the process shares, and cannot write to, is never replaced: a page of
 * that is pinned as it is. So is one of hugetlb's that is private and cannot be written
 * to, although a write that mprotect(2) allows later would replace it.
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
 * The argument of huge_fault() was a size, not an order, before 6.6. And without a page
 * table at hand, older kernels have filemap_map_pages() say that it has mapped a page
 * which it has not, so that the fault would come again for ever.
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
