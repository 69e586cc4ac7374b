# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# To be sourced before writing to a folder that other runs may be using:
#
#   . lock.sh DIR      exits if they are
#
# The lock goes with the last process that this one starts.

if ! { exec 8>>"$1.lock" && flock -n 8; }; then
	echo "${command:-${0##*/}}: another run (begun by process $(<"$1.lock")) is using $1: wait for its end, or use another clone." >&2
	exit 1
fi
echo $$ >"$1.lock"
