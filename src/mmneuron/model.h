/* mmneuron/model.h: models, and inputs made for them.
 *
 * Ownership. A model is its caller's; what it describes is valid until it is closed. It must
 * outlive its inputs, masks and sessions. An input is its caller's, and may be freed as soon as it
 * has been prefilled.
 *
 * Threads. Neither changes once it is made: any number of threads may use them. */
#ifndef MMNEURON_MODEL_H
#define MMNEURON_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "mmneuron/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Models ---------------------------------------------------------------------------------- */

typedef struct mmn_model mmn_model;

/* Which Pillow images are read and resized as. The last of several EXIF orientations counts to
 * Pillow 12, the first to Pillow 13. */
typedef enum mmn_resize_order {
    MMN_RESIZE_HORIZONTAL_FIRST, /* as Pillow up to 12: what published models were made with */
    MMN_RESIZE_PILLOW_13         /* vertical first for images that shrink mostly in height */
} mmn_resize_order;

/* Asked now and then in the middle of work, on the thread that called the library: at every layer
 * of a forward pass and within long ones, every few thousand tokens of a text, for every image, and
 * every few megabytes of weights that are digested. A value other than 0 asks the work to stop,
 * which it does with MMN_INTERRUPTED. It may be asked often, and from every thread that uses the
 * model. */
typedef int (*mmn_interrupted_function)(void *context);

typedef struct mmn_model_options {
    size_t size;      /* sizeof(mmn_model_options) */
    int threads;      /* up to 4096; 0: as many as OpenMP gives, up to that. Fewer where the system
                         does not give them, with a remark */
    const char *simd; /* a kernel table's name; NULL: MMNEURON_SIMD, else the fastest */
    mmn_resize_order resize_order;
    int without_tokenizer; /* the folder's tokenizer is not opened, and need not be there: inputs
                              are made of token ids, and functions that read or write texts return
                              MMN_USAGE */
    int ignore_generation_config; /* generate as if generation_config.json named stop tokens alone;
                                     without any there, with those of config.json */
    mmn_interrupted_function interrupted; /* NULL: nothing stops but what progress functions stop */
    void *interrupted_context;
    int allow_nonfinite; /* go on where a number of the forward pass becomes infinite or NaN, and
                            mark results made of such; 0: sessions end with MMN_NONFINITE there */
    const char *const *deltas; /* [delta_count]: files of mmn_edit, whose additions to weights of
                                  the language model sessions see; several add up. Unless they do
                                  not say of which weights they are, they make opening the model
                                  read the whole checkpoint: MMN_INPUT where it is another */
    size_t delta_count;
    int random_weights;    /* none are read: they are drawn in memory, as transformers initialises a
                              model of the folder's config.json (doc/method.md) */
    uint64_t weights_seed; /* of these */
} mmn_model_options;

/* Opens the Hugging Face folder `folder`: reads its configurations and tokenizer and maps its
 * weights. `options` may be NULL. */
MMN_API mmn_status mmn_model_open(mmn_model **model, const char *folder,
                                  const mmn_model_options *options, mmn_error *error);
MMN_API void mmn_model_close(mmn_model *model);

/* A module that holds neurons: coordinates of its feed-forward layers after the activation. */
typedef struct mmn_module {
    const char *name; /* "vision", "projector", "qformer", "query", "language" */
    uint32_t layers, neurons;
    const char *stages;         /* the stages that show its neurons, "vision.layers.{i}.mlp.act" */
    uint32_t first_inert_layer; /* layers from this one on cannot influence the output; `layers`
                                   when all of them do */
} mmn_module;

/* The name of the module `index` of those that models may have, in the order of the forward pass;
 * NULL when there are no more. */
MMN_API const char *mmn_module_name(size_t index);
/* The name of the module that the first `length` bytes of `text` mean: its own, or that of
 * MMNeuron's published code ("encoder", "mmproj", "lang"); NULL if there is none. */
MMN_API const char *mmn_module_meant(const char *text, size_t length);

/* When beam search ends (arXiv 1409.3215; the rules are transformers'). */
typedef enum mmn_early_stopping {
    MMN_EARLY_STOPPING_FALSE, /* when the best beam could not improve at its present length */
    MMN_EARLY_STOPPING_TRUE,  /* as soon as there are as many answers as beams */
    MMN_EARLY_STOPPING_NEVER  /* when no beam could improve at any length */
} mmn_early_stopping;

typedef struct mmn_beam_search {
    uint32_t beams;        /* 2 to 64; 1: no beam search; 0: all as the folder says */
    double length_penalty; /* an answer's score is its log probability divided by its length to this
                              power; transformers' default is 1 */
    mmn_early_stopping early_stopping;
} mmn_beam_search;

/* What a model's folder says of generating, as transformers 5.23 takes it: generation_config.json,
 * or where there is none what old files have in config.json. Texts are JSON objects of those keys
 * that say something, "{}" if none does. */
typedef struct mmn_generation_info {
    int ignored;         /* the model was opened so that nothing of it counts */
    const char *file;    /* "generation_config.json" or "config.json"; NULL: it says nothing */
    const char *obeyed;  /* {"repetition_penalty": 1.3}: obeyed unless the caller says otherwise */
    const char *unused;  /* choosing at random, and limits: only when the caller asks */
    const char *refused; /* not supported: generating is MMN_INPUT */
    double repetition_penalty;   /* 1: none */
    mmn_beam_search beam_search; /* beams < 2: none */
    const int32_t *stop_ids;     /* [stop_id_count]: tokens that end an answer; there may be none */
    size_t stop_id_count;
} mmn_generation_info;

typedef struct mmn_model_info {
    const char *family;        /* "llava", "llava_next", "instructblip" */
    const char *vision;        /* "clip", "eva", "siglip"; NULL: reads no images */
    const char *language;      /* "llama", "mistral"; of a judge "deberta-v2", of a detector
                                  "owlvit_text_model" */
    const char *weight_types;  /* "bf16", "bf16, f32" */
    const char *kernels;       /* name of the kernel table in use */
    const char *template_name; /* prompt template for questions: "llava-1.5", ... or "raw"; "own":
                                  the folder's chat template, which is none of those; "unknown": its
                                  chat template cannot be followed */
    const char *template_file; /* of the folder's chat template: "chat_template.jinja"; NULL: it has
                                  none, and the template is the family's */
    const char *template_problem; /* why that cannot be followed, or NULL */
    uint64_t parameters, weight_bytes;
    uint32_t files, tensors, threads;
    uint32_t vision_width, vision_layers, vision_heads, image_size, patch_size;
    uint32_t language_width, language_layers, language_heads, language_kv_heads, vocabulary;
    uint32_t maximum_positions, sliding_window; /* the second 0: none */
    uint32_t first_window_layer;                /* layers before this one have no window */
    size_t module_count;
    const mmn_module *modules; /* in the order vision, projector, qformer, query, language */
    size_t remark_count;
    const char *const *remarks; /* sentences: what in the folder is read in an unexpected way, or
                                   lies there and is not read; fewer threads than were wanted */
    mmn_generation_info generation;
    uint32_t judge_labels; /* a judge of answers: how many numbers it gives; language_* and
                              vocabulary are its encoder's. 0: the model is none */
    size_t delta_count;
    const char *const *deltas; /* [delta_count]: digests of the deltas that it was opened with */
    uint32_t detector_boxes;   /* a detector: how many boxes it makes of a picture, one for each
                                  patch; language_*, vocabulary and maximum_positions are those of
                                  the tower that reads queries. 0: the model is none */
} mmn_model_info;

/* Valid until the model is closed. */
MMN_API const mmn_model_info *mmn_model_describe(const mmn_model *model);

/* XXH3-128 over names, types, shapes and bytes of all weights and the architecture's numbers, as 32
 * hex digits and a zero; reads the whole checkpoint. With deltas it is another digest, of this one
 * and theirs. doc/formats.md states the layout. MMN_INPUT as from mmn_model_unchanged. */
MMN_API mmn_status mmn_model_digest(const mmn_model *model, char digest[33], mmn_error *error);

/* Whether the files of the weights, which stay mapped, are still those that were opened: MMN_INPUT
 * names one that has been written to, replaced or removed since (its size, times or inode differ).
 * Whoever certifies a result asks at its end; the functions of this header that write or return
 * results do. A file that gets shorter while it is mapped makes accesses raise SIGBUS, which the
 * library leaves to the program: mmneuron(1) ends with a sentence. */
MMN_API mmn_status mmn_model_unchanged(const mmn_model *model, mmn_error *error);

/* How often sessions of the model have let numbers pass that are infinite or NaN (allow_nonfinite).
 * If that is not 0, *first (may be NULL) says where it was first, as the error would have: stage,
 * position and, if a weight is at fault, its tensor. */
MMN_API uint64_t mmn_model_nonfinite(const mmn_model *model, mmn_error *first);

/* Token ids of `text`, with the tokenizer's special tokens around it if add_special_tokens; *ids is
 * freed with mmn_release. And back; skip_special_tokens leaves special tokens out. */
MMN_API mmn_status mmn_model_encode(const mmn_model *model, const char *text,
                                    int add_special_tokens, int32_t **ids, size_t *count,
                                    mmn_error *error);
MMN_API mmn_status mmn_model_decode(const mmn_model *model, const int32_t *ids, size_t count,
                                    int skip_special_tokens, char **text, mmn_error *error);

/* The prompt that template `name` ("llava-1.5", "instructblip", "raw", ..., or NULL: the chat
 * template of the model's folder, or where it has none that of its family) makes of a question,
 * with "<image>" in it if has_image and the model wants it there. MMN_INPUT where it is the
 * folder's and cannot be followed. */
MMN_API mmn_status mmn_prompt_from_template(const mmn_model *model, const char *name,
                                            const char *question, int has_image, char **prompt,
                                            mmn_error *error);

/* ---- Inputs ---------------------------------------------------------------------------------- */

/* What one forward pass starts from: token ids, with image placeholders expanded, and pixels. */
typedef struct mmn_input mmn_input;

/* Tokenises `prompt` and loads `images` (JPEG, PNG, WebP, TIFF, GIF or BMP files). With one
 * "<image>" in the prompt several images are joined side by side; with as many as there are images
 * each stands at its own. InstructBLIP's images, joined, stand before the text, which "<image>" may
 * begin or not. */
MMN_API mmn_status mmn_input_from_prompt(mmn_input **input, const mmn_model *model,
                                         const char *prompt, const char *const *images,
                                         size_t image_count, mmn_error *error);
/* The same from a question, in the template of that name as for mmn_prompt_from_template. With the
 * folder's chat template special tokens are as transformers has them: for models that read no
 * images those of the template alone. *prompt, freed with mmn_release, is the text that was made,
 * also after some failures; `prompt` may be NULL. */
MMN_API mmn_status mmn_input_from_question(mmn_input **input, const mmn_model *model,
                                           const char *template_name, const char *question,
                                           const char *const *images, size_t image_count,
                                           char **prompt, mmn_error *error);
/* Takes `input_ids`, `pixel_values`, `image_sizes` and `qformer_input_ids` from a safetensors
 * file. */
MMN_API mmn_status mmn_input_from_file(mmn_input **input, const mmn_model *model, const char *file,
                                       mmn_error *error);
/* Takes `count` token ids as they are, without images. MMN_USAGE when there are none or too many,
 * MMN_INPUT for an id that the model has no embedding of. */
MMN_API mmn_status mmn_input_from_ids(mmn_input **input, const mmn_model *model, const int32_t *ids,
                                      size_t count, mmn_error *error);
MMN_API void mmn_input_free(mmn_input *input);
/* Positions in the language model, and how many of them are image features. */
MMN_API size_t mmn_input_length(const mmn_input *input);
MMN_API size_t mmn_input_image_positions(const mmn_input *input);
/* MMN_INPUT when it has more positions than the model was made for (maximum_positions): what the
 * model makes of them is worse, and nothing else tells. */
MMN_API mmn_status mmn_input_fits(const mmn_input *input, const mmn_model *model, mmn_error *error);
/* Whether position `index` holds an image feature. */
MMN_API int mmn_input_is_image(const mmn_input *input, size_t index);

#ifdef __cplusplus
}
#endif

#endif
