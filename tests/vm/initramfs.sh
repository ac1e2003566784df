#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Makes a guest's initramfs: busybox, modules, firmware, tools with their
# libraries, tests. Runs inside the tree; guest.mk knows when.
#
#	initramfs.sh KVER OUTPUT [DIRECTORY_OF_MODULE]
#
# Environment: KROOT, the directory that has the kernel's lib/modules, if not /.
set -eu -o pipefail

kver=$1
kroot=${KROOT:-}
output=$2
here=$(dirname "$0")
out=/vm/out
built=${3:-}
root=$(mktemp -d)
# What is / in the guest, also for users.
chmod 755 "$root"
trap 'rm -rf "$root"' EXIT

# add_program FILE [DIRECTORY]: a program and the libraries it needs, where they lie here.
add_program()
{
	local library
	install -D "$1" "$root/${2:-$(dirname "$1")}/$(basename "$1")"
	{ ldd "$1" 2>/dev/null || true; } | grep -oE '/[^ ]+\.so[^ ]*' | sort -u |
		while read -r library; do
			case $library in
			# Found beside the program, at ../lib.
			"$out"/*) install -D "$library" "$root/usr/lib/$(basename "$library")" ;;
			*) [ -e "$root$library" ] || install -D "$library" "$root$library" ;;
			esac
		done
}

# add_module NAME: a module of the distribution's and what it depends on, unpacked, since
# busybox knows no xz. One that is built in, or that this kernel does not have, is passed over.
add_module()
{
	local file to
	{ modprobe -d "$kroot/" -S "$kver" --show-depends "$1" 2>/dev/null || true; } |
		awk '$1 == "insmod" { print $2 }' | while read -r file; do
		to=$root/usr/lib/modules/$kver/${file#*/modules/"$kver"/}
		mkdir -p "$(dirname "$to")"
		case $file in
		*.xz) xz -dc "$file" >"${to%.xz}" ;;
		*.zst) zstd -qdc "$file" >"${to%.zst}" ;;
		*) cp "$file" "$to" ;;
		esac
	done
}

mkdir -p "$root"/{dev,etc,proc,root,run,sys,tmp,tests,usr/bin,usr/sbin,usr/lib,usr/lib64,var}
for dir in bin sbin lib lib64; do
	ln -s usr/$dir "$root/$dir"
done
install "$here/init" "$root/init"
install -m 644 "$here/profile.sh" "$root/profile.sh"
install "$here/debug/checkers.sh" "$root/checkers"
install /bin/busybox "$root/usr/bin/busybox"
for name in $(busybox --list); do
	[ "$name" = busybox ] || ln -s busybox "$root/usr/bin/$name"
done
echo 'root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:
render:x:106:
nogroup:x:65534:' >"$root/etc/group"
# A fault that is ordered for the next boot of the card must not find it asleep.
mkdir -p "$root/etc/modprobe.d"
echo 'options mho autosuspend_ms=-1' >"$root/etc/modprobe.d/mho.conf"

# busybox's timeout has no --foreground, which kselftest's runner needs.
rm -f "$root/usr/bin/"{timeout,lspci,setpriv}
for program in bin/timeout bin/lspci bin/strace bin/setpriv sbin/modprobe sbin/rmmod; do
	add_program "/usr/$program"
done
# udevadm is udevd, too, by that name.
add_program /usr/bin/udevadm
mkdir -p "$root/usr/lib/systemd" "$root/etc/udev/rules.d"
ln -s /usr/bin/udevadm "$root/usr/lib/systemd/systemd-udevd"
install -m 644 "$here"/../../runtime/udev/*.rules "$root/etc/udev/rules.d/"
[ -r /usr/share/misc/pci.ids ] && install -D -m 644 /usr/share/misc/pci.ids \
	"$root/usr/share/misc/pci.ids"

# For "mhoctl top" in a shell there: what the console may be.
for terminal in l/linux x/xterm x/xterm-256color s/screen t/tmux-256color v/vt100 d/dumb; do
	[ -r "/usr/share/terminfo/$terminal" ] && install -D -m 644 "/usr/share/terminfo/$terminal" \
		"$root/usr/share/terminfo/$terminal"
done

for program in "$out"/bin/* "$out"/examples/*; do
	case ${program##*/} in
	mho-emud | '*') ;;
	*) add_program "$program" /usr/bin ;;
	esac
done
for firmware in "$out"/firmware/*.itb; do
	[ -f "$firmware" ] && install -D -m 644 -t "$root/usr/lib/firmware/mho" "$firmware"
done
for test in /vm/guest/tests/*; do
	# What is left of a test that was removed stays out.
	name=$(basename "$test")
	[ -e "$here/guest/$name.c" ] || [ -e "$here/guest/$name.sh" ] || continue
	install "$test" "$root/tests/$name"
done
# The whole of it, with the libraries that its programs need.
cp -r /vm/guest/kselftest "$root/kselftest"
for test in /vm/guest/kselftest/mho/test_*; do
	[[ $test == *.sh ]] || add_program "$test" /kselftest/mho
done

install -t "$root/usr/bin" /vm/guest/bench/vm_bench

modules=$(grep -v '^#' "$here/modules")
while read -r module; do
	install -D -m 644 -t "$root/usr/lib/modules/$kver/updates" "$module"
	modules="$modules $(modinfo -F depends "$module" | tr ',' ' ')"
done < <([ -z "$built" ] || find "$built" -name '*.ko')
for module in $modules; do
	add_module "$module"
done
mkdir -p "$root/usr/lib/modules/$kver"
cp "$kroot/lib/modules/$kver"/modules.{order,builtin,builtin.modinfo} "$root/usr/lib/modules/$kver/"
depmod -b "$root" "$kver"

# Not compressed: under TCG, unpacking costs more than reading.
(cd "$root" && find . -print0 | cpio -o -0 -H newc --quiet) >"$output"
