#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# The last test of a guest with a debug kernel: the driver leaves, so that what it leaves behind
# shows; what watched over the other tests still does (some of it switches itself off without an
# error); no memory was lost. Prints KTAP.
number=0

# result STATUS TEXT
result()
{
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
	fi
}

# The first report of anything that taints the kernel ends it.
lockdep()
{
	grep -q '^ debug_locks: *1$' /proc/lockdep_stats
}

# Out of entries it says so, and ends.
dma_debug()
{
	grep -q N /sys/kernel/debug/dma-api/disabled
}

# Memory that nothing points to, in two scans, since pointers move. The driver is gone, so that what
# only it still pointed to is lost, too.
leaks()
{
	local file=/sys/kernel/debug/kmemleak
	echo scan >$file && sleep 6 && echo scan >$file || return
	sed 's/^/# /' $file
	! grep -q . $file
}

echo TAP version 13
echo 1..4
rmmod mho
result $? 'the driver can be unloaded'
lockdep
result $? 'lockdep has watched to the end'
dma_debug
result $? 'DMA-API debugging has watched to the end'
if grep -q kmemleak=on /proc/cmdline; then
	leaks
	result $? 'kmemleak finds nothing'
else
	result 0 'kmemleak finds nothing # SKIP it is off in this guest'
fi
