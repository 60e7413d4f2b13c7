/* Edits over a list: each line's edit made in several ways, and what each does to the answer, to
 * other pictures of the thing and to everything else. doc/method.md defines the measures. */
#ifndef MMN_STUDY_EDIT_LIST_H
#define MMN_STUDY_EDIT_LIST_H

#include "study/edit.h"

/* Whose rows are added to. */
typedef enum mmn_edit_chosen {
    MMN_EDIT_TOP,    /* the neurons that contribute most to the word */
    MMN_EDIT_RANDOM, /* as many random ones of all layers */
    MMN_EDIT_LAYER,  /* all of the layer in the middle */
    MMN_EDIT_CHOSEN
} mmn_edit_chosen;
extern const char *const mmn_edit_chosen_names[MMN_EDIT_CHOSEN]; /* "top", "random", "layer" */

/* One way of making an edit. */
typedef struct mmn_edit_way {
    bool optimised;
    mmn_edit_chosen chosen;
    uint64_t seed; /* of random neurons, before the line is added (mmn_edit_seed) */
} mmn_edit_way;
/* The seed of a line's random neurons, as mmn_edit_options has it. */
uint64_t mmn_edit_seed(const mmn_edit_way *way, uint64_t line);
/* Whether ways differ in their seeds at most. */
bool mmn_edit_alike(const mmn_edit_way *a, const mmn_edit_way *b);

typedef enum mmn_edit_measure {
    MMN_EDIT_RELIABILITY, /* whether the answer has the other word */
    MMN_EDIT_GENERALITY,  /* the share of other pictures whose answers had the word and have the
                             other then */
    MMN_EDIT_LOCALITY,    /* the share of everything else whose answers stay */
    MMN_EDIT_FALL,        /* by how much ln p per token of those answers falls, in nats */
    MMN_EDIT_MEASURES
} mmn_edit_measure;
extern const char *const mmn_edit_measure_names[MMN_EDIT_MEASURES];

/* What one way made of an edit. */
typedef struct mmn_tried_way {
    bool found; /* additions that will do; without them nothing but reliability is known */
    uint64_t passes;
    double after;                       /* ln p of the other word's token where the word was */
    char *answer;                       /* "" where nothing was found */
    double measures[MMN_EDIT_MEASURES]; /* NaN: not known */
} mmn_tried_way;

typedef struct mmn_tried_edit {
    char *id, *from, *to, *answer;
    size_t domain;
    bool said;           /* the answer has the word; without it there is nothing to edit */
    double before[2];    /* ln p of the word's token and of the other's */
    mmn_tried_way *ways; /* [ways]; NULL: it is not said */
} mmn_tried_edit;

typedef struct mmn_edit_list {
    mmn_study study;
    const mmn_edits_options *options;
    mmn_edit_wishes wishes;
    mmn_contribution_options contributions;
    mmn_contributions asked; /* of each answer; nothing is found here */
    mmn_edit_way *ways;
    size_t way_count;
    uint32_t layer;            /* in the middle */
    mmn_contributor *of_layer; /* [intermediate_size]: its neurons */
    mmn_tried_edit *edits;
    size_t edit_count, edit_capacity;
} mmn_edit_list;

/* ---- Rows ------------------------------------------------------------------------------------ */

/* What is found of a line. Without the word in the answer all lists are empty. */
typedef struct mmn_edit_row {
    mmn_row row;
    char *answer;
    uint64_t said;
    double before_from, before_to;
    uint64_t *found, *passes; /* [ways] */
    double *after;
    char **answers;
    uint64_t *replaced;     /* [ways]: whether the answer has the other word */
    uint64_t *general_has;  /* [general]: whether its answer has the word */
    uint64_t *general_said; /* [ways][general]: whether it has the other word then */
    uint64_t *local_tokens; /* [local]: of its answer */
    uint64_t *local_same;   /* [ways][local]: whether all of them stay the likeliest */
    double *local_fall;     /* [ways][local]: of ln p per token; NaN: not known */
    size_t found_count, passes_count, after_count, answers_count, replaced_count, general_has_count,
        general_said_count, local_tokens_count, local_same_count, local_fall_count;
} mmn_edit_row;

extern const mmn_row_column mmn_edit_columns[];
/* Makes room in a row for what is tried of a sample whose answer has the word. */
mmn_status mmn_edit_row_reserve(mmn_edit_list *list, mmn_edit_row *row, const mmn_sample *sample,
                                mmn_error *error);
/* Of mmn_study_kind. */
mmn_status mmn_edit_row_take(void *list, const mmn_planned_sample *planned, size_t run,
                             const void *row, mmn_error *error);

/* ---- Trying ---------------------------------------------------------------------------------- */

/* Tries what all ways [ways] have found on a sample's own input, on other pictures and on
 * everything else, and fills the row. `begun` is the share of the sample that each counts for. */
mmn_status mmn_edit_try(mmn_edit_list *list, mmn_edit_row *row, const mmn_edit_search *searches,
                        const mmn_planned_sample *planned, const mmn_input *input, double begun,
                        mmn_error *error);

/* ---- The result ------------------------------------------------------------------------------ */

/* Of mmn_study_kind. */
void mmn_edit_list_describe(mmn_result *result, const void *list);
void mmn_edit_list_fill(mmn_result *result, const void *list);

#endif
