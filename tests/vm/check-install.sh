#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Installs and removes everything the way an integrator would, and prints TAP. To
# run inside the tree (in-tree.sh), after the userspace half has been made in
# /vm/out. What is written to goes to memory, and is gone afterwards.
#
#	check-install.sh JOBS
#
# shellcheck disable=SC2317 # most functions are called by way of check
set -u

jobs=$1
number=0
failed=0
scratch=/tmp/check-install
log=$scratch/log

# check TITLE COMMAND...: one test case; what it printed is shown if it failed.
check()
{
	local title=$1
	shift
	number=$((number + 1))
	if "$@" >"$log" 2>&1; then
		echo "ok $number - $title"
	else
		echo "not ok $number - $title"
		tail -n 40 "$log" | sed 's/^/# /'
		failed=1
	fi
}

mk()
{
	make -j"$jobs" O=/vm/out NOINSTALL=1 "$@"
}

# refused TEXT COMMAND...: must fail and say TEXT.
refused()
{
	local text=$1 message
	shift
	if message=$("$@" 2>&1); then
		echo "succeeded, and should have said: $text"
		return 1
	fi
	echo "$message"
	grep -qF "$text" <<<"$message"
}

# in_memory DIR: writes to DIR stay in memory.
in_memory()
{
	local work
	work=$scratch/over$(echo "$1" | tr / -)
	mkdir -p "$work/upper" "$work/work"
	mount -t overlay overlay -o "lowerdir=$1,upperdir=$work/upper,workdir=$work/work" "$1"
}

# like_kernel RELEASE SED: a kernel that is like the oldest one here, but for its name and for
# what SED makes of its configuration.
like_kernel()
{
	local from=/lib/modules/${releases[0]}/build to=/lib/modules/$1/build
	mkdir -p "$to/include/config" "/lib/modules/$1/kernel"
	: >"$to/Makefile"
	echo "$1" >"$to/include/config/kernel.release"
	sed "$2" "$from/.config" >"$to/.config"
	sed "$2" "$from/include/config/auto.conf" >"$to/include/config/auto.conf"
}

built_by_dkms()
{
	local release module
	for release in "${releases[@]}"; do
		module=$(find "/lib/modules/$release/updates/dkms" -name 'mho.ko*') || return 1
		modinfo -F vermagic "$module" | grep "^$release " || return 1
		modprobe -S "$release" -n -v mho || return 1
	done
}

passed_over()
{
	local release
	for release in "$@"; do
		grep "Linux $release is passed over" "$scratch/dkms.log" || return 1
		! dkms status -k "$release" mho | grep installed || return 1
	done
}

install_dkms()
{
	mk install-dkms >"$scratch/dkms.log" 2>&1
	local status=$?
	cat "$scratch/dkms.log"
	return "$status"
}

# nothing_left: of what was installed, neither files nor DKMS's knowledge.
dkms_is_clean()
{
	find /usr/src /lib/modules/*/updates /var/lib/dkms -name '*mho*' -not -name '*.conf.in' |
		{ ! grep .; } && ! dkms status mho | grep .
}

installs_module()
{
	local release root=$scratch/modules
	for release in "${releases[@]}"; do
		mk modules "KDIR=/lib/modules/$release/build" &&
			mk modules_install "KDIR=/lib/modules/$release/build" "INSTALL_MOD_PATH=$root" &&
			grep '^updates/mho.ko' "$root/lib/modules/$release/modules.dep" &&
			mk modules_uninstall "KDIR=/lib/modules/$release/build" "INSTALL_MOD_PATH=$root" &&
			! find "$root" -name 'mho.ko*' | grep . || return 1
	done
}

installs_all()
{
	local file root=$scratch/root
	mk install DESTDIR="$root" || return 1
	for file in /lib/firmware/mho/mho-1.itb /usr/local/lib/udev/rules.d/60-mho.rules \
		/usr/local/bin/mhoctl /usr/local/lib/libmho.so; do
		if ! [ -e "$root$file" ]; then
			echo "$file is missing"
			return 1
		fi
	done
}

uninstalls_all()
{
	mk uninstall DESTDIR="$scratch/root" && ! find "$scratch/root" ! -type d | grep .
}

mkdir -p $scratch
mapfile -t releases < <(cut -d ' ' -f 2 /vm/kernels)
for dir in /usr/src /var/lib/dkms /usr/lib/modules; do
	in_memory $dir || {
		echo "Bail out! cannot mount an overlay on $dir"
		exit 1
	}
done
like_kernel 6.1.0-99-old ''
like_kernel 6.12.999-plain '/CONFIG_DRM_ACCEL[= ]/d'

check "module: no headers" refused "there are no kernel headers" mk modules KDIR=/nowhere
check "module: a kernel that is too old" refused "needs Linux 6.12" \
	mk modules KDIR=/lib/modules/6.1.0-99-old/build
check "module: a kernel without accel devices" refused "without CONFIG_DRM_ACCEL" \
	mk modules KDIR=/lib/modules/6.12.999-plain/build
check "module: built, installed, removed on ${releases[*]}" installs_module
check "DKMS: takes the driver" install_dkms
check "DKMS: has built it for ${releases[*]}" built_by_dkms
check "DKMS: passes over kernels that cannot do" passed_over 6.1.0-99-old 6.12.999-plain
check "DKMS: takes it a second time" install_dkms
check "DKMS: gives it back" mk uninstall-dkms
check "DKMS: nothing of it is left" dkms_is_clean
check "udev: the rule is right" udevadm verify --resolve-names=never runtime/udev/60-mho.rules
check "install: everything is where it belongs" installs_all
check "uninstall: nothing is left" uninstalls_all
echo "1..$number"
exit $failed
