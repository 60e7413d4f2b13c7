/* mmneuron/session.h: sessions: forward passes through a model, probes that see their stages, and
 * generation.
 *
 * Ownership. A session is its caller's. Its model, and the masks that were added to it, must
 * outlive it. It keeps what it needs of an input, and copies probes.
 *
 * Threads. A session is for one thread at a time; several threads may have one each. Probes are
 * called by the thread that called the library, and must not call functions of their session. */
#ifndef MMNEURON_SESSION_H
#define MMNEURON_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "mmneuron/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmn_session mmn_session;

typedef enum mmn_element { MMN_ELEMENT_F32, MMN_ELEMENT_I32 } mmn_element;

/* One tensor of the forward pass, as a probe sees it. The table of stages in doc/formats.md gives
 * names and shapes. */
typedef struct mmn_stage {
    const char *name;   /* "language.layers.3.mlp.act" */
    const char *module; /* the module whose neurons it shows, or NULL */
    int layer;          /* the {i} of the name, or -1 */
    mmn_element element;
    size_t dimensions, shape[4];
    void *data;            /* contiguous, row-major; f32 or i32 */
    size_t first_position; /* language stages: the sequence position of row 0 */
    int generating;        /* 0 in the prefill, 1 while tokens are generated */
    const mmn_input *input;
} mmn_stage;

typedef mmn_status (*mmn_see_function)(void *context, const mmn_stage *stage, mmn_error *error);

typedef struct mmn_probe {
    const char *stages;   /* glob patterns, separated by commas: "language.layers.*.mlp.act" */
    int writes;           /* whether `see` may change the data */
    mmn_see_function see; /* a status other than MMN_OK ends the forward pass with it */
    void *context;
    int only_new; /* whether it does without stages, or positions of them, that a prefill takes over
                     from an earlier one of the session instead of computing them again */
} mmn_probe;

typedef struct mmn_session_options {
    size_t size;     /* sizeof(mmn_session_options) */
    int prompt_only; /* nothing will be generated: keys and values of past layers are not kept */
    size_t max_new_tokens; /* how many tokens will follow a prompt at most, if that is known (0: it
                              is not): the prefill makes room for them, which else the first one
                              would, copying the prompt's keys and values. There may be more. */
} mmn_session_options;

/* `options` may be NULL. The model must outlive the session. */
MMN_API mmn_status mmn_session_create(mmn_session **session, const mmn_model *model,
                                      const mmn_session_options *options, mmn_error *error);
MMN_API void mmn_session_free(mmn_session *session);
/* The probe is copied; its `stages` text too. Probes see a stage in the order they were added.
 * MMN_USAGE where one of its patterns can match no stage of any model. */
MMN_API mmn_status mmn_session_add_probe(mmn_session *session, const mmn_probe *probe,
                                         mmn_error *error);
/* Keeps copies of the stages that match the patterns (as a probe's: "language.layers.*.out") of
 * each prefill from now on, until the next one; "*" is all but the two between stages, mlp.up and
 * mlp.product, which a pattern has to name. Keeping is a probe, added last, that does without
 * nothing. MMN_USAGE the second time. */
MMN_API mmn_status mmn_session_keep(mmn_session *session, const char *stages, mmn_error *error);
/* The kept stage of this name ("language.logits"), or the `index`-th in the order of the forward
 * pass; NULL if the last prefill has made none. It and its data are the session's, until its next
 * prefill. */
MMN_API const mmn_stage *mmn_session_stage(const mmn_session *session, const char *name);
MMN_API const mmn_stage *mmn_session_stage_at(const mmn_session *session, size_t index);
/* Runs the input through the model, as from an empty cache. What the session still has of earlier
 * prefills and generated tokens is not computed again, and every bit is as if it were: the features
 * of the same images (same pixel_values and sizes; only the vision tower's, where a Q-Former reads
 * them with another instruction), where no probe wants stages that make them; and keys and values
 * of the longest beginning of the sequence that is the same, where no probe wants language stages.
 * Probes that are only_new do not count, and see language stages from first_position on. The last
 * position always runs. Where a probe writes, keys and values are not taken over, and features are
 * unless it writes to stages that make them. A session that is prompt_only takes over features
 * alone. */
MMN_API mmn_status mmn_session_prefill(mmn_session *session, const mmn_input *input,
                                       mmn_error *error);
/* What the last prefill took over: how many language positions, and whether the images'
 * features. */
MMN_API size_t mmn_session_positions_reused(const mmn_session *session);
MMN_API int mmn_session_images_reused(const mmn_session *session);
/* Runs several inputs through the model together, in a session that is prompt_only: faster than one
 * by one where they are short or have the same images or beginnings, which are computed once. Every
 * bit is the same. Probes are shown each stage for each input, with that input; what inputs share
 * is shown once for each of them, and a language stage of an input that shares positions with
 * another comes in two pieces, by first_position. With a probe that writes they run one by one.
 * MMN_USAGE for a session that keeps stages. */
MMN_API mmn_status mmn_session_prefill_many(mmn_session *session, const mmn_input *const *inputs,
                                            size_t count, mmn_error *error);
/* ---- Gradients ------------------------------------------------------------------------------- */

/* A number that the last layer decides, whose derivatives by activations are wanted. */
typedef enum mmn_objective_kind {
    MMN_OBJECTIVE_LOG_PROBABILITY, /* ln of the token's probability */
    MMN_OBJECTIVE_LOGIT
} mmn_objective_kind;

/* The position whose next token it is, where no other is meant. */
#define MMN_LAST_POSITION SIZE_MAX

typedef struct mmn_objective {
    size_t size; /* sizeof(mmn_objective) */
    mmn_objective_kind kind;
    int32_t token;
    size_t position; /* whose logits count, from 0; or MMN_LAST_POSITION */
} mmn_objective;

/* Prefills the input, all positions of it, and goes the way back: *value is the objective, and
 * probes see behind the stages of the prefill those that begin with "grad.", the derivatives of the
 * objective by the stages of that name, from the last layer to the first. A probe that writes to
 * one changes what comes of it. What a probe wrote to mlp.out, out or embeddings of the forward
 * pass counts as a constant; MMN_USAGE where one writes to another stage of the language model.
 * Needs the inputs of all layers, which are positions x hidden_size x layers numbers. */
MMN_API mmn_status mmn_session_gradient(mmn_session *session, const mmn_input *input,
                                        const mmn_objective *objective, double *value,
                                        mmn_error *error);

/* ---- Generation ------------------------------------------------------------------------------ */

/* How the next token is chosen. */
typedef struct mmn_sampling {
    double temperature; /* 0: always the likeliest */
    double top_p;       /* choose among the likeliest tokens that together have it; 0 is 1 */
    uint64_t top_k;     /* and before that among the K likeliest; 0: all */
    uint64_t seed;
    const char *sample; /* names what is answered: its random numbers depend on seed, name and the
                           token's number alone; NULL: "" */
    double repetition_penalty; /* of the tokens of prompt and answer: their logits are divided by it
                                  where positive, else multiplied; 1 changes nothing; 0: the
                                  folder's (mmn_generation_info) */
} mmn_sampling;

/* Applies to what is generated from now on; NULL: greedy, as at first. Choices depend neither on
 * threads nor on what else the session has generated. */
MMN_API mmn_status mmn_session_set_sampling(mmn_session *session, const mmn_sampling *sampling,
                                            mmn_error *error);
/* Applies to what is generated from now on; NULL: as the folder says, as at first. The answer is
 * the one with the highest score; repetition_penalty multiplies log probabilities, and sampling
 * must be greedy. After it the session must prefill anew. Probes see the rows of all beams, one
 * after the other. */
MMN_API mmn_status mmn_session_set_beam_search(mmn_session *session, const mmn_beam_search *search,
                                               mmn_error *error);
/* An answer ends with the token that completes one of `strings` [count] in the text of prompt and
 * answer, each token's text being what it is behind another; the strings are copied. Applies to
 * what is generated from now on; a count of 0: those of the folder, as at first. MMN_USAGE for an
 * empty string or more than 64. */
MMN_API mmn_status mmn_session_set_stop_strings(mmn_session *session, const char *const *strings,
                                                size_t count, mmn_error *error);
/* Appends up to `limit` tokens after a prefill, the likeliest each time or as set, under the
 * folder's rules (mmn_generation_info); stops after a stop token, or the token that completes a
 * stop string, which is stored too. *count says how many were stored in ids. MMN_INPUT where the
 * folder asks for decoding that is not supported. */
MMN_API mmn_status mmn_session_generate(mmn_session *session, size_t limit, int32_t *ids,
                                        size_t *count, mmn_error *error);

#ifdef __cplusplus
}
#endif

#endif
