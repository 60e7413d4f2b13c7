/* The functions of the canonical table, one per line of MMN_KERNELS. */
#ifndef MMN_REFERENCE_FAMILIES_H
#define MMN_REFERENCE_FAMILIES_H

#include "kernels.h"

#define MMN_REFERENCE_PROTOTYPE(kernel, arguments) void mmn_reference_##kernel arguments;
MMN_KERNELS(MMN_REFERENCE_PROTOTYPE)
#undef MMN_REFERENCE_PROTOTYPE

#endif
