#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Runs libFuzzer programs one after the other, each for FUZZ_SECONDS (60). Seeds
# are the built topologies and firmware images and what lies in
# tests/fuzz/corpus/<fuzzer>/. What is learned stays in DIR/fuzz/corpus, so that
# the next run goes on from there; inputs that fail are left in DIR/fuzz/findings.
#
#	fuzz.sh BUILD_DIR FUZZER...
set -u

build=$1
shift
seconds=${FUZZ_SECONDS:-}
seconds=${seconds:-60}
findings=$build/fuzz/findings
failed=()

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}

# A fuzzer gets the built files that its name asks for.
seeds_for()
{
	case $1 in
	*topology*) printf '%s\n' "$build"/topologies/*.dtb ;;
	*firmware* | *image*) printf '%s\n' "$build"/firmware/*.itb ;;
	esac
	printf '%s\n' "tests/fuzz/corpus/$1"/*
}

fuzz_one()
{
	local name=$1 corpus=$build/fuzz/corpus/$1 log=$build/fuzz/$1.log
	local longest=4096 seed size
	mkdir -p "$corpus" "$findings"
	while read -r seed; do
		[ -f "$seed" ] || continue
		cp "$seed" "$corpus/"
		size=$(stat -c %s "$seed")
		# Room to grow, so that a seed can be extended and not only changed.
		[ $((size * 2)) -le $longest ] || longest=$((size * 2))
	done < <(seeds_for "$name")
	if [ -z "$(ls -A "$corpus")" ]; then
		printf '\0' >"$corpus/zero"
	fi

	echo "fuzzing: $name for $seconds s"
	if ! "$build/fuzz/bin/$name" -max_total_time="$seconds" -max_len=$longest -timeout=20 \
		-rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$findings/$name-" \
		"$corpus" >"$log" 2>&1 </dev/null; then
		failed+=("$name")
		tail -n 60 "$log"
		return
	fi
	awk '/number_of_executed_units/ { runs = $2 } / cov: / { line = $0 }
	END {
		match(line, / cov: [0-9]+/)
		printf "  %d runs, %s\n", runs, substr(line, RSTART + 1, RLENGTH - 1)
	}' "$log"
}

for fuzzer in "$@"; do
	fuzz_one "$fuzzer"
done
if [ ${#failed[@]} -gt 0 ]; then
	echo "failed: ${failed[*]}; the inputs are in $findings"
	exit 1
fi
echo "$# fuzzers, nothing found"
