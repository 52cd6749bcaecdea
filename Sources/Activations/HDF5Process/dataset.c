#if HDF5
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "driver.h"
#include "walk.h"

void read_text_attribute(hid_t object, const char *name, char *text, size_t size) {
  memset(text, 0, size);
  if (H5Aexists(object, name) <= 0) return;
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  hid_t type = H5Aget_type(attribute);
  hid_t space = H5Aget_space(attribute);
  if (H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1) {
    if (H5Tis_variable_str(type) > 0) {
      char *value = NULL;
      if (H5Aread(attribute, type, &value) >= 0 && value) strncpy(text, value, size - 1);
    } else if (H5Tget_size(type) > 0 && H5Tget_size(type) < size) {
      if (H5Aread(attribute, type, text) < 0) memset(text, 0, size);
    }
  }
  H5Sclose(space);
  H5Tclose(type);
  H5Aclose(attribute);
}

static bool is_bool(hid_t type) {
  hid_t base = H5Tget_super(type);
  bool is_byte = H5Tget_size(type) == 1 && H5Tget_class(base) == H5T_INTEGER;
  H5Tclose(base);
  int8_t no = -1, yes = -1;
  return is_byte && H5Tget_nmembers(type) == 2 && H5Tenum_valueof(type, "FALSE", &no) >= 0 &&
      no == 0 && H5Tenum_valueof(type, "TRUE", &yes) >= 0 && yes == 1;
}

static bool has_members(hid_t type, const char *first, const char *second) {
  return H5Tget_nmembers(type) == 2 && H5Tget_member_index(type, first) == 0 &&
      H5Tget_member_index(type, second) == 1;
}

static enum cka_hdf5_class class_of(hid_t type) {
  switch (H5Tget_class(type)) {
  case H5T_INTEGER: return CKA_HDF5_INTEGER;
  case H5T_FLOAT: return CKA_HDF5_FLOAT;
  case H5T_ENUM: return is_bool(type) ? CKA_HDF5_BOOL : CKA_HDF5_ENUMERATION;
  case H5T_COMPOUND:
    return has_members(type, "r", "i") || has_members(type, "real", "imag") ? CKA_HDF5_COMPLEX
                                                                            : CKA_HDF5_COMPOUND;
  case H5T_STRING: return CKA_HDF5_STRING;
  case H5T_REFERENCE: return CKA_HDF5_REFERENCE;
  case H5T_VLEN: return CKA_HDF5_VARIABLE_LENGTH;
  case H5T_OPAQUE: return CKA_HDF5_OPAQUE;
  case H5T_BITFIELD: return CKA_HDF5_BIT_FIELD;
  case H5T_ARRAY: return CKA_HDF5_ARRAY;
  case H5T_TIME: return CKA_HDF5_TIME;
  default: return CKA_HDF5_UNKNOWN;
  }
}

static struct cka_hdf5_type describe_type(hid_t type) {
  struct cka_hdf5_type facts = {.type_class = class_of(type), .size = (int64_t)H5Tget_size(type)};
  if (facts.type_class != CKA_HDF5_INTEGER && facts.type_class != CKA_HDF5_FLOAT) return facts;
  H5T_order_t order = H5Tget_order(type);
  facts.is_plain = (int64_t)H5Tget_precision(type) == 8 * facts.size && H5Tget_offset(type) == 0 &&
      (facts.size == 1 || order == H5T_ORDER_LE || order == H5T_ORDER_BE);
  facts.is_big_endian = order == H5T_ORDER_BE;
  if (facts.type_class == CKA_HDF5_INTEGER) {
    facts.is_signed = H5Tget_sign(type) == H5T_SGN_2;
    return facts;
  }
  size_t sign, exponent, exponent_size, mantissa, mantissa_size;
  if (H5Tget_fields(type, &sign, &exponent, &exponent_size, &mantissa, &mantissa_size) < 0)
    facts.is_plain = 0;
  else {
    facts.has_implied_bit = H5Tget_norm(type) == H5T_NORM_IMPLIED;
    facts.sign_place = (int64_t)sign;
    facts.exponent_place = (int64_t)exponent;
    facts.exponent_size = (int64_t)exponent_size;
    facts.exponent_bias = (int64_t)H5Tget_ebias(type);
    facts.mantissa_place = (int64_t)mantissa;
    facts.mantissa_size = (int64_t)mantissa_size;
  }
  return facts;
}

static enum cka_hdf5_layout layout_of(hid_t properties) {
  switch (H5Pget_layout(properties)) {
  case H5D_COMPACT: return CKA_HDF5_COMPACT;
  case H5D_CONTIGUOUS:
    return H5Pget_external_count(properties) == 0 ? CKA_HDF5_CONTIGUOUS : CKA_HDF5_EXTERNAL;
  case H5D_CHUNKED: return CKA_HDF5_CHUNKED;
  case H5D_VIRTUAL: return CKA_HDF5_VIRTUAL;
  default: return CKA_HDF5_OTHER_LAYOUT;
  }
}

struct filters {
  struct cka_hdf5_filter items[H5Z_MAX_NFILTERS];
  char names[H5Z_MAX_NFILTERS][64];
};

static bool get_filters(hid_t properties, int64_t count, struct filters *filters) {
  if (count < 0 || count > H5Z_MAX_NFILTERS) return false;
  for (int64_t i = 0; i < count; i++) {
    unsigned flags, configuration, value = 0;
    size_t value_count = 1;
    char *name = filters->names[i];
    size_t room = sizeof filters->names[i];
    H5Z_filter_t id = H5Pget_filter2(
        properties, (unsigned)i, &flags, &value_count, &value, room, name, &configuration);
    if (id < 0) return false;
    name[room - 1] = 0;
    filters->items[i] = (struct cka_hdf5_filter){id, value, (int64_t)value_count};
  }
  return true;
}

// How many chunks the grid has, if that is not more than `most`, else -1.
static int64_t chunk_count(int rank, const hsize_t *axes, const hsize_t *lengths, haddr_t most) {
  haddr_t count = 1;
  for (int i = 0; i < rank; i++) {
    hsize_t across = lengths[i] ? axes[i] / lengths[i] + (axes[i] % lengths[i] != 0) : 0;
    if (across == 0) return 0;
    if (across > most / count) return -1;
    count *= across;
  }
  return (int64_t)count;
}

// Where all chunks lie, up to the first that is not there.
static void list_chunks(
    hid_t dataset, int rank, const hsize_t *axes, const hsize_t *lengths, int64_t count) {
  struct cka_hdf5_chunk *chunks = calloc(count ? (size_t)count : 1, sizeof *chunks);
  hsize_t corner[H5S_MAX_RANK] = {0};
  int64_t listed = 0;
  while (chunks && listed < count && find_chunk(dataset, corner, &chunks[listed]) >= 0) {
    listed++;
    for (int i = rank - 1; i >= 0; i--) {
      corner[i] += lengths[i];
      if (corner[i] < axes[i]) break;
      corner[i] = 0;
    }
  }
  answer_number(listed);
  answer_bytes(chunks, (size_t)listed * sizeof *chunks);
  if (listed < count)
    answer_last_error();
  else
    answer_text("");
  free(chunks);
}

// The numbers of a compact dataset, to be freed; NULL where they cannot be read.
static char *compact_numbers(hid_t dataset, hid_t type, int64_t size) {
  // No larger than an object's header, and libhdf5 writes as many as the shape says.
  hid_t space = H5Dget_space(dataset);
  hssize_t count = H5Sget_simple_extent_npoints(space);
  H5Sclose(space);
  size_t number = H5Tget_size(type);
  if (size < 0 || size >= 1 << 20 || count < 0 || number == 0 ||
      (size_t)count > (size_t)size / number)
    return NULL;
  char *numbers = calloc(1, (size_t)size + 1);
  if (numbers && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0)
    return numbers;
  free(numbers);
  return NULL;
}

void list_dataset(hid_t dataset, const char *name) {
  hid_t properties = H5Dget_create_plist(dataset);
  hid_t type = H5Dget_type(dataset);
  hid_t space = H5Dget_space(dataset);
  if (properties < 0 || type < 0 || space < 0) answer_failure("dataset", name);
  struct cka_hdf5_dataset facts = {
      .type = describe_type(type),
      .is_null = H5Sget_simple_extent_type(space) == H5S_NULL,
      .rank = facts.is_null ? 0 : H5Sget_simple_extent_ndims(space),
      .layout = layout_of(properties),
      .offset = -1,
      .is_matlab_empty = H5Aexists(dataset, "MATLAB_empty") > 0,
  };
  hsize_t axes[H5S_MAX_RANK], lengths[H5S_MAX_RANK];
  if (facts.rank < 0 || facts.rank > H5S_MAX_RANK ||
      (facts.rank > 0 && H5Sget_simple_extent_dims(space, axes, NULL) != facts.rank))
    answer_failure("dataset", name);
  // Only numbers can be read; the bytes of all else need not be found.
  bool is_number = facts.type.type_class == CKA_HDF5_INTEGER ||
      facts.type.type_class == CKA_HDF5_FLOAT || facts.type.type_class == CKA_HDF5_BOOL;
  if (!is_number || facts.is_null || facts.rank == 0) facts.layout = CKA_HDF5_OTHER_LAYOUT;

  int64_t count = 0;
  char *numbers = NULL;
  static struct filters filters;
  if (facts.layout == CKA_HDF5_CONTIGUOUS || facts.layout == CKA_HDF5_COMPACT)
    facts.size = (int64_t)H5Dget_storage_size(dataset);
  // In a file with a user block the offset of what was never written is that of the block, less one.
  if (facts.layout == CKA_HDF5_CONTIGUOUS && facts.size > 0) {
    haddr_t offset = H5Dget_offset(dataset);
    facts.offset = offset == HADDR_UNDEF ? -1 : (int64_t)offset;
  }
  if (facts.layout == CKA_HDF5_CHUNKED) {
    unsigned options = 0;
    H5D_space_status_t status = H5D_SPACE_STATUS_ERROR;
    if (H5Dget_space_status(dataset, &status) < 0) answer_failure("dataset", name);
    facts.size = status == H5D_SPACE_STATUS_NOT_ALLOCATED ? 0 : (int64_t)H5Dget_storage_size(dataset);
    facts.filter_count = H5Pget_nfilters(properties);
    if (!get_filters(properties, facts.filter_count, &filters) ||
        H5Pget_chunk_opts(properties, &options) < 0 ||
        H5Pget_chunk(properties, (int)facts.rank, lengths) != facts.rank)
      answer_failure("dataset", name);
    facts.leaves_edges_alone = (options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) != 0;
    // A chunk is at least a byte of the file: where there are more, the caller says so.
    count = chunk_count((int)facts.rank, axes, lengths, file_size());
  }

  if (facts.layout == CKA_HDF5_COMPACT) {
    numbers = compact_numbers(dataset, type, facts.size);
    if (!numbers) answer_failure("dataset", name);
  }
  answer_entry(CKA_HDF5_DATASET, name);
  answer_bytes(&facts, sizeof facts);
  char matlab[64];
  read_text_attribute(dataset, "MATLAB_class", matlab, sizeof matlab);
  answer_text(matlab);
  answer_bytes(axes, (size_t)facts.rank * sizeof *axes);
  if (numbers) answer_counted(numbers, (size_t)facts.size);
  free(numbers);
  if (facts.layout == CKA_HDF5_CHUNKED) {
    answer_bytes(lengths, (size_t)facts.rank * sizeof *lengths);
    for (int64_t i = 0; i < facts.filter_count; i++) {
      answer_bytes(&filters.items[i], sizeof filters.items[i]);
      answer_text(filters.names[i]);
    }
    list_chunks(dataset, (int)facts.rank, axes, lengths, count < 0 ? 0 : count);
  }
  H5Sclose(space);
  H5Tclose(type);
  H5Pclose(properties);
}
#endif
