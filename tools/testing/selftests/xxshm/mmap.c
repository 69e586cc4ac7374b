// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mappings that are refused, with their errno; a refusal allocates nothing. And the
 * mappings that must not be refused.
 */
#include <sys/personality.h>

#include "device.h"
#include "harness.h"

#define WINDOW_PAGES	4

FIXTURE(window) {
	int fd;
	size_t page;
	size_t size;
};

FIXTURE_SETUP(window)
{
	char parameters[32];

	self->page = page_size();
	self->size = WINDOW_PAGES * self->page;
	snprintf(parameters, sizeof(parameters), "size=%zu", self->size);
	ASSERT_EQ(0, module_load(parameters));
	self->fd = open(node(), O_RDWR);
	ASSERT_GE(self->fd, 0);
}

FIXTURE_TEARDOWN_PARENT(window)
{
	EXPECT_EQ(0, module_unload());
}

/* A driver does not say. */
#define EXPECT_ALLOCATED(expected) do {					\
	if (is_device())						\
		EXPECT_EQ(expected, is_allocated(self->fd));		\
} while (0)

#define EXPECT_REFUSED(code, map) do {					\
	errno = 0;							\
	EXPECT_EQ(MAP_FAILED, map);					\
	EXPECT_EQ(code, errno);						\
	EXPECT_ALLOCATED(0);						\
} while (0)

TEST_F(window, whole_window_maps_and_is_allocated_then)
{
	EXPECT_ALLOCATED(0);
	EXPECT_NE(MAP_FAILED, map_rw(self->fd, self->size));
	EXPECT_ALLOCATED(if_locked(1));
}

TEST_F(window, every_page_of_it_maps_alone)
{
	char *whole = map_rw(self->fd, self->size);
	size_t i;

	ASSERT_NE(MAP_FAILED, whole);
	for (i = 0; i < WINDOW_PAGES; i++) {
		char *page = map_pgoff(self->fd, self->page, i);

		ASSERT_NE(MAP_FAILED, page);
		page[i] = 'a' + i;
		EXPECT_EQ('a' + i, whole[i * self->page + i]);
	}
}

TEST_F(window, length_past_the_end_is_enxio)
{
	EXPECT_REFUSED(ENXIO, map_rw(self->fd, self->size + self->page));
	EXPECT_REFUSED(ENXIO, map_rw(self->fd, self->size + 1));
	EXPECT_REFUSED(ENXIO, map_rw(self->fd, 2 * self->size));
}

TEST_F(window, offset_past_the_end_is_enxio)
{
	EXPECT_REFUSED(ENXIO, map_pgoff(self->fd, self->page, WINDOW_PAGES));
	EXPECT_REFUSED(ENXIO, map_pgoff(self->fd, self->page, 2 * WINDOW_PAGES));
	EXPECT_REFUSED(ENXIO, map_pgoff(self->fd, 2 * self->page,
					WINDOW_PAGES - 1));
}

/* Offset and length that add up to a small number in 32 bits. */
TEST_F(window, offset_near_2_to_the_32_pages_is_enxio)
{
	EXPECT_REFUSED(ENXIO, map_pgoff(self->fd, self->page, 0xffffffffUL));
	EXPECT_REFUSED(ENXIO, map_pgoff(self->fd, 2 * self->page, 0xffffffffUL));
	EXPECT_REFUSED(ENXIO, map_pgoff(self->fd, self->size, 0xfffffffeUL));
	/* The byte offset -W, which would wrap back into the window. */
	EXPECT_REFUSED(ENXIO, map_pgoff(self->fd, self->page,
					0xffffffffUL - WINDOW_PAGES + 1));
}

#ifndef SYS_mmap2
/* In bytes: the kernel itself refuses a sum beyond 64 bits. */
TEST_F(window, offset_near_2_to_the_64_bytes_is_refused)
{
	__u64 last = ~0ULL / self->page;

	EXPECT_REFUSED(EOVERFLOW, map_pgoff(self->fd, self->page, last));
	EXPECT_REFUSED(EOVERFLOW, map_pgoff(self->fd, self->size, last - 1));
	EXPECT_REFUSED(ENXIO, map_pgoff(self->fd, self->page, last - 1));
	EXPECT_REFUSED(ENXIO, map_pgoff(self->fd, self->page,
					last - WINDOW_PAGES));
}
#endif

TEST_F(window, length_0_is_einval)
{
	EXPECT_REFUSED(EINVAL, map_rw(self->fd, 0));
}

/* A read-only mmap with a byte offset, past the checks of the C library. */
static char *raw_mmap(int fd, size_t len, unsigned long offset)
{
#ifdef SYS_mmap2	/* ia32: the old mmap, its arguments in memory */
	unsigned long args[] = { 0, len, PROT_READ, MAP_SHARED, fd, offset };

	return (char *)syscall(SYS_mmap, args);
#else
	return (char *)syscall(SYS_mmap, NULL, len, PROT_READ, MAP_SHARED, fd,
			       offset);
#endif
}

TEST_F(window, unaligned_offset_is_einval)
{
	EXPECT_REFUSED(EINVAL, raw_mmap(self->fd, self->page, 1));
	EXPECT_REFUSED(EINVAL, raw_mmap(self->fd, self->page, self->page - 1));
	EXPECT_NE(MAP_FAILED, raw_mmap(self->fd, self->page, self->page));
}

TEST_F(window, private_is_einval)
{
	EXPECT_REFUSED(EINVAL, mmap(NULL, self->page, PROT_READ, MAP_PRIVATE,
				    self->fd, 0));
	EXPECT_REFUSED(EINVAL, mmap(NULL, self->page, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE, self->fd, 0));
}

TEST_F(window, exec_is_eacces)
{
	EXPECT_REFUSED(EACCES, map_device(self->fd, self->page,
					  PROT_READ | PROT_EXEC, 0));
	EXPECT_REFUSED(EACCES, map_device(self->fd, self->page, PROT_EXEC, 0));
}

/*
 * The kernel checks the descriptor first. Then the device checks the range, the sharing,
 * the protection: the order is documented. A driver checks the range last.
 */
TEST_F(window, the_first_fault_counts)
{
	EXPECT_REFUSED(EACCES, map_rw(open(node(), O_RDONLY), 2 * self->size));
	EXPECT_REFUSED(is_device() ? ENXIO : EINVAL,
		       mmap(NULL, 2 * self->size, PROT_READ | PROT_EXEC,
			    MAP_PRIVATE, self->fd, 0));
	EXPECT_REFUSED(EINVAL, mmap(NULL, self->page, PROT_READ | PROT_EXEC,
				    MAP_PRIVATE, self->fd, 0));
}

TEST_F(window, write_mapping_of_a_read_only_descriptor_is_eacces)
{
	int fd = open(node(), O_RDONLY);

	ASSERT_GE(fd, 0);
	EXPECT_REFUSED(EACCES, map_rw(fd, self->page));
}

TEST_F(window, any_mapping_of_a_write_only_descriptor_is_eacces)
{
	int fd = open(node(), O_WRONLY);

	ASSERT_GE(fd, 0);
	EXPECT_REFUSED(EACCES, map_device(fd, self->page, PROT_WRITE, 0));
}

TEST_F(window, read_mapping_of_a_read_only_descriptor_sees_writes)
{
	int fd = open(node(), O_RDONLY);
	char *reader = map_device(fd, self->page, PROT_READ, 0);
	char *writer = map_rw(self->fd, self->page);

	ASSERT_NE(MAP_FAILED, reader);
	ASSERT_NE(MAP_FAILED, writer);
	writer[1] = 'w';
	EXPECT_EQ('w', reader[1]);
}

TEST_F(window, read_only_descriptor_never_becomes_writable)
{
	int fd = open(node(), O_RDONLY);
	char *map = map_device(fd, self->page, PROT_READ, 0);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, mprotect(map, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(SIGSEGV, signal_of_touching(map));
}

TEST_F(window, later_mprotect_to_exec_is_eacces)
{
	char *map = map_rw(self->fd, self->page);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(-1, mprotect(map, self->page, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	map[0] = 1;
	EXPECT_EQ(1, map[0]);
}

/* READ_IMPLIES_EXEC, which a program with an executable stack may have. */
TEST_F(window, read_implies_exec_maps_without_exec)
{
	char *map;

	ASSERT_NE(-1, personality(READ_IMPLIES_EXEC));
	map = map_rw(self->fd, self->page);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_NE(NULL, smaps_line(map, ""));
	EXPECT_NE(NULL, strstr(smaps_line(map, ""), " rw-s "));
	EXPECT_EQ(0, mprotect(map, self->page, PROT_READ));
	EXPECT_NE(NULL, strstr(smaps_line(map, ""), " r--s "));
	/* Here the program itself asks for PROT_EXEC. */
	EXPECT_EQ(MAP_FAILED, map_device(self->fd, page_size(), PROT_EXEC, 0));
	EXPECT_EQ(EACCES, errno);
}

/* In ILP32 programs it is the loader that sets READ_IMPLIES_EXEC. */
TEST_F(window, program_with_an_executable_stack_maps)
{
	pid_t pid = fork();

	if (!pid) {
		execl("./peer-old", "peer-old", "read", "0", NULL);
		_exit(255);
	}
	EXPECT_EQ(0, wait_for(pid));
}

TEST_F(window, prot_none_maps_and_opens_up_later)
{
	char *map = map_device(self->fd, self->page, PROT_NONE, 0);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(SIGSEGV, signal_of_touching(map));
	EXPECT_EQ(0, mprotect(map, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, signal_of_touching(map));
}

TEST_F(window, mremap_growth_is_efault)
{
	char *map = map_rw(self->fd, self->page);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(MAP_FAILED, mremap(map, self->page, 2 * self->page,
				     MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(MAP_FAILED, mremap(map, self->page, 2 * self->size, 0));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(window, mremap_duplication_is_efault)
{
	char *map = map_rw(self->fd, self->page);

	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(MAP_FAILED, mremap(map, 0, self->page, MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(window, refused_map_fixed_leaves_the_window_alone)
{
	char *map = map_rw(self->fd, self->page);

	ASSERT_NE(MAP_FAILED, map);
	map[0] = 7;
	EXPECT_EQ(MAP_FAILED, mmap(map + self->page, self->page, PROT_READ,
				   MAP_SHARED | MAP_FIXED, self->fd,
				   self->size));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(7, map[0]);
}

TEST_F(window, read_and_write_are_einval)
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->fd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->fd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(window, other_users_may_not_open)
{
	ASSERT_EQ(0, setuid(65534));
	EXPECT_EQ(-1, open(node(), O_RDONLY));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(window, node_is_for_root_only)
{
	struct stat st;

	ASSERT_EQ(0, stat(node(), &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0600, st.st_mode & 07777);
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0, st.st_gid);
}

TEST_HARNESS_MAIN
