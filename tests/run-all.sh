#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# "make test": the order in which everything is built and run, and one closing line
# for all of it. How each part is done is in the makefiles.
#
#	run-all.sh MAKE BUILD_DIR VM_DIR GUESTS
#
# GUESTS is "yes", or "no" where they have nothing that was asked for, or "novm".
#
# Making the Debian tree for the guests waits for network and disk, building and
# running unit tests for processors: they go on at the same time. Guests come last:
# those of all kernels at once keep the processors busy by themselves.
set -u

make=$1
build=$2
vm=$3
guests=$4
log=$vm/prepare.log
export TALLY=$build/.tally
preparing=

stop()
{
	# The whole group: what makes the tree has children that would go on for minutes.
	[ -z "$preparing" ] || kill -TERM -- "-$preparing" 2>/dev/null
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

part()
{
	PART=1 "$make" "$@"
}

# Guests that could not be had are a failure, not something to pass over.
no_guests()
{
	cat "$log" >&2
	{
		echo "not ok 1 - guests: what they need can be made"
		tail -n 30 "$log" | sed 's/^/# /'
		echo "# to leave them out: make test NOVM=1"
		echo 1..1
	} >"$vm/prepare.tap"
	tests/run-tests.sh "guests=cat $vm/prepare.tap"
}

rm -f "$TALLY"
if [ "$guests" = yes ]; then
	mkdir -p "$vm" || exit 1
	echo "making what guests need meanwhile; log: $log"
	set -m
	"$make" vm-build >"$log" 2>&1 </dev/null &
	preparing=$!
	set +m
fi
"$make" test-build || exit 1
part test-units
case $guests in
yes)
	wait "$preparing" || {
		preparing=
		no_guests
		exit
	}
	preparing=
	"$make" vm-test
	;;
no) tests/run-tests.sh ;;
novm) tests/run-tests.sh 'guests=printf %b 1..1\nok\040-\040guests\040#\040SKIP\040NOVM=1\n' ;;
esac
