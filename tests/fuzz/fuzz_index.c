/* Fuzz target: model.safetensors.index.json, of a checkpoint in two files. */
#include <string.h>

#include "format/safetensors.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(index, 200)
{
    static bool linked;
    if (!linked)
        mmn_fuzz_link("golden/checkpoints/llama-2");
    linked = true;
    mmn_fuzz_put("model.safetensors.index.json", data, size);
    mmn_error error = {0};
    mmn_safetensors *tensors;
    mmn_status status = mmn_safetensors_open_folder(&tensors, mmn_fuzz_path("."), &error);
    mmn_safetensors_close(tensors);
    /* A file that the index names and the folder lacks. */
    if (status == MMN_SYSTEM && error.message[0] != '\0')
        return MMN_FUZZ_REFUSED;
    return mmn_fuzz_result(status, &error);
}
