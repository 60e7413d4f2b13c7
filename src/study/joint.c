/* The joint model: a picture through the detector, its embedding through the alignment into the
 * language model, and a word's gradient back. */
#include "study/joint.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text_buffer.h"
#include "study/looking.h"

#define EMBEDDINGS_GRADIENT "grad.language.embeddings"
#define QUERY "detector.query"

/* ---- Opening --------------------------------------------------------------------------------- */

static mmn_status check_models(const mmn_joint *joint, mmn_error *error)
{
    MMN_TRY(mmn_looking_check(joint->detector, error));
    MMN_TRY(mmn_model_check_language(joint->language, error));
    if (!joint->language->tokenizer)
        return mmn_fail(error, MMN_USAGE, joint->language->folder, NULL,
                        "was opened without its tokenizer, which prompts need");
    return joint->language->config.vision.patches > 0
               ? MMN_OK
               : mmn_fail(error, MMN_INPUT, joint->language->folder, NULL,
                          "reads no images; expected a model as LLaVA-1.5");
}

/* The stage that enters the last layer of the tower. */
static void name_embedding(char name[MMN_STAGE_NAME_SIZE], const mmn_joint *joint)
{
    const int layers = (int)joint->detector->config.vision.layers;
    mmn_stage_name(name, layers > 1 ? "vision.layers.{i}.out" : "vision.embeddings", layers - 2);
}

/* An mmn_see_function: puts in the given embedding. */
static mmn_status put(void *context, const mmn_stage *stage, mmn_error *error)
{
    const mmn_joint *joint = context;
    (void)error;
    if (joint->given)
        memcpy(stage->data, joint->given, joint->rows * joint->width * sizeof(float));
    return MMN_OK;
}

mmn_status mmn_joint_open(mmn_joint *joint, const mmn_model *detector, const mmn_model *language,
                          const char *alignment, mmn_error *error)
{
    const mmn_session_options detecting = {.size = sizeof(detecting), .prompt_only = 1};
    char stage[MMN_STAGE_NAME_SIZE], wanted[2 * MMN_STAGE_NAME_SIZE];
    joint->detector = detector;
    joint->language = language;
    MMN_TRY(check_models(joint, error));
    const mmn_vision_config *vision = &detector->config.vision;
    const size_t read = language->config.language.hidden_size;
    joint->rows = vision->positions;
    joint->width = vision->hidden_size;
    MMN_TRY(mmn_alignment_read(&joint->alignment, alignment, joint->width, read, error));
    MMN_NEED(joint->features = mmn_allocate(joint->rows - 1, read * sizeof(float), error));
    MMN_TRY(mmn_session_create(&joint->detecting, detector, &detecting, error));
    MMN_TRY(mmn_session_create(&joint->speaking, language, NULL, error));
    name_embedding(stage, joint);
    snprintf(wanted, sizeof(wanted), "%s,%s", stage, QUERY);
    MMN_TRY(mmn_session_keep(joint->detecting, wanted, error));
    const mmn_probe probe = {.stages = stage, .writes = 1, .see = put, .context = joint};
    MMN_TRY(mmn_session_add_probe(joint->detecting, &probe, error));
    return mmn_session_keep(joint->speaking, EMBEDDINGS_GRADIENT, error);
}

void mmn_joint_close(mmn_joint *joint)
{
    mmn_session_free(joint->detecting);
    mmn_session_free(joint->speaking);
    mmn_alignment_free(&joint->alignment);
    mmn_free(joint->features);
    *joint = (mmn_joint){0};
}

/* ---- Forward --------------------------------------------------------------------------------- */

const float *mmn_joint_query(const mmn_joint *joint)
{
    return mmn_session_stage(joint->detecting, QUERY)->data;
}

mmn_status mmn_joint_ask_for(char **query, const char *word, mmn_error *error)
{
    mmn_text text = {0};
    mmn_text_add(&text, "a photo of a %s", word);
    return mmn_text_finish(&text, query, error);
}

mmn_status mmn_joint_see(mmn_joint *joint, const char *image, const char *query, float **embedding,
                         mmn_resolution *size, mmn_error *error)
{
    const size_t values = joint->rows * joint->width;
    char stage[MMN_STAGE_NAME_SIZE];
    mmn_input *input;
    name_embedding(stage, joint);
    if (embedding)
        MMN_NEED(*embedding = mmn_allocate(values, sizeof(float), error));
    MMN_TRY(mmn_input_from_prompt(&input, joint->detector, query, &image, 1, error));
    const mmn_status status = mmn_session_prefill(joint->detecting, input, error);
    if (status == MMN_OK && embedding)
        memcpy(*embedding, mmn_session_stage(joint->detecting, stage)->data,
               values * sizeof(float));
    if (size)
        *size = input->image_sizes[0];
    mmn_input_free(input);
    return status;
}

mmn_status mmn_joint_ask(mmn_joint *joint, mmn_input **input, const char *prompt, const char *image,
                         mmn_error *error)
{
    MMN_TRY(mmn_input_from_prompt(input, joint->language, prompt, &image, 1, error));
    const size_t positions = (*input)->image_positions, patches = joint->rows - 1;
    if (positions == patches)
        return MMN_OK;
    mmn_input_free(*input);
    *input = NULL;
    return mmn_fail(error, MMN_INPUT, joint->language->folder, NULL,
                    "gives this picture %zu positions; expected as many as the detector has "
                    "patches, %zu",
                    positions, patches);
}

mmn_status mmn_joint_lend(mmn_joint *joint, const mmn_input *input, const float *embedding,
                          mmn_error *error)
{
    MMN_TRY(mmn_alignment_run(&joint->speaking->compute, &joint->alignment,
                              embedding + joint->width, joint->rows - 1, joint->features, error));
    return mmn_session_take_features(joint->speaking, input, joint->features, error);
}

mmn_status mmn_joint_say(mmn_joint *joint, const mmn_input *input, size_t tokens, char **answer,
                         mmn_error *error)
{
    size_t count;
    int32_t *ids = mmn_allocate(tokens, sizeof(*ids), error);
    MMN_NEED(ids);
    mmn_status status = mmn_session_prefill(joint->speaking, input, error);
    if (status == MMN_OK)
        status = mmn_session_generate(joint->speaking, tokens, ids, &count, error);
    if (status == MMN_OK)
        status = mmn_model_decode(joint->language, ids, count, 1, answer, error);
    mmn_free(ids);
    return status;
}

mmn_status mmn_joint_answer(mmn_joint *joint, const mmn_input *input, const float *embedding,
                            size_t tokens, char **answer, mmn_error *error)
{
    MMN_TRY(mmn_joint_lend(joint, input, embedding, error));
    return mmn_joint_say(joint, input, tokens, answer, error);
}

/* ---- And back -------------------------------------------------------------------------------- */

/* joint->features = the rows of the gradient by the embeddings of all positions that are the
 * image's. */
static void take_image_rows(mmn_joint *joint, const mmn_input *input)
{
    const mmn_stage *stage = mmn_session_stage(joint->speaking, EMBEDDINGS_GRADIENT);
    const size_t width = joint->language->config.language.hidden_size;
    const float *rows = stage->data;
    float *to = joint->features;
    for (size_t position = 0; position < input->length; position++)
        if (mmn_input_is_image(input, position)) {
            memcpy(to, rows + position * width, width * sizeof(float));
            to += width;
        }
}

mmn_status mmn_joint_gradient(mmn_joint *joint, const mmn_input *input, const float *embedding,
                              int32_t token, double *logit, float *gradient, mmn_error *error)
{
    const mmn_objective objective = {.size = sizeof(objective),
                                     .kind = MMN_OBJECTIVE_LOGIT,
                                     .token = token,
                                     .position = MMN_LAST_POSITION};
    MMN_TRY(mmn_joint_lend(joint, input, embedding, error));
    MMN_TRY(mmn_session_gradient(joint->speaking, input, &objective, logit, error));
    take_image_rows(joint, input);
    memset(gradient, 0, joint->width * sizeof(float));
    return mmn_alignment_reverse(&joint->speaking->compute, &joint->alignment,
                                 embedding + joint->width, joint->rows - 1, joint->features,
                                 gradient + joint->width, error);
}
