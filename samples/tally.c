// SPDX-License-Identifier: GPL-2.0-only
/*
 * A counter in kernel memory that processes fight over.
 *
 *   tally DEVICE init             set up the mutex, once
 *   tally DEVICE count ROUNDS     add 1 ROUNDS times, under the mutex
 *   tally DEVICE show             print the counter
 *
 * Shows: a process-shared robust mutex works in a window. The counter is read
 * and written in two steps with a pause between them, so that without the
 * mutex the processes would lose counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct tally {
	pthread_mutex_t mutex;
	unsigned int counter;
};

static int init(struct tally *tally)
{
	pthread_mutexattr_t attr;

	tally->counter = 0;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	return pthread_mutex_init(&tally->mutex, &attr);
}

static int count(struct tally *tally, int rounds)
{
	while (rounds--) {
		int err = pthread_mutex_lock(&tally->mutex);
		unsigned int seen;

		if (err == EOWNERDEAD)	/* its holder died: take over */
			err = pthread_mutex_consistent(&tally->mutex);
		if (err)
			return err;
		seen = tally->counter;
		sched_yield();
		tally->counter = seen + 1;
		pthread_mutex_unlock(&tally->mutex);
	}
	return 0;
}

int main(int argc, char **argv)
{
	/* The second page of the window: the board of the other sample has the first. */
	long offset = sysconf(_SC_PAGESIZE);
	struct tally *tally;
	int fd, err = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: tally DEVICE init | count ROUNDS | show\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	tally = fd < 0 ? MAP_FAILED :
		mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, offset);
	if (tally == MAP_FAILED) {
		fprintf(stderr, "tally: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	if (!strcmp(argv[2], "init"))
		err = init(tally);
	else if (!strcmp(argv[2], "count") && argc == 4)
		err = count(tally, atoi(argv[3]));
	else
		printf("%u\n", tally->counter);
	if (err)
		fprintf(stderr, "tally: the mutex failed: %s\n", strerror(err));
	return !!err;
}
