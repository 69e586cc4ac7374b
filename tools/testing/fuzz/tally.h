/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was done so far, in a file that outlives the fuzzer and that its
 * children count in too; and the end of it all, when a promise was broken.
 */
#ifndef _FUZZ_TALLY_H
#define _FUZZ_TALLY_H

#include <stdarg.h>

#include "ledger.h"

#define TALLY_PATH	"XXSHM_TALLY"	/* environment: the file, if any */
#define CHILD_FAILED	99		/* exit status of a child */

struct tally {
	__u64 inputs;
	__u64 operations;
	__u64 succeeded;	/* operations with a call that did */
	__u64 calls;		/* system calls of the operations */
	__u64 reloads;
	__u64 forks;
	__u64 blocks;		/* of the module's code that were executed */
	__u64 told;		/* times that the driver was told to change handles */
	__u64 changed;		/* and has changed some */
	__u64 locks;		/* of memory, by a driver */
};

static struct tally *tally;
static int in_child;
static int printing;		/* operations, for a reader */

static inline void count(__u64 *what)
{
	__atomic_add_fetch(what, 1, __ATOMIC_RELAXED);
}

static void tally_open(void)
{
	const char *path = getenv(TALLY_PATH);
	int fd = path ? open(path, O_RDWR | O_CREAT, 0600) : -1;
	int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;

	if (fd >= 0 && ftruncate(fd, sizeof(*tally)))
		perror(path);
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, flags, fd, 0);
	if (tally == MAP_FAILED) {
		perror("tally");
		exit(2);
	}
	close(fd);
}

/* libFuzzer keeps the input when its process aborts. */
static void __attribute__((format(printf, 1, 2))) violation(const char *text, ...)
{
	va_list args;

	fprintf(stderr, "VIOLATION: ");
	va_start(args, text);
	vfprintf(stderr, text, args);
	va_end(args);
	fprintf(stderr, "\n");
	if (in_child)
		_exit(CHILD_FAILED);
	abort();
}

#endif /* _FUZZ_TALLY_H */
