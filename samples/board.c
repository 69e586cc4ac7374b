// SPDX-License-Identifier: GPL-2.0-only
/*
 * A notice board in kernel memory: any program that opens the device can pin a
 * note to it, and read the notes of the others.
 *
 *   board DEVICE post TEXT
 *   board DEVICE read
 *   board DEVICE map BYTES [SECONDS]     map BYTES, and keep them mapped for SECONDS
 *
 * Shows: how to open and check the device, how to map it, and what an error
 * means. Build it for another data model and it reads another board.
 */
#define _FILE_OFFSET_BITS	64	/* a window may be larger than 2 GiB */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/xxshm.h>

#define NOTES	32

/* Memory of the window is zero at first, and that is an empty board. */
struct board {
	__u32 count;
	struct note {
		__u32 posted;	/* set when the text is complete */
		char text[76];
	} note[NOTES];
};

static int fail(const char *what)
{
	fprintf(stderr, "board: %s: %s\n", what, strerror(errno));
	return 1;
}

/*
 * Layers before the device may refuse the ioctl although mmap works: Landlock (EACCES),
 * seccomp (any errno), emulators of another processor (ENOSYS). Then accept a character
 * device that has a size. Nothing else is known of it.
 */
static int ask_without_ioctl(int fd, struct xxshm_info *info)
{
	struct stat st;
	off_t size = lseek(fd, 0, SEEK_END);

	if (fstat(fd, &st))
		return -1;
	if (!S_ISCHR(st.st_mode) || size <= 0) {
		errno = ENODEV;
		return -1;
	}
	memset(info, 0, sizeof(*info));
	info->window_size = size;
	info->page_size = sysconf(_SC_PAGESIZE);
	return 0;
}

/* Anything may lie under the name: only the ioctl proves it is the device. */
static int ask(int fd, struct xxshm_info *info)
{
	memset(info, 0, sizeof(*info));
	if (!ioctl(fd, XXSHM_IOC_INFO, info))
		return 0;
	if (errno != EACCES && errno != EPERM && errno != ENOSYS)
		return -1;
	return ask_without_ioctl(fd, info);
}

static int open_device(const char *path, struct xxshm_info *info)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ask(fd, info)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Only the kernel can tell: an emulator makes 64-bit calls for 32-bit code. */
static const char *model_name(const struct xxshm_info *info)
{
	switch (info->model) {
	case XXSHM_MODEL_LP64:
		return "64-bit";
	case XXSHM_MODEL_ILP32:
		return "32-bit";
	default:
		return "not told its data model";
	}
}

static void *map(int fd, size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/* Each writer takes a slot of its own: the counter is the only shared word. */
static int post(struct board *board, const struct xxshm_info *info,
		const char *text)
{
	__u32 slot = __atomic_fetch_add(&board->count, 1, __ATOMIC_SEQ_CST);
	struct note *note = &board->note[slot];

	if (slot >= NOTES) {
		fprintf(stderr, "board: it is full\n");
		return 1;
	}
	snprintf(note->text, sizeof(note->text), "%s (process %d, %s)", text,
		 (int)getpid(), model_name(info));
	__atomic_store_n(&note->posted, 1, __ATOMIC_RELEASE);
	printf("posted: %s\n", note->text);
	return 0;
}

static int read_notes(const struct board *board, const struct xxshm_info *info)
{
	__u32 i, count = __atomic_load_n(&board->count, __ATOMIC_SEQ_CST);

	printf("process %d is %s and finds %u note%s\n", (int)getpid(),
	       model_name(info), count, count == 1 ? "" : "s");
	for (i = 0; i < count && i < NOTES; i++)
		if (__atomic_load_n(&board->note[i].posted, __ATOMIC_ACQUIRE))
			printf("  %s\n", board->note[i].text);
	return 0;
}

/* Without the ioctl, the user's sum is not known. */
static void explain_limit(const struct xxshm_info *info, size_t len)
{
	struct rlimit limit = { 0, 0 };

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (info->model)
		fprintf(stderr,
			"board: user %d has locked %llu of the %llu bytes that it may (ulimit -l %llu)\n",
			(int)getuid(), (unsigned long long)info->user_locked,
			(unsigned long long)limit.rlim_cur,
			(unsigned long long)limit.rlim_cur / 1024);
	else
		fprintf(stderr, "board: user %d may lock %llu bytes (ulimit -l %llu)\n",
			(int)getuid(), (unsigned long long)limit.rlim_cur,
			(unsigned long long)limit.rlim_cur / 1024);
	fprintf(stderr, "board: this takes %llu more\n",
		(unsigned long long)(len + info->page_size - 1) /
		info->page_size * info->page_size);
}

/* Explain a refusal, in numbers that the user can change. */
static void explain(const struct xxshm_info *info, size_t len, int error)
{
	switch (error) {
	case ENXIO:
		fprintf(stderr, "board: the window has %llu bytes\n",
			(unsigned long long)info->window_size);
		break;
	case ENOMEM:
		if (info->backing == XXSHM_BACKING_PAGEABLE)
			fprintf(stderr,
				"board: this process has no room for %zu bytes\n",
				len);
		else if (info->backing == XXSHM_BACKING_LOCKED)
			fprintf(stderr,
				"board: its window is allocated as a whole, and needs %llu bytes\n",
				(unsigned long long)info->window_size);
		break;
	case EAGAIN:
		explain_limit(info, len);
		break;
	}
}

/* Like map(), and says why not. */
static void *map_or_explain(int fd, struct xxshm_info *info, size_t len)
{
	void *start = map(fd, len);
	int error = errno;

	if (start != MAP_FAILED)
		return start;
	fprintf(stderr, "board: cannot map %zu bytes: %s\n", len,
		strerror(error));
	if (!ask(fd, info))
		explain(info, len, error);
	return NULL;
}

static int hold(int fd, struct xxshm_info *info, size_t len, int seconds)
{
	if (!map_or_explain(fd, info, len))
		return 1;
	printf("mapped %zu bytes\n", len);
	fflush(stdout);
	sleep(seconds);
	return 0;
}

int main(int argc, char **argv)
{
	struct xxshm_info info;
	struct board *board;
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: board DEVICE post TEXT | read | map BYTES [SECONDS]\n");
		return 2;
	}
	fd = open_device(argv[1], &info);
	if (fd < 0)
		return fail(argv[1]);
	if (argc >= 4 && !strcmp(argv[2], "map"))
		return hold(fd, &info, strtoul(argv[3], NULL, 0),
			    argc > 4 ? atoi(argv[4]) : 0);
	board = map_or_explain(fd, &info, sizeof(*board));
	if (!board)
		return 1;
	if (argc == 4 && !strcmp(argv[2], "post"))
		return post(board, &info, argv[3]);
	return read_notes(board, &info);
}
