#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# mhoctl from outside: output against golden files, JSON of every verb, exit
# statuses, doctor on made-up systems, completion and man page against mhoctl's own
# metadata. Prints TAP.
#
#	cli_mhoctl.sh			compare
#	cli_mhoctl.sh --update		rewrite the golden files
# shellcheck disable=SC2016 # programs of jq and bash are in single quotes
set -u
# "... | check" counts in this shell.
shopt -s lastpipe

here=$(cd "$(dirname "$0")" && pwd)
golden=$here/golden/mhoctl
source_dir=$here/../..
mhoctl=$(realpath "${MHO_BUILD:-$source_dir/build}")/bin/mhoctl
work=$(mktemp -d)
emud=
serial=
# shellcheck disable=SC2086 # none is no argument
trap 'kill -CONT $emud 2>/dev/null; kill $emud $serial 2>/dev/null; rm -rf "$work"' EXIT
update=
[ "${1:-}" = --update ] && update=1
export LC_ALL=C
# Output is wrapped to a terminal's width only, but smartcols asks COLUMNS first.
unset COLUMNS

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
		sed 's/^/# /' "$work/why"
	fi
}

# check NAME COMMAND...: passes if the command succeeds.
check()
{
	local name=$1
	shift
	"$@" >"$work/why" 2>&1
	result $? "$name"
}

skip()
{
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# run WORDS...: runs mhoctl; output in $work/out and $work/err, exit status in $status.
run()
{
	"$mhoctl" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

# expect NAME STATUS PATTERN WORDS...: exit status and something on standard error.
expect()
{
	local name=$1 wanted=$2 pattern=$3
	shift 3
	run "$@"
	{
		echo "exit status $status, wanted $wanted; standard error:"
		cat "$work/err"
	} >"$work/why"
	[ "$status" -eq "$wanted" ] && grep -q -- "$pattern" "$work/err"
	result $? "$name"
}

# same NAME: compares standard input with a golden file, in which versions of mho are N.N.N.
same()
{
	local name=$1
	sed -E 's/\b((libmho|firmware|version)\b[^0-9]*)[0-9]+\.[0-9]+\.[0-9]+\b/\1N.N.N/g; s/ +$//' \
		>"$work/$name"
	if [ -n "$update" ]; then
		mkdir -p "$golden" && cp "$work/$name" "$golden/$name"
	fi
	check "golden $name" diff -u "$golden/$name" "$work/$name"
}

# What a JSON document consists of: paths and types, list indices as [].
shape()
{
	jq -r '[paths(true) as $p | {p: ($p | map(if type == "number" then "[]" else . end)
		| join(".")), t: (getpath($p) | type)}] | unique | .[] | "\(.p) \(.t)"' "$1"
}

# ---- help, versions, wrong words ----

test_help()
{
	local verb

	run --help
	same help.txt <"$work/out"
	for verb in $(jq -r '.verbs[].name' "$work/metadata"); do
		run "$verb" --help
		echo "== $status"
		cat "$work/out"
	done >"$work/help"
	same help-verbs.txt <"$work/help"
	run help topo
	check 'help VERB is VERB --help' grep -q '^usage: mhoctl topo' "$work/out"
	run --version
	check '--version' grep -Eq '^mhoctl [0-9]+\.[0-9]+\.[0-9]+ \(libmho [0-9.]+\)$' "$work/out"
}

test_usage()
{
	expect 'no verb' 2 '^usage:'
	expect 'wrong verb' 2 'no verb "lst"' lst
	expect 'wrong option' 2 'option --tils' topo --tils
	expect 'wrong letter' 2 'option -x' list -x
	expect 'option without its value' 2 'needs a value' list --scheme
	expect 'wrong value' 2 'one of: emu accel' list --scheme=usb
	expect 'no number' 2 'whole number' calibrate --tile first
	expect 'number out of range' 2 'from 5 to' bench --repetitions 1
	expect 'an argument too many' 2 'one argument too many' info emu: emu:
	expect 'two forms at once' 2 'only one of' topo --tiles --tech
	expect 'a graph is no JSON' 2 'does not go with' topo --dot --json
	expect 'two kinds of self-test' 2 'not both' selftest --quick --full
	expect 'unknown part of bench' 2 'neither a URI' bench mvn
	expect 'root that is no directory' 2 'not a directory' doctor --root "$work/none"
	expect 'utils without a word' 2 'usage' utils
	expect 'top of an emulated card that does nothing' 2 'top --load emu:' top -b emu:
	expect 'no order' 2 'one of: busy' top --sort size
	expect 'no delay' 2 'number of seconds' top --delay soon --load emu:
	expect 'delay out of range' 2 'from 0.1 to' top --delay 0 --load emu:
	expect 'no number of samples' 2 'whole number' top -n 0 --load emu:
	expect 'fw without a word' 2 'usage' fw
	expect 'fw without what to show' 2 'usage' fw show
	expect 'reset without a device' 2 'which device' reset --yes
	expect 'a trace for standard output' 2 'standard output' trace -o -
	expect 'a trace of no time' 2 'from 1 to' trace -d 0
	expect 'a trace without tracefs' 3 'mount -t tracefs' trace -r "$work/none"
	mkdir -p "$work/no-driver/sys/kernel/tracing/instances"
	expect 'a trace without a driver' 3 'modprobe mho' trace -r "$work/no-driver"
	expect 'reset without a terminal' 2 '--yes says' reset emu:small
}

# ---- devices ----

test_devices()
{
	local verb

	run list
	same list.txt <"$work/out"
	run info --io thread emu:small
	same info.txt <"$work/out"
	run topo emu:small
	same topo.txt <"$work/out"
	run topo --tiles emu:small
	same topo-tiles.txt <"$work/out"
	run topo --tech emu:small
	same topo-tech.txt <"$work/out"
	run topo --dot emu:small
	same topo.dot <"$work/out"
	run topo --dts emu:small
	check 'topo --dts is device-tree source' grep -q '^/dts-v1/;' "$work/out"
	run selftest --full emu:small
	check 'full self-test passes' test $status -eq 0
	run calibrate --tile 0 emu:small
	check 'calibrate says what it did' grep -qx 'tile 0 calibrated' "$work/out"
	run calibrate emu:small
	check 'calibrate does all tiles' grep -qx 'all tiles calibrated' "$work/out"
	run log --level info emu:small
	check 'the log has entries' test -s "$work/out"
	for verb in info topo telemetry log selftest; do
		run "$verb"
		check "$verb says which device it took" grep -q 'no URI given, using emu:' "$work/err"
	done
	for io in uring thread; do
		run info --json --io $io emu:small
		if [ $io = uring ] && [ $status -eq 3 ]; then
			skip "info --io $io" 'io_uring is forbidden here'
		else
			check "info --io $io" test "$(jq -r .io "$work/out")" = $io
		fi
	done
}

test_bad_devices()
{
	echo 'no device tree' >"$work/bad.dtb"
	expect 'URI of nothing' 3 'nothing' info nothing:
	expect 'URI without scheme' 3 'small' info small
	expect 'unknown name' 3 'gigantic' info emu:gigantic
	expect 'unknown parameter' 3 'colour' info 'emu:small?colour=red'
	expect 'file that is not there' 3 'none.dtb' topo "emu:$work/none.dtb"
	expect 'file that is no topology' 3 'bad.dtb' topo "emu:$work/bad.dtb"
	expect 'no such tile' 3 'tile' calibrate --tile 100000 emu:small
	chmod 000 "$work/bad.dtb"
	if [ "$(id -u)" != 0 ]; then
		expect 'file that may not be read' 3 'Permission denied' topo "emu:$work/bad.dtb"
	elif setpriv --inh-caps=-all --bounding-set=-all true 2>/dev/null; then
		setpriv --inh-caps=-all --bounding-set=-all "$mhoctl" topo "emu:$work/bad.dtb" \
			>"$work/out" 2>"$work/err"
		check 'file that may not be read' grep -q 'Permission denied' "$work/err"
	else
		skip 'file that may not be read' 'root may read everything here'
	fi
}

# ---- JSON and output ----

test_json()
{
	local line name

	while read -r name line; do
		# shellcheck disable=SC2086 # words of a command line
		run $line
		check "$name has its schema" jq -e --arg s "mho.$name/1" '.schema == $s' "$work/out"
		shape "$work/out" | same "json-$name.txt"
	done <<-'END'
		list list --json
		info info --json emu:small
		topo topo --json emu:small
		telemetry telemetry --json emu:small
		log log --json emu:small
		selftest selftest --json emu:small
		calibrate calibrate --json --tile 0 emu:small
		reset reset --json --yes emu:small
		bench bench --json -n 5 -m 1 emu: update
		metadata utils dump-metadata
	END
	run doctor --json
	check 'doctor has its schema' jq -e '.schema == "mho.doctor/1"' "$work/out"
	check 'doctor tries the emulator' jq -e \
		'.checks[] | select(.check == "emulator") | .state == "ok"' "$work/out"
}

# ---- firmware and reset ----

test_firmware()
{
	local image=$source_dir/build/firmware/mho-1.itb

	[ -n "${MHO_BUILD:-}" ] && [ -e "$MHO_BUILD/firmware/mho-1.itb" ] &&
		image=$MHO_BUILD/firmware/mho-1.itb
	cp "$image" "$work/mho-1.itb"
	cd "$work" || exit 1
	run fw show emu:small
	check 'the image that is built in runs' grep -q '^interface *1\.0$' "$work/out"
	run fw show mho-1.itb
	sed -E 's/[0-9]+ bytes/N bytes/; s/[0-9a-f]{64}/HASH/; s/^built .*/built T/
		s/^(version *)[0-9.]+$/\1N.N.N/' "$work/out" | same fw-image.txt
	run fw show --json emu:small
	shape "$work/out" | same json-fw-running.txt
	cp "$work/out" "$work/running"
	run fw show --json mho-1.itb
	shape "$work/out" | same json-fw-image.txt
	check 'a card runs what the file says' test "$(jq -r .sha256 "$work/running")" = \
		"$(jq -r .sha256 "$work/out")"

	{ cat mho-1.itb; printf behind; } >longer.itb
	run fw show longer.itb
	check 'what lies behind an image does not count' grep -q 'and 6 behind them' "$work/out"
	head -c 700 mho-1.itb >short.itb
	expect 'image that is cut off' 1 'cut off after 700 bytes; .* copy it again' fw show short.itb
	: >empty.itb
	expect 'empty image' 1 'cut off after 0 bytes' fw show empty.itb
	sed 's/The firmware of/The firmware if/' mho-1.itb >changed.itb
	expect 'damaged image' 1 '/images/code does not match' fw show changed.itb
	check 'what was read of it is shown' grep -q '^code .* sha256 wrong' "$work/out"
	expect 'image that is none' 1 'another kind of file' fw show "$mhoctl"
	expect 'image for other cards' 1 'no configuration is compatible' fw show \
		<(sed 's/mho,card-1/mho,card-2/' mho-1.itb)
	truncate -s 5M large.itb
	expect 'image that is too large' 1 'more than 4194304 bytes' fw show large.itb
	expect 'no such image' 3 'No such file' fw show none.itb
	expect 'a directory' 3 'Is a directory' fw show .
	cd "$here" || exit 1
}

test_reset()
{
	run reset --yes emu:small
	check 'reset says what it did' grep -q 'was reset in .* and works' "$work/out"
	if ! command -v script >/dev/null; then
		skip 'reset asks' 'no script(1)'
		return
	fi
	echo n | script -qec "'$mhoctl' reset emu:small" /dev/null >"$work/why" 2>&1
	[ $? -eq 1 ] && grep -q 'nothing was done' "$work/why" && grep -q 'Lost: jobs' "$work/why"
	result $? 'reset asks, and no is no'
	echo y | script -qec "'$mhoctl' reset emu:small" /dev/null >"$work/why" 2>&1 &&
		grep -q 'was reset' "$work/why"
	result $? 'reset asks, and yes is yes'
}

# ---- top ----

# make_client PID COMM FD ID PDEV LINES: a process below $root with a device file open.
make_client()
{
	local process=$root/proc/$1

	mkdir -p "$process"/{fd,fdinfo}
	printf 'Name:\t%s\nUid:\t%s\t%s\t0\t0\n' "$2" 1000 1000 >"$process/status"
	echo "$2" >"$process/comm"
	ln -sf /dev/accel/accel0 "$process/fd/$3"
	printf 'pos:\t0\nflags:\t02100002\ndrm-driver:\tmho\ndrm-client-id:\t%s\ndrm-pdev:\t%s\n%b' \
		"$4" "$5" "$6" >"$process/fdinfo/$3"
}

# A card at 0000:01:00.0 with two users, a third program on another card, and noise.
make_busy_root()
{
	local device

	root=$(make_root busy)
	device=$root/sys/bus/pci/devices/0000:01:00.0
	rm -r "$root/sys/class/accel/accel0/device"
	ln -s ../../../bus/pci/devices/0000:01:00.0 "$root/sys/class/accel/accel0/device"
	ln -s ../../drivers/mho "$device/driver"
	mkdir -p "$device/hwmon/hwmon3"
	echo 'mho made-up' >"$device/model"
	echo 1.2.3 >"$device/fw_version"
	echo 41500 >"$device/hwmon/hwmon3/temp1_input"
	echo 2500000 >"$device/hwmon/hwmon3/power1_average"
	echo 7000000 >"$device/hwmon/hwmon3/energy1_input"
	make_client 200 trainer 5 7 0000:01:00.0 \
		'mho-device-time:\t2000000 ns\ndrm-total-memory:\t3 MiB\nmho-queues:\t2\nnew-key:\t?\n'
	# The same file in a child, and once more in the parent.
	make_client 201 child 6 7 0000:01:00.0 'mho-device-time:\t2000000 ns\n'
	make_client 200 trainer 9 7 0000:01:00.0 'mho-device-time:\t2000000 ns\n'
	make_client 30 $'inf\033er' 4 8 0000:01:00.0 'mho-device-time:\t500 ns\ndrm-total-memory:\t12\n'
	make_client 31 other 4 9 0000:02:00.0 'mho-device-time:\t1 ns\n'
	make_client 32 gpu 4 10 0000:01:00.0 ''
	sed -i 's/mho$/i915/' "$root/proc/32/fdinfo/4"
	mkdir -p "$root/proc/40/fd"
	ln -s 'socket:[1]' "$root/proc/40/fd/0"
	mkdir -p "$root/proc/not-a-process/fd"
}

test_top_made_up()
{
	make_busy_root
	run top -b -n 1 -d 0.1 --root "$root"
	same top-made-up.txt <"$work/out"
	run top --json -n 1 -d 0.1 --root "$root/" accel:0000:01:00.0
	jq 'del(.seconds)' "$work/out" | same top-made-up.json
	run top -b -n 1 -d 0.1 --sort memory --root "$root" accel:/dev/accel/accel0
	check 'order by memory' test "$(awk '/^ *[0-9]+ 1000/ { print $1 }' "$work/out" | xargs)" = \
		'200 30'
	expect 'made-up card that is not there' 3 'mhoctl doctor' top -b --root "$root" accel:accel7
	expect 'no load without a device' 3 'not open' top -b --load --root "$root"

	"$mhoctl" top --json -n 2 -d 1 --root "$root" >"$work/out" &
	sleep 0.3
	sed -i 's/2000000 ns/52000000 ns/' "$root"/proc/20[01]/fdinfo/*
	wait $!
	check 'what a program computes is its rate' jq -es 'map(.clients[] | select(.pid == 200) |
		.device_s_per_s) | max as $m | $m > 0.001 and $m <= 0.06' "$work/out"
}

test_top()
{
	run top -b -n 2 -d 0.1 --load emu:small
	check 'top shows two samples' test "$(grep -c '^card  *mho small, emu:small' "$work/out")" = 2
	check 'tiles under load are used' grep -Eq '^ *0 used +1 ' "$work/out"
	run top --json -n 1 -d 0.2 --load emu:small
	check 'top has its schema' jq -e '.schema == "mho.top/1"' "$work/out"
	shape "$work/out" | same json-top.txt
	check 'the load is seen' jq -e '.device.jobs_per_s > 0 and .device.busy > 0' "$work/out"
	"$mhoctl" top -n 1 -d 0.1 --load emu:small | head -n 1 >"$work/out"
	check 'top in a pipe prints tables' grep -q '^card' "$work/out"
	if command -v script >/dev/null; then
		TERM=dumb script -qec "'$mhoctl' top -n 1 -d 0.1 --load emu:small" /dev/null \
			>"$work/out" 2>&1 </dev/null
		check 'top on a dumb terminal prints tables' grep -q '^tiles busy' "$work/out"
	else
		skip 'top on a dumb terminal' 'no script(1)'
	fi
	"$mhoctl" top -b -n 1 -d 0.1 --load emu:small >/dev/full 2>"$work/why"
	[ $? -eq 3 ] && grep -q 'No space left' "$work/why"
	result $? 'full disk: top'
}

# ---- faults of mho-emud ----

# start_emud: mho-emud with its control socket at $work/control.
start_emud()
{
	"$(dirname "$mhoctl")/mho-emud" --socket "$work/emud" --control "$work/control" \
		--topology small >"$work/emud.log" 2>&1 &
	emud=$!
	for _ in {1..200}; do
		[ -S "$work/control" ] && return
		sleep 0.05
	done
}

# A pseudo-terminal in its usual settings, which change and echo what passes. It leads to the
# socket, and ends when its only user does.
serial_line='
import os, pty, select, socket, sys, termios, tty
near, far = pty.openpty()
wire = socket.socket(socket.AF_UNIX)
wire.connect(sys.argv[1])
usual = termios.tcgetattr(far)
tty.setraw(far)
os.write(near, b"an answer that came late")
select.select([far], [], [])
termios.tcsetattr(far, termios.TCSANOW, usual)
os.symlink(os.ttyname(far), sys.argv[2])
while True:
    for fd in select.select([near, wire.fileno()], [], [])[0]:
        data = os.read(fd, 4096)
        if not data:
            sys.exit()
        os.write(wire.fileno() if fd == near else near, data)
'

test_fault_serial()
{
	local line

	if ! command -v python3 >/dev/null; then
		skip 'over a serial line' 'no python3'
		return
	fi
	python3 -c "$serial_line" "$work/control" "$work/line" &
	serial=$!
	for _ in {1..200}; do
		[ -e "$work/line" ] && break
		sleep 0.05
	done
	run fault
	cp "$work/out" "$work/direct"
	stty -a -F "$work/line" >"$work/before"
	for line in 1 2; do
		run fault --control "$work/line"
		cat "$work/err" >>"$work/out"
		check "over a serial line, $line" diff -u "$work/direct" "$work/out"
	done
	stty -a -F "$work/line" >"$work/after"
	check 'its settings are put back' diff -u "$work/before" "$work/after"
	kill $serial
	wait $serial 2>/dev/null
	serial=
}

test_fault()
{
	local line

	unset MHO_CONTROL
	if ! [ -e /run/mho-emud.control ]; then
		expect 'no mho-emud is named' 2 'which mho-emud' fault
	fi
	expect 'no such control socket' 3 'No such file' fault -c "$work/none"
	expect 'a file is no control socket' 3 'neither a socket' fault -c "$work/metadata"
	expect 'a device is no control socket' 3 'no serial line' fault -c /dev/null
	expect 'the name of the socket is too long' 3 'No such file\|too long' fault -c \
		"$work/$(printf '%0150d' 0)"
	expect 'time-out of nothing' 2 'whole number from 1' fault -t 0 -c "$work/none"
	start_emud
	export MHO_CONTROL=$work/control

	run fault
	same fault-list.txt <"$work/out"
	tail -n +2 "$work/out" | awk '{ print $1 }' | sort >"$work/offered"
	jq -r '.verbs[] | select(.name == "fault").words[]' "$work/metadata" |
		grep -vx 'clear\|counters\|save\|renew' | sort >"$work/wanted"
	check 'mhoctl knows the faults that mho-emud has' diff -u "$work/wanted" "$work/offered"
	for line in 'hang 1 2' 'hang 2' 'bad-id' 'mmio-ones' 'cmd-error WORN_OUT 7' crash; do
		# shellcheck disable=SC2086 # words of a command line
		run fault $line
		cat "$work/out" "$work/err" >"$work/why"
		[ $status -eq 0 ] && ! [ -s "$work/why" ]
		result $? "fault $line"
	done
	run fault
	grep -E '^(hang|bad-id|mmio-ones|cmd-error|crash) ' "$work/out" | same fault-armed.txt
	run fault clear
	run fault --json
	check 'clear takes all back' jq -e '.ok and all(.armed[]; . == 0 or . == false)' "$work/out"
	run fault counters
	check 'counters has what happened' grep -qx 'fault_crash *1' "$work/out"
	run fault --json counters
	check 'the answer as it is' test "$(jq .counters.fault_crash "$work/out")" = 1
	run fault save
	check 'save saves' test $status -eq 0
	run fault renew
	check 'renew renews' test $status -eq 0
	expect 'unknown fault' 3 'there is no such fault' fault nonsense
	expect 'fault with a wrong argument' 3 'usage: fault hang' fault hang 1 many
	expect 'fault with too many arguments' 2 'one argument too many' fault hang 1 2 3 4
	expect 'fault as long as a line cannot be' 2 'no line' fault "$(printf '%0250d' 0)"
	run fault --json nonsense
	check 'a refusal is JSON, too' test "$status $(jq .ok "$work/out")" = '3 false'
	test_fault_serial
	kill -STOP $emud
	expect 'nobody answers' 3 'no answer .* within 1 s' fault --timeout 1
	kill -CONT $emud
	run fault die
	check 'die has no answer' test $status -eq 0
	wait $emud 2>/dev/null
	check 'and it was the end' test $? -eq 137
	expect 'nobody listens' 3 'nobody listens' fault
	emud=
	unset MHO_CONTROL
}

test_bench()
{
	local part

	for part in start mvm nop ways; do
		run bench -n 5 -m 1 --output "$work/bench.json" $part
		cp "$work/out" "$work/why"
		cat "$work/err" >>"$work/why"
		[ $status -eq 0 ] && jq -e '.errors == 0 and (.results | length > 0)
			and all(.results[]; .verdict == "skipped" or .ours > 0)' \
			"$work/bench.json" >>"$work/why"
		result $? "bench $part"
	done
	run bench -n 5 -m 1 --json --strict emu: update
	check '--strict fails if a bar is missed' jq -e --argjson status $status \
		'$status == if .missed > 0 then 1 else 0 end' "$work/out"
	expect 'bench cannot write its file' 3 'cannot be made' \
		bench -n 5 -m 1 --output "$work/none/x" emu: start
}

# Cells of known laws, measured with noise: the law is found, and its node is accepted.
test_fit()
{
	local law

	for law in constant-step linear-step exp-step pow-step; do
		awk -v law=$law 'BEGIN {
			srand(1); w = -1; print "pulses,value"; printf "0,%g\n", w
			for (k = 0; k < 2400; k++) {
				up = int(k / 300) % 2 == 0; f = 1
				if (law == "linear-step") f = up ? 1 - 0.3 * w : 1 + 0.5 * w
				if (law == "exp-step") f = up ? 1 - 0.2 * exp(1.5 * w) : 1 - 0.1 * exp(-2 * w)
				if (law == "pow-step") f = up ? ((1 - w) / 2) ^ 0.6 : ((1 + w) / 2) ^ 0.4
				s = (up ? 0.02 : 0.016) * f * (1 + 0.1 * (rand() + rand() - rand() - rand()))
				w += up ? s : -s; w = w > 1 ? 1 : w < -1 ? -1 : w
				printf "%d,%.6f\n", up ? 1 : -1, 100 + 50 * w
			}
		}' | sed 's/^0,-1$/0,50/' >"$work/$law.csv"
		run fit "$work/$law.csv"
		check "fit finds $law" grep -q "^mho,$law .*best" "$work/out"
		run fit --json "$work/$law.csv"
		cat "$work/out" >"$work/why"
		[ "$(jq -r .best "$work/out")" = "mho,$law" ]
		result $? "fit finds $law, in JSON"
		{
			printf '/dts-v1/;\n/ { compatible = "mho,card-1"; model = "fit";\n'
			printf '#address-cells = <1>; #size-cells = <1>;\ntechnologies { f: '
			jq -r .node "$work/out"
			printf '};\ntiles@0 { reg = <0 1>; rows = <8>; columns = <8>; technology = <&f>; };\n};\n'
		} >"$work/fit.dts"
		if command -v dtc >/dev/null; then
			dtc -q -I dts -O dtb -o "$work/fit.dtb" "$work/fit.dts" >"$work/why" 2>&1 &&
				"$mhoctl" topo --tech "emu:$work/fit.dtb" >"$work/out" 2>>"$work/why" &&
				grep -q "^fitted .*mho,$law" "$work/out"
			result $? "a card takes the fitted $law"
		else
			skip "a card takes the fitted $law" 'no dtc'
		fi
	done
	run fit --law soft-bounds "$work/linear-step.csv"
	check 'fit gives the node of a law by name' grep -q 'compatible = "mho,soft-bounds"' "$work/out"
	expect 'fit without a file' 2 'which FILE' fit
	expect 'fit of nothing' 3 'cannot be opened' fit "$work/none.csv"
	printf '1,2\nx,3\n' >"$work/bad.csv"
	expect 'fit of a bad line' 3 'line 2: not PULSES,VALUE' fit "$work/bad.csv"
	printf '1,2\n1,3\n-1,2\n' >"$work/bad.csv"
	expect 'fit of too little' 3 'at least 18 of each' fit "$work/bad.csv"
}

test_full_disk()
{
	local line

	while read -r line; do
		# shellcheck disable=SC2086 # words of a command line
		"$mhoctl" $line >/dev/full 2>"$work/why"
		[ $? -eq 3 ] && grep -q 'No space left' "$work/why"
		result $? "full disk: $line"
	done <<-'END'
		--help
		--version
		list
		list --json
		info emu:small
		topo --dts emu:small
		log emu:small
		doctor --json
		utils dump-metadata
	END
}

# ---- doctor on made-up systems ----

# make_root NAME: a system with a card on which all is well; prints its root.
make_root()
{
	local root=$work/$1 device

	mkdir -p "$root"/{boot,dev/accel,etc,usr/bin} "$root"/proc/{self,sys/kernel} \
		"$root"/sys/{class/accel/accel0/device,kernel/mm/transparent_hugepage} \
		"$root/sys/bus/pci/drivers/mho"
	device=$root/sys/bus/pci/devices/0000:01:00.0
	mkdir -p "$device"
	echo 0x1af4 >"$device/vendor"
	echo 0x10f0 >"$device/device"
	ln -s ../../../../bus/pci/drivers/mho "$root/sys/class/accel/accel0/device/driver"
	: >"$root/dev/accel/accel0"
	chmod 660 "$root/dev/accel/accel0"
	echo 6.12.0-test >"$root/proc/sys/kernel/osrelease"
	echo 0 >"$root/proc/sys/kernel/io_uring_disabled"
	printf 'CONFIG_DRM=m\nCONFIG_DRM_ACCEL=y\n' >"$root/boot/config-6.12.0-test"
	echo 'mho 65536 0 - Live 0x0000000000000000' >"$root/proc/modules"
	printf 'root:x:99990:\nrender:x:%s:\n' "$(id -g)" >"$root/etc/group"
	printf 'Name:\tmhoctl\nUid:\t99991\t99991\t99991\t99991\nGid:\t99991\t99991\t99991\t99991\nGroups:\t%s 99992 \n' \
		"$(id -g)" >"$root/proc/self/status"
	cat >"$root/proc/self/limits" <<-'END'
		Limit                     Soft Limit           Hard Limit           Units
		Max open files            1024                 4096                 files
		Max locked memory         8388608              8388608              bytes
		Max address space         unlimited            unlimited            bytes
	END
	printf 'MemTotal:       16000000 kB\nMemAvailable:    8192000 kB\n' >"$root/proc/meminfo"
	printf 'model name\t: test\nflags\t\t: fpu avx2 f16c popcnt sse2\n' >"$root/proc/cpuinfo"
	echo 'always [madvise] never' >"$root/sys/kernel/mm/transparent_hugepage/enabled"
	printf '#!/bin/sh\n' >"$root/usr/bin/dtc"
	chmod 755 "$root/usr/bin/dtc"
	echo "$root"
}

without_card()
{
	rm -r "$1/sys/bus/pci/devices" "$1/sys/class" "$1/dev/accel" "$1/proc/modules"
}

# diagnose NAME STATUS: golden output of doctor on $work/NAME, and its exit status.
diagnose()
{
	local name=$1 wanted=$2

	run doctor --json --root "$work/$name"
	check "doctor on $name: exit status $wanted" test $status -eq "$wanted"
	jq -r '(.checks[] | "\(.state) \(.check): \(.found)", (.remedy // empty | "    -> " + .)),
		"problems: \(.problems), notes: \(.notes). \(.summary)"' "$work/out" |
		sed -E "s|liburing\.so.*|liburing.so|" | same "doctor-$name.txt"
}

test_doctor()
{
	local root

	make_root good >/dev/null
	diagnose good 0
	run doctor --root "$work/good"
	sed -E 's|liburing\.so.*|liburing.so|' "$work/out" | same doctor-table.txt

	root=$(make_root no-card)
	without_card "$root"
	echo 6.1.0-test >"$root/proc/sys/kernel/osrelease"
	echo 'CONFIG_DRM=m' >"$root/boot/config-6.1.0-test"
	sed -i '/render/d' "$root/etc/group"
	rm "$root/usr/bin/dtc"
	diagnose no-card 0

	root=$(make_root old-kernel)
	echo 6.1.0-test >"$root/proc/sys/kernel/osrelease"
	rm "$root"/boot/config-* "$root/proc/modules"
	diagnose old-kernel 1

	root=$(make_root no-accel)
	rm "$root"/boot/config-*
	printf '# CONFIG_DRM_ACCEL is not set\n' | gzip >"$root/proc/config.gz"
	diagnose no-accel 1

	root=$(make_root not-loaded)
	rm -r "$root/proc/modules" "$root/sys/class/accel/accel0/device/driver"
	mkdir -p "$root/lib/modules/6.12.0-test"
	echo 'updates/dkms/mho.ko.xz: kernel/drivers/gpu/drm/drm.ko.xz' \
		>"$root/lib/modules/6.12.0-test/modules.dep"
	diagnose not-loaded 1

	root=$(make_root no-node)
	rm "$root/dev/accel/accel0"
	diagnose no-node 1

	root=$(make_root no-group)
	sed -i 's/^Groups:.*/Groups:\t99992/' "$root/proc/self/status"
	diagnose no-group 1

	root=$(make_root no-permission)
	chmod 600 "$root/dev/accel/accel0"
	diagnose no-permission 1

	root=$(make_root no-io_uring)
	echo 2 >"$root/proc/sys/kernel/io_uring_disabled"
	diagnose no-io_uring 0

	root=$(make_root group-io_uring)
	echo 1 >"$root/proc/sys/kernel/io_uring_disabled"
	echo -1 >"$root/proc/sys/kernel/io_uring_group"
	diagnose group-io_uring 0

	root=$(make_root small)
	mkdir -p "$root/sys/fs/cgroup"
	echo 100000000 >"$root/sys/fs/cgroup/memory.max"
	sed -i 's/8388608 /65536   /; s/1024 /64   /; s/unlimited/1073741824/' "$root/proc/self/limits"
	echo 'always madvise [never]' >"$root/sys/kernel/mm/transparent_hugepage/enabled"
	echo 'flags : fpu sse2' >"$root/proc/cpuinfo"
	diagnose small 1

	mkdir "$work/empty"
	diagnose empty 0
}

# ---- completion and man page ----

# The completions of a command line, sorted.
complete_line()
{
	PATH=$(dirname "$mhoctl"):$PATH bash -c '
		. "$1"
		COMP_LINE=$2
		COMP_POINT=${#2}
		_mhoctl
		[ ${#COMPREPLY[@]} -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"' \
		- "$source_dir/runtime/tools/mhoctl/mhoctl.bash" "$1" | sort
}

# completes LINE: standard input has what should be offered.
completes()
{
	sort >"$work/wanted"
	complete_line "$1" >"$work/offered"
	check "completion of '$1'" diff -u "$work/wanted" "$work/offered"
}

test_completion()
{
	local verb option values

	{
		jq -r '.verbs[].name' "$work/metadata"
		printf '%s\n' --version --help
	} | completes 'mhoctl '
	for verb in $(jq -r '.verbs[].name' "$work/metadata"); do
		jq -r --arg v "$verb" '.verbs[] | select(.name == $v).options[] | "--" + .name' \
			"$work/metadata" | completes "mhoctl $verb --"
	done
	jq -r '.verbs[] | .name as $v | .options[] | select(.values != []) |
		"\($v) --\(.name) \(.values | join(","))"' "$work/metadata" >"$work/values"
	while read -r verb option values; do
		tr , '\n' <<<"$values" | completes "mhoctl $verb $option "
		tr , '\n' <<<"$values" | completes "mhoctl $verb $option="
	done <"$work/values"
	jq -r '.verbs[] | select(.name == "bench").words[]' "$work/metadata" |
		cat - <("$mhoctl" list | awk 'NR > 1 { print $1 }') | completes 'mhoctl bench '
	jq -r '.verbs[] | select(.name == "utils").words[]' "$work/metadata" |
		completes 'mhoctl utils '
	echo small | completes 'mhoctl info emu:sm'
	echo small | completes 'mhoctl reset emu:sm'
	echo small | completes 'mhoctl fw show emu:sm'
	echo show | completes 'mhoctl fw '
	echo small | completes 'mhoctl top --load emu:sm'
	jq -r '.verbs[] | select(.name == "fault").words[]' "$work/metadata" |
		completes 'mhoctl fault '
	printf '%s\n' hang hang-hard | completes 'mhoctl fault ha'
	: >"$work/card.itb"
	echo "$work/card.itb" | completes "mhoctl fw show $work/card"
	: >"$work/some-file"
	echo "$work/some-file" | completes "mhoctl bench --output $work/some-f"
	check 'completion is registered' bash -c '. "$1"; complete -p mhoctl' - \
		"$source_dir/runtime/tools/mhoctl/mhoctl.bash"
}

test_man_page()
{
	local page=$source_dir/docs/man/mhoctl.1 verb option

	jq -r '.verbs[] | .name as $v | .options[] | "\($v) \(.name)"' "$work/metadata" |
		while read -r verb option; do
			grep -q "^\.It Cm $verb" "$page" || echo "verb $verb"
			grep -Eq "Fl (. , )?-$option( |\$)" "$page" || echo "option --$option of $verb"
		done >"$work/missing"
	check 'the man page has every verb and option' diff -u /dev/null "$work/missing"
}

if ! [ -x "$mhoctl" ]; then
	echo "Bail out! $mhoctl is not there: run make first"
	exit 1
fi
run utils dump-metadata
cp "$work/out" "$work/metadata"
# Versions of json-c differ in white space.
jq . "$work/metadata" | same metadata.json
test_help
test_usage
test_devices
test_bad_devices
test_json
test_firmware
test_reset
test_top
test_top_made_up
test_fault
test_fit
test_bench
test_full_disk
test_doctor
test_completion
test_man_page
echo "1..$count"
[ $failures -eq 0 ]
