/* Jansson's memory: parsing, and a count, that say when an allocation failed, which Jansson itself does not. */
#ifndef MMN_BASE_JSON_MEMORY_H
#define MMN_BASE_JSON_MEMORY_H

#include <jansson.h>

#include "base/error.h"

/* How many of Jansson's allocations have failed in this thread: where the number is larger behind a
 * call of Jansson than before it, memory was short, whatever the call says.
 *
 * Jansson has one pair of allocation functions for the whole process. The first call of a function of
 * this file puts two in their place that call those which were there, and count; they stay until the
 * library is unloaded. */
unsigned long mmn_json_failures(void);

/* As json_loadb, with one more promise: where an allocation of Jansson fails, NULL is returned and
 * mmn_json_failures is larger. Jansson 2.14 alone loses characters of texts then, or reads behind them. */
json_t *mmn_json_load_text(const char *text, size_t size, size_t flags, json_error_t *problem);

#endif
