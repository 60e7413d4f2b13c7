/* mmneuron info: describes a checkpoint, and what would be run on this machine. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/output.h"

/* A number, or NULL for 0: a key without a value ("?"), or none ("*"). */
static json_t *unless_zero(uint32_t number)
{
    return number > 0 ? json_integer(number) : NULL;
}

static json_t *modules_to_json(const mmn_model_info *info)
{
    json_t *modules = json_object();
    for (size_t index = 0; index < info->module_count; index++) {
        const mmn_module *module = &info->modules[index];
        const bool inert = module->first_inert_layer < module->layers;
        json_object_set_new(modules, module->name,
                            json_pack("{s:i, s:i, s:s, s:o*}", "layers", module->layers, "neurons",
                                      module->neurons, "stages", module->stages,
                                      "first_inert_layer",
                                      inert ? json_integer(module->first_inert_layer) : NULL));
    }
    return modules;
}

static json_t *vision_to_json(const mmn_model_info *info)
{
    if (info->vision_layers == 0)
        return NULL;
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i}", "architecture", info->vision, "layers",
                     info->vision_layers, "width", info->vision_width, "heads", info->vision_heads,
                     "image_size", info->image_size, "patch_size", info->patch_size);
}

static json_t *language_to_json(const mmn_model_info *info)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:o?, s:o*}", "architecture",
                     info->language, "layers", info->language_layers, "width", info->language_width,
                     "heads", info->language_heads, "key_value_heads", info->language_kv_heads,
                     "vocabulary", info->vocabulary, "positions", info->maximum_positions,
                     "sliding_window", unless_zero(info->sliding_window), "first_window_layer",
                     unless_zero(info->first_window_layer));
}

/* What the folder says of generating. */
static json_t *generation_to_json(const mmn_generation_info *generation)
{
    json_t *stop = json_array();
    for (size_t i = 0; i < generation->stop_id_count; i++)
        json_array_append_new(stop, json_integer(generation->stop_ids[i]));
    return json_pack("{s:s?, s:o, s:o, s:o, s:o}", "file", generation->file, "stop", stop, "obeyed",
                     json_loads(generation->obeyed, 0, NULL), "not_used",
                     json_loads(generation->unused, 0, NULL), "not_supported",
                     json_loads(generation->refused, 0, NULL));
}

static json_t *info_to_json(const char *folder, const mmn_model_info *info, const char *digest)
{
    json_t *remarks = json_array();
    for (size_t i = 0; i < info->remark_count; i++)
        json_array_append_new(remarks, json_string(info->remarks[i]));
    return json_pack(
        "{s:s, s:s, s:{s:s, s:i, s:i, s:I, s:I}, s:o*, s:o, s:o*, s:o*, s:o, s:s, s:s?, s:s*, s:o,"
        " s:s, s:i, s:s*, s:o}",
        "model", folder, "family", info->family, "weights", "types", info->weight_types, "files",
        info->files, "tensors", info->tensors, "parameters", (json_int_t)info->parameters, "bytes",
        (json_int_t)info->weight_bytes, "vision", vision_to_json(info), "language",
        language_to_json(info), "judge_labels", unless_zero(info->judge_labels), "detector_boxes",
        unless_zero(info->detector_boxes), "modules", modules_to_json(info), "template",
        info->template_name, "template_file", info->template_file, "template_problem",
        info->template_problem, "generation", generation_to_json(&info->generation), "kernels",
        info->kernels, "threads", info->threads, "digest", digest, "remarks", remarks);
}

/* "12.3 GB", in powers of ten as disks and published checkpoints are measured. */
static void print_bytes(uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1000;
        unit++;
    }
    mmn_cli_print("%.*f %s", unit > 0 ? 1 : 0, value, units[unit]);
}

/* A number in groups of three digits. */
static void print_grouped(uint64_t number)
{
    if (number >= 1000) {
        print_grouped(number / 1000);
        mmn_cli_print(",%03u", (unsigned)(number % 1000));
    } else {
        mmn_cli_print("%u", (unsigned)number);
    }
}

/* The keys of a JSON object and their values behind `words`; nothing where there are none. */
static void print_keys(const char *words, const char *object)
{
    json_t *keys = json_loads(object, 0, NULL), *value;
    const char *key, *separator = words;
    json_object_foreach(keys, key, value)
    {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
        mmn_cli_print("%s%s %.60s%s", separator, key, text != NULL ? text : "",
                      text != NULL && strlen(text) > 60 ? "..." : "");
        separator = ", ";
        free(text);
    }
    json_decref(keys);
}

/* What becomes of a question. */
static void print_template(const mmn_model_info *info)
{
    if (info->template_problem != NULL)
        mmn_cli_print("template   unknown: that of %s: %s\n", info->template_file,
                      info->template_problem);
    else if (info->template_file != NULL)
        mmn_cli_print("template   %s, from %s\n", info->template_name, info->template_file);
    else
        mmn_cli_print("template   %s, the family's: the folder has no chat template\n",
                      info->template_name);
}

/* How answers are found unless the caller says otherwise, what ends them, and what is not done. */
static void print_generation(const mmn_generation_info *generation)
{
    if (generation->stop_id_count > 0)
        mmn_cli_print("generation ends at");
    else
        mmn_cli_print("generation ends at a limit only, since %s names no stop token",
                      generation->file != NULL ? generation->file : "config.json");
    for (size_t i = 0; i < generation->stop_id_count; i++)
        mmn_cli_print("%s %" PRId32, i > 0 ? "," : "", generation->stop_ids[i]);
    if (generation->file != NULL)
        mmn_cli_print("; %s", generation->file);
    print_keys(": ", generation->obeyed);
    print_keys("\n           only when asked: ", generation->unused);
    print_keys("\n           not supported, so that nothing is generated: ", generation->refused);
    mmn_cli_print("\n");
}

/* The transformer that reads texts, under the name of what it is for, and how long they may be. */
static void print_language(const char *role, const mmn_model_info *info)
{
    mmn_cli_print("%-10s %s: %" PRIu32 " layers of width %" PRIu32 ", %" PRIu32 " heads", role,
                  info->language, info->language_layers, info->language_width,
                  info->language_heads);
    if (info->language_kv_heads != info->language_heads)
        mmn_cli_print(" (%" PRIu32 " for keys and values)", info->language_kv_heads);
    mmn_cli_print("; vocabulary of %" PRIu32 "\n", info->vocabulary);
    mmn_cli_print("context    %" PRIu32 " positions", info->maximum_positions);
    if (info->sliding_window > 0)
        mmn_cli_print(", each seeing the last %" PRIu32, info->sliding_window);
    if (info->first_window_layer > 0)
        mmn_cli_print(" from layer %" PRIu32 " on", info->first_window_layer);
    mmn_cli_print("\n");
}

/* What the model does with texts: it judges them, looks for what they name, or continues them. */
static void print_architecture(const mmn_model_info *info)
{
    mmn_cli_print("family     %s\n", info->family);
    if (info->vision_layers > 0)
        mmn_cli_print("vision     %s: %" PRIu32 " layers of width %" PRIu32 ", %" PRIu32
                      " heads; images of %" PRIu32 " x %" PRIu32 " in patches of %" PRIu32 "\n",
                      info->vision, info->vision_layers, info->vision_width, info->vision_heads,
                      info->image_size, info->image_size, info->patch_size);
    if (info->judge_labels > 0) {
        print_language("judge", info);
        mmn_cli_print("judges     texts, with %" PRIu32 " number%s each\n", info->judge_labels,
                      info->judge_labels == 1 ? "" : "s");
    } else if (info->detector_boxes > 0) {
        print_language("queries", info);
        mmn_cli_print("detects    what queries name, in %" PRIu32
                      " boxes of a picture: one for each patch\n",
                      info->detector_boxes);
    } else {
        print_language("language", info);
        print_template(info);
        print_generation(&info->generation);
    }
}

static void print_info(const char *folder, const mmn_model_info *info, const char *digest)
{
    mmn_cli_print("model      %s\n", folder);
    print_architecture(info);
    mmn_cli_print("weights    ");
    print_grouped(info->parameters);
    mmn_cli_print(" parameters in %" PRIu32 " tensors, %s, ", info->tensors, info->weight_types);
    print_bytes(info->weight_bytes);
    mmn_cli_print(" in %" PRIu32 " file%s\n", info->files, info->files == 1 ? "" : "s");
    mmn_cli_print("kernels    %s, %" PRIu32 " thread%s\n", info->kernels, info->threads,
                  info->threads == 1 ? "" : "s");
    if (digest != NULL)
        mmn_cli_print("digest     %s\n", digest);
    for (size_t i = 0; i < info->remark_count; i++)
        mmn_cli_print("remark     %s\n", info->remarks[i]);
    if (info->module_count > 0)
        mmn_cli_print("\nmodule      layers  neurons  stages\n");
    for (size_t index = 0; index < info->module_count; index++) {
        const mmn_module *module = &info->modules[index];
        mmn_cli_print("%-10s  %6" PRIu32 "  %7" PRIu32 "  %s", module->name, module->layers,
                      module->neurons, module->stages);
        if (module->first_inert_layer < module->layers)
            mmn_cli_print("  (inert from layer %" PRIu32 " on)", module->first_inert_layer);
        mmn_cli_print("\n");
    }
}

int mmn_cli_info(mmn_cli_call *call)
{
    int with_digest = 0;
    /* clang-format off */
    const mmn_cli_option options[] = {
        {.name = "digest", .kind = MMN_CLI_FLAG, .target = &with_digest,
         .help = "also print the digest of all weights, which reads the whole checkpoint"},
    };
    /* clang-format on */
    char digest[33];
    mmn_error error;
    MMN_CLI_TRY(mmn_cli_parse(call, options, 1));
    call->quiet = 1; /* remarks are part of what is printed */
    MMN_CLI_TRY(mmn_cli_open_model(call, &(mmn_model_options){.size = sizeof(mmn_model_options)}));
    if (with_digest && mmn_model_digest(call->model, digest, &error) != MMN_OK)
        return mmn_cli_fail(&error);
    const mmn_model_info *info = mmn_model_describe(call->model);
    const char *shown = with_digest ? digest : NULL;
    if (call->json)
        return mmn_cli_print_json(info_to_json(call->texts[0], info, shown));
    print_info(call->texts[0], info, shown);
    return MMN_CLI_DONE;
}
