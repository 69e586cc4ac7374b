/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A record of the input is the kind of an operation, and then its choices, each
 * a byte: which descriptor, how many pages, from where.
 */
#ifndef _FUZZ_CHOICES_H
#define _FUZZ_CHOICES_H

#include "holdings.h"

#define RECORD		8	/* bytes */

/* The record that is being carried out. */
static const __u8 *record;
static unsigned int record_at;
static unsigned int choose(void)
{
	return record_at < RECORD ? record[record_at++] : 0;
}

static unsigned int choose_below(unsigned int limit)
{
	return choose() % limit;
}

/* 64-bit calls half of the time. */
static int way_of(unsigned int byte)
{
	static const int ways[] = { LP64, LP64, IA32, X32 };

	return ways[byte % 4];
}

static int choose_way(void)
{
	return way_of(choose());
}

static struct descriptor *choose_slot(void)
{
	return &descriptors[choose_below(DESCRIPTORS)];
}

/* One that is open, if any is. */
static struct descriptor *choose_descriptor(void)
{
	unsigned int first = choose(), i, slot;

	for (i = 0; i < DESCRIPTORS; i++) {
		slot = (first + i) % DESCRIPTORS;
		if (descriptors[slot].fd)
			break;
	}
	return &descriptors[slot];
}

static unsigned long choose_address(void)
{
	unsigned int byte = choose();

	return ARENA + (byte >> 6) * HUGE_SIZE + (byte & 63) * page;
}

/* Numbers of pages, borders more often than others. */
static unsigned long choose_pages(void)
{
	unsigned long w = window_pages, huge = HUGE_SIZE / page;
	const unsigned long special[] = {
		w, w, w, w - 1, w - 1, w + 1, w + 1, 2 * w, 0, 1, w / 2,
		huge, huge - 1, huge + 1, 1UL << 20, -1UL >> 12,
	};
	unsigned int byte = choose();

	return byte < 160 ? 1 + byte % 16 : special[byte % 16];
}

/* The same for where something begins. */
static unsigned long choose_pgoff(void)
{
	unsigned long w = window_pages, huge = HUGE_SIZE / page;
	const unsigned long special[] = {
		w - 1, w - 1, w - 2, w, w, w + 1, 2 * w - 1, 2 * w, huge, huge - 1,
		1UL << 19, 1UL << 20, (1UL << 20) - 1, 1UL << 32, 1UL << 50,
		-1UL >> 12,
	};
	unsigned int byte = choose();

	if (byte < 128)
		return 0;
	return byte < 208 ? byte % 16 : special[byte % 16];
}

static struct mapping choose_part_of(struct mapping all)
{
	unsigned long npages = all.len / page, huge = HUGE_SIZE / page;
	unsigned int from, length;

	from = choose();
	length = choose();
	from = from < 128 ? 0 : from < 224 ? from % 16 :
	       from < 240 ? npages - 1 : huge - 1;
	from %= npages;
	npages -= from;
	if (length >= 128)
		npages = length < 240 ? 1 + length % 16 % npages :
			 length < 248 ? 1 + (huge - 1) % npages : 0;
	return mapping_at(all.start + from * page, npages * page);
}

/* A part of a mapping, perhaps gone by now; of the arena if there is none. */
static struct mapping choose_part(void)
{
	const struct mapping none = { ARENA, 16 * page, 0, -1 };

	return choose_part_of(mapping_count ? mappings[choose_below(mapping_count)] :
			      none);
}

/* The same, of a driver's node if there is one. */
static struct mapping choose_part_of_driver(void)
{
	unsigned int first = choose(), i;

	for (i = 0; i < mapping_count; i++)
		if (is_of_driver(mappings[(first + i) % mapping_count].window))
			return choose_part_of(mappings[(first + i) % mapping_count]);
	return mapping_at(ARENA, page);
}

#endif /* _FUZZ_CHOICES_H */
