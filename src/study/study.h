/* Studies: a list's samples run through a model with nothing off, with each domain's neurons off
 * and with random ones off, and something is measured of every run. What all of them share is here:
 * what they are asked, the plan, the loop over samples, sessions side by side, progress and
 * interruption, memory, and what is asked of list and model in the end. A study sets what it wants,
 * and measures. */
#ifndef MMN_STUDY_STUDY_H
#define MMN_STUDY_STUDY_H

#include "count/samples.h"
#include "mask/mask.h"
#include "model/compute.h"
#include "study/plan.h"
#include "study/points.h"
#include "study/ranks.h"
#include "study/rows.h"

/* Zero-initialise; free with mmn_study_close. */
typedef struct mmn_study {
    /* What is wanted, set by mmn_study_kind's set_up: */
    const mmn_model *model;
    mmn_samples samples;  /* its list (none: a study of something else), and what is taken */
    const char *neurons;  /* neurons.json, or counts, which are ranked for each setting; NULL:
                             nothing is switched off */
    const char *settings; /* as mmn_settings_make takes them, of these neurons */
    const char *setting;  /* instead: a single one */
    mmn_plan plan;        /* its settings are filled by mmn_study_find */
    mmn_allowances allowed;
    size_t batch;             /* runs side by side; 0: as many as do not need too much memory */
    mmn_rows_options keeping; /* files of rows, and shards */
    mmn_progress progress;
    mmn_progress_function show;
    void *show_context;

    char model_digest[MMN_DIGEST_SIZE], neurons_digest[MMN_DIGEST_SIZE]; /* "": no neurons */
    uint64_t (*positions)[2]; /* [domains]: text, image; of the samples so far */
    bool nonfinite; /* numbers were infinite or NaN on the way to the result, and allowed */

    /* At work: */
    const struct mmn_study_kind *kind;
    mmn_neurons *lists;
    mmn_counts *counts;    /* NULL: the neurons are a file's */
    mmn_points points;     /* of counts */
    mmn_study_rows rows;   /* of the sample at hand, and where they are kept */
    mmn_study_ranks ranks; /* the processes that do the run together */
    bool gathered;         /* their rows are in the file, and told */
    uint64_t passed; /* numbers of the model that were not finite and allowed, at the beginning */
    double start;
    uint64_t together; /* bytes that sessions side by side may take */
    mmn_status (*function)(void *kept, const mmn_planned_sample *planned, const mmn_input *input,
                           mmn_error *error); /* that measures a sample */
    size_t *side;                             /* [runs]: those of the sample's domain, and... */
    mmn_session **sessions;                   /* ...[runs] theirs... */
    size_t working, working_count;            /* ...of which these are at work */
    mmn_compute compute;                      /* of mmn_study_logits, and... */
    float *logits;                            /* ...[rows][vocab_size] what it has made */
    mmn_blocks blocks;                        /* of mmn_study_allocate */
} mmn_study;

/* What set_up takes from the options of any study of a list, whatever their type. */
#define MMN_STUDY_ASKED(options)                                                                   \
    .samples.file = (options)->list, .samples.limit = (options)->samples,                          \
    .allowed.unknown_keys = (options)->allow_unknown_keys != 0,                                    \
    .allowed.other_model = (options)->other_model != 0, .show = (options)->progress,               \
    .show_context = (options)->progress_context, .keeping = (options)->rows
/* And where it has them: long prompts; and random choices of neurons, beside nothing off. */
#define MMN_STUDY_LONG_PROMPTS(options) .allowed.long_prompts = (options)->allow_long_prompts != 0
#define MMN_STUDY_SEEDS(options)                                                                   \
    .plan.plain = true, .plan.seeds = (options)->seeds, .plan.first_seed = (options)->first_seed

/* MMN_USAGE for more seeds than a summary takes. */
mmn_status mmn_study_check_seeds(uint64_t seeds, mmn_error *error);

/* Zeroed memory that lives as long as the study. NULL, with the error, when it is short. */
void *mmn_study_allocate(mmn_study *study, size_t count, size_t size, mmn_error *error);
/* Makes such memory of what mmn_free frees, or of NULL, which it returns. */
void *mmn_study_keep(mmn_study *study, void *block, mmn_error *error);
char *mmn_study_copy_text(mmn_study *study, const char *text, mmn_error *error);
/* As mmn_reserve, of an array in such memory; arrays that it outgrew stay as long as the study. */
mmn_status mmn_study_reserve(mmn_study *study, void *pointer_to_pointer, size_t *capacity,
                             size_t needed, size_t size, mmn_error *error);

/* The row of run number `run` of the sample at hand, of the kind's row_size bytes, which is zero
 * where the sample begins. */
void *mmn_study_row(const mmn_study *study, size_t run);
/* Zeroed memory for what such a row points to; and memory that mmn_free frees as such. NULL, with
 * the error, when it is short. */
void *mmn_study_allocate_in_row(mmn_study *study, size_t count, size_t size, mmn_error *error);
void *mmn_study_keep_in_row(mmn_study *study, void *block, mmn_error *error);

/* Counts the positions of an input among those of the sample at hand. */
void mmn_study_count_positions(mmn_study *study, const mmn_input *input);

/* Tells that `done` more is done (0: that it is still at work). MMN_INTERRUPTED when it shall
 * stop. */
mmn_status mmn_study_advance(mmn_study *study, uint64_t done, mmn_error *error);

/* Lets a session that the study's own function runs ask as those of mmn_study_measure do whether to
 * stop, and answer the other processes. */
void mmn_study_attend(mmn_study *study, mmn_session *session);

/* Makes room for the logits of so many rows at a time: MMN_STUDY_ROWS where those of all rows of a
 * long prompt would be too many. */
enum { MMN_STUDY_ROWS = 64 };
mmn_status mmn_study_reserve_logits(mmn_study *study, size_t rows, mmn_error *error);
/* What the language model's head makes of normed [rows][hidden_size], in study->logits. */
float *mmn_study_logits(mmn_study *study, const float *normed, size_t rows);

/* What is done with a sample, whose input is freed afterwards. Of samples without questions it is
 * NULL, and the function makes inputs itself (mmn_study_count_positions). */
typedef mmn_status (*mmn_study_function)(void *context, const mmn_planned_sample *planned,
                                         const mmn_input *input, mmn_error *error);

/* How a sample is measured in its runs. */
typedef struct mmn_measuring {
    size_t tokens; /* that are generated behind the input; 0: none */
    size_t behind; /* rows that run behind it at once (mmn_sessions_follow); 0: none. Where there
                      are neither, the sessions are prompt_only */
    bool again;    /* the sample will be measured again, so that nothing counts as done yet */
    /* Makes the session of run number `run` ready, whose neurons are off already: adds probes. */
    mmn_status (*ready)(void *context, mmn_session *session, size_t run, mmn_error *error);
    /* After the prefill of sessions [count], side by side, of runs [count]. NULL: nothing to do. */
    mmn_status (*finish)(void *context, mmn_session *const *sessions, const size_t *runs,
                         size_t count, mmn_error *error);
} mmn_measuring;

/* Runs an input in all runs of its domain, side by side as far as memory allows; the domain's first
 * run is always the first of a session's group. `context` begins with the study. */
mmn_status mmn_study_measure(void *context, const mmn_measuring *measuring, size_t domain,
                             const mmn_input *input, mmn_error *error);

/* What is particular to a study. What it keeps is zero at first, and begins with an mmn_study. */
typedef struct mmn_study_kind {
    const char *name,
        *summary;         /* of its command, and a line of help: in the table of studies only */
    bool without_neurons; /* it may be run with nothing off alone, and then takes no neurons */
    const char *points;   /* its settings of counts, unless they are named; NULL: as of neurons */
    const char *doing, *unit; /* of its progress: "comparing", "passes" */
    size_t size;              /* of what it keeps */
    size_t options_size;      /* of its options; 0: they are mmn_study_options */
    size_t former_size;       /* that its own options had before; 0: they have had one size */
    /* Sets the study's wishes by its options, which outlive it; NULL: by mmn_study_options. */
    mmn_status (*set_up)(void *kept, const mmn_model *model, const void *options, mmn_error *error);
    /* What would stop it later, asked once it is open and before any work; NULL: nothing. */
    mmn_status (*check)(void *kept, mmn_error *error);

    /* Makes room, once there is a plan; a study without a list does everything then. */
    mmn_status (*begin)(void *kept, mmn_error *error);

    /* The rows that it makes, one of each sample in each run of its domain; the struct, of row_size
     * bytes, begins with an mmn_row. */
    const mmn_row_column *columns;
    size_t row_size;
    /* A study of logits makes them of those of all positions, or of those only that a token
     * follows: logits [rows][vocab_size], which are its to change, from position `first` of the
     * input on. `row` is that of the sample in one run. The run with nothing off comes first. */
    mmn_status (*read)(void *row, const mmn_input *input, size_t first, float *logits, size_t rows,
                       mmn_error *error);
    bool followed;
    /* Another measures each sample, and fills its rows (mmn_study_row). */
    mmn_study_function measure;
    /* Adds row `row` of a sample, in run number `run`, to what the study has found. Rows come in
     * the list's order, and of a sample by run, wherever they were made; those that were read from
     * a file may have any numbers. MMN_INPUT for what the study cannot have made. */
    mmn_status (*take)(void *kept, const mmn_planned_sample *planned, size_t run, const void *row,
                       mmn_error *error);

    /* How many tokens it generates in each run of a sample, at most; NULL: none. */
    size_t (*tokens)(const void *kept);
    /* Whether it is known well enough what a setting does to a domain, whose runs end then; asked
     * behind each sample that was taken in them. It depends on what was taken alone. NULL: all
     * samples run. */
    bool (*known)(void *kept, size_t setting, size_t domain);

    /* Whether what was found makes a result, once all is measured; NULL: it does. */
    mmn_status (*judge)(const void *kept, mmn_error *error);
    /* Frees what it keeps beside the study and its memory, however far it came; NULL: nothing. */
    void (*end)(void *kept);
    const struct mmn_form *form; /* of its result */
    /* Fills a result: first the row of "result", and tables that say what was asked for: all that
     * rows depend on, but for model, neurons, list and plan; then other tables, but for
     * "domains". */
    void (*describe)(struct mmn_result *result, const void *kept);
    void (*fill)(struct mmn_result *result, const void *kept);
} mmn_study_kind;

/* Opens, plans and runs a study, of which a shard ends with its rows and finds nothing, and so does
 * any process but the first of several, and one that is only planned. An error
 * that is a sample's fault is MMN_INPUT and names the list and the line. In the end list and model
 * must be the files still that they were. `kept` is zero; close it after a failure too. */
mmn_status mmn_study_find(const mmn_study_kind *kind, void *kept, const mmn_model *model,
                          const void *options, mmn_error *error);
void mmn_study_close(const mmn_study_kind *kind, void *kept);

#endif
