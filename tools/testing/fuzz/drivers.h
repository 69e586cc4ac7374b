/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the drivers do when they are told to: paged.ko to its handles, which then must
 * show what it wants, and pinner.ko to memory of the program.
 */
#ifndef _FUZZ_DRIVERS_H
#define _FUZZ_DRIVERS_H

#include "choices.h"
#include "ddi/test_modules/paged.h"

#define A_FEW_PIECES	48	/* pages, of three handles */

static const struct call call_ioctl = { "ioctl", { SYS_ioctl, 54, 514 } };

static int way_to_window(int window, unsigned int odd)
{
	if (window % 2 == window_of(0, LP64))
		return LP64;
	return odd & 1 ? IA32 : X32;
}

/* What the page table has, and then shows, after the driver changed a handle. */
static void check_change(const struct mapping *part, unsigned int what)
{
	int window = part->window, value;
	int own = filled[window] ? marker(window) : 0;

	if (what != PAGED_LOAD &&
	    pagemap_entry((void *)part->start) & PAGEMAP_PRESENT)
		violation("the page of before is still at 0x%lx", part->start);
	value = touch(part->start, 0);
	if (has_company || value == -1)
		return;
	if (what == PAGED_INVALIDATE)
		violation("what is invalid can be read at 0x%lx", part->start);
	if ((what == PAGED_TRASH && value) || (what == PAGED_BACK && value != own))
		violation("after change %u, 0x%lx shows 0x%x", what, part->start, value);
}

static void map_driver(int fd, int way)
{
	unsigned long npages = window_pages < A_FEW_PIECES ? window_pages : A_FEW_PIECES;
	unsigned long len = npages * page, pgoff = 0;
	long addr = call_mmap_by(way, 0, &len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				 &pgoff);

	if (addr > 0)
		remember(addr, len, pgoff, window_of(DEVICES, way));
}

static long change_handles(int fd, int way, struct paged_call *call)
{
	long ret;

	if (printing)
		fprintf(stderr, "  change %u: 0x%llx bytes from 0x%llx on, maxprot %u\n",
			call->what, call->len, call->off, call->maxprot);
	count(&tally->told);
	ret = ENTER(way, &call_ioctl, fd, PAGED_IOC_CALL, (long)call);
	if (ret > 0)
		count(&tally->changed);
	return ret;
}

/*
 * The driver changes what handles show, those of other processes too. The program gets
 * one if it has none.
 */
static void op_driver(void)
{
	static const __u32 maxprots[] = { PROT_ALL, PROT_RWU, PROT_ALL, PROT_RU };
	static struct paged_call call;
	struct mapping part = choose_part_of_driver();
	unsigned int odd = choose(), what = choose_below(PAGED_CALLS);
	const unsigned long lengths[] = { 0, page, part.len, -page };
	int fd = open(device_path(DEVICES), O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	call = (struct paged_call){
		.off = part.pgoff * page, .len = lengths[odd / 2 % 4],
		.what = what, .maxprot = maxprots[odd / 8 % 4],
	};
	if (!is_of_driver(part.window)) {
		map_driver(fd, way_of(odd));
	} else {
		if (odd & 128)
			touch(part.start, 0);
		if (change_handles(fd, way_to_window(part.window, odd), &call) > 0)
			check_change(&part, what);
	}
	close(fd);
}

static int is_forbidden_to_lock(const struct pinner_lock *lock)
{
	int is_for_long = lock->flags & DDI_UMEMLOCK_LONGTERM;

	return !(lock->flags & ~DDI_UMEMLOCK_LONGTERM) ||
	       (is_for_long && !(lock->how & PINNER_CLEANUP)) ||
	       !lock->len || lock->len % page || lock->addr % page;
}

/* A driver locks memory: some of a mapping, or the program's own. */
static void op_umem_lock(void)
{
	static const int flags[] = {
		DDI_UMEMLOCK_READ, DDI_UMEMLOCK_READ, DDI_UMEMLOCK_WRITE,
		DDI_UMEMLOCK_WRITE, DDI_UMEMLOCK_READ | DDI_UMEMLOCK_WRITE,
		DDI_UMEMLOCK_WRITE | DDI_UMEMLOCK_LONGTERM, DDI_UMEMLOCK_LONGTERM, 0,
	};
	static const int hows[] = {
		0, PINNER_MEMORY, PINNER_MEMORY | PINNER_CLEANUP,
		PINNER_MEMORY | PINNER_CLEANUP,
	};
	static struct pinner_lock lock;
	struct mapping part = choose_part();
	unsigned int odd = choose(), flag = choose_below(8), how = choose_below(4);
	int way = choose_way(), fd = open(PINNER_PATH, O_RDWR | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return;
	if (odd < 96)
		part = mapping_at((long)buffer, sizeof(buffer));
	lock = (struct pinner_lock){
		.addr = part.start, .len = part.len + (odd >= 240),
		.flags = flags[flag], .slot = odd, .how = hows[how],
	};
	if (printing)
		fprintf(stderr, "  slot %u: 0x%llx bytes at 0x%llx, flags %d, how %u\n",
			lock.slot % PINNER_SLOTS, lock.len, lock.addr, lock.flags,
			lock.how);
	ret = ENTER(way, &call_ioctl, fd, PINNER_IOC_LOCK, (long)&lock);
	close(fd);
	if (ret)
		return;
	count(&tally->locks);
	if (is_forbidden_to_lock(&lock))
		violation("a lock of 0x%llx bytes at 0x%llx, flags %d, how %u", lock.len,
			  lock.addr, lock.flags, lock.how);
}

static void op_umem_unlock(void)
{
	unsigned int slot = choose();
	int way = choose_way(), fd = open(PINNER_PATH, O_RDWR | O_CLOEXEC);
	int command = choose_below(2) ? PINNER_IOC_UNLOCK_IRQ : PINNER_IOC_UNLOCK;

	if (fd < 0)
		return;
	ENTER(way, &call_ioctl, fd, command, slot);
	close(fd);
}

#endif /* _FUZZ_DRIVERS_H */
