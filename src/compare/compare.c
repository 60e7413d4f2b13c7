/* Comparing one stage of two dumps. */
#include "compare/compare.h"

#include <math.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "model/dump_read.h"

enum {
    BLOCK = 4096,
    /* Distances in units of the last place fall into buckets by the upper bits of their f32 form:
     * those up to 512 are told apart when whole, larger ones to within 0.4 %. */
    BUCKET_SHIFT = 15,
    BUCKETS = 1 << 16
};

/* A row (a token) may be this many times less exact than the whole stage: rows differ, and a
 * stage's rms may be that of one great row. What is wrong in one row only is wrong by far more. The
 * scale of a row is its own rms, or this share of the stage's where that is greater. */
#define ROW_ALLOWANCE 30.0
#define LEAST_ROW_SCALE 1e-3

typedef struct squares {
    double difference, reference; /* sums of them */
} squares;

typedef struct comparing {
    mmn_stage_comparison *result;
    const mmn_tensor *dump, *reference;
    size_t width; /* of a row */
    squares all, row;
    squares *rows;     /* [elements / width] */
    double rms;        /* of the reference */
    uint64_t *buckets; /* [BUCKETS] */
    uint64_t placed;   /* in the buckets */
    double largest_ulp;
    uint8_t *flipped; /* [width], where the stage shows neurons */
    size_t first_not_finite;
} comparing;

/* The distance from |value| to the next larger f32, as if f32's exponents had no upper end. */
static double last_place(double value)
{
    int exponent = (int)(mmn_bits_f64(value) >> 52 & 0x7ff) - 1023;
    if (exponent < -126)
        exponent = -126;
    return mmn_f64_of_bits((uint64_t)(exponent - 23 + 1023) << 52);
}

static double relative(const squares *sums)
{
    return sums->difference > 0 ? sqrt(sums->difference / sums->reference) : 0;
}

static void end_row(comparing *state, size_t row)
{
    double rms = relative(&state->row);
    if (rms > state->result->worst_row_rms) {
        state->result->worst_row_rms = rms;
        state->result->worst_row = row;
    }
    state->rows[row] = state->row;
    state->all.difference += state->row.difference;
    state->all.reference += state->row.reference;
    state->row = (squares){0, 0};
}

static void place_ulp(comparing *state, double distance)
{
    float ulp = distance < 3e38 ? (float)distance : 3e38f;
    state->buckets[mmn_bits_f32(ulp) >> BUCKET_SHIFT]++;
    state->placed++;
    if (ulp > state->largest_ulp)
        state->largest_ulp = ulp;
}

/* NaN agrees with NaN, an infinity with itself. */
static bool agree(double a, double b)
{
    return !(a < b || a > b) && isnan(a) == isnan(b);
}

/* Whether the elements agree, whose values are a and b; binary64 does not hold all whole
 * numbers. */
static bool elements_agree(const comparing *state, size_t index, double a, double b)
{
    if (state->result->integers)
        return mmn_dump_same_integer(state->dump, state->reference, index);
    return agree(a, b);
}

static void compare_element(comparing *state, size_t index, double a, double b)
{
    mmn_stage_comparison *result = state->result;
    if (!elements_agree(state, index, a, b))
        result->differences++;
    if (state->flipped && (a > 0) != (b > 0)) {
        result->flips++;
        state->flipped[index % state->width] = 1;
    }
    if (!isfinite(a) || !isfinite(b)) {
        if (!agree(a, b) && state->first_not_finite == SIZE_MAX)
            state->first_not_finite = index;
        return;
    }
    double distance = fabs(a - b);
    if (distance > result->maximum_absolute)
        result->maximum_absolute = distance;
    state->row.difference += distance * distance;
    state->row.reference += b * b;
    if (!result->integers)
        place_ulp(state, distance / last_place(b));
}

/* The smallest distance that `share` of the elements do not exceed. */
static double percentile(const comparing *state, double share)
{
    uint64_t wanted = (uint64_t)ceil(share * (double)state->placed), passed = 0;
    for (uint32_t bucket = 0; bucket < BUCKETS; bucket++) {
        passed += state->buckets[bucket];
        if (passed >= wanted)
            return mmn_f32_of_bits(bucket << BUCKET_SHIFT);
    }
    return state->largest_ulp;
}

/* How large one row's rms of differences may be. */
static double row_limit(const comparing *state, size_t row)
{
    double own = sqrt(state->rows[row].reference / (double)state->width);
    double least = LEAST_ROW_SCALE * state->rms;
    return ROW_ALLOWANCE * state->result->tolerance * (own > least ? own : least);
}

static bool row_is_outside(const comparing *state, size_t row)
{
    double difference = sqrt(state->rows[row].difference / (double)state->width);
    return !(difference <= row_limit(state, row));
}

static bool some_row_is_outside(const comparing *state)
{
    for (size_t row = 0; row < state->result->elements / state->width; row++)
        if (row_is_outside(state, row))
            return true;
    return false;
}

static void summarise(comparing *state)
{
    mmn_stage_comparison *result = state->result;
    state->rms = sqrt(state->all.reference / (double)result->elements);
    result->relative_rms = relative(&state->all);
    static const double shares[] = {0.5, 0.9, 0.99};
    for (size_t i = 0; i < 3; i++)
        result->ulp_percentiles[i] = percentile(state, shares[i]);
    result->ulp_percentiles[3] = state->largest_ulp;
    for (size_t i = 0; state->flipped && i < state->width; i++)
        result->flipped_neurons += state->flipped[i];
    if (result->integers)
        result->outside = result->differences > 0;
    else
        result->outside = !(result->relative_rms <= result->tolerance) ||
                          state->first_not_finite != SIZE_MAX || some_row_is_outside(state);
}

/* How far an element may be from its reference before it counts as outside: the tolerance by the
 * stage's rms, less in a row that is outside itself. */
static double element_limit(const comparing *state, size_t index)
{
    double limit = state->result->tolerance * state->rms;
    size_t row = index / state->width;
    if (row_is_outside(state, row) && row_limit(state, row) < limit)
        limit = row_limit(state, row);
    return limit;
}

/* The first element that is outside by itself; one exists where the stage is. */
static void find_first(comparing *state)
{
    mmn_stage_comparison *result = state->result;
    const size_t elements = (size_t)result->elements;
    double a[BLOCK], b[BLOCK];
    for (size_t done = 0; done < elements; done += BLOCK) {
        size_t block = elements - done < BLOCK ? elements - done : BLOCK;
        mmn_dump_load(a, state->dump, done, block);
        mmn_dump_load(b, state->reference, done, block);
        for (size_t i = 0; i < block; i++)
            if (!elements_agree(state, done + i, a[i], b[i]) &&
                (result->integers || !(fabs(a[i] - b[i]) <= element_limit(state, done + i)))) {
                result->first_index = done + i;
                result->first_value = a[i];
                result->first_reference = b[i];
                return;
            }
    }
}

static void compare_elements(comparing *state)
{
    const size_t elements = (size_t)state->result->elements;
    double a[BLOCK], b[BLOCK];
    for (size_t done = 0; done < elements; done += BLOCK) {
        size_t block = elements - done < BLOCK ? elements - done : BLOCK;
        mmn_dump_load(a, state->dump, done, block);
        mmn_dump_load(b, state->reference, done, block);
        for (size_t i = 0; i < block; i++) {
            compare_element(state, done + i, a[i], b[i]);
            if ((done + i + 1) % state->width == 0)
                end_row(state, (done + i) / state->width);
        }
    }
}

mmn_status mmn_compare_stage(mmn_stage_comparison *result, const mmn_tensor *dump,
                             const mmn_tensor *reference, mmn_error *error)
{
    comparing state = {
        .result = result, .dump = dump, .reference = reference, .first_not_finite = SIZE_MAX};
    mmn_status status = MMN_SYSTEM;
    result->integers = mmn_dump_is_integer(dump) && mmn_dump_is_integer(reference);
    result->elements = mmn_tensor_elements(reference);
    result->first_index = SIZE_MAX;
    state.width = result->dimensions > 0 ? result->shape[result->dimensions - 1] : 1;
    if (result->elements == 0)
        return MMN_OK;
    state.buckets = mmn_allocate(BUCKETS, sizeof(*state.buckets), error);
    state.rows = mmn_allocate(result->elements / state.width, sizeof(*state.rows), error);
    if (state.buckets && state.rows && result->shows_neurons)
        state.flipped = mmn_allocate(state.width, 1, error);
    if (state.buckets && state.rows && (state.flipped || !result->shows_neurons)) {
        compare_elements(&state);
        summarise(&state);
        if (result->outside)
            find_first(&state);
        status = MMN_OK;
    }
    mmn_free(state.buckets);
    mmn_free(state.rows);
    mmn_free(state.flipped);
    return status;
}
