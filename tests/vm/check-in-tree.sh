#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Puts the driver into the sources of each kernel under test, configures them for
# little more than the driver, compiles it there, and prints TAP. To run inside the
# tree (in-tree.sh), after linux-source.sh driver.
#
#	check-in-tree.sh JOBS
#
# shellcheck disable=SC2317 # functions are called by way of check
set -u

jobs=$1
number=0
failed=0
log=/tmp/check-in-tree.log

# check TITLE COMMAND...
check()
{
	local title=$1
	shift
	number=$((number + 1))
	if "$@" >$log 2>&1; then
		echo "ok $number - $title"
	else
		echo "not ok $number - $title"
		tail -n 60 $log | sed 's/^/# /'
		failed=1
	fi
}

# Twice, and the second time nothing may change.
put_in()
{
	local before
	runtime/build/into-linux.sh "$1" || return 1
	before=$(cd "$1" && sha256sum drivers/accel/{Kconfig,Makefile} Documentation/accel/index.rst)
	runtime/build/into-linux.sh "$1" || return 1
	(cd "$1" && sha256sum -c --quiet - <<<"$before")
}

kernel_make()
{
	make -C "$linux" O="$out" "$@"
}

# allnoconfig, but for these. Whatever does not stick makes the driver disappear.
configure()
{
	rm -rf "$out"
	mkdir "$out"
	printf 'CONFIG_%s\n' 64BIT=y SMP=y MMU=y MODULES=y PCI=y PCI_MSI=y PM=y PM_SLEEP=y DRM=m \
		DRM_ACCEL=y DRM_ACCEL_MHO=m HWMON=y FTRACE=y DEBUG_FS=y WANT_DEV_COREDUMP=y \
		ALLOW_DEV_COREDUMP=y >"$out/fragment"
	kernel_make KCONFIG_ALLCONFIG=fragment allnoconfig || return 1
	grep '^CONFIG_DRM_ACCEL_MHO=m' "$out/.config"
}

compile()
{
	kernel_make -j"$jobs" W=1 drivers/accel/mho/ && [ -s "$out/drivers/accel/mho/mho.o" ] &&
		! grep -i 'warning' "$log"
}

# Headers that programs get.
export_headers()
{
	kernel_make headers && [ -s "$out/usr/include/drm/mho_accel.h" ]
}

while read -r name _; do
	linux=/vm/linux/$name
	out=/vm/linux/$name-out
	check "Linux $name: takes the driver, and takes it again" put_in "$linux"
	check "Linux $name: has it in its configuration" configure
	check "Linux $name: compiles it without a warning" compile
	check "Linux $name: exports its header" export_headers
done </vm/kernels
echo "1..$number"
exit $failed
