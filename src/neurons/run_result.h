/* What the results of runs have in common: what they were made from, which neurons were off, what was
 * allowed, and how answers were found. */
#ifndef MMN_NEURONS_RUN_RESULT_H
#define MMN_NEURONS_RUN_RESULT_H

#include "neurons/allowances.h"
#include "neurons/eval.h"
#include "neurons/result_forms.h"

/* Of the table "result": the version, and digests of the model, its neurons and the texts. */
#define MMN_MADE_COLUMNS                                                                         \
    MMN_TEXT("version"), MMN_TEXT("model"), MMN_TEXT("neurons"), MMN_TRUTH("nonfinite")
#define MMN_MADE_JSON                                                                            \
    "  'version': $version,\n"                                                                   \
    "  'model': $model,\n"                                                                       \
    "  'neurons': $neurons,\n"
#define MMN_NONFINITE_JSON "<?nonfinite|  'nonfinite': true,\n>"

/* Of the table "result": what was allowed, the last members of "settings" and lines after a table. */
#define MMN_ALLOWED_COLUMNS                                                                      \
    MMN_TRUTH("allow_unknown_keys"), MMN_TRUTH("allow_long_prompts"), MMN_TRUTH("foreign"), \
        MMN_TEXT("neurons_model")
#define MMN_ALLOWED_JSON                                                                         \
    "<?allow_unknown_keys|, 'allow_unknown_keys': true>"                                         \
    "<?allow_long_prompts|, 'allow_long_prompts': true>"                                         \
    "<?foreign|, 'neurons_model': $neurons_model>"
#define MMN_REMARKS                                                                              \
    "<?foreign|<!neurons_model|remark: the neurons' file does not say of which model they are\n>" \
    "<?neurons_model|remark: the neurons are of another model, ${neurons_model}\n>>"             \
    "<?allow_long_prompts|remark: prompts longer than the model was made for were allowed\n>"    \
    "<?allow_unknown_keys|remark: unknown keys of the list were passed over\n>"                  \
    "<?nonfinite|Numbers were infinite or NaN on the way to this result.\n>"

/* Of "result": what the model's folder asks of decoding, or that it is ignored. */
#define MMN_GENERATION_COLUMN MMN_JSON("generation_config")
#define MMN_GENERATION_JSON "<?generation_config|, 'generation_config': $generation_config>"

/* Of runs: what is off, and the table "off", of how many neurons in which modules. */
#define MMN_OFF_COLUMNS MMN_TEXT("off"), MMN_TEXT("neurons_of"), MMN_WHOLE("seed")
#define MMN_OFF_TABLE(runs)                                                                      \
    {"neurons_off", runs, MMN_COLUMNS(MMN_TEXT("module"), MMN_WHOLE("count"))}
#define MMN_OFF_JSON                                                                             \
    "'off': $off, 'neurons_of': $neurons_of, 'seed': $seed, "                                    \
    "'neurons': {<neurons_off|, |$module: $count>}"

/* Of summaries: an interval that may not be known. */
#define MMN_INTERVAL_JSON(low, high) "<?" low "|[$" low ", $" high "]><!" low "|null>"

/* The values of these columns. A digest may be "", which is nothing. */
#define MMN_MADE(version, model, neurons, nonfinite)                                             \
    mmn_as_text(version), mmn_as_optional(model), mmn_as_optional(neurons),                      \
        mmn_as_truth(nonfinite)
#define MMN_ALLOWED(allowed)                                                                     \
    mmn_as_truth((allowed).unknown_keys), mmn_as_truth((allowed).long_prompts),                  \
        mmn_as_truth((allowed).foreign), mmn_as_optional((allowed).neurons_model)
/* `neurons_of` is of no matter with nothing off, `seed` unless they are random. */
#define MMN_OFF(off, neurons_of, seed)                                                           \
    mmn_as_text(mmn_off_names[off]),                                                             \
        mmn_as_text((off) == MMN_OFF_NOTHING ? NULL : (neurons_of)),                             \
        (off) == MMN_OFF_RANDOM ? mmn_as_whole(seed) : mmn_as_nothing()
extern const char *const mmn_off_names[]; /* by mmn_eval_off */
mmn_value mmn_generation_of(const mmn_model *model);

/* Adds the rows of "neurons_off"; the mask may be NULL. */
void mmn_add_neurons_off(mmn_result *result, const mmn_model *model, const mmn_mask *mask);

/* How a token is spelled (mmn_lens_word), kept by the result. */
mmn_value mmn_word_of(mmn_result *result, const mmn_model *model, int32_t id);

/* A value if it is known. */
static inline mmn_value mmn_real_if(bool known, double real)
{
    return known ? mmn_as_real(real) : mmn_as_nothing();
}

#endif
