// Calls all functions in any order with whatever a wrong program may pass: other handles, closed ones, null pointers,
// shapes that no memory has, options that do not exist. The library must answer each call, and must not end the process.
#include <cka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint64_t any(uint64_t below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state % below;
}

enum kind { MODEL, RESULT, STREAM, GRAMS, KINDS };
enum { HANDLES = 8, NUMBERS = 4096 };
static cka_handle handles[KINDS][HANDLES];
static double numbers[NUMBERS];
static unsigned char classes[NUMBERS];
static cka_error error;
static char folder[256], store[300], path[300];

// One of the kind as a rule; else one of another kind, a closed one, or none.
static cka_handle handle(enum kind kind) {
  if (any(8)) return handles[kind][any(HANDLES)];
  return any(2) ? handles[any(KINDS)][any(HANDLES)] : any(2) ? any(40) : any(UINT64_MAX);
}

static cka_handle second(enum kind kind) { return any(2) ? handle(kind) : CKA_NONE; }

static void keep(enum kind kind, cka_handle made) {
  if (made != CKA_NONE) handles[kind][any(HANDLES)] = made;
}

static const char *name(void) {
  static const char *const names[] = {"a", "b", "c", "", "\xff\xfe", "cka", "z", "a.npy", "result.json", "cka.npy",
                                      "heatmap.png", "report.html", "trust.json", "../x", "%s%n", "\n\x1b[31m"};
  const size_t count = sizeof names / sizeof *names;
  return any(20) ? names[any(count)] : NULL;
}

static const char *options(void) {
  static const char *const all[] = {
      "{}", "{\"device\": \"cpu\"}", "{\"device\": \"cpu\", \"estimator\": \"unbiased\"}",
      "{\"estimator\": \"biased\", \"device\": \"cpu\"}", "{\"kernel\": \"rbf\", \"device\": \"cpu\"}",
      "{\"batch_size\": -1}", "{\"batch_size\": 9223372036854775807}", "{\"batch_size\": 1e300}", "{\"passes\": 0}",
      "{\"memory\": 1, \"device\": \"cpu\"}", "{\"memory\": -9223372036854775808}", "{\"examples\": 0}",
      "{\"examples\": 5, \"seed\": 18446744073709551615, \"device\": \"cpu\"}", "{\"cell\": [\"a\", \"b\"]}",
      "{\"cell\": []}", "{\"components\": 0}", "{\"components\": 9223372036854775807}", "{\"remove\": [-1]}",
      "{\"batch_sizes\": [4, 5], \"passes\": [1], \"repeats\": 1, \"device\": \"cpu\"}", "{\"batch_sizes\": []}",
      "{\"test_fraction\": 2}", "{\"penalty\": -1}", "{\"logits\": true}", "{\"names\": []}", "{\"names\": [\"x\"]}",
      "{\"min_size\": -5}", "{\"significance\": 0}", "{\"permutations\": 9}", "{\"layers\": [\"[\"]}",
      "{\"pooling\": \"mean\"}", "{\"pooling\": \"last\", \"layout\": \"channels-last\"}",
      "{\"pooling\": \"tokens\", \"layout\": \"channels-first\"}", "{\"store_precision\": \"float16\", \"device\": \"cpu\"}", "[", "null", "\"\"",
      "{\"a\": {\"b\": []}}", "\xff", "{\"top\": -1}", "{\"repeats\": 3}", "{\"sigma\": 0}", "{\"drop_examples\": \"\"}"};
  return any(6) ? all[any(sizeof all / sizeof *all)] : NULL;
}

// An array within `numbers`, or one that cannot be.
static const cka_array *array(void) {
  static int64_t shape[66];
  static cka_array made;
  if (!any(20)) return NULL;
  made.type = (cka_type)(any(12) ? 1 + any(15) : any(1000));
  made.is_fortran_order = (int32_t)any(2);
  made.data = any(30) ? numbers : NULL;
  made.shape = any(30) ? shape : NULL;
  if (any(4)) {
    made.type = CKA_UINT8;
    made.data = classes;
    shape[0] = 12;
    made.axes = 1;
    if (any(2)) {
      made.type = CKA_FLOAT64;
      made.data = numbers + any(64);
      shape[1] = (int64_t)(1 + any(5));
      made.axes = 2;
    }
  } else if (any(3)) {
    // At most 8 bytes each.
    shape[0] = (int64_t)any(24);
    shape[1] = (int64_t)any(13);
    shape[2] = (int64_t)any(13);
    made.axes = 1 + any(3);
  } else {
    static const int64_t lengths[] = {-1, 0, 1, 1LL << 40, INT64_MAX, INT64_MIN, 1LL << 62};
    for (int axis = 0; axis < 66; axis++) shape[axis] = lengths[any(7)];
    shape[any(2)] = any(2) ? INT64_MIN : -1;
    made.axes = any(4) ? 2 + any(65) : any(SIZE_MAX);
  }
  return &made;
}

static const cka_gram *gram(void) {
  static cka_gram made;
  static float triangle[NUMBERS];
  if (!any(20)) return NULL;
  for (int i = 0; i < NUMBERS; i++) triangle[i] = (float)numbers[i];
  static const int64_t counts[] = {-1, 0, 1, 4, 12, 60, INT64_MIN};
  made.numbers = any(20) ? triangle : NULL;
  made.examples = any(3) ? 12 : counts[any(7)];
  made.features = any(3) ? 3 : counts[any(7)];
  made.is_finite = (int32_t)any(2);
  made.is_constant = (int32_t)any(2);
  made.exponent = (int32_t)(any(2) ? 0 : any(1ULL << 32));
  return &made;
}

static int32_t progress(double share, void *context) {
  (void)share, (void)context;
  return any(4) == 0;
}

static void call(void) {
  cka_error *told = any(10) ? &error : NULL;
  cka_progress heard = any(2) ? progress : NULL;
  switch (any(30)) {
  case 0: cka_set_program(any(2) ? "/nowhere/cka" : NULL, told); break;
  case 1: if (!any(4)) cka_close(handle((enum kind)any(KINDS)), told); break;
  case 2: case 3: keep(MODEL, cka_model_create(name(), told)); break;
  case 4: case 5: case 6: case 7: cka_model_add_layer(handle(MODEL), name(), array(), told); break;
  case 8: keep(MODEL, cka_model_open(any(2) ? path : name(), options(), told)); break;
  case 9: cka_model_layers(handle(MODEL), told); break;
  case 10: cka_model_layer_name(handle(MODEL), (int64_t)any(3), told); break;
  case 11: keep(RESULT, cka_compare(handle(MODEL), second(MODEL), options(), heard, NULL, told)); break;
  case 12: keep(RESULT, cka_trust(handle(MODEL), second(MODEL), options(), heard, NULL, told)); break;
  case 13: keep(RESULT, cka_converge(handle(MODEL), second(MODEL), options(), heard, NULL, told)); break;
  case 14: keep(RESULT, cka_components(handle(MODEL), second(MODEL), options(), heard, NULL, told)); break;
  case 15: keep(RESULT, cka_probe(handle(MODEL), array(), options(), heard, NULL, told)); break;
  case 16: keep(RESULT, cka_errors(handle(MODEL), handle(MODEL), array(), options(), told)); break;
  case 17: {
    const cka_handle some[] = {handle(RESULT), handle(RESULT)};
    keep(RESULT, cka_blocks(any(20) ? some : NULL, any(3), options(), told));
    break;
  }
  case 18: {
    const char *const paths[] = {any(4) ? path : name(), path};
    if (any(4)) break;
    keep(RESULT, cka_sweep(any(4) ? store : name(), any(20) ? paths : NULL, any(3), options(), heard, NULL, told));
    break;
  }
  case 19: keep(STREAM, cka_stream_create(options(), told)); break;
  case 20: cka_stream_add(handle(STREAM), handle(MODEL), second(MODEL), told); break;
  case 21: keep(GRAMS, cka_grams_create(handle(STREAM), told)); break;
  case 22: cka_grams_add(handle(GRAMS), name(), array(), told); break;
  case 23: cka_grams_add_matrix(handle(GRAMS), name(), gram(), told); break;
  case 24: cka_stream_add_grams(handle(STREAM), handle(GRAMS), second(GRAMS), told); break;
  case 25:
    keep(RESULT, any(3) ? cka_stream_result(handle(STREAM), told) : cka_result_open(any(2) ? folder : name(), told));
    break;
  case 26: {
    cka_array found;
    size_t size = 0;
    const cka_handle result = handle(RESULT);
    cka_result_array(result, name(), any(20) ? &found : NULL, told);
    if (any(8)) break;
    const char *bytes = (const char *)cka_result_file(result, name(), any(20) ? &size : NULL, told);
    if (bytes && size && bytes[size] != 0) abort();
    break;
  }
  case 27: {
    const cka_handle result = handle(RESULT);
    cka_result_status(result, (int64_t)any(3), (int64_t)any(3), told);
    cka_result_file_name(result, (int64_t)any(8) - 1, told);
    cka_result_files(result, told);
    break;
  }
  case 28: keep(MODEL, cka_model_pool(handle(MODEL), any(2) ? array() : NULL, options(), told)); break;
  case 29:
    if (any(16)) break;
    cka_result_write(handle(RESULT), any(2) ? folder : name(), (int32_t)any(2), (int32_t)any(2), told);
    break;
  }
  // What is told is text that ends.
  if (!memchr(error.message, 0, sizeof error.message)) abort();
}

int main(int count, char **arguments) {
  if (count != 4) return 64;
  state = strtoull(arguments[1], NULL, 10) * 2 + 1;
  snprintf(folder, sizeof folder, "%s/result", arguments[3]);
  snprintf(store, sizeof store, "%s/store", arguments[3]);
  snprintf(path, sizeof path, "%s/model.npy", arguments[3]);
  for (int i = 0; i < NUMBERS; i++) {
    numbers[i] = (double)any(1000) / 1000;
    classes[i] = (unsigned char)(i % 2);
  }
  FILE *model = fopen(path, "wb");
  if (!model) return 73;
  fprintf(model, "\x93NUMPY\x01%cv%c{'descr': '<f8', 'fortran_order': False, 'shape': (16, 3), }%57s\n", 0, 0, "");
  fwrite(numbers, sizeof(double), 48, model);
  fclose(model);
  const long calls = strtol(arguments[2], NULL, 10);
  for (long i = 0; i < calls; i++) call();
  for (int kind = 0; kind < KINDS; kind++)
    for (int i = 0; i < HANDLES; i++) cka_close(handles[kind][i], NULL);
  return 0;
}
