/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_UMEM_H
#define _XXSHM_UMEM_H

#include <linux/types.h>

struct address_space;
struct page;
struct xxshm_umem;

int xxshm_umem_init(void);
void xxshm_umem_exit(void);

struct xxshm_umem *xxshm_umem_alloc(pgoff_t npages);
void xxshm_umem_free(struct xxshm_umem *umem);

pgoff_t xxshm_umem_max_pages(void);
bool xxshm_umem_may_take(pgoff_t npages);
int xxshm_umem_add_page(struct xxshm_umem *umem, pgoff_t index,
			struct page *page);
void xxshm_umem_remove(struct xxshm_umem *umem, pgoff_t first, pgoff_t npages);
int xxshm_umem_populate(struct xxshm_umem *umem, pgoff_t first, pgoff_t npages);
struct page *xxshm_umem_lock_page(struct address_space *mapping, pgoff_t index);
struct address_space *xxshm_umem_mapping(struct xxshm_umem *umem);

#if IS_ENABLED(CONFIG_KUNIT)
unsigned long xxshm_umem_share(unsigned long npages);
bool xxshm_umem_huge_fits(pgoff_t index, pgoff_t end);
#endif

#endif /* _XXSHM_UMEM_H */
