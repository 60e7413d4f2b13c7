/* Evaluating: answers every sample of a list in all runs of its domain, and scores the answers. */
#include "neurons/eval.h"

#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "model/session.h"
#include "neurons/sample_input.h"

enum { TOKENS = 16 };

/* One evaluation at work. */
typedef struct eval_work {
    mmn_evaluation *evaluation;
    const mmn_eval_options *options;
    uint64_t done, total; /* answers */
    double start;
    int32_t *ids; /* [tokens] */
} eval_work;

static double now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static mmn_status report(eval_work *work, mmn_error *error)
{
    const mmn_progress progress = {.label = "answering",
                                   .unit = "answers",
                                   .done = work->done,
                                   .total = work->total,
                                   .seconds = now() - work->start};
    if (work->options->progress &&
        work->options->progress(work->options->progress_context, &progress) != 0)
        return mmn_fail(error, MMN_INTERRUPTED, NULL, NULL, "interrupted");
    return MMN_OK;
}

/* ---- One sample ------------------------------------------------------------------------------ */

static mmn_status make_input(mmn_input **input, const mmn_evaluation *evaluation,
                             const mmn_sample *sample, mmn_error *error)
{
    char *prompt = NULL;
    *input = NULL;
    mmn_status status =
        sample->prompt ? MMN_OK
                       : mmn_prompt_from_template(evaluation->model, evaluation->template_name,
                                                  sample->question, sample->image_count > 0,
                                                  &prompt, error);
    if (status == MMN_OK)
        status = mmn_input_from_prompt(input, evaluation->model,
                                       sample->prompt ? sample->prompt : prompt, sample->images,
                                       sample->image_count, error);
    mmn_release(prompt);
    return status;
}

static mmn_status score(mmn_eval_run *run, const mmn_sample *sample, const char *answer,
                        mmn_error *error)
{
    const mmn_right_answers right = {sample->metric, sample->answers, sample->answer_count,
                                     sample->choices, sample->choice_count};
    double scores[MMN_MEASURES];
    mmn_prediction *prediction = &run->predictions[run->count];
    mmn_status status = mmn_measure_answer(scores, &right, answer, error);
    if (status != MMN_OK)
        return status;
    *prediction = (mmn_prediction){.id = mmn_copy_text(sample->id, error),
                                   .answer = mmn_copy_text(answer, error),
                                   .score = scores[mmn_metric_measure(sample->metric)]};
    if (!prediction->id || !prediction->answer) {
        mmn_free(prediction->id);
        mmn_free(prediction->answer);
        return MMN_SYSTEM;
    }
    run->count++;
    run->accuracy_sum += prediction->score;
    for (mmn_measure m = 0; m < MMN_MEASURES; m++) {
        if (!mmn_measure_applies(m, sample->metric))
            continue;
        run->sums[m] += scores[m];
        run->counts[m]++;
    }
    return MMN_OK;
}

static mmn_status keep_answer(eval_work *work, mmn_eval_run *run, const mmn_sample *sample,
                              size_t count, mmn_error *error)
{
    char *answer;
    mmn_status status = mmn_reserve(&run->predictions, &run->capacity, run->count + 1,
                                    sizeof(*run->predictions), error);
    if (status == MMN_OK)
        status = mmn_model_decode(work->evaluation->model, work->ids, count, 1, &answer, error);
    if (status != MMN_OK)
        return status;
    status = score(run, sample, answer, error);
    mmn_release(answer);
    return status;
}

/* Answers in a session of its own. The images' features are those of `plain`, which has answered the
 * same input without a mask (NULL: none has), where the run's mask leaves them as they are. *session
 * is the caller's, after a failure too. */
static mmn_status answer(eval_work *work, mmn_eval_run *run, const mmn_sample *sample,
                         const mmn_input *input, const mmn_session *plain, mmn_session **session,
                         mmn_error *error)
{
    const mmn_sampling sampling = {.temperature = work->evaluation->temperature,
                                   .top_p = work->evaluation->top_p,
                                   .seed = work->evaluation->sampling_seed,
                                   .sample = sample->id};
    size_t count = 0;
    mmn_status status = mmn_session_create(session, work->evaluation->model, NULL, error);
    if (status == MMN_OK)
        status = mmn_session_set_sampling(*session, &sampling, error);
    if (status == MMN_OK && run->mask)
        status = mmn_session_add_mask(*session, run->mask, error);
    if (status == MMN_OK && plain)
        status = mmn_session_take_images(*session, plain, input, error);
    if (status == MMN_OK)
        status = mmn_session_prefill(*session, input, error);
    if (status == MMN_OK)
        status = mmn_session_generate(*session, (size_t)work->evaluation->tokens, work->ids,
                                      &count, error);
    if (status == MMN_OK)
        status = keep_answer(work, run, sample, count, error);
    work->done++;
    return status == MMN_OK ? report(work, error) : status;
}

/* Answers the sample in every run of its domain; the first has no mask. */
static mmn_status answer_all(eval_work *work, size_t domain, const mmn_sample *sample,
                             mmn_error *error)
{
    mmn_evaluation *evaluation = work->evaluation;
    mmn_input *input;
    mmn_session *plain = NULL;
    mmn_error problem = {0};
    mmn_status status = make_input(&input, evaluation, sample, &problem);
    for (size_t i = 0; i < evaluation->run_count && status == MMN_OK; i++) {
        mmn_session *session = NULL;
        if (evaluation->runs[i].domain != domain)
            continue;
        status = answer(work, &evaluation->runs[i], sample, input, plain, &session, &problem);
        if (plain)
            mmn_session_free(session);
        else
            plain = session;
    }
    mmn_session_free(plain);
    mmn_input_free(input);
    if (status == MMN_OK)
        return MMN_OK;
    mmn_sample_blame(&problem, sample->line, evaluation->list);
    if (error)
        *error = problem;
    return problem.status;
}

/* ---- All samples ----------------------------------------------------------------------------- */

static size_t find_domain(const mmn_evaluation *evaluation, const char *name)
{
    size_t d = 0;
    while (d < evaluation->domain_count && strcmp(evaluation->domains[d].name, name) != 0)
        d++;
    return d;
}

static mmn_status take_sample(eval_work *work, const mmn_sample *sample, mmn_error *error)
{
    mmn_evaluation *evaluation = work->evaluation;
    size_t d = find_domain(evaluation, sample->domain);
    if (d == evaluation->domain_count)
        return mmn_fail(error, MMN_INPUT, evaluation->list, NULL, "changed while it was read");
    mmn_eval_domain *domain = &evaluation->domains[d];
    if (domain->done == domain->wanted)
        return MMN_OK;
    domain->done++;
    return answer_all(work, d, sample, error);
}

static mmn_status take_samples(eval_work *work, mmn_error *error)
{
    mmn_list *list;
    mmn_sample sample;
    bool found = true;
    mmn_status status = mmn_list_open(&list, work->evaluation->list, error);
    if (status != MMN_OK)
        return status;
    while (status == MMN_OK && found) {
        status = mmn_list_next(list, &sample, &found, error);
        if (status == MMN_OK && found)
            status = take_sample(work, &sample, error);
    }
    mmn_list_close(list);
    return status;
}

static mmn_status copy_options(mmn_evaluation *evaluation, const mmn_eval_options *options,
                               mmn_error *error)
{
    const char *template_name = options->template_name
                                    ? options->template_name
                                    : mmn_model_describe(evaluation->model)->template_name;
    if (options->seeds > MMN_EVAL_SEED_LIMIT)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "there can be at most %d random choices",
                        MMN_EVAL_SEED_LIMIT);
    evaluation->samples = options->samples;
    evaluation->seeds = options->seeds;
    evaluation->first_seed = options->first_seed;
    evaluation->tokens = options->tokens > 0 ? options->tokens : TOKENS;
    evaluation->temperature = options->temperature;
    evaluation->top_p = options->top_p == 0 ? 1 : options->top_p;
    evaluation->sampling_seed = options->sampling_seed;
    evaluation->list = mmn_copy_text(options->list, error);
    evaluation->template_name = mmn_copy_text(template_name, error);
    return evaluation->list && evaluation->template_name ? MMN_OK : MMN_SYSTEM;
}

static mmn_status run_all(mmn_evaluation *evaluation, const mmn_eval_options *options,
                          mmn_error *error)
{
    eval_work work = {.evaluation = evaluation, .options = options, .start = now()};
    for (size_t i = 0; i < evaluation->run_count; i++)
        work.total += evaluation->domains[evaluation->runs[i].domain].wanted;
    work.ids = mmn_allocate((size_t)evaluation->tokens, sizeof(*work.ids), error);
    if (!work.ids)
        return MMN_SYSTEM;
    mmn_status status = report(&work, error);
    if (status == MMN_OK)
        status = take_samples(&work, error);
    mmn_free(work.ids);
    return status;
}

mmn_status mmn_eval(mmn_evaluation **evaluation, const mmn_model *model,
                    const mmn_eval_options *options, mmn_error *error)
{
    *evaluation = mmn_allocate(1, sizeof(**evaluation), error);
    if (!*evaluation)
        return MMN_SYSTEM;
    (*evaluation)->model = model;
    mmn_status status = copy_options(*evaluation, options, error);
    if (status == MMN_OK)
        status = mmn_eval_plan(*evaluation, options, error);
    if (status == MMN_OK)
        status = mmn_model_digest(model, (*evaluation)->model_digest, error);
    if (status == MMN_OK)
        status = run_all(*evaluation, options, error);
    if (status != MMN_OK) {
        mmn_evaluation_free(*evaluation);
        *evaluation = NULL;
    }
    return status;
}

void mmn_evaluation_free(mmn_evaluation *evaluation)
{
    if (!evaluation)
        return;
    for (size_t i = 0; i < evaluation->run_count; i++) {
        mmn_eval_run *run = &evaluation->runs[i];
        for (size_t k = 0; k < run->count; k++) {
            mmn_free(run->predictions[k].id);
            mmn_free(run->predictions[k].answer);
        }
        mmn_free(run->predictions);
    }
    for (size_t i = 0; i < evaluation->mask_count; i++)
        mmn_mask_free(evaluation->masks[i]);
    for (size_t i = 0; i < evaluation->domain_count; i++)
        mmn_free(evaluation->domains[i].name);
    for (size_t i = 0; i < evaluation->setting_count; i++)
        mmn_free(evaluation->settings[i]);
    mmn_free(evaluation->runs);
    mmn_free(evaluation->masks);
    mmn_free(evaluation->domains);
    mmn_free(evaluation->settings);
    mmn_free(evaluation->crossed);
    mmn_free(evaluation->list);
    mmn_free(evaluation->template_name);
    mmn_free(evaluation);
}
