// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that touch a driver's mapping, while it is taken to pieces, and while the
 * driver takes its pages away and shows others.
 */
#include <pthread.h>
#include <sched.h>

#include "kselftest_harness.h"
#include "driver.h"

#define PAGES	8
#define ROUNDS	150

FIXTURE(race) {
	struct probe_plan plan;
	int fd;
	size_t page;
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
static volatile unsigned long touched;

/* The last page of a mapping stays until all is over. */
static void *touch_last(void *last)
{
	volatile char *byte = last;

	while (!is_over) {
		(*byte)++;
		touched++;
		madvise(last, page_size(), MADV_DONTNEED);
	}
	return NULL;
}

/* Returns when it is at work: a thread may be slow to start. */
static int start_to_touch(pthread_t *thread, void *last)
{
	unsigned long before = touched;

	is_over = 0;
	if (pthread_create(thread, NULL, touch_last, last))
		return -1;
	while (touched == before)
		sched_yield();
	return 0;
}

/* What is left of a handle keeps its pages, whatever goes before it. */
TEST_F_TIMEOUT(race, unmap_beside_touch, 300)
{
	struct probe_call call = { .what = PROBE_UNLOAD };
	pthread_t thread;
	int round, i;

	for (round = 0; round < ROUNDS; round++) {
		char *map = map_rw(self->fd, PAGES * self->page);

		ASSERT_NE(MAP_FAILED, map);
		ASSERT_EQ(0, start_to_touch(&thread, map + (PAGES - 1) * self->page));
		for (i = 1; i < PAGES - 1; i += 2)
			ASSERT_EQ(0, munmap(map + i * self->page, self->page));
		ASSERT_EQ(0, munmap(map, (PAGES - 1) * self->page));
		/* The handle that is left, whichever number it has. */
		call.off = (PAGES - 1) * self->page;
		for (call.handle = 1; call.handle <= PAGES; call.handle++)
			probe_call(self->fd, call);
		is_over = 1;
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(0, munmap(map + (PAGES - 1) * self->page, self->page));
	}
	EXPECT_GT(touched, ROUNDS);
}

/* After a remap has returned, nobody writes to what was there before. */
TEST_F_TIMEOUT(race, remap_beside_touch, 300)
{
	struct probe_call call = { .what = PROBE_REMAP, .handle = 1, .len = self->page,
				   .maxprot = PROT_RWU };
	pthread_t thread;
	char *map;
	int round, i;

	map = map_rw(self->fd, self->page);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, start_to_touch(&thread, map));
	for (round = 0; round < 10 * ROUNDS; round++) {
		call.slot = 1 - round % 2;
		ASSERT_EQ(0, probe_call(self->fd, call));
		probe_poke(self->fd, round % 2, 0, 0);
		for (i = 0; i < 10; i++)
			EXPECT_EQ(0, probe_peek(self->fd, round % 2, 0));
	}
	is_over = 1;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_GT(touched, ROUNDS);
}

TEST_HARNESS_MAIN
