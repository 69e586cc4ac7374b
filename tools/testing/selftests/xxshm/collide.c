// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads do different things to the same mapping at the same moment. The outcome must
 * be that of one order or of the other. If these differ, each is seen often: so the two
 * threads really collide.
 */
#include <pthread.h>
#include <setjmp.h>

#include "harness.h"
#include "ledger.h"
#include "meet.h"

#define ROUNDS	1000
#define SECONDS	4
#define ENOUGH	50	/* rounds, on a machine that is too busy for more */

FIXTURE(collide) {
	struct meeting *meeting;
	int fd;
	size_t page;
};

FIXTURE_SETUP(collide)
{
	self->page = page_size();
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one processor alone has no races");
	ASSERT_EQ(0, module_load("size=64K"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, become_user(USER_A, LIMIT * self->page));
	self->meeting = meeting_new(2, ROUNDS, SECONDS);
	ASSERT_NE(NULL, self->meeting);
	self->meeting->rounds_min = ENOUGH;
}

FIXTURE_TEARDOWN_PARENT(collide)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

/* Two threads, and their actions on the one-page mapping of thread 0. */
struct pair {
	struct meeting *meeting;
	int fd;
	size_t page;
	char *map;
	char *to;	/* an address that is free */
	int (*first)(struct pair *pair);	/* 0: 1 was first; 1: 0 was; 2: neither */
	void (*second)(struct pair *pair);
	int wrong;
};

/* An address that stays free, because nobody else maps anything meanwhile. */
static char *free_address(size_t len)
{
	char *addr = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	munmap(addr, len);
	return addr;
}

static int run_first(struct pair *pair)
{
	int outcome;

	pair->map = map_rw(pair->fd, pair->page);
	pair->to = free_address(pair->page);
	if (pair->map == MAP_FAILED)
		return 1;
	*pair->map = 'x';
	/* The touching thread is to make its page table entry. */
	madvise(pair->map, pair->page, MADV_DONTNEED);
	meet_askew(pair->meeting, 0);
	outcome = pair->first(pair);
	meet(pair->meeting);
	munmap(pair->map, pair->page);
	munmap(pair->to, pair->page);
	if (outcome < 2)
		aim(pair->meeting, !outcome);
	return outcome == 2 || user_locked(pair->fd) != 0;
}

static void *run_second(void *data)
{
	struct pair *pair = data;

	pin(1);
	while (begin(pair->meeting, 1)) {
		meet_askew(pair->meeting, 1);
		pair->second(pair);
		meet(pair->meeting);
	}
	return NULL;
}

/* Returns the number of errors. */
static int run_pair(struct pair *pair)
{
	pthread_t thread;

	pin(0);
	if (pthread_create(&thread, NULL, run_second, pair))
		return -1;
	while (begin(pair->meeting, 0))
		pair->wrong += run_first(pair);
	pthread_join(thread, NULL);
	return pair->wrong;
}

#define PAIR(...) { .meeting = self->meeting, .fd = self->fd,		\
		    .page = self->page, __VA_ARGS__ }

static int is_mapped(char *addr, size_t page)
{
	unsigned char resident;

	return !mincore(addr, page, &resident);
}

/* In a child, which has only the thread that forked. */
static int look_in_child(const struct pair *pair)
{
	int has = is_mapped(pair->map, pair->page);
	int has_moved = is_mapped(pair->to, pair->page);

	if (has + has_moved == 1 && user_locked(pair->fd) != (long)pair->page)
		return 4;
	return has + 2 * has_moved;
}

static int fork_and_look(struct pair *pair)
{
	pid_t pid = fork();

	if (!pid)
		_exit(look_in_child(pair));
	return wait_for(pid);
}

/* Either the child has the mapping and it is charged, or it has none. */
static int fork_with_or_without(struct pair *pair)
{
	int had = fork_and_look(pair);

	return had > 1 ? 2 : had;
}

static void unmap(struct pair *pair)
{
	munmap(pair->map, pair->page);
}

TEST_F_TIMEOUT(collide, fork_and_munmap, 600)
{
	struct pair pair = PAIR(.first = fork_with_or_without, .second = unmap);

	EXPECT_EQ(0, run_pair(&pair));
	EXPECT_HITS(self->meeting);
}

/* The child has the mapping at the old or at the new address, not at both. */
static int fork_before_or_after(struct pair *pair)
{
	switch (fork_and_look(pair)) {
	case 1: return 1;
	case 2: return 0;
	default: return 2;
	}
}

static void move(struct pair *pair)
{
	if (mremap(pair->map, pair->page, pair->page,
		   MREMAP_MAYMOVE | MREMAP_FIXED, pair->to) != pair->to)
		pair->wrong++;
}

TEST_F_TIMEOUT(collide, fork_and_mremap, 600)
{
	struct pair pair = PAIR(.first = fork_before_or_after, .second = move);

	EXPECT_EQ(0, run_pair(&pair));
	EXPECT_HITS(self->meeting);
}

static __thread sigjmp_buf no_mapping;

static void leave_touch(int sig)
{
	siglongjmp(no_mapping, 1);
}

/* The written byte, or a signal; never another page. */
static int touch(struct pair *pair)
{
	if (sigsetjmp(no_mapping, 1))
		return 0;
	return *(volatile char *)pair->map == 'x' ? 1 : 2;
}

TEST_F_TIMEOUT(collide, fault_and_munmap, 600)
{
	struct pair pair = PAIR(.first = touch, .second = unmap);

	ASSERT_NE(SIG_ERR, signal(SIGSEGV, leave_touch));
	EXPECT_EQ(0, run_pair(&pair));
	EXPECT_HITS(self->meeting);
}

/* A moving page is touched at the old address or at the new one. */
static int touch_either(struct pair *pair)
{
	volatile int had = touch(pair);

	if (had)
		return had;
	if (sigsetjmp(no_mapping, 1))
		return 2;
	return *(volatile char *)pair->to == 'x' ? 0 : 2;
}

TEST_F_TIMEOUT(collide, fault_and_mremap, 600)
{
	struct pair pair = PAIR(.first = touch_either, .second = move);

	ASSERT_NE(SIG_ERR, signal(SIGSEGV, leave_touch));
	EXPECT_EQ(0, run_pair(&pair));
	EXPECT_HITS(self->meeting);
}

/* While @len bytes are mapped or unmapped, the ioctl says 0 or all of them. */
static int ask(int fd, long len, int *wrong)
{
	struct xxshm_info info = {};

	*wrong += ioctl(fd, XXSHM_IOC_INFO, &info) != 0;
	*wrong += info.charged && info.charged != (__u64)len;
	*wrong += info.user_locked && info.user_locked != (__u64)len;
	return !info.charged;
}

TEST_F_TIMEOUT(collide, info_and_mmap, 600)
{
	struct meeting *meeting = self->meeting;
	size_t len = LIMIT * self->page;
	int wrong = 0;
	char *map;
	pid_t pid;

	if (fork_pair(&pid)) {
		while (begin(meeting, 1)) {
			map = map_rw(self->fd, len);
			wrong += map == MAP_FAILED;
			meet(meeting);
			munmap(map, len);
			meet(meeting);
		}
		_exit(wrong ? 1 : 0);
	}
	while (begin(meeting, 0)) {
		aim(meeting, !ask(self->fd, len, &wrong));
		meet(meeting);
		meet(meeting);
		wrong += charged(self->fd) != 0;
	}
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_HITS(meeting);
}

/* Returns 0 if mapping and unmapping succeeded. */
static int take(int fd, size_t len)
{
	char *map = map_rw(fd, len);

	return map == MAP_FAILED ? -1 : munmap(map, len);
}

/* Returns the number of refusals. */
static int take_often(int fd, size_t len)
{
	time_t start = time(NULL);
	int times, refused = 0;

	for (times = 0; times <= ENOUGH || time(NULL) <= start + SECONDS; times++)
		refused += take(fd, len) != 0;
	return refused;
}

/*
 * A step of few instructions is hit by running without rounds: each thread has a part of
 * the limit that the other one never needs.
 */
TEST_F_TIMEOUT(collide, who_keeps_to_his_part_is_not_refused, 600)
{
	size_t part = 3 * self->page, rest = (LIMIT - 3) * self->page;
	pid_t pid;

	if (fork_pair(&pid)) {
		while (!take(self->fd, part))
			;
		_exit(1);
	}
	EXPECT_EQ(0, take_often(self->fd, rest));
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(pid));
	EXPECT_EQ(0, user_locked(self->fd));
}

TEST_F_TIMEOUT(collide, who_is_refused_takes_no_room_from_others, 600)
{
	size_t all = LIMIT * self->page;
	pid_t pid;

	if (fork_pair(&pid)) {
		while (take(self->fd, all + self->page))
			;
		_exit(1);
	}
	EXPECT_EQ(0, take_often(self->fd, all));
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(pid));
}

/* Root without CAP_IPC_LOCK, which changes its real user. */
FIXTURE(users) {
	int fd;
	size_t page;
};

FIXTURE_SETUP(users)
{
	self->page = page_size();
	ASSERT_EQ(0, module_load("size=64K"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, set_memlock(LIMIT * self->page));
	ASSERT_EQ(0, drop_capability(CAP_IPC_LOCK));
}

FIXTURE_TEARDOWN_PARENT(users)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

/* For the calling thread only: the library's function changes all threads. */
static int be(uid_t uid)
{
	return syscall(SYS_setresuid, uid, 0, 0);
}

/* A file that a user opened keeps the user's ledger for as long as it is open. */
static int keep_ledger(uid_t uid)
{
	return be(uid) || open("/dev/null", O_RDONLY) < 0;
}

static long locked_by(int fd, uid_t uid)
{
	return be(uid) ? -1 : pages_locked(fd);
}

/* Map as one user and unmap as another. Returns the number of errors. */
static int map_and_change(int fd, size_t page, int rounds, __u64 seed)
{
	int wrong = 0;

	while (rounds--) {
		size_t len = (1 + random_below(&seed, LIMIT)) * page;
		uid_t uid = USER_A + random_below(&seed, 2);
		char *map;

		wrong += be(uid);
		map = map_rw(fd, len);
		wrong += pages_locked(fd) > LIMIT;
		wrong += be(USER_A + USER_B - uid);
		if (map != MAP_FAILED)
			munmap(map, len);
	}
	return wrong;
}

struct changer {
	int fd;
	size_t page;
	__u64 seed;
};

static void *map_until_exit(void *data)
{
	struct changer *changer = data;

	while (!map_and_change(changer->fd, changer->page, 1000, changer->seed++))
		;
	_exit(1);
}

/* One thread ends the process while the other is at work. */
static pid_t fork_changers(int fd, size_t page, __u64 seed)
{
	struct changer changer = { fd, page, seed + 1000 };
	pid_t pid = fork();
	pthread_t thread;

	if (pid)
		return pid;
	if (pthread_create(&thread, NULL, map_until_exit, &changer))
		_exit(1);
	_exit(map_and_change(fd, page, random_below(&seed, 100), seed) ? 1 : 0);
}

TEST_F_TIMEOUT(users, change_and_exit_while_mapping, 600)
{
	time_t start = time(NULL);
	int i;

	ASSERT_EQ(0, keep_ledger(USER_A));
	ASSERT_EQ(0, keep_ledger(USER_B));
	for (i = 1; i <= ENOUGH / 5 || (i <= ROUNDS && time(NULL) <= start + SECONDS); i++) {
		pid_t one = fork_changers(self->fd, self->page, 2 * i);
		pid_t other = fork_changers(self->fd, self->page, 2 * i + 1);

		EXPECT_EQ(0, wait_for(one));
		EXPECT_EQ(0, wait_for(other));
		EXPECT_EQ(0, locked_by(self->fd, USER_A));
		EXPECT_EQ(0, locked_by(self->fd, USER_B));
	}
}

TEST_HARNESS_MAIN
