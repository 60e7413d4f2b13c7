/* Trials: random sizes and values, and the arrays that hold them. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arithmetic.h"
#include "trial.h"

/* SplitMix64, so that the arguments of neighbouring seeds have nothing in common. */
static uint64_t mixed(uint64_t bits)
{
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
    return bits ^ bits >> 31;
}

void trial_seed(trial *t, uint64_t seed)
{
    t->seed = seed;
    t->state = mixed(seed);
    t->tame = 0;
}

uint32_t trial_random(trial *t)
{
    t->state += 0x9e3779b97f4a7c15;
    return (uint32_t)(mixed(t->state) >> 32);
}

/* Uniform in [-1, 1). */
static float uniform(trial *t)
{
    return (float)(int32_t)trial_random(t) * 0x1p-31f;
}

size_t trial_below(trial *t, size_t limit)
{
    return t->timed ? 0 : trial_random(t) % limit;
}

size_t trial_size(trial *t, size_t low, size_t high)
{
    static const size_t blocks[] = {16, 16, 32, 64, 256};
    size_t size = low + trial_below(t, high - low + 1);
    size_t block = blocks[trial_below(t, 5)];

    if (trial_below(t, 2) == 0)
        return size;
    size_t beside = size / block * block + trial_below(t, 3);
    return beside >= low + 1 && beside - 1 <= high ? beside - 1 : size;
}

mmn_weight_type trial_type(trial *t)
{
    return t->timed ? t->timed->type : (mmn_weight_type)trial_below(t, 3);
}

size_t trial_stride(trial *t, size_t width)
{
    return trial_below(t, 2) ? width : width + trial_below(t, 40);
}

float trial_extreme(trial *t)
{
    static const float extremes[] = {
        0.0f,
        1.0f,
        0x1p-149f,
        0x1p-148f,
        0x1.fffffcp-127f,
        0x1p-126f,
        FLT_MAX,
        INFINITY,
        NAN,
        /* Ends of exp and of the activations. */
        104.0f,
        0x1.9ffffep6f,
        103.97208f,
        103.97209f,
        88.72283f,
        88.72284f,
        89.0f,
        87.33655f,
        26.0f,
        0x1p127f,
        0x1p64f,
        9.0f,
        14.0f,
        38.5f,
        /* f16: the greatest, what rounds to it and to infinity, denormals, ties. */
        65504.0f,
        0x1.ffdffep15f,
        65520.0f,
        65536.0f,
        0x1p-14f,
        0x1.ffcp-15f,
        0x1p-24f,
        0x1p-25f,
        0x1.000002p-25f,
        0x1.8p-24f,
        0x1.002p0f,
        0x1.006p0f,
        /* bf16: ties, and what rounds to infinity. */
        0x1.01p0f,
        0x1.03p0f,
        0x1.010002p0f,
        0x1.fefffep127f,
        0x1.ffp127f,
        0x1.01p-126f,
        0x1p-134f,
        /* Fixed point of counts: ties and limits. */
        0x1p-21f,
        0x1.8p-20f,
        0x1.4p-19f,
        0x1p20f,
        0x1.000002p20f,
        0x1.fffffep19f,
    };
    static const uint32_t not_numbers[] = {0x7f800001, 0x7fa00000, 0x7fbfffff, 0x7fc12345,
                                           0x7fffffff, 0x7f801fff, 0x7f802000, 0x7f810000};
    enum { EXTREMES = sizeof extremes / sizeof *extremes };
    size_t i = trial_below(t, EXTREMES + 4);
    float value = i < EXTREMES ? extremes[i] : mmn_f32_of_bits(not_numbers[trial_below(t, 8)]);

    return mmn_f32_of_bits(mmn_bits_f32(value) ^ (trial_random(t) & 0x80000000));
}

/* Any bits of a number. */
static float any_number(trial *t)
{
    uint32_t bits = trial_random(t);

    return (bits & 0x7f800000) == 0x7f800000 ? 0.5f : mmn_f32_of_bits(bits);
}

double trial_extreme_f64(trial *t)
{
    uint64_t bits = (uint64_t)trial_random(t) << 32;

    bits |= trial_random(t);
    switch (trial_below(t, 4)) {
    case 0:
        return mmn_f64_of_bits((bits >> 12) + (0x3ffu - trial_below(t, 2)) * 0x10000000000000);
    case 1:
        return mmn_f64_of_bits(bits);
    case 2:
        return mmn_f64_of_bits(bits >> (trial_below(t, 52) + 12)); /* denormals */
    default:
        return (double)trial_extreme(t);
    }
}

void trial_fill(trial *t, float *values, size_t count, float scale)
{
    enum mood { ORDINARY, FEW_FINITE_EXTREMES, FEW_EXTREMES, MANY_EXTREMES, ANY, MOODS };
    size_t mood = t->tame || trial_below(t, 2) ? ORDINARY : trial_below(t, MOODS);
    size_t apart = mood == MANY_EXTREMES ? 3 : 1 + trial_below(t, 300);

    for (size_t i = 0; i < count; i++)
        values[i] = mood == ANY ? any_number(t) : uniform(t) * scale;
    if (mood == ORDINARY || mood == ANY)
        return;
    for (size_t i = trial_below(t, apart); i < count; i += 1 + trial_below(t, apart)) {
        float value = trial_extreme(t);

        if (mood != FEW_FINITE_EXTREMES || isfinite(value))
            values[i] = value;
    }
}

static void *keep(trial *t, const char *name, guarded memory)
{
    if (t->array_count == TRIAL_ARRAYS)
        abort();
    t->names[t->array_count] = name;
    t->arrays[t->array_count++] = memory;
    return memory.data;
}

void *trial_bytes(trial *t, const char *name, size_t count, size_t element)
{
    size_t size = count * element;

    switch (trial_below(t, 4)) {
    case 0:
        return keep(t, name, guarded_behind_page(size, 0));
    case 1:
        return keep(t, name, guarded_behind_page(size, (1 + trial_below(t, 15)) * element));
    default:
        return keep(t, name, guarded_before_page(size));
    }
}

void *trial_misaligned(trial *t, const char *name, size_t size)
{
    if (trial_below(t, 2))
        return keep(t, name, guarded_before_page(size));
    return keep(t, name, guarded_behind_page(size, trial_below(t, 64)));
}

float *trial_scratch(trial *t, size_t floats)
{
    size_t size = floats * sizeof(float);

    /* So it ends at a page and is aligned as well. */
    if (size % MMN_SCRATCH_ALIGNMENT != 0)
        abort();
    void *scratch = keep(t, "scratch", guarded_before_page(size));
    memset(scratch, 0xff, size);
    return scratch;
}

float *trial_values(trial *t, const char *name, size_t rows, size_t width, size_t stride,
                    float scale)
{
    size_t count = rows > 0 ? (rows - 1) * stride + width : 0;
    float *values = trial_bytes(t, name, count, sizeof *values);

    for (size_t i = 0; stride > width && i < count; i++)
        values[i] = NAN;
    if (stride == width)
        trial_fill(t, values, count, scale);
    for (size_t row = 0; stride > width && row < rows; row++)
        trial_fill(t, values + row * stride, width, scale);
    return values;
}

void trial_release(trial *t)
{
    while (t->array_count > 0)
        guarded_free(&t->arrays[--t->array_count]);
}
