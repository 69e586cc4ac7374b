// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many processes map a new device with an empty window at once. One of them allocates the
 * window; the others wait and get the same memory, even if the first one is killed
 * meanwhile. The same for a driver's memory that nobody has mapped yet.
 */
#include <sys/sysinfo.h>

#include "ddi/driver.h"
#include "harness.h"
#include "ledger.h"
#include "meet.h"

#define CROWD	16
#define FEW	4
#define ROUNDS	24	/* each with a device of its own */
#define SECONDS	10
#define ENOUGH	4	/* rounds, however long they take */

FIXTURE(crowd) {
	size_t len;
	long npages;
};

static const char *path_of(int device)
{
	static char path[32];

	snprintf(path, sizeof(path), "/dev/xxshm%d", device);
	return path;
}

static int open_device(int device)
{
	return open(path_of(device), O_RDWR | O_CLOEXEC);
}

FIXTURE_SETUP(crowd)
{
	int i;

	self->len = 4 * HUGE_SIZE;
	self->npages = self->len / page_size();
	ASSERT_EQ(0, module_load("instances=24 size=8M"));
	for (i = 0; i < ROUNDS; i++)
		ASSERT_EQ(0, chmod(path_of(i), 0666));
	ASSERT_EQ(0, become_user(USER_A, CROWD * self->len));
}

FIXTURE_TEARDOWN_PARENT(crowd)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

/* Each member writes its number into the memory, and finds those of all others. */
static int find_the_others(struct meeting *meeting, char *map, int self)
{
	int i, wrong = 0;

	map[self * page_size()] = 'a' + self;
	meet(meeting);
	for (i = 0; i < CROWD; i++)
		wrong += map[i * page_size()] != 'a' + i;
	return wrong;
}

/* Returns the number of errors; @meeting->got[0] counts early members. */
static int map_together(struct meeting *meeting, int self, size_t len)
{
	int i, fd, wrong = 0;
	char *map;

	for (i = 0; begin(meeting, self); i++) {
		fd = open_device(i);
		__atomic_add_fetch(&meeting->got[0], !is_allocated(fd),
				   __ATOMIC_SEQ_CST);
		map = map_rw(fd, len);
		close(fd);
		if (map == MAP_FAILED)
			_exit(1);
		wrong += !is_zero(map, len);
		meet(meeting);
		wrong += find_the_others(meeting, map, self);
		munmap(map, len);
		meet(meeting);
	}
	return wrong;
}

/* Half of the memory is more than others put into the page cache. */
#define EXPECT_ALLOCATED(windows, before)				\
do {									\
	long allocated_pages = cached_pages() - (before);		\
									\
	EXPECT_LT(labs(allocated_pages - (windows) * self->npages),	\
		  self->npages / 2);					\
} while (0)

TEST_F_TIMEOUT(crowd, shares_one_allocation, 900)
{
	struct meeting *meeting = meeting_new(CROWD, ROUNDS, SECONDS);
	long before = cached_pages();
	pid_t pid[CROWD];
	int i;

	meeting->rounds_min = ENOUGH;
	for (i = 0; i < CROWD; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(map_together(meeting, i, self->len));
	}
	for (i = 0; i < CROWD; i++)
		EXPECT_EQ(0, wait_for(pid[i]));
	TH_LOG("%u rounds, %u came before the memory was there",
	       meeting->rounds - 1, meeting->got[0]);
	EXPECT_GT(meeting->rounds, ENOUGH);
	EXPECT_GT(meeting->got[0], 2 * meeting->rounds);
	EXPECT_ALLOCATED((long)meeting->rounds - 1, before);
}

/* Free memory, in bytes. The allocation of a large page shows at once. */
static __u64 free_memory(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return (__u64)info.freeram * info.mem_unit;
}

/*
 * Mapper 0 begins alone, so that it allocates. @meeting->got[0]: the others may begin;
 * @meeting->got[1]: mapper 0 has finished.
 */
static pid_t fork_mapper(struct meeting *meeting, int fd, int self, size_t len)
{
	pid_t pid = fork();
	char *map;

	if (!pid) {
		meet(meeting);
		while (self && !__atomic_load_n(&meeting->got[0], __ATOMIC_SEQ_CST))
			usleep(100);
		map = map_rw(fd, len);
		meeting->got[1] |= !self;
		_exit(map != MAP_FAILED && is_zero(map, len) ? 0 : 1);
	}
	return pid;
}

/* Until mapper 0 has got its first large page. */
static void wait_for_first_page(struct meeting *meeting)
{
	__u64 before = free_memory();

	meet(meeting);
	while (free_memory() + HUGE_SIZE > before)
		if (__atomic_load_n(&meeting->got[1], __ATOMIC_SEQ_CST))
			break;
}

/* Returns 1 if the allocating member was killed, 0 if it had finished. */
static int kill_one(struct __test_metadata *_metadata, struct meeting *meeting,
		    int fd, size_t len)
{
	pid_t pid[FEW];
	int i, status, hit;

	meeting->got[0] = 0;
	meeting->got[1] = 0;
	for (i = 0; i < FEW; i++)
		pid[i] = fork_mapper(meeting, fd, i, len);
	wait_for_first_page(meeting);
	__atomic_store_n(&meeting->got[0], 1, __ATOMIC_SEQ_CST);
	status = kill_and_wait(pid[0]);
	hit = !meeting->got[1] && !is_allocated(fd);
	EXPECT_TRUE(!status || status == 128 + SIGKILL);
	for (i = 1; i < FEW; i++)
		EXPECT_EQ(0, wait_for(pid[i]));
	EXPECT_EQ(1, is_allocated(fd));
	return hit;
}

TEST_F_TIMEOUT(crowd, goes_on_when_one_is_killed, 900)
{
	struct meeting *meeting = meeting_new(FEW + 1, ROUNDS, SECONDS);
	long before = cached_pages();
	int i, fd, hits = 0;

	for (i = 0; i < ROUNDS; i++) {
		fd = open_device(i);
		ASSERT_GE(fd, 0);
		hits += kill_one(_metadata, meeting, fd, self->len);
		EXPECT_EQ(0, user_locked(fd));
		close(fd);
	}
	TH_LOG("killed %d times while it allocated, %d times after",
	       hits, ROUNDS - hits);
	EXPECT_GT(hits, 0);
	EXPECT_ALLOCATED(ROUNDS, before);
}

FIXTURE(driver) {
	int fd;
	size_t len;
};

/* A member that calls segmap() meanwhile makes others get another handle. */
FIXTURE_SETUP(driver)
{
	struct probe_plan plan = {};
	int i;

	self->len = HUGE_SIZE;
	self->fd = probe_start(self->len);
	ASSERT_GE(self->fd, 0);
	for (i = 0; i < PROBE_HANDLES; i++)
		plan.handle[i].maxprot = PROT_RWU;
	ASSERT_EQ(0, probe_plan(self->fd, &plan));
}

FIXTURE_TEARDOWN_PARENT(driver)
{
	EXPECT_EQ(0, probe_unload());
}

/* Member 0 makes the driver get new memory, and forgets all mappings. */
static int renew(struct meeting *meeting, int fd, size_t len)
{
	meeting->got[1] = 0;
	return probe_alloc(fd, 0, len, DDI_UMEM_SLEEP) != PROBE_GOOD;
}

/* The driver is asked by one process at a time. */
static int find_all_in_driver(int fd)
{
	int i, wrong = 0;

	for (i = 0; i < CROWD; i++)
		wrong += probe_peek(fd, 0, i * page_size()) != 'a' + i;
	return wrong;
}

/* Each member checks its memory. Members without a mapping keep step with them. */
static int look_at_new_memory(struct meeting *meeting, int fd, char *map, int self,
			      size_t len)
{
	int wrong = map == MAP_FAILED || !is_zero(map, len);

	meet(meeting);
	if (map == MAP_FAILED) {
		meet(meeting);
		return wrong;
	}
	wrong += find_the_others(meeting, map, self);
	if (!self)
		wrong += find_all_in_driver(fd);
	munmap(map, len);
	return wrong;
}

/*
 * Returns the number of errors. @meeting->got[0] counts members that came before anybody
 * had a mapping, @meeting->got[1] those that have one.
 */
static int map_new_memory(struct meeting *meeting, int fd, int self, size_t len)
{
	int wrong = 0;
	char *map;

	while (begin(meeting, self)) {
		if (!self)
			wrong += renew(meeting, fd, len);
		meet(meeting);
		__atomic_add_fetch(&meeting->got[0],
				   !__atomic_load_n(&meeting->got[1], __ATOMIC_SEQ_CST),
				   __ATOMIC_SEQ_CST);
		map = map_rw(fd, len);
		__atomic_add_fetch(&meeting->got[1], 1, __ATOMIC_SEQ_CST);
		wrong += look_at_new_memory(meeting, fd, map, self, len);
		meet(meeting);
	}
	return wrong;
}

TEST_F_TIMEOUT(driver, publishes_its_memory_once, 900)
{
	struct meeting *meeting = meeting_new(CROWD, ROUNDS, SECONDS);
	pid_t pid[CROWD];
	int i;

	meeting->rounds_min = ENOUGH;
	for (i = 0; i < CROWD; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(map_new_memory(meeting, self->fd, i, self->len));
	}
	for (i = 0; i < CROWD; i++)
		EXPECT_EQ(0, wait_for(pid[i]));
	TH_LOG("%u rounds, %u came before anybody had mapped it",
	       meeting->rounds - 1, meeting->got[0]);
	EXPECT_GT(meeting->rounds, ENOUGH);
	EXPECT_GT(meeting->got[0], 2 * meeting->rounds);
}

TEST_HARNESS_MAIN
