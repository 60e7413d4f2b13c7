/* What every neuron of the language model adds to the words of an answer, in one forward pass; and
 * the words that the largest stand for. */
#include "study/contribution.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "model/input.h"
#include "model/model.h"
#include "pass/language.h"

/* The pass. A layer's activations are scored when they come by, so that only one layer's scores,
 * and the maps of the neurons that are ahead, are kept. */
typedef struct scoring {
    mmn_contributions *found;
    const mmn_compute *compute;
    size_t width, neurons; /* hidden_size, intermediate_size */
    int32_t *ids;          /* [words]: the targets */
    float *rows;           /* [words][width]: their rows of the head */
    float *scores;         /* [words][neurons] */
    float *factors;        /* [words][neurons], and... */
    float *state, *normed; /* ...[words][width]: what they are made of; NULL: no product */
} scoring;

static const float *row_at(const mmn_stage *stage, size_t position)
{
    size_t width = stage->shape[stage->dimensions - 1];
    return (const float *)stage->data + (position - stage->first_position) * width;
}

/* ---- Factors --------------------------------------------------------------------------------- */

/* Follows the residual stream where words are emitted: up to a layer's attention, its output. */
static void follow(const scoring *s, const mmn_stage *stage)
{
    bool adds = strstr(stage->name, ".attn.out") != NULL;
    for (size_t w = 0; w < s->found->word_count; w++) {
        const float *row = row_at(stage, s->found->words[w].position);
        float *state = s->state + w * s->width;
        if (adds)
            mmn_accumulate(s->compute, state, row, s->width);
        else
            memcpy(state, row, s->width * sizeof(*state));
    }
}

/* ---- The largest ----------------------------------------------------------------------------- */

const char *mmn_neuron_order_name(mmn_neuron_order order, const mmn_contribution_options *options)
{
    return order == MMN_BY_ACTIVATION ? "activation"
           : options->gradient        ? "gradient"
                                      : "contribution";
}

/* What neurons are put in order by. */
static float key_of(const mmn_contributions *found, const mmn_contributor *neuron,
                    mmn_neuron_order order)
{
    return order == MMN_BY_ACTIVATION ? neuron->activation
           : found->attributions      ? neuron->attribution
                                      : neuron->contribution;
}

/* The activations of one neuron at the patches. */
static void keep_map(const mmn_contributions *found, const mmn_stage *stage,
                     mmn_contributor *neuron)
{
    size_t patches = found->grid.side * found->grid.side;
    for (size_t i = 0; i < patches; i++)
        neuron->map[i] = row_at(stage, found->grid.first + i)[neuron->neuron];
}

/* Puts a neuron among the first `count` of list, whose room is for `top`, in its place, if it
 * belongs there; layers and neurons come in ascending order. The last one's map becomes its.
 * Returns how many there are then. */
static size_t insert(const mmn_contributions *found, mmn_contributor *list, size_t count,
                     mmn_neuron_order order, const mmn_stage *stage, mmn_contributor neuron)
{
    const float key = key_of(found, &neuron, order);
    if (count == found->top && !(key > key_of(found, &list[count - 1], order)))
        return count;
    size_t place = count < found->top ? count++ : found->top - 1;
    neuron.map = list[place].map;
    neuron.names = list[place].names;
    for (; place > 0 && key_of(found, &list[place - 1], order) < key; place--)
        list[place] = list[place - 1];
    list[place] = neuron;
    keep_map(found, stage, &neuron);
    return count;
}

/* Those of a word in a layer, or NULL. */
static const float *attributions_of(const scoring *s, size_t word, size_t layer)
{
    const size_t layers = s->found->study->model->config.language.layers;
    return s->found->attributions ? s->found->attributions + (word * layers + layer) * s->neurons
                                  : NULL;
}

static mmn_status score_word(const scoring *s, const mmn_stage *stage, size_t number,
                             mmn_error *error)
{
    const mmn_contributions *found = s->found;
    mmn_answer_word *word = &found->words[number];
    const float *activations = row_at(stage, word->position);
    const float *scores = s->scores + number * s->neurons;
    const float *factors = s->factors ? s->factors + number * s->neurons : NULL;
    const float *attributions = attributions_of(s, number, (size_t)stage->layer);

    for (size_t k = 0; k < s->neurons; k++) {
        float activation = factors ? activations[k] * factors[k] : activations[k];
        float contribution = activation * scores[k];
        if (!isfinite(contribution))
            return mmn_fail(error, MMN_INPUT, NULL, stage->name,
                            "what neuron %zu adds to a word is not finite", k);
        const mmn_contributor neuron = {.layer = (uint32_t)stage->layer,
                                        .neuron = (uint32_t)k,
                                        .contribution = contribution,
                                        .activation = activation,
                                        .score = scores[k],
                                        .attribution = attributions ? attributions[k] : 0};
        const size_t count = word->neuron_count;
        for (size_t order = 0; order < found->orders; order++)
            word->neuron_count =
                insert(found, word->neurons[order], count, (mmn_neuron_order)order, stage, neuron);
    }
    return MMN_OK;
}

/* An mmn_see_function. */
static mmn_status see(void *context, const mmn_stage *stage, mmn_error *error)
{
    const scoring *s = context;
    const mmn_contributions *found = s->found;
    uint32_t layer = stage->layer < 0 ? 0 : (uint32_t)stage->layer;
    if (!strstr(stage->name, ".mlp.act")) {
        follow(s, stage);
        return MMN_OK;
    }
    mmn_word_space_scores(s->compute, found->study->model, layer, s->ids, found->word_count,
                          s->rows, s->scores);
    if (s->factors)
        mmn_word_space_factors(s->compute, found->study->model, layer, s->state, found->word_count,
                               s->normed, s->factors);
    for (size_t w = 0; w < found->word_count; w++)
        MMN_TRY(score_word(s, stage, w, error));
    return MMN_OK;
}

/* ---- Bars ------------------------------------------------------------------------------------ */

/* Fills the bars of all maps; `values` is room for a map, or for an enlarged one. */
static void find_bars(const mmn_contributions *found, float *values, size_t size)
{
    const size_t side = found->grid.side;
    for (size_t w = 0; w < found->word_count; w++)
        for (size_t i = 0; i < found->words[w].neuron_count; i++) {
            mmn_contributor *neuron = &found->words[w].neurons[MMN_BY_CONTRIBUTION][i];
            if (size > side)
                mmn_map_enlarge(values, size, neuron->map, side);
            else
                memcpy(values, neuron->map, side * side * sizeof(*values));
            neuron->bar = mmn_map_percentile(values, size * size);
        }
}

static mmn_status make_bars(const mmn_contributions *found, mmn_error *error)
{
    const size_t side = found->grid.side;
    const size_t pixels = found->study->model->config.vision.image_size;
    const size_t size = found->options->enlarged && pixels > side ? pixels : side;
    if (side == 0)
        return MMN_OK;
    float *values = mmn_allocate(size, size * sizeof(*values), error);
    MMN_NEED(values);
    find_bars(found, values, size);
    mmn_free(values);
    return MMN_OK;
}

/* ---- The pass -------------------------------------------------------------------------------- */

static mmn_status reserve(scoring *s, mmn_error *error)
{
    const mmn_contributions *found = s->found;
    mmn_study *study = found->study;
    const size_t words = found->word_count, row = s->width * sizeof(float);
    const bool product = found->options->product != 0;
    s->ids = mmn_study_allocate_in_row(study, words, sizeof(*s->ids), error);
    s->rows = mmn_study_allocate_in_row(study, words, row, error);
    s->scores = mmn_study_allocate_in_row(study, words, s->neurons * sizeof(float), error);
    if (product) {
        s->factors = mmn_study_allocate_in_row(study, words, s->neurons * sizeof(float), error);
        s->state = mmn_study_allocate_in_row(study, words, row, error);
        s->normed = mmn_study_allocate_in_row(study, words, row, error);
    }
    if (!s->ids || !s->rows || !s->scores || (product && !(s->factors && s->state && s->normed)))
        return MMN_SYSTEM;
    for (size_t w = 0; w < words; w++)
        s->ids[w] = found->words[w].id;
    return mmn_compute_reserve(&study->compute, words, s->width, 0, 0, error);
}

static mmn_status make_room(const mmn_contributions *found, mmn_contributor **neurons,
                            mmn_error *error)
{
    mmn_study *study = found->study;
    const size_t top = found->top, patches = found->grid.side * found->grid.side;
    *neurons = mmn_study_allocate_in_row(study, top, sizeof(**neurons), error);
    mmn_word *names = mmn_study_allocate_in_row(study, top, found->names * sizeof(*names), error);
    float *maps = mmn_study_allocate_in_row(study, top, patches * sizeof(*maps), error);
    MMN_NEED(*neurons && names && maps);
    for (size_t i = 0; i < top; i++) {
        (*neurons)[i].names = names + i * found->names;
        (*neurons)[i].map = maps + i * patches;
    }
    return MMN_OK;
}

mmn_status mmn_contribution_scores(mmn_contributions *found, mmn_error *error)
{
    const mmn_language_config *config = &found->study->model->config.language;
    scoring s = {.found = found,
                 .compute = &found->study->compute,
                 .width = config->hidden_size,
                 .neurons = config->intermediate_size};
    const mmn_probe probe = {.stages = found->options->product
                                           ? "language.embeddings,language.layers.*.attn.out,"
                                             "language.layers.*.mlp.act,language.layers.*.out"
                                           : "language.layers.*.mlp.act",
                             .see = see,
                             .context = &s};
    if (found->options->gradient)
        MMN_TRY(mmn_contribution_attribute(found, error));
    MMN_TRY(reserve(&s, error));
    for (size_t w = 0; w < found->word_count; w++)
        for (size_t order = 0; order < found->orders; order++)
            MMN_TRY(make_room(found, &found->words[w].neurons[order], error));
    MMN_TRY(mmn_session_add_probe(found->session, &probe, error));
    MMN_TRY(mmn_session_prefill(found->session, found->extended, error));
    return make_bars(found, error);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static mmn_status choose_names(mmn_contributor *neuron, size_t names, const float *values,
                               size_t vocabulary, mmn_error *error)
{
    size_t found = 0;
    double sum = 0;
    for (size_t id = 0; id < vocabulary; id++) {
        if (!isfinite(values[id]))
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "the product of neuron %u of layer %u with word %zu is not finite",
                            neuron->neuron, neuron->layer, id);
        found = mmn_word_choose(neuron->names, found, names, (mmn_word){(int32_t)id, values[id]});
        sum += (double)values[id];
    }
    neuron->average = sum / (double)vocabulary;
    return MMN_OK;
}

/* Neurons [count], whose columns [count][hidden_size] go through the head together. */
static mmn_status name_neurons(const mmn_contributions *found, mmn_contributor *neurons,
                               size_t count, float *columns, mmn_error *error)
{
    mmn_study *study = found->study;
    const mmn_language_config *config = &study->model->config.language;
    for (size_t i = 0; i < count; i++)
        mmn_word_space_column(&study->compute, study->model, neurons[i].layer, neurons[i].neuron,
                              columns + i * config->hidden_size);
    mmn_word_space_products(&study->compute, study->model, study->logits, columns, count);
    for (size_t i = 0; i < count; i++)
        MMN_TRY(choose_names(&neurons[i], found->names, study->logits + i * config->vocab_size,
                             config->vocab_size, error));
    return mmn_interrupt_check_now(&study->model->interrupt, error);
}

mmn_status mmn_contribution_name(const mmn_contributions *found, mmn_contributor *neurons,
                                 size_t count, float *columns, mmn_error *error)
{
    for (size_t first = 0; first < count; first += MMN_STUDY_ROWS) {
        const size_t left = count - first;
        MMN_TRY(name_neurons(found, neurons + first, left < MMN_STUDY_ROWS ? left : MMN_STUDY_ROWS,
                             columns, error));
    }
    return MMN_OK;
}

mmn_status mmn_contribution_names(mmn_contributions *found, mmn_error *error)
{
    const size_t width = found->study->model->config.language.hidden_size;
    float *columns =
        mmn_study_allocate_in_row(found->study, MMN_STUDY_ROWS, width * sizeof(*columns), error);
    MMN_NEED(columns);
    for (size_t w = 0; w < found->word_count; w++)
        for (size_t order = 0; order < found->orders; order++)
            MMN_TRY(mmn_contribution_name(found, found->words[w].neurons[order],
                                          found->words[w].neuron_count, columns, error));
    return MMN_OK;
}
