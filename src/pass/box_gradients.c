/* How the gradients of a detector's boxes lie to a direction.
 *
 * Rows of the last layer's norm, queries, keys, values and probabilities are made as in the forward
 * pass, in binary32, and so is the reverse of the heads and of the MLP, many boxes at a time; what
 * attention makes of them is in binary64. Names: `tangent` is what a step along the direction adds,
 * `pair` one of the two rows of one of the numbers of a box. */
#include "pass/box_gradients.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"

enum { BOXES = 16, PAIRS = 2 * MMN_BOX_NUMBERS };

/* A row of queries: for each head, its products with keys (not scaled) and with their tangents,
 * [heads][keys], its probabilities, what it gives to each key [heads][width] times the norm's
 * weight, its product with the keys' shift [heads]; and the tangents of values that it carries
 * [width]. */
typedef struct query_row {
    size_t row;
    double *scores, *tangents, *probabilities, *vectors, *shifts, *carried;
} query_row;

/* What all boxes share. */
typedef struct measuring {
    const mmn_detector_end *end;
    const mmn_vision_layer_weights *layer;
    const float *direction, *norm_weight;
    size_t heads, head_dim, keys, width;
    double scale;                                           /* of attention's scores */
    double *query_weight, *key_weight, *value_weight;       /* [width][width] */
    double *key, *tangent_query, *tangent_value;            /* [keys][width] */
    double *key_turned, *tangent_key_turned, *value_turned; /* [width][keys] */
    double *normed, *scales, *lengths; /* the first norm without its weight [keys][width], what it
                                          multiplies rows by, and their squares [keys] */
    double *key_shift, *value_shift;   /* [width]: what the norm's and the layers' biases add */
    query_row class_row;
    mmn_blocks blocks;
} measuring;

/* What a thread works in, doubles. */
typedef struct bench {
    query_row own;
    double *context_turned;  /* [width][PAIRS]: gradients of what attention makes */
    double *gradients;       /* [heads][PAIRS][keys]: of probabilities, then of scores */
    double *gradient_turned; /* [keys][PAIRS]: of one head */
    double *of_query;        /* [PAIRS][width], and */
    double *query_turned;    /* [width][PAIRS] */
    double *of_normed;       /* [PAIRS][width]: what queries give to their row of the norm */
    double *value_vectors;   /* [heads][PAIRS][width] */
    double *pieces_turned;   /* [width][4 heads] */
    double *factors, *mixed; /* [4 heads][keys] */
    double *gram, *means;    /* [4 heads][4 heads]; [4 heads] */
    double *along;           /* [numbers][keys]: products with normed rows */
    double *row;             /* [width] */
    double *scratch;
    float *softmax; /* [heads][keys] */
} bench;

/* output [rows][outputs] = a [depth][rows], turned, x b [depth][outputs], which has a stride. */
static void multiply(const measuring *m, double *scratch, double *output, const double *a,
                     const double *b, size_t b_stride, size_t rows, size_t outputs, size_t depth)
{
    memset(output, 0, rows * outputs * sizeof(*output));
    m->end->compute->kernels->product_f64(output, outputs, a, rows, b, b_stride, rows, outputs,
                                          depth, scratch);
}

static void turn(double *to, const double *from, size_t rows, size_t columns)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++)
            to[column * rows + row] = from[row * columns + column];
}

static double product_of(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* ---- What all boxes share -------------------------------------------------------------------- */

static double *keep_doubles(mmn_blocks *blocks, size_t count, mmn_error *error)
{
    return mmn_blocks_keep(blocks, mmn_allocate(count, sizeof(double), error), error);
}

typedef struct wanted_doubles {
    double **place;
    size_t count;
} wanted_doubles;

static mmn_status keep_all(mmn_blocks *blocks, const wanted_doubles *wanted, size_t count,
                           mmn_error *error)
{
    for (size_t i = 0; i < count; i++)
        MMN_NEED(*wanted[i].place = keep_doubles(blocks, wanted[i].count, error));
    return MMN_OK;
}

static mmn_status make_query_row(query_row *row, const measuring *m, mmn_blocks *blocks,
                                 mmn_error *error)
{
    const size_t scores = m->heads * m->keys;
    const wanted_doubles wanted[] = {
        {&row->scores, scores},   {&row->tangents, scores},  {&row->probabilities, scores},
        {&row->shifts, m->heads}, {&row->carried, m->width}, {&row->vectors, m->heads * m->width}};
    return keep_all(blocks, wanted, MMN_LENGTH(wanted), error);
}

static void widen(double *to, const float *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (double)from[i];
}

/* The rows of the layer's first norm, and the tangents of what it makes, [keys][width]. */
static void derive_norm(measuring *m, float *tangent)
{
    const double epsilon = (double)m->end->model->config.vision.layer_norm_eps;
    const double width = (double)m->width;
    for (size_t key = 0; key < m->keys; key++) {
        const float *x = m->end->embedding + key * m->width;
        const float *step = m->direction + key * m->width;
        double *n = m->normed + key * m->width;
        double mean = 0, squares = 0, level = 0, along = 0;
        for (size_t i = 0; i < m->width; i++)
            mean += (double)x[i] / width;
        for (size_t i = 0; i < m->width; i++)
            squares += ((double)x[i] - mean) * ((double)x[i] - mean);
        m->scales[key] = 1.0 / sqrt(squares / width + epsilon);
        for (size_t i = 0; i < m->width; i++) {
            n[i] = ((double)x[i] - mean) * m->scales[key];
            level += (double)step[i] / width;
            along += (double)step[i] * n[i] / width;
        }
        m->lengths[key] = product_of(n, n, m->width);
        for (size_t i = 0; i < m->width; i++)
            tangent[key * m->width + i] = (float)((double)m->norm_weight[i] * m->scales[key] *
                                                  ((double)step[i] - level - n[i] * along));
    }
}

/* What is added to all keys, or values, whatever the rows of the norm are. */
static void make_shift(const measuring *m, double *shift, const double *weight,
                       const mmn_linear *linear)
{
    for (size_t output = 0; output < m->width; output++) {
        shift[output] = linear->bias ? (double)linear->bias[output] : 0;
        for (size_t i = 0; i < m->width; i++)
            shift[output] +=
                weight[output * m->width + i] * (double)m->layer->attention_norm.bias[i];
    }
}

/* The tangents of queries, keys and values. `floats` is for two arrays of rows. */
static void derive_products(measuring *m, float *floats, double *room)
{
    const mmn_linear bare[] = {{.weight = m->layer->query.weight},
                               {.weight = m->layer->key.weight},
                               {.weight = m->layer->value.weight}};
    const size_t values = m->keys * m->width;
    float *tangent = floats, *made = floats + values;
    derive_norm(m, tangent);
    mmn_apply_linear(m->end->compute, made, tangent, m->keys, &bare[0]);
    widen(m->tangent_query, made, values);
    mmn_apply_linear(m->end->compute, made, tangent, m->keys, &bare[1]);
    widen(room, made, values);
    turn(m->tangent_key_turned, room, m->keys, m->width);
    mmn_apply_linear(m->end->compute, made, tangent, m->keys, &bare[2]);
    widen(m->tangent_value, made, values);
    widen(m->key, m->end->layer.key, values);
    turn(m->key_turned, m->key, m->keys, m->width);
    widen(room, m->end->layer.value, values);
    turn(m->value_turned, room, m->keys, m->width);
}

static void widen_weight(const measuring *m, double *to, const mmn_matrix *matrix, float *room)
{
    m->end->compute->kernels->widen(room, matrix->data, matrix->type, m->width * m->width);
    widen(to, room, m->width * m->width);
}

/* Makes of a row of queries what all its pairs read. */
static void look(const measuring *m, query_row *row, size_t number, double *scratch, double *query,
                 float *softmax)
{
    const size_t width = m->width, keys = m->keys, dim = m->head_dim;
    row->row = number;
    widen(query, m->end->layer.query + number * width, width);
    for (size_t head = 0; head < m->heads; head++) {
        const double *own = query + head * dim;
        double *vector = row->vectors + head * width, *scores = row->scores + head * keys;
        multiply(m, scratch, scores, own, m->key_turned + head * dim * keys, keys, 1, keys, dim);
        multiply(m, scratch, row->tangents + head * keys, own,
                 m->tangent_key_turned + head * dim * keys, keys, 1, keys, dim);
        multiply(m, scratch, vector, own, m->key_weight + head * dim * width, width, 1, width, dim);
        for (size_t i = 0; i < width; i++)
            vector[i] *= (double)m->norm_weight[i];
        row->shifts[head] = product_of(own, m->key_shift + head * dim, dim);
        for (size_t key = 0; key < keys; key++)
            softmax[head * keys + key] = (float)(scores[key] * m->scale);
    }
    m->end->compute->kernels->softmax(softmax, m->heads, keys);
    widen(row->probabilities, softmax, m->heads * keys);
    for (size_t head = 0; head < m->heads; head++)
        multiply(m, scratch, row->carried + head * dim, row->probabilities + head * keys,
                 m->tangent_value + head * dim, width, 1, dim, keys);
}

static mmn_status make_shared(measuring *m, mmn_error *error)
{
    const size_t values = m->keys * m->width, square = m->width * m->width;
    double *room, *scratch;
    const wanted_doubles wanted[] = {{&m->query_weight, square},
                                     {&m->key_weight, square},
                                     {&m->value_weight, square},
                                     {&m->key, values},
                                     {&m->tangent_query, values},
                                     {&m->tangent_value, values},
                                     {&m->key_turned, values},
                                     {&m->tangent_key_turned, values},
                                     {&m->value_turned, values},
                                     {&m->normed, values},
                                     {&m->scales, m->keys},
                                     {&m->lengths, m->keys},
                                     {&m->key_shift, m->width},
                                     {&m->value_shift, m->width},
                                     {&room, values},
                                     {&scratch, MMN_PRODUCT_F64_SCRATCH}};
    MMN_TRY(keep_all(&m->blocks, wanted, MMN_LENGTH(wanted), error));
    MMN_TRY(make_query_row(&m->class_row, m, &m->blocks, error));
    const size_t most = square > 2 * values ? square : 2 * values, scores = m->heads * m->keys;
    float *floats = mmn_blocks_keep(
        &m->blocks, mmn_allocate(most > scores ? most : scores, sizeof(float), error), error);
    MMN_NEED(floats);
    widen_weight(m, m->query_weight, &m->layer->query.weight, floats);
    widen_weight(m, m->key_weight, &m->layer->key.weight, floats);
    widen_weight(m, m->value_weight, &m->layer->value.weight, floats);
    make_shift(m, m->key_shift, m->key_weight, &m->layer->key);
    make_shift(m, m->value_shift, m->value_weight, &m->layer->value);
    derive_products(m, floats, room);
    look(m, &m->class_row, 0, scratch, room, floats);
    return mmn_interrupt_check(m->end->compute->interrupt, error);
}

/* ---- Attention, of a box --------------------------------------------------------------------- */

/* Gradients of some boxes' numbers by the state behind attention, and by what attention makes,
 * [rows][2][width]. */
typedef struct layer_rows {
    mmn_box_rows boxes;
    float *of_state, *of_context;
    float *of_inner; /* [rows][2][intermediate_size] */
} layer_rows;

/* The place of a pair in them. */
static size_t place_of(const layer_rows *rows, size_t box, size_t pair)
{
    const size_t number = pair / 2, count = rows->boxes.count;
    const size_t row = number == 0 ? box : count + box * MMN_BOX_SIDES + number - 1;
    return 2 * row + pair % 2;
}

static const query_row *row_of(const measuring *m, const bench *b, size_t pair)
{
    return pair % 2 == 0 ? &m->class_row : &b->own;
}

/* The gradients of probabilities of a head become those of scores; what they and the probabilities
 * multiply is added up along the direction and along the rows of the norm. */
static void reverse_scores(const measuring *m, const bench *b, size_t head, size_t pair,
                           double *product)
{
    const query_row *row = row_of(m, b, pair);
    const size_t keys = m->keys, dim = m->head_dim;
    const double *probabilities = row->probabilities + head * keys;
    const double *scores = row->scores + head * keys;
    double *gradient = b->gradients + (head * PAIRS + pair) * keys;
    double *along = b->along + pair / 2 * keys, shift = 0;
    for (size_t i = head * dim; i < (head + 1) * dim; i++)
        shift += b->context_turned[i * PAIRS + pair] * m->value_shift[i];
    const double mean = product_of(probabilities, gradient, keys);
    for (size_t key = 0; key < keys; key++) {
        along[key] += probabilities[key] * (gradient[key] - shift);
        gradient[key] = m->scale * probabilities[key] * (gradient[key] - mean);
        along[key] += gradient[key] * (scores[key] - row->shifts[head]);
        b->gradient_turned[key * PAIRS + pair] = gradient[key];
    }
    *product += product_of(gradient, row->tangents + head * keys, keys);
}

/* All heads of a box: b->gradients, of_query, value_vectors and along, and the products of what
 * goes through keys. */
static void reverse_heads(const measuring *m, bench *b, double *products)
{
    const size_t width = m->width, keys = m->keys, dim = m->head_dim;
    double *of_query = b->row; /* [PAIRS][head_dim] at a time */
    memset(b->along, 0, MMN_BOX_NUMBERS * keys * sizeof(double));
    for (size_t head = 0; head < m->heads; head++) {
        const double *context = b->context_turned + head * dim * PAIRS;
        double *vectors = b->value_vectors + head * PAIRS * width;
        multiply(m, b->scratch, b->gradients + head * PAIRS * keys, context,
                 m->value_turned + head * dim * keys, keys, PAIRS, keys, dim);
        multiply(m, b->scratch, vectors, context, m->value_weight + head * dim * width, width,
                 PAIRS, width, dim);
        for (size_t i = 0; i < PAIRS * width; i++)
            vectors[i] *= (double)m->norm_weight[i % width];
        for (size_t pair = 0; pair < PAIRS; pair++)
            reverse_scores(m, b, head, pair, &products[pair / 2]);
        multiply(m, b->scratch, of_query, b->gradient_turned, m->key + head * dim, width, PAIRS,
                 dim, keys);
        for (size_t pair = 0; pair < PAIRS; pair++)
            for (size_t i = 0; i < dim; i++) {
                b->of_query[pair * width + head * dim + i] = of_query[pair * dim + i];
                b->query_turned[(head * dim + i) * PAIRS + pair] = of_query[pair * dim + i];
            }
    }
    multiply(m, b->scratch, b->of_normed, b->query_turned, m->query_weight, width, PAIRS, width,
             width);
}

/* ---- Squares --------------------------------------------------------------------------------- */

/* The number of a vector: of keys and then of values, those of the class token's row first. */
static size_t piece_of(const measuring *m, size_t values, size_t pair, size_t head)
{
    return (2 * values + pair % 2) * m->heads + head;
}

/* The vectors of a number and their factors at each key; the products of the vectors. */
static void gather_pieces(const measuring *m, bench *b, size_t number)
{
    const size_t width = m->width, keys = m->keys, pieces = 4 * m->heads;
    for (size_t pair = 2 * number; pair < 2 * number + 2; pair++)
        for (size_t head = 0; head < m->heads; head++) {
            const query_row *row = row_of(m, b, pair);
            const double *sources[] = {row->vectors + head * width,
                                       b->value_vectors + (head * PAIRS + pair) * width};
            const double *factors[] = {b->gradients + (head * PAIRS + pair) * keys,
                                       row->probabilities + head * keys};
            for (size_t values = 0; values < 2; values++) {
                const size_t piece = piece_of(m, values, pair, head);
                double sum = 0;
                for (size_t i = 0; i < width; i++) {
                    b->pieces_turned[i * pieces + piece] = sources[values][i];
                    sum += sources[values][i];
                }
                b->means[piece] = sum / (double)width;
                memcpy(b->factors + piece * keys, factors[values], keys * sizeof(double));
            }
        }
    multiply(m, b->scratch, b->gram, b->pieces_turned, b->pieces_turned, pieces, pieces, pieces,
             width);
    multiply(m, b->scratch, b->mixed, b->gram, b->factors, keys, pieces, keys, pieces);
}

/* The square of the gradient by the row of a pair's query, which is more than keys and values. */
static double square_of_own_row(const measuring *m, const bench *b, size_t pair,
                                const float *of_state)
{
    const size_t key = row_of(m, b, pair)->row, width = m->width, pieces = 4 * m->heads;
    const double *normed = m->normed + key * width;
    double level = 0, along = 0, square = 0;
    for (size_t i = 0; i < width; i++) {
        double sum = b->of_normed[pair * width + i] * (double)m->norm_weight[i];
        for (size_t piece = 0; piece < pieces; piece++)
            sum += b->factors[piece * m->keys + key] * b->pieces_turned[i * pieces + piece];
        b->row[i] = sum;
        level += sum / (double)width;
        along += sum * normed[i] / (double)width;
    }
    for (size_t i = 0; i < width; i++) {
        const double value =
            (b->row[i] - level - normed[i] * along) * m->scales[key] + (double)of_state[i];
        square += value * value;
    }
    return square;
}

/* The norm takes from each row its mean and what lies along the normed row. */
static double square_of_row(const measuring *m, const bench *b, size_t number, size_t key)
{
    const double width = (double)m->width, along = b->along[number * m->keys + key] / width;
    double square = 0, level = 0;
    for (size_t piece = 0; piece < 4 * m->heads; piece++) {
        const double factor = b->factors[piece * m->keys + key];
        square += factor * b->mixed[piece * m->keys + key];
        level += factor * b->means[piece];
    }
    square -= width * level * level + (2 * width - m->lengths[key]) * along * along;
    return square > 0 ? square * m->scales[key] * m->scales[key] : 0;
}

static void measure_box(const measuring *m, bench *b, const layer_rows *rows, size_t box,
                        double *products, double *squares)
{
    const size_t width = m->width, patch = rows->boxes.first + box;
    look(m, &b->own, 1 + patch, b->scratch, b->row, b->softmax);
    for (size_t pair = 0; pair < PAIRS; pair++) {
        const float *context = rows->of_context + place_of(rows, box, pair) * width;
        for (size_t i = 0; i < width; i++)
            b->context_turned[i * PAIRS + pair] = (double)context[i];
    }
    memset(products, 0, MMN_BOX_NUMBERS * sizeof(double));
    reverse_heads(m, b, products);
    for (size_t pair = 0; pair < PAIRS; pair++) {
        const query_row *row = row_of(m, b, pair);
        const float *of_state = rows->of_state + place_of(rows, box, pair) * width;
        const float *step = m->direction + row->row * width;
        const double *tangent = m->tangent_query + row->row * width;
        double product = product_of(b->of_query + pair * width, tangent, width);
        for (size_t i = 0; i < width; i++)
            product += (double)of_state[i] * (double)step[i] +
                       b->context_turned[i * PAIRS + pair] * row->carried[i];
        products[pair / 2] += product;
    }
    for (size_t number = 0; number < MMN_BOX_NUMBERS; number++) {
        double square = 0;
        gather_pieces(m, b, number);
        for (size_t key = 1; key < m->keys; key++)
            if (key != b->own.row)
                square += square_of_row(m, b, number, key);
        for (size_t pair = 2 * number; pair < 2 * number + 2; pair++)
            square +=
                square_of_own_row(m, b, pair, rows->of_state + place_of(rows, box, pair) * width);
        squares[number] = square;
    }
}

/* ---- All boxes ------------------------------------------------------------------------------- */

static mmn_status make_bench(bench *b, measuring *m, mmn_error *error)
{
    const size_t heads = m->heads, width = m->width, keys = m->keys, pieces = 4 * heads;
    const wanted_doubles wanted[] = {{&b->context_turned, width * PAIRS},
                                     {&b->gradients, heads * PAIRS * keys},
                                     {&b->gradient_turned, keys * PAIRS},
                                     {&b->of_query, PAIRS * width},
                                     {&b->query_turned, width * PAIRS},
                                     {&b->of_normed, PAIRS * width},
                                     {&b->value_vectors, heads * PAIRS * width},
                                     {&b->pieces_turned, width * pieces},
                                     {&b->factors, pieces * keys},
                                     {&b->mixed, pieces * keys},
                                     {&b->gram, pieces * pieces},
                                     {&b->means, pieces},
                                     {&b->along, MMN_BOX_NUMBERS * keys},
                                     {&b->row, PAIRS * width},
                                     {&b->scratch, MMN_PRODUCT_F64_SCRATCH}};
    MMN_TRY(keep_all(&m->blocks, wanted, MMN_LENGTH(wanted), error));
    MMN_TRY(make_query_row(&b->own, m, &m->blocks, error));
    b->softmax =
        mmn_blocks_keep(&m->blocks, mmn_allocate(heads * keys, sizeof(float), error), error);
    return b->softmax ? MMN_OK : MMN_SYSTEM;
}

static mmn_status make_layer_rows(layer_rows *rows, measuring *m, mmn_error *error)
{
    const size_t most = 2 * MMN_BOX_NUMBERS * BOXES, bytes = m->width * sizeof(float);
    const size_t inner = m->end->model->config.vision.intermediate_size * sizeof(float);
    MMN_NEED(rows->of_state = mmn_blocks_keep(&m->blocks, mmn_allocate(most, bytes, error), error));
    MMN_NEED(rows->of_context =
                 mmn_blocks_keep(&m->blocks, mmn_allocate(most, bytes, error), error));
    MMN_NEED(rows->of_inner = mmn_blocks_keep(&m->blocks, mmn_allocate(most, inner, error), error));
    return mmn_box_rows_make(&rows->boxes, m->end, BOXES, true, error);
}

/* From rows of what the layer puts out to those of the state behind attention and of what that
 * made: the MLP, its norm and the output projection, as the whole layer's reverse does it. */
static void reverse_mlp(const measuring *m, layer_rows *rows)
{
    const mmn_compute *compute = m->end->compute;
    const mmn_vision_config *config = &m->end->model->config.vision;
    const size_t count = 2 * rows->boxes.rows, inner = config->intermediate_size;
    mmn_apply_transposed(compute, rows->of_inner, rows->boxes.of_out, count, &m->layer->fc2.weight);
    MMN_PARALLEL_FOR(compute->threads, static)
    for (size_t i = 0; i < count; i++) {
        const size_t row = i % 2 == 0 ? 0 : 1 + mmn_box_rows_patch(&rows->boxes, i / 2);
        compute->kernels->multiply(rows->of_inner + i * inner, rows->of_inner + i * inner,
                                   m->end->layer.inner + row * inner, inner);
    }
    mmn_apply_transposed(compute, rows->boxes.of_tokens, rows->of_inner, count,
                         &m->layer->fc1.weight);
    mmn_box_rows_gather(m->end, &rows->boxes, m->end->layer.state);
    mmn_layer_norm_reverse(compute, rows->of_state, rows->boxes.of_tokens, rows->boxes.gathered,
                           &m->layer->mlp_norm, count, m->width, config->layer_norm_eps);
    mmn_accumulate(compute, rows->of_state, rows->boxes.of_out, count * m->width);
    mmn_apply_transposed(compute, rows->of_context, rows->of_state, count,
                         &m->layer->output.weight);
}

static mmn_status measure_all(measuring *m, layer_rows *rows, const float *query, double *products,
                              double *squares, mmn_error *error)
{
    const mmn_compute *compute = m->end->compute;
    const size_t patches = m->end->patches, threads = (size_t)compute->threads;
    const int used = (int)(threads < BOXES ? threads : BOXES);
    bench benches[BOXES];
    MMN_TRY(make_shared(m, error));
    MMN_TRY(make_layer_rows(rows, m, error));
    for (int i = 0; i < used; i++)
        MMN_TRY(make_bench(&benches[i], m, error));
    for (size_t first = 0; first < patches; first += BOXES) {
        const size_t left = patches - first, count = left < BOXES ? left : BOXES;
        mmn_detector_reverse_heads(m->end, &rows->boxes, query, first, count);
        reverse_mlp(m, rows);
        MMN_TRY(mmn_interrupt_check(compute->interrupt, error));
        MMN_PARALLEL_FOR(used, dynamic)
        for (size_t box = 0; box < count; box++)
            measure_box(m, &benches[mmn_thread_number()], rows, box,
                        products + (first + box) * MMN_BOX_NUMBERS,
                        squares + (first + box) * MMN_BOX_NUMBERS);
    }
    return MMN_OK;
}

mmn_status mmn_box_gradients_measure(mmn_compute *compute, const mmn_model *model,
                                     const mmn_detector_state *state, const float *embedding,
                                     const float *query, const float *direction, double *products,
                                     double *squares, mmn_error *error)
{
    const mmn_vision_config *config = &model->config.vision;
    const mmn_vision_layer_weights *layer = &model->weights->vision.layers[config->layers - 1];
    mmn_detector_end end = {0};
    layer_rows rows = {0};
    measuring m = {.end = &end,
                   .layer = layer,
                   .direction = direction,
                   .norm_weight = layer->attention_norm.weight,
                   .heads = config->heads,
                   .head_dim = config->head_dim,
                   .keys = config->positions,
                   .width = config->hidden_size,
                   .scale = (double)mmn_attention_scale(config->head_dim)};
    mmn_status status = mmn_detector_end_make(&end, compute, model, state, embedding, error);
    if (status == MMN_OK)
        status = measure_all(&m, &rows, query, products, squares, error);
    mmn_box_rows_free(&rows.boxes);
    mmn_blocks_free(&m.blocks);
    mmn_detector_end_free(&end);
    return status;
}
