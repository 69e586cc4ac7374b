/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that a ported Solaris driver includes for its memory export.
 *
 * Each call follows the manual page of its name in section 9F, the entry points
 * those of section 9E; where it differs, its description says so.
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
