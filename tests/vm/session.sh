#!/bin/bash
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# One guest with its device, from start to power-off. Runs inside the tree
# (in-tree.sh), which ends QEMU and mho-emud with it. run.sh prepares what it uses.
#
#	session.sh KVER MODE RUNDIR INITRAMFS
#
# Environment: KROOT (where the kernel's boot is, /), ACCEL (tcg, kvm; empty: whatever a probe says), PROFILE (below), TOPOLOGY, EMUD
# (more options of mho-emud), FAULT (a fault of mho-emud's, armed before the guest starts), APPEND
# (more of the kernel's command line), MEM, SMP.
#
# Profiles: native (PCI Express' own hot-plug, MSI-X: resets and error recovery work), plug (ACPI
# hot-plug, MSI: the card can be pulled; QEMU aborts when one with MSI-X is), iommu (as native, with
# an IOMMU: the card reaches only what the driver has mapped), leaks (as native, on a debug kernel that
# keeps account of all memory).
#
# Left in RUNDIR: console.log, results.log (what the guest wrote on ttyS1), kmsg.log (ttyS2:
# all kernel messages), qemu.log, emud.log, counters*.json (mho-emud's, at its end). The guest's
# ttyS3 leads to relay.py, through which tests order faults.
#
# Form of results.log: "@begin NAME", the KTAP that the test printed, "@end NAME STATUS", for each
# test, and "@done" after the last one.
set -u

kver=$1
mode=$2
run=$3
emud=/vm/out/bin/mho-emud
initramfs=$4
here=$(dirname "$0")
profile=${PROFILE:-native}
device=()
acpi_hotplug=off
machine_devices=()
append=

die()
{
	printf 'mho: %s\n' "$*" >&2
	exit 1
}

# qemu ACCEL MODE OPTIONS...
qemu()
{
	local accel=$1 mode=$2
	shift 2
	local loglevel=5
	[ "$accel" != tcg ] || accel=tcg,thread=multi
	# What an emulated IOMMU needs; without one it costs little.
	[ "$accel" != kvm ] || accel=kvm,kernel-irqchip=split
	# Warnings would come between a developer and the prompt; dmesg has them.
	[ "$mode" != shell ] || loglevel=3
	# The guest's memory is a file, so that the device reaches it without messages. On a busy host
	# a guest's timer may be too slow for the kernel's test of it, which ends in a panic.
	qemu-system-x86_64 -accel "$accel" -cpu max -smp "${SMP:-2}" -m "${MEM:-1G}" \
		-object "memory-backend-memfd,id=ram,size=${MEM:-1G},share=on" \
		-machine q35,memory-backend=ram -nodefaults -no-user-config \
		-display none -no-reboot -global \
		"ICH9-LPC.acpi-pci-hotplug-with-bridge-support=$acpi_hotplug" \
		-kernel "${KROOT:-}/boot/vmlinuz-$kver" -initrd "$initramfs" \
		-append "console=ttyS0 loglevel=$loglevel log_buf_len=4M panic=-1 oops=panic no_timer_check \
mho_vm.mode=$mode OPENBLAS_CORETYPE=$OPENBLAS_CORETYPE $append ${APPEND:-}" "$@"
}

# The kernel hands words that it does not know to init as its environment.
OPENBLAS_CORETYPE=$("$here/processor.sh")
export OPENBLAS_CORETYPE

# A /dev/kvm that can be opened proves nothing: KVM counts where a guest came up with it.
# The answer holds for this kernel until the host is booted again.
accelerator()
{
	local answer
	answer=/vm/accel/$kver-$(cat /proc/sys/kernel/random/boot_id)
	if ! [ -s "$answer" ]; then
		mkdir -p /vm/accel
		rm -f "/vm/accel/$kver"-*
		echo tcg >"$answer.$$"
		if [ -w /dev/kvm ] && timeout -k 1 15 bash -c "$(declare -f qemu)
			kver=$kver initramfs=$initramfs acpi_hotplug=off
			qemu kvm probe -serial stdio" </dev/null 2>/dev/null |
			grep -q MHO-GUEST-RUNS; then
			echo kvm >"$answer.$$"
		fi
		mv "$answer.$$" "$answer"
	fi
	cat "$answer"
}

start_device()
{
	local words=() waited card
	[ -z "${TOPOLOGY:-}" ] || words+=(--topology "$TOPOLOGY")
	[ "$profile" != plug ] || words+=(--msi)
	# shellcheck disable=SC2206 # options, separated by spaces
	words+=(${EMUD:-})
	words=(--socket "$run/dev" --control "$run/control" --state "$run/card.state"
		--log-level warning "${words[@]}")
	card="{\"driver\":\"vfio-user-pci\",\"id\":\"mho0\",\"bus\":\"rp0\",
		\"socket\":{\"type\":\"unix\",\"path\":\"$run/dev\"}}"
	"$here/relay.py" "$run" "$card" "$emud" "${words[@]}" 2>"$run/relay.log" </dev/null &
	relay_pid=$!
	for ((waited = 0; waited < 400; waited++)); do
		[ -e "$run/relay-ready" ] && break
		kill -0 $relay_pid 2>/dev/null || break
		sleep 0.05
	done
	if ! [ -e "$run/relay-ready" ]; then
		cat "$run/relay.log" "$run/emud.log" >&2
		die "the card does not start: $emud ${words[*]}"
	fi
	# shellcheck disable=SC2054 # commas of QEMU's
	device=("${machine_devices[@]}" -device "pcie-root-port,id=rp0,chassis=1,slot=1"
		-device "$card"
		-chardev "socket,id=control,path=$run/relay" -serial chardev:control
		-qmp "unix:$run/relay-qmp")
}

# control LINE: what mho-emud answers.
control()
{
	echo "$1" | socat -t 5 - "UNIX-CONNECT:$run/control"
}

# Resets of the slot and error reporting need the native hot-plug of PCI Express.
case $profile in
native) ;;
leaks) append=kmemleak=on ;;
plug) acpi_hotplug=on ;;
iommu)
	machine_devices=(-device "intel-iommu,intremap=on,caching-mode=on")
	append=intel_iommu=on
	;;
*) die "there is no profile \"$profile\": native, plug, iommu, leaks" ;;
esac

if [ -x "$emud" ]; then
	start_device
	if [ -n "${FAULT:-}" ]; then
		answer=$(control "fault $FAULT")
		[[ $answer == *'"ok":true'* || $answer == *'"ok": true'* ]] ||
			die "mho-emud does not take FAULT=\"$FAULT\": $answer"
	fi
else
	printf 'mho: %s\n' "there is no mho-emud yet: the guest has no device" >&2
fi

# The order decides what is ttyS1 to ttyS3.
results=(-serial "file:$run/results.log" -serial "file:$run/kmsg.log"
	-qmp "unix:$run/qmp,server=on,wait=off")
accel=${ACCEL:-$(accelerator)}
if [ "$mode" = shell ]; then
	qemu "$accel" "$mode" -serial mon:stdio "${results[@]}" "${device[@]}" \
		2>"$run/qemu.log"
else
	qemu "$accel" "$mode" -serial "file:$run/console.log" "${results[@]}" "${device[@]}" \
		</dev/null 2>"$run/qemu.log"
fi
status=$?
[ $status -eq 0 ] || cat "$run/qemu.log" >&2
if [ -n "${relay_pid:-}" ]; then
	kill "$relay_pid"
	wait "$relay_pid" || cat "$run/relay.log" >&2
	cat "$run/relay.log" >>"$run/emud.log"
fi
exit $status
