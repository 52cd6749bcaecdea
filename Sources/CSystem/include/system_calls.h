// System calls that Swift's view of the C library leaves out.
#pragma once

// Lets two folders or files of one file system change places in one step; returns -1 and sets errno
// where that cannot be done.
int cka_exchange(const char *_Nonnull a, const char *_Nonnull b);
