#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Runs a command in the Debian tree, in namespaces of its own: the sources are
# /src (read-only), the VM directory is /vm. All mounts and all processes are gone
# when this ends, however it ends. Root is not needed where the kernel lets users
# make user namespaces.
#
#	MHO_VM=DIR in-tree.sh COMMAND...
set -u

# The second half: inside the new namespaces, as process 1 of the new one.
if [ "${1:-}" = --inside ]; then
	src=$2
	vm=$3
	tree=$vm/tree
	shift 3
	set -e
	mount --rbind /dev "$tree/dev"
	# A container may forbid a new /proc; then the old one shows too many processes.
	mount -t proc proc "$tree/proc" 2>/dev/null || mount --rbind /proc "$tree/proc"
	mount -t tmpfs tmpfs "$tree/tmp"
	mount --bind "$vm" "$tree/vm"
	mount --bind "$src" "$tree/src"
	# Not possible in a user namespace if the file system is mounted with other options that
	# are locked. It guards against mistakes, so that it is no reason to give up.
	mount -o remount,bind,ro "$tree/src" 2>/dev/null || true
	exec chroot "$tree" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		TERM="${TERM:-dumb}" LC_ALL=C.UTF-8 /bin/sh -c 'cd /src && exec "$@"' sh "$@"
fi

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

enter=(unshare --mount --pid --fork --kill-child=KILL)
if [ "$(id -u)" != 0 ] || ! unshare --mount true 2>/dev/null; then
	enter+=(--map-root-user)
	unshare --mount --map-root-user true 2>/dev/null ||
		die "this user may not make namespaces, which tests/vm needs. Either allow it" \
			"(sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces," \
			"kernel.apparmor_restrict_unprivileged_userns=0), or run as root; a" \
			"container needs CAP_SYS_ADMIN"
fi
terminal=$(stty -g 2>/dev/null)

# In the background, so that a signal is answered at once; stdin would be /dev/null there.
setpriv --pdeathsig KILL "${enter[@]}" "$0" --inside "$src" "$vm" "$@" <&0 &
child=$!

cut_short()
{
	kill -KILL "$child" 2>/dev/null
	wait "$child" 2>/dev/null
	[ -z "$terminal" ] || stty "$terminal" 2>/dev/null
	trap - "$1"
	kill -s "$1" $$
}
for signal in INT TERM HUP; do
	# shellcheck disable=SC2064 # the name of this signal
	trap "cut_short $signal" $signal
done
wait "$child"
