#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# "make vm-demo": trains a network with real handwritten digits through the driver in a
# guest, and in process in the tree, and compares the weights bit by bit. Everything
# ends up in $MHO_VM/demo. The status is 0 only if the weights are identical.
#
#	demo.sh DIGITS
#
# DIGITS is the file that runtime/tools/demo-data.sh prints. Environment: KERNEL and what run.sh
# knows; TOPOLOGY (default), SEED (1), EPOCHS (30).
set -u -o pipefail
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

here=$src/tests/vm
demo=$vm/demo
topology=${TOPOLOGY:-default}
tech=protonic-ns
seed=${SEED:-1}
options="--quiet --no-reference --seed $seed --epochs ${EPOCHS:-30}"

# The same card in both runs: topology, cells, seed.
device="emu:$topology?tech=$tech&seed=$seed"
card="--tech $tech --seed $seed"

# unpack NAME: the file that the guest's output holds between "@file NAME" and "@end NAME".
unpack()
{
	sed -n "/^@file $1\$/,/^@end $1\$/{/^@/!p}" "$demo/guest.log" | base64 -d >"$demo/driver.$1" &&
		[ -s "$demo/driver.$1" ]
}

in_guest()
{
	local command file
	# $file is the guest's.
	# shellcheck disable=SC2016
	command="mho-train $options --data /demo/digits --device accel: --checkpoint /tmp/checkpoint \
--summary /tmp/summary >/dev/null"' || exit
for file in checkpoint summary; do
	echo "@file $file"; base64 /tmp/$file; echo "@end $file"
done'
	if ! EMUD="$card ${EMUD:-}" TOPOLOGY=$topology EXTRA=$demo/guest LIMIT=${LIMIT:-3600} \
		"$here/run.sh" command "$command" >"$demo/guest.log"; then
		tail -n 20 "$demo/guest.log" >&2
		die "training in the guest failed; see above, and $demo/guest.log"
	fi
	for file in checkpoint summary; do
		unpack $file || die "the guest has not handed out its $file; see $demo/guest.log"
	done
}

in_process()
{
	local processor
	processor=$(in_tree tests/vm/processor.sh) || exit 1
	# shellcheck disable=SC2086 # options
	in_tree env OPENBLAS_CORETYPE="$processor" /vm/out/bin/mho-train $options \
		--data /vm/demo/guest/demo/digits --device "$device" \
		--checkpoint /vm/demo/process.checkpoint --summary /vm/demo/process.summary \
		>"$demo/process.log" 2>&1 && return
	cat "$demo/process.log" >&2
	die "training in process failed"
}

[ -r "${1:-}" ] || die "usage: demo.sh DIGITS"
mkdir -p "$demo" || exit 1
exec 9>"$demo/.lock"
flock -n 9 || die "another make vm-demo is at work in $demo"
remove "$demo"/{guest,driver.*,process.*}
mkdir -p "$demo/guest/demo"
cp "$1" "$demo/guest/demo/digits" || exit 1
say "training through the driver, in a guest (some minutes)"
in_guest
say "training in process, on $device"
in_process
in_tree python3 tests/vm/demo.py /vm/demo
