/* Editing what a model says of one input: the word, its neurons, the search, and what the model
 * then answers. doc/formats.md describes the delta and the result. */
#include "study/edit.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/output.h"
#include "model/input.h"
#include "model/model.h"
#include "pass/session.h"

static const double PROBABILITY = 0.9, LEARNING_RATE = 0.005;
enum { LEARNING_STEPS = 50, MOST_STEPS = 100000 };

typedef struct editing {
    mmn_one_contribution one; /* of the word */
    const mmn_edit_options *options;
    mmn_contribution_options asked;
    mmn_edit_wishes wishes;
    mmn_edit_search search;
    const mmn_answer_word *word;
    bool optimised;
    mmn_input *input;        /* of that way */
    mmn_contributor *random; /* NULL: the word's own neurons */
    char *answer;            /* after the edit */
    char digest[MMN_DIGEST_SIZE];
} editing;

/* ---- Setting up ------------------------------------------------------------------------------ */

const char *mmn_edit_method_name(bool optimised)
{
    return optimised ? "optimised" : "direct";
}

mmn_status mmn_edit_check_method(const char *method, mmn_error *error)
{
    for (int optimised = 0; optimised < 2; optimised++)
        if (strcmp(method, mmn_edit_method_name(optimised)) == 0)
            return MMN_OK;
    return mmn_fail(error, MMN_USAGE, NULL, NULL, "there is no method \"%.100s\" of editing",
                    method);
}

mmn_status mmn_edit_wish(mmn_edit_wishes *wishes, double probability, double learning_rate,
                         uint32_t steps, mmn_error *error)
{
    if (!(probability >= 0 && probability < 1))
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "the probability must be below 1");
    if (!(learning_rate >= 0 && isfinite(learning_rate)) || steps > MOST_STEPS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "the learning rate must be a number from 0 on, and there can be %d steps",
                        MOST_STEPS);
    *wishes = (mmn_edit_wishes){.probability = probability > 0 ? probability : PROBABILITY,
                                .rate = learning_rate > 0 ? learning_rate : LEARNING_RATE,
                                .steps = steps > 0 ? steps : LEARNING_STEPS};
    return MMN_OK;
}

static mmn_status set_up(void *context, const mmn_model *model, const void *asked, mmn_error *error)
{
    editing *edit = context;
    const mmn_edit_options *options = edit->options = asked;
    MMN_GIVEN(error, options->from, options->to);
    if (options->method)
        MMN_TRY(mmn_edit_check_method(options->method, error));
    MMN_TRY(mmn_edit_wish(&edit->wishes, options->probability, options->learning_rate,
                          options->steps, error));
    edit->optimised = options->method && strcmp(options->method, "optimised") == 0;
    edit->asked = (mmn_contribution_options){.size = sizeof(edit->asked),
                                             .prompt = options->prompt,
                                             .question = options->question,
                                             .template_name = options->template_name,
                                             .images = options->images,
                                             .image_count = options->image_count,
                                             .tokens = options->tokens,
                                             .word = options->from,
                                             .top = options->top,
                                             .names = 1,
                                             .allow_long_prompts = options->allow_long_prompts,
                                             .progress = options->progress,
                                             .progress_context = options->progress_context};
    return mmn_one_contribution_set_up(&edit->one, model, &edit->asked, error);
}

/* ---- The delta ------------------------------------------------------------------------------- */

typedef struct writing {
    mmn_delta *delta;
    const mmn_language_config *config;
} writing;

/* An mmn_output_writer. */
static mmn_status write_delta(const void *context, const char *path, mmn_error *error)
{
    const writing *of = context;
    return mmn_delta_write(of->delta, path, of->config, error);
}

/* How the delta was made. */
static mmn_status say_how(char **settings, const editing *edit, mmn_error *error)
{
    const mmn_edit_search *search = &edit->search;
    mmn_text text = {0};
    mmn_text_add(&text, "{\"method\": \"%s\", \"from\": ", mmn_edit_method_name(edit->optimised));
    mmn_text_add_json(&text, edit->options->from);
    mmn_text_add(&text, ", \"to\": ");
    mmn_text_add_json(&text, edit->options->to);
    mmn_text_add(&text, ", \"prompt\": ");
    mmn_text_add_json(&text, edit->one.prompt);
    mmn_text_add(&text, ", \"neurons\": \"%s\"", edit->random ? "random" : "top");
    if (edit->random)
        mmn_text_add(&text, ", \"seed\": %" PRIu64, edit->options->seed);
    mmn_text_add(&text, ", \"probability\": ");
    mmn_text_add_real(&text, search->probability);
    if (!edit->optimised) {
        mmn_text_add(&text, ", \"strength\": ");
        mmn_text_add_real(&text, search->strength);
    }
    mmn_text_add(&text, "}");
    return mmn_text_finish(&text, settings, error);
}

/* The additions are lent to the delta. */
static mmn_status write(editing *edit, mmn_error *error)
{
    const mmn_model *model = edit->one.study.model;
    mmn_delta delta = {.additions = edit->search.additions};
    const writing of = {&delta, &model->config.language};
    MMN_TRY(mmn_model_unchanged(model, error));
    MMN_TRY(
        mmn_weights_digest(model->weights, &model->config, &model->interrupt, delta.model, error));
    MMN_TRY(say_how(&delta.settings, edit, error));
    const mmn_status status = mmn_output_write(edit->options->output, write_delta, &of, error);
    memcpy(edit->digest, delta.digest, sizeof(edit->digest));
    mmn_free(delta.settings);
    return status;
}

/* ---- Editing --------------------------------------------------------------------------------- */

static mmn_status generate(editing *edit, mmn_session *session, int32_t *ids, mmn_error *error)
{
    const mmn_contributions *found = &edit->one.found;
    size_t count;
    MMN_TRY(mmn_session_prefill(session, edit->one.input, error));
    MMN_TRY(mmn_session_generate(session, (size_t)found->tokens, ids, &count, error));
    MMN_TRY(mmn_model_decode(found->study->model, ids, count, 1, &edit->answer, error));
    return mmn_study_keep(&edit->one.study, edit->answer, error) ? MMN_OK : MMN_SYSTEM;
}

/* Answers once more, with the additions. */
static mmn_status answer_again(editing *edit, mmn_error *error)
{
    const mmn_contributions *found = &edit->one.found;
    const mmn_session_options options = {.size = sizeof(options),
                                         .max_new_tokens = (size_t)found->tokens};
    mmn_session *session = NULL;
    mmn_added added = {0};
    int32_t *ids = mmn_allocate((size_t)found->tokens, sizeof(*ids), error);
    MMN_NEED(ids);
    mmn_status status = mmn_session_create(&session, found->study->model, &options, error);
    if (status == MMN_OK)
        status = mmn_added_add(&added, session, &edit->search.additions,
                               found->length + (size_t)found->tokens, error);
    if (status == MMN_OK)
        status = generate(edit, session, ids, error);
    mmn_session_free(session);
    mmn_added_free(&added);
    mmn_free(ids);
    return status;
}

/* Additions by gradients, of the prompt with the answer up to the other word. */
static mmn_status optimise(editing *edit, mmn_error *error)
{
    const mmn_contributions *found = &edit->one.found;
    found->ids[edit->word->token] = edit->search.to;
    MMN_TRY(mmn_input_extend(&edit->input, edit->one.input, found->length, found->ids,
                             edit->word->token + 1, error));
    edit->search.input = edit->input;
    return mmn_edit_optimise(&edit->search, edit->wishes.rate, edit->wishes.steps, error);
}

static mmn_status search(editing *edit, mmn_error *error)
{
    const mmn_edit_options *options = edit->options;
    mmn_contributions *found = &edit->one.found;
    const mmn_answer_word *word = edit->word = &found->words[0];
    const size_t count = word->neuron_count;
    mmn_edit_search *wanted = &edit->search;
    *wanted = (mmn_edit_search){.study = &edit->one.study,
                                .input = found->extended,
                                .position = word->position,
                                .from = word->id,
                                .probability = edit->wishes.probability,
                                .neurons = word->neurons[MMN_BY_CONTRIBUTION],
                                .count = count};
    MMN_TRY(mmn_edit_token(&wanted->to, found->study->model, options->to, word->id, error));
    if (options->random) {
        edit->random = mmn_study_allocate(&edit->one.study, count, sizeof(*edit->random), error);
        MMN_NEED(edit->random);
        mmn_random_contributors(edit->random, count, found->study->model, options->seed);
        wanted->neurons = edit->random;
    }
    MMN_TRY(edit->optimised ? optimise(edit, error) : mmn_edit_find(wanted, error));
    if (wanted->found)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, NULL, NULL,
                    "additions to the weights of %zu neurons do not make \"%.100s\" be said in "
                    "place of \"%.100s\" after %" PRIu32 " passes",
                    count, options->to, word->text, wanted->passes);
}

static mmn_status begin(void *context, mmn_error *error)
{
    editing *edit = context;
    MMN_TRY(mmn_one_contribution_find(&edit->one, error));
    MMN_TRY(mmn_study_advance(&edit->one.study, 1, error));
    MMN_TRY(search(edit, error));
    MMN_TRY(answer_again(edit, error));
    if (edit->options->output)
        MMN_TRY(write(edit, error));
    return mmn_study_advance(&edit->one.study, 1, error);
}

static void end(void *context)
{
    editing *edit = context;
    mmn_edit_search_free(&edit->search);
    mmn_input_free(edit->input);
    mmn_one_contribution_end(context);
}

/* ---- Result ---------------------------------------------------------------------------------- */

static const mmn_form_table tables[] = {
    {"result", NULL,
     MMN_COLUMNS(MMN_MADE_COLUMNS, MMN_TEXT("delta"), MMN_TEXT("prompt"), MMN_WHOLE("tokens"),
                 MMN_TEXT("method"), MMN_TEXT("chosen"), MMN_WHOLE("seed"),
                 MMN_REAL("probability", ""), MMN_GENERATION_COLUMN, MMN_ALLOWED_COLUMNS,
                 MMN_REAL("strength", ""), MMN_WHOLE("passes"))},
    {"images", "result", MMN_COLUMNS(MMN_TEXT("file"))},
    {"words", "result",
     MMN_COLUMNS(MMN_TEXT("which"), MMN_TEXT("text"), MMN_WHOLE("id"), MMN_TEXT("word"),
                 MMN_REAL("before", "nats"), MMN_REAL("after", "nats"))},
    {"answers", "result", MMN_COLUMNS(MMN_TEXT("when"), MMN_TEXT("answer"))},
    {"edited", "result",
     MMN_COLUMNS(MMN_WHOLE("layer"), MMN_WHOLE("neuron"), MMN_REAL("given", ""))},
    {0}};

static const char json[] =
    "{\n"
    "  'format': 'mmneuron-edit-1',\n" MMN_MADE_JSON MMN_NONFINITE_JSON "  'delta': $delta,\n"
    "  'settings': {'prompt': $prompt,\n"
    "    'tokens': $tokens, 'method': $method, 'chosen': $chosen, 'seed': $seed,"
    " 'probability': $probability" MMN_GENERATION_JSON MMN_ALLOWED_JSON "},\n"
    "  'images': [<images|, |$file>],\n"
    "  'words': [<words|,|\n"
    "    {'which': $which, 'text': $text, 'id': $id, 'word': $word, 'before': $before,"
    " 'after': $after}>],\n"
    "  'answers': [<answers|,|\n"
    "    {'when': $when, 'answer': $answer}>],\n"
    "  'strength': $strength, 'passes': $passes,\n"
    "  'edited': [<edited|,|\n"
    "    {'layer': $layer, 'neuron': $neuron, 'given': $given}>]\n"
    "}\n";

static const char people[] =
    "<answers||<-8|${when}:> $answer\n>"
    "<words||<-8|${which}:> $\"{word}, ln p = $.4{before} before, $.4{after} after\n>"
    "<?strength|strength $.4{strength}, >after $passes passes\n"
    "  layer  neuron     gives\n"
    "<edited||  $5{layer}  $6{neuron}  $8.4{given}\n>" MMN_REMARKS;

const mmn_form mmn_edit_form = {
    .format = "mmneuron-edit-1", .tables = tables, .json = json, .people = people};

static void add_word(mmn_result *result, const editing *edit, const char *which, const char *text,
                     int32_t id, const double ln_p[2])
{
    MMN_ADD(result, "words", mmn_as_text(which), mmn_as_text(text), mmn_as_whole((uint64_t)id),
            mmn_word_of(result, edit->one.study.model, id), mmn_as_real(ln_p[0]),
            mmn_as_real(ln_p[1]));
}

static void add_neurons(mmn_result *result, const editing *edit)
{
    const mmn_additions *additions = &edit->search.additions;
    for (uint32_t layer = 0; layer < edit->one.study.model->config.language.layers; layer++)
        for (size_t i = additions->first[layer]; i < additions->first[layer + 1]; i++)
            MMN_ADD(result, "edited", mmn_as_whole(layer), mmn_as_whole(additions->neurons[i]),
                    mmn_as_real(edit->search.inputs[i]));
}

static void fill(mmn_result *result, const void *context)
{
    const editing *edit = context;
    const mmn_edit_options *options = edit->options;
    const mmn_study *study = &edit->one.study;
    const mmn_edit_search *found = &edit->search;
    MMN_ADD(result, "result", MMN_MADE(study), mmn_as_optional(edit->digest),
            mmn_as_text(edit->one.prompt), mmn_as_whole(edit->one.found.tokens),
            mmn_as_text(mmn_edit_method_name(edit->optimised)),
            mmn_as_text(edit->random ? "random" : "top"),
            edit->random ? mmn_as_whole(options->seed) : mmn_as_nothing(),
            mmn_as_real(found->probability), mmn_generation_of(study->model),
            MMN_ALLOWED(study->allowed), mmn_real_if(!edit->optimised, found->strength),
            mmn_as_whole(found->passes));
    for (size_t i = 0; i < options->image_count; i++)
        MMN_ADD(result, "images", mmn_as_text(options->images[i]));
    add_word(result, edit, "from", edit->word->text, found->from,
             (const double[]){found->before.from, found->after.from});
    add_word(result, edit, "to", options->to, found->to,
             (const double[]){found->before.to, found->after.to});
    MMN_ADD(result, "answers", mmn_as_text("before"), mmn_as_text(edit->one.found.spoken.answer));
    MMN_ADD(result, "answers", mmn_as_text("after"), mmn_as_text(edit->answer));
    add_neurons(result, edit);
}

static const mmn_study_kind kind = {.doing = "editing",
                                    .unit = "steps",
                                    .size = sizeof(editing),
                                    .options_size = sizeof(mmn_edit_options),
                                    .set_up = set_up,
                                    .begin = begin,
                                    .end = end,
                                    .form = &mmn_edit_form,
                                    .fill = fill};

mmn_status mmn_edit(mmn_result **result, const mmn_model *model, const mmn_edit_options *options,
                    mmn_error *error)
{
    return mmn_study_make(result, &kind, model, options, error);
}
