#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# The layout of the driver's structures, as a compiler sees it: a line "STRUCT SIZE",
# and for each member "STRUCT.MEMBER OFFSET SIZE".
#
#	uapi-layout.sh print HEADER COMPILER...
#	uapi-layout.sh update HEADER FILE COMPILER...	writes FILE
#	uapi-layout.sh check HEADER FILE COMPILER...	prints what differs from FILE
#
# Nothing is run: offsets are read from assembly, so that compilers for machines
# other than this one will do.
set -eu
LC_ALL=C
export LC_ALL

# A constant expression in assembly is a line that the compiler would never write by itself.
program()
{
	printf '#include "%s"\n#define L(name, x) __asm__("->" name " %%c0" : : "i"(x))\n' "$header"
	printf 'void mho_layout(void);\nvoid mho_layout(void)\n{\n'
	awk '
	/^struct drm_mho_[a-z0-9_]* \{/ {
		s = $2
		printf "L(\"%s\", sizeof(struct %s));\n", s, s
	}
	/^};/ { s = "" }
	s != "" && match($0, /[a-z0-9_]+(\[[^]]*\])?;/) {
		m = substr($0, RSTART, RLENGTH - 1)
		sub(/\[.*/, "", m)
		printf "L(\"%s.%s\", __builtin_offsetof(struct %s, %s) * 65536 + ", s, m, s, m
		printf "sizeof(((struct %s *)0)->%s));\n", s, m
	}' "$header"
	printf '}\n'
}

print()
{
	program | "$@" -x c -std=gnu11 -O2 -S -o - - | sed -n 's/.*->\(drm_mho[^ ]*\) [$#]*\([0-9]*\).*/\1 \2/p' |
		awk '$1 ~ /\./ { print $1, int($2 / 65536), $2 % 65536; next } { print }'
}

verb=$1
header=$2
shift 2
case $verb in
print) print "$@" ;;
update)
	file=$1
	shift
	{
		echo '# SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note'
		echo '# The layout of drm/mho_accel.h, on every architecture: offset and size in bytes.'
		echo '# Written by "make update-layout"; "make check-headers" compares. Lines may be added,'
		echo '# none may change: programs have been compiled with them.'
		print "$@"
	} >"$file.new"
	mv "$file.new" "$file"
	;;
check)
	file=$1
	shift
	{
		grep -v '^#' "$file"
		echo
		print "$@"
	} | awk '
	$0 == "" { second = 1; next }
	!second { want[$1] = $0; order[++n] = $1; next }
	{ is[$1] = $0; if (!($1 in want)) print "not in the list: " $0 }
	END {
		for (i = 1; i <= n; i++)
			if (is[order[i]] != want[order[i]])
				print "was: " want[order[i]] ", is: " is[order[i]]
	}'
	;;
*)
	echo "usage: uapi-layout.sh print|check HEADER ..." >&2
	exit 2
	;;
esac
