// What the process writes. It ends at once where nobody reads.
#pragma once

#include "library.h"
#include <stddef.h>
#include <stdint.h>

#include "hdf5_process.h"

void answer_bytes(const void *bytes, size_t count);
// Sends what was written so far.
void answer_now(void);
void answer_number(int64_t number);
void answer_text(const char *text);
void answer_counted(const void *bytes, size_t count);
// Begins an entry.
void answer_entry(enum cka_hdf5_entry kind, const char *name);
// What the last failed call of libhdf5 said.
void answer_last_error(void);
// An entry that could not be read, and the end: a damaged file is read no further.
_Noreturn void answer_failure(const char *what, const char *name);
_Noreturn void answer_end(void);
// Ends where the file cannot be read: `error` is of errno.h.
_Noreturn void answer_unreadable(int error);
