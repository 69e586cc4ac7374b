// SPDX-License-Identifier: GPL-2.0-only
/* The module's parameters: accepted values, and messages about others. */
#include <sys/klog.h>
#include <sys/sysmacros.h>

#include "device.h"
#include "harness.h"

#define SYSLOG_ACTION_READ_ALL	3
#define SYSLOG_ACTION_CLEAR	5

/* Count the lines of the kernel log that hold @text; -1 if it is unreadable. */
static int log_lines_with(const char *text)
{
	static char log[1 << 16];
	int len = klogctl(SYSLOG_ACTION_READ_ALL, log, sizeof(log) - 1);
	int count = 0;
	char *at;

	if (len < 0)
		return -1;
	log[len] = '\0';
	for (at = strstr(log, text); at; at = strstr(at + 1, text))
		count++;
	return count;
}

static bool module_is_loaded(void)
{
	return !access("/sys/module/" MODULE, F_OK);
}

FIXTURE(refused) {};

FIXTURE_VARIANT(refused) {
	const char *parameters;
	const char *says;
};

#define REFUSED(name, text)						\
	FIXTURE_VARIANT_ADD(refused, name) {				\
		.parameters = text,					\
		.says = "xxshm: " text " refused: give 1 to ",		\
	}

REFUSED(instances_0, "instances=0");
REFUSED(instances_negative, "instances=-1");
REFUSED(instances_too_many, "instances=257");
REFUSED(instances_beyond_32_bits, "instances=4294967297");
REFUSED(instances_garbage, "instances=two");
REFUSED(instances_empty, "instances=");
REFUSED(size_0, "size=0");
REFUSED(size_negative, "size=-4096");
REFUSED(size_beyond_any_memory, "size=4294967296G");
REFUSED(size_2_to_the_63, "size=9223372036854775808");
REFUSED(size_beyond_64_bits, "size=18446744073709551616");
REFUSED(size_shifted_beyond_64_bits, "size=18014398509481985K");
REFUSED(size_garbage, "size=big");
REFUSED(size_trailing_garbage, "size=4096x");
REFUSED(size_only_a_suffix, "size=K");
REFUSED(size_two_suffixes, "size=1KK");
REFUSED(size_empty, "size=");
REFUSED(size_long_garbage, "size=111111111111111111111111111111111111");

FIXTURE_SETUP(refused) {}

FIXTURE_TEARDOWN_PARENT(refused)
{
	module_unload();
}

TEST_F(refused, is_einval_with_one_clear_line)
{
	ASSERT_GE(klogctl(SYSLOG_ACTION_CLEAR, NULL, 0), 0);
	EXPECT_EQ(-1, module_load(variant->parameters));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_FALSE(module_is_loaded());
	EXPECT_EQ(1, log_lines_with(variant->says));
	EXPECT_EQ(1, log_lines_with(" refused"));
	EXPECT_EQ(0, log_lines_with(" invalid for parameter"));
}

TEST_F(refused, leaves_nothing_behind)
{
	ASSERT_EQ(-1, module_load(variant->parameters));
	EXPECT_EQ(-1, access(DEVICE, F_OK));
	EXPECT_EQ(-1, access("/sys/class/xxshm", F_OK));
	EXPECT_EQ(0, module_load(""));
}

/* All memory but an eighth of it; half of the largest file, if it is pageable. */
static unsigned long long largest_size(void)
{
	unsigned long long pages = sysconf(_SC_PHYS_PAGES);

	return is_pageable() ? (1ULL << 62) - page_size() :
	       (pages - pages / 8) * page_size();
}

/* The largest size named in the kernel log is accepted, one more is not. */
TEST(size_limit_is_the_one_that_a_refusal_names)
{
	static char log[1 << 16];
	const char *says = "size=0 refused: give 1 to ";
	unsigned long long limit;
	char parameters[48], *at;

	ASSERT_EQ(-1, module_load("size=0"));
	ASSERT_GT(klogctl(SYSLOG_ACTION_READ_ALL, log, sizeof(log) - 1), 0);
	at = strstr(log, says);
	ASSERT_NE(NULL, at);
	limit = strtoull(at + strlen(says), &at, 10);
	EXPECT_EQ(largest_size(), limit);
	EXPECT_EQ(!is_pageable(), !!strstr(at, "7/8 of this machine's memory"));
	snprintf(parameters, sizeof(parameters), "size=%llu", limit + 1);
	EXPECT_EQ(-1, module_load(parameters));
	snprintf(parameters, sizeof(parameters), "size=%llu", limit);
	EXPECT_EQ(0, module_load(parameters));
	EXPECT_EQ(0, module_unload());
}

FIXTURE(accepted) {};

FIXTURE_VARIANT(accepted) {
	const char *parameters;
	long window;
};

FIXTURE_VARIANT_ADD(accepted, nothing) { .parameters = "", .window = 4096 };
FIXTURE_VARIANT_ADD(accepted, one_byte) { .parameters = "size=1", .window = 4096 };
FIXTURE_VARIANT_ADD(accepted, a_page_and_one) { .parameters = "size=4097", .window = 8192 };
FIXTURE_VARIANT_ADD(accepted, hexadecimal) { .parameters = "size=0x2000", .window = 8192 };
FIXTURE_VARIANT_ADD(accepted, kibibytes) { .parameters = "size=12k", .window = 12288 };
FIXTURE_VARIANT_ADD(accepted, mebibytes) { .parameters = "size=2M", .window = 2 << 20 };

FIXTURE_SETUP(accepted)
{
	ASSERT_EQ(0, module_load(variant->parameters));
}

FIXTURE_TEARDOWN_PARENT(accepted)
{
	EXPECT_EQ(0, module_unload());
}

TEST_F(accepted, gives_whole_pages)
{
	int fd = open(DEVICE, O_RDWR);
	long page = page_size();

	ASSERT_GE(fd, 0);
	EXPECT_EQ((variant->window + page - 1) / page * page,
		  lseek(fd, 0, SEEK_END));
}

FIXTURE(many) {};

FIXTURE_SETUP(many)
{
	ASSERT_EQ(0, module_load("instances=256 size=64M"));
}

FIXTURE_TEARDOWN_PARENT(many)
{
	EXPECT_EQ(0, module_unload());
}

/* 512 windows of this size are far more than the guest's memory. */
TEST_F(many, instances_cost_nothing_until_mapped)
{
	EXPECT_EQ(0, access("/dev/xxshm255", F_OK));
	EXPECT_EQ(-1, access("/dev/xxshm256", F_OK));
}

TEST_F(many, missing_instance_is_enoent)
{
	EXPECT_EQ(-1, open("/dev/xxshm256", O_RDWR));
	EXPECT_EQ(ENOENT, errno);
}

/* A node made by hand for a minor that nobody registered. */
TEST_F(many, missing_minor_is_enxio)
{
	struct stat st;
	dev_t next;

	ASSERT_EQ(0, stat("/dev/xxshm255", &st));
	next = makedev(major(st.st_rdev), minor(st.st_rdev) + 1);
	ASSERT_EQ(0, mknod("/tmp/xxshm256", S_IFCHR | 0600, next));
	EXPECT_EQ(-1, open("/tmp/xxshm256", O_RDWR));
	EXPECT_EQ(ENXIO, errno);
	unlink("/tmp/xxshm256");
}

TEST_F(many, instances_are_separate)
{
	char *a = map_rw(open("/dev/xxshm0", O_RDWR), page_size());
	char *b = map_rw(open("/dev/xxshm255", O_RDWR), page_size());

	ASSERT_NE(MAP_FAILED, a);
	ASSERT_NE(MAP_FAILED, b);
	*a = 1;
	EXPECT_EQ(0, *b);
}

TEST_HARNESS_MAIN
