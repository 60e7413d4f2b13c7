/* Prompts: finding a folder's chat template, and applying it or one of ours to a question. */
#include "model/prompt.h"

#include <dirent.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/reader.h"
#include "model/model.h"
#include "text/side_files.h"
#include "text/template.h"

#define FILE_LIMIT 100000000   /* bytes, of tokenizer_config.json too */
#define TEMPLATE_LIMIT 1000000 /* bytes */

static const char placeholder[] = "<image>", default_name[] = "default";
static const char no_default[] =
    "it has no template named \"default\", and transformers takes no other";
static const char own_file[] = "chat_template.jinja";
static const char named_folder[] = "additional_chat_templates";
static const char named_default[] = "additional_chat_templates/default.jinja";

/* ---- Finding it ------------------------------------------------------------------------------ */

/* Takes the text at "chat_template" of an object, or of several with names the default one. */
static mmn_status take(mmn_own_template *own, const mmn_object *object, const char *file,
                       mmn_error *error)
{
    static const char key[] = "chat_template";
    const json_t *found = json_object_get(object->value, key), *one;
    size_t index;
    bool legacy = strcmp(file, "chat_template.json") == 0; /* which has no other key */
    if ((!found && !legacy) || json_is_null(found))
        return MMN_OK;
    if (json_is_object(found))
        found = json_object_get(found, default_name);
    if (json_is_array(found) && !legacy) {
        const json_t *list = found;
        found = NULL;
        json_array_foreach((json_t *)(uintptr_t)list, index, one)
        {
            const char *name = json_string_value(json_object_get(one, "name"));
            if (name && strcmp(name, default_name) == 0)
                found = json_object_get(one, "template"); /* the last of that name */
        }
    }
    const char *problem = NULL, *source = json_string_value(found);
    if (legacy && !found)
        problem = "it has no \"chat_template\"";
    else if (!found)
        problem = no_default;
    else if (!source || json_string_length(found) > TEMPLATE_LIMIT)
        problem = "it is no text of at most a million bytes, nor a list of such with names";
    own->file = file;
    own->source = mmn_copy_text(problem ? "" : source, error);
    own->path = mmn_copy_text(object->file, error);
    if (problem)
        own->problem = mmn_copy_text(problem, error);
    return own->source && own->path && !problem == !own->problem ? MMN_OK : MMN_SYSTEM;
}

/* Takes the template of a JSON file that may be absent. */
static mmn_status take_from_json(mmn_own_template *own, const char *folder, const char *file,
                                 mmn_error *error)
{
    mmn_document document = {0};
    mmn_reader reader = {.error = error};
    if (own->source)
        return MMN_OK;
    mmn_object object = mmn_read_in_folder(&document, &reader, folder, file, FILE_LIMIT);
    if (object.value)
        reader.status = take(own, &object, file, error);
    mmn_document_close(&document);
    return reader.status;
}

static mmn_status take_file(mmn_own_template *own, const char *folder, const char *file,
                            mmn_error *error)
{
    if (own->source)
        return MMN_OK;
    MMN_TRY(mmn_find_in_folder(&own->path, folder, file, error));
    if (own->path)
        MMN_TRY(mmn_read_file(&own->source, NULL, own->path, TEMPLATE_LIMIT, error));
    if (own->path)
        own->file = file;
    return MMN_OK;
}

/* Says why the template of `file` is not followed, in place of what it is. */
static mmn_status refuse(mmn_own_template *own, const char *folder, const char *file,
                         const char *problem, mmn_error *error)
{
    mmn_free(own->source);
    mmn_free(own->path);
    own->path = NULL;
    own->file = file;
    own->source = mmn_copy_text("", error);
    own->problem = mmn_copy_text(problem, error);
    mmn_status status = mmn_path_join(&own->path, folder, file, error);
    return own->source && own->problem ? status : MMN_SYSTEM;
}

/* Whether the folder has templates with names in files of their own. */
static mmn_status find_named(bool *found, const char *folder, mmn_error *error)
{
    static const char ending[] = ".jinja";
    char *path = NULL;
    mmn_status status = mmn_path_join(&path, folder, named_folder, error);
    DIR *entries = status == MMN_OK ? opendir(path) : NULL;
    *found = false;
    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        size_t length = strlen(entry->d_name), end = sizeof(ending) - 1;
        if (length > end && strcmp(entry->d_name + length - end, ending) == 0)
            *found = true;
    }
    if (entries)
        closedir(entries);
    mmn_free(path);
    return status;
}

/* A processor's. */
static mmn_status find_processors(mmn_own_template *own, const char *folder, bool named,
                                  mmn_error *error)
{
    static const char legacy[] = "chat_template.json";
    MMN_TRY(take_from_json(own, folder, "processor_config.json", error));
    bool has_source = own->source;
    MMN_TRY(take_from_json(own, folder, legacy, error));
    if (named && own->source && !has_source)
        MMN_TRY(refuse(own, folder, legacy,
                       "transformers refuses it beside the folder "
                       "additional_chat_templates",
                       error));
    MMN_TRY(take_file(own, folder, own_file, error));
    if (named)
        MMN_TRY(take_file(own, folder, named_default, error));
    return MMN_OK;
}

/* A tokenizer's, for a model without images. What only a processor has is no template for
 * transformers; to ask in another one would be a guess. */
static mmn_status find_tokenizers(mmn_own_template *own, const char *folder, bool named,
                                  mmn_error *error)
{
    static const char *const processors[] = {"chat_template.json", "processor_config.json"};
    MMN_TRY(named ? take_file(own, folder, named_default, error) : MMN_OK);
    MMN_TRY(take_file(own, folder, own_file, error));
    if (!named)
        MMN_TRY(take_from_json(own, folder, "tokenizer_config.json", error));
    for (size_t i = 0; i < 2 && !own->source && !named; i++) {
        MMN_TRY(take_from_json(own, folder, processors[i], error));
        if (own->source && !own->problem)
            MMN_TRY(refuse(own, folder, processors[i],
                           "it is a processor's, which transformers "
                           "does not read for a model without images",
                           error));
    }
    return MMN_OK;
}

static mmn_status find_template(mmn_own_template *own, const char *folder, bool reads_images,
                                mmn_error *error)
{
    bool named;
    MMN_TRY(find_named(&named, folder, error));
    MMN_TRY(reads_images ? find_processors(own, folder, named, error)
                         : find_tokenizers(own, folder, named, error));
    if (named && !own->source)
        MMN_TRY(refuse(own, folder, named_folder, no_default, error));
    own->lists = reads_images && own->source;
    return reads_images ? take_from_json(own, folder, "tokenizer_config.json", error) : MMN_OK;
}

/* ---- Special tokens -------------------------------------------------------------------------- */

static mmn_status add_token(json_t *tokens, const char *key, const json_t *value, mmn_error *error)
{
    const json_t *text = json_is_object(value) ? json_object_get(value, "content") : value;
    if (!json_is_string(text) || json_object_get(tokens, key) ||
        json_object_set(tokens, key, (json_t *)(uintptr_t)text) == 0)
        return MMN_OK;
    return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory");
}

/* Those of a document, where others have not named them. */
static mmn_status add_tokens(json_t *tokens, const json_t *document, mmn_error *error)
{
    static const char *const keys[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                       "pad_token", "cls_token", "mask_token"};
    for (size_t i = 0; i < MMN_LENGTH(keys); i++)
        MMN_TRY(add_token(tokens, keys[i], json_object_get(document, keys[i]), error));
    return MMN_OK;
}

/* Those of a document whose names are this model's own, as "image_token". */
static mmn_status add_own_tokens(json_t *tokens, const json_t *document, mmn_error *error)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)document, name,
                        value) if (mmn_side_files_names_own(name))
        MMN_TRY(add_token(tokens, name, value, error));
    return MMN_OK;
}

/* Those of an object at "extra_special_tokens", whatever their names. */
static mmn_status add_extra_tokens(json_t *tokens, const json_t *document, mmn_error *error)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(document, "extra_special_tokens"), name, value)
        MMN_TRY(add_token(tokens, name, value, error));
    return MMN_OK;
}

/* The classes of LLaMA and Qwen2 have their own where tokenizer_config.json has not the key, and
 * where transformers takes that class. */
static mmn_status add_class_tokens(json_t *tokens, const json_t *document, const json_t *model,
                                   mmn_error *error)
{
    static const char *const llama[][2] = {
        {"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}};
    static const char *const qwen[][2] = {{"pad_token", "<|endoftext|>"},
                                          {"eos_token", "<|endoftext|>"},
                                          {"unk_token", "<|endoftext|>"}};
    const char *class = json_string_value(json_object_get(document, "tokenizer_class"));
    const char *type = json_string_value(json_object_get(model, "model_type"));
    bool is_qwen = type && strcmp(type, "qwen2") == 0;
    const char *const(*own)[2] = is_qwen ? qwen : llama;
    mmn_status status = MMN_OK;
    if (!is_qwen &&
        (!class || strncmp(class, "Llama", 5) != 0 || (type && mmn_side_files_as_they_stand(type))))
        return MMN_OK;
    for (size_t i = 0; i < 3 && status == MMN_OK; i++) {
        if (json_object_get(document, own[i][0]))
            continue;
        json_t *value = json_string(own[i][1]);
        status = add_token(tokens, own[i][0], value, error);
        json_decref(value);
    }
    return status;
}

/* As transformers 5.23 merges them: special_tokens_map.json counts, and first, where the other file
 * has no added_tokens_decoder. */
static mmn_status merge_tokens(json_t *tokens, const json_t *document, const json_t *map,
                               const json_t *model, mmn_error *error)
{
    MMN_TRY(add_extra_tokens(tokens, document, error));
    MMN_TRY(add_tokens(tokens, map, error));
    MMN_TRY(add_own_tokens(tokens, map, error));
    MMN_TRY(add_tokens(tokens, document, error));
    MMN_TRY(add_own_tokens(tokens, document, error));
    MMN_TRY(add_extra_tokens(tokens, map, error));
    return add_class_tokens(tokens, document, model, error);
}

static mmn_status read_tokens(json_t *tokens, const char *folder, mmn_error *error)
{
    static const char *const names[] = {"tokenizer_config.json", "config.json",
                                        "special_tokens_map.json"};
    json_t *documents[3] = {NULL};
    mmn_status status = MMN_OK;
    for (size_t i = 0; i < 3 && status == MMN_OK; i++) {
        char *path = NULL;
        if (i == 2 && json_object_get(documents[0], "added_tokens_decoder"))
            break;
        status = mmn_path_join(&path, folder, names[i], error);
        if (status == MMN_OK)
            status = mmn_json_load_if_there(&documents[i], path, FILE_LIMIT, error);
        mmn_free(path);
    }
    if (status == MMN_OK)
        status = merge_tokens(tokens, documents[0], documents[2], documents[1], error);
    for (size_t i = 0; i < 3; i++)
        json_decref(documents[i]);
    return status;
}

/* ---- Applying it ----------------------------------------------------------------------------- */

/* One message of the user. */
static json_t *make_messages(const mmn_own_template *own, const char *question, bool has_image)
{
    if (own->lists && has_image)
        return json_pack("[{s:s, s:[{s:s}, {s:s, s:s}]}]", "role", "user", "content", "type",
                         "image", "type", "text", "text", question);
    if (own->lists)
        return json_pack("[{s:s, s:[{s:s, s:s}]}]", "role", "user", "content", "type", "text",
                         "text", question);
    return json_pack("[{s:s, s:s++}]", "role", "user", "content", has_image ? placeholder : "",
                     has_image ? "\n" : "", question);
}

static mmn_status render(char **text, const mmn_own_template *own, const char *question,
                         bool has_image, mmn_error *error)
{
    bool placed = strstr(question, placeholder) != NULL;
    json_t *messages = make_messages(own, question, has_image && !placed);
    json_t *variables = json_copy(own->tokens);
    mmn_status status = MMN_SYSTEM;
    *text = NULL;
    if (messages && variables && json_object_set(variables, "messages", messages) == 0)
        status = mmn_chat_template_render(own->source, variables, own->path, text, error);
    else
        mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory");
    json_decref(messages);
    json_decref(variables);
    return status;
}

/* The text behind the token that begins texts, if it begins with that. */
static const char *behind_bos(const mmn_own_template *own, const char *text)
{
    const char *bos = json_string_value(json_object_get(own->tokens, "bos_token"));
    size_t length = bos ? strlen(bos) : 0;
    return length > 0 && strncmp(text, bos, length) == 0 ? text + length : text;
}

/* *same: whether template `name` of ours renders what the folder's does. */
static mmn_status compare(bool *same, const mmn_own_template *own, const char *name, bool has_image,
                          mmn_error *error)
{
    static const char question[] = "What is it that nobody asks?";
    char *text = NULL, *ours = NULL;
    mmn_status status = render(&text, own, question, has_image, error);
    if (status == MMN_OK)
        status = mmn_template_apply(name, question, has_image, &ours, error);
    *same = status == MMN_OK && strcmp(behind_bos(own, text), ours) == 0;
    mmn_free(text);
    mmn_free(ours);
    return status;
}

static mmn_status is_same(bool *same, const mmn_own_template *own, const char *name,
                          bool reads_images, mmn_error *error)
{
    MMN_TRY(compare(same, own, name, false, error));
    if (*same && reads_images)
        MMN_TRY(compare(same, own, name, true, error));
    return MMN_OK;
}

/* Finds out whether the template can be followed, and whether it is one of ours. */
static mmn_status try(mmn_own_template *own, bool reads_images, const char *usual, mmn_error *error)
{
    mmn_error problem = {0};
    char *text = NULL;
    bool same = false;
    mmn_status status = render(&text, own, "?", reads_images, &problem);
    if (status == MMN_OK && reads_images && own->lists && !strstr(text, placeholder))
        status = mmn_fail(&problem, MMN_INPUT, own->path, NULL, "renders no \"%s\" for an image",
                          placeholder);
    mmn_free(text);
    if (status == MMN_OK) {
        text = NULL;
        status = render(&text, own, "?", false, &problem);
        mmn_free(text);
    }
    if (status == MMN_INPUT) {
        own->problem = mmn_copy_text(problem.message, error);
        return own->problem ? MMN_OK : MMN_SYSTEM;
    }
    if (status != MMN_OK) {
        if (error)
            *error = problem;
        return status;
    }
    status = is_same(&same, own, usual, reads_images, error);
    if (same)
        own->name = usual;
    for (size_t i = 0; status == MMN_OK && !own->name && mmn_template_name(i); i++) {
        status = is_same(&same, own, mmn_template_name(i), reads_images, error);
        if (same)
            own->name = mmn_template_name(i);
    }
    return status;
}

mmn_status mmn_own_template_read(mmn_own_template *own, const char *folder, bool reads_images,
                                 const char *usual, mmn_error *error)
{
    MMN_TRY(find_template(own, folder, reads_images, error));
    if (!own->source || own->problem)
        return MMN_OK;
    own->tokens = json_object();
    if (!own->tokens)
        return mmn_fail(error, MMN_SYSTEM, NULL, NULL, "out of memory");
    MMN_TRY(read_tokens(own->tokens, folder, error));
    return try(own, reads_images, usual, error);
}

void mmn_own_template_free(mmn_own_template *own)
{
    mmn_free(own->source);
    mmn_free(own->path);
    mmn_free(own->problem);
    json_decref(own->tokens);
    *own = (mmn_own_template){0};
}

mmn_status mmn_own_template_check(const mmn_own_template *own, mmn_error *error)
{
    if (!own->problem)
        return MMN_OK;
    return mmn_fail(error, MMN_INPUT, own->path, "chat template",
                    "%.400s; name another template (--template) or give the whole prompt "
                    "(--prompt)",
                    own->problem);
}

mmn_status mmn_question_prompt_make(mmn_question_prompt *prompt, const mmn_model *model,
                                    const char *name, const char *question, bool has_image,
                                    mmn_error *error)
{
    const mmn_own_template *own = &model->own_template;
    *prompt = (mmn_question_prompt){0};
    if (name || !own->source)
        return mmn_template_apply(name ? name : model->usual_template, question, has_image,
                                  &prompt->text, error);
    MMN_TRY(mmn_own_template_check(own, error));
    MMN_TRY(render(&prompt->text, own, question, has_image, error));
    /* A tokenizer's template has all special tokens; a processor adds them unless they are
     * there. */
    prompt->has_special = !model->config.vision.form ||
                          behind_bos(own, prompt->text) != prompt->text;
    return MMN_OK;
}

mmn_status mmn_prompt_from_template(const mmn_model *model, const char *name, const char *question,
                                    int has_image, char **prompt, mmn_error *error)
{
    MMN_CLEAR(prompt);
    MMN_GIVEN(error, model, question, prompt);
    mmn_question_prompt made;
    mmn_status status =
        mmn_question_prompt_make(&made, model, name, question, has_image != 0, error);
    *prompt = made.text;
    return status;
}
