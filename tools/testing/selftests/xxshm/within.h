/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting with a limit, for children that may hang and for other events. */
#ifndef _SELFTESTS_XXSHM_WITHIN_H
#define _SELFTESTS_XXSHM_WITHIN_H

#include <sys/prctl.h>

#include "device.h"

#define HANGS	-2	/* instead of an exit status */

/* 1 as soon as the condition holds, 0 if it does not in that many seconds. */
#define WITHIN(seconds, condition)					\
({									\
	time_t last = time(NULL) + (seconds);				\
	int holds;							\
									\
	while (!(holds = !!(condition)) && time(NULL) <= last)		\
		usleep(10000);						\
	holds;								\
})

/* Has a child ended? The caller must still wait for it. */
static inline int has_ended(pid_t pid)
{
	siginfo_t info = {};

	return !waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) &&
	       info.si_pid == pid;
}

/* As wait_for(), or HANGS if the child has not exited in that many seconds. */
static inline int wait_within(int seconds, pid_t pid)
{
	return WITHIN(seconds, has_ended(pid)) ? wait_for(pid) : HANGS;
}

/* The same, but a child that hangs is killed. */
static inline int ends_within(int seconds, pid_t pid)
{
	int status = wait_within(seconds, pid);

	if (status == HANGS)
		kill_and_wait(pid);
	return status;
}

/*
 * A child that dies with its parent. It has no standard output: the virtual machine waits
 * until the last process has closed it, and a child that cannot be killed never does.
 */
static inline pid_t fork_bound(void)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(1);
	null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	close(null);
	return 0;
}

/* The state of a task as in /proc: 'R', 'S', 'D' ...; 0 if it is gone. */
static inline char task_state(pid_t tid)
{
	char path[32], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(f);
	return state;
}

/* Read a file of /proc/PID to its end; 0, or 1 if that fails or the file is empty. */
static inline int read_all_of(pid_t pid, const char *name)
{
	char path[64], buffer[4096];
	ssize_t len, sum = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY);
	do {
		len = read(fd, buffer, sizeof(buffer));
		sum += len;
	} while (len > 0);
	close(fd);
	return len < 0 || !sum;
}

/* A child that reads the files that ps(1) and others read; it exits with 0. */
static inline pid_t start_to_look_at(pid_t pid)
{
	pid_t child = fork_bound();

	if (!child)
		_exit(read_all_of(pid, "maps") || read_all_of(pid, "cmdline"));
	return child;
}

#endif /* _SELFTESTS_XXSHM_WITHIN_H */
