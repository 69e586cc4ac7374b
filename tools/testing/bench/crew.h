/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A crew: processes that do the same at once. A member may die of what it tries,
 * and its cause of death is a result too.
 */
#ifndef _BENCH_CREW_H
#define _BENCH_CREW_H

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CREW_MAX	16
/* Results below 0 are -errno, or one of these less a signal's number. */
#define DIED		(-1000L)

struct crew {
	int members;
	int start[2];	/* a pipe: a member starts when it reads the end */
	pid_t pids[CREW_MAX];
	long *results;	/* of each member, in shared memory */
};

static inline void crew_init(struct crew *crew, int members)
{
	crew->members = members;
	crew->results = mmap(NULL, CREW_MAX * sizeof(long), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crew->results == MAP_FAILED || pipe(crew->start))
		abort();
}

/* Called by a member: all go on together. */
static inline void crew_wait_for_start(struct crew *crew)
{
	char c;

	close(crew->start[1]);
	if (read(crew->start[0], &c, 1))
		abort();
}

/*
 * Begin a member that does nothing but work(). A glibc that gives up writes to the
 * terminal why; that belongs to the result, not to the output.
 */
static inline void crew_add(struct crew *crew, int member,
			    long (*work)(struct crew *crew, void *arg), void *arg)
{
	crew->pids[member] = fork();
	if (crew->pids[member] < 0)
		abort();
	if (crew->pids[member])
		return;
	if (dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO) < 0)
		abort();
	crew->results[member] = work(crew, arg);
	_exit(0);
}

static inline int crew_find(const struct crew *crew, pid_t pid)
{
	int i = 0;

	while (crew->pids[i] != pid)
		i++;
	return i;
}

/* Let them start, and wait for all. Return: the first failure of a member, or 0 */
static inline long crew_run(struct crew *crew)
{
	long failed = 0;

	clock_settle();
	close(crew->start[0]);
	close(crew->start[1]);
	for (int left = crew->members; left; left--) {
		int status;
		int i = crew_find(crew, wait(&status));

		if (WIFSIGNALED(status))
			crew->results[i] = DIED - WTERMSIG(status);
		if (crew->results[i] >= 0 || failed)
			continue;
		failed = crew->results[i];
		/* Waiting for a dead member would last for ever. */
		for (int j = 0; j < crew->members; j++)
			kill(crew->pids[j], SIGKILL);
	}
	return failed;
}

static inline void crew_exit(struct crew *crew)
{
	munmap(crew->results, CREW_MAX * sizeof(long));
}

/* work() in a process of its own. */
static inline long crew_alone(long (*work)(struct crew *crew, void *arg), void *arg)
{
	struct crew crew;
	long result;

	crew_init(&crew, 1);
	crew_add(&crew, 0, work, arg);
	crew_run(&crew);
	result = crew.results[0];
	crew_exit(&crew);
	return result;
}

#endif
