# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The virtual machines of all tests, to be sourced:
#
#   in_guest [OPTION VALUE]... KERNEL FOUND SECONDS COMMAND...
#                                 runs vm/run, with more OPTIONs such as -m 320M, and
#                                 returns its status
#   results_in_guest KERNEL FOUND SECONDS COMMAND...
#                                 the results of the command's TAP, and one for the kernel
#
# The module has been built for the kernel. The command may write to FOUND. There
# "console" has the kernel's messages, and "verdict" those of vm/run.

. tools/testing/lib/result.sh

# End a process and all its children, the children first.
end_tree() {
	local child

	for child in $(pgrep -P "$1"); do
		end_tree "$child"
	done
	[[ $1 = "$$" ]] || kill "$1" 2>/dev/null || :
}

# Ending this script ends its virtual machines. A trap has to wait for a command, but
# not for "wait".
trap 'end_tree $$; exit 143' HUP INT TERM

# init_on_alloc would hide pages that the module forgot to clear. 6.1 has memfd_secret(2)
# only with its option. Tests unload modules all the time, which mostly waits for RCU.
in_guest() {
	local options=() kernel found seconds image

	while [[ $1 = -* ]]; do
		options+=("$1" "$2")
		shift 2
	done
	kernel=$1 found=$2 seconds=$3
	shift 3
	image=$(tools/testing/lib/build image "$kernel")
	mkdir -p "$found"
	tools/testing/vm/run -k "$image" -m 2G -t "$seconds" \
		-w "$found" -l "$found/console" \
		-a "syscall.x32=y init_on_alloc=0 secretmem.enable=1 rcupdate.rcu_expedited=1" \
		"${options[@]}" -- "$@" \
		2>"$found/verdict" &
	wait $!
}

# ends_well STATUS FOUND NAME: one result, from the status of in_guest
ends_well() {
	[[ $1 = 0 ]] || sed 's/^/#   /' "$2/verdict"
	result "$1" "$3 ends well and has no complaint"
}

# The command exits with 1 if one of its results is a failure.
results_in_guest() {
	local found=$2 status=0

	in_guest "$@" >"$found/tap" || status=$?
	results_of cat "$found/tap"
	ends_well $((status == 1 && failed ? 0 : status)) "$found" "the kernel"
}
