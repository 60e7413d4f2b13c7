/* mmneuron/study.h: studies: what a model does with neurons off, and what it makes of its inputs.
 *
 * Ownership. The result of a study is its caller's. Options, and what they point to, are needed
 * until the function returns.
 *
 * Threads. Several studies may run at once, with one model too; each calls its progress function on
 * the thread that called it. */
#ifndef MMNEURON_STUDY_H
#define MMNEURON_STUDY_H

#include <stddef.h>
#include <stdint.h>

#include "mmneuron/judge.h"
#include "mmneuron/model.h"
#include "mmneuron/ranks.h"
#include "mmneuron/result.h"
#include "mmneuron/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Rows ------------------------------------------------------------------------------------ */

/* What a study finds of each sample, kept as it goes: among the options of every study over a list.
 * Zeros keep nothing. */
typedef struct mmn_rows_options {
    const char *file; /* that a row is added to for each sample and way of running it, safely, as
                         soon as the sample is done (doc/formats.md); the rows of the same study
                         that are there already are taken over, however the run that wrote them
                         ended. NULL: none is kept */
    uint32_t shard, shards; /* do part `shard`, from 1 on, of `shards`: those samples, dealt out in
                               turn. Their rows are all that is made: no result; 0, 0: all */
    const char *const *parts; /* the rows of all shards, of which the result is made */
    size_t part_count;
    const char *const *arguments; /* what the rows' file says of how it was made */
    size_t argument_count;
    const mmn_ranks *ranks; /* the processes that do this run together, which must have a `file`:
                               process 0 keeps the rows of all and makes the result; the others make
                               none. NULL: there is one */
    int plan; /* nothing runs but a few layers, once, to be timed; the result says what the study
                 would cost: passes, positions, hours, memory (doc/formats.md) */
} mmn_rows_options;

/* The arguments that a file of rows was made with, as it says itself: freed together with
 * mmn_release; NULL and 0 of a file of another kind. */
MMN_API mmn_status mmn_rows_arguments(char ***arguments, size_t *count, const char *file,
                                      mmn_error *error);

/* ---- Accuracy with neurons off --------------------------------------------------------------- */

typedef struct mmn_eval_options {
    size_t size;          /* sizeof(mmn_eval_options) */
    const char *list;     /* DATA.jsonl */
    const char *neurons;  /* neurons.json, or NULL: nothing is switched off */
    const char *settings; /* separated by commas, as mmn_mask_from_file takes them; NULL: those
                             of doc/method.md whose modules were ranked. "none" is always
                             evaluated */
    const char *cross;    /* those of them in which every domain's neurons are off in every domain;
                             NULL: none */
    uint64_t samples;     /* per domain, the first N of the list; 0: all */
    uint32_t seeds;       /* random choices of neurons beside each domain's, at most 31 */
    uint64_t first_seed;
    uint64_t tokens;           /* of an answer, at most; 0: 16 */
    double temperature, top_p; /* as in mmn_sampling; each sample is named by its id */
    uint64_t top_k;            /* likewise */
    uint64_t sampling_seed;
    double repetition_penalty;       /* as in mmn_sampling */
    mmn_beam_search beam_search;     /* for every answer; beams 0: as the folder says */
    const char *const *stop_strings; /* as for mmn_session_set_stop_strings */
    size_t stop_string_count;
    const char *template_name; /* for questions, as mmn_prompt_from_template takes it */
    uint32_t
        batch; /* in how many ways a question is answered side by side; 0: as many as half
                  of the memory that is left takes, up to 64. Every number gives the same bits */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors
                             else */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    int other_model;        /* take neurons of another model, as results then say; else MMN_INPUT */
    mmn_progress_function progress;
    void *progress_context;
    mmn_rows_options rows;
    const char *measures; /* "answers": how right they are; "likelihood": ln p of the right ones;
                             both, separated by a comma. NULL: both */
    double until; /* end a setting in a domain as soon as the 95 % confidence sequence of own
                     neurons off less random ones is no wider to each side, in ln p per token, or
                     where answers alone are measured in accuracy; 0: all samples run. Not of
                     several shards */
    const mmn_model *judge;    /* of answers to samples of metric "lingo"; NULL: they are errors */
    mmn_judge_form judge_form; /* how it is asked */
    const char *languages;     /* a list of texts, from which it is learned what languages, its
                                  domains, look like: answers to samples of metric "language" are
                                  right in their domain's. NULL: such samples are errors */
    const char *steer;         /* counts: in settings of the cross table every domain's samples are
                                  also answered with its neurons off and another's raised to their
                                  mean activations, with languages. NULL: nothing is raised */
    uint64_t cases; /* of each domain and choice of a domain's neurons, the first N samples in the
                       list's order whose answers change are told in full; 0: none. For answers */
} mmn_eval_options;

/* Answers the questions of a list with nothing switched off, with each domain's neurons, and with
 * random ones, and measures how right the answers are (doc/method.md). MMN_INPUT names the line of
 * a sample that cannot be read. */
MMN_API mmn_status mmn_eval(mmn_result **result, const mmn_model *model,
                            const mmn_eval_options *options, mmn_error *error);

/* ---- Perplexity with neurons off ------------------------------------------------------------- */

typedef struct mmn_perplexity_options {
    size_t size;         /* sizeof(mmn_perplexity_options) */
    const char *list;    /* DATA.jsonl, of texts; domains are their languages */
    const char *neurons; /* neurons.json, or NULL: nothing is switched off */
    const char *setting; /* as for mmn_mask_from_file; NULL: "all" */
    uint64_t window;     /* as in mmn_count_options */
    int begin_of_text;   /* likewise */
    uint64_t samples;    /* per domain, the first N windows; 0: all */
    uint32_t seeds;      /* random choices of neurons beside each domain's own, at most 31 */
    uint64_t first_seed;
    uint32_t batch;         /* in how many ways a window is read side by side; 0: as many as half
                       of the memory left takes, up to 64. Every number gives the same bits */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors
                             else */
    int other_model;        /* take neurons of another model, as results then say; else MMN_INPUT */
    mmn_progress_function progress;
    void *progress_context;
    mmn_rows_options rows;
} mmn_perplexity_options;

/* Reads the windows of a list's texts, cut as mmn_count does, with nothing switched off, with each
 * domain's neurons off in the texts of every domain, and with random ones in its own: the mean
 * negative log likelihood, in nats, of all tokens but the first of each window, each predicted from
 * those before it in the window, and its exp (doc/method.md). The same bits on every machine. */
MMN_API mmn_status mmn_perplexity_measure(mmn_result **result, const mmn_model *model,
                                          const mmn_perplexity_options *options, mmn_error *error);

/* ---- Other studies --------------------------------------------------------------------------- */

/* What studies that need nothing particular are asked. */
typedef struct mmn_study_options {
    size_t size;          /* sizeof(mmn_study_options) */
    const char *list;     /* DATA.jsonl, of questions or of texts */
    const char *neurons;  /* neurons.json; NULL where the study does not need them: nothing is
                             switched off then */
    const char *settings; /* as for mmn_mask_from_file, separated by commas; NULL: those of
                             doc/method.md whose modules were ranked */
    uint64_t samples;     /* per domain, the first N of the list, or windows of its texts; 0: all */
    uint64_t window;      /* of texts, as in mmn_count_options */
    int begin_of_text;    /* likewise */
    uint32_t seeds;       /* random choices of neurons beside each domain's own, at most 31 */
    uint64_t first_seed;
    uint32_t batch;         /* in how many ways a sample is run side by side; 0: as many as half
                       of the memory left takes, up to 64. Every number gives the same bits */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors
                             else */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    int other_model;        /* take neurons of another model, as results then say; else MMN_INPUT */
    mmn_progress_function progress;
    void *progress_context;
    mmn_rows_options rows;
} mmn_study_options;

/* The name of study number `number`, from 0, and what it does (`summary` may be NULL); NULL: there
 * are no more. */
MMN_API const char *mmn_study_name(size_t number, const char **summary);
/* Whether there is a study of this name that cannot do without neurons. */
MMN_API int mmn_study_needs_neurons(const char *study);
/* Runs every sample of a list with nothing switched off, with its domain's neurons and with random
 * ones, and measures what the study of this name does (doc/method.md). MMN_USAGE when there is
 * none. */
MMN_API mmn_status mmn_study_run(mmn_result **result, const mmn_model *model, const char *study,
                                 const mmn_study_options *options, mmn_error *error);

/* ---- How far switching off moves the hidden states ------------------------------------------- */

typedef struct mmn_perturb_options {
    size_t size;            /* sizeof(mmn_perturb_options) */
    const char *list;       /* DATA.jsonl */
    const char *neurons;    /* neurons.json */
    const char *settings;   /* as for mmn_mask_from_file, separated by commas; NULL: those of
                               doc/method.md whose modules were ranked */
    uint64_t samples;       /* per domain, the first N of the list; 0: all */
    uint32_t seeds;         /* how many choices of random neurons; 0: 5 */
    uint64_t first_seed;    /* theirs is first_seed, first_seed + 1, ... */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors
                             else */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    int other_model;        /* take neurons of another model, as results then say; else MMN_INPUT */
    mmn_progress_function progress;
    void *progress_context;
    mmn_rows_options rows;
} mmn_perturb_options;

/* Runs every sample's prompt with all neurons on, with the neurons of its domain off, and with as
 * many random ones of each layer off, in each setting, and compares the hidden states h' with h at
 * each layer's output and after the final norm: means over positions of |h' - h| / |h| and of
 * 1 - cos(h, h') (doc/method.md). The same bits on every machine. MMN_INPUT for a domain of the
 * list that the ranking has not. */
MMN_API mmn_status mmn_perturb(mmn_result **result, const mmn_model *model,
                               const mmn_perturb_options *options, mmn_error *error);

/* ---- The logit lens -------------------------------------------------------------------------- */

typedef struct mmn_lens_options {
    size_t size;           /* sizeof(mmn_lens_options) */
    const char *list;      /* DATA.jsonl */
    const char *stages;    /* what is read of each language layer, separated by commas: "out", its
                              output; "attn.out", its attention's output; "mid", the state between
                              attention and MLP; "mlp.out", its MLP's output; NULL: "out" */
    uint64_t samples;      /* per domain, the first N of the list; 0: all */
    uint64_t top;          /* how many words are kept; 0: 5 */
    uint64_t examples;     /* per domain, how many samples are kept with chosen positions in full */
    const char *positions; /* which: "last", "all", numbers from 0, "image:K", "text:K" (K of them,
                              evenly spread), separated by commas; NULL: "last" */
    const char *neuron; /* "MODULE:LAYER:NEURON": of these samples, its activation at the patches of
                           the first picture; NULL: none */
    const char *neurons;     /* neurons.json whose neurons are off; NULL: none are */
    const char *off_domain;  /* those of this domain; NULL: of each sample's own */
    const char *off_setting; /* as for mmn_mask_from_file; NULL: "all" */
    int allow_unknown_keys;  /* pass over keys of the list that no sample has, which are errors
                              else */
    int allow_long_prompts;  /* run prompts of more positions than the model was made for */
    int other_model; /* take neurons of another model, as results then say; else MMN_INPUT */
    mmn_progress_function progress;
    void *progress_context;
    mmn_rows_options rows;
    uint64_t nearest; /* of the image positions among those of examples, how many words are kept
                         whose input embeddings have the largest cosines with the picture's token
                         before the first layer; 0: none */
} mmn_lens_options;

/* Reads the states of every language layer at every position of each sample's prompt as the model's
 * end reads its last: softmax(lm_head(norm(h))), its entropy in nats and its most probable words,
 * averaged for each domain over image and over text positions (doc/method.md). The same bits on
 * every machine. Memory does not grow with positions x vocabulary. */
MMN_API mmn_status mmn_lens_run(mmn_result **result, const mmn_model *model,
                                const mmn_lens_options *options, mmn_error *error);

/* ---- Multi-modal neurons --------------------------------------------------------------------- */

typedef struct mmn_contribution_options {
    size_t size;        /* sizeof(mmn_contribution_options) */
    const char *prompt; /* raw text, as mmn_input_from_prompt takes it; NULL: the question's */
    const char *question, *template_name; /* as mmn_input_from_question takes them */
    const char *const *images;
    size_t image_count;
    uint64_t tokens;  /* of the answer, at most; 0: 32, at most 4096 */
    const char *word; /* only this word of the answer, case ignored; NULL: all content words */
    int all_words;    /* function words ("the", "of") too */
    int product;      /* multiply activations by what their MLP multiplies them by, up_proj(x); 0:
                         act_fn(gate_proj(x)) alone, as published */
    uint64_t top;     /* neurons of each word; 0: 10 */
    uint64_t names;   /* words that each of them stands for; 0: 5 */
    uint32_t seeds;   /* random choices that the disturbance is compared with; 0: none is tried */
    uint64_t first_seed;
    double noise;           /* standard deviation of the noise; 0: 0.5 */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    mmn_progress_function progress;
    void *progress_context;
    const char *list;    /* DATA.jsonl: its samples' prompts and questions, each by itself, instead
                            of one, with `words` of samples as formats.md says; NULL: the one */
    uint64_t samples;    /* per domain, the first N of the list; 0: all */
    uint32_t shuffles;   /* how many times each sample is answered again with its image's positions
                            permuted, by first_seed and the seeds that follow */
    uint64_t at_least;   /* in how many samples a word must be said for its neurons to be compared
                            between these; 0: 5 */
    double weight_noise; /* standard deviation of noise in the weights that leave neurons, as
                            published; 0: none is tried */
    int enlarged;        /* the bar of a map is the percentile of the map enlarged to the picture,
                            as published; 0: that of the map */
    int allow_unknown_keys; /* of the list: pass over keys that no sample has, which are errors
                               else */
    mmn_rows_options rows;  /* of a list */
    int gradient; /* take the neurons to which gradients attribute most of a word, instead of those
                     that contribute most; the input must have an image then */
} mmn_contribution_options;

/* Lets the model answer, greedily, and finds for each word of the answer the neurons of the
 * language model that add most to it: activation where the word's first token is emitted, times the
 * neuron's output column times the token's row of the head (Pan et al., arXiv 2311.07470;
 * doc/method.md). For each of them the words it stands for and its activation at the patches of the
 * first picture; with seeds, what becomes of the word when they are disturbed, and when random ones
 * are. The same bits on every machine. MMN_USAGE when the answer has no such word. Memory grows
 * with the words of the answer, not with layers x neurons x vocabulary.
 *
 * Of a list, the same for each sample (but for maps), whose answer may have no word; and over all
 * of them: whether a word's neurons are those of other words, too, those of the word in other
 * samples, and those that are found with the image's positions permuted, beside neurons chosen by
 * their activation alone.
 *
 * By gradients, a neuron has its activations at the image's positions times the derivatives of the
 * logit of the word's token by them, summed (one reverse pass for each word). */
MMN_API mmn_status mmn_contributions_run(mmn_result **result, const mmn_model *model,
                                         const mmn_contribution_options *options, mmn_error *error);
/* Writes the names of the neurons that such a result of a list has, a line of JSON for each neuron
 * of each word (doc/formats.md), for programs that compare the word with the names. The result may
 * have been read from its file. MMN_USAGE for another one. */
MMN_API mmn_status mmn_contribution_names_write(const mmn_result *result, const char *file,
                                                mmn_error *error);

/* ---- Editing --------------------------------------------------------------------------------- */

typedef struct mmn_edit_options {
    size_t size;        /* sizeof(mmn_edit_options) */
    const char *prompt; /* raw text, as mmn_input_from_prompt takes it; NULL: the question's */
    const char *question, *template_name; /* as mmn_input_from_question takes them */
    const char *const *images;
    size_t image_count;
    uint64_t tokens;    /* of the answer, at most; 0: 32, at most 4096 */
    const char *from;   /* a word of the answer, case ignored */
    const char *to;     /* what shall be said in its place */
    const char *method; /* "direct", without gradients, or "optimised"; NULL: "direct" */
    uint64_t top;       /* neurons; 0: 10 */
    double probability; /* that the other word shall have, below 1; 0: 0.9 */
    int random;         /* as many random neurons of all layers instead, by the seed */
    uint64_t seed;
    double learning_rate;   /* of the optimised way, Adam's; 0: 0.005 */
    uint32_t steps;         /* of it, at most; 0: 50 */
    const char *output;     /* the file of the delta; NULL: none is written */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    mmn_progress_function progress;
    void *progress_context;
} mmn_edit_options;

/* Finds additions to the weights that leave neurons by which the model says another word where its
 * answer, which is greedy, has `from`: the neurons that contribute most to that word
 * (mmn_contributions_run, activations as published), pushed along the difference of the words' rows
 * of the head as strongly as it takes, or as Adam finds it (doc/method.md). Only the first tokens
 * of both words count. Writes them as a delta, which mmn_model_options.deltas takes, of the model
 * without those that it was opened with. MMN_USAGE when the answer has no such word; MMN_INPUT when
 * no strength will do. */
MMN_API mmn_status mmn_edit(mmn_result **result, const mmn_model *model,
                            const mmn_edit_options *options, mmn_error *error);

typedef struct mmn_edits_options {
    size_t size;               /* sizeof(mmn_edits_options) */
    const char *list;          /* DATA.jsonl, each line of which has an edit (formats.md) */
    const char *template_name; /* as mmn_input_from_question takes it */
    uint64_t samples;          /* per domain, the first N of the list; 0: all */
    uint64_t tokens;           /* of an answer, at most; 0: 32, at most 4096 */
    const char *method;        /* "direct" or "optimised"; NULL: both */
    uint64_t top;              /* neurons; 0: 10 */
    double probability;        /* as in mmn_edit_options, like the next two */
    double learning_rate;
    uint32_t steps;
    uint32_t seeds; /* choices of as many random neurons, for comparison; 100 at most */
    uint64_t first_seed;
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors
                               else */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    mmn_progress_function progress;
    void *progress_context;
    mmn_rows_options rows;
} mmn_edits_options;

/* Makes the edit of each line of a list whose answer has the word, as mmn_edit does, with the
 * neurons that contribute most to it and with random ones; of the optimised way also with all
 * neurons of the middle layer, number layers / 2, which nothing chooses. Measures of each whether
 * the answer has the other word then, whether those to the line's other pictures have it, and what
 * becomes of the answers to everything else that the line names (doc/method.md); no file is
 * written. The same bits on every machine. MMN_INPUT for a line without an edit. */
MMN_API mmn_status mmn_edits_run(mmn_result **result, const mmn_model *model,
                                 const mmn_edits_options *options, mmn_error *error);

#ifdef __cplusplus
}
#endif

#endif
