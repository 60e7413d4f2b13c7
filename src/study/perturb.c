/* Perturbing: runs each sample of a list with neurons on and off, and compares hidden states.
 * doc/formats.md describes the result's JSON. */
#include "base/given.h"
#include "base/memory.h"
#include "model/model.h"
#include "study/perturbation.h"
#include "study/run_result.h"
#include "study/statistics.h"

/* Bytes of hidden states that are kept at a time; with more, a sample runs again for the rest. */
#define STATES_LIMIT ((size_t)512 << 20)

enum { SEEDS = 5, SEED_LIMIT = 10000 };

/* ---- What is found --------------------------------------------------------------------------- */

/* The mean of run number `run` at state number `state`, at positions of `kind` (0: text, 1: image,
 * 2: all); zeros where there are none. */
static mmn_distance mean_distance(const mmn_perturbation *perturbation, size_t run, size_t state,
                                  int kind)
{
    const uint64_t *positions = perturbation->positions[perturbation->study.plan.runs[run].domain];
    mmn_distance sum = {0.0, 0.0};
    uint64_t count = 0;
    for (int k = 0; k < 2; k++) {
        if (kind != 2 && kind != k)
            continue;
        const mmn_distance *part =
            &perturbation->runs[run].sums[(size_t)k * (perturbation->layers + 1) + state];
        sum.relative += part->relative;
        sum.cosine += part->cosine;
        count += positions[k];
    }
    if (count == 0)
        return (mmn_distance){0.0, 0.0};
    return (mmn_distance){sum.relative / (double)count, sum.cosine / (double)count};
}

uint64_t mmn_perturb_neurons(const mmn_perturbation *perturbation, size_t run)
{
    const mmn_model_info *info = mmn_model_describe(perturbation->study.model);
    uint64_t neurons = 0;
    for (size_t m = 0; m < info->module_count; m++)
        neurons += mmn_mask_neurons(perturbation->study.plan.runs[run].mask,
                                    info->modules[m].name, -1);
    return neurons;
}

/* ---- Running --------------------------------------------------------------------------------- */

/* Of mmn_measuring: the run with nothing off, which is the first, keeps what the others compare. */
static mmn_status ready(void *context, mmn_session *session, size_t run, mmn_error *error)
{
    mmn_perturbation *perturbation = context;
    return perturbation->study.plan.runs[run].off == MMN_OFF_NOTHING
               ? mmn_hidden_states_keep(&perturbation->states, session, error)
               : mmn_hidden_states_compare(&perturbation->runs[run], session, error);
}

/* An mmn_study_function. */
static mmn_status compare_sample(void *context, const mmn_planned_sample *planned,
                                 const mmn_input *input, mmn_error *error)
{
    mmn_perturbation *perturbation = context;
    mmn_study *study = &perturbation->study;
    mmn_hidden_states *states = &perturbation->states;
    size_t rows = mmn_input_length(input), image = mmn_input_image_positions(input);
    size_t fit = STATES_LIMIT / sizeof(float) / states->width / (rows > 0 ? rows : 1);
    size_t all = perturbation->layers + 1, step = fit < 1 ? 1 : fit;
    mmn_status status = mmn_reserve(&perturbation->rows, &perturbation->rows_capacity, rows,
                                    sizeof(*perturbation->rows), error);
    perturbation->positions[planned->domain][0] += rows - image;
    perturbation->positions[planned->domain][1] += image;
    for (size_t i = 0; i < study->plan.run_count; i++)
        perturbation->runs[i].rows = perturbation->rows;
    for (size_t first = 0; first < all && status == MMN_OK; first += step) {
        size_t count = all - first < step ? all - first : step;
        const mmn_measuring measuring = {.again = first + count < all, .ready = ready};
        status = mmn_hidden_states_begin(states, first, count, rows, error);
        if (status == MMN_OK)
            status = mmn_study_measure(study, &measuring, perturbation, planned->domain, input,
                                       error);
    }
    return status;
}

static mmn_status begin(void *context, mmn_error *error)
{
    mmn_perturbation *perturbation = context;
    const mmn_study *study = &perturbation->study;
    const size_t runs = study->plan.run_count;
    perturbation->positions = mmn_allocate(study->samples.domains.domain_count,
                                           sizeof(*perturbation->positions), error);
    perturbation->runs = mmn_allocate(runs, sizeof(*perturbation->runs), error);
    if (!perturbation->positions || !perturbation->runs)
        return MMN_SYSTEM;
    for (size_t i = 0; i < runs; i++) {
        mmn_comparison *run = &perturbation->runs[i];
        run->states = &perturbation->states;
        if (!(run->sums = mmn_allocate(2 * (perturbation->layers + 1), sizeof(*run->sums), error)))
            return MMN_SYSTEM;
    }
    return MMN_OK;
}

void mmn_perturbation_end(void *context)
{
    mmn_perturbation *perturbation = context;
    for (size_t i = 0; perturbation->runs && i < perturbation->study.plan.run_count; i++)
        mmn_free(perturbation->runs[i].sums);
    mmn_free(perturbation->runs);
    mmn_free(perturbation->positions);
    mmn_free(perturbation->rows);
    mmn_hidden_states_free(&perturbation->states);
}

/* ---- Result ---------------------------------------------------------------------------------- */

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_MADE_COLUMNS, MMN_TEXT("list"), MMN_WHOLE("samples"), MMN_WHOLE("seeds"),
                 MMN_WHOLE("first_seed"), MMN_WHOLE("layers"), MMN_ALLOWED_COLUMNS)},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"curves", "result",
     MMN_COLUMNS(MMN_TEXT("setting"), MMN_OFF_COLUMNS, MMN_WHOLE("neurons"), MMN_TEXT("domain"),
                 MMN_WHOLE("samples"))},
    /* over all positions, and over those of images and of text */
    {"positions", "curves",
     MMN_COLUMNS(MMN_TEXT("kind"), MMN_WHOLE("positions"), MMN_REAL("last_relative", ""),
                 MMN_REAL("last_cosine", ""))},
    {"states", "positions",
     MMN_COLUMNS(MMN_WHOLE("layer"), MMN_REAL("relative", ""), MMN_REAL("cosine", ""))},
    /* means over the layers, and after the final norm, where a domain's own neurons are off, and
     * the mean and half the interval of random ones */
    {"moved", "result",
     MMN_COLUMNS(MMN_TEXT("setting"), MMN_TEXT("domain"), MMN_WHOLE("neurons"), MMN_REAL("own", ""),
                 MMN_REAL("random", ""), MMN_REAL("margin", ""), MMN_REAL("last_own", ""),
                 MMN_REAL("last_random", ""), MMN_REAL("last_margin", ""))},
    {0}};

#define POSITIONS(kind)                                                                          \
    "<positions kind=" kind "||'positions': $positions, 'relative': [<states #layer|, |$relative>],"    \
    " 'last_relative': $last_relative, 'cosine': [<states|, |$cosine>],"                         \
    " 'last_cosine': $last_cosine>"

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-perturb-1',\n" MMN_MADE_JSON MMN_NONFINITE_JSON
    "  'settings': {'list': $list, 'samples': $samples, 'seeds': $seeds,"
    " 'first_seed': $first_seed" MMN_ALLOWED_JSON "},\n"
    "  'domains': [<domains|, |$name>],\n"
    "  'layers': $layers,\n"
    "  'curves': [\n"
    "<curves|,\n|"
    "    {'setting': $setting, 'off': $off, 'neurons_of': $neurons_of, 'seed': $seed,"
    " 'neurons': $neurons, 'domain': $domain, 'samples': $samples,\n"
    "     " POSITIONS("all") ",\n"
    "     'image': {" POSITIONS("image") "},\n"
    "     'text': {" POSITIONS("text") "}}>\n"
    "  ]\n"
    "}\n";

static const char people[] =
    "<moved by setting||${setting} off: |h' - h| / |h|\n"
    "<-6 domains.name|>              mean over the layers       after the final norm\n"
    "  <-6 domains.name|domain>   neurons      own      random, 95 %      own      random, 95 %\n"
    "<moved||  <-6 domains.name|${domain}>  $8{neurons}"
    "  $7.4{own}  $7.4{random} +-$7.4{margin}"
    "  $7.4{last_own}  $7.4{last_random} +-$7.4{last_margin}\n>\n>" MMN_REMARKS;

const mmn_form mmn_perturbation_form = {
    .format = "mmneuron-perturb-1", .tables = tables, .json = json, .people = people};

static void add_settings(mmn_result *result, const mmn_perturbation *perturbation)
{
    const mmn_study *study = &perturbation->study;
    MMN_ADD(result, "result", MMN_MADE(study), MMN_LIST(study), MMN_SEEDS(study),
            mmn_as_whole(perturbation->layers), MMN_ALLOWED(study->allowed));
}

static void add_positions(mmn_result *result, const mmn_perturbation *perturbation, size_t run,
                          int kind)
{
    static const char *const names[] = {"text", "image", "all"};
    const uint64_t *positions = perturbation->positions[perturbation->study.plan.runs[run].domain];
    const mmn_distance last = mean_distance(perturbation, run, perturbation->layers, kind);
    MMN_ADD(result, "positions", mmn_as_text(names[kind]),
            mmn_as_whole(kind == 2 ? positions[0] + positions[1] : positions[kind]),
            mmn_as_real(last.relative), mmn_as_real(last.cosine));
    for (size_t layer = 0; layer < perturbation->layers; layer++) {
        const mmn_distance mean = mean_distance(perturbation, run, layer, kind);
        MMN_ADD(result, "states", mmn_as_whole(layer), mmn_as_real(mean.relative),
                mmn_as_real(mean.cosine));
    }
}

static void add_curve(mmn_result *result, const mmn_perturbation *perturbation, size_t number)
{
    const mmn_study *study = &perturbation->study;
    const mmn_run *run = &study->plan.runs[number];
    MMN_ADD(result, "curves", mmn_as_text(mmn_setting_of(study, run)), MMN_OFF(study, run),
            mmn_as_whole(mmn_perturb_neurons(perturbation, number)),
            mmn_as_text(mmn_domain_name(study, run->domain)),
            mmn_as_whole(study->samples.domains.domains[run->domain].samples));
    for (int kind = 2; kind >= 0; kind--)
        add_positions(result, perturbation, number, kind);
}

/* The mean of |h' - h| / |h| over the layers' outputs, or after the final norm. */
static double moved(const mmn_perturbation *perturbation, size_t run, bool last)
{
    const size_t layers = perturbation->layers;
    double sum = 0.0;
    if (last)
        return mean_distance(perturbation, run, layers, 2).relative;
    for (size_t state = 0; state < layers; state++)
        sum += mean_distance(perturbation, run, state, 2).relative;
    return sum / (double)layers;
}

/* What the domain's own neurons do, and the interval of what random ones do, whose runs follow. */
static void add_moved(mmn_result *result, const mmn_perturbation *perturbation, size_t own,
                      double *values)
{
    const mmn_study *study = &perturbation->study;
    const mmn_run *run = &study->plan.runs[own];
    const size_t seeds = (size_t)study->plan.seeds;
    mmn_interval random[2]; /* of the layers' mean, and after the final norm */
    for (int last = 0; last < 2; last++) {
        for (size_t i = 0; i < seeds; i++)
            values[i] = moved(perturbation, own + 1 + i, last);
        random[last] = mmn_interval_of(values, seeds);
    }
    MMN_ADD(result, "moved", mmn_as_text(mmn_setting_of(study, run)),
            mmn_as_text(mmn_domain_name(study, run->domain)),
            mmn_as_whole(mmn_perturb_neurons(perturbation, own)),
            mmn_as_real(moved(perturbation, own, false)), mmn_as_real(random[0].mean),
            mmn_as_real(random[0].high - random[0].mean),
            mmn_as_real(moved(perturbation, own, true)), mmn_as_real(random[1].mean),
            mmn_as_real(random[1].high - random[1].mean));
}

static void fill(mmn_result *result, const void *context)
{
    const mmn_perturbation *perturbation = context;
    const mmn_plan *plan = &perturbation->study.plan;
    const size_t domains = perturbation->study.samples.domains.domain_count;
    double *values = mmn_allocate((size_t)plan->seeds, sizeof(*values), NULL);
    result->failed |= !values;
    add_settings(result, perturbation);
    for (size_t d = 0; d < domains; d++)
        for (size_t i = 0; i < plan->run_count; i++)
            if (plan->runs[i].domain == d && plan->runs[i].off != MMN_OFF_NOTHING)
                add_curve(result, perturbation, i);
    for (size_t i = 0; i < plan->run_count && values; i++)
        if (plan->runs[i].off == MMN_OFF_DOMAIN)
            add_moved(result, perturbation, i, values);
    mmn_free(values);
}

/* ---- The study ------------------------------------------------------------------------------- */

static const mmn_study_kind kind = {.begin = begin,
                                    .measure = compare_sample,
                                    .end = mmn_perturbation_end,
                                    .form = &mmn_perturbation_form,
                                    .fill = fill};

mmn_status mmn_perturbation_find(mmn_perturbation *perturbation, const mmn_model *model,
                                 const mmn_perturb_options *options, mmn_error *error)
{
    const mmn_language_config *language = &model->config.language;
    mmn_study *study = &perturbation->study;
    *study = (mmn_study){.model = model,
                         .samples = {.file = options->list, .limit = options->samples},
                         .neurons = options->ranking,
                         .settings = options->settings,
                         .plan = {.plain = true,
                                  .seeds = options->seeds > 0 ? options->seeds : SEEDS,
                                  .first_seed = options->first_seed},
                         .allowed = {.unknown_keys = options->allow_unknown_keys != 0,
                                     .long_prompts = options->allow_long_prompts != 0,
                                     .other_model = options->other_model != 0},
                         .batch = 1, /* side by side takes memory, and no less time for whole prompts */
                         .progress = {.label = "perturbing", .unit = "passes"},
                         .show = options->progress,
                         .show_context = options->progress_context};
    perturbation->layers = language->layers;
    perturbation->states = (mmn_hidden_states){.layers = language->layers,
                                               .width = language->hidden_size,
                                               .threads = model->compute.threads};
    if (study->plan.seeds > SEED_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be %d random choices at most",
                        SEED_LIMIT);
    return mmn_study_find(&kind, perturbation, error);
}

mmn_status mmn_perturb(mmn_result **result, const mmn_model *model,
                       const mmn_perturb_options *options, mmn_error *error)
{
    mmn_perturbation kept = {0};
    if (result)
        *result = NULL;
    if (MMN_MISSING(error, result, model, options) ||
        MMN_MISSING(error, options->list, options->ranking))
        return MMN_USAGE;
    const mmn_status status = mmn_perturbation_find(&kept, model, options, error);
    return mmn_study_result(result, &kind, &kept, status, error);
}
