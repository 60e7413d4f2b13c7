/* Attribution of words to neurons by gradients, as Pan et al. compare with: activations at the
 * image's positions times the derivatives of a word's logit by them. A reverse pass for each word;
 * doc/method.md says what is computed. */
#include "study/contribution.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "model/model.h"
#include "pass/session.h"

/* The passes of all words, and the attributions of the word at hand. */
typedef struct attributing {
    mmn_session *session;
    size_t rows, neurons; /* image positions; intermediate_size */
    float *given;         /* [layers][rows][neurons]: activations there */
    double *sums;         /* [neurons]: of the layer at hand */
    float *attributions;  /* [layers][neurons] */
} attributing;

/* The row of a stage that is of the next image position from `position` on, which moves behind it;
 * NULL: there is none. */
static const float *next_row(const mmn_stage *stage, size_t *position)
{
    for (; *position < stage->shape[0]; ++*position)
        if (mmn_input_is_image(stage->input, stage->first_position + *position))
            return (const float *)stage->data + (*position)++ * stage->shape[1];
    return NULL;
}

/* An mmn_see_function, of activations. */
static mmn_status keep(void *context, const mmn_stage *stage, mmn_error *error)
{
    const attributing *work = context;
    float *given = work->given + (size_t)stage->layer * work->rows * work->neurons;
    const float *row;
    (void)error;
    for (size_t position = 0; (row = next_row(stage, &position)); given += work->neurons)
        memcpy(given, row, work->neurons * sizeof(*row));
    return MMN_OK;
}

/* Of their gradients: sums over positions, ascending, of products that binary64 holds exactly. */
static mmn_status attribute(void *context, const mmn_stage *stage, mmn_error *error)
{
    const attributing *work = context;
    const float *given = work->given + (size_t)stage->layer * work->rows * work->neurons;
    float *attributions = work->attributions + (size_t)stage->layer * work->neurons;
    const float *row;
    memset(work->sums, 0, work->neurons * sizeof(*work->sums));
    for (size_t position = 0; (row = next_row(stage, &position)); given += work->neurons)
        for (size_t k = 0; k < work->neurons; k++)
            work->sums[k] += (double)given[k] * (double)row[k];
    for (size_t k = 0; k < work->neurons; k++) {
        attributions[k] = (float)work->sums[k];
        if (!isfinite(attributions[k]))
            return mmn_fail(error, MMN_INPUT, NULL, stage->name,
                            "what is attributed to neuron %zu is not finite", k);
    }
    return MMN_OK;
}

static mmn_status start(attributing *work, const mmn_contributions *found, mmn_error *error)
{
    const mmn_model *model = found->study->model;
    const mmn_language_config *config = &model->config.language;
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    const bool product = found->options->product && config->gated;
    const mmn_probe probes[] = {
        {.stages = product ? "language.layers.*.mlp.product" : "language.layers.*.mlp.act",
         .see = keep,
         .context = work},
        {.stages = product ? "grad.language.layers.*.mlp.product"
                           : "grad.language.layers.*.mlp.act",
         .see = attribute,
         .context = work}};
    work->given = mmn_allocate(config->layers * work->rows, work->neurons * sizeof(float), error);
    work->sums = mmn_allocate(work->neurons, sizeof(*work->sums), error);
    MMN_NEED(work->given && work->sums);
    MMN_TRY(mmn_session_create(&work->session, model, &options, error));
    mmn_study_attend(found->study, work->session);
    if (found->shuffle)
        MMN_TRY(mmn_image_shuffle_add(found->shuffle, work->session, error));
    for (size_t i = 0; i < MMN_LENGTH(probes); i++)
        MMN_TRY(mmn_session_add_probe(work->session, &probes[i], error));
    return MMN_OK;
}

static mmn_status attribute_words(attributing *work, mmn_contributions *found, mmn_error *error)
{
    const size_t all = found->study->model->config.language.layers * work->neurons;
    MMN_TRY(start(work, found, error));
    for (size_t w = 0; w < found->word_count; w++) {
        const mmn_objective logit = {.size = sizeof(logit),
                                     .kind = MMN_OBJECTIVE_LOGIT,
                                     .token = found->words[w].id,
                                     .position = found->words[w].position};
        work->attributions = found->attributions + w * all;
        MMN_TRY(mmn_session_gradient(work->session, found->extended, &logit, NULL, error));
        MMN_TRY(mmn_study_advance(found->study, 0, error));
    }
    return MMN_OK;
}

mmn_status mmn_contribution_attribute(mmn_contributions *found, mmn_error *error)
{
    const mmn_language_config *config = &found->study->model->config.language;
    attributing work = {.rows = mmn_input_image_positions(found->extended),
                        .neurons = config->intermediate_size};
    if (work.rows == 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "gradients are summed over an image's positions, and there is no image");
    found->attributions = mmn_study_allocate_in_row(
        found->study, found->word_count, config->layers * work.neurons * sizeof(float), error);
    MMN_NEED(found->attributions);
    const mmn_status status = attribute_words(&work, found, error);
    mmn_session_free(work.session);
    mmn_free(work.given);
    mmn_free(work.sums);
    return status;
}
