/* What a judge says of a file of answers, as a result; doc/formats.md describes its JSON. */
#include <stdlib.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "model/model.h"
#include "study/judge.h"
#include "study/result_forms.h"

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_TEXT("version"), MMN_TEXT("judge"), MMN_TEXT("data"), MMN_TEXT("file"),
                 MMN_TEXT("list"), MMN_TEXT("form"), MMN_TRUTH("allow_unknown_keys"))},
    {"groups", "result",
     MMN_COLUMNS(MMN_TEXT("domain"), MMN_TEXT("setting"), MMN_TEXT("off"), MMN_TEXT("neurons_of"),
                 MMN_WHOLE("seed"), MMN_WHOLE("judged"), MMN_WHOLE("right"),
                 MMN_REAL("accuracy", ""))},
    {"judgements", "groups",
     MMN_COLUMNS(MMN_TEXT("id"), MMN_TEXT("reference"), MMN_REAL("logit", ""),
                 MMN_REAL("probability", ""), MMN_TRUTH("is_right"))},
    {0}};

static const char json[] =
    "{\n  'format': 'mmneuron-judge-1',\n"
    "  'version': $version,\n"
    "  'judge': $judge,\n"
    "  'data': $data,\n"
    "  'settings': {'file': $file, 'list': $list, 'form': $form"
    "<?allow_unknown_keys|, 'allow_unknown_keys': true>},\n"
    "  'groups': [<groups|,|\n"
    "    {'domain': $domain, 'setting': $setting, 'off': $off, 'neurons_of': $neurons_of,"
    " 'seed': $seed,\n"
    "     'judged': $judged, 'right': $right, 'accuracy': $accuracy,\n"
    "     'judgements': [<judgements|,|\n"
    "      {'id': $id, 'reference': $reference, 'logit': $logit, 'probability': $probability,"
    " 'right': $is_right}>]}>]\n}\n";

static const char people[] =
    "answers that the judge takes for right, form of its text: ${form}\n"
    "  <-10 groups.domain|domain>      judged   right       %\n"
    "<groups||  <-10 groups.domain|<?domain|${domain}><!domain|all>>  $10{judged}  $6{right}"
    "  $6.1{accuracy*100}"
    "<?setting|  ${setting}, off: ${off}<?neurons_of| (${neurons_of}<?seed|, seed ${seed}>)>>\n>"
    "<?allow_unknown_keys|remark: unknown keys were passed over\n>";

const mmn_form mmn_judge_result_form = {
    .format = "mmneuron-judge-1", .tables = tables, .json = json, .people = people};

/* By group, in the order of the file. */
static int compare(const void *left, const void *right)
{
    const mmn_judged *const *a = left, *const *b = right;
    if ((*a)->group != (*b)->group)
        return (*a)->group < (*b)->group ? -1 : 1;
    return *a < *b ? -1 : *a > *b;
}

/* 1 / (1 + exp(-logit)), as the softmax of logit and 0. */
static double probability(const mmn_model *judge, double logit)
{
    float values[2] = {(float)logit, 0.0f};
    judge->compute.kernels->softmax(values, 1, 2);
    return (double)values[0];
}

/* The answers of group `number`, `count` from *first on. */
static void add_group(mmn_result *result, const mmn_judging *judging, size_t number,
                      mmn_judged *const *first, size_t count)
{
    const mmn_judged_group *group = &judging->groups[number];
    size_t right = 0;
    for (size_t i = 0; i < count; i++)
        right += first[i]->logit > 0;
    MMN_ADD(result, "groups", mmn_as_text(group->domain), mmn_as_text(group->setting),
            mmn_as_text(group->off), mmn_as_text(group->neurons_of),
            group->has_seed ? mmn_as_whole(group->seed) : mmn_as_nothing(), mmn_as_whole(count),
            mmn_as_whole(right), mmn_as_real((double)right / (double)count));
    for (size_t i = 0; i < count; i++)
        MMN_ADD(result, "judgements", mmn_as_text(first[i]->id), mmn_as_text(first[i]->reference),
                mmn_as_real(first[i]->logit),
                mmn_as_real(probability(judging->judge, first[i]->logit)),
                mmn_as_truth(first[i]->logit > 0));
}

static void fill(mmn_result *result, const mmn_judging *judging, mmn_judged *const *ordered)
{
    const mmn_judge_options *options = judging->options;
    MMN_ADD(result, "result", mmn_as_text(mmn_version()), mmn_as_text(judging->digest),
            mmn_as_optional(judging->list_digest), mmn_as_text(options->file),
            mmn_as_text(options->list), mmn_as_text(mmn_judge_form_name(options->form)),
            mmn_as_truth(options->allow_unknown_keys));
    for (size_t first = 0, end; first < judging->count; first = end) {
        for (end = first; end < judging->count && ordered[end]->group == ordered[first]->group;)
            end++;
        add_group(result, judging, ordered[first]->group, ordered + first, end - first);
    }
}

static mmn_status make_result(mmn_result **result, const mmn_judging *judging, mmn_error *error)
{
    mmn_judged **ordered = mmn_allocate(judging->count, sizeof(*ordered), error);
    MMN_NEED(ordered);
    for (size_t i = 0; i < judging->count; i++)
        ordered[i] = &judging->answers[i];
    if (judging->count > 0)
        qsort(ordered, judging->count, sizeof(*ordered), compare);
    mmn_status status = mmn_result_begin(result, &mmn_judge_result_form, error);
    if (status == MMN_OK) {
        fill(*result, judging, ordered);
        status = mmn_result_end(result, error);
    }
    mmn_free(ordered);
    return status;
}

/* ---- A file ---------------------------------------------------------------------------------- */

static mmn_status judge_file(mmn_result **result, mmn_judging *judging, mmn_error *error)
{
    MMN_TRY(mmn_judge_session(&judging->session, judging->judge, error));
    MMN_TRY(judging->options->list ? mmn_judging_read_rows(judging, error)
                                   : mmn_judging_read(judging, error));
    MMN_TRY(mmn_model_digest(judging->judge, judging->digest, error));
    return make_result(result, judging, error);
}

mmn_status mmn_judge_file(mmn_result **result, const mmn_model *judge,
                          const mmn_judge_options *options, mmn_error *error)
{
    mmn_judge_options own;
    MMN_CLEAR(result);
    MMN_GIVEN(error, result, judge, options);
    MMN_TAKE_OPTIONS(own, options, error);
    MMN_GIVEN(error, options->file);
    mmn_judging judging = {.judge = judge, .options = options, .begun = mmn_clock()};
    mmn_status status = judge_file(result, &judging, error);
    mmn_judging_free(&judging);
    return status;
}
