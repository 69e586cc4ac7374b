// SPDX-License-Identifier: GPL-2.0-only
/*
 * A region: memory that a driver uses by its kernel address, and may export.
 *
 * All regions are ranges of one memory object, the pool. The reason: a file has one page
 * cache, and one file of a driver can map several regions, or change from one to another.
 * Each index of the pool is given out only once. So no mapping, however late it goes away,
 * can show memory that somebody else got since.
 *
 * Vocabulary: a region has its pages from the beginning, and the driver uses them first.
 * Publishing puts the pages into the pool, where programs can map them. A region that is
 * never exported is never published. A reserved range of the pool has no pages: it is the
 * place of a mapping whose pages are looked up one by one.
 *
 * Invariants: the region's own reference keeps its pages. They are freed with the last
 * reference to the region. Each mapping of it has a reference.
 */
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/container_of.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "fill.h"
#include "late.h"
#include "pages.h"
#include "region.h"

/* Pages. The page allocator mostly has this many in one piece. */
#define REGION_SMALL	BIT(PAGE_ALLOC_COSTLY_ORDER)

#define REGION_GFP	(PAGES_GFP | __GFP_ZERO)
/* For several pages in one piece, where single pages do as well. */
#define REGION_GFP_TRY	(PAGES_GFP_TRY | __GFP_ZERO)
/* A memory cgroup gives back about 30 pages at a time, and others may take them first. */
#define REGION_TRIES	16
/* Together more than the 64 pages by which the kernel charges each CPU in advance. */
#define REGION_RESERVE_ORDER	3
#define REGION_RESERVES		16
/* Not GFP_ATOMIC: leave the last reserves to others. */
#define REGION_GFP_NOW	(GFP_NOWAIT | __GFP_ZERO | __GFP_NOWARN)

/**
 * struct xxshm_region - memory that a driver uses
 * @refs: references of the driver and of each mapping
 * @addr: its kernel address; constant
 * @pages: its pages if they are scattered; NULL if @addr is in the kernel's direct map;
 *	constant
 * @first: index of its first page in the pool; constant
 * @npages: its size; constant
 * @fill: whether its pages are in the pool
 * @published: number of its pages that are in the pool, under the lock of @fill
 * @freeing: the work that frees it
 */
struct xxshm_region {
	refcount_t refs;
	void *addr;
	struct page **pages;
	pgoff_t first;
	pgoff_t npages;
	struct xxshm_fill fill;
	pgoff_t published;
	struct work_struct freeing;
};

static struct xxshm_pages *region_pool;
static atomic64_t region_next;	/* first index of the pool that is not given out */

/* The end of the pool: offsets in bytes are signed. */
#define REGION_END	((pgoff_t)(MAX_LFS_FILESIZE >> PAGE_SHIFT))

/**
 * xxshm_region_reserve() - get a range of the pool that nobody else has
 * @npages: its size
 * @first: the index of its first page is stored here
 *
 * Context: Any.
 * Return: 0; -ENOMEM if all indexes have been given out. If a gigabyte is mapped every
 * millisecond, that happens after three months.
 */
int xxshm_region_reserve(pgoff_t npages, pgoff_t *first)
{
	s64 next = atomic64_read(&region_next);

	do {
		if (npages > REGION_END - next)
			return -ENOMEM;
	} while (!atomic64_try_cmpxchg(&region_next, &next, next + npages));
	*first = next;
	return 0;
}

static struct page *region_page(const struct xxshm_region *region, pgoff_t i)
{
	return region->pages ? region->pages[i] :
		virt_to_page((char *)region->addr + (i << PAGE_SHIFT));
}

/* The pages may still be in use elsewhere: drop our reference instead of freeing them. */
static void region_put_pages(struct xxshm_region *region, pgoff_t npages)
{
	pgoff_t i;

	for (i = 0; i < npages; i++) {
		put_page(region_page(region, i));
		cond_resched();
	}
}

static int region_alloc_in_one(struct xxshm_region *region, gfp_t gfp)
{
	region->addr = alloc_pages_exact(region->npages << PAGE_SHIFT, gfp);
	return region->addr ? 0 : -ENOMEM;
}

static int region_alloc_each(struct xxshm_region *region)
{
	pgoff_t i;

	for (i = 0; i < region->npages; i++) {
		if (!fatal_signal_pending(current))
			region->pages[i] = alloc_page(REGION_GFP);
		if (!region->pages[i]) {
			region_put_pages(region, i);
			return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

static int region_alloc_scattered(struct xxshm_region *region)
{
	int err;

	region->pages = kvcalloc(region->npages, sizeof(*region->pages),
				 GFP_KERNEL | __GFP_NOWARN);
	if (!region->pages)
		return -ENOMEM;
	err = region_alloc_each(region);
	if (err)
		goto err_array;
	region->addr = vmap(region->pages, region->npages, VM_MAP, PAGE_KERNEL);
	if (!region->addr) {
		err = -ENOMEM;
		goto err_pages;
	}
	return 0;

err_pages:
	region_put_pages(region, region->npages);
err_array:
	kvfree(region->pages);
	region->pages = NULL;
	return err;
}

static int region_alloc_sleeping(struct xxshm_region *region)
{
	if (!xxshm_pages_may_take(region->npages))
		return -ENOMEM;
	if (region->npages <= REGION_SMALL &&
	    !region_alloc_in_one(region, REGION_GFP_TRY))
		return 0;
	return region_alloc_scattered(region);
}

static void region_free(struct work_struct *work)
{
	struct xxshm_region *region = container_of(work, struct xxshm_region, freeing);

	if (region->published)
		xxshm_pages_remove(region_pool, region->first, region->npages);
	if (region->pages)
		vunmap(region->addr);
	region_put_pages(region, region->npages);
	kvfree(region->pages);
	xxshm_fill_destroy(&region->fill);
	kfree(region);
}

/**
 * xxshm_region_alloc() - get memory for a driver
 * @npages: its size, at least 1
 * @may_sleep: the caller may wait for memory
 *
 * The memory is zeroed. If the caller may sleep, the call gives up when current is killed.
 * Otherwise the memory is contiguous, and at most 4 MiB, because vmap() sleeps.
 *
 * Context: Process context, or any but NMI if not @may_sleep.
 * Return: the region, with a reference for the caller; ERR_PTR(-ENOMEM) if there is no
 * memory, the region would take more than 7/8 of the available memory, or current was
 * killed.
 */
struct xxshm_region *xxshm_region_alloc(pgoff_t npages, bool may_sleep)
{
	struct xxshm_region *region;
	int err;

	/* A region that can never be allocated must not use up indexes of the pool. */
	if (npages > xxshm_pages_max())
		return ERR_PTR(-ENOMEM);
	region = kzalloc(sizeof(*region),
			 may_sleep ? GFP_KERNEL : GFP_NOWAIT | __GFP_NOWARN);
	if (!region)
		return ERR_PTR(-ENOMEM);
	region->npages = npages;
	err = xxshm_region_reserve(npages, &region->first);
	if (err)
		goto err_region;
	err = may_sleep ? region_alloc_sleeping(region) :
		region_alloc_in_one(region, REGION_GFP_NOW);
	if (err)
		goto err_region;
	refcount_set(&region->refs, 1);
	xxshm_fill_init(&region->fill);
	INIT_WORK(&region->freeing, region_free);
	return region;

err_region:
	kfree(region);
	return ERR_PTR(err);
}

/**
 * xxshm_region_get() - take one more reference
 * @region: the region; the caller has a reference already
 *
 * Context: Any.
 */
void xxshm_region_get(struct xxshm_region *region)
{
	refcount_inc(&region->refs);
}

/**
 * xxshm_region_put() - drop a reference, and with the last one free the region
 * @region: the region
 *
 * Context: Any but NMI; not under a spinlock, and not with preemption off alone. In
 * interrupt context, or with interrupts off, the memory is freed a little later.
 */
void xxshm_region_put(struct xxshm_region *region)
{
	if (refcount_dec_and_test(&region->refs))
		xxshm_late_run(&region->freeing);
}

/**
 * xxshm_region_address() - the kernel address of a region
 * @region: the region
 *
 * Context: Any.
 * Return: a page-aligned address. The memory is contiguous in kernel addresses.
 */
void *xxshm_region_address(const struct xxshm_region *region)
{
	return region->addr;
}

/**
 * xxshm_region_npages() - the size of a region
 * @region: the region
 *
 * Context: Any.
 * Return: its size in pages.
 */
pgoff_t xxshm_region_npages(const struct xxshm_region *region)
{
	return region->npages;
}

/**
 * xxshm_region_first() - the place of a region in the pool
 * @region: the region
 *
 * Context: Any.
 * Return: the index of its first page.
 */
pgoff_t xxshm_region_first(const struct xxshm_region *region)
{
	return region->first;
}

static int region_publish_locked(struct xxshm_region *region)
{
	pgoff_t i = region->published;
	int err;

	lockdep_assert_held(&region->fill.lock);
	if (i == region->npages)
		return 0;
	err = xxshm_pages_add(region_pool, region->first + i,
			      region_page(region, i));
	if (!err)
		region->published = i + 1;
	return err;
}

/* Put the next page into the pool. */
static int region_publish_next(struct xxshm_region *region, bool *is_last)
{
	int err;

	mutex_lock(&region->fill.lock);
	err = region_publish_locked(region);
	*is_last = region->published == region->npages;
	mutex_unlock(&region->fill.lock);
	return err;
}

/* A cgroup that gives pages back but never enough is full. */
static int region_make_room(unsigned int *tries)
{
	return ++*tries > REGION_TRIES ? -ENOMEM : xxshm_pages_make_room();
}

static int region_fill(struct xxshm_fill *fill, void *owner, bool may_wait)
{
	struct xxshm_region *region = owner;
	unsigned int tries = 0;
	bool is_last = false;
	int err;

	while (!is_last) {
		err = region_publish_next(region, &is_last);
		if (!err)
			tries = 0;
		if (err == -ENOMEM && may_wait)
			err = region_make_room(&tries);
		if (err && err != -EEXIST)
			return err;
		cond_resched();
	}
	return 0;
}

static const struct xxshm_fill_ops region_fill_ops = {
	.fill	= region_fill,
};

/* First without waiting, here too: a page fault may call this, see pages_charge_folio(). */
static struct page *region_alloc_reserve(void)
{
	const gfp_t gfp = PAGES_GFP | __GFP_ACCOUNT;

	return alloc_pages(gfp & ~__GFP_DIRECT_RECLAIM, REGION_RESERVE_ORDER) ?:
		alloc_pages(gfp, REGION_RESERVE_ORDER);
}

static void region_free_reserve(struct page **reserve)
{
	unsigned int i;

	for (i = 0; i < REGION_RESERVES && reserve[i]; i++)
		__free_pages(reserve[i], REGION_RESERVE_ORDER);
}

/*
 * If the memory cgroup of current reaches its limit meanwhile, the published pages stay
 * charged. The process needs some more memory until it is back in user space, and would be
 * killed if it got none. So set that much aside first.
 */
static int region_publish_with_reserve(struct xxshm_region *region)
{
	struct page *reserve[REGION_RESERVES] = {};
	unsigned int i;
	int err = 0;

	for (i = 0; i < REGION_RESERVES && !err; i++) {
		reserve[i] = region_alloc_reserve();
		err = reserve[i] ? 0 : -ENOMEM;
	}
	if (!err)
		err = xxshm_fill_up(&region->fill, &region_fill_ops, region);
	region_free_reserve(reserve);
	return err;
}

/**
 * xxshm_region_publish() - put the pages into the pool, where they can be mapped
 * @region: the region
 *
 * The memory cgroup of current pays for them from now on. After a failure, the next call
 * continues where this one stopped.
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENOMEM if there is no memory, or the cgroup is at its limit; -EINTR if
 * current was killed.
 */
int xxshm_region_publish(struct xxshm_region *region)
{
	if (xxshm_fill_is_full(&region->fill))
		return 0;
	if (region->npages <= REGION_SMALL)
		return xxshm_fill_up(&region->fill, &region_fill_ops, region);
	return region_publish_with_reserve(region);
}

/**
 * xxshm_region_find_page() - find a page of a published region
 * @region: the region
 * @i: number of the page in it
 *
 * Context: Process context; does not sleep.
 * Return: the page, with a reference for the caller; NULL if it is broken.
 */
struct page *xxshm_region_find_page(const struct xxshm_region *region, pgoff_t i)
{
	return xxshm_pages_find(xxshm_pages_mapping(region_pool),
				    region->first + i);
}

/**
 * xxshm_region_mapping() - the page cache of the pool
 *
 * Context: Any.
 * Return: the f_mapping for a file through which regions are mapped.
 */
struct address_space *xxshm_region_mapping(void)
{
	return xxshm_pages_mapping(region_pool);
}

/**
 * xxshm_region_init() - make the pool
 *
 * Context: Process context, may sleep; after xxshm_pages_init().
 * Return: 0; -ENOMEM.
 */
int __init xxshm_region_init(void)
{
	region_pool = xxshm_pages_alloc(REGION_END);
	return PTR_ERR_OR_ZERO(region_pool);
}

/**
 * xxshm_region_exit() - free the pool; no region is in use
 *
 * Context: Process context, may sleep.
 */
void xxshm_region_exit(void)
{
	xxshm_pages_free(region_pool);
}
