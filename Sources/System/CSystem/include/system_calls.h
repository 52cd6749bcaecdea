// System calls that Swift's view of the C library leaves out.
#pragma once

#include <stdbool.h>

// Lets two folders or files of one file system change places in one step; returns -1 and sets errno
// where that cannot be done.
int cka_exchange(const char *_Nonnull a, const char *_Nonnull b);

// Writes all that is not on the disk yet of the file system that an open file lies on; returns -1 and
// sets errno where that fails.
int cka_synchronize(int descriptor);

// Opens a file without a name in `folder`, for reading and writing, whose room is free again when it is closed,
// however the process ends; returns -1 and sets errno where that fails.
int cka_open_unnamed(const char *_Nonnull folder);

// Whether the byte of an open file at `offset` is in the system's memory. False where the file system
// cannot tell. Unlike mincore, which calls every page of a file resident that the process may neither own nor
// write (https://man7.org/linux/man-pages/man2/mincore.2.html), it tells of any file that may be read.
bool cka_is_cached(int descriptor, long offset);

// Processors, a bit each.
typedef struct {
  unsigned long words[16];
} cka_processors;

// The processors that the calling thread may run on, and the processes it starts; return -1 and set
// errno where that cannot be told or done.
int cka_get_processors(cka_processors *_Nonnull processors);
int cka_set_processors(const cka_processors *_Nonnull processors);
