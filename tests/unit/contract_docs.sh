#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Holds the numbers in docs/hardware.md against firmware-if/, and prints TAP. The
# tables are turned into static assertions, which the compiler reports by the
# line of the document. Run from the top of the tree; CC comes from the environment.
#
# A table row is checked when it begins with
#	| NUMBER | `MHO_HW_NAME` |		the constant has this value
# and, in a table with the headings | Offset | Bytes | `struct NAME` |, with
#	| OFFSET | BYTES | `FIELD` |		the field lies there and is so large;
#						rows follow one another without a gap
set -u

doc=docs/hardware.md
include=firmware-if
: "${CC:=cc}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0
failed=0

report()
{
	n=$((n + 1))
	if [ -s "$2" ]; then
		echo "not ok $n - $1"
		sed 's/^/# /' "$2"
		failed=1
	else
		echo "ok $n - $1"
	fi
}

# Assertions from the tables; the names that were checked go to $work/documented.
awk -F '|' -v names="$work/documented" -v doc="$doc" '
function trim(s) { gsub(/^[ \t`]+|[ \t`]+$/, "", s); return s }
function finish() {
	if (type != "")
		printf "#line %d \"%s\"\n_Static_assert(sizeof(struct %s) == %d, " \
		       "\"struct %s ends elsewhere\");\n", NR - 1, doc, type, end, type
	type = ""
}
$2 ~ /^ *Offset *$/ && $3 ~ /^ *Bytes *$/ && $4 ~ /^ *`struct mho_hw_[a-z_]+` *$/ {
	finish()
	type = trim($4)
	sub(/^struct /, "", type)
	print "struct " type > names
	end = 0
	next
}
!/^\|/ { finish() }
/^\|/ && type != "" && $2 ~ /^ *[0-9]+ *$/ {
	offset = trim($2) + 0
	bytes = trim($3) + 0
	field = trim($4)
	# A row may begin where the one before began: members of a union.
	if (offset != end && offset != last)
		printf "#line %d \"%s\"\n_Static_assert(0, \"gap or overlap before %s\");\n",
		       NR, doc, field
	last = offset
	if (offset + bytes > end)
		end = offset + bytes
	printf "#line %d \"%s\"\n", NR, doc
	printf "_Static_assert(offsetof(struct %s, %s) == %d, \"offset of %s\");\n",
	       type, field, offset, field
	printf "#line %d \"%s\"\n", NR, doc
	printf "_Static_assert(sizeof(((struct %s *)0)->%s) == %d, \"size of %s\");\n",
	       type, field, bytes, field
	next
}
/^\|/ && $2 ~ /^ *`?[0-9][0-9a-fA-FxU <]*`? *$/ && $3 ~ /^ *`MHO_HW_[A-Z0-9_]+` *$/ {
	name = trim($3)
	print name > names
	printf "#line %d \"%s\"\n_Static_assert((%s) == (%s), \"value of %s\");\n",
	       NR, doc, name, trim($2), name
}
END { finish() }
' "$doc" >"$work/asserts" || exit 1

grep -c . "$work/asserts" >/dev/null || { echo "Bail out! no tables found in $doc"; exit 1; }
{
	printf '#include <stddef.h>\n#include "mho_hw.h"\n'
	cat "$work/asserts"
} | $CC -x c -std=c11 -fsyntax-only -I "$include" - 2>&1 | grep -E 'error' >"$work/values"
report "every number in $doc is the header's" "$work/values"

sort "$work/documented" | uniq -d | sed 's/$/: more than one row/' >"$work/twice"
report "no name has two rows" "$work/twice"

# What the headers define: numeric macros, enumerators, statuses, structures.
{
	printf '#include "mho_hw.h"\n' | $CC -x c -E -dM -I "$include" - |
		awk '$2 ~ /^MHO_HW_[A-Z0-9_]+$/ && $2 !~ /_H$/ && NF > 2 && $3 !~ /^"/ { print $2 }'
	sed -n 's/^[ \t]*\(MHO_HW_[A-Z0-9_]*\) = .*/\1/p' "$include"/*.h
	sed -n 's/^[ \t]*X(\([A-Z0-9_]*\), 0x.*/MHO_HW_ST_\1/p' "$include"/mho_hw_status.h
	sed -n 's/^\(struct mho_hw_[a-z_]*\) {.*/\1/p' "$include"/*.h
} | grep -v -x -e MHO_HW_REG_LAST | sort -u >"$work/defined"
sort -u "$work/documented" | comm -13 - "$work/defined" | sed 's/$/: not in the document/' \
	>"$work/missing"
report "every constant and structure of the headers is in $doc" "$work/missing"

echo "1..$n"
exit $failed
