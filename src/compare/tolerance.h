/* Tolerances: how far a stage may be from its reference, by what the two files say of themselves. */
#ifndef MMN_COMPARE_TOLERANCE_H
#define MMN_COMPARE_TOLERANCE_H

#include "format/safetensors.h"

/* *tolerance is the relative rms allowed in a stage where nothing is known of the stage itself:
 * doc/formats.md has the numbers and how they were measured. MMN_USAGE for a type that is not known,
 * when the caller names it; in a file it is passed over. */
mmn_status mmn_tolerance_of_types(double *tolerance, const char *computed_in,
                                  const mmn_safetensors *dump, const mmn_safetensors *reference,
                                  mmn_error *error);

/* The stage's own: four times what the reference's metadata "error.STAGE" says of its error, but not
 * less than `least` where that is more than f32's; else `least`. MMN_INPUT for metadata that is no
 * number, naming `file`. */
mmn_status mmn_tolerance_of_stage(double *tolerance, double least, const char *stage,
                                  const mmn_safetensors *reference, const char *file,
                                  mmn_error *error);

#endif
