/* Byte order: little-endian numbers in files, at any alignment, on any machine. */
#ifndef MMN_BASE_BYTES_H
#define MMN_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint16_t mmn_load_u16(const void *from)
{
    const unsigned char *bytes = from;
    return (uint16_t)(bytes[0] | (unsigned)bytes[1] << 8);
}

static inline uint32_t mmn_load_u32(const void *from)
{
    const unsigned char *bytes = from;
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static inline uint64_t mmn_load_u64(const void *from)
{
    const unsigned char *bytes = from;
    return (uint64_t)mmn_load_u32(bytes) | (uint64_t)mmn_load_u32(bytes + 4) << 32;
}

static inline void mmn_store_u16(void *to, uint16_t value)
{
    unsigned char *bytes = to;
    bytes[0] = (unsigned char)(value & 0xff);
    bytes[1] = (unsigned char)(value >> 8);
}

static inline void mmn_store_u32(void *to, uint32_t value)
{
    unsigned char *bytes = to;
    mmn_store_u16(bytes, (uint16_t)(value & 0xffff));
    mmn_store_u16(bytes + 2, (uint16_t)(value >> 16));
}

static inline void mmn_store_u64(void *to, uint64_t value)
{
    unsigned char *bytes = to;
    mmn_store_u32(bytes, (uint32_t)(value & 0xffffffff));
    mmn_store_u32(bytes + 4, (uint32_t)(value >> 32));
}

/* The bits of an f32 or f64, and the number that has these bits. */
static inline uint32_t mmn_float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline float mmn_float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline uint64_t mmn_double_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static inline double mmn_double_from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline float mmn_load_f32(const void *from)
{
    return mmn_float_from_bits(mmn_load_u32(from));
}

static inline void mmn_store_f32(void *to, float value)
{
    mmn_store_u32(to, mmn_float_bits(value));
}

static inline double mmn_load_f64(const void *from)
{
    return mmn_double_from_bits(mmn_load_u64(from));
}

static inline void mmn_store_f64(void *to, double value)
{
    mmn_store_u64(to, mmn_double_bits(value));
}

static inline int32_t mmn_load_i32(const void *from)
{
    uint32_t bits = mmn_load_u32(from);
    int32_t value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static inline void mmn_store_i32(void *to, int32_t value)
{
    mmn_store_u32(to, (uint32_t)value);
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
