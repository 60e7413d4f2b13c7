/* The canonical kernels under their own names: mmn_NAME_reference for each line of MMN_KERNELS. */
#ifndef MMN_REFERENCE_REFERENCE_H
#define MMN_REFERENCE_REFERENCE_H

#include "kernels.h"

#define MMN_DECLARE_REFERENCE(kernel, arguments) void mmn_##kernel##_reference arguments;
MMN_KERNELS(MMN_DECLARE_REFERENCE)
#undef MMN_DECLARE_REFERENCE

#endif
