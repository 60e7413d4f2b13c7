/* Weights as stored, to f32 and back. */
#include "convert.h"
#include "families.h"

void mmn_reference_widen(float *output, const void *input, mmn_weight_type type, size_t count)
{
    for (size_t i = 0; i < count; i++)
        output[i] = mmn_weight_at(input, type, i);
}

/* To the nearest bf16, ties to even: adding 0x7fff and the last kept bit carries where it should. */
static uint32_t to_bf16(float value)
{
    uint32_t bits = mmn_bits_of(value);
    if (value != value)
        return bits >> 16 | 0x40;
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

/* To the nearest f16, ties to even. */
static uint32_t to_f16(float value)
{
    uint32_t bits = mmn_bits_of(value), sign = bits >> 16 & 0x8000;
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return sign | 0x7e00 | (magnitude >> 13 & 0x3ff);
    if (magnitude >= 0x47800000) /* 2^16 and more */
        return sign | 0x7c00;
    if (magnitude < 0x38800000) {
        /* Below 2^-14: f32's addition rounds to a multiple of 2^-24 and leaves it in the low bits. */
        float shifted = mmn_float_of(magnitude) + 0.5f;
        return sign | (mmn_bits_of(shifted) - 0x3f000000);
    }
    magnitude -= 0x38000000; /* the exponent's bias: 127 to 15 */
    return sign | (magnitude + 0xfff + (magnitude >> 13 & 1)) >> 13;
}

void mmn_reference_narrow(void *output, mmn_weight_type type, const float *input, size_t count)
{
    uint8_t *bytes = output;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = type == MMN_WEIGHT_F32   ? mmn_bits_of(input[i])
                        : type == MMN_WEIGHT_F16 ? to_f16(input[i])
                                                 : to_bf16(input[i]);
        size_t size = type == MMN_WEIGHT_F32 ? 4 : 2;
        for (size_t byte = 0; byte < size; byte++)
            bytes[i * size + byte] = (uint8_t)(bits >> (8 * byte));
    }
}
