// What the process does.
#pragma once

#include "library.h"

// Answers with all that a group holds, and the groups in it.
void list_group(hid_t group, const char *name, int depth);

// Answers with a dataset: the type and shape of its numbers and where they lie.
void list_dataset(hid_t dataset, const char *name);

// Reads the attribute `name` of an object, a text, as far as it fits; empty where there is none.
void read_text_attribute(hid_t object, const char *name, char *text, size_t size);
