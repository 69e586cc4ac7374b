/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests of the driver face: its drivers, and what the driver probe is told to do. */
#ifndef _SELFTESTS_XXSHM_DRIVER_H
#define _SELFTESTS_XXSHM_DRIVER_H

#include "../device.h"
#include "test_modules/probe.h"

#define PROBE		"/dev/probe0"
#define PROBE_SYSFS	"/sys/class/xxshm-driver/probe0/"

/* As in include/xxshm, which programs cannot include. */
#define DDI_UMEM_SLEEP		0x0
#define DDI_UMEM_NOSLEEP	0x1
#define DDI_UMEM_PAGEABLE	0x2
#define DDI_UMEM_TRASH		0x4
#define PROT_USER		0x8
#define PROT_RU			(PROT_READ | PROT_USER)
#define PROT_RWU		(PROT_READ | PROT_WRITE | PROT_USER)
#define PROT_ALL		(PROT_RWU | PROT_EXEC)
#define DEVMAP_MAPPING_INVALID	0x1
#define DEVMAP_ALLOW_REMAP	0x2
#define IOMEM_DATA_CACHED	0x10000
#define IOMEM_DATA_UC_WR_COMBINE 0x20000
#define DDI_MODEL_ILP32		0x00100000
#define DDI_MODEL_LP64		0x00200000
#define FREAD			0x1
#define FWRITE			0x2

#define ALL_CALLBACKS	(PROBE_MAP | PROBE_ACCESS | PROBE_DUP | PROBE_UNMAP)
#define NO_ACCESS	(PROBE_MAP | PROBE_DUP | PROBE_UNMAP)

/* Memory as it is to be made. */
#define PROBE_GOOD	(PROBE_HAS_ADDRESS | PROBE_HAS_COOKIE | PROBE_IS_ALIGNED | \
			 PROBE_IS_ZEROED)

static inline int driver_unload(const char *name)
{
	int ret = module_remove(name);

	return module_unload() ?: ret;
}

/* A driver, with a freshly loaded module. */
static inline int driver_load(const char *name, const char *parameters)
{
	module_remove("doorman");
	module_remove("locker");
	module_remove("probe");
	module_remove("waiter");
	return module_load("") ?: driver_insert(name, parameters);
}

static inline int probe_unload(void)
{
	return driver_unload("probe");
}

static inline int probe_load(const char *parameters)
{
	return driver_load("probe", parameters);
}

/* What ddi_umem_alloc() made, as PROBE_HAS_ADDRESS and so on. */
static inline __u32 probe_alloc(int fd, __u32 slot, __u64 size, int flags)
{
	struct probe_alloc alloc = { .slot = slot, .size = size, .flags = flags };

	return ioctl(fd, PROBE_IOC_ALLOC, &alloc) ? ~0U : alloc.made;
}

static inline int probe_free(int fd, __u32 slot)
{
	return ioctl(fd, PROBE_IOC_FREE, slot);
}

static inline int probe_peek(int fd, __u32 slot, __u64 offset)
{
	struct probe_byte byte = { .slot = slot, .offset = offset };

	return ioctl(fd, PROBE_IOC_PEEK, &byte) ? -1 : (int)(byte.value & 0xff);
}

static inline int probe_poke(int fd, __u32 slot, __u64 offset, int value)
{
	struct probe_byte byte = { .slot = slot, .offset = offset, .value = value };

	return ioctl(fd, PROBE_IOC_POKE, &byte);
}

static inline int probe_plan(int fd, const struct probe_plan *plan)
{
	return ioctl(fd, PROBE_IOC_PLAN, plan);
}

/* The driver, loaded and opened, with so much memory in slots 0 and 1; or -1. */
static inline int probe_start(size_t len)
{
	int fd;

	if (probe_load(""))
		return -1;
	fd = open(PROBE, O_RDWR);
	probe_alloc(fd, 0, len, DDI_UMEM_SLEEP);
	probe_alloc(fd, 1, len, DDI_UMEM_SLEEP);
	return fd;
}

/* The same, and mmap(2) of it shows slot 0. */
static inline int probe_export(size_t len)
{
	const struct probe_plan plan = { .handle[0].maxprot = PROT_RWU };
	int fd = probe_start(len);

	return probe_plan(fd, &plan) ? -1 : fd;
}

/* What was recorded since the last call. */
static inline struct probe_events probe_events(int fd)
{
	static struct probe_events events;

	if (ioctl(fd, PROBE_IOC_EVENTS, &events))
		events.count = ~0U;
	return events;
}

static inline int probe_call(int fd, struct probe_call call)
{
	return ioctl(fd, PROBE_IOC_CALL, &call) ? -errno : call.ret;
}

#endif /* _SELFTESTS_XXSHM_DRIVER_H */
