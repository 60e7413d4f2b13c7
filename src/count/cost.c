/* What a run over a list will cost, said before it runs. doc/formats.md describes its JSON,
 * plan.json. */
#include "count/cost.h"

#include <stddef.h>

#include "base/interrupt.h"
#include "base/memory.h"
#include "count/count.h"
#include "model/input.h"
#include "pass/session.h"

/* EXAMPLES: samples of each domain whose inputs are made, for their positions. LAYERS: that are
 * timed, behind the first, which other work comes with. */
enum { EXAMPLES = 8, LAYERS = 3 };

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_TEXT("version"), MMN_TEXT("study"), MMN_TEXT("list"), MMN_WHOLE("threads"),
                 MMN_WHOLE("samples"), MMN_WHOLE("passes"), MMN_WHOLE("text_positions"),
                 MMN_WHOLE("image_positions"), MMN_WHOLE("tokens"), MMN_REAL("hours", "hours"),
                 MMN_REAL("hours_before", "hours"), MMN_REAL("layer_seconds", "seconds"),
                 MMN_REAL("first_seconds", "seconds"), MMN_WHOLE("weights"),
                 MMN_WHOLE("session_bytes"), MMN_WHOLE("side_by_side"))},
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
    "  'hours_before_layers': $hours_before,\n"
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
    if (stage->first_position + stage->shape[0] < stage->input->length) /* the layer goes on */
        return MMN_OK;
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
    mmn_input *first; /* the first sample's */
    size_t longest;   /* positions of an example */
} looked;

static mmn_status look_at_sample(looked *found, mmn_cost *cost, const mmn_planned_sample *planned,
                                 mmn_error *error)
{
    mmn_domain_cost *domain = &cost->domains[planned->domain];
    mmn_input *input;
    bool bad;
    MMN_TRY(mmn_samples_input(&input, cost->samples, planned, &bad, error));
    const size_t length = mmn_input_length(input), image = mmn_input_image_positions(input);
    domain->text += (double)(length - image);
    domain->image += (double)image;
    if (cost->positions > 0)
        domain->limited +=
            (double)mmn_input_module_positions(input, cost->model, cost->positions_module);
    domain->examples++;
    found->longest = length > found->longest ? length : found->longest;
    if (found->first)
        mmn_input_free(input);
    else
        found->first = input;
    return MMN_OK;
}

/* Whether every domain has all its examples. */
static bool have_examples(const mmn_cost *cost)
{
    const mmn_domains *domains = &cost->samples->domains;
    size_t d = 0;
    while (d < domains->domain_count &&
           cost->domains[d].examples >=
               (domains->domains[d].left < EXAMPLES ? domains->domains[d].left : EXAMPLES))
        d++;
    return d == domains->domain_count;
}

/* Finds averages of a domain, and how many of its samples will run. */
static void take_average(mmn_domain_cost *domain, const mmn_cost *cost)
{
    const double count = domain->examples > 0 ? (double)domain->examples : 1;
    domain->text /= count;
    domain->image /= count;
    domain->limited /= count;
    if (cost->positions > 0 && domain->limited > 0) {
        const double enough = (double)cost->positions / domain->limited;
        const uint64_t needed = (uint64_t)enough + ((double)(uint64_t)enough < enough);
        domain->samples = needed < domain->samples ? needed : domain->samples;
    }
}

/* Makes the inputs of the first samples of each domain. */
static mmn_status look_at_samples(looked *found, mmn_cost *cost, mmn_error *error)
{
    for (bool more = true; more && !have_examples(cost);) {
        mmn_planned_sample planned;
        MMN_TRY(mmn_samples_next(&planned, &more, cost->samples, error));
        if (more && planned.own && cost->domains[planned.domain].examples < EXAMPLES)
            MMN_TRY(look_at_sample(found, cost, &planned, error));
    }
    for (size_t d = 0; d < cost->samples->domains.domain_count; d++) {
        cost->domains[d].samples = cost->samples->domains.domains[d].left;
        take_average(&cost->domains[d], cost);
    }
    return found->first ? MMN_OK
                        : mmn_fail(error, MMN_INPUT, cost->samples->file, NULL,
                                   "no sample is to be run, so that there is nothing to plan");
}

/* ---- The result ------------------------------------------------------------------------------ */

/* What was timed: of the first sample, and of one token. */
typedef struct timed {
    layer_times prompt, token;
} timed;

static mmn_status time_both(timed *times, const mmn_cost *cost, const mmn_input *first,
                            mmn_error *error)
{
    mmn_input *one;
    MMN_TRY(time_layers(&times->prompt, cost->model, first, error));
    if (cost->tokens == 0)
        return MMN_OK;
    MMN_TRY(mmn_input_from_ids(&one, cost->model, &(int32_t){0}, 1, error));
    const mmn_status status = time_layers(&times->token, cost->model, one, error);
    mmn_input_free(one);
    return status;
}

/* Seconds that each sample of a domain takes before the language model's layers. */
static double seconds_before(const mmn_domain_cost *domain, const timed *times)
{
    const double before = times->prompt.first - times->prompt.begun - layer_seconds(&times->prompt);
    return domain->image > 0 && before > 0 ? (double)domain->before * before : 0;
}

/* Seconds that it takes in all. */
static double sample_seconds(const mmn_domain_cost *domain, const mmn_cost *cost,
                             const timed *times, const looked *found)
{
    const double share = (domain->text + domain->image) / (double)mmn_input_length(found->first);
    const double generated = cost->tokens > 0 ? (double)cost->tokens * layer_seconds(&times->token)
                                              : 0;
    return seconds_before(domain, times) + (double)domain->ways *
                                               (double)cost->model->config.language.layers *
                                               (layer_seconds(&times->prompt) * share + generated);
}

static void fill(mmn_result *result, const mmn_cost *cost, const looked *found, const timed *times)
{
    const mmn_domains *domains = &cost->samples->domains;
    const double layer = layer_seconds(&times->prompt);
    const uint64_t bytes = mmn_session_bytes(cost->model, found->longest, cost->tokens);
    double seconds = 0, before = 0, positions[2] = {0};
    uint64_t samples = 0, passes = 0;
    size_t ways = 1;
    for (size_t d = 0; d < domains->domain_count; d++) {
        const mmn_domain_cost *domain = &cost->domains[d];
        samples += domain->samples;
        passes += domain->samples * domain->ways;
        positions[0] += (double)(domain->samples * domain->ways) * domain->text;
        positions[1] += (double)(domain->samples * domain->ways) * domain->image;
        before += (double)domain->samples * seconds_before(domain, times);
        seconds += (double)domain->samples * sample_seconds(domain, cost, times, found);
        ways = domain->ways > ways ? domain->ways : ways;
    }
    const size_t fitting = cost->fitting ? cost->fitting(cost->context, bytes) : 1;
    MMN_ADD(result, "result", mmn_as_text(mmn_version()), mmn_as_text(cost->format),
            mmn_as_text(cost->samples->file), mmn_as_whole((uint64_t)cost->model->compute.threads),
            mmn_as_whole(samples), mmn_as_whole(passes),
            mmn_as_whole((uint64_t)(positions[0] + 0.5)),
            mmn_as_whole((uint64_t)(positions[1] + 0.5)), mmn_as_whole(cost->tokens),
            mmn_as_real(seconds / 3600), mmn_as_real(before / 3600), mmn_as_real(layer),
            mmn_as_real(times->prompt.first - times->prompt.begun - layer),
            mmn_as_whole(cost->model->weights->bytes), mmn_as_whole(bytes),
            mmn_as_whole(fitting < ways ? fitting : ways));
    for (size_t d = 0; d < domains->domain_count; d++) {
        const mmn_domain_cost *domain = &cost->domains[d];
        MMN_ADD(result, "domains", mmn_as_text(domains->domains[d].name),
                mmn_as_whole(domain->samples), mmn_as_whole(domain->ways),
                mmn_as_whole(domain->examples), mmn_as_real(domain->text),
                mmn_as_real(domain->image),
                mmn_as_real((double)domain->samples * sample_seconds(domain, cost, times, found) /
                            3600));
    }
}

mmn_status mmn_cost_make(mmn_result **result, mmn_cost *cost, mmn_error *error)
{
    looked found = {0};
    timed times = {0};
    mmn_status status = look_at_samples(&found, cost, error);
    if (status == MMN_OK)
        status = time_both(&times, cost, found.first, error);
    if (status == MMN_OK)
        status = mmn_result_begin(result, &form, error);
    if (status == MMN_OK) {
        fill(*result, cost, &found, &times);
        status = mmn_result_end(result, error);
    }
    mmn_input_free(found.first);
    return status;
}

/* ---- Of a count ------------------------------------------------------------------------------ */

static mmn_status plan_count(mmn_result **result, mmn_samples *samples, const mmn_counts *counts,
                             const mmn_count_options *options, mmn_error *error)
{
    const size_t domains = samples->domains.domain_count;
    mmn_cost cost = {.model = samples->model,
                     .samples = samples,
                     .format = MMN_COUNTS_FORMAT,
                     .positions = options->positions,
                     .positions_module = mmn_count_positions_module(options, samples, counts)};
    MMN_NEED(cost.domains = mmn_allocate(domains, sizeof(*cost.domains), error));
    for (size_t d = 0; d < domains; d++)
        cost.domains[d] = (mmn_domain_cost){.ways = 1, .before = 1};
    const mmn_status status = mmn_cost_make(result, &cost, error);
    mmn_free(cost.domains);
    return status;
}

mmn_status mmn_count_plan(mmn_result **result, const mmn_model *model,
                          const mmn_count_options *options, mmn_error *error)
{
    mmn_count_options own;
    mmn_samples samples = {0};
    mmn_counts *counts = NULL;
    MMN_CLEAR(result);
    MMN_GIVEN(error, result, model, options);
    MMN_TRY(
        mmn_take_options(&own, sizeof(own), offsetof(mmn_count_options, ranks), options, error));
    MMN_GIVEN(error, own.list);
    mmn_status status = mmn_count_setup(&counts, &samples, model, &own, error);
    if (status == MMN_OK)
        status = plan_count(result, &samples, counts, &own, error);
    mmn_counts_free(counts);
    mmn_samples_close(&samples);
    return status;
}
