/* What the results of runs have in common: what they were made from, which neurons were off, what
 * was allowed, and how answers were found. */
#ifndef MMN_STUDY_RUN_RESULT_H
#define MMN_STUDY_RUN_RESULT_H

#include "model/input.h"
#include "study/result_forms.h"
#include "study/study.h"

/* Of the table "result": the version, and digests of the model, its deltas, its neurons and the
 * texts. */
#define MMN_MADE_COLUMNS                                                                           \
    MMN_TEXT("version"), MMN_TEXT("model"), MMN_JSON("deltas"), MMN_TEXT("neurons"),               \
        MMN_TRUTH("nonfinite")
#define MMN_MADE_JSON                                                                              \
    "  'version': $version,\n"                                                                     \
    "  'model': $model,\n"                                                                         \
    "<?deltas|  'deltas': $deltas,\n>"                                                             \
    "  'neurons': $neurons,\n"
#define MMN_NONFINITE_JSON "<?nonfinite|  'nonfinite': true,\n>"

/* Of the table "result": what was allowed, the last members of "settings" and lines after a
 * table. */
#define MMN_ALLOWED_COLUMNS                                                                        \
    MMN_TRUTH("allow_unknown_keys"), MMN_TRUTH("allow_long_prompts"), MMN_TRUTH("foreign"),        \
        MMN_TEXT("neurons_model")
#define MMN_ALLOWED_JSON                                                                           \
    "<?allow_unknown_keys|, 'allow_unknown_keys': true>"                                           \
    "<?allow_long_prompts|, 'allow_long_prompts': true>"                                           \
    "<?foreign|, 'neurons_model': $neurons_model>"
#define MMN_REMARKS                                                                                \
    "<?foreign|<!neurons_model|remark: the neurons' file does not say of which model they are\n>"  \
    "<?neurons_model|remark: the neurons are of another model, ${neurons_model}\n>>"               \
    "<?deltas|remark: deltas were added to the model's weights\n>"                                 \
    "<?allow_long_prompts|remark: prompts longer than the model was made for were allowed\n>"      \
    "<?allow_unknown_keys|remark: unknown keys of the list were passed over\n>"                    \
    "<?nonfinite|Numbers were infinite or NaN on the way to this result.\n>"

/* Of "result": what the model's folder asks of decoding, or that it is ignored. */
#define MMN_GENERATION_COLUMN MMN_JSON("generation_config")
#define MMN_GENERATION_JSON "<?generation_config|, 'generation_config': $generation_config>"

/* Where the patches of a picture stand among the positions of a prompt: positions `first` to first
 * + side * side - 1 are the patches of one picture, row by row; side 0: they do not lie so. */
typedef struct mmn_patch_grid {
    size_t side, first;
} mmn_patch_grid;

/* Of the input's first picture: the whole of it, where its tiles follow. */
mmn_patch_grid mmn_patch_grid_of(const mmn_model *model, const mmn_input *input);
#define MMN_GRID_COLUMNS MMN_WHOLE("grid_rows"), MMN_WHOLE("grid_columns"), MMN_WHOLE("grid_first")
#define MMN_GRID_JSON                                                                              \
    "'grid': <?grid_rows|{'rows': $grid_rows, 'columns': $grid_columns, 'first': $grid_first}>"    \
    "<!grid_rows|null>"
#define MMN_GRID(grid)                                                                             \
    mmn_as_whole((grid).side), mmn_as_whole((grid).side), mmn_as_whole((grid).first)

/* Of runs: what is off, and the table "off", of how many neurons in which modules. */
#define MMN_OFF_COLUMNS MMN_TEXT("off"), MMN_TEXT("neurons_of"), MMN_WHOLE("seed")
#define MMN_OFF_TABLE(runs)                                                                        \
    {                                                                                              \
        "neurons_off", runs, MMN_COLUMNS(MMN_TEXT("module"), MMN_WHOLE("count"))                   \
    }
#define MMN_OFF_JSON                                                                               \
    "'off': $off, 'neurons_of': $neurons_of, 'seed': $seed, "                                      \
    "'neurons': {<neurons_off|, |$module: $count>}"

/* Of runs with their setting and the domain that is measured. */
#define MMN_RUN_COLUMNS MMN_TEXT("setting"), MMN_OFF_COLUMNS, MMN_TEXT("domain")
#define MMN_RUN_JSON "'setting': $setting, " MMN_OFF_JSON ", 'domain': $domain"
#define MMN_RUN(study, run)                                                                        \
    mmn_as_text(mmn_setting_of(study, run)), MMN_OFF(study, run),                                  \
        mmn_as_text(mmn_domain_name(study, (run)->domain))

/* All of the table "result" of studies that have nothing more, and the beginning of their JSON. */
#define MMN_STUDY_COLUMNS                                                                          \
    MMN_MADE_COLUMNS, MMN_TEXT("list"), MMN_WHOLE("samples"), MMN_WHOLE("seeds"),                  \
        MMN_WHOLE("first_seed"), MMN_ALLOWED_COLUMNS
#define MMN_STUDY(study)                                                                           \
    MMN_MADE(study), MMN_LIST(study), MMN_SEEDS(study), MMN_ALLOWED((study)->allowed)
#define MMN_STUDY_JSON                                                                             \
    MMN_MADE_JSON MMN_NONFINITE_JSON                                                               \
        "  'settings': {'list': $list, 'samples': $samples, 'seeds': $seeds,"                      \
        " 'first_seed': $first_seed" MMN_ALLOWED_JSON "},\n"                                       \
        "  'domains': [<domains|, |$name>],\n"

/* Of the table "summary", which mmn_add_summaries fills. */
#define MMN_SUMMARY_COLUMNS                                                                        \
    MMN_TEXT("setting"), MMN_TEXT("domain"), MMN_REAL("plain", ""), MMN_REAL("domain_off", ""),    \
        MMN_REAL("random_mean", ""), MMN_REAL("random_low", ""), MMN_REAL("random_high", ""),      \
        MMN_WHOLE("random_seeds")

/* Of summaries: an interval that may not be known. */
#define MMN_INTERVAL_JSON(low, high) "<?" low "|[$" low ", $" high "]><!" low "|null>"

/* The values of these columns, of a study and of one of its runs. Digests may be "", which is
 * nothing. */
#define MMN_MADE(study)                                                                            \
    mmn_as_text(mmn_version()), mmn_as_optional((study)->model_digest),                            \
        mmn_deltas_of((study)->model), mmn_as_optional((study)->neurons_digest),                   \
        mmn_as_truth((study)->nonfinite)
#define MMN_LIST(study) mmn_as_text((study)->samples.file), mmn_as_whole((study)->samples.limit)
#define MMN_SEEDS(study) mmn_as_whole((study)->plan.seeds), mmn_as_whole((study)->plan.first_seed)
#define MMN_ALLOWED(allowed)                                                                       \
    mmn_as_truth((allowed).unknown_keys), mmn_as_truth((allowed).long_prompts),                    \
        mmn_as_truth((allowed).foreign), mmn_as_optional((allowed).neurons_model)
#define MMN_OFF(study, run)                                                                        \
    mmn_as_text(mmn_off_names[(run)->off]),                                                        \
        mmn_as_text((run)->off == MMN_OFF_NOTHING ? NULL                                           \
                                                  : mmn_domain_name(study, (run)->neurons_of)),    \
        (run)->off == MMN_OFF_RANDOM ? mmn_as_whole((run)->seed) : mmn_as_nothing()
const char *mmn_domain_name(const mmn_study *study, size_t domain);
/* Its name as a value, or nothing for all of them: SIZE_MAX. */
mmn_value mmn_domain_of(const mmn_study *study, size_t domain);
/* The name of a run's setting: "none" with nothing off. */
const char *mmn_setting_of(const mmn_study *study, const mmn_run *run);
mmn_value mmn_generation_of(const mmn_model *model);
/* The digests of the deltas that the model was opened with. */
mmn_value mmn_deltas_of(const mmn_model *model);

/* Adds the rows of "neurons_off"; the mask may be NULL. */
void mmn_add_neurons_off(mmn_result *result, const mmn_model *model, const mmn_mask *mask);

/* Adds the rows of "summary", or of another table of its columns: what each setting does to each
 * domain, as mmn_plan_summarise says. */
void mmn_add_summaries(mmn_result *result, const char *table, const mmn_study *study,
                       double (*value)(const void *context, size_t run), const void *context);
/* Adds those of one setting. */
void mmn_add_summary(mmn_result *result, const char *table, const mmn_study *study, size_t setting,
                     double (*value)(const void *context, size_t run), const void *context);

/* Makes the result of what a study has found. */
mmn_status mmn_study_fill(mmn_result **result, const mmn_study_kind *kind, const void *kept,
                          mmn_error *error);
/* Runs a study by its options, and makes its result; NULL after a failure. MMN_USAGE where one of
 * `result`, `model` and `options` is NULL. */
mmn_status mmn_study_make(mmn_result **result, const mmn_study_kind *kind, const mmn_model *model,
                          const void *options, mmn_error *error);

/* The spelling of a token with its spaces, by which " cat" differs from "cat", and of a byte's its
 * name ("<0xE2>"); "" for an id that no token has. Byte-level vocabularies, which spell bytes as
 * characters, are shown the same way. Decoding would drop a leading space, and make U+FFFD of a
 * byte that is no character alone. Free with mmn_free. */
mmn_status mmn_lens_word(char **word, const mmn_model *model, int32_t id, mmn_error *error);
/* How a token is spelled (mmn_lens_word), kept by the result. */
mmn_value mmn_word_of(mmn_result *result, const mmn_model *model, int32_t id);

/* A value if it is known. */
static inline mmn_value mmn_real_if(bool known, double real)
{
    return known ? mmn_as_real(real) : mmn_as_nothing();
}

#endif
