/* What a study will cost, said before it runs. doc/formats.md describes its JSON, plan.json. */
#include "study/cost.h"

#include <string.h>

#include "base/interrupt.h"
#include "model/input.h"
#include "pass/session.h"
#include "study/run_result.h"
#include "study/together.h"

/* EXAMPLES: samples of each domain whose inputs are made, for their positions. LAYERS: that are
 * timed, behind the first, which other work comes with. */
enum { EXAMPLES = 8, LAYERS = 3 };

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_TEXT("version"), MMN_TEXT("study"), MMN_TEXT("list"), MMN_WHOLE("threads"),
                 MMN_WHOLE("samples"), MMN_WHOLE("passes"), MMN_WHOLE("text_positions"),
                 MMN_WHOLE("image_positions"), MMN_WHOLE("tokens"), MMN_REAL("hours", "hours"),
                 MMN_REAL("layer_seconds", "seconds"), MMN_REAL("first_seconds", "seconds"),
                 MMN_WHOLE("weights"), MMN_WHOLE("session_bytes"), MMN_WHOLE("side_by_side"))},
    {"domains", "result",
     MMN_COLUMNS(MMN_TEXT("name"), MMN_WHOLE("samples"), MMN_WHOLE("ways"), MMN_WHOLE("examples"),
                 MMN_REAL("text", ""), MMN_REAL("image", ""), MMN_REAL("hours", "hours"))},
    {0}};

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-plan-1',\n"
    "  'version': $version,\n"
    "  'study': $study,\n"
    "  'list': $list,\n"
    "  'threads': $threads,\n"
    "  'samples': $samples,\n"
    "  'passes': $passes,\n"
    "  'positions': {'text': $text_positions, 'image': $image_positions},\n"
    "  'tokens': $tokens,\n"
    "  'hours': $hours,\n"
    "  'measured': {'layer_seconds': $layer_seconds, 'first_seconds': $first_seconds},\n"
    "  'memory': {'weights': $weights, 'session': $session_bytes, 'side_by_side': $side_by_side},\n"
    "  'domains': [\n"
    "<domains|,\n|    {'name': $name, 'samples': $samples, 'ways': $ways, 'examples': $examples,"
    " 'text': $text, 'image': $image, 'hours': $hours}>]\n"
    "}\n";

static const char people[] =
    "${samples} samples, ${passes} passes, about ${text_positions} text and "
    "${image_positions} image positions, up to ${tokens} tokens in each pass\n"
    "<domains||  <-10 domains.name|${name}>  ${samples} samples in ${ways} ways, "
    "$.0{text} text and $.0{image} image positions each, $.3g{hours} hours\n>"
    "about $.3g{hours} hours on this machine with ${threads} threads: "
    "a layer took $.3g{layer_seconds} s, what comes before it $.3g{first_seconds} s\n"
    "memory: $.1{weights/1000000} MB of weights, $.1{session_bytes/1000000} MB for each of "
    "${side_by_side} ways side by side\n";

static const mmn_form form = {
    .format = "mmneuron-plan-1", .tables = tables, .json = json, .people = people};

/* What a domain's samples have on average. */
typedef struct domain_cost {
    /* before: ways in which what comes before the language model runs, too: others share it */
    size_t ways, before, examples;
    double text, image;
} domain_cost;

/* ---- Timing ---------------------------------------------------------------------------------- */

/* When the language model's first layers were done; times are the clock's. */
typedef struct layer_times {
    double begun, first, last;
    size_t layers; /* behind the first */
    size_t wanted;
} layer_times;

/* An mmn_see_function, which ends the pass as if somebody had asked to. */
static mmn_status see_layer(void *context, const mmn_stage *stage, mmn_error *error)
{
    layer_times *times = context;
    if (stage->layer == 0)
        times->first = mmn_clock();
    times->last = mmn_clock();
    times->layers = (size_t)stage->layer;
    return times->layers < times->wanted
               ? MMN_OK
               : mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "all that is timed has run");
}

/* Runs the beginning of a pass. */
static mmn_status time_layers(layer_times *times, const mmn_model *model, const mmn_input *input,
                              mmn_error *error)
{
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    const mmn_probe probe = {.stages = "language.layers.*.out", .see = see_layer, .context = times};
    const size_t layers = model->config.language.layers;
    mmn_error ended = {0};
    mmn_session *session;
    times->wanted = layers > LAYERS ? LAYERS : layers - 1;
    MMN_TRY(mmn_session_create(&session, model, &options, error));
    mmn_status status = mmn_session_add_probe(session, &probe, error);
    times->begun = mmn_clock();
    if (status == MMN_OK)
        status = mmn_session_prefill(session, input, &ended);
    mmn_session_free(session);
    if (status == MMN_INTERRUPTED && times->layers == times->wanted)
        return MMN_OK;
    if (status != MMN_OK && error && ended.status != MMN_OK)
        *error = ended;
    return status;
}

/* Of one layer; a model of one layer has it with all that comes before. */
static double layer_seconds(const layer_times *times)
{
    return times->layers > 0 ? (times->last - times->first) / (double)times->layers
                             : times->first - times->begun;
}

/* ---- Samples --------------------------------------------------------------------------------- */

/* What is known of the samples before anything runs. */
typedef struct looked {
    domain_cost *domains; /* [domains] */
    mmn_input *first;     /* the first sample's */
    size_t longest;       /* positions of an example */
} looked;

static mmn_status look_at_sample(looked *found, const mmn_study *study,
                                 const mmn_planned_sample *planned, mmn_error *error)
{
    domain_cost *domain = &found->domains[planned->domain];
    mmn_input *input;
    bool bad;
    MMN_TRY(mmn_samples_input(&input, &study->samples, planned, &bad, error));
    const size_t length = mmn_input_length(input), image = mmn_input_image_positions(input);
    domain->text += (double)(length - image);
    domain->image += (double)image;
    domain->examples++;
    found->longest = length > found->longest ? length : found->longest;
    if (found->first)
        mmn_input_free(input);
    else
        found->first = input;
    return MMN_OK;
}

/* Whether a run has neurons off before the language model. */
static bool is_changed_before(const mmn_study *study, const mmn_run *run)
{
    const mmn_model_info *info = mmn_model_describe(study->model);
    size_t neurons = 0;
    for (size_t m = 0; m < info->module_count && run->mask; m++)
        if (strcmp(info->modules[m].name, "language") != 0)
            neurons += mmn_mask_neurons(run->mask, info->modules[m].name, -1);
    return neurons > 0;
}

/* Makes the inputs of the first samples of each domain. */
static mmn_status look_at_samples(looked *found, mmn_study *study, mmn_error *error)
{
    const size_t domains = study->samples.domains.domain_count;
    for (bool more = true; more;) {
        mmn_planned_sample planned;
        MMN_TRY(mmn_samples_next(&planned, &more, &study->samples, error));
        if (more && planned.own && found->domains[planned.domain].examples < EXAMPLES)
            MMN_TRY(look_at_sample(found, study, &planned, error));
        size_t full = 0;
        for (size_t d = 0; d < domains; d++)
            full += found->domains[d].examples == (study->samples.domains.domains[d].left < EXAMPLES
                                                       ? study->samples.domains.domains[d].left
                                                       : EXAMPLES);
        more = more && full < domains;
    }
    for (size_t d = 0; d < domains; d++) {
        const double count = found->domains[d].examples > 0 ? (double)found->domains[d].examples
                                                            : 1;
        found->domains[d].text /= count;
        found->domains[d].image /= count;
    }
    for (size_t i = 0; i < study->plan.run_count; i++) {
        domain_cost *domain = &found->domains[study->plan.runs[i].domain];
        domain->before += domain->ways == 0 || is_changed_before(study, &study->plan.runs[i]);
        domain->ways++;
    }
    return MMN_OK;
}

/* ---- The result ------------------------------------------------------------------------------ */

/* What was timed: of the first sample, and of one token. */
typedef struct timed {
    layer_times prompt, token;
} timed;

static mmn_status time_both(timed *times, const mmn_study *study, const mmn_input *first,
                            size_t tokens, mmn_error *error)
{
    mmn_input *one;
    MMN_TRY(time_layers(&times->prompt, study->model, first, error));
    if (tokens == 0)
        return MMN_OK;
    MMN_TRY(mmn_input_from_ids(&one, study->model, &(int32_t){0}, 1, error));
    const mmn_status status = time_layers(&times->token, study->model, one, error);
    mmn_input_free(one);
    return status;
}

/* Seconds that each sample of a domain takes. */
static double sample_seconds(const domain_cost *domain, const timed *times, const looked *found,
                             size_t layers, size_t tokens)
{
    const double layer = layer_seconds(&times->prompt);
    const double before = times->prompt.first - times->prompt.begun - layer;
    const double share = (domain->text + domain->image) / (double)mmn_input_length(found->first);
    const double generated = tokens > 0 ? (double)tokens * layer_seconds(&times->token) : 0;
    return (domain->image > 0 && before > 0 ? (double)domain->before * before : 0) +
           (double)domain->ways * (double)layers * (layer * share + generated);
}

static void fill(mmn_result *result, const mmn_study *study, const looked *found,
                 const timed *times, size_t tokens)
{
    const size_t layers = study->model->config.language.layers;
    const double layer = layer_seconds(&times->prompt);
    const uint64_t bytes = mmn_session_bytes(study->model, found->longest, tokens);
    double seconds = 0, positions[2] = {0};
    uint64_t samples = 0, passes = 0;
    size_t ways = 1;
    for (size_t d = 0; d < study->samples.domains.domain_count; d++) {
        const domain_cost *domain = &found->domains[d];
        const uint64_t left = study->samples.domains.domains[d].left;
        samples += left;
        passes += left * domain->ways;
        positions[0] += (double)(left * domain->ways) * domain->text;
        positions[1] += (double)(left * domain->ways) * domain->image;
        seconds += (double)left * sample_seconds(domain, times, found, layers, tokens);
        ways = domain->ways > ways ? domain->ways : ways;
    }
    const size_t fitting = study->batch > 0 ? study->batch
                                            : mmn_together_count(study->together, bytes);
    MMN_ADD(result, "result", mmn_as_text(mmn_version()), mmn_as_text(study->kind->form->format),
            mmn_as_text(study->samples.file), mmn_as_whole((uint64_t)study->model->compute.threads),
            mmn_as_whole(samples), mmn_as_whole(passes),
            mmn_as_whole((uint64_t)(positions[0] + 0.5)),
            mmn_as_whole((uint64_t)(positions[1] + 0.5)), mmn_as_whole(tokens),
            mmn_as_real(seconds / 3600), mmn_as_real(layer),
            mmn_as_real(times->prompt.first - times->prompt.begun - layer),
            mmn_as_whole(study->model->weights->bytes), mmn_as_whole(bytes),
            mmn_as_whole(fitting < ways ? fitting : ways));
    for (size_t d = 0; d < study->samples.domains.domain_count; d++) {
        const domain_cost *domain = &found->domains[d];
        const uint64_t left = study->samples.domains.domains[d].left;
        MMN_ADD(result, "domains", mmn_as_text(study->samples.domains.domains[d].name),
                mmn_as_whole(left), mmn_as_whole(domain->ways), mmn_as_whole(domain->examples),
                mmn_as_real(domain->text), mmn_as_real(domain->image),
                mmn_as_real((double)left * sample_seconds(domain, times, found, layers, tokens) /
                            3600));
    }
}

mmn_status mmn_study_cost(mmn_result **result, mmn_study *study, size_t tokens, mmn_error *error)
{
    looked found = {.domains = mmn_study_allocate(study, study->samples.domains.domain_count,
                                                  sizeof(domain_cost), error)};
    timed times = {0};
    if (!found.domains)
        return MMN_SYSTEM;
    mmn_status status = look_at_samples(&found, study, error);
    if (status == MMN_OK && !found.first)
        status = mmn_fail(error, MMN_INPUT, study->samples.file, NULL,
                          "no sample is to be run, so that there is nothing to plan");
    if (status == MMN_OK)
        status = time_both(&times, study, found.first, tokens, error);
    if (status == MMN_OK)
        status = mmn_result_begin(result, &form, error);
    if (status == MMN_OK) {
        fill(*result, study, &found, &times, tokens);
        status = mmn_result_end(result, error);
    }
    mmn_input_free(found.first);
    return status;
}
