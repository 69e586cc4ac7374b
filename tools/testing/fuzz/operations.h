/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a program can do to a device. An operation takes its choices from the
 * bytes of a record of the input, one after the other; what is known to be
 * forbidden, whatever happened before, is checked where it is tried.
 */
#ifndef _FUZZ_OPERATIONS_H
#define _FUZZ_OPERATIONS_H

#include <linux/falloc.h>
#include <sched.h>
#include <sys/uio.h>

#include "drivers.h"

static const struct call call_munmap = { "munmap", { SYS_munmap, 91, SYS_munmap } };
static const struct call call_mremap = { "mremap", { SYS_mremap, 163, SYS_mremap } };
static const struct call call_mprotect = { "mprotect", { SYS_mprotect, 125, SYS_mprotect } };
static const struct call call_madvise = { "madvise", { SYS_madvise, 219, SYS_madvise } };
static const struct call call_mlock = { "mlock2", { SYS_mlock2, 376, SYS_mlock2 } };
static const struct call call_munlock = { "munlock", { SYS_munlock, 151, SYS_munlock } };
static const struct call call_mlockall = { "mlockall", { SYS_mlockall, 152, SYS_mlockall } };

static const struct call call_munlockall = {
	"munlockall", { SYS_munlockall, 153, SYS_munlockall }
};

static const struct call call_msync = { "msync", { SYS_msync, 144, SYS_msync } };
static const struct call call_mincore = { "mincore", { SYS_mincore, 218, SYS_mincore } };

static const struct call call_remap = {
	"remap_file_pages", { SYS_remap_file_pages, 257, SYS_remap_file_pages }
};

static const struct call call_open = { "open", { SYS_open, 5, SYS_open } };
static const struct call call_close = { "close", { SYS_close, 6, SYS_close } };
static const struct call call_dup = { "dup", { SYS_dup, 41, SYS_dup } };
static const struct call call_lseek = { "lseek", { SYS_lseek, 19, SYS_lseek } };
static const struct call call_readv = { "process_vm_readv", { SYS_process_vm_readv, 0, 0 } };
static const struct call call_writev = { "process_vm_writev", { SYS_process_vm_writev, 0, 0 } };

/* What op_fork() asks for. */
static unsigned int child_records;
static int child_is_alone;

static unsigned long whole_pages(unsigned long bytes)
{
	return (bytes + page - 1) / page * page;
}

/* A driver's pages come one by one: that takes long. */
static int choose_node(void)
{
	unsigned int byte = choose_below(16);

	return byte < 14 || !drivers_are_loaded ? byte % DEVICES : DEVICES;
}

static void op_open(void)
{
	static const int flags[] = {
		O_RDWR, O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_RDONLY, O_WRONLY,
		O_PATH, O_RDWR | O_APPEND, O_RDWR | O_NONBLOCK,
		O_RDWR | O_SYNC, O_RDWR | O_DIRECT, O_RDWR | O_TRUNC,
		O_RDWR | O_CREAT, O_RDONLY | O_DIRECTORY, 3,
	};
	struct descriptor *d = choose_slot();
	int way = choose_way(), device = choose_node();
	int flag = flags[choose_below(16)];
	long fd;

	if (d->fd)
		return;
	fd = ENTER(way, &call_open, (long)device_path(device), flag, 0600);
	if (fd > 0)
		*d = (struct descriptor){ fd, device, flag };
}

static void op_close(void)
{
	struct descriptor *d = choose_descriptor();

	if (d->fd)
		ENTER(choose_way(), &call_close, d->fd);
	d->fd = 0;
}

static void op_dup(void)
{
	struct descriptor *from = choose_descriptor(), *to = choose_slot();
	long fd;

	if (!from->fd || to->fd)
		return;
	fd = ENTER(choose_way(), &call_dup, from->fd);
	if (fd > 0)
		*to = (struct descriptor){ fd, from->device, from->flags };
}

/* Was this mmap() one that must be refused? Lengths are in pages. */
static const char *is_forbidden(const struct descriptor *d, unsigned long len,
				unsigned long pgoff, int prot, int flags)
{
	if (len > window_pages || pgoff > window_pages - len)
		return "outside the window";
	if (!(flags & MAP_SHARED))
		return "private";
	if (prot & PROT_EXEC)
		return "executable";
	if ((d->flags & O_ACCMODE) == O_WRONLY || (d->flags & O_ACCMODE) == 3)
		return "of a descriptor that is not for reading";
	if ((prot & PROT_WRITE) && (d->flags & O_ACCMODE) == O_RDONLY)
		return "writable, of a descriptor that is for reading";
	return NULL;
}

static int choose_map_flags(void)
{
	static const int sharing[] = {
		MAP_SHARED, MAP_SHARED, MAP_SHARED, MAP_SHARED, MAP_SHARED,
		MAP_SHARED_VALIDATE, MAP_PRIVATE, 0,
	};
	static const int rare[] = {
		0, 0, 0, MAP_NORESERVE, MAP_NONBLOCK, MAP_32BIT, MAP_HUGETLB,
		MAP_SYNC,
	};
	unsigned int byte = choose();
	int flags = sharing[byte % 8];

	if (byte & 8)
		flags |= MAP_FIXED;
	if ((byte & 0x30) == 0x30)
		flags |= MAP_POPULATE;
	if ((byte & 0xc0) == 0xc0)
		flags |= MAP_LOCKED;
	byte = choose();
	if ((byte & 0x18) == 0x18)
		flags |= MAP_FIXED_NOREPLACE;
	return flags | rare[byte % 8];
}

static void op_mmap(void)
{
	static const int prots[] = {
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE, PROT_READ, PROT_READ, PROT_WRITE,
		PROT_NONE, PROT_READ | PROT_EXEC,
	};
	struct descriptor *d = choose_descriptor();
	unsigned int odd = choose();
	int way = way_of(odd);
	int prot = prots[odd / 4 % 8], flags;
	unsigned long len = choose_pages() * page, pgoff = choose_pgoff();
	unsigned long addr = choose_address();
	const char *forbidden;
	int window;
	long ret;

	flags = choose_map_flags();
	len -= odd >= 240 && len ? 1 : 0;
	/* What the call removes before it looks at the rest is not all ours. */
	if (len > ARENA + ARENA_SIZE - addr)
		flags &= ~MAP_FIXED;
	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && addr % (2 * page))
		addr = 0;
	if (!d->fd)
		return;
	window = window_of(d->device, way);
	/* Rarely is there one that has no memory yet: let that fail, often. */
	if (!populated[window])
		fail_nth = record[5] % 64;
	ret = call_mmap_by(way, addr, &len, prot, flags, d->fd, &pgoff);
	if (ret < 0)
		return;
	len = whole_pages(len);
	remember(ret, len, pgoff, window);
	forbidden = is_forbidden(d, len / page, pgoff, prot, flags);
	if (forbidden)
		violation("a mapping that is %s", forbidden);
	if ((prot & PROT_READ) && !(flags & MAP_HUGETLB))
		expect_marker(window, ret);
}

static void op_munmap(void)
{
	struct mapping part = choose_part();

	ENTER(choose_way(), &call_munmap, part.start, part.len);
}

/*
 * If so, then also after a change that leaves permissions alone. Only some look:
 * what no page fault has come to yet is to be changed, too.
 */
static int was_readable(const struct mapping *part, int look)
{
	return look && touch(part->start, 0) != -1;
}

static void op_mremap(void)
{
	struct mapping part = choose_part();
	unsigned int flags = choose(), size = choose();
	unsigned long to = choose_address(), new = part.len;
	const unsigned long lengths[] = {
		page, new / 2, new - page, new + page, 2 * new, 0, 2 * page, -page
	};
	int way = choose_way(), readable = was_readable(&part, flags & 8);
	long ret;

	flags %= 8;
	if (size >= 128)
		new = lengths[size % 8];
	if (size % 32 == 31)
		part.len = 0;
	if (new > ARENA + ARENA_SIZE - to)
		flags &= ~MREMAP_FIXED;
	ret = ENTER(way, &call_mremap, part.start, part.len, new, flags, to);
	if (ret < 0)
		return;
	if (new > part.len)
		violation("a mapping grew from 0x%lx to 0x%lx", part.len, new);
	/* What shrinks where it is may be pieces of several windows. */
	if (ret != (long)part.start)
		remember(ret, whole_pages(new), part.pgoff, part.window);
	if (readable)
		expect_marker(part.window, ret);
}

static void op_mprotect(void)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_READ, PROT_WRITE,
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_EXEC, PROT_READ | PROT_GROWSDOWN,
	};
	struct mapping part = choose_part();
	int prot = prots[choose_below(8)];
	long ret = ENTER(choose_way(), &call_mprotect, part.start, part.len, prot);

	if (!ret && part.len && (prot & PROT_EXEC))
		violation("a mapping became executable");
	if (!ret && part.len && (prot & PROT_READ) && choose_below(2))
		expect_marker(part.window, part.start);
}

static void op_madvise(void)
{
	struct mapping part = choose_part();
	/* All that there are; bad pages, 100 and 101, are for root. */
	unsigned int byte = choose_below(32);
	int advice = byte < 28 ? (int)byte : MADV_PAGEOUT;
	long ret = ENTER(choose_way(), &call_madvise, part.start, part.len, advice);

	if (!ret && part.len && advice == MADV_REMOVE)
		violation("pages were taken away");
}

static void op_lock(void)
{
	struct mapping part = choose_part();
	unsigned int kind = choose_below(8);
	int way = choose_way();

	if (kind < 3)
		ENTER(way, &call_mlock, part.start, part.len, kind);
	else if (kind < 6)
		ENTER(way, &call_munlock, part.start, part.len);
	else
		ENTER(way, &call_munlockall, 0);
}

/* Of all memory: existing mappings are locked when they are next touched. */
static void op_lockall(void)
{
	static const int flags[] = {
		MCL_FUTURE, MCL_FUTURE | MCL_ONFAULT, MCL_CURRENT | MCL_ONFAULT,
		MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT, MCL_ONFAULT, 0, 8,
		MCL_FUTURE,
	};
	int flag = flags[choose_below(8)];

	ENTER(choose_way(), &call_mlockall, flag);
	locked_all = 1;
}

static void op_sync(void)
{
	struct mapping part = choose_part();
	int flags = choose_below(9);

	ENTER(choose_way(), &call_msync, part.start, part.len, flags);
}

static void op_mincore(void)
{
	struct mapping part = choose_part();

	ENTER(choose_way(), &call_mincore, part.start, part.len, (long)buffer);
}

/* It maps the window of the caller's model, with the offset counting anew. */
static void op_remap(void)
{
	struct mapping part = choose_part();
	unsigned long pgoff = choose_pgoff();
	int way = way_for(choose_way(), part.start);
	int prot = choose() >= 240, odd = choose(), window;
	int flags = odd & 1 ? MAP_NONBLOCK : 0;
	int readable = was_readable(&part, odd & 2);
	long ret;

	if (way != LP64)
		pgoff = (__u32)pgoff;
	ret = ENTER(way, &call_remap, part.start, part.len, prot, pgoff, flags);
	if (ret)
		return;
	if (part.len / page > window_pages ||
	    pgoff > window_pages - part.len / page)
		violation("remapped to outside the window");
	window = window_of(part.window / 2, way);
	remember(part.start, part.len, pgoff, window);
	if (readable)
		expect_marker(window, part.start);
}

static void op_touch(void)
{
	struct mapping part = choose_part();

	touch(part.start, choose_below(2));
}

/* Out of the mapping, and back again, the same bytes. */
static void op_transfer(void)
{
	struct mapping part = choose_part();
	struct iovec local = { buffer, sizeof(buffer) };
	struct iovec remote = { (void *)part.start, part.len };
	long ret = ENTER(LP64, &call_readv, getpid(), (long)&local, 1,
			 (long)&remote, 1, 0);

	if (ret <= 0 || is_unsteady(part.start) || is_unsteady(part.start + page))
		return;
	local.iov_len = ret;
	ENTER(LP64, &call_writev, getpid(), (long)&local, 1, (long)&remote, 1, 0);
}

/* A successful answer, to whom it was given. */
static void check_info(const struct xxshm_info *info, int way)
{
	__u32 model = way_is_ilp32(way) ? XXSHM_MODEL_ILP32 : XXSHM_MODEL_LP64;

	if (devices_are_pageable &&
	    (info->backing != XXSHM_BACKING_PAGEABLE || info->charged || info->flags))
		violation("INFO tells that pageable memory is locked or costs %llu",
			  info->charged);
	if (info->model != model || info->page_size != page ||
	    info->window_size != window_pages * page ||
	    info->charged % page || info->user_locked % page)
		violation("INFO tells a %s caller model %u, window %llu, charged %llu, user %llu",
			  way_name[way], info->model, info->window_size,
			  info->charged, info->user_locked);
}

/* The answer overwrites a window, which is mended. */
static void info_into_mapping(int fd, int way)
{
	struct mapping part = choose_part();
	int value = is_unsteady(part.start) ? -1 : touch(part.start, 1);

	if (value == -1)
		return;
	if (!ENTER(way, &call_ioctl, fd, XXSHM_IOC_INFO, part.start))
		memset((void *)part.start, value, XXSHM_INFO_SIZE_VER0);
}

static void op_info(void)
{
	static const __u16 sizes[] = {
		40, 40, 40, 40, 0, 1, 8, 24, 39, 41, 48, 64, 4096, 8192, 16383, 40,
	};
	struct descriptor *d = choose_descriptor();
	int way = choose_way();
	unsigned int size = sizes[choose_below(16)], byte = choose();
	unsigned int cmd = _IOC(_IOC_READ | _IOC_WRITE, XXSHM_IOC_TYPE, 0, size);
	/* The buffer, its end, no memory, the kernel's, none at all, a mapping */
	const unsigned long where[] = {
		(long)buffer, (long)buffer, (long)buffer + sizeof(buffer) - 40,
		0x1000, 0xffff888000000000UL, 0, -40UL, 1,
	};
	unsigned long at = where[byte % 8];
	long ret;

	if (!d->fd || d->device >= DEVICES)
		return;
	if (at == 1) {
		info_into_mapping(d->fd, way);
		return;
	}
	memset(buffer, byte >= 240, sizeof(buffer));
	ret = ENTER(at >> 32 ? LP64 : way, &call_ioctl, d->fd, cmd, at);
	if (ret >= 0)
		check_info((struct xxshm_info *)at, at >> 32 ? LP64 : way);
}

/* Other commands: the bytes of the record, and those every file has. */
static void op_command(void)
{
	static const unsigned int common[] = {
		0x5401, 0x5421, 0x541b, 0x5450, 0x5451, 0x5460, 0x1260, 0x7602,
	};
	struct descriptor *d = choose_descriptor();
	int way = choose_way();
	unsigned int byte = choose(), cmd = common[byte % 8];
	long ret;

	if (byte >= 128)
		cmd = _IOC(byte & 3, XXSHM_IOC_TYPE, 1 + choose_below(255),
			   choose());
	if (!d->fd)
		return;
	ret = ENTER(way, &call_ioctl, d->fd, cmd, (long)buffer);
	if (ret >= 0 && _IOC_TYPE(cmd) == XXSHM_IOC_TYPE)
		violation("the device knows command 0x%x", cmd);
}

static void op_seek(void)
{
	struct descriptor *d = choose_descriptor();
	int whence = choose_below(6), way = choose_way();
	long offset = (__s8)choose() * (long)(choose_below(2) ? page : 1), ret;

	if (!d->fd)
		return;
	ret = ENTER(way, &call_lseek, d->fd, offset, whence);
	if (ret > (long)(window_pages * page))
		violation("lseek() to 0x%lx", ret);
}

/* What is done to files. */
static void op_file(void)
{
	static const struct {
		struct call call;
		long arg[4];
		int refused;	/* always */
	} uses[] = {
		{ { "read", { SYS_read, 3, SYS_read } }, { (long)buffer, 64 }, 1 },
		{ { "write", { SYS_write, 4, SYS_write } }, { (long)buffer, 64 }, 1 },
		{ { "pread64", { SYS_pread64 } }, { (long)buffer, 64, 0 }, 1 },
		{ { "pwrite64", { SYS_pwrite64 } }, { (long)buffer, 64, 0 }, 1 },
		{ { "fallocate", { SYS_fallocate } }, { 0, 0, 4096 }, 1 },
		{ { "fallocate", { SYS_fallocate } },
		  { FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096 }, 1 },
		{ { "ftruncate", { SYS_ftruncate, 93, SYS_ftruncate } }, { 0 }, 1 },
		{ { "ftruncate", { SYS_ftruncate, 93, SYS_ftruncate } }, { 4096 }, 1 },
		{ { "fsync", { SYS_fsync, 118, SYS_fsync } }, { 0 }, 0 },
		{ { "fdatasync", { SYS_fdatasync, 148, SYS_fdatasync } }, { 0 }, 0 },
		{ { "fadvise64", { SYS_fadvise64 } }, { 0, 4096, POSIX_FADV_DONTNEED }, 0 },
		{ { "fadvise64", { SYS_fadvise64 } }, { 0, 4096, POSIX_FADV_WILLNEED }, 0 },
		{ { "readahead", { SYS_readahead } }, { 0, 4096 }, 0 },
		{ { "sync_file_range", { SYS_sync_file_range } }, { 0, 4096, 7 }, 0 },
		{ { "fcntl", { SYS_fcntl, 55, SYS_fcntl } }, { F_SETFL, O_APPEND }, 0 },
		{ { "flock", { SYS_flock, 143, SYS_flock } }, { 2 | 4 }, 0 },
	};
	struct descriptor *d = choose_descriptor();
	unsigned int use = choose_below(16);
	const long *arg = uses[use].arg;
	long ret;

	if (!d->fd)
		return;
	ret = ENTER(choose_way(), &uses[use].call, d->fd, arg[0], arg[1], arg[2],
		    arg[3]);
	if (ret >= 0 && uses[use].refused)
		violation("%s() succeeded", uses[use].call.name);
}

/* The real user: he pays from now on. */
static void op_user(void)
{
	uid_t user = USER_A + choose_below(2);

	if (printing)
		fprintf(stderr, "  user %u\n", user);
	if (setresuid(user, 0, 0))
		violation("setresuid: %m");
}

static void op_limit(void)
{
	unsigned long w = window_pages;
	unsigned long limits[] = { 0, 1, 2, 8, w - 1, w, w + 1, 3 * w };
	unsigned long limit = limits[choose_below(8)] * page;

	if (printing)
		fprintf(stderr, "  limit 0x%lx\n", limit);
	if (set_memlock(limit))
		violation("setrlimit: %m");
}

static void read_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (printing)
		fprintf(stderr, "  read %s\n", path);
	if (fd < 0)
		return;
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	close(fd);
}

static void op_report(void)
{
	static const char *const files[] = {
		"window_size", "allocated", "charged", "refused", "uevent", "dev",
	};
	struct descriptor *d = choose_descriptor();
	unsigned int which = choose_below(16);
	char path[64];

	if (which < 6)
		snprintf(path, sizeof(path), "/sys/class/xxshm/xxshm%d/%s",
			 d->device, files[which]);
	else
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", d->fd);
	read_all(path);
}

/* The module is held by its drivers as well, where they are loaded: some loads do not. */
static void op_unload(void)
{
	struct descriptor *d = choose_descriptor();
	const char *module = d->device < DEVICES ? MODULE : PAGED;

	if (!d->fd || (d->flags & O_PATH))
		return;
	if (!module_remove(module))
		violation("%s went while its node was open", module);
	if (errno != EAGAIN)
		violation("unloading %s: %m", module);
}

/* The next call runs out of memory, or cannot copy, in one place. */
static void op_fail(void)
{
	fail_nth = 1 + choose_below(24);
}

/* A child carries out the next records, alone or beside the parent. */
static void op_fork(void)
{
	child_records = 1 + choose_below(16);
	child_is_alone = choose_below(2);
}

static const struct kind {
	const char *name;
	void (*take)(void);
	unsigned int weight;	/* of 256 */
} kinds[] = {
	{ "open",	op_open,	24 },
	{ "close",	op_close,	6 },
	{ "dup",	op_dup,		6 },
	{ "mmap",	op_mmap,	43 },
	{ "munmap",	op_munmap,	20 },
	{ "mremap",	op_mremap,	20 },
	{ "mprotect",	op_mprotect,	12 },
	{ "madvise",	op_madvise,	20 },
	{ "lock",	op_lock,	8 },
	{ "lockall",	op_lockall,	1 },
	{ "sync",	op_sync,	4 },
	{ "mincore",	op_mincore,	3 },
	{ "remap",	op_remap,	8 },
	{ "touch",	op_touch,	12 },
	{ "transfer",	op_transfer,	4 },
	{ "info",	op_info,	12 },
	{ "command",	op_command,	4 },
	{ "seek",	op_seek,	3 },
	{ "file",	op_file,	5 },
	{ "user",	op_user,	5 },
	{ "limit",	op_limit,	5 },
	{ "report",	op_report,	2 },
	{ "driver",	op_driver,	10 },
	{ "umem_lock",	op_umem_lock,	8 },
	{ "umem_unlock", op_umem_unlock, 4 },
	{ "unload",	op_unload,	2 },
	{ "fail",	op_fail,	4 },
	{ "fork",	op_fork,	1 },
};

/* Carry out a record; returns which kind it was. */
static unsigned int take_operation(const __u8 *from)
{
	unsigned int dice = from[0], kind = 0;

	while (dice >= kinds[kind].weight)
		dice -= kinds[kind++].weight;
	record = from;
	record_at = 1;
	if (printing)
		fprintf(stderr, "%s\n", kinds[kind].name);
	kinds[kind].take();
	return kind;
}

#endif /* _FUZZ_OPERATIONS_H */
