/* Fuzz target: config.json and, after a zero byte, generation_config.json. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "model/config.h"

FUZZ_TARGET(config, 500)
{
    const char *text = (const char *)data;
    const char *zero = size > 0 ? memchr(text, '\0', size) : NULL;
    size_t config_size = zero ? (size_t)(zero - text) : size;
    size_t generation_size = zero ? size - config_size - 1 : 0;
    mmn_error error = {0};
    mmn_config config;
    mmn_status status = mmn_config_parse(&config, text, config_size, "config.json",
                                         zero ? zero + 1 : NULL, generation_size,
                                         "generation_config.json", &error);
    const mmn_vision_config *vision = &config.vision;
    const mmn_language_config *language = &config.language;
    const mmn_judge_config *judge = &config.judge;
    if (status == MMN_OK && vision->form &&
        (vision->heads * vision->head_dim != vision->hidden_size ||
         vision->feature_layer_count == 0))
        abort();
    const bool judges = status == MMN_OK && judge->layers > 0;
    if (judges && (judge->heads * judge->head_dim != judge->hidden_size || judge->span == 0))
        abort();
    if (status == MMN_OK && !judges &&
        (language->heads % language->kv_heads != 0 || language->rotary_dim > language->head_dim ||
         language->rotary_dim % 2 != 0))
        abort();
    return mmn_fuzz_result(status, &error);
}
