// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two processes on two processors do the same at the same moment, thousands of
 * times, so that what is not one step in the kernel comes apart.
 */
#include <sched.h>
#include <time.h>

#include "kselftest_harness.h"
#include "ledger.h"

#define ROUNDS	20000
#define ENOUGH	100	/* rounds, on a machine that is too busy for more */
#define SECONDS	15

/* In memory that both share. */
struct meeting {
	__u32 arrived;
	__u32 over;
	__u32 rounds;
	__u32 got[2];
	time_t start;
};

FIXTURE(race) {
	struct meeting *meeting;
	int fd;
	size_t page;
};

FIXTURE_SETUP(race)
{
	self->page = page_size();
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one processor alone has no races");
	ASSERT_EQ(0, module_load("size=64K"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, become_user(USER_A, LIMIT * self->page));
	self->meeting = mmap(NULL, sizeof(*self->meeting),
			     PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->meeting);
	self->meeting->start = time(NULL);
}

FIXTURE_TEARDOWN_PARENT(race)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

/* Go on together with the other. */
static void meet(struct meeting *meeting)
{
	__u32 n = __atomic_add_fetch(&meeting->arrived, 1, __ATOMIC_SEQ_CST);

	while (__atomic_load_n(&meeting->arrived, __ATOMIC_SEQ_CST) <
	       n + (n & 1))
		;
}

/* The one a little later than the other, each time by another little. */
static void meet_askew(struct meeting *meeting, int self)
{
	volatile int delay = self ? meeting->rounds % 256 : 128;

	meet(meeting);
	while (delay-- > 0)
		;
}

/* Begin a round together, or learn that there is none. */
static int begin(struct meeting *meeting, int self)
{
	if (!self) {
		meeting->rounds++;
		meeting->over = meeting->rounds > ROUNDS ||
				time(NULL) > meeting->start + SECONDS;
	}
	meet(meeting);
	meet_askew(meeting, self);
	return !meeting->over;
}

/* Become two: 0 in the one, 1 in the other, each on a processor of its own. */
static int fork_pair(pid_t *pid)
{
	cpu_set_t set;
	int self;

	*pid = fork();
	self = !*pid;
	CPU_ZERO(&set);
	CPU_SET(self, &set);
	if (*pid < 0 || sched_setaffinity(0, sizeof(set), &set))
		perror("fork_pair");
	return self;
}

/* How often not exactly one of the two got what only one can have. */
static int take_all(struct meeting *meeting, int fd, int self, size_t len)
{
	int wrong = 0;

	while (begin(meeting, self)) {
		char *map = map_rw(fd, len);

		meeting->got[self] = map != MAP_FAILED;
		meet(meeting);
		wrong += meeting->got[0] + meeting->got[1] != 1;
		wrong += user_locked(fd) != (long)len;
		meet(meeting);
		if (map != MAP_FAILED)
			munmap(map, len);
		meet(meeting);
	}
	return wrong;
}

TEST_F_TIMEOUT(race, one_of_two_gets_what_only_one_can_have, 120)
{
	size_t len = LIMIT * self->page;
	pid_t pid;

	if (fork_pair(&pid))
		_exit(take_all(self->meeting, self->fd, 1, len) ? 1 : 0);
	EXPECT_EQ(0, take_all(self->meeting, self->fd, 0, len));
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_GT(self->meeting->rounds, ENOUGH);
}

/* How often the ledger was not as two mappings leave it. */
static int map_and_unmap(struct meeting *meeting, int fd, int self, size_t len)
{
	int wrong = 0;

	while (begin(meeting, self)) {
		char *map = map_rw(fd, len);

		meet(meeting);
		wrong += user_locked(fd) != 2 * (long)len;
		meet_askew(meeting, self);
		munmap(map, len);
		meet(meeting);
		wrong += user_locked(fd) != 0;
		meet(meeting);
	}
	return wrong;
}

TEST_F_TIMEOUT(race, no_charge_is_lost, 120)
{
	size_t len = LIMIT / 2 * self->page;
	pid_t pid;

	if (fork_pair(&pid))
		_exit(map_and_unmap(self->meeting, self->fd, 1, len) ? 1 : 0);
	EXPECT_EQ(0, map_and_unmap(self->meeting, self->fd, 0, len));
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_GT(self->meeting->rounds, ENOUGH);
}

/* Each move makes a copy of the VMA, and drops the old one. */
static int move(struct meeting *meeting, char *map, int self, size_t len)
{
	int wrong = 0;
	char *other = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	while (begin(meeting, self)) {
		char *from = map;

		map = mremap(from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, other);
		wrong += map != other;
		other = from;
	}
	meet(meeting);
	munmap(map, len);
	return wrong;
}

TEST_F_TIMEOUT(race, no_reference_is_lost, 120)
{
	char *map = map_rw(self->fd, self->page);
	pid_t pid;

	ASSERT_NE(MAP_FAILED, map);
	if (fork_pair(&pid))
		_exit(move(self->meeting, map, 1, self->page) ? 1 : 0);
	EXPECT_EQ(0, move(self->meeting, map, 0, self->page));
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_GT(self->meeting->rounds, ENOUGH);
	EXPECT_EQ(0, user_locked(self->fd));
}

TEST_HARNESS_MAIN
