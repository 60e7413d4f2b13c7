/* Encoding: ridge regression in folds. */
#include "study/ridge.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "study/ridge_equations.h"

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

/* ---- A block of responses -------------------------------------------------------------------- */

/* The most columns at work together: their solutions for all penalties and folds are kept until a
 * penalty is chosen. */
enum { COLUMNS = MMN_TRIDIAGONAL_COLUMNS };

typedef struct mmn_ridge_columns {
    size_t first, count;
    double *y;                       /* [rows][count] */
    double *weighted;                /* the same times the roots of counts */
    double *sums;                    /* [folds][count] */
    double *right[MMN_RIDGE_FOLDS];  /* [unknowns][count] */
    double *solved[MMN_RIDGE_FOLDS]; /* [unknowns][penalties][count] */
    double *chosen;                  /* [unknowns][count] */
    double *predicted;               /* [rows of half a fold][penalties][count] */
    double *validation;              /* [penalties][count], added up over folds */
    double *test;                    /* [count] */
} mmn_ridge_columns;

static mmn_status make_columns_room(mmn_ridge *ridge, mmn_ridge_columns *c, mmn_error *error)
{
    const size_t n = ridge->data->events, p = ridge->data->features;
    const size_t count = ridge->data->columns < COLUMNS ? ridge->data->columns : COLUMNS;
    const size_t unknowns = ridge->dual ? n - n / MMN_RIDGE_FOLDS : p;
    MMN_NEED(c->y = mmn_ridge_room(ridge, n, count, error));
    MMN_NEED(c->weighted = mmn_ridge_room(ridge, n, count, error));
    MMN_NEED(c->sums = mmn_ridge_room(ridge, MMN_RIDGE_FOLDS, count, error));
    MMN_NEED(c->chosen = mmn_ridge_room(ridge, unknowns, count, error));
    MMN_NEED(c->predicted = mmn_ridge_room(ridge, n / MMN_RIDGE_FOLDS + 1,
                                           MMN_RIDGE_PENALTIES * count, error));
    MMN_NEED(c->validation = mmn_ridge_room(ridge, MMN_RIDGE_PENALTIES, count, error));
    MMN_NEED(c->test = mmn_ridge_room(ridge, 1, count, error));
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++) {
        MMN_NEED(c->right[f] = mmn_ridge_room(ridge, unknowns, count, error));
        MMN_NEED(c->solved[f] =
                     mmn_ridge_room(ridge, unknowns, MMN_RIDGE_PENALTIES * count, error));
    }
    return MMN_OK;
}

static int threads_for(const mmn_ridge *ridge, size_t rows)
{
    return mmn_algebra_threads(ridge->algebra, rows * ridge->columns->count);
}

static void take_responses(const mmn_ridge *ridge)
{
    const mmn_ridge_columns *c = ridge->columns;
    for (size_t row = 0; row < ridge->rows; row++) {
        const double *y = ridge->data->y + ridge->events[row] * ridge->data->columns + c->first;
        const double root = sqrt(ridge->counts[row]);
        for (size_t i = 0; i < c->count; i++) {
            c->y[row * c->count + i] = y[i];
            c->weighted[row * c->count + i] = root * y[i];
        }
    }
}

/* ---- Solutions ------------------------------------------------------------------------------- */

/* X'y of the standardised features, from sums of those as they are. */
static void make_primal_right(const mmn_ridge *ridge)
{
    const mmn_ridge_columns *c = ridge->columns;
    const size_t p = ridge->data->features, n = c->count;
    memset(c->sums, 0, MMN_RIDGE_FOLDS * n * sizeof(*c->sums));
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++) {
        const size_t first = ridge->folds[f].first, end = ridge->folds[f].end;
        for (size_t row = first; row < end; row++)
            for (size_t i = 0; i < n; i++)
                c->sums[f * n + i] += ridge->counts[row] * c->y[row * n + i];
        mmn_algebra_product(ridge->algebra, (mmn_matrix_f64){c->right[f], n},
                            (mmn_matrix_f64){ridge->weighted + first * p, p},
                            (mmn_matrix_f64){c->weighted + first * n, n}, p, n, end - first);
    }
    MMN_PARALLEL_FOR(threads_for(ridge, p), static)
    for (size_t place = 0; place < p * n; place++) {
        double moments[MMN_RIDGE_FOLDS];
        for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++)
            moments[f] = c->right[f][place];
        for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++) {
            const double mean = ridge->folds[f].mean[place / n];
            const double deviation = ridge->folds[f].deviation[place / n];
            const double moment = mmn_ridge_of_training(moments, 1, f, 0);
            const double sum = mmn_ridge_of_training(c->sums, n, f, place % n);
            c->right[f][place] = deviation > 0 ? (moment - mean * sum) / deviation : 0;
        }
    }
}

static void make_dual_right(const mmn_ridge *ridge)
{
    const mmn_ridge_columns *c = ridge->columns;
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++) {
        const mmn_ridge_fold *fold = &ridge->folds[f];
        const size_t before = fold->first * c->count, held = (fold->end - fold->first) * c->count;
        const size_t behind = (ridge->rows - fold->end) * c->count;
        memcpy(c->right[f], c->weighted, before * sizeof(double));
        memcpy(c->right[f] + before, c->weighted + before + held, behind * sizeof(double));
    }
}

/* Solutions of a fold for all penalties. */
static void solve(const mmn_ridge *ridge, size_t f)
{
    const mmn_ridge_columns *c = ridge->columns;
    const mmn_ridge_fold *fold = &ridge->folds[f];
    const size_t some = COLUMNS / 2, parts = mmn_pieces(c->count, some);
    const mmn_matrix_f64 right = {c->right[f], c->count};
    const mmn_matrix_f64 solved = {c->solved[f], MMN_RIDGE_PENALTIES * c->count};
    mmn_tridiagonal_turn(ridge->algebra, &fold->equations, right, c->count);
    MMN_PARALLEL_FOR(threads_for(ridge, fold->equations.size), dynamic)
    for (size_t task = 0; task < MMN_RIDGE_PENALTIES * parts; task++) {
        const size_t penalty = task / parts, column = task % parts * some;
        const size_t columns = c->count - column < some ? c->count - column : some;
        mmn_tridiagonal_solve(ridge->algebra, &fold->equations,
                              fold->factors + penalty * ridge->factor_size,
                              mmn_matrix_part(solved, 0, penalty * c->count + column),
                              mmn_matrix_part(right, 0, column), columns);
    }
}

/* ---- Scores ---------------------------------------------------------------------------------- */

/* Adds r of sets of predictions [rows][sets][count] with the responses of so many rows of the
 * sample to totals [sets][count]. */
static void correlate(const mmn_ridge *ridge, double *totals, size_t first, size_t rows,
                      size_t sets)
{
    const mmn_ridge_columns *c = ridge->columns;
    const double *counts = ridge->counts + first;
    MMN_PARALLEL_FOR(threads_for(ridge, rows * sets), static)
    for (size_t set = 0; set < sets; set++) {
        double n = 0, a[COLUMNS] = {0.0}, b[COLUMNS] = {0.0};
        double aa[COLUMNS] = {0.0}, bb[COLUMNS] = {0.0}, ab[COLUMNS] = {0.0};
        for (size_t row = 0; row < rows; row++) {
            const double *x = c->predicted + (row * sets + set) * c->count;
            const double *y = c->y + (first + row) * c->count;
            n += counts[row];
            for (size_t i = 0; i < c->count; i++) {
                a[i] += counts[row] * x[i];
                b[i] += counts[row] * y[i];
            }
        }
        for (size_t i = 0; i < c->count; i++) {
            a[i] /= n;
            b[i] /= n;
        }
        for (size_t row = 0; row < rows; row++) {
            const double *x = c->predicted + (row * sets + set) * c->count;
            const double *y = c->y + (first + row) * c->count, count = counts[row];
            for (size_t i = 0; i < c->count; i++) {
                const double da = x[i] - a[i], db = y[i] - b[i];
                aa[i] += count * (da * da);
                bb[i] += count * (db * db);
                ab[i] += count * (da * db);
            }
        }
        for (size_t i = 0; i < c->count; i++)
            if (aa[i] > 0 && bb[i] > 0)
                totals[set * c->count + i] += ab[i] / (sqrt(aa[i]) * sqrt(bb[i]));
    }
}

/* Adds r of a fold's rows [first, end), of the sample, by sets of solutions [unknowns][sets]. */
static void add_scores(const mmn_ridge *ridge, const mmn_ridge_fold *fold, double *totals,
                       size_t first, size_t end, double *solutions, size_t sets)
{
    const mmn_ridge_columns *c = ridge->columns;
    const size_t width = sets * c->count;
    const mmn_matrix_f64 held = {fold->held, fold->end - fold->first};
    mmn_algebra_product(ridge->algebra, (mmn_matrix_f64){c->predicted, width},
                        mmn_matrix_part(held, 0, first - fold->first),
                        (mmn_matrix_f64){solutions, width}, end - first, width,
                        fold->equations.size);
    correlate(ridge, totals, first, end - first, sets);
}

static void choose(const mmn_ridge *ridge, mmn_ridge_scores *scores)
{
    const mmn_ridge_columns *c = ridge->columns;
    for (size_t i = 0; i < c->count; i++) {
        size_t best = 0;
        for (size_t a = 1; a < MMN_RIDGE_PENALTIES; a++)
            if (c->validation[a * c->count + i] > c->validation[best * c->count + i])
                best = a;
        scores->penalty[c->first + i] = (uint8_t)best;
        scores->validation[c->first + i] = c->validation[best * c->count + i] / MMN_RIDGE_FOLDS;
    }
}

/* A fold's solutions for the penalties that were chosen. */
static void take_chosen(const mmn_ridge *ridge, size_t f, const uint8_t *penalty)
{
    const mmn_ridge_columns *c = ridge->columns;
    const size_t unknowns = ridge->folds[f].equations.size;
    for (size_t k = 0; k < unknowns; k++)
        for (size_t i = 0; i < c->count; i++)
            c->chosen[k * c->count + i] =
                c->solved[f][(k * MMN_RIDGE_PENALTIES + penalty[i]) * c->count + i];
}

static void score_columns(const mmn_ridge *ridge, mmn_ridge_scores *scores)
{
    const mmn_ridge_columns *c = ridge->columns;
    memset(c->validation, 0, MMN_RIDGE_PENALTIES * c->count * sizeof(double));
    memset(c->test, 0, c->count * sizeof(double));
    take_responses(ridge);
    if (ridge->dual)
        make_dual_right(ridge);
    else
        make_primal_right(ridge);
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++) {
        const mmn_ridge_fold *fold = &ridge->folds[f];
        solve(ridge, f);
        add_scores(ridge, fold, c->validation, fold->first, fold->test, c->solved[f],
                   MMN_RIDGE_PENALTIES);
    }
    choose(ridge, scores);
    for (size_t f = 0; f < MMN_RIDGE_FOLDS; f++) {
        const mmn_ridge_fold *fold = &ridge->folds[f];
        take_chosen(ridge, f, scores->penalty + c->first);
        add_scores(ridge, fold, c->test, fold->test, fold->end, c->chosen, 1);
    }
    for (size_t i = 0; i < c->count; i++)
        scores->test[c->first + i] = c->test[i] / MMN_RIDGE_FOLDS;
}

static mmn_status score(mmn_ridge *ridge, const uint32_t *drawn, mmn_ridge_scores *scores,
                        mmn_error *error)
{
    mmn_ridge_columns *c = ridge->columns;
    MMN_TRY(mmn_ridge_equate(ridge, drawn, error));
    for (c->first = 0; c->first < ridge->data->columns; c->first += COLUMNS) {
        const size_t rest = ridge->data->columns - c->first;
        c->count = rest < COLUMNS ? rest : COLUMNS;
        score_columns(ridge, scores);
    }
    return MMN_OK;
}

/* ---- Samples --------------------------------------------------------------------------------- */

/* What scores samples, one at a time. */
typedef struct sampler {
    mmn_algebra algebra; /* of one thread, or empty */
    mmn_ridge ridge;
    mmn_ridge_columns columns;
    uint32_t *drawn;
    mmn_ridge_scores scores;
    mmn_status status;
    mmn_error error;
} sampler;

static mmn_status make_sampler(sampler *s, const mmn_algebra *algebra, const mmn_ridge_data *data,
                               mmn_error *error)
{
    mmn_ridge *ridge = &s->ridge;
    *ridge = (mmn_ridge){.algebra = algebra, .data = data, .columns = &s->columns};
    MMN_TRY(mmn_ridge_make_equations_room(ridge, error));
    return make_columns_room(ridge, &s->columns, error);
}

static mmn_status make_scores(sampler *s, mmn_error *error)
{
    mmn_ridge *ridge = &s->ridge;
    const size_t columns = ridge->data->columns, events = ridge->data->events;
    MMN_NEED(s->scores.validation = mmn_ridge_room(ridge, 1, columns, error));
    MMN_NEED(s->scores.test = mmn_ridge_room(ridge, 1, columns, error));
    MMN_NEED(s->scores.penalty =
                 mmn_blocks_keep(&ridge->blocks, mmn_allocate(columns, 1, error), error));
    MMN_NEED(s->drawn = mmn_blocks_keep(&ridge->blocks,
                                        mmn_allocate(events, sizeof(uint32_t), error), error));
    return MMN_OK;
}

static void free_sampler(sampler *s)
{
    mmn_blocks_free(&s->ridge.blocks);
    mmn_algebra_end(&s->algebra);
}

static mmn_status check(const mmn_ridge_data *data, mmn_error *error)
{
    if (data->events < 4 * MMN_RIDGE_FOLDS)
        return mmn_fail(error, MMN_INPUT, NULL, NULL, "%zu events; expected at least %d",
                        data->events, 4 * MMN_RIDGE_FOLDS);
    return MMN_OK;
}

mmn_status mmn_ridge_score(const mmn_algebra *algebra, const mmn_ridge_data *data,
                           const uint32_t *drawn, mmn_ridge_scores *scores, mmn_error *error)
{
    sampler s = {.status = MMN_OK};
    MMN_TRY(check(data, error));
    mmn_status status = make_sampler(&s, algebra, data, error);
    if (status == MMN_OK)
        status = score(&s.ridge, drawn, scores, error);
    free_sampler(&s);
    return status;
}

/* Samples of these numbers, one for each of `count` samplers. */
static mmn_status score_some(sampler *samplers, const mmn_ridge_draws *draws,
                             const uint32_t *numbers, size_t count, mmn_error *error)
{
    for (size_t i = 0; i < count; i++)
        draws->draw(draws->context, samplers[i].drawn, numbers[i]);
    MMN_PARALLEL_FOR((int)count, static)
    for (size_t i = 0; i < count; i++) {
        sampler *s = &samplers[i];
        s->status = score(&s->ridge, s->drawn, &s->scores, &s->error);
    }
    for (size_t i = 0; i < count; i++) {
        if (samplers[i].status != MMN_OK) {
            if (error)
                *error = samplers[i].error;
            return samplers[i].status;
        }
        MMN_TRY(draws->keep(draws->context, &samplers[i].scores, numbers[i], error));
    }
    return MMN_OK;
}

/* Makes samplers that work side by side, *count of `most`, or one that has all threads. */
static mmn_status make_samplers(sampler *samplers, size_t *count, size_t most,
                                const mmn_algebra *algebra, const mmn_ridge_data *data,
                                mmn_error *error)
{
    const size_t limit = ((size_t)256 << 20) / sizeof(double);
    *count = 1;
    MMN_TRY(make_sampler(&samplers[0], algebra, data, error));
    MMN_TRY(make_scores(&samplers[0], error));
    if (most < (size_t)algebra->threads || samplers[0].ridge.numbers > limit)
        return MMN_OK;
    *count = (size_t)algebra->threads;
    for (size_t i = 0; i < *count; i++) {
        sampler *s = &samplers[i];
        MMN_TRY(mmn_algebra_begin(&s->algebra, algebra->kernels, 1, error));
        if (i > 0)
            MMN_TRY(make_sampler(s, &s->algebra, data, error));
        s->ridge.algebra = &s->algebra;
        if (i > 0)
            MMN_TRY(make_scores(s, error));
    }
    return MMN_OK;
}

static mmn_status score_all(sampler *samplers, const mmn_algebra *algebra,
                            const mmn_ridge_data *data, const mmn_ridge_draws *draws,
                            mmn_error *error)
{
    size_t count;
    MMN_TRY(make_samplers(samplers, &count, draws->count, algebra, data, error));
    for (uint32_t first = 0; first < draws->count; first += (uint32_t)count) {
        const size_t rest = draws->count - first;
        MMN_TRY(score_some(samplers, draws, draws->numbers + first, rest < count ? rest : count,
                           error));
    }
    return MMN_OK;
}

mmn_status mmn_ridge_score_draws(const mmn_algebra *algebra, const mmn_ridge_data *data,
                                 const mmn_ridge_draws *draws, mmn_error *error)
{
    MMN_TRY(check(data, error));
    sampler *samplers = mmn_allocate((size_t)algebra->threads, sizeof(*samplers), error);
    if (!samplers)
        return MMN_SYSTEM;
    mmn_status status = score_all(samplers, algebra, data, draws, error);
    for (int i = 0; i < algebra->threads; i++)
        free_sampler(&samplers[i]);
    mmn_free(samplers);
    return status;
}
