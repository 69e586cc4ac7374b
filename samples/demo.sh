#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The demonstration, as root on a machine that may load the module:
#
#   demo.sh MODULE PROGRAMS      xxshm.ko, and the folder of the sample programs
#
# Each step is shown with its command, its output, and what was to be seen; a
# step that does not show it ends the demonstration with status 1.
set -u

module=$1
cd "$2" || exit 1
dev=/dev/xxshm0
output=$(mktemp)

say() { printf '\n%s\n' "$*"; }

# run COMMAND...: show it and what it prints; the status is that of the command
run() {
	local status

	printf '  $ %s\n' "$*"
	"$@" >"$output" 2>&1
	status=$?
	sed 's/^/    /' "$output"
	return $status
}

# check TEXT COMMAND...: the point of a step
check() {
	local what=$1
	shift
	if "$@"; then
		printf '  -> %s\n' "$what"
	else
		printf '  -> NOT SEEN: %s\n' "$what"
		exit 1
	fi
}

must() { run "$@" || check "the command works" false; }
shows() { grep -q "$1" "$output"; }
hides() { ! shows "$1"; }

say "1. Load the module, with windows of two pages. Only root may use the device."
must insmod "$module" size=8K
must ls -l "$dev"
check "the device is there" test -c "$dev"

say "2. Two 64-bit processes that know nothing of each other open one name."
must lp64/board "$dev" post "hello from lp64"
must lp64/board "$dev" read
check "the second finds the note of the first" shows "hello from lp64"

say "3. A 32-bit process opens the same name. Its structures may be laid out
   differently, so it gets another window of the device."
must ia32/board "$dev" read
check "it sees nothing of the 64-bit processes" hides "hello from lp64"
must ia32/board "$dev" post "hello from ia32"
must ia32/board "$dev" read
check "32-bit processes meet among themselves" shows "hello from ia32"

say "4. An x32 process has 32-bit pointers too: it lands with the 32-bit ones."
must x32/board "$dev" post "hello from x32"
must ia32/board "$dev" read
check "ia32 and x32 share a window" shows "hello from x32"

say "5. Back to the 64-bit side."
must lp64/board "$dev" read
check "its window holds what it held" shows "hello from lp64"
check "nothing came over from the 32-bit side" hides "32-bit)"

say "6. Four processes, each with a mapping of its own, fight over a mutex that
   lies in the window. Each adds 1 to a counter 1000 times."
for model in lp64 ia32; do
	must $model/tally "$dev" init
	printf '  $ %s\n' "$model/tally $dev count 1000   (four at once)"
	pids=()
	for _ in 1 2 3 4; do
		$model/tally "$dev" count 1000 &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || check "every process gets through" false
	done
	must $model/tally "$dev" show
	check "no count was lost" shows '^4000$'
done

say "7. A mapping that reaches past the window is refused: behind it lies the
   window of the other data model, or nothing."
if run lp64/board "$dev" map 12288; then
	check "it is refused" false
fi
check "refused with ENXIO: it does not lie inside the window" \
	shows "No such device or address"
must lp64/board "$dev" map 8192
check "the whole window can be mapped" shows "mapped 8192 bytes"

say "8. What is mapped is charged to the user who maps it, like all locked memory.
   An ordinary user who may lock one page gets one page, and no second."
must chmod 666 "$dev"
user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
must "${user[@]}" prlimit --memlock=4096 lp64/board "$dev" map 4096
if run "${user[@]}" prlimit --memlock=4096 lp64/board "$dev" map 8192; then
	check "it is refused" false
fi
check "refused with EAGAIN: over the limit of locked memory" \
	shows "has locked 0 of the 4096 bytes that it may"
must "${user[@]}" prlimit --memlock=8192 lp64/board "$dev" map 8192
check "with a limit of two pages it gets two" shows "mapped 8192 bytes"

say "9. All processes are gone, so the module can go, and the memory with it."
must rmmod xxshm
check "the device is gone" test ! -e "$dev"

say "That was xxshm."
rm -f "$output"
