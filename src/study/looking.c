/* Detectors at work: what a detector finds of several texts, one after the other, in a picture. */
#include "study/looking.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/model.h"
#include "pass/detector_reverse.h"
#include "text/tokenizer.h"

mmn_status mmn_looking_check(const mmn_model *model, mmn_error *error)
{
    if (model->config.query_size == 0)
        return mmn_fail(error, MMN_INPUT, model->folder, NULL,
                        "is no detector, but a model of the family %s; expected owlvit",
                        model->config.family->model_type);
    return model->tokenizer ? MMN_OK
                            : mmn_fail(error, MMN_USAGE, model->folder, NULL,
                                       "was opened without its tokenizer, which queries need");
}

mmn_status mmn_looking_open(mmn_looking *looking, const mmn_model *detector, mmn_error *error)
{
    const mmn_session_options options = {.size = sizeof(options), .prompt_only = 1};
    MMN_TRY(mmn_looking_check(detector, error));
    return mmn_session_create(&looking->session, detector, &options, error);
}

void mmn_looking_close(mmn_looking *looking)
{
    mmn_session_free(looking->session);
    mmn_input_free(looking->picture);
    *looking = (mmn_looking){0};
}

mmn_status mmn_look_at(mmn_looking *looking, const char *image, mmn_error *error)
{
    mmn_input_free(looking->picture);
    looking->picture = NULL;
    return mmn_input_from_prompt(&looking->picture, looking->session->model, "", &image, 1, error);
}

/* The picture with a query. */
static mmn_status make_input(mmn_input **input, const mmn_looking *looking, const char *query,
                             const char *place, mmn_error *error)
{
    const mmn_model *model = looking->session->model;
    const uint32_t most = model->config.language.max_position_embeddings;
    int32_t *ids;
    size_t count;
    *input = NULL;
    MMN_TRY(
        mmn_tokenizer_encode(model->tokenizer, query, strlen(query), true, &ids, &count, error));
    const mmn_status status = count <= most
                                  ? mmn_input_extend(input, looking->picture, 0, ids, count, error)
                                  : mmn_fail(error, MMN_INPUT, NULL, place,
                                             "has %zu tokens; the model reads texts of at most %u",
                                             count, most);
    mmn_free(ids);
    return status;
}

mmn_status mmn_look_for(mmn_looking *looking, const char *query, const char *place,
                        mmn_error *error)
{
    mmn_input *input;
    MMN_TRY(make_input(&input, looking, query, place, error));
    const mmn_status status = mmn_session_prefill(looking->session, input, error);
    mmn_input_free(input);
    return status;
}

/* ---- Boxes ----------------------------------------------------------------------------------- */

mmn_detection mmn_detection_of(const float *box, mmn_resolution size)
{
    const float width = (float)size.width, height = (float)size.height;
    return (mmn_detection){.left = (box[0] - 0.5f * box[2]) * width,
                           .top = (box[1] - 0.5f * box[3]) * height,
                           .right = (box[0] + 0.5f * box[2]) * width,
                           .bottom = (box[1] + 0.5f * box[3]) * height};
}

static int compare(const void *left, const void *right)
{
    const mmn_detection *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->patch > b->patch) - (a->patch < b->patch);
}

size_t mmn_looking_find(mmn_detection *found, const mmn_looking *looking, const float *logits,
                        float threshold)
{
    const mmn_session *session = looking->session;
    size_t count = 0;
    for (size_t patch = 0; patch < session->model->config.vision.patches; patch++) {
        const float score = mmn_detector_score(logits[patch]);
        if (!(score > threshold))
            continue;
        found[count] = mmn_detection_of(session->detector.boxes + MMN_BOX_SIDES * patch,
                                        looking->picture->image_sizes[0]);
        found[count].patch = patch;
        found[count++].score = score;
    }
    if (count > 0)
        qsort(found, count, sizeof(*found), compare);
    return count;
}
