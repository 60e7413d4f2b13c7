/* Samples: those of a list that are taken, decided from the list alone, one after another as inputs
 * of a model: its questions, or windows of its texts. */
#ifndef MMN_NEURONS_SAMPLES_H
#define MMN_NEURONS_SAMPLES_H

#include <stdbool.h>

#include "format/list.h"
#include "count/counts.h"
#include "count/windows.h"
#include "model/prompt.h"

/* The first `limit` of each domain are taken; of those, numbered from 0 in the list's order, shard
 * I of N takes the numbers that leave I - 1 when divided by N. Of texts, the samples are windows,
 * domain by domain. */
typedef struct mmn_samples {
    /* The caller's to set: */
    const mmn_model *model;
    const char *file; /* of the list */
    const char
        *template_name;     /* of questions: "": the model's own; NULL: "raw", with images "<image>"
                               and a line break before one that does not say where they go */
    uint64_t limit;         /* of each domain; 0: all */
    mmn_windows windows;    /* their length (mmn_windows_set) where texts are wanted */
    uint32_t shard, shards; /* 0, 0: all */
    bool allow_unknown_keys; /* of the list's lines */
    bool allow_long_prompts; /* of more positions than the model was made for */
    bool without_questions;  /* who takes them asks about their pictures itself: lines need not */
    bool skip_bad;           /* bad lines are passed over while the list is read */
    mmn_status (*check)(const void *context, const mmn_sample *sample, const char *file,
                        mmn_error *error); /* of every sample; NULL: they need nothing more */
    const void *check_context;

    mmn_list *list;
    bool has_texts;
    mmn_domains domains;
    bool has_questions; /* some sample has no prompt of its own */
    uint64_t number;    /* of the next chosen sample */
    size_t window_domain;
    uint64_t window; /* of that domain, the next */
} mmn_samples;

typedef struct mmn_planned_sample {
    mmn_sample sample; /* a window's has a domain, and for a line number + 1 */
    uint64_t window;   /* its number among those of its domain that are taken; a window's, too */
    size_t domain;     /* its index in the domains */
    uint64_t number;   /* among the chosen samples */
    bool own;          /* whether this shard takes it */
} mmn_planned_sample;

/* Opens the list, for who wants to know if it has texts before mmn_samples_open. Free with
 * mmn_samples_close, after a failure too. */
mmn_status mmn_samples_look(mmn_samples *samples, mmn_error *error);
/* Reads the whole list, finds its domains, and gets ready for mmn_samples_next. Free with
 * mmn_samples_close, after a failure too. */
mmn_status mmn_samples_open(mmn_samples *samples, mmn_error *error);
void mmn_samples_close(mmn_samples *samples);

/* The next chosen sample; *found is false at the end. MMN_INPUT for a bad line, whose number is
 * mmn_list_line(samples->list); the next call goes on after it. */
mmn_status mmn_samples_next(mmn_planned_sample *planned, bool *found, mmn_samples *samples,
                            mmn_error *error);

/* Begins with the first sample again. */
void mmn_samples_again(mmn_samples *samples);

/* The text of the prompt that the sample's input is made of; freed as the struct says. */
mmn_status mmn_samples_prompt(mmn_question_prompt *prompt, const mmn_samples *samples,
                              const mmn_sample *sample, mmn_error *error);

/* The sample as the model's input: its prompt, else its question in the template. Where the list is
 * to blame for a failure *bad is true, and the error names the line. */
mmn_status mmn_samples_input(mmn_input **input, const mmn_samples *samples,
                             const mmn_planned_sample *planned, bool *bad, mmn_error *error);

/* The same of a question, whoever asks it: a failure says nothing of the list. */
mmn_status mmn_samples_ask(mmn_input **input, const mmn_samples *samples, const mmn_sample *sample,
                           mmn_error *error);

/* Whether the list and the model's weights are still the files that were opened, so that what was
 * found is of what was digested: asked when all is done, before a result is given out. */
mmn_status mmn_samples_unchanged(const mmn_samples *samples, mmn_error *error);

#endif
