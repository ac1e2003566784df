#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Boots a guest after making what it needs: the tree, the userspace half, the
# module, the initramfs. What takes long is made once.
#
#	run.sh build		only make all that
#	run.sh tree COMMAND...	run a command in the tree, where nobody else builds meanwhile
#	run.sh shell		a shell in the guest
#	run.sh command COMMAND	run a shell command there; its output and status
#	run.sh test		run the tests; results in $MHO_VM/result/KERNEL.tap
#	run.sh mutants		run tests against drivers that lack what they test (mutants.sh)
#
# A guest is booted for each of its PROFILEs that has tests.
#
# Environment: MHO_VM, the directory for everything; KERNEL, short names of kernels (all; where
# one is wanted, the first), with debug- before them those that are made here (debug/build.sh); PROFILE, kind of guest (tests: all that are needed; else native); LIMIT,
# seconds for a guest (1200; a shell has no limit); ONLY, part of the names of the tests to run;
# TEST_LIMIT, seconds for one of them (120); EXTRA, a directory below $MHO_VM whose files the guest is
# to have, too; JOBS; MIRROR (provision.sh); what session.sh lists.
set -u
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/vm/profile.sh
. "$(dirname "$0")/profile.sh"
# shellcheck source=tests/vm/mutants.sh
. "$(dirname "$0")/mutants.sh"

here=$src/tests/vm
verb=${1:-}
BARE=${BARE:-}
shift

# Old directories of guests: a few of each kernel stay, for their logs.
sweep()
{
	local dir
	find "$vm/run" -maxdepth 1 -name "$1.*" -printf '%T@ %p\n' | sort -rn | tail -n +4 |
		while read -r _ dir; do
			kill -0 "${dir##*.}" 2>/dev/null || rm -rf "$dir"
		done
}

# make_all NAME...: two callers must not make the same thing at once.
make_all()
{
	local name kver jobs=-j${JOBS:-$(nproc)}
	mkdir -p "$vm/run" "$vm/result"
	exec 8>"$vm/.build.lock"
	flock 8
	if ! in_tree make "$jobs" O=/vm/out NOINSTALL=1 libs tools examples firmware \
		>"$vm/build.log" 2>&1; then
		tail -n 30 "$vm/build.log" >&2
		die "building in the Debian tree failed; the whole log: $vm/build.log"
	fi
	for name in "$@"; do
		if is_debug "$name"; then
			in_tree tests/vm/debug/build.sh "$name" "${jobs#-j}" ||
				die "cannot make the kernel $name"
		fi
		kver=$(kernel_version "$name") || exit 1
		in_tree make "$jobs" -f tests/vm/guest.mk "KVER=$kver" "KROOT=$(kernel_root "$name")" \
			BARE="$BARE" >"$vm/build.log" 2>&1 && continue
		tail -n 30 "$vm/build.log" >&2
		die "building for Linux $kver failed; the whole log: $vm/build.log"
	done
	exec 8>&-
}

# The kernel unpacks archives one after the other: the usual one, then what is in $EXTRA.
add_extra()
{
	local inside=/vm/${EXTRA#"$vm"/}
	# shellcheck disable=SC2016 # the arguments of the inner shell
	in_tree sh -c 'cd "$1" && find . | cpio -o -H newc --quiet | cat "$2" - >"$3"' sh \
		"$inside" "$initramfs" "/vm/run/${run##*/}/initramfs.cpio" ||
		die "cannot add $EXTRA to the initramfs"
	initramfs=/vm/run/${run##*/}/initramfs.cpio
}

# boot NAME MODE: boots a guest in a directory of its own, $run.
boot()
{
	local name=$1 mode=$2 kver kroot initramfs
	local limit=(timeout -k 5 "${LIMIT:-$((1200 * $(slowness "$1")))}")
	kver=$(kernel_version "$name") || exit 1
	kroot=$(kernel_root "$name")
	[ "${PROFILE:-native}" = native ] || name=$name-$PROFILE
	sweep "$name"
	run=$vm/run/$name.$$
	rm -rf "$run"
	mkdir "$run" || exit 1
	[ "$mode" != shell ] || limit=()
	: >"$run/console.log"
	: >"$run/kmsg.log"
	: >"$run/results.log"
	initramfs=${INITRAMFS:-/vm/guest/$kver${BARE:+-bare}/initramfs.cpio}
	[ -z "${EXTRA:-}" ] || add_extra
	in_tree env KROOT="$kroot" ACCEL="${ACCEL:-}" PROFILE="${PROFILE:-native}" TOPOLOGY="${TOPOLOGY:-}" EMUD="${EMUD:-}" \
		FAULT="${FAULT:-}" MEM="${MEM:-1G}" SMP="${SMP:-2}" APPEND="${APPEND:-}" \
		"${limit[@]}" tests/vm/session.sh "$kver" "$mode" "/vm/run/$name.$$" "$initramfs"
}

# A signal ends what runs in the tree (in-tree.sh), then this.
groups=()
end_groups()
{
	local group
	for group in "${groups[@]}"; do
		kill -TERM -- "-$group" 2>/dev/null
	done
}
trap end_groups EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# run_command NAME COMMAND: prints what it prints; its status.
run_command()
{
	local status
	APPEND="mho_vm.run=$(printf '%s' "$2" | base64 -w 0) ${APPEND:-}" boot "$1" run
	tr -d '\r' <"$run/results.log" | grep -av '^@status '
	status=$(sed -n 's/^@status \([0-9]*\).*/\1/p' "$run/results.log" | tail -n 1)
	if [ -z "$status" ]; then
		tail -n 40 "$run/console.log" >&2
		die "the guest ended before the command did; its logs: $run"
	fi
	return "$status"
}

# slowness NAME: how many times as long as on a stock kernel things may take there.
slowness()
{
	if is_debug "$1"; then echo 4; else echo 1; fi
}

# has_tests PROFILE: whether any test that is wanted runs in such a guest.
has_tests()
{
	local test
	for test in driver "$here"/guest/*.* "$src"/tests/kselftest/test_*.*; do
		test=${test##*/}
		test=${test%.*}
		[[ kselftest/$test == *"${ONLY:-}"* ]] && of_profile "$1" "$test" && return
	done
	return 1
}

# test_guest NAME PROFILE: boots a guest for tests; prints TAP.
test_guest()
{
	local status slow checks=
	slow=$(slowness "$1")
	# Freed memory is poisoned and some of it watched: use after free shows on any kernel.
	is_debug "$1" || checks="slub_debug=FZP kfence.sample_interval=1"
	PROFILE=$2 APPEND="$checks mho_vm.limit=${TEST_LIMIT:-$((120 * slow))} mho_vm.slow=$slow \
mho_vm.profile=$2 ${ONLY:+mho_vm.only=$ONLY} ${APPEND:-}" boot "$1" test 2>"$vm/run/$1.$$.err"
	status=$?
	mv "$vm/run/$1.$$.err" "$run/session.log"
	"$here/verdict.sh" "$run" "$status" "$1" "$2"
}

test_kernel()
{
	local name=$1 profile wanted=$profiles
	rm -f "$vm/result/$name.tap"
	! is_debug "$name" || wanted=$debug_profiles
	for profile in ${PROFILE:-$wanted}; do
		has_tests "$profile" || continue
		say "testing on Linux $(kernel_version "$name"), $profile"
		test_guest "$name" "$profile" |
			sed "s/^\(\(not \)\?ok [0-9]* - \)/\1[$profile] /"
	done | awk -v OFS=' ' '
		/^1\.\./ { next }
		/^ok / { $2 = ++number }
		/^not ok / { $3 = ++number }
		{ print }
		END { print "1.." number + 0 }' >"$vm/result/$name.tap.$$"
	mv "$vm/result/$name.tap.$$" "$vm/result/$name.tap"
}

case $verb in
build | shell | test | tree | mutants) ;;
command) [ -n "${1:-}" ] || die "usage: run.sh command COMMAND" ;;
*) die "usage: run.sh build|tree|shell|command|test|mutants" ;;
esac

"$here/provision.sh" || exit 1
if [ "$verb" = tree ]; then
	exec 8>"$vm/.build.lock"
	flock 8
	in_tree "$@"
	exit
fi
read -ra names <<<"${KERNEL:-$(cut -d ' ' -f 1 "$vm/kernels" | paste -sd ' ')}"
case $verb in
shell | command | mutants) names=("${names[0]}") ;;
esac
for name in "${names[@]}"; do
	kernel_version "${name#debug-}" >/dev/null || exit 1
done
make_all "${names[@]}"

case $verb in
shell) boot "${names[0]}" shell ;;
command) run_command "${names[0]}" "$1" ;;
mutants) test_mutants "${names[0]}" | tee "$vm/result/mutants.tap" ;;
test)
	# All kernels at once, each in a process group of its own, which a signal ends.
	set -m
	for name in "${names[@]}"; do
		test_kernel "$name" </dev/null &
		groups+=($!)
	done
	set +m
	wait
	groups=()
	;;
esac
