#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Prints a Debian tree for the guests as a tar archive: what is in it, and nothing
# of where it goes (provision.sh).
#
#	bootstrap.sh SUITE MIRROR SCRATCH [APT_OPTION...]
set -u

# As root, mmdebstrap mounts and starts things outside of namespaces. In some of its own they are
# gone with it, also when it is killed. Numbers of processes need a /proc that fits, which a
# container may forbid.
if [ "$(id -u)" = 0 ] && [ "$1" != --inside ]; then
	enter=(unshare --mount --pid --fork --kill-child=KILL --mount-proc)
	"${enter[@]}" true 2>/dev/null || enter=(unshare --mount)
	exec "${enter[@]}" "$0" --inside "$@"
fi
[ "$1" != --inside ] || shift

suite=$1
mirror=$2
scratch=$3
shift 3
here=$(dirname "$(readlink -f "$0")")

packages=$({
	grep -v '^#' "$here/packages"
	"$here/../../runtime/build/packages.sh" list build test
} | sort -u | paste -sd,)
options=()
for option; do
	options+=(--aptopt="$option")
done
# Neither documentation nor an initramfs of the distribution's is wanted.
INITRD=No TMPDIR=$scratch exec mmdebstrap --variant=minbase --format=tar \
	--include="$packages" "${options[@]}" \
	--aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Retries "3"' \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--customize-hook="$(printf %q "$here/tree-setup.sh") \"\$1\" $suite" \
	"$suite" - "deb $mirror $suite main" "deb $mirror $suite-backports main"
