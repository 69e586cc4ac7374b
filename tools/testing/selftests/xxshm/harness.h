/* SPDX-License-Identifier: GPL-2.0-only */
/* kselftest's harness, with time enough for a kernel that watches all it does. */
#ifndef _SELFTESTS_XXSHM_HARNESS_H
#define _SELFTESTS_XXSHM_HARNESS_H

#include "kselftest_harness.h"

/* Seconds: the kernel is emulated, and the machine may have other work. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 300

#endif /* _SELFTESTS_XXSHM_HARNESS_H */
