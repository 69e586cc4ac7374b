// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything fails once: a sequence of calls is repeated, and each time its next point
 * fails, until the sequence reaches its end. The call at that point may fail or succeed;
 * in both cases nothing is lost, and the call works right after.
 */
#include "harness.h"
#include "sequence.h"

#define END		3	/* times to reach the end: points come and go */

/* The state that a failed call must leave unchanged, sooner or later. */
struct trace {
	long references, locked, charged, here;
	long allocated, refused, cached;
};

static int anything_is_there(void)
{
	return !access("/sys/module/" MODULE, F_OK) || !access(DEVICE, F_OK) ||
	       !access("/sys/class/" MODULE, F_OK) || device_numbers_are_taken(MODULE);
}

static struct trace look(const struct state *state)
{
	if (state->watch < 0)
		return (struct trace){ .references = anything_is_there() };
	return (struct trace){
		.references = read_number("/sys/module/xxshm/refcnt", ""),
		.locked = user_locked(state->watch),
		.charged = attribute_of(state->device, "charged"),
		.here = state->fd < 0 ? 0 : charged(state->fd),
		.allocated = attribute_of(state->device, "allocated"),
		.refused = attribute_of(state->device, "refused"),
		.cached = cached_pages(),
	};
}

static int costs_the_same(const struct trace *a, const struct trace *b)
{
	return a->references == b->references && a->locked == b->locked &&
	       a->charged == b->charged && a->here == b->here;
}

/* Up to this many pages are filled by mmap(2) itself, more before it. */
#define SMALL_WINDOW	(16 * page_size())

/*
 * A large window may have been filled as a whole when the mapping fails. Others put pages
 * into the page cache, too, but less than half a large folio.
 */
static int is_the_same(const struct trace *a, const struct trace *b, size_t window)
{
	long half = HUGE_SIZE / page_size() / 2;
	long filled = b->allocated - a->allocated;

	if (filled && (filled != (long)window || window <= SMALL_WINDOW))
		return 0;
	return costs_the_same(a, b) && a->refused == b->refused &&
	       labs(b->cached - a->cached - filled / (long)page_size()) < half;
}

/*
 * @make prepares, @run is swept, @check checks its result, or NULL, @at_least is the
 * least number of points.
 */
struct sequence {
	const char *parameters;
	int (*make)(struct state *state);
	int (*run)(struct state *state);
	int (*check)(struct state *state);
	int at_least;
};

FIXTURE(sweep) {
	struct state state;
	int faults;
};

FIXTURE_VARIANT(sweep) {
	struct sequence sequence;
};

#define SEQUENCE(name, ...)						\
	FIXTURE_VARIANT_ADD(sweep, name) { { __VA_ARGS__ } }

#define SMALL	"instances=64 size=64K"
/* Too many pages to be mapped before they are touched. */
#define MANY	"size=128K"
#define LARGE	"instances=64 size=4M"
#define PAGED	"instances=128 size=64K pageable=1"

SEQUENCE(open, .parameters = SMALL, .make = make_nothing, .run = open_device,
	 .at_least = 4);
SEQUENCE(first_open, .parameters = SMALL, .make = make_new_device,
	 .run = open_device, .at_least = 6);
SEQUENCE(first_mmap, .parameters = SMALL, .make = make_new_file, .run = map,
	 .check = check_zero, .at_least = 20);
SEQUENCE(first_large_mmap, .parameters = LARGE, .make = make_new_file,
	 .run = map, .check = check_zero, .at_least = 8);
SEQUENCE(first_large_touch, .parameters = LARGE, .make = make_new_file,
	 .run = map_and_touch, .check = check_touched, .at_least = 8);
SEQUENCE(mmap, .parameters = SMALL, .make = make_file, .run = map,
	 .check = check_zero, .at_least = 4);
SEQUENCE(mmap_again, .parameters = SMALL, .make = make_used_file, .run = map,
	 .check = check_zero, .at_least = 3);
SEQUENCE(mmap_too_much, .parameters = SMALL, .make = make_poor,
	 .run = map_too_much, .at_least = 2);
SEQUENCE(mmap_populated, .parameters = SMALL, .make = make_file,
	 .run = map_populated, .check = check_zero, .at_least = 4);
SEQUENCE(touch, .parameters = MANY, .make = make_lonely_mapping, .run = touch,
	 .check = check_touched, .at_least = 1);
SEQUENCE(touch_large, .parameters = LARGE, .make = make_lonely_mapping,
	 .run = touch, .check = check_touched, .at_least = 1);
SEQUENCE(fork, .parameters = SMALL, .make = make_pieces, .run = fork_and_wait,
	 .at_least = 50);
SEQUENCE(munmap_middle, .parameters = SMALL, .make = make_mapping,
	 .run = unmap_middle, .at_least = 2);
SEQUENCE(mprotect_middle, .parameters = SMALL, .make = make_mapping,
	 .run = protect_middle, .at_least = 2);
SEQUENCE(mremap, .parameters = SMALL, .make = make_mapping_and_room,
	 .run = move, .at_least = 2);
SEQUENCE(mremap_middle, .parameters = SMALL, .make = make_mapping_and_room,
	 .run = move_middle, .at_least = 4);
SEQUENCE(split_large, .parameters = LARGE, .make = make_large_page,
	 .run = page_out, .check = check_touched, .at_least = 1);
SEQUENCE(ioctl, .parameters = SMALL, .make = make_mapping, .run = ask,
	 .at_least = 2);
SEQUENCE(fdinfo, .parameters = SMALL, .make = make_mapping, .run = read_fdinfo,
	 .at_least = 4);
SEQUENCE(sysfs, .parameters = SMALL, .make = make_mapping, .run = read_sysfs,
	 .at_least = 4);
SEQUENCE(open_pageable, .parameters = PAGED, .make = make_nothing,
	 .run = open_device, .at_least = 6);
SEQUENCE(first_open_pageable, .parameters = PAGED, .make = make_new_device,
	 .run = open_device, .at_least = 9);
SEQUENCE(mmap_pageable, .parameters = PAGED, .make = make_new_file, .run = map,
	 .check = check_zero, .at_least = 2);
SEQUENCE(populate_pageable, .parameters = PAGED, .make = make_new_lonely_mapping,
	 .run = populate_last_page, .check = check_zero, .at_least = 3);
SEQUENCE(fork_pageable, .parameters = PAGED, .make = make_pieces,
	 .run = fork_and_wait, .at_least = 50);
SEQUENCE(swap_pageable, .parameters = PAGED, .make = make_touched_mapping,
	 .run = swap_and_populate, .check = check_touched, .at_least = 16);

/* Nothing here depends on the data model of the caller, and it takes long. */
#ifdef __LP64__
SEQUENCE(load, .parameters = "instances=3", .make = make_nothing,
	 .run = load_and_unload, .at_least = 90);
/* A large folio exists already when the small pages behind it fail. */
SEQUENCE(first_mixed_mmap, .parameters = "instances=64 size=2080K",
	 .make = make_new_file, .run = map, .check = check_zero, .at_least = 20);
#endif

FIXTURE_SETUP(sweep)
{
	self->state = (struct state){
		.parameters = variant->sequence.parameters, .page = page_size(),
		.watch = -1, .fd = -1,
	};
	self->faults = open_faults();
	ASSERT_GE(self->faults, 0);
	ASSERT_EQ(0, set_up_faults());
	ASSERT_EQ(0, variant->sequence.run == load_and_unload ?
		     read_image(&self->state, module_path()) : set_up_loaded(&self->state));
}

FIXTURE_TEARDOWN_PARENT(sweep)
{
	if (variant->sequence.run == load_and_unload)
		return;
	EXPECT_EQ(0, module_unload());
	if (is_to_be_pageable(variant->sequence.parameters))
		EXPECT_EQ(0, swap_off());
}

/* The call failed: nothing has changed, and it works if tried again. */
static void expect_no_change(struct __test_metadata *_metadata,
			     const struct sequence *sequence,
			     struct state *state, const struct trace *before,
			     int err)
{
	struct trace after = look(state);

	EXPECT_TRUE(err == ENOMEM || err == EFAULT)
		TH_LOG("%s", strerror(err));
	EXPECT_TRUE(is_the_same(before, &after, state->len));
	ASSERT_EQ(0, sequence->run(state));
}

/* Returns 0 if the nth point has failed. */
static long attempt(struct __test_metadata *_metadata,
		    const struct sequence *sequence,
		    struct state *state, int faults, long nth)
{
	struct trace before = look(state), made, after;
	long left;
	int err;

	ASSERT_EQ(0, sequence->make(state));
	made = look(state);
	arm(faults, nth);
	err = sequence->run(state);
	left = disarm(faults);
	if (err)
		expect_no_change(_metadata, sequence, state, &made, err);
	if (left)
		EXPECT_EQ(0, err);
	if (sequence->check)
		EXPECT_EQ(0, sequence->check(state));
	end(state);
	after = look(state);
	EXPECT_TRUE(costs_the_same(&before, &after));
	return left;
}

/*
 * The points of the kernel's own loader come first, and are not those of the module.
 * Loading with no instances is refused behind them.
 */
static long count_loader(const struct sequence *sequence,
			 const struct state *state, int faults)
{
	if (sequence->run != load_and_unload)
		return 0;
	arm(faults, FAR);
	load(state, "instances=0");
	return FAR - disarm(faults);
}

/* Each loaded module has one of its own. KASAN delays frees for a while. */
static long count_mounts(const struct sequence *sequence)
{
	if (sequence->run != load_and_unload)
		return 0;
	if (write_file("/sys/kernel/slab/mnt_cache/shrink", "1"))
		return -1;
	return read_number("/sys/kernel/slab/mnt_cache/objects", "");
}

/*
 * The number of points differs by one from load to load, so the sweep may miss one. The
 * last step, after which everything has to be undone, gets more tries.
 */
static void sweep_last_steps(struct __test_metadata *_metadata,
			     const struct sequence *sequence,
			     struct state *state, int faults, long end)
{
	long nth;
	int i;

	if (sequence->run != load_and_unload)
		return;
	for (i = 0; i < 3; i++)
		for (nth = end - 35; nth < end - 10; nth++)
			attempt(_metadata, sequence, state, faults, nth);
}

TEST_F_TIMEOUT(sweep, loses_nothing, 900)
{
	const struct sequence *sequence = &variant->sequence;
	long skipped, nth, mounts;
	int ends = 0, tries;

	/* Allocations of the first time only are not part of the sweep. */
	attempt(_metadata, sequence, &self->state, self->faults, FAR);
	mounts = count_mounts(sequence);
	ASSERT_GE(mounts, 0);
	skipped = count_loader(sequence, &self->state, self->faults);
	for (nth = skipped + 1; ends < END && !_metadata->exit_code; ) {
		if (attempt(_metadata, sequence, &self->state, self->faults, nth))
			ends++;
		else
			nth++, ends = 0;
	}
	sweep_last_steps(_metadata, sequence, &self->state, self->faults, nth);
	TH_LOG("points: %ld, the last is %ld", nth - skipped - 1, nth - 1);
	EXPECT_GE(nth - skipped - 1, sequence->at_least);
	/* The kernel frees a mount some time later. */
	for (tries = 0; count_mounts(sequence) > mounts && tries < 1000; tries++)
		usleep(10000);
	EXPECT_LE(count_mounts(sequence), mounts);
}

TEST_HARNESS_MAIN
