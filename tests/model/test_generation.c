/* What generation_config.json says of decoding against what transformers' generate answers
 * (golden/make_generation.py), and what it says that is refused. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "mmneuron.h"
#include "tests/model/answers.h"
#include "tests/tools/slow.h"

#define GOLDEN MMN_SOURCE_DIR "/golden/"

/* Of the cases, one of so many where tests take long. */
enum { SLOW_SHARE = 7 };

static mmn_error error;

/* Writes `value` as folder/name. */
static void write_json(const char *folder, const char *name, const json_t *value)
{
    char path[PATH_MAX];
    char *written = json_dumps(value, 0);
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    cr_assert_eq(mmn_write_file(path, written, strlen(written), &error), MMN_OK);
    free(written);
}

/* config.json with what a case adds at its root and in text_config. */
static void write_config(const char *folder, const char *source, const json_t *added)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%.2000s/config.json", source);
    json_t *config = json_load_file(path, 0, NULL);
    cr_assert_not_null(config);
    json_t *language = json_object_get(config, "text_config"), *value;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)added, key, value)
    {
        if (strcmp(key, "text_config") == 0)
            json_object_update(language, value);
        else
            json_object_set(config, key, value);
    }
    write_json(folder, "config.json", config);
    json_decref(config);
}

/* A folder of the checkpoint's files, with these instead of its own two. */
static void make_folder(char *folder, const char *checkpoint, const json_t *generation,
                        const json_t *added)
{
    char source[PATH_MAX], from[PATH_MAX], to[PATH_MAX];
    snprintf(source, sizeof(source), GOLDEN "checkpoints/%s", checkpoint);
    cr_assert_not_null(mkdtemp(folder));
    DIR *files = opendir(source);
    cr_assert_not_null(files);
    for (struct dirent *file; (file = readdir(files));) {
        if (file->d_name[0] == '.' || strcmp(file->d_name, "config.json") == 0 ||
            strcmp(file->d_name, "generation_config.json") == 0)
            continue;
        snprintf(from, sizeof(from), "%.2000s/%s", source, file->d_name);
        snprintf(to, sizeof(to), "%s/%s", folder, file->d_name);
        cr_assert_eq(symlink(from, to), 0);
    }
    closedir(files);
    write_config(folder, source, added);
    if (!json_is_null(generation))
        write_json(folder, "generation_config.json", generation);
}

static void remove_folder(const char *folder)
{
    char path[PATH_MAX];
    DIR *files = opendir(folder);
    cr_assert_not_null(files);
    for (struct dirent *file; (file = readdir(files));) {
        snprintf(path, sizeof(path), "%s/%s", folder, file->d_name);
        if (file->d_name[0] != '.')
            unlink(path);
    }
    closedir(files);
    rmdir(folder);
}

static mmn_status generate(int32_t *ids, size_t *count, size_t limit, const mmn_model *model,
                           const char *inputs)
{
    mmn_session *session;
    mmn_input *input;
    cr_assert_eq(mmn_input_from_file(&input, model, inputs, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    mmn_status status = mmn_session_generate(session, limit, ids, count, &error);
    mmn_session_free(session);
    mmn_input_free(input);
    return status;
}

static void check_answer(const json_t *expected)
{
    char folder[] = "/tmp/mmneuron-test-XXXXXX", inputs[PATH_MAX];
    int32_t ids[64];
    size_t count, limit = (size_t)json_integer_value(json_object_get(expected, "tokens"));
    mmn_model *model;
    make_folder(folder, mmn_case_text(expected, "checkpoint"),
                json_object_get(expected, "generation_config"),
                json_object_get(expected, "config"));
    snprintf(inputs, sizeof(inputs), GOLDEN "cases/%s/%s.safetensors",
             mmn_case_text(expected, "checkpoint"), mmn_case_text(expected, "case"));
    cr_assert_eq(mmn_model_open(&model, folder, NULL, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(generate(ids, &count, limit, model, inputs), MMN_OK, "%s", error.message);
    mmn_check_tokens(expected, ids, count);
    mmn_model_close(model);
    remove_folder(folder);
}

Test(generation, answers_as_transformers_does)
{
    mmn_check_cases(MMN_SOURCE_DIR "/tests/model/data/generation.json", 150,
                    is_slow() ? SLOW_SHARE : 1, check_answer);
}

/* Opens llama-2 with this text as its generation_config.json. */
static mmn_status open_with(mmn_model **model, char *folder, const char *generation, int ignore)
{
    const mmn_model_options options = {.size = sizeof(options), .ignore_generation_config = ignore};
    json_t *empty = json_object(), *nothing = json_null();
    char path[PATH_MAX];
    make_folder(folder, "llama-2", nothing, empty);
    snprintf(path, sizeof(path), "%s/generation_config.json", folder);
    cr_assert_eq(mmn_write_file(path, generation, strlen(generation), &error), MMN_OK);
    mmn_status status = mmn_model_open(model, folder, &options, &error);
    json_decref(empty);
    remove_folder(folder);
    return status;
}

/* What transformers would do and this library does not: the model opens, and does not generate
 * without being told to ignore it. */
Test(generation, refuses_by_name_what_is_not_supported)
{
    static const char *const asked[] = {"\"guidance_scale\": 1.5",
                                        "\"sequence_bias\": [[[5], -3.0]]",
                                        "\"penalty_alpha\": 0.6",
                                        "\"num_beam_groups\": 2",
                                        "\"diversity_penalty\": 0.5",
                                        "\"dola_layers\": \"low\"",
                                        "\"constraints\": [1]",
                                        "\"force_words_ids\": [[1]]",
                                        "\"token_healing\": true",
                                        "\"renormalize_logits\": true",
                                        "\"encoder_repetition_penalty\": 1.5",
                                        "\"encoder_no_repeat_ngram_size\": 2",
                                        "\"watermarking_config\": {}",
                                        "\"exponential_decay_length_penalty\": [3, 1.5]",
                                        "\"max_time\": 2.0"};
    const char *inputs = GOLDEN "cases/llama-2/sentence.safetensors";
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        char folder[] = "/tmp/mmneuron-test-XXXXXX", generation[200], key[64];
        int32_t ids[2];
        size_t count;
        mmn_model *model;
        snprintf(generation, sizeof(generation), "{%s}", asked[i]);
        sscanf(asked[i], "\"%63[a-z_]", key);
        cr_assert_eq(open_with(&model, folder, generation, 0), MMN_OK, "%s", error.message);
        cr_assert(strstr(mmn_model_describe(model)->generation.refused, key));
        cr_assert_eq(generate(ids, &count, 2, model, inputs), MMN_INPUT, "%s", asked[i]);
        cr_assert(strstr(error.message, key), "%s: %s", asked[i], error.message);
        cr_assert_str_eq(error.where, "generation_config.json");
        mmn_model_close(model);
        char other[] = "/tmp/mmneuron-test-XXXXXX";
        cr_assert_eq(open_with(&model, other, generation, 1), MMN_OK);
        cr_assert_eq(generate(ids, &count, 2, model, inputs), MMN_OK);
        mmn_model_close(model);
    }
}

/* Values that transformers could not use, each with its key. */
Test(generation, refuses_broken_values)
{
    static const char *const broken[][2] = {
        {"repetition_penalty", "\"2\""},
        {"repetition_penalty", "0"},
        {"repetition_penalty", "-1.5"},
        {"no_repeat_ngram_size", "2.5"},
        {"min_new_tokens", "\"3\""},
        {"bad_words_ids", "[]"},
        {"bad_words_ids", "[5]"},
        {"bad_words_ids", "[[9999]]"},
        {"bad_words_ids", "[[-1]]"},
        {"suppress_tokens", "5"},
        {"suppress_tokens", "[1.5]"},
        {"begin_suppress_tokens", "{}"},
        {"forced_bos_token_id", "9999"},
        {"forced_eos_token_id", "9999"},
        {"forced_eos_token_id", "[1, \"2\"]"},
        {"num_beams", "0"},
        {"num_beams", "-1"},
        {"length_penalty", "\"long\""},
        {"early_stopping", "\"abc\""},
        {"stop_strings", "[1]"},
        {"stop_strings", "\"\""},
        {"remove_invalid_values", "1"},
        {"eos_token_id", "\"</s>\""},
        {"eos_token_id", "[1.5]"},
        {"forced_bos_token_id", "5, \"suppress_tokens\": [3, 5, 2]"},
        {"forced_eos_token_id", "[2, 3], \"suppress_tokens\": [3, 5, 2]"},
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        char folder[] = "/tmp/mmneuron-test-XXXXXX", generation[200];
        mmn_model *model;
        snprintf(generation, sizeof(generation), "{\"%s\": %s}", broken[i][0], broken[i][1]);
        cr_assert_eq(open_with(&model, folder, generation, 0), MMN_INPUT, "%s", generation);
        cr_assert_str_eq(error.where, broken[i][0]);
    }
}

/* The caller's word counts before the folder's; what is only for sampling is told. */
Test(generation, callers_overrule_the_folder)
{
    const char *inputs = GOLDEN "cases/llama-2/sentence.safetensors";
    static const char generation[] =
        "{\"eos_token_id\": 2, \"repetition_penalty\": 1.5, \"num_beams\": 3, "
        "\"stop_strings\": \"e\", \"do_sample\": true, \"top_p\": 0.9, "
        "\"no_repeat_ngram_size\": 0}";
    char folder[] = "/tmp/mmneuron-test-XXXXXX", other[] = "/tmp/mmneuron-test-XXXXXX";
    int32_t ids[12], plain[12];
    size_t count, plain_count;
    mmn_model *model;
    cr_assert_eq(open_with(&model, folder, generation, 1), MMN_OK);
    const mmn_generation_info *info = &mmn_model_describe(model)->generation;
    cr_assert(info->ignored && info->stop_ids[0] == 2);
    cr_assert_str_eq(info->obeyed, "{}");
    cr_assert_eq(generate(plain, &plain_count, 12, model, inputs), MMN_OK);
    mmn_model_close(model);

    cr_assert_eq(open_with(&model, other, generation, 0), MMN_OK);
    info = &mmn_model_describe(model)->generation;
    cr_assert_str_eq(info->obeyed, "{\"repetition_penalty\": 1.5, \"num_beams\": 3, "
                                   "\"stop_strings\": \"e\"}");
    cr_assert_str_eq(info->unused, "{\"do_sample\": true, \"top_p\": 0.9}");
    const mmn_sampling sampling = {.repetition_penalty = 1};
    const mmn_beam_search search = {.beams = 1};
    const char *const stop[] = {"never said"};
    mmn_session *session;
    mmn_input *input;
    cr_assert_eq(mmn_input_from_file(&input, model, inputs, &error), MMN_OK);
    cr_assert_eq(mmn_session_create(&session, model, NULL, &error), MMN_OK);
    cr_assert_eq(mmn_session_set_sampling(session, &sampling, &error), MMN_OK);
    cr_assert_eq(mmn_session_set_beam_search(session, &search, &error), MMN_OK);
    cr_assert_eq(mmn_session_set_stop_strings(session, stop, 1, &error), MMN_OK);
    cr_assert_eq(mmn_session_prefill(session, input, &error), MMN_OK);
    cr_assert_eq(mmn_session_generate(session, 12, ids, &count, &error), MMN_OK);
    cr_assert_eq(count, plain_count);
    cr_assert_arr_eq(ids, plain, count * sizeof(*ids));
    const char *const empty[] = {""};
    cr_assert_eq(mmn_session_set_stop_strings(session, empty, 1, &error), MMN_USAGE);
    mmn_session_free(session);
    mmn_input_free(input);
    mmn_model_close(model);
}
