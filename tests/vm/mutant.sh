#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Builds a driver with an answer taken out, and an initramfs with it. Runs inside the tree
# (in-tree.sh), after guest.mk; mutants.sh knows when.
#
#	mutant.sh KVER PATCH
#
# Environment: KROOT, the directory that has the kernel's lib/modules, if not /.
#
# Makes /vm/mutant/KVER/initramfs.cpio. What a patch has changed is made anew, no more.
set -eu -o pipefail

kver=$1
patch=$2
dir=/vm/mutant/$kver
updates=$dir/root/usr/lib/modules/$kver/updates

mkdir -p "$dir/module" "$updates"
# By content, and with new times: what the last patch has changed is made again, too.
rsync -rlpc --delete --exclude='*.o' --exclude='*.ko' --exclude='*.mod' --exclude='*.mod.c' \
	--exclude='.*.cmd' --exclude='.*.d' --exclude='*.order' --exclude=Module.symvers \
	Kbuild kernel uapi firmware-if "$dir/module/"
patch -d "$dir/module" -p1 -s --no-backup-if-mismatch -r - <"$patch"
make "-j$(nproc)" -C "${KROOT:-}/lib/modules/$kver/build" M="$dir/module" modules
cp "$dir/module/mho.ko" "$updates/"
# A later archive's files replace those of an earlier one.
(cd "$dir/root" && find . | cpio -o -H newc --quiet) |
	cat "/vm/guest/$kver/initramfs.cpio" - >"$dir/initramfs.cpio"
