/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_REGION_H
#define _XXSHM_REGION_H

#include <linux/types.h>

struct address_space;
struct page;
struct xxshm_region;

int xxshm_region_init(void);
void xxshm_region_exit(void);

struct xxshm_region *xxshm_region_alloc(pgoff_t npages, bool may_sleep);
void xxshm_region_get(struct xxshm_region *region);
void xxshm_region_put(struct xxshm_region *region);

void *xxshm_region_address(const struct xxshm_region *region);
pgoff_t xxshm_region_npages(const struct xxshm_region *region);
pgoff_t xxshm_region_first(const struct xxshm_region *region);

int xxshm_region_publish(struct xxshm_region *region);
struct page *xxshm_region_find_page(const struct xxshm_region *region, pgoff_t i);
struct address_space *xxshm_region_mapping(void);
int xxshm_region_reserve(pgoff_t npages, pgoff_t *first);

#endif /* _XXSHM_REGION_H */
