// A virtual file driver. libhdf5 1.10 says where a chunk lies only one chunk in a time that grows with
// their number (H5Dget_chunk_info), but finds the chunk to read at once. So chunks are "read": the
// driver is told where they lie, and leaves it at that.
// https://docs.hdfgroup.org/documentation/hdf5/latest/_v_f_l.html
#if HDF5
#define _GNU_SOURCE
#include "driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "answer.h"
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

struct file {
  H5FD_t driver;  // First: libhdf5 keeps its own fields here.
  haddr_t end_of_addresses;
};

static haddr_t size;

// The chunk that is being looked for, and whether the driver was asked for its bytes.
static struct cka_hdf5_chunk found;
static enum { READING, SEARCHING, FOUND, FOUND_AGAIN } state = READING;

haddr_t file_size(void) { return size; }

static H5FD_t *open_driver(const char *name, unsigned flags, hid_t access, haddr_t limit) {
  (void)name, (void)flags, (void)access, (void)limit;
  struct stat status;
  if (fstat(STDIN_FILENO, &status)) answer_unreadable(errno);
  if (status.st_size < 0) return NULL;
  size = (haddr_t)status.st_size;
  struct file *file = calloc(1, sizeof *file);
  return (H5FD_t *)file;
}

static herr_t close_driver(H5FD_t *file) {
  free(file);
  return 0;
}

static int compare(const H5FD_t *a, const H5FD_t *b) { return (a > b) - (a < b); }

static herr_t query(const H5FD_t *file, unsigned long *features) {
  (void)file;
  if (features) *features = H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

static haddr_t end_of_addresses(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const struct file *)file)->end_of_addresses;
}

static herr_t set_end_of_addresses(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
  (void)type;
  ((struct file *)file)->end_of_addresses = address;
  return 0;
}

static haddr_t end_of_file(const H5FD_t *file, H5FD_mem_t type) {
  (void)file, (void)type;
  return size;
}

static herr_t read_file(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t count, void *bytes) {
  (void)file, (void)transfer;
  if (type == H5FD_MEM_DRAW && state != READING) {
    if (count > UINT32_MAX) return -1;
    found.offset = address;
    found.size = (uint32_t)count;
    state = state == SEARCHING ? FOUND : FOUND_AGAIN;
    return 0;
  }
  size_t done = 0;
  while (done < count) {
    off_t place = (off_t)(address + done);
    if (place < 0) return -1;
    ssize_t part = pread(STDIN_FILENO, (char *)bytes + done, count - done, place);
    if (part < 0 && errno == EINTR) continue;
    // What libhdf5 would take for a damaged file, or for a chunk that was never written.
    if (part < 0) answer_unreadable(errno);
    // As in libhdf5's own drivers: behind the end of the file there are zeros.
    if (part == 0) {
      memset((char *)bytes + done, 0, count - done);
      return 0;
    }
    done += (size_t)part;
  }
  return 0;
}

static herr_t write_file(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t count,
    const void *bytes) {
  (void)file, (void)type, (void)transfer, (void)address, (void)count, (void)bytes;
  return -1;
}

static const H5FD_class_t driver = {
#if H5_VERSION_GE(1, 14, 0)
    .version = H5FD_CLASS_VERSION,
    // Numbers from 256 on are for drivers that nobody registered.
    .value = (H5FD_class_value_t)511,
#endif
    .name = "cka",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_WEAK,
    .open = open_driver,
    .close = close_driver,
    .cmp = compare,
    .query = query,
    .get_eoa = end_of_addresses,
    .set_eoa = set_end_of_addresses,
    .get_eof = end_of_file,
    .read = read_file,
    .write = write_file,
    .fl_map = H5FD_FLMAP_SINGLE,
};

hid_t open_file(void) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  hid_t identifier = H5FDregister(&driver);
  // Without a cache of chunks: none is read, and libhdf5 1.10 makes an entry of that cache as large as
  // the file says a chunk is.
  if (access < 0 || identifier < 0 || H5Pset_driver(access, identifier, NULL) < 0 ||
      H5Pset_cache(access, 0, 0, 0, 0.75) < 0)
    return -1;
  return H5Fopen("file", H5F_ACC_RDONLY, access);
}

herr_t find_chunk(hid_t dataset, const hsize_t *corner, struct cka_hdf5_chunk *chunk) {
  char untouched = 0;
  state = SEARCHING;
  herr_t status = H5Dread_chunk(dataset, H5P_DEFAULT, corner, &found.mask, &untouched);
  bool is_found = status >= 0 && state == FOUND;
  state = READING;
  if (!is_found) return -1;
  *chunk = found;
  return 0;
}
#endif
