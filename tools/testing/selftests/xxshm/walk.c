// SPDX-License-Identifier: GPL-2.0-only
/*
 * A long random walk through all actions that may change charges, by processes of all data
 * models and two users. Each step is compared with a model; see walk.h. XXSHM_SEED in the
 * environment repeats a walk, to its end or for XXSHM_SECONDS.
 */
#include <limits.h>

#include "harness.h"
#include "walk.h"

#define STEPS	160000
#define ENOUGH	10000	/* however long they take */
#define SECONDS	20	/* for the others, unless a walk is to be repeated */

FIXTURE(walk) {
	struct walk *walk;
	int memory, device;
	__u64 seed;
	time_t end;
};

static int is_repeated(void)
{
	const char *given = getenv("XXSHM_SEED");

	return given && *given;
}

static __u64 choose_seed(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return seed_or(now.tv_nsec + 1000003ULL * now.tv_sec + getpid());
}

static time_t choose_end(void)
{
	return is_repeated() && !getenv("XXSHM_SECONDS") ? LONG_MAX : end_after(SECONDS);
}

static int goes_on(__u32 steps, time_t end)
{
	return steps < ENOUGH || (steps < STEPS && time(NULL) < end);
}

/* Files opened by the users keep their ledgers: otherwise an error could vanish. */
FIXTURE_SETUP(walk)
{
	ASSERT_EQ(0, module_load("size=64K"));
	self->seed = choose_seed();
	self->end = choose_end();
	TH_LOG("to repeat: make check TEST=walk KERNEL=... SEED=%llu",
	       (unsigned long long)self->seed);
	self->memory = syscall(SYS_memfd_create, "walk", 0);
	ASSERT_EQ(0, ftruncate(self->memory, sizeof(*self->walk)));
	self->walk = mmap(NULL, sizeof(*self->walk), PROT_READ | PROT_WRITE,
			  MAP_SHARED, self->memory, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->walk);
	self->walk->random = self->seed | 1ULL << 63;
	self->walk->turn = COORDINATOR;
	self->walk->fork_into = COORDINATOR;
	ASSERT_EQ(0, drop_capability(CAP_IPC_LOCK));
	ASSERT_EQ(0, setresuid(USER_A, 0, 0));
	ASSERT_GE(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
	ASSERT_EQ(0, setresuid(USER_B, 0, 0));
	self->device = open(DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->device, 0);
}

FIXTURE_TEARDOWN_PARENT(walk)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

static void start_walker(struct walk *walk, int memory, __u32 slot)
{
	struct walker *w = &walk->walker[slot];
	const char *path = walker_path[walk_random(walk, MODELS)];
	pid_t pid;

	w->user = walk_random(walk, USERS);
	w->limit = walk_random(walk, LIMITS);
	pid = fork();
	if (!pid) {
		setresuid(walk_uid(w->user), 0, 0);
		set_memlock(w->limit * page_size());
		walk_exec(path, slot, memory);
		_exit(127);
	}
	w->pid = pid;
}

static void stop_walker(struct walk *walk, __u32 slot)
{
	struct walker *w = &walk->walker[slot];

	kill_and_wait(w->pid);
	walk_clear(walk, w, 0, ARENA_PAGES);
	walk_count(walk, STEP_KILL);
}

/* One walker gets the turn, a new one or one that lives. */
static int take_turn(struct walk *walk, int memory, __u32 slot)
{
	__u32 other = walk_random(walk, WALKERS), dice = walk_random(walk, 100);

	if (!walk->walker[slot].pid || dice < 4) {
		if (walk->walker[slot].pid)
			stop_walker(walk, slot);
		__atomic_store_n(&walk->turn, slot, __ATOMIC_SEQ_CST);
		start_walker(walk, memory, slot);
	} else {
		if (dice < 16 && other != slot && walk->walker[other].pid) {
			stop_walker(walk, other);
			walk->fork_into = other;
		}
		walk_pass(walk, slot);
	}
	return walk_wait(walk, COORDINATOR);
}

/* Both ledgers and the device's sum, seen from outside. */
static int books_agree(struct walk *walk, int device)
{
	long used, sum = 0;
	__u32 user;

	for (user = 0; user < USERS; user++) {
		used = walk->used[user] * page_size();
		sum += used;
		if (setresuid(walk_uid(user), 0, 0) ||
		    user_locked(device) != used)
			return 0;
	}
	return device_attribute("charged") == sum;
}

TEST_F_TIMEOUT(walk, agrees_with_the_model_at_every_step, 3600)
{
	struct walk *walk = self->walk;
	__u32 slot, kind, agree = 1, hung = 0;

	while (goes_on(walk->steps, self->end) && agree && !walk->failed && !hung) {
		hung = take_turn(walk, self->memory, walk_random(walk, WALKERS));
		agree = books_agree(walk, self->device);
	}
	for (slot = 0; slot < WALKERS; slot++)
		if (walk->walker[slot].pid)
			stop_walker(walk, slot);
	TH_LOG("%u steps", walk->steps);
	EXPECT_EQ(0, walk->failed) TH_LOG("step %u: %s", walk->steps, walk->message);
	EXPECT_EQ(1, agree) TH_LOG("step %u: the books do not agree", walk->steps);
	EXPECT_EQ(0, hung) TH_LOG("step %u: a walker died", walk->steps);
	for (kind = 0; kind < KINDS; kind++) {
		EXPECT_GT(walk->taken[kind], walk->steps / 1000)
			TH_LOG("kind %u", kind);
	}
	EXPECT_GT(walk->refused, walk->steps / 100);
	EXPECT_GT(walk->taken[STEP_MAP] - walk->refused, walk->steps / 10);
	EXPECT_EQ(0, walk->used[0] + walk->used[1]);
	EXPECT_TRUE(books_agree(walk, self->device));
}

TEST_HARNESS_MAIN
