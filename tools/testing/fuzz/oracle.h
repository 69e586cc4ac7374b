/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must hold whenever nothing is open: nobody is charged, the windows hold
 * their own bytes and only these, the kernel is content, the module can go.
 */
#ifndef _FUZZ_ORACLE_H
#define _FUZZ_ORACLE_H

#include "coverage.h"
#include "operations.h"

#define SAMPLES		32	/* of the pages of a window */
#define RELOAD_AFTER	256	/* inputs */
#define LOOK_AFTER	16	/* inputs: mapping the windows takes its time */
#define PATIENCE	5000	/* looks for what a worker does, a millisecond apart */

/* Sizes that have a page alone, small pages, and large ones with a rest. */
static const struct {
	const char *size;
	int is_pageable;
	int has_drivers;	/* else nothing but its devices holds the module */
} loads[] = {
	{ "64K", 0, 1 }, { "64K", 0, 0 }, { "64K", 1, 1 },
	{ "4K", 0, 1 }, { "4156K", 0, 1 }, { "4156K", 1, 1 },
};

#define LOADS	(sizeof(loads) / sizeof(*loads))

static int charged_fd[NODES], tainted_fd;
static long taints, locked_at_start[2], pinned_at_start;

/* A file of one number, kept open. */
static long number_in(int fd)
{
	char text[32] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		violation("a number cannot be read: %m");
	return atol(text);
}

/* An ordinary user in all but the power to load modules and to go back. */
static void become_ordinary(void)
{
	if (set_memlock(RLIM_INFINITY) || setresuid(USER_A, 0, 0))
		violation("becoming a user: %m");
}

static void load_modules(unsigned int number)
{
	unsigned long bytes = strtoul(loads[number].size, NULL, 10) * 1024;
	char text[64];

	devices_are_pageable = loads[number].is_pageable;
	snprintf(text, sizeof(text), "instances=%d size=%s pageable=%d", DEVICES,
		 loads[number].size, devices_are_pageable);
	if (module_load(text)) {
		perror("loading the module");
		exit(2);
	}
	window_pages = bytes / page;
	drivers_are_loaded = loads[number].has_drivers;
	snprintf(text, sizeof(text), "size=%lu", bytes);
	if (drivers_are_loaded &&
	    (driver_insert(PAGED, text) || driver_insert(PINNER, ""))) {
		perror("loading the drivers");
		exit(2);
	}
}

static int nodes(void)
{
	return drivers_are_loaded ? NODES : DEVICES;
}

static void load(unsigned int number)
{
	char text[64];
	int i;

	load_modules(number);
	for (i = 0; i < DEVICES; i++) {
		snprintf(text, sizeof(text), "/sys/class/xxshm/xxshm%d/charged", i);
		charged_fd[i] = open(text, O_RDONLY | O_CLOEXEC);
	}
	if (drivers_are_loaded)
		charged_fd[i] = open("/sys/class/xxshm-driver/" PAGED "0/charged",
				     O_RDONLY | O_CLOEXEC);
	memset(populated, 0, sizeof(populated));
	memset(filled, 0, sizeof(filled));
	coverage_find_text();
}

static long locked_by(int user, int fd)
{
	if (setresuid(USER_A + user, 0, 0))
		violation("setresuid: %m");
	return user_locked(fd);
}

static void oracle_open(void)
{
	int i, fd;

	tainted_fd = open("/proc/sys/kernel/tainted", O_RDONLY | O_CLOEXEC);
	load(0);
	/* The module taints the kernel, being none of its own. */
	taints = number_in(tainted_fd);
	fd = open(DEVICE, O_RDWR);
	for (i = 0; i < 2; i++)
		locked_at_start[i] = locked_by(i, fd);
	pinned_at_start = pages_pinned();
	close(fd);
}

/* The module goes when nobody uses it, and comes back with other windows. */
static void reload(void)
{
	static unsigned int number;
	int i;

	for (i = 0; i < nodes(); i++)
		close(charged_fd[i]);
	if (drivers_are_loaded && (module_remove(PAGED) || module_remove(PINNER)))
		violation("a driver does not go: %m");
	if (module_unload())
		violation("the module does not go: %m");
	number = (number + 1) % LOADS;
	load(number);
	count(&tally->reloads);
}

static int is_all_unlocked(int fd, int all)
{
	int i;

	for (i = 0; i < 2; i++)
		if (locked_by(i, fd) != locked_at_start[i])
			return 0;
	return !all || pages_pinned() == pinned_at_start;
}

/* A worker does what an interrupt or the end of a process's memory has begun. */
static void check_locks(int fd, int all)
{
	int patience = PATIENCE;

	while (!is_all_unlocked(fd, all)) {
		if (!patience--)
			violation("0x%lx, 0x%lx locked, %ld pinned, not 0x%lx, 0x%lx, %ld",
				  locked_by(0, fd), locked_by(1, fd), pages_pinned(),
				  locked_at_start[0], locked_at_start[1],
				  pinned_at_start);
		usleep(1000);
	}
}

static void check_ledgers(int fd, int all)
{
	int i;

	check_locks(fd, all);
	if (charged(fd))
		violation("a new descriptor has 0x%lx charged", charged(fd));
	for (i = 0; i < nodes(); i++)
		if (number_in(charged_fd[i]))
			violation("device %d has %ld charged", i,
				  number_in(charged_fd[i]));
}

/* Check a window through a new mapping, and write the expected bytes. */
static void check_window(int device, int way, int fd)
{
	unsigned long len = window_pages * page, i, pgoff = 0;
	int window = window_of(device, way);
	long addr = call_mmap_by(way, 0, &len, PROT_READ | PROT_WRITE,
				 MAP_SHARED, fd, &pgoff);

	if (addr < 0)
		violation("window %d cannot be mapped: %s", window,
			  strerrorname_np(-addr));
	for (i = 0; i < window_pages; i += 1 + window_pages / SAMPLES)
		expect_marker(window, addr + i * page);
	if (!filled[window])
		memset((void *)addr, marker(window), len);
	populated[window] = 1;
	filled[window] = 1;
	if (munmap((void *)addr, len))
		violation("munmap: %m");
}

static void check_windows(int device)
{
	int fd = open(device_path(device), O_RDWR | O_CLOEXEC);

	if (fd < 0)
		violation("device %d: %m", device);
	check_window(device, LP64, fd);
	check_window(device, IA32, fd);
	close(fd);
}

static void check_books(int all)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	struct xxshm_info info = {};

	if (fd < 0 || ioctl(fd, XXSHM_IOC_INFO, &info))
		violation(DEVICE ": %m");
	check_info(&info, LP64);
	check_ledgers(fd, all);
	close(fd);
}

/* After everything was dropped. */
static void oracle_check(int all)
{
	int device, was_printing = printing;

	printing = 0;
	check_books(all);
	for (device = 0; all && device < nodes(); device++)
		check_windows(device);
	printing = was_printing;
	if (number_in(tainted_fd) != taints)
		violation("the kernel complained");
}

#endif /* _FUZZ_ORACLE_H */
