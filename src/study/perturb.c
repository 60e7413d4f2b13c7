/* Perturbing: runs each sample of a list with neurons on and off, and compares hidden states.
 * doc/formats.md describes the result's JSON. */
#include "study/perturbation.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "base/threads.h"
#include "model/model.h"
#include "study/run_result.h"

/* Bytes of hidden states that are kept at a time; with more, a sample runs again for the rest. */
#define STATES_LIMIT ((size_t)512 << 20)

enum { SEEDS = 5, SEED_LIMIT = 10000 };

/* What is found of a sample in one of the plan's runs: sums over its positions, of each layer and
 * the final norm. With nothing off, nothing is compared. */
enum { LISTS = 4 };
typedef struct perturb_row {
    mmn_row row;
    double *lists[LISTS];
    size_t counts[LISTS];
} perturb_row;

static const mmn_row_column columns[] = {
    MMN_ROW_MANY("text_relative", MMN_ROW_REAL, perturb_row, lists[0], counts[0]),
    MMN_ROW_MANY("text_cosine", MMN_ROW_REAL, perturb_row, lists[1], counts[1]),
    MMN_ROW_MANY("image_relative", MMN_ROW_REAL, perturb_row, lists[2], counts[2]),
    MMN_ROW_MANY("image_cosine", MMN_ROW_REAL, perturb_row, lists[3], counts[3]),
    {0}};

/* ---- Hidden states --------------------------------------------------------------------------- */

void mmn_hidden_states_free(mmn_hidden_states *states)
{
    mmn_free(states->values);
    mmn_free(states->stages);
    mmn_free(states->distances);
    *states = (mmn_hidden_states){0};
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
    MMN_TRY(MMN_RESERVE(states->distances, states->distance_capacity, rows, error));
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
    MMN_TRY(check_stage(states, stage, error));
    memcpy(place_of(states, stage), stage->data, stage->shape[0] * states->width * sizeof(float));
    return MMN_OK;
}

mmn_status mmn_hidden_states_keep(mmn_hidden_states *states, mmn_session *session, mmn_error *error)
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
    MMN_TRY(check_stage(states, stage, error));
    const float *kept = place_of(states, stage), *seen = stage->data;
    size_t rows = stage->shape[0], number = number_of(states, stage);

    MMN_PARALLEL_FOR(states->threads, static)
    for (size_t row = 0; row < rows; row++)
        states->distances[row] =
            distance(kept + row * states->width, seen + row * states->width, states->width);

    for (size_t row = 0; row < rows; row++) {
        size_t kind = mmn_input_is_image(stage->input, stage->first_position + row) != 0;
        mmn_distance *sum = &comparison->sums[kind * (states->layers + 1) + number];

        sum->relative += states->distances[row].relative;
        sum->cosine += states->distances[row].cosine;
        if (!isfinite(states->distances[row].relative))
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

/* ---- What is found --------------------------------------------------------------------------- */

/* The positions of a run's domain: text, image. */
static const uint64_t *positions_of(const mmn_perturbation *perturbation, size_t run)
{
    const mmn_study *study = &perturbation->study;
    return study->positions[study->plan.runs[run].domain];
}

/* The mean of run number `run` at state number `state`, at positions of `kind` (0: text, 1: image,
 * 2: all); zeros where there are none. */
static mmn_distance mean_distance(const mmn_perturbation *perturbation, size_t run, size_t state,
                                  int kind)
{
    const uint64_t *positions = positions_of(perturbation, run);
    mmn_distance sum = {0.0, 0.0};
    uint64_t count = 0;
    for (int k = 0; k < 2; k++) {
        if (kind != 2 && kind != k)
            continue;
        const mmn_distance *part =
            &mmn_perturb_sums(perturbation, run)[(size_t)k * (perturbation->layers + 1) + state];
        sum.relative += part->relative;
        sum.cosine += part->cosine;
        count += positions[k];
    }
    const double divisor = count > 0 ? (double)count : 1.0;
    return (mmn_distance){sum.relative / divisor, sum.cosine / divisor};
}

mmn_distance *mmn_perturb_sums(const mmn_perturbation *perturbation, size_t run)
{
    return perturbation->sums + run * 2 * (perturbation->layers + 1);
}

uint64_t mmn_perturb_neurons(const mmn_perturbation *perturbation, size_t run)
{
    const mmn_model_info *info = mmn_model_describe(perturbation->study.model);
    uint64_t neurons = 0;
    for (size_t m = 0; m < info->module_count; m++)
        neurons +=
            mmn_mask_neurons(perturbation->study.plan.runs[run].mask, info->modules[m].name, -1);
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

/* Moves what was compared into the rows of the sample. */
static mmn_status fill_rows(mmn_perturbation *perturbation, size_t domain, mmn_error *error)
{
    const mmn_plan *plan = &perturbation->study.plan;
    const size_t states = perturbation->layers + 1;
    for (size_t i = 0; i < plan->run_count; i++) {
        perturb_row *row = mmn_study_row(&perturbation->study, i);
        mmn_distance *sums = perturbation->runs[i].sums;
        if (plan->runs[i].domain != domain || plan->runs[i].off == MMN_OFF_NOTHING)
            continue;
        for (int list = 0; list < LISTS; list++) {
            double *values =
                mmn_study_allocate_in_row(&perturbation->study, states, sizeof(double), error);
            MMN_NEED(row->lists[list] = values);
            row->counts[list] = states;
            for (size_t state = 0; state < states; state++) {
                const mmn_distance *sum = &sums[(size_t)(list / 2) * states + state];
                values[state] = list % 2 == 0 ? sum->relative : sum->cosine;
            }
        }
        memset(sums, 0, 2 * states * sizeof(*sums));
    }
    return MMN_OK;
}

/* Of mmn_study_kind. */
static mmn_status take(void *context, const mmn_planned_sample *planned, size_t run,
                       const void *context_row, mmn_error *error)
{
    mmn_perturbation *perturbation = context;
    const perturb_row *row = context_row;
    const size_t states = perturbation->layers + 1;
    const bool plain = perturbation->study.plan.runs[run].off == MMN_OFF_NOTHING;
    mmn_distance *sums = mmn_perturb_sums(perturbation, run);
    (void)planned;
    for (int list = 0; list < LISTS; list++)
        if (row->counts[list] != (plain ? 0 : states))
            return mmn_fail(error, MMN_INPUT, NULL, columns[list].name,
                            "a row has %zu distances; expected %zu, of each layer and the final "
                            "norm",
                            row->counts[list], plain ? 0 : states);
    for (size_t i = 0; i < 2 * states && !plain; i++) {
        sums[i].relative += row->lists[i / states * 2][i % states];
        sums[i].cosine += row->lists[i / states * 2 + 1][i % states];
    }
    return MMN_OK;
}

/* An mmn_study_function. */
static mmn_status compare_sample(void *context, const mmn_planned_sample *planned,
                                 const mmn_input *input, mmn_error *error)
{
    mmn_perturbation *perturbation = context;
    const size_t rows = mmn_input_length(input);
    size_t fit = STATES_LIMIT / sizeof(float) / perturbation->states.width / (rows > 0 ? rows : 1);
    size_t all = perturbation->layers + 1, step = fit < 1 ? 1 : fit;
    for (size_t first = 0; first < all; first += step) {
        size_t count = all - first < step ? all - first : step;
        const mmn_measuring measuring = {.again = first + count < all, .ready = ready};
        MMN_TRY(mmn_hidden_states_begin(&perturbation->states, first, count, rows, error));
        MMN_TRY(mmn_study_measure(perturbation, &measuring, planned->domain, input, error));
    }
    return fill_rows(perturbation, planned->domain, error);
}

static mmn_status set_up(void *context, const mmn_model *model, const void *asked, mmn_error *error)
{
    mmn_perturbation *perturbation = context;
    const mmn_perturb_options *options = asked;
    const mmn_language_config *language = &model->config.language;
    MMN_GIVEN(error, options->list, options->neurons);
    perturbation->study =
        (mmn_study){.model = model,
                    MMN_STUDY_ASKED(options),
                    MMN_STUDY_LONG_PROMPTS(options),
                    .neurons = options->neurons,
                    .settings = options->settings,
                    .plan = {.plain = true,
                             .seeds = options->seeds > 0 ? options->seeds : SEEDS,
                             .first_seed = options->first_seed},
                    .batch = 1}; /* side by side takes memory, and no less time for whole prompts */
    perturbation->layers = language->layers;
    perturbation->states = (mmn_hidden_states){.layers = language->layers,
                                               .width = language->hidden_size,
                                               .threads = model->compute.threads};
    if (options->seeds > SEED_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be %d random choices at most",
                        SEED_LIMIT);
    return MMN_OK;
}

static mmn_status begin(void *context, mmn_error *error)
{
    mmn_perturbation *perturbation = context;
    mmn_study *study = &perturbation->study;
    const size_t runs = study->plan.run_count;
    perturbation->runs = mmn_study_allocate(study, runs, sizeof(*perturbation->runs), error);
    perturbation->values =
        mmn_study_allocate(study, (size_t)study->plan.seeds, sizeof(*perturbation->values), error);
    perturbation->sums = mmn_study_allocate(
        study, runs, 2 * (perturbation->layers + 1) * sizeof(mmn_distance), error);
    MMN_NEED(perturbation->runs && perturbation->values && perturbation->sums);
    for (size_t i = 0; i < runs; i++) {
        mmn_comparison *run = &perturbation->runs[i];
        run->states = &perturbation->states;
        run->sums =
            mmn_study_allocate(study, 2 * (perturbation->layers + 1), sizeof(*run->sums), error);
        MMN_NEED(run->sums);
    }
    return MMN_OK;
}

static void end(void *context)
{
    mmn_perturbation *perturbation = context;
    mmn_hidden_states_free(&perturbation->states);
}

/* ---- Result ---------------------------------------------------------------------------------- */

static const mmn_form_table tables[] = {
    {"result", NULL, MMN_COLUMNS(MMN_STUDY_COLUMNS, MMN_WHOLE("layers"))},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"curves", "result", MMN_COLUMNS(MMN_RUN_COLUMNS, MMN_WHOLE("neurons"), MMN_WHOLE("samples"))},
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

#define POSITIONS(kind)                                                                            \
    "<positions kind=" kind                                                                        \
    "||'positions': $positions, 'relative': [<states #layer|, |$relative>],"                       \
    " 'last_relative': $last_relative, 'cosine': [<states|, |$cosine>],"                           \
    " 'last_cosine': $last_cosine>"

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-perturb-1',\n" MMN_STUDY_JSON "  'layers': $layers,\n"
    "  'curves': [\n"
    "<curves|,\n|"
    "    {'setting': $setting, 'off': $off, 'neurons_of': $neurons_of, 'seed': $seed,"
    " 'neurons': $neurons, 'domain': $domain, 'samples': $samples,\n"
    "     " POSITIONS("all") ",\n"
                             "     'image': {" POSITIONS("image") "},\n"
                                                                  "     'text': {" POSITIONS(
                                                                      "text") "}}>\n"
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

static void add_positions(mmn_result *result, const mmn_perturbation *perturbation, size_t run,
                          int kind)
{
    static const char *const names[] = {"text", "image", "all"};
    const uint64_t *positions = positions_of(perturbation, run);
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
    MMN_ADD(result, "curves", MMN_RUN(study, run),
            mmn_as_whole(mmn_perturb_neurons(perturbation, number)),
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
static void add_moved(mmn_result *result, const mmn_perturbation *perturbation, size_t own)
{
    const mmn_study *study = &perturbation->study;
    const mmn_run *run = &study->plan.runs[own];
    const size_t seeds = (size_t)study->plan.seeds;
    mmn_interval random[2]; /* of the layers' mean, and after the final norm */
    for (int last = 0; last < 2; last++) {
        for (size_t i = 0; i < seeds; i++)
            perturbation->values[i] = moved(perturbation, own + 1 + i, last);
        random[last] = mmn_interval_of(perturbation->values, seeds);
    }
    MMN_ADD(result, "moved", mmn_as_text(mmn_setting_of(study, run)),
            mmn_as_text(mmn_domain_name(study, run->domain)),
            mmn_as_whole(mmn_perturb_neurons(perturbation, own)),
            mmn_as_real(moved(perturbation, own, false)), mmn_as_real(random[0].mean),
            mmn_as_real(random[0].high - random[0].mean),
            mmn_as_real(moved(perturbation, own, true)), mmn_as_real(random[1].mean),
            mmn_as_real(random[1].high - random[1].mean));
}

static void describe(mmn_result *result, const void *context)
{
    const mmn_perturbation *perturbation = context;
    MMN_ADD(result, "result", MMN_STUDY(&perturbation->study), mmn_as_whole(perturbation->layers));
}

static void fill(mmn_result *result, const void *context)
{
    const mmn_perturbation *perturbation = context;
    const mmn_plan *plan = &perturbation->study.plan;
    const size_t domains = perturbation->study.samples.domains.domain_count;
    for (size_t d = 0; d < domains; d++)
        for (size_t i = 0; i < plan->run_count; i++)
            if (plan->runs[i].domain == d && plan->runs[i].off != MMN_OFF_NOTHING)
                add_curve(result, perturbation, i);
    for (size_t i = 0; i < plan->run_count; i++)
        if (plan->runs[i].off == MMN_OFF_DOMAIN)
            add_moved(result, perturbation, i);
}

/* ---- The study ------------------------------------------------------------------------------- */

const mmn_study_kind mmn_perturbation_kind = {.doing = "perturbing",
                                              .unit = "passes",
                                              .size = sizeof(mmn_perturbation),
                                              .options_size = sizeof(mmn_perturb_options),
                                              .former_size = offsetof(mmn_perturb_options, rows),
                                              .set_up = set_up,
                                              .begin = begin,
                                              .columns = columns,
                                              .row_size = sizeof(perturb_row),
                                              .measure = compare_sample,
                                              .take = take,
                                              .end = end,
                                              .form = &mmn_perturbation_form,
                                              .describe = describe,
                                              .fill = fill};

mmn_status mmn_perturb(mmn_result **result, const mmn_model *model,
                       const mmn_perturb_options *options, mmn_error *error)
{
    return mmn_study_make(result, &mmn_perturbation_kind, model, options, error);
}
