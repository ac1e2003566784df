#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Removes the VM directory. Nothing is mounted there but in the namespaces of
# programs that still run; those keep this from being done.
#
#	MHO_VM=DIR clean.sh
set -u
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

for lock in "$vm/.provision.lock" "$vm/.build.lock"; do
	exec 9>"$lock"
	flock -n 9 || die "$vm is in use: something is being made there"
done
for dir in "$vm"/run/*.*/; do
	pid=${dir%/}
	pid=${pid##*.}
	[ -d "$dir" ] && kill -0 "$pid" 2>/dev/null &&
		die "a guest is running, process $pid; end it first"
done
remove "$vm" 2>/dev/null && exit 0
# An mmdebstrap that was killed leaves files of the IDs it works with.
mmdebstrap --unshare-helper rm -rf "$vm/tmp" 2>/dev/null
remove "$vm" || die "not all of $vm belongs to $(id -un); run make vm-clean as" \
	"$(stat -c %U "$vm")"
