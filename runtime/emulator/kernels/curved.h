/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Pulses at cells whose step is no straight line in the weight, or whose noise is
 * not relative to the step. Part of kernels.c, Others are in straight.h.
 */
#ifndef MHO_KERNELS_CURVED_H
#define MHO_KERNELS_CURVED_H

/* Ions up to which their number is found by adding up probabilities. */
#define IONS_FEW 12.0f
/* Terms of that: more than 40 of 12 ions have a chance of 1e-10. */
#define IONS_TERMS 48

/**
 * struct curve - what a pulse does at each cell of a group, in the direction that it is to have
 * @step: before the factor that depends on the weight, with sign
 * @noise: additive noise: step that it is relative to
 * @min: lower bound
 * @max: upper bound
 * @range: 1 / (max - min)
 * @power: POW: exponent
 * @slope: LINEAR, SOFT: change of the step per weight
 */
struct curve {
	float step[VEC_GROUP];
	float noise[VEC_GROUP];
	float min[VEC_GROUP];
	float max[VEC_GROUP];
	float range[VEC_GROUP];
	float power[VEC_GROUP];
	float slope[VEC_GROUP];
};

/* The other loops do all but these. */
static inline int is_curved(const struct mho_row *row)
{
	return row->form > MHO_FORM_SOFT || row->noise != MHO_PULSE_MULTIPLICATIVE;
}

/* Of two numbers of each cell the one for its direction. */
VEC_INLINE void choose_half(float *restrict out, const uint16_t *up_half, const uint16_t *down_half,
			    const uint32_t *restrict negative, const int lanes)
{
	float up[VEC_GROUP], down[VEC_GROUP];

	vec_halves(up, up_half, lanes);
	vec_halves(down, down_half, lanes);
	for (int j = 0; j < lanes; j++)
		out[j] = (int32_t)negative[j] < 0 ? down[j] : up[j];
}

VEC_INLINE void load_curve(struct curve *k, const struct cells *c, const struct mho_row *row,
			   const int lanes)
{
	size_t size = (size_t)lanes * sizeof(float);
	struct steps s;

	load_steps(&s, c, row->form, row->step, lanes);
	memcpy(k->step, s.step, size);
	memcpy(k->slope, s.slope, size);
	memcpy(k->min, s.min, size);
	memcpy(k->max, s.max, size);
	memcpy(k->noise, s.step, size);
	for (int j = 0; j < lanes; j++) {
		float range = s.max[j] - s.min[j];

		/* Beyond the end of the row there is nothing to divide by. */
		k->range[j] = range > 0 ? 1.0f / range : 0;
	}
	if (row->form == MHO_FORM_POW)
		choose_half(k->power, c->extra[0], c->extra[1], c->negative, lanes);
	if (row->form != MHO_FORM_LINEAR || !c->extra[2])
		return;
	choose_half(k->noise, c->extra[2], c->extra[3], c->negative, lanes);
	for (int j = 0; j < lanes; j++)
		k->noise[j] *= row->step;
}

VEC_INLINE void change_exp(float *restrict out, const float *restrict w, const struct curve *k,
			   const struct mho_curved *all, const uint32_t *restrict negative,
			   const int lanes)
{
	for (int j = 0; j < lanes; j++) {
		float z = all->scale * w[j] * k->range[j] + all->offset;
		float a = (int32_t)negative[j] < 0 ? all->a_down : all->a_up;
		float gamma = (int32_t)negative[j] < 0 ? all->gamma_down : all->gamma_up;
		float f = 1.0f - a * vec_exp2(gamma * z);

		out[j] = k->step[j] * (f > 0 ? f : 0);
	}
}

VEC_INLINE void change_pow(float *restrict out, const float *restrict w, const struct curve *k,
			   const uint32_t *restrict negative, const int lanes)
{
	for (int j = 0; j < lanes; j++) {
		float part = ((int32_t)negative[j] < 0 ? w[j] - k->min[j] : k->max[j] - w[j]) *
			     k->range[j];
		float f = vec_exp2(k->power[j] * vec_log2(part > 1e-30f ? part : 1.0f));

		out[j] = part > 1e-30f ? k->step[j] * f : 0;
	}
}

VEC_INLINE void change_piecewise(float *restrict out, const float *restrict w,
				 const struct curve *k, const struct mho_curved *all,
				 const uint32_t *restrict negative, const int lanes)
{
	for (int j = 0; j < lanes; j++) {
		const struct mho_curve *curve = (int32_t)negative[j] < 0 ? all->down : all->up;
		int32_t last = (int32_t)curve->points - 1, at;
		float u = (w[j] - k->min[j]) * k->range[j] * (float)last;

		u = u > 0 ? u : 0;
		at = (int32_t)u;
		at = at < last ? at : last - 1;
		u -= (float)at;
		u = u < 1.0f ? u : 1.0f;
		out[j] = k->step[j] *
			 (curve->step[at] + u * (curve->step[at + 1] - curve->step[at]));
	}
}

/* What a pulse does on average to cells of weights @w, in the direction of each. */
VEC_INLINE void change(float *restrict out, const float *restrict w, const struct curve *k,
		       const struct mho_row *row, const uint32_t *restrict negative,
		       const int lanes)
{
	switch (row->form) {
	case MHO_FORM_EXP:
		change_exp(out, w, k, row->curved, negative, lanes);
		break;
	case MHO_FORM_POW:
		change_pow(out, w, k, negative, lanes);
		break;
	case MHO_FORM_PIECEWISE:
		change_piecewise(out, w, k, row->curved, negative, lanes);
		break;
	default:
		for (int j = 0; j < lanes; j++)
			out[j] = k->step[j] + k->slope[j] * w[j];
		break;
	}
}

/*
 * Poisson numbers of mean @mean. Few: the number of partial sums of the probabilities that a
 * uniform number exceeds, which is exact. Many: the quantile of a Gaussian by the expansion of Giles
 * (ACM TOMS 42, 7, 2016), whose rounding errs with a chance below 1e-4 from IONS_FEW on.
 */
VEC_INLINE void count_ions(float *restrict ions, struct cells *c, const float *restrict mean,
			   const struct mho_row *row, uint32_t words2, const int lanes)
{
	const uint32_t *words = row->stream.words;
	const uint32_t few_words[3] = { words[0], words[1], words2 + MHO_STREAM_IONS };
	const uint32_t many_words[3] = { words[0], words[1], words2 };
	uint32_t r[VEC_GROUP];
	const float *z = c->z;
	float p[VEC_GROUP], sum[VEC_GROUP], few[VEC_GROUP], u[VEC_GROUP];

	cell_random(r, c, few_words, row->stream.key, lanes);
	cell_noise(c, many_words, row->stream.key, lanes);
	for (int j = 0; j < lanes; j++) {
		float m = mean[j] < IONS_FEW ? mean[j] : 0;

		u[j] = ((float)(int32_t)(r[j] >> 8) + 0.5f) * 0x1p-24f;
		p[j] = vec_exp2(m * -1.44269504f);
		sum[j] = p[j];
		few[j] = 0;
	}
	for (int n = 1; n < IONS_TERMS; n++) {
		float over = 1.0f / (float)n;

		for (int j = 0; j < lanes; j++) {
			float m = mean[j] < IONS_FEW ? mean[j] : 0;

			few[j] += u[j] > sum[j] ? 1.0f : 0.0f;
			p[j] *= m * over;
			sum[j] += p[j];
		}
	}
	for (int j = 0; j < lanes; j++) {
		float m = mean[j] < IONS_FEW ? IONS_FEW : mean[j], w = z[j], v = w * w;
		float root = __builtin_sqrtf(m), q;

		q = m + root * w + (1.0f / 3.0f + v * (1.0f / 6.0f)) -
		    w * (1.0f / 36.0f + v * (1.0f / 72.0f)) / root +
		    (-8.0f / 405.0f + v * (7.0f / 810.0f + v * (1.0f / 270.0f))) / m;
		q = q > 0 ? q : 0;
		/* Numbers that are too large for an integer have no fraction. */
		q = q < 1e9f ? (float)(int32_t)q : q;
		ions[j] = mean[j] < IONS_FEW ? few[j] : q;
	}
}

/*
 * Moves cells by @dw on average, in pulses of which the last makes @last; the squares of their
 * deviations, as they count in the end, are @left of what they are when they happen.
 */
VEC_INLINE void move(struct cells *c, const struct curve *k, const struct mho_row *row,
		     const float *restrict dw, const float *restrict last,
		     const float *restrict pulses, const float *restrict left, uint32_t words2,
		     const int lanes)
{
	float *restrict w = c->w;

	if (row->noise == MHO_PULSE_PROTONS) {
		float mean[VEC_GROUP], ions[VEC_GROUP], per = 1.0f / row->quantum;

		for (int j = 0; j < lanes; j++)
			mean[j] = __builtin_fabsf(dw[j]) * per;
		count_ions(ions, c, mean, row, words2, lanes);
		for (int j = 0; j < lanes; j++) {
			/* Ions are whole: a deviation that has shrunk is, too. */
			float n = mean[j] + (ions[j] - mean[j]) * __builtin_sqrtf(left[j]);
			float move = (left[j] < 1.0f ? vec_rint(n) : ions[j]) * row->quantum;

			w[j] = clip(w[j] + (dw[j] < 0 ? -move : move), k->min[j], k->max[j]);
		}
		return;
	}
	for (int j = 0; j < lanes; j++) {
		float spread = row->noise == MHO_PULSE_ADDITIVE ? k->noise[j] : last[j];

		spread = __builtin_fabsf(spread) + row->noise_add +
			 row->noise_slope * __builtin_fabsf(w[j]);
		spread *= row->std * __builtin_sqrtf(pulses[j] * left[j]);
		spread = pulses[j] > 0 && k->step[j] != 0 ? spread : 0;
		w[j] = clip(w[j] + dw[j] + spread * c->z[j], k->min[j], k->max[j]);
	}
}

/*
 * Mean of (1 + slope)^(2 k) over k below n, to fourth order: what is left of the squares of n equal
 * deviations, if each changes with the weight as the step does.
 */
static inline float squares_left(float n, float slope)
{
	float b = slope * (2.0f + slope);
	float left = 1.0f + b * (n - 1.0f) * 0.5f *
				    (1.0f + b * (n - 2.0f) * (1.0f / 3.0f) *
						    (1.0f + b * (n - 3.0f) * 0.25f));

	return left > 0 ? left : 0;
}

/*
 * n pulses at once: the sum over them of f, the step at the weight that a pulse finds. A parabola
 * through f at the first pulse, the middle and the last gives
 *	n f_mid + (f_first - 2 f_mid + f_last) n (n + 1) / (6 (n - 1)).
 * The weights in the middle and at the end follow by the midpoint rule. A deviation that one pulse
 * makes changes with the weight as the step does: relative ones all end as the last pulse's.
 */
VEC_INLINE void pulse_together(struct cells *c, const struct curve *k, const struct mho_row *row,
			       const int lanes)
{
	float first[VEC_GROUP], mid[VEC_GROUP], last[VEC_GROUP], at[VEC_GROUP], n[VEC_GROUP];
	float left[VEC_GROUP];
	float *restrict w = c->w;

	for (int j = 0; j < lanes; j++)
		n[j] = (float)(int32_t)c->count[j];
	change(first, w, k, row, c->negative, lanes);
	for (int j = 0; j < lanes; j++)
		at[j] = clip(w[j] + 0.25f * (n[j] - 1.0f) * first[j], k->min[j], k->max[j]);
	change(mid, at, k, row, c->negative, lanes);
	for (int j = 0; j < lanes; j++)
		at[j] = clip(w[j] + 0.5f * (n[j] - 1.0f) * mid[j], k->min[j], k->max[j]);
	change(mid, at, k, row, c->negative, lanes);
	for (int j = 0; j < lanes; j++)
		at[j] = clip(w[j] + (n[j] - 1.0f) * mid[j], k->min[j], k->max[j]);
	change(last, at, k, row, c->negative, lanes);
	for (int j = 0; j < lanes; j++) {
		float bent = first[j] - 2.0f * mid[j] + last[j];
		float weight = n[j] > 1.0f ? (n[j] + 1.0f) / (6.0f * (n[j] - 1.0f)) : 0;
		float way = (n[j] - 1.0f) * mid[j];
		float slope = way != 0 ? (last[j] - first[j]) / way : 0;

		at[j] = n[j] * (mid[j] + bent * weight);
		left[j] = row->noise != MHO_PULSE_MULTIPLICATIVE ? squares_left(n[j], slope) : 1.0f;
	}
	move(c, k, row, at, last, n, left, row->stream.words[2], lanes);
}

VEC_INLINE void pulse_apart(struct cells *c, const struct curve *k, const struct mho_row *row,
			    const int lanes)
{
	float dw[VEC_GROUP], once[VEC_GROUP], left[VEC_GROUP];
	uint32_t most = 0;

	for (int j = 0; j < lanes; j++)
		left[j] = 1.0f;
	for (int j = 0; j < lanes; j++)
		most = c->count[j] > most ? c->count[j] : most;
	for (uint32_t p = 0; p < most; p++) {
		uint32_t words[3] = { row->stream.words[0], row->stream.words[1],
				      row->stream.words[2] + (p << 16) };

		if (row->std > 0 && row->noise != MHO_PULSE_PROTONS)
			cell_noise(c, words, row->stream.key, lanes);
		change(dw, c->w, k, row, c->negative, lanes);
		for (int j = 0; j < lanes; j++) {
			once[j] = p < c->count[j] ? 1.0f : 0.0f;
			dw[j] *= once[j];
		}
		move(c, k, row, dw, dw, once, left, words[2], lanes);
	}
}

VEC_INLINE void pulse_curved(struct cells *c, const struct mho_row *row, const int lanes)
{
	struct curve k;

	load_curve(&k, c, row, lanes);
	memset(c->z, 0, (size_t)lanes * sizeof(*c->z));
	if (row->one_by_one) {
		pulse_apart(c, &k, row, lanes);
		return;
	}
	if (row->std > 0 && row->noise != MHO_PULSE_PROTONS)
		cell_noise(c, row->stream.words, row->stream.key, lanes);
	pulse_together(c, &k, row, lanes);
}

#endif
