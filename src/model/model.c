/* Opening a model: configuration, weights, tokenizer, image settings, kernels. */
#include "model/model.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/threads.h"
#include "model/draw_weights.h"
#include "model/instruction.h"
#include "text/template.h"

static mmn_status choose_compute(mmn_model *model, const mmn_model_options *options,
                                 mmn_error *error)
{
    mmn_compute *compute = &model->compute;
    if (options->resize_order != MMN_RESIZE_HORIZONTAL_FIRST &&
        options->resize_order != MMN_RESIZE_PILLOW_13)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "%d is no order of resizing",
                        (int)options->resize_order);
    MMN_TRY(mmn_compute_choose(compute, options->threads, options->simd, error));
    const int wanted = mmn_threads(options->threads);
    if (compute->threads == wanted)
        return MMN_OK;
    return mmn_remarks_add(&model->remarks, error,
                           "the system does not give %d threads: %d are used, which changes "
                           "no result",
                           wanted, compute->threads);
}

static mmn_status read_image_settings(mmn_model *model, const mmn_model_options *options,
                                      mmn_error *error)
{
    const mmn_config *config = &model->config;
    model->image_settings.resize_order = options->resize_order;
    if (!config->vision.form)
        return MMN_OK;
    const mmn_image_model expected = {
        .family = config->family->model_type,
        .processor = config->family->image_processor,
        .image_size = config->vision.image_size,
        .pads_to_square = config->pads_images,
        .grid_pinpoint_count = config->grid_pinpoint_count,
        .grid_pinpoints = config->grid_pinpoint_count > 0 ? config->grid_pinpoints : NULL,
    };
    char *folder;
    MMN_TRY(mmn_folder_of_tower(&folder, model->folder, config->tower, error));
    mmn_status status = mmn_image_settings_read(&model->image_settings, folder, &expected, error);
    mmn_free(folder);
    MMN_TRY(status);
    model->image_settings.resize_order = options->resize_order;
    return MMN_OK;
}

static mmn_status read_template(mmn_model *model, mmn_error *error)
{
    if (model->config.image_first) /* InstructBLIP's processor takes none */
        return MMN_OK;
    return mmn_own_template_read(&model->own_template, model->folder,
                                 model->config.vision.form != NULL, model->usual_template, error);
}

/* Where the rules are ignored, the stop tokens are not: answers need some. */
static mmn_status read_generation_rules(mmn_model *model, const mmn_model_options *options,
                                        mmn_error *error)
{
    mmn_config *config = &model->config;
    bool ignore = options->ignore_generation_config;
    if (ignore && config->generation.eos_count == 0)
        config->generation = config->declared;
    return mmn_generation_rules_load(&model->rules, model->folder, config, ignore, error);
}

/* A vocabulary that reaches beyond the embedding would make plain prompts fail later. A token that
 * is added to it may (LLaMA's folders name a "[PAD]" that no prompt holds); its use is an error. */
static mmn_status check_vocabulary(const mmn_model *model, mmn_error *error)
{
    size_t tokens = mmn_tokenizer_model_size(model->tokenizer);
    mmn_tokenizer_limit_ids(model->tokenizer, model->config.language.vocab_size);
    if (tokens <= model->config.language.vocab_size)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, model->folder, "tokenizer",
                    "the tokenizer has %zu tokens, but the model's vocab_size is %u", tokens,
                    model->config.language.vocab_size);
}

static mmn_status open_tokenizers(mmn_model *model, mmn_error *error)
{
    MMN_TRY(mmn_tokenizer_open(&model->tokenizer, model->folder, error));
    MMN_TRY(check_vocabulary(model, error));
    MMN_TRY(mmn_instruction_tokenizer_open(model, error));
    mmn_tokenizer_watch(model->tokenizer, &model->interrupt);
    mmn_tokenizer_watch(model->qformer_tokenizer, &model->interrupt);
    return MMN_OK;
}

static mmn_status open_weights(mmn_model *model, const mmn_model_options *options, mmn_error *error)
{
    if (!options->random_weights)
        return mmn_weights_open(&model->weights, model->folder, &model->config, error);
    MMN_TRY(mmn_weights_draw(&model->weights, model->folder, &model->config, options->weights_seed,
                             &model->compute, error));
    return mmn_remarks_add(&model->remarks, error,
                           "the weights are random, drawn with seed %" PRIu64
                           " as transformers initialises a model",
                           options->weights_seed);
}

static mmn_status collect_remarks(mmn_model *model, mmn_error *error)
{
    MMN_TRY(mmn_folder_remarks(&model->remarks, model->folder, error));
    if (model->weights->language.head_overrules_tie)
        MMN_TRY(mmn_remarks_add(&model->remarks, error,
                                "lm_head.weight differs from the embedding, although "
                                "tie_word_embeddings says that they are the same: the stored head "
                                "is used, as transformers does"));
    return MMN_OK;
}

static void describe(mmn_model *model)
{
    const mmn_config *config = &model->config;
    const mmn_vision_config *vision = &config->vision;
    const mmn_language_config *language = &config->language;
    const char *family = config->family->model_type;
    const char *language_name = language->form->model_type;
    const mmn_own_template *own = &model->own_template;
    const mmn_judge_config *judge = &config->judge;
    const bool judges = judge->layers > 0;
    model->info = (mmn_model_info){
        .family = family,
        .vision = vision->form ? vision->form->name : NULL,
        .language = language_name,
        .weight_types = model->weights->types,
        .kernels = model->compute.kernels->name,
        .template_name = !own->source   ? model->usual_template
                         : own->problem ? "unknown"
                         : own->name    ? own->name
                                        : "own",
        .template_file = own->file,
        .template_problem = own->problem,
        .generation = {.ignored = model->rules.ignored,
                       .file = model->rules.file,
                       .obeyed = model->rules.obeyed,
                       .unused = model->rules.unused,
                       .refused = model->rules.refused,
                       .repetition_penalty = model->rules.repetition_penalty,
                       .beam_search = model->rules.beam_search,
                       .stop_ids = config->generation.eos_ids,
                       .stop_id_count = config->generation.eos_count},
        .parameters = model->weights->parameters,
        .weight_bytes = model->weights->bytes,
        .files = (uint32_t)model->weights->file_count,
        .tensors = (uint32_t)model->weights->tensor_count,
        .threads = (uint32_t)model->compute.threads,
        .vision_width = vision->hidden_size,
        .vision_layers = vision->layers,
        .vision_heads = vision->heads,
        .image_size = vision->image_size,
        .patch_size = vision->patch_size,
        .language_width = judges ? judge->hidden_size : language->hidden_size,
        .language_layers = judges ? judge->layers : language->layers,
        .language_heads = judges ? judge->heads : language->heads,
        .language_kv_heads = judges ? judge->heads : language->kv_heads,
        .vocabulary = language->vocab_size,
        .maximum_positions = language->max_position_embeddings,
        .sliding_window = language->sliding_window,
        .first_window_layer = language->first_window_layer,
        .module_count = config->family->list_modules(model->modules, config),
        .modules = model->modules,
        .remark_count = model->remarks.count,
        .remarks = (const char *const *)model->remarks.texts,
        .judge_labels = judge->labels,
        .delta_count = model->deltas.count,
        .deltas = (const char *const *)model->deltas.digests,
        .detector_boxes = config->query_size > 0 ? vision->patches : 0,
    };
}

/* A delta must be of these weights, whose digest is found for the first one that says of which it
 * is. */
static mmn_status check_delta(const mmn_model *model, const mmn_delta *delta, const char *file,
                              char digest[MMN_DIGEST_SIZE], mmn_error *error)
{
    if (delta->model[0] == '\0')
        return MMN_OK;
    if (digest[0] == '\0')
        MMN_TRY(
            mmn_weights_digest(model->weights, &model->config, &model->interrupt, digest, error));
    return strcmp(delta->model, digest) == 0
               ? MMN_OK
               : mmn_fail(error, MMN_INPUT, file, NULL,
                          "is of another model, whose digest is %s and not %s", delta->model,
                          digest);
}

static mmn_status read_delta(mmn_model *model, const char *file, char digest[MMN_DIGEST_SIZE],
                             mmn_error *error)
{
    mmn_delta delta = {0};
    mmn_status status = mmn_delta_read(&delta, file, &model->config.language, error);
    if (status == MMN_OK)
        status = check_delta(model, &delta, file, digest, error);
    if (status == MMN_OK)
        status = mmn_remarks_add(&model->remarks, error, "%s adds to the weights of %zu neurons",
                                 file, delta.additions.first[model->config.language.layers]);
    if (status == MMN_OK)
        status = mmn_deltas_add(&model->deltas, &delta, &model->config.language, error);
    mmn_delta_free(&delta);
    return status;
}

static mmn_status read_deltas(mmn_model *model, const mmn_model_options *options, mmn_error *error)
{
    char digest[MMN_DIGEST_SIZE] = "";
    MMN_GIVEN_TEXTS(error, "delta", options->delta_count, options->deltas);
    if (options->delta_count > 0)
        MMN_TRY(mmn_model_check_language(model, error));
    for (size_t i = 0; i < options->delta_count; i++)
        MMN_TRY(read_delta(model, options->deltas[i], digest, error));
    return MMN_OK;
}

/* Reads everything into a model that has its folder's name. */
static mmn_status read_folder(mmn_model *model, const mmn_model_options *options, mmn_error *error)
{
    MMN_TRY(choose_compute(model, options, error));
    MMN_TRY(mmn_folder_readable(model->folder, error));
    MMN_TRY(mmn_config_load(&model->config, model->folder, error));
    MMN_TRY(read_generation_rules(model, options, error));
    model->usual_template = mmn_family_template(&model->config);
    MMN_TRY(open_weights(model, options, error));
    MMN_TRY(collect_remarks(model, error));
    if (!options->without_tokenizer) {
        MMN_TRY(open_tokenizers(model, error));
        MMN_TRY(read_template(model, error));
    }
    MMN_TRY(read_image_settings(model, options, error));
    return read_deltas(model, options, error);
}

mmn_status mmn_model_open(mmn_model **opened, const char *folder, const mmn_model_options *options,
                          mmn_error *error)
{
    mmn_model_options own;
    static atomic_uint_fast64_t numbers = 1;
    MMN_CLEAR(opened);
    MMN_GIVEN(error, opened, folder);
    MMN_TRY(
        mmn_take_options(&own, sizeof(own), offsetof(mmn_model_options, deltas), options, error));
    options = &own;
    MMN_TRY(mmn_folder_exists(folder, error));
    mmn_model *model;
    MMN_NEED(model = mmn_allocate(1, sizeof(*model), error));
    model->number = atomic_fetch_add(&numbers, 1);
    model->interrupt =
        (mmn_interrupt){.asked = options->interrupted, .context = options->interrupted_context};
    model->folder = mmn_copy_text(folder, error);
    mmn_status status = model->folder ? read_folder(model, options, error) : MMN_SYSTEM;
    if (status != MMN_OK) {
        mmn_model_close(model);
        return status;
    }
    model->watch = (mmn_finite_watch){
        .weights = model->weights, .passed = &model->passed, .allow = options->allow_nonfinite};
    model->compute.watch = &model->watch;
    describe(model);
    *opened = model;
    return MMN_OK;
}

const char *mmn_model_resize_order(const mmn_model *model)
{
    return model->image_settings.resize_order == MMN_RESIZE_PILLOW_13 ? "pillow-13"
                                                                      : "horizontal-first";
}

bool mmn_model_has_language(const mmn_model *model)
{
    return model->config.judge.layers == 0 && model->config.query_size == 0;
}

mmn_status mmn_model_check_language(const mmn_model *model, mmn_error *error)
{
    if (mmn_model_has_language(model))
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, model->folder, NULL,
                    "is a %s (%s), which has no language model",
                    model->config.query_size > 0 ? "detector" : "judge of answers",
                    model->config.family->model_type);
}

void mmn_model_close(mmn_model *model)
{
    if (!model)
        return;
    mmn_tokenizer_close(model->tokenizer);
    mmn_tokenizer_close(model->qformer_tokenizer);
    mmn_remarks_free(&model->remarks);
    mmn_deltas_free(&model->deltas);
    mmn_weights_close(model->weights);
    mmn_generation_rules_free(&model->rules);
    mmn_own_template_free(&model->own_template);
    mmn_free(model->folder);
    mmn_free(model);
}

const mmn_model_info *mmn_model_describe(const mmn_model *model)
{
    return model ? &model->info : NULL;
}

mmn_status mmn_model_digest(const mmn_model *model, char digest[33], mmn_error *error)
{
    MMN_GIVEN(error, model, digest);
    MMN_TRY(mmn_weights_digest(model->weights, &model->config, &model->interrupt, digest, error));
    MMN_TRY(mmn_deltas_digest(&model->deltas, digest, error));
    return mmn_model_unchanged(model, error);
}

mmn_status mmn_model_unchanged(const mmn_model *model, mmn_error *error)
{
    MMN_GIVEN(error, model);
    return mmn_weights_unchanged(model->weights, error);
}

uint64_t mmn_model_nonfinite(const mmn_model *model, mmn_error *first)
{
    uint64_t count = model ? atomic_load(&model->passed.count) : 0;
    if (count > 0 && first)
        *first = model->passed.first;
    return count;
}

mmn_status mmn_model_encode(const mmn_model *model, const char *text, int add_special_tokens,
                            int32_t **ids, size_t *count, mmn_error *error)
{
    MMN_CLEAR(ids);
    MMN_GIVEN(error, model, text, ids, count);
    return mmn_tokenizer_encode(model->tokenizer, text, strlen(text), add_special_tokens != 0, ids,
                                count, error);
}

mmn_status mmn_model_decode(const mmn_model *model, const int32_t *ids, size_t count,
                            int skip_special_tokens, char **text, mmn_error *error)
{
    MMN_CLEAR(text);
    MMN_GIVEN(error, model, text);
    size_t own = model->config.language.vocab_size;
    size_t known = model->tokenizer ? mmn_tokenizer_vocabulary_size(model->tokenizer) : 0;
    if (count > 0 && MMN_MISSING(error, ids))
        return MMN_USAGE;
    if (count > MMN_MAXIMUM_POSITIONS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "%zu token ids; expected at most %d", count,
                        MMN_MAXIMUM_POSITIONS);
    for (size_t i = 0; i < count; i++)
        if (ids[i] < 0 || ((size_t)ids[i] >= own && (size_t)ids[i] >= known))
            return mmn_fail(error, MMN_USAGE, NULL, NULL, "token id %zu is %d; expected 0 to %zu",
                            i, (int)ids[i], (own > known ? own : known) - 1);
    return mmn_tokenizer_decode(model->tokenizer, ids, count, skip_special_tokens != 0, text, NULL,
                                error);
}
