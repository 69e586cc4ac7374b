// SPDX-License-Identifier: GPL-2.0-only
/*
 * All at once: processes that share files and mappings map, split, move, fork and unmap as
 * fast as they can, while others read the charges. No model can predict the order, but the
 * limit holds at any time, and in the end nothing is left.
 */
#include <time.h>

#include "harness.h"
#include "ledger.h"

#define WORKERS		6
#define ROUNDS		3000
#define ENOUGH		100	/* however long they take */
#define SECONDS		15	/* for the others */
#define STORM_LIMIT	40	/* pages, less than all workers want */

FIXTURE(storm) {
	int fd[2];
	size_t page;
};

FIXTURE_SETUP(storm)
{
	self->page = page_size();
	ASSERT_EQ(0, module_load("size=64K"));
	self->fd[0] = open(DEVICE, O_RDWR);
	self->fd[1] = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd[1], 0);
	ASSERT_EQ(0, become_user(USER_A, STORM_LIMIT * self->page));
}

FIXTURE_TEARDOWN_PARENT(storm)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

/* Split a mapping; the last piece is unmapped at the end. */
static void split(char *map, size_t len, size_t page, __u64 *seed)
{
	size_t at = random_below(seed, len / page) * page;
	char *room;

	switch (random_below(seed, 3)) {
	case 0:
		munmap(map + at, page);
		break;
	case 1:
		mprotect(map + at, page, PROT_READ);
		break;
	case 2:
		room = mmap(NULL, page, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mremap(map + at, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, room);
		munmap(room, page);
		break;
	}
}

/* Parent and child split the same mapping at the same time. */
static void split_with_child(char *map, size_t len, size_t page, __u64 *seed)
{
	pid_t pid = fork();

	*seed += !pid;
	split(map, len, page, seed);
	split(map, len, page, seed);
	if (!pid)
		_exit(0);
	munmap(map, len);
	wait_for(pid);
}

/* Returns 0 if some mappings succeeded and some were refused. */
static int work(const int fd[2], size_t page, __u64 seed)
{
	time_t end = time(NULL) + SECONDS;
	int i, had = 0;

	for (i = 0; i < ENOUGH || (i < ROUNDS && time(NULL) < end); i++) {
		size_t len = (1 + random_below(&seed, 16)) * page;
		char *map = map_rw(fd[random_below(&seed, 2)], len);

		if (map == MAP_FAILED)
			continue;
		had++;
		(void)*(volatile char *)map;
		if (random_below(&seed, 4) == 0)
			split_with_child(map, len, page, &seed);
		else
			split(map, len, page, &seed);
		munmap(map, len);
	}
	return had > i / 100 && had < i ? 0 : 1;
}

/* The sum of the lines of fdinfo, or -1 if it differs from the line charged. */
static long sum_of_fdinfo(int fd)
{
	long sum = 0, charged = -1, price;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "charged: %ld", &price) == 1)
			charged = price;
		else if (sscanf(line, "mapping: model=%*s offset=%*d charged=%ld",
				&price) == 1)
			sum += price;
	}
	if (f)
		fclose(f);
	return sum == charged ? sum : -1;
}

/* Read until killed. Exits if anything that it reads is not possible. */
static pid_t fork_reader(const int fd[2], long limit)
{
	pid_t pid = fork();

	while (!pid) {
		long sum = sum_of_fdinfo(fd[0]);
		long total = device_attribute("charged");

		if (sum < 0 || sum > limit)
			_exit(1);
		if (total < 0 || user_locked(fd[0]) > limit)
			_exit(2);
	}
	return pid;
}

TEST_F_TIMEOUT(storm, never_exceeds_the_limit_and_leaves_nothing, 1200)
{
	pid_t pid[WORKERS], reader;
	__u64 seed = seed_or(0) * WORKERS + 1;
	int i;

	reader = fork_reader(self->fd, STORM_LIMIT * self->page);
	for (i = 0; i < WORKERS; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(work(self->fd, self->page, seed + i));
	}
	for (i = 0; i < WORKERS; i++)
		EXPECT_EQ(0, wait_for(pid[i]));
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(reader));
	EXPECT_EQ(0, charged(self->fd[0]));
	EXPECT_EQ(0, charged(self->fd[1]));
	EXPECT_EQ(0, user_locked(self->fd[0]));
}

TEST_HARNESS_MAIN
