// SPDX-License-Identifier: GPL-2.0-only
/* Where a folio of PMD size fits, and how much of memory a range may have. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/mm.h>

#include "../pages.h"

#define HUGE	((pgoff_t)1 << (PMD_SHIFT - PAGE_SHIFT))	/* in pages */

struct huge_case {
	const char *name;
	pgoff_t index;
	pgoff_t end;
	bool fits;
};

static const struct huge_case huge_cases[] = {
	{ "exactly one",		0, HUGE, true },
	{ "one page short",		0, HUGE - 1, false },
	{ "more than one",		0, 3 * HUGE + 1, true },
	{ "the second",			HUGE, 2 * HUGE, true },
	{ "not aligned",		1, 3 * HUGE, false },
	{ "one before aligned",		HUGE - 1, 3 * HUGE, false },
	{ "the rest is short",		2 * HUGE, 3 * HUGE - 1, false },
	{ "one page",			0, 1, false },
	{ "at the far end",		ULONG_MAX - HUGE + 1, ULONG_MAX, false },
};

static void huge_case_name(const struct huge_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(huge, huge_cases, huge_case_name);

static void pages_test_huge_fits(struct kunit *test)
{
	const struct huge_case *c = test->param_value;

	if (!has_transparent_hugepage())
		kunit_skip(test, "the processor has no huge pages");
	KUNIT_EXPECT_EQ(test, c->fits, xxshm_pages_huge_fits(c->index, c->end));
}

static void pages_test_share(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, xxshm_pages_share(0));
	KUNIT_EXPECT_EQ(test, 1, xxshm_pages_share(1));
	KUNIT_EXPECT_EQ(test, 7, xxshm_pages_share(7));
	KUNIT_EXPECT_EQ(test, 7, xxshm_pages_share(8));
	KUNIT_EXPECT_EQ(test, 875, xxshm_pages_share(1000));
	KUNIT_EXPECT_EQ(test, ULONG_MAX - ULONG_MAX / 8,
			xxshm_pages_share(ULONG_MAX));
	KUNIT_EXPECT_EQ(test, xxshm_pages_share(totalram_pages()),
			xxshm_pages_max());
}

static struct kunit_case pages_cases[] = {
	KUNIT_CASE_PARAM(pages_test_huge_fits, huge_gen_params),
	KUNIT_CASE(pages_test_share),
	{}
};

static struct kunit_suite pages_suite = {
	.name = "xxshm-pages",
	.test_cases = pages_cases,
};

kunit_test_suite(pages_suite);
