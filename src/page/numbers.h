/* Numbers for readers: a fixed number of decimals whatever the locale, and round steps of axes. */
#ifndef MMN_REPORT_NUMBERS_H
#define MMN_REPORT_NUMBERS_H

#include "base/text_buffer.h"

/* Adds `value` rounded to 0..9 decimals, halves away from zero; nothing if it is not finite. */
void mmn_number_fixed(mmn_text *text, double value, int decimals);

/* The smallest of 1, 2, 5, 10, ... times a power of ten by which 0..maximum has at most `ticks`
 * steps; 1 unless maximum is above 0 and finite. */
double mmn_number_step(double maximum, int ticks);

/* The decimals that multiples of a step need: 0 for 5, 2 for 0.02. */
int mmn_number_step_decimals(double step);

#endif
