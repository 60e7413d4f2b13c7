/* Cases of an evaluation: samples whose answers change while a domain's neurons are off, with what
 * they ask and what is answered before and after. */
#include <string.h>

#include "study/eval.h"

static mmn_status copy_texts(char ***copies, size_t *copied, mmn_study *study,
                             const char *const *texts, size_t count, mmn_error *error)
{
    MMN_NEED(*copies = mmn_study_allocate(study, count, sizeof(**copies), error));
    for (; *copied < count; ++*copied)
        MMN_NEED((*copies)[*copied] = mmn_study_copy_text(study, texts[*copied], error));
    return MMN_OK;
}

mmn_status mmn_evaluation_keep_asked(mmn_asked_sample *asked, mmn_evaluation *evaluation,
                                     const mmn_sample *sample, mmn_error *error)
{
    mmn_study *study = &evaluation->study;
    const char *question = sample->question ? sample->question : sample->prompt;
    MMN_NEED(asked->question = mmn_study_copy_text(study, question, error));
    MMN_TRY(copy_texts(&asked->answers, &asked->answer_count, study, sample->answers,
                       sample->answer_count, error));
    MMN_TRY(copy_texts(&asked->choices, &asked->choice_count, study, sample->choices,
                       sample->choice_count, error));
    return copy_texts(&asked->images, &asked->image_count, study, sample->images,
                      sample->image_count, error);
}

static void add_texts(mmn_result *result, const char *table, char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        MMN_ADD(result, table, mmn_as_text(texts[i]));
}

static void add_case(mmn_result *result, const mmn_prediction *before, const mmn_prediction *after)
{
    const mmn_asked_sample *asked = &before->asked;
    MMN_ADD(result, "cases", mmn_as_text(before->id), mmn_as_text(asked->question),
            mmn_as_text(before->answer), mmn_as_real(before->score), mmn_as_text(after->answer),
            mmn_as_real(after->score));
    add_texts(result, "images", asked->images, asked->image_count);
    add_texts(result, "choices", asked->choices, asked->choice_count);
    add_texts(result, "right_answers", asked->answers, asked->answer_count);
}

/* Those of a run with a domain's neurons off. */
static void add_changes(mmn_result *result, const mmn_evaluation *evaluation, size_t number)
{
    const mmn_study *study = &evaluation->study;
    const mmn_run *run = &study->plan.runs[number];
    const mmn_eval_run *after = &evaluation->runs[number];
    const size_t plain = mmn_plan_find(&study->plan, 0, MMN_OFF_NOTHING, run->domain, run->domain);
    const mmn_eval_run *before = &evaluation->runs[plain];
    size_t changed = 0;
    for (size_t i = 0; i < after->count; i++)
        changed += strcmp(before->predictions[i].answer, after->predictions[i].answer) != 0;
    MMN_ADD(result, "changes", mmn_as_text(mmn_setting_of(study, run)),
            mmn_as_text(mmn_domain_name(study, run->neurons_of)),
            mmn_as_text(mmn_domain_name(study, run->domain)), mmn_as_whole(after->count),
            mmn_as_whole(changed));
    uint64_t told = 0;
    for (size_t i = 0; i < after->count && told < evaluation->options->cases; i++)
        if (strcmp(before->predictions[i].answer, after->predictions[i].answer) != 0) {
            add_case(result, &before->predictions[i], &after->predictions[i]);
            told++;
        }
}

/* Whether a run has neurons of a domain off in this setting: its own ones, or another's. */
static bool is_such(const mmn_run *run, size_t setting, bool own)
{
    return run->off == MMN_OFF_DOMAIN && run->setting == setting &&
           (run->neurons_of == run->domain) == own;
}

void mmn_evaluation_add_cases(mmn_result *result, const mmn_evaluation *evaluation)
{
    const mmn_plan *plan = &evaluation->study.plan;
    for (size_t setting = 0; setting < plan->settings.count; setting++)
        for (int others = 0; others < 2; others++)
            for (size_t i = 0; i < plan->run_count; i++)
                if (is_such(&plan->runs[i], setting, others == 0))
                    add_changes(result, evaluation, i);
}
