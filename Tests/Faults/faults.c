// Injects faults into a command, as a library that is loaded before libc (LD_PRELOAD).
//
// Counts the calls of one group that concern files below FAULT_ROOT and lets the FAULT_AT-th, counted
// from 1, go wrong as FAULT_KIND says:
//
//   kill           any call: the process is killed before it
//   truncate       any call: the file FAULT_VICTIM is cut to half of its size before it
//   full           writing: no space is left, from this call on
//   write-error    writing: an input/output error, once
//   short-write    writing: half of the bytes, from this call on
//   sync-error     fsync: an input/output error, once
//   rename-error   renaming: an input/output error, once
//   remove-error   removing files and folders: not permitted, once
//   stat-error     looking at what a path names: an input/output error, once
//   read-error     reading: an input/output error, once
//   short-read     reading: half of the bytes, from this call on
//
// With FAULT_AT 0 nothing goes wrong, and the number of calls is written to FAULT_COUNT.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef enum { OPENING, READING, WRITING, SYNCING, RENAMING, REMOVING, LOOKING, MAKING } Group;

static atomic_long calls;
static const char *kind = "";
static const char *root = "/nowhere";
static long at;

__attribute__((constructor)) static void begin(void) {
  kind = getenv("FAULT_KIND") ?: "";
  root = getenv("FAULT_ROOT") ?: "/nowhere";
  at = atol(getenv("FAULT_AT") ?: "0");
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("FAULT_COUNT");
  if (!path || at != 0) return;
  char text[32];
  int length = snprintf(text, sizeof text, "%ld\n", (long)calls);
  int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  syscall(SYS_write, file, text, length);
}

static int is(const char *name) { return strcmp(kind, name) == 0; }

static int counts(Group group) {
  if (is("kill") || is("truncate")) return 1;
  switch (group) {
  case READING: return is("read-error") || is("short-read");
  case WRITING: return is("full") || is("write-error") || is("short-write");
  case MAKING: return is("full");
  case SYNCING: return is("sync-error");
  case RENAMING: return is("rename-error");
  case REMOVING: return is("remove-error");
  case LOOKING: return is("stat-error");
  case OPENING: return 0;
  }
  return 0;
}

// Whether this call goes wrong. Before a kill or a truncation it does not return, or not as a failure.
static int fails(Group group) {
  if (!counts(group)) return 0;
  const long number = ++calls;
  if (at == 0 || number < at) return 0;
  if (is("kill") && number == at) {
    syscall(SYS_kill, getpid(), SIGKILL);
  } else if (is("truncate")) {
    const char *victim = getenv("FAULT_VICTIM");
    struct stat state;
    if (number == at && victim && syscall(SYS_newfstatat, AT_FDCWD, victim, &state, 0) == 0) {
      syscall(SYS_truncate, victim, state.st_size / 2);
    }
    return 0;
  }
  if (is("full") || is("short-write") || is("short-read")) return 1;
  return number == at;
}

static int below(const char *path) {
  if (path[0] == '/') return strncmp(path, root, strlen(root)) == 0;
  char folder[PATH_MAX];
  return syscall(SYS_getcwd, folder, sizeof folder) > 0
      && strncmp(folder, root, strlen(root)) == 0;
}

static int below_fd(int file) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return strncmp(path, root, strlen(root)) == 0;
}

static int below_at(int folder, const char *path) {
  return path[0] == '/' || folder == AT_FDCWD ? below(path) : below_fd(folder);
}

static int failure(int code) {
  errno = code;
  return -1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                                  \
  int name(const char *path, int flags, ...) {                                      \
    va_list list;                                                                   \
    va_start(list, flags);                                                          \
    const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0; \
    va_end(list);                                                                   \
    if (below(path) && fails(flags & O_CREAT ? MAKING : OPENING)) return failure(ENOSPC); \
    return NEXT(name)(path, flags, mode);                                           \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                \
  int name(int folder, const char *path, int flags, ...) {                          \
    va_list list;                                                                   \
    va_start(list, flags);                                                          \
    const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0; \
    va_end(list);                                                                   \
    if (below_at(folder, path) && fails(flags & O_CREAT ? MAKING : OPENING)) return failure(ENOSPC); \
    return NEXT(name)(folder, path, flags, mode);                                   \
  }
OPENAT(openat)
OPENAT(openat64)

int mkdir(const char *path, mode_t mode) {
  if (below(path) && fails(MAKING)) return failure(ENOSPC);
  return NEXT(mkdir)(path, mode);
}

int mkdirat(int folder, const char *path, mode_t mode) {
  if (below_at(folder, path) && fails(MAKING)) return failure(ENOSPC);
  return NEXT(mkdirat)(folder, path, mode);
}

static size_t half(size_t count) { return count > 1 ? count / 2 : count; }

ssize_t read(int file, void *bytes, size_t count) {
  if (below_fd(file) && fails(READING)) {
    if (is("read-error")) return failure(EIO);
    count = half(count);
  }
  return NEXT(read)(file, bytes, count);
}

#define PREAD(name, Offset)                                         \
  ssize_t name(int file, void *bytes, size_t count, Offset offset) { \
    if (below_fd(file) && fails(READING)) {                         \
      if (is("read-error")) return failure(EIO);                    \
      count = half(count);                                          \
    }                                                               \
    return NEXT(name)(file, bytes, count, offset);                  \
  }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

static int writing_fails(int file, size_t *count) {
  if (!below_fd(file) || !fails(WRITING)) return 0;
  if (is("short-write")) {
    *count = half(*count);
    return 0;
  }
  errno = is("full") ? ENOSPC : EIO;
  return 1;
}

ssize_t write(int file, const void *bytes, size_t count) {
  if (writing_fails(file, &count)) return -1;
  return NEXT(write)(file, bytes, count);
}

#define PWRITE(name, Offset)                                                \
  ssize_t name(int file, const void *bytes, size_t count, Offset offset) {  \
    if (writing_fails(file, &count)) return -1;                             \
    return NEXT(name)(file, bytes, count, offset);                          \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

int fsync(int file) {
  if (below_fd(file) && fails(SYNCING)) return failure(EIO);
  return NEXT(fsync)(file);
}

int rename(const char *from, const char *to) {
  if (below(to) && fails(RENAMING)) return failure(EIO);
  return NEXT(rename)(from, to);
}

int renameat(int a, const char *from, int b, const char *to) {
  if (below_at(b, to) && fails(RENAMING)) return failure(EIO);
  return NEXT(renameat)(a, from, b, to);
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
  if (below_at(b, to) && fails(RENAMING)) return failure(EIO);
  return NEXT(renameat2)(a, from, b, to, flags);
}

int unlink(const char *path) {
  if (below(path) && fails(REMOVING)) return failure(EPERM);
  return NEXT(unlink)(path);
}

int unlinkat(int folder, const char *path, int flags) {
  if (below_at(folder, path) && fails(REMOVING)) return failure(EPERM);
  return NEXT(unlinkat)(folder, path, flags);
}

int rmdir(const char *path) {
  if (below(path) && fails(REMOVING)) return failure(EPERM);
  return NEXT(rmdir)(path);
}

#define STAT(name, State)                                         \
  int name(const char *path, struct State *state) {               \
    if (below(path) && fails(LOOKING)) return failure(EIO);       \
    return NEXT(name)(path, state);                               \
  }
STAT(stat, stat)
STAT(stat64, stat64)
STAT(lstat, stat)
STAT(lstat64, stat64)

#define STATAT(name, State)                                                           \
  int name(int folder, const char *path, struct State *state, int flags) {            \
    if (below_at(folder, path) && fails(LOOKING)) return failure(EIO);                \
    return NEXT(name)(folder, path, state, flags);                                    \
  }
STATAT(fstatat, stat)
STATAT(fstatat64, stat64)
