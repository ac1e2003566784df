#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# mhoctl on a card: top with a job running, reset, fw show; output and exit statuses.
# Here as root; mhoctl_users.sh does it as others, each in its own time. KTAP.

part=${part:-root}
# The number is not always 0: another test may have had the card while it was made anew.
accel=$(basename /sys/bus/pci/drivers/mho/*/accel/accel*)
node=/dev/accel/$accel
work=$(mktemp -d)
chmod 755 "$work"
count=0

# result STATUS NAME: one line; what was found is in $work/out and $work/err.
result()
{
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		sed 's/^/# /' "$work/out" "$work/err"
	fi
}

# run WORDS...: mhoctl as root; nobody WORDS...: as a user without any privilege.
run()
{
	mhoctl "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

nobody()
{
	/usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups \
		/usr/bin/mhoctl "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

# ends STATUS: how it ended; has PATTERN, complains PATTERN: what it said.
ends()
{
	[ "$status" -eq "$1" ]
}

has()
{
	grep -Eq -- "$1" "$work/out"
}

complains()
{
	grep -Eq -- "$1" "$work/err"
}

# Is busy with the card until it is killed; has computed something when this returns.
start_user()
{
	mhoctl top --json -d 0.2 --load accel: >"$work/user" 2>&1 &
	user=$!
	for _ in $(seq 300); do
		grep -q '"jobs_per_s": [0-9.e+]*[1-9]' "$work/user" && return
		sleep 0.1
	done
	echo "# the program that uses the card does nothing"
}

chmod 600 "$node"
address=$(basename "$(readlink "/sys/class/accel/$accel/device")")

as_root()
{
	echo 1..11
	run fw show accel:
	ends 0 && has '^interface +1\.0$' && has '^sha256 of code [0-9a-f]{64}$'
	result $? 'fw show: the running firmware'
	running=$(grep '^sha256 of code' "$work/out")
	run fw show /lib/firmware/mho/mho-1.itb
	ends 0 && [ "$(grep '^sha256 of code' "$work/out")" = "$running" ]
	result $? 'fw show: the card runs the image that is installed'

	start_user
	run top -b -n 2 -d 0.5
	ends 0 && [ "$(grep -c "^card .* $accel at $address, firmware" "$work/out")" -eq 2 ]
	result $? 'top: two samples of the card'
	has '^tiles busy +[0-9.]*[1-9][0-9.]*%' && has '^ *[0-9]+ used +[0-9]+ +[0-9.]*[1-9]'
	result $? 'top: tiles are busy'
	has "^ *$user root +[0-9.]+ [num]?s +[0-9.]+ [num]?s +[0-9.]+ KiB +1 mhoctl\$"
	result $? 'top: the program, its time, memory and queue'
	run top --json -n 1 -d 0.5 "accel:$address"
	ends 0 && has "\"location\": \"$address\"" && has '"jobs_per_s": [0-9.e+]*[1-9]'
	result $? 'top --json: the card by its address'

	run reset --yes accel:
	ends 0 && has 'was reset in .*, and works; resets since power-on: [1-9]'
	result $? 'reset: the card works again'
	kill -0 $user
	result $? 'reset: the program that computes survives it'
	run top -b -n 1 -d 0.5
	ends 0 && has '^tiles busy +[0-9.]*[1-9][0-9.]*%'
	result $? 'top: the program computes on'
	kill $user
	wait $user 2>/dev/null

	run top -b -n 1 accel:/dev/accel/accel9
	ends 3 && complains 'no /dev/accel/accel9.*mhoctl doctor'
	result $? 'no such card: top says so'
	run reset --yes accel:0000:ff:1f.7
	ends 3 && complains 'no PCI device 0000:ff:1f.7'
	result $? 'no such card: reset says so'
}

as_users()
{
	echo 1..7
	# Who may not open the card.
	start_user
	nobody top -b -n 1 -d 0.5
	ends 0 && has "^card .* $accel at $address" && has '^temperature +[0-9.]+ C' &&
		has 'group render'
	result $? 'user without the group: top shows the sensors, and what to do'
	has 'programs of other users are shown to root only' && ! has "^ *$user "
	result $? 'user without the group: other users are not shown'
	nobody reset --yes accel:
	ends 3 && complains 'may not open .* group render'
	result $? 'user without the group: reset says what to do'
	nobody fw show accel:
	ends 3 && complains 'group render'
	result $? 'user without the group: fw show says what to do'

	# Who may.
	chmod 666 "$node"
	nobody top -b -n 1 -d 0.5
	ends 0 && has '^tiles busy +[0-9.]*[1-9][0-9.]*%'
	result $? 'user: top shows tiles and rates'
	nobody fw show accel:
	ends 0 && has '^version'
	result $? 'user: fw show'
	nobody reset --yes accel:
	ends 3 && complains 'only root may'
	result $? 'user: reset is for root'
	kill $user
	wait $user 2>/dev/null
	chmod 600 "$node"
}

as_"$part"
rm -r "$work"
