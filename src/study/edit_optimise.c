/* Editing by gradients: additions that Adam finds, as the authors of the paper on multi-modal
 * neurons do it in a later tool (FiNE). Their loss: that of the other word, how far the prompt's
 * distributions move, that the word is not said again at once, and how long the additions are. */
#include "study/edit.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "pass/distribution.h"
#include "pass/session.h"

/* Weights of the loss's parts, and Adam's constants: Kingma and Ba, arXiv 1412.6980. */
static const double MOVED = 1, REPEATED = 10, LENGTH = 0.1;
static const double FIRST_DECAY = 0.9, SECOND_DECAY = 0.999, LITTLE = 1e-8;

typedef struct optimising {
    mmn_edit_search *search;
    mmn_session *session;
    mmn_added added;
    char *gradient_stages, *product_stages, *given_stages;
    size_t rows;                           /* positions of the input */
    float *original;                       /* [position][vocabulary]: the prompt's distributions */
    float *given;                          /* [count][rows]: what neurons give to their matrix */
    float *kept;                           /* [rows][width]: the gradient of the layer at hand */
    double *gradient, *momentum, *squares; /* [count][width] */
    double wanted;                         /* ln of the probability */
    mmn_edit_odds odds;                    /* of the last pass */
} optimising;

/* ---- The loss -------------------------------------------------------------------------------- */

/* gradient [vocabulary] of -ln p of a token, given all probabilities. */
static void likelier(float *gradient, const float *probabilities, size_t vocabulary, int32_t token)
{
    memcpy(gradient, probabilities, vocabulary * sizeof(*gradient));
    gradient[token] -= 1.0f;
}

/* Of -ln(1 - p) of a token. */
static void unlikelier(float *gradient, const float *probabilities, size_t vocabulary,
                       int32_t token)
{
    const double p = (double)probabilities[token];
    const double factor = REPEATED * p / fmax(1 - p, LITTLE);
    for (size_t i = 0; i < vocabulary; i++)
        gradient[i] =
            (float)(factor * ((i == (size_t)token ? 1.0 : 0.0) - (double)probabilities[i]));
}

/* Of the mean over the prompt's positions of the divergence from the original distribution. */
static void nearer(const optimising *work, float *gradient, const float *probabilities,
                   size_t vocabulary, size_t row)
{
    const float *original = work->original + row * vocabulary;
    const double factor = MOVED / (double)work->search->position;
    for (size_t i = 0; i < vocabulary; i++)
        gradient[i] = (float)(factor * ((double)probabilities[i] - (double)original[i]));
}

/* mmn_loss's derive. The value is the first part alone, by which the search stops. */
static mmn_status derive(const void *context, const mmn_compute *compute, float *logits,
                         float *gradient, double *value, mmn_error *error)
{
    optimising *work = (optimising *)(uintptr_t)context;
    const mmn_edit_search *search = work->search;
    const size_t vocabulary = search->study->model->config.language.vocab_size;
    (void)compute;
    for (size_t row = 0; row < work->rows; row++) {
        float *here = logits + row * vocabulary, *of_here = gradient + row * vocabulary;
        mmn_edit_odds odds;
        MMN_TRY(mmn_edit_read_odds(&odds, search, here, error));
        if (row < search->position && search->passes == 0)
            memcpy(work->original + row * vocabulary, here, vocabulary * sizeof(*here));
        if (row < search->position)
            nearer(work, of_here, here, vocabulary, row);
        else if (row > search->position)
            unlikelier(of_here, here, vocabulary, search->to);
        if (row != search->position)
            continue;
        work->odds = odds;
        likelier(of_here, here, vocabulary, search->to);
    }
    *value = -work->odds.to;
    return MMN_OK;
}

/* ---- Probes ---------------------------------------------------------------------------------- */

static mmn_status keep_given(void *context, const mmn_stage *stage, mmn_error *error)
{
    const optimising *work = context;
    const mmn_additions *additions = &work->search->additions;
    const float *values = stage->data;
    (void)error;
    for (size_t i = additions->first[stage->layer]; i < additions->first[stage->layer + 1]; i++)
        for (size_t row = 0; row < work->rows; row++)
            work->given[i * work->rows + row] =
                values[row * stage->shape[1] + additions->neurons[i]];
    return MMN_OK;
}

/* The gradients of a layer's additions, and what the way back through them needs. */
static mmn_status take_gradient(void *context, const mmn_stage *stage, mmn_error *error)
{
    const optimising *work = context;
    const mmn_additions *additions = &work->search->additions;
    const size_t width = additions->width;
    const float *gradient = stage->data;
    (void)error;
    memcpy(work->kept, gradient, work->rows * width * sizeof(*gradient));
    for (size_t i = additions->first[stage->layer]; i < additions->first[stage->layer + 1]; i++)
        for (size_t c = 0; c < width; c++) {
            double sum = 0;
            for (size_t row = 0; row < work->rows; row++)
                sum +=
                    (double)work->given[i * work->rows + row] * (double)gradient[row * width + c];
            work->gradient[i * width + c] = sum;
        }
    return MMN_OK;
}

static mmn_status give_back(void *context, const mmn_stage *stage, mmn_error *error)
{
    const optimising *work = context;
    (void)error;
    mmn_added_transposed(&work->search->additions, (uint32_t)stage->layer, stage->data, work->kept,
                         stage->shape[1], work->rows);
    return MMN_OK;
}

/* ---- Setting up ------------------------------------------------------------------------------ */

static mmn_status add_probes(optimising *work, mmn_error *error)
{
    const mmn_language_config *config = &work->search->study->model->config.language;
    const mmn_additions *additions = &work->search->additions;
    MMN_TRY(mmn_added_stages(&work->given_stages, additions, config->layers,
                             mmn_added_input(config), error));
    MMN_TRY(mmn_added_stages(&work->gradient_stages, additions, config->layers,
                             "grad.language.layers.{i}.out", error));
    MMN_TRY(mmn_added_stages(&work->product_stages, additions, config->layers,
                             config->gated ? "grad.language.layers.{i}.mlp.product"
                                           : "grad.language.layers.{i}.mlp.act",
                             error));
    const mmn_probe probes[] = {
        {.stages = work->given_stages, .see = keep_given, .context = work},
        {.stages = work->gradient_stages, .see = take_gradient, .context = work},
        {.stages = work->product_stages, .writes = 1, .see = give_back, .context = work}};
    for (size_t i = 0; i < MMN_LENGTH(probes); i++)
        MMN_TRY(mmn_session_add_probe(work->session, &probes[i], error));
    return mmn_added_add(&work->added, work->session, &work->search->additions, work->rows, error);
}

static mmn_status start(optimising *work, mmn_error *error)
{
    mmn_edit_search *search = work->search;
    const mmn_model *model = search->study->model;
    const size_t vocabulary = model->config.language.vocab_size, count = search->count;
    const size_t width = model->config.language.hidden_size;
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    MMN_TRY(mmn_contributors_place(&search->additions, search->neurons, count, model, error));
    work->rows = mmn_input_length(search->input);
    search->inputs = mmn_allocate(count, sizeof(*search->inputs), error);
    work->original = mmn_allocate(search->position, vocabulary * sizeof(float), error);
    work->given = mmn_allocate(count, work->rows * sizeof(float), error);
    work->kept = mmn_allocate(work->rows, width * sizeof(float), error);
    work->gradient = mmn_allocate(count, width * sizeof(double), error);
    work->momentum = mmn_allocate(count, width * sizeof(double), error);
    work->squares = mmn_allocate(count, width * sizeof(double), error);
    MMN_NEED(search->inputs && work->original && work->given && work->kept && work->gradient &&
             work->momentum && work->squares);
    search->study->compute.kernels->log_f64(&work->wanted, &search->probability, 1);
    MMN_TRY(mmn_session_create(&work->session, model, &options, error));
    mmn_study_attend(search->study, work->session);
    return add_probes(work, error);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

/* Adds the gradient of the additions' length. */
static void shorten(const optimising *work)
{
    const mmn_additions *additions = &work->search->additions;
    const size_t all = work->search->count * additions->width;
    double squares = 0;
    for (size_t i = 0; i < all; i++)
        squares += additions->rows[i] * additions->rows[i];
    const double length = sqrt(squares);
    for (size_t i = 0; i < all && length > 0; i++)
        work->gradient[i] += LENGTH * additions->rows[i] / length;
}

/* One step of Adam, number `step` from 1 on; additions are rounded to binary32. */
static void step_down(const optimising *work, double rate, uint32_t step)
{
    const mmn_additions *additions = &work->search->additions;
    double first = 1, second = 1;
    for (uint32_t i = 0; i < step; i++) {
        first *= FIRST_DECAY;
        second *= SECOND_DECAY;
    }
    for (size_t i = 0; i < work->search->count * additions->width; i++) {
        const double gradient = work->gradient[i];
        double *momentum = &work->momentum[i], *square = &work->squares[i];
        *momentum = FIRST_DECAY * *momentum + (1 - FIRST_DECAY) * gradient;
        *square = SECOND_DECAY * *square + (1 - SECOND_DECAY) * gradient * gradient;
        additions->rows[i] =
            (double)(float)(additions->rows[i] - rate * (*momentum / (1 - first)) /
                                                     (sqrt(*square / (1 - second)) + LITTLE));
    }
}

/* One pass there and back; *does: whether the additions will do. */
static mmn_status try_additions(optimising *work, bool *does, mmn_error *error)
{
    mmn_edit_search *search = work->search;
    const mmn_loss loss = {.positions = work->rows, .derive = derive, .context = work};
    MMN_TRY(mmn_session_reverse(work->session, search->input, &loss, NULL, error));
    *does = work->odds.likeliest == search->to && work->odds.to >= work->wanted;
    search->after = work->odds;
    if (search->passes == 0) {
        search->before = work->odds;
        for (size_t i = 0; i < search->count; i++)
            search->inputs[i] = work->given[i * work->rows + search->position];
    }
    search->passes++;
    return mmn_study_advance(search->study, 0, error);
}

static mmn_status optimise(optimising *work, double rate, uint32_t steps, mmn_error *error)
{
    bool does;
    MMN_TRY(start(work, error));
    MMN_TRY(try_additions(work, &does, error));
    for (uint32_t step = 1; step <= steps && !does; step++) {
        shorten(work);
        step_down(work, rate, step);
        MMN_TRY(try_additions(work, &does, error));
    }
    work->search->found = work->odds.likeliest == work->search->to;
    return MMN_OK;
}

mmn_status mmn_edit_optimise(mmn_edit_search *search, double rate, uint32_t steps, mmn_error *error)
{
    optimising work = {.search = search};
    const mmn_status status = optimise(&work, rate, steps, error);
    mmn_session_free(work.session);
    mmn_added_free(&work.added);
    mmn_free(work.gradient_stages);
    mmn_free(work.product_stages);
    mmn_free(work.given_stages);
    mmn_free(work.original);
    mmn_free(work.given);
    mmn_free(work.kept);
    mmn_free(work.gradient);
    mmn_free(work.momentum);
    mmn_free(work.squares);
    return status;
}
