// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first mmap(2) of a window that is not small, in all ways in which a program may make
 * it; and calls that must not fill the window.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/time.h>

#include "fill.h"
#include "first.h"
#include "harness.h"
#include "ledger.h"

#define BOUND		30	/* seconds */

#ifndef SYS_mmap2
#define SYS_mmap2	SYS_mmap
#endif

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

/* Write to the page, too; returns 0 or a number for the failed step. */
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

/* Filter mmap(2): the kernel does @action with it. */
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

#if defined(__x86_64__) && !defined(__ILP32__)
struct old_mmap_args {
	__u32 addr, len, prot, flags, fd, offset;
};

/* A 64-bit process may make 32-bit calls, with arguments below 4G. */
TEST_F(quick, a_32_bit_call_of_a_64_bit_process_maps_first)
{
	struct old_mmap_args *args = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
					  -1, 0);
	long ret = 90;

	*args = (struct old_mmap_args){ .len = page_size(), .flags = MAP_SHARED,
					.prot = PROT_READ | PROT_WRITE,
					.fd = shared->fd };
	asm volatile("int $0x80" : "+a"(ret) : "b"(args)
		     : "memory", "r8", "r9", "r10", "r11");
	ASSERT_LT((__u32)ret, -4095U);
	*(char *)(unsigned long)(__u32)ret = 48;
	EXPECT_EQ(48, run_peer("../ia32/peer", "read", 0, NULL));
	EXPECT_EQ(WINDOW, device_attribute("allocated"));
}
#endif

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

/* After a refused or failed call the window is as empty as before. */
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
