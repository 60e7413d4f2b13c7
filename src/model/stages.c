/* Stages: the tensors of the forward pass that have a name, in the order in which it makes them. */
#include "model/stages.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"

#define F32 MMN_ELEMENT_F32
#define I32 MMN_ELEMENT_I32

typedef struct entry {
    unsigned group; /* layers of one group follow each other: 0's stages, 1's stages, ... */
    mmn_stage_kind kind;
} entry;

static const entry entries[] = {
    {0, {"input_ids", NULL, I32, 1, {"token"}}},
    {1, {"qformer_input_ids", NULL, I32, 1, {"token"}}},
    {2, {"pixel_values", NULL, F32, 4, {"tile", "channel", "row", "column"}}},
    {3, {"image_sizes", NULL, I32, 2, {"image", "side"}}},
    {4, {"vision.embeddings", NULL, F32, 3, {"tile", "token", "element"}}},
    {5, {"vision.layers.{i}.mlp.act", "vision", F32, 3, {"tile", "token", "neuron"}}},
    {5, {"vision.layers.{i}.out", NULL, F32, 3, {"tile", "token", "element"}}},
    {6, {"vision.out", NULL, F32, 3, {"tile", "token", "element"}}},
    {7, {"query.layers.{i}.mlp.act", "query", F32, 2, {"query", "neuron"}}},
    {7, {"qformer.layers.{i}.mlp.act", "qformer", F32, 2, {"token", "neuron"}}},
    {7, {"qformer.layers.{i}.out", NULL, F32, 2, {"token", "element"}}},
    {8, {"qformer.out", NULL, F32, 2, {"query", "element"}}},
    {9, {"projector.act", "projector", F32, 2, {"token", "neuron"}}},
    {10, {"projector.out", NULL, F32, 2, {"token", "element"}}},
    {11, {"projector.merged", NULL, F32, 2, {"token", "element"}}},
    {12, {"language.embeddings", NULL, F32, 2, {"token", "element"}}},
    {13, {"language.layers.{i}.attn.out", NULL, F32, 2, {"token", "element"}}},
    {13, {"language.layers.{i}.mlp.gate", NULL, F32, 2, {"token", "neuron"}}},
    {13, {"language.layers.{i}.mlp.act", "language", F32, 2, {"token", "neuron"}}},
    {13, {"language.layers.{i}.mlp.up", NULL, F32, 2, {"token", "neuron"}}},
    {13, {"language.layers.{i}.mlp.product", NULL, F32, 2, {"token", "neuron"}}},
    {13, {"language.layers.{i}.mlp.out", NULL, F32, 2, {"token", "element"}}},
    {13, {"language.layers.{i}.out", NULL, F32, 2, {"token", "element"}}},
    {14, {"language.norm", NULL, F32, 2, {"token", "element"}}},
    {15, {"language.logits", NULL, F32, 2, {"token", "word"}}},
    {16, {"generated_ids", NULL, I32, 1, {"token"}}},
    /* Gradients, in the order of the reverse pass. */
    {17, {"grad.language.norm", NULL, F32, 2, {"token", "element"}}},
    {18, {"grad.language.layers.{i}.out", NULL, F32, 2, {"token", "element"}}},
    {18, {"grad.language.layers.{i}.mlp.product", NULL, F32, 2, {"token", "neuron"}}},
    {18, {"grad.language.layers.{i}.mlp.up", NULL, F32, 2, {"token", "neuron"}}},
    {18, {"grad.language.layers.{i}.mlp.act", NULL, F32, 2, {"token", "neuron"}}},
    {18, {"grad.language.layers.{i}.mlp.gate", NULL, F32, 2, {"token", "neuron"}}},
    {18, {"grad.language.layers.{i}.attn.out", NULL, F32, 2, {"token", "element"}}},
    {19, {"grad.language.embeddings", NULL, F32, 2, {"token", "element"}}},
    {20, {"grad.projector.merged", NULL, F32, 2, {"token", "element"}}},
    {21, {"grad.projector.out", NULL, F32, 2, {"token", "element"}}},
    {22, {"grad.projector.act", NULL, F32, 2, {"token", "neuron"}}},
    {23, {"grad.qformer.out", NULL, F32, 2, {"query", "element"}}},
    {24, {"grad.qformer.layers.{i}.out", NULL, F32, 2, {"token", "element"}}},
    {24, {"grad.query.layers.{i}.mlp.act", NULL, F32, 2, {"query", "neuron"}}},
    {24, {"grad.qformer.layers.{i}.mlp.act", NULL, F32, 2, {"token", "neuron"}}},
    {25, {"grad.vision.out", NULL, F32, 3, {"tile", "token", "element"}}},
    {26, {"grad.vision.layers.{i}.out", NULL, F32, 3, {"tile", "token", "element"}}},
    {26, {"grad.vision.layers.{i}.mlp.act", NULL, F32, 3, {"tile", "token", "neuron"}}},
    {27, {"grad.vision.embeddings", NULL, F32, 3, {"tile", "token", "element"}}},
    {28, {"grad.pixel_values", NULL, F32, 4, {"tile", "channel", "row", "column"}}},
    {29, {"judge.embeddings", NULL, F32, 2, {"token", "element"}}},
    {30, {"judge.layers.{i}.attn.out", NULL, F32, 2, {"token", "element"}}},
    {30, {"judge.layers.{i}.mlp.act", NULL, F32, 2, {"token", "neuron"}}},
    {30, {"judge.layers.{i}.out", NULL, F32, 2, {"token", "element"}}},
    {31, {"judge.pooled", NULL, F32, 2, {"text", "element"}}},
    {32, {"judge.logits", NULL, F32, 2, {"text", "label"}}},
    {33, {"detector.features", NULL, F32, 2, {"patch", "element"}}},
    {34, {"detector.boxes", NULL, F32, 2, {"patch", "side"}}},
    {35, {"detector.classes", NULL, F32, 2, {"patch", "element"}}},
    {36, {"detector.query", NULL, F32, 2, {"query", "element"}}},
    {37, {"detector.logits", NULL, F32, 2, {"patch", "query"}}},
};

enum { KIND_COUNT = MMN_LENGTH(entries), LAYER_LIMIT = 100000 };

static const char hole[] = "{i}";
enum { HOLE_LENGTH = sizeof(hole) - 1 };

/* Whether `name` is `pattern` with a number for {i}, written as a program writes it: no sign, no
 * leading zero, below LAYER_LIMIT. */
static int match(const char *pattern, const char *name, int *layer)
{
    const char *before = strstr(pattern, hole);
    *layer = -1;
    if (!before)
        return strcmp(pattern, name) == 0;
    size_t prefix = (size_t)(before - pattern);
    if (strncmp(pattern, name, prefix) != 0)
        return 0;
    const char *digits = name + prefix;
    size_t length = strspn(digits, "0123456789");
    if (length == 0 || length > 5 || (length > 1 && digits[0] == '0'))
        return 0;
    int number = 0;
    for (size_t i = 0; i < length; i++)
        number = 10 * number + (digits[i] - '0');
    *layer = number;
    return strcmp(before + HOLE_LENGTH, digits + length) == 0;
}

size_t mmn_stage_kind_count(void)
{
    return KIND_COUNT;
}

const mmn_stage_kind *mmn_stage_kind_get(size_t index)
{
    return index < KIND_COUNT ? &entries[index].kind : NULL;
}

/* The index of the entry that `name` belongs to, or KIND_COUNT. */
static size_t find(const char *name, int *layer)
{
    size_t index = 0;
    while (index < KIND_COUNT && !match(entries[index].kind.pattern, name, layer))
        index++;
    return index;
}

const mmn_stage_kind *mmn_stage_kind_find(const char *name, int *layer)
{
    int number;
    size_t index = find(name, &number);
    if (layer)
        *layer = index < KIND_COUNT ? number : -1;
    return mmn_stage_kind_get(index);
}

static bool matches_layer(const char *pattern, unsigned long layer)
{
    char name[64];
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const char *kind = entries[i].kind.pattern, *before = strstr(kind, hole);
        if (before)
            snprintf(name, sizeof(name), "%.*s%lu%s", (int)(before - kind), kind, layer,
                     before + HOLE_LENGTH);
        if (mmn_glob_match(pattern, before ? name : kind))
            return true;
    }
    return false;
}

/* "language.layers.17.out" is tried with its own number, "language.layers.1?.out" with some. */
static bool matches_some(const char *pattern)
{
    const char *digits = pattern + strcspn(pattern, "0123456789");
    unsigned long layer = strtoul(digits, NULL, 10);
    if (!strpbrk(pattern, "*?"))
        return matches_layer(pattern, layer < LAYER_LIMIT ? layer : 0);
    for (layer = 0; layer < 1000; layer++)
        if (matches_layer(pattern, layer))
            return true;
    return false;
}

const char *mmn_stage_pattern_unknown(const char *patterns, size_t *length)
{
    char pattern[256];
    bool any = false;
    for (const char *at = patterns;; at += *length + 1) {
        *length = strcspn(at, ",");
        bool empty = strspn(at, " ") >= *length;
        snprintf(pattern, sizeof(pattern), "%.*s",
                 (int)(*length < sizeof(pattern) ? *length : sizeof(pattern) - 1), at);
        if (!empty && !matches_some(pattern))
            return at;
        any = any || !empty;
        if (at[*length] == '\0')
            return any ? NULL : patterns;
    }
}

int mmn_stage_is_by_name(const char *name)
{
    int layer;
    const char *forward = strncmp(name, "grad.", strlen("grad.")) == 0 ? name + strlen("grad.")
                                                                       : name;
    return match("language.layers.{i}.mlp.up", forward, &layer) ||
           match("language.layers.{i}.mlp.product", forward, &layer);
}

uint64_t mmn_stage_order(const char *name)
{
    int layer;
    size_t index = find(name, &layer);
    if (index == KIND_COUNT)
        return UINT64_MAX;
    bool reversed = strncmp(name, "grad.", strlen("grad.")) == 0;
    uint64_t passed = layer < 0 ? 0 : (uint64_t)(reversed ? LAYER_LIMIT - 1 - layer : layer);
    return ((uint64_t)entries[index].group * LAYER_LIMIT + passed) * KIND_COUNT + index;
}

int mmn_stage_compare(const char *a, const char *b)
{
    uint64_t order_a = mmn_stage_order(a), order_b = mmn_stage_order(b);
    if (order_a != order_b)
        return order_a < order_b ? -1 : 1;
    return strcmp(a, b);
}
