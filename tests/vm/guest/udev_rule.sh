#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# The udev rule, under the real udevd: who may use the node, and the names that it
# gets, which go when the driver goes.
number=0

# verdict STATUS TITLE
verdict()
{
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
	fi
}

# leads_to LINK NODE
leads_to()
{
	[ "$(readlink -f "$1")" = "$2" ]
}

gone()
{
	[ ! -L "/dev/accel/by-id/mho-$serial" ] && [ ! -L "/dev/accel/by-path/pci-$card" ]
}

back()
{
	leads_to "/dev/accel/by-id/mho-$serial" \
		"/dev/accel/$(basename /sys/bus/pci/devices/"$card"/accel/accel*)"
}

# eventually CONDITION: "udevadm settle" returns at once if udevd has not heard of the event yet.
eventually()
{
	for _ in $(seq 300); do
		"$1" && return
		sleep 0.1
	done
	return 1
}

card=$(basename "$(dirname /sys/bus/pci/drivers/mho/*/vendor)")
serial=$(cat "/sys/bus/pci/devices/$card/serial")
node=/dev/accel/$(basename /sys/bus/pci/devices/"$card"/accel/accel*)

echo 1..6
/usr/lib/systemd/systemd-udevd --daemon 2>/tmp/udevd.log
udevadm trigger --action=add --subsystem-match=accel
udevadm settle --timeout=30
verdict $? "udevd has seen the card"
[ "$(stat -c '%G %a' "$node")" = "render 660" ]
verdict $? "$node is for the group render"
leads_to "/dev/accel/by-id/mho-$serial" "$node"
verdict $? "by-id/mho-$serial leads to it"
leads_to "/dev/accel/by-path/pci-$card" "$node"
verdict $? "by-path/pci-$card leads to it"

echo "$card" >/sys/bus/pci/drivers/mho/unbind
eventually gone
verdict $? "the names go with the driver"
echo "$card" >/sys/bus/pci/drivers/mho/bind
eventually back
verdict $? "and come back with it"
udevadm control --exit
sed 's/^/# /' /tmp/udevd.log
