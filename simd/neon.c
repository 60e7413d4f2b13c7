/* The kernels for AArch64 processors, all of which have NEON. */
#include "vector_neon.h"

#define KERNEL(name) mmn_##name##_neon

#include "kernels_template.h"
#include "tables.h"

const mmn_kernels *mmn_kernels_neon(void)
{
    static const mmn_kernels table = TABLE("neon");
    return &table;
}
