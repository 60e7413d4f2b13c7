/* A model's weights: the checkpoint's tensors bound by name to the places where they are used. */
#ifndef MMN_MODEL_WEIGHTS_H
#define MMN_MODEL_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/interrupt.h"
#include "base/digest.h"
#include "base/error.h"
#include "format/safetensors.h"
#include "kernels.h"
#include "model/config.h"

/* A matrix as the file has it: little-endian, row-major without gaps, at any alignment, mapped.
 * data is NULL where the model has none. */
typedef struct mmn_matrix {
    const void *data;
    mmn_weight_type type;
    size_t rows, columns;
} mmn_matrix;

/* weight [outputs, inputs]; bias [outputs] widened to f32, or NULL. */
typedef struct mmn_linear {
    mmn_matrix weight;
    const float *bias;
} mmn_linear;

/* Scale and shift of a normalisation, widened to f32; RMSNorm has no shift (NULL). */
typedef struct mmn_norm {
    const float *weight, *bias;
} mmn_norm;

typedef struct mmn_vision_layer_weights {
    mmn_norm attention_norm; /* layer_norm1 */
    mmn_linear query, key, value, output;
    mmn_norm mlp_norm; /* layer_norm2 */
    mmn_linear fc1, fc2;
} mmn_vision_layer_weights;

typedef struct mmn_vision_weights {
    mmn_linear patch_embedding;       /* [hidden, 3 * patch * patch]: channel, row, column */
    const float *class_embedding;     /* [hidden]; NULL without a class token */
    mmn_matrix position_embedding;    /* [positions, hidden]; row 0 is the class token's, if any */
    mmn_norm pre_norm;                /* as the configuration has it; spelt pre_layrnorm in files */
    mmn_norm post_norm;               /* as the configuration has it */
    mmn_vision_layer_weights *layers; /* [vision.layers] */
} mmn_vision_weights;

/* BERT's parts, each followed by a normalisation of its sum with what it read. */
typedef struct mmn_bert_attention_weights {
    mmn_linear query, key, value, output;
    mmn_norm norm;
} mmn_bert_attention_weights;

typedef struct mmn_bert_mlp_weights {
    mmn_linear intermediate, output;
    mmn_norm norm;
} mmn_bert_mlp_weights;

typedef struct mmn_qformer_layer_weights {
    mmn_bert_attention_weights attention;
    mmn_bert_attention_weights cross_attention; /* only in layers that read the image */
    mmn_bert_mlp_weights query_mlp, text_mlp;   /* intermediate_query, intermediate */
} mmn_qformer_layer_weights;

typedef struct mmn_qformer_weights {
    const float *queries;          /* [queries, hidden] */
    mmn_matrix word_embedding;     /* [vocab, hidden] */
    mmn_matrix position_embedding; /* [positions, hidden] */
    mmn_norm embedding_norm;
    mmn_qformer_layer_weights *layers; /* [qformer.layers] */
    mmn_linear projection;             /* [language.hidden_size, hidden] */
} mmn_qformer_weights;

typedef struct mmn_judge_layer_weights {
    mmn_bert_attention_weights attention;
    mmn_bert_mlp_weights mlp;
} mmn_judge_layer_weights;

typedef struct mmn_judge_weights {
    mmn_matrix word_embedding; /* [vocab, hidden] */
    mmn_norm embedding_norm;
    mmn_matrix distance_embedding; /* [2 * span, hidden] */
    mmn_norm distance_norm;
    mmn_judge_layer_weights *layers; /* [judge.layers] */
    mmn_linear pooler, classifier;
} mmn_judge_weights;

typedef struct mmn_detector_weights {
    mmn_linear query;           /* text_projection, [query_size, language.hidden_size] */
    mmn_norm norm;              /* of patches times the class token */
    mmn_linear box[3];          /* the last one's outputs: a box's centre, width and height */
    mmn_linear class_embedding; /* [query_size, vision.hidden_size] */
    mmn_linear shift, scale;    /* of a patch's scores, [1, vision.hidden_size] */
} mmn_detector_weights;

typedef struct mmn_projector_weights {
    mmn_linear linear_1, linear_2;
} mmn_projector_weights;

typedef struct mmn_language_layer_weights {
    mmn_norm attention_norm; /* input_layernorm */
    /* `fused` [heads][query, key, value][head_dim] rows stands for the first three where the
     * configuration says so. */
    mmn_linear query, key, value, fused, output;
    mmn_norm mlp_norm;         /* post_attention_layernorm; none where the MLP is parallel */
    mmn_linear gate, up, down; /* no `up` where the configuration has no gate */
} mmn_language_layer_weights;

typedef struct mmn_language_weights {
    mmn_matrix embedding;               /* [vocab, hidden] */
    mmn_matrix position_embedding;      /* as the configuration has it */
    mmn_norm embedding_norm;            /* as the configuration has it */
    mmn_language_layer_weights *layers; /* [language.layers] */
    mmn_norm norm;
    mmn_matrix head;         /* [vocab, hidden]; the embedding where they are tied */
    const float *head_bias;  /* [vocab]; NULL where the configuration has none */
    bool head_overrules_tie; /* a head is stored that differs, although the file says tied */
} mmn_language_weights;

/* A tensor of the checkpoint under its normalised name, which is the same for every layout:
 * "vision_tower.encoder.layers.0.mlp.fc1.weight", "multi_modal_projector.linear_1.bias",
 * "language_model.layers.0.mlp.up_proj.weight", "lm_head.weight", "image_newline". */
typedef struct mmn_named_tensor {
    const char *name;
    const mmn_tensor *tensor;
} mmn_named_tensor;

typedef struct mmn_weights {
    mmn_vision_weights vision;
    mmn_qformer_weights qformer;
    mmn_projector_weights projector;
    mmn_language_weights language;
    mmn_judge_weights judge;
    mmn_detector_weights detector;
    const float *image_newline; /* [language.hidden_size]; LLaVA-NeXT only, else NULL */

    /* All tensors that belong to the model, in the order of their normalised names (bytewise). */
    mmn_named_tensor *tensors;
    size_t tensor_count;
    uint64_t parameters, bytes; /* elements and bytes of them all */
    size_t file_count;
    char types[32]; /* "bf16", "bf16, f32": the types of the matrices and vectors */

    mmn_safetensors *mapped; /* the files, in which the matrices lie */
    char *names;             /* the tensors' */
    float *vectors;          /* all vectors, widened */
    uint8_t *made;           /* the bytes of the tensors, where these are random... */
    uint64_t seed;           /* ...drawn with this seed */
} mmn_weights;

/* Opens the checkpoint in `folder` and binds it to `config`: every tensor that the architecture
 * needs must be there with its shape, in bf16, f16 or f32, and no other. Accepted are the names of
 * published llava-hf checkpoints, those that transformers 4.52 and later and 5 write, and those of
 * the original LLaVA code, whose vision tower, unless its tensors are there too, is in the folder
 * config->tower inside. MMN_INPUT names the tensor, its file, and what was expected. */
mmn_status mmn_weights_open(mmn_weights **weights, const char *folder, const mmn_config *config,
                            mmn_error *error);
/* The same for tensors that are open already. Takes `tensors` over, also on failure; `file` names
 * the checkpoint in messages about tensors that are not there. */
mmn_status mmn_weights_bind(mmn_weights **weights, mmn_safetensors *tensors, const char *file,
                            const mmn_config *config, mmn_error *error);
struct mmn_wanted;
/* Adds what a checkpoint of this architecture must hold: names and shapes. */
mmn_status mmn_weights_list(struct mmn_wanted *wanted, const mmn_config *config, mmn_error *error);
/* NULL is allowed. */
void mmn_weights_close(mmn_weights *weights);

/* Whether the checkpoint's files are still those that were opened. */
mmn_status mmn_weights_unchanged(const mmn_weights *weights, mmn_error *error);

/* XXH3-128 over the architecture's numbers and all tensors, reading the whole checkpoint. The same
 * model gives the same digest whatever the layout of names and shards. */
mmn_status mmn_weights_digest(const mmn_weights *weights, const mmn_config *config,
                              const mmn_interrupt *interrupt, char digest[MMN_DIGEST_SIZE],
                              mmn_error *error);

#endif
