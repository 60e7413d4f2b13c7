/* Studies of lists of pictures that a joint model is asked about. */
#ifndef MMN_STUDY_JOINT_LIST_H
#define MMN_STUDY_JOINT_LIST_H

#include "study/joint.h"
#include "study/run_result.h"
#include "study/study.h"

/* What such a study begins with, set by its set_up with MMN_JOINT_LIST_ASKED and
 * mmn_joint_list_wish. */
typedef struct mmn_joint_list {
    mmn_study study; /* of the language model */
    const mmn_model *detector;
    const char *alignment; /* the file */
    const char *prompt;    /* the raw text, in which... */
    const char *blank;     /* ...this stands for what is asked about: "{class}" */
    size_t tokens;         /* of an answer */
    mmn_joint joint;
    char detector_digest[MMN_DIGEST_SIZE];
} mmn_joint_list;

/* The members, but for `blank`, by the options of such a study, whatever their type. */
#define MMN_JOINT_LIST_ASKED(model_asked, options)                                                 \
    .study = {.model = (model_asked),                                                              \
              .samples.file = (options)->list,                                                     \
              .samples.limit = (options)->samples,                                                 \
              .samples.without_questions = true,                                                   \
              .allowed.unknown_keys = (options)->allow_unknown_keys != 0,                          \
              MMN_STUDY_LONG_PROMPTS(options),                                                     \
              .plan.plain = true,                                                                  \
              .keeping = (options)->rows,                                                          \
              .show = (options)->progress,                                                         \
              .show_context = (options)->progress_context},                                        \
    .detector = (options)->detector, .alignment = (options)->alignment,                            \
    .prompt = (options)->prompt, .tokens = (size_t)(options)->tokens

/* Puts in a prompt and a number of tokens where none were asked for, and checks what was. */
mmn_status mmn_joint_list_wish(mmn_joint_list *list, const char *prompt, size_t tokens,
                               mmn_error *error);

/* Of mmn_samples: MMN_INPUT for a sample that has not just one picture. */
mmn_status mmn_joint_list_check(const mmn_sample *sample, const char *file, mmn_error *error);

/* Of mmn_study_kind: `check`, `begin`, `judge` and `end`. */
mmn_status mmn_joint_list_open(void *list, mmn_error *error);
mmn_status mmn_joint_list_begin(void *list, mmn_error *error);
mmn_status mmn_joint_list_judge(const void *list, mmn_error *error);
void mmn_joint_list_close(void *list);

/* The prompt with `name` in the blank about the sample's picture, as an input of the language
 * model. */
mmn_status mmn_joint_list_ask(mmn_joint_list *list, mmn_input **input, const mmn_sample *sample,
                              const char *name, mmn_error *error);

/* Of the table "result": what such a study was made with and asked, and the beginning of its
 * JSON: members of "settings" may stand between the two parts. */
#define MMN_JOINT_LIST_COLUMNS                                                                     \
    MMN_MADE_COLUMNS, MMN_TEXT("detector"), MMN_TEXT("alignment"), MMN_TEXT("list"),               \
        MMN_WHOLE("samples"), MMN_TEXT("prompt"), MMN_WHOLE("tokens"),                             \
        MMN_TEXT("detector_resize_order"), MMN_GENERATION_COLUMN, MMN_ALLOWED_COLUMNS
#define MMN_JOINT_LIST_JSON                                                                        \
    MMN_MADE_JSON                                                                                  \
    "  'detector': $detector,\n"                                                                   \
    "  'alignment': $alignment,\n" MMN_NONFINITE_JSON                                              \
    "  'settings': {'list': $list, 'samples': $samples, 'prompt': $prompt, 'tokens': $tokens,\n"   \
    "    'detector_resize_order': $detector_resize_order"
#define MMN_JOINT_LIST_JSON_END                                                                    \
    MMN_GENERATION_JSON MMN_ALLOWED_JSON "},\n"                                                    \
                                         "  'domains': [<domains|, |$name>],\n"
#define MMN_JOINT_LIST(list)                                                                       \
    MMN_MADE(&(list)->study), mmn_as_text((list)->detector_digest),                                \
        mmn_as_text((list)->joint.alignment.digest), MMN_LIST(&(list)->study),                     \
        mmn_as_text((list)->prompt), mmn_as_whole((list)->tokens),                                 \
        mmn_as_text(mmn_model_resize_order((list)->detector)),                                     \
        mmn_generation_of((list)->study.model), MMN_ALLOWED((list)->study.allowed)

#endif
