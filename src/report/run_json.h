/* What the JSON of results says of their runs: which neurons were off, how answers were found. */
#ifndef MMN_REPORT_RUN_JSON_H
#define MMN_REPORT_RUN_JSON_H

#include "base/text_buffer.h"
#include "neurons/eval.h"

/* A line of its own with "key": the digest, or null where there is none (""). */
void mmn_run_json_digest(mmn_text *text, const char *key, const char *digest);

/* A line of its own that marks a result in whose making numbers were infinite or NaN; nothing for
 * others. */
void mmn_run_json_nonfinite(mmn_text *text, bool nonfinite);
/* The same at the end of a table for people. */
void mmn_run_table_nonfinite(mmn_text *text, bool nonfinite);

/* "off", "neurons_of", "seed" and "neurons": how many are off in each of the model's modules that has
 * some. `neurons_of` is of no matter with nothing off, `seed` unless they are random. */
void mmn_run_json_off(mmn_text *text, mmn_eval_off off, const char *neurons_of, uint64_t seed,
                      const mmn_model *model, const mmn_mask *mask);

/* , "generation_config": what the model's folder asks of decoding, or that it is ignored; nothing
 * where it asks for nothing. */
void mmn_run_json_generation(mmn_text *text, const mmn_model *model);

#endif
