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

# What links a program with the static libmho: its file of pkg-config names the libraries.
libmho="$out/lib/libmho.a $(PKG_CONFIG_PATH=$out/lib/pkgconfig pkg-config --libs --static \
	liburing libcrypto openblas) -lfdt -lm"

run_make()
{
	make --no-print-directory -C "$tests" KSFT="$selftests" OUTPUT="$objects" \
		LIBMHO="$libmho" LIBMHO_CFLAGS="-I../../runtime/include -I../../firmware-if" "$@"
}

mkdir -p "$objects"
run_make USERCFLAGS=-Werror all
rm -rf "$output"
mkdir -p "$output/kselftest"
install "$selftests/run_kselftest.sh" "$output/"
install "$selftests"/kselftest/*.sh "$selftests"/kselftest/ksft.py "$output/kselftest/"
run_make USERCFLAGS=-Werror INSTALL_PATH="$output/mho" install
run_make -s COLLECTION=mho emit_tests >"$output/kselftest-list.txt"
