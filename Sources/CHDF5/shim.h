// The calls of HDF5 1.10, which later versions keep.
#define H5_USE_110_API
#include <hdf5.h>
#include <stdbool.h>
#include <string.h>

// What HDF5 has as macros that Swift does not see, or with signatures that change between versions.

static const hid_t cka_h5_default = H5P_DEFAULT;
static const haddr_t cka_h5_undefined_address = HADDR_UNDEF;

/// Errors come back as return values only; nothing is printed.
static inline void cka_h5_be_silent(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

/// Closes a list of properties and leaves the errors of the calls before as they are.
static inline void cka_h5_close_properties(hid_t properties) {
  hid_t errors = H5Eget_current_stack();
  H5Pclose(properties);
  H5Eset_current_stack(errors);
}

/// Opens a file for reading and takes no lock on it; shared file systems often have none.
///
/// Without a cache of chunks: what is read is read once, and libhdf5 1.10 makes an entry of that cache
/// as large as the file says a chunk is, not as it then reads it.
static inline hid_t cka_h5_open_file(const char *_Nonnull path) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (access < 0) return access;
  bool is_set =
      H5Pset_file_locking(access, 0, 1) >= 0 && H5Pset_cache(access, 0, 0, 0, 0.75) >= 0;
  hid_t file = is_set ? H5Fopen(path, H5F_ACC_RDONLY, access) : -1;
  cka_h5_close_properties(access);
  return file;
}

static inline herr_t cka_h5_refuse_external_link(
    const char *_Null_unspecified parent_file, const char *_Null_unspecified parent_group,
    const char *_Null_unspecified child_file, const char *_Null_unspecified child_object,
    unsigned *_Null_unspecified flags, hid_t access, void *_Null_unspecified context) {
  return -1;
}

/// Opens what the link `name` leads to, but nothing in another file.
static inline hid_t cka_h5_open_object(hid_t group, const char *_Nonnull name) {
  hid_t access = H5Pcreate(H5P_LINK_ACCESS);
  if (access < 0) return access;
  hid_t object = H5Pset_elink_cb(access, cka_h5_refuse_external_link, NULL) < 0
                     ? -1
                     : H5Oopen(group, name, access);
  cka_h5_close_properties(access);
  return object;
}

/// Where an object lies in its file: what tells it from all others.
static inline herr_t cka_h5_address(hid_t object, haddr_t *_Nonnull address) {
  H5O_info_t info;
  herr_t status = H5Oget_info2(object, &info, H5O_INFO_BASIC);
  if (status >= 0) *address = info.addr;
  return status;
}

typedef void (*cka_h5_link_visitor)(
    const char *_Nonnull name, H5L_type_t type, void *_Nonnull context);

struct cka_h5_visit {
  cka_h5_link_visitor _Nonnull visitor;
  void *_Nonnull context;
};

static inline herr_t cka_h5_visit_link(
    hid_t group, const char *_Null_unspecified name, const H5L_info_t *_Null_unspecified info,
    void *_Null_unspecified context) {
  const struct cka_h5_visit *visit = (const struct cka_h5_visit *)context;
  visit->visitor(name, info->type, visit->context);
  return 0;
}

/// Calls `visitor` with every link of a group, in the order of their creation or of their names.
static inline herr_t cka_h5_visit_links(
    hid_t group, bool by_creation, cka_h5_link_visitor _Nonnull visitor, void *_Nonnull context) {
  struct cka_h5_visit visit = {visitor, context};
  return H5Literate(
      group, by_creation ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME, H5_ITER_INC, NULL,
      cka_h5_visit_link, &visit);
}

static inline herr_t cka_h5_copy_description(
    unsigned n, const H5E_error2_t *_Null_unspecified error, void *_Null_unspecified context) {
  if (n == 0 && error->desc) {
    char *text = (char *)context;
    strncpy(text, error->desc, 255);
  }
  return 0;
}

/// What the innermost of the failed functions said last, or an empty string.
static inline void cka_h5_last_error(char text[_Nonnull 256]) {
  memset(text, 0, 256);
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, cka_h5_copy_description, text);
}
