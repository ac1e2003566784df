#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Checks the documentation: every relative link in a markdown file leads to a
# file that exists, every man page is free of groff's warnings. Leaves the man
# pages as text in OUT.
#
#	check-docs.sh OUT FILE_OR_DIRECTORY...
set -u

out=$1
shift
mkdir -p "$out"
bad=0

complain()
{
	echo "mho: $*" >&2
	bad=1
}

check_links()
{
	local file=$1 link
	while read -r link; do
		case $link in
		*://* | mailto:* | '#'*) continue ;;
		esac
		link=${link%%#*}
		[ -e "$(dirname "$file")/$link" ] || complain "$file: link to $link, which does not exist"
	done < <(grep -o '](\([^)]*\))' "$file" | sed 's/^](//; s/)$//; s/ ".*//')
}

check_man()
{
	local page=$1 warnings
	warnings=$(groff -man -Tutf8 -ww -z "$page" 2>&1)
	[ -z "$warnings" ] || complain "$page: $warnings"
	groff -man -Tutf8 -P-c "$page" | sed 's/.\x08//g' >"$out/${page##*/}.txt"
}

pages=0
while read -r file; do
	case $file in
	*.md) check_links "$file" ;;
	*.[1-8]) check_man "$file" ;;
	*) continue ;;
	esac
	pages=$((pages + 1))
done < <(find "$@" -type f)
[ $pages -gt 0 ] || complain "no documentation found in: $*"
[ $bad -eq 0 ] && echo "$pages pages checked, man pages as text in $out"
exit $bad
