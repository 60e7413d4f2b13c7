/* Sweeps: how improbable the texts of each language become with neurons off that were ranked at one
 * rate and bar after another, beside as many random ones. */
#include <string.h>

#include "study/nats.h"
#include "study/points.h"
#include "study/studies.h"

/* What is found of a window in one of the plan's runs. */
typedef struct swept {
    mmn_row row;
    mmn_nats sum;
} swept;

static const mmn_row_column columns[] = {MMN_ROW_ONE("tokens", MMN_ROW_WHOLE, swept, sum.tokens),
                                         MMN_ROW_ONE("nats", MMN_ROW_REAL, swept, sum.nats),
                                         {0}};

typedef struct sweep {
    mmn_study study;
    mmn_nats *found; /* [runs]: of all windows */
} sweep;

/* Of mmn_study_kind. */
static mmn_status check(void *context, mmn_error *error)
{
    const mmn_study *study = context;
    if (!study->samples.has_texts)
        return mmn_fail(error, MMN_USAGE, study->samples.file, NULL,
                        "has no texts; of questions \"mmneuron eval\" takes counts and the same "
                        "settings");
    return MMN_OK;
}

/* Of mmn_study_kind. */
static mmn_status read_logits(void *row, const mmn_input *input, size_t first, float *logits,
                              size_t rows, mmn_error *error)
{
    swept *found = row;
    const sweep *kept = found->row.kept;
    return mmn_nats_add(&found->sum, &kept->study, input, first, logits, rows, error);
}

/* Of mmn_study_kind. */
static mmn_status begin(void *context, mmn_error *error)
{
    sweep *kept = context;
    kept->found =
        mmn_study_allocate(&kept->study, kept->study.plan.run_count, sizeof(*kept->found), error);
    return kept->found ? MMN_OK : MMN_SYSTEM;
}

/* Of mmn_study_kind. */
static mmn_status take(void *context, const mmn_planned_sample *planned, size_t run,
                       const void *row, mmn_error *error)
{
    const swept *window = row;
    mmn_nats *found = &((sweep *)context)->found[run];
    (void)planned;
    (void)error;
    found->tokens += window->sum.tokens;
    found->nats += window->sum.nats;
    return MMN_OK;
}

/* Of mmn_study_kind. */
static mmn_status check_tokens(const void *context, mmn_error *error)
{
    const sweep *kept = context;
    return mmn_nats_check(&kept->study, kept->found, error);
}

/* ---- Result ---------------------------------------------------------------------------------- */

static const mmn_form_table tables[] = {
    {"result", NULL, MMN_COLUMNS(MMN_STUDY_COLUMNS)},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"runs", "result", MMN_COLUMNS(MMN_RUN_COLUMNS, MMN_WHOLE("tokens"), MMN_REAL("nats", "nats"))},
    MMN_OFF_TABLE("runs"),
    {"points", "result",
     MMN_COLUMNS(MMN_TEXT("setting"), MMN_REAL("rate", ""), MMN_REAL("bar", ""))},
    {"neurons", "points", MMN_COLUMNS(MMN_TEXT("of"), MMN_WHOLE("count"))},
    {"summary", "result", MMN_COLUMNS(MMN_SUMMARY_COLUMNS)},
    {0}};

static const char json[] = "{\n  'format': 'mmneuron-sweep-1',\n" MMN_STUDY_JSON
                           "  'runs': [<runs|,|\n"
                           "    {" MMN_RUN_JSON ", 'tokens': $tokens, 'nats': $nats}>],\n"
                           "  'points': [<points|,|\n"
                           "    {'setting': $setting, 'rate': $rate, 'bar': $bar,"
                           " 'neurons': {<neurons|, |$of: $count>}}>]\n}\n";

static const char people[] =
    "nats per token with neurons off\n"
    "<points||\n${setting}: rate ${rate}, bar ${bar}\n"
    "  <-10 domains.name|domain>   neurons    nothing   domain's     random  95 % interval\n"
    "<summary setting=$setting||  <-10 domains.name|${domain}><neurons of=$domain||  $8{count}>"
    "  $9.4{plain}  $9.4{domain_off}<?random_mean|  $9.4{random_mean}>"
    "<?random_low|  $.4{random_low} to $.4{random_high}>\n>>" MMN_REMARKS;

const mmn_form mmn_sweep_form = {
    .format = "mmneuron-sweep-1", .tables = tables, .json = json, .people = people};

static double mean_of(const void *context, size_t run)
{
    return mmn_nats_mean(&((const sweep *)context)->found[run]);
}

static void describe(mmn_result *result, const void *kept)
{
    const mmn_study *study = kept;
    MMN_ADD(result, "result", MMN_STUDY(study));
}

/* Of neurons that were read, rate and bar are not known. */
static void add_point(mmn_result *result, const mmn_study *study, size_t setting)
{
    const mmn_neurons *own = study->plan.of[setting].neurons;
    MMN_ADD(result, "points", mmn_as_text(study->plan.settings.names[setting]),
            mmn_real_if(own != NULL, own ? own->rule.rate : 0),
            mmn_real_if(own != NULL, own ? own->rule.bar : 0));
    for (size_t d = 0; d < study->samples.domains.domain_count; d++) {
        const size_t run = mmn_plan_find(&study->plan, setting, MMN_OFF_DOMAIN, d, d);
        const mmn_model_info *info = mmn_model_describe(study->model);
        size_t count = 0;
        for (size_t m = 0; m < info->module_count; m++)
            count += mmn_mask_neurons(study->plan.runs[run].mask, info->modules[m].name, -1);
        MMN_ADD(result, "neurons", mmn_as_text(mmn_domain_name(study, d)), mmn_as_whole(count));
    }
}

static void fill(mmn_result *result, const void *kept)
{
    const mmn_study *study = kept;
    for (size_t i = 0; i < study->plan.run_count; i++) {
        const mmn_run *run = &study->plan.runs[i];
        MMN_ADD(result, "runs", MMN_RUN(study, run),
                mmn_as_whole(((const sweep *)kept)->found[i].tokens),
                mmn_as_real(mean_of(study, i)));
        mmn_add_neurons_off(result, study->model, run->mask);
    }
    for (size_t s = 0; s < study->plan.settings.count; s++)
        add_point(result, study, s);
    mmn_add_summaries(result, "summary", study, mean_of, study);
}

const mmn_study_kind mmn_study_of_sweep = {
    .name = "sweep",
    .summary = "measure what neurons at one rate and bar after another do to perplexity",
    .points = "all@0.005,all@0.01,all@0.02,all@0.05,all@0.1",
    .doing = "reading",
    .unit = "windows",
    .size = sizeof(sweep),
    .check = check,
    .begin = begin,
    .columns = columns,
    .row_size = sizeof(swept),
    .read = read_logits,
    .followed = true,
    .take = take,
    .judge = check_tokens,
    .form = &mmn_sweep_form,
    .describe = describe,
    .fill = fill,
};
