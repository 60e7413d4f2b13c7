/* A model's architecture: what config.json and generation_config.json say, defaults filled in. */
#ifndef MMN_MODEL_CONFIG_H
#define MMN_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "image/settings.h"

#define MMN_FEATURE_LAYERS 16 /* at most this many vision layers are read by the projector */
#define MMN_EOS_IDS 16        /* at most this many tokens end a generation */
#define MMN_NO_TOKEN (-1)

/* What is particular to a kind of model, of vision tower and of language model: model/family.h. */
typedef struct mmn_family mmn_family;
typedef struct mmn_vision_form mmn_vision_form;
typedef struct mmn_language_form mmn_language_form;

/* Activation functions, one kernel each. */
typedef enum mmn_activation {
    MMN_ACTIVATION_SILU,
    MMN_ACTIVATION_GELU,      /* the erf form */
    MMN_ACTIVATION_GELU_TANH, /* the tanh form */
    MMN_ACTIVATION_QUICK_GELU,
    MMN_ACTIVATION_RELU
} mmn_activation;

/* A vision tower. */
typedef struct mmn_vision_config {
    const mmn_vision_form *form; /* NULL: the model has none */
    uint32_t hidden_size, intermediate_size, layers, heads, head_dim;
    uint32_t image_size, patch_size;
    uint32_t channels;
    uint32_t grid;      /* whole patches along a side; pixels that are left over are not read */
    uint32_t patches;   /* grid * grid */
    uint32_t positions; /* the patches and, where there is one, the class token */
    float layer_norm_eps;
    mmn_activation activation;
    bool patch_bias;  /* of the patches' projection */
    bool qkv_bias;    /* of the projections to queries, keys and values */
    bool class_token; /* goes before the patches */
    bool pre_norm;    /* the embeddings are normalised before the first layer */
    /* The hidden states that the projector reads, concatenated: 0 is what enters the first layer,
     * i what layer i - 1 gives (the file's negative numbers are resolved). */
    uint32_t feature_layers[MMN_FEATURE_LAYERS];
    size_t feature_layer_count;
    bool keeps_class_token; /* vision_feature_select_strategy "full"; "default" drops it */
    bool post_norm;         /* what the last layer gives is normalised when it is read */
} mmn_vision_config;

/* How the frequencies of the rotary embedding follow from theta. */
typedef enum mmn_rope_type {
    MMN_ROPE_DEFAULT,
    MMN_ROPE_LINEAR,  /* divided by the factor */
    MMN_ROPE_LLAMA3,  /* slow ones divided by the factor, fast ones kept, a ramp between */
    MMN_ROPE_DYNAMIC, /* theta grows with the sequence, beyond max_position_embeddings */
    MMN_ROPE_YARN,    /* slow ones divided by the factor, fast ones kept, a ramp between */
    MMN_ROPE_LONGROPE /* each divided by a factor of its own, others beyond original_positions */
} mmn_rope_type;

#define MMN_ROPE_FACTORS 256 /* longrope has at most this many */

typedef struct mmn_rope_config {
    mmn_rope_type type;
    double theta, factor;
    double share;              /* of a head's dimensions rotates (partial_rotary_factor) */
    double original_positions; /* that the model was trained with before it was stretched */
    /* LLaMA-3: below and above how many turns in original_positions positions a frequency is slow
     * and fast. */
    double low_freq_factor, high_freq_factor;
    /* Yarn: the same, the other way round; whether the ramp begins and ends at whole
     * frequencies. */
    double beta_fast, beta_slow;
    bool truncate;
    /* Yarn and longrope: what cosines and sines are multiplied by; 0: what follows from the other
     * numbers (mmn_rotary_attention). */
    double attention_factor, mscale, mscale_all_dim;
    float short_factors[MMN_ROPE_FACTORS], long_factors[MMN_ROPE_FACTORS]; /* longrope */
} mmn_rope_config;

/* A language model. */
typedef struct mmn_language_config {
    const mmn_language_form *form;
    uint32_t hidden_size, intermediate_size, layers;
    uint32_t heads, kv_heads, head_dim; /* kv_heads divides heads */
    uint32_t rotary_dim; /* a head's first dimensions, which rotate, even; 0: positions enter in
                            another way */
    uint32_t vocab_size;
    uint32_t max_position_embeddings;
    uint32_t sliding_window;     /* positions a query sees, itself included; 0: all before it */
    uint32_t first_window_layer; /* layers before this one have no window */
    float norm_eps;
    bool layer_norm;             /* norms are LayerNorms with a shift, else RMSNorms */
    bool embedding_norm;         /* embeddings are normalised before the first layer */
    bool alibi;                  /* positions enter attention's scores (ALiBi) */
    bool learned_positions;      /* positions have embeddings, which are added to the tokens'... */
    uint32_t first_position_row; /* ...and stand in their matrix from this row on */
    mmn_rope_config rope;
    bool fused_qkv;                       /* one matrix for query, key and value, head by head */
    bool qkv_bias, output_bias, mlp_bias; /* of the linear layers */
    bool head_bias;
    bool gated;        /* down(act(gate(x)) * up(x)), else down(act(gate(x))) */
    bool parallel_mlp; /* the MLP reads what the attention reads: one norm for both */
    mmn_activation activation;
    bool tied_head; /* the embedding is the head too */
} mmn_language_config;

typedef struct mmn_projector_config {
    bool linear;               /* one layer; else two, and the activation between them */
    mmn_activation activation; /* read where there are two */
    bool bias;
    uint32_t input_size; /* vision.hidden_size * vision.feature_layer_count */
} mmn_projector_config;

/* A Q-Former: a BERT whose first rows are queries that read the image, and whose other rows are the
 * instruction. */
typedef struct mmn_qformer_config {
    uint32_t layers; /* 0: the model has none */
    uint32_t hidden_size, intermediate_size, heads, head_dim;
    uint32_t queries;                   /* what an image takes in the language model */
    uint32_t cross_attention_frequency; /* layers 0, this, twice this, ... read the image */
    uint32_t vocab_size, max_position_embeddings; /* the instruction's */
    float layer_norm_eps;
    mmn_activation activation;
} mmn_qformer_config;

/* A judge of answers: an encoder that knows positions by their distances (DeBERTa), and a
 * classifier. */
typedef struct mmn_judge_config {
    uint32_t layers; /* 0: the model is none */
    uint32_t hidden_size, intermediate_size, heads, head_dim;
    uint32_t vocab_size, max_position_embeddings;
    uint32_t span;     /* 2 * span distances have embeddings... */
    uint32_t buckets;  /* ...or, where this is not 0, as many buckets of them (position_buckets) */
    uint32_t farthest; /* max_relative_positions */
    uint32_t labels;   /* how many numbers the classifier gives */
    float layer_norm_eps;
    mmn_activation activation, pooler_activation;
} mmn_judge_config;

/* Tokens that have a meaning for generating. */
typedef struct mmn_generation_config {
    int32_t eos_ids[MMN_EOS_IDS]; /* tokens that end a generation */
    size_t eos_count;
    int32_t bos_id, pad_id; /* or MMN_NO_TOKEN */
} mmn_generation_config;

typedef struct mmn_config {
    const mmn_family *family;
    mmn_vision_config vision;
    mmn_qformer_config qformer;
    mmn_projector_config projector;
    /* Of a judge only its form, vocabulary and positions. */
    mmn_language_config language;
    mmn_judge_config judge;
    /* Of a detector (OWL-ViT): how many numbers a query is compared with a patch in; 0: the model
     * is none. */
    uint32_t query_size;
    /* What ends an answer, as transformers 5.23 decides: by generation_config.json alone where
     * there is one, else by config.json; InstructBLIP by its text_config and that class's
     * defaults. */
    mmn_generation_config generation;
    mmn_generation_config
        declared;           /* what config.json and the class say, whatever the other file */
    int32_t image_token_id; /* below language.vocab_size; MMN_NO_TOKEN: the model reads no images */
    bool image_first;   /* a prompt's only image stands before its first token, even the one that
                           begins texts, and `<image>` is not part of what is tokenised */
    bool image_between; /* the placeholder stands for no text: the texts before and behind an image
                           are tokenised by themselves */
    bool image_apart;   /* the image is read by itself, and a text has no place for it */
    bool image_marks;   /* an image stands between <im_start> and <im_end> */
    bool pads_images;   /* to squares, whatever the image processor's file says */
    /* The folder inside the model's that has the vision tower and its image processor; "" where
     * they are in the model's own files. */
    char tower[128];
    uint32_t image_seq_length; /* what the file says a base image takes; positions are computed */
    /* Resolutions to choose from where images are cut into tiles (LLaVA-NeXT), {height, width}. */
    mmn_resolution grid_pinpoints[MMN_IMAGE_MAXIMUM_PINPOINTS];
    size_t grid_pinpoint_count;
} mmn_config;

/* Reads folder/config.json and, if there is one, folder/generation_config.json, in the form that
 * published (transformers 4) checkpoints have and in that of transformers 5. What a file leaves out
 * has the default of its class in transformers 5.23.0. MMN_INPUT names the key that is wrong or
 * that asks for something unsupported. */
mmn_status mmn_config_load(mmn_config *config, const char *folder, mmn_error *error);

/* The same from the texts of the two files; `generation` may be NULL. `file` and `generation_file`
 * are for messages. */
mmn_status mmn_config_parse(mmn_config *config, const char *text, size_t size, const char *file,
                            const char *generation, size_t generation_size,
                            const char *generation_file, mmn_error *error);

/* The name for people and files: "quick_gelu". */
const char *mmn_activation_name(mmn_activation activation);

/* Adds the architecture's numbers to a digest: everything that changes what the model computes from
 * token ids and pixels, as listed in config.c; not the generation settings. */
void mmn_config_digest(mmn_digest *digest, const mmn_config *config);

/* Tokens per tile that enter the projector, and the width of each. */
size_t mmn_vision_feature_tokens(const mmn_vision_config *config);
size_t mmn_vision_feature_width(const mmn_vision_config *config);

#endif
