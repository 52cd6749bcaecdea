#define _GNU_SOURCE
#include "system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

int cka_exchange(const char *a, const char *b) {
#ifdef RENAME_EXCHANGE
  return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
#else
  errno = ENOSYS;
  return -1;
#endif
}

int cka_synchronize(int descriptor) { return syncfs(descriptor); }

int cka_open_unnamed(const char *folder) {
  int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  // A file system without such files.
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/cka-XXXXXX", folder) >= (int)sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  file = mkostemp(path, O_CLOEXEC);
  if (file >= 0) unlink(path);
  return file;
}

bool cka_is_cached(int descriptor, long offset) {
#ifdef RWF_NOWAIT
  char byte;
  struct iovec target = {&byte, 1};
  return preadv2(descriptor, &target, 1, offset, RWF_NOWAIT) == 1;
#else
  return false;
#endif
}

int cka_get_processors(cka_processors *processors) {
  return sched_getaffinity(0, sizeof *processors, (cpu_set_t *)processors);
}

int cka_set_processors(const cka_processors *processors) {
  return sched_setaffinity(0, sizeof *processors, (const cpu_set_t *)processors);
}
