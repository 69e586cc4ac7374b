// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory object: zeroed pages that the kernel keeps and programs map.
 *
 * A memory object is an inode on a file system that nobody can mount. Its pages are that
 * inode's page cache. So the kernel's own code does what an exporter of raw pages would
 * have to write, or could not: process-shared futexes find a mapping and an index,
 * get_user_pages() and O_DIRECT work, rmap and smaps see the pages, the memory cgroup is
 * charged, and one entry maps a folio of PMD size.
 *
 * Vocabulary: an index is a page's number in the memory object, a range is [first, first +
 * npages). A new memory object has no pages. Filling a range gives it all of its pages,
 * zeroed; see fill.c.
 *
 * Backing: the pages are locked. They are on no list that reclaim scans, and are never
 * written to a disk. A fault does not make pages: an index without a page stays without
 * one. pageable.c has memory that may be swapped.
 *
 * Invariants: a page of a filled range stays at its index until the memory object is
 * freed. Touching a page whose memory is broken is SIGBUS. A mapped memory object is not
 * freed.
 */
#include <kunit/visibility.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "pages.h"

#define PAGES_SUPER_MAGIC	0x78786d65	/* "xxme" */
#define PAGES_HUGE_ORDER		(PMD_SHIFT - PAGE_SHIFT)
/* Pages. Adding a page may need nodes of the page cache, each charged as one page. */
#define PAGES_ROOM		8

struct xxshm_pages {
	struct inode *inode;
};

static struct vfsmount *pages_mount;

/*
 * Held while strangers are removed from a page cache, see pages_read_folio(), so that a
 * stranger that has been seen is still there. Its place in the order of locks: see main.c.
 */
static DEFINE_MUTEX(pages_strangers);

/*
 * The kernel may read a page that a memory object does not have, see read_cache_folio().
 * It adds an empty page of its own, a stranger, and asks us to fill it. Such a read fails,
 * and the stranger is removed again.
 *
 * invalidate_inode_pages2_range() removes clean pages, and strangers are clean. Our own
 * pages are dirty, so they stay, but it unmaps each page that it meets. It must not meet
 * a page of a driver: rmap does not find its mappings, and the kernel would stop.
 */
static int pages_read_folio(struct file *unused, struct folio *folio)
{
	struct address_space *mapping = folio->mapping;
	pgoff_t index = folio->index;

	folio_unlock(folio);
	mutex_lock(&pages_strangers);
	/* The caller has a reference. While the stranger is there, no page of ours is. */
	if (READ_ONCE(folio->mapping) == mapping && !folio_test_dirty(folio))
		invalidate_inode_pages2_range(mapping, index, index);
	mutex_unlock(&pages_strangers);
	return -EIO;
}

/* Locked is not pinned: compaction may move the pages, as those of mlock(2). */
static const struct address_space_operations pages_aops = {
	.read_folio	= pages_read_folio,
	.dirty_folio	= noop_dirty_folio,
	.migrate_folio	= migrate_folio,
};

/* The number of pages of the folio from @index on. 0: no page of ours is there. */
static long pages_present_at(struct address_space *mapping, pgoff_t index)
{
	struct page *page = find_get_page(mapping, index);
	struct folio *folio;
	long npages = 0;

	if (!page)
		return 0;
	folio = page_folio(page);
	if (folio_test_dirty(folio))
		npages = folio_nr_pages(folio) - folio_page_idx(folio, page);
	folio_put(folio);
	return npages;
}

/* Make room for a page, unless one of ours is there. */
static void pages_remove_stranger(struct address_space *mapping, pgoff_t index)
{
	if (pages_present_at(mapping, index))
		return;
	mutex_lock(&pages_strangers);
	invalidate_inode_pages2_range(mapping, index, index);
	mutex_unlock(&pages_strangers);
}

/*
 * Charge the memory cgroup of current. If the cgroup is above its memory.high, a charge that
 * may reclaim sleeps: seconds for every few pages. After a charge that may not reclaim, the
 * kernel slows the task down later, on its way to user space, where it holds no lock. So
 * reclaim only at the hard limit, memory.max.
 */
static int pages_charge_folio(struct address_space *mapping, pgoff_t index,
			      struct folio *folio, gfp_t gfp, bool may_wait)
{
	int err = filemap_add_folio(mapping, folio, index, gfp & ~__GFP_DIRECT_RECLAIM);

	if (err == -ENOMEM && may_wait)
		err = filemap_add_folio(mapping, folio, index, gfp);
	return err;
}

/*
 * If this returns 0, the page cache has a reference of its own. -EEXIST: a page was there
 * already, ours or a stranger. A stranger in the way of a single page has been removed.
 */
static int pages_add_folio(struct address_space *mapping, pgoff_t index,
			   struct folio *folio, gfp_t gfp, bool may_wait)
{
	/* The folio comes back locked. */
	int err = pages_charge_folio(mapping, index, folio, gfp, may_wait);

	if (err == -EEXIST && !folio_test_large(folio))
		pages_remove_stranger(mapping, index);
	if (err)
		return err;
	folio_mark_uptodate(folio);
	/* The page cache may drop clean pages, and there is no copy of ours. */
	folio_mark_dirty(folio);
	folio_unlock(folio);
	return 0;
}

static int pages_add_new(struct address_space *mapping, pgoff_t index,
			 unsigned int order, gfp_t gfp, bool may_wait)
{
	struct folio *folio = folio_alloc(gfp | __GFP_ZERO, order);
	int err;

	if (!folio)
		return -ENOMEM;
	err = pages_add_folio(mapping, index, folio, gfp, may_wait);
	folio_put(folio);
	return err;
}

/* The share of an amount of memory that one range may take, in pages. */
VISIBLE_IF_KUNIT unsigned long xxshm_pages_share(unsigned long npages)
{
	return npages - npages / 8;
}
EXPORT_SYMBOL_IF_KUNIT(xxshm_pages_share);

/**
 * xxshm_pages_may_take() - is there enough memory?
 * @npages: the wanted amount, in pages
 *
 * Killing a process does not give back pages that belong to no process. If a caller took
 * the last memory, the kernel would kill one process after the other.
 *
 * Context: Process context.
 * Return: true if @npages is at most 7/8 of the available memory.
 */
bool xxshm_pages_may_take(pgoff_t npages)
{
	return npages <= xxshm_pages_share(max(si_mem_available(), 0L));
}

VISIBLE_IF_KUNIT bool xxshm_pages_huge_fits(pgoff_t index, pgoff_t end)
{
	pgoff_t npages = 1UL << PAGES_HUGE_ORDER;

	return IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) &&
	       has_transparent_hugepage() &&
	       IS_ALIGNED(index, npages) && end - index >= npages;
}
EXPORT_SYMBOL_IF_KUNIT(xxshm_pages_huge_fits);

/**
 * xxshm_pages_fill_at() - add the page of an index, if it is missing
 * @pages: the memory object
 * @index: the index
 * @end: the end of the range that is being filled
 * @may_wait: the call may wait for memory of the cgroup of current
 *
 * It adds a folio of PMD size where the range covers an aligned one and memory allows, a
 * single page elsewhere. Other tasks may fill the same range at the same time.
 *
 * Context: Process context, may sleep.
 * Return: number of pages that exist from @index on; 0 if the caller should try again;
 * -ENOMEM if there is no memory, or the memory cgroup of current is at its limit;
 * -EINTR if current was killed.
 */
long xxshm_pages_fill_at(struct xxshm_pages *pages, pgoff_t index, pgoff_t end,
			 bool may_wait)
{
	struct address_space *mapping = xxshm_pages_mapping(pages);
	long npages;
	int err;

	if (fatal_signal_pending(current))
		return -EINTR;
	npages = pages_present_at(mapping, index);
	if (npages)
		return npages;
	if (xxshm_pages_huge_fits(index, end) &&
	    !pages_add_new(mapping, index, PAGES_HUGE_ORDER, PAGES_GFP_TRY, may_wait))
		return 1L << PAGES_HUGE_ORDER;
	err = pages_add_new(mapping, index, 0, PAGES_GFP, may_wait);
	return err == -EEXIST ? 0 : err ?: 1;
}

/**
 * xxshm_pages_make_room() - make the memory cgroup of current reclaim some pages
 *
 * Context: Process context, may sleep for seconds, as long as a page fault may in a full
 * cgroup. A driver that remaps memory in access() comes here with mmap_lock held.
 * Return: 0 if one more page and its nodes of the page cache can be charged now; -ENOMEM.
 */
int xxshm_pages_make_room(void)
{
	struct page *room[PAGES_ROOM];
	unsigned int got, i;

	for (got = 0; got < PAGES_ROOM; got++) {
		room[got] = alloc_page(PAGES_GFP | __GFP_ACCOUNT);
		if (!room[got])
			break;
	}
	for (i = 0; i < got; i++)
		__free_page(room[i]);
	return got == PAGES_ROOM ? 0 : -ENOMEM;
}

/**
 * xxshm_pages_add() - add a page that exists already
 * @pages: the memory object
 * @index: an index without a page
 * @page: the page; single, not part of a larger folio
 *
 * The memory object keeps a reference until xxshm_pages_remove().
 *
 * Context: Process context, may sleep, but does not wait for memory of the cgroup of
 * current.
 * Return: 0; -ENOMEM if there is no memory, or the memory cgroup of current is at its
 * limit, see xxshm_pages_make_room(); -EEXIST if the caller should try again; -EINTR if
 * current was killed.
 */
int xxshm_pages_add(struct xxshm_pages *pages, pgoff_t index,
		    struct page *page)
{
	if (fatal_signal_pending(current))
		return -EINTR;
	return pages_add_folio(xxshm_pages_mapping(pages), index, page_folio(page),
			      PAGES_GFP, false);
}

/**
 * xxshm_pages_remove() - remove the pages of a range
 * @pages: the memory object
 * @first: index of the first page of the range
 * @npages: number of pages in the range, at least 1; some may be missing
 *
 * Context: Process context, may sleep.
 */
void xxshm_pages_remove(struct xxshm_pages *pages, pgoff_t first, pgoff_t npages)
{
	loff_t start = (loff_t)first << PAGE_SHIFT;
	loff_t len = (loff_t)npages << PAGE_SHIFT;

	truncate_inode_pages_range(xxshm_pages_mapping(pages), start,
				   start + len - 1);
}

/**
 * xxshm_pages_max() - the largest range that could ever be filled
 *
 * Context: Any.
 * Return: 7/8 of the machine's memory, in pages.
 */
pgoff_t xxshm_pages_max(void)
{
	return xxshm_pages_share(totalram_pages());
}
EXPORT_SYMBOL_IF_KUNIT(xxshm_pages_max);

/**
 * xxshm_pages_find() - find the page at an index
 * @mapping: the page cache of the memory object, from xxshm_pages_mapping()
 * @index: number of the page in the memory object
 *
 * Context: Process context; does not sleep.
 * Return: the page, with a reference for the caller; NULL if the index has no page.
 */
struct page *xxshm_pages_find(struct address_space *mapping, pgoff_t index)
{
	return find_get_page(mapping, index);
}

/**
 * xxshm_pages_trylock() - lock a page without waiting
 * @mapping: the page cache in which it was found
 * @page: the page; the caller has a reference
 *
 * Context: Process context; does not sleep.
 * Return: true if the page is now locked and still in @mapping; false if somebody else
 * has it locked, or the kernel has moved its contents to another page.
 */
bool xxshm_pages_trylock(struct address_space *mapping, struct page *page)
{
	struct folio *folio = page_folio(page);

	if (!folio_trylock(folio))
		return false;
	if (folio->mapping == mapping)
		return true;
	folio_unlock(folio);
	return false;
}

/**
 * xxshm_pages_mapping() - the page cache of a memory object
 * @pages: the memory object
 *
 * A file that is to be mapped must have this as its f_mapping. Then rmap, futexes and
 * fault-around work on the memory object and not on the device's inode.
 *
 * Context: Any.
 * Return: the address space; it lives as long as the memory object.
 */
struct address_space *xxshm_pages_mapping(struct xxshm_pages *pages)
{
	return pages->inode->i_mapping;
}

/**
 * xxshm_pages_alloc() - make a memory object without pages
 * @npages: its size in pages, at least 1
 *
 * Context: Process context, may sleep.
 * Return: the memory object, to be freed by xxshm_pages_free(); ERR_PTR(-ENOMEM).
 */
struct xxshm_pages *xxshm_pages_alloc(pgoff_t npages)
{
	struct xxshm_pages *pages = kzalloc(sizeof(*pages), GFP_KERNEL);
	struct inode *inode;

	if (!pages)
		return ERR_PTR(-ENOMEM);
	inode = alloc_anon_inode(pages_mount->mnt_sb);
	if (IS_ERR(inode)) {
		kfree(pages);
		return ERR_CAST(inode);
	}
	/* A fault maps a PMD only if the file does not end inside it. */
	i_size_write(inode, (loff_t)npages << PAGE_SHIFT);
	inode->i_mapping->a_ops = &pages_aops;
	mapping_set_unevictable(inode->i_mapping);
	mapping_set_large_folios(inode->i_mapping);
	pages->inode = inode;
	return pages;
}

/**
 * xxshm_pages_free() - free a memory object with all its pages
 * @pages: the memory object; no mapping of it may be left
 *
 * Pages that are still pinned, by a transfer in flight for example, are freed with the
 * pin.
 *
 * Context: Process context, may sleep.
 */
void xxshm_pages_free(struct xxshm_pages *pages)
{
	iput(pages->inode);
	kfree(pages);
}

static int pages_init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, PAGES_SUPER_MAGIC) ? 0 : -ENOMEM;
}

/* No .owner: the mount below would hold the module, which could never be unloaded. */
static struct file_system_type pages_fs_type = {
	.name			= "xxshm",
	.init_fs_context	= pages_init_fs_context,
	.kill_sb		= kill_anon_super,
};

/**
 * xxshm_pages_init() - make the file system that holds the inodes
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOMEM, or another errno of kern_mount().
 */
int __init xxshm_pages_init(void)
{
	pages_mount = kern_mount(&pages_fs_type);
	return PTR_ERR_OR_ZERO(pages_mount);
}

/**
 * xxshm_pages_exit() - remove the file system; all memory objects have been freed
 *
 * Context: Process context, may sleep.
 */
void xxshm_pages_exit(void)
{
	kern_unmount(pages_mount);
}
