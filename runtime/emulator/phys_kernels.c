// SPDX-License-Identifier: MIT
/*
 * Copyright (C) 2026 The mho authors
 *
 * Choice of the instruction set. The loops themselves are in kernels/.
 */
#include "emulator/phys_kernels.h"

#ifdef MHO_X86
#include <cpuid.h>
#endif
#include <string.h>

#ifdef MHO_X86
/*
 * By hand, since clang 14 does not know the name; AVX2, which is asked for too, needs the same
 * support by the system.
 */
static bool has_f16c(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") && has_f16c();
}

static bool has_avx512(void)
{
	return has_avx2() && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vpopcntdq");
}
#endif

const struct mho_kernels *mho_kernels_best(void)
{
#ifdef MHO_X86
	if (has_avx512())
		return &mho_kernels_avx512;
	if (has_avx2())
		return &mho_kernels_avx2;
#endif
	return &mho_kernels_generic;
}

const struct mho_kernels *mho_kernels_find(const char *name)
{
	if (!strcmp(name, "generic"))
		return &mho_kernels_generic;
#ifdef MHO_X86
	if (!strcmp(name, "avx2") && has_avx2())
		return &mho_kernels_avx2;
	if (!strcmp(name, "avx512") && has_avx512())
		return &mho_kernels_avx512;
#endif
	return NULL;
}
