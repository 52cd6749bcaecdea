// Starts the process. Nothing here needs libhdf5, or any other file of this folder: a shared library goes without them.
#if HDF5
#define _GNU_SOURCE
#include "hdf5_process.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

extern char **environ;

bool cka_hdf5_is_in_program(void) {
  // The linker's symbol for the start of the file that this code is in.
  extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
  return (uintptr_t)&__ehdr_start + __ehdr_start.e_phoff == getauxval(AT_PHDR);
}

// OpenBLAS starts its threads while the program is loaded; here nobody needs them.
#define ONE_THREAD "OPENBLAS_NUM_THREADS=1"

// This process's environment with ONE_THREAD, to be freed.
static char **environment(void) {
  size_t count = 0;
  while (environ && environ[count]) count++;
  char **copy = malloc((count + 2) * sizeof *copy);
  if (!copy) return NULL;
  size_t kept = 0;
  size_t prefix = strchr(ONE_THREAD, '=') - ONE_THREAD + 1;
  for (size_t i = 0; i < count; i++)
    if (strncmp(environ[i], ONE_THREAD, prefix)) copy[kept++] = environ[i];
  copy[kept++] = ONE_THREAD;
  copy[kept] = NULL;
  return copy;
}

// The process sees the file as 0 and the answer as 3, and no other file of this one's.
static int add_files(posix_spawn_file_actions_t *actions, int file, int answer) {
  int error = posix_spawn_file_actions_adddup2(actions, file, STDIN_FILENO);
  if (!error) error = posix_spawn_file_actions_adddup2(actions, answer, 3);
  for (int output = STDOUT_FILENO; !error && output <= STDERR_FILENO; output++)
    error = posix_spawn_file_actions_addopen(actions, output, "/dev/null", O_WRONLY, 0);
  if (!error) error = posix_spawn_file_actions_addclosefrom_np(actions, 4);
  return error;
}

// An interrupt from the terminal is the caller's affair: the process has a group of its own. It starts
// with the signals of a fresh process, whatever this one ignores.
static int set_signals(posix_spawnattr_t *attributes) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  int error = posix_spawnattr_setsigmask(attributes, &none);
  if (!error) error = posix_spawnattr_setsigdefault(attributes, &all);
  if (!error) error = posix_spawnattr_setpgroup(attributes, 0);
  if (!error)
    error = posix_spawnattr_setflags(
        attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  return error;
}

static int spawn(
    const char *program, int file, int answer, struct cka_hdf5_limits limits, pid_t *process) {
  char seconds[24], memory[24];
  snprintf(seconds, sizeof seconds, "%lld", (long long)limits.processor_seconds);
  snprintf(memory, sizeof memory, "%lld", (long long)limits.memory);
  char *arguments[] = {CKA_HDF5_NAME, seconds, memory, NULL};
  char **variables = environment();
  if (!variables) return ENOMEM;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int error = posix_spawn_file_actions_init(&actions);
  if (!error) {
    error = posix_spawnattr_init(&attributes);
    if (!error) {
      error = add_files(&actions, file, answer);
      if (!error) error = set_signals(&attributes);
      if (!error)
        error = posix_spawn(process, program, &actions, &attributes, arguments, variables);
      posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
  }
  free(variables);
  return error;
}

int cka_hdf5_start(
    const char *program, int file, struct cka_hdf5_limits limits, pid_t *process, int *answer) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) return errno;
  // Out of the way of the numbers that they get in the process.
  int source = fcntl(file, F_DUPFD_CLOEXEC, 4);
  int target = source < 0 ? -1 : fcntl(ends[1], F_DUPFD_CLOEXEC, 4);
  int error = target < 0 ? errno : spawn(program, source, target, limits, process);
  if (source >= 0) close(source);
  if (target >= 0) close(target);
  close(ends[1]);
  if (error)
    close(ends[0]);
  else
    *answer = ends[0];
  return error;
}
#endif
