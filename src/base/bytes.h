/* Byte order: little-endian numbers in files, at any alignment, on any machine. */
#ifndef MMN_BASE_BYTES_H
#define MMN_BASE_BYTES_H

#include "number_bits.h"

static inline uint64_t mmn_load_u64(const void *from)
{
    const unsigned char *bytes = from;
    return (uint64_t)mmn_load_u32(bytes) | (uint64_t)mmn_load_u32(bytes + 4) << 32;
}

static inline void mmn_store_u64(void *to, uint64_t value)
{
    unsigned char *bytes = to;
    mmn_store_u32(bytes, (uint32_t)(value & 0xffffffff));
    mmn_store_u32(bytes + 4, (uint32_t)(value >> 32));
}

static inline float mmn_load_f32(const void *from)
{
    return mmn_f32_of_bits(mmn_load_u32(from));
}

static inline void mmn_store_f32(void *to, float value)
{
    mmn_store_u32(to, mmn_bits_f32(value));
}

static inline double mmn_load_f64(const void *from)
{
    return mmn_f64_of_bits(mmn_load_u64(from));
}

static inline void mmn_store_f64(void *to, double value)
{
    mmn_store_u64(to, mmn_bits_f64(value));
}

static inline int64_t mmn_load_i64(const void *from)
{
    uint64_t bits = mmn_load_u64(from);
    int64_t value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline void mmn_store_i64(void *to, int64_t value)
{
    mmn_store_u64(to, (uint64_t)value);
}

#endif
