// SPDX-License-Identifier: GPL-2.0-only
/*
 * A notice board in kernel memory: any program that opens the device can pin a
 * note to it, and read the notes of the others.
 *
 *   board DEVICE post TEXT
 *   board DEVICE read
 *   board DEVICE map BYTES     try to map that much, from offset 0
 *
 * Shows: how to open and check the device, how to map it, and what an error
 * means. Build it for another data model and it reads another board.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
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

/* Anything may lie under the name: only the ioctl proves it is the device. */
static int open_device(const char *path, struct xxshm_info *info)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	memset(info, 0, sizeof(*info));
	if (fd >= 0 && ioctl(fd, XXSHM_IOC_INFO, info)) {
		close(fd);
		return -1;
	}
	return fd;
}

static const char *model_name(const struct xxshm_info *info)
{
	return info->model == XXSHM_MODEL_LP64 ? "64-bit" : "32-bit";
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

static int try_to_map(int fd, const struct xxshm_info *info, size_t len)
{
	if (map(fd, len) != MAP_FAILED) {
		printf("mapped %zu bytes\n", len);
		return 0;
	}
	fprintf(stderr, "board: cannot map %zu bytes: %s; the window has %llu\n",
		len, strerror(errno), (unsigned long long)info->window_size);
	return 1;
}

int main(int argc, char **argv)
{
	struct xxshm_info info;
	struct board *board;
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: board DEVICE post TEXT | read | map BYTES\n");
		return 2;
	}
	fd = open_device(argv[1], &info);
	if (fd < 0)
		return fail(argv[1]);
	if (argc == 4 && !strcmp(argv[2], "map"))
		return try_to_map(fd, &info, strtoul(argv[3], NULL, 0));
	board = map(fd, sizeof(*board));
	if (board == MAP_FAILED)
		return fail("mmap");
	if (argc == 4 && !strcmp(argv[2], "post"))
		return post(board, &info, argv[3]);
	return read_notes(board, &info);
}
