// A child that is forked after the first call gets an error from every call, and does not hang. The parent goes on.
#include <cka.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const float numbers[8][2] = {{1, 2}, {2, 1}, {3, 5}, {4, 0}, {5, 1}, {6, 9}, {7, 7}, {8, 2}};

static cka_handle compare(cka_error *error) {
  const int64_t shape[] = {8, 2};
  const cka_array array = {numbers, shape, 2, CKA_FLOAT32, 0};
  cka_handle model = cka_model_create("m", error);
  if (model && cka_model_add_layer(model, "l", &array, error)) return CKA_NONE;
  return model ? cka_compare(model, CKA_NONE, "{\"device\": \"cpu\"}", NULL, NULL, error) : CKA_NONE;
}

int main(void) {
  cka_error error;
  if (!compare(&error)) return puts(error.message), 1;
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    if (compare(&error) || error.code != CKA_SOFTWARE) _exit(2);
    _exit(strstr(error.message, "forked") ? 0 : 3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status)) return printf("the child ended with %x\n", status), 1;
  return compare(&error) ? 0 : 1;
}
