// SPDX-License-Identifier: GPL-2.0-only
/* The VMAs that may be mappings of a range: the arithmetic, and the order of checks. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/mm.h>

#include "../map.h"

#define SHARED		(VM_READ | VM_WRITE | VM_SHARED | VM_MAYSHARE)
#define LAST_PGOFF	(ULONG_MAX >> PAGE_SHIFT)

struct check_case {
	const char *name;
	pgoff_t range;	/* pages of the range */
	pgoff_t pgoff;
	unsigned long npages;
	unsigned long flags;
	int err;
};

static const struct check_case check_cases[] = {
	{ "all of one page",		1, 0, 1, SHARED, 0 },
	{ "all of many pages",		16, 0, 16, SHARED, 0 },
	{ "the last page",		16, 15, 1, SHARED, 0 },
	{ "the last two",		16, 14, 2, SHARED, 0 },
	{ "one page too long",		16, 0, 17, SHARED, -ENXIO },
	{ "begins at the end",		16, 16, 1, SHARED, -ENXIO },
	{ "reaches over the end",	16, 15, 2, SHARED, -ENXIO },
	{ "begins far behind",		16, LAST_PGOFF, 1, SHARED, -ENXIO },
	{ "its end overflows",		16, ULONG_MAX, 1, SHARED, -ENXIO },
	{ "its end overflows into it",	16, ULONG_MAX - 3, 8, SHARED, -ENXIO },
	{ "longer than anything",	16, 0, LAST_PGOFF, SHARED, -ENXIO },
	{ "all of a huge range",	LAST_PGOFF, 0, LAST_PGOFF, SHARED, 0 },
	{ "private",			16, 0, 1, VM_READ | VM_WRITE, -EINVAL },
	/* As mmap(2) makes it from a descriptor that was opened read-only. */
	{ "shared, of a read-only file", 16, 0, 1, VM_READ | VM_MAYSHARE, 0 },
	{ "executable",			16, 0, 1, SHARED | VM_EXEC, -EACCES },
	{ "no protection at all",	16, 0, 1, VM_SHARED | VM_MAYSHARE, 0 },
	{ "range before sharing",	16, 16, 1, VM_READ, -ENXIO },
	{ "sharing before protection",	16, 0, 1, VM_READ | VM_EXEC, -EINVAL },
};

static void check_case_name(const struct check_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(check, check_cases, check_case_name);

static void map_test_check(struct kunit *test)
{
	const struct check_case *c = test->param_value;
	struct vm_area_struct *vma = kunit_kzalloc(test, sizeof(*vma), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, vma);
	vma->vm_start = PAGE_SIZE;
	vma->vm_end = PAGE_SIZE + (c->npages << PAGE_SHIFT);
	vma->vm_pgoff = c->pgoff;
	vm_flags_init(vma, c->flags);
	KUNIT_EXPECT_EQ(test, c->err, xxshm_map_check(vma, c->range));
}

static struct kunit_case map_cases[] = {
	KUNIT_CASE_PARAM(map_test_check, check_gen_params),
	{}
};

static struct kunit_suite map_suite = {
	.name = "xxshm-map",
	.test_cases = map_cases,
};

kunit_test_suite(map_suite);
