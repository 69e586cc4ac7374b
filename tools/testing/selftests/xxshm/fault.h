/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Failures on demand. A point is a place where the kernel can be made to fail: an
 * allocation, or a copy from or to user memory. The failure comes only in the task that
 * asked for it, and not in an interrupt.
 */
#ifndef _SELFTESTS_XXSHM_FAULT_H
#define _SELFTESTS_XXSHM_FAULT_H

#include <sys/rseq.h>

#include "device.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define FAR		1000000	/* more points than anything has */

/* The kernel that looks for races cannot make copies fail. */
static inline int quieten_copies(void)
{
	return !access(DEBUGFS "fail_usercopy", F_OK) &&
	       write_file(DEBUGFS "fail_usercopy/verbose", "0");
}

/* Count every point, without a message for each. */
static inline int set_up_faults(void)
{
	return write_file(DEBUGFS "failslab/ignore-gfp-wait", "N") ||
	       write_file(DEBUGFS "failslab/verbose", "0") ||
	       write_file(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N") ||
	       write_file(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N") ||
	       write_file(DEBUGFS "fail_page_alloc/min-order", "0") ||
	       write_file(DEBUGFS "fail_page_alloc/verbose", "0") ||
	       quieten_copies();
}

/*
 * Before the kernel returns to an interrupted thread, it writes to the thread's struct
 * rseq, and kills the thread if that fails: unregister it.
 */
static inline void forget_rseq(void)
{
	char *rseq = (char *)__builtin_thread_pointer() + __rseq_offset;

	if (__rseq_size)
		syscall(SYS_rseq, rseq, sizeof(struct rseq),
			RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

/* A descriptor for the functions below, of the calling thread. */
static inline int open_faults(void)
{
	forget_rseq();
	return open("/proc/thread-self/fail-nth", O_RDWR);
}

/* Let the nth point from here fail. */
static inline void arm(int faults, long nth)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", nth);
	/* If arming failed, the point would look as if it had been reached. */
	if (pwrite(faults, text, strlen(text), 0) < 0) {
		perror("arm");
		exit(1);
	}
}

/* The number of points left before the failing one; 0: it has failed. */
static inline long disarm(int faults)
{
	char text[16] = "";

	/* The copies of this call are points, too. */
	if (pread(faults, text, sizeof(text) - 1, 0) < 0)
		text[0] = '1';
	while (pwrite(faults, "0", 1, 0) < 0 && errno == EFAULT)
		;
	return atol(text);
}

#endif /* _SELFTESTS_XXSHM_FAULT_H */
