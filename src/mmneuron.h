/* mmneuron.h: the public interface of libmmneuron.
 *
 * The library runs LLaVA-family vision-language models on CPUs with the same bits on every machine,
 * shows every stage of the forward pass to probes, and finds domain neurons with them. Functions
 * that can fail return an mmn_status and fill an mmn_error (which may be NULL). The library never
 * prints, exits or aborts, has no global state that changes results, and may be used from several
 * threads with one session each. Texts are UTF-8.
 *
 * Options. A struct of options begins with its size, sizeof(mmn_..._options), so that later
 * versions of the library can add members: what a program that was compiled before them cannot ask
 * for is 0. 0, or NULL, always asks for what is usual, which each member's comment names. MMN_USAGE
 * for a size that is no such struct's, and for members that this library does not know and that are
 * not 0.
 *
 * NULL. Pointers must be given unless it says that they may be NULL; else the status is MMN_USAGE,
 * and what would have been made is NULL. So it is for counts beyond 2^20 of token ids, inputs or
 * texts, whose arrays are not read. Functions that free allow NULL; those without a status say 0,
 * "" or NULL of NULL.
 *
 * Ownership and threads are said once in each header.
 *
 * OpenMP. Products are divided among OpenMP's threads, which are tried when a model is opened. What
 * OpenMP cannot have later, of threads or memory, makes it end the program. After fork() without
 * exec the child must not use the library with more than one thread if the parent has.
 *
 * Jansson. Its allocation functions, one pair for the whole process, are wrapped when the first
 * JSON is read: the wrapper calls those that were set and counts failures. A program that sets its
 * own does so before its first call, as Jansson itself asks. */
#ifndef MMNEURON_H
#define MMNEURON_H

#include "mmneuron/detect.h"
#include "mmneuron/dump.h"
#include "mmneuron/error.h"
#include "mmneuron/encode.h"
#include "mmneuron/judge.h"
#include "mmneuron/model.h"
#include "mmneuron/neurons.h"
#include "mmneuron/output.h"
#include "mmneuron/ranks.h"
#include "mmneuron/report.h"
#include "mmneuron/result.h"
#include "mmneuron/session.h"
#include "mmneuron/study.h"

#endif
