/* Taking an output: that it is none of the files that its result is made from. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/output.h"
#include "format/list.h"

/* What checkpoints consist of, whether or not this program reads it. */
static const char model_files[] =
    "*.safetensors,*.index.json,*config*.json,tokenizer*,special_tokens_map.json,added_tokens.json,"
    "chat_template*,vocab*,merges.txt,*.model,*.jinja,*.bin,*.pth,*.gguf,*.py";

static bool is_there(const char *path)
{
    return mmn_is_same_file(path, path);
}

static mmn_status refuse(const char *path, const char *source, mmn_error *error)
{
    return mmn_fail(error, MMN_USAGE, path, NULL,
                    "cannot be the output: it is one of the inputs (%.500s); give another name",
                    source);
}

static mmn_status compare(const char *path, const char *source, mmn_error *error)
{
    return mmn_is_same_file(path, source) ? refuse(path, source, error) : MMN_OK;
}

/* A name in the model's folder that a checkpoint uses is refused even where there is no such file:
 * the next run would read it. */
static mmn_status compare_model(const char *path, const char *model, mmn_error *error)
{
    char *folder, *file;
    mmn_status status = mmn_path_folder(&folder, path, error);
    if (status != MMN_OK)
        return status;
    if (mmn_is_same_file(folder, model) && mmn_glob_match(model_files, mmn_path_name(path)))
        status = mmn_fail(error, MMN_USAGE, path, NULL,
                          "cannot be the output: in the model's folder, this name is the model's");
    mmn_free(folder);
    DIR *entries = status == MMN_OK && is_there(path) ? opendir(model) : NULL;
    if (!entries)
        return status;
    for (const struct dirent *entry; status == MMN_OK && (entry = readdir(entries)) != NULL;) {
        if (!mmn_glob_match(model_files, entry->d_name))
            continue;
        status = mmn_path_join(&file, model, entry->d_name, error);
        if (status == MMN_OK)
            status = compare(path, file, error);
        mmn_free(file);
    }
    closedir(entries);
    return status;
}

/* What is wrong with a list is said by whoever reads it for its samples. */
static mmn_status compare_list(const char *path, const char *list, mmn_error *error)
{
    mmn_list *samples;
    mmn_status status = compare(path, list, error);
    if (status != MMN_OK || !is_there(path) || mmn_list_open(&samples, list, NULL) != MMN_OK)
        return status;
    mmn_list_allow_no_questions(samples, true);
    for (bool found = true; found && status == MMN_OK;) {
        mmn_sample sample;
        mmn_status read = mmn_list_next(samples, &sample, &found, NULL);
        if (read == MMN_INPUT)
            continue;
        if (read != MMN_OK || !found)
            break;
        for (size_t i = 0; i < sample.image_count && status == MMN_OK; i++)
            status = compare(path, sample.images[i], error);
        if (status == MMN_OK && sample.text_file)
            status = compare(path, sample.text_file, error);
    }
    mmn_list_close(samples);
    return status;
}

static mmn_status compare_source(const char *path, const mmn_source *source, mmn_error *error)
{
    if (source->kind == MMN_SOURCE_MODEL)
        return compare_model(path, source->path, error);
    if (source->kind == MMN_SOURCE_LIST)
        return compare_list(path, source->path, error);
    return compare(path, source->path, error);
}

mmn_status mmn_output_claim(mmn_output **output, const char *path,
                            const mmn_output_options *options, mmn_error *error)
{
    MMN_CLEAR(output);
    MMN_GIVEN(error, output, path);
    mmn_output_options own;
    MMN_TAKE_OPTIONS(own, options, error);
    for (size_t i = 0; i < options->source_count; i++) {
        MMN_TRY(compare_source(path, &options->sources[i], error));
        for (size_t k = 0; k < options->beside_count; k++)
            MMN_TRY(compare_source(options->beside[k], &options->sources[i], error));
    }
    return mmn_output_lock(output, path, options, error);
}
