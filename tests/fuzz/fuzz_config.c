/* Fuzz target: config.json and, after a zero byte, generation_config.json. */
#include <string.h>

#include "fuzz.h"
#include "model/config.h"

const char mmn_fuzz_format[] = "config";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *zero = size > 0 ? memchr(text, '\0', size) : NULL;
    size_t config_size = zero ? (size_t)(zero - text) : size;
    size_t generation_size = zero ? size - config_size - 1 : 0;
    mmn_error error = {0};
    mmn_config config;
    mmn_status status =
        mmn_config_parse(&config, text, config_size, "config.json", zero ? zero + 1 : NULL,
                         generation_size, "generation_config.json", &error);
    if (status == MMN_OK && (config.vision.heads * config.vision.head_dim !=
                                 config.vision.hidden_size ||
                             config.language.heads % config.language.kv_heads != 0 ||
                             config.language.head_dim % 2 != 0 ||
                             config.vision.feature_layer_count == 0))
        abort();
    return mmn_fuzz_result(status, &error);
}
