// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program sees one mmap(2), however long the window takes to be filled and
 * whatever comes in between: signals, tracers, and the old mapping at a fixed
 * address.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/time.h>

#include "kselftest_harness.h"
#include "cgroup.h"
#include "fill.h"
#include "ledger.h"

#define WINDOW		(64UL << 20)
#define BOUND		30	/* seconds, for a process that is not slow */

#ifndef SYS_mmap2
#define SYS_mmap2	SYS_mmap
#endif

/* What all processes of a test see. */
struct shared {
	int fd;
	volatile int is_handled;
	volatile int is_over;
	volatile long reads;
};

static struct shared *shared;

static int open_fresh(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || module_load("size=64M"))
		return -1;
	shared->fd = open(DEVICE, O_RDWR);
	return shared->fd;
}

static char *map_a_page(void)
{
	return map_rw(shared->fd, page_size());
}

/* 0 or an errno. */
static int map_first(void)
{
	return map_a_page() == MAP_FAILED ? errno : 0;
}

static void handle(int sig)
{
	shared->is_handled++;
}

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

/* A slow child that exits with what @body returns. */
static pid_t start_slowly(int (*body)(void))
{
	pid_t pid = fork_bound();

	if (!pid) {
		be_slow();
		_exit(body());
	}
	return pid;
}

/* Has the window got some of its pages, and not all? */
#define ASSERT_FILLING(pid)						\
do {									\
	ASSERT_TRUE(WITHIN(BOUND, has_grown(self->before, 2 * HUGE_SIZE))); \
	ASSERT_EQ(0, device_attribute("allocated"));			\
	ASSERT_FALSE(has_ended(pid));					\
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

TEST_F_TIMEOUT(slow, a_signal_is_handled_and_mmap_succeeds, 120)
{
	pid_t pid = start_slowly(map_and_handle);

	ASSERT_FILLING(pid);
	kill(pid, SIGUSR1);
	kill_and_wait(self->busy);
	EXPECT_EQ(0, ends_within(BOUND, pid));
	EXPECT_EQ(1, shared->is_handled);
	EXPECT_EQ(WINDOW, device_attribute("allocated"));
}

TEST_F_TIMEOUT(slow, a_handler_with_sa_restart_makes_no_difference, 120)
{
	pid_t pid = start_slowly(map_and_handle_and_restart);

	ASSERT_FILLING(pid);
	kill(pid, SIGUSR1);
	kill_and_wait(self->busy);
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

TEST_F_TIMEOUT(slow, a_handler_can_map_the_window_too, 120)
{
	pid_t pid = start_slowly(map_twice);

	ASSERT_FILLING(pid);
	kill(pid, SIGUSR1);
	kill_and_wait(self->busy);
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
TEST_F_TIMEOUT(slow, a_handler_can_jump_away, 120)
{
	pid_t pid = start_slowly(map_until_jump);

	ASSERT_FILLING(pid);
	kill(pid, SIGUSR1);
	kill_and_wait(self->busy);
	EXPECT_EQ(0, ends_within(BOUND, pid));
	EXPECT_EQ(1, shared->is_handled);
}

TEST_F_TIMEOUT(slow, killing_the_process_leaves_the_window_empty, 120)
{
	pid_t pid = start_slowly(map_first);
	char *map;

	ASSERT_FILLING(pid);
	EXPECT_TRUE(WITHIN(BOUND, has_grown(self->before, WINDOW / 4)));
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, ends_within(BOUND, pid));
	kill_and_wait(self->busy);
	EXPECT_EQ(0, device_attribute("allocated"));
	EXPECT_TRUE(WITHIN(2, !has_grown(self->before, WINDOW / 8)));

	map = map_rw(shared->fd, WINDOW);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_TRUE(is_zero(map, WINDOW));
}

TEST_F_TIMEOUT(slow, a_process_can_be_stopped_and_continued, 120)
{
	pid_t pid = start_slowly(map_first);
	siginfo_t info = {};

	ASSERT_FILLING(pid);
	kill(pid, SIGSTOP);
	kill_and_wait(self->busy);
	EXPECT_TRUE(WITHIN(BOUND, !waitid(P_PID, pid, &info, WSTOPPED | WNOHANG) &&
				  info.si_pid == pid));
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
TEST_F_TIMEOUT(slow, another_thread_can_exec, 120)
{
	pid_t pid = start_slowly(map_until_exec);

	ASSERT_FILLING(pid);
	shared->is_over = 1;
	EXPECT_EQ(0, ends_within(BOUND, pid));
	kill_and_wait(self->busy);
	EXPECT_EQ(0, device_attribute("allocated"));
	EXPECT_NE(MAP_FAILED, map_a_page());
}

static char *old;

/* The mapping that the window is to replace: a reader touches it all the time. */
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

/* 0 or an errno; the old bytes are there until the new ones are. */
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

TEST_F_TIMEOUT(slow, a_fixed_address_shows_the_old_bytes_meanwhile, 120)
{
	pid_t pid = start_slowly(map_over);
	long reads;

	ASSERT_FILLING(pid);
	reads = shared->reads;
	EXPECT_TRUE(WITHIN(5, shared->reads > reads + 1000));
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

TEST_F_TIMEOUT(poor, a_fixed_address_keeps_the_old_mapping, 120)
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

TEST_F_TIMEOUT(poor, the_error_of_a_call_that_was_left_is_forgotten, 120)
{
	pid_t pid = start_slowly(map_again_when_rich);

	ASSERT_FILLING(pid);
	kill(pid, SIGUSR1);
	kill_and_wait(self->busy);
	EXPECT_TRUE(WITHIN(BOUND, shared->is_handled));
	EXPECT_EQ(0, device_attribute("allocated"));
	EXPECT_EQ(0, write_file(OURS "/memory.max", "max"));
	shared->is_over = 1;
	EXPECT_EQ(0, ends_within(BOUND, pid));
	EXPECT_EQ(WINDOW, device_attribute("allocated"));
}

FIXTURE(quick) {
	long before;
};

/* Nobody has mapped the window yet, and nothing is slow. */
FIXTURE_SETUP(quick)
{
	ASSERT_GE(open_fresh(), 0);
	self->before = cached_pages();
}

FIXTURE_TEARDOWN_PARENT(quick)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

TEST_F(quick, many_signals_do_not_hold_it_up)
{
	const struct itimerval often = { { 0, 2000 }, { 0, 2000 } };
	const struct itimerval never = {};

	ASSERT_NE(SIG_ERR, signal(SIGALRM, handle));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	EXPECT_EQ(0, map_first());
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &never, NULL));
	EXPECT_GT(shared->is_handled, 0);
}

/* Go from one stop to the next, and return the exit status as wait_for(). */
static int trace_to_end(pid_t pid, int request, int *stops)
{
	int status;

	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
		int is_ours = WSTOPSIG(status) == (SIGTRAP | 0x80) || status >> 16;

		*stops += is_ours;
		if (ptrace(request, pid, 0, is_ours ? 0 : WSTOPSIG(status)))
			return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static pid_t start_traced(int (*body)(void))
{
	pid_t pid = fork_bound();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(body());
	}
	waitpid(pid, NULL, 0);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD |
	       PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL);
	return pid;
}

/* Write to the page too, and return 0 or what did not work. */
static int map_and_touch(void)
{
	char *map = map_a_page();

	if (map == MAP_FAILED)
		return errno;
	*map = 't';
	return 0;
}

TEST_F(quick, a_tracer_may_stop_at_each_system_call)
{
	pid_t pid = start_traced(map_and_touch);
	int stops = 0;

	ASSERT_EQ(0, ptrace(PTRACE_SYSCALL, pid, 0, 0));
	EXPECT_EQ(0, trace_to_end(pid, PTRACE_SYSCALL, &stops));
	/* mmap begins, mmap ends, exit_group begins. */
	EXPECT_GE(stops, 3);
	EXPECT_EQ('t', *map_a_page());
}

/* Filter mmap(2): have the kernel do @action with it. */
static int filter_mmap(__u32 action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int map_filtered_by_tracer(void)
{
	return filter_mmap(SECCOMP_RET_TRACE) ? 255 : map_and_touch();
}

static int map_allowed(void)
{
	return filter_mmap(SECCOMP_RET_ALLOW) ? 255 : map_and_touch();
}

TEST_F(quick, a_filter_may_ask_a_tracer)
{
	int stops = 0;
	pid_t pid;

	if (prctl(PR_GET_SECCOMP) < 0)
		SKIP(return, "this kernel does not filter system calls");
	pid = start_traced(map_filtered_by_tracer);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
	EXPECT_EQ(0, trace_to_end(pid, PTRACE_CONT, &stops));
	EXPECT_GE(stops, 1);
	EXPECT_EQ('t', *map_a_page());
}

TEST_F(quick, a_filter_may_allow_it)
{
	pid_t pid;

	if (prctl(PR_GET_SECCOMP) < 0)
		SKIP(return, "this kernel does not filter system calls");
	pid = fork_bound();
	if (!pid)
		_exit(map_allowed());
	EXPECT_EQ(0, ends_within(BOUND, pid));
	EXPECT_EQ('t', *map_a_page());
}

static char *volatile mapped_by_child;

static int map_for_parent(void *unused)
{
	mapped_by_child = map_a_page();
	if (mapped_by_child != MAP_FAILED)
		*mapped_by_child = 'v';
	_exit(0);
}

/* The child uses the address space of its parent. */
TEST_F(quick, a_child_of_vfork_maps_first)
{
	char *stack = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid = clone(map_for_parent, stack + (1 << 16),
			  CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);

	EXPECT_EQ(0, ends_within(BOUND, pid));
	ASSERT_NE(MAP_FAILED, mapped_by_child);
	EXPECT_EQ('v', *mapped_by_child);
	EXPECT_EQ('v', *map_a_page());
}

TEST_F(quick, a_process_that_shares_memory_maps_first)
{
	char *stack = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid = clone(map_for_parent, stack + (1 << 16), CLONE_VM | SIGCHLD,
			  NULL);

	EXPECT_EQ(0, ends_within(BOUND, pid));
	ASSERT_NE(MAP_FAILED, mapped_by_child);
	EXPECT_EQ('v', *mapped_by_child);
}

static void *map_in_thread(void *unused)
{
	return map_a_page();
}

TEST_F(quick, two_threads_map_first_at_once)
{
	pthread_t thread;
	void *other;
	char *map;

	ASSERT_EQ(0, pthread_create(&thread, NULL, map_in_thread, NULL));
	map = map_a_page();
	ASSERT_EQ(0, pthread_join(thread, &other));
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_NE(MAP_FAILED, other);
	*map = 2;
	EXPECT_EQ(2, *(char *)other);
	EXPECT_EQ(WINDOW, device_attribute("allocated"));
}

TEST_F(quick, both_windows_are_mapped_first_at_once)
{
	pid_t pid = fork_bound();

	if (!pid)
		_exit(run_peer(OTHER_PEER, "read", 0, NULL));
	EXPECT_EQ(0, map_first());
	EXPECT_EQ(0, ends_within(BOUND, pid));
	EXPECT_EQ(2 * WINDOW, device_attribute("allocated"));
}

TEST_F(quick, map_populate_works)
{
	char *map = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, shared->fd, 0);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(WINDOW >> 10, smaps_kb(map, "Rss:"));
	EXPECT_TRUE(is_zero(map, WINDOW));
}

/* Refused or in vain: the window is as empty as before. */
#define EXPECT_EMPTY()							\
do {									\
	EXPECT_EQ(0, device_attribute("allocated"));			\
	EXPECT_FALSE(has_grown(self->before, WINDOW / 8));		\
} while (0)

TEST_F(quick, a_fixed_address_that_is_taken_is_eexist)
{
	size_t page = page_size();
	char *taken = mmap(NULL, page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*taken = 'o';
	EXPECT_EQ(MAP_FAILED, mmap(taken, page, PROT_READ | PROT_WRITE, MAP_SHARED |
				   MAP_FIXED_NOREPLACE, shared->fd, 0));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_EQ('o', *taken);
	EXPECT_EMPTY();
}

TEST_F(quick, the_limit_of_locked_memory_comes_first)
{
	size_t page = page_size();

	ASSERT_EQ(0, set_memlock(page));
	ASSERT_EQ(0, seteuid(USER_A));
	EXPECT_EQ(MAP_FAILED, map_rw(shared->fd, 2 * page));
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_EQ(0, seteuid(0));
	EXPECT_EMPTY();
	EXPECT_EQ(0, map_first());
}

FIXTURE(refused) {
	long before;
};

FIXTURE_VARIANT(refused) {
	size_t len;
	int prot;
	int flags;
	long offset;
	int error;
};

#define REFUSED(name, ...) FIXTURE_VARIANT_ADD(refused, name) { __VA_ARGS__ }

REFUSED(executable, 1, PROT_READ | PROT_EXEC, MAP_SHARED, 0, EACCES);
REFUSED(private, 1, PROT_READ, MAP_PRIVATE, 0, EINVAL);
REFUSED(behind_the_end, 1, PROT_READ, MAP_SHARED, WINDOW, ENXIO);
REFUSED(too_long, WINDOW + 1, PROT_READ, MAP_SHARED, 0, ENXIO);

FIXTURE_SETUP(refused)
{
	ASSERT_GE(open_fresh(), 0);
	self->before = cached_pages();
}

FIXTURE_TEARDOWN_PARENT(refused)
{
	EXPECT_EQ(0, device_attribute("charged"));
	EXPECT_EQ(0, module_unload());
}

TEST_F(refused, fills_nothing)
{
	EXPECT_EQ(MAP_FAILED, mmap(NULL, variant->len, variant->prot, variant->flags,
				   shared->fd, variant->offset));
	EXPECT_EQ(variant->error, errno);
	EXPECT_EMPTY();
}

TEST_F(refused, fills_nothing_at_a_fixed_address_either)
{
	char *place = mmap(NULL, 2 * WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	ASSERT_NE(MAP_FAILED, place);
	EXPECT_EQ(MAP_FAILED, mmap(place, variant->len, variant->prot,
				   variant->flags | MAP_FIXED, shared->fd,
				   variant->offset));
	EXPECT_EQ(variant->error, errno);
	EXPECT_EMPTY();
}

TEST_HARNESS_MAIN
