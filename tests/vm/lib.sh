# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# What the scripts beside this file share: where things lie, which kernels there
# are, how to complain. To be sourced by bash; sets $src and $vm.
#
#	$vm/tree	the Debian tree (made by provision.sh)
#	$vm/kernels	"6.12 6.12.117+deb13-amd64", a line for each kernel in it
#	$vm/debug-6.12	a debug kernel and what it is built with (debug/build.sh)
#	$vm/out		what "make" makes inside the tree
#	$vm/guest	initramfs and module of each kernel (guest.mk)
#	$vm/run		a directory for each guest that was booted: logs, sockets
#	$vm/result	the newest test result of each kernel, as TAP
#
# Inside the tree, $src is /src and $vm is /vm.

src=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${MHO_VM:?must be the directory for all output of the VM targets}"
mkdir -p "$MHO_VM" || exit 1
vm=$(cd "$MHO_VM" && pwd)

say()
{
	printf 'mho: %s\n' "$*" >&2
}

die()
{
	say "$@"
	exit 1
}

# remove FILE...: nothing that is mounted below, by whatever accident.
remove()
{
	rm -rf --one-file-system "$@"
}

# in_tree COMMAND...
in_tree()
{
	MHO_VM=$vm "$src/tests/vm/in-tree.sh" "$@"
}

# is_debug NAME: whether that kernel is one of our own.
is_debug()
{
	[[ $1 == debug-* ]]
}

# kernel_version NAME: the whole version of the kernel that is called NAME (6.12, debug-6.12).
kernel_version()
{
	local version
	version=$(awk -v name="${1#debug-}" '$1 == name { print $2 }' "$vm/kernels")
	[ -n "$version" ] || die "there is no kernel \"$1\"; KERNEL= may be one of:" \
		"$(awk '{ printf "%s debug-%s ", $1, $1 }' "$vm/kernels")"
	if is_debug "$1"; then
		cat "$vm/$1/release"
	else
		echo "$version"
	fi
}

# kernel_root NAME: where that kernel has its boot and lib/modules, as the tree sees it.
kernel_root()
{
	! is_debug "$1" || echo "/vm/$1"
}
