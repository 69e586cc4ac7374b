/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests that need the module "holder": see test_modules/holder.h. */
#ifndef _SELFTESTS_XXSHM_HOLDER_USE_H
#define _SELFTESTS_XXSHM_HOLDER_USE_H

#include "driver.h"
#include "test_modules/holder.h"

#define HOLDER	"/dev/holder"

/* The module, freshly loaded and opened, or -1. */
static inline int holder_start(void)
{
	module_remove("holder");
	if (driver_insert("holder", ""))
		return -1;
	return open(HOLDER, O_RDWR | O_CLOEXEC);
}

/* Unload it, and the modules whose pages it may have held. */
static inline int holder_end(void)
{
	int err = module_remove("holder");

	module_remove("probe");
	return module_unload() ?: err;
}

#endif /* _SELFTESTS_XXSHM_HOLDER_USE_H */
