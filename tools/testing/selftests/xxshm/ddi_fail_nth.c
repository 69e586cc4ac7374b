// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything fails once, for the driver face: each call is repeated, and each time
 * the next of its points fails, until it comes to its end. Nothing is lost, what
 * the driver was told of ends, and the call works right after.
 */
#include "kselftest_harness.h"
#include "locker.h"
#include "sequence.h"

#define PAGES	8
#define END	3	/* times to come to the end: points come and go */

static __u32 first_handle;	/* its number */
static int known_handles;	/* how many the driver knows */
static int locker;		/* a descriptor of the driver that locks memory */
static char *room;		/* to be locked */

/* The calls that are swept, with those of sequence.h; each returns 0 or an errno. */

/* Refusals of ddi_umem_alloc() have no errno. */
static int alloc_sleep(struct state *state)
{
	__u32 made = probe_alloc(state->fd, 1, state->len, DDI_UMEM_SLEEP);

	return made == ~0U ? errno : made ? 0 : ENOMEM;
}

static int alloc_large(struct state *state)
{
	__u32 made = probe_alloc(state->fd, 1, 128 * state->page, DDI_UMEM_SLEEP);

	return made == ~0U ? errno : made ? 0 : ENOMEM;
}

static int alloc_now(struct state *state)
{
	__u32 made = probe_alloc(state->fd, 1, state->page, DDI_UMEM_NOSLEEP);

	return made == ~0U ? errno : made ? 0 : ENOMEM;
}

/* A child that could not be given what access() takes gets SIGSEGV. */
static int fork_and_touch(struct state *state)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		*(volatile char *)state->map = 'x';
		_exit(0);
	}
	if (pid < 0)
		return errno;
	status = wait_for(pid);
	return status == 0 || status == 128 + SIGSEGV ? 0 : EIO;
}

static int remap(struct state *state)
{
	struct probe_call call = { .what = PROBE_REMAP, .slot = 1,
				   .handle = first_handle,
				   .len = 4 * state->page, .maxprot = PROT_RWU };
	int ret = probe_call(state->fd, call);

	return ret < -1 ? -ret : ret ? ENOMEM : 0;
}

static int lock(struct state *state)
{
	return locker_lock(locker, 0, room, state->len, DDI_UMEMLOCK_WRITE);
}

static int lock_to_read(struct state *state)
{
	return locker_lock(locker, 0, room, state->len, DDI_UMEMLOCK_READ);
}

static int lock_long(struct state *state)
{
	return locker_lock_long(locker, 0, room, state->len, CLEANUP_COUNTS);
}

struct sequence {
	int (*run)(struct state *state);
	int maps;	/* a mapping is there before */
	int publishes;	/* the memory was never exported before */
	int at_least;
};

FIXTURE(sweep) {
	struct state state;
	int faults;
};

FIXTURE_VARIANT(sweep) {
	struct sequence sequence;
};

#define SEQUENCE(name, ...)							\
	FIXTURE_VARIANT_ADD(sweep, name) { { __VA_ARGS__ } }

SEQUENCE(alloc, .run = alloc_sleep, .at_least = 4);
SEQUENCE(alloc_large, .run = alloc_large, .at_least = 100);
SEQUENCE(alloc_now, .run = alloc_now, .at_least = 4);
SEQUENCE(first_mmap, .run = map, .publishes = 1, .at_least = 12);
SEQUENCE(mmap, .run = map, .at_least = 6);
SEQUENCE(munmap_middle, .run = unmap_middle, .maps = 1, .at_least = 1);
SEQUENCE(mremap_middle, .run = move_middle, .maps = 1, .at_least = 3);
SEQUENCE(fork, .run = fork_and_touch, .maps = 1, .at_least = 50);
SEQUENCE(lock, .run = lock, .at_least = 3);
SEQUENCE(lock_to_read, .run = lock_to_read, .at_least = 3);
SEQUENCE(lock_long, .run = lock_long, .at_least = 3);
SEQUENCE(remap, .run = remap, .maps = 1, .publishes = 1, .at_least = 3);

FIXTURE_SETUP(sweep)
{
	struct probe_plan plan = { .handle = {
		{ .len = 4 * page_size(), .maxprot = PROT_RWU,
		  .flags = DEVMAP_ALLOW_REMAP, .callbacks = ALL_CALLBACKS },
		{ .koff = 4 * page_size(), .maxprot = PROT_RWU,
		  .callbacks = NO_ACCESS },
	} };

	self->faults = open_faults();
	ASSERT_GE(self->faults, 0);
	ASSERT_EQ(0, set_up_faults());
	ASSERT_EQ(0, probe_load(""));
	ASSERT_EQ(0, driver_insert("locker", ""));
	self->state.page = page_size();
	self->state.len = PAGES * self->state.page;
	self->state.to = LONELY;
	self->state.fd = open(PROBE, O_RDWR);
	locker = open(LOCKER, O_RDWR);
	ASSERT_GE(locker, 0);
	room = mmap(NULL, self->state.len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, room);
	self->state.watch = open(DEVICE, O_RDWR);
	ASSERT_GE(self->state.watch, 0);
	ASSERT_EQ(0, probe_plan(self->state.fd, &plan));
}

FIXTURE_TEARDOWN_PARENT(sweep)
{
	EXPECT_EQ(0, module_remove("locker"));
	EXPECT_EQ(0, probe_unload());
}

FIXTURE(sweep_of_drivers) {
	struct state state;
	int faults;
};

FIXTURE_SETUP(sweep_of_drivers)
{
	self->faults = open_faults();
	ASSERT_GE(self->faults, 0);
	ASSERT_EQ(0, set_up_faults());
	module_remove("locker");
	module_remove("probe");
	ASSERT_EQ(0, module_load(""));
	ASSERT_EQ(0, read_image(&self->state, driver_path("locker")));
}

FIXTURE_TEARDOWN_PARENT(sweep_of_drivers)
{
	EXPECT_EQ(0, module_unload());
}

static int make(const struct sequence *sequence, struct state *state)
{
	int renew = sequence->publishes;
	struct probe_events events;

	known_handles = 0;
	if (renew || probe_peek(state->fd, 0, 0) < 0)
		probe_alloc(state->fd, 0, state->len, DDI_UMEM_SLEEP);
	if (renew)
		probe_alloc(state->fd, 1, state->len, DDI_UMEM_SLEEP);
	state->map = MAP_FAILED;
	probe_events(state->fd);
	if (!sequence->maps)
		return 0;
	if (map(state))
		return -1;
	events = probe_events(state->fd);
	first_handle = events.event[0].handle;
	known_handles = events.count;
	return 0;
}

/* Whatever was locked, and is left of the mapping, where it was or where it went. */
static void undo(struct state *state)
{
	locker_unlock(locker, 0);
	madvise(room, state->len, MADV_DONTNEED);
	munmap(state->to, state->page);
	if (state->map != MAP_FAILED)
		munmap(state->map, state->len);
}

/* Handles that the driver knows: what map() and dup() made and unmap() ended. */
static int handles_left(int fd)
{
	struct probe_events events = probe_events(fd);
	int left = 0;
	__u32 i;

	for (i = 0; i < events.count && i < PROBE_EVENTS; i++) {
		struct probe_event *event = &events.event[i];

		if (event->what == PROBE_MAP || event->what == PROBE_DUP)
			left++;
		if (event->what == PROBE_UNMAP)
			left += !!event->other[0] + !!event->other[1] - 1;
	}
	return left;
}

static long attempt(struct __test_metadata *_metadata,
		    const struct sequence *sequence, struct state *state,
		    int faults, long nth)
{
	long before = user_locked(state->watch), pinned = pages_pinned(), made, left;
	int err;

	ASSERT_EQ(0, make(sequence, state));
	made = user_locked(state->watch);
	arm(faults, nth);
	err = sequence->run(state);
	left = disarm(faults);
	if (err) {
		EXPECT_TRUE(err == ENOMEM || err == ENXIO || err == EFAULT)
			TH_LOG("%s", strerror(err));
		EXPECT_EQ(made, user_locked(state->watch));
		EXPECT_EQ(0, sequence->run(state));
	}
	if (left)
		EXPECT_EQ(0, err);
	undo(state);
	EXPECT_EQ(before, user_locked(state->watch));
	EXPECT_EQ(pinned, pages_pinned());
	EXPECT_EQ(0, known_handles + handles_left(state->fd));
	return left;
}

TEST_F_TIMEOUT(sweep, loses_nothing, 900)
{
	const struct sequence *sequence = &variant->sequence;
	int ends = 0;
	long nth = 1;

	/* What only the first time takes is not part of it. */
	attempt(_metadata, sequence, &self->state, self->faults, FAR);
	while (ends < END && !_metadata->exit_code) {
		if (attempt(_metadata, sequence, &self->state, self->faults, nth))
			ends++;
		else
			nth++, ends = 0;
	}
	TH_LOG("points: %ld", nth - 1);
	EXPECT_GE(nth - 1, sequence->at_least);
}

/* A driver's module that is loaded: what fails of it leaves no node and no name. */
TEST_F_TIMEOUT(sweep_of_drivers, registering, 900)
{
	int ends = 0, err;
	long nth, left;

	for (nth = 1; ends < END && !_metadata->exit_code; nth++) {
		arm(self->faults, nth);
		err = load(&self->state, "");
		left = disarm(self->faults);
		if (err) {
			EXPECT_EQ(0, left) TH_LOG("%s", strerror(err));
			EXPECT_EQ(-1, access(LOCKER, F_OK));
			EXPECT_EQ(-1, access("/sys/class/xxshm-driver/locker0", F_OK));
			EXPECT_EQ(0, load(&self->state, ""));
		}
		EXPECT_EQ(0, access(LOCKER, F_OK));
		EXPECT_EQ(0, module_remove("locker"));
		ends = left ? ends + 1 : 0;
	}
	TH_LOG("points: %ld", nth - 1);
	EXPECT_GE(nth - 1, 60);
}

TEST_HARNESS_MAIN
