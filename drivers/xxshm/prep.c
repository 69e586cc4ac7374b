// SPDX-License-Identifier: GPL-2.0-only
/*
 * A preparation: what an mmap(2) needs and must not do with mmap_lock held, such as
 * filling a large window, or calling a driver that takes locks of its own.
 *
 * The kernel calls mmap handlers with mmap_lock held for writing. So one mmap(2)
 * passes through the kernel twice:
 *
 *   first pass    the handler checks the call, queues a task work and returns
 *                 -ERESTARTNOINTR
 *   between       on its way to user space, without mmap_lock, the task runs the
 *                 work; then the kernel restarts the system call by itself
 *   second pass   the handler finds the preparation, takes what was made, or
 *                 returns the errno that the work left
 *
 * The program sees one mmap(2). A tracer and a seccomp filter see two.
 *
 * MAP_FIXED: by the time that the handler runs, the kernel has unmapped what was at
 * the address. So the first pass gets a free address instead, where nothing is
 * lost; the second one gets the address that the caller wants.
 *
 * A pass that the kernel refuses before it comes to the handler drops the preparation
 * at its end. A second pass that never comes, because a signal handler jumped away from
 * the call, leaves it: it is dropped by the next call of the task on the same file that
 * no handler can have made, by the last close of the file, or after PREP_PATIENCE. A
 * failure that may be repeated is not kept if a signal is pending: the next call may be
 * another one, with better luck.
 *
 * A kernel thread does not return to user space, so it cannot map what has to be
 * prepared.
 */
#include <linux/compat.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pid.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/jobctl.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/task_work.h>
#include <linux/thread_info.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <asm/syscall.h>

#include "backport.h"
#include "memlock.h"
#include "prep.h"

/*
 * The second pass follows at once, but a memory cgroup above its memory.high may
 * delay the task for some seconds in between. A preparation that is dropped too
 * early is made again.
 */
#define PREP_PATIENCE	(10 * HZ)

/* Below this address the kernel asks whether the caller may map at all. */
#define PREP_LOWEST	SZ_1M

/* A call with other flags of these is another call. */
#define PREP_VM_FLAGS	(VM_READ | VM_WRITE | VM_EXEC | VM_MAYWRITE | VM_MAYSHARE)

/* The arguments of the system call. */
#define PREP_ARGS	6

enum prep_state {
	PREP_PLACED,	/* the first pass has got a free address for MAP_FIXED */
	PREP_QUEUED,	/* the work has not ended */
	PREP_DONE,
	PREP_AGAIN,	/* it failed, and a signal came: begin again */
	PREP_TAKEN,	/* it is on no list; the work frees it */
};

/* After so many tries, report the failure even if a signal is pending. */
#define PREP_TRIES	3

/**
 * struct xxshm_prep - a preparation
 * @work: the task work
 * @entry: in the list of its file, under prep_lock
 * @waiting: in prep_waiting, under prep_lock, if the task has to come back for it
 * @list: the list of its file; constant
 * @pid: the task, with a reference: a later task with the same number is another one
 * @mm: its address space, with a reference to the structure only
 * @file: the file, with a reference as long as the work is pending
 * @ops: the operations of @file
 * @call: the call
 * @args: the arguments of the system call
 * @stack: the stack pointer of the system call: together they tell it from others
 * @is_on_altstack: that is the stack for signal handlers, see sigaltstack(2)
 * @state: an enum prep_state; only @pid changes it
 * @is_armed: the work is pending, and runs when the system call ends; only @pid
 *	changes it
 * @tries: how often it was made
 * @err: what make() returned
 * @made: what make() made, or NULL
 * @deadline: in jiffies: when it is dropped
 */
struct xxshm_prep {
	struct callback_head work;
	struct list_head entry;
	struct list_head waiting;
	struct xxshm_prep_list *list;
	struct pid *pid;
	struct mm_struct *mm;
	struct file *file;
	const struct xxshm_prep_ops *ops;
	struct xxshm_prep_call call;
	unsigned long args[PREP_ARGS];
	unsigned long stack;
	bool is_on_altstack;
	enum prep_state state;
	bool is_armed;
	unsigned int tries;
	int err;
	void *made;
	unsigned long deadline;
};

/* Of all lists, for single steps. */
static DEFINE_SPINLOCK(prep_lock);
static LIST_HEAD(prep_waiting);	/* by deadline */
static DECLARE_WAIT_QUEUE_HEAD(prep_dropped);

static void prep_reap(struct work_struct *unused);
static DECLARE_DELAYED_WORK(prep_reaper, prep_reap);

/**
 * xxshm_prep_list_init() - make a list of preparations
 * @list: the list
 *
 * Context: Before anybody else knows of @list.
 */
void xxshm_prep_list_init(struct xxshm_prep_list *list)
{
	INIT_LIST_HEAD(&list->preps);
	list->dropping = 0;
}

static struct xxshm_prep *prep_alloc(struct xxshm_prep_list *list)
{
	struct xxshm_prep *prep = kzalloc(sizeof(*prep), MEMLOCK_GFP);

	if (!prep)
		return NULL;
	prep->list = list;
	prep->pid = get_pid(task_pid(current));
	prep->mm = current->mm;
	mmgrab(prep->mm);
	INIT_LIST_HEAD(&prep->waiting);
	return prep;
}

static void prep_free(struct xxshm_prep *prep)
{
	mmdrop(prep->mm);
	put_pid(prep->pid);
	kfree(prep);
}

/* Undo a preparation that is on no list any more, and not armed. */
static void prep_drop(struct xxshm_prep *prep)
{
	if (prep->made)
		prep->ops->drop(prep->made);
	prep_free(prep);
}

/* The same, if it may be armed. */
static void prep_discard(struct xxshm_prep *prep)
{
	if (prep->is_armed)
		prep->state = PREP_TAKEN;
	else
		prep_drop(prep);
}

static void prep_unlink_locked(struct xxshm_prep *prep)
{
	lockdep_assert_held(&prep_lock);
	list_del(&prep->entry);
	list_del_init(&prep->waiting);
}

static void prep_wait_for_task(struct xxshm_prep *prep)
{
	lockdep_assert_held(&prep_lock);
	prep->deadline = jiffies + PREP_PATIENCE;
	list_move_tail(&prep->waiting, &prep_waiting);
}

static void prep_link_locked(struct xxshm_prep *prep)
{
	lockdep_assert_held(&prep_lock);
	list_add(&prep->entry, &prep->list->preps);
	if (prep->is_armed)
		return;
	prep_wait_for_task(prep);
	queue_delayed_work(system_unbound_wq, &prep_reaper, PREP_PATIENCE);
}

static void prep_link(struct xxshm_prep *prep)
{
	spin_lock(&prep_lock);
	prep_link_locked(prep);
	spin_unlock(&prep_lock);
}

static void prep_unlink(struct xxshm_prep *prep)
{
	spin_lock(&prep_lock);
	prep_unlink_locked(prep);
	spin_unlock(&prep_lock);
}

/* A driver may map its own node in make(): that is another call. */
static bool prep_is_own(const struct xxshm_prep *prep)
{
	return prep->pid == task_pid(current) && prep->mm == current->mm &&
	       prep->state != PREP_QUEUED;
}

static void prep_identify(struct xxshm_prep *prep)
{
	struct pt_regs *regs = task_pt_regs(current);

	syscall_get_arguments(current, regs, prep->args);
	prep->stack = user_stack_pointer(regs);
	prep->is_on_altstack = on_sig_stack(prep->stack);
}

/* Is the calling task in the system call that it was in then? */
static bool prep_is_same_call(const struct xxshm_prep *prep)
{
	struct pt_regs *regs = task_pt_regs(current);
	unsigned long args[PREP_ARGS];

	syscall_get_arguments(current, regs, args);
	return prep->stack == user_stack_pointer(regs) &&
	       !memcmp(prep->args, args, sizeof(args));
}

/*
 * Has a signal handler interrupted the call that this is for? Then the calling task is
 * on the stack for signal handlers, or further down the same stack, and comes back.
 */
static bool prep_is_interrupted(const struct xxshm_prep *prep)
{
	unsigned long stack = user_stack_pointer(task_pt_regs(current));
	bool is_on_altstack = on_sig_stack(stack);

	if (prep->state != PREP_DONE)
		return false;
	if (is_on_altstack != prep->is_on_altstack)
		return is_on_altstack;
	return stack < prep->stack;
}

static bool prep_task_is_gone(const struct xxshm_prep *prep)
{
	bool is_gone;

	rcu_read_lock();
	is_gone = !pid_task(prep->pid, PIDTYPE_PID);
	rcu_read_unlock();
	return is_gone;
}

/* Drop those that are on a list of no file any more, by @entry. */
static void prep_drop_all(struct list_head *preps)
{
	struct xxshm_prep *prep, *next;

	list_for_each_entry_safe(prep, next, preps, entry)
		prep_drop(prep);
}

/*
 * Take the preparation of the calling task off the list, or return NULL. Those of tasks
 * that are gone are dropped, so that the list does not grow with what tasks leave.
 */
static struct xxshm_prep *prep_take(struct xxshm_prep_list *list)
{
	struct xxshm_prep *prep, *next, *own = NULL;
	LIST_HEAD(left);

	if (xxshm_prep_list_is_empty(list))
		return NULL;
	spin_lock(&prep_lock);
	list_for_each_entry_safe(prep, next, &list->preps, entry) {
		if (prep_is_own(prep)) {
			if (prep_is_interrupted(prep))
				continue;
			own = prep;
			prep_unlink_locked(own);
			break;
		}
		if (prep_task_is_gone(prep) && !prep->is_armed) {
			prep_unlink_locked(prep);
			list_add(&prep->entry, &left);
		}
	}
	spin_unlock(&prep_lock);
	prep_drop_all(&left);
	return own;
}

/* A task that a debugger, a signal or its cgroup has stopped still comes back. */
static bool prep_task_is_stopped(const struct xxshm_prep *prep)
{
	const struct task_struct *task;
	bool is_stopped;

	rcu_read_lock();
	task = pid_task(prep->pid, PIDTYPE_PID);
	is_stopped = task &&
		READ_ONCE(task->jobctl) &
		(JOBCTL_STOPPED | JOBCTL_TRACED | JOBCTL_TRAP_FREEZE);
	rcu_read_unlock();
	return is_stopped;
}

/* Take one off whose time is over; the file cannot go before it is dropped. */
static struct xxshm_prep *prep_take_overdue(void)
{
	struct xxshm_prep *prep, *next, *overdue = NULL;

	spin_lock(&prep_lock);
	list_for_each_entry_safe(prep, next, &prep_waiting, waiting) {
		if (time_before(jiffies, prep->deadline))
			break;
		if (prep_task_is_stopped(prep)) {
			prep_wait_for_task(prep);
			continue;
		}
		overdue = prep;
		overdue->list->dropping++;
		prep_unlink_locked(overdue);
		break;
	}
	spin_unlock(&prep_lock);
	return overdue;
}

static void prep_reap(struct work_struct *unused)
{
	struct xxshm_prep_list *list;
	struct xxshm_prep *prep;

	while ((prep = prep_take_overdue())) {
		list = prep->list;
		prep_drop(prep);
		spin_lock(&prep_lock);
		list->dropping--;
		wake_up(&prep_dropped);
		spin_unlock(&prep_lock);
		cond_resched();
	}
	spin_lock(&prep_lock);
	if (!list_empty(&prep_waiting))
		queue_delayed_work(system_unbound_wq, &prep_reaper, HZ);
	spin_unlock(&prep_lock);
}

static bool prep_list_is_dropping(const struct xxshm_prep_list *list)
{
	bool is_dropping;

	spin_lock(&prep_lock);
	is_dropping = list->dropping;
	spin_unlock(&prep_lock);
	return is_dropping;
}

/**
 * xxshm_prep_list_destroy() - drop the preparations whose second pass never came
 * @list: the list of a file that is being released
 *
 * Context: Process context, may sleep; no call on the file is under way.
 */
void xxshm_prep_list_destroy(struct xxshm_prep_list *list)
{
	struct xxshm_prep *prep;
	LIST_HEAD(left);

	spin_lock(&prep_lock);
	list_splice_init(&list->preps, &left);
	list_for_each_entry(prep, &left, entry)
		list_del_init(&prep->waiting);
	spin_unlock(&prep_lock);
	prep_drop_all(&left);
	wait_event(prep_dropped, !prep_list_is_dropping(list));
}

static void prep_finish(struct xxshm_prep *prep)
{
	bool is_left = prep->err && prep->ops->is_repeatable &&
		       task_sigpending(current) && prep->tries < PREP_TRIES;

	spin_lock(&prep_lock);
	prep_unlink_locked(prep);
	prep->state = is_left ? PREP_AGAIN : PREP_DONE;
	prep_link_locked(prep);
	spin_unlock(&prep_lock);
}

static bool prep_is_pointless(void)
{
	return fatal_signal_pending(current) || (current->flags & PF_EXITING);
}

/*
 * A task that is traced comes here with the flag still set that brought it, and then
 * each wait that a signal may interrupt would end at once. The kernel needs the flag
 * afterwards, in order to restart the call.
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
		prep_unlink(prep);
		prep_drop(prep);
	} else {
		prep_finish(prep);
	}
}

/*
 * The system call has ended. If the kernel refused it before the handler came to what
 * was prepared, or placed, that goes now: the program is to find all as it was.
 *
 * The file goes last: with it the module may go, so nothing may follow here.
 */
static void prep_run(struct callback_head *work)
{
	struct xxshm_prep *prep = container_of(work, struct xxshm_prep, work);
	struct file *file = prep->file;

	prep->is_armed = false;
	if (prep->state == PREP_QUEUED) {
		prep_make_and_finish(prep);
	} else {
		if (prep->state != PREP_TAKEN)
			prep_unlink(prep);
		prep_drop(prep);
	}
	fput(file);
}

/* It fails only in a task that exits, and that makes no system calls. */
static int prep_arm(struct xxshm_prep *prep, struct file *file)
{
	if (prep->is_armed)
		return 0;
	init_task_work(&prep->work, prep_run);
	if (task_work_add(current, &prep->work, TWA_RESUME)) {
		prep_drop(prep);
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
		prep_link(prep);
	return err;
}

/* Does the task return to user space from here, so that task works run? */
static bool prep_is_possible(void)
{
	return !(current->flags & (PF_KTHREAD | PF_IO_WORKER | PF_EXITING));
}

/* Is there room for a second mapping beside what MAP_FIXED is to replace? */
static bool prep_has_room(unsigned long npages)
{
	return current->mm->total_vm + npages <= rlimit(RLIMIT_AS) >> PAGE_SHIFT;
}

/* Where nothing is, as for mremap(2) by this time, there is nothing to be lost. */
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
 * The first pass of MAP_FIXED: an address that is free, or 0. @prep is that of a pass
 * that has to begin again, or NULL.
 */
static unsigned long prep_place_free(struct xxshm_prep_list *list, struct file *file,
				     const struct xxshm_prep_call *call,
				     unsigned long flags, struct xxshm_prep *prep)
{
	unsigned long len = call->npages << PAGE_SHIFT;
	unsigned long place;

	place = mm_get_unmapped_area(current->mm, file, 0, len, call->pgoff,
				     flags & ~MAP_FIXED);
	if (IS_ERR_VALUE(place)) {
		place = 0;
	} else if (!prep) {
		prep = prep_alloc(list);
		if (!prep)
			return -ENOMEM;
	}
	if (place) {
		prep->call = *call;
		prep->state = PREP_PLACED;
	}
	return (prep ? prep_pass_on(prep, file) : 0) ?: place;
}

/* The second pass: the address that make() was told, or 0 if that is not free. */
static unsigned long prep_place_again(const struct xxshm_prep *prep, struct file *file,
				      unsigned long flags)
{
	const struct xxshm_prep_call *call = &prep->call;
	unsigned long place;

	if (flags & MAP_FIXED)
		return prep->err;
	place = mm_get_unmapped_area(current->mm, file, call->addr,
				     call->npages << PAGE_SHIFT, call->pgoff, flags);
	return place == call->addr ? place : 0;
}

/* As far as that is known before the VMA. */
static bool prep_is_placed_for(const struct xxshm_prep *prep,
			       const struct xxshm_prep_call *call)
{
	return prep->state == PREP_DONE && prep->call.pgoff == call->pgoff &&
	       prep->call.npages == call->npages && prep_is_same_call(prep);
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
 * What make() failed with is returned here for MAP_FIXED, where the old mapping is
 * still there.
 *
 * Context: In a get_unmapped_area handler, before anything else.
 * Return: an address; 0 if the handler is to choose it; a negative errno, as
 * get_unmapped_area() has it: -ENOMEM, or what make() failed with.
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
	struct xxshm_prep *prep = prep_take(list);
	unsigned long place;

	if (prep && prep_is_placed_for(prep, &call)) {
		place = prep_place_again(prep, file, flags);
		/* An error is told once. The rest is for the mmap handler. */
		if (!IS_ERR_VALUE(place))
			return prep_pass_on(prep, file) ?: place;
		prep_drop(prep);
		return place;
	}
	/* The program left that call. */
	if (prep && prep->state != PREP_AGAIN) {
		prep_drop(prep);
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

/* The address may be another one: that of the first pass was only a proposal. */
static bool prep_is_for(const struct xxshm_prep *prep,
			const struct xxshm_prep_call *call)
{
	return prep_is_placed_for(prep, call) &&
	       prep->call.vm_flags == call->vm_flags &&
	       prep->call.is_compat == call->is_compat;
}

/* The first pass ends here. @prep may have the address that is wanted. */
static int prep_queue(struct xxshm_prep *prep, struct file *file,
		      const struct xxshm_prep_call *call,
		      const struct xxshm_prep_ops *ops)
{
	unsigned long wanted = prep->call.addr;

	prep->call = *call;
	prep_identify(prep);
	if (prep->state == PREP_PLACED)
		prep->call.addr = wanted;
	prep->state = PREP_QUEUED;
	prep->tries++;
	prep->err = 0;
	prep->ops = ops;
	if (prep_pass_on(prep, file))
		return -EINTR;
	/* As TWA_SIGNAL does: without the flag, the kernel would not restart the call. */
	set_thread_flag(TIF_NOTIFY_SIGNAL);
	return -ERESTARTNOINTR;
}

/**
 * xxshm_prep_mmap() - prepare a mapping without mmap_lock
 * @list: the list of the file that is being mapped
 * @vma: the VMA as mmap(2) made it, which the handler has checked
 * @ops: how to prepare it
 * @made: what make() made is stored here; the caller owns it
 *
 * Context: In an mmap handler, which has to undo all that it did if this fails.
 * Return: 0 if the mapping is prepared; -ERESTARTNOINTR if it is going to be: the
 * handler must return that; what make() failed with; -ENOMEM; -EOPNOTSUPP if current is
 * a kernel thread; -EINTR if it is being killed.
 */
int xxshm_prep_mmap(struct xxshm_prep_list *list, struct vm_area_struct *vma,
		    const struct xxshm_prep_ops *ops, void **made)
{
	struct xxshm_prep_call call = prep_call_of(vma);
	struct xxshm_prep *prep = prep_take(list);
	int err;

	*made = NULL;
	if (prep && prep_is_for(prep, &call)) {
		err = prep->err;
		*made = prep->made;
		prep->made = NULL;
		prep_discard(prep);
		return err;
	}
	if (prep && prep->state == PREP_DONE) {
		prep_discard(prep);
		prep = NULL;
	}
	if (!prep && !prep_is_possible())
		return -EOPNOTSUPP;
	if (!prep)
		prep = prep_alloc(list);
	return prep ? prep_queue(prep, vma->vm_file, &call, ops) : -ENOMEM;
}

/**
 * xxshm_prep_exit() - wait for the worker; no file is open
 *
 * Context: Process context, may sleep.
 */
void xxshm_prep_exit(void)
{
	cancel_delayed_work_sync(&prep_reaper);
}
