#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Gets the real handwritten digits of the demos, scikit-learn's, once. Prints the file's
# path.
#
# Environment: MHO_BUILD, the build directory; DIGITS, a copy of scikit-learn's
# digits.csv(.gz).
set -u
LC_ALL=C.UTF-8
export LC_ALL

out=${MHO_BUILD:-build}/demo
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

mkdir -p "$out" || exit 1
find_digits
echo "$digits"
