/* Fuzz target: generation_config.json, and rules applied to the scores of a next token. */
#include <string.h>

#include "base/json.h"
#include "pass/distribution.h"
#include "tests/fuzz/fuzz.h"

enum { VOCABULARY = 32 };

static void apply(const mmn_generation_rules *rules)
{
    static const int32_t ids[] = {1, 5, 6, 5, 6, 31, 0, 5};
    static const mmn_generation_config eos = {.eos_ids = {2, 7}, .eos_count = 2};
    for (size_t length = 1; length <= 8; length++) {
        float scores[VOCABULARY];
        mmn_error error;
        const mmn_scored_place place = {
            .ids = ids, .length = length, .prompt_length = 1, .last = length == 8};
        for (size_t i = 0; i < VOCABULARY; i++)
            scores[i] = (float)i - 16.0f;
        if (mmn_logit_rules_apply(rules, &eos, (float)rules->repetition_penalty, scores, VOCABULARY,
                                  &place, &error) != MMN_OK)
            abort();
    }
}

FUZZ_TARGET(generation, 300)
{
    const mmn_config config = {.language = {.vocab_size = VOCABULARY}};
    mmn_generation_rules rules = {0};
    json_t *document = NULL;
    mmn_error error = {0};
    mmn_reader reader = {.error = &error};
    reader.status = mmn_json_parse_published(&document, (const char *)data, size, "file", &error);
    mmn_object object = mmn_read_document(&reader, document, "file");
    if (reader.status == MMN_OK)
        mmn_generation_rules_read(&rules, &object, "generation_config.json", &config);
    if (reader.status == MMN_OK)
        apply(&rules);
    mmn_generation_rules_free(&rules);
    json_decref(document);
    return mmn_fuzz_result(reader.status, &error);
}
