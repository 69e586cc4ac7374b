/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tells libFuzzer that an input is of interest: which edges of the
 * module's code an operation took, where the kernel has KCOV, and how the
 * operation ended, everywhere.
 */
#ifndef _FUZZ_COVERAGE_H
#define _FUZZ_COVERAGE_H

#include <linux/kcov.h>

#include "entry.h"

#define KCOV_PATH	"/sys/kernel/debug/kcov"
#define KCOV_WORDS	(64UL << 10)
#define TEXT_SIZE	(256UL << 10)	/* the module's code is less */
#define EDGES		32768
#define RESULTS		4096

static __u8 counters[EDGES + RESULTS]
	__attribute__((section("__libfuzzer_extra_counters"), used));
static unsigned long *kcov;	/* how many addresses follow, or NULL */
static unsigned long text_start;
static __u8 executed[TEXT_SIZE];

/* Where the module's code is; another place each time it is loaded. */
static void coverage_find_text(void)
{
	FILE *f = fopen("/sys/module/" MODULE "/sections/.text", "r");

	if (!f || fscanf(f, "%lx", &text_start) != 1)
		text_start = 0;
	if (f)
		fclose(f);
}

static void coverage_open(void)
{
	int fd = open(KCOV_PATH, O_RDWR | O_CLOEXEC);
	size_t size = KCOV_WORDS * sizeof(*kcov);

	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, KCOV_WORDS)) {
		fprintf(stderr, "This kernel has no KCOV: only results guide.\n");
		return;
	}
	kcov = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (kcov == MAP_FAILED || ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC)) {
		perror(KCOV_PATH);
		exit(2);
	}
}

/* libFuzzer tells 1, 2, 3, 4-7, ... apart; 0 would be never. */
static void coverage_hit(unsigned int index)
{
	if (counters[index] < 255)
		counters[index]++;
}

static unsigned int mix(unsigned long a, unsigned long b, unsigned long c)
{
	return (((a * 31 + b) * 0x9e3779b97f4a7c15UL + c) *
		0x9e3779b97f4a7c15UL) >> 48;
}

static void coverage_begin(void)
{
	if (kcov)
		__atomic_store_n(&kcov[0], 0, __ATOMIC_RELAXED);
	entry_result = 0;
}

static void coverage_see_block(unsigned long offset)
{
	if (offset >= TEXT_SIZE)
		violation("code at 0x%lx of the module, which was taken to be smaller",
			  offset);
	if (executed[offset])
		return;
	executed[offset] = 1;
	count(&tally->blocks);
}

/* Operation number @kind has ended. */
static void coverage_end(unsigned int kind)
{
	unsigned long i, at, from = 0, n = kcov ? kcov[0] : 0;

	for (i = 1; i <= n; i++) {
		at = kcov[i] - text_start;
		coverage_see_block(at);
		coverage_hit(mix(kind, from, at) % EDGES);
		from = at;
	}
	coverage_hit(EDGES + mix(kind, entry_result < 0 ? -entry_result : 0, 0) %
		     RESULTS);
}

#endif /* _FUZZ_COVERAGE_H */
