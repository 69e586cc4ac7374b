// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preparations: work that an mmap(2) needs but must not do with mmap_lock held, such as
 * filling a large window, or calling a driver that takes locks of its own.
 *
 * The kernel calls mmap handlers with mmap_lock held for writing. So one mmap(2)
 * passes through the kernel twice:
 *
 *   first pass    the handler checks the call, queues a task work and returns
 *                 -ERESTARTNOINTR
 *   between       on its way to user space, without mmap_lock, the task runs the
 *                 work; then the kernel restarts the system call by itself
 *   second pass   the handler finds the preparation and takes its result, or returns
 *                 the errno that the work left
 *
 * The program sees one mmap(2). A tracer and a seccomp filter see two.
 *
 * MAP_FIXED: before the handler runs, the kernel has unmapped the old mapping at the
 * address. So the first pass gets a free address instead, where nothing is lost. The
 * second pass gets the address that the caller wants.
 *
 * A pass that the kernel refuses before it comes to the handler drops the preparation
 * at its end. If a signal handler jumps away from the call, the second pass never
 * comes: prep_list.c drops the preparation later. A failure that may be repeated is not
 * kept if a signal is pending: the next call may be another one, with better luck.
 *
 * A kernel thread does not return to user space, so it cannot make a mapping that needs
 * a preparation.
 */
#include <linux/compat.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/task_work.h>
#include <linux/thread_info.h>

#include "backport.h"
#include "caller.h"
#include "prep.h"
#include "prep_list.h"

/* Below this address the kernel asks whether the caller may map at all. */
#define PREP_LOWEST	SZ_1M

/* Two calls that differ in one of these flags are different calls. */
#define PREP_VM_FLAGS	(VM_READ | VM_WRITE | VM_EXEC | VM_MAYWRITE | VM_MAYSHARE)

/* After this many tries, report the failure even if a signal is pending. */
#define PREP_TRIES	3

/* Undo a preparation that is on no list; if it is armed, let its work do it. */
static void prep_discard(struct xxshm_prep *prep)
{
	if (prep->is_armed)
		prep->state = XXSHM_PREP_TAKEN;
	else
		xxshm_prep_list_drop(prep);
}

static void prep_finish(struct xxshm_prep *prep)
{
	bool is_left = prep->err && prep->ops->is_repeatable &&
		       task_sigpending(current) && prep->tries < PREP_TRIES;

	xxshm_prep_list_del(prep);
	prep->state = is_left ? XXSHM_PREP_AGAIN : XXSHM_PREP_DONE;
	xxshm_prep_list_add(prep);
}

static bool prep_is_pointless(void)
{
	return fatal_signal_pending(current) || (current->flags & PF_EXITING);
}

/*
 * In a traced task, the flag that brought it here is still set, so each interruptible
 * wait would end at once. The kernel needs the flag afterwards, to restart the call.
 */
static void prep_make(struct xxshm_prep *prep)
{
	bool is_notified = test_and_clear_thread_flag(TIF_NOTIFY_SIGNAL);

	prep->err = prep->ops->make(prep->file, &prep->call, &prep->made);
	if (is_notified)
		set_thread_flag(TIF_NOTIFY_SIGNAL);
}

/* Between the two passes. */
static void prep_make_and_finish(struct xxshm_prep *prep)
{
	if (!prep_is_pointless())
		prep_make(prep);
	if (prep_is_pointless()) {
		xxshm_prep_list_del(prep);
		xxshm_prep_list_drop(prep);
	} else {
		prep_finish(prep);
	}
}

/*
 * The system call has ended. If the kernel refused it before the handler could use the
 * preparation, or the address, drop them now: a refused call changes nothing.
 *
 * Release the file last: without it the module may be unloaded, so nothing may follow.
 */
static void prep_run(struct callback_head *work)
{
	struct xxshm_prep *prep = container_of(work, struct xxshm_prep, work);
	struct file *file = prep->file;

	prep->is_armed = false;
	if (prep->state == XXSHM_PREP_QUEUED) {
		prep_make_and_finish(prep);
	} else {
		if (prep->state != XXSHM_PREP_TAKEN)
			xxshm_prep_list_del(prep);
		xxshm_prep_list_drop(prep);
	}
	fput(file);
}

/* It fails only in a task that is exiting, and such a task makes no system calls. */
static int prep_arm(struct xxshm_prep *prep, struct file *file)
{
	if (prep->is_armed)
		return 0;
	init_task_work(&prep->work, prep_run);
	if (task_work_add(current, &prep->work, TWA_RESUME)) {
		xxshm_prep_list_drop(prep);
		return -EINTR;
	}
	prep->is_armed = true;
	prep->file = get_file(file);
	return 0;
}

/* Put it where the mmap handler of the same pass finds it. */
static int prep_pass_on(struct xxshm_prep *prep, struct file *file)
{
	int err = prep_arm(prep, file);

	if (!err)
		xxshm_prep_list_add(prep);
	return err;
}

/* Will the task return to user space from here, and so run task works? */
static bool prep_is_possible(void)
{
	return !(current->flags & (PF_KTHREAD | PF_IO_WORKER | PF_EXITING));
}

/* Is there room for a second mapping beside the one that MAP_FIXED replaces? */
static bool prep_has_room(unsigned long npages)
{
	return current->mm->total_vm + npages <= rlimit(RLIMIT_AS) >> PAGE_SHIFT;
}

/* If nothing is mapped there, as in mremap(2) by this time, nothing can be lost. */
static bool prep_replaces(unsigned long addr, unsigned long len)
{
	return addr >= PREP_LOWEST && PAGE_ALIGNED(addr) && addr <= TASK_SIZE - len &&
	       find_vma_intersection(current->mm, addr, addr + len);
}

static bool prep_wants_free_place(unsigned long addr, unsigned long len,
				  unsigned long flags)
{
	return (flags & MAP_FIXED) && !(flags & MAP_FIXED_NOREPLACE) &&
	       prep_replaces(addr, len) && prep_has_room(len >> PAGE_SHIFT) &&
	       prep_is_possible();
}

/*
 * The first pass of MAP_FIXED: a free address, or 0. @prep is the preparation of a pass
 * that has to begin again, or NULL.
 */
static unsigned long prep_place_free(struct xxshm_prep_list *list, struct file *file,
				     const struct xxshm_prep_call *call,
				     unsigned long flags, struct xxshm_prep *prep)
{
	unsigned long len = call->npages << PAGE_SHIFT;
	unsigned long place;

	place = mm_get_unmapped_area(file, 0, len, call->pgoff,
				     flags & ~MAP_FIXED);
	if (IS_ERR_VALUE(place)) {
		place = 0;
	} else if (!prep) {
		prep = xxshm_prep_list_new(list);
		if (!prep)
			return -ENOMEM;
	}
	if (place) {
		prep->call = *call;
		prep->state = XXSHM_PREP_PLACED;
	}
	return (prep ? prep_pass_on(prep, file) : 0) ?: place;
}

/* The second pass: the address that make() was told, or 0 if it is not free any more. */
static unsigned long prep_place_again(const struct xxshm_prep *prep, struct file *file,
				      unsigned long flags)
{
	const struct xxshm_prep_call *call = &prep->call;
	unsigned long place;

	if (flags & MAP_FIXED)
		return prep->err;
	place = mm_get_unmapped_area(file, call->addr,
				     call->npages << PAGE_SHIFT, call->pgoff, flags);
	return place == call->addr ? place : 0;
}

/* Is it for this call, as far as that is known before there is a VMA? */
static bool prep_is_placed_for(const struct xxshm_prep *prep,
			       const struct xxshm_prep_call *call)
{
	return prep->state == XXSHM_PREP_DONE && prep->call.pgoff == call->pgoff &&
	       prep->call.npages == call->npages && xxshm_caller_is_same_call(&prep->caller);
}

/**
 * xxshm_prep_place() - choose the address of a mapping that has to be prepared
 * @list: the list of @file
 * @file: the file being mapped
 * @addr: the address that the caller asked for, or 0
 * @len: length in bytes
 * @pgoff: the caller's offset, in pages
 * @flags: flags of mmap(2)
 *
 * For MAP_FIXED, an errno of make() is returned here, while the old mapping still
 * exists.
 *
 * Context: In a get_unmapped_area handler, before anything else.
 * Return: an address; 0 if the handler is to choose one; a negative errno, as
 * get_unmapped_area() has it: -ENOMEM, or one of make().
 */
unsigned long xxshm_prep_place(struct xxshm_prep_list *list, struct file *file,
			       unsigned long addr, unsigned long len, pgoff_t pgoff,
			       unsigned long flags)
{
	struct xxshm_prep_call call = {
		.addr	= addr,
		.pgoff	= pgoff,
		.npages	= len >> PAGE_SHIFT,
	};
	struct xxshm_prep *prep = xxshm_prep_list_take(list);
	unsigned long place;

	if (prep && prep_is_placed_for(prep, &call)) {
		place = prep_place_again(prep, file, flags);
		/* Report an error once. The mmap handler gets the rest. */
		if (!IS_ERR_VALUE(place))
			return prep_pass_on(prep, file) ?: place;
		xxshm_prep_list_drop(prep);
		return place;
	}
	/* The program has left the call that it was for. */
	if (prep && prep->state != XXSHM_PREP_AGAIN) {
		xxshm_prep_list_drop(prep);
		prep = NULL;
	}
	if (prep_wants_free_place(addr, len, flags))
		return prep_place_free(list, file, &call, flags, prep);
	return prep ? prep_pass_on(prep, file) : 0;
}

static struct xxshm_prep_call prep_call_of(struct vm_area_struct *vma)
{
	return (struct xxshm_prep_call){
		.addr		= vma->vm_start,
		.pgoff		= vma->vm_pgoff,
		.npages		= vma_pages(vma),
		.vm_flags	= vma->vm_flags & PREP_VM_FLAGS,
		.is_compat	= in_compat_syscall(),
	};
}

/* The address may differ: that of the first pass was only a proposal. */
static bool prep_is_for(const struct xxshm_prep *prep,
			const struct xxshm_prep_call *call)
{
	return prep_is_placed_for(prep, call) &&
	       prep->call.vm_flags == call->vm_flags &&
	       prep->call.is_compat == call->is_compat;
}

/* The first pass ends here. For MAP_FIXED, @prep has the address that is wanted. */
static int prep_queue(struct xxshm_prep *prep, struct file *file,
		      const struct xxshm_prep_call *call,
		      const struct xxshm_prep_ops *ops)
{
	unsigned long wanted = prep->call.addr;

	prep->call = *call;
	xxshm_caller_remember_call(&prep->caller);
	if (prep->state == XXSHM_PREP_PLACED)
		prep->call.addr = wanted;
	prep->state = XXSHM_PREP_QUEUED;
	prep->tries++;
	prep->err = 0;
	prep->ops = ops;
	if (prep_pass_on(prep, file))
		return -EINTR;
	/* As TWA_SIGNAL does. Without the flag, the kernel would not restart the call. */
	set_thread_flag(TIF_NOTIFY_SIGNAL);
	return -ERESTARTNOINTR;
}

/**
 * xxshm_prep_mmap() - prepare a mapping without mmap_lock
 * @list: the list of the file that is being mapped
 * @vma: the VMA as mmap(2) made it, which the handler has checked
 * @ops: how to prepare it
 * @made: the result of make() is stored here; the caller owns it
 *
 * Context: In an mmap handler, which has to undo everything it did if this fails.
 * Return: 0 if the mapping is prepared; -ERESTARTNOINTR, which the handler must return,
 * if it is going to be prepared; an errno of make(); -ENOMEM; -EOPNOTSUPP if current is a
 * kernel thread; -EINTR if it is being killed.
 */
int xxshm_prep_mmap(struct xxshm_prep_list *list, struct vm_area_struct *vma,
		    const struct xxshm_prep_ops *ops, void **made)
{
	struct xxshm_prep_call call = prep_call_of(vma);
	struct xxshm_prep *prep = xxshm_prep_list_take(list);
	int err;

	*made = NULL;
	if (prep && prep_is_for(prep, &call)) {
		err = prep->err;
		*made = prep->made;
		prep->made = NULL;
		prep_discard(prep);
		return err;
	}
	if (prep && prep->state == XXSHM_PREP_DONE) {
		prep_discard(prep);
		prep = NULL;
	}
	if (!prep && !prep_is_possible())
		return -EOPNOTSUPP;
	if (!prep)
		prep = xxshm_prep_list_new(list);
	return prep ? prep_queue(prep, vma->vm_file, &call, ops) : -ENOMEM;
}
