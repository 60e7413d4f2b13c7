/* The table of the canonical kernels. */
#include "families.h"

const mmn_kernels *mmn_kernels_reference(void)
{
    static const mmn_kernels table = {
        .name = "reference",
#define MMN_REFERENCE_ENTRY(kernel, arguments) .kernel = mmn_reference_##kernel,
        MMN_KERNELS(MMN_REFERENCE_ENTRY)
#undef MMN_REFERENCE_ENTRY
    };
    return &table;
}
