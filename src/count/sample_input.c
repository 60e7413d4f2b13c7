/* Samples of a list as the model's inputs. */
#include "count/sample_input.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "count/counts.h"
#include "model/input.h"
#include "model/model.h"

bool mmn_sample_blame(mmn_error *error, uint64_t line, const char *list_file)
{
    if (error->status == MMN_INTERRUPTED || (error->status == MMN_SYSTEM && error->file[0] == '\0'))
        return false;
    char sentence[sizeof(error->message)], where[32];
    mmn_error_sentence(error, sentence, sizeof(sentence));
    snprintf(where, sizeof(where), "line %" PRIu64, line);
    mmn_fail(error, error->status == MMN_NONFINITE ? MMN_NONFINITE : MMN_INPUT, list_file, where,
             "%s", sentence);
    return true;
}

static mmn_status make_input(mmn_input **input, const mmn_model *model, const mmn_sample *sample,
                             const char *template_name, mmn_error *error)
{
    if (sample->prompt)
        return mmn_input_from_prompt(input, model, sample->prompt, sample->images,
                                     sample->image_count, error);
    if (template_name && *template_name == '\0')
        template_name = NULL;
    else if (!template_name)
        template_name = "raw";
    return mmn_input_from_question(input, model, template_name, sample->question, sample->images,
                                   sample->image_count, NULL, error);
}

mmn_status mmn_sample_input(mmn_input **input, const mmn_model *model, const mmn_sample *sample,
                            const char *template_name, bool allow_long, const char *list_file,
                            bool *bad, mmn_error *error)
{
    *input = NULL;
    *bad = false;
    mmn_error problem = {0};
    mmn_status status = make_input(input, model, sample, template_name, &problem);
    if (status == MMN_OK && !allow_long)
        status = mmn_input_fits(*input, model, &problem);
    if (status == MMN_OK)
        return MMN_OK;
    mmn_input_free(*input);
    *input = NULL;
    *bad = mmn_sample_blame(&problem, sample->line, list_file);
    if (error)
        *error = problem;
    return problem.status;
}

mmn_status mmn_input_digest(uint8_t digest[16], const mmn_input *input, uint64_t number,
                            mmn_error *error)
{
    const mmn_pixel_values *pixels = &input->pixels;
    mmn_digest *state = NULL;
    mmn_status status = mmn_digest_begin(&state, error);
    if (status != MMN_OK)
        return status;
    mmn_digest_add_u64(state, number);
    mmn_digest_add_u64(state, input->length);
    for (size_t i = 0; i < input->length; i++)
        mmn_digest_add_u32(state, (uint32_t)input->ids[i]);
    mmn_digest_add_u64(state, input->image_count);
    for (size_t i = 0; i < input->image_count; i++) {
        mmn_digest_add_u32(state, input->image_sizes[i].height);
        mmn_digest_add_u32(state, input->image_sizes[i].width);
    }
    mmn_digest_add_u64(state, pixels->tiles);
    mmn_digest_add_u64(state, pixels->height);
    mmn_digest_add_u64(state, pixels->width);
    size_t count = pixels->tiles * 3 * pixels->height * pixels->width;
    uint8_t bytes[4096];
    for (size_t i = 0; i < count;) {
        size_t used = 0;
        for (; used < sizeof(bytes) && i < count; used += 4, i++)
            mmn_store_f32(bytes + used, pixels->values[i]);
        mmn_digest_add(state, bytes, used);
    }
    for (size_t i = 0; i < input->qformer_length; i++)
        mmn_digest_add_u32(state, (uint32_t)input->qformer_ids[i]);
    char text[MMN_DIGEST_SIZE];
    mmn_digest_finish(state, text);
    mmn_digest_free(state);
    mmn_hexadecimal_read(digest, text, 16);
    return MMN_OK;
}
