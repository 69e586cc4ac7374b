// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files that show a device beside its memory: nodes, sysfs, fdinfo, core files. They
 * tell only documented facts, and nobody changes anything by them.
 */
#include <ftw.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "harness.h"
#include "ledger.h"

#define DEVICE_DIR	"/sys/devices/virtual/xxshm/xxshm0"
#define MODULE_DIR	"/sys/module/xxshm"
#define CORE_PATTERN	"/proc/sys/kernel/core_pattern"
#define CORE_DIR	"/tmp/xxshm-core"

FIXTURE(device) {
	int fd;
};

FIXTURE_SETUP(device)
{
	ASSERT_EQ(0, module_load("size=64K"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(device)
{
	EXPECT_EQ(0, module_unload());
}

static int files, writable;

static int count_file(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	if (type != FTW_F)
		return 0;
	files++;
	if (open(path, O_WRONLY) >= 0 || errno != EACCES) {
		fprintf(stderr, "# %s: not refused\n", path);
		writable++;
	}
	return 0;
}

/* The number of files of a folder that a user may write to; -1: too few files. */
static int count_writable(const char *dir, int expected)
{
	files = 0;
	writable = 0;
	if (nftw(dir, count_file, 8, FTW_PHYS) || files < expected)
		return -1;
	return writable;
}

/* All files, also those that the kernel makes for each device and module. */
TEST_F(device, no_file_in_sysfs_is_writable_by_users)
{
	ASSERT_EQ(0, become_user(USER_A, 0));
	EXPECT_EQ(0, count_writable(DEVICE_DIR, 4));
	EXPECT_EQ(0, count_writable(MODULE_DIR "/parameters", 3));
	EXPECT_EQ(0, count_writable(MODULE_DIR, 4));
}

/* Also after root has changed the mode, which the kernel allows. */
TEST_F(device, own_files_in_sysfs_are_read_only_for_root)
{
	static const char *const paths[] = {
		DEVICE_DIR "/window_size", DEVICE_DIR "/allocated",
		DEVICE_DIR "/charged", DEVICE_DIR "/refused",
		MODULE_DIR "/parameters/size", MODULE_DIR "/parameters/instances",
		MODULE_DIR "/parameters/pageable",
	};
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct stat st;
		int fd;

		ASSERT_EQ(0, stat(paths[i], &st));
		EXPECT_EQ(0444, st.st_mode & 07777);
		EXPECT_EQ(-1, open(paths[i], O_WRONLY));
		EXPECT_EQ(EACCES, errno);
		ASSERT_EQ(0, chmod(paths[i], 0644));
		fd = open(paths[i], O_WRONLY);
		ASSERT_GE(fd, 0);
		EXPECT_EQ(-1, write(fd, "9", 1)) TH_LOG("%s", paths[i]);
		EXPECT_EQ(EIO, errno);
	}
	EXPECT_EQ(64 << 10, device_attribute("window_size"));
	EXPECT_EQ(0, device_attribute("refused"));
}

/* A node of the user's own, in a namespace where he is root and may mount. */
TEST_F(device, users_make_no_node)
{
	struct stat st;

	ASSERT_EQ(0, stat(DEVICE, &st));
	ASSERT_EQ(0, become_user(USER_A, 0));
	EXPECT_EQ(-1, mknod("/tmp/xxshm", S_IFCHR | 0666, st.st_rdev));
	EXPECT_EQ(EPERM, errno);
	ASSERT_EQ(0, become_namespace_root(USER_A, CLONE_NEWNS));
	ASSERT_EQ(0, mount("none", "/tmp", "tmpfs", 0, NULL));
	EXPECT_EQ(-1, mknod("/tmp/xxshm", S_IFCHR | 0666, st.st_rdev));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, open(DEVICE, O_RDONLY));
	EXPECT_EQ(EACCES, errno);
}

/* Only root may do so: window_attack.c tests users. */
TEST_F(device, map_file_is_the_device_opened_anew)
{
	size_t page = page_size();
	char *map = map_rw(self->fd, page);
	int fd = open_map_file(map, page);
	char *again;

	if (is_pageable())
		SKIP(return, "pageable.c has what it is then");
	ASSERT_GE(fd, 0);
	EXPECT_EQ(0, charged(fd));
	EXPECT_EQ((long)page, charged(self->fd));
	EXPECT_EQ(64 << 10, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(MAP_FAILED, map_device(fd, page, PROT_READ, 64 << 10));
	EXPECT_EQ(ENXIO, errno);
	again = map_rw(fd, page);
	ASSERT_NE(MAP_FAILED, again);
	map[page - 1] = 'x';
	EXPECT_EQ('x', again[page - 1]);
}

/* Does a line of fdinfo begin with a documented name? */
static int is_known(const char *line)
{
	static const char *const keys[] = {
		"pos:\t", "flags:\t", "mnt_id:\t", "ino:\t", "window_size:\t",
		"backing:\t", "allocated:\t", "charged:\t", "mapping:\t",
	};
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strncmp(line, keys[i], strlen(keys[i])))
			return 1;
	return 0;
}

static size_t read_fdinfo(int fd, char *text, size_t size)
{
	char path[64];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	if (!f)
		return 0;
	memset(text, 0, size);
	len = fread(text, 1, size - 1, f);
	fclose(f);
	return len;
}

/* No other lines, only text, and the same each time. */
TEST_F(device, fdinfo_says_what_is_documented_and_nothing_else)
{
	char first[4096], second[4096], *line;
	size_t len;

	ASSERT_NE(MAP_FAILED, map_rw(self->fd, page_size()));
	len = read_fdinfo(self->fd, first, sizeof(first));
	EXPECT_GT(len, 0);
	EXPECT_EQ(len, strlen(first));
	EXPECT_EQ(len, read_fdinfo(self->fd, second, sizeof(second)));
	EXPECT_EQ(0, memcmp(first, second, len));
	for (line = strtok(first, "\n"); line; line = strtok(NULL, "\n")) {
		EXPECT_TRUE(is_known(line))
			TH_LOG("%s", line);
	}
}

/* Die so that a core file is written, with all kinds of mappings in it. */
static pid_t fork_and_dump(int fd, int shared, int private)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	size_t page = page_size();
	pid_t pid = fork();

	if (!pid) {
		memset(map_rw(fd, page), shared, page);
		memset(mmap(NULL, page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), private, page);
		if (setrlimit(RLIMIT_CORE, &limit) ||
		    write_file("/proc/self/coredump_filter", "0x1ff") ||
		    chdir(CORE_DIR))
			_exit(1);
		abort();
	}
	return pid;
}

/* Does a file have a page with nothing but @byte? */
static int has_page_of(const char *path, int byte)
{
	size_t run = 0;
	FILE *f = fopen(path, "r");
	int c;

	while (f && run < page_size() && (c = getc(f)) != EOF)
		run = c == byte ? run + 1 : 0;
	if (f)
		fclose(f);
	return run == page_size();
}

TEST_F(device, core_file_has_no_byte_of_a_window)
{
	char before[128] = {}, core[32];
	pid_t pid;

	ASSERT_GT(read(open(CORE_PATTERN, O_RDONLY), before, sizeof(before) - 1), 0);
	ASSERT_EQ(0, write_file(CORE_PATTERN, "core.%p"));
	ASSERT_EQ(0, system("rm -rf " CORE_DIR));
	ASSERT_EQ(0, mkdir(CORE_DIR, 0777));
	pid = fork_and_dump(self->fd, 0xc7, 0xc8);
	EXPECT_EQ(128 + SIGABRT, wait_for(pid));
	EXPECT_EQ(0, write_file(CORE_PATTERN, before));
	ASSERT_EQ(0, chdir(CORE_DIR));
	snprintf(core, sizeof(core), "core.%d", pid);
	EXPECT_EQ(1, has_page_of(core, 0xc8));
	EXPECT_EQ(0, has_page_of(core, 0xc7));
	EXPECT_EQ(0, system("rm -r " CORE_DIR));
}

TEST_HARNESS_MAIN
