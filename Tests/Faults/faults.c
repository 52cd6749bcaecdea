// Injects faults into a command, as a library that is loaded before libc (LD_PRELOAD).
//
// Counts the calls of some groups that concern files below FAULT_ROOT, in all processes of the command, and
// lets the FAULT_AT-th, counted from 1, go wrong as FAULT_KIND says: see `kinds`. With FAULT_AT 0 nothing goes
// wrong. The number of calls is left in the file FAULT_COUNT, which must hold eight bytes of zeros before.
#define _GNU_SOURCE
#include <dirent.h>
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
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
  OPENING = 1,     // files that are there
  MAKING = 2,      // files, folders, names, room
  READING = 4,
  WRITING = 8,
  SYNCING = 16,    // fsync, syncfs
  CLOSING = 32,    // files that were open for writing
  RENAMING = 64,
  REMOVING = 128,  // files and folders
  LOOKING = 256,   // at what a path names or a descriptor is
  LISTING = 512,   // folders
  MAPPING = 1024,
  LINKING = 2048,
  OTHER = 4096,
  ALL = 8191,
};

typedef enum {
  ONCE,      // the call fails with the code
  FROM_NOW,  // it and all later ones do
  HALF,      // it and all later ones read or write half of what they are asked to
  KILL,      // the process is killed before the call
  TRUNCATE,  // the file FAULT_VICTIM is cut to half of its size before the call
  BUS,       // the disk below a mapped file fails before the call, and this thread touches the file
} Effect;

typedef struct {
  const char *name;
  int groups;
  Effect effect;
  int code;
} Kind;

static const Kind kinds[] = {
    {"kill", ALL, KILL, 0},
    {"truncate", ALL, TRUNCATE, 0},
    {"mapped-error", ALL, BUS, 0},
    {"full", WRITING | MAKING, FROM_NOW, ENOSPC},
    {"denied", MAKING, ONCE, EACCES},
    {"write-error", WRITING, ONCE, EIO},
    {"sync-error", SYNCING, ONCE, EIO},
    {"close-error", CLOSING, ONCE, EIO},
    {"rename-error", RENAMING, ONCE, EIO},
    {"remove-error", REMOVING, ONCE, EIO},
    {"look-error", LOOKING, ONCE, EIO},
    {"list-error", LISTING, ONCE, EIO},
    {"open-error", OPENING, ONCE, EIO},
    {"read-error", READING, ONCE, EIO},
    {"unreadable", READING, FROM_NOW, EIO},
    {"map-error", MAPPING, ONCE, ENOMEM},
    {"link-error", LINKING, ONCE, EPERM},
    {"short-write", WRITING, HALF, 0},
    {"short-read", READING, HALF, 0},
    {"interrupt", OPENING | READING | WRITING | SYNCING | CLOSING, ONCE, EINTR},
};

static const Kind *kind;
static const char *root = "/nowhere";
static long at;
static atomic_long own, *calls = &own;
// The file that was mapped last.
static _Atomic(char *) mapped;
static atomic_size_t mapped_size;

__attribute__((constructor)) static void begin(void) {
  const char *name = getenv("FAULT_KIND") ?: "", *count = getenv("FAULT_COUNT");
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(kinds[i].name, name)) kind = kinds + i;
  root = getenv("FAULT_ROOT") ?: "/nowhere";
  at = atol(getenv("FAULT_AT") ?: "0");
  const int file = count ? (int)syscall(SYS_openat, AT_FDCWD, count, O_RDWR) : -1;
  if (file < 0) return;
  // The last argument is passed in memory: all of its 64 bits count.
  void *shared = (void *)syscall(
      SYS_mmap, NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0L);
  if (shared != MAP_FAILED) calls = shared;
  syscall(SYS_close, file);
}

// What the hardware's exception brings: the kernel lets a process send it to itself.
static void fail_mapped_file(void) {
  siginfo_t what = {.si_signo = SIGBUS, .si_code = BUS_ADRERR};
  what.si_addr = atomic_load(&mapped) + atomic_load(&mapped_size) / 2;
  syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGBUS, &what);
}

static void truncate_victim(void) {
  const char *victim = getenv("FAULT_VICTIM");
  struct stat state;
  if (victim && syscall(SYS_newfstatat, AT_FDCWD, victim, &state, 0) == 0)
    syscall(SYS_truncate, victim, state.st_size / 2);
}

// The code of the call's failure; 0 where it goes on, -1 where it goes on with half.
static int fault(int group) {
  if (!kind || !(kind->groups & group)) return 0;
  if (kind->effect == BUS && !atomic_load(&mapped)) return 0;
  const long number = atomic_fetch_add(calls, 1) + 1;
  if (at == 0 || number < at) return 0;
  switch (kind->effect) {
  case ONCE: return number == at ? kind->code : 0;
  case FROM_NOW: return kind->code;
  case HALF: return -1;
  case KILL: if (number == at) syscall(SYS_kill, getpid(), SIGKILL); return 0;
  case TRUNCATE: if (number == at) truncate_victim(); return 0;
  case BUS: if (number == at) fail_mapped_file(); return 0;
  }
  return 0;
}

static int is_below(const char *path) {
  const size_t length = strlen(root);
  return !strncmp(path, root, length) && (path[length] == '/' || !path[length]);
}

// The path of an open file; its length, or nothing where it has none.
static size_t path_of(int file, char path[PATH_MAX]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return (size_t)length;
}

static int below_fd(int file) {
  char path[PATH_MAX];
  return path_of(file, path) && is_below(path);
}

static int below_at(int folder, const char *path) {
  char whole[2 * PATH_MAX];
  if (path[0] == '/') return is_below(path);
  while (!strncmp(path, "./", 2)) path += 2;
  // What getcwd returns counts the end of the text.
  const long length = folder == AT_FDCWD ? syscall(SYS_getcwd, whole, PATH_MAX) - 1 : (long)path_of(folder, whole);
  if (length <= 0) return 0;
  if (strcmp(path, ".")) snprintf(whole + length, sizeof whole - (size_t)length, "/%s", path);
  return is_below(whole);
}

static int below(const char *path) { return below_at(AT_FDCWD, path); }

static int fails(int group) {
  const int code = fault(group);
  if (code > 0) errno = code;
  return code > 0;
}

// Whether a transfer fails; halves its size where it shall be short.
static int transfer_fails(int file, int group, size_t *count) {
  if (!below_fd(file)) return 0;
  const int code = fault(group);
  if (code > 0) errno = code;
  if (code < 0 && *count > 1) *count /= 2;
  return code > 0;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WHERE(is_ours, group, failure) \
  if ((is_ours) && fails(group)) return failure

static int group_of(int flags) {
  return flags & (O_CREAT | O_TMPFILE) & ~O_DIRECTORY ? MAKING : flags & O_DIRECTORY ? LISTING : OPENING;
}

#define OPEN(name)                                                                            \
  int name(const char *path, int flags, ...) {                                                \
    va_list list;                                                                             \
    va_start(list, flags);                                                                    \
    const mode_t mode = group_of(flags) == MAKING ? va_arg(list, mode_t) : 0;                 \
    va_end(list);                                                                             \
    WHERE(below(path), group_of(flags), -1);                                                  \
    return NEXT(name)(path, flags, mode);                                                     \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                          \
  int name(int folder, const char *path, int flags, ...) {                                    \
    va_list list;                                                                             \
    va_start(list, flags);                                                                    \
    const mode_t mode = group_of(flags) == MAKING ? va_arg(list, mode_t) : 0;                 \
    va_end(list);                                                                             \
    WHERE(below_at(folder, path), group_of(flags), -1);                                       \
    return NEXT(name)(folder, path, flags, mode);                                             \
  }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name)                                                                           \
  FILE *name(const char *path, const char *mode) {                                            \
    WHERE(below(path), mode[0] == 'r' ? OPENING : MAKING, NULL);                              \
    return NEXT(name)(path, mode);                                                            \
  }
FOPEN(fopen)
FOPEN(fopen64)

// A call NAME(PARAMETERS), made with ARGUMENTS, that fails as one of GROUP where IS_OURS.
#define CALL(type, name, parameters, arguments, is_ours, group, failure)                      \
  type name parameters {                                                                      \
    WHERE(is_ours, group, failure);                                                           \
    return NEXT(name) arguments;                                                              \
  }
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode), below(path), MAKING, -1)
CALL(int, mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode),
     below_at(folder, path), MAKING, -1)
CALL(int, mkostemp, (char *path, int flags), (path, flags), below(path), MAKING, -1)
CALL(int, mkostemp64, (char *path, int flags), (path, flags), below(path), MAKING, -1)
CALL(int, linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags),
     below_at(b, to), LINKING, -1)
CALL(int, fsync, (int file), (file), below_fd(file), SYNCING, -1)
CALL(int, syncfs, (int file), (file), below_fd(file), SYNCING, -1)
CALL(int, flock, (int file, int operation), (file, operation), below_fd(file), OTHER, -1)
CALL(int, ftruncate, (int file, off_t size), (file, size), below_fd(file), OTHER, -1)
CALL(int, ftruncate64, (int file, off64_t size), (file, size), below_fd(file), OTHER, -1)
CALL(int, rename, (const char *from, const char *to), (from, to), below(to), RENAMING, -1)
CALL(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), below_at(b, to),
     RENAMING, -1)
CALL(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
     (a, from, b, to, flags), below_at(b, to), RENAMING, -1)
CALL(int, unlink, (const char *path), (path), below(path), REMOVING, -1)
CALL(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags),
     below_at(folder, path), REMOVING, -1)
CALL(int, rmdir, (const char *path), (path), below(path), REMOVING, -1)
CALL(int, access, (const char *path, int mode), (path, mode), below(path), LOOKING, -1)
CALL(char *, realpath, (const char *path, char *resolved), (path, resolved), below(path), LOOKING, NULL)
CALL(int, stat, (const char *path, struct stat *state), (path, state), below(path), LOOKING, -1)
CALL(int, stat64, (const char *path, struct stat64 *state), (path, state), below(path), LOOKING, -1)
CALL(int, lstat, (const char *path, struct stat *state), (path, state), below(path), LOOKING, -1)
CALL(int, lstat64, (const char *path, struct stat64 *state), (path, state), below(path), LOOKING, -1)
CALL(int, fstat, (int file, struct stat *state), (file, state), below_fd(file), LOOKING, -1)
CALL(int, fstat64, (int file, struct stat64 *state), (file, state), below_fd(file), LOOKING, -1)
CALL(int, fstatat, (int folder, const char *path, struct stat *state, int flags),
     (folder, path, state, flags), below_at(folder, path), LOOKING, -1)
CALL(int, fstatat64, (int folder, const char *path, struct stat64 *state, int flags),
     (folder, path, state, flags), below_at(folder, path), LOOKING, -1)
CALL(DIR *, opendir, (const char *path), (path), below(path), LISTING, NULL)
CALL(DIR *, fdopendir, (int file), (file), below_fd(file), LISTING, NULL)
CALL(struct dirent *, readdir, (DIR *folder), (folder), below_fd(dirfd(folder)), LISTING, NULL)
CALL(struct dirent64 *, readdir64, (DIR *folder), (folder), below_fd(dirfd(folder)), LISTING, NULL)

// They return the code.
#define ALLOCATE(name, Offset)                                                                \
  int name(int file, Offset start, Offset size) {                                             \
    WHERE(below_fd(file), MAKING, errno);                                                     \
    return NEXT(name)(file, start, size);                                                     \
  }
ALLOCATE(posix_fallocate, off_t)
ALLOCATE(posix_fallocate64, off64_t)

int close(int file) {
  const int flags = (int)syscall(SYS_fcntl, file, F_GETFL);
  const int code = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && below_fd(file) ? fault(CLOSING) : 0;
  const int status = NEXT(close)(file);
  // Whatever it returns, the descriptor is closed: close(2), "Dealing with error returns".
  if (code <= 0) return status;
  errno = code;
  return -1;
}

ssize_t read(int file, void *bytes, size_t count) {
  return transfer_fails(file, READING, &count) ? -1 : NEXT(read)(file, bytes, count);
}

ssize_t write(int file, const void *bytes, size_t count) {
  return transfer_fails(file, WRITING, &count) ? -1 : NEXT(write)(file, bytes, count);
}

#define AT_OFFSET(name, Bytes, Offset, group)                                                 \
  ssize_t name(int file, Bytes bytes, size_t count, Offset offset) {                          \
    return transfer_fails(file, group, &count) ? -1 : NEXT(name)(file, bytes, count, offset); \
  }
AT_OFFSET(pread, void *, off_t, READING)
AT_OFFSET(pread64, void *, off64_t, READING)
AT_OFFSET(pwrite, const void *, off_t, WRITING)
AT_OFFSET(pwrite64, const void *, off64_t, WRITING)

#define MMAP(name, Offset)                                                                    \
  void *name(void *start, size_t size, int protection, int flags, int file, Offset offset) {  \
    const int is_ours = file >= 0 && below_fd(file);                                          \
    WHERE(is_ours, MAPPING, MAP_FAILED);                                                      \
    char *address = NEXT(name)(start, size, protection, flags, file, offset);                 \
    if (is_ours && address != MAP_FAILED) {                                                   \
      atomic_store(&mapped_size, size);                                                       \
      atomic_store(&mapped, address);                                                         \
    }                                                                                         \
    return address;                                                                           \
  }
MMAP(mmap, off_t)
MMAP(mmap64, off64_t)

int munmap(void *start, size_t size) {
  char *last = start;
  atomic_compare_exchange_strong(&mapped, &last, NULL);
  return NEXT(munmap)(start, size);
}
