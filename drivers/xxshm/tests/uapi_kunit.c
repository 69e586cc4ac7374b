// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contract with programs, byte for byte: programs were compiled with these numbers,
 * so they must never change. New ones may be added.
 */
#include <kunit/test.h>
#include <linux/stddef.h>
#include <linux/xxshm.h>

static void uapi_test_info_layout(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, offsetof(struct xxshm_info, window_size));
	KUNIT_EXPECT_EQ(test, 8, offsetof(struct xxshm_info, page_size));
	KUNIT_EXPECT_EQ(test, 12, offsetof(struct xxshm_info, model));
	KUNIT_EXPECT_EQ(test, 16, offsetof(struct xxshm_info, backing));
	KUNIT_EXPECT_EQ(test, 20, offsetof(struct xxshm_info, flags));
	KUNIT_EXPECT_EQ(test, 24, offsetof(struct xxshm_info, charged));
	KUNIT_EXPECT_EQ(test, 32, offsetof(struct xxshm_info, user_locked));
	KUNIT_EXPECT_EQ(test, 40, XXSHM_INFO_SIZE_VER0);
	KUNIT_EXPECT_EQ(test, 8, __alignof__(struct xxshm_info));
}

/* Each byte belongs to a member: a hole would leak bytes of the kernel's stack. */
static void uapi_test_info_has_no_hole(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(struct xxshm_info),
			sizeof_field(struct xxshm_info, window_size) +
			sizeof_field(struct xxshm_info, page_size) +
			sizeof_field(struct xxshm_info, model) +
			sizeof_field(struct xxshm_info, backing) +
			sizeof_field(struct xxshm_info, flags) +
			sizeof_field(struct xxshm_info, charged) +
			sizeof_field(struct xxshm_info, user_locked));
}

static void uapi_test_numbers(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0xc0008e00U,
			XXSHM_IOC_INFO & ~(_IOC_SIZEMASK << _IOC_SIZESHIFT));
	KUNIT_EXPECT_EQ(test, 1, XXSHM_MODEL_LP64);
	KUNIT_EXPECT_EQ(test, 2, XXSHM_MODEL_ILP32);
	KUNIT_EXPECT_EQ(test, 1, XXSHM_BACKING_LOCKED);
	KUNIT_EXPECT_EQ(test, 2, XXSHM_BACKING_PAGEABLE);
	KUNIT_EXPECT_EQ(test, 1, XXSHM_INFO_ALLOCATED);
}

static struct kunit_case uapi_cases[] = {
	KUNIT_CASE(uapi_test_info_layout),
	KUNIT_CASE(uapi_test_info_has_no_hole),
	KUNIT_CASE(uapi_test_numbers),
	{}
};

static struct kunit_suite uapi_suite = {
	.name = "xxshm-uapi",
	.test_cases = uapi_cases,
};

kunit_test_suite(uapi_suite);
