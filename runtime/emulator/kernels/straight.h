/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * Pulses at cells whose step is constant or a straight line in the weight, with noise
 * relative to the step. Part of kernels.c. Other cells are in curved.h.
 */
#ifndef MHO_KERNELS_STRAIGHT_H
#define MHO_KERNELS_STRAIGHT_H

/* n pulses of a constant step at once: n steps, and a spread that grows with the root of n. */
VEC_INLINE void pulse_constant(const struct cells *c, float nominal, float std, const int lanes)
{
	float up[VEC_GROUP], down[VEC_GROUP], min[VEC_GROUP], max[VEC_GROUP];
	float *restrict w = c->w;

	vec_halves(up, c->up, lanes);
	vec_halves(down, c->down, lanes);
	vec_halves(min, c->min, lanes);
	vec_halves(max, c->max, lanes);
	for (int j = 0; j < lanes; j++) {
		float n = (float)(int32_t)c->count[j];
		float step = (int32_t)c->negative[j] < 0 ? -down[j] : up[j];
		float dw = step * nominal * (n + std * __builtin_sqrtf(n) * c->z[j]);

		w[j] = clip(w[j] + dw, min[j], max[j]);
	}
}

/**
 * struct steps - what a pulse does at each cell, in the direction that it is to have
 * @step: at weight 0, with sign
 * @slope: its change per weight
 * @min: lower bound
 * @max: upper bound
 */
struct steps {
	float step[VEC_GROUP];
	float slope[VEC_GROUP];
	float min[VEC_GROUP];
	float max[VEC_GROUP];
};

VEC_INLINE void choose(float *restrict out, const float *restrict up, const float *restrict down,
		       const uint32_t *restrict negative, float factor, const int lanes)
{
	for (int j = 0; j < lanes; j++)
		out[j] = (int32_t)negative[j] < 0 ? -down[j] * factor : up[j] * factor;
}

VEC_INLINE void load_steps(struct steps *s, const struct cells *c, enum mho_form form,
			   float nominal, const int lanes)
{
	float up[VEC_GROUP], down[VEC_GROUP];

	vec_halves(s->min, c->min, lanes);
	vec_halves(s->max, c->max, lanes);
	vec_halves(up, c->up, lanes);
	vec_halves(down, c->down, lanes);
	choose(s->step, up, down, c->negative, nominal, lanes);
	if (form == MHO_FORM_LINEAR) {
		vec_halves(up, c->extra[0], lanes);
		vec_halves(down, c->extra[1], lanes);
		choose(s->slope, up, down, c->negative, nominal, lanes);
	} else if (form == MHO_FORM_SOFT) {
		for (int j = 0; j < lanes; j++) {
			float bound = (int32_t)c->negative[j] < 0 ? s->min[j] : s->max[j];

			/* Beyond the end of the row there is nothing to divide by. */
			s->slope[j] = bound != 0 ? -s->step[j] / bound : 0;
		}
	} else {
		memset(s->slope, 0, (size_t)lanes * sizeof(*s->slope));
	}
}

/* Adds to the weight what n pulses do, each @first at the start; see pulse_sloped(). */
static inline float pulse_sum(float w, float first, float n, float sum, float last, float z,
			      float std, float min, float max)
{
	float dw = first * (sum + std * __builtin_sqrtf(n) * last * z);

	return clip(w + dw, min, max);
}

static inline uint32_t is_gentle(float slope, uint32_t count)
{
	return __builtin_fabsf(slope) * (float)(int32_t)count <= 0.25f;
}

/* Short trains on gentle slopes: to fourth order in the slope. */
VEC_INLINE void pulse_gentle(const struct cells *c, const struct steps *s, float std,
			     const int lanes)
{
	float *restrict w = c->w;

	for (int j = 0; j < lanes; j++) {
		float n = (float)(int32_t)c->count[j];
		float a = s->slope[j];
		float n1 = n - 1.0f, n2 = n - 2.0f, n3 = n - 3.0f;
		float sum = n * (1.0f +
				 a * n1 * 0.5f *
					 (1.0f + a * n2 * (1.0f / 3.0f) * (1.0f + a * n3 * 0.25f)));
		float last = 1.0f + a * n1 * (1.0f + a * n2 * 0.5f);

		w[j] = pulse_sum(w[j], s->step[j] + a * w[j], n, sum, last, c->z[j], std, s->min[j],
				 s->max[j]);
	}
}

/* Any slope: the geometric series by doubling, over the digits of n - 1, which is below 256. */
VEC_INLINE void pulse_steep(const struct cells *c, const struct steps *s, float std,
			    const int lanes)
{
	float *restrict w = c->w;

	for (int j = 0; j < lanes; j++) {
		uint32_t count = c->count[j], m = count ? count - 1 : 0;
		float r = 1.0f + s->slope[j], sum = 0, last = 1, n = (float)(int32_t)count;

		/* A step beyond its end point stops there. */
		r = r > 0 ? r : 0;
		for (int b = 7; b >= 0; b--) {
			float p;

			sum += sum * last;
			last *= last;
			p = last * r;
			sum = m >> b & 1 ? sum + last : sum;
			last = m >> b & 1 ? p : last;
		}
		sum = count ? sum + last : 0;
		w[j] = pulse_sum(w[j], s->step[j] + s->slope[j] * w[j], n, sum, last, c->z[j], std,
				 s->min[j], s->max[j]);
	}
}

/* For gentle slopes, the fast way; the other cells after it the other way. */
VEC_INLINE void pulse_both(const struct cells *c, const struct steps *s, float std, const int lanes)
{
	float before[VEC_GROUP], gentle[VEC_GROUP];
	float *restrict w = c->w;

	memcpy(before, w, (size_t)lanes * sizeof(*w));
	pulse_gentle(c, s, std, lanes);
	memcpy(gentle, w, (size_t)lanes * sizeof(*w));
	memcpy(w, before, (size_t)lanes * sizeof(*w));
	pulse_steep(c, s, std, lanes);
	for (int j = 0; j < lanes; j++)
		w[j] = is_gentle(s->slope[j], c->count[j]) ? gentle[j] : w[j];
}

/*
 * n pulses at once. A pulse does w += (step + slope w) (1 + std xi). Its mean is linear in w, so
 * the mean after n pulses is exact: (step + slope w) * sum_k (1 + slope)^k. The spreads add up to
 * sqrt(n) (1 + slope)^(n - 1) of one pulse's. Bounds act on the sum.
 */
VEC_INLINE void pulse_sloped(const struct cells *c, const struct steps *s, float std,
			     const int lanes)
{
	uint32_t steep = 0;

	for (int j = 0; j < lanes; j++)
		steep |= !is_gentle(s->slope[j], c->count[j]);
	if (steep)
		pulse_both(c, s, std, lanes);
	else
		pulse_gentle(c, s, std, lanes);
}

VEC_INLINE void pulse_one_by_one(struct cells *c, const struct steps *s, const struct mho_row *row,
				 const int lanes)
{
	struct mho_stream noise = row->stream;
	float std = row->std;
	float *restrict w = c->w;
	uint32_t most = 0;

	for (int j = 0; j < lanes; j++)
		most = c->count[j] > most ? c->count[j] : most;
	for (uint32_t k = 0; k < most; k++) {
		noise.words[2] = row->stream.words[2] + (k << 16);
		if (std > 0)
			cell_noise(c, noise.words, noise.key, lanes);
		for (int j = 0; j < lanes; j++) {
			float dw = (s->step[j] + s->slope[j] * w[j]) * (1.0f + std * c->z[j]);

			dw = k < c->count[j] ? dw : 0.0f;
			w[j] = clip(w[j] + dw, s->min[j], s->max[j]);
		}
	}
}

VEC_INLINE void pulse_straight(struct cells *c, const struct mho_row *row, const int lanes)
{
	if (row->std > 0 && !row->one_by_one)
		cell_noise(c, row->stream.words, row->stream.key, lanes);
	else
		memset(c->z, 0, (size_t)lanes * sizeof(*c->z));
	if (row->form == MHO_FORM_CONSTANT && !row->one_by_one) {
		pulse_constant(c, row->step, row->std, lanes);
	} else {
		struct steps s;

		load_steps(&s, c, row->form, row->step, lanes);
		if (row->one_by_one)
			pulse_one_by_one(c, &s, row, lanes);
		else
			pulse_sloped(c, &s, row->std, lanes);
	}
}

#endif
