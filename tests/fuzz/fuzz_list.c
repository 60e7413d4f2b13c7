/* Fuzz target: dataset lists. */
#include "format/list.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

FUZZ_TARGET(list, 500)
{
    mmn_error error = {0};
    mmn_list *list;
    if (mmn_list_parse(&list, data, size, "folder/list.jsonl", &error) != MMN_OK)
        abort();
    int result = MMN_FUZZ_ACCEPTED;
    uint64_t lines = 0;
    size_t used = 0;
    for (bool found = true; found;) {
        mmn_sample sample;
        mmn_status status = mmn_list_next(list, &sample, &found, &error);
        if (mmn_fuzz_result(status, &error) != MMN_FUZZ_ACCEPTED)
            result = MMN_FUZZ_REFUSED;
        lines += found;
        if (status != MMN_OK || !found)
            continue;
        used += strlen(sample.id) + strlen(sample.domain);
        if (sample.text || sample.text_file)
            used += strlen(sample.text ? sample.text : sample.text_file);
        for (size_t i = 0; i < sample.image_count; i++)
            used += strlen(sample.images[i]);
        for (size_t i = 0; i < sample.answer_count; i++)
            used += strlen(sample.answers[i]);
        for (size_t i = 0; i < sample.choice_count; i++)
            used += strlen(sample.choices[i]);
    }
    if (lines > mmn_list_line(list) || used == SIZE_MAX)
        abort();
    mmn_list_close(list);
    return result;
}
