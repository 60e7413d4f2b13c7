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

const char *const mmn_disturbance_names[MMN_DISTURBANCES] = {
    [MMN_DISTURB_OFF] = "off", [MMN_DISTURB_NOISE] = "noise", [MMN_DISTURB_WEIGHTS] = "weights"};
const char *const mmn_disturbed_names[MMN_DISTURBED] = {
    [MMN_DISTURB_TOP] = "top", [MMN_DISTURB_RANDOM] = "random", [MMN_DISTURB_ACTIVE] = "active"};

/* The neurons of a word, as masks; of the second only where there is that order. */
typedef struct own_masks {
    mmn_mask *list[MMN_NEURON_ORDERS];
} own_masks;

/* One session of a group. */
typedef struct passing {
    mmn_contributions *of;
    mmn_session *session;
    mmn_mask *random;         /* NULL: the word's own neurons */
    const mmn_mask *mask;     /* whose neurons are disturbed; NULL: none, or in their weights */
    mmn_weight_noise weights; /* that noise */
    uint64_t seed;            /* of the noise */
    float *normed;            /* [id_count][hidden_size]: what the answer's tokens are chosen by */
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
    pass->of->study->compute.kernels->log_f64(&logarithm, &square, 1);
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
static mmn_status mask_of(mmn_mask **mask, const mmn_contributions *found,
                          const mmn_contributor *neurons, size_t all, mmn_error *error)
{
    const mmn_model_info *info = mmn_model_describe(found->study->model);
    size_t m = 0, count = 0;
    MMN_TRY(mmn_mask_create(mask, found->study->model->number, info->modules, info->module_count,
                            error));
    while (strcmp((*mask)->modules[m].module->name, "language") != 0)
        m++;
    mmn_masked_module *module = &(*mask)->modules[m];
    MMN_NEED(module->neurons = mmn_allocate(all, sizeof(*module->neurons), error));
    for (uint32_t layer = 0; layer < module->module->layers; layer++) {
        module->first[layer] = count;
        for (size_t i = 0; i < all; i++)
            if (neurons[i].layer == layer)
                insert(module, module->first[layer], count++, neurons[i].neuron);
        module->first[layer + 1] = count;
    }
    return mmn_mask_name_stages(*mask, error);
}

/* ---- Passes ---------------------------------------------------------------------------------- */

/* Adds noise to the rows of the output matrices that belong to the word's neurons, or to random
 * ones of all layers. */
static mmn_status disturb_weights(passing *pass, const mmn_answer_word *word,
                                  const mmn_disturbance *disturbance, mmn_error *error)
{
    const mmn_contributions *found = pass->of;
    const mmn_contributor *neurons = word->neurons[MMN_BY_CONTRIBUTION];
    mmn_contributor *random = NULL;
    if (disturbance->neurons == MMN_DISTURB_RANDOM) {
        MMN_NEED(random = mmn_allocate(word->neuron_count, sizeof(*random), error));
        mmn_random_contributors(random, word->neuron_count, found->study->model, disturbance->seed);
    }
    const mmn_status status = mmn_weight_noise_add(
        &pass->weights, pass->session, random ? random : neurons, word->neuron_count,
        found->options->weight_noise, disturbance->seed, found->extended->length, error);
    mmn_free(random);
    return status;
}

/* Switches the pass's neurons off, or adds noise to their activations. */
static mmn_status disturb_activations(passing *pass, const own_masks *own,
                                      const mmn_disturbance *disturbance, mmn_error *error)
{
    const bool active = disturbance->neurons == MMN_DISTURB_ACTIVE;
    pass->mask = own->list[active ? MMN_BY_ACTIVATION : MMN_BY_CONTRIBUTION];
    pass->seed = disturbance->seed;
    if (disturbance->neurons == MMN_DISTURB_RANDOM) {
        MMN_TRY(mmn_mask_random(&pass->random, pass->mask, disturbance->seed, error));
        pass->mask = pass->random;
    }
    if (disturbance->kind == MMN_DISTURB_OFF)
        return mmn_session_add_mask(pass->session, pass->mask, error);
    const mmn_probe probe = {
        .stages = pass->mask->stages, .writes = 1, .see = add_noise, .context = pass};
    return mmn_session_add_probe(pass->session, &probe, error);
}

/* Makes a session ready that keeps what the answer is chosen by, with neurons of the word disturbed
 * or (NULL) not. */
static mmn_status start(passing *pass, mmn_contributions *found, const mmn_answer_word *word,
                        const own_masks *own, const mmn_disturbance *disturbance, mmn_error *error)
{
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    const mmn_probe keeping = {.stages = "language.norm", .see = keep_normed, .context = pass};
    const size_t width = found->study->model->config.language.hidden_size;
    pass->of = found;
    MMN_TRY(mmn_session_create(&pass->session, found->study->model, &options, error));
    mmn_study_attend(found->study, pass->session);
    MMN_NEED(pass->normed = mmn_allocate(found->id_count, width * sizeof(float), error));
    MMN_TRY(mmn_session_add_probe(pass->session, &keeping, error));
    if (!disturbance)
        return MMN_OK;
    return disturbance->kind == MMN_DISTURB_WEIGHTS
               ? disturb_weights(pass, word, disturbance, error)
               : disturb_activations(pass, own, disturbance, error);
}

static void finish(passing *pass)
{
    mmn_session_free(pass->session);
    mmn_mask_free(pass->random);
    mmn_weight_noise_free(&pass->weights);
    mmn_free(pass->normed);
}

/* What the logits of token number `index` of the answer say of a word and of the answer. */
static mmn_status judge_token(const passing *pass, const mmn_answer_word *word, size_t index,
                              float *logits, mmn_disturbance *judged, mmn_error *error)
{
    const mmn_contributions *found = pass->of;
    const size_t vocabulary = found->study->model->config.language.vocab_size;
    const size_t best = mmn_likeliest(logits, vocabulary);
    judged->answer_changes = judged->answer_changes || (int32_t)best != found->ids[index];
    if (index != word->token)
        return MMN_OK;
    judged->likeliest = (int32_t)best;
    judged->log_probability = mmn_log_probability(found->study->compute.kernels, logits, vocabulary,
                                                  best, (size_t)word->id);
    return isfinite(judged->log_probability)
               ? MMN_OK
               : mmn_fail(error, MMN_INPUT, NULL, NULL, "a logit is not finite");
}

/* What the pass makes of a word and of the answer. */
static mmn_status judge(const passing *pass, const mmn_answer_word *word, mmn_disturbance *judged,
                        mmn_error *error)
{
    const mmn_language_config *config = &pass->of->study->model->config.language;
    for (size_t first = 0; first < pass->of->id_count; first += MMN_STUDY_ROWS) {
        const size_t left = pass->of->id_count - first;
        const size_t count = left < MMN_STUDY_ROWS ? left : MMN_STUDY_ROWS;
        float *logits =
            mmn_study_logits(pass->of->study, pass->normed + first * config->hidden_size, count);
        for (size_t i = 0; i < count; i++)
            MMN_TRY(
                judge_token(pass, word, first + i, logits + i * config->vocab_size, judged, error));
    }
    return MMN_OK;
}

/* The plain pass, and `count` disturbances of the word, in passes [1 + count]. */
static mmn_status run_passes(passing *passes, mmn_contributions *found, mmn_answer_word *word,
                             const own_masks *own, mmn_disturbance *disturbances, size_t count,
                             mmn_error *error)
{
    mmn_session *sessions[1 + SIDE];
    mmn_disturbance none = {0};
    for (size_t i = 0; i <= count; i++) {
        MMN_TRY(start(&passes[i], found, word, own, i > 0 ? &disturbances[i - 1] : NULL, error));
        sessions[i] = passes[i].session;
    }
    MMN_TRY(mmn_sessions_prefill(sessions, count + 1, found->session, found->extended, error));
    for (size_t i = 0; i <= count; i++)
        MMN_TRY(judge(&passes[i], word, i > 0 ? &disturbances[i - 1] : &none, error));
    word->log_probability = none.log_probability;
    found->study->progress.begun += found->begun;
    return mmn_study_advance(found->study, found->told, error);
}

/* ---- Words ----------------------------------------------------------------------------------- */

/* Whether there are disturbances of a kind of these neurons; *seeded: one for each seed. The most
 * active are only switched off. */
static bool is_planned(const mmn_contributions *found, mmn_disturbance_kind kind,
                       mmn_disturbed neurons, bool *seeded)
{
    *seeded = kind != MMN_DISTURB_OFF || neurons == MMN_DISTURB_RANDOM;
    if (neurons == MMN_DISTURB_ACTIVE)
        return found->orders > 1 && kind == MMN_DISTURB_OFF;
    return kind != MMN_DISTURB_WEIGHTS || found->options->weight_noise > 0;
}

mmn_disturbance mmn_contribution_disturbance(const mmn_contributions *found, size_t index)
{
    const mmn_plan *plan = &found->study->plan;
    for (int i = 0; i < MMN_DISTURBANCES * MMN_DISTURBED; i++) {
        const mmn_disturbance_kind kind = (mmn_disturbance_kind)(i / MMN_DISTURBED);
        const mmn_disturbed neurons = (mmn_disturbed)(i % MMN_DISTURBED);
        bool seeded;
        if (!is_planned(found, kind, neurons, &seeded))
            continue;
        const size_t count = seeded ? (size_t)plan->seeds : plan->seeds > 0;
        if (index < count)
            return (mmn_disturbance){
                .kind = kind, .neurons = neurons, .seed = seeded ? plan->first_seed + index : 0};
        index -= count;
    }
    return (mmn_disturbance){.kind = MMN_DISTURBANCES};
}

size_t mmn_contribution_disturbances(const mmn_contributions *found)
{
    size_t count = 0;
    while (mmn_contribution_disturbance(found, count).kind < MMN_DISTURBANCES)
        count++;
    return count;
}

size_t mmn_contribution_passes(const mmn_contributions *found)
{
    size_t count = mmn_contribution_disturbances(found);
    return count > 0 ? mmn_pieces(count, SIDE) : 1;
}

static mmn_status plan(mmn_contributions *found, mmn_answer_word *word, mmn_error *error)
{
    const size_t count = mmn_contribution_disturbances(found);
    word->disturbances =
        mmn_study_allocate_in_row(found->study, count, sizeof(*word->disturbances), error);
    MMN_NEED(word->disturbances);
    word->disturbance_count = count;
    for (size_t i = 0; i < count; i++)
        word->disturbances[i] = mmn_contribution_disturbance(found, i);
    return MMN_OK;
}

static mmn_status disturb_word(mmn_contributions *found, mmn_answer_word *word,
                               const own_masks *own, mmn_error *error)
{
    size_t first = 0;
    do {
        const size_t left = word->disturbance_count - first, count = left < SIDE ? left : SIDE;
        passing passes[1 + SIDE] = {0};
        const mmn_status status =
            run_passes(passes, found, word, own, word->disturbances + first, count, error);
        for (size_t i = 0; i <= count; i++)
            finish(&passes[i]);
        MMN_TRY(status);
        first += SIDE;
    } while (first < word->disturbance_count);
    return MMN_OK;
}

mmn_status mmn_contribution_disturb(mmn_contributions *found, mmn_error *error)
{
    mmn_status status = MMN_OK;
    for (size_t w = 0; w < found->word_count && status == MMN_OK; w++) {
        mmn_answer_word *word = &found->words[w];
        own_masks own = {0};
        status = plan(found, word, error);
        for (size_t order = 0; order < found->orders && status == MMN_OK; order++)
            status =
                mask_of(&own.list[order], found, word->neurons[order], word->neuron_count, error);
        if (status == MMN_OK)
            status = disturb_word(found, word, &own, error);
        for (size_t order = 0; order < found->orders; order++)
            mmn_mask_free(own.list[order]);
    }
    return status;
}

mmn_drop mmn_contribution_drop(const mmn_answer_word *word, mmn_disturbance_kind kind,
                               mmn_disturbed neurons)
{
    enum { MOST = 1000 };
    double drops[MOST];
    mmn_drop drop = {0};
    for (size_t i = 0; i < word->disturbance_count && drop.count < MOST; i++) {
        const mmn_disturbance *disturbance = &word->disturbances[i];
        if (disturbance->kind != kind || disturbance->neurons != neurons)
            continue;
        drops[drop.count++] = word->log_probability - disturbance->log_probability;
        drop.changes += disturbance->answer_changes;
        drop.stays += disturbance->likeliest == word->id;
    }
    drop.interval = mmn_interval_of(drops, drop.count);
    return drop;
}
