/* A check that compiler and processor keep the arithmetic that results depend on. */
#include "arithmetic.h"

/* Operands that the compiler cannot see through. */
static volatile float one = 1.0f, tiny = 0x1p-126f, epsilon = 0x1p-24f;

const char *mmn_arithmetic_fault(void)
{
    float a = one + 0x1p-12f, product = a * a, difference = product - (one + 0x1p-11f);
    if (difference != 0.0f)
        return "products and sums are contracted (build with -ffp-contract=off)";
    if (one + epsilon != one || one + 0x1.8p-24f == one || -one - 0x1.8p-24f == -one)
        return "rounding is not to the nearest, ties to even";
    if (tiny * 0.5f == 0.0f || tiny * 0.5f * 2.0f != tiny)
        return "denormal numbers are flushed to zero";
    volatile float x = 0x1.000002p-75f, y = 0x1.fffffcp-76f, z = 0x1.000004p-127f;
    if (fmaf(x, y, z) != 0x1.000004p-127f)
        return "fmaf is not correctly rounded";
    return NULL;
}
