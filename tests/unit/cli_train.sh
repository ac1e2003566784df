#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# mho-train and mho-infer from outside: help against golden files, wrong usage, bad
# files, places that cannot be written, output formats, interruption and resuming.
# Prints TAP.
#
#	cli_train.sh			compare
#	cli_train.sh --update		rewrite the golden files
set -u

here=$(cd "$(dirname "$0")" && pwd)
golden=$here/golden/train
bin=$(realpath "${MHO_BUILD:-$here/../../build}")/bin
train=$bin/mho-train
infer=$bin/mho-infer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
update=
[ "${1:-}" = --update ] && update=1
export LC_ALL=C
cd "$work" || exit 1

count=0
failures=0

# result STATUS NAME: one TAP line; what was found is in $work/why.
result()
{
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		failures=$((failures + 1))
		echo "not ok $count - $2"
		sed 's/^/# /' why
	fi
}

# same_as GOLDEN NAME COMMAND...: status 0 and standard output as in the file.
same_as()
{
	local file=$golden/$1 name=$2
	shift 2
	"$@" >out 2>err || { echo "status $?" >why; result 1 "$name"; return; }
	[ -z "$update" ] || cp out "$file"
	diff "$file" out >why 2>&1
	result $? "$name"
}

# refuses STATUS TEXT NAME COMMAND...: this status, this text on standard error.
refuses()
{
	local status=$1 text=$2 name=$3 got
	shift 3
	"$@" >out 2>err
	got=$?
	{ echo "status $got, standard error:"; cat err; } >why
	[ $got -eq "$status" ] && grep -qF -- "$text" err
	result $? "$name"
}

# works NAME COMMAND...: status 0.
works()
{
	local name=$1 got
	shift
	"$@" >out 2>err
	got=$?
	{ echo "status $got, standard error:"; cat err; } >why
	result $got "$name"
}

# holds NAME FILE PATTERN...: every extended regular expression is found in the file.
holds()
{
	local name=$1 file=$2 status=0 pattern
	shift 2
	: >why
	for pattern in "$@"; do
		grep -qE -- "$pattern" "$file" || { echo "no $pattern in:" >>why; cat "$file" >>why; status=1; }
	done
	result $status "$name"
}

device='emu:small?tech=ideal'

# Four blobs at the corners of a square, two classes (exclusive or), 120 samples.
awk 'BEGIN {
	srand(7)
	for (i = 0; i < 120; i++) {
		a = i % 2
		b = int(i / 2) % 2
		printf "%.4f,%.4f,%d\n", 2 * a - 1 + 0.6 * (rand() - 0.5), \
			2 * b - 1 + 0.6 * (rand() - 0.5), (a + b) % 2
	}
}' >data.csv
small=(--data data.csv --device "$device" --layers 8 --epochs 3 --quiet)

# --- usage --------------------------------------------------------------------------------

same_as mho-train.txt "mho-train --help" "$train" --help
same_as mho-infer.txt "mho-infer --help" "$infer" --help
works "mho-train --version" "$train" --version
holds "version is a version" out '^mho-train [0-9]+\.[0-9]+\.[0-9]+$'
refuses 2 "--data FILE is needed" "no samples" "$train"
refuses 2 "mho-train --help" "unknown option" "$train" --epoch-count 3
refuses 2 'what is "data.csv"?' "a stray argument" "$train" data.csv
refuses 2 '--epochs: "3x" is not a whole number' "a number with a letter" "$train" -d data.csv -e 3x
refuses 2 '--epochs: "-1" is not' "a negative number" "$train" -d data.csv --epochs=-1
refuses 2 '--batch: "0" is not' "a batch of nothing" "$train" -d data.csv -b 0
refuses 2 '--hold-out: "1" is not a share' "everything held out" "$train" -d data.csv --hold-out 1
refuses 2 '--lr: "nan" is not' "NaN as learning rate" "$train" -d data.csv --lr nan
refuses 2 '--lr-decay: "0:0.5" is not' "decay every 0 epochs" "$train" -d data.csv --lr-decay 0:0.5
refuses 2 'begins with epoch 5' "a table that begins late" "$train" -d data.csv --lr-decay 5=0.1
refuses 2 '--layers: layer 1, "": "" is not a kind of layer' "bad layers" "$train" -d data.csv --layers 8,,x
refuses 2 '--layers: layer 0, "": "" is not' "a layer without a size" "$train" -d data.csv --layers ,8
refuses 2 '--layers: layer 1, "": "" is not' "another one" "$train" -d data.csv --layers 8,,4
refuses 2 '"5x" is not channels and kernel' "a kernel that is missing" "$train" -d data.csv --layers conv:5x
refuses 2 '--algorithm: there is no algorithm "adam"' "an algorithm that is not there" \
	"$train" -d data.csv --algorithm adam
refuses 2 'every=0 is not a whole number' "a transfer that never comes" \
	"$train" -d data.csv --algorithm tiki-taka:every=0
refuses 2 '--algorithm cannot be changed' "another algorithm while resuming" \
	"$train" --resume -c x.ckpt --algorithm sgd
refuses 2 '--shape: "3" is not height x width' "half a shape" "$train" -d data.csv --shape 3
refuses 1 'are not 1 steps of 3 x 3 pixels' "a shape that does not fit" "$train" -d data.csv \
	--shape 3x3 --layers conv:2x2 --device "$device"
refuses 2 '--lr-decay: "0=1,,2=1" is not' "a rate that is not there" \
	"$train" -d data.csv --lr-decay 0=1,,2=1
refuses 2 'only one output can go' "two outputs to one place" \
	"$train" -d data.csv --json --history -
refuses 2 'a card of its own' "several runs on one state" \
	"$train" -d data.csv --runs 2 -D "emu:small?state=$work/runs.state"
refuses 2 '--activation: "step" is not relu' "bad activation" "$train" -d data.csv --activation step
refuses 2 '--resume needs --checkpoint' "resume what?" "$train" --resume
refuses 2 '--lr cannot be changed' "another rate while resuming" \
	"$train" --resume -c x.ckpt --lr 0.5
refuses 2 '--checkpoint FILE is needed' "infer without a network" "$infer" -d data.csv
refuses 2 '--data FILE or --held-out' "infer without samples" "$infer" -c x.ckpt

# --- files --------------------------------------------------------------------------------

refuses 1 'nothing.csv: there is no such file' "no such samples" "$train" -d nothing.csv
printf '1,2,0\n1,2\n' >ragged.csv
refuses 1 'ragged.csv: line 2 has 2 columns' "ragged samples" "$train" -d ragged.csv
refuses 1 'x.ckpt: there is no such checkpoint' "no such checkpoint" "$train" -r -c x.ckpt
refuses 1 'data.csv: is no checkpoint of mho' "samples as checkpoint" "$train" -r -c data.csv
refuses 1 'device "emu:no-such-card' "no such device" "$train" -d data.csv -D emu:no-such-card
refuses 1 '/dev/full: cannot be written: No space left' "summary to a full disk" \
	"$train" "${small[@]}" --summary /dev/full
refuses 2 '--trace needs a file' "trace to standard output" "$train" -d data.csv --trace -
refuses 1 '/nowhere/t.json: cannot be written' "trace to nowhere" \
	"$train" "${small[@]}" --trace /nowhere/t.json
refuses 1 'holds the samples' "trace over the samples" "$train" "${small[@]}" --trace ./data.csv
refuses 1 'disk is full' "trace to a full disk" "$train" "${small[@]}" --trace /dev/full
refuses 1 '/dev/full: cannot be written: No space left' "history to a full disk" \
	"$train" "${small[@]}" --history /dev/full
refuses 1 'no/where.json: cannot be written' "summary to nowhere" \
	"$train" "${small[@]}" --summary no/where.json
refuses 1 '/dev/full: is not a regular file' "checkpoint to a device" \
	"$train" "${small[@]}" --checkpoint /dev/full
refuses 1 'no/where.ckpt' "checkpoint to nowhere" \
	"$train" "${small[@]}" --checkpoint no/where.ckpt
[ ! -s out ] && ! grep -q '^epoch' err
result $? "which is known before the training"
refuses 1 'data.csv: holds the samples' "a table over the samples" \
	"$train" "${small[@]}" --history ./data.csv
refuses 1 'data.csv: holds the samples' "a checkpoint over the samples" \
	"$train" "${small[@]}" -c data.csv
echo text >text
refuses 1 'text: is not a checkpoint' "a checkpoint over another file" \
	"$train" "${small[@]}" -c text
[ "$(cat text)" = text ]
result $? "which is as it was"
"$train" "${small[@]}" --history /dev/full >out 2>err
holds "a table that cannot be written does not cost the report" out 'device energy'
# shellcheck disable=SC2016 # $0, $@ are the inner shell's
# What a new state is written to is taken, so that it cannot be kept.
mkdir full.state.tmp
refuses 1 'what this run did to the device is not kept: the state file was not written' \
	"a trained device whose state cannot be written" \
	"$train" "${small[@]}" --device "emu:small?state=$work/full.state"
refuses 1 'standard output: cannot be written' "report to a full disk" \
	bash -c '"$0" "$@" >/dev/full' "$train" "${small[@]}"
# shellcheck disable=SC2016
refuses 1 'standard output: cannot be written' "JSON to a full disk" \
	bash -c '"$0" "$@" >/dev/full' "$train" "${small[@]}" --json

as_nobody()
{
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}
mkdir closed
echo 1,2,0 >closed/data.csv
chmod 0 closed/data.csv
chmod 755 "$work" closed
if as_nobody test -x "$train"; then
	refuses 1 'no permission to read it' "samples of somebody else" \
		as_nobody "$train" -d closed/data.csv
	chmod 555 closed
	refuses 1 'choose a place where you may write' "checkpoint in a closed directory" \
		as_nobody "$train" "${small[@]}" -c closed/a.ckpt
	chmod 755 closed
else
	for what in "samples of somebody else" "checkpoint in a closed directory"; do
		count=$((count + 1))
		echo "ok $count - $what # SKIP another user cannot reach $train"
	done
fi

# --- training -----------------------------------------------------------------------------

full=("${small[@]}" --epochs 6 --batch 4 --lr 0.3 --seed 5)
works "a training" "$train" "${full[@]}" --checkpoint a.ckpt --summary s.json --history h.csv \
	--predictions p.csv --conductance g.csv
holds "report" out '^seed 5 on emu:small\?tech=ideal&seed=5' 'accuracy +[0-9.]+ % of 24' \
	'float32 reference [0-9.]+ %' 'device time ' 'device energy ' 'wear ' \
	'host time .*not the device'
holds "summary" s.json '"schema":"mho-train-summary/1"' '"seeds":1' '"accuracy":[01]' \
	'"reference_accuracy":[01]' '"device_seconds":[0-9.e-]+' '"device_joules":' \
	'"host_seconds":' '"images_per_second":' '"train_samples":96' '"test_samples":24'
[ "$(wc -l <h.csv)" -eq 7 ] && [ "$(wc -l <p.csv)" -eq 25 ] && [ "$(wc -l <g.csv)" -eq 8 ]
result $? "tables have a row per epoch, held-out sample, neuron"
awk -F, 'NR > 1 && $2 == $3 { n++ } END { exit n < 22 }' p.csv
result $? "it has learned"

# Of the first run only, and the results are the same.
works "a traced training" "$train" "${full[@]}" --runs 2 --trace t.json --summary ts.json
check_trace()
{
	jq -e '[.traceEvents[] | select(.cat == "application" and .args.job) | .name] |
		any(startswith("MVM ")) and any(startswith("UPDATE "))' t.json &&
		[ "$(jq '[.traceEvents[] | select(.cat == "device")] | length' t.json)" -eq \
			"$(jq '[.traceEvents[] | select(.args.job and .cat == "application")] | length' t.json)" ] &&
		[ "$(jq .runs[0].accuracy ts.json)" = "$(jq .accuracy s.json)" ]
}
check_trace >why 2>&1
result $? "its trace has every job in application and device"
works "a traced inference" "$infer" -c a.ckpt --held-out --trace ti.json
jq -e '.traceEvents | length > 10' ti.json >why 2>&1
result $? "its trace"
works "again" "$train" "${full[@]}" --history h2.csv --predictions p2.csv
cut -d, -f1-13 h.csv >h.cut
cut -d, -f1-13 h2.csv >h2.cut
# Saving reads weights back, which on the ideal device changes nothing but its clock.
diff <(cut -d, -f1-10,13 h.csv) <(cut -d, -f1-10,13 h2.csv) >why && diff p.csv p2.csv >why
result $? "same seeds, same results"
works "another seed" "$train" "${full[@]}" --seed 6 --history h3.csv
cmp -s h.cut <(cut -d, -f1-13 h3.csv)
result $((! $?)) "another seed, other results"

works "JSON on standard output" "$train" "${full[@]}" --json
holds "nothing but JSON" out '^\{$' '"schema":"mho-train-summary/1"'
works "several runs" "$train" "${full[@]}" --runs 2 --summary s2.json
holds "a table of runs" out '^seed +held-out' '^5 ' '^6 ' '^mean '
holds "summary of runs" s2.json '"seeds":2' '"seed":5' '"seed":6'
works "several runs, nothing held out" "$train" "${small[@]}" --runs 2 --hold-out 0
holds "absent results are dashes" out '^mean +- +- '
works "no reference, no samples held out" "$train" "${full[@]}" --no-reference --hold-out 0 \
	--summary s4.json
holds "absent results are null" s4.json '"accuracy":null' '"reference_accuracy":null'

# --- inference ----------------------------------------------------------------------------

works "held-out samples" "$infer" --checkpoint a.ckpt --held-out --predictions p3.csv
diff <(cut -d, -f1-3 p.csv) <(cut -d, -f1-3 p3.csv) >why
result $? "answers as after the training"
works "JSON" "$infer" -c a.ckpt -d data.csv --json
holds "fields" out '"schema":"mho-infer/1"' '"samples":120' '"accuracy":[01]' \
	'"device_seconds_per_inference":' '"answers":\['
cut -d, -f1,2 data.csv >values.csv
works "samples without labels" "$infer" -c a.ckpt -d values.csv --no-labels
[ "$(wc -l <out)" -eq 121 ] && [ "$(head -n 1 out)" = index,answer,confidence ]
result $? "answers on standard output"
cut -d, -f1,3 data.csv >narrow.csv
refuses 1 'the samples have 1 values' "samples of another shape" "$infer" -c a.ckpt -d narrow.csv
sed 's/,1$/,7/' data.csv >seven.csv
refuses 1 'has the label 7; the network has classes 0 to 1' "labels of another kind" \
	"$infer" -c a.ckpt -d seven.csv
head -c 500 a.ckpt >cut.ckpt
refuses 1 'cut.ckpt: the checkpoint is cut off' "a checkpoint that is cut off" \
	"$infer" -c cut.ckpt -d data.csv

# --- interruption -------------------------------------------------------------------------

long=(--data data.csv --layers 8 --batch 4 --lr 0.1 --seed 5)

# interrupt SIGNAL DEVICE CHECKPOINT OPTION...: stops a training after its first epoch.
interrupt()
{
	local signal=$1 uri=$2 checkpoint=$3 pid status
	shift 3
	"$train" "${long[@]}" --device "$uri" --epochs 100000 --checkpoint "$checkpoint" "$@" \
		>out 2>err &
	pid=$!
	for _ in $(seq 200); do
		[ -e "$checkpoint" ] && break
		sleep 0.05
	done
	kill "-$signal" $pid
	wait $pid
	status=$?
	{ echo "status $status"; tail -n 3 err; } >why
	[ $status -eq 130 ] && grep -q "mho-train --resume --checkpoint $checkpoint" err
}

for signal in INT TERM; do
	rm -f i.ckpt
	interrupt $signal "$device" i.ckpt
	result $? "SIG$signal saves and says how to go on"
done

# The reference is exact: stopped or not, its history is the same.
done_epochs=$(grep -c '^epoch' err)
target=$((done_epochs + 3))
works "resuming" "$train" --resume --checkpoint i.ckpt --epochs $target --history r.csv
works "the same without a stop" "$train" "${long[@]}" --device "$device" --epochs $target \
	--history w.csv --quiet
diff <(cut -d, -f1,2,7-10 r.csv) <(cut -d, -f1,2,7-10 w.csv) >why
result $? "the reference goes on as if nothing had happened"

kept="emu:small?tech=ideal&seed=5&state=$work/state"
interrupt INT "$kept" k.ckpt --name kept
result $? "weights that stay on the device"
works "resuming with them" "$train" --resume --checkpoint k.ckpt \
	--epochs $(($(grep -c '^epoch' err) + 2))
holds "they were found" err 'as the device kept them'

# Files are opened in the places of the closed ones; nothing is to be printed into them.
"$train" "${small[@]}" --device "emu:small?tech=ideal&state=$work/shut.state" --checkpoint z.ckpt \
	<&- >&- 2>&-
cp err why
[ -e shut.state.lock ] && [ ! -s shut.state.lock ] && "$infer" -c z.ckpt --held-out >out 2>why
result $? "without standard input, output and error"

# A name as long as a path may be.
deep=$work/$(printf 'd%.0s' {1..200})/$(printf 'e%.0s' {1..200})
mkdir -p "$deep"
works "a long URI" "$train" "${small[@]}" --name long \
	--device "emu:small?tech=ideal&state=$deep/$(printf 'f%.0s' {1..200})"
[ -f "$deep/$(printf 'f%.0s' {1..200})" ]
result $? "its state is where it was to be"

interrupted_early()
{
	"$train" "${long[@]}" --device "$device" --epochs 100000 >out 2>err &
	local pid=$! status
	for _ in $(seq 200); do
		grep -q '^epoch' err && break
		sleep 0.05
	done
	kill -INT $pid
	wait $pid
	status=$?
	cp err why
	[ $status -eq 130 ] && grep -q 'nothing was saved' err
}
interrupted_early
result $? "without a checkpoint it says that nothing was saved"

echo "1..$count"
exit $((failures > 0))
