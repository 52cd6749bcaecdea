// Compares two layers of numbers with each other: cc compare.c -lcka
#include <cka.h>
#include <stdio.h>
#include <stdlib.h>

static cka_error error;

static cka_handle stop_at_error(cka_handle handle) {
  if (handle != CKA_NONE) return handle;
  fprintf(stderr, "%s\n", error.message);
  exit(error.code);
}

int main(void) {
  enum { EXAMPLES = 100, FEATURES = 3 };
  static float x[EXAMPLES][FEATURES], y[EXAMPLES][FEATURES];
  srand(1);
  for (int i = 0; i < EXAMPLES; i++)
    for (int k = 0; k < FEATURES; k++) {
      x[i][k] = (float)rand() / (float)RAND_MAX;
      y[i][k] = 2 * x[i][k] + (float)rand() / (float)RAND_MAX;
    }
  const int64_t shape[] = {EXAMPLES, FEATURES};
  const cka_array arrays[] = {{x, shape, 2, CKA_FLOAT32, 0}, {y, shape, 2, CKA_FLOAT32, 0}};
  cka_handle model = stop_at_error(cka_model_create("example", &error));
  cka_model_add_layer(model, "x", &arrays[0], &error);
  cka_model_add_layer(model, "y", &arrays[1], &error);
  const char *options = "{\"estimator\": \"unbiased\", \"device\": \"cpu\"}";
  cka_handle result = stop_at_error(cka_compare(model, CKA_NONE, options, NULL, NULL, &error));
  cka_array scores;
  if (cka_result_array(result, "cka", &scores, &error)) stop_at_error(CKA_NONE);
  const double *cka = (const double *)scores.data;
  printf("%.3f %.3f\n%.3f %.3f\n", cka[0], cka[1], cka[2], cka[3]);
  cka_close(result, NULL);
  cka_close(model, NULL);
  return 0;
}
