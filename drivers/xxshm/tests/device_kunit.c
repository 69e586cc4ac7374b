// SPDX-License-Identifier: GPL-2.0-only
/* The choice of a window: by the caller's data model, and back from an index. */
#include <kunit/test.h>
#include <linux/mm.h>

#include "../device.h"

#define NPAGES	5	/* of each window */

static int device_test_init(struct kunit *test)
{
	struct xxshm_device *xd = kunit_kzalloc(test, sizeof(*xd), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, xd);
	xxshm_window_init(&xd->lp64, 0, NPAGES);
	xxshm_window_init(&xd->ilp32, NPAGES, NPAGES);
	test->priv = xd;
	return 0;
}

static void device_test_window_of_a_caller(struct kunit *test)
{
	struct xxshm_device *xd = test->priv;

	KUNIT_EXPECT_PTR_EQ(test, &xd->lp64, xxshm_device_window(xd, false));
	KUNIT_EXPECT_PTR_EQ(test, &xd->ilp32, xxshm_device_window(xd, true));
}

/* The windows meet, but they never overlap. */
static void device_test_window_of_an_index(struct kunit *test)
{
	struct xxshm_device *xd = test->priv;
	pgoff_t index;

	for (index = 0; index < NPAGES; index++) {
		KUNIT_EXPECT_PTR_EQ(test, &xd->lp64,
				    xxshm_device_window_at(xd, index));
		KUNIT_EXPECT_PTR_EQ(test, &xd->ilp32,
				    xxshm_device_window_at(xd, NPAGES + index));
	}
}

static void device_test_window_size_is_in_bytes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, (u64)NPAGES * PAGE_SIZE,
			xxshm_device_window_size(test->priv));
}

/* Beyond 4 GiB: 32-bit arithmetic would lose the upper part. */
static void device_test_window_size_of_a_large_window(struct kunit *test)
{
	struct xxshm_device *xd = test->priv;

	xd->lp64.npages = 1UL << (36 - PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, 1ULL << 36, xxshm_device_window_size(xd));
}

static void device_test_new_window_is_empty(struct kunit *test)
{
	struct xxshm_device *xd = test->priv;

	KUNIT_EXPECT_FALSE(test, xxshm_window_is_populated(&xd->lp64));
	KUNIT_EXPECT_FALSE(test, xxshm_window_is_populated(&xd->ilp32));
}

static struct kunit_case device_cases[] = {
	KUNIT_CASE(device_test_window_of_a_caller),
	KUNIT_CASE(device_test_window_of_an_index),
	KUNIT_CASE(device_test_window_size_is_in_bytes),
	KUNIT_CASE(device_test_window_size_of_a_large_window),
	KUNIT_CASE(device_test_new_window_is_empty),
	{}
};

static struct kunit_suite device_suite = {
	.name = "xxshm-device",
	.init = device_test_init,
	.test_cases = device_cases,
};

kunit_test_suite(device_suite);
