/* The check of the product in binary64. */
#include <math.h>

#include "checks.h"

/* Multiply-adds of one trial: the reference takes some milliseconds. */
enum { MOST_WORK = 300000 };

typedef struct product {
    size_t rows, outputs, depth, a_stride, b_stride;
    const double *a, *b;
    double *scratch;
} product;

static void choose_sizes(trial *t, product *p)
{
    if (t->timed) {
        p->rows = t->timed->rows;
        p->outputs = t->timed->width;
        p->depth = t->timed->depth;
        return;
    }
    switch (trial_below(t, 3)) {
    case 0:
        p->depth = trial_size(t, 0, 800);
        p->rows = trial_size(t, 0, 14);
        break;
    case 1: /* more rows than are packed together */
        p->depth = trial_size(t, 0, 10);
        p->rows = MMN_PRODUCT_F64_ROWS - 2 + trial_below(t, 120);
        break;
    default:
        p->depth = trial_size(t, 0, 100);
        p->rows = trial_size(t, 0, 50);
    }
    size_t most = MOST_WORK / (p->rows * p->depth + 1);
    p->outputs = trial_size(t, 0, most < 130 ? most : 130);
}

/* [rows][width], with NaN between the rows; in some now and then what is extreme. */
static double *make_values(trial *t, const char *name, size_t rows, size_t width, size_t stride)
{
    size_t count = rows > 0 ? (rows - 1) * stride + width : 0;
    double *values = trial_bytes(t, name, count, sizeof *values);
    size_t rarity = trial_below(t, 2) ? 0 : 500;

    for (size_t i = 0; i < count; i++)
        values[i] =
            i % stride >= width ? NAN
            : rarity > 0 && trial_below(t, rarity) == 1
                ? trial_extreme_f64(t)
                : ((double)trial_random(t) * 0x1p-31 - 1.0) + (double)trial_random(t) * 0x1p-54;
    return values;
}

/* The product of some rows with some of the outputs. */
static void multiply(const mmn_kernels *kernels, const product *p, double *output, size_t stride,
                     size_t row, size_t rows, size_t first, size_t outputs)
{
    kernels->product_f64(output + row * stride + first, stride, p->a + row, p->a_stride,
                         p->b + first, p->b_stride, rows, outputs, p->depth, p->scratch);
}

void check_product_f64(trial *t)
{
    product p;

    choose_sizes(t, &p);
    p.a_stride = trial_stride(t, p.rows) + (p.rows == 0);
    p.b_stride = trial_stride(t, p.outputs) + (p.outputs == 0);
    p.a = make_values(t, "a", p.depth, p.rows, p.a_stride);
    p.b = make_values(t, "b", p.depth, p.outputs, p.b_stride);
    p.scratch = (double *)trial_scratch(t, 2 * (size_t)MMN_PRODUCT_F64_SCRATCH);
    size_t stride = trial_stride(t, p.outputs);
    size_t row = trial_below(t, p.rows + 1), first = trial_below(t, p.outputs + 1);
    trial_say(t, "rows %zu, outputs %zu, depth %zu, strides %zu %zu %zu", p.rows, p.outputs,
              p.depth, stride, p.a_stride, p.b_stride);
    grid output = trial_grid(t, "output", GRID_FLOATS, sizeof(double), p.rows, p.outputs, stride);
    for (size_t m = 0; m < p.rows; m++)
        for (size_t n = 0; n < p.outputs; n++)
            ((double *)output.expected)[m * stride + n] = ((double *)output.found)[m * stride + n] =
                (double)trial_random(t) * 0x1p-31 - 1.0;

    multiply(t->reference, &p, output.expected, stride, 0, row, 0, first);
    multiply(t->reference, &p, output.expected, stride, row, p.rows - row, 0, first);
    multiply(t->reference, &p, output.expected, stride, 0, row, first, p.outputs - first);
    multiply(t->reference, &p, output.expected, stride, row, p.rows - row, first,
             p.outputs - first);
    TRIAL_CALL(t, multiply(t->table, &p, output.found, stride, 0, p.rows, 0, p.outputs));
    trial_compare(t, &output);
}
