#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Gets the sources of the kernels under test from Debian: what compiling a driver in
# place needs of them, to /vm/linux/NAME. To run inside the tree (in-tree.sh). Does
# nothing for those that are there.
set -eu

# The tree's own package lists were removed when it was made, and it stays as it was made.
apt()
{
	apt-get -q -o APT::Sandbox::User=root -o Dir::State::Lists=/tmp/apt/lists \
		-o Dir::Cache=/tmp/apt/cache -o Acquire::Retries=3 "$@" >&2
}

# get NAME: drivers other than accel devices are not compiled; Kconfig wants to see all of their
# Kconfig.
get()
{
	local name=$1 to=/vm/linux/$1 dir=linux-source-$1
	echo "mho: getting the source of Linux $name from Debian (once)" >&2
	rm -rf "$to"
	mkdir -p "$to" /tmp/apt/lists/partial /tmp/apt/cache/archives/partial
	apt update
	(cd /tmp && apt download "$dir")
	dpkg-deb --fsys-tarfile /tmp/"$dir"_*.deb | tar -xO "./usr/src/$dir.tar.xz" |
		tar -C "$to" --strip-components=1 -xJ --wildcards \
			--exclude="$dir/tools/testing/*" --exclude="$dir/tools/perf/*" \
			--exclude="$dir/Documentation/devicetree/*" \
			"$dir/Makefile" "$dir/Kbuild" "*/Kconfig*" "*/Makefile*" "*/Kbuild*" \
			"$dir/Documentation/accel/*" "$dir/arch/x86/*" "$dir/certs/*" \
			"$dir/drivers/accel/*" "$dir/include/*" "$dir/init/*" "$dir/kernel/*" \
			"$dir/lib/*" "$dir/mm/*" "$dir/scripts/*" "$dir/security/*" \
			"$dir/tools/*" "$dir/usr/*"
	rm /tmp/"$dir"_*.deb
	: >"$to/.complete"
}

while read -r name _; do
	[ -e "/vm/linux/$name/.complete" ] || get "$name"
done </vm/kernels
