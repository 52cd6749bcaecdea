// For CHDF5Process, the only caller of libhdf5.
#include <hdf5.h>
