/* What becomes of the words of an answer when neurons are disturbed. */
#include "study/contribution.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "mask/mask.h"
#include "pass/distribution.h"
#include "pass/session.h"

/* Sessions that run side by side: the plain one, from which the others branch off in the first
 * layer that is disturbed, and SIDE of these. */
enum { SIDE = 4 };

/* One session of a group. */
typedef struct passing {
    mmn_contributions *of;
    mmn_session *session;
    mmn_mask *random;     /* NULL: the word's own neurons */
    const mmn_mask *mask; /* whose neurons are disturbed; NULL: none */
    uint64_t seed;        /* of the noise */
    float *normed;        /* [id_count][hidden_size]: what the answer's tokens are chosen by */
} passing;

/* ---- Probes ---------------------------------------------------------------------------------- */

/* Keeps the final norm's output where the answer's tokens are chosen. */
static mmn_status keep_normed(void *context, const mmn_stage *stage, mmn_error *error)
{
    passing *pass = context;
    const size_t first = pass->of->length - 1, rows = pass->of->id_count, width = stage->shape[1];
    if (first < stage->first_position || first + rows > stage->first_position + stage->shape[0])
        return mmn_fail(error, MMN_USAGE, NULL, stage->name, "does not show the answer");
    memcpy(pass->normed, (const float *)stage->data + (first - stage->first_position) * width,
           rows * width * sizeof(float));
    return MMN_OK;
}

/* A normal number for a neuron at a position, with mean 0 and standard deviation 1. */
static double normal(const passing *pass, uint32_t layer, uint32_t neuron, size_t position)
{
    const mmn_random_place place = {.seed = pass->seed, .at = {layer, neuron, (uint32_t)position}};
    double point[2], logarithm;
    mmn_random_disc(&place, point);
    double square = point[0] * point[0] + point[1] * point[1];
    pass->of->study.compute.kernels->log_f64(&logarithm, &square, 1);
    return point[0] * sqrt(-2.0 * logarithm / square);
}

static mmn_status add_noise(void *context, const mmn_stage *stage, mmn_error *error)
{
    const passing *pass = context;
    size_t m = 0, layer = (size_t)stage->layer, width = stage->shape[1];
    (void)error;
    while (strcmp(pass->mask->modules[m].module->name, stage->module) != 0)
        m++;
    const mmn_masked_module *module = &pass->mask->modules[m];
    float *values = stage->data;
    for (size_t row = 0; row < stage->shape[0]; row++, values += width)
        for (size_t i = module->first[layer]; i < module->first[layer + 1]; i++) {
            uint32_t neuron = module->neurons[i];
            double noise = pass->of->noise *
                           normal(pass, (uint32_t)layer, neuron, stage->first_position + row);
            values[neuron] = (float)((double)values[neuron] + noise);
        }
    return MMN_OK;
}

/* ---- Masks ----------------------------------------------------------------------------------- */

/* Adds a neuron to those of the last layer that has any, in its ascending order. */
static void insert(mmn_masked_module *module, size_t first, size_t count, uint32_t neuron)
{
    for (; count > first && module->neurons[count - 1] > neuron; count--)
        module->neurons[count] = module->neurons[count - 1];
    module->neurons[count] = neuron;
}

/* The neurons of a word as a mask, whose lists are ascending; free it after a failure too. */
static mmn_status mask_of(mmn_mask **mask, const mmn_contributions *result,
                          const mmn_answer_word *word, mmn_error *error)
{
    const mmn_model_info *info = mmn_model_describe(result->study.model);
    size_t m = 0, count = 0;
    MMN_TRY(mmn_mask_create(mask, result->study.model->number, info->modules, info->module_count,
                            error));
    while (strcmp((*mask)->modules[m].module->name, "language") != 0)
        m++;
    mmn_masked_module *module = &(*mask)->modules[m];
    MMN_NEED(module->neurons = mmn_allocate(word->neuron_count, sizeof(*module->neurons), error));
    for (uint32_t layer = 0; layer < module->module->layers; layer++) {
        module->first[layer] = count;
        for (size_t i = 0; i < word->neuron_count; i++)
            if (word->neurons[i].layer == layer)
                insert(module, module->first[layer], count++, word->neurons[i].neuron);
        module->first[layer + 1] = count;
    }
    return mmn_mask_name_stages(*mask, error);
}

/* ---- Passes ---------------------------------------------------------------------------------- */

/* Makes a session ready that keeps what the answer is chosen by, with neurons disturbed or (NULL)
 * not; `own` are the word's. */
static mmn_status start(passing *pass, mmn_contributions *result, const mmn_mask *own,
                        const mmn_disturbance *disturbance, mmn_error *error)
{
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    const mmn_probe keeping = {.stages = "language.norm", .see = keep_normed, .context = pass};
    const size_t width = result->study.model->config.language.hidden_size;
    pass->of = result;
    MMN_TRY(mmn_session_create(&pass->session, result->study.model, &options, error));
    if (!(pass->normed = mmn_allocate(result->id_count, width * sizeof(float), error)))
        return MMN_SYSTEM;
    MMN_TRY(mmn_session_add_probe(pass->session, &keeping, error));
    if (!disturbance)
        return MMN_OK;
    if (disturbance->random)
        MMN_TRY(mmn_mask_random(&pass->random, own, disturbance->seed, error));
    pass->mask = pass->random ? pass->random : own;
    pass->seed = disturbance->seed;
    if (disturbance->kind == MMN_DISTURB_OFF)
        return mmn_session_add_mask(pass->session, pass->mask, error);
    const mmn_probe probe = {
        .stages = pass->mask->stages, .writes = 1, .see = add_noise, .context = pass};
    return mmn_session_add_probe(pass->session, &probe, error);
}

static void finish(passing *pass)
{
    mmn_session_free(pass->session);
    mmn_mask_free(pass->random);
    mmn_free(pass->normed);
}

/* What the pass makes of a word and of the answer. */
static mmn_status judge(const passing *pass, const mmn_answer_word *word, mmn_disturbance *found,
                        mmn_error *error)
{
    mmn_contributions *result = pass->of;
    const size_t vocabulary = result->study.model->config.language.vocab_size;
    float *all = mmn_study_logits(&result->study, pass->normed, result->id_count);
    for (size_t i = 0; i < result->id_count; i++) {
        float *logits = all + i * vocabulary;
        size_t best = mmn_likeliest(logits, vocabulary);
        found->answer_changes = found->answer_changes || (int32_t)best != result->ids[i];
        if (i != word->token)
            continue;
        found->likeliest = (int32_t)best;
        found->log_probability = mmn_log_probability(result->study.compute.kernels, logits,
                                                     vocabulary, best, (size_t)word->id);
        if (!isfinite(found->log_probability))
            return mmn_fail(error, MMN_INPUT, NULL, NULL, "a logit is not finite");
    }
    return MMN_OK;
}

/* The plain pass, and `count` disturbances of the word, in passes [1 + count]. */
static mmn_status run_passes(passing *passes, mmn_contributions *result, mmn_answer_word *word,
                             const mmn_mask *own, mmn_disturbance *disturbances, size_t count,
                             mmn_error *error)
{
    mmn_session *sessions[1 + SIDE];
    mmn_disturbance none = {0};
    for (size_t i = 0; i <= count; i++) {
        MMN_TRY(start(&passes[i], result, own, i > 0 ? &disturbances[i - 1] : NULL, error));
        sessions[i] = passes[i].session;
    }
    MMN_TRY(mmn_sessions_prefill(sessions, count + 1, result->session, &result->extended, error));
    for (size_t i = 0; i <= count; i++)
        MMN_TRY(judge(&passes[i], word, i > 0 ? &disturbances[i - 1] : &none, error));
    word->log_probability = none.log_probability;
    return mmn_study_advance(&result->study, 1, error);
}

/* ---- Words ----------------------------------------------------------------------------------- */

/* Of each word: its own neurons off; for each seed random ones off, noise in its own, noise in
 * random ones. */
static size_t disturbances_of(const mmn_contributions *result)
{
    return result->study.plan.seeds > 0 ? 1 + 3 * (size_t)result->study.plan.seeds : 0;
}

size_t mmn_contribution_passes(const mmn_contributions *result)
{
    size_t count = disturbances_of(result);
    return count > 0 ? (count + SIDE - 1) / SIDE : 1;
}

static mmn_status plan(mmn_contributions *result, mmn_answer_word *word, mmn_error *error)
{
    size_t count = disturbances_of(result), made = 0;
    word->disturbances =
        mmn_study_allocate(&result->study, count, sizeof(*word->disturbances), error);
    MMN_NEED(word->disturbances);
    word->disturbance_count = count;
    for (int kind = MMN_DISTURB_OFF; kind < MMN_DISTURBANCES; kind++)
        for (int random = 0; random < 2; random++)
            for (uint64_t i = 0; i < result->study.plan.seeds; i++) {
                /* Switching off the word's own takes no seed. */
                bool seeded = kind == MMN_DISTURB_NOISE || random;
                if (seeded || i == 0)
                    word->disturbances[made++] =
                        (mmn_disturbance){.kind = (mmn_disturbance_kind)kind,
                                          .random = random,
                                          .seed = seeded ? result->study.plan.first_seed + i : 0};
            }
    return MMN_OK;
}

static mmn_status disturb_word(mmn_contributions *result, mmn_answer_word *word,
                               const mmn_mask *own, mmn_error *error)
{
    size_t first = 0;
    do {
        const size_t left = word->disturbance_count - first, count = left < SIDE ? left : SIDE;
        passing passes[1 + SIDE] = {0};
        const mmn_status status =
            run_passes(passes, result, word, own, word->disturbances + first, count, error);
        for (size_t i = 0; i <= count; i++)
            finish(&passes[i]);
        MMN_TRY(status);
        first += SIDE;
    } while (first < word->disturbance_count);
    return MMN_OK;
}

mmn_status mmn_contribution_disturb(mmn_contributions *result, mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t w = 0; w < result->word_count && status == MMN_OK; w++) {
        mmn_answer_word *word = &result->words[w];
        mmn_mask *own = NULL;
        status = plan(result, word, error);
        if (status == MMN_OK)
            status = mask_of(&own, result, word, error);
        if (status == MMN_OK)
            status = disturb_word(result, word, own, error);
        mmn_mask_free(own);
    }
    return status;
}

mmn_drop mmn_contribution_drop(const mmn_answer_word *word, mmn_disturbance_kind kind, bool random)
{
    enum { MOST = 1000 };
    double drops[MOST];
    mmn_drop drop = {0};
    for (size_t i = 0; i < word->disturbance_count && drop.count < MOST; i++) {
        const mmn_disturbance *disturbance = &word->disturbances[i];
        if (disturbance->kind != kind || disturbance->random != random)
            continue;
        drops[drop.count++] = word->log_probability - disturbance->log_probability;
        drop.changes += disturbance->answer_changes;
    }
    drop.interval = mmn_interval_of(drops, drop.count);
    return drop;
}
