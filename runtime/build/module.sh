#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Builds mho.ko out of tree against the headers of any kernel, and says what is
# wrong with headers that cannot do. Kbuild writes beside the sources; here those
# are links in a directory of each kernel, so that the source tree stays clean.
#
#	module.sh build KDIR OUT JOBS [VARIABLE=VALUE...]	for the kernel's make (V=1, W=1)
#	module.sh install KDIR OUT ROOT				to ROOT/lib/modules/RELEASE/updates
#	module.sh uninstall KDIR OUT ROOT
#
# KDIR is what /lib/modules/RELEASE/build leads to. All output is in OUT/RELEASE.
set -eu

# The oldest kernel that has what the driver is written against.
oldest=6.12

die()
{
	printf 'mho: %s\n' "$*" >&2
	exit 1
}

# Sets $release.
check_headers()
{
	[ -e "$kdir/Makefile" ] || die "there are no kernel headers in $kdir; install them (Debian:" \
		"apt-get install linux-headers-$(uname -r)) or name others with KDIR="
	if ! [ -s "$kdir/include/config/kernel.release" ] || ! [ -s "$kdir/include/config/auto.conf" ]; then
		die "the kernel in $kdir is not prepared for modules; run in it: make modules_prepare"
	fi
	release=$(cat "$kdir/include/config/kernel.release")
	[ "$(printf '%s\n%s\n' $oldest "$release" | sort -V | head -n 1)" = $oldest ] ||
		die "the driver needs Linux $oldest or later, and $kdir is $release"
	grep -q '^CONFIG_DRM_ACCEL=y' "$kdir/include/config/auto.conf" ||
		die "Linux $release is built without CONFIG_DRM_ACCEL, which the driver needs"
}

# Links to all sources, none to what is gone.
stage()
{
	mkdir -p "$dir/kernel" "$dir/uapi/drm" "$dir/firmware-if"
	find "$dir" -type l -delete
	ln -s "$PWD/Kbuild" "$dir/"
	ln -s "$PWD"/kernel/* "$dir/kernel/"
	ln -s "$PWD"/uapi/drm/*.h "$dir/uapi/drm/"
	ln -s "$PWD"/firmware-if/*.h "$dir/firmware-if/"
}

kernel_make()
{
	make -C "$kdir" M="$dir" "$@"
}

verb=$1
kdir=${2%/}
out=$(mkdir -p "$3" && cd "$3" && pwd)
root=$4
jobs=$4
shift 4

# What the caller's make was told is not for the kernel's.
unset MAKEFLAGS MAKELEVEL MAKEOVERRIDES
check_headers
dir=$out/$release

case $verb in
build)
	stage
	kernel_make -j"$jobs" "$@" modules
	;;
install)
	[ -s "$dir/mho.ko" ] || die "$dir/mho.ko has not been built; run: make modules KDIR=$kdir"
	kernel_make INSTALL_MOD_PATH="$root" modules_install
	# The kernel's own rule runs it only where there is a System.map, which headers do not have.
	depmod ${root:+-b "$root"} "$release"
	;;
uninstall)
	rm -f "$root/lib/modules/$release"/updates/mho.ko*
	depmod ${root:+-b "$root"} "$release"
	;;
*)
	die "usage: module.sh build|install|uninstall ..."
	;;
esac
