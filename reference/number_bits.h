/* Bits of numbers: those of floats, and little-endian ones in memory, at any alignment, on any
 * machine. The kernels and src/base share them. */
#ifndef MMN_REFERENCE_NUMBER_BITS_H
#define MMN_REFERENCE_NUMBER_BITS_H

#include <stdint.h>
#include <string.h>

/* The bits of an f32 or f64, and the number that has these bits. */
static inline uint32_t mmn_bits_f32(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline float mmn_f32_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint64_t mmn_bits_f64(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline double mmn_f64_of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint16_t mmn_load_u16(const void *from)
{
    const uint8_t *bytes = from;
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline uint32_t mmn_load_u32(const void *from)
{
    const uint8_t *bytes = from;
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static inline void mmn_store_u16(void *to, uint16_t value)
{
    uint8_t *bytes = to;
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static inline void mmn_store_u32(void *to, uint32_t value)
{
    uint8_t *bytes = to;
    mmn_store_u16(bytes, (uint16_t)value);
    mmn_store_u16(bytes + 2, (uint16_t)(value >> 16));
}

#endif
