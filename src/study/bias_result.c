/* Bias over a list as a result: by how much scores change. doc/formats.md describes its JSON. */
#include "base/memory.h"
#include "model/model.h"
#include "study/bias.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_JOINT_LIST_COLUMNS, MMN_TEXT("property"), MMN_TEXT("from"), MMN_TEXT("to"),
                 MMN_REAL("epsilon", ""))},
    {"domains", "result", MMN_COLUMNS(MMN_TEXT("name"))},
    /* of a domain, or (nothing) of all: means over lines both of whose answers are scores */
    {"summary", "result",
     MMN_COLUMNS(MMN_TEXT("domain"), MMN_WHOLE("asked"), MMN_WHOLE("scored"),
                 MMN_REAL("score_before", ""), MMN_REAL("score_after", ""), MMN_REAL("delta", ""),
                 MMN_REAL("low", ""), MMN_REAL("high", ""))},
    {"lines", "result",
     MMN_COLUMNS(MMN_TEXT("id"), MMN_TEXT("domain"), MMN_TEXT("asked_for"),
                 MMN_TEXT("answer_before"), MMN_TEXT("answer_after"), MMN_WHOLE("score_before"),
                 MMN_WHOLE("score_after"), MMN_REAL("delta", ""), MMN_REAL("before", ""),
                 MMN_REAL("after", ""))},
    {0}};

#define INTERVAL MMN_INTERVAL_JSON("low", "high")
static const char json[] =
    "{\n"
    "  'format': 'mmneuron-bias-1',\n" MMN_JOINT_LIST_JSON ", 'property': $property,\n"
    "    'from': $from, 'to': $to, 'epsilon': $epsilon" MMN_JOINT_LIST_JSON_END
    "  'summary': [<summary|,|\n"
    "    {'domain': $domain, 'asked': $asked, 'scored': $scored, 'score_before': $score_before,"
    " 'score_after': $score_after,\n"
    "     'delta': $delta, 'interval': " INTERVAL "}>],\n"
    "  'lines': [<lines|,|\n"
    "    {'id': $id, 'domain': $domain, 'property': $asked_for, 'answer_before': $answer_before,"
    " 'answer_after': $answer_after,\n"
    "     'score_before': $score_before, 'score_after': $score_after, 'delta': $delta,"
    " 'before': $before, 'after': $after}>]\n"
    "}\n";

static const char people[] =
    "from $from to $to by $.4g{epsilon}: scores of lines both of whose answers are whole numbers"
    " from 1 to 10\n\n"
    "  <-12 summary.domain|domain>  lines  scored  before   after   delta  95 %\n"
    "<summary||  <-12 summary.domain|<?domain|${domain}><!domain|all>>  $5{asked}  $6{scored}"
    "<?scored|  $6.2{score_before}  $6.2{score_after}  $6.2{delta}><?low|  [$.2{low}, $.2{high}]>"
    "\n>" MMN_REMARKS;

const mmn_form mmn_bias_form = {
    .format = "mmneuron-bias-1", .tables = tables, .json = json, .people = people};

static bool is_scored(const mmn_bias_line *line)
{
    return line->scores[0] > 0 && line->scores[1] > 0;
}

static double delta_of(const mmn_bias_line *line)
{
    return (double)line->scores[1] - (double)line->scores[0];
}

void mmn_bias_describe(mmn_result *result, const void *context)
{
    const mmn_bias *bias = context;
    const mmn_bias_options *options = bias->options;
    MMN_ADD(result, "result", MMN_JOINT_LIST(&bias->base), mmn_as_text(options->property),
            mmn_as_text(options->from), mmn_as_text(options->to), mmn_as_real(bias->epsilon));
}

/* `deltas` has room for a number of each line. */
static void add_summary(mmn_result *result, const mmn_bias *bias, size_t domain, double *deltas)
{
    double sums[2] = {0, 0};
    size_t asked = 0, scored = 0;
    for (size_t i = 0; i < bias->count; i++) {
        const mmn_bias_line *line = &bias->lines[i];
        if (domain != SIZE_MAX && line->domain != domain)
            continue;
        asked++;
        if (!is_scored(line))
            continue;
        sums[0] += line->scores[0];
        sums[1] += line->scores[1];
        deltas[scored++] = delta_of(line);
    }
    const bool known = scored > 0;
    const mmn_interval interval = mmn_interval_of(deltas, scored);
    MMN_ADD(result, "summary", mmn_domain_of(&bias->base.study, domain), mmn_as_whole(asked),
            mmn_as_whole(scored), mmn_real_if(known, sums[0] / (double)(scored + !known)),
            mmn_real_if(known, sums[1] / (double)(scored + !known)),
            mmn_real_if(known, interval.mean), mmn_real_if(scored > 1, interval.low),
            mmn_real_if(scored > 1, interval.high));
}

static mmn_value score_of(const mmn_bias_line *line, size_t which)
{
    return line->scores[which] > 0 ? mmn_as_whole(line->scores[which]) : mmn_as_nothing();
}

void mmn_bias_fill(mmn_result *result, const void *context)
{
    const mmn_bias *bias = context;
    const size_t domains = bias->base.study.samples.domains.domain_count;
    double *deltas = mmn_allocate(bias->count, sizeof(*deltas), NULL);
    if (!deltas) {
        result->failed = true;
        return;
    }
    for (size_t d = 0; d < domains + (domains > 1); d++)
        add_summary(result, bias, d < domains ? d : SIZE_MAX, deltas);
    for (size_t i = 0; i < bias->count; i++) {
        const mmn_bias_line *line = &bias->lines[i];
        MMN_ADD(result, "lines", mmn_as_text(line->id),
                mmn_domain_of(&bias->base.study, line->domain), mmn_as_text(line->property),
                mmn_as_text(line->answers[0]), mmn_as_text(line->answers[1]), score_of(line, 0),
                score_of(line, 1), mmn_real_if(is_scored(line), delta_of(line)),
                mmn_as_real(line->logits[0]), mmn_as_real(line->logits[1]));
    }
    mmn_free(deltas);
}
