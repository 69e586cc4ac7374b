// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a driver is told of a mapping: map(), access(), dup() and unmap() with all
 * their arguments, and what it does to it: remap, invalidate, load, unload.
 */
#include <sys/time.h>

#include "../harness.h"
#include "driver.h"

#define PAGES	8

FIXTURE(callback) {
	struct probe_plan plan;
	struct probe_events events;
	int fd;
	size_t page;
	char *map;
};

FIXTURE_SETUP(callback)
{
	self->page = page_size();
	self->fd = probe_start(PAGES * self->page);
	ASSERT_GE(self->fd, 0);
	self->plan.handle[0].maxprot = PROT_RWU;
	self->plan.handle[0].callbacks = NO_ACCESS;
}

FIXTURE_TEARDOWN_PARENT(callback)
{
	EXPECT_EQ(0, probe_unload());
}

/* Map by the plan, and forget that map() was called. */
#define MAP(npages) do {							\
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));			\
	self->map = map_rw(self->fd, (npages) * self->page);			\
	ASSERT_NE(MAP_FAILED, self->map);					\
	probe_events(self->fd);							\
} while (0)

#define EXPECT_EVENTS(n) do {							\
	self->events = probe_events(self->fd);					\
	EXPECT_EQ(n, self->events.count);					\
} while (0)

/* Offset and length in pages. */
#define EXPECT_EVENT(i, name, number, at, n, first, second, value) do {	\
	struct probe_event *event = &self->events.event[i];			\
										\
	EXPECT_EQ(name, event->what);						\
	EXPECT_EQ(number, event->handle);					\
	EXPECT_EQ((at) * (long)self->page, event->off);				\
	EXPECT_EQ((n) * self->page, event->len);				\
	EXPECT_EQ(first, event->other[0]);					\
	EXPECT_EQ(second, event->other[1]);					\
	EXPECT_EQ(value, event->pvt);						\
} while (0)

/* 16 is the pvtp of the first handle; dup() adds 16, unmap() 32 and 64. */

TEST_F(callback, map_comes_once_for_each_handle)
{
	self->plan.handle[0].len = 2 * self->page;
	self->plan.handle[1] = self->plan.handle[0];
	self->plan.handle[1].len = 0;
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	ASSERT_NE(MAP_FAILED, map_rw(self->fd, 5 * self->page));
	EXPECT_EVENTS(2);
	EXPECT_EVENT(0, PROBE_MAP, 1, 0, 2, 0, 0, 16);
	EXPECT_EVENT(1, PROBE_MAP, 2, 2, 3, 0, 0, 17);
	EXPECT_EQ(MAP_SHARED, self->events.event[0].rw);
}

TEST_F(callback, map_that_fails_is_enxio_and_undone)
{
	self->plan.handle[0].len = 2 * self->page;
	self->plan.handle[1] = self->plan.handle[0];
	self->plan.handle[1].len = 0;
	self->plan.handle[1].map_error = ENOMEM;
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	EXPECT_EQ(MAP_FAILED, map_rw(self->fd, 5 * self->page));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EVENTS(3);
	EXPECT_EVENT(2, PROBE_UNMAP, 1, 0, 2, 0, 0, 16);
}

TEST_F(callback, unmap_of_the_whole)
{
	MAP(4);
	ASSERT_EQ(0, munmap(self->map, 4 * self->page));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 1, 0, 4, 0, 0, 16);
}

TEST_F(callback, unmap_of_the_head)
{
	MAP(4);
	ASSERT_EQ(0, munmap(self->map, self->page));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 1, 0, 1, 0, 1, 16);
	ASSERT_EQ(0, munmap(self->map + self->page, 3 * self->page));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 1, 1, 3, 0, 0, 16 + 64);
}

TEST_F(callback, unmap_of_the_tail)
{
	MAP(4);
	ASSERT_EQ(0, munmap(self->map + 3 * self->page, self->page));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 1, 3, 1, 1, 0, 16);
	ASSERT_EQ(0, munmap(self->map, 3 * self->page));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 1, 0, 3, 0, 0, 16 + 32);
}

TEST_F(callback, unmap_of_the_middle)
{
	MAP(4);
	ASSERT_EQ(0, munmap(self->map + self->page, self->page));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 1, 1, 1, 1, 2, 16);
	ASSERT_EQ(0, munmap(self->map, 4 * self->page));
	EXPECT_EVENTS(2);
	EXPECT_EVENT(0, PROBE_UNMAP, 1, 0, 1, 0, 0, 16 + 32);
	EXPECT_EVENT(1, PROBE_UNMAP, 2, 2, 2, 0, 0, 16 + 64);
}

/* On Solaris the lengths of the later handles are wrong. */
TEST_F(callback, unmap_across_handles_comes_once_for_each)
{
	self->plan.handle[0].len = 2 * self->page;
	self->plan.handle[1] = self->plan.handle[0];
	self->plan.handle[2] = self->plan.handle[0];
	MAP(6);
	ASSERT_EQ(0, munmap(self->map + self->page, 4 * self->page));
	EXPECT_EVENTS(3);
	EXPECT_EVENT(0, PROBE_UNMAP, 1, 1, 1, 1, 0, 16);
	EXPECT_EVENT(1, PROBE_UNMAP, 2, 2, 2, 0, 0, 17);
	EXPECT_EVENT(2, PROBE_UNMAP, 3, 4, 1, 0, 3, 18);
	ASSERT_EQ(0, munmap(self->map + 5 * self->page, self->page));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 3, 5, 1, 0, 0, 18 + 64);
}

TEST_F(callback, exit_unmaps)
{
	pid_t pid = fork();

	if (!pid) {
		MAP(3);
		_exit(0);
	}
	ASSERT_EQ(0, wait_for(pid));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 1, 0, 3, 0, 0, 16);
}

TEST_F(callback, replacing_unmaps)
{
	MAP(3);
	ASSERT_EQ(self->map, mmap(self->map, self->page, PROT_NONE, MAP_FIXED |
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 1, 0, 1, 0, 1, 16);
}

TEST_F(callback, splitting_and_moving_tell_nothing)
{
	char *room;

	MAP(4);
	ASSERT_EQ(0, mprotect(self->map + self->page, self->page, PROT_READ));
	room = mmap(NULL, 4 * self->page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, room);
	ASSERT_EQ(room, mremap(self->map, self->page, self->page,
			       MREMAP_MAYMOVE | MREMAP_FIXED, room));
	EXPECT_EVENTS(0);
	room[0] = 'm';
	EXPECT_EQ('m', probe_peek(self->fd, 0, 0));
	ASSERT_EQ(0, munmap(room, self->page));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 1, 0, 1, 0, 1, 16);
}

/* In pieces, the rest of the story adds up. */
TEST_F(callback, pieces_are_unmapped_one_by_one)
{
	unsigned int i;
	__u64 sum = 0;

	MAP(4);
	ASSERT_EQ(0, mprotect(self->map + self->page, self->page, PROT_READ));
	ASSERT_EQ(0, munmap(self->map, 4 * self->page));
	self->events = probe_events(self->fd);
	ASSERT_EQ(3, self->events.count);
	for (i = 0; i < 3; i++)
		sum += self->events.event[i].len;
	EXPECT_EQ(4 * self->page, sum);
}

/* Wait in a forked child until the parent has looked at the events. */
static pid_t fork_waiting(int fd[2])
{
	char byte;
	pid_t pid;

	if (pipe(fd))
		return -1;
	pid = fork();
	if (!pid) {
		close(fd[1]);
		_exit(read(fd[0], &byte, 1));
	}
	close(fd[0]);
	return pid;
}

TEST_F(callback, fork_dups_and_the_child_unmaps)
{
	int wait[2];
	pid_t pid;

	MAP(2);
	pid = fork_waiting(wait);
	EXPECT_EVENTS(1);
	EXPECT_EQ(PROBE_DUP, self->events.event[0].what);
	EXPECT_EQ(1, self->events.event[0].handle);
	EXPECT_EQ(2, self->events.event[0].other[0]);
	close(wait[1]);
	ASSERT_EQ(0, wait_for(pid));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 2, 0, 2, 0, 0, 16 + 16);
	ASSERT_EQ(0, munmap(self->map, 2 * self->page));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 1, 0, 2, 0, 0, 16);
}

/* A handle with several VMAs is copied once. */
TEST_F(callback, fork_of_pieces_dups_each_handle_once)
{
	int wait[2];
	pid_t pid;

	MAP(4);
	ASSERT_EQ(0, mprotect(self->map + self->page, self->page, PROT_READ));
	pid = fork_waiting(wait);
	EXPECT_EVENTS(1);
	close(wait[1]);
	ASSERT_EQ(0, wait_for(pid));
	EXPECT_EVENTS(3);
}

TEST_F(callback, fork_without_dup_copies_the_drivers_own)
{
	int wait[2];
	pid_t pid;

	self->plan.handle[0].callbacks = PROBE_MAP | PROBE_UNMAP;
	MAP(2);
	pid = fork_waiting(wait);
	EXPECT_EVENTS(0);
	close(wait[1]);
	ASSERT_EQ(0, wait_for(pid));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 2, 0, 2, 0, 0, 16);
}

/* What no VMA of the child has is unmapped in it with the rest. */
TEST_F(callback, part_that_is_not_forked)
{
	int wait[2];
	pid_t pid;

	MAP(4);
	ASSERT_EQ(0, madvise(self->map, self->page, MADV_DONTFORK));
	pid = fork_waiting(wait);
	EXPECT_EVENTS(1);
	close(wait[1]);
	ASSERT_EQ(0, wait_for(pid));
	EXPECT_EVENTS(2);
	EXPECT_EVENT(0, PROBE_UNMAP, 2, 1, 3, 2, 0, 32);
	EXPECT_EVENT(1, PROBE_UNMAP, 2, 0, 1, 0, 0, 32 + 32);
}

TEST_F(callback, dup_that_fails_leaves_the_child_without)
{
	self->plan.handle[0].dup_error = ENOMEM;
	MAP(2);
	self->map[0] = 'a';
	EXPECT_EQ(SIGSEGV, signal_of_touching(self->map));
	EXPECT_EQ('a', self->map[0]);
	EXPECT_EVENTS(1);
	EXPECT_EQ(PROBE_DUP, self->events.event[0].what);
}

/* And the driver is not asked about the copy that it refused. */
TEST_F(callback, dup_that_fails_is_not_asked)
{
	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	self->plan.handle[0].dup_error = ENOMEM;
	MAP(2);
	EXPECT_EQ(SIGSEGV, signal_of_touching(self->map));
	EXPECT_EVENTS(1);
	EXPECT_EQ(PROBE_DUP, self->events.event[0].what);
}

TEST_F(callback, access_comes_on_first_touch_of_each_page)
{
	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	MAP(3);
	EXPECT_EQ(0, *(volatile char *)(self->map + self->page));
	self->map[2 * self->page] = 1;
	self->map[self->page] = 1;
	EXPECT_EQ(0, madvise(self->map, 3 * self->page, MADV_DONTNEED));
	EXPECT_EQ(1, self->map[self->page]);
	EXPECT_EVENTS(2);
	EXPECT_EVENT(0, PROBE_ACCESS, 1, 1, 1, 0, 0, 16);
	EXPECT_EQ(1, self->events.event[0].rw);
	EXPECT_EVENT(1, PROBE_ACCESS, 1, 2, 1, 0, 0, 16);
	EXPECT_EQ(2, self->events.event[1].rw);
}

TEST_F(callback, access_may_load_more)
{
	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	self->plan.handle[0].loads = 1;
	MAP(3);
	self->map[0] = 1;
	self->map[2 * self->page] = 1;
	EXPECT_EVENTS(1);
}

TEST_F(callback, access_that_fails_is_sigbus)
{
	self->plan.handle[0].callbacks = PROBE_ACCESS;
	self->plan.handle[0].access_error = EIO;
	MAP(1);
	EXPECT_EQ(SIGBUS, signal_of_touching(self->map));
}

static volatile sig_atomic_t signals;

static void count_signal(int signal)
{
	signals++;
}

/* Have signals come, again and again: one may be handled before access() waits. */
static int let_signals_come(void)
{
	struct sigaction action = { .sa_handler = count_signal };
	struct itimerval often = { { 0, 100000 }, { 0, 100000 } };

	signals = 0;
	return sigaction(SIGALRM, &action, NULL) ?: setitimer(ITIMER_REAL, &often, NULL);
}

TEST_F(callback, access_that_a_signal_interrupts_comes_again)
{
	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	self->plan.handle[0].what = PROBE_SIGNAL;
	MAP(2);
	ASSERT_EQ(0, let_signals_come());
	self->map[0] = 's';
	EXPECT_GT(signals, 0);
	EXPECT_EQ('s', probe_peek(self->fd, 0, 0));
	EXPECT_EVENTS(2);
	EXPECT_EVENT(0, PROBE_ACCESS, 1, 0, 1, 0, 0, 16);
	EXPECT_EVENT(1, PROBE_ACCESS, 1, 0, 1, 0, 0, 16);
}

/* A system call would try for ever: the signal is not handled before it has ended. */
TEST_F(callback, access_for_a_system_call_that_is_interrupted_is_efault)
{
	int zero = open("/dev/zero", O_RDONLY);

	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	self->plan.handle[0].access_error = EINTR;
	MAP(2);
	EXPECT_EQ(-1, read(zero, self->map, self->page));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(callback, access_that_is_always_interrupted_can_be_killed)
{
	pid_t pid;

	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	self->plan.handle[0].access_error = EINTR;
	MAP(2);
	pid = fork();
	if (!pid)
		_exit(self->map[0]);
	while (probe_events(self->fd).count < 10)
		usleep(1000);
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(pid));
}

TEST_F(callback, access_comes_again_after_unload)
{
	struct probe_call call = { .what = PROBE_UNLOAD, .handle = 1,
				   .off = self->page, .len = self->page };

	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	MAP(3);
	memset(self->map, 'a', 3 * self->page);
	EXPECT_EVENTS(3);
	EXPECT_EQ(0, probe_call(self->fd, call));
	EXPECT_EQ('a', self->map[0]);
	EXPECT_EQ('a', self->map[self->page]);
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_ACCESS, 1, 1, 1, 0, 0, 16);
	/* 0 is all that follow. */
	call.len = 0;
	EXPECT_EQ(0, probe_call(self->fd, call));
	EXPECT_EQ('a', self->map[0]);
	EXPECT_EQ('a', self->map[2 * self->page]);
	EXPECT_EVENTS(1);
}

TEST_F(callback, child_is_asked_for_itself)
{
	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	MAP(1);
	self->map[0] = 1;
	EXPECT_EVENTS(1);
	EXPECT_EQ(0, signal_of_touching(self->map));
	self->map[0] = 1;
	EXPECT_EVENTS(3);
	EXPECT_EQ(PROBE_DUP, self->events.event[0].what);
	EXPECT_EVENT(1, PROBE_ACCESS, 2, 0, 1, 0, 0, 32);
	EXPECT_EQ(PROBE_UNMAP, self->events.event[2].what);
}

/* Another mapping of the same memory only has its page tables made anew. */
TEST_F(callback, unmap_of_the_whole_may_unload_it)
{
	char *other;

	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	self->plan.handle[0].what = PROBE_UNLOAD_AT_END;
	MAP(2);
	other = map_rw(self->fd, self->page);
	ASSERT_NE(MAP_FAILED, other);
	self->map[0] = 'u';
	EXPECT_EQ('u', other[0]);
	probe_events(self->fd);
	ASSERT_EQ(0, munmap(self->map, 2 * self->page));
	EXPECT_EVENTS(1);
	EXPECT_EVENT(0, PROBE_UNMAP, 1, 0, 2, 0, 0, 16);
	EXPECT_EQ(0, self->events.event[0].rw);
	EXPECT_EQ('u', other[0]);
}

TEST_F(callback, load_saves_the_question)
{
	struct probe_call call = { .what = PROBE_LOAD, .handle = 1 };

	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	MAP(2);
	EXPECT_EQ(0, probe_call(self->fd, call));
	memset(self->map, 'a', 2 * self->page);
	EXPECT_EVENTS(0);
}

TEST_F(callback, load_outside_the_handle_is_refused)
{
	const struct { __s64 off; __u64 len; } wrong[] = {
		{ -(__s64)self->page, self->page }, { 2 * self->page, self->page },
		{ self->page, self->page + 1 }, { 0, ~0ULL }, { (__s64)1 << 63, 1 },
	};
	struct probe_call call = { .handle = 1 };
	size_t i;

	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	MAP(2);
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		call.off = wrong[i].off;
		call.len = wrong[i].len;
		call.what = PROBE_LOAD;
		EXPECT_EQ(EINVAL << 8 | 3, probe_call(self->fd, call));
		call.what = PROBE_UNLOAD;
		EXPECT_EQ(EINVAL << 8 | 3, probe_call(self->fd, call));
	}
}

/* Without access() there is nothing to be asked again: the page is taken and comes. */
TEST_F(callback, unload_without_access)
{
	struct probe_call call = { .handle = 1, .what = PROBE_UNLOAD };

	self->plan.handle[0].callbacks = PROBE_MAP;
	MAP(2);
	self->map[self->page] = 'a';
	EXPECT_EQ(0, probe_call(self->fd, call));
	EXPECT_EQ('a', self->map[self->page]);
	EXPECT_EVENTS(0);
}

/* A driver has the callbacks that it needs. */
TEST_F(callback, dup_alone)
{
	self->plan.handle[0].callbacks = PROBE_DUP;
	MAP(2);
	EXPECT_EQ(0, signal_of_touching(self->map));
	ASSERT_EQ(0, munmap(self->map, 2 * self->page));
	EXPECT_EVENTS(1);
	EXPECT_EQ(PROBE_DUP, self->events.event[0].what);
}

TEST_F(callback, unmap_alone)
{
	self->plan.handle[0].callbacks = PROBE_UNMAP;
	MAP(2);
	ASSERT_EQ(0, munmap(self->map, 2 * self->page));
	EXPECT_EVENTS(1);
	EXPECT_EQ(PROBE_UNMAP, self->events.event[0].what);
}

TEST_F(callback, access_alone)
{
	self->plan.handle[0].callbacks = PROBE_ACCESS;
	MAP(2);
	self->map[0] = 'a';
	ASSERT_EQ(0, munmap(self->map, 2 * self->page));
	EXPECT_EVENTS(1);
	EXPECT_EQ(PROBE_ACCESS, self->events.event[0].what);
}

TEST_F(callback, remap_shows_other_memory_and_back)
{
	struct probe_call call = { .what = PROBE_REMAP, .handle = 1, .slot = 1,
				   .off = 2 * self->page, .len = 2 * self->page,
				   .maxprot = PROT_RWU };

	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	MAP(2);
	self->map[self->page] = 'a';
	EXPECT_EQ(0, probe_call(self->fd, call));
	EXPECT_EQ(0, self->map[self->page]);
	self->map[self->page] = 'b';
	EXPECT_EQ('b', probe_peek(self->fd, 1, 3 * self->page));
	call.slot = 0;
	call.off = 0;
	EXPECT_EQ(0, probe_call(self->fd, call));
	EXPECT_EQ('a', self->map[self->page]);
}

/* What access() had been asked for is to be asked for again. */
TEST_F(callback, access_comes_again_after_remap)
{
	struct probe_call call = { .what = PROBE_REMAP, .handle = 1, .slot = 1,
				   .len = 2 * self->page, .maxprot = PROT_RWU };

	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	MAP(2);
	self->map[0] = 'a';
	EXPECT_EVENTS(1);
	ASSERT_EQ(0, probe_call(self->fd, call));
	self->map[0] = 'b';
	self->map[1] = 'c';
	EXPECT_EVENTS(1);
	EXPECT_EQ(PROBE_ACCESS, self->events.event[0].what);
	EXPECT_EQ('b', probe_peek(self->fd, 1, 0));
}

TEST_F(callback, wrong_remap_is_refused)
{
	const struct probe_call good = { .what = PROBE_REMAP, .handle = 1, .slot = 1,
					 .len = 2 * self->page, .maxprot = PROT_RWU };
	struct probe_call call;

#define EXPECT_NO_REMAP(field, value) do {					\
	call = good;								\
	call.field = (value);							\
	EXPECT_EQ(-1, probe_call(self->fd, call));				\
} while (0)

	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	MAP(2);
	EXPECT_NO_REMAP(slot, 7);
	EXPECT_NO_REMAP(flags, DEVMAP_ALLOW_REMAP);
	EXPECT_NO_REMAP(len, self->page);
	EXPECT_NO_REMAP(len, 3 * self->page);
	EXPECT_NO_REMAP(off, -(__s64)self->page);
	EXPECT_NO_REMAP(off, (PAGES - 1) * self->page);
	EXPECT_NO_REMAP(maxprot, PROT_RU);
	EXPECT_NO_REMAP(maxprot, PROT_READ | PROT_WRITE);
	EXPECT_EQ(0, probe_call(self->fd, good));
}

TEST_F(callback, remap_that_was_not_allowed_is_refused)
{
	struct probe_call call = { .what = PROBE_REMAP, .handle = 1, .slot = 1,
				   .len = self->page, .maxprot = PROT_RWU };

	MAP(1);
	EXPECT_EQ(-1, probe_call(self->fd, call));
	call.what = PROBE_INVALIDATE;
	call.flags = DEVMAP_MAPPING_INVALID;
	EXPECT_EQ(-1, probe_call(self->fd, call));
}

/* A program that made its mapping writable must not get read-only memory. */
TEST_F(callback, remap_to_less_than_mprotect_has_given_is_refused)
{
	struct probe_call call = { .what = PROBE_REMAP, .handle = 1, .slot = 1,
				   .len = self->page, .maxprot = PROT_RU };

	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	self->map = map_device(self->fd, self->page, PROT_READ, 0);
	ASSERT_NE(MAP_FAILED, self->map);
	ASSERT_EQ(0, mprotect(self->map, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(-1, probe_call(self->fd, call));
}

/* Nor what segmap() said that it must not write. */
TEST_F(callback, remap_gives_no_more_than_segmap)
{
	struct probe_call call = { .what = PROBE_REMAP, .handle = 1, .slot = 1,
				   .len = self->page, .maxprot = PROT_RWU };

	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	self->plan.less_prot = PROT_WRITE;
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	self->map = map_device(self->fd, self->page, PROT_READ, 0);
	ASSERT_NE(MAP_FAILED, self->map);
	EXPECT_EQ(0, probe_call(self->fd, call));
	EXPECT_EQ(-1, mprotect(self->map, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
}

/* What mprotect(2) refused does not stand in the way of less. */
TEST_F(callback, refused_mprotect_changes_nothing)
{
	struct probe_call call = { .what = PROBE_REMAP, .handle = 1, .slot = 1,
				   .len = self->page, .maxprot = PROT_RU };

	self->plan.handle[0].len = self->page;
	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	self->plan.handle[1] = self->plan.handle[0];
	self->plan.handle[1].maxprot = PROT_RU;
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	self->map = map_device(self->fd, 2 * self->page, PROT_READ, 0);
	ASSERT_NE(MAP_FAILED, self->map);
	EXPECT_EQ(-1, mprotect(self->map, 2 * self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, probe_call(self->fd, call));
}

TEST_F(callback, pieces_are_limited)
{
	int i;

	probe_alloc(self->fd, 0, 4096 * self->page, DDI_UMEM_SLEEP);
	MAP(4096);
	for (i = 1; i < 4096; i += 2)
		if (mprotect(self->map + i * self->page, self->page, PROT_READ))
			break;
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_GT(i, 1000);
	EXPECT_LT(i, 1100);
	ASSERT_EQ(0, munmap(self->map, 4096 * self->page));
}

/* How many pages of the last piece could be moved one at a time, and were. */
static int move_pages_of_the_last(char *from, char *to, size_t page)
{
	int i;

	for (i = 0; i < 8; i++) {
		char *at = from + (2 * i + 1) * page;

		if (mremap(at, page, page, MREMAP_MAYMOVE | MREMAP_FIXED,
			   to + i * page) == MAP_FAILED)
			break;
		if (signal_of_touching(at) != SIGSEGV)
			return -1;
	}
	return i;
}

/* mremap(2) is refused before it begins, or leaves nothing where the pages were. */
TEST_F(callback, pieces_are_moved_or_not)
{
	char *to = mmap(NULL, 8 * self->page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);
	int i;

	probe_alloc(self->fd, 0, 4096 * self->page, DDI_UMEM_SLEEP);
	MAP(4096);
	for (i = 1; i < 1018; i++)
		ASSERT_EQ(0, mprotect(self->map + i * self->page, self->page,
				      i % 2 ? PROT_READ : PROT_READ | PROT_WRITE));
	i = move_pages_of_the_last(self->map + 2048 * self->page, to, self->page);
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_GT(i, 0);
	EXPECT_LT(i, 8);
	ASSERT_EQ(0, munmap(self->map, 4096 * self->page));
	munmap(to, 8 * self->page);
}

TEST_F(callback, invalid_is_sigsegv_until_remapped)
{
	struct probe_call call = { .what = PROBE_INVALIDATE, .handle = 1,
				   .flags = DEVMAP_MAPPING_INVALID };

	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	self->plan.handle[0].callbacks = PROBE_MAP;
	MAP(1);
	self->map[0] = 'a';
	EXPECT_EQ(0, probe_call(self->fd, call));
	EXPECT_EQ(SIGSEGV, signal_of_touching(self->map));
	call = (struct probe_call){ .what = PROBE_REMAP, .handle = 1,
				    .len = self->page, .maxprot = PROT_RWU };
	EXPECT_EQ(0, probe_call(self->fd, call));
	EXPECT_EQ('a', self->map[0]);
}

TEST_F(callback, wrong_invalidation_is_refused)
{
	struct probe_call call = { .what = PROBE_INVALIDATE, .handle = 1 };

	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	self->plan.handle[0].callbacks = PROBE_MAP;
	MAP(1);
	EXPECT_EQ(-1, probe_call(self->fd, call));
	call.flags = DEVMAP_MAPPING_INVALID | DEVMAP_ALLOW_REMAP;
	EXPECT_EQ(-1, probe_call(self->fd, call));
	EXPECT_EQ(0, signal_of_touching(self->map));
}

TEST_F(callback, invalid_from_the_beginning)
{
	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP | DEVMAP_MAPPING_INVALID;
	MAP(1);
	EXPECT_EQ(SIGSEGV, signal_of_touching(self->map));
}

TEST_F(callback, structure_without_functions_is_as_none)
{
	self->plan.handle[0].callbacks = PROBE_NONE;
	MAP(2);
	self->map[0] = 'a';
	EXPECT_EQ(0, signal_of_touching(self->map));
	ASSERT_EQ(0, munmap(self->map, 2 * self->page));
	EXPECT_EVENTS(0);
}

TEST_HARNESS_MAIN
