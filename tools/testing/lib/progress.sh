# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Tells on standard error how far a long command is, to be sourced:
#
#   progress_begin COMMAND...    from now on, with the line that COMMAND prints
#   progress_end                 no more of it
#
# On a terminal, one line is rewritten each second. Elsewhere, a comment of TAP comes
# once a minute. It ends by itself when the script does.

progress_pid=

progress_line() {
	local width

	if [[ -t 2 ]]; then
		width=$(tput cols 2>/dev/null || echo 80)
		printf '\r\033[K%s' "${1:0:width - 1}"
	else
		echo "# $1"
	fi >&2
}

# It waits by a pipe on which nothing comes: a sleep would outlive it.
progress_loop() {
	local start=$SECONDS period=60 elapsed pipe

	trap - EXIT HUP INT TERM
	[[ ! -t 2 ]] || period=1
	exec {pipe}<> <(:)
	while ! read -rt "$period" -u "$pipe" && kill -0 $$ 2>/dev/null; do
		elapsed=$((SECONDS - start))
		progress_line "$(printf '%d:%02d  %s' $((elapsed / 60)) $((elapsed % 60)) \
			"$("$@")")"
	done
}

progress_begin() {
	progress_loop "$@" &
	progress_pid=$!
}

progress_end() {
	[[ $progress_pid ]] || return 0
	kill "$progress_pid" 2>/dev/null || :
	wait "$progress_pid" 2>/dev/null || :
	progress_pid=
	[[ ! -t 2 ]] || printf '\r\033[K' >&2
}
