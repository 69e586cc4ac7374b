// SPDX-License-Identifier: GPL-2.0-only
/* The driver face from within: its arithmetic, soft state, memory in an interrupt. */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/limits.h>
#include <linux/string.h>

#include <xxshm/ddi.h>

#include "../ddi/cookie.h"
#include "../ddi/handle.h"

#define SIZE	(4 * (s64)PAGE_SIZE)

struct range_case {
	const char *name;
	s64 koff;
	size_t len;
	bool fits;
};

static const struct range_case range_cases[] = {
	{ "all of it",			0, SIZE, true },
	{ "the last page",		SIZE - PAGE_SIZE, PAGE_SIZE, true },
	{ "one page too long",		0, SIZE + PAGE_SIZE, false },
	{ "beyond the end",		SIZE, PAGE_SIZE, false },
	{ "nothing",			0, 0, false },
	{ "nothing at the end",		SIZE, 0, false },
	{ "offset not aligned",		1, PAGE_SIZE, false },
	{ "length not aligned",		0, PAGE_SIZE - 1, false },
	{ "negative",			-(s64)PAGE_SIZE, PAGE_SIZE, false },
	{ "negative, the sum is 0",	-(s64)PAGE_SIZE, 2 * PAGE_SIZE, false },
	{ "the most negative",		S64_MIN, PAGE_SIZE, false },
	{ "the sum overflows",		S64_MAX & PAGE_MASK, PAGE_SIZE, false },
	{ "the length overflows",	PAGE_SIZE, ULONG_MAX & PAGE_MASK, false },
};

static void range_case_name(const struct range_case *c, char *name)
{
	strscpy(name, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(range, range_cases, range_case_name);

static void ddi_test_has_range(struct kunit *test)
{
	const struct range_case *c = test->param_value;
	const struct ddi_umem_cookie cookie = { .npages = SIZE / PAGE_SIZE };

	KUNIT_EXPECT_EQ(test, c->fits, ddi_cookie_has_range(&cookie, c->koff, c->len));
}

static void ddi_test_overlaps(struct kunit *test)
{
	const struct ddi_handle handle = { .first = 2, .npages = 3 };

	KUNIT_EXPECT_EQ(test, 5, ddi_handle_end(&handle));
	KUNIT_EXPECT_FALSE(test, ddi_handle_overlaps(&handle, 0, 2));
	KUNIT_EXPECT_TRUE(test, ddi_handle_overlaps(&handle, 0, 3));
	KUNIT_EXPECT_TRUE(test, ddi_handle_overlaps(&handle, 4, 5));
	KUNIT_EXPECT_FALSE(test, ddi_handle_overlaps(&handle, 5, 6));
}

/* It tells 32-bit data from data that is the kernel's own, not LP64 from ILP32. */
static void ddi_test_convert_from(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, DDI_MODEL_ILP32, ddi_model_convert_from(DDI_MODEL_ILP32));
	KUNIT_EXPECT_EQ(test, DDI_MODEL_NONE, ddi_model_convert_from(DDI_MODEL_LP64));
	KUNIT_EXPECT_EQ(test, DDI_MODEL_NONE, ddi_model_convert_from(0));
	KUNIT_EXPECT_EQ(test, DDI_MODEL_ILP32,
			ddi_model_convert_from(DDI_MODEL_ILP32 | FREAD | FWRITE));
}

static void ddi_test_pages(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, ptob(1));
	KUNIT_EXPECT_EQ(test, 0, btopr(0));
	KUNIT_EXPECT_EQ(test, 1, btopr(1));
	KUNIT_EXPECT_EQ(test, 1, btopr(PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 2, btopr(PAGE_SIZE + 1));
	KUNIT_EXPECT_EQ(test, 1, btop(2 * PAGE_SIZE - 1));
}

static void ddi_test_soft_state(struct kunit *test)
{
	void *state = NULL;
	char *item;

	KUNIT_EXPECT_EQ(test, EINVAL, ddi_soft_state_init(NULL, 1, 1));
	KUNIT_EXPECT_EQ(test, EINVAL, ddi_soft_state_init(&state, 0, 1));
	KUNIT_EXPECT_NULL(test, ddi_get_soft_state(NULL, 0));
	KUNIT_EXPECT_EQ(test, DDI_FAILURE, ddi_soft_state_zalloc(NULL, 0));
	KUNIT_ASSERT_EQ(test, 0, ddi_soft_state_init(&state, 64, 1));
	KUNIT_EXPECT_NULL(test, ddi_get_soft_state(state, 0));
	KUNIT_EXPECT_EQ(test, DDI_FAILURE, ddi_soft_state_zalloc(state, -1));
	KUNIT_EXPECT_EQ(test, DDI_SUCCESS, ddi_soft_state_zalloc(state, 3));
	KUNIT_EXPECT_EQ(test, DDI_FAILURE, ddi_soft_state_zalloc(state, 3));
	item = ddi_get_soft_state(state, 3);
	KUNIT_ASSERT_NOT_NULL(test, item);
	KUNIT_EXPECT_NULL(test, memchr_inv(item, 0, 64));
	KUNIT_EXPECT_NULL(test, ddi_get_soft_state(state, -3));
	ddi_soft_state_free(state, 3);
	ddi_soft_state_free(state, 3);
	ddi_soft_state_free(state, -3);
	ddi_soft_state_free(NULL, 3);
	KUNIT_EXPECT_NULL(test, ddi_get_soft_state(state, 3));
	/* fini() frees structures that are left. */
	KUNIT_EXPECT_EQ(test, DDI_SUCCESS, ddi_soft_state_zalloc(state, 1));
	ddi_soft_state_fini(&state);
	KUNIT_EXPECT_NULL(test, state);
	ddi_soft_state_fini(&state);
	ddi_soft_state_fini(NULL);
}

/* As in an interrupt. */
static void ddi_test_umem_without_interrupts(struct kunit *test)
{
	ddi_umem_cookie_t cookie = NULL;
	unsigned long flags;
	char *address;

	local_irq_save(flags);
	address = ddi_umem_alloc(2 * PAGE_SIZE, DDI_UMEM_NOSLEEP, &cookie);
	if (address)
		memset(address, 1, 2 * PAGE_SIZE);
	ddi_umem_free(cookie);
	local_irq_restore(flags);
	KUNIT_EXPECT_NOT_NULL(test, address);
}

static void ddi_test_umem_wrong_arguments(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, ddi_umem_alloc(PAGE_SIZE, DDI_UMEM_SLEEP, NULL));
	ddi_umem_free(NULL);
}

static void no_cleanup(ddi_umem_cookie_t *cookiep)
{
}

/* A thread of the kernel has no memory of its own that could be locked. */
static void ddi_test_lock_without_memory(struct kunit *test)
{
	struct umem_callback_ops ops = {
		.cbo_umem_callback_version	= UMEM_CALLBACK_VERSION,
		.cbo_umem_lock_cleanup		= no_cleanup,
	};
	caddr_t addr = (caddr_t)PAGE_SIZE;
	ddi_umem_cookie_t cookie;

	KUNIT_EXPECT_EQ(test, EINVAL,
			ddi_umem_lock(addr, PAGE_SIZE, DDI_UMEMLOCK_READ, NULL));
	KUNIT_EXPECT_EQ(test, EINVAL,
			umem_lockmemory(addr, PAGE_SIZE, DDI_UMEMLOCK_READ, NULL, &ops,
					NULL));
	KUNIT_EXPECT_EQ(test, EFAULT,
			ddi_umem_lock(addr, PAGE_SIZE, DDI_UMEMLOCK_READ, &cookie));
	KUNIT_EXPECT_EQ(test, EFAULT,
			umem_lockmemory(addr, PAGE_SIZE, DDI_UMEMLOCK_READ, &cookie, &ops,
					current));
	KUNIT_EXPECT_NULL(test, cookie);
}

static void ddi_test_pages_of_memory_that_is_not_locked(struct kunit *test)
{
	ddi_umem_cookie_t cookie;

	KUNIT_ASSERT_NOT_NULL(test, ddi_umem_alloc(1, DDI_UMEM_SLEEP, &cookie));
	KUNIT_EXPECT_NULL(test, ddi_umem_pages(cookie));
	ddi_umem_free(cookie);
}

static int no_devmap(dev_t dev, devmap_cookie_t handle, offset_t off, size_t len,
		     size_t *maplen, uint_t model)
{
	return ENXIO;
}

static void ddi_test_register(struct kunit *test)
{
	struct ddi_driver driver = {
		.name = "xxshm-kunit", .minors = 2, .devmap = no_devmap,
	}, other = driver;

	KUNIT_EXPECT_EQ(test, 0, ddi_driver_register(&driver));
	KUNIT_EXPECT_EQ(test, -EINVAL, ddi_driver_register(&driver));
	KUNIT_EXPECT_EQ(test, -EBUSY, ddi_driver_register(&other));
	ddi_driver_unregister(&other);
	ddi_driver_unregister(&driver);
	KUNIT_EXPECT_EQ(test, 0, ddi_driver_register(&other));
	ddi_driver_unregister(&other);
}

static void ddi_test_register_what_is_no_driver(struct kunit *test)
{
	const struct ddi_driver good = {
		.name = "xxshm-kunit", .minors = 1, .devmap = no_devmap,
	};
	struct ddi_driver driver = good;

	KUNIT_EXPECT_EQ(test, -EINVAL, ddi_driver_register(NULL));
	driver.name = NULL;
	KUNIT_EXPECT_EQ(test, -EINVAL, ddi_driver_register(&driver));
	driver.name = "";
	KUNIT_EXPECT_EQ(test, -EINVAL, ddi_driver_register(&driver));
	driver.name = "a-name-that-is-longer-than-any-node";
	KUNIT_EXPECT_EQ(test, -EINVAL, ddi_driver_register(&driver));
	driver = good;
	driver.minors = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, ddi_driver_register(&driver));
	driver.minors = 257;
	KUNIT_EXPECT_EQ(test, -EINVAL, ddi_driver_register(&driver));
	driver = good;
	driver.devmap = NULL;
	KUNIT_EXPECT_EQ(test, -EINVAL, ddi_driver_register(&driver));
}

static struct kunit_case ddi_cases[] = {
	KUNIT_CASE_PARAM(ddi_test_has_range, range_gen_params),
	KUNIT_CASE(ddi_test_overlaps),
	KUNIT_CASE(ddi_test_convert_from),
	KUNIT_CASE(ddi_test_pages),
	KUNIT_CASE(ddi_test_soft_state),
	KUNIT_CASE(ddi_test_umem_without_interrupts),
	KUNIT_CASE(ddi_test_umem_wrong_arguments),
	KUNIT_CASE(ddi_test_lock_without_memory),
	KUNIT_CASE(ddi_test_pages_of_memory_that_is_not_locked),
	KUNIT_CASE(ddi_test_register),
	KUNIT_CASE(ddi_test_register_what_is_no_driver),
	{}
};

static struct kunit_suite ddi_suite = {
	.name = "xxshm-ddi",
	.test_cases = ddi_cases,
};

kunit_test_suite(ddi_suite);
