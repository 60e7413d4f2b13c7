/* Canonical conversions between f32 and the stored types, little-endian. */
#include "arithmetic.h"
#include "reference.h"

void mmn_widen_reference(float *output, const void *input, mmn_weight_type type, size_t count)
{
    const uint8_t *bytes = input;

    for (size_t i = 0; i < count; i++) {
        if (type == MMN_WEIGHT_F32)
            output[i] = mmn_f32_of_bits(mmn_load_u32(bytes + 4 * i));
        else if (type == MMN_WEIGHT_F16)
            output[i] = mmn_widen_f16(mmn_load_u16(bytes + 2 * i));
        else
            output[i] = mmn_widen_bf16(mmn_load_u16(bytes + 2 * i));
    }
}

void mmn_narrow_reference(void *output, mmn_weight_type type, const float *input, size_t count)
{
    uint8_t *bytes = output;

    for (size_t i = 0; i < count; i++) {
        if (type == MMN_WEIGHT_F32)
            mmn_store_u32(bytes + 4 * i, mmn_bits_f32(input[i]));
        else if (type == MMN_WEIGHT_F16)
            mmn_store_u16(bytes + 2 * i, mmn_narrow_f16(input[i]));
        else
            mmn_store_u16(bytes + 2 * i, mmn_narrow_bf16(input[i]));
    }
}
