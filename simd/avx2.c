/* The kernels for x86-64 processors with AVX2, FMA and F16C. */
#include "vector_avx2.h"

#define KERNEL(name) mmn_##name##_avx2

#include "kernels_template.h"
#include "tables.h"

const mmn_kernels *mmn_kernels_avx2(void)
{
    static const mmn_kernels table = TABLE("avx2");
    return &table;
}
