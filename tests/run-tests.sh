#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Runs tests that print TAP (cmocka programs are told to) one after the other and
# counts single cases. The last line is "N passed, N failed, N skipped"; the exit
# status is 0 if none failed and some passed. What a failing test printed is shown.
#
#	run-tests.sh [TITLE=]COMMAND...
#
# Environment: MHO_BUILD, the build directory, is handed on to the tests; TIMEOUT,
# seconds for each command (300). Each test has an empty TMPDIR of its own.
#
# Where a run has several parts, TALLY is the file that carries the counts from one
# to the next. PART=1: another part will follow, and have the last line.
#
# A test that ends before its plan is complete, prints no plan, ends with a
# nonzero status or takes too long counts as failed, whatever it had printed.
set -u

limit=${TIMEOUT:-}
limit=${limit:-300}
total_passed=0
total_failed=0
total_skipped=0
failing=()

if [ -n "${TALLY:-}" ] && [ -e "$TALLY" ]; then
	{
		read -r total_passed total_failed total_skipped
		mapfile -t failing
	} <"$TALLY"
fi

export CMOCKA_MESSAGE_OUTPUT=TAP
# The sanitizer's report of a crash, not cmocka's one line.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:handle_segv=2:handle_abort=2}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
export LC_ALL=C

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

# The sanitizers of gcc 12 and clang 14 now and then die at start where the kernel randomises
# addresses by more than 28 bits.
fixed_addresses=()
if [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -gt 28 ] &&
	setarch "$(uname -m)" -R true 2>/dev/null; then
	fixed_addresses=(setarch "$(uname -m)" -R)
fi

# Reads TAP; prints "planned passed failed skipped". cmocka 1.1.5 writes "not ok # SKIP".
count_cases()
{
	awk '
	/^1\.\.[0-9]+/ { planned += substr($1, 4) }
	/^(not )?ok( |$)/ {
		if (/# *[Ss][Kk][Ii][Pp]/)
			skipped++
		else if (/^ok/)
			passed++
		else
			failed++
	}
	END { print planned + 0, passed + 0, failed + 0, skipped + 0 }' "$1"
}

# run_one TITLE COMMAND WORDS...
run_one()
{
	local title=$1 status start seconds planned passed failed skipped
	local why=() prefix=()
	shift
	mkdir "$scratch/tmp"
	[[ $1 == */san-* ]] && prefix=("${fixed_addresses[@]}")
	start=$EPOCHREALTIME
	# The outer redirection is for bash's own word on a command that a signal ended.
	{
		TMPDIR=$scratch/tmp timeout -k 10 "$limit" "${prefix[@]}" "$@" \
			>"$scratch/out" 2>"$scratch/err" </dev/null
	} 2>/dev/null
	status=$?
	seconds=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
	rm -rf "$scratch/tmp"

	read -r planned passed failed skipped < <(count_cases "$scratch/out")
	if [ $((passed + failed + skipped)) -ne "$planned" ]; then
		why+=("planned $planned cases, reported $((passed + failed + skipped))")
	elif [ "$planned" -eq 0 ]; then
		why+=("no test cases")
	fi
	if [ $status -eq 124 ] || [ $status -eq 137 ]; then
		why+=("killed after $limit s")
	elif [ $status -ne 0 ] && [ "$failed" -eq 0 ]; then
		why+=("exit status $status")
	fi
	# What was lost with a crash, or one for the program itself.
	if [ ${#why[@]} -gt 0 ]; then
		local lost=$((planned - passed - failed - skipped))
		failed=$((failed + (lost > 0 ? lost : 1)))
	fi
	total_passed=$((total_passed + passed))
	total_failed=$((total_failed + failed))
	total_skipped=$((total_skipped + skipped))

	if [ "$failed" -eq 0 ]; then
		printf 'ok    %s: %d passed' "$title" "$passed"
		[ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped"
		printf ' (%s s)\n' "$seconds"
		grep -i '# *skip' "$scratch/out" | sed 's/^/      | /'
		return
	fi
	failing+=("$title")
	printf 'FAIL  %s: %d failed, %d passed (%s s)\n' "$title" "$failed" "$passed" "$seconds"
	[ ${#why[@]} -eq 0 ] || printf '      %s\n' "${why[@]}"
	sed 's/^/      | /' "$scratch/out" "$scratch/err"
}

for test in "$@"; do
	case $test in
	*=*)
		# shellcheck disable=SC2086 # a command and its arguments
		run_one "${test%%=*}" ${test#*=}
		;;
	*) run_one "$(basename "$test")" "$test" ;;
	esac
done

if [ -n "${TALLY:-}" ] && [ -n "${PART:-}" ]; then
	{
		echo "$total_passed $total_failed $total_skipped"
		[ ${#failing[@]} -eq 0 ] || printf '%s\n' "${failing[@]}"
	} >"$TALLY"
	exit 0
fi
[ ${#failing[@]} -eq 0 ] || printf 'failing: %s\n' "${failing[@]}"
[ $((total_passed + total_failed)) -gt 0 ] || echo 'no tests were run' >&2
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ $total_failed -eq 0 ] && [ $total_passed -gt 0 ]
