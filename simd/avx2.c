/* The kernels for x86-64 processors with AVX2 and FMA.
 *
 * This file is compiled for them, and the canonical matrix product and attention with it: the same
 * source, hence the same bits, but fused multiplications and additions are instructions instead of
 * calls. The other kernels are those of the reference. */
#define mmn_matrix_product_reference mmn_matrix_product_avx2
#define mmn_attention_reference mmn_attention_avx2

#include "attention.c"
#include "matrix_product.c"
#include "tables.h"

/* Names the kernels above where there is one, the reference's otherwise. */
#define MMN_AVX2_ENTRY(kernel, arguments) .kernel = mmn_##kernel##_reference,

const mmn_kernels *mmn_kernels_avx2(void)
{
    static const mmn_kernels table = {.name = "avx2", MMN_KERNELS(MMN_AVX2_ENTRY)};
    return &table;
}
