/* Fuzz target: safetensors files. */
#include "format/safetensors.h"

#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(safetensors, 500)
{
    mmn_error error = {0};
    mmn_safetensors *tensors;
    mmn_status status = mmn_safetensors_parse(&tensors, data, size, "file", &error);
    volatile uint8_t sum = 0;
    for (size_t i = 0; status == MMN_OK && i < mmn_safetensors_count(tensors); i++) {
        const mmn_tensor *tensor = mmn_safetensors_get(tensors, i);
        for (size_t byte = 0; byte < tensor->bytes; byte++)
            sum = (uint8_t)(sum + tensor->data[byte]);
        if (mmn_safetensors_find(tensors, tensor->name) != tensor)
            abort();
    }
    mmn_safetensors_close(tensors);
    return mmn_fuzz_result(status, &error);
}
