// The C interface of cka: similarity of the layers of neural networks by Centered Kernel Alignment.
//
// Objects are known by handles. A handle is never used twice, so that one which is closed, or of another kind, is an
// error of the call. Every call may be made on any thread; no call ends the process or changes its environment, signals,
// limits or, beyond its own duration, the number of threads of OpenBLAS. A process that was forked after the first call
// gets an error from every call.
//
// A function that returns a handle returns CKA_NONE where it fails, one that returns a code the code. Both say why in
// `error`, which may be NULL. Text is UTF-8 and ends with a zero byte.
#ifndef CKA_H
#define CKA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#pragma clang assume_nonnull begin
#define CKA_NULLABLE _Nullable
#else
#define CKA_NULLABLE
#endif

typedef uint64_t cka_handle;

#define CKA_NONE ((cka_handle)0)

// Why a call failed: the exit codes of the command, and CKA_CANCELLED.
enum {
  CKA_OK = 0,
  CKA_USAGE = 64,          // an argument or an option is wrong
  CKA_DATA = 65,           // activations or files cannot be used
  CKA_NO_INPUT = 66,       // a file is missing
  CKA_UNAVAILABLE = 69,    // there is no such device
  CKA_SOFTWARE = 70,       // a device failed
  CKA_CANNOT_CREATE = 73,  // a result cannot be made
  CKA_IO = 74,             // reading or writing failed
  CKA_CANCELLED = 130      // the caller's progress function ended the work
};

typedef struct cka_error {
  int32_t code;
  // One sentence: what was found and what was expected.
  char message[2044];
} cka_error;

typedef enum cka_type {
  CKA_FLOAT16 = 1,
  CKA_BFLOAT16,
  CKA_FLOAT32,
  CKA_FLOAT64,
  CKA_FLOAT8_E4M3,
  CKA_FLOAT8_E5M2,
  CKA_INT8,
  CKA_INT16,
  CKA_INT32,
  CKA_INT64,
  CKA_UINT8,
  CKA_UINT16,
  CKA_UINT32,
  CKA_UINT64,
  CKA_BOOL
} cka_type;

// Numbers in the caller's memory, in C order or, of two axes, in Fortran order. The first axis counts the examples;
// the others are the features of one.
typedef struct cka_array {
  const void *CKA_NULLABLE data;
  const int64_t *CKA_NULLABLE shape;
  size_t axes;
  cka_type type;
  int32_t is_fortran_order;
} cka_array;

// Hears on the calling thread, some twenty times a second, which share of the stage of the work that goes on is done, from
// 0 to 1. Where it returns anything but 0, the work ends.
typedef int32_t (*cka_progress)(double share, void *CKA_NULLABLE context);

// The version, such as "1.0.0".
const char *cka_version(void);

// Names the command cka, which reads HDF5 files in a process of its own.
int32_t cka_set_program(const char *CKA_NULLABLE path, cka_error *CKA_NULLABLE error);

// Forgets an object. Closing what is not open is an error of the call.
int32_t cka_close(cka_handle handle, cka_error *CKA_NULLABLE error);

// A model without layers.
cka_handle cka_model_create(const char *CKA_NULLABLE name, cka_error *CKA_NULLABLE error);

// Adds a layer, whose numbers are borrowed: they must stay where they are, unchanged, until the model and all that is
// computed from it at the time is done.
int32_t cka_model_add_layer(
    cka_handle model, const char *CKA_NULLABLE name, const cka_array *CKA_NULLABLE array,
    cka_error *CKA_NULLABLE error);

// Opens a file or folder of activations, as the command does. `options` is a JSON object, or NULL; each key may be
// missing:
//   "layers", "exclude": lists of shell patterns of layers' names
//   "pooling": "flatten" (default), "mean", "first", "last" or "tokens"; "layout": "channels-first" or "channels-last"
cka_handle cka_model_open(
    const char *CKA_NULLABLE path, const char *CKA_NULLABLE options, cka_error *CKA_NULLABLE error);

// Another model with the layers of this one pooled, computed when they are first read; it takes "pooling" and "layout" of
// cka_model_open. `mask` says which tokens count: examples × tokens with 1 for tokens and 0 for padding, or the lengths of
// the examples; NULL lets all count. Its numbers are read at once, those of borrowed layers later.
cka_handle cka_model_pool(
    cka_handle model, const cka_array *CKA_NULLABLE mask, const char *CKA_NULLABLE options,
    cka_error *CKA_NULLABLE error);

// The number of layers; -1 where it fails.
int64_t cka_model_layers(cka_handle model, cka_error *CKA_NULLABLE error);

// The name of a layer, counted from 0, until the model is closed; NULL where it fails.
const char *CKA_NULLABLE cka_model_layer_name(
    cka_handle model, int64_t layer, cka_error *CKA_NULLABLE error);

// Analyses
//
// Each does what the command of the same name does, with its options as a JSON object, or NULL; each key may be missing.
// An unknown key is an error that names the known ones. All that compute on devices take
//   "device": "auto" (default), "cpu", "opencl", "opencl:INDEX" or "opencl:all"
//   "precision": "exact", "compensated" or "fast"; "memory": bytes
// and those of models
//   "examples": at most so many, drawn by "seed"; "align": "order" (default) or "ids"; "drop_examples": "non-finite"

// Compares all layers of a model with those of another, or its own where `right` is CKA_NONE.
//   "estimator": "minibatch" (default), "unbiased" or "biased"
//   "batch_size", "passes", "seed": numbers; "order": "shuffled" or "stored"; "ragged": "drop" or "keep"
//   "kernel": "linear" or "rbf"; "bandwidth" or "sigma": numbers
cka_handle cka_compare(
    cka_handle left, cka_handle right, const char *CKA_NULLABLE options,
    cka_progress CKA_NULLABLE progress, void *CKA_NULLABLE context,
    cka_error *CKA_NULLABLE error);

// Standard errors of a map, a map of randomly paired examples, and one pair of layers in detail.
//   "kernel", "bandwidth", "sigma", "seed"
//   "cell": the names of two layers; with it "permutations" and "top": numbers
//   "map_permutations": a number
cka_handle cka_trust(
    cka_handle left, cka_handle right, const char *CKA_NULLABLE options,
    cka_progress CKA_NULLABLE progress, void *CKA_NULLABLE context,
    cka_error *CKA_NULLABLE error);

// How far minibatches are from the exact value.
//   "kernel", "bandwidth", "sigma", "seed"; "batch_sizes", "passes": lists of numbers; "repeats"
cka_handle cka_converge(
    cka_handle left, cka_handle right, const char *CKA_NULLABLE options,
    cka_progress CKA_NULLABLE progress, void *CKA_NULLABLE context,
    cka_error *CKA_NULLABLE error);

// Principal components of all layers, and CKA without the first ones.
//   "estimator": "unbiased" (default) or "biased"; "components", "controls", "seed": numbers
//   "remove": a list of numbers; "layer": the name of the one that ranks examples
cka_handle cka_components(
    cka_handle left, cka_handle right, const char *CKA_NULLABLE options,
    cka_progress CKA_NULLABLE progress, void *CKA_NULLABLE context,
    cka_error *CKA_NULLABLE error);

// Accuracy of a linear classifier on each layer. `labels` are whole numbers from 0, one an example.
//   "penalty", "test_fraction", "seed": numbers
cka_handle cka_probe(
    cka_handle model, const cka_array *CKA_NULLABLE labels, const char *CKA_NULLABLE options,
    cka_progress CKA_NULLABLE progress, void *CKA_NULLABLE context,
    cka_error *CKA_NULLABLE error);

// Where two groups of networks err differently. A group is a model whose layers are the predictions of its networks:
// whole numbers from 0, or examples × classes probabilities or, with "logits", logits.
//   "logits": true or false; "class_names": a list; "top", "repeats", "seed": numbers
cka_handle cka_errors(
    cka_handle first, cka_handle second, const cka_array *CKA_NULLABLE labels,
    const char *CKA_NULLABLE options, cka_error *CKA_NULLABLE error);

// Consecutive layers that are more similar than others as far apart, in `count` results of cka_compare, each of one model
// with itself, or in one of cka_sweep.
//   "min_size", "min_contrast", "significance", "permutations", "seed": numbers
cka_handle cka_blocks(
    const cka_handle *CKA_NULLABLE results, size_t count, const char *CKA_NULLABLE options,
    cka_error *CKA_NULLABLE error);

// Every pair of the models at `count` paths, in a store: a folder that is made, or extended. Beside what cka_compare
// takes, and cka_model_open,
//   "store_precision": "float32" (default) or "float16"
cka_handle cka_sweep(
    const char *CKA_NULLABLE store, const char *CKA_NULLABLE const *CKA_NULLABLE paths, size_t count,
    const char *CKA_NULLABLE options, cka_progress CKA_NULLABLE progress, void *CKA_NULLABLE context,
    cka_error *CKA_NULLABLE error);

// Streams

// A comparison of minibatches that arrive one after another, of which nothing is kept but sums. It takes the options
// "kernel", "bandwidth", "sigma", "device" and "precision" of cka_compare, and, for documents, "names": what the one or
// two models are called, and "pooling": what was done with the positions of maps.
cka_handle cka_stream_create(const char *CKA_NULLABLE options, cka_error *CKA_NULLABLE error);

// Adds a minibatch: a model with the same layers each time, of the same examples. `right` is CKA_NONE where a model is
// compared with itself. The numbers are no longer needed when this returns.
int32_t cka_stream_add(
    cka_handle stream, cka_handle left, cka_handle right, cka_error *CKA_NULLABLE error);

// The matrices of a minibatch that arrive layer by layer, while a network runs, for a stream: a layer is reduced to its
// matrix when it is added.
cka_handle cka_grams_create(cka_handle stream, cka_error *CKA_NULLABLE error);

// Adds a layer: all examples of the minibatch. Its numbers are no longer needed when this returns.
int32_t cka_grams_add(
    cka_handle grams, const char *CKA_NULLABLE name, const cka_array *CKA_NULLABLE array,
    cka_error *CKA_NULLABLE error);

// The Gram matrix of a layer that was made elsewhere, such as on the device that holds its activations: X Xᵀ for examples
// × features X, whose columns have the mean 0.
typedef struct cka_gram {
  // The entries (i, j) with i ≥ j, row by row: examples × (examples + 1) / 2.
  const float *CKA_NULLABLE numbers;
  int64_t examples;
  int64_t features;
  // Whether every activation is finite.
  int32_t is_finite;
  // Whether every feature has the same value in all examples.
  int32_t is_constant;
  // The numbers times 2^exponent are the matrix.
  int32_t exponent;
} cka_gram;

// Adds a layer by its matrix, for a stream of the linear kernel. Its numbers are no longer needed when this returns.
int32_t cka_grams_add_matrix(
    cka_handle grams, const char *CKA_NULLABLE name, const cka_gram *CKA_NULLABLE gram,
    cka_error *CKA_NULLABLE error);

// Adds a minibatch by its matrices, which may have been made for another stream of the same options; `right` as in
// cka_stream_add.
int32_t cka_stream_add_grams(
    cka_handle stream, cka_handle left, cka_handle right, cka_error *CKA_NULLABLE error);

// The result so far.
cka_handle cka_stream_result(cka_handle stream, cka_error *CKA_NULLABLE error);

// Results
//
// A result holds the files that the command of the analysis writes, made when they are asked for. What is returned
// stays where it is until the result is closed.

// Opens the folder of a result, or the store of a sweep.
cka_handle cka_result_open(const char *CKA_NULLABLE folder, cka_error *CKA_NULLABLE error);

// The number of files; -1 where it fails.
int64_t cka_result_files(cka_handle result, cka_error *CKA_NULLABLE error);

// The name of a file, counted from 0: documents (.json), tables (.csv), numbers (.npy), then pictures (.png, .svg, .pdf)
// and the page, report.html; NULL where it fails.
const char *CKA_NULLABLE cka_result_file_name(
    cka_handle result, int64_t file, cka_error *CKA_NULLABLE error);

// The bytes of a file, of which there are `*size`, and a zero byte after them; NULL where it fails.
const void *CKA_NULLABLE cka_result_file(
    cka_handle result, const char *CKA_NULLABLE name, size_t *CKA_NULLABLE size,
    cka_error *CKA_NULLABLE error);

// The float64 numbers of the file NAME.npy, in C order: of cka_compare "cka", rows × columns, and "z", null standard
// deviations above 0. Cells without a value are NaN.
int32_t cka_result_array(
    cka_handle result, const char *CKA_NULLABLE name, cka_array *CKA_NULLABLE array,
    cka_error *CKA_NULLABLE error);

// Why a cell of "cka" has a value, "ok", or has none; NULL where it fails. The text is never freed.
const char *CKA_NULLABLE cka_result_status(
    cka_handle result, int64_t row, int64_t column, cka_error *CKA_NULLABLE error);

// Writes the folder that the command writes, with report.html where `with_report` is not 0. A result that is there is
// replaced where `is_replacing` is not 0.
int32_t cka_result_write(
    cka_handle result, const char *CKA_NULLABLE folder, int32_t is_replacing,
    int32_t with_report, cka_error *CKA_NULLABLE error);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#ifdef __cplusplus
}
#endif

#endif
