/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzer tells the driver "paged" to do with its handles, at any time and from
 * any process.
 */
#ifndef _SELFTESTS_XXSHM_PAGED_H
#define _SELFTESTS_XXSHM_PAGED_H

#include <linux/ioctl.h>
#include <linux/types.h>

enum {
	PAGED_TRASH,		/* show a page that is no window's, everywhere */
	PAGED_BACK,		/* show the window again */
	PAGED_INVALIDATE,
	PAGED_LOAD,
	PAGED_UNLOAD,
	PAGED_CALLS,
};

struct paged_call {
	__u64 off;
	__u64 len;		/* of PAGED_LOAD and PAGED_UNLOAD, from there on */
	__u32 what;
	__u32 maxprot;		/* of PAGED_TRASH and PAGED_BACK */
};

/*
 * For each handle that has callbacks and is over that byte of the window of the caller's
 * data model. Returns how many these are; EINVAL if it fails for one of them.
 */
#define PAGED_IOC_CALL	_IOW('g', 1, struct paged_call)

#endif /* _SELFTESTS_XXSHM_PAGED_H */
