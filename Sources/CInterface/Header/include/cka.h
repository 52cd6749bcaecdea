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

// Opens a file or folder of activations, as the command does.
cka_handle cka_model_open(const char *CKA_NULLABLE path, cka_error *CKA_NULLABLE error);

// The number of layers; -1 where it fails.
int64_t cka_model_layers(cka_handle model, cka_error *CKA_NULLABLE error);

// The name of a layer, counted from 0, until the model is closed; NULL where it fails.
const char *CKA_NULLABLE cka_model_layer_name(
    cka_handle model, int64_t layer, cka_error *CKA_NULLABLE error);

// Compares all layers of a model with those of another, or its own where `right` is CKA_NONE.
//
// `options` is a JSON object, or NULL; each key may be missing:
//   "estimator": "minibatch" (default), "unbiased" or "biased"
//   "batch_size", "passes", "seed": numbers; "order": "shuffled" or "stored"; "ragged": "drop" or "keep"
//   "kernel": "linear" or "rbf"; "bandwidth" or "sigma": numbers
//   "device": "auto" (default), "cpu", "opencl", "opencl:INDEX" or "opencl:all"
//   "precision": "exact", "compensated" or "fast"; "memory": bytes
cka_handle cka_compare(
    cka_handle left, cka_handle right, const char *CKA_NULLABLE options,
    cka_progress CKA_NULLABLE progress, void *CKA_NULLABLE context,
    cka_error *CKA_NULLABLE error);

// A comparison of minibatches that arrive one after another, of which nothing is kept but sums. It takes the options
// "kernel", "bandwidth", "sigma", "device" and "precision" of cka_compare.
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

// Adds a minibatch to the stream for which its matrices were made; `right` as in cka_stream_add.
int32_t cka_stream_add_grams(
    cka_handle stream, cka_handle left, cka_handle right, cka_error *CKA_NULLABLE error);

// The result so far.
cka_handle cka_stream_result(cka_handle stream, cka_error *CKA_NULLABLE error);

// The layers of the first model, and of the second or, without one, the first.
int32_t cka_result_shape(
    cka_handle result, int64_t *CKA_NULLABLE rows, int64_t *CKA_NULLABLE columns,
    cka_error *CKA_NULLABLE error);

// Copies "cka", or "z", null standard deviations above 0, rows × columns, into `numbers`, of which there must be
// `count`. Cells without a value are NaN.
int32_t cka_result_numbers(
    cka_handle result, const char *CKA_NULLABLE name, double *CKA_NULLABLE numbers, size_t count,
    cka_error *CKA_NULLABLE error);

// Why a cell has a value, "ok", or has none; NULL where it fails. The text is never freed.
const char *CKA_NULLABLE cka_result_status(
    cka_handle result, int64_t row, int64_t column, cka_error *CKA_NULLABLE error);

// What the command writes to result.json, until the result is closed; NULL where it fails or for the result of a
// stream.
const char *CKA_NULLABLE cka_result_document(cka_handle result, cka_error *CKA_NULLABLE error);

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
