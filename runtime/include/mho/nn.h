/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) 2026 The mho authors
 *
 * libmho-nn: neural networks whose weights are conductances. Layers with W on an accelerator (one
 * matrix each), biases and what has no weights in the host's memory; training by stochastic gradient
 * descent with the product, the transposed product and the update done by the device; the same
 * in binary32 on the host to compare with; readers for sample files; checkpoints. Devices and
 * matrices are libmho's, mho/mho.h, whose conventions hold here, too, with one addition:
 * mho_nn_last_error() has the sentence for a failure of a function of this header.
 *
 * Threads. An object of this header belongs to one thread at a time. Objects are independent of
 * each other, except that a trainer uses the networks and the data that it was given.
 *
 * Determinism. All randomness of this library comes from the seeds given: the same seeds on the
 * same device with the same seed of its own give the same bits.
 */
#ifndef MHO_NN_H
#define MHO_NN_H

#include "mho/mho.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mho_nn;
struct mho_nn_data;
struct mho_nn_trainer;

/**
 * mho_nn_last_error() - what went wrong last in this library on this thread, with the remedy
 *
 * Return: a sentence, empty if nothing did; valid until this thread's next call into libmho-nn.
 */
MHO_API const char *mho_nn_last_error(void);

/* ---- samples ---- */

#define MHO_NN_DATA_UNLABELLED (1U << 0) /* a CSV file's last column is a value like the others */

/**
 * mho_nn_data_open() - read samples and their labels
 * @path: the samples (see below)
 * @labels: an idx file of labels, or NULL
 * @flags: MHO_NN_DATA_*
 * @out: the samples in the order of the file; mho_nn_data_free() them
 *
 * What a file is, is found out from its content. It may be compressed with gzip.
 *	CSV		one sample a line, numbers separated by commas, the label (0, 1, ...) last;
 *			a first line of which most fields are not numbers is a heading
 *	idx		images or vectors of unsigned bytes as those of MNIST; labels are in the
 *			file @labels, or unknown if it is NULL
 *	a directory	MNIST's training half under its usual names, compressed or not
 *
 * Return: 0, -ENOENT, -EACCES or another error of open(), -EBADMSG (what the file holds is not
 * right: mho_nn_last_error() names file and line or byte), -EINVAL (@flags, @labels for a CSV
 * file), -ENOMEM.
 */
MHO_API int mho_nn_data_open(const char *path, const char *labels, uint32_t flags,
			     struct mho_nn_data **out);

/**
 * mho_nn_data_create() - samples from memory
 * @values: @count x @inputs values, copied
 * @labels: @count labels, -1 for unknown, copied; NULL if all are unknown
 * @count: samples, at least 1
 * @inputs: values of a sample, at least 1
 * @out: the samples
 *
 * Return: 0, -EINVAL (no samples, NaN or infinity), -ENOMEM.
 */
MHO_API int mho_nn_data_create(const float *values, const int32_t *labels, uint32_t count,
			       uint32_t inputs, struct mho_nn_data **out);

/* mho_nn_data_free() - @data may be NULL. */
MHO_API void mho_nn_data_free(struct mho_nn_data *data);

/**
 * struct mho_nn_data_info - what samples are
 * @size: sizeof(struct mho_nn_data_info)
 * @count: samples
 * @inputs: values of a sample
 * @classes: largest label + 1; 0 if no sample has a label
 * @labelled: samples that have a label
 * @width: of the images, 0 if not known (a square number of CSV columns is taken for an image)
 * @height: of the images
 */
struct mho_nn_data_info {
	size_t size;
	uint32_t count;
	uint32_t inputs;
	uint32_t classes;
	uint32_t labelled;
	uint32_t width;
	uint32_t height;
};

/* mho_nn_data_info_get() - describe @data. Return: 0 or -EINVAL (size). */
MHO_API int mho_nn_data_info_get(const struct mho_nn_data *data, struct mho_nn_data_info *info);

/**
 * mho_nn_data_get() - one sample
 * @data: samples
 * @i: which one, less than the count
 * @values: its values, scaled, are written here; may be NULL
 *
 * Return: its label, -1 if unknown, or -EINVAL (@i; no label is that negative).
 */
MHO_API int mho_nn_data_get(const struct mho_nn_data *data, uint32_t i, float *values);

/* mho_nn_data_index() - where sample @i was in its file or array, counted from 0. */
MHO_API uint32_t mho_nn_data_index(const struct mho_nn_data *data, uint32_t i);

/* mho_nn_data_shuffle() - put the samples into an order that @seed gives. */
MHO_API void mho_nn_data_shuffle(struct mho_nn_data *data, uint64_t seed);

/**
 * mho_nn_data_split() - take the last samples into another object
 * @data: samples; keeps the others
 * @count: how many, less than there are
 * @out: the last @count samples
 *
 * Both share the values. Return: 0, -EINVAL (@count), -ENOMEM.
 */
MHO_API int mho_nn_data_split(struct mho_nn_data *data, uint32_t count, struct mho_nn_data **out);

enum mho_nn_scaling {
	MHO_NN_SCALE_NONE = 0, /* as in the file */
	MHO_NN_SCALE_MAX = 1, /* divided by the largest magnitude of all values */
	MHO_NN_SCALE_COLUMN = 2, /* each column to mean 0, standard deviation 1 */
};

/**
 * mho_nn_data_scale() - determine how the values are to be scaled
 * @data: samples; statistics are taken of these only, so split first
 * @kind: enum mho_nn_scaling
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
MHO_API int mho_nn_data_scale(struct mho_nn_data *data, uint32_t kind);

/* mho_nn_data_scale_like() - scale @data as @other is. Return: 0 or -EINVAL (shape). */
MHO_API int mho_nn_data_scale_like(struct mho_nn_data *data, const struct mho_nn_data *other);

/* ---- networks ---- */

enum mho_nn_activation {
	MHO_NN_LINEAR = 0,
	MHO_NN_RELU = 1,
	MHO_NN_TANH = 2,
	MHO_NN_SIGMOID = 3,
	MHO_NN_SOFTMAX = 4, /* last layer only; the loss is the cross-entropy */
};

#define MHO_NN_LAYERS_MAX 32
#define MHO_NN_NAME_MAX 24 /* bytes of a network's name, its end not counted */

enum mho_nn_kind {
	MHO_NN_DENSE = 0, /* y = f(W x + b), for each step of a sequence */
	MHO_NN_CONV2D = 1, /* the same for each place that the kernel has in an image */
	MHO_NN_MAXPOOL = 2, /* the largest value below the kernel, for each channel */
	MHO_NN_AVGPOOL = 3, /* their mean */
};

#define MHO_NN_NO_BIAS (1U << 0) /* layer: b is 0 and not trained */

/**
 * struct mho_nn_layer - one layer
 * @size: sizeof(struct mho_nn_layer)
 * @outputs: its neurons; of a convolution, its channels; of pooling, 0
 * @activation: enum mho_nn_activation, of dense layers and convolutions
 * @scale: weight that the largest cell weight stands for; 0 to choose: the larger it is, the
 *	larger may weights grow, and the coarser are their steps and the noise of a read
 * @kind: enum mho_nn_kind
 * @kernel_height: of convolution and pooling
 * @kernel_width: likewise
 * @stride_height: rows from one place of the kernel to the next; 0 for 1, or, of pooling, for the
 *	kernel's height
 * @stride_width: likewise
 * @padding_height: rows of zeros above the image, and as many below it; those of pooling do not
 *	count, and are at most half a kernel
 * @padding_width: likewise
 * @flags: MHO_NN_NO_BIAS
 * @reserved: zero
 */
struct mho_nn_layer {
	size_t size;
	uint32_t outputs;
	uint32_t activation;
	float scale;
	uint32_t kind;
	uint32_t kernel_height;
	uint32_t kernel_width;
	uint32_t stride_height;
	uint32_t stride_width;
	uint32_t padding_height;
	uint32_t padding_width;
	uint32_t flags;
	uint32_t reserved[5];
};

/**
 * mho_nn_layers_parse() - layers from a text
 * @text: layers separated by commas, each a kind, sizes and options separated by colons:
 *	128, dense:128		dense, its neurons
 *	conv:16x5, conv:16x5x3	convolution: channels, kernel (height x width, or a square's side)
 *	max:2, avg:3x2		pooling: kernel
 *	stride=2, stride=2x1	option of convolution and pooling
 *	pad=1, pad=0x2		likewise
 *	nobias			option of dense and convolution
 *	relu, tanh, sigmoid, linear, softmax	option of dense and convolution: the activation
 * @activation: of layers that have one and do not name it
 * @layers: filled
 * @max: room in @layers
 *
 * "conv:8x5:relu,max:2,conv:16x5:relu,max:2,120,84" is a LeNet-5 but for its last layer.
 *
 * Return: number of layers, or -EINVAL and mho_nn_last_error() names layer and word.
 */
MHO_API int mho_nn_layers_parse(const char *text, uint32_t activation, struct mho_nn_layer *layers,
				uint32_t max);

/**
 * enum mho_nn_algorithm_kind - how errors become weights
 * @MHO_NN_SGD: updates move the weights
 * @MHO_NN_TIKI_TAKA: updates move a second matrix of each layer, A, columns of which are added to
 *	the weights now and then (Gokmen and Haensch 2020); for cells whose steps up and down
 *	differ with the weight
 * @MHO_NN_TIKI_TAKA_2: columns of A are added up by the host, H, and the weights get whole pulses
 *	(Gokmen 2021); for cells with few states, too
 * @MHO_NN_CHOPPED: the same, and the signs of A's columns change (c-TTv2, Rasch et al. 2024); for
 *	cells whose symmetry point is not quite 0, too
 * @MHO_NN_AGAD: the same, and what a column had before its sign changed counts for 0 (Rasch et al.
 *	2024); for cells of which nothing is known
 * @MHO_NN_MIXED: the host adds up the gradient, and the weights get whole pulses (Nandakumar et
 *	al. 2020)
 */
enum mho_nn_algorithm_kind {
	MHO_NN_SGD = 0,
	MHO_NN_TIKI_TAKA = 1,
	MHO_NN_TIKI_TAKA_2 = 2,
	MHO_NN_CHOPPED = 3,
	MHO_NN_AGAD = 4,
	MHO_NN_MIXED = 5,
};

/**
 * struct mho_nn_algorithm - how a network on a device learns
 * @size: sizeof(struct mho_nn_algorithm)
 * @kind: enum mho_nn_algorithm_kind
 * @every: batches from one transfer to the next; 0 for 1
 * @columns: of each matrix, that a transfer takes, in turn; 0 for 1
 * @fast_rate: learning rate of A, of the mean gradient of a batch, whatever the epoch's rate; 0 for
 *	0.05
 * @transfer_rate: factor of what is added to the weights, times the epoch's rate; 0 for 1
 * @granularity: what makes a pulse, in steps of a nominal cell; 0 for 1
 * @momentum: TIKI_TAKA_2, CHOPPED, AGAD: share of H that stays when a pulse is made of it, 0 for
 *	0.1, 0 and 0; MIXED: share of the last batch's step that is taken again, 0 for none
 * @chop: CHOPPED: chance that a column's sign changes with a transfer; AGAD: it changes with every
 *	round-up(1 / chop)-th, at least every second; 0 for 0.1
 * @tail: AGAD: how much the last of the transfers before a change count; 0 for 5
 * @reserved: zero
 *
 * Fields that an algorithm does not have are ignored.
 */
struct mho_nn_algorithm {
	size_t size;
	uint32_t kind;
	uint32_t every;
	uint32_t columns;
	float fast_rate;
	float transfer_rate;
	float granularity;
	float momentum;
	float chop;
	float tail;
	uint32_t pad;
	uint64_t reserved[4];
};

/**
 * mho_nn_algorithm_parse() - an algorithm from a text
 * @text: its name, then options, separated by colons:
 *	"sgd", "tiki-taka:fast-rate=0.05:transfer-rate=1:every=1:columns=1", "tiki-taka-2",
 *	"chopped:chop=0.1", "agad", "mixed:granularity=1"
 * @out: filled; what the text does not say is 0
 *
 * Return: 0, or -EINVAL and mho_nn_last_error() names the word.
 */
MHO_API int mho_nn_algorithm_parse(const char *text, struct mho_nn_algorithm *out);

#define MHO_NN_REPLACE (1U << 0) /* delete matrices of the same name first */

/**
 * struct mho_nn_desc - what a network shall be
 * @size: sizeof(struct mho_nn_desc)
 * @inputs: values of a sample: steps x height x width x channels, channels innermost
 * @layers: number of layers, 1 to MHO_NN_LAYERS_MAX
 * @layer: the layers, first to last; the last must be MHO_NN_SOFTMAX to be trained
 * @seed: of the initial weights and biases, uniform in +-1/sqrt(columns of the layer's matrix)
 * @batch_max: most samples at a time; 0 for 256
 * @technology: 1 + index of a technology (mho_tech_get()), 0 for any
 * @tolerance: to program weights to, in their units; 0 for the device's default
 * @flags: MHO_NN_REPLACE
 * @name: under which the matrices stay in the device, at most MHO_NN_NAME_MAX bytes; NULL: they
 *	go with the network
 * @steps: steps of a sequence; 0 for 1: a sample is not a sequence
 * @height: of the image; 0 for 1
 * @width: likewise
 * @channels: values of a pixel; 0 for what is left of @inputs
 * @algorithm: how it learns; NULL for MHO_NN_SGD. A reference learns by that, whatever it says
 * @reserved: zero
 *
 * A dense layer takes all values of an image as one vector. All layers but the recurrent treat
 * each step of a sequence as a sample of its own.
 */
struct mho_nn_desc {
	size_t size;
	uint32_t inputs;
	uint32_t layers;
	const struct mho_nn_layer *layer;
	uint64_t seed;
	uint32_t batch_max;
	uint32_t technology;
	float tolerance;
	uint32_t flags;
	const char *name;
	uint32_t steps;
	uint32_t height;
	uint32_t width;
	uint32_t channels;
	const struct mho_nn_algorithm *algorithm;
	uint64_t reserved[1];
};

/**
 * mho_nn_create() - make a network and program its initial weights
 * @dev: device; NULL for a network in binary32 on the host, the reference
 * @desc: what it shall be
 * @out: the network; mho_nn_destroy() it before closing the device
 *
 * Return: 0, -EINVAL, -ENOSPC (not enough tiles), -EEXIST (name taken), -ENOMEM, or a device
 * error.
 */
MHO_API int mho_nn_create(struct mho_dev *dev, const struct mho_nn_desc *desc, struct mho_nn **out);

/* mho_nn_destroy() - @nn may be NULL. Named matrices stay in the device. */
MHO_API void mho_nn_destroy(struct mho_nn *nn);

/* mho_nn_inputs(), mho_nn_outputs(), mho_nn_layers() - of the network. */
MHO_API uint32_t mho_nn_inputs(const struct mho_nn *nn);
MHO_API uint32_t mho_nn_outputs(const struct mho_nn *nn);
MHO_API uint32_t mho_nn_layers(const struct mho_nn *nn);

/*
 * mho_nn_answers() - steps behind the last layer: labels that a sample has. It has
 * mho_nn_outputs() / mho_nn_answers() classes.
 */
MHO_API uint32_t mho_nn_answers(const struct mho_nn *nn);

/**
 * mho_nn_weights() - how many weights a layer has
 * @nn: network
 * @layer: layer
 * @rows: of its matrix, 0 without one; may be NULL. Its biases are as many, or none.
 * @cols: likewise. Of a convolution: kernel height x width x channels, channels innermost
 *
 * Return: 0 or -EINVAL (@layer).
 */
MHO_API int mho_nn_weights(const struct mho_nn *nn, uint32_t layer, uint32_t *rows, uint32_t *cols);

/*
 * mho_nn_matrix() - the matrix of @layer, borrowed; NULL for a reference, a wrong @layer, or one
 * without weights.
 */
MHO_API struct mho_mat *mho_nn_matrix(struct mho_nn *nn, uint32_t layer);

/**
 * mho_nn_get() - weights and biases of a layer
 * @nn: network
 * @layer: layer
 * @w: rows x columns values (mho_nn_weights()) as read back from the device; may be NULL
 * @bias: rows values; may be NULL
 *
 * Return: 0, -EINVAL (@layer; or it has no weights), or a device error.
 */
MHO_API int mho_nn_get(struct mho_nn *nn, uint32_t layer, float *w, float *bias);

/**
 * mho_nn_set() - program weights and set biases of a layer
 * @nn: network
 * @layer: layer
 * @w: rows x columns values (mho_nn_weights()); NULL leaves the weights alone
 * @bias: rows values; NULL leaves the biases alone, and so does MHO_NN_NO_BIAS
 *
 * Return: cells that missed the tolerance, -EINVAL (also for NaN or infinity), or a device error.
 */
MHO_API int mho_nn_set(struct mho_nn *nn, uint32_t layer, const float *w, const float *bias);

/**
 * mho_nn_predict() - outputs of the last layer
 * @nn: network
 * @x: @count x inputs values, densely packed
 * @count: samples, any number
 * @y: @count x outputs values, written; probabilities if the last layer is softmax
 *
 * Return: 0, -EINVAL (NaN or infinity in @x), or a device error.
 */
MHO_API int mho_nn_predict(struct mho_nn *nn, const float *x, uint32_t count, float *y);

/**
 * struct mho_nn_score - how good answers are
 * @size: sizeof(struct mho_nn_score)
 * @count: samples that had a label
 * @correct: of these answered right
 * @loss: mean cross-entropy, nats
 */
struct mho_nn_score {
	size_t size;
	uint32_t count;
	uint32_t correct;
	double loss;
};

/**
 * mho_nn_train_batch() - one step of gradient descent
 * @nn: network, its last layer softmax
 * @x: @count x inputs values
 * @labels: @count x mho_nn_answers() labels, each from 0 to its classes - 1
 * @count: samples, at most the network's batch_max
 * @rate: learning rate, >= 0; the step is @rate times the mean gradient of the labels
 * @score: the answers before the step are added to its count and correct, @loss becomes the mean
 *	over all; NULL if it does not matter
 *
 * Returns when the forward and backward pass are done; updates may still be in flight, anything
 * that needs their result waits for them. So a failed update may show only in the next call.
 *
 * Return: 0, -EINVAL, or a device error.
 */
MHO_API int mho_nn_train_batch(struct mho_nn *nn, const float *x, const int32_t *labels,
			       uint32_t count, float rate, struct mho_nn_score *score);

/**
 * mho_nn_evaluate() - answers to samples
 * @nn: network
 * @data: samples
 * @answers: the class with the largest output for each sample; may be NULL
 * @confidence: that output for each sample; may be NULL
 * @score: overwritten; may be NULL
 *
 * Return: 0, -EINVAL (shapes, a label that is not an output), or a device error.
 */
MHO_API int mho_nn_evaluate(struct mho_nn *nn, const struct mho_nn_data *data, int32_t *answers,
			    float *confidence, struct mho_nn_score *score);

/**
 * struct mho_nn_cost - what a network's products and updates have cost, as the device says
 * @size: sizeof(struct mho_nn_cost)
 * @time_ns: device time of all these jobs, one after the other, as the device's clock takes the
 *	jobs of one queue: the sum of the next three
 * @energy_fj: their energy
 * @forward_ns: device time of the products
 * @backward_ns: of the transposed products
 * @update_ns: of the updates
 * @pulses: fired at cells by updates
 * @saturations: outputs that saturated the ADC
 * @vectors: vectors multiplied, either way
 */
struct mho_nn_cost {
	size_t size;
	uint64_t time_ns;
	uint64_t energy_fj;
	uint64_t forward_ns;
	uint64_t backward_ns;
	uint64_t update_ns;
	uint64_t pulses;
	uint64_t saturations;
	uint64_t vectors;
};

/**
 * mho_nn_cost_get() - what this network's jobs have cost since it was created
 * @nn: network; a reference costs nothing
 * @cost: filled
 *
 * Waits for jobs in flight. Programming weights and reading them back is not part of it.
 *
 * Return: 0, -EINVAL (size), or a device error.
 */
MHO_API int mho_nn_cost_get(struct mho_nn *nn, struct mho_nn_cost *cost);

/**
 * struct mho_nn_wear - how much the cells of a network have been used
 * @size: sizeof(struct mho_nn_wear)
 * @cells: cells
 * @mean: pulses that a cell has had, mean
 * @max: the most that one has had
 * @endurance: smallest budget of pulses per cell of its tiles, 0 if unknown
 */
struct mho_nn_wear {
	size_t size;
	uint64_t cells;
	double mean;
	double max;
	uint64_t endurance;
};

/* mho_nn_wear_get() - read the wear counters. Return: 0, -EINVAL (size), or a device error. */
MHO_API int mho_nn_wear_get(struct mho_nn *nn, struct mho_nn_wear *wear);

/**
 * mho_nn_conductance() - conductances of a layer's cells
 * @nn: network
 * @layer: layer
 * @g: rows x columns values (mho_nn_weights()) in nanosiemens, written
 *
 * Return: 0, -EINVAL (@layer), -EOPNOTSUPP (a reference has none), or a device error.
 */
MHO_API int mho_nn_conductance(struct mho_nn *nn, uint32_t layer, float *g);

/* ---- training ---- */

enum mho_nn_decay {
	MHO_NN_DECAY_NONE = 0, /* rate */
	MHO_NN_DECAY_EPOCH = 1, /* rate * factor^epoch */
	MHO_NN_DECAY_STEP = 2, /* rate * factor^(epoch / every), rounded down */
	MHO_NN_DECAY_TABLE = 3, /* as the table says */
};

/* From epoch @epoch (counted from 0) on the learning rate is @rate. */
struct mho_nn_rate {
	uint32_t epoch;
	float rate;
};

#define MHO_NN_RATES_MAX 64

/**
 * struct mho_nn_schedule - learning rate by epoch
 * @size: sizeof(struct mho_nn_schedule)
 * @decay: enum mho_nn_decay
 * @rate: of epoch 0, except for MHO_NN_DECAY_TABLE
 * @factor: see enum mho_nn_decay
 * @every: epochs, at least 1
 * @entries: of @table, 1 to MHO_NN_RATES_MAX
 * @pad: zero
 * @table: in ascending order of epochs, the first for epoch 0; copied
 */
struct mho_nn_schedule {
	size_t size;
	uint32_t decay;
	float rate;
	float factor;
	uint32_t every;
	uint32_t entries;
	uint32_t pad;
	const struct mho_nn_rate *table;
};

/* mho_nn_schedule_check() - Return: 0, or -EINVAL and mho_nn_last_error() says which field. */
MHO_API int mho_nn_schedule_check(const struct mho_nn_schedule *schedule);

/* mho_nn_schedule_rate() - learning rate of @epoch, counted from 0, for a valid schedule. */
MHO_API float mho_nn_schedule_rate(const struct mho_nn_schedule *schedule, uint32_t epoch);

/**
 * struct mho_nn_train_opts - how to train
 * @size: sizeof(struct mho_nn_train_opts)
 * @schedule: learning rate
 * @seed: of the order of the samples, another for each epoch
 * @epochs: when to stop
 * @batch: samples of a step, at most the networks' batch_max
 * @reserved: zero
 */
struct mho_nn_train_opts {
	size_t size;
	const struct mho_nn_schedule *schedule;
	uint64_t seed;
	uint32_t epochs;
	uint32_t batch;
	uint64_t reserved[4];
};

/**
 * mho_nn_trainer_create() - prepare training
 * @nn: network to train
 * @reference: host network that gets the same samples in the same order, or NULL
 * @train: samples to learn, all labelled
 * @test: held-out samples, or NULL
 * @opts: how
 * @out: the trainer; uses the other objects, which stay the caller's
 *
 * Return: 0, -EINVAL (mho_nn_last_error() says what does not fit), -ENOMEM.
 */
MHO_API int mho_nn_trainer_create(struct mho_nn *nn, struct mho_nn *reference,
				  const struct mho_nn_data *train, const struct mho_nn_data *test,
				  const struct mho_nn_train_opts *opts,
				  struct mho_nn_trainer **out);

/* mho_nn_trainer_destroy() - @trainer may be NULL. */
MHO_API void mho_nn_trainer_destroy(struct mho_nn_trainer *trainer);

/**
 * struct mho_nn_epoch - one epoch's results, as trained and on the held-out samples
 * @rate: learning rate
 * @loss: mean cross-entropy while training
 * @accuracy: share of right answers while training, 0 to 1
 * @test_loss: on the held-out samples after the epoch; NaN without any
 * @test_accuracy: likewise
 * @reference_loss: @loss of the reference; NaN without one
 * @reference_accuracy: likewise
 * @reference_test_loss: likewise
 * @reference_test_accuracy: likewise
 * @device_ns: device time of the epoch's training, without the held-out samples
 * @energy_fj: energy likewise
 * @pulses: pulses fired
 * @host_s: seconds that the host took for it, without the reference
 */
struct mho_nn_epoch {
	double rate;
	double loss;
	double accuracy;
	double test_loss;
	double test_accuracy;
	double reference_loss;
	double reference_accuracy;
	double reference_test_loss;
	double reference_test_accuracy;
	uint64_t device_ns;
	uint64_t energy_fj;
	uint64_t pulses;
	double host_s;
};

/**
 * struct mho_nn_progress - where training is
 * @epoch: epoch, counted from 0
 * @epochs: of so many
 * @sample: samples of this epoch that were trained
 * @samples: of so many
 * @score: of these samples
 * @done: the epoch's results, once @sample is @samples; else NULL
 */
struct mho_nn_progress {
	uint32_t epoch;
	uint32_t epochs;
	uint32_t sample;
	uint32_t samples;
	struct mho_nn_score score;
	const struct mho_nn_epoch *done;
};

/* Return 0 to go on, anything else to stop; mho_nn_trainer_run() returns it. */
typedef int (*mho_nn_progress_fn)(const struct mho_nn_progress *progress, void *arg);

/**
 * mho_nn_trainer_run() - train until the last epoch is done
 * @trainer: trainer; goes on where it was stopped
 * @fn: called after every batch, and once more after every epoch; or NULL
 * @arg: passed to it
 *
 * Return: 0 when all epochs are done, what @fn returned, or a device error.
 */
MHO_API int mho_nn_trainer_run(struct mho_nn_trainer *trainer, mho_nn_progress_fn fn, void *arg);

/**
 * mho_nn_trainer_history() - results of the epochs that are done
 * @trainer: trainer
 * @epochs: their number is written here
 *
 * Return: the results, borrowed, valid until the trainer is used again; NULL if there are none.
 */
MHO_API const struct mho_nn_epoch *mho_nn_trainer_history(const struct mho_nn_trainer *trainer,
							  uint32_t *epochs);

/**
 * mho_nn_trainer_extend() - change when to stop
 * @trainer: trainer
 * @epochs: not less than are done
 *
 * Return: 0 or -EINVAL.
 */
MHO_API int mho_nn_trainer_extend(struct mho_nn_trainer *trainer, uint32_t epochs);

/* ---- checkpoints ---- */

/**
 * mho_nn_trainer_save() - write a checkpoint
 * @trainer: trainer, not in mho_nn_trainer_run()
 * @path: file; at every moment it holds its old content or the new, also after a crash
 * @note: text to keep in it, such as settings of the program (at most 64 KiB), or NULL
 *
 * Holds layers, weights as read back, biases, scaling of the inputs, seeds, schedule, position,
 * history, the reference's weights, and how the device's own copy of the weights is recognised.
 * mho_sync() is called first, so that a device with a state file can go on from there.
 *
 * Return: 0; -EEXIST (@path holds something that is no checkpoint), -EBUSY (another process is
 * writing it), or an error of writing (-ENOSPC, -EACCES, ...) or of the device. After an error
 * @path is as it was.
 */
MHO_API int mho_nn_trainer_save(struct mho_nn_trainer *trainer, const char *path, const char *note);

struct mho_nn_checkpoint;

/**
 * mho_nn_checkpoint_open() - read a checkpoint into memory
 * @path: file
 * @out: the checkpoint; mho_nn_checkpoint_close() it
 *
 * Return: 0, -ENOENT, -EACCES, -EBADMSG (damaged, or no checkpoint), -EPROTONOSUPPORT (of a later
 * version), -ENOMEM.
 */
MHO_API int mho_nn_checkpoint_open(const char *path, struct mho_nn_checkpoint **out);

/* mho_nn_checkpoint_close() - @ckpt may be NULL. */
MHO_API void mho_nn_checkpoint_close(struct mho_nn_checkpoint *ckpt);

/**
 * struct mho_nn_checkpoint_info - what a checkpoint holds; pointers are valid until it is closed
 * @size: sizeof(struct mho_nn_checkpoint_info)
 * @inputs: of the network
 * @layers: number of layers
 * @layer: the layers
 * @epoch: epochs done
 * @epochs: epochs planned
 * @sample: samples done of the epoch in progress
 * @samples: samples of an epoch
 * @test_samples: held-out samples
 * @batch: samples of a step
 * @reference: 1 if the reference's weights are in it
 * @pad: zero
 * @seed: of the order of the samples
 * @name: of the matrices on the device; NULL if they had none
 * @note: as given to mho_nn_trainer_save(), or NULL
 */
struct mho_nn_checkpoint_info {
	size_t size;
	uint32_t inputs;
	uint32_t layers;
	const struct mho_nn_layer *layer;
	uint32_t epoch;
	uint32_t epochs;
	uint32_t sample;
	uint32_t samples;
	uint32_t test_samples;
	uint32_t batch;
	uint32_t reference;
	uint32_t pad;
	uint64_t seed;
	const char *name;
	const char *note;
};

/* mho_nn_checkpoint_info_get() - describe @ckpt. Return: 0 or -EINVAL (size). */
MHO_API int mho_nn_checkpoint_info_get(const struct mho_nn_checkpoint *ckpt,
				       struct mho_nn_checkpoint_info *info);

enum mho_nn_restored {
	MHO_NN_PROGRAMMED = 0, /* the weights of the checkpoint were programmed */
	MHO_NN_FOUND = 1, /* the device still had the weights, exactly as they were */
};

/**
 * mho_nn_create_from() - make the network of a checkpoint
 * @dev: device; NULL for a host network
 * @ckpt: checkpoint
 * @reference: 1 for the weights of the reference that was trained beside it
 * @batch_max: as in struct mho_nn_desc
 * @out: the network
 *
 * If the checkpoint's matrices have a name and @dev still holds them, and not a pulse has been
 * fired there since, they are used as they are. Else they are programmed anew (to the tolerance
 * of the device: close to, but not exactly, the weights that they had), under the same name.
 *
 * Return: enum mho_nn_restored, -ENOENT (no reference in it), or as mho_nn_create().
 */
MHO_API int mho_nn_create_from(struct mho_dev *dev, const struct mho_nn_checkpoint *ckpt,
			       int reference, uint32_t batch_max, struct mho_nn **out);

/* mho_nn_data_scale_from() - scale @data as the checkpoint's. Return: 0 or -EINVAL (shape). */
MHO_API int mho_nn_data_scale_from(struct mho_nn_data *data, const struct mho_nn_checkpoint *ckpt);

/**
 * mho_nn_trainer_resume() - a trainer that goes on where a checkpoint was made
 * @nn: network, from mho_nn_create_from()
 * @reference: likewise, or NULL to go on without
 * @train: the same samples in the same order as then
 * @test: likewise
 * @ckpt: checkpoint
 * @out: the trainer
 *
 * Return: 0, -EINVAL (@nn, @train or @test is not what the checkpoint was made with), -ENOMEM.
 */
MHO_API int mho_nn_trainer_resume(struct mho_nn *nn, struct mho_nn *reference,
				  const struct mho_nn_data *train, const struct mho_nn_data *test,
				  const struct mho_nn_checkpoint *ckpt,
				  struct mho_nn_trainer **out);

#ifdef __cplusplus
}
#endif

#endif
