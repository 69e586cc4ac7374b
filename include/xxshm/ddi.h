/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only header that a ported Solaris driver needs for exporting and locking memory.
 *
 * Each call follows its manual page in section 9F, and each entry point its page in
 * section 9E. The description says where a call differs.
 */
#ifndef _XXSHM_DDI_H
#define _XXSHM_DDI_H

#include <xxshm/devmap.h>
#include <xxshm/driver.h>
#include <xxshm/model.h>
#include <xxshm/softstate.h>
#include <xxshm/types.h>
#include <xxshm/umem.h>

#endif /* _XXSHM_DDI_H */
