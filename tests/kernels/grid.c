/* Trials: outputs made twice, their comparison, and a map of where they differ. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "arithmetic.h"
#include "trial.h"

enum { UNTOUCHED = 0xa5, MAP_ROWS = 16, MAP_COLUMNS = 64 };

static size_t elements_of(const grid *g)
{
    return g->rows > 0 ? (g->rows - 1) * g->stride + g->width : 0;
}

grid trial_grid(trial *t, const char *name, grid_type type, size_t element, size_t rows,
                size_t width, size_t stride)
{
    grid g = {.name = name,
              .rows = rows,
              .width = width,
              .stride = stride,
              .element = element,
              .type = type};
    size_t count = elements_of(&g);

    g.expected = trial_bytes(t, "the reference's output", count, element);
    g.found = trial_bytes(t, name, count, element);
    memset(g.expected, UNTOUCHED, count * element);
    memset(g.found, UNTOUCHED, count * element);
    return g;
}

grid trial_grid_of_values(trial *t, const char *name, size_t rows, size_t width, size_t stride,
                          float scale)
{
    grid g = trial_grid(t, name, GRID_FLOATS, sizeof(float), rows, width, stride);

    for (size_t row = 0; row < rows; row++)
        trial_fill(t, (float *)g.expected + row * stride, width, scale);
    if (rows > 0)
        memcpy(g.found, g.expected, elements_of(&g) * sizeof(float));
    return g;
}

static uint64_t bits_at(const grid *g, const void *values, size_t i)
{
    const unsigned char *at = (const unsigned char *)values + i * g->element;
    uint64_t bits = 0;
    uint32_t half = 0;
    uint16_t quarter = 0;

    if (g->element == 8)
        return memcpy(&bits, at, 8), bits;
    if (g->element == 4)
        return memcpy(&half, at, 4), half;
    if (g->element == 2)
        return memcpy(&quarter, at, 2), quarter;
    return *at;
}

static double number_at(const grid *g, const void *values, size_t i)
{
    uint64_t bits = bits_at(g, values, i);

    if (g->type == GRID_BITS)
        return (double)(int64_t)bits;
    return g->element == 8 ? mmn_f64_of_bits(bits) : (double)mmn_f32_of_bits((uint32_t)bits);
}

static _Bool differs(const grid *g, size_t row, size_t column)
{
    size_t i = row * g->stride + column;

    if (bits_at(g, g->expected, i) == bits_at(g, g->found, i))
        return 0;
    return g->type == GRID_BITS ||
           !(isnan(number_at(g, g->expected, i)) && isnan(number_at(g, g->found, i)));
}

/* Whether something was written between this row and the next. */
static _Bool gap_is_overwritten(const grid *g, const void *values, size_t row)
{
    const unsigned char *bytes = values;
    size_t end = row + 1 < g->rows ? (row + 1) * g->stride : elements_of(g);

    for (size_t i = (row * g->stride + g->width) * g->element; i < end * g->element; i++)
        if (bytes[i] != UNTOUCHED)
            return 1;
    return 0;
}

/* The part of the grid where the difference at (row, column) is, an x for each difference. */
static void print_map(FILE *to, const grid *g, size_t row, size_t column)
{
    size_t first_row = row - row % MAP_ROWS, first_column = column - column % MAP_COLUMNS;
    size_t i = row * g->stride + column;

    fprintf(to, "%s [%zu][%zu]: %a, not %a (bits %llx, not %llx); from [%zu][%zu] on:\n", g->name,
            row, column, number_at(g, g->found, i), number_at(g, g->expected, i),
            (unsigned long long)bits_at(g, g->found, i),
            (unsigned long long)bits_at(g, g->expected, i), first_row, first_column);
    for (size_t y = first_row; y < g->rows && y < first_row + MAP_ROWS; y++) {
        for (size_t x = first_column; x < g->width && x < first_column + MAP_COLUMNS; x++)
            fputc(differs(g, y, x) ? 'x' : '.', to);
        fputc('\n', to);
    }
}

/* Prints the first difference; false when there is none. */
static _Bool print_differences(FILE *to, const grid *g)
{
    for (size_t row = 0; row < g->rows; row++)
        for (size_t column = 0; column < g->width; column++)
            if (differs(g, row, column)) {
                print_map(to, g, row, column);
                return 1;
            }
    return 0;
}

static _Bool print_overwritten(FILE *to, const trial *t, const grid *g)
{
    _Bool printed = 0;

    for (size_t row = 0; row < g->rows && !printed; row++)
        if (gap_is_overwritten(g, g->found, row) || gap_is_overwritten(g, g->expected, row)) {
            fprintf(to, "%s: overwrite right of row %zu\n", g->name, row);
            printed = 1;
        }
    for (size_t i = 0; i < t->array_count; i++) {
        guarded_damage damage = guarded_find_damage(&t->arrays[i]);

        if (damage.left || damage.right)
            fprintf(to, "%s: overwrite%s%s\n", t->names[i], damage.left ? " left" : "",
                    damage.right ? " right" : "");
        printed = printed || damage.left || damage.right;
    }
    return printed;
}

void trial_compare(trial *t, const grid *g)
{
    char details[4096] = "";

    if (t->timed)
        return;
    FILE *to = fmemopen(details, sizeof details, "w");

    if (!to)
        trial_fail(t, "memory is short");
    _Bool different = print_differences(to, g), overwritten = print_overwritten(to, t, g);
    fclose(to);
    if (different || overwritten)
        trial_fail(t, details);
}
