// The start of the process, before the program's own main().
#if HDF5
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "answer.h"
#include "driver.h"
#include "hdf5_process.h"
#include "walk.h"

// Bytes of addresses that the program takes by itself.
static rlim_t taken(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  if (file) {
    if (fscanf(file, "%lu", &pages) != 1) pages = 0;
    fclose(file);
  }
  return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

// Lowers a limit; one that is lower already stays.
static void lower(int resource, rlim_t value) {
  struct rlimit limit;
  if (getrlimit(resource, &limit)) return;
  // RLIM_INFINITY is the largest number. The signal of the limit itself, SIGXCPU, tells what ended the
  // process; the hard limit's would not.
  if (limit.rlim_cur > value) limit.rlim_cur = value;
  setrlimit(resource, &limit);
}

static void limit(const char *seconds, const char *memory) {
  // A caller that ends leaves nothing behind.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Swift's runtime, for example, would otherwise describe every crash, to nobody.
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) signal(crashes[i], SIG_DFL);
  // No core dump, not even to a program that the system hands it to.
  prctl(PR_SET_DUMPABLE, 0);
  lower(RLIMIT_CORE, 0);
  lower(RLIMIT_CPU, strtoull(seconds, NULL, 10));
  lower(RLIMIT_AS, taken() + strtoull(memory, NULL, 10));
}

static _Noreturn void list_file(void) {
  answer_text(CKA_HDF5_GREETING);
  answer_now();
  // Errors come back as return values only; nothing is printed.
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  hid_t file = open_file();
  if (file < 0) answer_failure("", "");
  hid_t root = H5Gopen2(file, "/", H5P_DEFAULT);
  if (root < 0) answer_failure("group", "");
  list_group(root, "", 0);
  answer_end();
}

// glibc hands the arguments of main() to constructors, too.
__attribute__((constructor(101))) static void list_instead(int count, char **arguments) {
  if (count == 3 && !strcmp(arguments[0], CKA_HDF5_NAME)) {
    limit(arguments[1], arguments[2]);
    list_file();
  }
}
#endif
