/* How far the weights of each neuron differ between two models of one shape. */
#include "count/parameter_change.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/modules.h"
#include "base/threads.h"

/* Neurons that one thread takes at a time, and weights of a row that are widened at a time. */
enum { NEURONS = 64, WEIGHTS = 256 };

/* The matrices of a layer around its neurons: a neuron's rows of those in `to`, which may be
 * absent, lead to it, and its column of `from` leads away. */
typedef struct around {
    mmn_matrix to[2], from;
} around;

/* Sums of squares: of what differs, and of the first model's weights. */
typedef struct squares {
    double difference, first;
} squares;

static around matrices_of(const mmn_model *model, mmn_module_number module, size_t layer)
{
    const mmn_weights *weights = model->weights;
    const mmn_vision_layer_weights *vision;
    const mmn_bert_mlp_weights *mlp;
    const mmn_language_layer_weights *language;
    switch (module) {
    case MMN_MODULE_VISION:
        vision = &weights->vision.layers[layer];
        return (around){{vision->fc1.weight}, vision->fc2.weight};
    case MMN_MODULE_PROJECTOR:
        return (around){{weights->projector.linear_1.weight}, weights->projector.linear_2.weight};
    case MMN_MODULE_QFORMER:
    case MMN_MODULE_QUERY:
        mlp = module == MMN_MODULE_QUERY ? &weights->qformer.layers[layer].query_mlp
                                         : &weights->qformer.layers[layer].text_mlp;
        return (around){{mlp->intermediate.weight}, mlp->output.weight};
    default:
        language = &weights->language.layers[layer];
        return (around){{language->gate.weight, language->up.weight}, language->down.weight};
    }
}

static bool same_shape(const mmn_matrix *a, const mmn_matrix *b)
{
    return !a->data == !b->data && a->rows == b->rows && a->columns == b->columns;
}

/* Widens `count` weights of one row. */
static void widen(float *widened, const mmn_matrix *matrix, size_t row, size_t column, size_t count,
                  const mmn_kernels *kernels)
{
    const uint8_t *data = matrix->data;
    kernels->widen(widened, data + (row * matrix->columns + column) * mmn_weight_size(matrix->type),
                   matrix->type, count);
}

static void add(squares *sums, float first, float second)
{
    const double difference = (double)second - (double)first;
    sums->difference += difference * difference;
    sums->first += (double)first * (double)first;
}

/* Adds a row's weights to one neuron's sums. */
static void add_row(squares *sums, const mmn_matrix *first, const mmn_matrix *second, size_t row,
                    const mmn_kernels *kernels)
{
    float a[WEIGHTS], b[WEIGHTS];
    for (size_t column = 0; column < first->columns; column += WEIGHTS) {
        const size_t left = first->columns - column, count = left < WEIGHTS ? left : WEIGHTS;
        widen(a, first, row, column, count, kernels);
        widen(b, second, row, column, count, kernels);
        for (size_t i = 0; i < count; i++)
            add(sums, a[i], b[i]);
    }
}

/* Adds the columns of `count` neurons from number `neuron` on to their sums. */
static void add_columns(squares sums[NEURONS], const mmn_matrix *first, const mmn_matrix *second,
                        size_t neuron, size_t count, const mmn_kernels *kernels)
{
    float a[NEURONS], b[NEURONS];
    for (size_t row = 0; row < first->rows; row++) {
        widen(a, first, row, neuron, count, kernels);
        widen(b, second, row, neuron, count, kernels);
        for (size_t i = 0; i < count; i++)
            add(&sums[i], a[i], b[i]);
    }
}

/* NaN where a weight is infinite or NaN: squares of others do not overflow in binary64. */
static double relative(const squares *sums)
{
    if (!isfinite(sums->difference) || !isfinite(sums->first))
        return NAN;
    return sums->difference > 0 ? sqrt(sums->difference) / sqrt(sums->first) : 0;
}

static void find_layer(double *change, const around *first, const around *second, size_t neurons,
                       const mmn_compute *compute)
{
    MMN_PARALLEL_FOR(compute->threads, static)
    for (size_t from = 0; from < neurons; from += NEURONS) {
        const size_t count = neurons - from < NEURONS ? neurons - from : NEURONS;
        squares sums[NEURONS] = {{0}};
        for (size_t i = 0; i < count; i++)
            for (size_t m = 0; m < 2 && first->to[m].data; m++)
                add_row(&sums[i], &first->to[m], &second->to[m], from + i, compute->kernels);
        add_columns(sums, &first->from, &second->from, from, count, compute->kernels);
        for (size_t i = 0; i < count; i++)
            change[from + i] = relative(&sums[i]);
    }
}

mmn_status mmn_parameter_changes(double *change, const mmn_model *model, const mmn_model *second,
                                 const char *name, mmn_error *error)
{
    const mmn_module_number number = mmn_module_number_of(name);
    const mmn_module *module = model->modules;
    while (strcmp(module->name, name) != 0)
        module++;
    for (uint32_t layer = 0; layer < module->layers; layer++) {
        double *own = change + (size_t)layer * module->neurons;
        const around a = matrices_of(model, number, layer), b = matrices_of(second, number, layer);
        MMN_TRY(mmn_interrupt_check_now(&model->interrupt, error));
        if (!same_shape(&a.to[0], &b.to[0]) || !same_shape(&a.to[1], &b.to[1]) ||
            !same_shape(&a.from, &b.from))
            return mmn_fail(error, MMN_INPUT, second->folder, name,
                            "the weights of layer %" PRIu32 " have other shapes than those of %s",
                            layer, model->folder);
        find_layer(own, &a, &b, module->neurons, &model->compute);
        for (size_t n = 0; n < module->neurons; n++)
            if (isnan(own[n]))
                return mmn_fail(error, MMN_INPUT, second->folder, name,
                                "weights of neuron %zu of layer %" PRIu32
                                " are infinite or NaN, in this model or in %s",
                                n, layer, model->folder);
    }
    return MMN_OK;
}
