/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test tells the driver "doorman" to do. Minor 0 takes orders; minor 1
 * is the door. A plan numbers the calls of open() and close() of the door from
 * 0 on. Each of them may wait until the test lets it go on.
 *
 * Loaded with name=NAME, the driver has another name; with again=NAME, it
 * registers a second driver of that name.
 */
#ifndef _SELFTESTS_XXSHM_DOORMAN_H
#define _SELFTESTS_XXSHM_DOORMAN_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define DOORMAN_CALLS	32	/* later ones do not wait */

struct doorman_plan {
	__u32 open_waits;	/* a bit for each call */
	__u32 open_fails;	/* with EIO, after it has waited */
	__u32 close_waits;
	__u32 fail_every;	/* if not 0: one of so many opens fails, too */
};

/* Calls since the last plan, and whether they overlapped. */
struct doorman_counts {
	__u32 opens;		/* calls of open() */
	__u32 opened;		/* of them, those that returned 0 */
	__u32 closes;		/* calls of close() */
	__u32 opening;		/* calls of open() that have not returned */
	__u32 closing;		/* likewise of close() */
	__u32 faults;		/* close() beside another call, or unopened */
	__u32 open_flag;	/* of the last open() that began */
	__u32 close_flag;	/* of the last close() */
};

#define DOORMAN_IOC_PLAN	_IOW('d', 1, struct doorman_plan)
#define DOORMAN_IOC_COUNTS	_IOR('d', 2, struct doorman_counts)
#define DOORMAN_IOC_LET_OPEN	_IO('d', 3)	/* the number of a call */
#define DOORMAN_IOC_LET_CLOSE	_IO('d', 4)
#define DOORMAN_IOC_MODE	_IO('d', 5)	/* returns the mode */
#define DOORMAN_IOC_RETURN	_IO('d', 6)	/* returns its argument */
#define DOORMAN_IOC_FAIL	_IO('d', 7)	/* fails with its argument */

#endif /* _SELFTESTS_XXSHM_DOORMAN_H */
