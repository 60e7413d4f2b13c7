/* Evaluations: accuracy in each domain with neurons on, with domain neurons off, and with random
 * ones off: answers every sample of a list in all runs of its domain, and scores the answers.
 * doc/formats.md describes the result's JSON, eval.json. */
#include <math.h>

#include "base/error.h"
#include "base/memory.h"
#include "model/model.h"
#include "pass/session.h"
#include "study/accuracy.h"
#include "study/run_result.h"

enum { TOKENS = 16 };

typedef struct mmn_prediction {
    char *id, *answer;
    double score; /* by the measure that the sample's metric names */
} mmn_prediction;

/* What one of the plan's runs has answered to a sample. */
typedef struct mmn_eval_row {
    mmn_row row;
    char *answer;
    double score;                  /* by the measure that the sample's metric names */
    double measures[MMN_MEASURES]; /* NaN where one says nothing about the sample */
} mmn_eval_row;

#define MEASURE(name, measure)                                                                     \
    {                                                                                              \
        name, MMN_ROW_REAL, false, offsetof(mmn_eval_row, measures) + (measure) * sizeof(double),  \
            0                                                                                      \
    }
static const mmn_row_column columns[] = {MMN_ROW_ONE("answer", MMN_ROW_TEXT, mmn_eval_row, answer),
                                         MMN_ROW_ONE("score", MMN_ROW_REAL, mmn_eval_row, score),
                                         MEASURE("vqa", MMN_MEASURE_VQA),
                                         MEASURE("vqa_published", MMN_MEASURE_VQA_PUBLISHED),
                                         MEASURE("exact", MMN_MEASURE_EXACT),
                                         MEASURE("anls", MMN_MEASURE_ANLS),
                                         MEASURE("anls_published", MMN_MEASURE_ANLS_PUBLISHED),
                                         MEASURE("choice", MMN_MEASURE_CHOICE),
                                         MEASURE("choice_published", MMN_MEASURE_CHOICE_PUBLISHED),
                                         MEASURE("token_f1", MMN_MEASURE_TOKEN_F1),
                                         {0}};

/* What one of the plan's runs has answered. */
typedef struct mmn_eval_run {
    double accuracy_sum, sums[MMN_MEASURES];
    size_t counts[MMN_MEASURES]; /* of samples to which the measure applies */
    mmn_prediction *predictions; /* in the list's order */
    size_t count, capacity;
} mmn_eval_run;

/* The metric of a domain's samples. */
typedef struct mmn_eval_domain {
    bool begun, mixed; /* whether a sample has been answered; whether they have several metrics */
    mmn_metric metric; /* once begun */
} mmn_eval_domain;

typedef struct mmn_evaluation {
    mmn_study study;
    const mmn_eval_options *options;
    /* What the caller leaves open is the folder's or a default. */
    const char *template_name;
    uint64_t tokens;
    double top_p, repetition_penalty; /* 1: none */
    mmn_beam_search beam_search;

    mmn_eval_domain *domains; /* [domains] */
    mmn_eval_run *runs;       /* [runs of the plan] */

    /* At work: */
    const mmn_sample *sample;
    int32_t *ids;   /* [runs][tokens] */
    size_t *counts; /* [runs] */
} mmn_evaluation;

/* ---- One sample ------------------------------------------------------------------------------ */

/* Fills the row of an answer. */
static mmn_status score(mmn_eval_row *row, const mmn_sample *sample, char *answer, mmn_error *error)
{
    MMN_TRY(mmn_measure_answer(row->measures, sample, answer, error));
    row->answer = answer;
    row->score = row->measures[mmn_metric_measure(sample->metric)];
    for (mmn_measure m = 0; m < MMN_MEASURES; m++)
        if (!mmn_measure_applies(m, sample->metric))
            row->measures[m] = (double)NAN;
    return MMN_OK;
}

/* Of mmn_measuring. */
static mmn_status ready(void *context, mmn_session *session, size_t run, mmn_error *error)
{
    const mmn_evaluation *evaluation = context;
    const mmn_eval_options *options = evaluation->options;
    const mmn_sampling sampling = {.temperature = options->temperature,
                                   .top_p = evaluation->top_p,
                                   .top_k = options->top_k,
                                   .seed = options->sampling_seed,
                                   .sample = evaluation->sample->id,
                                   .repetition_penalty = evaluation->repetition_penalty};
    (void)run;
    MMN_TRY(mmn_session_set_sampling(session, &sampling, error));
    MMN_TRY(mmn_session_set_beam_search(session, &evaluation->beam_search, error));
    return options->stop_string_count > 0
               ? mmn_session_set_stop_strings(session, options->stop_strings,
                                              options->stop_string_count, error)
               : MMN_OK;
}

/* Of mmn_measuring. */
static mmn_status answer(void *context, mmn_session *const *sessions, const size_t *runs,
                         size_t count, mmn_error *error)
{
    mmn_evaluation *evaluation = context;
    const size_t tokens = (size_t)evaluation->tokens;
    MMN_TRY(
        mmn_sessions_generate(sessions, count, tokens, evaluation->ids, evaluation->counts, error));
    for (size_t i = 0; i < count; i++) {
        char *text;
        MMN_TRY(mmn_model_decode(evaluation->study.model, evaluation->ids + i * tokens,
                                 evaluation->counts[i], 1, &text, error));
        if (!(text = mmn_study_keep_in_row(&evaluation->study, text, error)))
            return MMN_SYSTEM;
        MMN_TRY(score(mmn_study_row(&evaluation->study, runs[i]), evaluation->sample, text, error));
    }
    return MMN_OK;
}

/* An mmn_study_function. */
static mmn_status answer_sample(void *context, const mmn_planned_sample *planned,
                                const mmn_input *input, mmn_error *error)
{
    mmn_evaluation *evaluation = context;
    const mmn_measuring measure = {
        .tokens = (size_t)evaluation->tokens, .ready = ready, .finish = answer};
    evaluation->sample = &planned->sample;
    return mmn_study_measure(evaluation, &measure, planned->domain, input, error);
}

static void take_metric(mmn_eval_domain *domain, mmn_metric metric)
{
    domain->mixed = domain->mixed || (domain->begun && metric != domain->metric);
    if (!domain->begun)
        domain->metric = metric;
    domain->begun = true;
}

/* Of mmn_study_kind. */
static mmn_status take(void *context, const mmn_planned_sample *planned, size_t number,
                       const void *context_row, mmn_error *error)
{
    mmn_evaluation *evaluation = context;
    const mmn_eval_row *row = context_row;
    mmn_eval_run *run = &evaluation->runs[number];
    MMN_TRY(mmn_study_reserve(&evaluation->study, &run->predictions, &run->capacity, run->count + 1,
                              sizeof(*run->predictions), error));
    char *id = mmn_study_copy_text(&evaluation->study, planned->sample.id, error);
    char *text = mmn_study_copy_text(&evaluation->study, row->answer ? row->answer : "", error);
    MMN_NEED(id && text);
    run->predictions[run->count++] = (mmn_prediction){id, text, row->score};
    run->accuracy_sum += row->score;
    for (mmn_measure m = 0; m < MMN_MEASURES; m++) {
        if (!mmn_measure_applies(m, planned->sample.metric))
            continue;
        run->sums[m] += row->measures[m];
        run->counts[m]++;
    }
    take_metric(&evaluation->domains[planned->domain], planned->sample.metric);
    return MMN_OK;
}

/* ---- All samples ----------------------------------------------------------------------------- */

/* Settings that cannot be are the caller's mistake, and no line's of the list. */
static mmn_status try_decoding(mmn_evaluation *evaluation, mmn_error *error)
{
    const mmn_sample none = {0};
    const mmn_model *model = evaluation->study.model;
    mmn_session *session = NULL;
    mmn_status status = MMN_OK;
    if (evaluation->options->template_name) {
        char *prompt = NULL;
        status = mmn_prompt_from_template(model, evaluation->template_name, "", 0, &prompt, error);
        mmn_free(prompt);
    }
    if (status == MMN_USAGE || status == MMN_SYSTEM)
        return status;
    MMN_TRY(mmn_session_create(&session, model, NULL, error));
    evaluation->sample = &none;
    status = ready(evaluation, session, 0, error);
    mmn_session_free(session);
    return status;
}

static mmn_status set_up(void *context, const mmn_model *model, const void *asked, mmn_error *error)
{
    mmn_evaluation *evaluation = context;
    const mmn_eval_options *options = asked;
    const mmn_model_info *info = mmn_model_describe(model);
    MMN_GIVEN(error, options->list);
    MMN_GIVEN_TEXTS(error, "stop string", options->stop_string_count, options->stop_strings);
    MMN_TRY(mmn_study_check_seeds(options->seeds, error));
    if (options->tokens > MMN_MAXIMUM_POSITIONS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "an answer can have at most %d tokens",
                        MMN_MAXIMUM_POSITIONS);
    *evaluation = (mmn_evaluation){
        .study = {.model = model,
                  MMN_STUDY_ASKED(options),
                  MMN_STUDY_LONG_PROMPTS(options),
                  MMN_STUDY_SEEDS(options),
                  .samples.template_name = options->template_name ? options->template_name : "",
                  .samples.check = mmn_sample_check_answers,
                  .neurons = options->neurons,
                  .settings = options->settings,
                  .batch = options->batch},
        .options = options,
        .template_name = options->template_name ? options->template_name : info->template_name,
        .tokens = options->tokens > 0 ? options->tokens : TOKENS,
        .top_p = options->top_p == 0 ? 1 : options->top_p,
        .repetition_penalty = options->repetition_penalty == 0 ? info->generation.repetition_penalty
                                                               : options->repetition_penalty,
        .beam_search = options->beam_search.beams == 0 ? info->generation.beam_search
                                                       : options->beam_search};
    return try_decoding(evaluation, error);
}

/* Marks the settings that `cross` names, once those that are evaluated are known; nothing is
 * switched off in any case. */
static mmn_status mark_crossed(mmn_plan *plan, const mmn_settings *crossed, mmn_error *error)
{
    for (size_t c = 0; c < crossed->count; c++) {
        const size_t i = mmn_settings_find(&plan->settings, crossed->names[c]);
        if (i == SIZE_MAX)
            return mmn_fail(error, MMN_USAGE, NULL, NULL,
                            "the cross table is of a setting that is evaluated, which \"%.100s\" "
                            "is not",
                            crossed->names[c]);
        plan->crossed[i] = true;
    }
    return MMN_OK;
}

static mmn_status check_settings(mmn_evaluation *evaluation, mmn_error *error)
{
    mmn_plan *plan = &evaluation->study.plan;
    const mmn_neurons *lists = evaluation->study.lists;
    const char *cross = evaluation->options->cross;
    mmn_settings crossed = {0};
    mmn_settings_remove(&plan->settings, "none");
    mmn_status status = cross ? mmn_settings_make(&crossed, cross, lists, error) : MMN_OK;
    if (status == MMN_OK)
        status = mark_crossed(plan, &crossed, error);
    mmn_settings_free(&crossed);
    if (status == MMN_OK && plan->settings.count > 0 && !lists)
        status = mmn_fail(error, MMN_USAGE, NULL, NULL,
                          "the setting \"%s\" needs a file of neurons to switch off",
                          plan->settings.names[0]);
    return status;
}

/* What would stop at the first question stops here, before any work. */
static mmn_status check(void *context, mmn_error *error)
{
    mmn_evaluation *evaluation = context;
    const mmn_model *model = evaluation->study.model;
    MMN_TRY(check_settings(evaluation, error));
    if (!evaluation->options->template_name && evaluation->study.samples.has_questions)
        MMN_TRY(mmn_own_template_check(&model->own_template, error));
    return mmn_generation_rules_check(&model->rules, model->folder, error);
}

static mmn_status begin(void *context, mmn_error *error)
{
    mmn_evaluation *evaluation = context;
    mmn_study *study = &evaluation->study;
    const size_t runs = study->plan.run_count, tokens = (size_t)evaluation->tokens;
    evaluation->domains = mmn_study_allocate(study, study->samples.domains.domain_count,
                                             sizeof(*evaluation->domains), error);
    evaluation->runs = mmn_study_allocate(study, runs, sizeof(*evaluation->runs), error);
    evaluation->counts = mmn_study_allocate(study, runs, sizeof(*evaluation->counts), error);
    evaluation->ids = mmn_study_allocate(study, runs, tokens * sizeof(*evaluation->ids), error);
    return evaluation->domains && evaluation->runs && evaluation->counts && evaluation->ids
               ? MMN_OK
               : MMN_SYSTEM;
}

/* ---- Result ---------------------------------------------------------------------------------- */

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_MADE_COLUMNS, MMN_TEXT("list"), MMN_WHOLE("samples"), MMN_WHOLE("seeds"),
                 MMN_WHOLE("first_seed"), MMN_WHOLE("tokens"), MMN_REAL("temperature", ""),
                 MMN_REAL("top_p", ""), MMN_WHOLE("sampling_seed"), MMN_TEXT("template"),
                 MMN_TEXT("template_from"), MMN_REAL("repetition_penalty", ""),
                 MMN_WHOLE("num_beams"), MMN_REAL("length_penalty", ""), MMN_TEXT("early_stopping"),
                 MMN_WHOLE("top_k"), MMN_GENERATION_COLUMN, MMN_ALLOWED_COLUMNS)},
    {"modules", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"stop", "result", MMN_COLUMNS(MMN_TEXT("string"))},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"runs", "result",
     MMN_COLUMNS(MMN_RUN_COLUMNS, MMN_WHOLE("samples"), MMN_TEXT("metric"),
                 MMN_REAL("accuracy", ""))},
    MMN_OFF_TABLE("runs"),
    {"measures", "runs",
     MMN_COLUMNS(MMN_TEXT("measure"), MMN_REAL("sum", ""), MMN_WHOLE("count"),
                 MMN_REAL("mean", ""))},
    {"predictions", "runs", MMN_COLUMNS(MMN_TEXT("id"), MMN_TEXT("answer"), MMN_REAL("score", ""))},
    {"summary", "result", MMN_COLUMNS(MMN_SUMMARY_COLUMNS)},
    {"cross", "result", MMN_COLUMNS(MMN_TEXT("setting"))},
    {"cross_rows", "cross", MMN_COLUMNS(MMN_TEXT("neurons_of"))},
    {"cross_cells", "cross_rows", MMN_COLUMNS(MMN_TEXT("domain"), MMN_REAL("accuracy", ""))},
    {0}};

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-eval-1',\n" MMN_MADE_JSON MMN_NONFINITE_JSON
    "  'settings': {'list': $list, 'samples': $samples, 'modules': [<modules|, |$name>],\n"
    "    'seeds': $seeds, 'first_seed': $first_seed, 'tokens': $tokens,"
    " 'temperature': $temperature, 'top_p': $top_p, 'sampling_seed': $sampling_seed,"
    " 'template': $template<?template_from|, 'template_from': $template_from>"
    "<?repetition_penalty|, 'repetition_penalty': $repetition_penalty>"
    "<?num_beams|, 'num_beams': $num_beams, 'length_penalty': $length_penalty,"
    " 'early_stopping': $early_stopping>"
    "<?top_k|, 'top_k': $top_k><?stop|, 'stop': [<stop|, |$string>]>" MMN_GENERATION_JSON
        MMN_ALLOWED_JSON "},\n"
    "  'domains': [<domains|, |$name>],\n"
    "  'runs': [\n"
    "<runs|,\n|"
    "    {" MMN_RUN_JSON ", 'samples': $samples,"
    " 'metric': $metric, 'accuracy': $accuracy,\n"
    "      'measures': {<measures|, |$measure: $mean>},\n"
    "      'predictions': [<predictions|,|\n"
    "        {'id': $id, 'answer': $answer, 'score': $score}>]}>],\n"
    "  'summary': [\n"
    "<summary|,\n|"
    "    {'setting': $setting, 'domain': $domain, 'plain': $plain, 'domain_off': $domain_off,"
    " 'random_mean': $random_mean,"
    " 'random_interval': " MMN_INTERVAL_JSON(
        "random_low", "random_high") ","
                                     " 'random_seeds': $random_seeds}>],\n"
                                     "  'cross': [\n"
                                     "<cross|,\n|"
                                     "    {'setting': $setting, 'domains': [<domains|, |$name>], "
                                     "'accuracy': [<cross_rows|,|\n"
                                     "      [<cross_cells|, |$accuracy>]>]}>]\n"
                                     "}\n";

static const char people[] =
    "accuracy, %, with all neurons on\n"
    "<runs off=nothing||  <-10 domains.name|${domain}>  $9.1{accuracy*100}  of ${samples}:"
    "<measures|| ${measure} $.1{sum*100/count}>\n>"
    "<summary by setting||\n${setting}: accuracy, %, with neurons off\n"
    "  <-10 domains.name|domain>       none   domain's     random  95 % interval\n"
    "<summary||  <-10 domains.name|${domain}>  $9.1{plain*100}  $9.1{domain_off*100}"
    "<?random_mean|  $9.1{random_mean*100}>"
    "<?random_low|  $.1{random_low*100} to $.1{random_high*100}>\n>>"
    "<cross||\n${setting}: accuracy, %, of a column's domain with a row's neurons off\n"
    "  <-10 domains.name|neurons of><domains||  <+9|${name}>>\n"
    "<cross_rows||  <-10 domains.name|${neurons_of}>"
    "<cross_cells||  <+9 domain|$.1{accuracy*100}>>\n>>" MMN_REMARKS;

const mmn_form mmn_evaluation_form = {
    .format = "mmneuron-eval-1", .tables = tables, .json = json, .people = people};

/* Mean score of a run's samples; 0 without samples. */
static double accuracy_of(const void *context, size_t run)
{
    const mmn_eval_run *answers = &((const mmn_evaluation *)context)->runs[run];
    return answers->count > 0 ? answers->accuracy_sum / (double)answers->count : 0;
}

static void describe(mmn_result *result, const void *context)
{
    static const char *const stopping[] = {"false", "true", "never"};
    const mmn_evaluation *evaluation = context;
    const mmn_study *study = &evaluation->study;
    const mmn_eval_options *options = evaluation->options;
    const mmn_model_info *info = mmn_model_describe(study->model);
    const mmn_beam_search *search = &evaluation->beam_search;
    const bool beams = search->beams > 1;
    MMN_ADD(result, "result", MMN_MADE(study), MMN_LIST(study), MMN_SEEDS(study),
            mmn_as_whole(evaluation->tokens), mmn_as_real(options->temperature),
            mmn_as_real(evaluation->top_p), mmn_as_whole(options->sampling_seed),
            mmn_as_text(evaluation->template_name),
            mmn_as_text(options->template_name ? NULL : info->template_file),
            mmn_real_if(evaluation->repetition_penalty != 1, evaluation->repetition_penalty),
            mmn_as_whole(beams ? search->beams : 0), mmn_as_real(search->length_penalty),
            mmn_as_text(stopping[search->early_stopping]), mmn_as_whole(options->top_k),
            mmn_generation_of(study->model), MMN_ALLOWED(study->allowed));
    for (size_t m = 0; m < info->module_count; m++)
        MMN_ADD(result, "modules", mmn_as_text(info->modules[m].name));
    for (size_t i = 0; i < options->stop_string_count; i++)
        MMN_ADD(result, "stop", mmn_as_text(options->stop_strings[i]));
}

static void add_run(mmn_result *result, const mmn_evaluation *evaluation, size_t number)
{
    const mmn_study *study = &evaluation->study;
    const mmn_run *run = &study->plan.runs[number];
    const mmn_eval_run *answers = &evaluation->runs[number];
    const mmn_eval_domain *domain = &evaluation->domains[run->domain];
    const char *metric = mmn_measure_name(mmn_metric_measure(domain->metric));
    MMN_ADD(result, "runs", MMN_RUN(study, run), mmn_as_whole(answers->count),
            mmn_as_text(domain->mixed ? "mixed" : metric),
            mmn_as_real(accuracy_of(evaluation, number)));
    mmn_add_neurons_off(result, study->model, run->mask);
    for (mmn_measure m = 0; m < MMN_MEASURES; m++)
        if (answers->counts[m] > 0)
            MMN_ADD(result, "measures", mmn_as_text(mmn_measure_name(m)),
                    mmn_as_real(answers->sums[m]), mmn_as_whole(answers->counts[m]),
                    mmn_as_real(answers->sums[m] / (double)answers->counts[m]));
    for (size_t i = 0; i < answers->count; i++) {
        const mmn_prediction *prediction = &answers->predictions[i];
        MMN_ADD(result, "predictions", mmn_as_text(prediction->id), mmn_as_text(prediction->answer),
                mmn_as_real(prediction->score));
    }
}

/* Rows: whose neurons are off; columns: which domain is answered. */
static void add_cross(mmn_result *result, const mmn_evaluation *evaluation, size_t setting)
{
    const mmn_study *study = &evaluation->study;
    const size_t domains = study->samples.domains.domain_count;
    MMN_ADD(result, "cross", mmn_as_text(study->plan.settings.names[setting]));
    for (size_t of = 0; of < domains; of++) {
        MMN_ADD(result, "cross_rows", mmn_as_text(mmn_domain_name(study, of)));
        for (size_t d = 0; d < domains; d++) {
            const size_t run = mmn_plan_find(&study->plan, setting, MMN_OFF_DOMAIN, of, d);
            MMN_ADD(result, "cross_cells", mmn_as_text(mmn_domain_name(study, d)),
                    mmn_as_real(accuracy_of(evaluation, run)));
        }
    }
}

static void fill(mmn_result *result, const void *context)
{
    const mmn_evaluation *evaluation = context;
    const mmn_plan *plan = &evaluation->study.plan;
    for (size_t i = 0; i < plan->run_count; i++)
        add_run(result, evaluation, i);
    mmn_add_summaries(result, &evaluation->study, accuracy_of, evaluation);
    for (size_t s = 0; s < plan->settings.count; s++)
        if (plan->crossed[s])
            add_cross(result, evaluation, s);
}

mmn_status mmn_eval(mmn_result **result, const mmn_model *model, const mmn_eval_options *options,
                    mmn_error *error)
{
    static const mmn_study_kind kind = {.doing = "answering",
                                        .unit = "answers",
                                        .size = sizeof(mmn_evaluation),
                                        .options_size = sizeof(mmn_eval_options),
                                        .former_size = offsetof(mmn_eval_options, rows),
                                        .set_up = set_up,
                                        .check = check,
                                        .begin = begin,
                                        .columns = columns,
                                        .row_size = sizeof(mmn_eval_row),
                                        .measure = answer_sample,
                                        .take = take,
                                        .form = &mmn_evaluation_form,
                                        .describe = describe,
                                        .fill = fill};
    return mmn_study_make(result, &kind, model, options, error);
}
