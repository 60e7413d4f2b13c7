/* A checkpoint with what transformers makes of texts with its language neurons off
 * (golden/make_language_neurons.py). */
#ifndef MMN_TESTS_NEURONS_LANGUAGE_CASE_H
#define MMN_TESTS_NEURONS_LANGUAGE_CASE_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>

#include "mmneuron.h"
#include "tests/tools/needs.h"

enum { LANGUAGE_CASE_PATH = 200 };

/* Opens the checkpoint `name` with its case, names the file of the neurons that are off, and writes
 * the case's texts as the list `list`. */
static inline void open_language_case(mmn_model **model, json_t **truth,
                                      char neurons[LANGUAGE_CASE_PATH], const char *name,
                                      const char *list)
{
    char path[LANGUAGE_CASE_PATH];
    mmn_error error;
    const char *domain;
    json_t *texts, *text;
    size_t i;
    MMN_NEEDS(name);
    snprintf(path, sizeof path, MMN_SOURCE_DIR "/tests/mask/data/language-%s.json", name);
    snprintf(neurons, LANGUAGE_CASE_PATH,
             MMN_SOURCE_DIR "/tests/mask/data/language-%s-neurons.json", name);
    *truth = json_load_file(path, 0, NULL);
    cr_assert_not_null(*truth, "%s", path);
    FILE *file = fopen(list, "w");
    json_object_foreach(json_object_get(*truth, "texts"), domain, texts)
        json_array_foreach(texts, i, text) fprintf(file, "{\"domain\": \"%s\", \"text\": \"%s\"}\n",
                                                   domain, json_string_value(text));
    fclose(file);
    snprintf(path, sizeof path, MMN_SOURCE_DIR "/golden/checkpoints/%s", name);
    cr_assert_eq(mmn_model_open(model, path, NULL, &error), MMN_OK, "%s", error.message);
}

#endif
