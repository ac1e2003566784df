#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The mho authors
#
# OpenBLAS has other code, with other last bits, for other processors. The device runs on this one,
# what it is compared with may run on a guest's: both are to use what both have. Prints a name for
# OPENBLAS_CORETYPE.

# TCG has AVX2 and FMA, and all that is older.
if grep -qw avx2 /proc/cpuinfo && grep -qw fma /proc/cpuinfo; then
	echo Haswell
else
	echo Prescott
fi
