// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything fails once: a sequence of calls is repeated, and each time the
 * next of its points fails, until it comes to its end. Whether the call that
 * met its point fails or gets by, nothing is lost, and it works right after.
 */
#include <sys/prctl.h>

#include "kselftest_harness.h"
#include "fault.h"
#include "ledger.h"
#include "meet.h"

#define END		3	/* times to come to the end: points come and go */
#define RICH		8192	/* pages that may be locked, all that are mapped */

/* Where nothing else is, so that it takes page tables of its own. */
#define LONELY		((char *)0x50000000)

struct state {
	const char *parameters;	/* of the module */
	char *image;		/* the module */
	long image_size;
	int watch;		/* a descriptor that stays open, or -1 */
	int device;		/* number of the device in use */
	int fd;
	size_t page;
	size_t len;		/* of a window, mapped as a whole */
	char *map;
	char *to;
};

/* What a call that fails leaves as it was; some of it only changes back. */
struct trace {
	long references, locked, charged, here;
	long allocated, refused, cached;
};

static int device_numbers_are_taken(void)
{
	char line[64];
	int found = 0;
	FILE *f = fopen("/proc/devices", "r");

	while (f && fgets(line, sizeof(line), f))
		found |= !!strstr(line, " " MODULE "\n");
	if (f)
		fclose(f);
	return found;
}

static int anything_is_there(void)
{
	return !access("/sys/module/" MODULE, F_OK) || !access(DEVICE, F_OK) ||
	       !access("/sys/class/" MODULE, F_OK) || device_numbers_are_taken();
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

/* Others put pages into the page cache too, but not half a large folio. */
static int is_the_same(const struct trace *a, const struct trace *b)
{
	long half = HUGE_SIZE / page_size() / 2;

	return costs_the_same(a, b) && a->allocated == b->allocated &&
	       a->refused == b->refused && labs(a->cached - b->cached) < half;
}

/*
 * The calls that are swept. Each returns 0; or an errno, and then has left
 * nothing; or -1 if what it got is wrong.
 */

static int load(const struct state *state, const char *parameters)
{
	return syscall(SYS_init_module, state->image, state->image_size,
		       parameters) ? errno : 0;
}

static int load_and_unload(struct state *state)
{
	int err = load(state, state->parameters);

	if (err)
		return err;
	/* To read the module's name is a point. */
	return module_unload() && (errno != EFAULT || module_unload()) ? -1 : 0;
}

static int open_device(struct state *state)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/xxshm%d", state->device);
	state->fd = open(path, O_RDWR);
	return state->fd < 0 ? errno : 0;
}

static int map_with(struct state *state, void *addr, int flags)
{
	state->map = mmap(addr, state->len, PROT_READ | PROT_WRITE,
			  MAP_SHARED | flags, state->fd, 0);
	return state->map == MAP_FAILED ? errno : 0;
}

static int map(struct state *state)
{
	return map_with(state, NULL, 0);
}

static int map_populated(struct state *state)
{
	return map_with(state, NULL, MAP_POPULATE);
}

static int map_too_much(struct state *state)
{
	int err = map(state);

	return err == EAGAIN ? 0 : err ?: -1;
}

/* Nobody learns of a point that a page fault meets: the fault is repeated. */
static int touch(struct state *state)
{
	size_t at;

	for (at = 0; at < state->len; at += state->page)
		*(volatile char *)(state->map + at) = 'x';
	return 0;
}

static int fork_and_wait(struct state *state)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid < 0 ? errno : waitpid(pid, NULL, 0) != pid;
}

static int unmap_middle(struct state *state)
{
	return munmap(state->map + state->page, state->page) ? errno : 0;
}

static int protect_middle(struct state *state)
{
	return mprotect(state->map + state->page, state->page, PROT_READ) ?
		errno : 0;
}

static int move(struct state *state)
{
	return mremap(state->map, state->len, state->len,
		      MREMAP_MAYMOVE | MREMAP_FIXED, state->to) == MAP_FAILED ?
		errno : 0;
}

static int ask(struct state *state)
{
	struct xxshm_info info = {};

	if (ioctl(state->fd, XXSHM_IOC_INFO, &info))
		return info.window_size ? -1 : errno;
	return info.charged == state->len ? 0 : -1;
}

static int read_path(const char *path)
{
	char text[512];
	int err = 0, fd = open(path, O_RDONLY);

	if (fd < 0)
		return errno;
	if (read(fd, text, sizeof(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

static int read_fdinfo(struct state *state)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", state->fd);
	return read_path(path);
}

static int read_sysfs(struct state *state)
{
	return read_path("/sys/class/xxshm/xxshm0/charged");
}

/* New memory is zero; and all of it is there, or this would be killed. */
static int check_zero(struct state *state)
{
	return is_zero(state->map, state->len) ? 0 : -1;
}

/* What is made before a sequence begins. Each returns 0 or an errno. */

static int make_nothing(struct state *state)
{
	return 0;
}

/* Of a device whose window is empty. */
static int make_new_file(struct state *state)
{
	state->device++;
	return open_device(state);
}

static int make_mapping(struct state *state)
{
	return open_device(state) ?: map(state);
}

/* A file that has had a mapping keeps what the next one takes. */
static int make_used_file(struct state *state)
{
	int err = make_mapping(state);

	munmap(state->map, state->len);
	return err;
}

/* The window has its memory, but the file has had no mapping. */
static int make_file(struct state *state)
{
	int err = make_used_file(state);

	close(state->fd);
	return err ?: open_device(state);
}

static int make_poor(struct state *state)
{
	struct rlimit limit = { state->page, RICH * state->page };

	return setrlimit(RLIMIT_MEMLOCK, &limit) ? errno : open_device(state);
}

static int make_lonely_mapping(struct state *state)
{
	return open_device(state) ?: map_with(state, LONELY, MAP_FIXED);
}

static int make_pieces(struct state *state)
{
	return make_mapping(state) ?: protect_middle(state);
}

static int make_mapping_and_room(struct state *state)
{
	state->to = mmap(NULL, state->len, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return make_mapping(state);
}

/* Back to where it began, whatever was made. */
static void end(struct state *state)
{
	if (state->map)
		munmap(state->map, state->len);
	if (state->to)
		munmap(state->to, state->len);
	if (state->fd >= 0)
		close(state->fd);
	state->map = NULL;
	state->to = NULL;
	state->fd = -1;
}

/*
 * @make: prepares, @run: is swept, @check: looks at what it got, or NULL,
 * @at_least: it has so many points.
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
#define LARGE	"instances=24 size=4M"

SEQUENCE(open, .parameters = SMALL, .make = make_nothing, .run = open_device,
	 .at_least = 4);
SEQUENCE(first_mmap, .parameters = SMALL, .make = make_new_file, .run = map,
	 .check = check_zero, .at_least = 20);
SEQUENCE(first_large_mmap, .parameters = LARGE, .make = make_new_file,
	 .run = map, .check = check_zero, .at_least = 8);
SEQUENCE(mmap, .parameters = SMALL, .make = make_file, .run = map,
	 .at_least = 4);
SEQUENCE(mmap_again, .parameters = SMALL, .make = make_used_file, .run = map,
	 .at_least = 3);
SEQUENCE(mmap_too_much, .parameters = SMALL, .make = make_poor,
	 .run = map_too_much, .at_least = 2);
SEQUENCE(mmap_populated, .parameters = SMALL, .make = make_file,
	 .run = map_populated, .at_least = 4);
SEQUENCE(touch, .parameters = SMALL, .make = make_lonely_mapping, .run = touch,
	 .at_least = 1);
SEQUENCE(touch_large, .parameters = LARGE, .make = make_lonely_mapping,
	 .run = touch, .at_least = 1);
SEQUENCE(fork, .parameters = SMALL, .make = make_pieces, .run = fork_and_wait,
	 .at_least = 50);
SEQUENCE(munmap_middle, .parameters = SMALL, .make = make_mapping,
	 .run = unmap_middle, .at_least = 2);
SEQUENCE(mprotect_middle, .parameters = SMALL, .make = make_mapping,
	 .run = protect_middle, .at_least = 2);
SEQUENCE(mremap, .parameters = SMALL, .make = make_mapping_and_room,
	 .run = move, .at_least = 2);
SEQUENCE(ioctl, .parameters = SMALL, .make = make_mapping, .run = ask,
	 .at_least = 2);
SEQUENCE(fdinfo, .parameters = SMALL, .make = make_mapping, .run = read_fdinfo,
	 .at_least = 4);
SEQUENCE(sysfs, .parameters = SMALL, .make = make_mapping, .run = read_sysfs,
	 .at_least = 4);

/* Nothing here depends on the data model of the caller, and it takes long. */
#ifdef __LP64__
SEQUENCE(load, .parameters = "instances=2", .make = make_nothing,
	 .run = load_and_unload, .at_least = 90);
/* A large folio is there already when the small pages behind it fail. */
SEQUENCE(first_mixed_mmap, .parameters = "instances=64 size=2080K",
	 .make = make_new_file, .run = map, .check = check_zero, .at_least = 20);
#endif

/* Reading the file is no part of loading it. */
static int read_image(struct state *state)
{
	const long most = 8 << 20;
	int fd = open(module_path(), O_RDONLY);
	long got;

	state->image = malloc(most);
	while ((got = read(fd, state->image + state->image_size,
			   most - state->image_size)) > 0)
		state->image_size += got;
	close(fd);
	return got;
}

/* As an ordinary user, who has no CAP_IPC_LOCK. */
static int set_up_loaded(struct state *state)
{
	struct xxshm_info info = {};

	if (module_load(state->parameters) ||
	    system("chmod 666 /dev/xxshm*"))
		return -1;
	state->watch = open(DEVICE, O_RDWR);
	if (ioctl(state->watch, XXSHM_IOC_INFO, &info))
		return -1;
	state->len = info.window_size;
	return become_user(USER_A, RICH * state->page);
}

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
		     read_image(&self->state) : set_up_loaded(&self->state));
}

FIXTURE_TEARDOWN_PARENT(sweep)
{
	if (variant->sequence.run != load_and_unload)
		EXPECT_EQ(0, module_unload());
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
	EXPECT_TRUE(is_the_same(before, &after));
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
 * Points of the kernel's own loader come first, and are not the module's to
 * survive. To load without instances is refused once they are passed.
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

/* Each loaded module has one of its own. KASAN keeps what was freed for a while. */
static long count_mounts(const struct sequence *sequence)
{
	if (sequence->run != load_and_unload)
		return 0;
	if (write_file("/sys/kernel/slab/mnt_cache/shrink", "1"))
		return -1;
	return read_number("/sys/kernel/slab/mnt_cache/objects", "");
}

/*
 * A load has a point more or less each time, so that one may be passed by. Its
 * last step, which is to be taken back with all others, gets more chances.
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

	/* What only the first time takes is not part of it. */
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
	/* A mount goes in its own time. */
	for (tries = 0; count_mounts(sequence) > mounts && tries < 1000; tries++)
		usleep(10000);
	EXPECT_LE(count_mounts(sequence), mounts);
}

/* One of two fails to allocate what both of them need. */
FIXTURE(pair) {
	struct meeting *meeting;
	struct state state;
};

#define PAIRS	60	/* rounds, each with a device of its own */

FIXTURE_SETUP(pair)
{
	self->state = (struct state){
		.parameters = "instances=64 size=64K", .page = page_size(),
		.fd = -1,
	};
	self->meeting = meeting_new(2, PAIRS, 60);
	ASSERT_NE(NULL, self->meeting);
	ASSERT_EQ(0, set_up_faults());
	ASSERT_EQ(0, set_up_loaded(&self->state));
	/* Who changed the user has no access to such files of his own processes. */
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
}

FIXTURE_TEARDOWN_PARENT(pair)
{
	EXPECT_EQ(0, module_unload());
}

/*
 * Returns how much went wrong; 0 fails, at a later point in each round. The state
 * of the fixture is in memory that both share: each has a copy.
 */
static int map_first(struct meeting *meeting, struct state state, int self)
{
	int wrong = 0, faults = open_faults(), err;

	while (begin(meeting, self)) {
		wrong += make_new_file(&state) != 0;
		meet(meeting);
		if (!self)
			arm(faults, 3 + meeting->rounds % 20);
		err = map(&state);
		disarm(faults);
		if (!self)
			meeting->won[!err]++;
		wrong += err && (self || err != ENOMEM);
		wrong += !err && check_zero(&state);
		meet(meeting);
		end(&state);
		meet(meeting);
	}
	return wrong;
}

/* The same for the page tables that a first access needs. */
static int touch_first(struct meeting *meeting, struct state state, int self)
{
	int wrong = 0, faults = open_faults();

	while (begin(meeting, self)) {
		wrong += make_lonely_mapping(&state) != 0;
		meet(meeting);
		if (!self)
			arm(faults, 1 + meeting->rounds % 3);
		touch(&state);
		if (!self)
			meeting->won[!disarm(faults)]++;
		wrong += state.map[state.len - state.page] != 'x';
		meet(meeting);
		end(&state);
		meet(meeting);
	}
	return wrong;
}

TEST_F_TIMEOUT(pair, access_that_fails_beside_another_is_repeated, 300)
{
	pid_t pid;

	if (fork_pair(&pid))
		_exit(touch_first(self->meeting, self->state, 1) ? 1 : 0);
	EXPECT_EQ(0, touch_first(self->meeting, self->state, 0));
	EXPECT_EQ(0, wait_for(pid));
	TH_LOG("%u times an access failed at first", self->meeting->won[1]);
	EXPECT_GT(self->meeting->won[1], 5);
}

TEST_F_TIMEOUT(pair, who_does_not_fail_gets_the_memory, 300)
{
	pid_t pid;

	if (fork_pair(&pid))
		_exit(map_first(self->meeting, self->state, 1) ? 1 : 0);
	EXPECT_EQ(0, map_first(self->meeting, self->state, 0));
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_EQ(0, user_locked(self->state.watch));
	TH_LOG("%u times one failed, %u times it did not need to allocate",
	       self->meeting->won[0], self->meeting->won[1]);
	EXPECT_GT(self->meeting->won[0], 5);
	EXPECT_GT(self->meeting->won[1], 5);
}

TEST_HARNESS_MAIN
