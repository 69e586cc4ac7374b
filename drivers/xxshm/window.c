// SPDX-License-Identifier: GPL-2.0-only
/*
 * A window: a range of an umem that gets all its pages at once, when it is
 * first needed, and keeps them as long as the umem lives.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/lockdep.h>

#include "umem.h"
#include "window.h"

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
	mutex_init(&win->lock);
	win->first = first;
	win->npages = npages;
}
EXPORT_SYMBOL_IF_KUNIT(xxshm_window_init);

/**
 * xxshm_window_is_populated() - does the window have its pages?
 * @win: the window
 *
 * Context: Any.
 * Return: true if it has, and then for ever.
 */
bool xxshm_window_is_populated(struct xxshm_window *win)
{
	/* Pairs with the release in window_populate_locked(). */
	return smp_load_acquire(&win->populated);
}
EXPORT_SYMBOL_IF_KUNIT(xxshm_window_is_populated);

static int window_populate_locked(struct xxshm_window *win, struct xxshm_umem *umem)
{
	int err;

	lockdep_assert_held(&win->lock);
	if (win->populated)
		return 0;
	err = xxshm_umem_populate(umem, win->first, win->npages);
	if (err)
		return err;
	/* Who sees this sees the pages in the page cache. */
	smp_store_release(&win->populated, true);
	return 0;
}

/**
 * xxshm_window_populate() - see to it that the window has its pages
 * @win: the window
 * @umem: the memory object that it is a range of, always the same one
 *
 * Context: Process context, may sleep.
 * Return: 0; -EINTR if current was killed; what else xxshm_umem_populate()
 * fails with. After a failure the window is empty, and may be tried again.
 */
int xxshm_window_populate(struct xxshm_window *win, struct xxshm_umem *umem)
{
	int err;

	if (xxshm_window_is_populated(win))
		return 0;
	if (mutex_lock_killable(&win->lock))
		return -EINTR;
	err = window_populate_locked(win, umem);
	mutex_unlock(&win->lock);
	return err;
}
