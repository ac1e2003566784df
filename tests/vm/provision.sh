#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Makes the Debian 13 tree that everything of tests/vm happens in: QEMU with
# vfio-user-pci, the kernels under test with their headers, what mho is built with.
# Does nothing if the tree is there and was made from the same recipe. All files
# belong to whoever calls this, so that rm -rf is enough to be rid of it.
#
#	MHO_VM=DIR [MIRROR=URL] provision.sh
set -u
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

suite=trixie
here=$src/tests/vm
log=$vm/provision.log
# Measured: 1.1 GB for the tree, a little more while it is made, 0.5 GB for what is built in it.
need_mb=4000

# What the tree is made from. How it gets here is not a part of it.
recipe()
{
	cat "$here/bootstrap.sh" "$here/tree-setup.sh" "$here/packages"
	"$src/runtime/build/packages.sh" list build test
}

ready()
{
	[ -s "$vm/kernels" ] && [ "$(cat "$vm/tree/.recipe" 2>/dev/null)" = "$wanted" ]
}

# The mirror that this host uses, if it is a Debian; otherwise everybody's.
host_mirror()
{
	local codename
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release 2>/dev/null && [ "${ID:-}" = debian ] &&
		echo "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016 # apt's variables
	[ -z "$codename" ] || apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 2>/dev/null |
		awk -v codename="$codename" '$1 == codename { sub(/\/$/, "", $2); print $2; exit }'
}

check_host()
{
	local free
	[ "$(uname -m)" = x86_64 ] || die "the guests are amd64; this is $(uname -m)"
	command -v mmdebstrap >/dev/null || die "mmdebstrap is missing, which makes the Debian" \
		"tree for the guests; run: apt-get install mmdebstrap"
	if [ "$(id -u)" != 0 ]; then
		command -v newuidmap >/dev/null || die "newuidmap is missing, which mmdebstrap" \
			"needs without root; run: apt-get install uidmap"
		grep -q "^$(id -un):" /etc/subuid 2>/dev/null || die "/etc/subuid gives no IDs to" \
			"$(id -un), which mmdebstrap needs without root; run as root:" \
			"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)"
	fi
	free=$(df -Pm "$vm" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge $need_mb ] || die "the Debian tree for the guests needs $need_mb MB in" \
		"$vm, and $free MB are free"
}

# Prints a directory for mmdebstrap. Without root it works as another user, who must reach it.
scratch_directory()
{
	local dir=$vm/tmp up
	remove "$dir" 2>/dev/null || mmdebstrap --unshare-helper rm -rf "$dir" 2>>"$log"
	mkdir -p "$dir"
	if [ "$(id -u)" != 0 ]; then
		chmod 711 "$vm"
		up=$vm
		while [ "$up" != / ]; do
			case $(stat -c %A "$up") in
			*[xt]) up=$(dirname "$up") ;;
			*)
				dir=$(mktemp -d /tmp/mho-vm.XXXXXX)
				break
				;;
			esac
		done
		chmod 711 "$dir"
	fi
	echo "$dir"
}

# Prints the tree as a tar archive. Whatever ends this script ends that too. What the tree is made
# with has to be where mmdebstrap's user can read it.
bootstrap()
{
	local proxy="" options=() copy=$scratch/recipe
	command -v apt-config >/dev/null && eval "$(apt-config shell proxy Acquire::http::Proxy)"
	[ -z "$proxy" ] || options+=("Acquire::http::Proxy \"$proxy\"")
	mkdir -p "$copy/tests/vm" "$copy/runtime/build"
	cp "$here"/{bootstrap.sh,tree-setup.sh,packages} "$copy/tests/vm/"
	cp "$src/runtime/build/packages.sh" "$copy/runtime/build/"
	chmod -R a+rX "$copy"
	exec setpriv --pdeathsig KILL "$copy/tests/vm/bootstrap.sh" $suite "$MIRROR" "$scratch" \
		"${options[@]}"
}

# One tree at a time; a second caller waits and finds it ready.
exec 9>"$vm/.provision.lock"
if ! flock -n 9; then
	say "waiting for another run that makes the tree in $vm, or for the rest of one"
	flock 9
fi
wanted=$(recipe | sha256sum | cut -d' ' -f1)
ready && exit 0
check_host
MIRROR=${MIRROR:-$(host_mirror)}
[ -n "$MIRROR" ] || die "no Debian mirror in this host's apt sources; name one with MIRROR=URL"

say "making a Debian 13 tree with QEMU and the kernels in $vm/tree (once; some minutes;" \
	"log: $log)"
remove "$vm/tree" "$vm/tree.new" "$vm/kernels"
mkdir "$vm/tree.new" || exit 1
: >"$log"
scratch=$(scratch_directory)
trap 'remove "$scratch"' EXIT
# The tree's own devices are never used: in-tree.sh mounts the host's.
bootstrap 2>>"$log" | tar -C "$vm/tree.new" -x --no-same-owner --exclude='./dev/*' 2>>"$log"
status=("${PIPESTATUS[@]}")
if [ "${status[0]}" -ne 0 ] || [ "${status[1]}" -ne 0 ]; then
	grep -E '^(E:|W: Failed|tar:|mho:)' "$log" | tail -n 10 >&2
	remove "$vm/tree.new"
	[ "$(df -Pm "$vm" | awk 'NR == 2 { print $4 }')" -ge 100 ] ||
		die "the disk that holds $vm is full; $need_mb MB are needed"
	die "could not make the Debian tree from $MIRROR (MIRROR=URL names another); is the" \
		"network there? The whole log: $log"
fi
# Nobody needs the setuid programs of a tree that lies in a build directory.
find "$vm/tree.new" -xdev -type f -perm /6000 -exec chmod ug-s {} +
mkdir -p "$vm/tree.new/src" "$vm/tree.new/vm"
mv "$vm/tree.new/kernels" "$vm/kernels"
echo "$wanted" >"$vm/tree.new/.recipe"
mv "$vm/tree.new" "$vm/tree"
say "made the tree: QEMU $(cat "$vm/tree/qemu-version"), kernels" \
	"$(awk '{ print $2 }' "$vm/kernels" | paste -sd ' ')"
