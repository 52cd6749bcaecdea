#pragma once

#include <cblas.h>

// OpenBLAS's own: joins its worker threads. It starts them again where it needs them.
extern int blas_thread_shutdown_(void) __attribute__((weak));

// Leaves all threads to the callers. OpenBLAS starts workers when it is loaded, and they spin for a
// while before they sleep: a core lost to the work of a short run.
static inline void openblas_leave_threads_to_callers(void) {
  openblas_set_num_threads(1);
  if (blas_thread_shutdown_) blas_thread_shutdown_();
}
