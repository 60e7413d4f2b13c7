/* Ridge regression in folds: against scikit-learn in float64 (golden/make_ridge.py), and the same
 * bits by every table of kernels and number of threads. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "study/ridge.h"

enum { FEATURES = 1, RESPONSES = 2, MOST_COLUMNS = 8, MOST_EVENTS = 512 };

typedef struct example {
    const char *name;
    mmn_ridge_data data;
    uint32_t order[MOST_EVENTS];
} example;

static size_t number(const json_t *row, const char *key)
{
    return (size_t)json_integer_value(json_object_get(row, key));
}

/* [rows][columns], as make_ridge.py has them. */
static double *values(size_t rows, size_t columns, uint32_t purpose, double offset)
{
    double *numbers = malloc(rows * columns * sizeof(*numbers));
    cr_assert_not_null(numbers);
    for (size_t i = 0; i < rows * columns; i++) {
        const uint32_t counter[4] = {(uint32_t)(i / columns), (uint32_t)(i % columns), 0, purpose};
        const uint32_t key[2] = {(uint32_t)rows, 0};
        uint32_t words[4];
        mmn_philox(words, counter, key);
        numbers[i] = words[0] * 0x1p-31 - 1 + offset;
    }
    return numbers;
}

static example make_example(const json_t *row)
{
    example e = {
        json_string_value(json_object_get(row, "name")),
        {number(row, "events"), number(row, "features"), number(row, "columns"), NULL, NULL},
        {0}};
    mmn_ridge_data *data = &e.data;
    const double offset = (double)number(row, "offset");
    const size_t constant = number(row, "constant"), p = data->features, c = data->columns;
    cr_assert_leq(data->events, MOST_EVENTS);
    cr_assert_leq(c, MOST_COLUMNS);
    data->x = values(data->events, p, FEATURES, offset);
    data->y = values(data->events, c, RESPONSES, 0);
    const size_t tenth = (data->events + 9) / 10;
    for (size_t i = 0; i < data->events; i++) {
        for (size_t j = 0; j < c; j++)
            data->y[i * c + j] += 0.5 * (double)j * (data->x[i * p + j + constant] - offset);
        for (size_t j = 0; j < constant; j++)
            data->x[i * p + j] = j == 0 && constant > 1 && i >= data->events - tenth ? 0.7 : 0.1;
        e.order[i] = (uint32_t)json_integer_value(json_array_get(json_object_get(row, "order"), i));
    }
    mmn_ridge_prepare(data->x, data->events, p, true);
    mmn_ridge_prepare(data->y, data->events, c, false);
    return e;
}

typedef struct found {
    double validation[MOST_COLUMNS], test[MOST_COLUMNS];
    uint8_t penalty[MOST_COLUMNS];
} found;

static found score(const example *e, const mmn_kernels *kernels, int threads)
{
    mmn_error error;
    mmn_algebra algebra = {0};
    found f;
    memset(&f, 0, sizeof(f));
    mmn_ridge_scores scores = {f.validation, f.test, f.penalty};
    cr_assert_eq(mmn_algebra_begin(&algebra, kernels, threads, &error), MMN_OK);
    cr_assert_eq(mmn_ridge_score(&algebra, &e->data, e->order, &scores, &error), MMN_OK, "%s: %s",
                 e->name, error.message);
    mmn_algebra_end(&algebra);
    return f;
}

static void check(const json_t *row)
{
    example e = make_example(row);
    const found f = score(&e, mmn_kernels_reference(), 1);
    for (size_t i = 0; i < e.data.columns; i++) {
        cr_expect_eq(f.penalty[i],
                     json_integer_value(json_array_get(json_object_get(row, "penalty"), i)),
                     "%s, column %zu: penalty %d", e.name, i, f.penalty[i]);
        cr_expect_float_eq(f.validation[i],
                           json_number_value(json_array_get(json_object_get(row, "validation"), i)),
                           1e-10, "%s, column %zu: %.17g", e.name, i, f.validation[i]);
        cr_expect_float_eq(f.test[i],
                           json_number_value(json_array_get(json_object_get(row, "test"), i)),
                           1e-10, "%s, column %zu: %.17g", e.name, i, f.test[i]);
    }
    for (const char *const *name = mmn_kernels_names(); *name; name++) {
        const mmn_kernels *kernels = mmn_kernels_select(*name);
        if (!kernels)
            continue;
        const found other = score(&e, kernels, 3);
        cr_expect_eq(memcmp(&other, &f, sizeof(f)), 0, "%s by %s", e.name, *name);
    }
    free(e.data.x);
    free(e.data.y);
}

Test(ridge, is_scikit_learns)
{
    json_t *rows = json_load_file(MMN_SOURCE_DIR "/tests/study/data/ridge.json", 0, NULL), *row;
    size_t i;
    cr_assert_gt(json_array_size(rows), 5);
    json_array_foreach(rows, i, row) check(row);
    json_decref(rows);
}

Test(ridge, wants_events_in_every_part)
{
    double x[19] = {0}, y[19] = {0}, validation, test;
    uint32_t drawn[19] = {0};
    uint8_t penalty;
    const mmn_ridge_data data = {19, 1, 1, x, y};
    mmn_ridge_scores scores = {&validation, &test, &penalty};
    mmn_algebra algebra = {0};
    mmn_error error;
    cr_assert_eq(mmn_algebra_begin(&algebra, mmn_kernels_reference(), 1, &error), MMN_OK);
    cr_expect_eq(mmn_ridge_score(&algebra, &data, drawn, &scores, &error), MMN_INPUT);
    cr_expect_str_eq(error.message, "19 events; expected at least 20");
    mmn_algebra_end(&algebra);
}

/* ---- Draws ----------------------------------------------------------------------------------- */

enum { DRAWS = 7 };
static const uint32_t backwards[DRAWS] = {6, 5, 4, 3, 2, 1, 0};

/* Draws of an example, what they should give, and behind which to end. */
typedef struct drawing {
    const example *e;
    found expected[DRAWS];
    uint32_t kept, last;
} drawing;

/* Draw number n repeats every event whose number is a multiple of n + 2. */
static void draw_events(void *context, uint32_t *drawn, uint32_t number)
{
    const drawing *d = context;
    const uint32_t events = (uint32_t)d->e->data.events;
    for (uint32_t i = 0; i < events; i++)
        drawn[i] = i - i % (number + 2);
}

static mmn_status keep_scores(void *context, const mmn_ridge_scores *scores, uint32_t number,
                              mmn_error *error)
{
    drawing *d = context;
    const size_t columns = d->e->data.columns;
    cr_expect_eq(number, backwards[d->kept], "draw %u was kept as number %u", number, d->kept);
    d->kept++;
    const found *f = &d->expected[number];
    cr_expect_arr_eq(scores->validation, f->validation, columns * sizeof(double));
    cr_expect_arr_eq(scores->test, f->test, columns * sizeof(double));
    cr_expect_arr_eq(scores->penalty, f->penalty, columns);
    return number == d->last ? mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "enough") : MMN_OK;
}

static mmn_status score_draws(drawing *d, uint32_t count, int threads, mmn_error *error)
{
    mmn_algebra algebra = {0};
    const mmn_ridge_draws draws = {count, backwards, d, draw_events, keep_scores};
    d->kept = 0;
    cr_assert_eq(mmn_algebra_begin(&algebra, mmn_kernels_reference(), threads, error), MMN_OK);
    mmn_status status = mmn_ridge_score_draws(&algebra, &d->e->data, &draws, error);
    mmn_algebra_end(&algebra);
    return status;
}

static void check_draws(const json_t *row)
{
    example e = make_example(row);
    mmn_error error;
    drawing d = {.e = &e, .last = DRAWS};
    for (uint32_t i = 0; i < DRAWS; i++) {
        draw_events(&d, e.order, i);
        d.expected[i] = score(&e, mmn_kernels_reference(), 1);
    }
    for (int threads = 1; threads < 5; threads++) {
        for (uint32_t count = 0; count <= DRAWS; count++) {
            cr_expect_eq(score_draws(&d, count, threads, &error), MMN_OK);
            cr_expect_eq(d.kept, count, "%u of %u were kept", d.kept, count);
        }
        d.last = 3;
        cr_expect_eq(score_draws(&d, DRAWS, threads, &error), MMN_INTERRUPTED);
        cr_expect_eq(d.kept, 4, "%u were kept until it was enough", d.kept);
        d.last = DRAWS;
    }
    free(e.data.x);
    free(e.data.y);
}

/* One by one, and as many side by side as there are threads, primal and dual. */
Test(ridge, scores_draws_as_samples)
{
    json_t *rows = json_load_file(MMN_SOURCE_DIR "/tests/study/data/ridge.json", 0, NULL);
    check_draws(json_array_get(rows, 1));
    check_draws(json_array_get(rows, 3));
    json_decref(rows);
}
