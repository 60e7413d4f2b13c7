/* Ridge regression in folds: a sample and its equations. */
#include "study/ridge_equations.h"

#include <math.h>
#include <string.h>

#include "base/threads.h"

const double mmn_ridge_penalties[MMN_RIDGE_PENALTIES] = {0.1, 1, 10, 100, 1000, 10000, 100000};

/* ---- Memory ---------------------------------------------------------------------------------- */

double *mmn_ridge_room(mmn_ridge *ridge, size_t rows, size_t columns, mmn_error *error)
{
    size_t size;
    if (!mmn_multiply_sizes(rows, columns, &size))
        size = SIZE_MAX;
    ridge->numbers += size;
    return mmn_blocks_keep(&ridge->blocks, mmn_allocate(size, sizeof(double), error), error);
}

static mmn_status make_fold_room(mmn_ridge *ridge, mmn_ridge_fold *fold, size_t unknowns,
                                 mmn_error *error)
{
    const size_t p = ridge->data->features;
    const size_t held = ridge->data->events / MMN_RIDGE_FOLDS + 1;
    MMN_NEED(fold->mean = mmn_ridge_room(ridge, p, 1, error));
    MMN_NEED(fold->deviation = mmn_ridge_room(ridge, p, 1, error));
    MMN_NEED(fold->equations.matrix = mmn_ridge_room(ridge, unknowns, unknowns, error));
    MMN_NEED(fold->equations.reflectors =
                 mmn_ridge_room(ridge, mmn_tridiagonal_reflectors(unknowns), 1, error));
    MMN_NEED(fold->equations.blocks =
                 mmn_ridge_room(ridge, mmn_tridiagonal_blocks(unknowns), 1, error));
    MMN_NEED(fold->factors = mmn_ridge_room(ridge, MMN_RIDGE_PENALTIES, ridge->factor_size, error));
    MMN_NEED(fold->held = mmn_ridge_room(ridge, unknowns, held, error));
    return MMN_OK;
}

mmn_status mmn_ridge_make_equations_room(mmn_ridge *ridge, mmn_error *error)
{
    const size_t n = ridge->data->events, p = ridge->data->features;
    const size_t training = n - n / MMN_RIDGE_FOLDS;
    ridge->dual = p > training;
    const size_t unknowns = ridge->dual ? training : p;
    ridge->factor_size = mmn_tridiagonal_factor_size(unknowns);
    MMN_NEED(ridge->events =
                 mmn_blocks_keep(&ridge->blocks, mmn_allocate(n, sizeof(uint32_t), error), error));
    MMN_NEED(ridge->counts = mmn_ridge_room(ridge, n, 1, error));
    MMN_NEED(ridge->sums = mmn_ridge_room(ridge, MMN_RIDGE_FOLDS, p, error));
    MMN_NEED(ridge->weighted = mmn_ridge_room(ridge, ridge->dual ? 0 : n, p, error));
    MMN_NEED(ridge->standardised = mmn_ridge_room(ridge, ridge->dual ? n : 0, p, error));
    MMN_NEED(ridge->work = mmn_ridge_room(ridge, mmn_tridiagonal_work(unknowns), 1, error));
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++)
        MMN_TRY(make_fold_room(ridge, &ridge->folds[f], unknowns, error));
    return MMN_OK;
}

/* ---- A sample, cut into folds ---------------------------------------------------------------- */

/* Adds rows for places [from, to) of the drawn events. */
static void add_rows(mmn_ridge *ridge, const uint32_t *drawn, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (i > from && drawn[i] == drawn[i - 1]) {
            ridge->counts[ridge->rows - 1] += 1;
            continue;
        }
        ridge->events[ridge->rows] = drawn[i];
        ridge->counts[ridge->rows++] = 1;
    }
}

static void cut(mmn_ridge *ridge, const uint32_t *drawn)
{
    const size_t events = ridge->data->events;
    size_t place = 0;
    ridge->rows = 0;
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++) {
        const size_t length = events / MMN_RIDGE_FOLDS + (f < events % MMN_RIDGE_FOLDS);
        ridge->folds[f].events = (double)(events - length);
        ridge->folds[f].first = ridge->rows;
        add_rows(ridge, drawn, place, place + length / 2);
        ridge->folds[f].test = ridge->rows;
        add_rows(ridge, drawn, place + length / 2, place + length);
        ridge->folds[f].end = ridge->rows;
        place += length;
    }
}

size_t mmn_ridge_unknowns(const mmn_ridge *ridge, const mmn_ridge_fold *fold)
{
    return ridge->dual ? ridge->rows - (fold->end - fold->first) : ridge->data->features;
}

double mmn_ridge_of_training(const double *folds, size_t size, size_t out, size_t i)
{
    double sum = 0;
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++)
        if (f != out)
            sum += folds[f * size + i];
    return sum;
}

static int threads_for(const mmn_ridge *ridge)
{
    return mmn_algebra_threads(ridge->algebra, ridge->rows * ridge->data->features);
}

static const double *features_of(const mmn_ridge *ridge, size_t row)
{
    return ridge->data->x + ridge->events[row] * ridge->data->features;
}

/* ---- Features in training -------------------------------------------------------------------- */

/* Features that a thread takes at a time. */
enum { SOME = 64 };

static size_t end_of(size_t first, size_t count)
{
    return count - first < SOME ? count : first + SOME;
}

static void sum_folds(mmn_ridge *ridge)
{
    const size_t p = ridge->data->features;
    memset(ridge->sums, 0, MMN_RIDGE_FOLDS * p * sizeof(*ridge->sums));
    MMN_PARALLEL_FOR(threads_for(ridge), static)
    for (size_t first = 0; first < p; first += SOME)
        for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++)
            for (size_t row = ridge->folds[f].first; row < ridge->folds[f].end; row++) {
                const double *x = features_of(ridge, row), count = ridge->counts[row];
                for (size_t i = first; i < end_of(first, p); i++)
                    ridge->sums[f * p + i] += count * x[i];
            }
}

static bool is_training(const mmn_ridge_fold *fold, size_t row)
{
    return row < fold->first || row >= fold->end;
}

/* Whether a feature is not the same everywhere in training. */
static bool varies(const mmn_ridge *ridge, const mmn_ridge_fold *fold, size_t feature)
{
    const double one = features_of(ridge, fold->first == 0 ? fold->end : 0)[feature];
    for (size_t row = 0; row < ridge->rows; row++)
        if (is_training(fold, row) && features_of(ridge, row)[feature] != one)
            return true;
    return false;
}

/* Means and standard deviations in each fold's training; a deviation of 0 where a feature does not
 * vary, which the mean's rounding would hide. One pass for all folds: features come from memory. */
static void describe_training(mmn_ridge *ridge)
{
    const size_t p = ridge->data->features;
    MMN_PARALLEL_FOR(threads_for(ridge), static)
    for (size_t first = 0; first < p; first += SOME) {
        const size_t end = end_of(first, p);
        double squares[MMN_RIDGE_FOLDS][SOME] = {{0.0}};
        for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++)
            for (size_t i = first; i < end; i++)
                ridge->folds[f].mean[i] =
                    mmn_ridge_of_training(ridge->sums, p, f, i) / ridge->folds[f].events;
        for (size_t row = 0; row < ridge->rows; row++) {
            const double *x = features_of(ridge, row), count = ridge->counts[row];
            for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++)
                for (size_t i = first; is_training(&ridge->folds[f], row) && i < end; i++) {
                    const double d = x[i] - ridge->folds[f].mean[i];
                    squares[f][i - first] += count * (d * d);
                }
        }
        for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++)
            for (size_t i = first; i < end; i++) {
                const mmn_ridge_fold *fold = &ridge->folds[f];
                fold->deviation[i] =
                    varies(ridge, fold, i) ? sqrt(squares[f][i - first] / fold->events) : 0;
            }
    }
}

/* to [features][rows], `stride` apart: standardised features of sample rows [from, from + rows),
 * times the roots of their counts if `rooted`. */
static void standardise(const mmn_ridge *ridge, const mmn_ridge_fold *fold, double *to,
                        size_t stride, size_t from, size_t rows, bool rooted)
{
    const size_t p = ridge->data->features;
    MMN_PARALLEL_FOR(threads_for(ridge), static)
    for (size_t first = 0; first < p; first += SOME)
        for (size_t row = 0; row < rows; row++) {
            const double *x = features_of(ridge, from + row);
            const double root = rooted ? sqrt(ridge->counts[from + row]) : 1;
            for (size_t i = first; i < end_of(first, p); i++)
                to[i * stride + row] = fold->deviation[i] > 0
                                           ? root * ((x[i] - fold->mean[i]) / fold->deviation[i])
                                           : 0;
        }
}

/* ---- Equations ------------------------------------------------------------------------------- */

/* The Gram matrix of each fold's features as they are, times roots of counts. */
static void sum_products(mmn_ridge *ridge)
{
    const size_t p = ridge->data->features;
    MMN_PARALLEL_FOR(threads_for(ridge), static)
    for (size_t row = 0; row < ridge->rows; row++) {
        const double *x = features_of(ridge, row), root = sqrt(ridge->counts[row]);
        for (size_t i = 0; i < p; i++)
            ridge->weighted[row * p + i] = root * x[i];
    }
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++) {
        const mmn_ridge_fold *fold = &ridge->folds[f];
        const mmn_matrix_f64 weighted = {ridge->weighted + fold->first * p, p};
        mmn_algebra_symmetric(ridge->algebra, (mmn_matrix_f64){fold->equations.matrix, p}, weighted,
                              weighted, p, fold->end - fold->first);
    }
}

/* Every fold's Gram matrix becomes the one of its training, of standardised features: number
 * (i, j). */
static void standardise_moment(mmn_ridge *ridge, size_t i, size_t j)
{
    const size_t place = i * ridge->data->features + j;
    double moments[MMN_RIDGE_FOLDS];
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++)
        moments[f] = ridge->folds[f].equations.matrix[place];
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++) {
        const mmn_ridge_fold *fold = &ridge->folds[f];
        const double scale = fold->deviation[i] * fold->deviation[j];
        const double moment = mmn_ridge_of_training(moments, 1, f, 0);
        fold->equations.matrix[place] =
            scale > 0 ? (moment - fold->mean[i] * fold->events * fold->mean[j]) / scale : 0;
        if (i == j && scale > 0)
            fold->equations.matrix[place] = fold->events;
    }
}

static void make_primal(mmn_ridge *ridge)
{
    const size_t p = ridge->data->features;
    sum_products(ridge);
    MMN_PARALLEL_FOR(threads_for(ridge), dynamic)
    for (size_t i = 0; i < p; i++)
        for (size_t j = i; j < p; j++)
            standardise_moment(ridge, i, j);
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++) {
        mmn_ridge_fold *fold = &ridge->folds[f];
        const size_t held = fold->end - fold->first;
        standardise(ridge, fold, fold->held, held, fold->first, held, false);
    }
}

/* X X' of training, and X X_held'. */
static void make_dual(mmn_ridge *ridge, mmn_ridge_fold *fold)
{
    const size_t p = ridge->data->features, n = mmn_ridge_unknowns(ridge, fold);
    const size_t held = fold->end - fold->first, rows = ridge->rows;
    double *x = ridge->standardised;
    standardise(ridge, fold, x, rows, 0, fold->first, true);
    standardise(ridge, fold, x + fold->first, rows, fold->end, rows - fold->end, true);
    standardise(ridge, fold, x + n, rows, fold->first, held, false);
    const mmn_matrix_f64 training = {x, rows};
    mmn_algebra_symmetric(ridge->algebra, (mmn_matrix_f64){fold->equations.matrix, n}, training,
                          training, n, p);
    mmn_algebra_product(ridge->algebra, (mmn_matrix_f64){fold->held, held}, training,
                        mmn_matrix_part(training, 0, n), n, held, p);
}

/* Which of a fold's factors is none, or all. */
static size_t factor(const mmn_ridge *ridge, const mmn_ridge_fold *fold)
{
    bool is_factor[MMN_RIDGE_PENALTIES];
    MMN_PARALLEL_FOR(threads_for(ridge), static)
    for (size_t a = 0; a < MMN_RIDGE_PENALTIES; a++)
        is_factor[a] = mmn_tridiagonal_factor(ridge->algebra, &fold->equations,
                                              mmn_ridge_penalties[a],
                                              fold->factors + a * ridge->factor_size);
    size_t a = 0;
    while (a < MMN_RIDGE_PENALTIES && is_factor[a])
        a++;
    return a;
}

mmn_status mmn_ridge_equate(mmn_ridge *ridge, const uint32_t *drawn, mmn_error *error)
{
    cut(ridge, drawn);
    sum_folds(ridge);
    describe_training(ridge);
    if (!ridge->dual)
        make_primal(ridge);
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++) {
        mmn_ridge_fold *fold = &ridge->folds[f];
        fold->equations.size = mmn_ridge_unknowns(ridge, fold);
        if (ridge->dual)
            make_dual(ridge, fold);
        mmn_tridiagonal_reduce(ridge->algebra, &fold->equations, ridge->work);
        mmn_tridiagonal_turn(ridge->algebra, &fold->equations,
                             (mmn_matrix_f64){fold->held, fold->end - fold->first},
                             fold->end - fold->first);
        const size_t singular = factor(ridge, fold);
        if (singular < MMN_RIDGE_PENALTIES)
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "the equations of fold %zu are singular in binary64 with penalty %g: "
                            "features are too large or too many are alike",
                            f + 1, mmn_ridge_penalties[singular]);
    }
    return MMN_OK;
}
