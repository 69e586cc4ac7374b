// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module is removed at the moment at which somebody comes, goes or looks.
 * Either the one or the other was first, and nothing happens by halves. Process
 * 0 loads the module and tries to remove it, process 1 is the other. The same
 * goes for the moment at which the module is loaded.
 */
#include "harness.h"
#include "ledger.h"
#include "meet.h"

#define ROUNDS	150
#define SECONDS	4

FIXTURE(removal) {
	struct meeting *meeting;
};

FIXTURE_SETUP(removal)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one processor alone has no races");
	self->meeting = meeting_new(2, ROUNDS, SECONDS);
	ASSERT_NE(NULL, self->meeting);
	module_unload();
}

FIXTURE_TEARDOWN_PARENT(removal)
{
	EXPECT_NE(0, module_unload());
}

/* What 1 does: it prepares, and then acts while the module comes or goes. */
struct visitor {
	int fd;
	char *map;	/* to be unmapped afterwards, if any */
	int (*prepare)(struct visitor *visitor);	/* 0 or -1 */
	/* 1: it succeeded, 0: the module was gone, -1: another error */
	int (*act)(struct visitor *visitor);
};

static int visit(struct meeting *meeting, struct visitor *visitor)
{
	int wrong = 0;

	while (begin(meeting, 1)) {
		meet(meeting);	/* if it is to go, the module is there */
		wrong += visitor->prepare(visitor) != 0;
		meet_askew(meeting, 1);
		meeting->got[1] = visitor->act(visitor);
		meet(meeting);
		if (visitor->fd >= 0)
			close(visitor->fd);
		if (visitor->map)
			munmap(visitor->map, page_size());
		visitor->fd = -1;
		visitor->map = NULL;
		meet(meeting);
	}
	return wrong;
}

/* Returns 1 if the module went, 0 if it was in use, -1 if what else. */
static int remove_module(void)
{
	return !module_unload() ? 1 : errno == EAGAIN ? 0 : -1;
}

/*
 * Returns how often the two together did not get what they may. @judge says who
 * was first, or -1 if that cannot be.
 */
static int expel(struct meeting *meeting, int (*judge)(int gone, int had))
{
	int wrong = 0, gone, first;

	while (begin(meeting, 0)) {
		wrong += module_load("size=64K") != 0;
		meet(meeting);
		meet_askew(meeting, 0);
		gone = remove_module();
		meet(meeting);
		first = judge(gone, meeting->got[1]);
		wrong += first < 0;
		aim(meeting, first == 1);
		meet(meeting);
		wrong += !gone && module_unload();
	}
	return wrong;
}

static int race(struct meeting *meeting, struct visitor *visitor,
		int (*judge)(int gone, int had))
{
	pid_t pid;

	visitor->fd = -1;
	if (fork_pair(&pid))
		_exit(visit(meeting, visitor) ? 1 : 0);
	return expel(meeting, judge) + wait_for(pid);
}

static int prepare_nothing(struct visitor *visitor)
{
	return 0;
}

static int come(struct visitor *visitor)
{
	visitor->fd = open(DEVICE, O_RDWR);
	if (visitor->fd >= 0)
		return is_allocated(visitor->fd) == 0 ? 1 : -1;
	return errno == ENOENT || errno == ENXIO || errno == ENODEV ? 0 : -1;
}

static int one_of_two(int gone, int had)
{
	return gone + had == 1 ? had : -1;
}

TEST_F_TIMEOUT(removal, or_open, 600)
{
	struct visitor visitor = { .prepare = prepare_nothing, .act = come };

	EXPECT_EQ(0, race(self->meeting, &visitor, one_of_two));
	EXPECT_HITS(self->meeting);
}

/* The mapping alone holds the module then. */
static int come_and_map(struct visitor *visitor)
{
	int had = come(visitor);

	if (had != 1)
		return had;
	visitor->map = map_rw(visitor->fd, page_size());
	close(visitor->fd);
	visitor->fd = -1;
	if (visitor->map == MAP_FAILED) {
		visitor->map = NULL;
		return -1;
	}
	return *visitor->map ? -1 : 1;
}

TEST_F_TIMEOUT(removal, or_mmap, 600)
{
	struct visitor visitor = { .prepare = prepare_nothing, .act = come_and_map };

	EXPECT_EQ(0, race(self->meeting, &visitor, one_of_two));
	EXPECT_HITS(self->meeting);
}

/* Returns how often an open found half a device while the module was loaded. */
static int admit(struct meeting *meeting)
{
	int wrong = 0;

	while (begin(meeting, 0)) {
		meet(meeting);
		meet_askew(meeting, 0);
		wrong += module_load("size=64K") != 0;
		meet(meeting);
		wrong += (int)meeting->got[1] < 0;
		aim(meeting, meeting->got[1] != 1);
		meet(meeting);
		wrong += module_unload() != 0;
	}
	return wrong;
}

TEST_F_TIMEOUT(removal, and_open_while_loading, 600)
{
	struct visitor visitor = {
		.fd = -1, .prepare = prepare_nothing, .act = come
	};
	pid_t pid;

	self->meeting->step = 1 << 17;	/* loading takes long */
	if (fork_pair(&pid))
		_exit(visit(self->meeting, &visitor) ? 1 : 0);
	EXPECT_EQ(0, admit(self->meeting));
	EXPECT_EQ(0, wait_for(pid));
	EXPECT_HITS(self->meeting);
}

static int prepare_file(struct visitor *visitor)
{
	visitor->fd = open(DEVICE, O_RDWR);
	return visitor->fd < 0 ? -1 : 0;
}

static int leave(struct visitor *visitor)
{
	int err = close(visitor->fd);

	visitor->fd = -1;
	return err ? -1 : 1;
}

/* Closing and unmapping always succeed. */
static int leaves(int gone, int had)
{
	return had == 1 ? gone : -1;
}

TEST_F_TIMEOUT(removal, and_close, 600)
{
	struct visitor visitor = { .prepare = prepare_file, .act = leave };

	EXPECT_EQ(0, race(self->meeting, &visitor, leaves));
	EXPECT_HITS(self->meeting);
}

/* The mapping alone holds the module. */
static int prepare_mapping(struct visitor *visitor)
{
	int err = prepare_file(visitor);

	visitor->map = map_rw(visitor->fd, page_size());
	leave(visitor);
	return visitor->map == MAP_FAILED ? -1 : err;
}

static int unmap(struct visitor *visitor)
{
	int err = munmap(visitor->map, page_size());

	visitor->map = NULL;
	return err ? -1 : 1;
}

TEST_F_TIMEOUT(removal, and_munmap, 600)
{
	struct visitor visitor = { .prepare = prepare_mapping, .act = unmap };

	EXPECT_EQ(0, race(self->meeting, &visitor, leaves));
	EXPECT_HITS(self->meeting);
}

/* Looking at an attribute holds nothing, and the removal waits for it. */
static int look(struct visitor *visitor)
{
	char text[32];
	int fd = open("/sys/class/xxshm/xxshm0/window_size", O_RDONLY);
	long got;

	if (fd < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -1;
	got = read(fd, text, sizeof(text));
	if (got < 0)
		got = errno == ENODEV ? 0 : -1;
	else
		got = got == 6 && !memcmp(text, "65536\n", 6) ? 1 : -1;
	close(fd);
	return got;
}

static int goes(int gone, int had)
{
	return gone == 1 ? had : -1;
}

TEST_F_TIMEOUT(removal, and_sysfs, 600)
{
	struct visitor visitor = { .prepare = prepare_nothing, .act = look };

	EXPECT_EQ(0, race(self->meeting, &visitor, goes));
	EXPECT_HITS(self->meeting);
}

TEST_HARNESS_MAIN
