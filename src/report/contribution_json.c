/* Multi-modal neurons as JSON. doc/formats.md describes it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/given.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "neurons/contribution.h"
#include "neurons/lens_words.h"
#include "report/allowances.h"
#include "report/run_json.h"

typedef struct contribution_text {
    mmn_text text;
    const mmn_contributions *result;
    mmn_error *error;
    mmn_status status; /* of spelling words */
} contribution_text;

/* "id": 17, "word": " cat" */
static void add_word(contribution_text *out, int32_t id)
{
    char *word = NULL;

    if (out->status == MMN_OK)
        out->status = mmn_lens_word(&word, out->result->model, id, out->error);
    mmn_text_add(&out->text, "\"id\": %" PRId32 ", \"word\": ", id);
    mmn_text_add_json(&out->text, word ? word : "");
    mmn_free(word);
}

static void add_settings(mmn_text *text, const mmn_contributions *result)
{
    mmn_text_add(text, "  \"settings\": {\"prompt\": ");
    mmn_text_add_json(text, result->prompt);
    mmn_text_add(text, ",\n    \"tokens\": %" PRIu64 ", \"activation\": \"%s\", \"top\": %zu, "
                 "\"names\": %zu,\n    \"seeds\": %" PRIu64 ", \"first_seed\": %" PRIu64
                 ", \"noise\": ",
                 result->tokens, result->product ? "product" : "gate", result->top, result->names,
                 result->seeds, result->first_seed);
    mmn_text_add_real(text, result->noise);
    mmn_run_json_generation(text, result->model);
    mmn_allowances_json(text, &result->allowed);
    mmn_text_add(text, "},\n  \"images\": [");
    for (size_t i = 0; i < result->image_count; i++) {
        mmn_text_add(text, "%s", i > 0 ? ", " : "");
        mmn_text_add_json(text, result->images[i]);
    }
    if (result->grid.side > 0)
        mmn_text_add(text, "],\n  \"grid\": {\"rows\": %zu, \"columns\": %zu, \"first\": %zu},\n",
                     result->grid.side, result->grid.side, result->grid.first);
    else
        mmn_text_add(text, "],\n  \"grid\": null,\n");
}

static void add_finite(mmn_text *text, double value)
{
    if (isfinite(value))
        mmn_text_add_real(text, value);
    else
        mmn_text_add(text, "null");
}

static void add_map(mmn_text *text, const mmn_patch_grid *grid, const mmn_contributor *neuron)
{
    mmn_text_add(text, ",\n       \"activations\": {\"module\": \"language\", \"layer\": %" PRIu32
                 ", \"neuron\": %" PRIu32 ", \"grid\": [%zu, %zu], \"bar\": ",
                 neuron->layer, neuron->neuron, grid->side, grid->side);
    add_finite(text, neuron->bar);
    mmn_text_add(text, ",\n        \"values\": [");
    for (size_t i = 0; i < grid->side * grid->side; i++) {
        mmn_text_add(text, "%s", i > 0 ? ", " : "");
        add_finite(text, neuron->map[i]);
    }
    mmn_text_add(text, "]}");
}

static void add_neuron(contribution_text *out, const mmn_contributor *neuron)
{
    mmn_text *text = &out->text;

    mmn_text_add(text, "      {\"layer\": %" PRIu32 ", \"neuron\": %" PRIu32 ", \"contribution\": ",
                 neuron->layer, neuron->neuron);
    mmn_text_add_real(text, neuron->contribution);
    mmn_text_add(text, ", \"activation\": ");
    mmn_text_add_real(text, neuron->activation);
    mmn_text_add(text, ", \"score\": ");
    mmn_text_add_real(text, neuron->score);
    mmn_text_add(text, ",\n       \"names\": [");
    for (size_t i = 0; i < out->result->names; i++) {
        mmn_text_add(text, "%s{", i > 0 ? ", " : "");
        add_word(out, neuron->names[i].id);
        mmn_text_add(text, ", \"value\": ");
        mmn_text_add_real(text, neuron->names[i].value);
        mmn_text_add(text, "}");
    }
    mmn_text_add(text, "]");
    if (out->result->grid.side > 0)
        add_map(text, &out->result->grid, neuron);
    mmn_text_add(text, "}");
}

static void add_disturbance(contribution_text *out, const mmn_disturbance *disturbance)
{
    mmn_text *text = &out->text;

    mmn_text_add(text, "      {\"how\": \"%s\", \"neurons\": \"%s\", \"seed\": ",
                 disturbance->kind == MMN_DISTURB_OFF ? "off" : "noise",
                 disturbance->random ? "random" : "top");
    if (disturbance->kind == MMN_DISTURB_NOISE || disturbance->random)
        mmn_text_add(text, "%" PRIu64, disturbance->seed);
    else
        mmn_text_add(text, "null");
    mmn_text_add(text, ", \"log_probability\": ");
    mmn_text_add_real(text, disturbance->log_probability);
    mmn_text_add(text, ", \"likeliest\": {");
    add_word(out, disturbance->likeliest);
    mmn_text_add(text, "}, \"answer_changes\": %s}",
                 disturbance->answer_changes ? "true" : "false");
}

static void add_drops(mmn_text *text, const mmn_answer_word *word)
{
    bool first = true;

    mmn_text_add(text, "     \"drops\": [");
    for (int kind = 0; kind < MMN_DISTURBANCES; kind++)
        for (int random = 0; random < 2; random++) {
            mmn_interval drop;
            if (!mmn_contribution_drop(&drop, word, (mmn_disturbance_kind)kind, random))
                continue;
            mmn_text_add(text, "%s{\"how\": \"%s\", \"neurons\": \"%s\", \"mean\": ",
                         first ? "" : ", ", kind == MMN_DISTURB_OFF ? "off" : "noise",
                         random ? "random" : "top");
            mmn_text_add_real(text, drop.mean);
            mmn_text_add(text, ", \"interval\": [");
            mmn_text_add_real(text, drop.low);
            mmn_text_add(text, ", ");
            mmn_text_add_real(text, drop.high);
            mmn_text_add(text, "]}");
            first = false;
        }
    mmn_text_add(text, "]");
}

static void add_answer_word(contribution_text *out, const mmn_answer_word *word)
{
    mmn_text *text = &out->text;

    mmn_text_add(text, "    {\"text\": ");
    mmn_text_add_json(text, word->text);
    mmn_text_add(text, ", \"token\": %zu, ", word->token);
    add_word(out, word->id);
    mmn_text_add(text, ", \"position\": %zu, \"log_probability\": ", word->position);
    mmn_text_add_real(text, word->log_probability);
    mmn_text_add(text, ",\n     \"neurons\": [\n");
    for (size_t i = 0; i < word->neuron_count; i++) {
        mmn_text_add(text, "%s", i > 0 ? ",\n" : "");
        add_neuron(out, &word->neurons[i]);
    }
    mmn_text_add(text, "],\n     \"disturbances\": [");
    for (size_t i = 0; i < word->disturbance_count; i++) {
        mmn_text_add(text, "%s\n", i > 0 ? "," : "");
        add_disturbance(out, &word->disturbances[i]);
    }
    mmn_text_add(text, "],\n");
    add_drops(text, word);
    mmn_text_add(text, "}");
}

mmn_status mmn_contributions_json(const mmn_contributions *result, char **json, mmn_error *error)
{
    if (json)
        *json = NULL;
    if (MMN_MISSING(error, result, json))
        return MMN_USAGE;
    contribution_text out = {.result = result, .error = error};
    mmn_text *text = &out.text;

    mmn_text_add(text, "{\n  \"format\": \"mmneuron-contrib-1\",\n  \"version\": ");
    mmn_text_add_json(text, result->version);
    mmn_text_add(text, ",\n  \"model\": \"%s\",\n  \"neurons\": null,\n", result->digest);
    mmn_run_json_nonfinite(text, result->nonfinite);
    add_settings(text, result);
    mmn_text_add(text, "  \"answer\": ");
    mmn_text_add_json(text, result->answer);
    mmn_text_add(text, ",\n  \"ids\": [");
    for (size_t i = 0; i < result->id_count; i++)
        mmn_text_add(text, "%s%" PRId32, i > 0 ? ", " : "", result->ids[i]);
    mmn_text_add(text, "],\n  \"words\": [\n");
    for (size_t i = 0; i < result->word_count; i++) {
        mmn_text_add(text, "%s", i > 0 ? ",\n" : "");
        add_answer_word(&out, &result->words[i]);
    }
    mmn_text_add(text, "]\n}\n");
    if (out.status != MMN_OK) {
        mmn_text_free(text);
        return out.status;
    }
    return mmn_text_finish(text, json, error);
}

mmn_status mmn_contributions_write(const mmn_contributions *result, const char *file,
                                   mmn_error *error)
{
    if (MMN_MISSING(error, result, file))
        return MMN_USAGE;
    char *json;
    mmn_status status = mmn_contributions_json(result, &json, error);

    if (status == MMN_OK)
        status = mmn_write_file(file, json, strlen(json), error);
    mmn_free(json);
    return status;
}
