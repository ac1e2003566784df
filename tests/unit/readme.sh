#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# The program in README.md is the one in runtime/examples, compiles as the page says
# against an installed copy, and computes what the page says. Prints TAP.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
build=$(realpath "${MHO_BUILD:-$top/build}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# ok NUMBER NAME STATUS
ok()
{
	if [ "$3" -eq 0 ]; then
		echo "ok $1 - $2"
	else
		failures=$((failures + 1))
		echo "not ok $1 - $2"
	fi
}

echo 1..4
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$top/README.md" >"$work/hello.c"
sed -n '/^#include/,$p' "$top/runtime/examples/hello.c" | cmp -s - "$work/hello.c"
ok 1 "README.md holds runtime/examples/hello.c" $?

make -s -C "$top" O="$build" NOINSTALL=1 DESTDIR="$work" PREFIX=/usr install >"$work/log" 2>&1
installed=$?
[ $installed -eq 0 ] || sed 's/^/# /' "$work/log"
ok 2 "make install" $installed

pc=$(dirname "$(find "$work/usr" -name mho.pc)")
lib=$(dirname "$pc")
# shellcheck disable=SC2046 # a list of flags
${CC:-gcc} "$work/hello.c" -o "$work/hello" \
	$(PKG_CONFIG_SYSROOT_DIR=$work PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 \
		PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_PATH=$pc pkg-config --cflags --libs mho)
ok 3 "it compiles with pkg-config's flags" $?

answer=$(LD_LIBRARY_PATH=$lib "$work/hello" 'emu:?tech=ideal')
echo "# $answer"
[ "$answer" = "y = 0.150 -0.625 0.225" ]
ok 4 "it multiplies" $?
exit $((failures > 0))
