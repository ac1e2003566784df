# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Proves that tests can fail: each patch in tests/kselftest/mutants takes one of the
# driver's answers out, and the test that its name begins with has to notice. To be sourced by
# run.sh, whose functions are used.
#
# Name of a patch: TEST.FIXTURE.CASE.WHAT.patch. Only that case is run, in a guest of the test's
# profile.

mutants_dir=tests/kselftest/mutants

# A guest whose driver lacks something may hang; what the case would have waited for fits in.
mutant_limit=240

# mutant_profile TEST: where the test runs.
mutant_profile()
{
	local profile
	for profile in $profiles; do
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
	local words=() profile log=$vm/mutant/$2.log
	IFS=. read -ra words <<<"$(basename "$1" .patch)"
	local test=${words[0]} case=${words[1]}.${words[2]} what=${words[3]}
	mkdir -p "$vm/mutant"
	if ! in_tree tests/vm/mutant.sh "$(kernel_version "$2")" "$1" >"$log" 2>&1; then
		echo "not ok - mutant $what ($test $case) does not apply or build"
		sed 's/^/# /' "$log" | tail -n 10
		return
	fi
	profile=$(mutant_profile "$test")
	INITRAMFS=/vm/mutant/$(kernel_version "$2")/initramfs.cpio LIMIT=$mutant_limit ONLY=$test \
		APPEND="mho_vm.case=$case" test_guest "$2" "$profile" >"$log" 2>&1
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
	local patch line only=${ONLY:-} number=0
	for patch in "$src/$mutants_dir"/*"$only"*.patch; do
		[ -f "$patch" ] || continue
		number=$((number + 1))
		mutant "${patch#"$src/"}" "$1" | sed "s/^\(not \)\?ok - /\1ok $number - /"
	done
	echo "1..$number"
}
