/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * What the files of libmho-nn share: the network and its workspace, the engine that does the
 * matrix work (device.c or host.c), random numbers, error text. Samples are in data.h, the
 * checkpoint's file format in container.h.
 */
#ifndef MHO_NN_INTERNAL_H
#define MHO_NN_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mho/nn.h"

#define NN_WIDTH_MAX (1U << 20) /* inputs or outputs of a layer */
#define NN_BATCH_MAX (1U << 16)
#define NN_VECTORS_MAX (1U << 16) /* that a matrix multiplies for a sample */
#define NN_EPOCHS_MAX 1000000

/* ---- error.c ---- */

/* Sets mho_nn_last_error() and returns @err. */
int nn_error(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same for a failure of libmho, whose own sentence is appended. */
int nn_mho_error(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int nn_no_memory(void);

/* ---- random.c ---- */

enum nn_stream {
	NN_STREAM_WEIGHTS = 1, /* instance: layer */
	NN_STREAM_BIAS = 2, /* instance: layer */
	NN_STREAM_ORDER = 3, /* instance: epoch */
	NN_STREAM_SHUFFLE = 4, /* instance: 0 */
	NN_STREAM_CHOPPER = 5, /* instance: layer */
};

/* Counter-based: element @i of a stream is the same whatever else was drawn. In [0, 1). */
float nn_uniform(uint64_t seed, enum nn_stream stream, uint32_t instance, uint64_t i);

/* Puts @order into a random order. */
void nn_permute(uint32_t *order, uint32_t n, uint64_t seed, enum nn_stream stream,
		uint32_t instance);

/* ---- activation.c ---- */

/* The names of enum mho_nn_activation, up to a NULL. */
extern const char *const nn_activation_names[];

/* a = f(z + bias) for @n vectors of @width; z and a may be the same. */
void nn_activate(uint32_t activation, const float *z, const float *bias, float *a, uint32_t n,
		 uint32_t width);

/* d *= f'(z), in terms of a = f(z). */
void nn_derive(uint32_t activation, const float *a, float *d, uint32_t n, uint32_t width);

/*
 * d = dL/dz of softmax with cross-entropy for probabilities @p; adds to @score, whose loss is the
 * sum while it is being added to. Samples with label -1 count for nothing.
 */
void nn_cross_entropy(const float *p, const int32_t *labels, float *d, uint32_t n, uint32_t width,
		      struct mho_nn_score *score);

uint32_t nn_largest(const float *v, uint32_t width);

/* ---- layers: layer.c has the table, layer_*.c each kind ---- */

/*
 * Operands of one batch. Two sets, so that updates of one batch may still be in flight while the
 * next batch goes forward. Offsets of vectors for each layer in the workspace, in floats.
 */
#define NN_SETS 2

/* A sample: channels innermost. */
struct nn_shape {
	uint32_t steps;
	uint32_t height;
	uint32_t width;
	uint32_t channels;
};

static inline uint32_t nn_shape_step(const struct nn_shape *s)
{
	return s->height * s->width * s->channels;
}

static inline uint32_t nn_shape_values(const struct nn_shape *s)
{
	return s->steps * nn_shape_step(s);
}

struct nn_layer {
	struct mho_nn_layer desc; /* scale and strides: as chosen, never 0 */
	const struct nn_kind *kind;
	struct nn_shape in;
	struct nn_shape out;
	uint32_t inputs; /* values of a sample */
	uint32_t outputs;
	uint32_t rows; /* of the matrix; 0: none */
	uint32_t cols;
	uint32_t vectors; /* that the matrix multiplies for each sample */
	uint32_t biases; /* that are trained: all or none */
	bool learns; /* there is a matrix in this layer or below it */
	float *bias; /* one for each row */
	size_t a[NN_SETS]; /* inputs; for the first layer the samples */
	size_t x[NN_SETS]; /* operands of the product: a, unless they are gathered from it */
	size_t z[NN_SETS]; /* outputs of the product */
	size_t y[NN_SETS]; /* outputs: a of the next layer; of the last layer z */
	size_t d[NN_SETS]; /* errors of z */
	size_t g[NN_SETS]; /* errors of y before f: d, unless d is made from them */
	size_t e[NN_SETS]; /* W^T d, where something needs it */
};

/* What is done with a batch, whose samples are in a of the first layer. */
enum nn_pass {
	NN_FORWARD, /* answers to y of the last layer */
	NN_TRAIN, /* the same, then backward and the updates */
	NN_PASSES,
};

/* The host's part of a pass. */
enum nn_call {
	NN_GATHER, /* a to x */
	NN_ACTIVATE, /* z, or a where there is no matrix, to y */
	NN_LOSS, /* the last layer's y to d, by labels */
	NN_DERIVE, /* e, or g where there is no matrix, to g of the layer below; biases' step */
	NN_DONE, /* of a training all but updates is done */
};

/* The matrices' part of a pass. */
enum nn_product {
	NN_PRODUCT, /* z = W x */
	NN_BACK, /* e = W^T d */
	NN_UPDATE, /* W -= step d x^T */
	NN_PRODUCTS,
};

/* Of a layer, which of its vectors: @count for each sample, beginning with vector @first x samples. */
struct nn_part {
	uint32_t layer;
	uint32_t first;
	uint32_t count;
};

/* Takes the parts of a pass in order: to do them, or to write them down. */
struct nn_taker {
	int (*product)(void *arg, enum nn_product product, const struct nn_part *part);
	int (*call)(void *arg, enum nn_call call, const struct nn_part *part);
};

/* A layer and a batch: where the host's part is to be done. */
struct nn_place {
	struct mho_nn *nn;
	struct nn_layer *l;
	uint32_t set;
	uint32_t n; /* samples */
	uint32_t first; /* as in struct nn_part */
};

/* Fields of struct mho_nn_layer that a kind may have, beside those that all have. */
#define NN_HAS_OUTPUTS (1U << 0)
#define NN_HAS_ACTIVATION (1U << 1)
#define NN_HAS_SOFTMAX (1U << 2)
#define NN_HAS_KERNEL (1U << 3)
#define NN_HAS_BIAS (1U << 4)

/**
 * struct nn_kind - what layers of a kind are
 * @name: in descriptions
 * @has: NN_HAS_*
 * @gathers: x is not a
 * @sizes: offsets in struct mho_nn_layer of the numbers behind the name; the last may be left out
 *	if it is kernel_width
 * @nsizes: how many
 * @shape: from l->desc, valid in itself, and l->in: out, rows, cols, vectors. Return: 0 or -EINVAL
 * @forward: gives its parts of a pass, in order. Return: 0, or what @to returned
 * @backward: likewise
 * @gather: NN_GATHER
 * @activate: NN_ACTIVATE
 * @derive: e, or g, to g of the layer below, but for the derivative of that layer's f
 */
struct nn_kind {
	const char *name;
	uint32_t has;
	bool gathers;
	size_t sizes[3];
	uint32_t nsizes;
	int (*shape)(struct nn_layer *l, uint32_t k);
	int (*forward)(const struct mho_nn *nn, uint32_t k, const struct nn_taker *to, void *arg);
	int (*backward)(const struct mho_nn *nn, uint32_t k, const struct nn_taker *to, void *arg);
	void (*gather)(const struct nn_place *p);
	void (*activate)(const struct nn_place *p);
	void (*derive)(const struct nn_place *p, float *below);
};

extern const struct nn_kind nn_dense, nn_conv2d, nn_maxpool, nn_avgpool;

/* By enum mho_nn_kind; NULL if there is none. */
const struct nn_kind *nn_kind_get(uint32_t kind);

/*
 * Fills @layer, but for what needs memory, from a description. Return: 0, or -EINVAL with the error
 * set.
 */
int nn_layers_shape(const struct mho_nn_desc *desc, struct nn_layer *layer);

/* Whether both do the same with the same samples; weight scales may differ. */
bool nn_same_layers(const struct nn_layer *a, uint32_t na, const struct nn_layer *b, uint32_t nb);

/* Values of @layers that training changes: weights and biases, as checkpoints have them. */
size_t nn_layers_floats(const struct nn_layer *layer, uint32_t layers);

/* For kinds with a matrix, one product a pass. */
int nn_matrix_forward(const struct mho_nn *nn, uint32_t k, const struct nn_taker *to, void *arg);
int nn_matrix_backward(const struct mho_nn *nn, uint32_t k, const struct nn_taker *to, void *arg);
void nn_matrix_activate(const struct nn_place *p);

/* Whether the transposed product of layer @k is asked for. */
static inline bool nn_has_back(const struct nn_layer *layer, uint32_t k)
{
	return layer[k].rows && k && layer[k - 1].learns;
}

static inline size_t nn_weights(const struct nn_layer *l)
{
	return (size_t)l->rows * l->cols;
}

/* ---- algorithms: algorithm.c has the table, algorithm_*.c each ---- */

/* Matrices of a layer. */
enum nn_store {
	NN_WEIGHTS,
	NN_FAST, /* A of Tiki-Taka */
	NN_STORES,
};

/* An option of an algorithm, in its text and in struct mho_nn_algorithm: a rate or a number. */
struct nn_algorithm_option {
	const char *name;
	size_t offset;
	bool rate;
	float initial; /* what 0 stands for */
};

/**
 * struct nn_algorithm_kind - how a network on a device learns
 * @name: in texts
 * @options: up to one without a name
 * @updated: which matrix updates move; what is not NN_WEIGHTS a network has beside them
 * @apart: the updates are not part of a pass, @after makes them
 * @rate: learning rate of the updates of a pass, of the mean gradient; NULL: the batch's
 * @floats: of the host, for a layer with a matrix, kept in checkpoints; NULL: none
 * @begin: their values at first, where that is not 0; NULL: it is
 * @memory: of the device, for @after's jobs: NULL: none
 * @after: what is left to be done after a batch, nothing of which is in flight; NULL: nothing
 */
struct nn_algorithm_kind {
	const char *name;
	const struct nn_algorithm_option *options;
	enum nn_store updated;
	bool apart;
	float (*rate)(const struct mho_nn *nn);
	size_t (*floats)(const struct nn_layer *l);
	void (*begin)(const struct nn_layer *l, float *floats);
	size_t (*memory)(const struct mho_nn *nn, const struct nn_layer *l);
	int (*after)(struct mho_nn *nn);
};

extern const struct nn_algorithm_kind nn_sgd, nn_tiki_taka, nn_tiki_taka_2, nn_chopped, nn_agad,
	nn_mixed;

/**
 * struct nn_learner - the algorithm of a network, and where it stands
 * @kind: the algorithm
 * @set: its options, none of them left out
 * @batches: since the last transfer
 * @column: of each layer, that comes next
 * @sweep: of each layer, how often its last column has been taken
 * @floats: of each layer, @kind's
 * @buf: @kind's memory, of all layers
 * @memory: of each layer, where it is mapped
 * @offset: of each layer, bytes in @buf
 */
struct nn_learner {
	const struct nn_algorithm_kind *kind;
	struct mho_nn_algorithm set;
	uint32_t batches;
	uint32_t column[MHO_NN_LAYERS_MAX];
	uint32_t sweep[MHO_NN_LAYERS_MAX];
	float *floats[MHO_NN_LAYERS_MAX];
	struct mho_buf *buf;
	void *memory[MHO_NN_LAYERS_MAX];
	size_t offset[MHO_NN_LAYERS_MAX];
};

/* Fills @learner; @from may be NULL. Return: 0, or -EINVAL with the error set. */
int nn_learner_init(struct nn_learner *learner, const struct mho_nn_algorithm *from);

/* For a network whose layers have their shapes, on a device. Return: 0 or -errno with the error set. */
int nn_learner_alloc(struct mho_nn *nn);
void nn_learner_free(struct mho_nn *nn);

/* Whether it is time for a transfer, once a batch. */
bool nn_learner_is_due(struct nn_learner *learner);

/* The next columns of layer @k. Return: how many, from *@first on. */
uint32_t nn_learner_columns(struct mho_nn *nn, uint32_t k, uint32_t *first);

/* Weight that a pulse moves a nominal cell of layer @k by. Return: 0 or -errno with the error set. */
int nn_device_step(struct mho_nn *nn, uint32_t k, enum nn_store store, float *step);

/* ---- the engine: device.c, host.c ---- */

struct nn_engine_ops {
	/* Waits for everything in flight and reports what failed since the last call. */
	int (*drain)(struct mho_nn *nn);
	/* Does a pass on @n samples of a set, with nn->batch; updates may be in flight afterwards. */
	int (*run)(struct mho_nn *nn, enum nn_pass pass, uint32_t set, uint32_t n);
	/* As mho_program(), of a layer that has a matrix; nothing is in flight. */
	int (*program)(struct mho_nn *nn, uint32_t layer, enum nn_store store, const float *w);
	/* @flags: MHO_JOB_CONDUCTANCE, MHO_JOB_WEAR or 0; nothing is in flight. */
	int (*read)(struct mho_nn *nn, uint32_t layer, enum nn_store store, uint32_t flags,
		    float *w);
	void (*destroy)(struct mho_nn *nn);
};

/* What belongs to a batch besides its samples. */
struct nn_batch {
	const int32_t *labels;
	struct mho_nn_score *score;
	float rate; /* learning rate, of the mean over all labels */
	float step; /* the same, of one label: of biases, and of weights on the host */
	float update; /* of the device's updates */
	uint32_t count; /* samples */
	bool done; /* NN_DONE was called */
};

struct mho_nn {
	const struct nn_engine_ops *ops;
	void *engine;
	struct mho_dev *dev; /* NULL: host */
	float *work; /* the workspace; the engine's memory */
	size_t work_floats;
	uint32_t inputs;
	uint32_t layers;
	uint32_t batch_max;
	uint32_t set; /* of the next batch */
	struct nn_batch batch; /* that is being trained with */
	struct nn_learner learner;
	float tolerance;
	bool unfinished; /* if it fails now, the matrices made for it go, also named ones */
	uint64_t seed;
	char name[MHO_NN_NAME_MAX + 1];
	struct nn_layer layer[MHO_NN_LAYERS_MAX];
};

enum nn_matrices {
	NN_NEW, /* allocate */
	NN_REPLACE, /* delete those of the same name, then allocate */
	NN_FIND, /* must be there */
};

/* Both allocate nn->work (nn->work_floats) and the matrices of nn->layer[]. */
int nn_device_init(struct mho_nn *nn, uint32_t technology, enum nn_matrices how);
int nn_host_init(struct mho_nn *nn);

/* A matrix of a device network. */
struct mho_mat *nn_device_matrix(struct mho_nn *nn, uint32_t layer, enum nn_store store);

/* Adds what jobs have cost to @cost. */
void nn_device_cost(const struct mho_nn *nn, struct mho_nn_cost *cost);

/* ---- pass.c ---- */

/* Gives the parts of a pass, in order, to @to. Return: 0, or what it returned. */
int nn_pass(const struct mho_nn *nn, enum nn_pass pass, const struct nn_taker *to, void *arg);

/* Does the host's part of a pass on @n samples of a set. */
void nn_call(struct mho_nn *nn, enum nn_call call, const struct nn_part *part, uint32_t set,
	     uint32_t n);

static inline float *nn_vectors(const struct nn_place *p, const size_t at[NN_SETS])
{
	return p->nn->work + at[p->set];
}

/* ---- network.c ---- */

/* A network with matrices and workspace, but without weights. */
int nn_network_alloc(struct mho_dev *dev, const struct mho_nn_desc *desc, enum nn_matrices how,
		     struct mho_nn **out);

/* Matrices of each layer that has one. */
static inline uint32_t nn_stores(const struct mho_nn *nn)
{
	return nn->learner.kind->updated + 1;
}

static inline uint32_t nn_outputs(const struct mho_nn *nn)
{
	return nn->layer[nn->layers - 1].outputs;
}

/* Labels of a sample. */
static inline uint32_t nn_answers(const struct mho_nn *nn)
{
	return nn->layer[nn->layers - 1].out.steps;
}

static inline uint32_t nn_classes(const struct mho_nn *nn)
{
	return nn_outputs(nn) / nn_answers(nn);
}

/* First value that is not finite, or @n. */
size_t nn_not_finite(const float *v, size_t n);

/* Adds @add to @sum, whose losses are means. */
void nn_score_add(struct mho_nn_score *sum, const struct mho_nn_score *add);

/* ---- schedule.c ---- */

/* A schedule that owns its table. */
struct nn_schedule {
	struct mho_nn_schedule s;
	struct mho_nn_rate table[MHO_NN_RATES_MAX];
};

/* Copies a valid schedule. */
void nn_schedule_copy(struct nn_schedule *to, const struct mho_nn_schedule *from);

#endif
