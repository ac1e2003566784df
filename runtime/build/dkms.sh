#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Puts the driver's sources where DKMS looks for them, and tells DKMS, which builds
# the module for each kernel that is or will be installed.
#
#	dkms.sh install VERSION [DESTDIR]	with DESTDIR: only the files, as for a package
#	dkms.sh uninstall VERSION [DESTDIR]
set -eu

verb=$1
version=$2
root=${3:-}
dir=$root/usr/src/mho-$version
# What the caller's make was told is not for the kernel's.
unset MAKEFLAGS MAKELEVEL MAKEOVERRIDES

die()
{
	printf 'mho: %s\n' "$*" >&2
	exit 1
}

need_dkms()
{
	command -v dkms >/dev/null || die "DKMS is missing; run: apt-get install dkms (or build" \
		"for one kernel: make modules modules_install)"
	[ "$(id -u)" = 0 ] || die "DKMS needs root"
}

known()
{
	[ -n "$(dkms status -m mho -v "$version" 2>/dev/null)" ]
}

install_files()
{
	rm -rf "$dir"
	install -d "$dir/kernel" "$dir/uapi/drm" "$dir/firmware-if"
	install -m 644 Kbuild "$dir/"
	install -m 644 kernel/*.[ch] "$dir/kernel/"
	install -m 644 uapi/drm/*.h "$dir/uapi/drm/"
	install -m 644 firmware-if/*.h "$dir/firmware-if/"
	sed "s/@VERSION@/$version/" kernel/dkms.conf.in >"$dir/dkms.conf"
	chmod 644 "$dir/dkms.conf"
}

# For each kernel whose headers are here. DKMS's answer 77 is that dkms.conf excludes a kernel.
build()
{
	for headers in /lib/modules/*/build; do
		[ -e "$headers/Makefile" ] || continue
		release=${headers%/build}
		release=${release##*/}
		status=0
		dkms install -m mho -v "$version" -k "$release" || status=$?
		case $status in
		0) ;;
		77) echo "mho: Linux $release is passed over (6.12 or later with CONFIG_DRM_ACCEL is needed)" ;;
		*) die "DKMS could not build the driver for Linux $release; its log:" \
			"/var/lib/dkms/mho/$version/build/make.log" ;;
		esac
	done
}

case $verb in
install)
	if [ -n "$root" ]; then
		install_files
	else
		need_dkms
		! known || dkms remove -m mho -v "$version" --all
		install_files
		dkms add -m mho -v "$version"
		build
	fi
	;;
uninstall)
	if [ -z "$root" ]; then
		need_dkms
		! known || dkms remove -m mho -v "$version" --all
	fi
	rm -rf "$dir"
	;;
*)
	die "usage: dkms.sh install|uninstall VERSION [DESTDIR]"
	;;
esac
