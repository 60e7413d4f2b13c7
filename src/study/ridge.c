/* Encoding: ridge regression in folds. */
#include "study/ridge.h"

#include <math.h>

#include "base/memory.h"
#include "base/threads.h"

const double mmn_ridge_penalties[MMN_RIDGE_PENALTIES] = {0.1, 1, 10, 100, 1000, 10000, 100000};

void mmn_ridge_prepare(double *values, size_t rows, size_t columns, bool are_features)
{
    for (size_t i = 0; i < columns; i++) {
        double sum = 0, squares = 0;
        for (size_t row = 0; row < rows; row++)
            sum += values[row * columns + i];
        const double mean = sum / (double)rows;
        for (size_t row = 0; row < rows; row++) {
            double *value = values + row * columns + i;
            *value -= mean;
            squares += *value * *value;
        }
        const double deviation = sqrt(squares / (double)rows);
        for (size_t row = 0; are_features && deviation > 0 && row < rows; row++)
            values[row * columns + i] /= deviation;
    }
}

/* ---- A sample, cut into folds ---------------------------------------------------------------- */

/* What is held out together: rows first to test - 1 validate, test to end - 1 test. */
typedef struct held_out {
    size_t first, test, end;
} held_out;

typedef struct work {
    const mmn_algebra *algebra;
    size_t features, columns, rows;
    bool dual;       /* more features than training events: equations of events, not of features */
    size_t unknowns; /* of the equations, at most */
    held_out folds[MMN_RIDGE_FOLDS];
    /* A row is an event with the number of its copies in one part of a fold. */
    double *counts;   /* [rows] */
    double *x, *y;    /* [rows][features], [rows][columns] */
    double *weighted; /* x or rows of training, times counts or their roots */
    double *grams, *crosses, *sums, *y_sums; /* of each fold */
    double *equations, *factor, *right, *solved, *coefficients, *panel;
    double *mean, *deviation, *factors; /* of features in training */
    double *held, *predicted;           /* features [features][rows held out]; [rows][columns] */
    double *validation, *test;          /* [penalties][columns], added up over folds */
    mmn_blocks blocks;
} work;

/* Adds rows for places [from, to) of the drawn events. */
static void add_rows(work *w, const mmn_ridge_data *data, const uint32_t *drawn, size_t from,
                     size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (i > from && drawn[i] == drawn[i - 1]) {
            w->counts[w->rows - 1] += 1;
            continue;
        }
        w->counts[w->rows] = 1;
        for (size_t j = 0; j < w->features; j++)
            w->x[w->rows * w->features + j] = data->x[drawn[i] * w->features + j];
        for (size_t j = 0; j < w->columns; j++)
            w->y[w->rows * w->columns + j] = data->y[drawn[i] * w->columns + j];
        w->rows++;
    }
}

static void cut(work *w, const mmn_ridge_data *data, const uint32_t *drawn)
{
    size_t place = 0;
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++) {
        const size_t length = data->events / MMN_RIDGE_FOLDS + (f < data->events % MMN_RIDGE_FOLDS);
        w->folds[f].first = w->rows;
        add_rows(w, data, drawn, place, place + length / 2);
        w->folds[f].test = w->rows;
        add_rows(w, data, drawn, place + length / 2, place + length);
        w->folds[f].end = w->rows;
        place += length;
    }
}

static double *room(work *w, size_t rows, size_t columns, mmn_error *error)
{
    size_t size;
    if (!mmn_multiply_sizes(rows, columns, &size))
        size = SIZE_MAX;
    return mmn_blocks_keep(&w->blocks, mmn_allocate(size, sizeof(double), error), error);
}

static size_t greater(size_t a, size_t b)
{
    return a > b ? a : b;
}

static mmn_status make_room(work *w, size_t events, mmn_error *error)
{
    const size_t p = w->features, c = w->columns, n = w->unknowns;
    const size_t block = w->dual ? 0 : p;
    double **const all[] = {
        &w->counts,       &w->x,          &w->y,         &w->weighted,  &w->grams,   &w->crosses,
        &w->sums,         &w->y_sums,     &w->equations, &w->factor,    &w->right,   &w->solved,
        &w->coefficients, &w->panel,      &w->mean,      &w->deviation, &w->factors, &w->held,
        &w->predicted,    &w->validation, &w->test};
    const size_t sizes[][2] = {{events, 1},
                               {events, p},
                               {events, c},
                               {events, p},
                               {MMN_RIDGE_FOLDS * block, p},
                               {MMN_RIDGE_FOLDS * block, c},
                               {MMN_RIDGE_FOLDS, p},
                               {MMN_RIDGE_FOLDS, c},
                               {n, n},
                               {n, n},
                               {n, c},
                               {n, c},
                               {w->dual ? p : 0, c},
                               {2 * MMN_ALGEBRA_BLOCK, greater(n, c)},
                               {p, 1},
                               {p, 1},
                               {w->dual ? p : 0, n},
                               {p, events},
                               {events, c},
                               {MMN_RIDGE_PENALTIES, c},
                               {MMN_RIDGE_PENALTIES, c}};
    for (size_t i = 0; i < MMN_LENGTH(all); i++) {
        *all[i] = room(w, sizes[i][0], sizes[i][1], error);
        MMN_NEED(*all[i]);
    }
    return MMN_OK;
}

/* ---- Sums of each fold ----------------------------------------------------------------------- */

static void sum_folds(work *w)
{
    const size_t p = w->features, c = w->columns;
    MMN_PARALLEL_FOR(mmn_algebra_threads(w->algebra, w->rows * w->features), static)
    for (size_t row = 0; row < w->rows; row++)
        for (size_t i = 0; i < p; i++)
            w->weighted[row * p + i] = w->counts[row] * w->x[row * p + i];
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++) {
        const size_t first = w->folds[f].first, rows = w->folds[f].end - first;
        const mmn_matrix_f64 x = {w->x + first * p, p}, y = {w->y + first * c, c};
        const mmn_matrix_f64 weighted = {w->weighted + first * p, p},
                             counts = {w->counts + first, 1};
        mmn_algebra_product(w->algebra, (mmn_matrix_f64){w->sums + f * p, p}, counts, x, 1, p,
                            rows);
        if (w->dual)
            continue;
        mmn_algebra_product(w->algebra, (mmn_matrix_f64){w->y_sums + f * c, c}, counts, y, 1, c,
                            rows);
        mmn_algebra_symmetric(w->algebra, (mmn_matrix_f64){w->grams + f * p * p, p}, weighted, x, p,
                              rows);
        mmn_algebra_product(w->algebra, (mmn_matrix_f64){w->crosses + f * p * c, c}, weighted, y, p,
                            c, rows);
    }
}

/* sum over the folds but `out`, in their order, of number i of each, `size` apart. */
static double of_training(const double *folds, size_t size, size_t out, size_t i)
{
    double sum = 0;
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++)
        if (f != out)
            sum += folds[f * size + i];
    return sum;
}

static bool is_training(const work *w, size_t out, size_t row)
{
    return row < w->folds[out].first || row >= w->folds[out].end;
}

static double training_events(const work *w, size_t out)
{
    double events = 0;
    for (size_t row = 0; row < w->rows; row++)
        events += is_training(w, out, row) ? w->counts[row] : 0;
    return events;
}

/* Mean and standard deviation of each feature in training; a deviation of 0 where it is the same
 * everywhere, which the mean's rounding would hide. */
static void describe_training(work *w, size_t out, double events)
{
    MMN_PARALLEL_FOR(mmn_algebra_threads(w->algebra, w->rows * w->features), static)
    for (size_t i = 0; i < w->features; i++) {
        const size_t some = out == 0 ? w->folds[0].end : 0;
        const double value = w->x[some * w->features + i];
        bool varies = false;
        double squares = 0;
        w->mean[i] = of_training(w->sums, w->features, out, i) / events;
        for (size_t row = 0; row < w->rows; row++) {
            const double x = w->x[row * w->features + i], d = x - w->mean[i];
            if (!is_training(w, out, row))
                continue;
            varies = varies || x != value;
            squares += w->counts[row] * (d * d);
        }
        w->deviation[i] = varies ? sqrt(squares / events) : 0;
    }
}

static double standardised(const work *w, size_t row, size_t i)
{
    return w->deviation[i] > 0 ? (w->x[row * w->features + i] - w->mean[i]) / w->deviation[i] : 0;
}

/* ---- Equations ------------------------------------------------------------------------------- */

/* (X'X) w = X'y of the standardised features, from sums of those as they are. */
static void make_primal(work *w, size_t out, double events)
{
    const size_t p = w->features, c = w->columns;
    MMN_PARALLEL_FOR(mmn_algebra_threads(w->algebra, w->rows * w->features), dynamic)
    for (size_t i = 0; i < p; i++) {
        const double deviation = w->deviation[i], sum = w->mean[i] * events;
        double *row = w->equations + i * p;
        for (size_t j = i; j < p; j++) {
            const double moment = of_training(w->grams, p * p, out, i * p + j);
            const double scale = deviation * w->deviation[j];
            row[j] = scale > 0 ? (moment - sum * w->mean[j]) / scale : 0;
        }
        row[i] = deviation > 0 ? events : 0;
        for (size_t j = 0; j < c; j++) {
            const double moment = of_training(w->crosses, p * c, out, i * c + j);
            const double y = of_training(w->y_sums, c, out, j);
            w->right[i * c + j] = deviation > 0 ? (moment - w->mean[i] * y) / deviation : 0;
        }
    }
    w->unknowns = p;
}

/* (XX') v = y, X and y of training events times the roots of their counts; then w = X'v. */
static void make_dual(work *w, size_t out)
{
    const size_t p = w->features, c = w->columns, held = w->folds[out].end - w->folds[out].first;
    const size_t n = w->rows - held;
    MMN_PARALLEL_FOR(mmn_algebra_threads(w->algebra, w->rows * w->features), static)
    for (size_t row = 0; row < n; row++) {
        const size_t from = row < w->folds[out].first ? row : row + held;
        const double root = sqrt(w->counts[from]);
        for (size_t i = 0; i < p; i++) {
            w->weighted[row * p + i] = root * standardised(w, from, i);
            w->factors[i * n + row] = w->weighted[row * p + i];
        }
        for (size_t j = 0; j < c; j++)
            w->right[row * c + j] = root * w->y[from * c + j];
    }
    const mmn_matrix_f64 factors = {w->factors, n};
    mmn_algebra_symmetric(w->algebra, (mmn_matrix_f64){w->equations, n}, factors, factors, n, p);
    w->unknowns = n;
}

/* The coefficients [features][columns] for a penalty, or NULL. */
static double *solve(work *w, double penalty)
{
    const size_t n = w->unknowns, c = w->columns, p = w->features;
    const mmn_matrix_f64 factor = {w->factor, n}, solved = {w->solved, c};
    for (size_t i = 0; i < n * n; i++)
        w->factor[i] = w->equations[i] + (i % (n + 1) == 0 ? penalty : 0);
    for (size_t i = 0; i < n * c; i++)
        w->solved[i] = w->right[i];
    if (!mmn_algebra_factor(w->algebra, factor, n, w->panel))
        return NULL;
    mmn_algebra_solve(w->algebra, factor, n, solved, c, w->panel);
    if (!w->dual)
        return w->solved;
    mmn_algebra_product(w->algebra, (mmn_matrix_f64){w->coefficients, c},
                        (mmn_matrix_f64){w->weighted, p}, solved, p, c, n);
    return w->coefficients;
}

/* ---- Scores ---------------------------------------------------------------------------------- */

/* r of one column over rows [first, end) of what is held out from row `from` on. */
static double correlation(const work *w, size_t from, size_t first, size_t end, size_t column)
{
    const double *counts = w->counts + from, *y = w->y + from * w->columns + column;
    const double *predicted = w->predicted + column;
    double n = 0, a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    for (size_t row = first; row < end; row++) {
        n += counts[row];
        a += counts[row] * predicted[row * w->columns];
        b += counts[row] * y[row * w->columns];
    }
    for (size_t row = first; row < end; row++) {
        const double da = predicted[row * w->columns] - a / n, db = y[row * w->columns] - b / n;
        aa += counts[row] * (da * da);
        bb += counts[row] * (db * db);
        ab += counts[row] * (da * db);
    }
    return aa > 0 && bb > 0 ? ab / (sqrt(aa) * sqrt(bb)) : 0;
}

static void hold_out(work *w, size_t out)
{
    const size_t first = w->folds[out].first, rows = w->folds[out].end - first;
    MMN_PARALLEL_FOR(mmn_algebra_threads(w->algebra, w->rows * w->features), static)
    for (size_t i = 0; i < w->features; i++)
        for (size_t row = 0; row < rows; row++)
            w->held[i * rows + row] = standardised(w, first + row, i);
}

static void add_scores(work *w, size_t out, size_t penalty, double *coefficients)
{
    const held_out *fold = &w->folds[out];
    const size_t rows = fold->end - fold->first, test = fold->test - fold->first, c = w->columns;
    mmn_algebra_product(w->algebra, (mmn_matrix_f64){w->predicted, c},
                        (mmn_matrix_f64){w->held, rows}, (mmn_matrix_f64){coefficients, c}, rows, c,
                        w->features);
    MMN_PARALLEL_FOR(mmn_algebra_threads(w->algebra, w->rows * w->features), static)
    for (size_t column = 0; column < c; column++) {
        w->validation[penalty * c + column] += correlation(w, fold->first, 0, test, column);
        w->test[penalty * c + column] += correlation(w, fold->first, test, rows, column);
    }
}

static void choose(const work *w, mmn_ridge_scores *scores)
{
    for (size_t column = 0; column < w->columns; column++) {
        size_t best = 0;
        for (size_t a = 1; a < MMN_RIDGE_PENALTIES; a++)
            if (w->validation[a * w->columns + column] > w->validation[best * w->columns + column])
                best = a;
        scores->penalty[column] = (uint8_t)best;
        scores->validation[column] = w->validation[best * w->columns + column] / MMN_RIDGE_FOLDS;
        scores->test[column] = w->test[best * w->columns + column] / MMN_RIDGE_FOLDS;
    }
}

static mmn_status score_fold(work *w, size_t out, mmn_error *error)
{
    const double events = training_events(w, out);
    describe_training(w, out, events);
    if (w->dual)
        make_dual(w, out);
    else
        make_primal(w, out, events);
    hold_out(w, out);
    for (size_t a = 0; a < MMN_RIDGE_PENALTIES; a++) {
        double *coefficients = solve(w, mmn_ridge_penalties[a]);
        if (!coefficients)
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "the equations of fold %zu are singular in binary64 with penalty %g: "
                            "features are too large or too many are alike",
                            out + 1, mmn_ridge_penalties[a]);
        add_scores(w, out, a, coefficients);
    }
    return MMN_OK;
}

static mmn_status score(work *w, const mmn_ridge_data *data, const uint32_t *drawn,
                        mmn_ridge_scores *scores, mmn_error *error)
{
    MMN_TRY(make_room(w, data->events, error));
    cut(w, data, drawn);
    sum_folds(w);
    for (size_t out = 0; out < MMN_RIDGE_FOLDS; out++)
        MMN_TRY(score_fold(w, out, error));
    choose(w, scores);
    return MMN_OK;
}

mmn_status mmn_ridge_score(const mmn_algebra *algebra, const mmn_ridge_data *data,
                           const uint32_t *drawn, mmn_ridge_scores *scores, mmn_error *error)
{
    const size_t training = data->events - data->events / MMN_RIDGE_FOLDS;
    if (data->events < 4 * MMN_RIDGE_FOLDS)
        return mmn_fail(error, MMN_INPUT, NULL, NULL, "%zu events; expected at least %d",
                        data->events, 4 * MMN_RIDGE_FOLDS);
    work w = {.algebra = algebra,
              .features = data->features,
              .columns = data->columns,
              .dual = data->features > training,
              .unknowns = data->features > training ? training : data->features};
    mmn_status status = score(&w, data, drawn, scores, error);
    mmn_blocks_free(&w.blocks);
    return status;
}
