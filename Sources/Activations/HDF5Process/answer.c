#if HDF5
#include "answer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static char buffer[1 << 16];
static size_t filled;

void answer_now(void) {
  size_t done = 0;
  while (done < filled) {
    ssize_t count = write(3, buffer + done, filled - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) _exit(1);
    done += (size_t)count;
  }
  filled = 0;
}

void answer_bytes(const void *bytes, size_t count) {
  const char *source = bytes;
  while (count > 0) {
    size_t room = sizeof buffer - filled;
    size_t part = count < room ? count : room;
    memcpy(buffer + filled, source, part);
    filled += part;
    source += part;
    count -= part;
    if (filled == sizeof buffer) answer_now();
  }
}

void answer_number(int64_t number) { answer_bytes(&number, sizeof number); }

void answer_counted(const void *bytes, size_t count) {
  answer_number((int64_t)count);
  answer_bytes(bytes, count);
}

void answer_text(const char *text) { answer_counted(text, strlen(text)); }

void answer_entry(enum cka_hdf5_entry kind, const char *name) {
  answer_number(kind);
  answer_text(name);
}

static herr_t copy_description(unsigned n, const H5E_error2_t *error, void *text) {
  if (n == 0 && error->desc) strncpy(text, error->desc, 255);
  return 0;
}

void answer_last_error(void) {
  // The innermost function's words.
  char text[256] = "";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, copy_description, text);
  answer_text(*text ? text : "libhdf5 gives no reason");
}

void answer_failure(const char *what, const char *name) {
  answer_entry(CKA_HDF5_FAILED, name);
  answer_text(what);
  answer_last_error();
  answer_end();
}

void answer_unreadable(int error) {
  answer_number(error);
  answer_now();
  _exit(CKA_HDF5_UNREADABLE);
}

void answer_end(void) {
  answer_number(CKA_HDF5_END);
  answer_now();
  // Nothing is closed: closing a damaged file is one more call that can crash.
  _exit(0);
}
#endif
