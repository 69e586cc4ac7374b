// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that waits in segmap() or devmap() delays the mmap(2) that called it. It
 * delays nothing else: other threads of the process go on, and so does a thread
 * that copies to the program while it holds the mutex that devmap() waits for.
 */
#include <pthread.h>
#include <setjmp.h>
#include <sys/ptrace.h>
#include <sys/utsname.h>

#include "../cgroup.h"
#include "../harness.h"
#include "waiter.h"

#define PATIENCE	10	/* seconds: PREP_PATIENCE of the module */
#define CROWD	8
#define TURNS	50	/* of each thread of a crowd */

/* A kernel that watches itself takes ten times as long. */
static int rounds(void)
{
	struct utsname name;
	int is_slow = !uname(&name) && strstr(name.release, "-xxshm-");

	return is_slow ? 100 : 2000;
}

FIXTURE(deadlock) {
	int fd;
	size_t page;
};

FIXTURE_SETUP(deadlock)
{
	self->page = page_size();
	self->fd = waiter_start();
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(deadlock)
{
	EXPECT_EQ(0, driver_unload("waiter"));
}

static char *map_anonymous(void *addr, size_t len)
{
	return mmap(addr, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | (addr ? MAP_FIXED : 0), -1, 0);
}

/* Read a byte that may not be mapped: -1 then, and no signal. */
static int peek(const char *addr)
{
	unsigned char byte;
	int ends[2], ret = -1;

	if (pipe(ends))
		return -1;
	if (write(ends[1], addr, 1) == 1 && read(ends[0], &byte, 1) == 1)
		ret = byte;
	close(ends[0]);
	close(ends[1]);
	return ret;
}

/* A thread that calls ioctl(2), which copies a page to it under the mutex. */
struct copier {
	pthread_t thread;
	int fd;
	unsigned int cmd;
	char *page;
	volatile int is_over;
	volatile int copies;
	volatile int failures;
};

static void *copier_run(void *data)
{
	struct copier *copier = data;

	do {
		/* The copy has to find no page, so that it asks for mmap_lock. */
		madvise(copier->page, page_size(), MADV_DONTNEED);
		if (ioctl(copier->fd, copier->cmd, copier->page))
			copier->failures++;
		copier->copies++;
	} while (!copier->is_over);
	return NULL;
}

static int copier_start(struct copier *copier)
{
	copier->page = map_anonymous(NULL, page_size());
	if (copier->page == MAP_FAILED)
		return -1;
	return pthread_create(&copier->thread, NULL, copier_run, copier);
}

/* The copy begins when segmap() has been called, and devmap() waits for its end. */
static int scene_copy_meets_mmap(int fd)
{
	struct copier copier = { .fd = fd, .cmd = WAITER_IOC_MEET, .is_over = 1 };

	if (copier_start(&copier) || waiter_await(fd, 1))
		return 1;
	if (map_rw(fd, page_size()) == MAP_FAILED)
		return 2;
	if (pthread_join(copier.thread, NULL) || copier.failures)
		return 3;
	return *copier.page == WAITER_BYTE ? 0 : 4;
}

TEST_F(deadlock, copy_under_the_mutex_of_devmap_meets_mmap)
{
	EXPECT_EQ(0, waiter_play(self->fd, scene_copy_meets_mmap));
	EXPECT_BALANCE(self->fd, 1);
}

/* @replaces: each round also replaces the page that the copy goes to. */
static int copy_beside_mmap(int fd, int replaces)
{
	struct copier copier = { .fd = fd, .cmd = WAITER_IOC_COPY };
	int round, seen;
	char *map;

	if (copier_start(&copier))
		return 1;
	for (round = 0; round < rounds(); round++) {
		seen = copier.copies;
		map = map_rw(fd, page_size());
		if (map == MAP_FAILED || munmap(map, page_size()))
			return 2;
		if (replaces && map_anonymous(copier.page, page_size()) == MAP_FAILED)
			return 3;
		while (round % 16 == 0 && copier.copies == seen)
			sched_yield();
	}
	copier.is_over = 1;
	if (pthread_join(copier.thread, NULL) || copier.failures)
		return 4;
	return copier.copies > rounds() / 16 ? 0 : 5;
}

static int scene_copy_beside_mmap(int fd)
{
	return copy_beside_mmap(fd, 0);
}

TEST_F(deadlock, copies_under_the_mutex_of_devmap_beside_mmaps)
{
	EXPECT_EQ(0, waiter_play(self->fd, scene_copy_beside_mmap));
	EXPECT_BALANCE(self->fd, rounds());
}

static int scene_copy_beside_replacement(int fd)
{
	return copy_beside_mmap(fd, 1);
}

TEST_F(deadlock, copies_to_a_page_that_is_replaced_beside_mmaps)
{
	EXPECT_EQ(0, waiter_play(self->fd, scene_copy_beside_replacement));
	EXPECT_BALANCE(self->fd, rounds());
}

/* As in ioctl(), a driver may use the memory of its caller in devmap(). */
static int scene_devmap_copies(int fd)
{
	char *page = map_anonymous(NULL, page_size());

	if (waiter_copies_to(fd, page))
		return 1;
	if (map_rw(fd, page_size()) == MAP_FAILED)
		return 2;
	return *page == WAITER_BYTE ? 0 : 3;
}

TEST_F(deadlock, devmap_copies_to_its_caller)
{
	EXPECT_EQ(0, waiter_play(self->fd, scene_devmap_copies));
	EXPECT_BALANCE(self->fd, 1);
}

/* One thread maps, and the driver waits. What can others do meanwhile? */
FIXTURE(sleep) {
	int fd;
	size_t page;
};

FIXTURE_VARIANT(sleep) {
	__u32 where;
};

FIXTURE_VARIANT_ADD(sleep, segmap) { .where = WAITER_IN_SEGMAP };
FIXTURE_VARIANT_ADD(sleep, devmap) { .where = WAITER_IN_DEVMAP };

FIXTURE_SETUP(sleep)
{
	self->page = page_size();
	self->fd = waiter_start();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, waiter_close_gate(self->fd, variant->where));
}

FIXTURE_TEARDOWN_PARENT(sleep)
{
	EXPECT_EQ(0, driver_unload("waiter"));
}

/* A thread that maps two pages of the node. */
#define MAPPER(fd_) { .fd = (fd_), .len = 2 * page_size() }

static int mapper_waits(struct mapper *mapper)
{
	return mapper_start(mapper) || waiter_await(mapper->fd, 1);
}

static int mapper_goes_on(struct mapper *mapper)
{
	return waiter_open_gate(mapper->fd) ?: mapper_join(mapper);
}

static int scene_others_map(int fd)
{
	struct mapper mapper = MAPPER(fd);
	char *map;

	if (mapper_waits(&mapper))
		return 1;
	map = map_anonymous(NULL, 2 * page_size());
	if (map == MAP_FAILED)
		return 2;
	map[0] = 'a';
	if (mprotect(map, page_size(), PROT_READ) || munmap(map, 2 * page_size()))
		return 3;
	if (waiter_counts(fd).waiting != 1 || mapper_goes_on(&mapper))
		return 4;
	mapper.map[page_size()] = 'b';
	return 0;
}

TEST_F(sleep, other_threads_map_touch_and_unmap)
{
	EXPECT_EQ(0, waiter_play(self->fd, scene_others_map));
	EXPECT_BALANCE(self->fd, 1);
}

static int scene_map(int fd)
{
	return map_rw(fd, page_size()) == MAP_FAILED ? errno : 0;
}

/* ps(1) and its kind look at a process whose mmap(2) waits. */
TEST_F(sleep, other_processes_read_proc)
{
	pid_t mapper = waiter_start_scene(self->fd, scene_map);

	ASSERT_EQ(0, waiter_await(self->fd, 1));
	EXPECT_EQ(0, wait_within(SOON / 2, start_to_look_at(mapper)));
	EXPECT_EQ(1, waiter_counts(self->fd).waiting);
	ASSERT_EQ(0, waiter_open_gate(self->fd));
	EXPECT_EQ(0, wait_within(SOON, mapper));
	EXPECT_BALANCE(self->fd, 1);
}

static int scene_fork(int fd)
{
	struct mapper mapper = MAPPER(fd);
	pid_t pid;

	if (mapper_waits(&mapper))
		return 1;
	pid = fork();
	if (!pid)
		_exit(7);
	if (wait_for(pid) != 7 || waiter_counts(fd).waiting != 1)
		return 2;
	return mapper_goes_on(&mapper) ? 3 : 0;
}

TEST_F(sleep, another_thread_forks)
{
	EXPECT_EQ(0, waiter_play(self->fd, scene_fork));
	EXPECT_BALANCE(self->fd, 1);
	EXPECT_EQ(0, waiter_counts(self->fd).dups);
}

/* All threads wait at one time. Each gets a mapping of its own. */
static int scene_many_wait(int fd)
{
	struct mapper mappers[CROWD];
	int i;

	for (i = 0; i < CROWD; i++) {
		mappers[i] = (struct mapper)MAPPER(fd);
		if (mapper_start(&mappers[i]))
			return 1;
	}
	if (waiter_await(fd, CROWD) || waiter_open_gate(fd))
		return 2;
	for (i = 0; i < CROWD; i++)
		if (mapper_join(&mappers[i]) || munmap(mappers[i].map, mappers[i].len))
			return 3;
	return 0;
}

TEST_F(sleep, many_threads_wait_at_once)
{
	EXPECT_EQ(0, waiter_play(self->fd, scene_many_wait));
	EXPECT_BALANCE(self->fd, CROWD);
}

static void *map_in_turns(void *data)
{
	struct mapper *mapper = data;
	int turn;

	for (turn = 0; turn < TURNS && !mapper->error; turn++) {
		mapper_run(mapper);
		if (mapper->error)
			break;
		mapper->map[mapper->len - 1] = 'c';
		if (munmap(mapper->map, mapper->len))
			mapper->error = errno;
	}
	return NULL;
}

/* The lengths differ: a thread must not get the mapping of another one. */
static int scene_crowd_maps(int fd)
{
	struct mapper mappers[CROWD];
	int i, failures = 0;

	for (i = 0; i < CROWD; i++) {
		mappers[i] = (struct mapper){ .fd = fd, .len = (i + 1) * page_size() };
		if (pthread_create(&mappers[i].thread, NULL, map_in_turns, &mappers[i]))
			return 1;
	}
	for (i = 0; i < CROWD; i++)
		failures += !!mapper_join(&mappers[i]);
	return failures ? 2 : 0;
}

TEST_F(deadlock, many_threads_map_at_once)
{
	EXPECT_EQ(0, waiter_play(self->fd, scene_crowd_maps));
	EXPECT_BALANCE(self->fd, CROWD * TURNS);
	EXPECT_EQ(CROWD * TURNS, waiter_counts(self->fd).devmaps);
}

TEST_F(sleep, kill_ends_a_wait_that_is_killable)
{
	pid_t pid;

	ASSERT_EQ(0, waiter_close_gate(self->fd, variant->where | WAITER_KILLABLE));
	pid = waiter_start_scene(self->fd, scene_map);
	ASSERT_EQ(0, waiter_await(self->fd, 1));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, wait_within(SOON / 2, pid));
	EXPECT_BALANCE(self->fd, 0);
}

/* The driver's wait is not killable: the process ends when that is over. */
TEST_F(sleep, kill_is_remembered_by_a_wait_that_is_not)
{
	struct waiter_counts counts;
	pid_t pid = waiter_start_scene(self->fd, scene_map);

	ASSERT_EQ(0, waiter_await(self->fd, 1));
	kill(pid, SIGKILL);
	ASSERT_EQ(0, waiter_open_gate(self->fd));
	EXPECT_EQ(128 + SIGKILL, wait_within(SOON, pid));
	counts = waiter_counts(self->fd);
	EXPECT_LE(counts.maps, 1);
	EXPECT_BALANCE(self->fd, counts.maps);
}

static int scene_exit(int fd)
{
	struct mapper mapper = MAPPER(fd);

	return mapper_waits(&mapper) ? 1 : 0;
}

TEST_F(sleep, another_thread_exits_the_process)
{
	ASSERT_EQ(0, waiter_close_gate(self->fd, variant->where | WAITER_KILLABLE));
	EXPECT_EQ(0, waiter_play(self->fd, scene_exit));
	EXPECT_BALANCE(self->fd, 0);
}

static int scene_exec(int fd)
{
	struct mapper mapper = MAPPER(fd);

	if (mapper_waits(&mapper))
		return 1;
	execl("/bin/true", "true", NULL);
	return 2;
}

TEST_F(sleep, another_thread_executes_a_program)
{
	ASSERT_EQ(0, waiter_close_gate(self->fd, variant->where | WAITER_KILLABLE));
	EXPECT_EQ(0, waiter_play(self->fd, scene_exec));
	EXPECT_BALANCE(self->fd, 0);
}

static int scene_wait_undisturbed(int fd)
{
	struct mapper mapper = MAPPER(fd);

	if (mapper_waits(&mapper))
		return 1;
	return mapper_goes_on(&mapper) ? 2 : 0;
}

/* Only a signal may end the driver's wait: none came. */
TEST_F(sleep, wait_that_is_interruptible_is_not_interrupted)
{
	ASSERT_EQ(0, waiter_close_gate(self->fd, variant->where | WAITER_INTERRUPTIBLE));
	EXPECT_EQ(0, waiter_play(self->fd, scene_wait_undisturbed));
	EXPECT_BALANCE(self->fd, 1);
	EXPECT_EQ(1, waiter_counts(self->fd).segmaps);
}

/* MAP_FIXED: the old mapping stays until the driver has made the new one. */
static int scene_replace(int fd)
{
	struct mapper mapper = MAPPER(fd);

	mapper.flags = MAP_FIXED;
	mapper.addr = map_anonymous(NULL, mapper.len);
	memset(mapper.addr, 'o', mapper.len);
	if (mapper_waits(&mapper))
		return 1;
	if (peek(mapper.addr) != 'o' || waiter_counts(fd).waiting != 1)
		return 2;
	if (mapper_goes_on(&mapper))
		return 3;
	return mapper.map == mapper.addr && !*mapper.map ? 0 : 4;
}

TEST_F(sleep, fixed_mapping_replaces_the_old_one_at_the_end)
{
	EXPECT_EQ(0, waiter_play(self->fd, scene_replace));
	EXPECT_BALANCE(self->fd, 1);
}

static int scene_replace_in_vain(int fd)
{
	char *old = map_anonymous(NULL, page_size());

	*old = 'o';
	if (waiter_fails(fd, EIO))
		return 1;
	if (mmap(old, page_size(), PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED ||
	    errno != ENXIO)
		return 2;
	return peek(old) == 'o' ? 0 : 3;
}

TEST_F(deadlock, fixed_mapping_that_fails_leaves_the_old_one)
{
	EXPECT_EQ(0, waiter_play(self->fd, scene_replace_in_vain));
	EXPECT_BALANCE(self->fd, 0);
}

static int scene_replace_own_in_vain(int fd)
{
	char *old = map_rw(fd, page_size());

	if (old == MAP_FAILED)
		return 1;
	*old = 'o';
	if (waiter_fails(fd, EIO))
		return 2;
	if (mmap(old, page_size(), PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED)
		return 3;
	return peek(old) == 'o' && !waiter_counts(fd).unmaps ? 0 : 4;
}

TEST_F(deadlock, fixed_mapping_that_fails_leaves_an_old_one_of_the_node)
{
	EXPECT_EQ(0, waiter_play(self->fd, scene_replace_own_in_vain));
	EXPECT_BALANCE(self->fd, 1);
}

/* Whichever of the two files gets mapped, nothing is left over. */
static int scene_replace_descriptor(int fd)
{
	int other = open("/dev/zero", O_RDWR | O_CLOEXEC), node = dup(fd);
	struct mapper mapper = MAPPER(node);

	if (mapper_start(&mapper) || waiter_await(fd, 1))
		return 1;
	if (dup2(other, node) != node || waiter_open_gate(fd))
		return 2;
	if (mapper_join(&mapper))
		return 3;
	mapper.map[page_size()] = 'd';
	return munmap(mapper.map, mapper.len) ? 4 : 0;
}

TEST_F(sleep, another_thread_replaces_the_descriptor)
{
	EXPECT_EQ(0, waiter_play(self->fd, scene_replace_descriptor));
	EXPECT_EQ(0, waiter_await_balance(self->fd));
	EXPECT_BALANCE(self->fd, 1);
}

/* Signals: the thread that maps has a handler. */
FIXTURE(signal) {
	int fd;
	size_t page;
};

FIXTURE_VARIANT(signal) {
	__u32 where;
	int flags;
};

FIXTURE_VARIANT_ADD(signal, segmap) { .where = WAITER_IN_SEGMAP };
FIXTURE_VARIANT_ADD(signal, devmap) { .where = WAITER_IN_DEVMAP };
FIXTURE_VARIANT_ADD(signal, devmap_restart) {
	.where = WAITER_IN_DEVMAP, .flags = SA_RESTART
};

FIXTURE_SETUP(signal)
{
	self->page = page_size();
	self->fd = waiter_start();
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, waiter_close_gate(self->fd, variant->where));
}

FIXTURE_TEARDOWN_PARENT(signal)
{
	EXPECT_EQ(0, driver_unload("waiter"));
}

static volatile int handled, jumps;
static sigjmp_buf back;

static void handle(int sig)
{
	handled++;
	if (jumps)
		siglongjmp(back, 1);
}

static int catch_signal(int flags)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = flags };

	return sigaction(SIGUSR1, &action, NULL);
}

/* The child maps by @scene; it gets a signal while the driver waits. */
static int play_with_signal(int fd, int flags, int sig, int (*scene)(int fd))
{
	pid_t pid = fork_bound();
	int ret;

	if (!pid)
		_exit(catch_signal(flags) ? 99 : scene(fd));
	ret = waiter_await(fd, 1);
	kill(pid, sig);
	/* Time for the signal to interrupt the driver, if it can. */
	usleep(100000);
	waiter_open_gate(fd);
	if (!ret && sig == SIGSTOP) {
		usleep(100000);
		kill(pid, SIGCONT);
	}
	ret = ret ?: wait_within(SOON, pid);
	if (ret == HANGS)
		kill(pid, SIGKILL);
	return ret;
}

static int scene_map_and_touch(int fd)
{
	char *map = map_rw(fd, 2 * page_size());

	if (map == MAP_FAILED)
		return 1;
	map[page_size()] = 's';
	return handled == 1 ? 0 : 2;
}

TEST_F(signal, handler_runs_and_mmap_completes_once)
{
	EXPECT_EQ(0, play_with_signal(self->fd, variant->flags, SIGUSR1,
				      scene_map_and_touch));
	EXPECT_BALANCE(self->fd, 1);
	EXPECT_EQ(1, waiter_counts(self->fd).segmaps);
	EXPECT_EQ(1, waiter_counts(self->fd).devmaps);
}

static int scene_map_interrupted(int fd)
{
	if (map_rw(fd, page_size()) != MAP_FAILED)
		return 1;
	return handled == 1 ? errno : 2;
}

/* The program sees the EINTR of segmap(); each errno of devmap() is ENXIO. */
TEST_F(signal, driver_that_is_interrupted_is_not_asked_again)
{
	int error = variant->where == WAITER_IN_SEGMAP ? EINTR : ENXIO;

	ASSERT_EQ(0, waiter_close_gate(self->fd, variant->where | WAITER_INTERRUPTIBLE));
	EXPECT_EQ(error, play_with_signal(self->fd, variant->flags, SIGUSR1,
					  scene_map_interrupted));
	EXPECT_BALANCE(self->fd, 0);
	EXPECT_EQ(1, waiter_counts(self->fd).segmaps);
}

/* The next mmap(2) does not get the segment of the abandoned one. */
static int scene_jump(int fd)
{
	char *map;

	jumps = 1;
	if (!sigsetjmp(back, 1)) {
		map_rw(fd, 2 * page_size());
		return 1;
	}
	map = map_rw(fd, 3 * page_size());
	if (map == MAP_FAILED)
		return 2;
	map[3 * page_size() - 1] = 'j';
	return handled == 1 ? 0 : 3;
}

TEST_F(signal, handler_that_jumps_away_leaves_nothing_over)
{
	EXPECT_EQ(0, play_with_signal(self->fd, variant->flags, SIGUSR1, scene_jump));
	EXPECT_BALANCE(self->fd, 2);
}

/* The last close of the file undoes it. */
static int scene_jump_and_close(int fd)
{
	struct waiter_counts counts;
	int own = open(WAITER, O_RDWR | O_CLOEXEC);

	jumps = 1;
	if (!sigsetjmp(back, 1)) {
		map_rw(own, 2 * page_size());
		return 1;
	}
	close(own);
	counts = waiter_counts(fd);
	return counts.maps == counts.unmaps ? 0 : 2;
}

TEST_F(signal, handler_that_jumps_away_may_close_the_file)
{
	EXPECT_EQ(0, play_with_signal(self->fd, variant->flags, SIGUSR1,
				      scene_jump_and_close));
	EXPECT_BALANCE(self->fd, 1);
}

/* @how: SIG_BLOCK or SIG_UNBLOCK, by the calling thread */
static int mask_signal(int how)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	return pthread_sigmask(how, &mask, NULL);
}

static volatile pid_t jumper;

static void *map_and_jump(void *fd)
{
	jumper = gettid();
	jumps = 1;
	if (!sigsetjmp(back, 1)) {
		mask_signal(SIG_UNBLOCK);
		map_rw(*(int *)fd, 2 * page_size());
	}
	return NULL;
}

/* The next call of another thread undoes it. */
static int scene_jump_and_end(int fd)
{
	pthread_t thread;

	if (mask_signal(SIG_BLOCK) || pthread_create(&thread, NULL, map_and_jump, &fd) ||
	    pthread_join(thread, NULL) || !WITHIN(SOON / 2, !task_state(jumper)))
		return 1;
	if (map_rw(fd, 3 * page_size()) == MAP_FAILED)
		return 2;
	return handled == 1 && waiter_counts(fd).unmaps == 1 ? 0 : 3;
}

TEST_F(signal, thread_that_jumps_away_may_end)
{
	EXPECT_EQ(0, play_with_signal(self->fd, variant->flags, SIGUSR1,
				      scene_jump_and_end));
	EXPECT_BALANCE(self->fd, 2);
}

#define STACK	(256UL << 10)

static int shared_fd;

static void map_once_more(int sig)
{
	handled = map_rw(shared_fd, page_size()) == MAP_FAILED ? -1 : 1;
}

/* The handler's stack is above that of the thread. */
static void *map_on_a_low_stack(void *stacks)
{
	struct sigaction action = { .sa_handler = map_once_more, .sa_flags = SA_ONSTACK };
	stack_t above = { .ss_sp = (char *)stacks + STACK, .ss_size = STACK };

	if (sigaltstack(&above, NULL) || sigaction(SIGUSR1, &action, NULL) ||
	    mask_signal(SIG_UNBLOCK) || map_rw(shared_fd, 2 * page_size()) == MAP_FAILED)
		return stacks;
	return NULL;
}

/* What was made for the call that the handler has interrupted is kept for it. */
static int scene_map_above(int fd)
{
	char *stacks = map_anonymous(NULL, 2 * STACK);
	pthread_attr_t attr;
	pthread_t thread;
	void *failed;

	shared_fd = fd;
	if (stacks == MAP_FAILED || mask_signal(SIG_BLOCK) || pthread_attr_init(&attr) ||
	    pthread_attr_setstack(&attr, stacks, STACK) ||
	    pthread_create(&thread, &attr, map_on_a_low_stack, stacks) ||
	    pthread_join(thread, &failed))
		return 1;
	if (failed)
		return 2;
	return handled == 1 ? 0 : 3;
}

TEST_F(signal, handler_on_a_stack_of_its_own_can_map)
{
	EXPECT_EQ(0, play_with_signal(self->fd, 0, SIGUSR1, scene_map_above));
	EXPECT_BALANCE(self->fd, 2);
	EXPECT_EQ(2, waiter_counts(self->fd).segmaps);
	EXPECT_EQ(2, waiter_counts(self->fd).devmaps);
}

static int scene_map_and_be_stopped(int fd)
{
	char *map = map_rw(fd, 2 * page_size());

	if (map == MAP_FAILED)
		return 1;
	map[page_size()] = 's';
	return 0;
}

TEST_F(signal, stop_and_continue)
{
	EXPECT_EQ(0, play_with_signal(self->fd, variant->flags, SIGSTOP,
				      scene_map_and_be_stopped));
	EXPECT_BALANCE(self->fd, 1);
	EXPECT_EQ(1, waiter_counts(self->fd).devmaps);
}

/* The module keeps what the driver made until the process can run again. */
TEST_F(deadlock, stop_for_long_and_continue)
{
	pid_t stopped, frozen;

	ASSERT_EQ(0, cgroup_make(OURS));
	ASSERT_EQ(0, waiter_close_gate(self->fd, WAITER_IN_DEVMAP));
	stopped = waiter_start_scene(self->fd, scene_map_and_be_stopped);
	frozen = waiter_start_scene(self->fd, scene_map_and_be_stopped);
	ASSERT_EQ(0, waiter_await(self->fd, 2));
	kill(stopped, SIGSTOP);
	ASSERT_EQ(0, cgroup_move(OURS, frozen));
	ASSERT_EQ(0, write_file(OURS "/cgroup.freeze", "1"));
	ASSERT_EQ(0, waiter_open_gate(self->fd));
	EXPECT_TRUE(WITHIN(SOON, task_state(stopped) == 'T'));
	EXPECT_TRUE(WITHIN(SOON, read_number(OURS "/cgroup.events", "frozen ") == 1));
	sleep(PATIENCE + 3);
	kill(stopped, SIGCONT);
	ASSERT_EQ(0, write_file(OURS "/cgroup.freeze", "0"));
	EXPECT_EQ(0, wait_within(SOON, stopped));
	EXPECT_EQ(0, wait_within(SOON, frozen));
	EXPECT_EQ(0, cgroup_remove(OURS));
	EXPECT_BALANCE(self->fd, 2);
	EXPECT_EQ(2, waiter_counts(self->fd).devmaps);
}

/* The tracer stops the process at entry to and exit from each system call. */
static int trace_to_the_end(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == pid) {
		if (!WIFSTOPPED(status))
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		if (ptrace(PTRACE_SYSCALL, pid, 0, 0))
			return -1;
	}
	return -1;
}

static pid_t map_and_be_traced(int fd)
{
	pid_t pid = fork_bound();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(scene_map_and_be_stopped(fd));
	}
	return pid;
}

TEST_F(deadlock, traced_process_maps_once)
{
	EXPECT_EQ(0, trace_to_the_end(map_and_be_traced(self->fd)));
	EXPECT_BALANCE(self->fd, 1);
	EXPECT_EQ(1, waiter_counts(self->fd).devmaps);
}

static void *open_gate_when_reached(void *fd)
{
	if (waiter_await(*(int *)fd, 1))
		return "nobody waits";
	return waiter_open_gate(*(int *)fd) ? "the gate is stuck" : NULL;
}

/* A tracer has the kernel come to the driver by another way. */
TEST_F(sleep, wait_of_a_traced_process_is_not_interrupted)
{
	void *complaint = "none";
	pthread_t thread;

	ASSERT_EQ(0, waiter_close_gate(self->fd, variant->where | WAITER_INTERRUPTIBLE));
	ASSERT_EQ(0, pthread_create(&thread, NULL, open_gate_when_reached, &self->fd));
	EXPECT_EQ(0, trace_to_the_end(map_and_be_traced(self->fd)));
	ASSERT_EQ(0, pthread_join(thread, &complaint));
	EXPECT_EQ(NULL, complaint);
	EXPECT_BALANCE(self->fd, 1);
}

TEST_HARNESS_MAIN
