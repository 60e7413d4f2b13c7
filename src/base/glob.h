/* Glob patterns: choosing stages by name. */
#ifndef MMN_BASE_GLOB_H
#define MMN_BASE_GLOB_H

#include <stdbool.h>

/* Whether `name` as a whole matches one of `patterns`, which are separated by commas (spaces around
 * them do not count). '*' stands for any text, dots included, '?' for any one byte, and "{i}" for a
 * number, so that the names of doc/formats.md's table of stages are patterns too. NULL matches
 * every name, an empty pattern none. Takes at most pattern length x name length steps. */
bool mmn_glob_match(const char *patterns, const char *name);

#endif
