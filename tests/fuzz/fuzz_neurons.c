/* Fuzz target: neurons.json, and masks of a model by it. */
#include "count/neurons.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(neurons, 100)
{
    static mmn_model *model;
    mmn_error error = {0}, refused = {0};
    if (!model &&
        mmn_model_open(&model, MMN_SOURCE_DIR "/golden/demo/model", NULL, &error) != MMN_OK)
        abort();
    mmn_fuzz_put("neurons.json", data, size);
    mmn_neurons *lists;
    mmn_status status = mmn_neurons_read(&lists, mmn_fuzz_path("neurons.json"), &error);
    if (status == MMN_OK)
        mmn_neurons_free(lists);
    mmn_mask *mask, *random;
    if (mmn_fuzz_done(mmn_mask_from_file(&mask, model, mmn_fuzz_path("neurons.json"), NULL, "all",
                                         true, &refused),
                      &refused)) {
        mmn_mask_neurons(mask, "language", -1);
        if (mmn_fuzz_done(mmn_mask_random(&random, mask, 7, &refused), &refused))
            mmn_mask_free(random);
        mmn_mask_free(mask);
    }
    return mmn_fuzz_result(status, &error);
}
