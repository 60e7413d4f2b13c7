/* Perturbations as results. doc/formats.md describes their JSON. */
#include "base/given.h"
#include "base/memory.h"
#include "study/perturbation.h"
#include "study/run_result.h"
#include "study/statistics.h"

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
    /* means over the layers, and after the final norm, where a domain's own neurons are off, and the
     * mean and half the interval of random ones */
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
    mmn_add_domains(result, study);
}

static void add_positions(mmn_result *result, const mmn_perturbation *perturbation, size_t run,
                          int kind)
{
    static const char *const names[] = {"text", "image", "all"};
    const uint64_t *positions = perturbation->positions[perturbation->study.plan.runs[run].domain];
    const mmn_distance last = mmn_perturb_mean(perturbation, run, perturbation->layers, kind);
    MMN_ADD(result, "positions", mmn_as_text(names[kind]),
            mmn_as_whole(kind == 2 ? positions[0] + positions[1] : positions[kind]),
            mmn_as_real(last.relative), mmn_as_real(last.cosine));
    for (size_t layer = 0; layer < perturbation->layers; layer++) {
        const mmn_distance mean = mmn_perturb_mean(perturbation, run, layer, kind);
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
        return mmn_perturb_mean(perturbation, run, layers, 2).relative;
    for (size_t state = 0; state < layers; state++)
        sum += mmn_perturb_mean(perturbation, run, state, 2).relative;
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

static mmn_status make_result(mmn_result **made, const mmn_perturbation *perturbation,
                              mmn_error *error)
{
    const mmn_plan *plan = &perturbation->study.plan;
    const size_t domains = perturbation->study.samples.domains.domain_count;
    if (mmn_result_begin(made, &mmn_perturbation_form, error) != MMN_OK)
        return MMN_SYSTEM;
    double *values = mmn_allocate((size_t)plan->seeds, sizeof(*values), error);
    (*made)->failed = !values;
    add_settings(*made, perturbation);
    for (size_t d = 0; d < domains; d++)
        for (size_t i = 0; i < plan->run_count; i++)
            if (plan->runs[i].domain == d && plan->runs[i].off != MMN_OFF_NOTHING)
                add_curve(*made, perturbation, i);
    for (size_t i = 0; i < plan->run_count && values; i++)
        if (plan->runs[i].off == MMN_OFF_DOMAIN)
            add_moved(*made, perturbation, i, values);
    mmn_free(values);
    return mmn_result_end(made, error);
}

mmn_status mmn_perturb(mmn_result **result, const mmn_model *model,
                       const mmn_perturb_options *options, mmn_error *error)
{
    mmn_perturbation perturbation = {0};
    if (result)
        *result = NULL;
    if (MMN_MISSING(error, result, model, options) ||
        MMN_MISSING(error, options->list, options->ranking))
        return MMN_USAGE;
    mmn_status status = mmn_perturbation_find(&perturbation, model, options, error);
    if (status == MMN_OK)
        status = make_result(result, &perturbation, error);
    mmn_perturbation_free(&perturbation);
    return status;
}
