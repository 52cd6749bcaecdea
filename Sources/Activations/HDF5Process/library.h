// libhdf5: the calls of version 1.10, which later versions keep.
#pragma once

#define H5_USE_110_API
#include <hdf5.h>
