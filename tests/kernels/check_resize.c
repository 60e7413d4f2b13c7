/* Checks of the passes of 8-bit resampling. */
#include "checks.h"

/* Now and then images are wider than any block of a kernel, and pixels made of more. */
enum { MOST_OUTPUTS = 70, MOST_TAPS = 40, MOST_INPUTS = 100, WIDE = 1500 };

/* What is timed: photographs that become as small as models want them. */
enum { TIMED_INPUTS = 640, TIMED_TAPS = 8 };

/* For each output pixel where its input pixels begin, how many there are, and their weights: every
 * array exactly as long as it must be. Input pixels reach from the first to the last. */
typedef struct taps {
    size_t outputs, inputs, taps;
    int32_t *coefficients, *starts, *lengths;
} taps;

/* Sums leave 0 to 255 on both sides, but not 32 bits: |coefficients| add up to less than 2^23. */
static int32_t choose_coefficient(trial *t, size_t length)
{
    size_t limit = ((1u << 23) - 1) / length;

    return (int32_t)trial_below(t, limit) - (trial_below(t, 3) ? 0 : (int32_t)limit / 2);
}

static taps choose_taps(trial *t, size_t timed_outputs)
{
    _Bool wide = trial_below(t, 12) == 11;
    taps s = {timed_outputs, TIMED_INPUTS, TIMED_TAPS, NULL, NULL, NULL};

    if (!t->timed) {
        s.outputs = trial_size(t, 0, wide ? MOST_OUTPUTS / 8 : MOST_OUTPUTS);
        s.inputs = wide ? trial_size(t, WIDE / 2, WIDE) : trial_size(t, 1, MOST_INPUTS);
        s.taps = 1 + trial_below(t, wide && trial_below(t, 2) ? WIDE : MOST_TAPS);
    }
    s.coefficients = trial_bytes(t, "coefficients", s.outputs * s.taps, sizeof(int32_t));
    s.starts = trial_bytes(t, "starts", s.outputs, sizeof(int32_t));
    s.lengths = trial_bytes(t, "lengths", s.outputs, sizeof(int32_t));
    for (size_t x = 0; x < s.outputs; x++) {
        size_t most = s.taps < s.inputs ? s.taps : s.inputs, length = most - trial_below(t, most);
        size_t last = s.inputs - length;
        size_t start = trial_below(t, 3) == 2 ? last : trial_below(t, last + 1);

        s.lengths[x] = (int32_t)length;
        s.starts[x] = (int32_t)(t->timed ? x * last / s.outputs : start);
        for (size_t i = 0; i < s.taps; i++)
            s.coefficients[x * s.taps + i] = choose_coefficient(t, length);
    }
    return s;
}

static uint8_t *choose_pixels(trial *t, size_t size)
{
    uint8_t *pixels = trial_bytes(t, "input", size, 1);
    _Bool extreme = trial_below(t, 4) == 3;

    for (size_t i = 0; i < size; i++)
        pixels[i] = (uint8_t)(extreme ? trial_below(t, 2) * 255 : trial_random(t) >> 24);
    return pixels;
}

void check_resize_horizontal(trial *t)
{
    size_t channels = trial_below(t, 4) == 3 ? 1 + trial_below(t, 4) : 3;
    taps s = choose_taps(t, trial_width(t, 0) / channels);
    size_t rows = trial_rows(t, trial_size(t, 0, 40));
    size_t row = trial_below(t, rows + 1);
    size_t input_row = s.inputs * channels, output_row = s.outputs * channels;
    const uint8_t *input = choose_pixels(t, rows * input_row);
    grid g = trial_grid(t, "output", GRID_BITS, 1, rows, output_row, output_row);

    trial_say(t, "width %zu, input_width %zu, rows %zu, channels %zu, taps %zu", s.outputs,
              s.inputs, rows, channels, s.taps);
    t->reference->resize_horizontal(g.expected, s.outputs, input, s.inputs, row, channels,
                                    s.coefficients, s.taps, s.starts, s.lengths);
    t->reference->resize_horizontal((uint8_t *)g.expected + row * output_row, s.outputs,
                                    input + row * input_row, s.inputs, rows - row, channels,
                                    s.coefficients, s.taps, s.starts, s.lengths);
    TRIAL_CALL(t, t->table->resize_horizontal(g.found, s.outputs, input, s.inputs, rows, channels,
                                              s.coefficients, s.taps, s.starts, s.lengths));
    trial_compare(t, &g);
}

void check_resize_vertical(trial *t)
{
    taps s = choose_taps(t, trial_rows(t, 0));
    size_t row_bytes = trial_width(t, trial_size(t, 0, 150)), y = trial_below(t, s.outputs + 1);
    const uint8_t *input = choose_pixels(t, s.inputs * row_bytes);
    grid g = trial_grid(t, "output", GRID_BITS, 1, s.outputs, row_bytes, row_bytes);

    trial_say(t, "height %zu, input height %zu, row_bytes %zu, taps %zu", s.outputs, s.inputs,
              row_bytes, s.taps);
    t->reference->resize_vertical(g.expected, y, input, row_bytes, s.coefficients, s.taps, s.starts,
                                  s.lengths);
    t->reference->resize_vertical((uint8_t *)g.expected + y * row_bytes, s.outputs - y, input,
                                  row_bytes, s.coefficients + y * s.taps, s.taps, s.starts + y,
                                  s.lengths + y);
    TRIAL_CALL(t, t->table->resize_vertical(g.found, s.outputs, input, row_bytes, s.coefficients,
                                            s.taps, s.starts, s.lengths));
    trial_compare(t, &g);
}
