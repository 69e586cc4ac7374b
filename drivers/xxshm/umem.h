/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_UMEM_H
#define _XXSHM_UMEM_H

#include <linux/gfp.h>
#include <linux/types.h>

struct address_space;
struct page;
struct xxshm_umem;

/*
 * Out of memory is the caller's ENOMEM. Without these flags a process at the
 * limit of its memory cgroup would be killed instead; they do not spare others
 * when the whole machine is short, see xxshm_umem_may_take(). __GFP_MOVABLE is
 * absent because long-term pins would have to move the pages first.
 */
#define UMEM_GFP	(GFP_USER | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)
/* Small pages serve as well: do not reclaim much to get several at once. */
#define UMEM_GFP_TRY	(GFP_USER | __GFP_NORETRY | __GFP_NOWARN)

int xxshm_umem_init(void);
void xxshm_umem_exit(void);

struct xxshm_umem *xxshm_umem_alloc(pgoff_t npages);
void xxshm_umem_free(struct xxshm_umem *umem);

pgoff_t xxshm_umem_max_pages(void);
bool xxshm_umem_may_take(pgoff_t npages);
int xxshm_umem_add_page(struct xxshm_umem *umem, pgoff_t index,
			struct page *page);
void xxshm_umem_remove(struct xxshm_umem *umem, pgoff_t first, pgoff_t npages);
long xxshm_umem_fill_at(struct xxshm_umem *umem, pgoff_t index, pgoff_t end,
			bool may_wait);
int xxshm_umem_make_room(void);
struct page *xxshm_umem_find_page(struct address_space *mapping, pgoff_t index);
bool xxshm_umem_trylock_page(struct address_space *mapping, struct page *page);
struct address_space *xxshm_umem_mapping(struct xxshm_umem *umem);

#if IS_ENABLED(CONFIG_KUNIT)
unsigned long xxshm_umem_share(unsigned long npages);
bool xxshm_umem_huge_fits(pgoff_t index, pgoff_t end);
#endif

#endif /* _XXSHM_UMEM_H */
