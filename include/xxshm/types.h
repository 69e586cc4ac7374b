/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types, constants and small macros that Solaris driver source uses everywhere. Values are
 * those of Solaris.
 */
#ifndef _XXSHM_TYPES_H
#define _XXSHM_TYPES_H

#include <linux/cred.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct device;
struct task_struct;

/** DDI_SUCCESS - returned on success by calls that return no errno */
#define DDI_SUCCESS	0
/** DDI_FAILURE - returned on failure by calls that return no errno */
#define DDI_FAILURE	(-1)

typedef unsigned int uint_t;
typedef unsigned long ulong_t;
typedef unsigned int minor_t;
typedef unsigned int major_t;
typedef long long offset_t;	/* of a file, 64 bits in every data model */
typedef long intptr_t;
typedef struct cred cred_t;
typedef struct device dev_info_t;
typedef struct task_struct proc_t;

/* A driver finds its soft state by the minor number: getminor(9F). */
#define getminor(dev)	((minor_t)MINOR(dev))
#define getemajor(dev)	((major_t)MAJOR(dev))

/* Pages to bytes; bytes to pages, rounded down and up: ptob(9F). */
#define ptob(npages)	((unsigned long)(npages) << PAGE_SHIFT)
#define btop(nbytes)	((unsigned long)(nbytes) >> PAGE_SHIFT)
#define btopr(nbytes)	((((unsigned long)(nbytes) + PAGE_SIZE - 1)) >> PAGE_SHIFT)

/* mmap(2) adds PROT_USER to the protection: see devmap_umem_setup(). */
#define PROT_USER	0x8
#define PROT_ALL	(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_USER)

/* mutex(9F). Initialise a mutex by mutex_init() of Linux, which has one argument. */
typedef struct mutex kmutex_t;
#define mutex_enter(mutex)	mutex_lock(mutex)
#define mutex_exit(mutex)	mutex_unlock(mutex)

/* Flags of an open file: open(9E), close(9E), ioctl(9E). */
#define FREAD		0x1
#define FWRITE		0x2
#define FNDELAY		0x4	/* always together with FNONBLOCK */
#define FAPPEND		0x8
#define FSYNC		0x10
#define FDSYNC		0x40
#define FNONBLOCK	0x80
#define FEXCL		0x400	/* in open(9E) only */
#define OTYP_CHR	2

#endif /* _XXSHM_TYPES_H */
