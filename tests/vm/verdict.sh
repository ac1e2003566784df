#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Turns what a guest has left behind into TAP: its tests' cases, one by one, and
# three of its own: the guest came to its end, its kernel had nothing to complain
# about, the device had nothing to complain about.
#
#	verdict.sh RUNDIR STATUS KERNEL PROFILE
#
# STATUS is session.sh's: 124 and 137 mean that time was up.
set -u

run=$1
status=$2
kernel=$3
profile=$4
here=$(dirname "$0")
number=0

# What a kernel prints when something is wrong in it; none of it is printed otherwise.
complaints='BUG:|WARNING:|KASAN|KFENCE|UBSAN|KCSAN|INFO: task .* blocked|rcu.* stall'
complaints+='|soft lockup|possible circular|possible recursive|inconsistent lock state'
complaints+='|suspicious RCU|DMA-API:|unreferenced object|suspected memory leaks|Oops'
complaints+='|Call Trace|refcount_t|general protection|list_(add|del) corruption'
complaints+='|Object [0-9a-fx]+ .*overwritten|Kernel panic|ODEBUG|INFO: trying to register'
# What a debug kernel says of what it watches with.
harmless='DMA-API: (preallocated|debugging enabled)'

# Leaves out traces that tests have announced as the kernel's own fault (mt_log_expect()).
without_expected()
{
	awk '
		within { within = !/<\/TASK>/; next }
		at = index($0, "mho-test: expected: ") { text[n++] = substr($0, at + 20); next }
		{
			for (i = 0; i < n; i++)
				if (index($0, text[i])) {
					within = 1
					next
				}
			print
		}'
}

# verdict NAME FILE: not ok if FILE, which says what is wrong, is not empty.
verdict()
{
	number=$((number + 1))
	if [ -s "$2" ]; then
		echo "not ok $number - $1"
		sed 's/^/# /' "$2"
	else
		echo "ok $number - $1"
	fi
}

tr -d '\r' <"$run/results.log" | awk -f "$here/ktap.awk" >"$run/cases.tap"
cat "$run/cases.tap"
number=$(grep -cE '^(not )?ok ' "$run/cases.tap")

{
	case $status in
	0) ;;
	124 | 137) echo "time was up: the guest was killed" ;;
	*)
		echo "the guest could not be run, or QEMU failed, with status $status:"
		cat "$run/session.log"
		;;
	esac
	grep -q '^@done' "$run/results.log" ||
		echo "the guest ended, or was ended, before its tests did"
	grep -q 'mho-vm: end of log' "$run/kmsg.log" || echo "its log has no end"
} >"$run/end.txt"
if [ -s "$run/end.txt" ]; then
	echo "the end of its console ($run/console.log):" >>"$run/end.txt"
	tail -n 60 "$run/console.log" | tr -d '\r' >>"$run/end.txt"
fi
verdict "guest: Linux $kernel boots and comes to its end" "$run/end.txt"

# The console has the last words where the other log was cut short; 20 lines of what follows
# tell what it was about.
{
	tr -d '\r' <"$run/kmsg.log" | sed 's/^[0-9]*,[0-9]*,\([0-9]*\),[^;]*;/\1 us: /'
	grep -q 'mho-vm: end of log' "$run/kmsg.log" || tr -d '\r' <"$run/console.log"
} | without_expected | grep -avE "$harmless" | grep -aE -A 20 "$complaints" | head -n 100 >"$run/complaints.txt"
verdict "guest: no complaint in its kernel's log" "$run/complaints.txt"

# mho-emud logs warnings and worse here; what a test has ordered it may have announced. What mho-emud
# counts beside that a driver never does, whatever fault was ordered. With an IOMMU QEMU takes back
# all addresses that there are, the unmapped ones too; the device's ENOENT is right.
never='messages_refused|doorbells_bad|dma_unmapped|dma_forbidden|mmio_disabled'
touch "$run/expected"
if [ "$profile" = iommu ]; then
	never=${never#*|}
	echo 'message 3, 24 bytes: No such file or directory' >>"$run/expected"
fi
if [ -f "$run/emud.log" ]; then
	{
		grep -vF -f "$run/expected" "$run/emud.log"
		grep -ohE "\"($never)\":[1-9][0-9]*" "$run"/counters*.json ||
			[ -s "$run/counters.json" ] ||
			echo "mho-emud has not said what it counted"
	} >"$run/device.txt"
	verdict "device: no complaint in mho-emud's log" "$run/device.txt"
fi
echo "1..$number"
