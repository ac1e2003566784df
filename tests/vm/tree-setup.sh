#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Hook of mmdebstrap: adds to the new tree QEMU (10.1 or later is in backports) and
# the kernels under test: the release's own, and the newest of backports; their
# headers, and the newest one's kselftest harness and checking scripts (Debian ships
# those only inside its source archive).
#
#	tree-setup.sh ROOT SUITE
set -eu
root=$1
suite=$2

in_root()
{
	DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}

# kernel_of SUITE: the version, as in "uname -r".
kernel_of()
{
	in_root apt-cache show "linux-headers-amd64/$1" |
		sed -n 's/^Depends:.*linux-headers-\([0-9][^ ]*\).*/\1/p' | head -n 1
}

# Extracted, not installed: an installed kernel wants an initramfs and a boot loader.
# Newer packages are split, linux-image has nothing but dependencies, and /boot stays empty.
extract_kernel()
{
	# Where the headers depend on it, it has come with them.
	if [ -s "$root/boot/vmlinuz-$1" ] && [ -s "$root/lib/modules/$1/modules.dep" ]; then
		return
	fi
	names=
	for part in image binary modules; do
		name=linux-$part-$1
		in_root apt-cache show "$name" >/dev/null 2>&1 && names="$names $name"
	done
	mkdir "$root/debs"
	# shellcheck disable=SC2086 # a list of names
	in_root sh -c 'cd /debs && apt-get -q -o APT::Sandbox::User=root download "$@"' sh $names
	for deb in "$root"/debs/*.deb; do
		in_root dpkg-deb --fsys-tarfile "/debs/${deb##*/}" |
			tar -C "$root" -x --keep-directory-symlink --exclude=./usr/share
	done
	rm -rf "$root/debs"
	in_root depmod "$1"
	[ -e "$root/boot/vmlinuz-$1" ] || ln "$root/usr/lib/modules/$1/vmlinuz" "$root/boot/vmlinuz-$1"
	if ! [ -s "$root/boot/vmlinuz-$1" ] || ! [ -s "$root/lib/modules/$1/modules.dep" ]; then
		echo "mho: the packages$names hold no kernel $1" >&2
		exit 1
	fi
}

# extract_source NAME: kselftest and scripts/, to /usr/src/linux-source.
extract_source()
{
	mkdir "$root/debs" "$root/usr/src/linux-source"
	in_root sh -c 'cd /debs && apt-get -q -o APT::Sandbox::User=root download "$1"' sh \
		"linux-source-$1"
	dir=linux-source-$1
	in_root sh -c 'dpkg-deb --fsys-tarfile /debs/*.deb' |
		tar -xO "./usr/src/$dir.tar.xz" |
		tar -C "$root/usr/src/linux-source" --strip-components=1 -xJ --wildcards \
			"$dir/tools/testing/selftests/kselftest*" \
			"$dir/tools/testing/selftests/lib.mk" \
			"$dir/tools/testing/selftests/run_kselftest.sh" \
			"$dir/tools/testing/kunit/*" "$dir/scripts/*" \
			"$dir/tools/docs/kernel-doc*" "$dir/tools/lib/python/*"
	rm -rf "$root/debs"
}

old=$(kernel_of "$suite")
new=$(kernel_of "$suite-backports")
if [ -z "$old" ] || [ -z "$new" ]; then
	echo "mho: $suite and $suite-backports do not both have a kernel ($old, $new)" >&2
	exit 1
fi
# In one step from backports, so that QEMU and the newer headers agree on what they share.
in_root apt-get -q -y install --no-install-recommends -t "$suite-backports" \
	qemu-system-x86 "linux-headers-$old" "linux-headers-$new"
: >"$root/kernels"
for version in "$old" "$new"; do
	extract_kernel "$version"
	echo "$(echo "$version" | cut -d. -f1,2) $version" >>"$root/kernels"
done
extract_source "$(echo "$new" | cut -d. -f1,2)"

in_root qemu-system-x86_64 --version | sed -n 's/.*version \([0-9.]*\).*/\1/p' \
	>"$root/qemu-version"
if ! in_root qemu-system-x86_64 -device help | grep -q '"vfio-user-pci"'; then
	echo "mho: QEMU $(cat "$root/qemu-version") has no vfio-user-pci (10.1 or later has)" >&2
	exit 1
fi
