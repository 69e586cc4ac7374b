/* SPDX-License-Identifier: GPL-2.0-only */
/* Children that may hang: the test waits for a limited time. */
#ifndef _SELFTESTS_XXSHM_WITHIN_H
#define _SELFTESTS_XXSHM_WITHIN_H

#include "device.h"

#define HANGS	-2	/* instead of an exit status */

/* As wait_for(), or HANGS if the child is still there after so many seconds. */
static inline int wait_within(pid_t pid, int seconds)
{
	time_t end = time(NULL) + seconds;
	siginfo_t info = {};

	while (!waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid) {
		if (time(NULL) > end)
			return HANGS;
		usleep(1000);
	}
	return wait_for(pid);
}

/*
 * The child has no standard output: the machine that runs the tests waits until the
 * last process has closed that, and a child that hangs for ever never does.
 */
static inline pid_t fork_silent(void)
{
	pid_t pid = fork();
	int null;

	if (!pid) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		close(null);
	}
	return pid;
}

#endif /* _SELFTESTS_XXSHM_WITHIN_H */
