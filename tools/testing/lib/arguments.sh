# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034 # the names are for those who ask
#
# What users give, checked before anything is built; to be sourced in the folder of
# the clone. An error is one line that says what would be right, and status 2.

tools/testing/lib/place || exit

# Debian's kernels, and those that kernels/NAME.config makes.
debian=(6.1 6.12)
made=(debug kcsan)

is_made() { [[ " ${made[*]} " = *" $1 "* ]]; }

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

# a_kernel VALUE AVAILABLE...: one of those
a_kernel() {
	[[ $1 != *\ * ]] || usage_error "KERNEL=$1 is more than one"
	choose KERNEL "$@" >/dev/null
}
