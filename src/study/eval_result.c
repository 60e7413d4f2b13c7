/* Evaluations: their result. doc/formats.md describes its JSON, eval.json. */
#include <math.h>

#include "model/model.h"
#include "result/template.h"
#include "study/bootstrap.h"
#include "study/comparison.h"
#include "study/eval.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_MADE_COLUMNS, MMN_TEXT("list"), MMN_WHOLE("samples"), MMN_WHOLE("seeds"),
                 MMN_WHOLE("first_seed"), MMN_WHOLE("tokens"), MMN_REAL("temperature", ""),
                 MMN_REAL("top_p", ""), MMN_WHOLE("sampling_seed"), MMN_TEXT("template"),
                 MMN_TEXT("template_from"), MMN_REAL("repetition_penalty", ""),
                 MMN_WHOLE("num_beams"), MMN_REAL("length_penalty", ""), MMN_TEXT("early_stopping"),
                 MMN_WHOLE("top_k"), MMN_GENERATION_COLUMN, MMN_ALLOWED_COLUMNS,
                 MMN_TRUTH("answers"), MMN_TRUTH("likelihood"), MMN_REAL("until", ""),
                 MMN_TEXT("judge"), MMN_TEXT("judge_form"), MMN_TEXT("languages"),
                 MMN_TEXT("steered_by"), MMN_WHOLE("first_cases"))},
    {"modules", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"stop", "result", MMN_COLUMNS(MMN_TEXT("string"))},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    {"runs", "result",
     MMN_COLUMNS(MMN_RUN_COLUMNS, MMN_WHOLE("samples"), MMN_TEXT("metric"),
                 MMN_REAL("accuracy", ""), MMN_REAL("log_probability_per_token", "nats"))},
    MMN_OFF_TABLE("runs"),
    {"measures", "runs",
     MMN_COLUMNS(MMN_TEXT("measure"), MMN_REAL("sum", ""), MMN_WHOLE("count"),
                 MMN_REAL("mean", ""))},
    {"predictions", "runs",
     MMN_COLUMNS(MMN_TEXT("id"), MMN_TEXT("answer"), MMN_TEXT("language"), MMN_REAL("score", ""),
                 MMN_TEXT("reference"), MMN_REAL("log_probability", "nats"),
                 MMN_WHOLE("reference_tokens"))},
    {"summary", "result", MMN_COLUMNS(MMN_SUMMARY_COLUMNS)},
    {"cross", "result", MMN_COLUMNS(MMN_TEXT("setting"))},
    {"cross_rows", "cross", MMN_COLUMNS(MMN_TEXT("neurons_of"))},
    {"cross_cells", "cross_rows", MMN_COLUMNS(MMN_TEXT("domain"), MMN_REAL("accuracy", ""))},
    /* the share of answers in the language of a row while a column's samples are steered to it, and
     * with nothing off */
    {"steered", "result", MMN_COLUMNS(MMN_TEXT("setting"))},
    {"steered_rows", "steered", MMN_COLUMNS(MMN_TEXT("on"))},
    {"steered_cells", "steered_rows",
     MMN_COLUMNS(MMN_TEXT("domain"), MMN_REAL("before", ""), MMN_REAL("after", ""),
                 MMN_REAL("change", ""))},
    /* of ln p per token: the same, and by how much it differs from that with nothing off */
    {"likelihood_summary", "result", MMN_COLUMNS(MMN_SUMMARY_COLUMNS)},
    {"likelihood_cross", "result", MMN_COLUMNS(MMN_TEXT("setting"))},
    {"likelihood_rows", "likelihood_cross", MMN_COLUMNS(MMN_TEXT("neurons_of"))},
    {"likelihood_cells", "likelihood_rows",
     MMN_COLUMNS(MMN_TEXT("domain"), MMN_REAL("difference", "nats"))},
    {"bootstrap", "result", MMN_COLUMNS(MMN_WHOLE("draws"), MMN_WHOLE("seed"))},
    MMN_COMPARISON_TABLES,
    {"stopping", "result",
     MMN_COLUMNS(MMN_TEXT("measure"), MMN_TEXT("sequence"), MMN_TEXT("source"))},
    {"known", "result",
     MMN_COLUMNS(MMN_TEXT("setting"), MMN_TEXT("domain"), MMN_WHOLE("samples"), MMN_WHOLE("of"),
                 MMN_REAL("half_width", ""), MMN_TRUTH("enough"))},
    /* of runs with a domain's neurons off: how many answers differ from those with nothing off, and
       the first samples whose answers do */
    {"changes", "result",
     MMN_COLUMNS(MMN_TEXT("setting"), MMN_TEXT("neurons_of"), MMN_TEXT("domain"),
                 MMN_WHOLE("samples"), MMN_WHOLE("changed"))},
    {"cases", "changes",
     MMN_COLUMNS(MMN_TEXT("id"), MMN_TEXT("question"), MMN_TEXT("before"),
                 MMN_REAL("score_before", ""), MMN_TEXT("after"), MMN_REAL("score_after", ""))},
    {"images", "cases", MMN_COLUMNS(MMN_TEXT("file"))},
    {"choices", "cases", MMN_COLUMNS(MMN_TEXT("choice"))},
    {"right_answers", "cases", MMN_COLUMNS(MMN_TEXT("right"))},
    {0}};

#define SUMMARY                                                                                    \
    "{'setting': $setting, 'domain': $domain, 'plain': $plain, 'domain_off': $domain_off,"         \
    " 'random_mean': $random_mean,"                                                                \
    " 'random_interval': " MMN_INTERVAL_JSON("random_low",                                         \
                                             "random_high") ","                                    \
                                                            " 'random_seeds': $random_seeds}"

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-eval-1',\n" MMN_MADE_JSON MMN_NONFINITE_JSON
    "  'settings': {'list': $list, 'samples': $samples, 'modules': [<modules|, |$name>],\n"
    "    'seeds': $seeds, 'first_seed': $first_seed<?answers|, 'tokens': $tokens,"
    " 'temperature': $temperature, 'top_p': $top_p, 'sampling_seed': $sampling_seed>,"
    " 'template': $template<?template_from|, 'template_from': $template_from>"
    "<?repetition_penalty|, 'repetition_penalty': $repetition_penalty>"
    "<?num_beams|, 'num_beams': $num_beams, 'length_penalty': $length_penalty,"
    " 'early_stopping': $early_stopping>"
    "<?top_k|, 'top_k': $top_k><?stop|, 'stop': [<stop|, |$string>]><?until|, 'until': "
    "$until><?judge|, 'judge': $judge, 'judge_form': $judge_form>"
    "<?languages|, 'languages': $languages><?steered_by|, 'steered_by': $steered_by>"
    "<?first_cases|, 'first_cases': $first_cases>" MMN_GENERATION_JSON MMN_ALLOWED_JSON "},\n"
    "  'domains': [<domains|, |$name>],\n"
    "  'runs': [\n"
    "<runs|,\n|"
    "    {" MMN_RUN_JSON ", 'samples': $samples, 'metric': $metric"
    "<?answers|, 'accuracy': $accuracy>"
    "<?likelihood|, 'log_probability_per_token': $log_probability_per_token>,\n"
    "<?answers|      'measures': {<measures|, |$measure: $mean>},\n>"
    "      'predictions': [<predictions|,|\n"
    "        {'id': $id<?answers|, 'answer': $answer<?languages|, 'language': $language>,"
    " 'score': $score>"
    "<?likelihood|, 'reference': $reference, 'log_probability': $log_probability,"
    " 'reference_tokens': $reference_tokens>}>]}>],\n"
    "  'summary': [\n"
    "<summary|,\n|    " SUMMARY ">],\n"
    "  'cross': [\n"
    "<cross|,\n|"
    "    {'setting': $setting, 'domains': [<domains|, |$name>], 'accuracy': [<cross_rows|,|\n"
    "      [<cross_cells|, |$accuracy>]>]}>]"
    "<?steered|,\n"
    "  'steered': [\n"
    "<steered|,\n|"
    "    {'setting': $setting, 'rows': [<steered_rows|,|\n"
    "      {'on': $on, 'cells': [<steered_cells|,|\n"
    "        {'domain': $domain, 'before': $before, 'after': $after, 'change': $change}>]}>]}>]>"
    "<?likelihood|,\n"
    "  'likelihood': {\n"
    "    'summary': [\n"
    "<likelihood_summary|,\n|      " SUMMARY ">],\n"
    "    'cross': [\n"
    "<likelihood_cross|,\n|"
    "      {'setting': $setting, 'domains': [<domains|, |$name>],"
    " 'difference': [<likelihood_rows|,|\n"
    "        [<likelihood_cells|, |$difference>]>]}>]}>"
    "<?comparisons|,\n"
    "  'bootstrap': <bootstrap||{'interval': 'BCa', 'draws': $draws, 'seed': $seed}>,\n"
    "  'comparisons': [\n"
    "<comparisons|,\n|    " MMN_COMPARISON_JSON ">]>"
    "<?stopping|,\n"
    "  'stopping': <stopping||{'measure': $measure, 'sequence': $sequence, 'source': $source},\n>"
    "  'known': [\n"
    "<known|,\n|    {'setting': $setting, 'domain': $domain, 'samples': $samples, 'of': $of,"
    " 'half_width': $half_width, 'enough': $enough}>]>"
    "<?changes|,\n"
    "  'changes': [\n"
    "<changes|,\n|    {'setting': $setting, 'neurons_of': $neurons_of, 'domain': $domain,"
    " 'samples': $samples, 'changed': $changed, 'cases': [<cases|,|\n"
    "      {'id': $id, 'images': [<images|, |$file>], 'question': $question,"
    " 'choices': [<choices|, |$choice>], 'right_answers': [<right_answers|, |$right>],\n"
    "       'before': $before, 'score_before': $score_before, 'after': $after,"
    " 'score_after': $score_after}>]}>]>\n"
    "}\n";

/* What statements are about, and their numbers. */
#define MEASURE "<?likelihood|ln p per token><!likelihood|accuracy>"
#define NUMBERS "$.2g{by} ($.2g{least} to $.2g{most})<!likelihood| points>"
#define LOWER_OR_HIGHER MEASURE " is " NUMBERS
#define STATEMENT                                                                                  \
    "${domain}: <?shows=lower|" LOWER_OR_HIGHER " lower>"                                          \
    "<?shows=higher|" LOWER_OR_HIGHER " higher>"                                                   \
    "<?shows=no difference|no difference is seen in " MEASURE ": " NUMBERS ">"                     \
    "<?shows=nothing|too few samples, ${samples}, to show anything>"
#define BESIDE_RANDOM                                                                              \
    "${setting}: by sample, a domain's own neurons off beside as many random ones (95 % "          \
    "intervals)"

static const char people[] =
    "<?answers|accuracy, %, with all neurons on\n"
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
    "<cross_cells||  <+9 domain|$.1{accuracy*100}>>\n>>"
    "<steered||\n${setting}: answers in a row's language, %, to a column's questions with its own "
    "neurons off and the row's raised (with nothing off)\n"
    "  <-10 domains.name|to><domains||  <+15|${name}>>\n"
    "<steered_rows||  <-10 domains.name|${on}>"
    "<steered_cells||  <+15 domain|$.1{after*100} ($.1{before*100})>>\n>>>"
    "<?likelihood|<?answers|\n>ln p per token of the right answers, with all neurons on\n"
    "<runs off=nothing||  <-10 domains.name|${domain}>  $9.4{log_probability_per_token}"
    "  of ${samples}\n>"
    "<likelihood_summary by setting||\n${setting}: ln p per token, with neurons off\n"
    "  <-10 domains.name|domain>       none   domain's     random  95 % interval\n"
    "<likelihood_summary||  <-10 domains.name|${domain}>  $9.4{plain}  $9.4{domain_off}"
    "<?random_mean|  $9.4{random_mean}>"
    "<?random_low|  $.4{random_low} to $.4{random_high}>\n>>"
    "<likelihood_cross||\n${setting}: ln p per token less that with nothing off, of a column's"
    " domain with a row's neurons off\n"
    "  <-10 domains.name|neurons of><domains||  <+9|${name}>>\n"
    "<likelihood_rows||  <-10 domains.name|${neurons_of}>"
    "<likelihood_cells||  <+9 domain|$.4{difference}>>\n>>>"
    "<statements by setting||\n" BESIDE_RANDOM "\n"
    "<statements||  " STATEMENT "\n>>"
    "<known by setting||\n${setting}: samples until own neurons beside random ones were "
    "known, " MEASURE " to within $.3g{until}\n"
    "<known||  <-10 domains.name|${domain}>  $6{samples} of ${of}"
    "<!enough|: the list ended before><?half_width|, to within $.2g{half_width}>\n>>"
    "<changes by setting||\n${setting}: answers that change while neurons are off\n"
    "<changes||  <-10 domains.name|${domain}>  $6{changed} of ${samples}, neurons of "
    "${neurons_of} off\n"
    "<cases||    ${id}: $\"{before} becomes $\"{after}<right_answers first||; right: "
    "$\"{right}>\n>>>"
    "<stopping||looking after each sample is allowed for: ${sequence} (${source})\n>" MMN_REMARKS;

const mmn_form mmn_evaluation_form = {
    .format = "mmneuron-eval-1", .tables = tables, .json = json, .people = people};

void mmn_evaluation_tell(mmn_text *text, const mmn_result *result)
{
    mmn_template_add(text, result,
                     "<statements by setting|\n|" BESIDE_RANDOM ": <statements|; |" STATEMENT ">.>",
                     false);
}

/* A measure in one setting, and the names of the tables that it stands in. */
typedef struct measured {
    double (*of_sample)(const void *evaluation, size_t run, size_t sample);
    bool
        beside_nothing; /* the cross table says by how much it differs from that with nothing off */
    const char *summary, *cross, *rows, *cells;
    const mmn_evaluation *evaluation;
    size_t setting;
} measured;

/* Its mean over those samples of a run that run in the setting, from the first on: where the
 * setting has ended before others, the run with nothing off has more. */
static double mean_of(const void *context, size_t run)
{
    const measured *measure = context;
    const mmn_plan *plan = &measure->evaluation->study.plan;
    const size_t domain = plan->runs[run].domain;
    const size_t own = mmn_plan_find(plan, measure->setting, MMN_OFF_DOMAIN, domain, domain);
    const size_t count = (size_t)plan->runs[own].samples;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += measure->of_sample(measure->evaluation, run, i);
    return count > 0 ? sum / (double)count : 0;
}

void mmn_evaluation_describe(mmn_result *result, const void *context)
{
    static const char *const stopping[] = {"false", "true", "never"};
    const mmn_evaluation *evaluation = context;
    const mmn_study *study = &evaluation->study;
    const mmn_eval_options *options = evaluation->options;
    const mmn_model_info *info = mmn_model_describe(study->model);
    const mmn_beam_search *search = &evaluation->beam_search;
    const bool answers = evaluation->answers, beams = answers && search->beams > 1;
    MMN_ADD(
        result, "result", MMN_MADE(study), MMN_LIST(study), MMN_SEEDS(study),
        mmn_as_whole(evaluation->tokens), mmn_as_real(options->temperature),
        mmn_as_real(evaluation->top_p), mmn_as_whole(options->sampling_seed),
        mmn_as_text(evaluation->template_name),
        mmn_as_text(options->template_name ? NULL : info->template_file),
        mmn_real_if(answers && evaluation->repetition_penalty != 1, evaluation->repetition_penalty),
        mmn_as_whole(beams ? search->beams : 0), mmn_as_real(search->length_penalty),
        mmn_as_text(stopping[search->early_stopping]), mmn_as_whole(answers ? options->top_k : 0),
        answers ? mmn_generation_of(study->model) : mmn_as_nothing(), MMN_ALLOWED(study->allowed),
        mmn_as_truth(answers), mmn_as_truth(evaluation->likelihood),
        mmn_real_if(options->until > 0, options->until), mmn_as_optional(evaluation->judge_digest),
        mmn_as_text(evaluation->judge_digest[0] != '\0' ? mmn_judge_form_name(options->judge_form)
                                                        : NULL),
        mmn_as_optional(evaluation->languages.digest),
        mmn_as_text(evaluation->steering_counts ? evaluation->steering_counts->data : NULL),
        mmn_as_whole(options->cases));
    for (size_t m = 0; m < info->module_count; m++)
        MMN_ADD(result, "modules", mmn_as_text(info->modules[m].name));
    for (size_t i = 0; i < options->stop_string_count && answers; i++)
        MMN_ADD(result, "stop", mmn_as_text(options->stop_strings[i]));
}

static void add_run(mmn_result *result, const mmn_evaluation *evaluation, size_t number)
{
    const mmn_study *study = &evaluation->study;
    const mmn_run *run = &study->plan.runs[number];
    const mmn_eval_run *answers = &evaluation->runs[number];
    const mmn_eval_domain *domain = &evaluation->domains[run->domain];
    const double count = (double)answers->count;
    const char *metric = mmn_measure_name(mmn_metric_measure(domain->metric));
    MMN_ADD(result, "runs", MMN_RUN(study, run), mmn_as_whole(answers->count),
            mmn_as_text(domain->mixed ? "mixed" : metric),
            mmn_real_if(evaluation->answers, answers->accuracy_sum / count),
            mmn_real_if(evaluation->likelihood, answers->likelihood_sum / count));
    mmn_add_neurons_off(result, study->model, run->mask);
    for (mmn_measure m = 0; m < MMN_MEASURES; m++)
        if (answers->counts[m] > 0)
            MMN_ADD(result, "measures", mmn_as_text(mmn_measure_name(m)),
                    mmn_as_real(answers->sums[m]), mmn_as_whole(answers->counts[m]),
                    mmn_as_real(answers->sums[m] / (double)answers->counts[m]));
    for (size_t i = 0; i < answers->count; i++) {
        const mmn_prediction *prediction = &answers->predictions[i];
        MMN_ADD(result, "predictions", mmn_as_text(prediction->id), mmn_as_text(prediction->answer),
                mmn_as_text(prediction->language < evaluation->languages.count
                                ? evaluation->languages.list[prediction->language].name
                                : NULL),
                mmn_real_if(evaluation->answers, prediction->score),
                mmn_as_text(prediction->reference),
                mmn_real_if(evaluation->likelihood, prediction->likelihood.sum),
                mmn_as_whole(prediction->likelihood.tokens));
    }
}

/* Rows: whose neurons are off; columns: which domain is answered. */
static void add_cross(mmn_result *result, const measured *measure)
{
    const mmn_study *study = &measure->evaluation->study;
    const size_t domains = study->samples.domains.domain_count;
    MMN_ADD(result, measure->cross, mmn_as_text(study->plan.settings.names[measure->setting]));
    for (size_t of = 0; of < domains; of++) {
        MMN_ADD(result, measure->rows, mmn_as_text(mmn_domain_name(study, of)));
        for (size_t d = 0; d < domains; d++) {
            const size_t run = mmn_plan_find(&study->plan, measure->setting, MMN_OFF_DOMAIN, of, d);
            const size_t plain = mmn_plan_find(&study->plan, 0, MMN_OFF_NOTHING, d, d);
            MMN_ADD(result, measure->cells, mmn_as_text(mmn_domain_name(study, d)),
                    mmn_as_real(mean_of(measure, run) -
                                (measure->beside_nothing ? mean_of(measure, plain) : 0)));
        }
    }
}

/* The share of a run's answers that are in a language. */
static double share_in(const mmn_evaluation *evaluation, size_t run, size_t language)
{
    const mmn_eval_run *answers = &evaluation->runs[run];
    size_t count = 0;
    for (size_t i = 0; i < answers->count; i++)
        count += answers->predictions[i].language == language;
    return answers->count > 0 ? (double)count / (double)answers->count : 0;
}

/* Rows: to which language; columns: in which the questions are. Nothing is steered to its own. */
static void add_steered(mmn_result *result, const mmn_evaluation *evaluation, size_t setting)
{
    const mmn_study *study = &evaluation->study;
    const size_t domains = study->samples.domains.domain_count;
    MMN_ADD(result, "steered", mmn_as_text(study->plan.settings.names[setting]));
    for (size_t on = 0; on < domains; on++) {
        const char *name = mmn_domain_name(study, on);
        const size_t language = mmn_languages_named(&evaluation->languages, name);
        MMN_ADD(result, "steered_rows", mmn_as_text(name));
        for (size_t d = 0; d < domains; d++) {
            const size_t plain = mmn_plan_find(&study->plan, 0, MMN_OFF_NOTHING, d, d);
            const size_t run =
                d == on ? plain : mmn_plan_find(&study->plan, setting, MMN_OFF_STEERED, on, d);
            const double before = share_in(evaluation, plain, language);
            const double after = share_in(evaluation, run, language);
            MMN_ADD(result, "steered_cells", mmn_as_text(mmn_domain_name(study, d)),
                    mmn_as_real(before), mmn_as_real(after), mmn_as_real(after - before));
        }
    }
}

/* Summaries and cross tables of one measure. */
static void add_measure(mmn_result *result, measured measure)
{
    const mmn_study *study = &measure.evaluation->study;
    for (measure.setting = 0; measure.setting < study->plan.settings.count; measure.setting++) {
        mmn_add_summary(result, measure.summary, study, measure.setting, mean_of, &measure);
        if (study->plan.crossed[measure.setting])
            add_cross(result, &measure);
    }
}

/* Of mmn_sample_values: that of the confidence sequence. */
static mmn_interval interval_of(const void *context, size_t setting, size_t domain)
{
    const mmn_eval_known *known = mmn_evaluation_known_of(context, setting, domain);
    return (mmn_interval){known->mean, known->mean - known->half_width,
                          known->mean + known->half_width};
}

static void add_comparisons(mmn_result *result, const mmn_evaluation *evaluation)
{
    const mmn_study *study = &evaluation->study;
    const bool looked = evaluation->known != NULL;
    const mmn_sample_values accuracy = {"accuracy", study, evaluation, mmn_score_of_sample,
                                        looked && !evaluation->likelihood ? interval_of : NULL};
    const mmn_sample_values likelihood = {"log_probability_per_token", study, evaluation,
                                          mmn_likelihood_of_sample, looked ? interval_of : NULL};
    MMN_ADD(result, "bootstrap", mmn_as_whole(MMN_BOOTSTRAP_DRAWS),
            mmn_as_whole(mmn_comparison_seed(study)));
    if (evaluation->answers)
        mmn_add_comparisons(result, &accuracy);
    if (evaluation->likelihood)
        mmn_add_comparisons(result, &likelihood);
    mmn_evaluation_state(result);
}

/* When which setting in which domain ended. */
static void add_known(mmn_result *result, const mmn_evaluation *evaluation)
{
    const mmn_study *study = &evaluation->study;
    if (evaluation->likelihood)
        MMN_ADD(result, "stopping", mmn_as_text("log_probability_per_token"),
                mmn_as_text("asymptotic 95 % confidence sequence"),
                mmn_as_text("arXiv 2103.06476, theorem 2.2"));
    else
        MMN_ADD(result, "stopping", mmn_as_text("accuracy"),
                mmn_as_text("empirical Bernstein 95 % confidence sequence"),
                mmn_as_text("arXiv 2010.09686, theorem 2"));
    for (size_t s = 0; s < study->plan.settings.count; s++)
        for (size_t d = 0; d < study->samples.domains.domain_count; d++) {
            const mmn_eval_known *known = mmn_evaluation_known_of(evaluation, s, d);
            const size_t own = mmn_plan_find(&study->plan, s, MMN_OFF_DOMAIN, d, d);
            MMN_ADD(result, "known", mmn_as_text(study->plan.settings.names[s]),
                    mmn_as_text(mmn_domain_name(study, d)),
                    mmn_as_whole(study->plan.runs[own].samples),
                    mmn_as_whole(study->samples.domains.domains[d].left),
                    mmn_real_if(isfinite(known->half_width), known->half_width),
                    mmn_as_truth(known->enough));
        }
}

void mmn_evaluation_fill(mmn_result *result, const void *context)
{
    const mmn_evaluation *evaluation = context;
    for (size_t i = 0; i < evaluation->study.plan.run_count; i++)
        add_run(result, evaluation, i);
    if (evaluation->answers)
        add_measure(result, (measured){mmn_score_of_sample, false, "summary", "cross", "cross_rows",
                                       "cross_cells", evaluation, 0});
    for (size_t s = 0; s < evaluation->study.plan.settings.count && evaluation->steering_counts;
         s++)
        if (evaluation->study.plan.crossed[s])
            add_steered(result, evaluation, s);
    if (evaluation->likelihood)
        add_measure(result, (measured){mmn_likelihood_of_sample, true, "likelihood_summary",
                                       "likelihood_cross", "likelihood_rows", "likelihood_cells",
                                       evaluation, 0});
    add_comparisons(result, evaluation);
    if (evaluation->known)
        add_known(result, evaluation);
    if (evaluation->options->cases > 0)
        mmn_evaluation_add_cases(result, evaluation);
}
