// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does on purpose what the kernels made for testing are to notice, one thing
 * for each value of ring=. Loading it always fails with ECANCELED, so that it
 * need not be unloaded; it is for virtual machines only.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/seqlock.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timer.h>

static char *ring = "";
module_param(ring, charp, 0);

static void ring_access(void)
{
	char *memory = kmalloc(24, GFP_KERNEL);

	kfree(memory);
	if (memory)
		READ_ONCE(*memory);
}

/* The access is made by the kernel, not by the module. */
static void ring_kernel(void)
{
	char *memory = kzalloc(24, GFP_KERNEL);
	int value;

	kfree(memory);
	if (memory && !kstrtoint(memory, 0, &value))
		OPTIMIZER_HIDE_VAR(value);
}

static void ring_leak(void)
{
	int i;

	/* A stale pointer may lie about somewhere, but not to all of them. */
	for (i = 0; i < 16; i++) {
		void *lost = kmalloc(64, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(lost);
	}
}

static DEFINE_MUTEX(lock_a);
static DEFINE_MUTEX(lock_b);

static void ring_lock(void)
{
	mutex_lock(&lock_a);
	mutex_lock(&lock_b);
	mutex_unlock(&lock_b);
	mutex_unlock(&lock_a);
	mutex_lock(&lock_b);
	mutex_lock(&lock_a);
	mutex_unlock(&lock_a);
	mutex_unlock(&lock_b);
}

static void ring_sleep(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
}

static unsigned int shift_by = 32;

static void ring_arithmetic(void)
{
	int value = 1 << READ_ONCE(shift_by);

	OPTIMIZER_HIDE_VAR(value);
}

/* KASAN would be first to notice. */
static __no_sanitize_address void write_unseen(char *at)
{
	WRITE_ONCE(*at, 0);
}

/* The page that was freed last is the next to be had. */
static void ring_page(void)
{
	struct page *page;

	preempt_disable();
	page = alloc_page(GFP_NOWAIT);
	if (page) {
		__free_page(page);
		write_unseen(page_address(page));
		page = alloc_page(GFP_NOWAIT);
		if (page)
			__free_page(page);
	}
	preempt_enable();
}

static void no_time(struct timer_list *unused)
{
}

static void ring_object(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, no_time, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	kfree(timer);
}

static unsigned long raced;

/* In sections of a seqlock, as is all that runs under an mmap_lock. */
static int race(void *unused)
{
	seqcount_t own;

	seqcount_init(&own);
	while (!kthread_should_stop()) {
		raw_read_seqcount(&own);
		raw_write_seqcount_begin(&own);
		raced++;
		raw_write_seqcount_end(&own);
		cond_resched();
	}
	return 0;
}

static void ring_race(void)
{
	struct task_struct *task[2];
	int i;

	for (i = 0; i < 2; i++)
		task[i] = kthread_run(race, NULL, "race");
	msleep(3000);
	for (i = 0; i < 2; i++)
		if (!IS_ERR(task[i]))
			kthread_stop(task[i]);
}

static const struct {
	const char *name;
	void (*ring)(void);
} alarms[] = {
	{ "access",	ring_access },
	{ "kernel",	ring_kernel },
	{ "leak",	ring_leak },
	{ "lock",	ring_lock },
	{ "sleep",	ring_sleep },
	{ "arithmetic",	ring_arithmetic },
	{ "page",	ring_page },
	{ "object",	ring_object },
	{ "race",	ring_race },
};

static int __init ring_one(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(alarms); i++) {
		if (!strcmp(ring, alarms[i].name)) {
			alarms[i].ring();
			return -ECANCELED;
		}
	}
	return -EINVAL;
}
module_init(ring_one);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Defects on purpose, to see that they are noticed");
