/* Agreement: at how many positions the likeliest next token stays what it is when neurons are
 * off. */
#include "model/model.h"
#include "pass/distribution.h"
#include "study/studies.h"

/* What is found of a sample in one of the plan's runs, and of all samples. */
typedef struct agreeing {
    mmn_row row;
    uint64_t positions, same;
} agreeing;

static const mmn_row_column columns[] = {
    MMN_ROW_ONE("positions", MMN_ROW_WHOLE, agreeing, positions),
    MMN_ROW_ONE("same", MMN_ROW_WHOLE, agreeing, same),
    {0}};

typedef struct agreement {
    mmn_study study;
    agreeing *found; /* [runs] */
    size_t *plain;   /* [positions of an input]: the likeliest tokens with nothing off */
    size_t plain_capacity;
} agreement;

/* Of mmn_study_kind. */
static mmn_status read_logits(void *row, const mmn_input *input, size_t first, float *logits,
                              size_t rows, mmn_error *error)
{
    agreeing *found = row;
    agreement *kept = found->row.kept;
    const bool plain = found->row.run->off == MMN_OFF_NOTHING;
    const size_t vocabulary = kept->study.model->config.language.vocab_size;
    MMN_TRY(mmn_study_reserve(&kept->study, &kept->plain, &kept->plain_capacity,
                              mmn_input_length(input), sizeof(*kept->plain), error));
    for (size_t i = 0; i < rows; i++) {
        const size_t id = mmn_likeliest(logits + i * vocabulary, vocabulary);
        if (plain)
            kept->plain[first + i] = id;
        found->same += id == kept->plain[first + i];
    }
    found->positions += rows;
    return MMN_OK;
}

/* Of mmn_study_kind. */
static mmn_status begin(void *context, mmn_error *error)
{
    agreement *kept = context;
    kept->found =
        mmn_study_allocate(&kept->study, kept->study.plan.run_count, sizeof(*kept->found), error);
    return kept->found ? MMN_OK : MMN_SYSTEM;
}

/* Of mmn_study_kind. */
static mmn_status take(void *context, const mmn_planned_sample *planned, size_t run,
                       const void *row, mmn_error *error)
{
    const agreeing *sample = row;
    agreeing *found = &((agreement *)context)->found[run];
    (void)planned;
    (void)error;
    found->positions += sample->positions;
    found->same += sample->same;
    return MMN_OK;
}

/* ---- Result ---------------------------------------------------------------------------------- */

static const mmn_form_table tables[] = {
    {"result", NULL, MMN_COLUMNS(MMN_STUDY_COLUMNS)},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"runs", "result",
     MMN_COLUMNS(MMN_RUN_COLUMNS, MMN_WHOLE("positions"), MMN_REAL("agreement", ""))},
    MMN_OFF_TABLE("runs"),
    {"summary", "result", MMN_COLUMNS(MMN_SUMMARY_COLUMNS)},
    {0}};

static const char json[] =
    "{\n  'format': 'mmneuron-agree-1',\n" MMN_STUDY_JSON "  'runs': [<runs|,|\n"
    "    {" MMN_RUN_JSON ", 'positions': $positions, 'agreement': $agreement}>]\n}\n";

static const char people[] =
    "positions, %, whose likeliest next token stays when neurons are off\n"
    "<summary by setting||\n${setting}\n"
    "  <-10 domains.name|domain>   domain's     random  95 % interval\n"
    "<summary||  <-10 domains.name|${domain}>  $9.1{domain_off*100}"
    "<?random_mean|  $9.1{random_mean*100}>"
    "<?random_low|  $.1{random_low*100} to $.1{random_high*100}>\n>>" MMN_REMARKS;

static const mmn_form form = {
    .format = "mmneuron-agree-1", .tables = tables, .json = json, .people = people};

static double share_of(const void *context, size_t run)
{
    const agreeing *found = &((const agreement *)context)->found[run];
    return found->positions > 0 ? (double)found->same / (double)found->positions : 0;
}

static void describe(mmn_result *result, const void *kept)
{
    const mmn_study *study = kept;
    MMN_ADD(result, "result", MMN_STUDY(study));
}

static void fill(mmn_result *result, const void *kept)
{
    const mmn_study *study = kept;
    for (size_t i = 0; i < study->plan.run_count; i++) {
        const mmn_run *run = &study->plan.runs[i];
        const agreeing *found = &((const agreement *)kept)->found[i];
        MMN_ADD(result, "runs", MMN_RUN(study, run), mmn_as_whole(found->positions),
                mmn_as_real(share_of(study, i)));
        mmn_add_neurons_off(result, study->model, run->mask);
    }
    mmn_add_summaries(result, "summary", study, share_of, study);
}

const mmn_study_kind mmn_study_of_agree = {
    .name = "agree",
    .summary = "measure how often the likeliest next token stays with neurons off",
    .doing = "comparing",
    .unit = "passes",
    .size = sizeof(agreement),
    .begin = begin,
    .columns = columns,
    .row_size = sizeof(agreeing),
    .read = read_logits,
    .take = take,
    .form = &form,
    .describe = describe,
    .fill = fill,
};
