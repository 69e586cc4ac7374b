/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers for every test: a freshly loaded module, its device, its memory.
 *
 * A test loads the module in its FIXTURE_SETUP with the parameters it wants
 * and unloads it in FIXTURE_TEARDOWN_PARENT, after its own process is gone:
 * the unloading fails, and with it the test, if anything is left over.
 */
#ifndef _SELFTESTS_XXSHM_DEVICE_H
#define _SELFTESTS_XXSHM_DEVICE_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/xxshm.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

#define DEVICE		"/dev/xxshm0"
#define MODULE		"xxshm"
#define MODULE_PATH	"XXSHM_MODULE"	/* environment: path of xxshm.ko */
#define DRIVERS_PATH	"XXSHM_DRIVERS"	/* folder of the drivers' modules */
#define NODE_DRIVER	"XXSHM_DRIVER"	/* the driver whose node is to be tested */
#define PAGEABLE	"XXSHM_PAGEABLE"	/* set to test pageable memory */
#define HUGE_SIZE	(2UL << 20)
#define HUGE_SYSFS	"/sys/kernel/mm/transparent_hugepage/enabled"

/* The data model that this program was built for. */
#ifdef __LP64__
#define OWN_MODEL	XXSHM_MODEL_LP64
#else
#define OWN_MODEL	XXSHM_MODEL_ILP32
#endif

#define IS_ILP32	(sizeof(long) == 4)
#define OTHER_PEER	(IS_ILP32 ? "../lp64/peer" : "../ia32/peer")

static inline size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

/*
 * Some programs test the device, and also the node of a driver that behaves like it.
 */
static inline int is_device(void)
{
	return !getenv(NODE_DRIVER);
}

static inline const char *node(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "/dev/%s0", getenv(NODE_DRIVER) ?: MODULE);
	return path;
}

/* A module, from its file. */
static inline int module_insert(const char *path, const char *parameters)
{
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, parameters, 0);
	close(fd);
	return ret;
}

static inline const char *driver_path(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s.ko", getenv(DRIVERS_PATH) ?: ".", name);
	return path;
}

static inline int driver_insert(const char *name, const char *parameters)
{
	return module_insert(driver_path(name), parameters);
}

static inline int module_remove(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}

static inline int module_unload(void)
{
	int ret = is_device() ? 0 : module_remove(getenv(NODE_DRIVER));

	return module_remove(MODULE) ?: ret;
}

static inline const char *module_path(void)
{
	return getenv(MODULE_PATH) ?: "xxshm.ko";
}

/* Kernels for real-time work (-rt) have no large pages. */
static inline int has_large_pages(void)
{
	return !access(HUGE_SYSFS, F_OK);
}

static inline int is_pageable(void)
{
	return !!getenv(PAGEABLE);
}

/* Locked memory is charged, and there before it is touched; pageable is not. */
static inline long if_locked(long amount)
{
	return is_pageable() ? 0 : amount;
}

/* Returns 0 or -1 with errno. A test that died may have left its module. */
static inline int module_load(const char *parameters)
{
	char text[256];

	snprintf(text, sizeof(text), "%s%s", parameters,
		 is_pageable() ? " pageable=1" : "");
	module_unload();
	if (module_insert(module_path(), text))
		return -1;
	return is_device() ? 0 : driver_insert(getenv(NODE_DRIVER), parameters);
}

static inline char *map_device(int fd, size_t len, int prot, off_t offset)
{
	return mmap(NULL, len, prot, MAP_SHARED, fd, offset);
}

static inline char *map_rw(int fd, size_t len)
{
	return map_device(fd, len, PROT_READ | PROT_WRITE, 0);
}

/* mmap(2) with an offset in pages, which may exceed a 32-bit off_t. */
static inline char *map_pgoff(int fd, size_t len, __u64 pgoff)
{
	int prot = PROT_READ | PROT_WRITE;

#ifdef SYS_mmap2
	return (char *)syscall(SYS_mmap2, NULL, len, prot, MAP_SHARED, fd,
			       (__u32)pgoff);
#else
	return mmap64(NULL, len, prot, MAP_SHARED, fd,
		      (off64_t)pgoff * page_size());
#endif
}

/* Fill this much memory with other bytes than zeroes, and free it. */
static inline int dirty_memory(size_t len)
{
	char *dirty = mmap(NULL, len, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (dirty == MAP_FAILED)
		return -1;
	memset(dirty, 0xa5, len);
	return munmap(dirty, len);
}

static inline int is_zero(const char *map, size_t len)
{
	return !*map && !memcmp(map, map + 1, len - 1);
}

/* Open the file of a mapping through /proc/self/map_files. */
static inline int open_map_file_as(const char *map, size_t len, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (unsigned long)map, (unsigned long)map + len);
	return open(path, flags);
}

static inline int open_map_file(const char *map, size_t len)
{
	return open_map_file_as(map, len, O_RDWR);
}

/* 1: the caller's window has its memory, 0: not yet, -1: the ioctl failed. */
static inline int is_allocated(int fd)
{
	struct xxshm_info info = {};

	if (ioctl(fd, XXSHM_IOC_INFO, &info))
		return -1;
	return !!(info.flags & XXSHM_INFO_ALLOCATED);
}

/* The number behind @key, which begins a line of a file, or -1. */
static inline long read_number(const char *path, const char *key)
{
	char line[256];
	long value = -1;
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			value = atol(line + strlen(key));
	if (f)
		fclose(f);
	return value;
}

static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	int ret = write(fd, text, strlen(text)) < 0 ? -1 : 0;

	close(fd);
	return ret;
}

/*
 * Keep the kernel from moving pages between NUMA nodes by itself. While it looks for the
 * users of a large page, 6.1 does not count the page as mapped.
 */
static inline int stop_balancing(void)
{
	const char *path = "/proc/sys/kernel/numa_balancing";

	return access(path, F_OK) ? 0 : write_file(path, "0");
}

/* A counter of /proc/vmstat, brought up to date first. */
static inline long read_vmstat(const char *name)
{
	const char *refresh = "/proc/sys/vm/stat_refresh";
	char key[64];

	if (!access(refresh, W_OK) && write_file(refresh, "1"))
		perror(refresh);
	snprintf(key, sizeof(key), "%s ", name);
	return read_number("/proc/vmstat", key);
}

/*
 * Pages in the page cache. Each page of a window counts, but so do other files that the
 * system reads: compare with half a large window.
 */
static inline long cached_pages(void)
{
	return read_vmstat("nr_file_pages");
}

/*
 * A field of the mapping that begins at @addr, as text: the line of
 * /proc/self/smaps that begins with @key. @key "" is the head line.
 */
static inline char *smaps_line(const void *addr, const char *key)
{
	static char line[512];
	unsigned long start;
	int inside = 0;
	FILE *f = fopen("/proc/self/smaps", "r");

	if (!f)
		return NULL;
	while (fgets(line, sizeof(line), f)) {
		int is_head = sscanf(line, "%lx-%*x %*4s", &start) == 1 &&
			      strchr(line, '-') && line[0] > '/' &&
			      (line[0] <= '9' || (line[0] >= 'a' && line[0] <= 'f'));

		if (is_head)
			inside = start == (unsigned long)addr;
		if (inside && (*key ? !strncmp(line, key, strlen(key)) : is_head)) {
			fclose(f);
			return line;
		}
	}
	fclose(f);
	return NULL;
}

static inline long smaps_kb(const void *addr, const char *key)
{
	const char *line = smaps_line(addr, key);

	return line ? strtol(line + strlen(key), NULL, 10) : -1;
}

/* The entry of a page in /proc/self/pagemap, see admin-guide/mm/pagemap.rst. */
static inline __u64 pagemap_entry(const void *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	__u64 entry = 0;

	if (pread64(fd, &entry, sizeof(entry),
		    (off64_t)((unsigned long)addr / page_size()) * 8) != sizeof(entry))
		perror("pagemap");
	close(fd);
	return entry;
}

#define PAGEMAP_PFN		((1ULL << 55) - 1)
#define PAGEMAP_SOFT_DIRTY	(PAGEMAP_PFN + 1)	/* bit 55 */
#define PAGEMAP_PRESENT		(PAGEMAP_SOFT_DIRTY << 8)	/* bit 63 */

/* The number of page table entries of the page that is mapped at @addr, or -1. */
static inline long times_mapped(const void *addr)
{
	int fd = open("/proc/kpagecount", O_RDONLY | O_CLOEXEC);
	__u64 count = -1;

	if (pread64(fd, &count, sizeof(count),
		    (off64_t)(pagemap_entry(addr) & PAGEMAP_PFN) * 8) != sizeof(count))
		perror("kpagecount");
	close(fd);
	return count;
}

/* A random number below @limit; the state must not be 0 at first. */
static inline __u32 random_below(__u64 *state, __u32 limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (*state >> 16) % limit;
}

/* The seed in the environment, or this one. */
static inline __u64 seed_or(__u64 other)
{
	const char *given = getenv("XXSHM_SEED");

	return given && *given ? strtoull(given, NULL, 0) : other;
}

/* The end of a run: after @seconds, or the number in the environment. */
static inline time_t end_after(long other)
{
	const char *given = getenv("XXSHM_SECONDS");

	return time(NULL) + (given ? atol(given) : other);
}

/* The exit status of a child (-1: of any), 128 + the signal that killed it, or -1. */
static inline int wait_for(pid_t pid)
{
	int status;

	if (TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Run a peer.c; its exit status is the byte that it read, 255 a failure. */
static inline int run_peer(const char *path, const char *verb, long offset,
			   const char *value)
{
	char where[16];
	pid_t pid;

	snprintf(where, sizeof(where), "%ld", offset);
	pid = fork();
	if (!pid) {
		execl(path, path, verb, where, value, NULL);
		_exit(254);
	}
	return wait_for(pid);
}

static inline int kill_and_wait(pid_t pid)
{
	kill(pid, SIGKILL);
	return wait_for(pid);
}

/* The signal that touching @addr raises in a child, or 0. */
static inline int signal_of_touching(volatile char *addr)
{
	pid_t pid = fork();
	int ret;

	if (!pid) {
		*addr = 1;
		_exit(0);
	}
	ret = wait_for(pid);
	return ret > 128 ? ret - 128 : ret;
}

#endif /* _SELFTESTS_XXSHM_DEVICE_H */
