#pragma once

#include <cblas.h>

// OpenBLAS's own: joins its worker threads. It starts them again where it needs them.
extern int blas_thread_shutdown_(void) __attribute__((weak));

static inline void openblas_join_workers(void) {
  if (blas_thread_shutdown_) blas_thread_shutdown_();
}

// LAPACK, which OpenBLAS holds and Debian's header leaves out. The lengths of the strings stand at the
// end, as gfortran passes them.
extern void dsyevd_(const char *job, const char *triangle, const int *n, double *matrix,
                    const int *stride, double *values, double *work, const int *work_count,
                    int *integers, const int *integer_count, int *info, unsigned long job_length,
                    unsigned long triangle_length);
extern void dposv_(const char *triangle, const int *n, const int *columns, double *matrix,
                   const int *stride, double *right, const int *right_stride, int *info,
                   unsigned long triangle_length);
