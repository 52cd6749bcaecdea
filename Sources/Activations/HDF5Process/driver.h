// How libhdf5 reads the file: from descriptor 0, and nothing but what lists it.
#pragma once

#include "library.h"

#include "hdf5_process.h"

// Opens the file; negative where libhdf5 fails.
hid_t open_file(void);

// Where a chunk lies and which filters were left out; negative where there is no such chunk.
herr_t find_chunk(hid_t dataset, const hsize_t *corner, struct cka_hdf5_chunk *chunk);

// Bytes of the file.
haddr_t file_size(void);
