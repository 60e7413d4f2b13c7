/* Studies of lists of pictures that a joint model is asked about. */
#include "study/joint_list.h"

#include <string.h>

#include "base/memory.h"
#include "base/text_buffer.h"
#include "model/model.h"

mmn_status mmn_joint_list_wish(mmn_joint_list *list, const char *prompt, size_t tokens,
                               mmn_error *error)
{
    enum { MOST_TOKENS = 4096 };
    if (!list->prompt)
        list->prompt = prompt;
    if (list->tokens == 0)
        list->tokens = tokens;
    if (list->tokens > MOST_TOKENS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "an answer has %d tokens at most",
                        MOST_TOKENS);
    if (!strstr(list->prompt, list->blank))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the prompt has no %s, where what is asked about goes", list->blank);
    return list->study.keeping.plan
               ? mmn_fail(error, MMN_USAGE, NULL, NULL,
                          "what a joint model costs cannot be planned: two models take part")
               : MMN_OK;
}

mmn_status mmn_joint_list_check(const mmn_sample *sample, const char *file, mmn_error *error)
{
    return sample->image_count == 1
               ? MMN_OK
               : mmn_fail(error, MMN_INPUT, file,
                          MMN_PLACE("line %llu, image", (unsigned long long)sample->line),
                          "must be one picture; the line has %zu", sample->image_count);
}

mmn_status mmn_joint_list_open(void *context, mmn_error *error)
{
    mmn_joint_list *list = context;
    MMN_TRY(
        mmn_joint_open(&list->joint, list->detector, list->study.model, list->alignment, error));
    mmn_study_attend(&list->study, list->joint.detecting);
    mmn_study_attend(&list->study, list->joint.speaking);
    return MMN_OK;
}

mmn_status mmn_joint_list_begin(void *context, mmn_error *error)
{
    mmn_joint_list *list = context;
    return mmn_model_digest(list->detector, list->detector_digest, error);
}

mmn_status mmn_joint_list_judge(const void *context, mmn_error *error)
{
    return mmn_model_unchanged(((const mmn_joint_list *)context)->detector, error);
}

void mmn_joint_list_close(void *context)
{
    mmn_joint_close(&((mmn_joint_list *)context)->joint);
}

/* The prompt with the name in every blank. */
static mmn_status fill_in(char **filled, const mmn_joint_list *list, const char *name,
                          mmn_error *error)
{
    mmn_text text = {0};
    const char *rest = list->prompt;
    for (const char *blank; (blank = strstr(rest, list->blank));
         rest = blank + strlen(list->blank)) {
        mmn_text_add_bytes(&text, rest, (size_t)(blank - rest));
        mmn_text_add(&text, "%s", name);
    }
    mmn_text_add(&text, "%s", rest);
    return mmn_text_finish(&text, filled, error);
}

mmn_status mmn_joint_list_ask(mmn_joint_list *list, mmn_input **input, const mmn_sample *sample,
                              const char *name, mmn_error *error)
{
    char *prompt;
    *input = NULL;
    MMN_TRY(fill_in(&prompt, list, name, error));
    mmn_status status = mmn_joint_ask(&list->joint, input, prompt, sample->images[0], error);
    mmn_free(prompt);
    if (status == MMN_OK && !list->study.allowed.long_prompts)
        status = mmn_input_fits(*input, list->study.model, error);
    if (status == MMN_OK)
        mmn_study_count_positions(&list->study, *input);
    return mmn_input_finish(input, status);
}
