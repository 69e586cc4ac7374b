/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers for tests of the accounting: ordinary users, their limit, and their charges.
 * Sizes are in bytes.
 */
#ifndef _SELFTESTS_XXSHM_LEDGER_H
#define _SELFTESTS_XXSHM_LEDGER_H

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "device.h"

/* Two users that no other process has. */
#define USER_A	4201
#define USER_B	4202

#define LIMIT	8	/* pages that they may lock */

static inline int set_memlock(unsigned long bytes)
{
	struct rlimit limit = { bytes, bytes };

	return setrlimit(RLIMIT_MEMLOCK, &limit);
}

/*
 * Become an ordinary user for ever, with this limit of locked memory. New credentials would
 * clear the signal at the parent's death: set it again.
 */
static inline int become_user(uid_t uid, unsigned long memlock)
{
	int sig = 0;

	if (set_memlock(memlock) || prctl(PR_GET_PDEATHSIG, &sig) ||
	    setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		return -1;
	return prctl(PR_SET_PDEATHSIG, sig);
}

/* Become root of own namespaces, as any user may; @uid is the user. */
static inline int become_namespace_root(uid_t uid, int namespaces)
{
	char line[32];

	snprintf(line, sizeof(line), "0 %d 1", uid);
	if (prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER | namespaces) ||
	    write_file("/proc/self/uid_map", line) ||
	    write_file("/proc/self/setgroups", "deny") ||
	    write_file("/proc/self/gid_map", line))
		return -1;
	return setresgid(0, 0, 0) || setresuid(0, 0, 0) ? -1 : 0;
}

/* Give up a capability in this process, also over exec. */
static inline int drop_capability(int cap)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (prctl(PR_CAPBSET_DROP, cap) || syscall(SYS_capget, &head, data))
		return -1;
	data[cap / 32].effective &= ~(1U << (cap % 32));
	data[cap / 32].permitted &= ~(1U << (cap % 32));
	data[cap / 32].inheritable &= ~(1U << (cap % 32));
	return syscall(SYS_capset, &head, data);
}

/* The charges of the caller's user, -1 on failure. */
static inline long user_locked(int fd)
{
	struct xxshm_info info = {};

	return ioctl(fd, XXSHM_IOC_INFO, &info) ? -1 : (long)info.user_locked;
}

/* The same in pages; -1 also if it is not a whole number of pages. */
static inline long pages_locked(int fd)
{
	long bytes = user_locked(fd), page = page_size();

	return bytes < 0 || bytes % page ? -1 : bytes / page;
}

/* The charges for all mappings made through a descriptor. */
static inline long charged(int fd)
{
	struct xxshm_info info = {};

	return ioctl(fd, XXSHM_IOC_INFO, &info) ? -1 : (long)info.charged;
}

static inline void wait_until_locked(int fd, long pages)
{
	while (pages_locked(fd) != pages)
		usleep(1000);
}

/* An attribute of a device in sysfs, -1 on failure. */
static inline long attribute_of(int device, const char *name)
{
	char path[64];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/xxshm/xxshm%d/%s", device, name);
	f = fopen(path, "r");
	if (f && fscanf(f, "%ld", &value) != 1)
		value = -1;
	if (f)
		fclose(f);
	return value;
}

static inline long device_attribute(const char *name)
{
	return attribute_of(0, name);
}

/* The number of lines of fdinfo that equal @line. */
static inline int fdinfo_has(int fd, const char *line)
{
	char path[64], found[256];
	int count = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	while (f && fgets(found, sizeof(found), f)) {
		found[strcspn(found, "\n")] = '\0';
		count += !strcmp(found, line);
	}
	if (f)
		fclose(f);
	return count;
}

#endif /* _SELFTESTS_XXSHM_LEDGER_H */
