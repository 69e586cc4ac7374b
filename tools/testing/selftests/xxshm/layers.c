// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors of the layers before the device: mounts, control groups, Landlock, seccomp. The
 * samples map the device even if such a layer refuses the ioctl.
 */
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "cgroup.h"
#include "harness.h"
#include "ledger.h"

#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV	0x8000ULL
#endif

#define LANDLOCK_WITH_IOCTL	5	/* version of its interface, of 6.10 */
#define LANDLOCK_RW	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define NODE		"/tmp/xxshm-mount/node"

#define EXPECT_ERRNO(expected, call) do {				\
	errno = 0;							\
	EXPECT_EQ(-1, (long)(call)) TH_LOG("%s", #call);		\
	EXPECT_EQ(expected, errno) TH_LOG("%s", #call);			\
} while (0)

FIXTURE(device) {
	int fd;		/* opened before the layer is set up */
	size_t page;
	dev_t number;
};

FIXTURE_SETUP(device)
{
	struct stat st;

	self->page = page_size();
	ASSERT_EQ(0, module_load("size=16K"));
	self->fd = open(DEVICE, O_RDWR);
	ASSERT_GE(self->fd, 0);
	ASSERT_EQ(0, fstat(self->fd, &st));
	self->number = st.st_rdev;
}

FIXTURE_TEARDOWN_PARENT(device)
{
	EXPECT_EQ(0, module_unload());
}

/* The node on a file system of its own, mounted with these flags; for this test. */
static int mount_node(dev_t number, unsigned long flags)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	mkdir("/tmp/xxshm-mount", 0700);
	if (mount("none", "/tmp/xxshm-mount", "tmpfs", flags, NULL))
		return -1;
	return mknod(NODE, S_IFCHR | 0600, number);
}

TEST_F(device, on_a_nodev_mount_open_is_eacces)
{
	ASSERT_EQ(0, mount_node(self->number, MS_NODEV));
	EXPECT_ERRNO(EACCES, open(NODE, O_RDWR));
}

TEST_F(device, on_a_noexec_mount_executable_mappings_are_eperm)
{
	char *map;
	int fd;

	ASSERT_EQ(0, mount_node(self->number, MS_NOEXEC));
	fd = open(NODE, O_RDWR);
	EXPECT_ERRNO(EPERM, map_device(fd, self->page, PROT_READ | PROT_EXEC, 0));
	map = map_rw(fd, self->page);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_ERRNO(EACCES, mprotect(map, self->page, PROT_READ | PROT_EXEC));
}

/* A node made by hand, as in a container, outlives the module. */
TEST_F(device, node_of_a_module_that_is_gone_is_enxio)
{
	const char *stale = "/tmp/xxshm-stale";
	int fd;

	unlink(stale);
	ASSERT_EQ(0, mknod(stale, S_IFCHR | 0600, self->number));
	fd = open(stale, O_RDWR);
	EXPECT_GE(fd, 0);
	close(fd);
	close(self->fd);
	ASSERT_EQ(0, module_unload());
	EXPECT_ERRNO(ENXIO, open(stale, O_RDWR));
	EXPECT_ERRNO(ENOENT, open(DEVICE, O_RDWR));
	unlink(stale);
	EXPECT_EQ(0, module_load(""));
}

/* A program for a control group that allows no device; its descriptor, or -1. */
static int load_refusal(void)
{
	const struct bpf_insn refuse[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insn_cnt = sizeof(refuse) / sizeof(*refuse),
		.insns = (unsigned long)refuse, .license = (unsigned long)"GPL",
	};

	return syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

/* As systemd does for DevicePolicy=, and engines of containers for all devices. */
static int refuse_devices(const char *cgroup)
{
	union bpf_attr attr = {
		.target_fd = open(cgroup, O_RDONLY | O_DIRECTORY),
		.attach_bpf_fd = load_refusal(),
		.attach_type = BPF_CGROUP_DEVICE,
	};

	return syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr));
}

TEST_F(device, control_group_without_the_device_is_eperm)
{
	struct xxshm_info info = {};

	ASSERT_EQ(0, cgroup_make(OURS));
	ASSERT_EQ(0, refuse_devices(OURS));
	ASSERT_EQ(0, cgroup_enter(OURS));
	EXPECT_ERRNO(EPERM, open(DEVICE, O_RDWR));
	EXPECT_ERRNO(EPERM, mknod("/tmp/xxshm-node", S_IFCHR | 0600, self->number));
	/* Open descriptors go on working. */
	EXPECT_EQ(0, ioctl(self->fd, XXSHM_IOC_INFO, &info));
	EXPECT_NE(MAP_FAILED, map_rw(self->fd, self->page));
	EXPECT_EQ(0, cgroup_enter(CGROUPS));
	EXPECT_EQ(0, cgroup_remove(OURS));
}

static int landlock_version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
		       LANDLOCK_CREATE_RULESET_VERSION);
}

/* From now on only the device may be used, and only with these rights. */
static int confine(__u64 handled, __u64 allowed)
{
	struct landlock_ruleset_attr rules = { .handled_access_fs = handled };
	struct landlock_path_beneath_attr rule = {
		.allowed_access = allowed, .parent_fd = open(DEVICE, O_PATH),
	};
	int fd = syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);

	if (allowed && syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH,
			       &rule, 0))
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ?:
	       syscall(SYS_landlock_restrict_self, fd, 0);
}

/*
 * Allow writing to the device, but not its ioctl if Landlock can forbid that. Every file
 * may be read, so that programs can be started.
 */
static int confine_without_ioctl(void)
{
	__u64 ioctl_right = landlock_version() >= LANDLOCK_WITH_IOCTL ?
		LANDLOCK_ACCESS_FS_IOCTL_DEV : 0;

	return confine(LANDLOCK_ACCESS_FS_WRITE_FILE | ioctl_right,
		       LANDLOCK_ACCESS_FS_WRITE_FILE);
}

TEST_F(device, landlock_without_a_rule_is_eacces)
{
	struct xxshm_info info = {};

	ASSERT_EQ(0, confine(LANDLOCK_RW, LANDLOCK_ACCESS_FS_READ_FILE));
	EXPECT_ERRNO(EACCES, open(DEVICE, O_RDWR));
	EXPECT_GE(open(DEVICE, O_RDONLY), 0);
	/* Open descriptors go on working. */
	EXPECT_EQ(0, ioctl(self->fd, XXSHM_IOC_INFO, &info));
	EXPECT_NE(MAP_FAILED, map_rw(self->fd, self->page));
}

/* Kernels before 6.10 have no such right, and refuse no ioctl. */
TEST_F(device, landlock_without_the_right_to_ioctl_is_eacces)
{
	struct xxshm_info info = {};
	int fd, error;

	ASSERT_EQ(0, confine_without_ioctl());
	fd = open(DEVICE, O_RDWR);
	ASSERT_GE(fd, 0);
	error = ioctl(fd, XXSHM_IOC_INFO, &info) ? errno : 0;
	EXPECT_EQ(landlock_version() < LANDLOCK_WITH_IOCTL ? 0 : EACCES, error);
	EXPECT_NE(MAP_FAILED, map_rw(fd, self->page));
	EXPECT_EQ(4 * self->page, (size_t)lseek(fd, 0, SEEK_END));
}

/* The last argument of XXSHM_IOC_INFO is the same in all data models. */
static int refuse_ioctl(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, XXSHM_IOC_INFO, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ?:
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

TEST_F(device, seccomp_gives_the_errno_of_the_filter)
{
	struct xxshm_info info = {};

	ASSERT_EQ(0, refuse_ioctl(EPERM));
	EXPECT_ERRNO(EPERM, ioctl(self->fd, XXSHM_IOC_INFO, &info));
	EXPECT_NE(MAP_FAILED, map_rw(self->fd, self->page));
}

static int run_sample(const char *name, const char *verb, const char *argument)
{
	pid_t pid = fork();

	if (!pid) {
		execl(name, name, DEVICE, verb, argument, NULL);
		_exit(255);
	}
	return wait_for(pid);
}

TEST_F(device, samples_map_under_landlock)
{
	char *map = map_rw(self->fd, self->page);

	ASSERT_EQ(0, confine_without_ioctl());
	EXPECT_EQ(0, run_sample("./board", "post", "landlock"));
	EXPECT_NE(NULL, memmem(map, self->page, "landlock", 8));
	EXPECT_EQ(0, run_sample("./board", "read", NULL));
	EXPECT_EQ(1, run_sample("./board", "map", "1000000"));
	EXPECT_EQ(0, run_sample("./tally", "init", NULL));
	EXPECT_EQ(0, run_sample("./tally", "count", "3"));
}

/* As user-mode emulators do, which do not know the ioctl. */
TEST_F(device, samples_map_without_the_ioctl)
{
	char *map = map_rw(self->fd, self->page);

	ASSERT_EQ(0, refuse_ioctl(ENOSYS));
	EXPECT_EQ(0, run_sample("./board", "post", "emulated"));
	EXPECT_NE(NULL, memmem(map, self->page, "emulated", 8));
	EXPECT_EQ(0, run_sample("./tally", "init", NULL));
}

/* Without the ioctl, other signs must tell that it is the device. */
TEST_F(device, samples_still_refuse_what_is_no_device)
{
	close(self->fd);
	ASSERT_EQ(0, module_unload());
	self->fd = open(DEVICE, O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(0, ftruncate(self->fd, 4 * self->page));
	EXPECT_EQ(1, run_sample("./board", "post", "plain"));
	ASSERT_EQ(0, refuse_ioctl(ENOSYS));
	EXPECT_EQ(1, run_sample("./board", "post", "plain"));
	unlink(DEVICE);
	EXPECT_EQ(0, module_load(""));
}

TEST_HARNESS_MAIN
