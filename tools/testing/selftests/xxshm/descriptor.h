/* SPDX-License-Identifier: GPL-2.0-only */
/* A descriptor in a message from one process to another. */
#ifndef _SELFTESTS_XXSHM_DESCRIPTOR_H
#define _SELFTESTS_XXSHM_DESCRIPTOR_H

#include <string.h>
#include <sys/socket.h>

union control {
	struct cmsghdr head;
	char room[CMSG_SPACE(sizeof(int))];
};

static inline struct msghdr message(struct iovec *iov, union control *control)
{
	return (struct msghdr){
		.msg_iov = iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(*control),
	};
}

static inline int send_descriptor(int socket, int fd)
{
	union control control = { .head = {
		.cmsg_len = CMSG_LEN(sizeof(fd)), .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	struct iovec iov = { "", 1 };
	struct msghdr msg = message(&iov, &control);

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(socket, &msg, 0) == 1 ? 0 : -1;
}

static inline int receive_descriptor(int socket)
{
	union control control = {};
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = message(&iov, &control);
	int fd = -1;

	if (recvmsg(socket, &msg, 0) == 1 && msg.msg_controllen)
		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

#endif /* _SELFTESTS_XXSHM_DESCRIPTOR_H */
