/* The logit lens over a list: what the language model's head makes of the states of its layers. */
#ifndef MMN_STUDY_LENS_H
#define MMN_STUDY_LENS_H

#include "pass/probes.h"
#include "study/readout.h"
#include "study/run_result.h"

/* What can be read: a layer's output, its attention's output, the state between attention and MLP,
 * the MLP's output. */
enum { MMN_LENS_OUT, MMN_LENS_ATTENTION, MMN_LENS_MID, MMN_LENS_MLP, MMN_LENS_STAGES };
extern const char *const mmn_lens_stage_names[MMN_LENS_STAGES]; /* "out", "attn.out", ... */

/* One layer of one stage over the positions of one kind of one domain. */
typedef struct mmn_lens_cell {
    double entropy; /* sum over positions, in their order */
    mmn_word_counts words;
} mmn_lens_cell;

typedef struct mmn_lens_position {
    size_t position;
    int32_t id; /* the token there */
    bool is_image;
} mmn_lens_position;

/* A sample of which some positions are kept in full, at the layers' outputs. */
typedef struct mmn_lens_example {
    char *id;
    size_t domain;
    char **images;
    size_t image_count;
    mmn_patch_grid grid;
    size_t count;                 /* of positions */
    mmn_lens_position *positions; /* ascending */
    double *entropy;              /* [count][layers] */
    mmn_word *words;              /* [count][layers][top] */
    mmn_word *nearest;            /* [count][nearest]: of image positions; NULL: none are wanted */
    float *activation; /* [grid.side][grid.side]: of the chosen neuron at the patches, or NULL */
} mmn_lens_example;

/* The neuron whose activation examples keep. */
typedef struct mmn_lens_neuron {
    const mmn_module *module; /* NULL: none is wanted */
    uint32_t layer, neuron;
    char stage[MMN_STAGE_NAME_SIZE];
} mmn_lens_neuron;

typedef struct mmn_lens {
    mmn_study study; /* one setting, or none */
    const mmn_lens_options *options;
    size_t layers, vocabulary, top, nearest;
    bool stages[MMN_LENS_STAGES];
    mmn_lens_cell *cells; /* [domains + 1][MMN_LENS_STAGES][layers][2]: text, image; the last of
                             the first index are those of the sample at hand */
    mmn_lens_neuron neuron;
    mmn_lens_example *examples;
    size_t example_count, example_capacity;

    /* At work: */
    double *norms;       /* [vocabulary]: of the words' embeddings; NULL: none are wanted */
    mmn_readout readout; /* afterwards room for a cell's words, and... */
    double *curve;       /* ...[layers] for the entropies of one domain */
    mmn_lens_example at_work;
    mmn_lens_example *example; /* that one; NULL: none of this sample */
    float *residual; /* [positions][hidden_size]: the state before the layer that runs, for "mid" */
    size_t residual_capacity;
} mmn_lens;

extern const mmn_study_kind mmn_lens_kind;
void mmn_lens_describe(mmn_result *result, const void *lens);
void mmn_lens_fill(mmn_result *result, const void *lens);

/* ---- Rows ------------------------------------------------------------------------------------ */

/* What is found of a sample. */
typedef struct mmn_lens_row {
    mmn_row row;
    /* Of each stage that is read, layer and kind of position (text, image): */
    double *entropy; /* sum over positions */
    uint64_t *words; /* how many words are the first somewhere; theirs follow in ids and times */
    uint64_t *ids, *times;
    size_t entropy_count, words_count, ids_count, times_count;

    /* Of an example, as in mmn_lens_example: */
    uint64_t is_example, grid_side, grid_first;
    uint64_t *positions, *tokens, *is_image; /* [positions] */
    double *readings;                        /* [positions][layers]: entropies */
    uint64_t *leading;                       /* [positions][layers][top] */
    double *p;                               /* likewise: their probabilities */
    double *activation;
    uint64_t *nearest; /* [image positions][nearest] */
    double *cosines;   /* likewise */
    size_t nearest_count, cosines_count;
    size_t positions_count, tokens_count, is_image_count, readings_count, leading_count, p_count,
        activation_count;
} mmn_lens_row;

extern const mmn_row_column mmn_lens_columns[];
/* Moves what was found of the sample at hand into its row. */
mmn_status mmn_lens_fill_row(mmn_lens *lens, size_t run, mmn_error *error);
/* Of mmn_study_kind. */
mmn_status mmn_lens_take(void *lens, const mmn_planned_sample *planned, size_t run, const void *row,
                         mmn_error *error);

/* Those cells of a domain that are read: how many there are, and number `index`. The cells of the
 * sample at hand are those of one more domain. */
size_t mmn_lens_read_cells(const mmn_lens *lens);
mmn_lens_cell *mmn_lens_read_cell(const mmn_lens *lens, size_t domain, size_t index);
size_t mmn_lens_at_hand(const mmn_lens *lens);

mmn_lens_cell *mmn_lens_cell_of(const mmn_lens *lens, size_t domain, int stage, size_t layer,
                                int image);
/* The mean entropy of a cell in nats; 0 without positions. */
double mmn_lens_entropy(const mmn_lens *lens, size_t domain, int stage, size_t layer, int image);

/* ---- Examples -------------------------------------------------------------------------------- */

/* Marks in chosen [mmn_input_length(input)] the positions that `text` names: "all", "last", numbers
 * from 0 on, "image:K" or "text:K" (K image or text positions, evenly spread from the first to the
 * last), separated by commas. A number beyond the input names nothing. MMN_USAGE for another text;
 * `input` NULL: only checks it. */
mmn_status mmn_lens_choose_positions(bool *chosen, const mmn_input *input, const char *text,
                                     mmn_error *error);
/* Reads "MODULE:LAYER:NEURON". MMN_USAGE when the model has no such neuron. */
mmn_status mmn_lens_choose_neuron(mmn_lens_neuron *neuron, const mmn_model *model, const char *text,
                                  mmn_error *error);

/* Makes the sample that runs an example, if it is one of the first of its domain. */
mmn_status mmn_lens_begin_example(mmn_lens *lens, const mmn_planned_sample *planned,
                                  const mmn_input *input, mmn_error *error);
/* Adds an example with so many positions, which are to be filled. */
mmn_status mmn_lens_keep_example(mmn_lens_example **example, mmn_lens *lens,
                                 const mmn_planned_sample *planned, size_t positions,
                                 mmn_patch_grid grid, mmn_error *error);
/* Keeps the reading of row `row` of the readout, if its position is one of the example's. */
void mmn_lens_keep_reading(const mmn_lens *lens, size_t position, size_t layer, size_t row);
/* Adds a probe that keeps the chosen neuron's activation at the example's patches. */
mmn_status mmn_lens_keep_activation(mmn_lens *lens, mmn_session *session, mmn_error *error);

/* ---- Nearest words --------------------------------------------------------------------------- */

/* Gets ready, once there is a readout: the norms of the words' embeddings. */
mmn_status mmn_lens_begin_nearest(mmn_lens *lens, mmn_error *error);
/* Keeps the nearest words of those image positions of the example that are among the language
 * model's embeddings shown: the cosine is the product (as a matrix product has it) divided by both
 * norms, which are binary64, 0 where one is 0; of equals the lower id comes first. MMN_INPUT where
 * one is not a number. */
mmn_status mmn_lens_keep_nearest(mmn_lens *lens, const mmn_stage *shown, mmn_error *error);

/* ---- Three stages ---------------------------------------------------------------------------- */

/* The three stages that MMNeuron reads from the entropy of image tokens over the layers. Layers 0
 * to align_until align image features with the word space, those between extract and reason, those
 * from generate_from on generate. */
typedef struct mmn_three_stages {
    bool found;
    size_t align_until, generate_from;
    double levels[3]; /* the mean entropy of each part, in nats */
    double explained; /* the share of the curve's variance that three levels explain */
    double fall;      /* levels[0] - levels[2], as a share of ln(vocabulary) */
} mmn_three_stages;

/* Cuts the curve entropy [layers], of a vocabulary with logarithm log_vocabulary, into the three
 * parts whose levels fit it best (least squares; the earliest cuts among equals). They count as
 * found when the levels fall from part to part, by 0.1 of ln(vocabulary) altogether, and
 * explain 0.8 of the variance. Nothing is found in fewer than three layers. */
mmn_three_stages mmn_three_stages_of(const double *entropy, size_t layers, double log_vocabulary);

#endif
