#include <mpi.h>
#include <stdint.h>
#include <unistd.h>

// Open MPI's constants are macros that Swift does not see.

/// Starts MPI for calls from one thread of many; errors come back as return values.
static inline int cka_mpi_start(void) {
  int provided = MPI_THREAD_SINGLE;
  int status = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  if (status != MPI_SUCCESS) return status;
  if (provided < MPI_THREAD_FUNNELED) return MPI_ERR_OTHER;
  return MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
}

static inline int cka_mpi_rank(int *_Nonnull rank) { return MPI_Comm_rank(MPI_COMM_WORLD, rank); }
static inline int cka_mpi_size(int *_Nonnull size) { return MPI_Comm_size(MPI_COMM_WORLD, size); }

/// The rank among those that share this rank's memory, and how many they are.
static inline int cka_mpi_place_on_machine(int *_Nonnull rank, int *_Nonnull size) {
  MPI_Comm machine;
  int status = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
  if (status != MPI_SUCCESS) return status;
  status = MPI_Comm_rank(machine, rank);
  if (status == MPI_SUCCESS) status = MPI_Comm_size(machine, size);
  int freed = MPI_Comm_free(&machine);
  return status == MPI_SUCCESS ? freed : status;
}

/// Waits without keeping a core busy, which other ranks may need.
static inline int cka_mpi_wait(MPI_Request *_Nonnull request) {
  for (;;) {
    int is_done = 0;
    int status = MPI_Test(request, &is_done, MPI_STATUS_IGNORE);
    if (status != MPI_SUCCESS || is_done) return status;
    usleep(1000);
  }
}

/// Every rank gives a number and receives those of all ranks, in their order.
static inline int cka_mpi_exchange_counts(int own, int *_Nonnull all) {
  MPI_Request request;
  int status = MPI_Iallgather(&own, 1, MPI_INT, all, 1, MPI_INT, MPI_COMM_WORLD, &request);
  return status == MPI_SUCCESS ? cka_mpi_wait(&request) : status;
}

/// Every rank gives `count` bytes and receives those of all ranks: `counts[r]` bytes of rank r at
/// `offsets[r]`.
static inline int cka_mpi_exchange_bytes(
    const void *_Nullable own, int count, void *_Nullable all, const int *_Nonnull counts,
    const int *_Nonnull offsets) {
  MPI_Request request;
  int status = MPI_Iallgatherv(
      own, count, MPI_BYTE, all, counts, offsets, MPI_BYTE, MPI_COMM_WORLD, &request);
  return status == MPI_SUCCESS ? cka_mpi_wait(&request) : status;
}

/// Ends all ranks; the launcher ends with `code`.
static inline void cka_mpi_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }
