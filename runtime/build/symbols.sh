#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Keeps a linker version script equal to what the public headers declare MHO_API.
#
#	symbols.sh update MAP NODE HEADER...	rewrites MAP
#	symbols.sh check MAP LIBRARY HEADER...	compares headers, MAP and the symbols that
#						LIBRARY exports; prints TAP
#	symbols.sh list HEADER...		prints what the headers declare
set -eu
LC_ALL=C
export LC_ALL

# After MHO_API, the first name that "(", "[" or ";" follows is the one declared; macro
# definitions (of MHO_API itself) and comments are no declarations.
declared()
{
	[ $# -gt 0 ] || return 0
	cat "$@" | awk '
	/^[ \t]*#/ { more = /\\$/; next }
	more { more = /\\$/; next }
	{ text = text "\n" $0 }
	END {
		while ((at = index(text, "/*")) > 0) {
			rest = substr(text, at + 2)
			end = index(rest, "*/")
			text = substr(text, 1, at - 1) " " substr(rest, end + 2)
		}
		n = split(text, part, /[^A-Za-z0-9_]MHO_API[^A-Za-z0-9_]/)
		for (i = 2; i <= n; i++)
			if (match(part[i], /mho_[A-Za-z0-9_]+[ \t\n]*[[(;]/)) {
				name = substr(part[i], RSTART, RLENGTH - 1)
				gsub(/[ \t\n]/, "", name)
				print name
			}
	}' | sort -u
}

# The names between "global:" and "local:".
listed()
{
	sed -n '/global:/,/local:/p' "$1" | grep -o 'mho_[A-Za-z0-9_]*' | sort -u
}

# Defined dynamic symbols; the node's own name is an absolute one (A).
exported()
{
	nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u
}

update()
{
	map=$1
	node=$2
	shift 2
	names=$(declared "$@")
	{
		cat <<-EOF
			# SPDX-License-Identifier: MIT
			# What the library exports: exactly what its public headers declare MHO_API.
			# "make update-symbols" writes this file, "make check-symbols" compares.
			$node {
		EOF
		[ -z "$names" ] || printf 'global:\n%s\n' "$(printf '%s\n' "$names" | sed 's/.*/\t&;/')"
		printf 'local:\n\t*;\n};\n'
	} >"$map.new"
	if cmp -s "$map.new" "$map"; then
		rm -f "$map.new"
	else
		mv "$map.new" "$map"
		echo "mho: wrote $map"
	fi
}

# compare NUMBER TITLE LIST LIST: prints one TAP line, and the lines that differ.
compare()
{
	if [ "$3" = "$4" ]; then
		echo "ok $1 - $2"
		return 0
	fi
	echo "not ok $1 - $2"
	printf '%s\n' "$3" >"$tmp/a"
	printf '%s\n' "$4" >"$tmp/b"
	diff "$tmp/a" "$tmp/b" | sed -n 's/^</# only in the first:/p; s/^>/# only in the second:/p'
	echo "# if the headers are right, run: make update-symbols"
	return 1
}

check()
{
	map=$1
	lib=$2
	shift 2
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	in_headers=$(declared "$@")
	status=0
	echo 1..3
	if [ -n "$in_headers" ]; then
		echo "ok 1 - the headers of ${lib##*/} declare functions"
	else
		echo "not ok 1 - the headers of ${lib##*/} declare functions"
		status=1
	fi
	compare 2 "public headers and $map" "$in_headers" "$(listed "$map")" || status=1
	compare 3 "$map and ${lib##*/}" "$(listed "$map")" "$(exported "$lib")" || status=1
	return $status
}

verb=${1:-}
[ $# -ge 2 ] && shift
case $verb in
list) declared "$@" ;;
update) update "$@" ;;
check) check "$@" ;;
*) echo "usage: symbols.sh list|update|check ..." >&2 && exit 2 ;;
esac
