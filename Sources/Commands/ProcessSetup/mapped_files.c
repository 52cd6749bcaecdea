// What happens when a mapped file can no longer be read: one line and an exit code, not a crash.
#define _GNU_SOURCE
#include "process_setup.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// In a signal handler, so only with calls that are allowed there: see signal-safety(7).

static char command[64];
static int exit_code;

static void say(const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) return;
}

// The next line of `file` without its end; false where there is none. Of longer ones, what fits.
static bool read_line(int file, char *line, size_t room) {
  static char bytes[4096];
  static size_t start, end;
  size_t length = 0;
  for (bool is_there = false;; is_there = true) {
    if (start == end) {
      ssize_t count = read(file, bytes, sizeof bytes);
      if (count <= 0) return line[length] = 0, is_there;
      start = 0;
      end = (size_t)count;
    }
    char byte = bytes[start++];
    if (byte == '\n') return line[length] = 0, true;
    if (length + 1 < room) line[length++] = byte;
  }
}

static uint64_t hexadecimal(const char **text) {
  uint64_t number = 0;
  for (;; ++*text) {
    char c = **text;
    if (c >= '0' && c <= '9')
      number = number << 4 | (uint64_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
      number = number << 4 | (uint64_t)(c - 'a' + 10);
    else
      return number;
  }
}

// The file that is mapped at `address`, and the place in it; NULL where there is none.
static const char *mapped_file(uint64_t address, uint64_t *offset) {
  static char line[PATH_MAX + 128];
  int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  // START-END PERMISSIONS OFFSET DEVICE INODE      PATH
  while (maps >= 0 && read_line(maps, line, sizeof line)) {
    const char *place = line;
    uint64_t start = hexadecimal(&place);
    place++;
    uint64_t end = hexadecimal(&place);
    if (address < start || address >= end || strlen(place) < 6) continue;
    place += 6;
    *offset = hexadecimal(&place) + (address - start);
    char *path = strchr(line, '/');
    for (char *c = path; c && *c; c++)
      if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
    return path;
  }
  return NULL;
}

static void end(int signal, siginfo_t *what, void *context) {
  (void)signal, (void)context;
  // One thread speaks.
  static atomic_flag is_ending = ATOMIC_FLAG_INIT;
  while (atomic_flag_test_and_set(&is_ending)) pause();
  uint64_t offset = 0;
  const char *path = mapped_file((uint64_t)(uintptr_t)what->si_addr, &offset);
  struct stat status;
  bool is_known = path && !stat(path, &status);
  say(command);
  say(": error: ");
  say(path ? path : "a mapped file");
  if (!is_known)
    say(": cannot be read: it was cut short, or its disk failed\n");
  else if ((uint64_t)status.st_size <= offset)
    say(": was cut short while it was read\n");
  else
    say(": cannot be read: Input/output error\n");
  _exit(exit_code);
}

void cka_guard_mapped_files(const char *name, int code) {
  snprintf(command, sizeof command, "%s", name);
  exit_code = code;
  struct sigaction action = {.sa_sigaction = end, .sa_flags = SA_SIGINFO};
  sigaction(SIGBUS, &action, NULL);
}
