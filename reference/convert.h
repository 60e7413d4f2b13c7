/* Conversions between f32 and the formats that weights are stored in, in integers. */
#ifndef MMN_REFERENCE_CONVERT_H
#define MMN_REFERENCE_CONVERT_H

#include "arithmetic.h"

static inline uint32_t mmn_load_u16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static inline uint32_t mmn_load_bits(const uint8_t *bytes)
{
    return mmn_load_u16(bytes) | mmn_load_u16(bytes + 2) << 16;
}

static inline float mmn_from_bf16(uint32_t half)
{
    return mmn_float_of(half << 16);
}

/* Normal numbers and zero get the exponent's bias of f32 by a product with 2^112, which is exact
 * and makes denormals normal; infinities and NaN keep all exponent bits set. */
static inline float mmn_from_f16(uint32_t half)
{
    uint32_t sign = (half & 0x8000) << 16, magnitude = (half & 0x7fff) << 13;
    uint32_t bits = half & 0x7c00;
    float scaled = mmn_float_of(magnitude) * 0x1p112f;
    uint32_t result = bits == 0x7c00 ? magnitude | 0x7f800000 : mmn_bits_of(scaled);
    return mmn_float_of(result | sign);
}

/* Element `index` of stored weights. */
static inline float mmn_weight_at(const void *weights, mmn_weight_type type, size_t index)
{
    const uint8_t *bytes = weights;
    switch (type) {
    case MMN_WEIGHT_F16:
        return mmn_from_f16(mmn_load_u16(bytes + 2 * index));
    case MMN_WEIGHT_BF16:
        return mmn_from_bf16(mmn_load_u16(bytes + 2 * index));
    case MMN_WEIGHT_F32:
        break;
    }
    return mmn_float_of(mmn_load_bits(bytes + 4 * index));
}

#endif
