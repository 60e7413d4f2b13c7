/* Edits over a list as a result: what each way of editing does, on the average over edits, and how
 * it compares. doc/formats.md describes its JSON. */
#include <math.h>

#include "base/memory.h"
#include "model/model.h"
#include "study/bootstrap.h"
#include "study/edit_list.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_MADE_COLUMNS, MMN_TEXT("list"), MMN_WHOLE("samples"), MMN_TEXT("template"),
                 MMN_WHOLE("tokens"), MMN_TEXT("method"), MMN_WHOLE("top"),
                 MMN_REAL("probability", ""), MMN_REAL("learning_rate", ""), MMN_WHOLE("steps"),
                 MMN_WHOLE("layer"), MMN_WHOLE("layer_neurons"), MMN_WHOLE("seeds"),
                 MMN_WHOLE("first_seed"), MMN_GENERATION_COLUMN, MMN_ALLOWED_COLUMNS,
                 MMN_WHOLE("edits"), MMN_WHOLE("said"))},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    /* of a domain, or (nothing) of all: means over edits of which the measure is known */
    {"summary", "result",
     MMN_COLUMNS(MMN_TEXT("domain"), MMN_TEXT("method"), MMN_TEXT("chosen"), MMN_TEXT("measure"),
                 MMN_WHOLE("count"), MMN_REAL("mean", ""), MMN_REAL("low", ""),
                 MMN_REAL("high", ""))},
    /* of all domains: a way with the top neurons less another of the same method, edit by edit */
    {"comparisons", "result",
     MMN_COLUMNS(MMN_TEXT("method"), MMN_TEXT("against"), MMN_TEXT("measure"), MMN_WHOLE("count"),
                 MMN_REAL("difference", ""), MMN_REAL("low", ""), MMN_REAL("high", ""))},
    {"edits", "result",
     MMN_COLUMNS(MMN_TEXT("id"), MMN_TEXT("domain"), MMN_TEXT("from"), MMN_TEXT("to"),
                 MMN_TEXT("answer"), MMN_TRUTH("is_said"), MMN_REAL("before_from", "nats"),
                 MMN_REAL("before_to", "nats"))},
    {"ways", "edits",
     MMN_COLUMNS(MMN_TEXT("method"), MMN_TEXT("chosen"), MMN_WHOLE("seed"), MMN_TRUTH("found"),
                 MMN_WHOLE("passes"), MMN_REAL("after", "nats"), MMN_TEXT("answer"),
                 MMN_REAL("reliability", ""), MMN_REAL("generality", ""), MMN_REAL("locality", ""),
                 MMN_REAL("fall", "nats"))},
    {0}};

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-edits-1',\n" MMN_MADE_JSON MMN_NONFINITE_JSON
    "  'settings': {'list': $list, 'samples': $samples, 'template': $template, 'tokens': $tokens,\n"
    "    'method': $method, 'top': $top, 'probability': $probability,"
    " 'learning_rate': $learning_rate, 'steps': $steps,\n"
    "    'layer': $layer, 'layer_neurons': $layer_neurons, 'seeds': $seeds,"
    " 'first_seed': $first_seed" MMN_GENERATION_JSON MMN_ALLOWED_JSON "},\n"
    "  'domains': [<domains|, |$name>],\n"
    "  'edits_tried': $edits, 'edits_said': $said,\n"
    "  'summary': [<summary|,|\n"
    "    {'domain': $domain, 'method': $method, 'chosen': $chosen, 'measure': $measure,"
    " 'count': $count, 'mean': $mean, 'interval': " MMN_INTERVAL_JSON(
        "low",
        "high") "}>],\n"
                "  'comparisons': [<comparisons|,|\n"
                "    {'method': $method, 'against': $against, 'measure': $measure, 'count': $count,"
                " 'difference': $difference, 'interval': " MMN_INTERVAL_JSON(
                    "low", "high") "}>],\n"
                                   "  'edits': [<edits|,|\n"
                                   "    {'id': $id, 'domain': $domain, 'from': $from, 'to': $to, "
                                   "'answer': $answer,"
                                   " 'said': $is_said<?is_said|,\n"
                                   "     'before_from': $before_from, 'before_to': $before_to>,\n"
                                   "     'ways': [<ways|,|\n"
                                   "      {'method': $method, 'chosen': $chosen, 'seed': $seed, "
                                   "'found': $found,"
                                   " 'passes': $passes, 'after': $after, 'answer': $answer,\n"
                                   "       'reliability': $reliability, 'generality': $generality, "
                                   "'locality': $locality,"
                                   " 'fall': $fall}>]}>]\n"
                                   "}\n";

static const char people[] =
    "${said} of ${edits} edits are of words that are said\n"
    "<summary by domain||\n<?domain|${domain}><!domain|all>\n"
    "  method     neurons  measure      edits      mean  95 % over edits\n"
    "<summary||  <-9|${method}>  <-7|${chosen}>  <-11|${measure}>  $5{count}"
    "<?count|  $8.4{mean}><?low|  [$.4{low}, $.4{high}]>\n>>"
    "<comparisons first||\ntop neurons less others, edit by edit\n"
    "  method     others   measure      edits  difference  95 % over edits\n>"
    "<comparisons||  <-9|${method}>  <-7|${against}>  <-11|${measure}>  $5{count}"
    "  $10.4{difference}<?low|  [$.4{low}, $.4{high}]>\n>" MMN_REMARKS;

const mmn_form mmn_edits_form = {
    .format = "mmneuron-edits-1", .tables = tables, .json = json, .people = people};

/* ---- Measures -------------------------------------------------------------------------------- */

/* Of an edit, on the average over ways that differ from number `way` in their seeds at most; NaN
 * where it is not known. */
static double value_of(const mmn_edit_list *list, const mmn_tried_edit *edit, size_t way,
                       mmn_edit_measure measure)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; edit->said && i < list->way_count; i++) {
        const double value = edit->ways[i].measures[measure];
        if (mmn_edit_alike(&list->ways[i], &list->ways[way]) && !isnan(value)) {
            sum += value;
            count++;
        }
    }
    return count > 0 ? sum / (double)count : (double)NAN;
}

/* Whether no way before it differs from it in the seed alone. */
static bool is_first(const mmn_edit_list *list, size_t way)
{
    return way == 0 || !mmn_edit_alike(&list->ways[way - 1], &list->ways[way]);
}

static mmn_value method_of(const mmn_edit_way *way)
{
    return mmn_as_text(mmn_edit_method_name(way->optimised));
}

static mmn_value chosen_of(const mmn_edit_way *way)
{
    return mmn_as_text(mmn_edit_chosen_names[way->chosen]);
}

/* ---- Filling --------------------------------------------------------------------------------- */

void mmn_edit_list_describe(mmn_result *result, const void *context)
{
    const mmn_edit_list *list = context;
    const mmn_edits_options *options = list->options;
    const mmn_study *study = &list->study;
    size_t said = 0;
    for (size_t i = 0; i < list->edit_count; i++)
        said += list->edits[i].said;
    MMN_ADD(result, "result", MMN_MADE(study), MMN_LIST(study), mmn_as_text(options->template_name),
            mmn_as_whole(list->asked.tokens), mmn_as_text(options->method),
            mmn_as_whole(list->asked.top), mmn_as_real(list->wishes.probability),
            mmn_as_real(list->wishes.rate), mmn_as_whole(list->wishes.steps),
            mmn_as_whole(list->layer),
            mmn_as_whole(study->model->config.language.intermediate_size), MMN_SEEDS(study),
            mmn_generation_of(study->model), MMN_ALLOWED(study->allowed),
            mmn_as_whole(list->edit_count), mmn_as_whole(said));
}

/* `values` has room for a number of each edit. */
static void add_summary(mmn_result *result, const mmn_edit_list *list, size_t domain, size_t way,
                        mmn_edit_measure measure, double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < list->edit_count; i++) {
        const double value = value_of(list, &list->edits[i], way, measure);
        if ((domain == SIZE_MAX || list->edits[i].domain == domain) && !isnan(value))
            values[count++] = value;
    }
    const mmn_interval interval = mmn_interval_of(values, count);
    MMN_ADD(result, "summary", mmn_domain_of(&list->study, domain), method_of(&list->ways[way]),
            chosen_of(&list->ways[way]), mmn_as_text(mmn_edit_measure_names[measure]),
            mmn_as_whole(count), mmn_real_if(count > 0, interval.mean),
            mmn_real_if(count > 1, interval.low), mmn_real_if(count > 1, interval.high));
}

static void add_comparison(mmn_result *result, const mmn_edit_list *list, size_t top, size_t other,
                           mmn_edit_measure measure, double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < list->edit_count; i++) {
        const double difference = value_of(list, &list->edits[i], top, measure) -
                                  value_of(list, &list->edits[i], other, measure);
        if (!isnan(difference))
            values[count++] = difference;
    }
    if (count == 0)
        return;
    const mmn_interval interval = mmn_bootstrap(values, count, list->study.plan.first_seed);
    MMN_ADD(result, "comparisons", method_of(&list->ways[other]), chosen_of(&list->ways[other]),
            mmn_as_text(mmn_edit_measure_names[measure]), mmn_as_whole(count),
            mmn_as_real(interval.mean), mmn_real_if(!isnan(interval.low), interval.low),
            mmn_real_if(!isnan(interval.low), interval.high));
}

static void add_summaries(mmn_result *result, const mmn_edit_list *list, double *values)
{
    const size_t domains = list->study.samples.domains.domain_count;
    for (size_t d = 0; d < domains + (domains > 1); d++)
        for (size_t way = 0; way < list->way_count; way++)
            for (int m = 0; m < MMN_EDIT_MEASURES && is_first(list, way); m++)
                add_summary(result, list, d < domains ? d : SIZE_MAX, way, (mmn_edit_measure)m,
                            values);
}

/* The first way of a method is that of the top neurons. */
static void add_comparisons(mmn_result *result, const mmn_edit_list *list, double *values)
{
    size_t top = 0;
    for (size_t way = 0; way < list->way_count; way++) {
        if (list->ways[way].chosen == MMN_EDIT_TOP)
            top = way;
        for (int m = 0; m < MMN_EDIT_MEASURES && way != top && is_first(list, way); m++)
            add_comparison(result, list, top, way, (mmn_edit_measure)m, values);
    }
}

static mmn_value measure_of(const mmn_tried_way *tried, mmn_edit_measure measure)
{
    return mmn_real_if(!isnan(tried->measures[measure]), tried->measures[measure]);
}

static void add_edit(mmn_result *result, const mmn_edit_list *list, const mmn_tried_edit *edit)
{
    MMN_ADD(result, "edits", mmn_as_text(edit->id), mmn_domain_of(&list->study, edit->domain),
            mmn_as_text(edit->from), mmn_as_text(edit->to), mmn_as_text(edit->answer),
            mmn_as_truth(edit->said), mmn_as_real(edit->before[0]), mmn_as_real(edit->before[1]));
    for (size_t i = 0; edit->said && i < list->way_count; i++) {
        const mmn_edit_way *way = &list->ways[i];
        const mmn_tried_way *tried = &edit->ways[i];
        MMN_ADD(result, "ways", method_of(way), chosen_of(way),
                way->chosen == MMN_EDIT_RANDOM ? mmn_as_whole(way->seed) : mmn_as_nothing(),
                mmn_as_truth(tried->found), mmn_as_whole(tried->passes), mmn_as_real(tried->after),
                mmn_as_optional(tried->answer), measure_of(tried, MMN_EDIT_RELIABILITY),
                measure_of(tried, MMN_EDIT_GENERALITY), measure_of(tried, MMN_EDIT_LOCALITY),
                measure_of(tried, MMN_EDIT_FALL));
    }
}

void mmn_edit_list_fill(mmn_result *result, const void *context)
{
    const mmn_edit_list *list = context;
    double *values = mmn_allocate(list->edit_count, sizeof(*values), NULL);
    if (!values) {
        result->failed = true;
        return;
    }
    add_summaries(result, list, values);
    add_comparisons(result, list, values);
    for (size_t i = 0; i < list->edit_count; i++)
        add_edit(result, list, &list->edits[i]);
    mmn_free(values);
}
