#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# "make demo": gets real handwritten digits, trains a network on the emulated card,
# tells how it went and draws pictures. Everything ends up in $MHO_BUILD/demo. Where
# the digits come from is in demo-data.sh, how the pictures look in demo-pictures.sh.
#
# Environment: MHO_BUILD, the build directory; SEEDS, number of trainings to
# average (1); DIGITS, a copy of the digits; DEVICE, where to train (the default card
# with cells of protonic-ns).
set -u
LC_ALL=C.UTF-8
export LC_ALL

build=${MHO_BUILD:-build}
here=$(dirname "$0")
out=$build/demo
seeds=${SEEDS:-1}
device=${DEVICE:-emu:default?tech=protonic-ns}

say()
{
	printf 'mho: %s\n' "$*" >&2
}

die()
{
	say "$@"
	exit 1
}

case $seeds in
'' | *[!0-9]* | 0*) die "SEEDS=$seeds: must be a whole number, 1 or larger" ;;
esac
[ -x "$build/bin/mho-train" ] || die "$build/bin/mho-train is missing; run make demo"
mkdir -p "$out" || exit 1
exec 9>"$out/.lock" || exit 1
flock -n 9 || die "another make demo is at work in $out; wait, or use another directory: make O=..."
digits=$(sh "$here/demo-data.sh") || exit

say "training on $device, $seeds seed(s)"
"$build/bin/mho-train" --data "$digits" --device "$device" --runs "$seeds" \
	--checkpoint "$out/digits.ckpt" --summary "$out/summary.json" \
	--history "$out/history.csv" --predictions "$out/predictions.csv" \
	--conductance "$out/conductance.csv" || exit

sh "$here/demo-pictures.sh" "$out" "$digits" || exit
say "summary: $out/summary.json"
say "pictures: $(cd "$out" && ls -- *.png *.svg | tr '\n' ' ')in $out"
say "network: $build/bin/mho-infer --checkpoint $out/digits.ckpt --held-out"
