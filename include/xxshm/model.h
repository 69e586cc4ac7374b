/* SPDX-License-Identifier: GPL-2.0-only */
/* Data models: is the calling program a 32-bit one? */
#ifndef _XXSHM_MODEL_H
#define _XXSHM_MODEL_H

#include <linux/compat.h>

#include <xxshm/types.h>

typedef uint_t model_t;

#define DDI_MODEL_MASK		0x0ff00000
#define DDI_MODEL_ILP32		0x00100000
#define DDI_MODEL_LP64		0x00200000
#define DDI_MODEL_NATIVE	DDI_MODEL_LP64
#define DDI_MODEL_NONE		0

/**
 * ddi_mmap_get_model() - the data model of the caller of mmap(2)
 *
 * As ddi_mmap_get_model(9F), and like there valid in segmap() and devmap() only. The model
 * is that of the system call: ia32, x32 and AArch32 are ILP32, and so is a 64-bit process
 * that makes a 32-bit system call.
 *
 * Context: In segmap() or devmap().
 * Return: DDI_MODEL_LP64 or DDI_MODEL_ILP32.
 */
static inline model_t ddi_mmap_get_model(void)
{
	return in_compat_syscall() ? DDI_MODEL_ILP32 : DDI_MODEL_LP64;
}

/**
 * ddi_model_convert_from() - must data of this model be converted?
 * @model: from ddi_mmap_get_model(), devmap() or the mode of ioctl()
 *
 * As ddi_model_convert_from(9F). It never returns DDI_MODEL_LP64: do not compare with that.
 *
 * Context: Any.
 * Return: DDI_MODEL_ILP32 if the data belongs to a 32-bit program; DDI_MODEL_NONE if it has
 * the layout of the kernel's own data.
 */
static inline model_t ddi_model_convert_from(model_t model)
{
	return (model & DDI_MODEL_MASK) & ~DDI_MODEL_NATIVE;
}

#endif /* _XXSHM_MODEL_H */
