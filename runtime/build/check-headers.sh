#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Compiles every contract header alone, in each language it promises to be, and
# prints TAP. CC and CXX come from the environment.
#
#	check-headers.sh FIRMWARE_IF_DIR PUBLIC_INCLUDE_DIR KERNEL_STUB_DIR UAPI_DIR
set -u

firmware_if=$1
include=$2
stubs=$3
uapi=$4
: "${CC:=gcc}" "${CXX:=g++}"
warn='-Wall -Wextra -Wpedantic -Werror -fsyntax-only'
n=0
failed=0

# Twice: the include guard must hold. The declaration keeps the file from being empty.
source_of()
{
	printf '#include "%s"\n#include "%s"\nextern int mho_check_headers;\n' "$1" "$1"
}

# try HEADER LANGUAGE COMPILER...: must compile.
try()
{
	title="$1 as $2"
	source=$(source_of "$1")
	shift 2
	n=$((n + 1))
	if messages=$(printf '%s\n' "$source" | "$@" - 2>&1); then
		echo "ok $n - $title"
	else
		echo "not ok $n - $title"
		printf '%s\n' "$messages" | sed 's/^/# /'
		failed=1
	fi
}

# shellcheck disable=SC2086 # $warn is a list of options
check_firmware_if()
{
	try "$1" "freestanding C11" \
		$CC -x c -std=c11 -ffreestanding $warn -I "$firmware_if"
	try "$1" "C++17" \
		$CXX -x c++ -std=c++17 $warn -I "$firmware_if"
	# The kernel's own dialect, and none of the compiler's or the system's headers.
	try "$1" "kernel code" \
		$CC -x c -std=gnu11 -ffreestanding -nostdinc -D__KERNEL__ \
		-Wall -Wextra -Wdeclaration-after-statement -Werror -fsyntax-only \
		-I "$stubs" -I "$firmware_if"
}

# shellcheck disable=SC2086
check_public()
{
	try "mho/$1" "C11" \
		$CC -x c -std=c11 -pedantic $warn -Wstrict-prototypes -I "$include"
	try "mho/$1" "C++17" \
		$CXX -x c++ -std=c++17 $warn -I "$include"
}

# The kernel's headers for programs, also for a 32-bit machine whose C library is not here.
drm="$(pkg-config --cflags-only-I libdrm | sed 's/-I/-isystem/g')"
drm="$drm -idirafter /usr/include/$($CC -print-multiarch)"

# Without a hole that the compiler makes. The same layout as ever, as 32-bit code, too.
# shellcheck disable=SC2086
check_uapi()
{
	bits='-m64'
	case $($CC -dumpmachine) in
	x86_64-*) bits='-m64 -m32' ;;
	esac
	for m in $bits; do
		try "drm/$1" "C11 $m" \
			$CC $m -x c -std=c11 $warn -Wpadded -I "$uapi" $drm
		try "drm/$1" "C++17 $m" \
			$CXX $m -x c++ -std=c++17 $warn -I "$uapi" $drm
		n=$((n + 1))
		messages=$(runtime/build/uapi-layout.sh check "$uapi/drm/$1" "$uapi/layout.txt" \
			$CC $m $drm 2>&1)
		if [ -z "$messages" ]; then
			echo "ok $n - drm/$1 has its layout, $m"
		else
			echo "not ok $n - drm/$1 has its layout, $m"
			printf '%s\n' "$messages" "for new lines: make update-layout" | sed 's/^/# /'
			failed=1
		fi
	done
}

for header in "$firmware_if"/*.h; do
	[ -e "$header" ] && check_firmware_if "${header##*/}"
done
for header in "$include"/mho/*.h; do
	[ -e "$header" ] && check_public "${header##*/}"
done
for header in "$uapi"/drm/*.h; do
	check_uapi "${header##*/}"
done
echo "1..$n"
exit $failed
