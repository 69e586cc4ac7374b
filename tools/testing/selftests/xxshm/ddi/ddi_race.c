// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that touches a driver's mapping, while it is taken to pieces, and while the
 * driver takes its pages away, shows others, or frees them.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>

#include "../harness.h"
#include "driver.h"

#define PAGES	8
#define ROUNDS	150
#define MANY	(2 * ROUNDS)
#define LOOKS	10	/* at what must not change */

FIXTURE(race) {
	struct probe_plan plan;
	int fd;
	size_t page;
	char *map;
	pthread_t thread;
};

FIXTURE_SETUP(race)
{
	self->page = page_size();
	self->fd = probe_start(PAGES * self->page);
	ASSERT_GE(self->fd, 0);
	self->plan.handle[0].maxprot = PROT_RWU;
	self->plan.handle[0].flags = DEVMAP_ALLOW_REMAP;
	self->plan.handle[0].callbacks = ALL_CALLBACKS;
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
}

FIXTURE_TEARDOWN_PARENT(race)
{
	EXPECT_EQ(0, probe_unload());
}

static volatile int is_over;
static volatile unsigned long touched, refused;
static __thread sigjmp_buf no_access;

static void leave_touch(int sig)
{
	siglongjmp(no_access, 1);
}

/*
 * Adds one to a byte, again and again. Now and then its page has no entry in the page
 * tables before: one that is being made may be missed by who takes the page away. One
 * that is there may be forgotten: that shows if it stays for a while.
 */
static void *touch(void *page)
{
	volatile char *byte = page;

	if (sigsetjmp(no_access, 1))
		refused++;
	while (!is_over) {
		(*byte)++;
		touched++;
		if (touched % 4096 < 16)
			madvise(page, page_size(), MADV_DONTNEED);
	}
	return NULL;
}

/* Until the byte was touched, by what began after the call. */
static void wait_for_touch(void)
{
	unsigned long before = touched;

	while (touched < before + 2)
		sched_yield();
}

/* Returns when it is at work: a thread may be slow to start. */
static int start_to_touch(pthread_t *thread, void *page)
{
	is_over = 0;
	if (pthread_create(thread, NULL, touch, page))
		return -1;
	wait_for_touch();
	return 0;
}

static int stop_touching(pthread_t thread)
{
	is_over = 1;
	return pthread_join(thread, NULL);
}

#define MAP_AND_TOUCH() do {							\
	self->map = map_rw(self->fd, self->page);				\
	ASSERT_NE(MAP_FAILED, self->map);					\
	ASSERT_EQ(0, start_to_touch(&self->thread, self->map));			\
} while (0)

/* Of the handle that is left, whichever number it has: in how many was the page? */
static int unload_page(int fd, __s64 off)
{
	struct probe_call call = { .what = PROBE_UNLOAD, .off = off };
	int found = 0;

	for (call.handle = 1; call.handle <= PAGES; call.handle++)
		found += !probe_call(fd, call);
	return found;
}

/* What is left of a handle keeps its pages, whatever goes before it. */
TEST_F(race, unmap_beside_touch)
{
	size_t last = (PAGES - 1) * self->page;
	int round, i;

	for (round = 0; round < ROUNDS; round++) {
		self->map = map_rw(self->fd, PAGES * self->page);
		ASSERT_NE(MAP_FAILED, self->map);
		ASSERT_EQ(0, start_to_touch(&self->thread, self->map + last));
		for (i = 1; i < PAGES - 1; i += 2)
			ASSERT_EQ(0, munmap(self->map + i * self->page, self->page));
		ASSERT_EQ(0, munmap(self->map, last));
		EXPECT_EQ(1, unload_page(self->fd, last));
		ASSERT_EQ(0, stop_touching(self->thread));
		EXPECT_EQ(touched % 256, (unsigned char)self->map[last]);
		EXPECT_EQ(touched % 256, probe_peek(self->fd, 0, last));
		ASSERT_EQ(0, munmap(self->map + last, self->page));
	}
}

/* Nobody else writes there: do the driver's bytes stay? */
static int is_left_alone(int fd, __u32 slot)
{
	int i, changed = probe_poke(fd, slot, 0, 0);

	for (i = 0; i < LOOKS; i++)
		changed |= probe_peek(fd, slot, 0);
	return !changed;
}

/* After a remap has returned, nobody writes to the old memory. */
TEST_F(race, remap_beside_touch)
{
	struct probe_call call = { .what = PROBE_REMAP, .handle = 1, .len = self->page,
				   .maxprot = PROT_RWU };
	int round;

	MAP_AND_TOUCH();
	for (round = 0; round < MANY; round++) {
		call.slot = 1 - round % 2;
		ASSERT_EQ(0, probe_call(self->fd, call));
		EXPECT_TRUE(is_left_alone(self->fd, round % 2));
		wait_for_touch();
	}
	ASSERT_EQ(0, stop_touching(self->thread));
}

#define CATCH_SIGNALS() do {							\
	ASSERT_NE(SIG_ERR, signal(SIGSEGV, leave_touch));			\
	ASSERT_NE(SIG_ERR, signal(SIGBUS, leave_touch));			\
} while (0)

/* Nor to an invalid handle, until it is remapped. */
TEST_F(race, invalidate_beside_touch)
{
	struct probe_call take = { .what = PROBE_INVALIDATE, .handle = 1,
				   .flags = DEVMAP_MAPPING_INVALID };
	struct probe_call give = { .what = PROBE_REMAP, .handle = 1, .len = self->page,
				   .maxprot = PROT_RWU };
	int round;

	CATCH_SIGNALS();
	MAP_AND_TOUCH();
	for (round = 0; round < MANY; round++) {
		ASSERT_EQ(0, probe_call(self->fd, take));
		EXPECT_TRUE(is_left_alone(self->fd, 0));
		ASSERT_EQ(0, probe_call(self->fd, give));
		wait_for_touch();
	}
	ASSERT_EQ(0, stop_touching(self->thread));
	EXPECT_GT(refused, ROUNDS / 10);
}

/* Nor to unloaded pages, until the driver loads them. */
TEST_F(race, unload_beside_touch)
{
	struct probe_call take = { .what = PROBE_UNLOAD, .handle = 1 };
	int round;

	CATCH_SIGNALS();
	MAP_AND_TOUCH();
	for (round = 0; round < MANY; round++) {
		self->plan.handle[0].access_error = EIO;
		ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
		ASSERT_EQ(0, probe_call(self->fd, take));
		EXPECT_TRUE(is_left_alone(self->fd, 0));
		self->plan.handle[0].access_error = 0;
		ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
		wait_for_touch();
	}
	ASSERT_EQ(0, stop_touching(self->thread));
	EXPECT_GT(refused, ROUNDS / 10);
}

/* A driver that does not mind is asked once, and nothing that was written is lost. */
TEST_F(race, unload_is_one_question)
{
	struct probe_call take = { .what = PROBE_UNLOAD, .handle = 1 };
	int round;

	MAP_AND_TOUCH();
	for (round = 0; round < MANY; round++) {
		probe_events(self->fd);
		ASSERT_EQ(0, probe_call(self->fd, take));
		wait_for_touch();
		EXPECT_EQ(1, probe_events(self->fd).count);
	}
	ASSERT_EQ(0, stop_touching(self->thread));
	EXPECT_EQ(touched % 256, (unsigned char)*self->map);
}

/*
 * What the driver frees stays with who touches it: it is not what the driver gets next.
 * That is mapped in its place then, and what nobody has any more goes.
 */
static int free_and_alloc(int fd, char *map, size_t page)
{
	if (probe_free(fd, 0) || probe_alloc(fd, 0, page, DDI_UMEM_SLEEP) != PROBE_GOOD ||
	    !is_left_alone(fd, 0))
		return -1;
	if (mmap(map, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != map)
		return -1;
	while (!probe_peek(fd, 0, 0))
		sched_yield();
	return 0;
}

TEST_F(race, free_beside_touch)
{
	int round;

	MAP_AND_TOUCH();
	for (round = 0; round < MANY; round++)
		ASSERT_EQ(0, free_and_alloc(self->fd, self->map, self->page));
	ASSERT_EQ(0, stop_touching(self->thread));
}

/* The same where the kernel finds the pages without asking us. */
TEST_F(race, free_beside_touch_of_a_plain_mapping)
{
	int round;

	self->plan.handle[0].flags = 0;
	self->plan.handle[0].callbacks = 0;
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	MAP_AND_TOUCH();
	for (round = 0; round < MANY; round++)
		ASSERT_EQ(0, free_and_alloc(self->fd, self->map, self->page));
	ASSERT_EQ(0, stop_touching(self->thread));
}

TEST_HARNESS_MAIN
