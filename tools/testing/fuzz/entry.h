/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The three ways from this one process into the kernel: as 64-bit code, as
 * ia32 code by int 0x80, and as x32 code.
 */
#ifndef _FUZZ_ENTRY_H
#define _FUZZ_ENTRY_H

#include "fault.h"
#include "tally.h"

#define X32_BIT		0x40000000L

enum { LP64, IA32, X32, WAYS };

static const char *const way_name[WAYS] = { "lp64", "ia32", "x32" };

/* The numbers of a call; 0: it is not to be had that way. */
struct call {
	const char *name;
	long nr[WAYS];
};

/* The last call and its result, for coverage. */
static long entry_result;
static int fail_nth;		/* which allocation of the next call fails, or 0 */

/* For pointers that 32-bit code can pass on: this program is linked low. */
static __u8 buffer[2 * 4096] __attribute__((aligned(4096)));

static int way_is_ilp32(int way)
{
	return way != LP64;
}

static long enter_lp64(long nr, const long *arg)
{
	register long r10 asm("r10") = arg[3];
	register long r8 asm("r8") = arg[4];
	register long r9 asm("r9") = arg[5];
	long ret;

	asm volatile("syscall" : "=a"(ret)
		     : "a"(nr), "D"(arg[0]), "S"(arg[1]), "d"(arg[2]),
		       "r"(r10), "r"(r8), "r"(r9)
		     : "memory", "rcx", "r11");
	return ret;
}

static long enter_ia32(long nr, const long *arg)
{
	register long r12 asm("r12") = arg[5];
	long ret;

	asm volatile("xchg %%rbp, %%r12; int $0x80; xchg %%rbp, %%r12"
		     : "=a"(ret), "+r"(r12)
		     : "a"(nr), "b"(arg[0]), "c"(arg[1]), "d"(arg[2]),
		       "S"(arg[3]), "D"(arg[4])
		     : "memory", "r8", "r9", "r10", "r11");
	return (__u32)ret >= -4095U ? (__s32)ret : ret;
}

static long enter_kernel(int way, long nr, const long *arg)
{
	switch (way) {
	case IA32:
		return enter_ia32(nr, arg);
	case X32:
		return enter_lp64(nr | X32_BIT, arg);
	default:
		return enter_lp64(nr, arg);
	}
}

static void print_call(int way, const char *name, const long *arg, long ret)
{
	int i;

	fprintf(stderr, "%s%s %s(", in_child ? "  child: " : "  ",
		way_name[way], name);
	for (i = 0; i < 6; i++)
		fprintf(stderr, "%s0x%lx", i ? ", " : "", arg[i]);
	if (ret < 0)
		fprintf(stderr, ") = %s\n", strerrorname_np(-ret));
	else
		fprintf(stderr, ") = 0x%lx\n", ret);
}

/* Addresses do not fit through the 32-bit door when they are high. */
static int way_for(int way, unsigned long addr)
{
	return way == IA32 && addr >> 32 ? LP64 : way;
}

/*
 * Call the kernel with six arguments; returns what it returns, negative errno
 * included.
 */
static long enter(int way, const struct call *call, const long *arg)
{
	int faults = fail_nth ? open_faults() : -1;
	long ret;

	way = call->nr[way] ? way_for(way, arg[0]) : LP64;
	if (faults >= 0)
		arm(faults, fail_nth);
	fail_nth = 0;
	ret = enter_kernel(way, call->nr[way], arg);
	if (faults >= 0) {
		disarm(faults);
		close(faults);
	}
	count(&tally->calls);
	entry_result = ret;
	if (printing)
		print_call(way, call->name, arg, ret);
	return ret;
}

#define ENTER(way, call, ...) enter(way, call, (const long []) { __VA_ARGS__, 0, 0, 0, 0, 0 })

#endif /* _FUZZ_ENTRY_H */
