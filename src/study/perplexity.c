/* Perplexities: how well a model predicts the texts of each language with neurons on, with each
 * language's neurons off, and with random ones off. doc/formats.md describes their JSON,
 * perplexity.json. */
#include "base/error.h"
#include "functions.h"
#include "study/nats.h"
#include "study/run_result.h"

/* What is found of a window in one of the plan's runs. */
typedef struct perplexity_run {
    mmn_row row;
    mmn_nats sum;
} perplexity_run;

static const mmn_row_column columns[] = {
    MMN_ROW_ONE("tokens", MMN_ROW_WHOLE, perplexity_run, sum.tokens),
    MMN_ROW_ONE("nats", MMN_ROW_REAL, perplexity_run, sum.nats),
    {0}};

typedef struct perplexities {
    mmn_study study; /* one setting, or none */
    const mmn_perplexity_options *options;
    mmn_nats *runs;             /* [runs of the plan]: of all windows */
    char data[MMN_DIGEST_SIZE]; /* of the texts' windows */
} perplexities;

/* Of mmn_study_kind. */
static mmn_status read_logits(void *row, const mmn_input *input, size_t first, float *logits,
                              size_t rows, mmn_error *error)
{
    perplexity_run *run = row;
    const perplexities *kept = run->row.kept;
    return mmn_nats_add(&run->sum, &kept->study, input, first, logits, rows, error);
}

static mmn_status begin(void *context, mmn_error *error)
{
    perplexities *kept = context;
    kept->runs =
        mmn_study_allocate(&kept->study, kept->study.plan.run_count, sizeof(*kept->runs), error);
    return kept->runs ? MMN_OK : MMN_SYSTEM;
}

/* Of mmn_study_kind. */
static mmn_status take(void *context, const mmn_planned_sample *planned, size_t run,
                       const void *row, mmn_error *error)
{
    const perplexity_run *window = row;
    mmn_nats *found = &((perplexities *)context)->runs[run];
    (void)planned;
    (void)error;
    found->tokens += window->sum.tokens;
    found->nats += window->sum.nats;
    return MMN_OK;
}

static mmn_status set_up(void *context, const mmn_model *model, const void *asked, mmn_error *error)
{
    perplexities *perplexity = context;
    const mmn_perplexity_options *options = asked;
    MMN_GIVEN(error, options->list);
    perplexity->options = options;
    perplexity->study = (mmn_study){.model = model,
                                    MMN_STUDY_ASKED(options),
                                    MMN_STUDY_SEEDS(options),
                                    .plan.crossed = {true},
                                    .neurons = options->neurons,
                                    .setting = !options->neurons  ? NULL
                                               : options->setting ? options->setting
                                                                  : "all",
                                    .batch = options->batch};
    MMN_TRY(mmn_study_check_seeds(options->seeds, error));
    return mmn_windows_set(&perplexity->study.samples.windows, model, options->window,
                           options->begin_of_text != 0, error);
}

static mmn_status digest_windows(void *context, mmn_error *error)
{
    perplexities *kept = context;
    const mmn_samples *samples = &kept->study.samples;
    return mmn_windows_digest(&samples->windows, &samples->domains, kept->data, error);
}

/* How many tokens of a domain are predicted in each of its runs. */
static uint64_t tokens_of(const perplexities *kept, size_t domain)
{
    const mmn_study *study = &kept->study;
    return kept->runs[mmn_plan_find(&study->plan, 0, MMN_OFF_NOTHING, domain, domain)].tokens;
}

static mmn_status check_tokens(const void *context, mmn_error *error)
{
    const perplexities *kept = context;
    return mmn_nats_check(&kept->study, kept->runs, error);
}

/* ---- Result ---------------------------------------------------------------------------------- */

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

#define VALUES(what)                                                                               \
    "<values what=" what "||{'plain': $plain, 'domain_off': $domain_off,"                          \
    " 'random_mean': $random_mean,"                                                                \
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
    "      'perplexity': " VALUES(
        "perplexity") ",\n"
                      "      'ratio': " VALUES(
                          "ratio") "}>],\n"
                                   "  'cross': <?cross_rows|{'domains': [<domains|, |$name>], "
                                   "'perplexity': [<cross_rows|,|\n"
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

/* Mean of a run's negative log likelihoods in nats. */
static double mean_nats(const void *context, size_t run)
{
    return mmn_nats_mean(&((const perplexities *)context)->runs[run]);
}

static void describe(mmn_result *result, const void *context)
{
    const perplexities *perplexity = context;
    const mmn_study *study = &perplexity->study;
    const mmn_windows *windows = &study->samples.windows;
    const char *setting = perplexity->options->setting;
    MMN_ADD(result, "result", MMN_MADE(study), mmn_as_optional(perplexity->data), MMN_LIST(study),
            mmn_as_whole(windows->length), mmn_as_truth(windows->begin_of_text),
            mmn_as_text(setting ? setting : "all"), MMN_SEEDS(study), MMN_ALLOWED(study->allowed));
}

static void add_run(mmn_result *result, const perplexities *perplexity, size_t number)
{
    const mmn_study *study = &perplexity->study;
    const mmn_run *run = &study->plan.runs[number];
    const double nats = mean_nats(perplexity, number);
    MMN_ADD(result, "runs", MMN_OFF(study, run), mmn_as_text(mmn_domain_name(study, run->domain)),
            mmn_as_whole(tokens_of(perplexity, run->domain)), mmn_as_real(nats),
            mmn_as_real(mmn_exp_f64(nats)));
    mmn_add_neurons_off(result, study->model, run->mask);
}

/* By domain read: with nothing off, with each domain's neurons, with random ones. */
static void add_runs(mmn_result *result, const perplexities *perplexity, size_t domain)
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
    MMN_ADD(result, "values", mmn_as_text(what), mmn_as_real(mmn_exp_f64(summary->plain - shift)),
            mmn_as_real(mmn_exp_f64(summary->domain_off - shift)),
            mmn_real_if(seeds > 0, mmn_exp_f64(summary->random.mean - shift)),
            mmn_real_if(seeds > 1, mmn_exp_f64(summary->random.low - shift)),
            mmn_real_if(seeds > 1, mmn_exp_f64(summary->random.high - shift)));
}

static void add_summary(mmn_result *result, const perplexities *perplexity, size_t domain)
{
    const mmn_summary summary =
        mmn_plan_summarise(&perplexity->study.plan, 0, domain, mean_nats, perplexity);
    MMN_ADD(result, "summary", mmn_as_text(mmn_domain_name(&perplexity->study, domain)),
            mmn_as_whole(tokens_of(perplexity, domain)), mmn_as_whole(summary.seeds));
    add_values(result, "perplexity", &summary, 0);
    add_values(result, "ratio", &summary, summary.plain);
}

/* Rows: whose neurons are off; columns: whose text is read. */
static void add_cross(mmn_result *result, const perplexities *perplexity, size_t of)
{
    const mmn_study *study = &perplexity->study;
    MMN_ADD(result, "cross_rows", mmn_as_text(mmn_domain_name(study, of)));
    for (size_t d = 0; d < study->samples.domains.domain_count; d++) {
        const double nats =
            mean_nats(perplexity, mmn_plan_find(&study->plan, 0, MMN_OFF_DOMAIN, of, d));
        const double plain =
            mean_nats(perplexity, mmn_plan_find(&study->plan, 0, MMN_OFF_NOTHING, 0, d));
        MMN_ADD(result, "cross_cells", mmn_as_text(mmn_domain_name(study, d)),
                mmn_as_real(mmn_exp_f64(nats)), mmn_as_real(mmn_exp_f64(nats - plain)));
    }
}

static void fill(mmn_result *result, const void *context)
{
    const perplexities *perplexity = context;
    const size_t domains = perplexity->study.samples.domains.domain_count;
    const size_t crossed = perplexity->study.plan.settings.count > 0 ? domains : 0;
    for (size_t d = 0; d < domains; d++)
        add_runs(result, perplexity, d);
    for (size_t d = 0; d < crossed; d++)
        add_summary(result, perplexity, d);
    for (size_t d = 0; d < crossed; d++)
        add_cross(result, perplexity, d);
}

mmn_status mmn_perplexity_measure(mmn_result **result, const mmn_model *model,
                                  const mmn_perplexity_options *options, mmn_error *error)
{
    static const mmn_study_kind kind = {.doing = "reading",
                                        .unit = "windows",
                                        .size = sizeof(perplexities),
                                        .options_size = sizeof(mmn_perplexity_options),
                                        .former_size = offsetof(mmn_perplexity_options, rows),
                                        .set_up = set_up,
                                        .check = digest_windows,
                                        .begin = begin,
                                        .columns = columns,
                                        .row_size = sizeof(perplexity_run),
                                        .read = read_logits,
                                        .followed = true,
                                        .take = take,
                                        .judge = check_tokens,
                                        .form = &mmn_perplexity_form,
                                        .describe = describe,
                                        .fill = fill};
    return mmn_study_make(result, &kind, model, options, error);
}
