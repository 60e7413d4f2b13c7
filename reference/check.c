/* Whether compiler and processor keep the arithmetic that the kernels are written for. */
#include <float.h>
#include <math.h>
#include <stddef.h>

#include "kernels.h"

/* Operands are volatile, so that the processor computes and not the compiler. */

/* a * b + c in two roundings: a * b = 1 - 2^-46 rounds to 1, and leaves 0. */
static _Bool contracts(void)
{
    volatile float a = 1.0f + 0x1p-23f, b = 1.0f - 0x1p-23f, c = -1.0f;
    volatile double d = 1.0 + 0x1p-52, e = 1.0 - 0x1p-52, f = -1.0;
    float x = a, y = b, z = c;
    double u = d, v = e, w = f;

    return x * y + z != 0.0f || u * v + w != 0.0;
}

static _Bool rounds_to_nearest(void)
{
    volatile float one = 1.0f, half = 0x1p-24f, more = 0x1.8p-23f;
    volatile double one_wide = 1.0, half_wide = 0x1p-53, more_wide = 0x1.8p-52;

    return one + half == 1.0f && one + more == 1.0f + 0x1p-22f && -one - half == -1.0f &&
           -one - more == -1.0f - 0x1p-22f && one_wide + half_wide == 1.0 &&
           one_wide + more_wide == 1.0 + 0x1p-51 && -one_wide - more_wide == -1.0 - 0x1p-51;
}

/* Each comparison is between normal numbers, since a processor that reads denormals as zero does so
 * when it compares, too. */
static _Bool keeps_denormals(void)
{
    volatile float normal = FLT_MIN, least = 0x1p-149f, half = 0.5f, great = 0x1p100f;
    volatile double normal_wide = DBL_MIN, least_wide = 0x1p-1074, half_wide = 0.5;
    volatile double great_wide = 0x1p100;

    return normal * half * great == 0x1p-27f && least * great == 0x1p-49f &&
           normal_wide * half_wide * great_wide == 0x1p-923 &&
           least_wide * great_wide == 0x1p-974;
}

static _Bool fma_rounds_once(void)
{
    volatile float a = 0x1.000002p-75f, b = 0x1.fffffcp-76f, c = 0x1.000004p-127f;
    volatile float d = 1.0f + 0x1p-23f, e = 1.0f - 0x1p-23f, f = -1.0f;

    return fmaf(a, b, c) == 0x1.000004p-127f && fmaf(d, e, f) == -0x1p-46f;
}

const char *mmn_arithmetic_fault(void)
{
    if (contracts())
        return "the compiler fuses multiplications with additions: compile with -ffp-contract=off";
    if (!rounds_to_nearest())
        return "the processor is set to round otherwise than to nearest";
    if (!keeps_denormals())
        return "the processor is set to replace denormal numbers by zero";
    if (!fma_rounds_once())
        return "fmaf of the C library does not round correctly";
    return NULL;
}
