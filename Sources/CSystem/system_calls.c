#define _GNU_SOURCE
#include "system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
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

bool cka_is_cached(int descriptor, long offset) {
#ifdef RWF_NOWAIT
  char byte;
  struct iovec target = {&byte, 1};
  return preadv2(descriptor, &target, 1, offset, RWF_NOWAIT) == 1;
#else
  return false;
#endif
}

void cka_keep_freed_memory(void) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

void cka_return_freed_memory(void) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
#endif
}

int cka_get_processors(cka_processors *processors) {
  return sched_getaffinity(0, sizeof *processors, (cpu_set_t *)processors);
}

int cka_set_processors(const cka_processors *processors) {
  return sched_setaffinity(0, sizeof *processors, (const cpu_set_t *)processors);
}
