# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Proves that tests can fail: each patch in tests/kselftest/mutants takes one of the
# driver's answers out, and the test that its name begins with has to notice. To be sourced by
# run.sh, whose functions are used.
#
# Name of a patch: TEST.FIXTURE.CASE.WHAT.patch, with the variant of the fixture before CASE if it has
# variants. Only that case is run, in a guest of the test's profile. Those in debug/ show on a debug
# kernel only, and are for these.

mutants_dir=tests/kselftest/mutants

# A guest whose driver lacks something may hang; what the case would have waited for fits in.
mutant_limit=240

# mutant_profile TEST NAME: where the test runs on a kernel; where most is looked at, if in several.
mutant_profile()
{
	local profile wanted=$profiles
	! is_debug "$2" || wanted="leaks $profiles"
	for profile in $wanted; do
		of_profile "$profile" "$1" && break
	done
	echo "$profile"
}

# mutant_killed LOG: whether the case, the guest's end, or a log tells; the driver must have come up
# for that to mean anything.
mutant_killed()
{
	grep -q '^ok .*driver: mho.ko binds' "$1" && grep -q '^not ok ' "$1"
}

# mutant PATCH NAME: applies, builds, boots, judges; prints a line of TAP without its number.
mutant()
{
	local name kver test case what profile log=$vm/mutant/$2.log
	name=$(basename "$1" .patch)
	test=${name%%.*}
	what=${name##*.}
	case=${name#*.}
	case=${case%.*}
	kver=$(kernel_version "$2")
	mkdir -p "$vm/mutant"
	if ! in_tree env KROOT="$(kernel_root "$2")" tests/vm/mutant.sh "$kver" "$1" >"$log" 2>&1; then
		echo "not ok - mutant $what ($test $case) does not apply or build"
		sed 's/^/# /' "$log" | tail -n 10
		return
	fi
	profile=$(mutant_profile "$test" "$2")
	INITRAMFS=/vm/mutant/$kver/initramfs.cpio LIMIT=$((mutant_limit * $(slowness "$2"))) \
		ONLY=$test APPEND="mho_vm.case=$case" test_guest "$2" "$profile" >"$log" 2>&1
	if mutant_killed "$log"; then
		echo "ok - mutant $what is killed by $test $case"
	else
		echo "not ok - mutant $what survives $test $case"
		sed 's/^/# /' "$log"
	fi
}

# test_mutants NAME: those whose name has ONLY in it, on one kernel; prints TAP.
test_mutants()
{
	local patch dir=$src/$mutants_dir only=${ONLY:-} number=0
	! is_debug "$1" || dir=$dir/debug
	for patch in "$dir"/*"$only"*.patch; do
		[ -f "$patch" ] || continue
		number=$((number + 1))
		mutant "${patch#"$src/"}" "$1" | sed "s/^\(not \)\?ok - /\1ok $number - /"
	done
	echo "1..$number"
}
