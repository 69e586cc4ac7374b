/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzed program has of the devices: descriptors, and mappings. A
 * mapping that was taken to pieces stays listed: its range is where to look for
 * the pieces, and what to sweep at the end. Of those that have an address the
 * last tells which window is there, if anything is. Where the program chooses an
 * address itself it does so in the arena, where nothing else lives.
 */
#ifndef _FUZZ_HOLDINGS_H
#define _FUZZ_HOLDINGS_H

#include <setjmp.h>

#include "entry.h"
#include "ddi/locker.h"
#include "ddi/test_modules/pinner.h"

#define DEVICES		2
#define NODES		(DEVICES + 1)	/* and one of a driver with such windows */
#define PAGED		"paged"
#define PINNER		"pinner"	/* a driver that locks memory */
#define PINNER_PATH	"/dev/" PINNER "0"
#define DESCRIPTORS	4
#define MAPPINGS	128
#define ARENA		0x40000000UL
#define ARENA_SIZE	(8 * HUGE_SIZE)
#define WINDOWS		(NODES * 2)

struct descriptor {
	int fd;		/* 0: none */
	int device;
	int flags;
};

struct mapping {
	unsigned long start;
	unsigned long len;
	unsigned long pgoff;
	int window;	/* at its start, like pgoff; -1: none */
};

static struct descriptor descriptors[DESCRIPTORS];
static struct mapping mappings[MAPPINGS];
static unsigned int mapping_count;
static unsigned long page, window_pages;
static int devices_are_pageable;
static int drivers_are_loaded;
static int has_company;		/* another process carries out operations beside it */
static __u64 told_before;	/* tally->told when there was no handle */
static int populated[WINDOWS];	/* it has its pages */
static int filled[WINDOWS];	/* with its marker, all of it */
static int locked_all;		/* whatever is mapped next, libFuzzer's too */
static sigjmp_buf fault_return;
static volatile sig_atomic_t fault_expected;

static const struct call call_mmap = { "mmap", { SYS_mmap, 192, SYS_mmap } };

/* The call of 32-bit code takes the offset in pages and 32 bits of everything. */
static long call_mmap_by(int way, unsigned long addr, unsigned long *len,
			 int prot, int flags, int fd, unsigned long *pgoff)
{
	if (way != IA32)
		return ENTER(way, &call_mmap, addr, *len, prot, flags, fd,
			     *pgoff * page);
	*len = (__u32)*len;
	*pgoff = (__u32)*pgoff;
	return ENTER(way, &call_mmap, addr, *len, prot, flags, fd, *pgoff);
}

static int window_of(int device, int way)
{
	return device * 2 + way_is_ilp32(way);
}

/* Low, as 32-bit calls need it: this program is linked low. */
static const char *device_path(int device)
{
	static char path[] = DEVICE;

	if (device >= DEVICES)
		return "/dev/" PAGED "0";
	path[sizeof(path) - 2] = '0' + device;
	return path;
}

/* The only byte that is ever written to a window, beside 0. */
static __u8 marker(int window)
{
	return 0x40 + window;
}

static void on_fault(int sig)
{
	if (fault_expected)
		siglongjmp(fault_return, sig);
	violation("signal %d out of nowhere", sig);
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

static int is_of_driver(int window)
{
	return window >= DEVICES * 2;
}

/* The known value of the first of these bytes. */
static struct mapping mapping_at(unsigned long addr, unsigned long len)
{
	struct mapping at = { addr, len, 0, -1 };
	unsigned int i = mapping_count;

	while (i--) {
		if (addr - mappings[i].start >= mappings[i].len)
			continue;
		at.pgoff = mappings[i].pgoff + (addr - mappings[i].start) / page;
		at.window = mappings[i].window;
		break;
	}
	return at;
}

static int window_at(unsigned long addr)
{
	return mapping_at(addr, 1).window;
}

/* May another page be there when the bytes that were read are written again? */
static int is_unsteady(unsigned long addr)
{
	return has_company && is_of_driver(window_at(addr));
}

/*
 * Read a byte, and write it again if asked to, which is one step: what a page holds
 * does not get into the one that the driver shows next. Returns it, or -1 for a fault.
 */
static int access_byte(unsigned long addr, int writing)
{
	volatile __u8 *byte = (volatile __u8 *)addr;
	int sig = sigsetjmp(fault_return, 0), value = -1;

	if (!sig) {
		fault_expected = 1;
		value = writing ? __atomic_fetch_add(byte, 0, __ATOMIC_RELAXED) : *byte;
	}
	fault_expected = 0;
	if (sig == SIGBUS)
		violation("SIGBUS at 0x%lx", addr);
	return sig ? -1 : value;
}

static void expect_own(int window, unsigned long addr, int value)
{
	if (value > 0 && value != marker(window))
		violation("0x%lx, of window %d, holds 0x%x", addr, window, value);
}

/* The same, for mappings that may be there. */
static int touch(unsigned long addr, int writing)
{
	int value = access_byte(addr, writing);

	expect_own(window_at(addr), addr, value);
	return value;
}

/*
 * What a mapping of a window shows that can be read and was just made; more is not
 * known of a handle that the driver may have changed.
 */
static void expect_marker(int window, unsigned long addr)
{
	int value = access_byte(addr, 0);

	if (is_of_driver(window) && tally->told != told_before) {
		expect_own(window, addr, value);
		return;
	}
	if (value == -1)
		violation("window %d cannot be read at 0x%lx", window, addr);
	if (value != (filled[window] ? marker(window) : 0))
		violation("window %d shows 0x%x at 0x%lx", window, value, addr);
}

/* A window that is mapped has its pages. */
static void remember(unsigned long start, unsigned long len, unsigned long pgoff,
		     int window)
{
	if (mapping_count == MAPPINGS)
		violation("more mappings than operations");
	mappings[mapping_count++] = (struct mapping){ start, len, pgoff, window };
	populated[window] = 1;
}

/* What a cleanup function is just unlocking is in no slot any more. */
static void unlock_all(void)
{
	int fd = open(PINNER_PATH, O_RDWR | O_CLOEXEC), slot;

	for (slot = 0; slot < PINNER_SLOTS; slot++)
		if (ioctl(fd, PINNER_IOC_UNLOCK, slot) && errno != ENOENT)
			violation("unlocking slot %d: %m", slot);
	close(fd);
}

/* Quietly, whatever else is going on. */
static void drop_all(void)
{
	unsigned int i;

	for (i = 0; i < DESCRIPTORS; i++)
		if (descriptors[i].fd)
			close(descriptors[i].fd);
	memset(descriptors, 0, sizeof(descriptors));
	for (i = 0; i < mapping_count; i++)
		if (munmap((void *)mappings[i].start, mappings[i].len))
			violation("munmap at 0x%lx: %m", mappings[i].start);
	mapping_count = 0;
	if (munmap((void *)ARENA, ARENA_SIZE))
		violation("munmap of the arena: %m");
	told_before = tally->told;
	has_company = 0;
	if (drivers_are_loaded)
		unlock_all();
	if (locked_all && munlockall())
		violation("munlockall: %m");
	locked_all = 0;
}

#endif /* _FUZZ_HOLDINGS_H */
