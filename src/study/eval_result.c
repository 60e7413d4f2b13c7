/* Evaluations as results. doc/formats.md describes their JSON, eval.json. */
#include "base/given.h"
#include "study/eval.h"
#include "study/run_result.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_MADE_COLUMNS, MMN_TEXT("list"), MMN_WHOLE("samples"), MMN_WHOLE("seeds"),
                 MMN_WHOLE("first_seed"), MMN_WHOLE("tokens"), MMN_REAL("temperature", ""),
                 MMN_REAL("top_p", ""), MMN_WHOLE("sampling_seed"), MMN_TEXT("template"),
                 MMN_TEXT("template_from"), MMN_REAL("repetition_penalty", ""),
                 MMN_WHOLE("num_beams"), MMN_REAL("length_penalty", ""),
                 MMN_TEXT("early_stopping"), MMN_WHOLE("top_k"), MMN_GENERATION_COLUMN,
                 MMN_ALLOWED_COLUMNS)},
    {"modules", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"stop", "result", MMN_COLUMNS(MMN_TEXT("string"))},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"runs", "result",
     MMN_COLUMNS(MMN_TEXT("setting"), MMN_OFF_COLUMNS, MMN_TEXT("domain"),
                 MMN_WHOLE("samples"), MMN_TEXT("metric"), MMN_REAL("accuracy", ""))},
    MMN_OFF_TABLE("runs"),
    {"measures", "runs",
     MMN_COLUMNS(MMN_TEXT("measure"), MMN_REAL("sum", ""), MMN_WHOLE("count"),
                 MMN_REAL("mean", ""))},
    {"predictions", "runs",
     MMN_COLUMNS(MMN_TEXT("id"), MMN_TEXT("answer"), MMN_REAL("score", ""))},
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
    "<?top_k|, 'top_k': $top_k><?stop|, 'stop': [<stop|, |$string>]>"
    MMN_GENERATION_JSON MMN_ALLOWED_JSON "},\n"
    "  'domains': [<domains|, |$name>],\n"
    "  'runs': [\n"
    "<runs|,\n|"
    "    {'setting': $setting, " MMN_OFF_JSON ", 'domain': $domain, 'samples': $samples,"
    " 'metric': $metric, 'accuracy': $accuracy,\n"
    "      'measures': {<measures|, |$measure: $mean>},\n"
    "      'predictions': [<predictions|,|\n"
    "        {'id': $id, 'answer': $answer, 'score': $score}>]}>],\n"
    "  'summary': [\n"
    "<summary|,\n|"
    "    {'setting': $setting, 'domain': $domain, 'plain': $plain, 'domain_off': $domain_off,"
    " 'random_mean': $random_mean,"
    " 'random_interval': " MMN_INTERVAL_JSON("random_low", "random_high") ","
    " 'random_seeds': $random_seeds}>],\n"
    "  'cross': [\n"
    "<cross|,\n|"
    "    {'setting': $setting, 'domains': [<domains|, |$name>], 'accuracy': [<cross_rows|,|\n"
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

static void add_settings(mmn_result *result, const mmn_evaluation *evaluation)
{
    static const char *const stopping[] = {"false", "true", "never"};
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
    mmn_add_domains(result, study);
}

static void add_run(mmn_result *result, const mmn_evaluation *evaluation, size_t number)
{
    const mmn_study *study = &evaluation->study;
    const mmn_run *run = &study->plan.runs[number];
    const mmn_eval_run *answers = &evaluation->runs[number];
    const mmn_eval_domain *domain = &evaluation->domains[run->domain];
    const char *metric = mmn_measure_name(mmn_metric_measure(domain->metric));
    MMN_ADD(result, "runs", mmn_as_text(mmn_setting_of(study, run)), MMN_OFF(study, run),
            mmn_as_text(mmn_domain_name(study, run->domain)), mmn_as_whole(answers->count),
            mmn_as_text(domain->mixed ? "mixed" : metric),
            mmn_as_real(mmn_eval_accuracy(evaluation, number)));
    mmn_add_neurons_off(result, study->model, run->mask);
    for (mmn_measure m = 0; m < MMN_MEASURES; m++)
        if (answers->counts[m] > 0)
            MMN_ADD(result, "measures", mmn_as_text(mmn_measure_name(m)),
                    mmn_as_real(answers->sums[m]), mmn_as_whole(answers->counts[m]),
                    mmn_as_real(answers->sums[m] / (double)answers->counts[m]));
    for (size_t i = 0; i < answers->count; i++) {
        const mmn_prediction *prediction = &answers->predictions[i];
        MMN_ADD(result, "predictions", mmn_as_text(prediction->id),
                mmn_as_text(prediction->answer), mmn_as_real(prediction->score));
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
                    mmn_as_real(mmn_eval_accuracy(evaluation, run)));
        }
    }
}

static mmn_status make_result(mmn_result **made, const mmn_evaluation *evaluation,
                              mmn_error *error)
{
    const mmn_plan *plan = &evaluation->study.plan;
    if (mmn_result_begin(made, &mmn_evaluation_form, error) != MMN_OK)
        return MMN_SYSTEM;
    add_settings(*made, evaluation);
    for (size_t i = 0; i < plan->run_count; i++)
        add_run(*made, evaluation, i);
    mmn_add_summaries(*made, &evaluation->study, mmn_eval_accuracy, evaluation);
    for (size_t s = 0; s < plan->settings.count; s++)
        if (plan->crossed[s])
            add_cross(*made, evaluation, s);
    return mmn_result_end(made, error);
}

mmn_status mmn_eval(mmn_result **result, const mmn_model *model, const mmn_eval_options *options,
                    mmn_error *error)
{
    mmn_evaluation evaluation = {0};
    if (result)
        *result = NULL;
    if (MMN_MISSING(error, result, model, options) || MMN_MISSING(error, options->list) ||
        mmn_text_is_missing(error, "stop string", options->stop_string_count,
                            options->stop_strings))
        return MMN_USAGE;
    mmn_status status = mmn_evaluate(&evaluation, model, options, error);
    if (status == MMN_OK)
        status = make_result(result, &evaluation, error);
    mmn_evaluation_free(&evaluation);
    return status;
}
