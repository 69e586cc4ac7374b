/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_DDI_ENTRY_H
#define _XXSHM_DDI_ENTRY_H

#include <linux/compiler.h>
#include <linux/cred.h>

#include <xxshm/types.h>

#include "../nodes.h"

struct ddi_driver;

/* Entry points of a driver that may break their contract. */
enum ddi_entry {
	DDI_ENTRY_OPEN,
	DDI_ENTRY_IOCTL,
	DDI_ENTRY_SEGMAP,
	DDI_ENTRY_DEVMAP,
};

/**
 * struct ddi_driver_node - the nodes of a driver
 * @driver: the driver's entry points; constant
 * @reported: a bit for each entry point whose broken contract has been logged
 * @nodes: one for each minor number
 */
struct ddi_driver_node {
	const struct ddi_driver *driver;
	unsigned long reported;
	struct xxshm_nodes nodes;
};

/* On Solaris, credentials are not constant. */
static inline cred_t *ddi_entry_cred(void)
{
	return (cred_t *)current_cred();
}

void ddi_entry_report(const struct ddi_driver *driver, enum ddi_entry entry,
		      const char *format, ...) __printf(3, 4);
int ddi_entry_errno(const struct ddi_driver *driver, enum ddi_entry entry,
		    int ret);

#endif /* _XXSHM_DDI_ENTRY_H */
