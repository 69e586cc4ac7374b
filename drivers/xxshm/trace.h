/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints: every change of a user's locked memory, every refusal, and errors of
 * drivers that programs do not see.
 * Sizes are in bytes. @used is the ledger after a charge or an uncharge, or at the moment
 * of a refusal.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xxshm

#if !defined(_XXSHM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _XXSHM_TRACE_H

#include <linux/mm.h>
#include <linux/sched/user.h>
#include <linux/tracepoint.h>
#include <linux/types.h>
#include <linux/kdev_t.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

DECLARE_EVENT_CLASS(xxshm_request,
		    TP_PROTO(const struct user_struct *user,
			     unsigned long requested, unsigned long used,
			     unsigned long limit),
		    TP_ARGS(user, requested, used, limit),
		    TP_STRUCT__entry(__field(uid_t, uid)
				     __field(u64, requested)
				     __field(u64, used)
				     __field(u64, limit)),
		    TP_fast_assign(__entry->uid = from_kuid(&init_user_ns, user->uid);
				   __entry->requested = (u64)requested << PAGE_SHIFT;
				   __entry->used = (u64)used << PAGE_SHIFT;
				   __entry->limit = (u64)limit << PAGE_SHIFT;),
		    TP_printk("uid=%u requested=%llu used=%llu limit=%llu",
			      __entry->uid, __entry->requested, __entry->used,
			      __entry->limit)
);

DEFINE_EVENT(xxshm_request, xxshm_charge,
	     TP_PROTO(const struct user_struct *user, unsigned long requested,
		      unsigned long used, unsigned long limit),
	     TP_ARGS(user, requested, used, limit)
);

DEFINE_EVENT(xxshm_request, xxshm_refuse,
	     TP_PROTO(const struct user_struct *user, unsigned long requested,
		      unsigned long used, unsigned long limit),
	     TP_ARGS(user, requested, used, limit)
);

/* It has no limit: any process may return a charge, and each has a limit of its own. */
TRACE_EVENT(xxshm_uncharge,
	    TP_PROTO(const struct user_struct *user, unsigned long returned,
		     unsigned long used),
	    TP_ARGS(user, returned, used),
	    TP_STRUCT__entry(__field(uid_t, uid)
			     __field(u64, returned)
			     __field(u64, used)),
	    TP_fast_assign(__entry->uid = from_kuid(&init_user_ns, user->uid);
			   __entry->returned = (u64)returned << PAGE_SHIFT;
			   __entry->used = (u64)used << PAGE_SHIFT;),
	    TP_printk("uid=%u returned=%llu used=%llu", __entry->uid,
		      __entry->returned, __entry->used)
);

/* The process sees ENXIO for every value that devmap(9E) returns. */
TRACE_EVENT(xxshm_devmap_error,
	    TP_PROTO(dev_t dev, s64 offset, int ret),
	    TP_ARGS(dev, offset, ret),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(s64, offset)
			     __field(int, ret)),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->offset = offset;
			   __entry->ret = ret;),
	    TP_printk("dev=%u:%u offset=%lld ret=%d", MAJOR(__entry->dev),
		      MINOR(__entry->dev), __entry->offset, __entry->ret)
);

#endif /* _XXSHM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
