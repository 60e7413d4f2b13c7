/* Perplexities as results. doc/formats.md describes their JSON, perplexity.json. */
#include "base/given.h"
#include "study/perplexity.h"
#include "study/run_result.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_MADE_COLUMNS, MMN_TEXT("data"), MMN_TEXT("list"), MMN_WHOLE("samples"),
                 MMN_WHOLE("window"), MMN_TRUTH("begin_of_text"), MMN_TEXT("setting"),
                 MMN_WHOLE("seeds"), MMN_WHOLE("first_seed"), MMN_ALLOWED_COLUMNS)},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"runs", "result",
     MMN_COLUMNS(MMN_OFF_COLUMNS, MMN_TEXT("domain"), MMN_WHOLE("tokens"), MMN_REAL("nats", "nats"),
                 MMN_REAL("perplexity", ""))},
    MMN_OFF_TABLE("runs"),
    {"summary", "result",
     MMN_COLUMNS(MMN_TEXT("domain"), MMN_WHOLE("tokens"), MMN_WHOLE("random_seeds"))},
    /* of a summary: the perplexities, and what they are divided by that with nothing off */
    {"values", "summary",
     MMN_COLUMNS(MMN_TEXT("what"), MMN_REAL("plain", ""), MMN_REAL("domain_off", ""),
                 MMN_REAL("random_mean", ""), MMN_REAL("random_low", ""),
                 MMN_REAL("random_high", ""))},
    {"cross_rows", "result", MMN_COLUMNS(MMN_TEXT("neurons_of"))},
    {"cross_cells", "cross_rows",
     MMN_COLUMNS(MMN_TEXT("domain"), MMN_REAL("perplexity", ""), MMN_REAL("ratio", ""))},
    {0}};

#define VALUES(what)                                                                              \
    "<values what=" what "||{'plain': $plain, 'domain_off': $domain_off,"                        \
    " 'random_mean': $random_mean,"                                                               \
    " 'random_interval': " MMN_INTERVAL_JSON("random_low", "random_high") "}>"

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-perplexity-1',\n" MMN_MADE_JSON "  'data': $data,\n" MMN_NONFINITE_JSON
    "  'settings': {'list': $list, 'samples': $samples, 'window': $window,"
    " 'begin_of_text': $begin_of_text, 'setting': $setting, 'seeds': $seeds,"
    " 'first_seed': $first_seed" MMN_ALLOWED_JSON "},\n"
    "  'domains': [<domains|, |$name>],\n"
    "  'runs': [\n"
    "<runs|,\n|"
    "    {" MMN_OFF_JSON ", 'domain': $domain, 'tokens': $tokens, 'nats': $nats,"
    " 'perplexity': $perplexity}>],\n"
    "  'summary': [<summary|,|\n"
    "    {'domain': $domain, 'tokens': $tokens, 'random_seeds': $random_seeds,\n"
    "      'perplexity': " VALUES("perplexity") ",\n"
    "      'ratio': " VALUES("ratio") "}>],\n"
    "  'cross': <?cross_rows|{'domains': [<domains|, |$name>], 'perplexity': [<cross_rows|,|\n"
    "      [<cross_cells|, |$perplexity>]>],\n"
    "    'ratio': [<cross_rows|,|\n"
    "      [<cross_cells|, |$ratio>]>]}><!cross_rows|null>\n"
    "}\n";

static const char people[] =
    "with all neurons on, windows of ${window} positions\n"
    "  <-10 domains.name|domain>     tokens  nats per token  perplexity\n"
    "<runs off=nothing||  <-10 domains.name|${domain}>  $9{tokens}  $14.4{nats}"
    "  $10.3{perplexity}\n>"
    "<?summary|\n${setting}: how many times as large perplexity is with neurons off\n"
    "  <-10 domains.name|domain>   domain's     random  95 % interval\n"
    "<summary||  <-10 domains.name|${domain}><values what=ratio||  $9.4{domain_off}"
    "<?random_mean|  $9.4{random_mean}><?random_low|  $.4{random_low} to $.4{random_high}>>\n>"
    "\n${setting}: the same, of a column's domain with a row's neurons off\n"
    "  <-10 domains.name|neurons of><domains||  <+9|${name}>>\n"
    "<cross_rows||  <-10 domains.name|${neurons_of}>"
    "<cross_cells||  <+9 domain|$.4{ratio}>>\n>>" MMN_REMARKS;

const mmn_form mmn_perplexity_form = {
    .format = "mmneuron-perplexity-1", .tables = tables, .json = json, .people = people};

static void add_settings(mmn_result *result, const mmn_perplexity *perplexity)
{
    const mmn_study *study = &perplexity->study;
    const mmn_windows *windows = &study->samples.windows;
    const char *setting = perplexity->options->setting;
    MMN_ADD(result, "result", MMN_MADE(study), mmn_as_optional(perplexity->data), MMN_LIST(study),
            mmn_as_whole(windows->length), mmn_as_truth(windows->begin_of_text),
            mmn_as_text(setting ? setting : "all"), MMN_SEEDS(study),
            MMN_ALLOWED(study->allowed));
    mmn_add_domains(result, study);
}

static void add_run(mmn_result *result, const mmn_perplexity *perplexity, size_t number)
{
    const mmn_study *study = &perplexity->study;
    const mmn_run *run = &study->plan.runs[number];
    const double nats = mmn_perplexity_nats(perplexity, number);
    MMN_ADD(result, "runs", MMN_OFF(study, run), mmn_as_text(mmn_domain_name(study, run->domain)),
            mmn_as_whole(perplexity->tokens[run->domain]), mmn_as_real(nats),
            mmn_as_real(mmn_perplexity_of(nats)));
    mmn_add_neurons_off(result, study->model, run->mask);
}

/* By domain read: with nothing off, with each domain's neurons, with random ones. */
static void add_runs(mmn_result *result, const mmn_perplexity *perplexity, size_t domain)
{
    const mmn_plan *plan = &perplexity->study.plan;
    for (int off = MMN_OFF_NOTHING; off <= MMN_OFF_RANDOM; off++)
        for (size_t i = 0; i < plan->run_count; i++)
            if (plan->runs[i].domain == domain && plan->runs[i].off == (mmn_off)off)
                add_run(result, perplexity, i);
}

/* `shift`, in nats, is what the perplexities are divided by. */
static void add_values(mmn_result *result, const char *what, const mmn_summary *summary,
                       double shift)
{
    const size_t seeds = summary->seeds;
    MMN_ADD(result, "values", mmn_as_text(what),
            mmn_as_real(mmn_perplexity_of(summary->plain - shift)),
            mmn_as_real(mmn_perplexity_of(summary->domain_off - shift)),
            mmn_real_if(seeds > 0, mmn_perplexity_of(summary->random_mean - shift)),
            mmn_real_if(seeds > 1, mmn_perplexity_of(summary->random_low - shift)),
            mmn_real_if(seeds > 1, mmn_perplexity_of(summary->random_high - shift)));
}

static void add_summary(mmn_result *result, const mmn_perplexity *perplexity, size_t domain)
{
    const mmn_summary summary = mmn_plan_summarise(&perplexity->study.plan, 0, domain,
                                                   mmn_perplexity_nats, perplexity);
    MMN_ADD(result, "summary", mmn_as_text(mmn_domain_name(&perplexity->study, domain)),
            mmn_as_whole(perplexity->tokens[domain]), mmn_as_whole(summary.seeds));
    add_values(result, "perplexity", &summary, 0);
    add_values(result, "ratio", &summary, summary.plain);
}

/* Rows: whose neurons are off; columns: whose text is read. */
static void add_cross(mmn_result *result, const mmn_perplexity *perplexity, size_t of)
{
    const mmn_study *study = &perplexity->study;
    MMN_ADD(result, "cross_rows", mmn_as_text(mmn_domain_name(study, of)));
    for (size_t d = 0; d < study->samples.domains.domain_count; d++) {
        const double nats = mmn_perplexity_nats(
            perplexity, mmn_plan_find(&study->plan, 0, MMN_OFF_DOMAIN, of, d));
        const double plain = mmn_perplexity_nats(
            perplexity, mmn_plan_find(&study->plan, 0, MMN_OFF_NOTHING, 0, d));
        MMN_ADD(result, "cross_cells", mmn_as_text(mmn_domain_name(study, d)),
                mmn_as_real(mmn_perplexity_of(nats)), mmn_as_real(mmn_perplexity_of(nats - plain)));
    }
}

static mmn_status make_result(mmn_result **made, const mmn_perplexity *perplexity,
                              mmn_error *error)
{
    const size_t domains = perplexity->study.samples.domains.domain_count;
    const size_t crossed = perplexity->study.plan.settings.count > 0 ? domains : 0;
    if (mmn_result_begin(made, &mmn_perplexity_form, error) != MMN_OK)
        return MMN_SYSTEM;
    add_settings(*made, perplexity);
    for (size_t d = 0; d < domains; d++)
        add_runs(*made, perplexity, d);
    for (size_t d = 0; d < crossed; d++)
        add_summary(*made, perplexity, d);
    for (size_t d = 0; d < crossed; d++)
        add_cross(*made, perplexity, d);
    return mmn_result_end(made, error);
}

mmn_status mmn_perplexity_measure(mmn_result **result, const mmn_model *model,
                                  const mmn_perplexity_options *options, mmn_error *error)
{
    mmn_perplexity perplexity = {0};
    if (result)
        *result = NULL;
    if (MMN_MISSING(error, result, model, options) || MMN_MISSING(error, options->list))
        return MMN_USAGE;
    mmn_status status = mmn_perplexity_find(&perplexity, model, options, error);
    if (status == MMN_OK)
        status = make_result(result, &perplexity, error);
    mmn_perplexity_free(&perplexity);
    return status;
}
