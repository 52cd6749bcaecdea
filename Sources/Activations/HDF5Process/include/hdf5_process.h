// libhdf5 in a process of its own.
//
// libhdf5 trusts its files: damaged ones make it crash, run for ever or take all memory. The process
// that reads activations therefore never calls it. It starts itself a second time under the name
// CKA_HDF5_NAME; a constructor of this library sees the name before main() runs, lists what the file
// holds, and ends the process. What comes back over a pipe is checked like any other input.
//
// In the answer, integers have 64 bits in this machine's byte order; a text is its length and its
// bytes. It is:
//
//   CKA_HDF5_GREETING        a text
//   then entries: a kind (cka_hdf5_entry), a name (a path from the root, whose name is empty), and
//     GROUP                  1 where its members come in the order of their creation, else 0
//     DATASET                struct cka_hdf5_dataset
//                            its MATLAB class, a text; empty where it has none
//                            `rank` axes
//                            compact: its numbers, a text
//                            chunked: `rank` lengths of a chunk; `filter_count` times struct
//                            cka_hdf5_filter and its name; how many chunks follow; as many times
//                            struct cka_hdf5_chunk, in the order of the grid, the last axis fastest;
//                            why there are no more, a text
//     OTHER                  a reason (cka_hdf5_reason): no array of this file
//     FAILED                 what the name stands for, a text; libhdf5's message, a text
//   CKA_HDF5_END
//
// Where the file itself cannot be read, it breaks off, the error of errno.h is its last number, and the process
// ends with the status CKA_HDF5_UNREADABLE.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CKA_HDF5_NAME "cka-reads-hdf5"
#define CKA_HDF5_GREETING "cka-hdf5/1"

#define CKA_HDF5_UNREADABLE 74

enum cka_hdf5_entry {
  CKA_HDF5_END,
  CKA_HDF5_GROUP,
  CKA_HDF5_DATASET,
  CKA_HDF5_OTHER,
  CKA_HDF5_FAILED,
};

// Why an entry of a group is no array that could be read.
enum cka_hdf5_reason {
  CKA_HDF5_SOFT_LINK_TO_NOTHING,
  CKA_HDF5_EXTERNAL_LINK,
  CKA_HDF5_USER_LINK,
  CKA_HDF5_UNKNOWN_OBJECT,
  // A group that was listed before: links can lead in circles.
  CKA_HDF5_GROUP_AGAIN,
  CKA_HDF5_TOO_DEEP,
  // What MATLAB keeps apart: the contents of cells and objects.
  CKA_HDF5_MATLAB_CONTENTS,
  CKA_HDF5_MATLAB_SPARSE,
};

// The most groups in each other.
enum { CKA_HDF5_DEEPEST = 64 };

enum cka_hdf5_class {
  CKA_HDF5_UNKNOWN,
  CKA_HDF5_INTEGER,
  CKA_HDF5_FLOAT,
  // What h5py makes of NumPy's bool: an enumeration of bytes, FALSE = 0 and TRUE = 1.
  CKA_HDF5_BOOL,
  CKA_HDF5_ENUMERATION,
  // Compounds of h5py's (r, i) or MATLAB's (real, imag).
  CKA_HDF5_COMPLEX,
  CKA_HDF5_COMPOUND,
  CKA_HDF5_STRING,
  CKA_HDF5_REFERENCE,
  CKA_HDF5_VARIABLE_LENGTH,
  CKA_HDF5_OPAQUE,
  CKA_HDF5_BIT_FIELD,
  CKA_HDF5_ARRAY,
  CKA_HDF5_TIME,
};

// The type of a dataset's numbers. Places of bits are counted from the lowest.
struct cka_hdf5_type {
  int64_t type_class;
  int64_t size;
  // All bits count, and their order is one of the two.
  int64_t is_plain, is_big_endian;
  // Integers.
  int64_t is_signed;
  // Floating point.
  int64_t has_implied_bit, sign_place;
  int64_t exponent_place, exponent_size, exponent_bias;
  int64_t mantissa_place, mantissa_size;
};

enum cka_hdf5_layout {
  CKA_HDF5_OTHER_LAYOUT,
  CKA_HDF5_COMPACT,
  CKA_HDF5_CONTIGUOUS,
  CKA_HDF5_CHUNKED,
  CKA_HDF5_VIRTUAL,
  CKA_HDF5_EXTERNAL,
};

struct cka_hdf5_dataset {
  struct cka_hdf5_type type;
  // A dataspace without numbers.
  int64_t is_null;
  int64_t rank;
  int64_t layout;
  // Contiguous numbers; -1 where they were never written.
  int64_t offset;
  // Bytes of all numbers that are not in chunks.
  int64_t size;
  int64_t filter_count;
  // Chunks that reach beyond the dataset are stored as they are.
  int64_t leaves_edges_alone;
  // MATLAB stores the axes of an empty array in its place.
  int64_t is_matlab_empty;
};

struct cka_hdf5_filter {
  int64_t id;
  // The first of its parameters, and how many there are.
  int64_t value, value_count;
};

struct cka_hdf5_chunk {
  // Where it lies in the file.
  uint64_t offset;
  uint32_t size;
  // A bit for each filter that was left out.
  uint32_t mask;
};

// What the process may use up.
struct cka_hdf5_limits {
  int64_t processor_seconds;
  // Bytes of addresses, beyond those of the program itself.
  int64_t memory;
};

// Whether this library is a part of the program that runs, not of a shared library: only then does
// the program, started again, answer.
bool cka_hdf5_is_in_program(void);

// Starts `program`, which lists the open `file` to the pipe `answer`, to be closed by the caller.
// Returns 0 or an error of errno.h.
int cka_hdf5_start(
    const char *_Nonnull program, int file, struct cka_hdf5_limits limits, pid_t *_Nonnull process,
    int *_Nonnull answer);
