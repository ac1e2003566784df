#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Traces on a card: mho-train --trace and mhoctl trace have application, queue, driver and device of
# every job, one in the other; without rights the application's part is there. KTAP.

# The number is not always 0: another test may have had the card while it was made anew.
accel=$(basename /sys/bus/pci/drivers/mho/*/accel/accel*)
node=/dev/accel/$accel
work=$(mktemp -d)
chmod 777 "$work"
cd "$work" || exit 1
count=0

# result STATUS NAME: one line; what was found is in out and err.
result()
{
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		sed 's/^/# /' out err
	fi
}

# A level of a job must be there as often as $3 says, or more for the queue, which has two.
# Stamps of the driver are rounded to microseconds.
levels()
{
	awk -v jobs="$2" '
	/"ph":"X"/ && /"job":"/ {
		split($0, part, /"job":"/); split(part[2], job, /"/); name = job[1]
		split($0, part, /"cat":"/); split(part[2], cat, /"/); level = cat[1]
		split($0, part, /"ts":/); split(part[2], ts, /,/)
		split($0, part, /"dur":/); split(part[2], dur, /,/)
		# A prepared sequence is one thing to the program, and many jobs to the driver.
		jobs_of = 1
		if (split($0, part, /"jobs":/) > 1)
			jobs_of = part[2] + 0
		digits = match(name, /[0-9]+$/)
		queue = substr(name, 1, digits - 1)
		first = substr(name, digits) + 0
		for (i = first; i < first + jobs_of; i++) {
			name = queue i
			seen[level, name]++
			begin[level, name] = ts[1]
			end[level, name] = ts[1] + dur[1]
			names[name]
		}
	}
	function within(inner, outer, name)
	{
		return begin[inner, name] >= begin[outer, name] - 0.6 &&
			end[inner, name] <= end[outer, name] + 0.6
	}
	END {
		for (name in names) {
			n++
			if (seen["application", name] != 1 || seen["driver", name] != 1 ||
			    seen["device", name] != 1 || !seen["queue", name]) {
				print "not all levels of job " name ": " seen["application", name] \
					" " seen["queue", name] " " seen["driver", name] " " \
					seen["device", name]
				bad++
			} else if (!within("driver", "application", name) ||
				   !within("device", "driver", name)) {
				print "job " name " is not nested"
				bad++
			}
		}
		print n + 0 " jobs, wanted " jobs " or more"
		exit bad || n < jobs
	}' "$1" >out 2>err
}

# The last line must end the document.
is_whole()
{
	[ "$(tail -n 1 "$1")" = ']}' ]
}

flows()
{
	[ "$(grep -c '"ph":"s"' "$1")" -gt 0 ] &&
		[ "$(grep -c '"ph":"s"' "$1")" -eq "$(grep -c '"ph":"f"' "$1")" ]
}

awk 'BEGIN {
	srand(1)
	for (i = 0; i < 40; i++)
		print rand() "," rand() "," i % 2
}' >data.csv
train="mho-train --quiet --data data.csv --device accel: --layers 4 --epochs 1 --no-reference"

echo 1..9
$train --trace train.json >out 2>err
result $? 'mho-train --trace'
levels train.json 20
result $? 'mho-train: all levels of each job, nested'
is_whole train.json && flows train.json
result $? 'mho-train: a whole document, with arrows from beginning to end'
grep -q "\"name\":\"driver of $accel\"" train.json && grep -q "\"name\":\"device $accel\"" train.json &&
	grep -q '"ph":"C".*"name":"energy (nJ)"' train.json
result $? 'mho-train: tracks of driver and device, and their counters'

mhoctl trace -o all.json --command "$train" >out 2>err &&
	grep -Eq '^all.json: [0-9]*[1-9][0-9]* jobs, 0 of them failed' out
result $? 'mhoctl trace: what a command did'
levels all.json 20
result $? 'mhoctl trace: all levels of each job, nested'
is_whole all.json && flows all.json && grep -q '"name":"mho-train"' all.json
result $? 'mhoctl trace: a whole document that names the program'
[ -z "$(ls /sys/kernel/tracing/instances)" ]
result $? 'no instance is left in tracefs'

chmod 666 "$node"
/usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups \
	/usr/bin/$train --trace nobody.json >out 2>err && grep -q 'needs root' err &&
	is_whole nobody.json && grep -q '"cat":"device"' nobody.json &&
	! grep -q '"cat":"driver"' nobody.json
result $? 'without rights: the application part, and what to do'
chmod 600 "$node"
cd /
rm -r "$work"
