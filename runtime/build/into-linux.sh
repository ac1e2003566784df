#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Puts the driver into a kernel tree, as drivers/accel/mho: sources, the two
# contracts, Kconfig, a Makefile made from Kbuild, documentation, kselftests; and makes
# the tree know of it. A second time, it brings all of that up to date.
#
#	into-linux.sh LINUX
#	into-linux.sh --bare DIR	only the files, to a directory that is no kernel tree
#
# shellcheck disable=SC2016 # make's variables
set -eu

die()
{
	printf 'mho: %s\n' "$*" >&2
	exit 1
}

# hook FILE LINE BEFORE: inserts LINE into FILE before the first line with BEFORE, once.
hook()
{
	file=$linux/$1
	grep -qF "$2" "$file" && return
	grep -qF "$3" "$file" || die "$file has no line \"$3\"; add by hand: $2"
	awk -v line="$2" -v before="$3" 'index($0, before) && !done { print line; done = 1 } { print }' \
		"$file" >"$file.mho"
	cat "$file.mho" >"$file"
	rm "$file.mho"
}

# What Kbuild says of a directory above kernel/ becomes true inside of it.
makefile()
{
	sed -e 's|^# What the kernel.s build system builds.*|# The mho accel driver.|' \
		-e '/^# contracts that it includes/,/^#	make -C/d' \
		-e 's|^obj-m := mho\.o|obj-$(CONFIG_DRM_ACCEL_MHO) += mho.o|' \
		-e 's|\$(addprefix kernel/, *||' \
		-e '/^mho-y/,/[^\\]$/s|)$||' \
		-e 's|-I$(src)/kernel -I$(src)/firmware-if -I$(src)/uapi -I$(srctree)/include/uapi/drm|-I$(src)|' \
		-e 's|kernel/\(mho_[a-z]*\)|\1|g' Kbuild
}

bare=
if [ "${1:-}" = --bare ]; then
	bare=1
	shift
fi
linux=${1:-}
[ -n "$linux" ] || die "name the kernel tree: make in-tree LINUX=DIR"
[ -d "$linux" ] || die "$linux is no directory"
if [ -z "$bare" ] && ! [ -e "$linux/drivers/accel/Kconfig" ]; then
	die "$linux is no kernel tree with accel drivers (6.12 or later): it has no drivers/accel/Kconfig"
fi
driver=$linux/drivers/accel/mho
selftests=$linux/tools/testing/selftests

rm -rf "$driver" "$linux/Documentation/accel/mho"
mkdir -p "$driver" "$linux/include/uapi/drm" "$linux/Documentation/accel/mho"
cp kernel/*.[ch] kernel/Kconfig firmware-if/*.h "$driver/"
makefile >"$driver/Makefile"
cp uapi/drm/mho_accel.h "$linux/include/uapi/drm/"
cp kernel/mho.rst "$linux/Documentation/accel/mho/index.rst"
if [ -d docs/abi ]; then
	mkdir -p "$linux/Documentation/ABI/testing"
	for file in docs/abi/*; do
		cp "$file" "$linux/Documentation/ABI/testing/"
	done
fi

[ -z "$bare" ] || exit 0
hook drivers/accel/Kconfig 'source "drivers/accel/mho/Kconfig"' 'source "drivers/accel/qaic/Kconfig"'
hook drivers/accel/Makefile 'obj-$(CONFIG_DRM_ACCEL_MHO)		+= mho/' 'obj-$(CONFIG_DRM_ACCEL_QAIC)'
[ ! -e "$linux/Documentation/accel/index.rst" ] ||
	hook Documentation/accel/index.rst '   mho/index' '   qaic/index'
if [ -e "$selftests/Makefile" ]; then
	rm -rf "$selftests/drivers/accel/mho"
	mkdir -p "$selftests/drivers/accel/mho"
	cp tests/kselftest/* "$selftests/drivers/accel/mho/"
	hook tools/testing/selftests/Makefile 'TARGETS += drivers/accel/mho' 'TARGETS += drivers/dma-buf'
fi
echo "mho: the driver is in $driver; configure with CONFIG_DRM_ACCEL_MHO"
