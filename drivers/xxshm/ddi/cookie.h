/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_COOKIE_H
#define _XXSHM_DDI_COOKIE_H

#include <linux/mm.h>
#include <linux/types.h>

struct xxshm_region;

/**
 * struct ddi_umem_cookie - memory, as a driver names it
 * @region: the memory, with a reference; NULL if it is memory of a program, see
 *	ddi_umem_lock(); constant
 * @npages: number of pages that can be exported; constant
 * @trash: all of these pages are the first page of @region; constant
 *
 * It belongs to the driver. A mapping uses it only while it is made, and then has a
 * reference to the region. So a driver may free the cookie at any time.
 */
struct ddi_umem_cookie {
	struct xxshm_region *region;
	pgoff_t npages;
	bool trash;
};

/* Is it a range of whole pages inside the memory? No sum is formed that could overflow. */
static inline bool ddi_cookie_has_range(const struct ddi_umem_cookie *cookie,
					s64 koff, size_t len)
{
	u64 size = (u64)cookie->npages << PAGE_SHIFT;

	return koff >= 0 && len && len <= size && koff <= size - len &&
	       PAGE_ALIGNED(koff) && PAGE_ALIGNED(len);
}

#endif /* _XXSHM_DDI_COOKIE_H */
