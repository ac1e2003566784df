#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Judges the driver's sources with the kernel's own tools, and prints TAP: any
# finding fails. To run inside the tree (in-tree.sh).
#
#	check-kernel.sh JOBS
#
# Files are looked at under the names that they have in a kernel tree, since what
# is asked of a file depends on its place; messages show the names they have here.
#
# shellcheck disable=SC2317 # most functions are called by way of check
set -u

jobs=$1
linux=/usr/src/linux-source
number=0
failed=0
scratch=/tmp/check-kernel
staged=$scratch/linux
driver=drivers/accel/mho
uapi=include/uapi/drm/mho_accel.h

# check TITLE COMMAND...: one test case; the command prints what it finds, and nothing else.
check()
{
	local title=$1
	shift
	number=$((number + 1))
	if "$@" >"$scratch/log" 2>&1 && ! [ -s "$scratch/log" ]; then
		echo "ok $number - $title"
	else
		echo "not ok $number - $title"
		sed -e "s|$staged/||; s|$uapi|uapi/drm/mho_accel.h|g" \
			-e "s|$driver/mho_hw|firmware-if/mho_hw|g; s|$driver/|kernel/|g" \
			-e 's/^/# /' "$scratch/log" | head -n 200
		failed=1
	fi
}

# files PATTERN...: those that exist, with names as in a kernel tree.
files()
{
	(cd "$staged" && printf '%s\n' "$@" | xargs -I{} sh -c 'ls {}')
}

# checkpatch IGNORED FILES...: the directory must look like a kernel tree to it.
checkpatch()
{
	local ignored=$1
	shift
	(cd "$staged" && perl "$linux/scripts/checkpatch.pl" --root=. --no-tree --strict --terse \
		--show-types --no-summary --ignore "$ignored" --file "$@")
}

# kernel_build RELEASE: everything is compiled anew. Lines that are no progress are findings.
kernel_build()
{
	local out=/vm/check
	rm -rf "$out"
	make O=$out NOINSTALL=1 modules -j"$jobs" "KDIR=/lib/modules/$1/build" W=1 C=2 \
		CF=-D__CHECK_ENDIAN__ >"$scratch/build" 2>&1 || echo "make: failed"
	grep -vE '^make(\[[0-9]+\])?: (Entering|Leaving) directory|^  [A-Z]+( \[M\])? +[^ ]+$' \
		"$scratch/build"
	rm -rf "$out"
}

kernel_doc()
{
	local file
	for file in "$@"; do
		(cd "$staged" && python3 "$linux/tools/docs/kernel-doc" -Wall -none "$file" 2>&1)
	done
}

# One script on all files, with the options that it asks for. What spatch says of the script itself
# is not about us.
coccinelle_one()
{
	local script=$1
	shift
	# shellcheck disable=SC2046 # a list of options
	(cd "$staged" && spatch -D report --no-show-diff --very-quiet --cocci-file "$script" \
		$(sed -n 's|^// Options: ||p' "$script") "$@") 2>&1 |
		grep -v '^warning: line [0-9]*: should .* be a metavariable?$\|^$' | sed "s|$| [${script##*/}]|"
}
export -f coccinelle_one
export staged

# Scripts in OCaml need its compiler: two, of which one is for a driver and the other finds
# comparisons with 0 as a pointer, as sparse does.
coccinelle()
{
	find "$linux/scripts/coccinelle" -name '*.cocci' -exec grep -l '^virtual report' {} + |
		xargs grep -L 'script:ocaml\|initialize:ocaml' | sort |
		xargs -P "$jobs" -I{} bash -c 'coccinelle_one "$@"' bash {} "$@"
}

# filp is how the kernel calls a struct file.
spelling()
{
	(cd "$staged" && codespell --ignore-words-list=filp "$@")
}

# A driver that cannot be broken any more where a test says so proves nothing.
mutants()
{
	local patch
	for patch in tests/kselftest/mutants/*.patch tests/kselftest/mutants/debug/*.patch; do
		patch -p1 -s -F0 --dry-run -r - <"$patch" >/dev/null || echo "does not apply: $patch"
	done
}

rm -rf $scratch
mkdir -p "$staged"
runtime/build/into-linux.sh --bare "$staged" >/dev/null || {
	echo "Bail out! cannot lay out the sources"
	exit 1
}
mapfile -t ours < <(files "$driver/*.[ch]" | grep -v /mho_hw)
mapfile -t contract < <(files "$driver/mho_hw*.h")

check "checkpatch: kernel/" checkpatch NONE "${ours[@]}" "$driver/Kconfig" "$driver/Makefile"
check "checkpatch: uapi/" checkpatch NONE $uapi
# The contract is read by other compilers than the kernel's, so that it has C11's types and no
# BIT(); lists of status codes are macros that take macros; a size is asserted right after its
# structure; spaces are clang-format's.
check "checkpatch: firmware-if/" checkpatch "PREFER_KERNEL_TYPES,CAMELCASE,BIT_MACRO,COMPLEX_MACRO,\
SPACING,MACRO_ARG_REUSE,MACRO_ARG_UNUSED,MACRO_WITH_FLOW_CONTROL,TRAILING_SEMICOLON,LINE_SPACING" \
	"${contract[@]}"
while read -r _ release; do
	check "W=1 and sparse: Linux $release" kernel_build "$release"
done </vm/kernels
check "kernel-doc" kernel_doc "${ours[@]}" "${contract[@]}" $uapi
check "coccinelle" coccinelle "${ours[@]}"
check "codespell" spelling "${ours[@]}" "${contract[@]}" $uapi "$driver/Kconfig" \
	Documentation/accel/mho/*.rst
check "mutants apply" mutants
echo "1..$number"
exit $failed
