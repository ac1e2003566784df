#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# "make demo": gets real handwritten digits, trains a network on the emulated card,
# tells how it went and draws pictures. Everything ends up in $MHO_BUILD/demo. How
# the pictures look is in demo-pictures.sh.
#
# Environment: MHO_BUILD, the build directory; SEEDS, number of trainings to
# average (1); DIGITS, a copy of scikit-learn's digits.csv(.gz); DEVICE, where to
# train (the default card with cells of protonic-ns).
set -u
LC_ALL=C.UTF-8
export LC_ALL

build=${MHO_BUILD:-build}
here=$(dirname "$0")
out=$build/demo
seeds=${SEEDS:-1}
device=${DEVICE:-emu:default?tech=protonic-ns}
package=python3-sklearn
inside=usr/lib/python3/dist-packages/sklearn/datasets/data/digits.csv.gz

say()
{
	printf 'mho: %s\n' "$*" >&2
}

die()
{
	say "$@"
	exit 1
}

# Whether a file is the 1,797 digits of 64 pixels and a label.
is_digits()
{
	[ -r "$1" ] && gzip -cdf "$1" 2>/dev/null |
		awk -F, 'NF != 65 { exit 1 } END { exit NR != 1797 }'
}

# apt-get with lists and cache of its own: works without root, and on a machine whose lists are
# missing or old.
private_apt()
{
	mkdir -p "$scratch/state/lists/partial" "$scratch/cache/archives/partial"
	apt-get -q -o Dir::State="$scratch/state" -o Dir::State::status=/var/lib/dpkg/status \
		-o Dir::Cache="$scratch/cache" -o APT::Sandbox::User="$(id -un)" \
		-o Debug::NoLocking=1 "$@"
}

download()
{
	(
		cd "$scratch" || exit 1
		apt-get -q download "$package" ||
			{ private_apt update && private_apt download "$package"; }
	) >"$out/download.log" 2>&1
}

fetch()
{
	missing=
	for tool in apt-get dpkg-deb tar; do
		command -v $tool >/dev/null || missing="$missing $tool"
	done
	[ -z "$missing" ] || return 1
	say "getting the digits out of Debian's package $package"
	scratch=$(mktemp -d) || return 1
	if download && dpkg-deb --fsys-tarfile "$scratch/$package"_*.deb |
		tar -xO "./$inside" >"$scratch/digits" && is_digits "$scratch/digits"; then
		mv "$scratch/digits" "$out/digits.csv.gz"
		rm -rf "$scratch"
		return 0
	fi
	rm -rf "$scratch"
	return 1
}

# Sets $digits.
find_digits()
{
	if [ -n "${DIGITS:-}" ]; then
		[ -r "$DIGITS" ] || die "DIGITS=$DIGITS: there is no such file, or you may not read it"
		is_digits "$DIGITS" || die "DIGITS=$DIGITS: is not scikit-learn's digits.csv.gz" \
			"(1797 lines of 64 pixels and a label, plain or gzip)"
		digits=$DIGITS
		return
	fi
	for digits in "$out/digits.csv.gz" "/$inside"; do
		is_digits "$digits" && return
	done
	digits=$out/digits.csv.gz
	fetch && return
	say "cannot get the digits${missing:+ without$missing};" \
		"$([ -s "$out/download.log" ] && echo "see $out/download.log")"
	say "either: sudo apt-get install $package"
	die "or name a copy of the file: make demo DIGITS=path/to/digits.csv.gz"
}

case $seeds in
'' | *[!0-9]* | 0*) die "SEEDS=$seeds: must be a whole number, 1 or larger" ;;
esac
[ -x "$build/bin/mho-train" ] || die "$build/bin/mho-train is missing; run make demo"
mkdir -p "$out" || exit 1
exec 9>"$out/.lock" || exit 1
flock -n 9 || die "another make demo is at work in $out; wait, or use another directory: make O=..."
find_digits

say "training on $device, $seeds seed(s)"
"$build/bin/mho-train" --data "$digits" --device "$device" --runs "$seeds" \
	--checkpoint "$out/digits.ckpt" --summary "$out/summary.json" \
	--history "$out/history.csv" --predictions "$out/predictions.csv" \
	--conductance "$out/conductance.csv" || exit

sh "$here/demo-pictures.sh" "$out" "$digits" || exit
say "summary: $out/summary.json"
say "pictures: $(cd "$out" && ls -- *.png *.svg | tr '\n' ' ')in $out"
say "network: $build/bin/mho-infer --checkpoint $out/digits.ckpt --held-out"
