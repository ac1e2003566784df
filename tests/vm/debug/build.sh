#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Makes a debug kernel from the source of one of Debian's and the configurations beside this. To run
# inside the tree (in-tree.sh).
#
#	build.sh NAME JOBS
#
# NAME is debug- and what the stock kernel is called, debug-6.12. Left in /vm/NAME:
#
#	release		the kernel's whole version
#	boot, lib	vmlinuz and modules, where a distribution has them below /
#	build		what modules are built against: its build directory, without objects
#	vmlinux		for scripts/decode_stacktrace.sh; the source is /vm/debug-linux/6.12
#
# A kernel that is there already and was made of the same stays as it is.
set -eu -o pipefail

name=$1
jobs=$2
here=$(dirname "$0")
linux=/vm/debug-linux/${name#debug-}
to=/vm/$name
out=$to/build
fragments=("$here/guest.config" "$here/checks.config")

kernel_make()
{
	make -s -C "$linux" O="$out" -j"$jobs" "$@"
}

# Of the fragments, what Kconfig reads.
wanted_config()
{
	grep -hE '^(# )?CONFIG_' "${fragments[@]}"
}

# All that decides what the kernel is like.
recipe()
{
	cat "$linux/.version"
	wanted_config
	gcc --version
}

configure()
{
	local lost
	wanted_config >"$out/fragment"
	kernel_make KCONFIG_ALLCONFIG="$out/fragment" allnoconfig >&2
	# Kconfig drops in silence what depends on something that is not there.
	lost=$(grep -vxFf "$out/.config" "$out/fragment") || return 0
	printf 'Linux %s did not take all of its configuration:\n%s\n' "$name" "$lost" >&2
	return 1
}

# To interpret ACPI's tables is most of a boot, and what checks the driver's accesses slows it down.
spare_acpi()
{
	local makefile
	for makefile in "$linux"/drivers/{acpi,pnp}/{,*/}Makefile; do
		grep -q '^KASAN_SANITIZE := n' "$makefile" ||
			printf '\nKASAN_SANITIZE := n\nUBSAN_SANITIZE := n\n' >>"$makefile"
	done
}

compile()
{
	local release
	kernel_make bzImage modules
	kernel_make INSTALL_MOD_PATH="$to" INSTALL_MOD_STRIP=1 modules_install >&2
	release=$(cat "$out/include/config/kernel.release")
	mkdir "$to/boot"
	cp "$out/arch/x86/boot/bzImage" "$to/boot/vmlinuz-$release"
	mv "$out/vmlinux" "$to/vmlinux"
	ln -sfn "$out" "$to/lib/modules/$release/build"
	echo "$release" >"$to/release"
}

# Modules need what was generated, and the programs that Kbuild runs.
remove_objects()
{
	find "$out" \( -path "$out/scripts" -o -path "$out/tools/objtool" \) -prune -o -type f \
		\( -name '*.[oa]' -o -name '*.ko' -o -name '*.cmd' -o -name '*.mod*' \
		-o -name 'vmlinux*' -o -name 'bzImage' -o -name '.tmp_*' \) \
		! -name 'modules.*' -exec rm {} +
}

"$here/../linux-source.sh" kernel "${name#debug-}"
wanted=$(recipe | sha256sum | cut -d ' ' -f 1)
[ "$wanted" != "$(cat "$to/.recipe" 2>/dev/null)" ] || exit 0
echo "mho: compiling the kernel $name (once; some minutes)" >&2
rm -rf --one-file-system "$to"
mkdir -p "$out"
spare_acpi
configure
compile
remove_objects
echo "$wanted" >"$to/.recipe"
