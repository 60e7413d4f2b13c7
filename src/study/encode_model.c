/* Encoding: the features of a model, which are made of the events before anything is regressed. */
#include <unistd.h>

#include "base/scratch.h"
#include "study/encode.h"
#include "study/features.h"
#include "study/run_result.h"

/* Runs the events. *result is what there is to say of the file, or of a plan; NULL: the features
 * are another's. */
static mmn_status run_events(mmn_result **result, mmn_features_request *request,
                             const mmn_encode_study *study, char **scratch, mmn_error *error)
{
    if (!request->asked.file)
        MMN_TRY(mmn_scratch_file(scratch, error));
    if (*scratch)
        request->asked.file = *scratch;
    return mmn_study_make(result, &mmn_features_kind, study->options->model, request, error);
}

static mmn_status open_features(mmn_encode_study *study, const char *file, mmn_error *error)
{
    MMN_TRY(mmn_safetensors_open(&study->run->tensors, file, error));
    return mmn_safetensors_checksum(study->run->digest, study->run->tensors, "", error);
}

mmn_status mmn_encode_run_model(mmn_result **result, bool *made, mmn_encode_study *study,
                                mmn_error *error)
{
    mmn_features_request request = {.size = sizeof(request), .responses = study->responses};
    char *scratch = NULL;
    mmn_result *features = NULL;
    *made = false;
    MMN_TRY(
        mmn_take_options(&request.asked, sizeof(request.asked), 0, study->options->events, error));
    mmn_status status = run_events(&features, &request, study, &scratch, error);
    *made = status == MMN_OK && features && !request.asked.rows.plan;
    if (*made)
        status = open_features(study, request.asked.file, error);
    if (scratch)
        unlink(scratch);
    mmn_free(scratch);
    if (status == MMN_OK && !*made)
        *result = features;
    else
        mmn_result_free(features);
    study->begun = mmn_clock();
    return status;
}
