# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# From the framed KTAP of a guest (session.sh describes it) to flat TAP without the
# plan. Programs that kselftest's runner names count as tests of their own. Of nested results the innermost count, and what they are part of only if it
# failed for another reason. A test that does not end, ends with a status that its
# cases do not explain, or does not keep to its plan is a failed case.

function report(ok, text)
{
	number++
	printf "%s %d - %s: %s\n", ok ? "ok" : "not ok", number, program ? program : test, text
	if (!ok)
		failed++
}

# text: the line from "ok" or "not ok" on.
function result(text, ok)
{
	ok = text ~ /^ok/
	# An expected failure is no failure.
	if (!ok && text ~ /# *(XFAIL|TODO|SKIP)/)
		ok = 1
	sub(/^(not )?ok *[0-9]* *(- )?/, "", text)
	report(ok, text)
}

function finish(status, why)
{
	if (planned < 0)
		why = "it printed no plan"
	else if (planned != outer)
		why = "it planned " planned " cases and reported " outer
	if (status == "lost")
		why = "it did not end"
	else if (status == 124 || status == 137)
		why = "it took too long"
	# kselftest: 4 is "skipped"; a failed case explains any status.
	else if (status != 0 && status != 4 && !failed)
		why = "it ended with status " status
	program = ""
	if (why != "")
		report(0, why)
	test = ""
}

/^@begin / {
	if (test != "")
		finish("lost")
	test = $2
	program = ""
	planned = -1
	outer = inner = inner_failed = failed = 0
	next
}
/^@end / && test != "" { finish($3); next }
test == "" { next }

# How the runner announces a program.
/^# selftests: / { program = $NF }

/^1\.\.[0-9]+/ { planned = substr($1, 4) + 0 }

/^(#|    ) *(not )?ok [0-9]/ {
	inner++
	line = $0
	sub(/^[# ]+/, "", line)
	before = failed
	result(line)
	inner_failed += failed - before
	next
}

/^(not )?ok( |$)/ {
	outer++
	if (!inner || (/^not/ && !inner_failed && !/# *(XFAIL|TODO|SKIP)/))
		result($0)
	inner = inner_failed = 0
	program = ""
	next
}

# The harness's own words on each case say no more than its result.
/^# +#  +(RUN|OK) / { next }

# What a test says besides.
!/^$/ && !/^[# ]*((KTAP|TAP) version|1\.\.)/ {
	sub(/^# /, "")
	print "# " (program ? program : test) ": " $0
}

END {
	if (test != "")
		finish("lost")
}
