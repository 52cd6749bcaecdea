// A walk through the groups of a file.
#if HDF5
#define _GNU_SOURCE
#include "walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"

struct link {
  char *name;
  H5L_type_t type;
};

struct links {
  struct link *items;
  size_t count, room;
};

static herr_t add_link(hid_t group, const char *name, const H5L_info_t *info, void *context) {
  (void)group;
  struct links *links = context;
  if (links->count == links->room) {
    links->room = links->room ? 2 * links->room : 64;
    struct link *items = realloc(links->items, links->room * sizeof *items);
    if (!items) return -1;
    links->items = items;
  }
  char *copy = strdup(name);
  if (!copy) return -1;
  links->items[links->count++] = (struct link){copy, info->type};
  return 0;
}

// Where the groups lie that were listed, in ascending order.
static haddr_t *groups;
static size_t group_count, group_room;

// Whether the group at `address` was listed before; it counts as listed from now on.
static bool was_listed(haddr_t address) {
  size_t low = 0, high = group_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (groups[middle] < address)
      low = middle + 1;
    else
      high = middle;
  }
  if (low < group_count && groups[low] == address) return true;
  if (group_count == group_room) {
    group_room = group_room ? 2 * group_room : 64;
    groups = realloc(groups, group_room * sizeof *groups);
    if (!groups) abort();
  }
  memmove(groups + low + 1, groups + low, (group_count - low) * sizeof *groups);
  groups[low] = address;
  group_count++;
  return false;
}

static void list_other(const char *name, enum cka_hdf5_reason reason) {
  answer_entry(CKA_HDF5_OTHER, name);
  answer_number(reason);
}

static herr_t refuse_external_link(
    const char *parent_file, const char *parent_group, const char *child_file,
    const char *child_object, unsigned *flags, hid_t access, void *context) {
  (void)parent_file, (void)parent_group, (void)child_file, (void)child_object;
  (void)flags, (void)access, (void)context;
  return -1;
}

// Opens what the link `name` leads to, but nothing in another file.
static hid_t open_object(hid_t group, const char *name) {
  static hid_t access = -1;
  if (access < 0) {
    access = H5Pcreate(H5P_LINK_ACCESS);
    if (access < 0 || H5Pset_elink_cb(access, refuse_external_link, NULL) < 0) return -1;
  }
  return H5Oopen(group, name, access);
}

static bool is_matlab_sparse(hid_t group) { return H5Aexists(group, "MATLAB_sparse") > 0; }

static void follow(hid_t group, const struct link *link, const char *name, int depth) {
  switch (link->type) {
  case H5L_TYPE_HARD:
  case H5L_TYPE_SOFT: break;
  case H5L_TYPE_EXTERNAL: list_other(name, CKA_HDF5_EXTERNAL_LINK); return;
  default: list_other(name, CKA_HDF5_USER_LINK); return;
  }
  if (depth == 0 && (!strcmp(name, "#refs#") || !strcmp(name, "#subsystem#"))) {
    list_other(name, CKA_HDF5_MATLAB_CONTENTS);
    return;
  }
  hid_t object = open_object(group, link->name);
  if (object < 0) {
    if (link->type == H5L_TYPE_HARD) answer_failure("link", name);
    list_other(name, CKA_HDF5_SOFT_LINK_TO_NOTHING);
    return;
  }
  switch (H5Iget_type(object)) {
  case H5I_GROUP:
    if (is_matlab_sparse(object))
      list_other(name, CKA_HDF5_MATLAB_SPARSE);
    else if (depth == CKA_HDF5_DEEPEST)
      list_other(name, CKA_HDF5_TOO_DEEP);
    else
      list_group(object, name, depth + 1);
    break;
  case H5I_DATASET: list_dataset(object, name); break;
  // A named type, which datasets refer to.
  case H5I_DATATYPE: break;
  default: list_other(name, CKA_HDF5_UNKNOWN_OBJECT);
  }
  H5Oclose(object);
}

// Answers with a group, and returns its links: in the order of their creation where the file keeps it.
static struct links links_of(hid_t group, const char *name) {
  hid_t properties = H5Gget_create_plist(group);
  unsigned order = 0;
  if (properties < 0 || H5Pget_link_creation_order(properties, &order) < 0)
    answer_failure("group", name);
  H5Pclose(properties);
  bool is_by_creation = order & H5P_CRT_ORDER_TRACKED;
  struct links links = {0};
  H5_index_t index = is_by_creation ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
  if (H5Literate(group, index, H5_ITER_INC, NULL, add_link, &links) < 0)
    answer_failure("group", name);
  answer_entry(CKA_HDF5_GROUP, name);
  answer_number(is_by_creation);
  return links;
}

void list_group(hid_t group, const char *name, int depth) {
  H5O_info_t info;
  if (H5Oget_info2(group, &info, H5O_INFO_BASIC) < 0) answer_failure("group", name);
  if (was_listed(info.addr)) {
    list_other(name, CKA_HDF5_GROUP_AGAIN);
    return;
  }
  struct links links = links_of(group, name);
  for (size_t i = 0; i < links.count; i++) {
    char *path = links.items[i].name;
    if (*name && asprintf(&path, "%s/%s", name, links.items[i].name) < 0) abort();
    follow(group, &links.items[i], path, depth);
    if (path != links.items[i].name) free(path);
    free(links.items[i].name);
  }
  free(links.items);
}
#endif
