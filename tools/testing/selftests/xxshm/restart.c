// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program sees one mmap(2), however long the window takes to be filled and
 * whatever comes in between: signals, tracers, and the old mapping at a fixed
 * address.
 */
#include <setjmp.h>

#include "cgroup.h"
#include "fill.h"
#include "first.h"
#include "harness.h"
#include "ledger.h"

#define BOUND		30	/* seconds: the bound of a process that is not slow */

static void handle_by(void (*handler)(int sig), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	if (sigaction(SIGUSR1, &action, NULL))
		perror("sigaction");
}

FIXTURE(slow) {
	pid_t busy;
	long before;
};

/* Nobody has mapped the window yet, and a process that is slow will take long. */
FIXTURE_SETUP(slow)
{
	ASSERT_GE(open_fresh(), 0);
	pin(1);
	self->before = cached_pages();
	self->busy = busy_start();
}

FIXTURE_TEARDOWN_PARENT(slow)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

/* A slow child that exits with the return value of @body. */
static pid_t start_slowly(int (*body)(void))
{
	pid_t pid = fork_bound();

	if (!pid) {
		be_slow();
		_exit(body());
	}
	return pid;
}

/* The window has some pages, and from now on gets very few. */
#define ASSERT_FILLING(pid)						\
do {									\
	ASSERT_TRUE(WITHIN(BOUND, has_grown(self->before, HUGE_SIZE)));	\
	busy_take_all(self->busy);					\
	ASSERT_EQ(0, device_attribute("allocated"));			\
	ASSERT_FALSE(has_ended(pid));					\
} while (0)

/* A signal comes meanwhile; then the process is as fast as others. */
#define SIGNAL_WHILE_FILLING(pid, sig)					\
do {									\
	ASSERT_FILLING(pid);						\
	kill(pid, sig);							\
	kill_and_wait(self->busy);					\
} while (0)

static int map_and_handle(void)
{
	handle_by(handle, 0);
	return map_first() ?: !shared->is_handled;
}

static int map_and_handle_and_restart(void)
{
	handle_by(handle, SA_RESTART);
	return map_first() ?: !shared->is_handled;
}

TEST_F(slow, a_signal_is_handled_and_mmap_succeeds)
{
	pid_t pid = start_slowly(map_and_handle);

	SIGNAL_WHILE_FILLING(pid, SIGUSR1);
	EXPECT_EQ(0, ends_within(BOUND, pid));
	EXPECT_EQ(1, shared->is_handled);
	EXPECT_EQ(WINDOW, device_attribute("allocated"));
}

TEST_F(slow, a_handler_with_sa_restart_makes_no_difference)
{
	pid_t pid = start_slowly(map_and_handle_and_restart);

	SIGNAL_WHILE_FILLING(pid, SIGUSR1);
	EXPECT_EQ(0, ends_within(BOUND, pid));
	EXPECT_EQ(1, shared->is_handled);
}

static void map_in_handler(int sig)
{
	char *map = map_a_page();

	shared->is_handled = map == MAP_FAILED ? -1 : 1;
	if (map != MAP_FAILED)
		*map = 'h';
}

static int map_twice(void)
{
	char *map;

	handle_by(map_in_handler, 0);
	map = map_a_page();
	return map == MAP_FAILED ? errno : *map != 'h';
}

TEST_F(slow, a_handler_can_map_the_window_too)
{
	pid_t pid = start_slowly(map_twice);

	SIGNAL_WHILE_FILLING(pid, SIGUSR1);
	EXPECT_EQ(0, ends_within(BOUND, pid));
	EXPECT_EQ(1, shared->is_handled);
}

static sigjmp_buf back;

static void jump(int sig)
{
	shared->is_handled++;
	siglongjmp(back, 1);
}

static int map_until_jump(void)
{
	if (sigsetjmp(back, 1))
		return map_first();
	handle_by(jump, 0);
	map_a_page();
	return 255;
}

/* The first call is never finished. */
TEST_F(slow, a_handler_can_jump_away)
{
	pid_t pid = start_slowly(map_until_jump);

	SIGNAL_WHILE_FILLING(pid, SIGUSR1);
	EXPECT_EQ(0, ends_within(BOUND, pid));
	EXPECT_EQ(1, shared->is_handled);
}

TEST_F(slow, killing_the_process_leaves_the_window_empty)
{
	pid_t pid = start_slowly(map_first);
	char *map;

	EXPECT_TRUE(WITHIN(BOUND, has_grown(self->before, WINDOW / 4)));
	SIGNAL_WHILE_FILLING(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, ends_within(BOUND, pid));
	EXPECT_EQ(0, device_attribute("allocated"));
	EXPECT_TRUE(WITHIN(2, !has_grown(self->before, WINDOW / 8)));

	map = map_rw(shared->fd, WINDOW);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(is_zero(map, WINDOW));
}

/* A process that is not slow, on the processor of the test. */
static pid_t start_fast(void)
{
	pid_t pid = fork_bound();

	if (!pid)
		_exit(map_first());
	return pid;
}

/* While the first process removes its pages again, others may fill the window. */
TEST_F(slow, a_process_fills_what_another_one_gives_up)
{
	pid_t pid = start_slowly(map_first);
	char *map;

	EXPECT_TRUE(WITHIN(BOUND, has_grown(self->before, WINDOW / 2)));
	ASSERT_FILLING(pid);
	kill(pid, SIGKILL);
	EXPECT_TRUE(WITHIN(BOUND, !has_grown(self->before, WINDOW / 2)));
	map = map_rw(shared->fd, WINDOW);
	kill_and_wait(self->busy);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(128 + SIGKILL, ends_within(BOUND, pid));
	EXPECT_EQ(WINDOW, device_attribute("allocated"));
	EXPECT_TRUE(has_grown(self->before, WINDOW - WINDOW / 8));
	EXPECT_TRUE(is_zero(map, WINDOW));
}

TEST_F(slow, a_process_that_waits_can_be_killed)
{
	pid_t pid = start_slowly(map_first), second;

	ASSERT_FILLING(pid);
	second = start_fast();
	EXPECT_TRUE(WITHIN(BOUND, has_ended(second) || task_state(second) == 'D'));
	EXPECT_EQ(128 + SIGKILL, kill_and_wait(second));
	EXPECT_EQ(0, device_attribute("allocated"));
	kill_and_wait(self->busy);
	EXPECT_EQ(0, ends_within(BOUND, pid));
	EXPECT_EQ(WINDOW, device_attribute("allocated"));
}

static int has_stopped(pid_t pid)
{
	siginfo_t info = {};

	return !waitid(P_PID, pid, &info, WSTOPPED | WNOHANG) && info.si_pid == pid;
}

TEST_F(slow, a_process_can_be_stopped_and_continued)
{
	pid_t pid = start_slowly(map_first);

	SIGNAL_WHILE_FILLING(pid, SIGSTOP);
	EXPECT_TRUE(WITHIN(BOUND, has_stopped(pid)));
	EXPECT_FALSE(has_ended(pid));
	kill(pid, SIGCONT);
	EXPECT_EQ(0, ends_within(BOUND, pid));
	EXPECT_EQ(WINDOW, device_attribute("allocated"));
}

static void *exec_when_told(void *unused)
{
	pin(1);
	while (!shared->is_over)
		usleep(1000);
	execl("/bin/true", "true", NULL);
	_exit(255);
}

static int map_until_exec(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, exec_when_told, NULL))
		return 254;
	map_a_page();
	pause();
	return 255;
}

/* exec(2) kills all other threads first. */
TEST_F(slow, another_thread_can_exec)
{
	pid_t pid = start_slowly(map_until_exec);

	ASSERT_FILLING(pid);
	shared->is_over = 1;
	sleep(1);
	EXPECT_EQ(0, device_attribute("allocated"));
	kill_and_wait(self->busy);
	EXPECT_EQ(0, ends_within(BOUND, pid));
	EXPECT_NE(MAP_FAILED, map_a_page());
}

static char *old;

/* The window is to replace this mapping, which a reader touches all the time. */
static void *read_old(void *unused)
{
	pin(1);
	while (!shared->is_over) {
		char value = *(volatile char *)old;

		if (value != 'o' && value)
			_exit(250);
		shared->reads++;
	}
	return NULL;
}

/* 0 or an errno. The old bytes stay until the new ones are there. */
static int map_over(void)
{
	pthread_t thread;
	size_t page = page_size();
	int err;

	old = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	memset(old, 'o', page);
	if (pthread_create(&thread, NULL, read_old, NULL))
		return 255;
	err = mmap(old, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		   shared->fd, 0) == MAP_FAILED ? errno : 0;
	shared->is_over = 1;
	pthread_join(thread, NULL);
	return *old == (err ? 'o' : '\0') ? err : 251;
}

TEST_F(slow, a_fixed_address_shows_the_old_bytes_meanwhile)
{
	pid_t pid = start_slowly(map_over);
	long reads;

	ASSERT_FILLING(pid);
	reads = shared->reads;
	EXPECT_TRUE(WITHIN(BOUND / 2, shared->reads > reads + 1000));
	EXPECT_EQ(0, device_attribute("allocated"));
	kill_and_wait(self->busy);
	EXPECT_EQ(0, ends_within(BOUND, pid));
}

FIXTURE(poor) {
	pid_t busy;
	long before;
};

/* The same, and a cgroup in which half a window fits. */
FIXTURE_SETUP(poor)
{
	ASSERT_GE(open_fresh(), 0);
	pin(1);
	ASSERT_EQ(0, cgroup_make(OURS));
	ASSERT_EQ(0, write_file(OURS "/memory.max", "32M"));
	self->before = cached_pages();
	self->busy = busy_start();
}

FIXTURE_TEARDOWN_PARENT(poor)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
	EXPECT_EQ(0, cgroup_remove(OURS));
}

static int map_over_in_cgroup(void)
{
	return cgroup_enter(OURS) ? 255 : map_over();
}

TEST_F(poor, a_fixed_address_keeps_the_old_mapping)
{
	pid_t pid = start_slowly(map_over_in_cgroup);

	kill_and_wait(self->busy);
	EXPECT_EQ(ENOMEM, ends_within(BOUND, pid));
	EXPECT_EQ(0, device_attribute("allocated"));
}

/* The signal is handled after the window could not be filled, or before. */
static int map_again_when_rich(void)
{
	if (sigsetjmp(back, 1)) {
		while (!shared->is_over)
			usleep(1000);
		return map_first();
	}
	handle_by(jump, 0);
	if (cgroup_enter(OURS))
		return 254;
	map_a_page();
	return 255;
}

TEST_F(poor, the_error_of_a_call_that_was_left_is_forgotten)
{
	pid_t pid = start_slowly(map_again_when_rich);

	SIGNAL_WHILE_FILLING(pid, SIGUSR1);
	EXPECT_TRUE(WITHIN(BOUND, shared->is_handled));
	EXPECT_EQ(0, device_attribute("allocated"));
	EXPECT_EQ(0, write_file(OURS "/memory.max", "max"));
	shared->is_over = 1;
	EXPECT_EQ(0, ends_within(BOUND, pid));
	EXPECT_EQ(WINDOW, device_attribute("allocated"));
}

TEST_HARNESS_MAIN
