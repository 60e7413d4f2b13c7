/* What every neuron of the language model adds to the words of an answer, in one forward pass; and
 * the words that the largest stand for. */
#include "study/contribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/input.h"
#include "pass/language.h"

/* The pass. A layer's activations are scored when they come by, so that only one layer's scores,
 * and the maps of the neurons that are ahead, are kept. */
typedef struct scoring {
    mmn_contributions *result;
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
    for (size_t w = 0; w < s->result->word_count; w++) {
        const float *row = row_at(stage, s->result->words[w].position);
        float *state = s->state + w * s->width;
        if (adds)
            mmn_accumulate(s->compute, state, row, s->width);
        else
            memcpy(state, row, s->width * sizeof(*state));
    }
}

/* ---- The largest ----------------------------------------------------------------------------- */

/* The activations of one neuron at the patches. */
static void keep_map(const mmn_contributions *result, const mmn_stage *stage,
                     mmn_contributor *neuron)
{
    size_t patches = result->grid.side * result->grid.side;
    for (size_t i = 0; i < patches; i++)
        neuron->map[i] = row_at(stage, result->grid.first + i)[neuron->neuron];
}

/* Puts a neuron among the word's, in its place; layers and neurons come in ascending order. The
 * last one's map becomes its. */
static void insert(const mmn_contributions *result, mmn_answer_word *word, const mmn_stage *stage,
                   mmn_contributor neuron)
{
    size_t place = word->neuron_count < result->top ? word->neuron_count++ : result->top - 1;
    neuron.map = word->neurons[place].map;
    neuron.names = word->neurons[place].names;
    for (; place > 0 && word->neurons[place - 1].contribution < neuron.contribution; place--)
        word->neurons[place] = word->neurons[place - 1];
    word->neurons[place] = neuron;
    keep_map(result, stage, &neuron);
}

static mmn_status score_word(const scoring *s, const mmn_stage *stage, size_t number,
                             mmn_error *error)
{
    const mmn_contributions *result = s->result;
    mmn_answer_word *word = &result->words[number];
    const float *activations = row_at(stage, word->position);
    const float *scores = s->scores + number * s->neurons;
    const float *factors = s->factors ? s->factors + number * s->neurons : NULL;

    for (size_t k = 0; k < s->neurons; k++) {
        float activation = factors ? activations[k] * factors[k] : activations[k];
        float contribution = activation * scores[k];
        if (!isfinite(contribution))
            return mmn_fail(error, MMN_INPUT, NULL, stage->name,
                            "what neuron %zu adds to a word is not finite", k);
        if (word->neuron_count < result->top ||
            contribution > word->neurons[result->top - 1].contribution)
            insert(result, word, stage,
                   (mmn_contributor){.layer = (uint32_t)stage->layer,
                                     .neuron = (uint32_t)k,
                                     .contribution = contribution,
                                     .activation = activation,
                                     .score = scores[k]});
    }
    return MMN_OK;
}

/* An mmn_see_function. */
static mmn_status see(void *context, const mmn_stage *stage, mmn_error *error)
{
    const scoring *s = context;
    mmn_contributions *result = s->result;
    uint32_t layer = stage->layer < 0 ? 0 : (uint32_t)stage->layer;
    if (!strstr(stage->name, ".mlp.act")) {
        follow(s, stage);
        return MMN_OK;
    }
    mmn_word_space_scores(s->compute, result->study.model, layer, s->ids, result->word_count,
                          s->rows, s->scores);
    if (s->factors)
        mmn_word_space_factors(s->compute, result->study.model, layer, s->state, result->word_count,
                               s->normed, s->factors);
    for (size_t w = 0; w < result->word_count; w++)
        MMN_TRY(score_word(s, stage, w, error));
    return MMN_OK;
}

/* ---- Percentiles ----------------------------------------------------------------------------- */

static int compare_values(const void *a, const void *b)
{
    float first = *(const float *)a, second = *(const float *)b;
    return (first > second) - (first < second);
}

/* The 95th percentile, linear between the values on both sides. */
static double percentile_of(float *values, size_t count)
{
    size_t rank = 19 * (count - 1), low = rank / 20;
    qsort(values, count, sizeof(*values), compare_values);
    if (rank % 20 == 0)
        return values[low];
    return values[low] +
           ((double)values[low + 1] - (double)values[low]) * (double)(rank % 20) / 20.0;
}

static mmn_status find_bars(mmn_contributions *result, mmn_error *error)
{
    const size_t patches = result->grid.side * result->grid.side;
    float *values = mmn_study_allocate(&result->study, patches, sizeof(*values), error);
    MMN_NEED(values);
    for (size_t w = 0; w < result->word_count; w++)
        for (size_t i = 0; i < result->words[w].neuron_count && patches > 0; i++) {
            mmn_contributor *neuron = &result->words[w].neurons[i];
            memcpy(values, neuron->map, patches * sizeof(*values));
            neuron->bar = percentile_of(values, patches);
        }
    return MMN_OK;
}

/* ---- The pass -------------------------------------------------------------------------------- */

static mmn_status reserve(scoring *s, mmn_error *error)
{
    mmn_contributions *result = s->result;
    mmn_study *study = &result->study;
    const size_t words = result->word_count, row = s->width * sizeof(float);
    const bool product = result->options->product != 0;
    s->ids = mmn_study_allocate(study, words, sizeof(*s->ids), error);
    s->rows = mmn_study_allocate(study, words, row, error);
    s->scores = mmn_study_allocate(study, words, s->neurons * sizeof(float), error);
    if (product) {
        s->factors = mmn_study_allocate(study, words, s->neurons * sizeof(float), error);
        s->state = mmn_study_allocate(study, words, row, error);
        s->normed = mmn_study_allocate(study, words, row, error);
    }
    if (!s->ids || !s->rows || !s->scores || (product && !(s->factors && s->state && s->normed)))
        return MMN_SYSTEM;
    for (size_t w = 0; w < words; w++)
        s->ids[w] = result->words[w].id;
    return MMN_OK;
}

static mmn_status make_room(mmn_contributions *result, mmn_answer_word *word, mmn_error *error)
{
    mmn_study *study = &result->study;
    const size_t top = result->top, patches = result->grid.side * result->grid.side;
    word->neurons = mmn_study_allocate(study, top, sizeof(*word->neurons), error);
    mmn_word *names = mmn_study_allocate(study, top, result->names * sizeof(*names), error);
    float *maps = mmn_study_allocate(study, top, patches * sizeof(*maps), error);
    MMN_NEED(word->neurons && names && maps);
    for (size_t i = 0; i < top; i++) {
        word->neurons[i].names = names + i * result->names;
        word->neurons[i].map = maps + i * patches;
    }
    return MMN_OK;
}

mmn_status mmn_contribution_scores(mmn_contributions *result, mmn_error *error)
{
    const mmn_language_config *config = &result->study.model->config.language;
    scoring s = {.result = result,
                 .compute = &result->study.compute,
                 .width = config->hidden_size,
                 .neurons = config->intermediate_size};
    const mmn_probe probe = {.stages = result->options->product
                                           ? "language.embeddings,language.layers.*.attn.out,"
                                             "language.layers.*.mlp.act,language.layers.*.out"
                                           : "language.layers.*.mlp.act",
                             .see = see,
                             .context = &s};
    MMN_TRY(reserve(&s, error));
    for (size_t w = 0; w < result->word_count; w++)
        MMN_TRY(make_room(result, &result->words[w], error));
    MMN_TRY(mmn_session_add_probe(result->session, &probe, error));
    MMN_TRY(mmn_session_prefill(result->session, &result->extended, error));
    return find_bars(result, error);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static mmn_status choose_names(mmn_contributor *neuron, size_t names, const float *values,
                               size_t vocabulary, mmn_error *error)
{
    size_t found = 0;
    for (size_t id = 0; id < vocabulary; id++) {
        if (!isfinite(values[id]))
            return mmn_fail(error, MMN_INPUT, NULL, NULL,
                            "the product of neuron %u of layer %u with word %zu is not finite",
                            neuron->neuron, neuron->layer, id);
        found = mmn_word_choose(neuron->names, found, names, (mmn_word){(int32_t)id, values[id]});
    }
    return MMN_OK;
}

/* All neurons of one word, whose columns [top][hidden_size] go through the head together. */
static mmn_status name_neurons(mmn_contributions *result, mmn_answer_word *word, float *columns,
                               mmn_error *error)
{
    mmn_study *study = &result->study;
    const mmn_language_config *config = &study->model->config.language;
    for (size_t i = 0; i < word->neuron_count; i++)
        mmn_word_space_column(&study->compute, study->model, word->neurons[i].layer,
                              word->neurons[i].neuron, columns + i * config->hidden_size);
    const float *values = mmn_study_logits(study, columns, word->neuron_count);
    for (size_t i = 0; i < word->neuron_count; i++)
        MMN_TRY(choose_names(&word->neurons[i], result->names, values + i * config->vocab_size,
                             config->vocab_size, error));
    return mmn_interrupt_check_now(&study->model->interrupt, error);
}

mmn_status mmn_contribution_names(mmn_contributions *result, mmn_error *error)
{
    const mmn_language_config *config = &result->study.model->config.language;
    float *columns = mmn_study_allocate(&result->study, result->top,
                                        config->hidden_size * sizeof(*columns), error);
    MMN_NEED(columns);
    for (size_t w = 0; w < result->word_count; w++)
        MMN_TRY(name_neurons(result, &result->words[w], columns, error));
    return MMN_OK;
}
