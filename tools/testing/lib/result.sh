# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034 # $failed is for those who ask
#
# TAP for scripts, to be sourced:
#
#   result STATUS NAME       one result; any STATUS but 0 is a failure
#   results_of COMMAND...    those of another script become some of this one's
#   plan                     the last line: how many there were
#
# $failed is 1 once there was a failure.

number=0 failed=0

result() {
	local verdict=ok

	[[ $1 = 0 ]] || verdict='not ok' failed=1
	echo "$verdict $((++number)) - $2"
}

results_of() {
	local line before=$number planned=none

	while read -r line; do
		case $line in
		"ok "*) result 0 "${line#ok * - }" ;;
		"not ok "*) result 1 "${line#not ok * - }" ;;
		1..*) planned=${line#1..} ;;
		*) echo "$line" ;;
		esac
	done < <("$@")
	[[ $planned = $((number - before)) ]] || result 1 "all planned results are there"
}

plan() { echo "1..$number"; }
