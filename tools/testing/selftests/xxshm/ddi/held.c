// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults that find their page locked by another part of the kernel: on a device,
 * and on a driver's memory that is found page by page. A page stays locked until the
 * test lets it go; that it could is what shows that nobody waited for longer.
 */
#include <pthread.h>

#include "../harness.h"
#include "../within.h"
#include "holder.h"

#define PAGES	4
#define SECONDS	20	/* a page is held at most */

FIXTURE(held) {
	int fd;
	int holder;
	size_t page;
	size_t len;
	char *map;
};

FIXTURE_VARIANT(held) {
	int is_driver;
};

FIXTURE_VARIANT_ADD(held, device) {
	.is_driver = 0,
};

FIXTURE_VARIANT_ADD(held, driver) {
	.is_driver = 1,
};

FIXTURE_SETUP(held)
{
	struct probe_plan plan = {
		.handle[0] = { .maxprot = PROT_RWU, .callbacks = ALL_CALLBACKS },
	};

	self->page = page_size();
	self->len = PAGES * self->page;
	self->fd = probe_start(self->len);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, probe_plan(self->fd, &plan));
	self->holder = holder_start();
	ASSERT_GE(self->holder, 0);
	if (!variant->is_driver) {
		close(self->fd);
		ASSERT_EQ(0, module_remove("probe"));
		ASSERT_EQ(0, module_load("size=16K"));
		self->fd = open(DEVICE, O_RDWR);
	}
	self->map = map_rw(self->fd, self->len);
	ASSERT_NE(MAP_FAILED, self->map);
	memset(self->map, 'm', self->len);
}

FIXTURE_TEARDOWN_PARENT(held)
{
	EXPECT_EQ(0, holder_end());
}

/* Have the first page locked, and not mapped. */
static int hold(int holder, char *map, size_t len)
{
	struct holder_hold hold = { .addr = (unsigned long)map, .seconds = SECONDS };

	return ioctl(holder, HOLDER_IOC_HOLD, &hold) ?: madvise(map, len, MADV_DONTNEED);
}

#define HOLD() ASSERT_EQ(0, hold(self->holder, self->map, self->len))

/* Fails if it has been let go already, because its time was over. */
#define EXPECT_STILL_HELD() EXPECT_EQ(0, ioctl(self->holder, HOLDER_IOC_LET_GO))

/* Wait until a thread waits for what no signal ends but one that kills. */
static int wait_until_asleep(pid_t tid)
{
	return WITHIN(SECONDS / 2, task_state(tid) == 'D') - 1;
}

/* A child that touches the page in one of these ways, and waits by now; or -1. */
enum { READ, WRITE, FAULT_NO_RETRY, FAULT_TRIED };

static pid_t fork_toucher(int holder, volatile char *map, int how)
{
	struct holder_fault fault = {
		.addr = (unsigned long)map,
		.how = how == FAULT_TRIED ? HOLDER_TRIED : HOLDER_NO_RETRY,
	};
	pid_t pid = fork();

	if (pid)
		return wait_until_asleep(pid) ? -1 : pid;
	switch (how) {
	case READ:
		_exit(*map);
	case WRITE:
		*map = 'w';
		_exit(*map);
	}
	_exit(ioctl(holder, HOLDER_IOC_FAULT, &fault) ? 255 : *map);
}

/* The status of a child that is killed while it waits; -1: it does not wait. */
static int kill_toucher(int holder, char *map, int how)
{
	pid_t pid = fork_toucher(holder, map, how);

	return pid > 0 ? kill_and_wait(pid) : -1;
}

TEST_F(held, who_reads_can_be_killed)
{
	HOLD();
	EXPECT_EQ(128 + SIGKILL, kill_toucher(self->holder, self->map, READ));
	EXPECT_STILL_HELD();
}

TEST_F(held, who_writes_can_be_killed)
{
	HOLD();
	EXPECT_EQ(128 + SIGKILL, kill_toucher(self->holder, self->map, WRITE));
	EXPECT_STILL_HELD();
}

TEST_F(held, who_may_not_try_again_can_be_killed)
{
	HOLD();
	EXPECT_EQ(128 + SIGKILL, kill_toucher(self->holder, self->map, FAULT_NO_RETRY));
	EXPECT_STILL_HELD();
}

TEST_F(held, who_has_tried_before_can_be_killed)
{
	HOLD();
	EXPECT_EQ(128 + SIGKILL, kill_toucher(self->holder, self->map, FAULT_TRIED));
	EXPECT_STILL_HELD();
}

TEST_F(held, who_reads_goes_on)
{
	pid_t pid;

	HOLD();
	pid = fork_toucher(self->holder, self->map, READ);
	ASSERT_GT(pid, 0);
	EXPECT_STILL_HELD();
	EXPECT_EQ('m', wait_for(pid));
	EXPECT_EQ('m', self->map[0]);
}

TEST_F(held, who_writes_goes_on)
{
	pid_t pid;

	HOLD();
	pid = fork_toucher(self->holder, self->map, WRITE);
	ASSERT_GT(pid, 0);
	EXPECT_STILL_HELD();
	EXPECT_EQ('w', wait_for(pid));
	EXPECT_EQ('w', self->map[0]);
}

TEST_F(held, who_may_not_try_again_goes_on)
{
	pid_t pid;

	HOLD();
	pid = fork_toucher(self->holder, self->map, FAULT_NO_RETRY);
	ASSERT_GT(pid, 0);
	EXPECT_STILL_HELD();
	EXPECT_EQ('m', wait_for(pid));
	EXPECT_EQ('m', self->map[0]);
}

TEST_F(held, who_has_tried_before_goes_on)
{
	pid_t pid;

	HOLD();
	pid = fork_toucher(self->holder, self->map, FAULT_TRIED);
	ASSERT_GT(pid, 0);
	EXPECT_STILL_HELD();
	EXPECT_EQ('m', wait_for(pid));
	EXPECT_EQ('m', self->map[0]);
}

TEST_F(held, who_does_not_want_to_wait_does_not)
{
	__u64 addr = (unsigned long)self->map;

	HOLD();
	EXPECT_EQ(0, ioctl(self->holder, HOLDER_IOC_GET_NOWAIT, &addr));
	EXPECT_STILL_HELD();
	EXPECT_EQ(1, ioctl(self->holder, HOLDER_IOC_GET_NOWAIT, &addr));
}

/* Another thread of the process that touches the page, and waits by now. */
struct toucher {
	volatile char *map;
	pid_t tid;
	pthread_t thread;
	char seen;
};

static void *touch(void *arg)
{
	struct toucher *toucher = arg;

	__atomic_store_n(&toucher->tid, gettid(), __ATOMIC_RELEASE);
	toucher->seen = *toucher->map;
	return NULL;
}

static int start_toucher(struct toucher *toucher)
{
	if (pthread_create(&toucher->thread, NULL, touch, toucher))
		return -1;
	while (!__atomic_load_n(&toucher->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	return wait_until_asleep(toucher->tid);
}

TEST_F(held, threads_change_mappings_meanwhile)
{
	struct toucher toucher = { .map = self->map };
	char *other;

	HOLD();
	ASSERT_EQ(0, start_toucher(&toucher));
	other = mmap(NULL, self->page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_EQ(0, munmap(other, self->page));
	EXPECT_EQ(0, mprotect(self->map, self->len, PROT_READ));
	EXPECT_STILL_HELD();
	ASSERT_EQ(0, pthread_join(toucher.thread, NULL));
	EXPECT_EQ('m', toucher.seen);
}

/* The mapping, its file, and all else that could keep the module, goes meanwhile. */
TEST_F(held, who_waits_keeps_the_module)
{
	struct toucher toucher = { .map = self->map };

	HOLD();
	ASSERT_EQ(0, start_toucher(&toucher));
	ASSERT_EQ(self->map, mmap(self->map, self->len, PROT_READ, MAP_FIXED |
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	ASSERT_EQ(0, close(self->fd));
	EXPECT_NE(0, module_remove(variant->is_driver ? "probe" : MODULE));
	EXPECT_STILL_HELD();
	ASSERT_EQ(0, pthread_join(toucher.thread, NULL));
	EXPECT_EQ(0, toucher.seen);
}

/* The first access maps what mmap(2) could not. */
TEST_F(held, mmap_does_not_wait)
{
	char *map;

	HOLD();
	map = map_rw(self->fd, self->len);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_STILL_HELD();
	EXPECT_EQ('m', map[0]);
}

TEST_HARNESS_MAIN
