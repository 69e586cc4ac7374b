// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything fails once, for the driver face: each call is repeated, and each time
 * the next of its points fails, until it comes to its end. Nothing is lost, what
 * the driver was told of ends, the call works right after, and mappings show what
 * they are to show.
 */
#include "../harness.h"
#include "../sequence.h"
#include "locker.h"

#define PAGES	8
#define VAST	2048	/* pages */
#define LOST_KB	20480	/* less is not ours: KASAN keeps 8 MiB of its own for a while */
#define END	3	/* times to come to the end: points come and go */

static __u32 first_handle;	/* its number */
static int known_handles;	/* how many the driver knows */
static int locker;		/* a descriptor of the driver that locks memory */
static char *room;		/* to be locked */
static int opened = -1;		/* a descriptor that a sequence opened */
static int child_status;	/* of the child that a sequence forked */
static int has_failed;		/* a point failed in the last run */

/* The calls that are swept, with those of sequence.h; each returns 0 or an errno. */

static int open_node(struct state *state)
{
	opened = open(PROBE, O_RDWR);
	return opened < 0 ? errno : 0;
}

/* Refusals of ddi_umem_alloc() have no errno. */
static int alloc_pages(struct state *state, size_t npages, int flags)
{
	__u32 made = probe_alloc(state->fd, 1, npages * state->page, flags);

	if (made == ~0U)
		return errno;
	return made == PROBE_GOOD ? 0 : made ? -1 : ENOMEM;
}

static int alloc_sleep(struct state *state)
{
	return alloc_pages(state, PAGES, DDI_UMEM_SLEEP);
}

static int alloc_large(struct state *state)
{
	return alloc_pages(state, 128, DDI_UMEM_SLEEP);
}

static int alloc_vast(struct state *state)
{
	return alloc_pages(state, VAST, DDI_UMEM_SLEEP);
}

static int alloc_now(struct state *state)
{
	return alloc_pages(state, 1, DDI_UMEM_NOSLEEP);
}

static int map_lonely_and_touch(struct state *state)
{
	return map_with(state, LONELY, MAP_FIXED) ?: touch(state);
}

static int fork_and_touch(struct state *state)
{
	pid_t pid = fork();

	if (!pid) {
		*(volatile char *)state->map = 'x';
		_exit(0);
	}
	if (pid < 0)
		return errno;
	child_status = wait_for(pid);
	return 0;
}

static int remap(struct state *state)
{
	struct probe_call call = { .what = PROBE_REMAP, .slot = 1,
				   .handle = first_handle,
				   .len = PAGES / 2 * state->page,
				   .maxprot = PROT_RWU };
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

/* What is to be seen after these calls. Each returns 0, or -1 if it is not. */

static int check_open(struct state *state)
{
	return probe_peek(opened, 0, 0) == 'a' ? 0 : -1;
}

static int look_at_pages(struct state *state, int from, int end, char first)
{
	int i;

	for (i = from; i < end; i++)
		if (state->map[i * state->page] != first + i)
			return -1;
	return 0;
}

/*
 * Pages @from to @end of the mapping are those whose first one begins with @first: the
 * ones that are in the page tables, and those that come there.
 */
static int check_pages(struct state *state, int from, int end, char first)
{
	char *map = state->map + from * state->page;

	return look_at_pages(state, from, end, first) ?:
	       madvise(map, (end - from) * state->page, MADV_DONTNEED) ?:
	       look_at_pages(state, from, end, first);
}

static int check_all(struct state *state)
{
	return check_pages(state, 0, PAGES, 'a');
}

static int check_all_but_middle(struct state *state)
{
	return check_pages(state, 0, 1, 'a') ?: check_pages(state, 2, PAGES, 'a');
}

static int check_moved(struct state *state)
{
	return *state->to == 'b' ? check_all_but_middle(state) : -1;
}

static int check_remapped(struct state *state)
{
	return check_pages(state, 0, PAGES / 2, 'A') ?:
	       check_pages(state, PAGES / 2, PAGES, 'a');
}

/* The driver sees it, too. */
static int check_touch(struct state *state)
{
	size_t at;

	for (at = 0; at < state->len; at += state->page)
		if (probe_peek(state->fd, 0, at) != 'x')
			return -1;
	return check_touched(state);
}

/* A child that could not be given what access() takes gets SIGSEGV; no other does. */
static int check_fork(struct state *state)
{
	int is_refused = has_failed && child_status == 128 + SIGSEGV;

	if (child_status && !is_refused)
		return -1;
	return *state->map == (is_refused ? 'a' : 'x') ?
		check_pages(state, 1, PAGES, 'a') : -1;
}

static int check_locked(struct state *state)
{
	size_t at;

	for (at = 0; at < state->len; at += state->page) {
		room[at] = 'x';
		if (locker_peek(locker, 0, at) != 'x')
			return -1;
	}
	return 0;
}

/*
 * @other: how it may fail, beside ENOMEM: EFAULT where an argument is copied, ENXIO
 * where the driver's devmap() does, @from: the first point to fail, or 0.
 */
struct sequence {
	int (*run)(struct state *state);
	int (*check)(struct state *state);
	int maps;	/* a mapping is there before */
	int publishes;	/* the memory was never exported before */
	int allocates;	/* much: it shows if that is lost */
	int other;
	int at_least;
	int from;
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

SEQUENCE(open, .run = open_node, .check = check_open, .other = EFAULT, .at_least = 4);
SEQUENCE(alloc, .run = alloc_sleep, .other = EFAULT, .at_least = 4);
SEQUENCE(alloc_large, .run = alloc_large, .other = EFAULT, .allocates = 1,
	 .at_least = 100);
/* After all pages, so many that they are missed, are there. */
SEQUENCE(alloc_vast, .run = alloc_vast, .other = EFAULT, .allocates = 1,
	 .from = VAST - 10, .at_least = VAST + 8);
SEQUENCE(alloc_now, .run = alloc_now, .other = EFAULT, .at_least = 4);
SEQUENCE(first_mmap, .run = map, .check = check_all, .publishes = 1, .other = ENXIO,
	 .at_least = 12);
SEQUENCE(mmap, .run = map, .check = check_all, .other = ENXIO, .at_least = 6);
SEQUENCE(touch, .run = map_lonely_and_touch, .check = check_touch, .other = ENXIO,
	 .at_least = 8);
SEQUENCE(munmap_middle, .run = unmap_middle, .check = check_all_but_middle, .maps = 1,
	 .at_least = 1);
SEQUENCE(mremap_middle, .run = move_middle, .check = check_moved, .maps = 1,
	 .at_least = 3);
SEQUENCE(fork, .run = fork_and_touch, .check = check_fork, .maps = 1, .at_least = 50);
SEQUENCE(lock, .run = lock, .check = check_locked, .other = EFAULT, .at_least = 3);
SEQUENCE(lock_to_read, .run = lock_to_read, .check = check_locked, .other = EFAULT,
	 .at_least = 3);
SEQUENCE(lock_long, .run = lock_long, .check = check_locked, .other = EFAULT,
	 .at_least = 3);
SEQUENCE(remap, .run = remap, .check = check_remapped, .maps = 1, .publishes = 1,
	 .other = EFAULT, .at_least = 3);

FIXTURE_SETUP(sweep)
{
	struct probe_plan plan = { .handle = {
		{ .len = PAGES / 2 * page_size(), .maxprot = PROT_RWU,
		  .flags = DEVMAP_ALLOW_REMAP, .callbacks = ALL_CALLBACKS },
		{ .koff = PAGES / 2 * page_size(), .maxprot = PROT_RWU,
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

/* So that it is known by its bytes. */
static void label_pages(const struct state *state, __u32 slot, char first)
{
	int i;

	for (i = 0; i < PAGES; i++)
		probe_poke(state->fd, slot, i * state->page, first + i);
}

static void make_memory(const struct state *state, __u32 slot, char first)
{
	probe_alloc(state->fd, slot, state->len, DDI_UMEM_SLEEP);
	label_pages(state, slot, first);
}

static int make(const struct sequence *sequence, struct state *state)
{
	struct probe_events events;

	known_handles = 0;
	if (sequence->publishes || probe_peek(state->fd, 0, 0) < 0)
		make_memory(state, 0, 'a');
	if (sequence->publishes)
		make_memory(state, 1, 'A');
	label_pages(state, 0, 'a');
	state->map = MAP_FAILED;
	probe_events(state->fd);
	if (!sequence->maps)
		return 0;
	if (map(state))
		return -1;
	events = probe_events(state->fd);
	first_handle = events.event[0].handle;
	known_handles = events.count;
	return check_all(state);
}

/* Whatever was opened or locked, and is left of the mapping, wherever it went. */
static void undo(struct state *state)
{
	if (opened >= 0)
		close(opened);
	opened = -1;
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

/* A call whose answer was lost on its way has been made all the same. */
static void expect_no_change(struct __test_metadata *_metadata,
			     const struct sequence *sequence, struct state *state,
			     int err)
{
	EXPECT_TRUE(err == ENOMEM || err == sequence->other) TH_LOG("%s", strerror(err));
	if (sequence->maps && err == ENOMEM)
		EXPECT_EQ(0, check_all(state));
	EXPECT_EQ(0, sequence->run(state));
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
	has_failed = !left && !err;
	if (left)
		EXPECT_EQ(0, err);
	if (err) {
		EXPECT_EQ(made, user_locked(state->watch));
		expect_no_change(_metadata, sequence, state, err);
	}
	if (sequence->check)
		EXPECT_EQ(0, sequence->check(state));
	undo(state);
	EXPECT_EQ(before, user_locked(state->watch));
	EXPECT_EQ(pinned, pages_pinned());
	EXPECT_EQ(0, known_handles + handles_left(state->fd));
	return left;
}

/* Free pages that processors have in hand, in kB: MemFree leaves them out. */
static long memory_in_hand(void)
{
	FILE *f = fopen("/proc/zoneinfo", "r");
	long pages = 0, count;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %ld", &count) == 1)
			pages += count;
	if (f)
		fclose(f);
	return pages * (page_size() / 1024);
}

/*
 * Memory of which the kernel does not say what it is for, in kB. Beside much that stays
 * the same, pages that are allocated one by one are part of it, and those that are lost.
 */
static long memory_of_nobody(void)
{
	static const char *const others[] = {
		"MemFree:", "Buffers:", "Cached:", "SwapCached:", "AnonPages:", "Slab:",
		"KernelStack:", "PageTables:", "VmallocUsed:", "Percpu:",
	};
	long left = read_number("/proc/meminfo", "MemTotal:") - memory_in_hand();
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(*others); i++)
		left -= read_number("/proc/meminfo", others[i]);
	return left;
}

TEST_F_TIMEOUT(sweep, loses_nothing, 900)
{
	const struct sequence *sequence = &variant->sequence;
	long nth = sequence->from ?: 1, lost;
	int ends = 0;

	/* What only the first time takes is not part of it. */
	attempt(_metadata, sequence, &self->state, self->faults, FAR);
	lost = memory_of_nobody();
	while (ends < END && !_metadata->exit_code) {
		if (attempt(_metadata, sequence, &self->state, self->faults, nth))
			ends++;
		else
			nth++, ends = 0;
	}
	lost = memory_of_nobody() - lost;
	TH_LOG("points: %ld", nth - 1);
	EXPECT_GE(nth - 1, sequence->at_least);
	if (sequence->allocates)
		EXPECT_LT(lost, LOST_KB) TH_LOG("lost %ld kB", lost);
}

FIXTURE(sweep_of_drivers) {
	struct state state;
	int faults;
};

#define DRIVER	"shared_page"	/* it has soft state, too */

FIXTURE_SETUP(sweep_of_drivers)
{
	self->faults = open_faults();
	ASSERT_GE(self->faults, 0);
	ASSERT_EQ(0, set_up_faults());
	module_remove("locker");
	module_remove("probe");
	module_remove(DRIVER);
	ASSERT_EQ(0, module_load(""));
	ASSERT_EQ(0, read_image(&self->state, driver_path(DRIVER)));
}

FIXTURE_TEARDOWN_PARENT(sweep_of_drivers)
{
	EXPECT_EQ(0, module_unload());
}

/* How many of its three traces the driver has: a node, a name, and device numbers. */
static int traces(void)
{
	return !access("/dev/" DRIVER "0", F_OK) +
	       !access("/sys/class/xxshm-driver/" DRIVER "0", F_OK) +
	       device_numbers_are_taken(DRIVER);
}

/*
 * Points of the kernel's own loader come first: a size of 0 is refused after them. Some
 * that are counted, and are swept, too, are of what it does then.
 */
static long count_loader(const struct state *state, int faults)
{
	arm(faults, FAR);
	load(state, "size=0");
	return FAR - disarm(faults) - 30;
}

/* A driver's module that is loaded: what fails of it leaves nothing. */
TEST_F_TIMEOUT(sweep_of_drivers, registering, 900)
{
	long skipped, nth, left;
	int ends = 0, err;

	skipped = count_loader(&self->state, self->faults);
	for (nth = skipped + 1; ends < END && !_metadata->exit_code; nth++) {
		arm(self->faults, nth);
		err = load(&self->state, "");
		left = disarm(self->faults);
		if (err) {
			EXPECT_EQ(0, left);
			EXPECT_EQ(ENOMEM, err) TH_LOG("%s", strerror(err));
			EXPECT_EQ(0, traces());
			EXPECT_EQ(0, load(&self->state, ""));
		}
		EXPECT_EQ(3, traces());
		EXPECT_EQ(0, module_remove(DRIVER));
		ends = left ? ends + 1 : 0;
	}
	TH_LOG("points: %ld, the last is %ld", nth - skipped - 1, nth - 1);
	EXPECT_GE(nth - skipped - 1, 80);
}

TEST_HARNESS_MAIN
