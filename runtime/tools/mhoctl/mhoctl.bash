# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# Completion of mhoctl's command line for bash. Needs nothing but bash itself. The
# verbs and options here are those of "mhoctl utils dump-metadata"; the unit test
# cli_mhoctl.sh compares them.
# shellcheck shell=bash

_mhoctl_verbs='list info topo telemetry log selftest calibrate doctor bench fit fw reset top trace fault utils'

# Options of a verb.
_mhoctl_options()
{
	local open='--io --verbose --json --help'

	case $1 in
	list) echo '--scheme --json --help' ;;
	info | telemetry | fw) echo "$open" ;;
	topo) echo "--tiles --tech --dts --dot $open" ;;
	log) echo "--level $open" ;;
	selftest) echo "--quick --full $open" ;;
	calibrate) echo "--tile $open" ;;
	doctor) echo '--root --json --help' ;;
	bench) echo "--output --strict --repetitions --milliseconds --threads $open" ;;
	fit) echo '--law --json --help' ;;
	reset) echo "--yes $open" ;;
	top) echo "--batch --iterations --delay --sort --load --root $open" ;;
	trace) echo '--output --command --duration --root --json --help' ;;
	fault) echo '--control --timeout --json --help' ;;
	utils) echo '--json --help' ;;
	esac
}

# Completes the value of an option. Fails if it takes none.
_mhoctl_value()
{
	local option=$1 current=$2

	case $option in
	--scheme | -s) mapfile -t COMPREPLY < <(compgen -W 'emu accel' -- "$current") ;;
	--io) mapfile -t COMPREPLY < <(compgen -W 'auto uring thread' -- "$current") ;;
	--sort) mapfile -t COMPREPLY < <(compgen -W 'busy wear energy memory number' -- "$current") ;;
	--law)
		mapfile -t COMPREPLY < <(compgen -W \
			'constant-step linear-step soft-bounds exp-step pow-step piecewise-step' -- "$current")
		;;
	--level | -l) mapfile -t COMPREPLY < <(compgen -W 'error warning info debug' -- "$current") ;;
	--output | -o | --control | -c)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		;;
	--root | -r)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		;;
	--command) mapfile -t COMPREPLY < <(compgen -c -- "$current") ;;
	--tile | --repetitions | --milliseconds | --threads | --iterations | --delay | \
		--timeout | --duration | -[tnmd])
		COMPREPLY=()
		;;
	*) return 1 ;;
	esac
}

# Completes an argument of a verb: a device's URI, a file, and the words that some verbs have.
_mhoctl_argument()
{
	local command=$1 verb=$2 previous=$3 current=$4 words='' prefix

	case $verb in
	bench) words='start mvm update nop ways memory all' ;;
	utils) words='dump-metadata' ;;
	esac
	case $verb:$previous in
	fw:fw) words='show' ;;
	fault:fault)
		words='clear counters save renew hang hang-hard admin-hang cqe-lose cqe-duplicate'
		words+=' cqe-bad-cid cqe-garbage cmd-delay cmd-error fw-refuse boot-hang reset-hang'
		words+=' crash thermal-trip thermal-warn bad-id bad-version no-vectors irq-drop'
		words+=' rest irq-duplicate irq-spurious dma-fail mmio-delay mmio-ones disconnect die'
		;;
	info:* | topo:* | telemetry:* | log:* | selftest:* | calibrate:* | bench:* | fw:* | \
		reset:* | top:*)
		words+=" $("$command" list 2>/dev/null | awk 'NR > 1 { print $1 }')"
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
	if [ "$verb $previous" = 'fw show' ]; then
		compopt -o filenames 2>/dev/null
		mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$current")
	fi
	# For readline a word begins after a colon.
	if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
		prefix=${current%:*}:
		COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
	fi
}

_mhoctl()
{
	local line=${COMP_LINE:0:COMP_POINT} words current previous

	# Not COMP_WORDS: those are split at colons and equals signs.
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=('')
	COMPREPLY=()
	current=${words[-1]}
	previous=${words[-2]-}
	if [ ${#words[@]} -le 2 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$_mhoctl_verbs --version --help" -- "$current")
	elif [[ $current == --*=* ]]; then
		_mhoctl_value "${current%%=*}" "${current#*=}"
	elif _mhoctl_value "$previous" "$current"; then
		:
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_mhoctl_options "${words[1]}")" -- "$current")
	else
		_mhoctl_argument "${words[0]}" "${words[1]}" "$previous" "$current"
	fi
}

complete -F _mhoctl mhoctl
