/* SPDX-License-Identifier: GPL-2.0-only */
/* Swap space in compressed memory, while a test runs. */
#ifndef _SELFTESTS_XXSHM_SWAP_H
#define _SELFTESTS_XXSHM_SWAP_H

#include <sched.h>

#include "device.h"

#define SWAP_DEVICE	"/dev/zram0"
#define SWAP_SYSFS	"/sys/block/zram0/"

/* A kernel made for testing has it built in, or not at all. */
static inline int swap_is_there(void)
{
	return !access(SWAP_DEVICE, F_OK) ||
	       (!system("modprobe -q zram num_devices=1") &&
		!access(SWAP_DEVICE, F_OK));
}

static inline int swap_on(const char *size)
{
	return write_file(SWAP_SYSFS "disksize", size) ||
	       system("mkswap -q " SWAP_DEVICE) || system("swapon " SWAP_DEVICE);
}

static inline int swap_off(void)
{
	return system("swapoff " SWAP_DEVICE) || write_file(SWAP_SYSFS "reset", "1");
}

/* Otherwise the lists of the old processor may hold a page, which is not swapped. */
static inline int stay_on_this_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* Each processor batches pages before it puts them on a list. */
static inline int drain_lists(void)
{
	return write_file("/proc/sys/vm/compact_memory", "1");
}

/*
 * Swap out a mapping whose pages nobody else has mapped. Returns 0, or -1 if pages stay.
 */
static inline int swap_out(char *map, size_t len)
{
	int i;

	for (i = 0; i < 10; i++) {
		if (madvise(map, len, MADV_PAGEOUT))
			return -1;
		if (smaps_kb(map, "Swap:") == (long)len / 1024)
			return 0;
		if (drain_lists())
			return -1;
	}
	return -1;
}

#endif /* _SELFTESTS_XXSHM_SWAP_H */
