/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XXSHM_REPORT_H
#define _XXSHM_REPORT_H

struct attribute_group;
struct file;
struct seq_file;

extern const struct attribute_group *xxshm_report_groups[];

void xxshm_report_fdinfo(struct seq_file *m, struct file *file);

#endif /* _XXSHM_REPORT_H */
