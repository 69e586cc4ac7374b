// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults of mappings whose pages all exist: those of a window, or of one region of
 * a driver.
 *
 * Nothing has to be read or charged. So a fault also maps neighbouring pages, for writing
 * as for reading: up to 64 KiB of small pages, or up to 32 MiB of large ones. Neighbouring
 * pages are mapped without being marked dirty. Where that matters, they are mapped
 * write-protected: the VMA's protection decides.
 *
 * The kernel's filemap_map_pages() does the mapping. It leaves out pages that somebody is
 * moving or taking away. The fault itself maps such a page, one at a time; from 6.18 on,
 * the kernel then also maps the rest of its large folio, which may count as written to.
 */
#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/sizes.h>
#include <linux/xarray.h>

#include "backport.h"
#include "fault.h"
#include "pages.h"

/* The kernel maps this much around an access that reads, by default. */
#define FAULT_AROUND		SZ_64K
/* Mapping this much takes a small part of the time of touching it. */
#define FAULT_AROUND_HUGE	SZ_32M

static pgoff_t fault_index(const struct vm_area_struct *vma, unsigned long addr)
{
	return vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
}

/* In the page cache, one entry stands for the whole of a large page. */
static bool fault_is_large(struct address_space *mapping, pgoff_t index)
{
	void *entry = xa_load(&mapping->i_pages, index);

	return entry && entry == xa_load(&mapping->i_pages,
					 index + PTRS_PER_PTE - 1);
}

/*
 * Map the large page at another address than that of the fault, in the same table. If it
 * has become small pages meanwhile, they get the page table that the kernel allocated for
 * the fault, if any.
 */
static void fault_map_huge_at(struct vm_fault *vmf, unsigned long addr, pmd_t *pmd)
{
	struct vm_fault other = {
		.vma		= vmf->vma,
		.gfp_mask	= vmf->gfp_mask,
		.pgoff		= fault_index(vmf->vma, addr),
		.address	= addr,
		.real_address	= addr,
		.flags		= vmf->flags & ~FAULT_FLAG_WRITE,
		.pud		= vmf->pud,
		.pmd		= pmd,
		.prealloc_pte	= vmf->prealloc_pte,
	};

	filemap_map_pages(&other, other.pgoff, other.pgoff);
	vmf->prealloc_pte = other.prealloc_pte;
}

/* Has the fault mapped a large page, and may there be others around? */
static bool fault_has_neighbours(const struct vm_fault *vmf)
{
	return vma_pages(vmf->vma) >= 2 * PTRS_PER_PTE &&
	       pmd_trans_huge(READ_ONCE(*vmf->pmd));
}

/* The fault has mapped a large page: map the large pages around it. */
static void fault_map_huge_around(struct vm_fault *vmf)
{
	const struct vm_area_struct *vma = vmf->vma;
	unsigned long start = ALIGN_DOWN(vmf->address, FAULT_AROUND_HUGE);
	unsigned long end = min(start + FAULT_AROUND_HUGE,
				ALIGN_DOWN(vma->vm_end, PMD_SIZE));
	unsigned long addr = max(start, ALIGN(vma->vm_start, PMD_SIZE));
	pmd_t *pmd = vmf->pmd - pmd_index(vmf->address) + pmd_index(addr);
	struct address_space *mapping = vma->vm_file->f_mapping;
	const pgtable_t spare = vmf->prealloc_pte;

	for (; addr < end && vmf->prealloc_pte == spare; addr += PMD_SIZE, pmd++)
		if (pmd_none(READ_ONCE(*pmd)) &&
		    fault_is_large(mapping, fault_index(vma, addr)))
			fault_map_huge_at(vmf, addr, pmd);
}

/**
 * xxshm_fault_map_pages() - map the page of a fault, and pages around it
 * @vmf: the fault
 * @first: index of the first page to be mapped
 * @last: index of the last, in the same page table
 *
 * Context: In a map_pages handler, or a fault handler; does not sleep.
 * Return: VM_FAULT_NOPAGE if the page of the fault has been mapped, or 0.
 */
vm_fault_t xxshm_fault_map_pages(struct vm_fault *vmf, pgoff_t first, pgoff_t last)
{
	vm_fault_t ret = filemap_map_pages(vmf, first, last);

	/* 6.1 needs the spare page table. */
	if (fault_has_neighbours(vmf) && vmf->prealloc_pte)
		fault_map_huge_around(vmf);
	return ret;
}

/* The block is aligned, so one page table maps all of it. */
static vm_fault_t fault_map_block(struct vm_fault *vmf)
{
	const struct vm_area_struct *vma = vmf->vma;
	unsigned long start = ALIGN_DOWN(vmf->address, FAULT_AROUND);
	unsigned long last = min(start + FAULT_AROUND, vma->vm_end) - PAGE_SIZE;

	return xxshm_fault_map_pages(vmf, fault_index(vma, max(start, vma->vm_start)),
				     fault_index(vma, last));
}

/*
 * Would the fault map a large page by one entry? It does not if the program forbids large
 * pages, or if another thread allocates a page table there first: then the pages around
 * count as written to.
 */
static bool fault_is_huge(const struct vm_fault *vmf)
{
	const struct vm_area_struct *vma = vmf->vma;
	unsigned long start = ALIGN_DOWN(vmf->address, PMD_SIZE);
	pgoff_t first = ALIGN_DOWN(vmf->pgoff, PTRS_PER_PTE);

	return start >= vma->vm_start && start + PMD_SIZE <= vma->vm_end &&
	       fault_index(vma, start) == first && pmd_none(READ_ONCE(*vmf->pmd)) &&
	       fault_is_large(vma->vm_file->f_mapping, first);
}

/*
 * Small pages, and parts of a large one, are mapped as if to be read. If the page of the
 * fault becomes write-protected by that, the kernel faults once more and lifts it. With a
 * large page it would fault for ever.
 */
static vm_fault_t fault_map_block_to_write(struct vm_fault *vmf)
{
	const enum fault_flag flags = vmf->flags;
	vm_fault_t ret;

	if (!fault_is_huge(vmf))
		vmf->flags &= ~FAULT_FLAG_WRITE;
	ret = fault_map_block(vmf);
	vmf->flags = flags;
	return ret;
}

/* The mapping may go away meanwhile: a reference to its file keeps the module. */
static void fault_wait_unlocked(struct vm_fault *vmf, struct page *page)
{
	struct file *file = get_file(vmf->vma->vm_file);

	release_fault_lock(vmf);
	/* If current is killed, the kernel notices before it repeats the fault. */
	folio_wait_locked_killable(page_folio(page));
	fput(file);
}

static vm_fault_t fault_wait(struct vm_fault *vmf, struct page *page)
{
	/* The caller must keep the lock of the address space, and not wait. */
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	if (!fault_flag_allow_retry_first(vmf->flags)) {
		if (!folio_wait_locked_killable(page_folio(page)))
			return 0;
		if (!(vmf->flags & FAULT_FLAG_KILLABLE))
			return VM_FAULT_SIGBUS;
		/* Only before a retry does the kernel look for a fatal signal. */
	}
	fault_wait_unlocked(vmf, page);
	return VM_FAULT_RETRY;
}

/**
 * xxshm_fault_wait() - wait until the page of a fault is unlocked
 * @vmf: the fault
 * @page: the page, with a reference, which is dropped
 *
 * @vmf->flags tell how to wait: not at all, or without mmap_lock (on newer kernels, the
 * lock of the VMA), or with it if it has been dropped before. A fatal signal always ends
 * the wait.
 *
 * Context: In a fault handler, without locks of the module; may sleep.
 * Return: 0 if the caller is to look for the page again; VM_FAULT_RETRY if the kernel is
 * to repeat the fault, and @vmf->vma may be gone; VM_FAULT_SIGBUS if current was killed.
 */
vm_fault_t xxshm_fault_wait(struct vm_fault *vmf, struct page *page)
{
	vm_fault_t ret = fault_wait(vmf, page);

	put_page(page);
	return ret;
}

/* Find the page and lock it. */
static vm_fault_t fault_lock_page(struct vm_fault *vmf)
{
	struct address_space *mapping = vmf->vma->vm_file->f_mapping;
	struct page *page;
	vm_fault_t ret;

	do {
		page = xxshm_pages_find(mapping, vmf->pgoff);
		if (!page)
			return VM_FAULT_SIGBUS;
		if (xxshm_pages_trylock(mapping, page)) {
			vmf->page = page;
			return VM_FAULT_LOCKED;
		}
		ret = xxshm_fault_wait(vmf, page);
	} while (!ret);
	return ret;
}

/**
 * xxshm_fault() - find the page of a fault
 * @vmf: the fault
 *
 * Context: In a fault handler, may sleep.
 * Return: VM_FAULT_NOPAGE if it has been mapped, with pages around; VM_FAULT_LOCKED if it
 * is in @vmf->page; VM_FAULT_SIGBUS if there is none; the result of xxshm_fault_wait() if
 * somebody else has it locked.
 */
vm_fault_t xxshm_fault(struct vm_fault *vmf)
{
	vm_fault_t ret;

	/* Before an access that reads, the kernel has tried .map_pages already. */
	if (vmf->flags & FAULT_FLAG_WRITE) {
		ret = fault_map_block_to_write(vmf);
		if (ret)
			return ret;
	}
	return fault_lock_page(vmf);
}

/**
 * xxshm_fault_huge() - map the large page at a fault, and large pages around it
 * @vmf: the fault
 * @order: order of the page that the kernel wants to map
 *
 * The kernel calls this before it allocates a page table, which is then not needed.
 *
 * Context: In a huge_fault handler; does not sleep.
 * Return: VM_FAULT_NOPAGE if it has been mapped, or VM_FAULT_FALLBACK. If the large page is
 * mapped already but write-protected, VM_FAULT_FALLBACK makes the kernel unmap it, and the
 * fault maps it again.
 */
vm_fault_t xxshm_fault_huge(struct vm_fault *vmf, unsigned int order)
{
	if (order != PMD_SHIFT - PAGE_SHIFT || !pmd_none(READ_ONCE(*vmf->pmd)) ||
	    arch_needs_pgtable_deposit())
		return VM_FAULT_FALLBACK;
	if (filemap_map_pages(vmf, vmf->pgoff, vmf->pgoff) != VM_FAULT_NOPAGE)
		return VM_FAULT_FALLBACK;
	if (fault_has_neighbours(vmf))
		fault_map_huge_around(vmf);
	return VM_FAULT_NOPAGE;
}

/*
 * vm_insert_page() makes the VMA a VM_MIXEDMAP. If one entry mapped a large page there,
 * the kernel would not drop its reference when it is unmapped.
 */
static_assert(FAULT_AROUND < PMD_SIZE);

/* It does not wait for a page that somebody else has locked. */
static bool fault_map_ahead(struct vm_area_struct *vma, unsigned long addr)
{
	struct address_space *mapping = vma->vm_file->f_mapping;
	struct page *page = xxshm_pages_find(mapping, fault_index(vma, addr));
	bool is_mapped = false;

	if (!page)
		return false;
	if (xxshm_pages_trylock(mapping, page)) {
		/* The lock keeps the page from being moved. */
		is_mapped = !PageHWPoison(page) && !vm_insert_page(vma, addr, page);
		unlock_page(page);
	}
	put_page(page);
	return is_mapped;
}

/**
 * xxshm_fault_ahead() - map the pages of a small mapping before they are touched
 * @vma: the mapping, whose flags are final
 *
 * The first access maps the pages that are left out here.
 *
 * Context: In an mmap handler, as its last step.
 */
void xxshm_fault_ahead(struct vm_area_struct *vma)
{
	unsigned long addr;

	if (vma_pages(vma) > FAULT_AROUND >> PAGE_SHIFT)
		return;
	/* The kernel computed it from flags that may have included VM_EXEC. */
	vma->vm_page_prot = vm_get_page_prot(vma->vm_flags);
	for (addr = vma->vm_start; addr < vma->vm_end; addr += PAGE_SIZE)
		if (!fault_map_ahead(vma, addr))
			return;
}
