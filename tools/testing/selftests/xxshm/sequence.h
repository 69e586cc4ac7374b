/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that are made to fail, and their preparations; see fault.h.
 */
#ifndef _SELFTESTS_XXSHM_SEQUENCE_H
#define _SELFTESTS_XXSHM_SEQUENCE_H

#include "fault.h"
#include "ledger.h"
#include "swap.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

#define RICH		8192	/* pages that may be locked, all that are mapped */

/* Far from other mappings, so that it needs page tables of its own. */
#define LONELY		((char *)0x50000000)

struct state {
	const char *parameters;	/* of the module */
	char *image;		/* the module */
	long image_size;
	int watch;		/* a descriptor that stays open, or -1 */
	int device;		/* number of the device in use */
	int fd;
	size_t page;
	size_t len;		/* of a window, mapped as a whole */
	char *map;
	char *to;
};

/* Reading the file is not part of loading it. */
static inline int read_image(struct state *state, const char *path)
{
	const long most = 8 << 20;
	int fd = open(path, O_RDONLY);
	long got;

	state->image = malloc(most);
	state->image_size = 0;
	while ((got = read(fd, state->image + state->image_size,
			   most - state->image_size)) > 0)
		state->image_size += got;
	close(fd);
	return got;
}

/*
 * The calls that are swept. Each returns 0; or an errno, and then it has left nothing; or
 * -1 if its result is wrong.
 */

static inline int load(const struct state *state, const char *parameters)
{
	return syscall(SYS_init_module, state->image, state->image_size,
		       parameters) ? errno : 0;
}

static inline int load_and_unload(struct state *state)
{
	int err = load(state, state->parameters);

	if (err)
		return err;
	/* Reading the module's name is a point. */
	return module_unload() && (errno != EFAULT || module_unload()) ? -1 : 0;
}

static inline int open_device(struct state *state)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/xxshm%d", state->device);
	state->fd = open(path, O_RDWR);
	return state->fd < 0 ? errno : 0;
}

static inline int map_with(struct state *state, void *addr, int flags)
{
	state->map = mmap(addr, state->len, PROT_READ | PROT_WRITE,
			  MAP_SHARED | flags, state->fd, 0);
	return state->map == MAP_FAILED ? errno : 0;
}

static inline int map(struct state *state)
{
	return map_with(state, NULL, 0);
}

static inline int map_populated(struct state *state)
{
	return map_with(state, NULL, MAP_POPULATE);
}

static inline int map_too_much(struct state *state)
{
	int err = map(state);

	return err == EAGAIN ? 0 : err ?: -1;
}

/* A failed page fault is repeated, so the program does not notice it. */
static inline int touch(struct state *state)
{
	size_t at;

	for (at = 0; at < state->len; at += state->page)
		*(volatile char *)(state->map + at) = 'x';
	return 0;
}

static inline int map_and_touch(struct state *state)
{
	return map(state) ?: touch(state);
}

/* The same as a call, which reports a missing page. */
static inline int populate(struct state *state, size_t from)
{
	return madvise(state->map + from, state->len - from, MADV_POPULATE_WRITE) ?
		errno : 0;
}

static inline int populate_last_page(struct state *state)
{
	return populate(state, state->len - state->page);
}

/* Pages that cannot be removed stay. */
static inline int swap_and_populate(struct state *state)
{
	if (madvise(state->map, state->len, MADV_PAGEOUT))
		return errno;
	return populate(state, 0);
}

static inline int fork_and_wait(struct state *state)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid < 0 ? errno : waitpid(pid, NULL, 0) != pid;
}

static inline int unmap_middle(struct state *state)
{
	return munmap(state->map + state->page, state->page) ? errno : 0;
}

static inline int protect_middle(struct state *state)
{
	return mprotect(state->map + state->page, state->page, PROT_READ) ?
		errno : 0;
}

static inline int move_part(struct state *state, char *from, size_t len)
{
	return mremap(from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
		      state->to) == MAP_FAILED ? errno : 0;
}

static inline int move(struct state *state)
{
	return move_part(state, state->map, state->len);
}

static inline int move_middle(struct state *state)
{
	return move_part(state, state->map + state->page, state->page);
}

/* Removing a page of a large one splits the large page, or fails. */
static inline int page_out(struct state *state)
{
	return madvise(state->map, state->page, MADV_PAGEOUT) ? errno : 0;
}

static inline int ask(struct state *state)
{
	struct xxshm_info info = {};

	if (ioctl(state->fd, XXSHM_IOC_INFO, &info))
		return info.window_size ? -1 : errno;
	return info.charged == state->len ? 0 : -1;
}

static inline int read_path(const char *path)
{
	char text[512];
	int err = 0, fd = open(path, O_RDONLY);

	if (fd < 0)
		return errno;
	if (read(fd, text, sizeof(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

static inline int read_fdinfo(struct state *state)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", state->fd);
	return read_path(path);
}

static inline int read_sysfs(struct state *state)
{
	return read_path("/sys/class/xxshm/xxshm0/charged");
}

/* New memory is zero, and complete: otherwise this process would be killed. */
static inline int check_zero(struct state *state)
{
	return is_zero(state->map, state->len) ? 0 : -1;
}

/* The bytes are those that touch() wrote, of large pages and of small ones. */
static inline int check_touched(struct state *state)
{
	size_t at;

	for (at = 0; at < state->len; at += state->page)
		if (state->map[at] != 'x')
			return -1;
	return 0;
}

/* Has somebody of that name device numbers? */
static inline int device_numbers_are_taken(const char *name)
{
	char line[64], end[64];
	int found = 0;
	FILE *f = fopen("/proc/devices", "r");

	snprintf(end, sizeof(end), " %s\n", name);
	while (f && fgets(line, sizeof(line), f))
		found |= !!strstr(line, end);
	if (f)
		fclose(f);
	return found;
}

/* Preparations of a sequence. Each returns 0 or an errno. */

static inline int make_nothing(struct state *state)
{
	return 0;
}

/* A device that nobody has opened yet. */
static inline int make_new_device(struct state *state)
{
	state->device++;
	return 0;
}

/* Of a device whose window is empty. */
static inline int make_new_file(struct state *state)
{
	return make_new_device(state) ?: open_device(state);
}

static inline int make_mapping(struct state *state)
{
	return open_device(state) ?: map(state);
}

/* A file that has had a mapping keeps a structure for the next one. */
static inline int make_used_file(struct state *state)
{
	int err = make_mapping(state);

	munmap(state->map, state->len);
	return err;
}

/* The window has its memory, but the file has had no mapping. */
static inline int make_file(struct state *state)
{
	int err = make_used_file(state);

	close(state->fd);
	return err ?: open_device(state);
}

static inline int make_poor(struct state *state)
{
	struct rlimit limit = { state->page, RICH * state->page };

	return setrlimit(RLIMIT_MEMLOCK, &limit) ? errno : open_device(state);
}

static inline int make_lonely_mapping(struct state *state)
{
	return open_device(state) ?: map_with(state, LONELY, MAP_FIXED);
}

static inline int make_pieces(struct state *state)
{
	return make_mapping(state) ?: protect_middle(state);
}

static inline int make_mapping_and_room(struct state *state)
{
	state->to = mmap(NULL, state->len, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return make_mapping(state);
}

static inline int make_new_lonely_mapping(struct state *state)
{
	return make_new_file(state) ?: map_with(state, LONELY, MAP_FIXED);
}

static inline int make_large_page(struct state *state)
{
	return make_new_file(state) ?: map(state) ?: touch(state);
}

static inline int make_touched_mapping(struct state *state)
{
	return make_mapping(state) ?: touch(state);
}

/* Undo all preparations. */
static inline void end(struct state *state)
{
	if (state->map)
		munmap(state->map, state->len);
	if (state->to)
		munmap(state->to, state->len);
	if (state->fd >= 0)
		close(state->fd);
	state->map = NULL;
	state->to = NULL;
	state->fd = -1;
}

static inline int is_to_be_pageable(const char *parameters)
{
	return !!strstr(parameters, "pageable");
}

/*
 * As an ordinary user without CAP_IPC_LOCK. But pageable memory costs nothing, and only
 * root can have it swapped.
 */
static inline int set_up_loaded(struct state *state)
{
	struct xxshm_info info = {};

	if (module_load(state->parameters) ||
	    system("chmod 666 /dev/xxshm*"))
		return -1;
	state->watch = open(DEVICE, O_RDWR);
	if (ioctl(state->watch, XXSHM_IOC_INFO, &info))
		return -1;
	state->len = info.window_size;
	if (is_to_be_pageable(state->parameters))
		return stay_on_this_cpu() || swap_on("64M");
	return become_user(USER_A, RICH * state->page);
}

#endif /* _SELFTESTS_XXSHM_SEQUENCE_H */
