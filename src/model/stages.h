/* Stages: the tensors of the forward pass that have a name, in the order in which it makes them. */
#ifndef MMN_MODEL_STAGES_H
#define MMN_MODEL_STAGES_H

#include <stddef.h>
#include <stdint.h>

#include "mmneuron.h"

typedef struct mmn_stage_kind {
    const char *pattern; /* "vision.layers.{i}.mlp.act" */
    const char *module;  /* the module whose neurons its last axis counts, or NULL */
    mmn_element element;
    size_t dimensions;
    const char *axes[4]; /* what each dimension counts: "tile", "token", "neuron", ... */
} mmn_stage_kind;

/* All kinds of stages, those of one layer in the order of the layer. */
size_t mmn_stage_kind_count(void);
const mmn_stage_kind *mmn_stage_kind_get(size_t index);

/* The kind of the stage called `name`, or NULL if no stage has this name. *layer is the number at
 * {i}, or -1; `layer` may be NULL. */
const mmn_stage_kind *mmn_stage_kind_find(const char *name, int *layer);

/* A number that grows in the order of the forward pass: "vision.layers.1.out" comes before
 * "vision.layers.2.mlp.act". UINT64_MAX for a name that is not a stage's. */
uint64_t mmn_stage_order(const char *name);

/* The first of `patterns`, as mmn_glob_match takes them, that no stage of any model can match, and
 * its length; NULL if each matches one. Empty patterns count only where there is no other. */
const char *mmn_stage_pattern_unknown(const char *patterns, size_t *length);

/* Whether a dump has the stage called `name` only where its patterns say more than "*": the two
 * that fused backends show between stages that they do not. */
int mmn_stage_is_by_name(const char *name);

/* Compares names, as strcmp does, by the order of the forward pass; those that no stage has come
 * last, bytewise. */
int mmn_stage_compare(const char *a, const char *b);

#endif
