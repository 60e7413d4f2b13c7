/* The table of the canonical kernels. */
#include "reference.h"

#define MMN_REFERENCE_ENTRY(kernel, arguments) .kernel = mmn_##kernel##_reference,

const mmn_kernels *mmn_kernels_reference(void)
{
    static const mmn_kernels table = {
        .name = "reference", .strip_rows = 1, MMN_KERNELS(MMN_REFERENCE_ENTRY)};
    return &table;
}
