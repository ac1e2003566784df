#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Which packages each make target needs (the table below is the only place that
# says so), and getting them. Nothing here knows how anything is built.
#
#	packages.sh ensure STAMPDIR GROUP...	install what is missing, or fail and say how
#	packages.sh check STAMPDIR GROUP...	the same, but never install
#	packages.sh list GROUP...		print the packages' names
#
# NOINSTALL=1 in the environment turns ensure into check.
set -u

# group | Debian package, alternatives joined by "|" | how to see it elsewhere:
# cmd:program, pc:pkg-config module or inc:header file.
table()
{
	cat <<-'EOF'
	build	gcc				cmd:gcc
	build	libc6-dev			inc:stdio.h
	build	make				cmd:make
	build	pkgconf|pkg-config		cmd:pkg-config
	build	liburing-dev			pc:liburing
	build	libfdt-dev			inc:libfdt.h
	build	device-tree-compiler		cmd:dtc
	build	u-boot-tools			cmd:mkimage
	build	libjson-c-dev			pc:json-c
	build	libsmartcols-dev		pc:smartcols
	build	libopenblas-dev			pc:openblas
	build	librandom123-dev		inc:Random123/philox.h
	build	libssl-dev			pc:libcrypto
	build	libdrm-dev			pc:libdrm
	build	libncurses-dev			pc:ncursesw
	build	zlib1g-dev			pc:zlib
	clang	clang				cmd:clang
	clang	libclang-rt-dev			cmd:clang
	test	libcmocka-dev			pc:cmocka
	test	g++				cmd:g++
	test	jq				cmd:jq
	fuzz	clang				cmd:clang
	fuzz	libclang-rt-dev			cmd:clang
	demo	gnuplot-nox|gnuplot-qt|gnuplot-x11	cmd:gnuplot
	demo	fonts-dejavu-core		cmd:gnuplot
	paper	python3				cmd:python3
	paper	gnuplot-nox|gnuplot-qt|gnuplot-x11	cmd:gnuplot
	docs	groff-base			cmd:groff
	vm	mmdebstrap			cmd:mmdebstrap
	vm	uidmap				cmd:newuidmap
	format	clang-format			cmd:clang-format
	EOF
}

say()
{
	printf 'mho: %s\n' "$*" >&2
}

# The rows of the named groups, as "alternatives probe", each package once.
rows()
{
	table | awk -v groups=" $* " 'index(groups, " " $1 " ") && !seen[$2]++ { print $2, $3 }'
}

# Reads rows; prints the first alternative of every row of which none is installed.
missing_dpkg()
{
	want=$(cat)
	names=$(printf '%s\n' "$want" | awk '{ gsub(/\|/, " ", $1); print $1 }')
	# shellcheck disable=SC2086 # a list of names
	have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $names 2>/dev/null |
		awk '$1 == "installed" { printf " %s", $2 } END { print " " }')
	printf '%s\n' "$want" | awk -v have="$have" '{
		n = split($1, name, "|")
		for (i = 1; i <= n; i++)
			if (index(have, " " name[i] " "))
				next
		print name[1]
	}'
}

has()
{
	case $1 in
	cmd:*) command -v "${1#cmd:}" >/dev/null ;;
	pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
	inc:*) echo "#include <${1#inc:}>" | "${CC:-cc}" -E -x c - >/dev/null 2>&1 ;;
	esac
}

# The same on a system without dpkg: Debian's names, as a hint of what to look for.
missing_elsewhere()
{
	while read -r names probe; do
		has "$probe" || printf '%s\n' "${names%%|*}"
	done
}

# apt-get as root; its output goes to a file, which is shown if it fails.
apt()
{
	log=$1
	shift
	# shellcheck disable=SC2086 # $become is a command and its options, or empty
	DEBIAN_FRONTEND=noninteractive $become apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" \
		</dev/null >>"$log" 2>&1
}

install_packages()
{
	stampdir=$1
	shift
	log=$stampdir/install.log
	: >"$log"
	say "installing with apt-get: $*"
	# A fresh machine has no package lists, an old one stale lists.
	apt "$log" update || say "warning: apt-get update failed, trying with the old package lists"
	if apt "$log" install --no-install-recommends "$@"; then
		return 0
	fi
	tail -n 20 "$log" >&2
	say "apt-get could not install them (the whole log: $log)"
	return 1
}

# Sets $become to what makes a command run as root without a question.
may_install()
{
	command -v apt-get >/dev/null || return 1
	[ "${NOINSTALL:-}" = 1 ] && return 1
	become=
	[ "$(id -u)" = 0 ] && return 0
	become='sudo -n --preserve-env=DEBIAN_FRONTEND'
	command -v sudo >/dev/null && sudo -n true 2>/dev/null
}

# by_hand COMMAND && COMMAND: how this user would run it as root.
by_hand()
{
	if [ "$(id -u)" = 0 ]; then
		printf '    %s\n' "$1"
	elif command -v sudo >/dev/null; then
		printf '    %s\n' "$1" | sed 's/apt-get/sudo apt-get/g'
	else
		printf "    su -c '%s'\n" "$1"
	fi
}

ensure()
{
	stampdir=$1
	shift
	# The dpkg database's date tells whether anything was installed or removed since.
	stamp=$stampdir/$(printf '%s-' "$@")ok
	# shellcheck disable=SC3013 # dash, bash and busybox all know -nt
	if [ "$stamp" -nt /var/lib/dpkg/status ] && [ "$stamp" -nt "$0" ]; then
		return 0
	fi
	if ! mkdir -p "$stampdir" || ! [ -w "$stampdir" ]; then
		say "cannot write to ${stampdir%/*}; for output elsewhere: make O=DIRECTORY"
		return 1
	fi

	if command -v dpkg-query >/dev/null; then
		missing=$(rows "$@" | missing_dpkg)
	else
		missing=$(rows "$@" | missing_elsewhere)
	fi
	if [ -n "$missing" ]; then
		missing=$(printf '%s\n' "$missing" | tr '\n' ' ' | sed 's/ $//')
		say "missing packages (for: $*): $missing"
		if ! command -v apt-get >/dev/null; then
			say "those are Debian's names; install what this system calls them"
			return 1
		fi
		if ! may_install; then
			say "to install them, run this line, then try again:"
			by_hand "apt-get update && apt-get install -y $missing" >&2
			return 1
		fi
		# shellcheck disable=SC2086 # a list of names
		install_packages "$stampdir" $missing || return 1
	fi
	: >"$stamp"
}

usage()
{
	echo "usage: packages.sh ensure|check STAMPDIR GROUP... | list GROUP..." >&2
	exit 2
}

[ $# -ge 2 ] || usage
verb=$1
shift
case $verb in
list) rows "$@" | sed 's/[| ].*//' ;;
ensure) ensure "$@" ;;
check) NOINSTALL=1 && ensure "$@" ;;
*) usage ;;
esac
