/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A region: shared memory that one of the peers keeps, and where it is mapped.
 *
 * It is always mapped at the same address, beside a neighbour, a page that stays
 * mapped. So the page tables around the address are there before and after: else a
 * mapping of one page would now and then also pay for a table, which costs half as
 * much as itself, whatever keeps the page.
 *
 *   NEIGHBOUR                                 a page, never unmapped
 *   NEIGHBOUR + 4 KiB or 64 KiB               regions of that size: same lowest table
 *   NEIGHBOUR + 2 MiB                         larger ones: same table of the level above
 */
#ifndef _BENCH_REGION_H
#define _BENCH_REGION_H

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE		4096UL
#define HUGE		(2UL << 20)
#define NEIGHBOUR	((char *)(1UL << 36))

struct peer;

struct region {
	const struct peer *peer;
	size_t size;
	int map_flags;
	int fd;
};

static inline void region_warm_tables(void)
{
	char *page = mmap(NEIGHBOUR, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			  MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (page == MAP_FAILED)
		abort();
	*page = 1;
}

/* Return: where it is, or MAP_FAILED. */
static inline char *region_map(const struct region *region)
{
	size_t distance = region->size < HUGE ? region->size : HUGE;

	return mmap(NEIGHBOUR + distance, region->size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED_NOREPLACE | region->map_flags,
		    region->fd, 0);
}

static inline void region_unmap(const struct region *region, char *p)
{
	if (munmap(p, region->size))
		abort();
}

/* Write to one page in @step bytes. */
static inline void region_touch(const struct region *region, char *p, size_t step)
{
	for (size_t i = 0; i < region->size; i += step)
		*(volatile char *)(p + i) = 1;
}

#endif
