/* The kernels for x86-64 processors with AVX-512F. */
#include "vector_avx512.h"

#define KERNEL(name) mmn_##name##_avx512

#include "kernels_template.h"
#include "tables.h"

const mmn_kernels *mmn_kernels_avx512(void)
{
    static const mmn_kernels table = TABLE("avx512");
    return &table;
}
