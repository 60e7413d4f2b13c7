/* Logit lenses as JSON. doc/formats.md describes it. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/given.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "neurons/lens.h"
#include "neurons/lens_words.h"
#include "report/allowances.h"
#include "report/run_json.h"

typedef struct lens_text {
    mmn_text text;
    const mmn_lens *lens;
    mmn_word_count *words; /* [top] */
    mmn_error *error;
    mmn_status status; /* of spelling words */
} lens_text;

static void add_optional(mmn_text *text, const char *string)
{
    if (string && string[0] != '\0')
        mmn_text_add_json(text, string);
    else
        mmn_text_add(text, "null");
}

static void add_spelling(lens_text *out, int32_t id)
{
    char *word = NULL;

    if (out->status == MMN_OK)
        out->status = mmn_lens_word(&word, out->lens->model, id, out->error);
    mmn_text_add_json(&out->text, word ? word : "");
    mmn_free(word);
}

/* "id": 17, "word": " cat" */
static void add_word(lens_text *out, int32_t id)
{
    mmn_text_add(&out->text, "\"id\": %" PRId32 ", \"word\": ", id);
    add_spelling(out, id);
}

static void add_settings(lens_text *out)
{
    const mmn_lens *lens = out->lens;
    mmn_text *text = &out->text;
    bool first = true;

    mmn_text_add(text, "  \"settings\": {\"list\": ");
    mmn_text_add_json(text, lens->list);
    mmn_text_add(text, ",\n    \"samples\": %" PRIu64 ", \"stages\": [", lens->samples);
    for (int stage = 0; stage < MMN_LENS_STAGES; stage++) {
        if (!lens->stages[stage])
            continue;
        mmn_text_add(text, "%s\"%s\"", first ? "" : ", ", mmn_lens_stage_names[stage]);
        first = false;
    }
    mmn_text_add(text, "], \"top\": %zu, \"off\": ", lens->top);
    add_optional(text, lens->off_setting);
    mmn_text_add(text, ", \"neurons_of\": ");
    add_optional(text, lens->off_domain);
    mmn_allowances_json(text, &lens->allowed);
    mmn_text_add(text, "},\n  \"domains\": [");
    for (size_t d = 0; d < lens->run.domains->domain_count; d++) {
        mmn_text_add(text, "%s", d > 0 ? ", " : "");
        mmn_text_add_json(text, lens->run.domains->domains[d].name);
    }
    mmn_text_add(text, "],\n  \"layers\": %zu, \"vocabulary\": %zu,\n", lens->layers,
                 lens->vocabulary);
}

static void add_kind(lens_text *out, size_t domain, int stage, int image)
{
    const mmn_lens *lens = out->lens;
    mmn_text *text = &out->text;
    uint64_t positions = lens->positions[domain][image];

    mmn_text_add(text, "\"%s\": {\"positions\": %" PRIu64 ", \"entropy\": [",
                 image ? "image" : "text", positions);
    for (size_t layer = 0; layer < lens->layers && positions > 0; layer++) {
        mmn_text_add(text, "%s", layer > 0 ? ", " : "");
        mmn_text_add_real(text, mmn_lens_entropy(lens, domain, stage, layer, image));
    }
    mmn_text_add(text, "],\n      \"top\": [");
    for (size_t layer = 0; layer < lens->layers && positions > 0; layer++) {
        const mmn_lens_cell *cell = mmn_lens_cell_of(lens, domain, stage, layer, image);
        size_t count = mmn_word_counts_most(&cell->words, out->words, lens->top);
        mmn_text_add(text, "%s[", layer > 0 ? ",\n        " : "");
        for (size_t i = 0; i < count; i++) {
            mmn_text_add(text, "%s{", i > 0 ? ", " : "");
            add_word(out, out->words[i].id);
            mmn_text_add(text, ", \"share\": ");
            mmn_text_add_real(text, (double)out->words[i].count / (double)positions);
            mmn_text_add(text, "}");
        }
        mmn_text_add(text, "]");
    }
    mmn_text_add(text, "]}");
}

static void add_curves(lens_text *out)
{
    const mmn_lens *lens = out->lens;
    mmn_text *text = &out->text;
    bool first = true;

    mmn_text_add(text, "  \"curves\": [");
    for (size_t domain = 0; domain < lens->run.domains->domain_count; domain++)
        for (int stage = 0; stage < MMN_LENS_STAGES; stage++) {
            if (!lens->stages[stage])
                continue;
            mmn_text_add(text, "%s\n    {\"domain\": ", first ? "" : ",");
            mmn_text_add_json(text, lens->run.domains->domains[domain].name);
            mmn_text_add(text, ", \"stage\": \"%s\",\n     ", mmn_lens_stage_names[stage]);
            add_kind(out, domain, stage, 1);
            mmn_text_add(text, ",\n     ");
            add_kind(out, domain, stage, 0);
            mmn_text_add(text, "}");
            first = false;
        }
    mmn_text_add(text, "],\n");
}

static void add_evidence(mmn_text *text, const mmn_three_stages *stages, size_t layers)
{
    if (layers < 3) {
        mmn_text_add(text, "\"fewer than three layers\"");
        return;
    }
    mmn_text_add(text, "\"mean entropies of layers 0-%zu, %zu-%zu and %zu-%zu, in nats, the three "
                 "levels that fit the curve best\"", stages->align_until,
                 stages->align_until + 1, stages->generate_from - 1, stages->generate_from,
                 layers - 1);
}

static void add_three_stages(lens_text *out)
{
    const mmn_lens *lens = out->lens;
    mmn_text *text = &out->text;
    bool first = true;

    mmn_text_add(text, "  \"three_stages\": [");
    for (size_t d = 0; lens->stages[MMN_LENS_OUT] && d < lens->run.domains->domain_count; d++) {
        mmn_three_stages stages;
        if (lens->positions[d][1] == 0 || out->status != MMN_OK)
            continue;
        out->status = mmn_lens_three_stages(&stages, lens, d, out->error);
        mmn_text_add(text, "%s\n    {\"domain\": ", first ? "" : ",");
        mmn_text_add_json(text, lens->run.domains->domains[d].name);
        mmn_text_add(text, ", \"found\": %s, \"align_until\": %zu, \"generate_from\": %zu,\n"
                     "     \"evidence\": ",
                     stages.found ? "true" : "false", stages.align_until, stages.generate_from);
        add_evidence(text, &stages, lens->layers);
        mmn_text_add(text, ",\n     \"values\": {\"levels\": [");
        for (int i = 0; i < 3; i++) {
            mmn_text_add(text, "%s", i > 0 ? ", " : "");
            mmn_text_add_real(text, stages.levels[i]);
        }
        mmn_text_add(text, "], \"explained\": ");
        mmn_text_add_real(text, stages.explained);
        mmn_text_add(text, ", \"fall\": ");
        mmn_text_add_real(text, stages.fall);
        mmn_text_add(text, "}}");
        first = false;
    }
    mmn_text_add(text, "],\n");
}

static void add_reading(lens_text *out, const mmn_lens_example *example, size_t reading)
{
    const mmn_lens *lens = out->lens;
    mmn_text *text = &out->text;

    mmn_text_add(text, "{\"entropy\": ");
    mmn_text_add_real(text, example->entropy[reading]);
    mmn_text_add(text, ", \"top\": [");
    for (size_t i = 0; i < lens->top; i++) {
        const mmn_word *word = &example->words[reading * lens->top + i];
        mmn_text_add(text, "%s{", i > 0 ? ", " : "");
        add_word(out, word->id);
        mmn_text_add(text, ", \"p\": ");
        mmn_text_add_real(text, word->probability);
        mmn_text_add(text, "}");
    }
    mmn_text_add(text, "]}");
}

static void add_position(lens_text *out, const mmn_lens_example *example, size_t index)
{
    const mmn_lens *lens = out->lens;
    mmn_text *text = &out->text;

    mmn_text_add(text, "      {\"position\": %zu, \"kind\": \"%s\", \"token\": ",
                 example->positions[index], example->is_image[index] ? "image" : "text");
    add_spelling(out, example->ids[index]);
    mmn_text_add(text, ", \"layers\": [");
    for (size_t layer = 0; layer < lens->layers; layer++) {
        mmn_text_add(text, "%s\n        ", layer > 0 ? "," : "");
        add_reading(out, example, index * lens->layers + layer);
    }
    mmn_text_add(text, "]}");
}

static void add_activation(lens_text *out, const mmn_lens_example *example)
{
    const mmn_lens_activation *activation = &out->lens->activation;
    mmn_text *text = &out->text;

    mmn_text_add(text, "     \"activation\": {\"module\": \"%s\", \"layer\": %" PRIu32
                 ", \"neuron\": %" PRIu32 ", \"grid\": [%zu, %zu],\n      \"values\": [",
                 activation->module->name, activation->layer, activation->neuron, example->grid,
                 example->grid);
    for (size_t i = 0; i < example->grid * example->grid; i++) {
        mmn_text_add(text, "%s", i > 0 ? ", " : "");
        mmn_text_add_real(text, example->activation[i]);
    }
    mmn_text_add(text, "]},\n");
}

static void add_example(lens_text *out, const mmn_lens_example *example)
{
    mmn_text *text = &out->text;

    mmn_text_add(text, "    {\"id\": ");
    mmn_text_add_json(text, example->id);
    mmn_text_add(text, ", \"domain\": ");
    mmn_text_add_json(text, out->lens->run.domains->domains[example->domain].name);
    mmn_text_add(text, ", \"images\": [");
    for (size_t i = 0; i < example->image_count; i++) {
        mmn_text_add(text, "%s", i > 0 ? ", " : "");
        mmn_text_add_json(text, example->images[i]);
    }
    if (example->grid > 0)
        mmn_text_add(text, "], \"grid\": {\"rows\": %zu, \"columns\": %zu, \"first\": %zu},\n",
                     example->grid, example->grid, example->grid_first);
    else
        mmn_text_add(text, "], \"grid\": null,\n");
    if (example->activation)
        add_activation(out, example);
    mmn_text_add(text, "     \"positions\": [\n");
    for (size_t i = 0; i < example->count; i++) {
        mmn_text_add(text, "%s", i > 0 ? ",\n" : "");
        add_position(out, example, i);
    }
    mmn_text_add(text, "]}");
}

mmn_status mmn_lens_json(const mmn_lens *lens, char **json, mmn_error *error)
{
    if (json)
        *json = NULL;
    if (MMN_MISSING(error, lens, json))
        return MMN_USAGE;
    lens_text out = {.lens = lens, .error = error};
    mmn_text *text = &out.text;

    if (!(out.words = mmn_allocate(lens->top, sizeof(*out.words), error)))
        return MMN_SYSTEM;
    mmn_text_add(text, "{\n  \"format\": \"mmneuron-lens-1\",\n  \"version\": ");
    mmn_text_add_json(text, lens->version);
    mmn_text_add(text, ",\n  \"model\": \"%s\",\n  \"neurons\": ", lens->digest);
    add_optional(text, lens->neurons);
    mmn_text_add(text, ",\n");
    mmn_run_json_nonfinite(text, lens->nonfinite);
    add_settings(&out);
    add_curves(&out);
    add_three_stages(&out);
    mmn_text_add(text, "  \"samples\": [\n");
    for (size_t i = 0; i < lens->example_count; i++) {
        mmn_text_add(text, "%s", i > 0 ? ",\n" : "");
        add_example(&out, &lens->examples[i]);
    }
    mmn_text_add(text, "]\n}\n");
    mmn_free(out.words);
    if (out.status != MMN_OK) {
        mmn_text_free(text);
        return out.status;
    }
    return mmn_text_finish(text, json, error);
}

mmn_status mmn_lens_write(const mmn_lens *lens, const char *file, mmn_error *error)
{
    if (MMN_MISSING(error, lens, file))
        return MMN_USAGE;
    char *json;
    mmn_status status = mmn_lens_json(lens, &json, error);

    if (status == MMN_OK)
        status = mmn_write_file(file, json, strlen(json), error);
    mmn_free(json);
    return status;
}
