// SPDX-License-Identifier: GPL-2.0-only
/* The arithmetic of the ledger, up to its edges. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/module.h>

#include "../memlock.h"

struct fits_case {
	const char *name;
	unsigned long used;
	unsigned long npages;
	unsigned long limit;
	bool fits;
};

static const struct fits_case fits_cases[] = {
	{ "one below the limit",	0, 7, 8, true },
	{ "the limit",			0, 8, 8, true },
	{ "one above the limit",	0, 9, 8, false },
	{ "up to the limit",		5, 3, 8, true },
	{ "one more than is left",	5, 4, 8, false },
	{ "a limit of zero",		0, 1, 0, false },
	{ "nothing under a limit of zero", 0, 0, 0, true },
	{ "at the limit",		8, 1, 8, false },
	{ "nothing more at the limit",	8, 0, 8, true },
	{ "a limit lowered below use",	9, 1, 8, false },
	{ "far above a lowered limit",	LONG_MAX, 1, 8, false },
	{ "a sum that overflows",	2, ULONG_MAX, 8, false },
	{ "a sum that overflows to 0",	1, ULONG_MAX, 8, false },
	{ "everything",			0, ULONG_MAX, ULONG_MAX, true },
	{ "everything and one more",	1, ULONG_MAX, ULONG_MAX, false },
	{ "the last page of all",	ULONG_MAX - 1, 1, ULONG_MAX, true },
	/* RLIM_INFINITY in pages. */
	{ "no limit",	LONG_MAX >> PAGE_SHIFT, 1, ULONG_MAX >> PAGE_SHIFT, true },
};

static void fits_case_name(const struct fits_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(fits, fits_cases, fits_case_name);

static void memlock_test_fits(struct kunit *test)
{
	const struct fits_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, c->fits,
			xxshm_memlock_fits(c->used, c->npages, c->limit));
}

static struct kunit_case memlock_cases[] = {
	KUNIT_CASE_PARAM(memlock_test_fits, fits_gen_params),
	{}
};

static struct kunit_suite memlock_suite = {
	.name = "xxshm-memlock",
	.test_cases = memlock_cases,
};

kunit_test_suite(memlock_suite);

MODULE_IMPORT_NS(EXPORTED_FOR_KUNIT_TESTING);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit tests of xxshm");
