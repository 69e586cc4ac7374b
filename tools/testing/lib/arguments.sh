# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034 # the names are for those who ask
#
# Checks of the users' arguments, before anything is built; to be sourced in the folder
# of the clone. An error is one line that names the valid values, and status 2.

tools/testing/lib/place || exit

# The kernels of this Debian, the oldest first, and those that kernels/NAME.config makes.
mapfile -t debian < <(tools/testing/lib/kernel -l)
made=(debug kcsan)

is_made() { [[ " ${made[*]} " = *" $1 "* ]]; }

# Could it be a kernel of the archive? See lib/debian.
is_archived() {
	[[ " ${debian[*]} " != *" $1 "* ]] &&
		[[ $1 = newest || $1 =~ ^[0-9]+\.[0-9]+[0-9A-Za-z.+-]*$ ]]
}

usage_error() { echo "${command:-${0##*/}}: $*" >&2; exit 2; }

# a_number NAME VALUE
a_number() {
	[[ $2 =~ ^[1-9][0-9]{0,17}$ ]] || usage_error "$1=$2 is not a whole number, 1 or more"
}

# choose NAME WANTED AVAILABLE...: those of WANTED, or all if it is empty
choose() {
	local name=$1 wanted=$2 one
	shift 2

	for one in ${wanted:-$*}; do
		[[ " $* " = *" $one "* ]] || usage_error "$name=$one is not one of: $*"
		echo "$one"
	done
}

# choose_kernels WANTED AVAILABLE...: the same, and kernels of the archive
choose_kernels() {
	local wanted=$1 one
	shift

	for one in ${wanted:-$*}; do
		[[ " $* " = *" $one "* ]] || is_archived "$one" ||
			usage_error "KERNEL=$one is not one of: $* newest, or a series such as 7.3"
		echo "$one"
	done
}

# a_kernel VALUE AVAILABLE...: one of those, or one of the archive
a_kernel() {
	[[ $1 != *\ * ]] || usage_error "KERNEL=$1 is more than one"
	choose_kernels "$@" >/dev/null
}
