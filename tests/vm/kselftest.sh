#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Builds tests/kselftest inside the tree, with the kernel's lib.mk and harness, and lays it out
# as an installed kselftest: the runner looks for settings only there.
#
#	kselftest.sh OUTPUT
#
# Makes OUTPUT/run_kselftest.sh, its list of tests, its helpers, and the collection OUTPUT/mho.
# Objects are kept in OUTPUT.obj.
set -eu -o pipefail

output=$1
objects=$output.obj
here=$(dirname "$0")
tests=$here/../kselftest
selftests=/usr/src/linux-source/tools/testing/selftests
out=/vm/out

# What compiles and links a program with the emulated device and a host for it.
device=(LIBMHO="$out/lib/libmho.a $(pkg-config --libs cmocka liburing libcrypto openblas) -lfdt -lm"
	LIBMHO_HOST=../unit/lib/emu_host.c
	LIBMHO_CFLAGS="-I../unit/lib -I../../runtime -I../../firmware-if")

run_make()
{
	make --no-print-directory -C "$tests" KSFT="$selftests" OUTPUT="$objects" "${device[@]}" "$@"
}

mkdir -p "$objects"
run_make USERCFLAGS=-Werror all
rm -rf "$output"
mkdir -p "$output/kselftest"
install "$selftests/run_kselftest.sh" "$output/"
install "$selftests"/kselftest/*.sh "$selftests"/kselftest/ksft.py "$output/kselftest/"
run_make USERCFLAGS=-Werror INSTALL_PATH="$output/mho" install
run_make -s COLLECTION=mho emit_tests >"$output/kselftest-list.txt"
