# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Swap space for a virtual machine, to be sourced:
#
#   swap_on SIZE    fails if this kernel has no memory that is compressed
#   swap_off        gives it back

swap_on() {
	modprobe -q zram
	echo "$1" >/sys/block/zram0/disksize &&
	mkswap -q /dev/zram0 &&
	swapon /dev/zram0
}

swap_off() {
	swapoff /dev/zram0 && echo 1 >/sys/block/zram0/reset
}
