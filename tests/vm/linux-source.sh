#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Gets the sources of kernels from Debian. To run inside the tree (in-tree.sh). Does
# nothing for those that are there.
#
#	linux-source.sh driver		of all kernels under test, in /vm/linux/NAME, what compiling
#					a driver in place needs of them
#	linux-source.sh kernel NAME	of one, in /vm/debug-linux/NAME, what a whole kernel for
#					a guest needs (debug/build.sh)
#
# The file .version there has the version of Debian's package.
set -eu -o pipefail

# The tree's own package lists were removed when it was made, and it stays as it was made.
apt()
{
	apt-get -q -o APT::Sandbox::User=root -o Dir::State::Lists=/tmp/apt/lists \
		-o Dir::Cache=/tmp/apt/cache -o Acquire::Retries=3 "$@" >&2
}

# get NAME TO OPTION...: the options choose files, as tar does; %SOURCE% in them is the directory in the archive.
get()
{
	local name=$1 to=$2 dir=linux-source-$1
	shift 2
	! [ -e "$to/.version" ] || return 0
	echo "mho: getting the source of Linux $name from Debian (once)" >&2
	rm -rf "$to"
	mkdir -p "$to" /tmp/apt/lists/partial /tmp/apt/cache/archives/partial
	apt update
	(cd /tmp && apt download "$dir")
	dpkg-deb --fsys-tarfile /tmp/"$dir"_*.deb | tar -xO "./usr/src/$dir.tar.xz" |
		tar -C "$to" --strip-components=1 -xJ --wildcards "${@//%SOURCE%/$dir}"
	dpkg-deb -f /tmp/"$dir"_*.deb Version >"$to/.version.new"
	rm /tmp/"$dir"_*.deb
	mv "$to/.version.new" "$to/.version"
}

# Drivers other than accel devices are not compiled; Kconfig wants to see all of their Kconfig.
get_for_driver()
{
	get "$1" "/vm/linux/$1" \
		--exclude="%SOURCE%/tools/testing/*" --exclude="%SOURCE%/tools/perf/*" \
		--exclude="%SOURCE%/Documentation/devicetree/*" \
		"%SOURCE%/Makefile" "%SOURCE%/Kbuild" "*/Kconfig*" "*/Makefile*" "*/Kbuild*" \
		"%SOURCE%/Documentation/accel/*" "%SOURCE%/arch/x86/*" "%SOURCE%/certs/*" \
		"%SOURCE%/drivers/accel/*" "%SOURCE%/include/*" "%SOURCE%/init/*" "%SOURCE%/kernel/*" \
		"%SOURCE%/lib/*" "%SOURCE%/mm/*" "%SOURCE%/scripts/*" "%SOURCE%/security/*" \
		"%SOURCE%/tools/*" "%SOURCE%/usr/*"
}

# All but what is large and not in such a kernel. Kconfig of one architecture reads that of others.
get_for_kernel()
{
	get "$1" "/vm/debug-linux/$1" \
		--exclude="%SOURCE%/arch/[!x]*.[chS]" --exclude="%SOURCE%/arch/*/boot/dts/*" \
		--exclude="%SOURCE%/Documentation/*/*" --exclude="%SOURCE%/tools/testing/*" \
		--exclude="%SOURCE%/drivers/gpu/drm/amd/*.[ch]" \
		--exclude="%SOURCE%/drivers/net/*/*.[ch]" --exclude="%SOURCE%/drivers/media/*.[ch]" \
		--exclude="%SOURCE%/drivers/staging/*.[ch]" --exclude="%SOURCE%/sound/*.[ch]" \
		"%SOURCE%"
}

case ${1:-} in
driver)
	while read -r name _; do
		get_for_driver "$name"
	done </vm/kernels
	;;
kernel) get_for_kernel "${2:?the name of a kernel}" ;;
*)
	echo "usage: linux-source.sh driver | kernel NAME" >&2
	exit 1
	;;
esac
