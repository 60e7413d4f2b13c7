/* Hidden states of the language model: kept from one forward pass, and how far those of another are
 * from them. */
#include "study/hidden_states.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text_buffer.h"
#include "base/threads.h"

void mmn_hidden_states_free(mmn_hidden_states *states)
{
    mmn_free(states->values);
    mmn_free(states->stages);
    states->values = NULL;
    states->stages = NULL;
    states->capacity = 0;
}

static mmn_status name_stages(mmn_hidden_states *states, mmn_error *error)
{
    mmn_text text = {0};

    for (size_t i = states->first; i < states->first + states->count; i++) {
        mmn_text_add(&text, "%s", i > states->first ? "," : "");
        if (i < states->layers)
            mmn_text_add(&text, "language.layers.%zu.out", i);
        else
            mmn_text_add(&text, "language.norm");
    }
    mmn_free(states->stages);
    return mmn_text_finish(&text, &states->stages, error);
}

mmn_status mmn_hidden_states_begin(mmn_hidden_states *states, size_t first, size_t count,
                                   size_t rows, mmn_error *error)
{
    size_t needed, elements;

    states->first = first;
    states->count = count;
    states->rows = rows;
    if (!mmn_multiply_sizes(count, rows, &elements) ||
        !mmn_multiply_sizes(elements, states->width, &needed))
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "%zu positions are too many", rows);
    if (needed > states->capacity) {
        mmn_free(states->values);
        states->capacity = 0;
        if (!(states->values = mmn_allocate(needed, sizeof(*states->values), error)))
            return MMN_SYSTEM;
        states->capacity = needed;
    }
    return name_stages(states, error);
}

/* The number of the state that a stage shows. */
static size_t number_of(const mmn_hidden_states *states, const mmn_stage *stage)
{
    return stage->layer < 0 ? states->layers : (size_t)stage->layer;
}

static float *place_of(const mmn_hidden_states *states, const mmn_stage *stage)
{
    size_t row = (number_of(states, stage) - states->first) * states->rows + stage->first_position;

    return states->values + row * states->width;
}

/* Probes are shown what was asked for; that it fits is checked all the same. */
static mmn_status check_stage(const mmn_hidden_states *states, const mmn_stage *stage,
                              mmn_error *error)
{
    size_t number = number_of(states, stage);

    if (stage->dimensions != 2 || stage->shape[1] != states->width || number < states->first ||
        number >= states->first + states->count || stage->first_position > states->rows ||
        stage->shape[0] > states->rows - stage->first_position)
        return mmn_fail(error, MMN_USAGE, NULL, stage->name, "is not a hidden state of this input");
    return MMN_OK;
}

static mmn_status keep(void *context, const mmn_stage *stage, mmn_error *error)
{
    mmn_hidden_states *states = context;
    mmn_status status = check_stage(states, stage, error);

    if (status == MMN_OK)
        memcpy(place_of(states, stage), stage->data,
               stage->shape[0] * states->width * sizeof(float));
    return status;
}

mmn_status mmn_hidden_states_keep(mmn_hidden_states *states, mmn_session *session,
                                  mmn_error *error)
{
    const mmn_probe probe = {.stages = states->stages, .see = keep, .context = states};

    return mmn_session_add_probe(session, &probe, error);
}

/* Sums are binary64, one chain each, ascending. */
static mmn_distance distance(const float *kept, const float *seen, size_t width)
{
    double difference = 0.0, kept_square = 0.0, seen_square = 0.0, product = 0.0;

    for (size_t i = 0; i < width; i++) {
        double a = kept[i], b = seen[i];
        difference += (b - a) * (b - a);
        kept_square += a * a;
        seen_square += b * b;
        product += a * b;
    }
    if (difference == 0.0)
        return (mmn_distance){0.0, 0.0};
    double cosine = kept_square > 0.0 && seen_square > 0.0
                        ? product / (sqrt(kept_square) * sqrt(seen_square))
                        : 0.0;
    return (mmn_distance){kept_square == 0.0 ? 1.0 : sqrt(difference / kept_square),
                          cosine > 1.0 ? 0.0 : 1.0 - cosine};
}

static mmn_status compare(void *context, const mmn_stage *stage, mmn_error *error)
{
    const mmn_comparison *comparison = context;
    const mmn_hidden_states *states = comparison->states;
    mmn_status status = check_stage(states, stage, error);
    if (status != MMN_OK)
        return status;
    const float *kept = place_of(states, stage), *seen = stage->data;
    size_t rows = stage->shape[0], number = number_of(states, stage);

    MMN_PARALLEL_FOR(states->threads, static)
    for (size_t row = 0; row < rows; row++)
        comparison->rows[row] =
            distance(kept + row * states->width, seen + row * states->width, states->width);

    for (size_t row = 0; row < rows; row++) {
        size_t kind = mmn_input_is_image(stage->input, stage->first_position + row) != 0;
        mmn_distance *sum = &comparison->sums[kind * (states->layers + 1) + number];

        sum->relative += comparison->rows[row].relative;
        sum->cosine += comparison->rows[row].cosine;
        if (!isfinite(comparison->rows[row].relative))
            return mmn_fail(error, MMN_INPUT, NULL, stage->name,
                            "the hidden state of position %zu is not finite",
                            stage->first_position + row);
    }
    return MMN_OK;
}

mmn_status mmn_hidden_states_compare(mmn_comparison *comparison, mmn_session *session,
                                     mmn_error *error)
{
    const mmn_probe probe = {
        .stages = comparison->states->stages, .see = compare, .context = comparison};

    return mmn_session_add_probe(session, &probe, error);
}
