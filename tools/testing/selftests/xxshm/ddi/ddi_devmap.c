// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap(2) of a driver's node: what segmap(), devmap() and devmap_umem_setup() may
 * do, and what the program sees of it.
 */
#include <sys/sysmacros.h>

#include "../harness.h"
#include "../ledger.h"
#include "../tracing.h"
#include "driver.h"

#define PAGES	8

FIXTURE(devmap) {
	struct probe_plan plan;
	int fd;
	size_t page;
};

FIXTURE_SETUP(devmap)
{
	self->page = page_size();
	self->fd = probe_start(PAGES * self->page);
	ASSERT_GE(self->fd, 0);
	self->plan.handle[0].maxprot = PROT_RWU;
}

FIXTURE_TEARDOWN_PARENT(devmap)
{
	EXPECT_EQ(0, probe_unload());
}

/* mmap by the plan: 0 or an errno. */
static int map_planned(int fd, const struct probe_plan *plan, size_t len, int prot)
{
	char *map;

	if (probe_plan(fd, plan))
		return -1;
	map = map_device(fd, len, prot, 0);
	if (map == MAP_FAILED)
		return errno;
	munmap(map, len);
	return 0;
}

#define EXPECT_MAPS(code, npages)						\
	EXPECT_EQ(code, map_planned(self->fd, &self->plan, (npages) * self->page, \
				    PROT_READ | PROT_WRITE))

TEST_F(devmap, program_and_driver_see_the_same_bytes)
{
	char *map;

	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	map = map_rw(self->fd, PAGES * self->page);
	ASSERT_NE(MAP_FAILED, map);
	map[0] = 'a';
	map[PAGES * self->page - 1] = 'z';
	EXPECT_EQ('a', probe_peek(self->fd, 0, 0));
	EXPECT_EQ('z', probe_peek(self->fd, 0, PAGES * self->page - 1));
	ASSERT_EQ(0, probe_poke(self->fd, 0, self->page, 'b'));
	EXPECT_EQ('b', map[self->page]);
}

TEST_F(devmap, koff_moves_what_is_seen)
{
	char *map;

	self->plan.handle[0].koff = 3 * self->page;
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	map = map_rw(self->fd, 2 * self->page);
	ASSERT_NE(MAP_FAILED, map);
	map[self->page] = 'k';
	EXPECT_EQ('k', probe_peek(self->fd, 0, 4 * self->page));
}

TEST_F(devmap, koff_that_is_not_inside_is_enxio)
{
	const __s64 wrong[] = {
		-(__s64)self->page, -1, 1, PAGES * self->page,
		(PAGES - 1) * self->page, 0x7ffffffffffff000, (__s64)1 << 63,
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		self->plan.handle[0].koff = wrong[i];
		EXPECT_MAPS(ENXIO, 2);
	}
	self->plan.handle[0].koff = (PAGES - 2) * self->page;
	EXPECT_MAPS(0, 2);
}

TEST_F(devmap, length_that_is_not_inside_is_enxio)
{
	const __u64 wrong[] = {
		1, self->page + 1, (PAGES + 1) * self->page, ~0ULL - self->page + 1,
		~0ULL,
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		self->plan.handle[0].len = wrong[i];
		EXPECT_MAPS(ENXIO, 2);
	}
	self->plan.handle[0].len = 2 * self->page;
	EXPECT_MAPS(0, 2);
}

TEST_F(devmap, no_cookie_is_enxio)
{
	self->plan.handle[0].slot = 7;
	EXPECT_MAPS(ENXIO, 1);
}

TEST_F(devmap, second_setup_is_enxio)
{
	self->plan.handle[0].what = PROBE_TWICE;
	EXPECT_MAPS(ENXIO, 1);
}

TEST_F(devmap, maxprot_without_user_is_enxio)
{
	self->plan.handle[0].maxprot = PROT_READ | PROT_WRITE;
	EXPECT_MAPS(ENXIO, 1);
}

TEST_F(devmap, more_than_maxprot_is_enxio)
{
	self->plan.handle[0].maxprot = PROT_RU;
	EXPECT_MAPS(ENXIO, 1);
	EXPECT_EQ(0, map_planned(self->fd, &self->plan, self->page, PROT_READ));
}

TEST_F(devmap, maxprot_all_is_not_executable)
{
	self->plan.handle[0].maxprot = PROT_ALL;
	EXPECT_MAPS(0, 1);
	EXPECT_EQ(EACCES, map_planned(self->fd, &self->plan, self->page,
				      PROT_READ | PROT_EXEC));
}

TEST_F(devmap, maxprot_holds_against_mprotect)
{
	char *map;

	self->plan.handle[0].maxprot = PROT_RU;
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	map = map_device(self->fd, 2 * self->page, PROT_READ, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, mprotect(map, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, mprotect(map, self->page, PROT_NONE));
	EXPECT_EQ(0, mprotect(map, self->page, PROT_READ));
	EXPECT_EQ(SIGSEGV, signal_of_touching(map));
}

/* Of each handle in a mapping, its own. */
TEST_F(devmap, maxprot_is_that_of_each_handle)
{
	char *map;

	self->plan.handle[0].len = self->page;
	self->plan.handle[1].slot = 1;
	self->plan.handle[1].maxprot = PROT_RU;
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	map = map_device(self->fd, 2 * self->page, PROT_READ, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, mprotect(map + self->page, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(map, 2 * self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, mprotect(map, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, signal_of_touching(map));
	EXPECT_EQ(SIGSEGV, signal_of_touching(map + self->page));
}

TEST_F(devmap, several_handles_cover_a_mapping)
{
	char *map;

	self->plan.handle[0].len = 2 * self->page;
	self->plan.handle[0].koff = self->page;
	self->plan.handle[1] = self->plan.handle[0];
	self->plan.handle[1].slot = 1;
	self->plan.handle[1].len = self->page;
	self->plan.handle[2] = self->plan.handle[0];
	self->plan.handle[2].koff = 0;
	self->plan.handle[2].len = 0;
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	map = map_rw(self->fd, 4 * self->page);
	ASSERT_NE(MAP_FAILED, map);
	map[0] = 'a';
	map[2 * self->page] = 'b';
	map[3 * self->page] = 'c';
	EXPECT_EQ('a', probe_peek(self->fd, 0, self->page));
	EXPECT_EQ('b', probe_peek(self->fd, 1, self->page));
	EXPECT_EQ('c', probe_peek(self->fd, 0, 0));
	/* fork and MADV_DONTNEED do not change the place of pages. */
	EXPECT_EQ(0, signal_of_touching(map + 3 * self->page));
	EXPECT_EQ(0, madvise(map, 4 * self->page, MADV_DONTNEED));
	EXPECT_EQ('b', map[2 * self->page]);
	EXPECT_EQ(1, map[3 * self->page]);
}

/* On Solaris some of these end in a loop in the kernel, or in a hole. */
TEST_F(devmap, wrong_maplen_is_einval)
{
	const __u64 wrong[] = { ~0ULL, 1, self->page + 1, 3 * self->page };
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		self->plan.handle[0].maplen = wrong[i];
		EXPECT_MAPS(EINVAL, 2);
	}
	/* Less than was set up. */
	self->plan.handle[0].maplen = self->page;
	EXPECT_MAPS(EINVAL, 2);
}

TEST_F(devmap, no_setup_is_einval)
{
	self->plan.handle[0].what = PROBE_NO_SETUP;
	EXPECT_MAPS(EINVAL, 1);
}

TEST_F(devmap, any_error_of_devmap_is_enxio)
{
	const int errors[] = { EINVAL, EACCES, ENOMEM, -1, -EINVAL, 100000 };
	int device = open(DEVICE, O_RDWR);
	long before = user_locked(device);
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		self->plan.handle[0].error = errors[i];
		EXPECT_MAPS(ENXIO, 1);
	}
	/* Of a later handle, too. */
	self->plan.handle[0].error = 0;
	self->plan.handle[0].len = self->page;
	self->plan.handle[1].error = EINVAL;
	EXPECT_MAPS(ENXIO, 2);
	EXPECT_EQ(before, user_locked(device));
}

/* What the program does not see, the administrator does. */
TEST_F(devmap, error_of_devmap_is_traced)
{
	struct stat node;
	char line[128];

	ASSERT_EQ(0, stat(PROBE, &node));
	ASSERT_EQ(0, write_file(TRACING "/trace", ""));
	ASSERT_EQ(0, write_file(EVENTS, "1"));
	self->plan.handle[0].len = self->page;
	self->plan.handle[1].error = EIO;
	EXPECT_MAPS(ENXIO, 2);
	EXPECT_EQ(0, write_file(EVENTS, "0"));
	snprintf(line, sizeof(line), "xxshm_devmap_error: dev=%u:0 offset=%zu ret=5",
		 major(node.st_rdev), self->page);
	EXPECT_TRUE(trace_has(line));
}

TEST_F(devmap, error_of_segmap_is_what_it_is)
{
	self->plan.segmap_error = EBUSY;
	EXPECT_MAPS(EBUSY, 1);
	self->plan.segmap_error = -1;
	EXPECT_MAPS(ENXIO, 1);
	self->plan.segmap_error = 0;
	self->plan.no_mapping = 1;
	EXPECT_MAPS(ENXIO, 1);
}

TEST_F(devmap, error_after_setup_undoes_it)
{
	self->plan.after_error = EPERM;
	self->plan.handle[0].callbacks = NO_ACCESS;
	EXPECT_MAPS(EPERM, 1);
	EXPECT_EQ(2, probe_events(self->fd).count);
}

TEST_F(devmap, private_is_einval_and_the_driver_is_not_asked)
{
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->page, PROT_READ, MAP_PRIVATE,
				   self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, probe_events(self->fd).models);
}

TEST_F(devmap, flags_that_mean_nothing_here_are_enxio)
{
	self->plan.handle[0].flags = IOMEM_DATA_UC_WR_COMBINE;
	EXPECT_MAPS(ENXIO, 1);
	self->plan.handle[0].flags = 0x4;
	EXPECT_MAPS(ENXIO, 1);
	self->plan.handle[0].flags = DEVMAP_MAPPING_INVALID;
	EXPECT_MAPS(ENXIO, 1);
	self->plan.handle[0].flags = IOMEM_DATA_CACHED;
	EXPECT_MAPS(0, 1);
}

TEST_F(devmap, model_is_that_of_the_program)
{
	EXPECT_MAPS(0, 1);
	EXPECT_EQ(IS_ILP32 ? DDI_MODEL_ILP32 : DDI_MODEL_LP64,
		  probe_events(self->fd).models);
}

TEST_F(devmap, memory_freed_by_the_driver_stays_while_mapped)
{
	char *map, *other;

	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	map = map_rw(self->fd, PAGES * self->page);
	ASSERT_NE(MAP_FAILED, map);
	map[0] = 'a';
	ASSERT_EQ(0, probe_free(self->fd, 0));
	probe_alloc(self->fd, 0, PAGES * self->page, DDI_UMEM_SLEEP);
	other = map_rw(self->fd, PAGES * self->page);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_EQ(0, other[0]);
	other[0] = 'b';
	EXPECT_EQ('a', map[0]);
	EXPECT_EQ(0, map[self->page]);
	EXPECT_EQ('b', probe_peek(self->fd, 0, 0));
}

TEST_F(devmap, trash_is_one_page_of_the_cookie)
{
	char *map, *other;

	probe_alloc(self->fd, 0, 4 * self->page, DDI_UMEM_TRASH);
	probe_alloc(self->fd, 1, 4 * self->page, DDI_UMEM_TRASH);
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	map = map_rw(self->fd, 4 * self->page);
	ASSERT_NE(MAP_FAILED, map);
	map[self->page] = 't';
	EXPECT_EQ('t', map[3 * self->page]);
	self->plan.handle[0].slot = 1;
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	other = map_rw(self->fd, 4 * self->page);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_EQ(0, other[0]);
	EXPECT_MAPS(ENXIO, 5);
}

TEST_F(devmap, driver_without_segmap_maps)
{
	char *map;

	close(self->fd);
	ASSERT_EQ(0, probe_load("bare=1"));
	self->fd = open(PROBE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	probe_alloc(self->fd, 0, self->page, DDI_UMEM_SLEEP);
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	map = map_rw(self->fd, self->page);
	ASSERT_NE(MAP_FAILED, map);
	map[0] = 'a';
	EXPECT_EQ('a', probe_peek(self->fd, 0, 0));
}

/* On Solaris, an offset beyond the signed ones is a negative one. */
#ifndef SYS_mmap2
TEST_F(devmap, offset_that_would_be_negative_is_enxio)
{
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	EXPECT_EQ(MAP_FAILED, map_pgoff(self->fd, self->page, ~0ULL / self->page - 1));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(MAP_FAILED, map_pgoff(self->fd, 2 * self->page, (1ULL << 51) - 1));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(0, probe_events(self->fd).models);
}
#endif

TEST_F(devmap, segmap_may_leave_out_writing)
{
	char *map;

	self->plan.less_prot = PROT_WRITE;
	EXPECT_MAPS(ENXIO, 1);
	map = map_device(self->fd, self->page, PROT_READ, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, mprotect(map, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(devmap, segmap_that_asks_for_something_else_is_einval)
{
	const __u32 wrong[] = {
		PROBE_NO_AS, PROBE_ODD, PROBE_NEGATIVE, PROBE_LONGER, PROBE_AGAIN,
	};
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		self->plan.segmap = wrong[i];
		EXPECT_MAPS(EINVAL, 2);
		EXPECT_EQ(0, read_number(PROBE_SYSFS "charged", ""));
	}
	self->plan.segmap = PROBE_NO_ADDR;
	EXPECT_MAPS(0, 2);
}

TEST_F(devmap, mapping_is_charged_and_refused)
{
	char *map;

	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	ASSERT_EQ(0, chmod(PROBE, 0666));
	ASSERT_EQ(0, become_user(USER_A, 3 * self->page));
	map = map_rw(self->fd, 3 * self->page);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(MAP_FAILED, map_rw(self->fd, self->page));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(3 * (long)self->page, read_number(PROBE_SYSFS "charged", ""));
	EXPECT_EQ(1, read_number(PROBE_SYSFS "refused", ""));
	ASSERT_EQ(0, munmap(map, 3 * self->page));
	EXPECT_EQ(0, read_number(PROBE_SYSFS "charged", ""));
	EXPECT_NE(MAP_FAILED, map_rw(self->fd, self->page));
}

TEST_F(devmap, open_file_or_mapping_keeps_the_driver)
{
	char *map;

	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	EXPECT_EQ(-1, syscall(SYS_delete_module, "probe", O_NONBLOCK));
	map = map_rw(self->fd, self->page);
	ASSERT_NE(MAP_FAILED, map);
	close(self->fd);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "probe", O_NONBLOCK));
	EXPECT_EQ(EAGAIN, errno);
}

TEST_F(devmap, open_and_close_are_called)
{
	int calls, fd;

	calls = ioctl(self->fd, PROBE_IOC_OPENS);
	fd = open(PROBE, O_RDONLY);
	EXPECT_EQ(calls + 1, ioctl(self->fd, PROBE_IOC_OPENS));
	close(fd);
	EXPECT_EQ(calls + 1, ioctl(self->fd, PROBE_IOC_OPENS));
	close(self->fd);
	self->fd = open(PROBE, O_RDONLY);
	EXPECT_EQ(calls + 2 + 256, ioctl(self->fd, PROBE_IOC_OPENS));
}

TEST_F(devmap, error_of_open_is_what_it_is)
{
	EXPECT_EQ(-1, open("/dev/probe1", O_RDWR));
	EXPECT_EQ(EBUSY, errno);
}

TEST_F(devmap, error_of_open_that_is_none_is_enxio)
{
	EXPECT_EQ(-1, open("/dev/probe3", O_RDWR));
	EXPECT_EQ(ENXIO, errno);
}

/* What a driver need not have. */
TEST_F(devmap, driver_without_open_close_and_ioctl)
{
	int fd = open("/dev/mute0", O_RDWR);
	char *map;

	ASSERT_GE(fd, 0);
	EXPECT_EQ(-1, ioctl(fd, PROBE_IOC_MODE));
	EXPECT_EQ(ENOTTY, errno);
	ASSERT_EQ(0, probe_plan(self->fd, &self->plan));
	map = map_rw(fd, self->page);
	ASSERT_NE(MAP_FAILED, map);
	close(fd);
	map[0] = 'm';
	EXPECT_EQ('m', probe_peek(self->fd, 0, 0));
}

TEST_F(devmap, open_that_clones_is_enxio_and_closed)
{
	int calls = ioctl(self->fd, PROBE_IOC_OPENS);

	EXPECT_EQ(-1, open("/dev/probe2", O_RDWR));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(calls + 1 + 256, ioctl(self->fd, PROBE_IOC_OPENS));
}

TEST_F(devmap, ioctl_brings_mode_and_error)
{
	int fd = open(PROBE, O_RDONLY);

	EXPECT_EQ((int)(IS_ILP32 ? DDI_MODEL_ILP32 : DDI_MODEL_LP64) | FREAD,
		  ioctl(fd, PROBE_IOC_MODE));
	EXPECT_EQ((int)(IS_ILP32 ? DDI_MODEL_ILP32 : DDI_MODEL_LP64) | FREAD | FWRITE,
		  ioctl(self->fd, PROBE_IOC_MODE));
	EXPECT_EQ(-1, ioctl(fd, PROBE_IOC_FAIL, EPERM));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, ioctl(fd, PROBE_IOC_FAIL, -1));
	EXPECT_EQ(ENXIO, errno);
}

TEST_HARNESS_MAIN
