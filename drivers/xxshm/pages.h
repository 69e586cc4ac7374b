/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_UMEM_H
#define _XXSHM_UMEM_H

#include <linux/gfp.h>
#include <linux/types.h>

struct address_space;
struct page;
struct xxshm_pages;

/*
 * The caller gets ENOMEM when there is no memory. Without these flags, the kernel would
 * kill a process at the limit of its memory cgroup instead. They do not protect others
 * when the whole machine is short, see xxshm_pages_may_take(). __GFP_MOVABLE is absent
 * because long-term pins would have to move the pages first.
 */
#define PAGES_GFP	(GFP_USER | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)
/* For large pages, where small ones do as well: do not reclaim much for them. */
#define PAGES_GFP_TRY	(GFP_USER | __GFP_NORETRY | __GFP_NOWARN)

int xxshm_pages_init(void);
void xxshm_pages_exit(void);

struct xxshm_pages *xxshm_pages_alloc(pgoff_t npages);
void xxshm_pages_free(struct xxshm_pages *pages);

pgoff_t xxshm_pages_max(void);
bool xxshm_pages_may_take(pgoff_t npages);
int xxshm_pages_add(struct xxshm_pages *pages, pgoff_t index,
		    struct page *page);
void xxshm_pages_remove(struct xxshm_pages *pages, pgoff_t first, pgoff_t npages);
long xxshm_pages_fill_at(struct xxshm_pages *pages, pgoff_t index, pgoff_t end,
			 bool may_wait);
int xxshm_pages_make_room(void);
struct page *xxshm_pages_find(struct address_space *mapping, pgoff_t index);
bool xxshm_pages_trylock(struct address_space *mapping, struct page *page);
struct address_space *xxshm_pages_mapping(struct xxshm_pages *pages);

#if IS_ENABLED(CONFIG_KUNIT)
unsigned long xxshm_pages_share(unsigned long npages);
bool xxshm_pages_huge_fits(pgoff_t index, pgoff_t end);
#endif

#endif /* _XXSHM_UMEM_H */
