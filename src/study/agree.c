/* Agreement: at how many positions the likeliest next token stays what it is when neurons are
 * off. */
#include "model/model.h"
#include "pass/distribution.h"
#include "study/studies.h"

/* One of the plan's runs. */
typedef struct agreeing {
    struct agreement *of;
    bool plain; /* nothing is off: its tokens are those that the others are compared with */
    uint64_t positions, same;
} agreeing;

typedef struct agreement {
    mmn_study study;
    agreeing *runs; /* [runs of the plan] */
    size_t *plain; /* [positions of an input]: the likeliest tokens with nothing off */
    size_t plain_capacity;
} agreement;

/* An mmn_see_function, of the final norm's output. */
static mmn_status see(void *context, const mmn_stage *stage, mmn_error *error)
{
    agreeing *run = context;
    agreement *kept = run->of;
    const mmn_model *model = kept->study.model;
    const size_t vocabulary = model->config.language.vocab_size, width = stage->shape[1];
    const float *normed = stage->data;
    for (size_t first = 0; first < stage->shape[0]; first += MMN_STUDY_ROWS) {
        const size_t left = stage->shape[0] - first;
        const size_t rows = left < MMN_STUDY_ROWS ? left : MMN_STUDY_ROWS;
        const float *logits = mmn_study_logits(&kept->study, normed + first * width, rows);
        for (size_t row = 0; row < rows; row++) {
            size_t *plain = &kept->plain[stage->first_position + first + row];
            const size_t id = mmn_likeliest(logits + row * vocabulary, vocabulary);
            *plain = run->plain ? id : *plain;
            run->same += id == *plain;
            run->positions++;
        }
    }
    return mmn_interrupt_check_now(&model->interrupt, error);
}

static mmn_status ready(void *context, mmn_session *session, size_t run, mmn_error *error)
{
    agreement *kept = context;
    const mmn_probe probe = {.stages = "language.norm", .see = see, .context = &kept->runs[run]};
    return mmn_session_add_probe(session, &probe, error);
}

static mmn_status measure(void *context, const mmn_planned_sample *planned, const mmn_input *input,
                          mmn_error *error)
{
    static const mmn_measuring measuring = {.ready = ready};
    agreement *kept = context;
    MMN_TRY(mmn_study_reserve(&kept->study, &kept->plain, &kept->plain_capacity,
                              mmn_input_length(input), sizeof(*kept->plain), error));
    return mmn_study_measure(kept, &measuring, planned->domain, input, error);
}

static mmn_status begin(void *context, mmn_error *error)
{
    agreement *kept = context;
    const mmn_plan *plan = &kept->study.plan;
    kept->runs = mmn_study_allocate(&kept->study, plan->run_count, sizeof(*kept->runs), error);
    if (!kept->runs)
        return MMN_SYSTEM;
    for (size_t i = 0; i < plan->run_count; i++)
        kept->runs[i] = (agreeing){.of = kept, .plain = plan->runs[i].off == MMN_OFF_NOTHING};
    return mmn_study_reserve_logits(&kept->study, MMN_STUDY_ROWS, error);
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
    "{\n  'format': 'mmneuron-agree-1',\n" MMN_STUDY_JSON
    "  'runs': [<runs|,|\n"
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
    const agreeing *found = &((const agreement *)context)->runs[run];
    return found->positions > 0 ? (double)found->same / (double)found->positions : 0;
}

static void fill(mmn_result *result, const void *context)
{
    const agreement *kept = context;
    const mmn_study *study = &kept->study;
    MMN_ADD(result, "result", MMN_STUDY(study));
    for (size_t i = 0; i < study->plan.run_count; i++) {
        const mmn_run *run = &study->plan.runs[i];
        MMN_ADD(result, "runs", MMN_RUN(study, run), mmn_as_whole(kept->runs[i].positions),
                mmn_as_real(share_of(kept, i)));
        mmn_add_neurons_off(result, study->model, run->mask);
    }
    mmn_add_summaries(result, study, share_of, kept);
}

const mmn_study_kind mmn_study_of_agree = {
    .name = "agree",
    .summary = "measure how often the likeliest next token stays with neurons off",
    .doing = "comparing",
    .unit = "passes",
    .size = sizeof(agreement),
    .begin = begin,
    .measure = measure,
    .form = &form,
    .fill = fill,
};
