/* Kinds of files: what a file is that is not what was wanted, so that an error can say so. */
#include "base/file_kind.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/memory.h"

/* So much of a file's beginning is looked at. */
enum { BEGINNING = 16384 };

static const char *const phrases[MMN_KINDS] = {
    [MMN_KIND_FOLDER] = "a folder",
    [MMN_KIND_MODEL] = "a model's folder",
    [MMN_KIND_LIST] = "a list of samples, one JSON object a line",
    [MMN_KIND_COUNTS] = "a counts file, as \"mmneuron count\" writes it",
    [MMN_KIND_STATE] = "the state of a count that has not finished",
    [MMN_KIND_DELTA] = "a delta of weights, as \"mmneuron edit\" writes it",
    [MMN_KIND_DUMP] = "a dump, as \"mmneuron dump\" writes it",
    [MMN_KIND_NEURONS] = "a file of neurons, as \"mmneuron rank\" writes it",
    [MMN_KIND_EVAL] = "a result of \"mmneuron eval\"",
    [MMN_KIND_PERPLEXITY] = "a result of \"mmneuron eval\" on texts",
    [MMN_KIND_PERTURB] = "a result of \"mmneuron perturb\"",
    [MMN_KIND_LENS] = "a result of \"mmneuron lens\"",
    [MMN_KIND_CONTRIB] = "a result of \"mmneuron contrib\"",
    [MMN_KIND_OTHER_RESULT] = "a result of another command of mmneuron",
    [MMN_KIND_ROWS] = "a file of a study's rows, as \"mmneuron eval --rows\" writes it",
    [MMN_KIND_RANKING] = "the table that \"mmneuron rank\" writes beside its neurons",
    [MMN_KIND_WEIGHTS] = "a file of a model's weights",
    [MMN_KIND_CONFIG] = "the configuration of a model",
    [MMN_KIND_INDEX] = "the index of a model's weights",
    [MMN_KIND_ARRAY] = "a JSON array, all samples in one",
    [MMN_KIND_TEXT] = "a text file",
    [MMN_KIND_TEXT_OF_JSON] = "a text file",
    [MMN_KIND_PICTURE] = "a picture",
    [MMN_KIND_HTML] = "an HTML page",
    [MMN_KIND_LFS] = "a Git LFS pointer and not the file itself, which \"git lfs pull\" fetches",
    [MMN_KIND_GGUF] = "a GGUF file, which llama.cpp reads and which was converted from safetensors",
    [MMN_KIND_PICKLE] = "a Python pickle",
    [MMN_KIND_ZIP] = "a zip archive, as PyTorch's weights are too",
    [MMN_KIND_GZIP] = "a file that gzip compressed",
    [MMN_KIND_PDF] = "a PDF document",
    [MMN_KIND_PARQUET] = "a Parquet table",
    [MMN_KIND_SAFETENSORS] = "a safetensors file",
    [MMN_KIND_JSON] = "a JSON file",
    [MMN_KIND_RESULT] = "counts, or a result of rank, eval, perturb, lens or contrib",
};

/* The beginning of a file, with a zero behind it. */
typedef struct beginning {
    char bytes[BEGINNING + 1];
    size_t size;
    uint64_t file_size;
} beginning;

static bool begins_with(const beginning *file, size_t at, const char *bytes, size_t size)
{
    return file->size >= at + size && memcmp(file->bytes + at, bytes, size) == 0;
}

/* The text `wanted` in the part from `at` on, up to the first zero byte. */
static const char *find(const beginning *file, size_t at, const char *wanted)
{
    return strstr(file->bytes + at, wanted);
}

/* ---- Binary files ---------------------------------------------------------------------------- */

static mmn_file_kind kind_of_magic(const beginning *file)
{
    static const struct {
        size_t at;
        const char *bytes;
        size_t size;
        mmn_file_kind kind;
    } magics[] = {
        {0, "\xff\xd8\xff", 3, MMN_KIND_PICTURE},
        {0, "\x89PNG\r\n", 6, MMN_KIND_PICTURE},
        {0, "GIF8", 4, MMN_KIND_PICTURE},
        {8, "WEBP", 4, MMN_KIND_PICTURE},
        {0, "II*\0", 4, MMN_KIND_PICTURE},
        {0, "MM\0*", 4, MMN_KIND_PICTURE},
        {4, "ftypheic", 8, MMN_KIND_PICTURE},
        {4, "ftypavif", 8, MMN_KIND_PICTURE},
        {0, "GGUF", 4, MMN_KIND_GGUF},
        {0, "PK\3\4", 4, MMN_KIND_ZIP},
        {0, "\x1f\x8b", 2, MMN_KIND_GZIP},
        {0, "%PDF-", 5, MMN_KIND_PDF},
        {0, "PAR1", 4, MMN_KIND_PARQUET},
        {0, "\x80\x02", 2, MMN_KIND_PICKLE},
        {0, "\x80\x04\x95", 3, MMN_KIND_PICKLE},
        {0, "version https://git-lfs", 23, MMN_KIND_LFS},
        {0, "module\trank\tlayer", 17, MMN_KIND_RANKING},
    };
    for (size_t i = 0; i < MMN_LENGTH(magics); i++)
        if (begins_with(file, magics[i].at, magics[i].bytes, magics[i].size))
            return magics[i].kind;
    return MMN_KIND_UNKNOWN;
}

/* Safetensors: the length of a header of JSON, and the header, whose metadata come first. */
static mmn_file_kind kind_of_tensors(const beginning *file)
{
    if (file->size < 10 || file->bytes[8] != '{' ||
        mmn_load_u64((const uint8_t *)file->bytes) > file->file_size - 8)
        return MMN_KIND_UNKNOWN;
    if (find(file, 8, "\"mmneuron-counts-state-"))
        return MMN_KIND_STATE;
    if (find(file, 8, "\"mmneuron-counts-"))
        return MMN_KIND_COUNTS;
    if (find(file, 8, "\"mmneuron-delta-"))
        return MMN_KIND_DELTA;
    if (find(file, 8, "\"mmneuron-dump-") || find(file, 8, "\"input_ids\"") ||
        find(file, 8, "\"pixel_values\"") || find(file, 8, "\"language.layers."))
        return MMN_KIND_DUMP;
    return find(file, 8, ".weight\"") ? MMN_KIND_WEIGHTS : MMN_KIND_SAFETENSORS;
}

/* ---- Text files ------------------------------------------------------------------------------ */

static mmn_file_kind kind_of_result(const char *format)
{
    static const struct {
        const char *name;
        mmn_file_kind kind;
    } formats[] = {
        {"mmneuron-neurons-", MMN_KIND_NEURONS},
        {"mmneuron-eval-", MMN_KIND_EVAL},
        {"mmneuron-perplexity-", MMN_KIND_PERPLEXITY},
        {"mmneuron-perturb-", MMN_KIND_PERTURB},
        {"mmneuron-lens-", MMN_KIND_LENS},
        {"mmneuron-contrib-", MMN_KIND_CONTRIB},
        {"mmneuron-rows-", MMN_KIND_ROWS},
        {"mmneuron-", MMN_KIND_OTHER_RESULT},
    };
    for (size_t i = 0; i < MMN_LENGTH(formats); i++)
        if (strncmp(format, formats[i].name, strlen(formats[i].name)) == 0)
            return formats[i].kind;
    return MMN_KIND_UNKNOWN;
}

static mmn_file_kind kind_of_object(const char *text)
{
    /* A result's first key is "format". */
    const char *key = text + 1 + strspn(text + 1, " \t\r\n");
    if (strncmp(key, "\"format\"", 8) == 0) {
        const char *value = key + 8 + strspn(key + 8, " \t\r\n:\"");
        mmn_file_kind kind = kind_of_result(value);
        if (kind != MMN_KIND_UNKNOWN)
            return kind;
    }
    const char *domain = strstr(text, "\"domain\"");
    if (domain && domain < text + strcspn(text, "\n"))
        return MMN_KIND_LIST;
    if (strstr(text, "\"weight_map\""))
        return MMN_KIND_INDEX;
    return strstr(text, "\"model_type\"") || strstr(text, "\"architectures\"") ? MMN_KIND_CONFIG
                                                                               : MMN_KIND_UNKNOWN;
}

/* Without control characters but for spaces and line ends. */
static bool is_text(const beginning *file)
{
    for (size_t i = 0; i < file->size; i++)
        if ((unsigned char)file->bytes[i] < ' ' && !memchr("\t\r\n", file->bytes[i], 3))
            return false;
    return file->size > 0;
}

static mmn_file_kind kind_of_text(const beginning *file)
{
    static const char html[] = "<!doctype html", page[] = "<html";
    const char *text = file->bytes + (begins_with(file, 0, "\xef\xbb\xbf", 3) ? 3 : 0);
    text += strspn(text, " \t\r\n");
    char lower[sizeof(html)] = "";
    for (size_t i = 0; i + 1 < sizeof(lower) && text[i] != '\0'; i++)
        lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
    if (strcmp(lower, html) == 0 || strncmp(lower, page, sizeof(page) - 1) == 0)
        return MMN_KIND_HTML;
    if (*text == '[' && text[1 + strspn(text + 1, " \t\r\n")] == '{')
        return MMN_KIND_ARRAY;
    mmn_file_kind kind = *text == '{' ? kind_of_object(text) : MMN_KIND_UNKNOWN;
    if (kind != MMN_KIND_UNKNOWN || *text == '\0' || !is_text(file))
        return kind;
    /* Anything else with a line that begins an object may be JSON that was damaged. */
    return *text == '{' || *text == '[' || strstr(text, "\n{") ? MMN_KIND_TEXT_OF_JSON
                                                               : MMN_KIND_TEXT;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static mmn_file_kind kind_of_folder(const char *path)
{
    char config[4096];
    struct stat found;
    int length = snprintf(config, sizeof(config), "%s/config.json", path);
    bool model = length > 0 && (size_t)length < sizeof(config) && stat(config, &found) == 0;
    return model ? MMN_KIND_MODEL : MMN_KIND_FOLDER;
}

mmn_file_kind mmn_file_kind_of(const char *path)
{
    struct stat found;
    beginning file = {.size = 0};
    if (stat(path, &found) != 0)
        return MMN_KIND_UNKNOWN;
    if (S_ISDIR(found.st_mode))
        return kind_of_folder(path);
    FILE *stream = S_ISREG(found.st_mode) ? fopen(path, "rb") : NULL;
    if (!stream)
        return MMN_KIND_UNKNOWN;
    file.size = fread(file.bytes, 1, BEGINNING, stream);
    file.file_size = (uint64_t)found.st_size;
    fclose(stream);
    mmn_file_kind kind = kind_of_magic(&file);
    if (kind == MMN_KIND_UNKNOWN)
        kind = kind_of_tensors(&file);
    return kind == MMN_KIND_UNKNOWN ? kind_of_text(&file) : kind;
}

/* Whether a file of this kind can be what is wanted, so that what is wrong lies within it. */
static bool fits(mmn_file_kind kind, mmn_file_kind wanted)
{
    bool result = kind >= MMN_KIND_NEURONS && kind <= MMN_KIND_OTHER_RESULT;
    bool tensors = kind == MMN_KIND_WEIGHTS || kind == MMN_KIND_SAFETENSORS ||
                   (kind >= MMN_KIND_COUNTS && kind <= MMN_KIND_DUMP);
    bool binary = wanted == MMN_KIND_SAFETENSORS || wanted == MMN_KIND_COUNTS ||
                  wanted == MMN_KIND_DELTA || wanted == MMN_KIND_DUMP || wanted == MMN_KIND_PICTURE;
    bool own = wanted == MMN_KIND_NEURONS || wanted == MMN_KIND_RESULT || wanted == MMN_KIND_LIST;
    if (kind == MMN_KIND_TEXT || kind == MMN_KIND_TEXT_OF_JSON)
        return !binary && wanted != MMN_KIND_MODEL && (kind == MMN_KIND_TEXT_OF_JSON || !own);
    if (wanted == MMN_KIND_SAFETENSORS)
        return tensors;
    if (wanted == MMN_KIND_JSON)
        return result || kind == MMN_KIND_LIST || kind == MMN_KIND_ARRAY ||
               kind == MMN_KIND_CONFIG || kind == MMN_KIND_INDEX;
    if (wanted == MMN_KIND_RESULT)
        return result || kind == MMN_KIND_COUNTS || kind == MMN_KIND_STATE;
    if (wanted == MMN_KIND_COUNTS)
        return kind == MMN_KIND_COUNTS || kind == MMN_KIND_STATE;
    if (wanted == MMN_KIND_DUMP)
        return kind == MMN_KIND_DUMP || kind == MMN_KIND_SAFETENSORS;
    return kind == wanted;
}

/* What is expected, or is nearer than that to what was given. */
static const char *expected(mmn_file_kind kind, mmn_file_kind wanted)
{
    if (wanted == MMN_KIND_LIST && kind == MMN_KIND_ARRAY)
        return "a list, with one sample a line (jq -c \".[]\" makes it of the array)";
    if (wanted == MMN_KIND_MODEL && kind >= MMN_KIND_WEIGHTS && kind <= MMN_KIND_INDEX)
        return "the folder that it lies in";
    return phrases[wanted];
}

mmn_status mmn_file_kind_explain(mmn_error *error, mmn_status status, const char *path,
                                 mmn_file_kind wanted)
{
    if (status != MMN_INPUT && status != MMN_SYSTEM)
        return status;
    mmn_file_kind kind = mmn_file_kind_of(path);
    bool folder = kind == MMN_KIND_FOLDER || kind == MMN_KIND_MODEL;
    if (kind == MMN_KIND_UNKNOWN || fits(kind, wanted) || (status == MMN_SYSTEM && !folder))
        return status;
    return mmn_fail(error, MMN_INPUT, path, NULL, "this is %s; expected %s", phrases[kind],
                    expected(kind, wanted));
}
