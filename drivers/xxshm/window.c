// SPDX-License-Identifier: GPL-2.0-only
/*
 * A window: a range of a memory object. It gets all its pages at once, when it is first
 * mapped, and keeps them as long as the memory object lives.
 */
#include <kunit/visibility.h>
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/pgtable.h>
#include <linux/random.h>
#include <linux/sched.h>

#include "pages.h"
#include "window.h"

/* Pages. Filling them takes no longer than one or two page faults. */
#define WINDOW_SMALL	16

/**
 * struct window_range - a window, and the memory object that it is a range of
 * @win: the window
 * @pages: the memory object
 */
struct window_range {
	struct xxshm_window *win;
	struct xxshm_pages *pages;
};

/**
 * xxshm_window_init() - make a range of pages a window
 * @win: the window
 * @first: index of the window's first page
 * @npages: size of the window in pages, at least 1
 *
 * Context: Before anybody else knows of @win.
 */
void xxshm_window_init(struct xxshm_window *win, pgoff_t first, pgoff_t npages)
{
	xxshm_fill_init(&win->fill);
	win->first = first;
	win->npages = npages;
}
EXPORT_SYMBOL_IF_KUNIT(xxshm_window_init);

/**
 * xxshm_window_is_populated() - does the window have its pages?
 * @win: the window
 *
 * Context: Any.
 * Return: true if it has; from then on it always has.
 */
bool xxshm_window_is_populated(struct xxshm_window *win)
{
	return xxshm_fill_is_full(&win->fill);
}
EXPORT_SYMBOL_IF_KUNIT(xxshm_window_is_populated);

/**
 * xxshm_window_is_small() - may the window be filled with mmap_lock held?
 * @win: the window
 *
 * Context: Any.
 * Return: true if filling it does not take long.
 */
bool xxshm_window_is_small(const struct xxshm_window *win)
{
	return win->npages <= WINDOW_SMALL;
}

static int window_fill_part(const struct window_range *range, pgoff_t index,
			    pgoff_t end, bool may_wait)
{
	while (index < end) {
		long added = xxshm_pages_fill_at(range->pages, index, end, may_wait);

		if (added < 0)
			return added;
		index += added;
		cond_resched();
	}
	return 0;
}

/* Tasks that begin at the same page would zero each page several times. */
static pgoff_t window_start(const struct xxshm_window *win, bool is_alone)
{
	pgoff_t at = is_alone ? 0 : get_random_u32() % win->npages;

	return max(win->first, ALIGN_DOWN(win->first + at, PTRS_PER_PTE));
}

static int window_fill(struct xxshm_fill *fill, void *owner, bool may_wait)
{
	const struct window_range *range = owner;
	const struct xxshm_window *win = range->win;
	bool is_alone = READ_ONCE(fill->fillers) == 1;
	pgoff_t start = window_start(win, is_alone);
	int err;

	/* If others are filling the window, part of the memory is taken already. */
	if (is_alone && !xxshm_pages_may_take(win->npages))
		return -ENOMEM;
	err = window_fill_part(range, start, win->first + win->npages, may_wait);
	return err ?: window_fill_part(range, win->first, start, may_wait);
}

/* Each step covers one large page. */
static void window_empty(struct xxshm_fill *fill, void *owner)
{
	const struct window_range *range = owner;
	pgoff_t first = range->win->first;
	pgoff_t end = first + range->win->npages;

	while (end > first && xxshm_fill_lock_idle(fill)) {
		pgoff_t start = max(first, ALIGN_DOWN(end - 1, PTRS_PER_PTE));

		xxshm_pages_remove(range->pages, start, end - start);
		mutex_unlock(&fill->lock);
		end = start;
		cond_resched();
	}
}

static const struct xxshm_fill_ops window_fill_ops = {
	.fill	= window_fill,
	.empty	= window_empty,
};

/**
 * xxshm_window_populate_at_once() - fill a small window
 * @win: the window; xxshm_window_is_small() returned true
 * @pages: the memory object that it is a range of, always the same one
 *
 * Context: Process context, may sleep, but not long: mmap_lock may be held.
 * Return: 0; a negative errno if the caller should try xxshm_window_populate().
 */
int xxshm_window_populate_at_once(struct xxshm_window *win, struct xxshm_pages *pages)
{
	struct window_range range = { .win = win, .pages = pages };

	return xxshm_fill_at_once(&win->fill, &window_fill_ops, &range);
}

/**
 * xxshm_window_populate() - fill a window
 * @win: the window
 * @pages: the memory object that it is a range of, always the same one
 *
 * Context: Process context, may sleep, and wait for others that fill the same window;
 * without mmap_lock.
 * Return: 0; -EINTR if current is being killed; -ENOMEM if there is no memory, the
 * window would take more than 7/8 of the available memory, or the memory cgroup of
 * current is at its limit. After a failure the window is empty, unless others fill it.
 */
int xxshm_window_populate(struct xxshm_window *win, struct xxshm_pages *pages)
{
	struct window_range range = { .win = win, .pages = pages };

	return xxshm_fill_up(&win->fill, &window_fill_ops, &range);
}
