/* Similarity: how alike the mean states of a sentence in two languages are after each layer, beside
 * those of different sentences, with nothing off and with neurons off. */
#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/input.h"
#include "model/model.h"
#include "study/parallel.h"
#include "study/studies.h"

/* What is found of a sentence in one of the plan's runs: the mean of its positions' states. */
typedef struct pooled {
    mmn_row row;
    double *means; /* [states][hidden_size] */
    size_t count;
} pooled;

static const mmn_row_column columns[] = {MMN_ROW_MANY("means", MMN_ROW_REAL, pooled, means, count),
                                         {0}};

/* The directions of a sentence's means, until all of its samples have been taken. */
typedef struct sentence {
    double **directions; /* [conditions][domains], each [states][hidden_size]; NULL: not yet */
    size_t taken;
} sentence;

/* Conditions are what pairs of runs have in common: nothing off; then of each setting each domain's
 * own neurons off, and random ones, by seed. */
typedef struct similarity {
    mmn_study study;
    mmn_parallel parallel;
    sentence *sentences; /* [parallel.group_count] */
    size_t states;       /* of the embeddings, and of each layer's output */
    size_t width, conditions, domains;
    double *sums;     /* [conditions][domains][states][width]: of directions */
    double *cosines;  /* [conditions][domains][domains][states]: sums over the sentences of both */
    uint64_t *shared; /* [domains][domains]: sentences of both */
    bool begins;      /* the tokenizer puts a token before texts: this one */
    int32_t begin_of_text;
    size_t left_out; /* its position in the sample at hand; SIZE_MAX: it has none */
} similarity;

/* ---- States ---------------------------------------------------------------------------------- */

static bool is_averaged(const similarity *kept, const mmn_input *input, size_t position)
{
    return position != kept->left_out && !mmn_input_is_image(input, position);
}

/* An mmn_see_function: adds the stage's positions, in their order. */
static mmn_status see(void *context, const mmn_stage *stage, mmn_error *error)
{
    pooled *row = context;
    const similarity *kept = row->row.kept;
    const size_t width = kept->width, state = (size_t)(stage->layer + 1);
    const float *values = stage->data;
    double *sum = row->means + state * width;
    (void)error;
    for (size_t i = 0; i < stage->shape[0]; i++, values += width)
        for (size_t k = 0; k < width && is_averaged(kept, stage->input, stage->first_position + i);
             k++)
            sum[k] += (double)values[k];
    return MMN_OK;
}

/* Of mmn_measuring. */
static mmn_status ready(void *context, mmn_session *session, size_t run, mmn_error *error)
{
    similarity *kept = context;
    pooled *row = mmn_study_row(&kept->study, run);
    const mmn_probe probe = {
        .stages = "language.embeddings,language.layers.{i}.out", .see = see, .context = row};
    row->count = kept->states * kept->width;
    row->means = mmn_study_allocate_in_row(&kept->study, row->count, sizeof(double), error);
    MMN_NEED(row->means);
    return mmn_session_add_probe(session, &probe, error);
}

/* Finds the token that begins the sample's text, which stays out of the mean: it says nothing of a
 * sentence, and its states are often much larger than all others. */
static void find_left_out(similarity *kept, const mmn_input *input)
{
    size_t first = 0;
    while (first < input->length && mmn_input_is_image(input, first))
        first++;
    kept->left_out = kept->begins && first < input->length &&
                             input->ids[first] == kept->begin_of_text
                         ? first
                         : SIZE_MAX;
}

/* An mmn_study_function. */
static mmn_status pool_sample(void *context, const mmn_planned_sample *planned,
                              const mmn_input *input, mmn_error *error)
{
    static const mmn_measuring measuring = {.ready = ready};
    similarity *kept = context;
    const mmn_plan *plan = &kept->study.plan;
    size_t positions = 0;
    find_left_out(kept, input);
    for (size_t i = 0; i < input->length; i++)
        positions += is_averaged(kept, input, i);
    if (positions == 0)
        return mmn_fail(error, MMN_INPUT, NULL, NULL, "has no text whose states could be averaged");
    MMN_TRY(mmn_study_measure(kept, &measuring, planned->domain, input, error));
    for (size_t run = mmn_plan_next(plan, 0, planned->domain); run < plan->run_count;
         run = mmn_plan_next(plan, run + 1, planned->domain)) {
        const pooled *row = mmn_study_row(&kept->study, run);
        for (size_t k = 0; k < row->count; k++)
            row->means[k] /= (double)positions;
    }
    return MMN_OK;
}

/* ---- What is found --------------------------------------------------------------------------- */

/* Sums are binary64, one chain each, ascending. */
static double product(const double *a, const double *b, size_t width)
{
    double sum = 0;
    for (size_t k = 0; k < width; k++)
        sum += a[k] * b[k];
    return sum;
}

static size_t condition_of(const mmn_plan *plan, const mmn_run *run)
{
    if (run->off == MMN_OFF_NOTHING)
        return 0;
    const size_t own = 1 + run->setting * (size_t)(1 + plan->seeds);
    return run->off == MMN_OFF_DOMAIN ? own : own + 1 + (size_t)(run->seed - plan->first_seed);
}

static double *sums_of(const similarity *kept, size_t condition, size_t domain, size_t state)
{
    return kept->sums + ((condition * kept->domains + domain) * kept->states + state) * kept->width;
}

/* Of two domains in either order. */
static double *cosines_of(const similarity *kept, size_t condition, size_t a, size_t b)
{
    const size_t low = a < b ? a : b, high = a < b ? b : a;
    return kept->cosines +
           ((condition * kept->domains + low) * kept->domains + high) * kept->states;
}

static uint64_t *shared_of(const similarity *kept, size_t a, size_t b)
{
    return &kept->shared[(a < b ? a : b) * kept->domains + (a < b ? b : a)];
}

static void forget(const similarity *kept, sentence *of)
{
    for (size_t i = 0; of->directions && i < kept->conditions * kept->domains; i++)
        mmn_free(of->directions[i]);
    mmn_free(of->directions);
    of->directions = NULL;
}

/* Makes vectors of length 1 of means; one of zeros stays. */
static mmn_status make_directions(double *directions, const similarity *kept, const pooled *row,
                                  mmn_error *error)
{
    for (size_t state = 0; state < kept->states; state++) {
        const double *means = row->means + state * kept->width;
        const double length = sqrt(product(means, means, kept->width));
        if (!isfinite(length))
            return mmn_fail(error, MMN_INPUT, NULL, "means",
                            "the mean of the states is not finite");
        for (size_t k = 0; k < kept->width; k++)
            directions[state * kept->width + k] = length > 0 ? means[k] / length : 0;
    }
    return MMN_OK;
}

/* Adds a sentence in one language, whose directions are there, to the sums: itself, and beside each
 * language that it has been taken in before. */
static void add_sentence(similarity *kept, const sentence *of, size_t condition, size_t domain)
{
    double *const *languages = of->directions + condition * kept->domains;
    const double *own = languages[domain];
    for (size_t i = 0; i < kept->states * kept->width; i++)
        sums_of(kept, condition, domain, 0)[i] += own[i];
    for (size_t d = 0; d < kept->domains; d++) {
        if (d == domain || !languages[d])
            continue;
        double *cosines = cosines_of(kept, condition, domain, d);
        for (size_t state = 0; state < kept->states; state++)
            cosines[state] +=
                product(own + state * kept->width, languages[d] + state * kept->width, kept->width);
        *shared_of(kept, domain, d) += condition == 0;
    }
}

/* Of mmn_study_kind. */
static mmn_status take(void *context, const mmn_planned_sample *planned, size_t run,
                       const void *context_row, mmn_error *error)
{
    similarity *kept = context;
    const pooled *row = context_row;
    const size_t group = kept->parallel.group_of[planned->number];
    const size_t condition = condition_of(&kept->study.plan, &kept->study.plan.runs[run]);
    sentence *of = &kept->sentences[group];
    if (row->count != kept->states * kept->width)
        return mmn_fail(error, MMN_INPUT, NULL, "means",
                        "a row has %zu numbers; expected %zu, of the embeddings and of each layer",
                        row->count, kept->states * kept->width);
    if (!of->directions)
        of->directions = mmn_allocate(kept->conditions * kept->domains, sizeof(double *), error);
    MMN_NEED(of->directions);
    double **own = &of->directions[condition * kept->domains + planned->domain];
    MMN_NEED(*own = mmn_allocate(row->count, sizeof(double), error));
    MMN_TRY(make_directions(*own, kept, row, error));
    add_sentence(kept, of, condition, planned->domain);
    if (++of->taken == kept->parallel.sizes[group] * kept->conditions)
        forget(kept, of);
    return MMN_OK;
}

/* ---- Setting up ------------------------------------------------------------------------------ */

/* Of mmn_study_kind. */
static mmn_status check(void *context, mmn_error *error)
{
    similarity *kept = context;
    mmn_study *study = &kept->study;
    if (study->samples.has_texts)
        return mmn_fail(error, MMN_INPUT, study->samples.file, NULL,
                        "has texts, which are joined and cut into windows; a sentence is a sample "
                        "with a \"prompt\"");
    return mmn_parallel_find(&kept->parallel, study, error);
}

/* Of mmn_study_kind. */
static mmn_status begin(void *context, mmn_error *error)
{
    similarity *kept = context;
    mmn_study *study = &kept->study;
    const mmn_language_config *language = &study->model->config.language;
    kept->states = language->layers + 1;
    kept->width = language->hidden_size;
    kept->domains = study->samples.domains.domain_count;
    kept->conditions = 1 + study->plan.settings.count * (size_t)(1 + study->plan.seeds);
    MMN_TRY(mmn_begin_of_text(&kept->begin_of_text, &kept->begins, study->model, error));
    const size_t languages = kept->conditions * kept->domains;
    kept->sentences =
        mmn_study_allocate(study, kept->parallel.group_count, sizeof(sentence), error);
    kept->sums =
        mmn_study_allocate(study, languages * kept->states, kept->width * sizeof(double), error);
    kept->cosines =
        mmn_study_allocate(study, languages * kept->domains, kept->states * sizeof(double), error);
    kept->shared =
        mmn_study_allocate(study, kept->domains * kept->domains, sizeof(uint64_t), error);
    return kept->sentences && kept->sums && kept->cosines && kept->shared ? MMN_OK : MMN_SYSTEM;
}

/* Of mmn_study_kind. */
static void end(void *context)
{
    similarity *kept = context;
    for (size_t i = 0; kept->sentences && i < kept->parallel.group_count; i++)
        forget(kept, &kept->sentences[i]);
}

/* ---- Result ---------------------------------------------------------------------------------- */

static const mmn_form_table tables[] = {
    {"result", NULL, MMN_COLUMNS(MMN_STUDY_COLUMNS, MMN_WHOLE("layers"))},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"pairs", "result",
     MMN_COLUMNS(MMN_TEXT("setting"), MMN_TEXT("off"), MMN_WHOLE("seed"), MMN_TEXT("first"),
                 MMN_TEXT("second"), MMN_WHOLE("sentences"), MMN_WHOLE("others"))},
    /* state 0: the embeddings; 1: the output of layer 0 */
    {"states", "pairs",
     MMN_COLUMNS(MMN_WHOLE("state"), MMN_REAL("parallel", ""), MMN_REAL("other", ""))},
    {"neurons", "result", MMN_COLUMNS(MMN_TEXT("setting"), MMN_TEXT("domain"))},
    {"layers_of", "neurons", MMN_COLUMNS(MMN_WHOLE("layer"), MMN_WHOLE("count"))},
    /* means over the pairs of domains that have sentences in common */
    {"groups", "result", MMN_COLUMNS(MMN_TEXT("setting"), MMN_TRUTH("own"), MMN_TRUTH("random"))},
    {"means", "groups",
     MMN_COLUMNS(MMN_TEXT("name"), MMN_REAL("parallel", ""), MMN_REAL("other", ""),
                 MMN_REAL("own_parallel", ""), MMN_REAL("own_other", ""),
                 MMN_REAL("random_parallel", ""), MMN_REAL("random_other", ""))},
    {"layer_neurons", "means", MMN_COLUMNS(MMN_WHOLE("count"))},
    {0}};

static const char json[] =
    "{\n  'format': 'mmneuron-similarity-1',\n" MMN_STUDY_JSON "  'layers': $layers,\n"
    "  'pairs': [<pairs|,|\n"
    "    {'setting': $setting, 'off': $off, 'seed': $seed, 'domains': [$first, $second],"
    " 'sentences': $sentences, 'others': $others,\n"
    "     'parallel': [<states #state|, |$parallel>],\n"
    "     'other': [<states|, |$other>]}>],\n"
    "  'neurons_by_layer': [<neurons|,|\n"
    "    {'setting': $setting, 'domain': $domain,"
    " 'layers': [<layers_of #layer|, |$count>]}>]\n}\n";

static const char people[] =
    "cosine of a sentence's mean states in two domains, and of different sentences'\n"
    "<groups||<?own|\n${setting}\n>"
    "<?own|                  nothing off      domains' off<?random|        random off>\n>"
    "  behind     parallel    others<?own|  parallel    others<?random|  parallel    others>"
    "<domains||  <+6 domains.name|${name}>>>\n"
    "<means||  <-10 name|${name}>  $7.4{parallel}   $7.4{other}"
    "<?own|   $7.4{own_parallel}   $7.4{own_other}"
    "<?random|   $7.4{random_parallel}   $7.4{random_other}>"
    "<layer_neurons||  <+6 domains.name|${count}>>>\n>>" MMN_REMARKS;

const mmn_form mmn_similarity_form = {
    .format = "mmneuron-similarity-1", .tables = tables, .json = json, .people = people};

static void describe(mmn_result *result, const void *kept)
{
    const mmn_study *study = kept;
    MMN_ADD(result, "result", MMN_STUDY(study), mmn_as_whole(study->model->config.language.layers));
}

/* A mean that there may be nothing to take of. */
typedef struct mean {
    double sum;
    uint64_t count;
} mean;

static mmn_value value_of(mean of)
{
    return mmn_real_if(of.count > 0, of.sum / (double)(of.count > 0 ? of.count : 1));
}

static mean parallel_of(const similarity *kept, size_t condition, size_t a, size_t b, size_t state)
{
    return (mean){cosines_of(kept, condition, a, b)[state], *shared_of(kept, a, b)};
}

/* Of all pairs of different sentences: all pairs are the product of the sums, by linearity. */
static mean other_of(const similarity *kept, size_t condition, size_t a, size_t b, size_t state)
{
    const mmn_domain *domains = kept->study.samples.domains.domains;
    const uint64_t shared = *shared_of(kept, a, b);
    const double all = product(sums_of(kept, condition, a, state),
                               sums_of(kept, condition, b, state), kept->width);
    return (mean){all - cosines_of(kept, condition, a, b)[state],
                  domains[a].samples * domains[b].samples - shared};
}

typedef mean mean_function(const similarity *kept, size_t condition, size_t a, size_t b,
                           size_t state);

/* The mean over the pairs of domains with sentences in common, and over `count` conditions from
 * number `first` on. */
static mmn_value mean_over(const similarity *kept, mean_function *function, size_t first,
                           size_t count, size_t state)
{
    mean all = {0, 0};
    for (size_t condition = first; condition < first + count; condition++)
        for (size_t a = 0; a < kept->domains; a++)
            for (size_t b = a + 1; b < kept->domains; b++) {
                const mean one = function(kept, condition, a, b, state);
                if (*shared_of(kept, a, b) == 0 || one.count == 0)
                    continue;
                all.sum += one.sum / (double)one.count;
                all.count++;
            }
    return value_of(all);
}

/* Pairs of domains in the condition of `run`. */
static void add_pairs(mmn_result *result, const similarity *kept, const mmn_run *run)
{
    const mmn_study *study = &kept->study;
    const size_t condition = condition_of(&study->plan, run);
    for (size_t a = 0; a < kept->domains; a++)
        for (size_t b = a + 1; b < kept->domains; b++) {
            MMN_ADD(result, "pairs", mmn_as_text(mmn_setting_of(study, run)),
                    mmn_as_text(mmn_off_names[run->off]),
                    run->off == MMN_OFF_RANDOM ? mmn_as_whole(run->seed) : mmn_as_nothing(),
                    mmn_as_text(mmn_domain_name(study, a)), mmn_as_text(mmn_domain_name(study, b)),
                    mmn_as_whole(*shared_of(kept, a, b)),
                    mmn_as_whole(other_of(kept, condition, a, b, 0).count));
            for (size_t state = 0; state < kept->states; state++)
                MMN_ADD(result, "states", mmn_as_whole(state),
                        value_of(parallel_of(kept, condition, a, b, state)),
                        value_of(other_of(kept, condition, a, b, state)));
        }
}

static size_t count_neurons(const similarity *kept, size_t setting, size_t domain, size_t layer)
{
    const mmn_plan *plan = &kept->study.plan;
    const size_t run = mmn_plan_find(plan, setting, MMN_OFF_DOMAIN, domain, domain);
    return mmn_mask_neurons(plan->runs[run].mask, "language", (int)layer);
}

static void add_neurons(mmn_result *result, const similarity *kept, size_t setting)
{
    for (size_t d = 0; d < kept->domains; d++) {
        MMN_ADD(result, "neurons", mmn_as_text(kept->study.plan.settings.names[setting]),
                mmn_as_text(mmn_domain_name(&kept->study, d)));
        for (size_t layer = 0; layer + 1 < kept->states; layer++)
            MMN_ADD(result, "layers_of", mmn_as_whole(layer),
                    mmn_as_whole(count_neurons(kept, setting, d, layer)));
    }
}

static void add_mean(mmn_result *result, const similarity *kept, size_t setting, bool masked,
                     size_t state)
{
    const size_t seeds = (size_t)kept->study.plan.seeds, own = 1 + setting * (1 + seeds);
    const size_t owns = masked ? 1 : 0, randoms = masked ? seeds : 0;
    char name[32] = "embeddings";
    if (state > 0)
        snprintf(name, sizeof(name), "layer %zu", state - 1);
    MMN_ADD(result, "means", mmn_as_text(name), mean_over(kept, parallel_of, 0, 1, state),
            mean_over(kept, other_of, 0, 1, state), mean_over(kept, parallel_of, own, owns, state),
            mean_over(kept, other_of, own, owns, state),
            mean_over(kept, parallel_of, own + 1, randoms, state),
            mean_over(kept, other_of, own + 1, randoms, state));
    for (size_t d = 0; masked && state > 0 && d < kept->domains; d++)
        MMN_ADD(result, "layer_neurons", mmn_as_whole(count_neurons(kept, setting, d, state - 1)));
}

static void fill(mmn_result *result, const void *context)
{
    const similarity *kept = context;
    const mmn_plan *plan = &kept->study.plan;
    const size_t settings = plan->settings.count;
    for (size_t i = 0; i < plan->run_count; i++)
        if (plan->runs[i].domain == 0)
            add_pairs(result, kept, &plan->runs[i]);
    for (size_t s = 0; s < settings; s++)
        add_neurons(result, kept, s);
    for (size_t s = 0; s < settings || s == 0; s++) {
        MMN_ADD(result, "groups", mmn_as_text(settings > 0 ? plan->settings.names[s] : "none"),
                mmn_as_truth(settings > 0), mmn_as_truth(settings > 0 && plan->seeds > 0));
        for (size_t state = 0; state < kept->states; state++)
            add_mean(result, kept, s, settings > 0, state);
    }
}

const mmn_study_kind mmn_study_of_similarity = {
    .name = "similarity",
    .summary = "measure how alike sentences are in two languages, layer by layer",
    .without_neurons = true,
    .doing = "reading",
    .unit = "passes",
    .size = sizeof(similarity),
    .check = check,
    .begin = begin,
    .columns = columns,
    .row_size = sizeof(pooled),
    .measure = pool_sample,
    .take = take,
    .end = end,
    .form = &mmn_similarity_form,
    .describe = describe,
    .fill = fill,
};
