/* mmneuron.h: the public interface of libmmneuron.
 *
 * The library runs LLaVA-family vision-language models on CPUs with the same bits on every machine,
 * shows every stage of the forward pass to probes, and finds domain neurons with them. Functions
 * that can fail return an mmn_status and fill an mmn_error (which may be NULL). The library never
 * prints, exits or aborts, has no global state that changes results, and may be used from several
 * threads with one session each. Texts are UTF-8.
 *
 * Options. A struct of options begins with its size, sizeof(mmn_..._options), so that later versions of the
 * library can add members: what a program that was compiled before them cannot ask for is 0. 0, or NULL,
 * always asks for what is usual, which each member's comment names. MMN_USAGE for a size that is no such
 * struct's, and for members that this library does not know and that are not 0.
 *
 * NULL. Pointers must be given unless it says that they may be NULL; else the status is MMN_USAGE, and
 * what would have been made is NULL. So it is for counts beyond 2^20 of token ids, inputs or texts, whose
 * arrays are not read. Functions that free allow NULL; those without a status say 0,
 * "" or NULL of NULL.
 *
 * Lifetimes. A model must outlive its inputs, masks and sessions, and a mask the sessions that it was
 * added to; that cannot be noticed. Results need nothing but themselves. An input may be freed as soon
 * as it has been prefilled: sessions keep theirs. Inputs and masks are for the model that they were
 * made with: another one, of the same folder too, says MMN_USAGE.
 *
 * Threads. A model, an input, a mask, counts, neurons and a result do not change once they are made: any number of
 * threads may use them. A session is for one thread at a time. Probes and progress functions are
 * called by the thread that called the library.
 *
 * OpenMP. Products are divided among OpenMP's threads, which are tried when a model is opened. What
 * OpenMP cannot have later, of threads or memory, makes it end the program. After fork() without
 * exec the child must not use the library with more than one thread if the parent has.
 *
 * Jansson. Its allocation functions, one pair for the whole process, are wrapped when the first JSON
 * is read: the wrapper calls those that were set and counts failures. A program that sets its own does
 * so before its first call, as Jansson itself asks. */
#ifndef MMNEURON_H
#define MMNEURON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MMN_API __attribute__((visibility("default")))
#else
#define MMN_API
#endif

/* ---- Errors ---------------------------------------------------------------------------------- */

typedef enum mmn_status {
    MMN_OK = 0,
    MMN_DIFFERENT = 1,  /* compared, and different */
    MMN_USAGE = 2,      /* the caller asked for something that cannot be */
    MMN_INPUT = 3,      /* a file's contents are not what they should be */
    MMN_SYSTEM = 4,     /* the operating system refused: a file, the disk, memory */
    MMN_INTERRUPTED = 5, /* a progress callback asked to stop; what was done is kept */
    MMN_NONFINITE = 6   /* a number of the forward pass became infinite or NaN; `where` is the stage */
} mmn_status;

typedef struct mmn_error {
    mmn_status status;
    int cause;          /* errno's value where the operating system refused, else 0 */
    char file[1024];    /* the file at fault, or "" */
    char where[256];    /* the byte, line, key or tensor in it, or "" */
    char message[1024]; /* what is wrong, and what was expected */
} mmn_error;

/* Writes "file: where: message" to `text`, cut to `size`, control characters replaced. */
MMN_API void mmn_error_sentence(const mmn_error *error, char *text, size_t size);

/* Replaces in `text` by "?" what could drive a terminal or hide what stands there: controls (C0, C1, DEL),
 * overrides of direction and the like, and bytes that are not UTF-8. With `lines`, line breaks and
 * tabs stay. The text gets no longer. */
MMN_API void mmn_make_printable(char *text, int lines);

/* The library's version, "major.minor.patch". */
MMN_API const char *mmn_version(void);

/* Frees a text or array that a function of this header allocated for the caller. */
MMN_API void mmn_release(void *pointer);

/* Where the library's memory comes from, and PCRE2's and libpng's with it. Both functions may be called by
 * several threads at once. */
typedef struct mmn_allocator {
    /* `size` bytes, at least 1, at a multiple of `alignment`, a power of two; NULL: there is no memory,
     * which ends what was asked for with MMN_SYSTEM. They need not be zero. */
    void *(*allocate)(void *context, size_t size, size_t alignment);
    void (*release)(void *context, void *pointer); /* what allocate returned, never NULL */
    void *context;
} mmn_allocator;

/* Takes all memory from `allocator`, which is copied; NULL: from posix_memalign and free, as at first.
 * MMN_USAGE once the library has allocated, and where a function is missing. For the start of a program,
 * before it has threads. */
MMN_API mmn_status mmn_set_allocator(const mmn_allocator *allocator, mmn_error *error);

/* The name among `count` that the mistyped `text` was probably meant to be, or NULL if none is near.
 * `names` points to the first name's pointer and the next is `stride` bytes further, so that a member
 * of any table's entries can be searched. */
MMN_API const char *mmn_nearest_name(const char *text, const void *names, size_t stride,
                                     size_t count);

/* ---- Progress -------------------------------------------------------------------------------- */

typedef struct mmn_progress {
    const char *label; /* what is being done */
    const char *unit;  /* what is counted: "samples" */
    uint64_t done, total;
    uint64_t already;       /* of `done`, how many an earlier run had done */
    double seconds;         /* since this run began */
} mmn_progress;

/* Called now and then; a value other than 0 asks the work to stop with MMN_INTERRUPTED. */
typedef int (*mmn_progress_function)(void *context, const mmn_progress *progress);

/* Draws one line (a bar of the given width in columns, share, rate, time left), without a line
 * break or escape codes, cut to `size`. */
MMN_API void mmn_progress_line(char *line, size_t size, const mmn_progress *progress, int columns);

/* ---- Outputs --------------------------------------------------------------------------------- */

/* What a result is made from. */
typedef enum mmn_source_kind {
    MMN_SOURCE_FILE,
    MMN_SOURCE_MODEL, /* a model's folder: all files of it that a checkpoint consists of */
    MMN_SOURCE_LIST   /* DATA.jsonl, with the pictures and texts that it names */
} mmn_source_kind;

typedef struct mmn_source {
    mmn_source_kind kind;
    const char *path;
} mmn_source;

typedef struct mmn_output_options {
    size_t size; /* sizeof(mmn_output_options) */
    const char *purpose; /* what shall write it, told to whoever finds it taken; NULL: nothing */
    int folder;          /* whether it is a folder, for several files; it is made if not there */
    const mmn_source *sources; /* none of which it may be */
    size_t source_count;
    const char *const *beside; /* further files that will be written, which may be no source either */
    size_t beside_count;
} mmn_output_options;

typedef struct mmn_output mmn_output;

/* Takes the output `path` before the work whose result shall go there: proves that it can be written,
 * by writing a lock beside it; refuses it, MMN_USAGE, where it is one of the sources by whatever name,
 * and, MMN_SYSTEM, where another run that has taken it is still at work, on this machine or on another
 * that locks files of the same file system; and removes temporary files of runs that were killed. The
 * error names the folder where that refuses. `options` may be NULL. A killed run's lock is open. */
MMN_API mmn_status mmn_output_claim(mmn_output **output, const char *path,
                                    const mmn_output_options *options, mmn_error *error);
/* The lock, for whoever ends without mmn_output_release, as a signal's handler does, and would remove it.
 * A folder's is in it. NULL of NULL. */
MMN_API const char *mmn_output_lock_file(const mmn_output *output);
/* Removes the lock; NULL is allowed. */
MMN_API void mmn_output_release(mmn_output *output);

/* For a result that could not be written to `path`: writes its text to a file of the same name in a new
 * folder of TMPDIR, /tmp, /var/tmp, HOME or /dev/shm. *place is that file, freed with mmn_release, or
 * NULL. */
MMN_API mmn_status mmn_keep_elsewhere(char **place, const char *path, const char *text,
                                      mmn_error *error);

/* ---- Models ---------------------------------------------------------------------------------- */

typedef struct mmn_model mmn_model;

/* Which Pillow images are read and resized as. The last of several EXIF orientations counts to
 * Pillow 12, the first to Pillow 13. */
typedef enum mmn_resize_order {
    MMN_RESIZE_HORIZONTAL_FIRST, /* as Pillow up to 12: what published models were made with */
    MMN_RESIZE_PILLOW_13         /* vertical first for images that shrink mostly in height */
} mmn_resize_order;

/* Asked now and then in the middle of work, on the thread that called the library: at every layer of a
 * forward pass and within long ones, every few thousand tokens of a text, for every image, and every few
 * megabytes of weights that are digested. A value other than 0 asks the work to stop, which it does with
 * MMN_INTERRUPTED. It may be asked often, and from every thread that uses the model. */
typedef int (*mmn_interrupted_function)(void *context);

typedef struct mmn_model_options {
    size_t size; /* sizeof(mmn_model_options) */
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
    int allow_nonfinite; /* go on where a number of the forward pass becomes infinite or NaN, and mark
                            results made of such; 0: sessions end with MMN_NONFINITE there */
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
    const char *stages;   /* the stages that show its neurons, "vision.layers.{i}.mlp.act" */
    uint32_t first_inert_layer; /* layers from this one on cannot influence the output; `layers`
                                   when all of them do */
} mmn_module;

/* The name of the module `index` of those that models may have, in the order of the forward pass; NULL
 * when there are no more. */
MMN_API const char *mmn_module_name(size_t index);
/* The name of the module that the first `length` bytes of `text` mean: its own, or that of MMNeuron's
 * published code ("encoder", "mmproj", "lang"); NULL if there is none. */
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
    const int32_t *stop_ids; /* [stop_id_count]: tokens that end an answer; there may be none */
    size_t stop_id_count;
} mmn_generation_info;

typedef struct mmn_model_info {
    const char *family;       /* "llava", "llava_next", "instructblip" */
    const char *vision;       /* "clip", "eva", "siglip"; NULL: reads no images */
    const char *language;     /* "llama", "mistral" */
    const char *weight_types; /* "bf16", "bf16, f32" */
    const char *kernels;      /* name of the kernel table in use */
    const char *template_name; /* prompt template for questions: "llava-1.5", ... or "raw"; "own": the
                                  folder's chat template, which is none of those; "unknown": its
                                  chat template cannot be followed */
    const char *template_file; /* of the folder's chat template: "chat_template.jinja"; NULL: it has
                                  none, and the template is the family's */
    const char *template_problem; /* why that cannot be followed, or NULL */
    uint64_t parameters, weight_bytes;
    uint32_t files, tensors, threads;
    uint32_t vision_width, vision_layers, vision_heads, image_size, patch_size;
    uint32_t language_width, language_layers, language_heads, language_kv_heads, vocabulary;
    uint32_t maximum_positions, sliding_window; /* the second 0: none */
    uint32_t first_window_layer; /* layers before this one have no window */
    size_t module_count;
    const mmn_module *modules; /* in the order vision, projector, qformer, query, language */
    size_t remark_count;
    const char *const *remarks; /* sentences: what in the folder is read in an unexpected way, or
                                   lies there and is not read; fewer threads than were wanted */
    mmn_generation_info generation;
} mmn_model_info;

/* Valid until the model is closed. */
MMN_API const mmn_model_info *mmn_model_describe(const mmn_model *model);

/* XXH3-128 over names, types, shapes and bytes of all weights and the architecture's numbers, as 32
 * hex digits and a zero; reads the whole checkpoint. doc/formats.md states the layout. MMN_INPUT as
 * from mmn_model_unchanged. */
MMN_API mmn_status mmn_model_digest(const mmn_model *model, char digest[33], mmn_error *error);

/* Whether the files of the weights, which stay mapped, are still those that were opened: MMN_INPUT names
 * one that has been written to, replaced or removed since (its size, times or inode differ). Whoever
 * certifies a result asks at its end; the functions of this header that write or return results do. A
 * file that gets shorter while it is mapped makes accesses raise SIGBUS, which the library leaves to
 * the program: mmneuron(1) ends with a sentence. */
MMN_API mmn_status mmn_model_unchanged(const mmn_model *model, mmn_error *error);

/* How often sessions of the model have let numbers pass that are infinite or NaN (allow_nonfinite). If
 * that is not 0, *first (may be NULL) says where it was first, as the error would have: stage, position
 * and, if a weight is at fault, its tensor. */
MMN_API uint64_t mmn_model_nonfinite(const mmn_model *model, mmn_error *first);

/* Token ids of `text`, with the tokenizer's special tokens around it if add_special_tokens; *ids is
 * freed with mmn_release. And back; skip_special_tokens leaves special tokens out. */
MMN_API mmn_status mmn_model_encode(const mmn_model *model, const char *text,
                                    int add_special_tokens, int32_t **ids, size_t *count,
                                    mmn_error *error);
MMN_API mmn_status mmn_model_decode(const mmn_model *model, const int32_t *ids, size_t count,
                                    int skip_special_tokens, char **text, mmn_error *error);

/* The prompt that template `name` ("llava-1.5", "instructblip", "raw", ..., or NULL: the chat template
 * of the model's folder, or where it has none that of its family) makes of a question, with "<image>" in it
 * if has_image and the model wants it there. MMN_INPUT where it is the folder's and cannot be followed. */
MMN_API mmn_status mmn_prompt_from_template(const mmn_model *model, const char *name,
                                            const char *question, int has_image, char **prompt,
                                            mmn_error *error);

/* ---- Inputs ---------------------------------------------------------------------------------- */

/* What one forward pass starts from: token ids, with image placeholders expanded, and pixels. */
typedef struct mmn_input mmn_input;

/* Tokenises `prompt` and loads `images` (JPEG, PNG, WebP, TIFF, GIF or BMP files). With one
 * "<image>" in the prompt several images are joined side by side; with as many as there are images each stands at its own.
 * InstructBLIP's images, joined, stand before the text, which "<image>" may begin or not. */
MMN_API mmn_status mmn_input_from_prompt(mmn_input **input, const mmn_model *model,
                                         const char *prompt, const char *const *images,
                                         size_t image_count, mmn_error *error);
/* The same from a question, in the template of that name as for mmn_prompt_from_template. With the folder's
 * chat template special tokens are as transformers has them: for models that read no images those of
 * the template alone. *prompt, freed with mmn_release, is the text that was made, also after some
 * failures; `prompt` may be NULL. */
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
MMN_API mmn_status mmn_input_fits(const mmn_input *input, const mmn_model *model,
                                  mmn_error *error);
/* Whether position `index` holds an image feature. */
MMN_API int mmn_input_is_image(const mmn_input *input, size_t index);

/* ---- Sessions and probes --------------------------------------------------------------------- */

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
    size_t size; /* sizeof(mmn_session_options) */
    int prompt_only; /* nothing will be generated: keys and values of past layers are not kept */
} mmn_session_options;

/* `options` may be NULL. The model must outlive the session. */
MMN_API mmn_status mmn_session_create(mmn_session **session, const mmn_model *model,
                                      const mmn_session_options *options, mmn_error *error);
MMN_API void mmn_session_free(mmn_session *session);
/* The probe is copied; its `stages` text too. Probes see a stage in the order they were added. MMN_USAGE
 * where one of its patterns can match no stage of any model. */
MMN_API mmn_status mmn_session_add_probe(mmn_session *session, const mmn_probe *probe,
                                         mmn_error *error);
/* Keeps copies of the stages that match the patterns (as a probe's: "language.layers.*.out") of each prefill
 * from now on, until the next one; "*" is all but the two between stages, mlp.up and mlp.product, which a
 * pattern has to name. Keeping is a probe, added last, that does without nothing. MMN_USAGE the second
 * time. */
MMN_API mmn_status mmn_session_keep(mmn_session *session, const char *stages, mmn_error *error);
/* The kept stage of this name ("language.logits"), or the `index`-th in the order of the forward pass; NULL
 * if the last prefill has made none. It and its data are the session's, until its next prefill. */
MMN_API const mmn_stage *mmn_session_stage(const mmn_session *session, const char *name);
MMN_API const mmn_stage *mmn_session_stage_at(const mmn_session *session, size_t index);
/* Runs the input through the model, as from an empty cache. What the session still has of earlier
 * prefills and generated tokens is not computed again, and every bit is as if it were: the features
 * of the same images (same pixel_values and sizes; only the vision tower's, where a Q-Former reads
 * them with another instruction), where no probe wants stages that make them; and keys and values
 * of the longest beginning of the sequence that is the same, where no probe wants language stages.
 * Probes that are only_new do not count, and see language stages from first_position on. The last
 * position always runs. Where a probe writes, keys and values are not taken over, and features are
 * unless it writes to stages that make them. Nothing is taken over in a session that is
 * prompt_only. */
MMN_API mmn_status mmn_session_prefill(mmn_session *session, const mmn_input *input,
                                       mmn_error *error);
/* What the last prefill took over: how many language positions, and whether the images' features. */
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
/* Applies to what is generated from now on; NULL: as the folder says, as at first. The answer is the
 * one with the highest score; repetition_penalty multiplies log probabilities, and sampling must be greedy. After
 * it the session must prefill anew. Probes see the rows of all beams, one after the other. */
MMN_API mmn_status mmn_session_set_beam_search(mmn_session *session, const mmn_beam_search *search,
                                               mmn_error *error);
/* An answer ends with the token that completes one of `strings` [count] in the text of prompt and
 * answer, each token's text being what it is behind another; the strings are copied. Applies to what is
 * generated from now on; a count of 0: those of the folder, as at first. MMN_USAGE for an empty string
 * or more than 64. */
MMN_API mmn_status mmn_session_set_stop_strings(mmn_session *session, const char *const *strings,
                                                size_t count, mmn_error *error);
/* Appends up to `limit` tokens after a prefill, the likeliest each time or as set, under the folder's
 * rules (mmn_generation_info); stops after a stop token, or the token that completes a stop string,
 * which is stored too. *count says how many were stored in ids. MMN_INPUT where the folder asks for
 * decoding that is not supported. */
MMN_API mmn_status mmn_session_generate(mmn_session *session, size_t limit, int32_t *ids,
                                        size_t *count, mmn_error *error);

/* ---- Results --------------------------------------------------------------------------------- */

/* What a study has found, as a value: it needs neither its model nor its files any more. It consists of
 * tables, whose columns have the names of its JSON's keys where that has them (doc/formats.md): "result"
 * has one row, of what the others were made from and with which settings, and rows of other tables belong
 * to rows of their parents. Its texts are valid until it is freed. */
typedef struct mmn_result mmn_result;

MMN_API void mmn_result_free(mmn_result *result);
/* Reads the JSON that a result was written as: neurons.json, or what eval, perturb, lens or contrib made.
 * What only its table for people, or the table beside it, has is not there, so that it can be written as
 * JSON only. MMN_INPUT when it is no such file. */
MMN_API mmn_status mmn_result_read(mmn_result **result, const char *file, mmn_error *error);
/* Its JSON (doc/formats.md), and a table for people, which a result that was read has not (MMN_USAGE). */
MMN_API mmn_status mmn_result_json(const mmn_result *result, char **text, mmn_error *error);
MMN_API mmn_status mmn_result_table(const mmn_result *result, char **text, mmn_error *error);
/* Writes the JSON to `file`, and beside that of a ranking its table (mmn_ranking_table_file). */
MMN_API mmn_status mmn_result_write(const mmn_result *result, const char *file, mmn_error *error);
/* The names of its tables, and of a table's columns; NULL behind the last. */
MMN_API const char *mmn_result_table_name(const mmn_result *result, size_t index);
MMN_API const char *mmn_result_column_name(const mmn_result *result, const char *table,
                                           size_t index);
/* How many rows a table has; 0 if there is no such table. */
MMN_API size_t mmn_result_rows(const mmn_result *result, const char *table);
/* The row of its parent that row `row` of a table belongs to. */
MMN_API size_t mmn_result_parent(const mmn_result *result, const char *table, size_t row);
/* A value: a number, or 0 and 1 for false and true; NaN where there is none. A text, or NULL. */
MMN_API double mmn_result_number(const mmn_result *result, const char *table, size_t row,
                                 const char *column);
MMN_API const char *mmn_result_text(const mmn_result *result, const char *table, size_t row,
                                    const char *column);

/* ---- Counting and ranking neurons ------------------------------------------------------------ */

/* *texts: whether the list `file` has texts to read (1), or questions to answer (0): doc/formats.md. */
MMN_API mmn_status mmn_list_reads_texts(const char *file, int *texts, mmn_error *error);

typedef struct mmn_count_options {
    size_t size; /* sizeof(mmn_count_options) */
    const char *list;             /* DATA.jsonl */
    const char *output;           /* the counts file; mmn_count_state_file its state */
    const char *modules;          /* names separated by commas, or NULL for all */
    uint64_t samples;             /* per domain, the first N of the list, or windows of its texts; 0:
                                     all */
    uint64_t positions;           /* per domain, stop after N positions of positions_module; 0: all */
    const char *positions_module; /* NULL: the model's first; of texts the first counted */
    uint64_t window;              /* of texts: positions of a window; 0: as many as the model was made
                                     for, at most 4096 */
    int begin_of_text;            /* of texts: each window begins with the tokenizer's token for it */
    uint32_t shard, shards;       /* this run takes shard `shard` (1..shards) of `shards`; 0, 0: all */
    int skip_bad;                 /* skip samples that cannot be read, and list them; not of texts */
    uint32_t batch;               /* run up to N short samples together; changes no count; 0: 16 */
    uint64_t stop_after;          /* interrupt after this many samples of this run; 0: never */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors else */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    mmn_progress_function progress;
    void *progress_context;
    void (*skipped)(void *context, const mmn_error *error); /* called for each skipped sample */
} mmn_count_options;

typedef struct mmn_count_summary {
    uint64_t samples, skipped, resumed; /* counted in all; skipped; of them, found in the state file */
    uint64_t positions;                 /* language positions counted by this run */
    uint64_t window;                    /* positions of a window of texts; 0: there are none */
    uint64_t nonfinite; /* counted samples in which numbers were infinite or NaN */
    double seconds;
} mmn_count_summary;

/* The state file of counts that shall go to `output`, freed with mmn_release: output + ".state", or for a
 * name that is too long for that, one that is made of it. */
MMN_API mmn_status mmn_count_state_file(char **state, const char *output, mmn_error *error);

/* Counts active neurons per domain over the samples of a list (doc/method.md, section 1) and writes
 * the counts file. The tokens of a list's texts, each domain's joined in the list's order, are cut into
 * windows, which then are the samples. Resumes from the state file if one is there and belongs to the
 * same run. When the counts cannot be written in the end, they are written elsewhere, as
 * mmn_keep_elsewhere does it, and the error, which is returned all the same, names the file. So do
 * mmn_counts_merge, mmn_dump and mmn_report_write. */
MMN_API mmn_status mmn_count(const mmn_model *model, const mmn_count_options *options,
                             mmn_count_summary *summary, mmn_error *error);

/* Adds counts files of the shards of one run: exactly what one run would have given. */
MMN_API mmn_status mmn_counts_merge(const char *const *files, size_t file_count,
                                    const char *output, mmn_error *error);

typedef struct mmn_rank_options {
    size_t size; /* sizeof(mmn_rank_options) */
    double rate;              /* share of neurons selected; 0: 0.01 */
    double bar;               /* quantile a neuron must pass; 0: 0.95 */
    double assignment_bar;    /* quantile for belonging to a domain; 0: as bar */
    const char *modules;      /* NULL: all that were counted */
    int float32;              /* repeat the published code's float32 arithmetic */
    int allow_nonfinite;      /* rank counts of samples in which numbers were infinite or NaN, and mark
                                 the ranking; 0: refuse them */
} mmn_rank_options;

/* Ranks neurons by the entropy of their activation probabilities over domains. Of the result, the
 * table "ranking" has the selected neurons, and "result" the digest of the selection (XXH3-128). */
MMN_API mmn_status mmn_rank(mmn_result **result, const char *counts_file,
                            const mmn_rank_options *options, mmn_error *error);
/* The table that mmn_result_write puts beside a ranking's `file`, freed with mmn_release: ranking.tsv
 * beside neurons.json, NAME.ranking.tsv beside any other NAME.json, NAME-ranking.tsv beside another
 * NAME. MMN_USAGE when a file has that name which is no such table. */
MMN_API mmn_status mmn_ranking_table_file(char **table, const char *file, mmn_error *error);

/* ---- Counts and neurons as objects ----------------------------------------------------------- */

/* Counts and neurons need nothing but themselves, neither a model nor each other, and do not
 * change once they are made. What their functions point to is theirs and valid until they are
 * freed. Domains and modules are numbered from 0: domains in the bytewise order of their names,
 * modules in the order of the forward pass. Layers and neurons are numbered from 0, too. */

/* How often each neuron was active in each domain. */
typedef struct mmn_counts mmn_counts;

typedef struct mmn_counts_info {
    const char *version;     /* of the program that counted */
    const char *model;       /* digest of the model, as mmn_model_digest has it */
    const char *data;        /* digest of the list, or of the windows of its texts */
    const char *settings;    /* what decides which samples were counted, as JSON */
    uint64_t samples;        /* that were counted, in all domains */
    uint64_t skipped;        /* that were passed over as bad */
    uint64_t nonfinite;      /* counted ones in which numbers were infinite or NaN */
    uint32_t shard, shards;  /* 1, 1: all of the list */
    int unfinished;          /* the state of a run that goes on */
    int unchecked;           /* from a file of before there were checksums */
    size_t module_count, domain_count;
} mmn_counts_info;

/* Reads a counts file, or the state of an unfinished run, if its checksum is right. MMN_INPUT says
 * what is wrong with it. */
MMN_API mmn_status mmn_counts_read(mmn_counts **counts, const char *file, mmn_error *error);
MMN_API void mmn_counts_free(mmn_counts *counts);
/* All 0 of NULL. */
MMN_API mmn_counts_info mmn_counts_describe(const mmn_counts *counts);
/* Fills in module number `index`, whose `stages` is NULL; 0: there are no more. */
MMN_API int mmn_counts_module(const mmn_counts *counts, size_t index, mmn_module *module);
/* The name of domain number `index`, or NULL; *samples (may be NULL): those counted of it. */
MMN_API const char *mmn_counts_domain(const mmn_counts *counts, size_t index, uint64_t *samples);

/* One module in one domain. */
typedef struct mmn_activity {
    uint64_t positions;    /* at which the module was looked at */
    const int64_t *active; /* [layers][neurons]: at how many of them the neuron's value was above 0 */
    const int64_t *sum;    /* [layers][neurons]: of the values at all of them, in units of 2^-20 */
} mmn_activity;

/* Fills in what was counted of module number `module` in domain number `domain`; 0: there is
 * none. */
MMN_API int mmn_counts_activity(const mmn_counts *counts, size_t module, size_t domain,
                                mmn_activity *activity);
/* Writes to p [domain_count] a neuron's probability to be active in each domain, active /
 * positions; NaN where a domain has no positions. MMN_USAGE for a neuron that there is not. */
MMN_API mmn_status mmn_counts_probabilities(const mmn_counts *counts, const char *module,
                                            uint32_t layer, uint32_t neuron, double *p,
                                            mmn_error *error);

/* Neurons of domains: those that a neurons.json file lists, or that were ranked. */
typedef struct mmn_neurons mmn_neurons;

/* Reads neurons.json (doc/formats.md). MMN_INPUT when it is not such a file: a pair beyond its
 * module or out of order, modules that differ in their domains, or a digest that is not that of
 * the lists. */
MMN_API mmn_status mmn_neurons_read(mmn_neurons **neurons, const char *file, mmn_error *error);
/* Ranks as mmn_rank does, with its errors; `options` may be NULL. */
MMN_API mmn_status mmn_neurons_rank(mmn_neurons **neurons, const mmn_counts *counts,
                                    const mmn_rank_options *options, mmn_error *error);
MMN_API void mmn_neurons_free(mmn_neurons *neurons);
/* The result that mmn_rank makes, of neurons that were ranked; MMN_USAGE for a file's. */
MMN_API mmn_status mmn_neurons_result(mmn_result **result, const mmn_neurons *neurons,
                                      mmn_error *error);
/* The digest of the selection, as neurons.json has it; that of the model that was counted, ""
 * where the file does not say. */
MMN_API const char *mmn_neurons_digest(const mmn_neurons *neurons);
MMN_API const char *mmn_neurons_model(const mmn_neurons *neurons);
/* The name of domain number `index`, or NULL. */
MMN_API const char *mmn_neurons_domain(const mmn_neurons *neurons, size_t index);
/* Fills in module number `index`, whose `stages` is NULL; 0: there are no more. */
MMN_API int mmn_neurons_module(const mmn_neurons *neurons, size_t index, mmn_module *module);

typedef struct mmn_neuron {
    const char *module;
    uint32_t layer, neuron;
    double entropy;  /* of its probabilities over domains, in nats; NaN where it was not ranked here */
    const double *p; /* [domains]: its probability to be active in each; NULL likewise */
} mmn_neuron;

/* The neurons of `domain` in the modules of `setting`, as mmn_mask_from_file takes both: each
 * once, by module, layer and number. *list, of *count, is freed with mmn_release; names and
 * probabilities in it are the neurons'. MMN_USAGE for a domain or module that there is not. */
MMN_API mmn_status mmn_neurons_list(mmn_neuron **list, size_t *count, const mmn_neurons *neurons,
                                    const char *domain, const char *setting, mmn_error *error);

/* ---- Switching neurons off ------------------------------------------------------------------- */

/* Neurons of a model whose values after the activation function are set at every position, of the prompt
 * and of what is generated: to +0, which switches them off, unless mmn_mask_steer says otherwise. */
typedef struct mmn_mask mmn_mask;

/* The neurons of `domain` (several domains' separated by commas: their union; NULL: all domains')
 * that neurons.json, `file`, lists for the modules of `setting`: "language", "vision",
 * "projector", any of them joined by "+" ("vision+projector"), "all" or "none". MMN_USAGE for a
 * domain or module that is not in it, MMN_INPUT when it is not such a file, was made for a model of
 * another shape, or, unless `other_model`, of another digest (which reads the whole checkpoint). A file
 * that does not say of which model it is is taken. The model must outlive the mask. */
MMN_API mmn_status mmn_mask_from_file(mmn_mask **mask, const mmn_model *model,
                                         const char *file, const char *domain,
                                         const char *setting, int other_model, mmn_error *error);

/* The same of neurons in memory, which the mask needs no longer once it is made. */
MMN_API mmn_status mmn_mask_from_neurons(mmn_mask **mask, const mmn_model *model,
                                         const mmn_neurons *neurons, const char *domain,
                                         const char *setting, int other_model, mmn_error *error);

/* Switching neurons of some domains off and raising those of others. */
typedef struct mmn_steering {
    const char *neurons; /* neurons.json */
    const char *off;     /* domains, separated by commas, whose neurons are 0; NULL: none */
    const char *on;      /* domains whose neurons are set to their mean activation there; NULL: none */
    const char *counts;  /* counts with sums of the domains that are on; NULL where none is */
    const char *setting; /* as for mmn_mask_from_file; NULL: "all" */
    int other_model;     /* take neurons and counts of another model */
} mmn_steering;

/* A mask that sets neurons to these values at every position. A neuron of domains that are on is on,
 * whatever else it belongs to; of several, its value is the mean over the positions of all of them
 * together. Errors as for mmn_mask_from_file, and MMN_INPUT for counts of another shape or without
 * a domain that is on. */
MMN_API mmn_status mmn_mask_steer(mmn_mask **mask, const mmn_model *model,
                                  const mmn_steering *steering, mmn_error *error);
/* The same of neurons and (NULL where no domain is on) counts in memory; of `steering`, neither file
 * is looked at. */
MMN_API mmn_status mmn_mask_steer_neurons(mmn_mask **mask, const mmn_model *model,
                                          const mmn_neurons *neurons, const mmn_counts *counts,
                                          const mmn_steering *steering, mmn_error *error);
/* As many neurons of each layer as `of` has there, all others equally likely and none of its own,
 * by a generator that makes the same choice for a seed everywhere; they are off. MMN_USAGE when a layer has not
 * so many others. */
MMN_API mmn_status mmn_mask_random(mmn_mask **mask, const mmn_mask *of, uint64_t seed,
                                   mmn_error *error);
MMN_API void mmn_mask_free(mmn_mask *mask);
/* How many neurons it has of module `module` ("language"), of one layer or (-1) of all. */
MMN_API size_t mmn_mask_neurons(const mmn_mask *mask, const char *module, int layer);
/* NULL where its neurons are known to be of the mask's model; else the digest of theirs, "" where
 * their file does not say. Valid until the mask is freed. */
MMN_API const char *mmn_mask_other_model(const mmn_mask *mask);
/* Adds a probe that applies the mask, which must outlive the session. */
MMN_API mmn_status mmn_session_add_mask(mmn_session *session, const mmn_mask *mask,
                                        mmn_error *error);

/* ---- Accuracy with neurons off --------------------------------------------------------------- */

typedef struct mmn_eval_options {
    size_t size; /* sizeof(mmn_eval_options) */
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
    double repetition_penalty;   /* as in mmn_sampling */
    mmn_beam_search beam_search; /* for every answer; beams 0: as the folder says */
    const char *const *stop_strings; /* as for mmn_session_set_stop_strings */
    size_t stop_string_count;
    const char *template_name; /* for questions, as mmn_prompt_from_template takes it */
    uint32_t batch; /* in how many ways a question is answered side by side; 0: as many as need at
                       most 2 GiB, up to 64. Every number gives the same bits */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors else */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    int other_model; /* take neurons of another model, as results then say; else MMN_INPUT */
    mmn_progress_function progress;
    void *progress_context;
} mmn_eval_options;

/* Answers the questions of a list with nothing switched off, with each domain's neurons, and with
 * random ones, and measures how right the answers are (doc/method.md). MMN_INPUT names the line of a
 * sample that cannot be read. */
MMN_API mmn_status mmn_eval(mmn_result **result, const mmn_model *model,
                            const mmn_eval_options *options, mmn_error *error);

/* ---- Perplexity with neurons off ------------------------------------------------------------- */

typedef struct mmn_perplexity_options {
    size_t size; /* sizeof(mmn_perplexity_options) */
    const char *list;    /* DATA.jsonl, of texts; domains are their languages */
    const char *neurons; /* neurons.json, or NULL: nothing is switched off */
    const char *setting; /* as for mmn_mask_from_file; NULL: "all" */
    uint64_t window;     /* as in mmn_count_options */
    int begin_of_text;   /* likewise */
    uint64_t samples;    /* per domain, the first N windows; 0: all */
    uint32_t seeds;      /* random choices of neurons beside each domain's own, at most 31 */
    uint64_t first_seed;
    uint32_t batch; /* in how many ways a window is read side by side; 0: as many as need at most
                       2 GiB, up to 64. Every number gives the same bits */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors else */
    int other_model; /* take neurons of another model, as results then say; else MMN_INPUT */
    mmn_progress_function progress;
    void *progress_context;
} mmn_perplexity_options;

/* Reads the windows of a list's texts, cut as mmn_count does, with nothing switched off, with each
 * domain's neurons off in the texts of every domain, and with random ones in its own: the mean negative
 * log likelihood, in nats, of all tokens but the first of each window, each predicted from those
 * before it in the window, and its exp (doc/method.md). The same bits on every machine. */
MMN_API mmn_status mmn_perplexity_measure(mmn_result **result, const mmn_model *model,
                                          const mmn_perplexity_options *options,
                                          mmn_error *error);

/* ---- Other studies --------------------------------------------------------------------------- */

/* What studies that need nothing particular are asked. */
typedef struct mmn_study_options {
    size_t size; /* sizeof(mmn_study_options) */
    const char *list;     /* DATA.jsonl, of questions or of texts */
    const char *neurons;  /* neurons.json */
    const char *settings; /* as for mmn_mask_from_file, separated by commas; NULL: those of
                             doc/method.md whose modules were ranked */
    uint64_t samples;     /* per domain, the first N of the list, or windows of its texts; 0: all */
    uint64_t window;      /* of texts, as in mmn_count_options */
    int begin_of_text;    /* likewise */
    uint32_t seeds;       /* random choices of neurons beside each domain's own, at most 31 */
    uint64_t first_seed;
    uint32_t batch; /* in how many ways a sample is run side by side; 0: as many as need at most
                       2 GiB, up to 64. Every number gives the same bits */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors else */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    int other_model; /* take neurons of another model, as results then say; else MMN_INPUT */
    mmn_progress_function progress;
    void *progress_context;
} mmn_study_options;

/* The name of study number `number`, from 0, and what it does (`summary` may be NULL); NULL: there are
 * no more. */
MMN_API const char *mmn_study_name(size_t number, const char **summary);
/* Runs every sample of a list with nothing switched off, with its domain's neurons and with random ones,
 * and measures what the study of this name does (doc/method.md). MMN_USAGE when there is none. */
MMN_API mmn_status mmn_study_run(mmn_result **result, const mmn_model *model, const char *study,
                                 const mmn_study_options *options, mmn_error *error);

/* ---- How far switching off moves the hidden states ------------------------------------------- */

typedef struct mmn_perturb_options {
    size_t size; /* sizeof(mmn_perturb_options) */
    const char *list;     /* DATA.jsonl */
    const char *neurons;  /* neurons.json */
    const char *settings; /* as for mmn_mask_from_file, separated by commas; NULL: those of
                             doc/method.md whose modules were ranked */
    uint64_t samples;     /* per domain, the first N of the list; 0: all */
    uint32_t seeds;       /* how many choices of random neurons; 0: 5 */
    uint64_t first_seed;  /* theirs is first_seed, first_seed + 1, ... */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors else */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    int other_model; /* take neurons of another model, as results then say; else MMN_INPUT */
    mmn_progress_function progress;
    void *progress_context;
} mmn_perturb_options;

/* Runs every sample's prompt with all neurons on, with the neurons of its domain off, and with as
 * many random ones of each layer off, in each setting, and compares the hidden states h' with h at
 * each layer's output and after the final norm: means over positions of |h' - h| / |h| and of
 * 1 - cos(h, h') (doc/method.md). The same bits on every machine. MMN_INPUT for a domain of the list
 * that the ranking has not. */
MMN_API mmn_status mmn_perturb(mmn_result **result, const mmn_model *model,
                               const mmn_perturb_options *options, mmn_error *error);

/* ---- The logit lens -------------------------------------------------------------------------- */

typedef struct mmn_lens_options {
    size_t size; /* sizeof(mmn_lens_options) */
    const char *list;    /* DATA.jsonl */
    const char *stages;  /* what is read of each language layer, separated by commas: "out", its
                            output; "attn.out", its attention's output; "mid", the state between
                            attention and MLP; "mlp.out", its MLP's output; NULL: "out" */
    uint64_t samples;    /* per domain, the first N of the list; 0: all */
    uint64_t top;        /* how many words are kept; 0: 5 */
    uint64_t examples;   /* per domain, how many samples are kept with chosen positions in full */
    const char *positions; /* which: "last", "all", numbers from 0, "image:K", "text:K" (K of them,
                              evenly spread), separated by commas; NULL: "last" */
    const char *neuron;    /* "MODULE:LAYER:NEURON": of these samples, its activation at the patches of
                              the first picture; NULL: none */
    const char *neurons;     /* neurons.json whose neurons are off; NULL: none are */
    const char *off_domain;  /* those of this domain; NULL: of each sample's own */
    const char *off_setting; /* as for mmn_mask_from_file; NULL: "all" */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors else */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    int other_model; /* take neurons of another model, as results then say; else MMN_INPUT */
    mmn_progress_function progress;
    void *progress_context;
} mmn_lens_options;

/* Reads the states of every language layer at every position of each sample's prompt as the model's
 * end reads its last: softmax(lm_head(norm(h))), its entropy in nats and its most probable words,
 * averaged for each domain over image and over text positions (doc/method.md). The same bits on
 * every machine. Memory does not grow with positions x vocabulary. */
MMN_API mmn_status mmn_lens_run(mmn_result **result, const mmn_model *model,
                                const mmn_lens_options *options, mmn_error *error);

/* ---- Multi-modal neurons --------------------------------------------------------------------- */

typedef struct mmn_contribution_options {
    size_t size; /* sizeof(mmn_contribution_options) */
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
    double noise;     /* standard deviation of the noise; 0: 0.5 */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    mmn_progress_function progress;
    void *progress_context;
} mmn_contribution_options;

/* Lets the model answer, greedily, and finds for each word of the answer the neurons of the language
 * model that add most to it: activation where the word's first token is emitted, times the neuron's
 * output column times the token's row of the head (Pan et al., arXiv 2311.07470; doc/method.md). For
 * each of them the words it stands for and its activation at the patches of the first picture; with
 * seeds, what becomes of the word when they are disturbed, and when random ones are. The same bits on
 * every machine. MMN_USAGE when the answer has no such word. Memory grows with the words of the answer,
 * not with layers x neurons x vocabulary. */
MMN_API mmn_status mmn_contributions_run(mmn_result **result, const mmn_model *model,
                                         const mmn_contribution_options *options,
                                         mmn_error *error);

/* ---- Reports --------------------------------------------------------------------------------- */

/* These functions are in libmmneuron_page (-lmmneuron_page; pkg-config calls it mmneuron-page), so that
 * whoever makes no pages carries none of what draws them. */

typedef enum mmn_report_format {
    MMN_REPORT_HTML,     /* one page that needs nothing but itself */
    MMN_REPORT_MARKDOWN, /* one text: the figures' tables */
    MMN_REPORT_SVG,      /* the figures, each a file */
    MMN_REPORT_CSV       /* their tables, each a file */
} mmn_report_format;

typedef struct mmn_report_options {
    size_t size; /* sizeof(mmn_report_options) */
    const char *images; /* folder of the samples' pictures; NULL: that of the list lens was given */
    const char *title;  /* NULL: "Domain neurons" */
} mmn_report_options;

typedef struct mmn_report mmn_report;

/* Reads results (counts, neurons.json, and what eval, perturb, lens and contrib wrote; at most one
 * of each kind, in any order) and makes the figures that they allow. MMN_INPUT when a file is no result, or
 * when there is nothing to show. */
MMN_API mmn_status mmn_report_read(mmn_report **report, const char *const *files,
                                   size_t file_count, const mmn_report_options *options,
                                   mmn_error *error);
MMN_API void mmn_report_free(mmn_report *report);
/* The figures' names, "neurons" or "words-1", valid until the report is freed. */
MMN_API size_t mmn_report_figure_count(const mmn_report *report);
MMN_API const char *mmn_report_figure_name(const mmn_report *report, size_t index);
/* Writes the figure of this name to the file `output`, or all (NULL): HTML and Markdown to the file
 * `output`, SVG and CSV to files NAME.svg or NAME.csv of the folder `output`, which is made if it is
 * not there. MMN_USAGE when there is no such figure. */
MMN_API mmn_status mmn_report_write(const mmn_report *report, mmn_report_format format,
                                    const char *figure, const char *output, mmn_error *error);
/* Bar charts for a terminal, of the neurons and accuracies ("" if it has none); with block characters
 * if `blocks`, else in ASCII but for names. */
MMN_API mmn_status mmn_report_charts(const mmn_report *report, int blocks, char **text,
                                     mmn_error *error);

/* ---- Dumps ----------------------------------------------------------------------------------- */

typedef struct mmn_dump_options {
    size_t size; /* sizeof(mmn_dump_options) */
    const char *stages; /* glob patterns separated by commas; NULL: all */
    size_t generate;    /* tokens to generate, stored as generated_ids; 0: none */
} mmn_dump_options;

/* Runs `input` through the model and writes the wanted stages to a safetensors file. A dump is also
 * for finding out why numbers are infinite or NaN: it goes on with them, its metadata's "nonfinite" says
 * where they were first, and mmn_model_nonfinite counts them. */
MMN_API mmn_status mmn_dump(const mmn_model *model, const mmn_input *input,
                            const mmn_dump_options *options, const char *file, mmn_error *error);

typedef struct mmn_verify_options {
    size_t size; /* sizeof(mmn_verify_options) */
    const char *stages; /* glob patterns separated by commas; NULL: all of the reference */
    double tolerance;   /* relative RMS allowed per stage; 0: the reference's own, else by type */
    const char *computed_in; /* the type that the less exact side computed in, "f32" (1e-5), "bf16"
                                (5e-2) or "f16" (1e-2); NULL: what the files' metadata say */
    int common;         /* stages that only one of the files has are passed over */
    int one_tile;       /* where one file has more tiles than the other, its tile number `tile` is */
    size_t tile;        /* compared, counted from 0 */
} mmn_verify_options;

/* Compares two dumps stage by stage in the order of the forward pass; the table "stages" of the result has
 * a row for each. Status MMN_DIFFERENT when a stage is outside its tolerance or missing from the dump;
 * *result is set then too. */
MMN_API mmn_status mmn_verify(mmn_result **result, const char *dump, const char *reference,
                              const mmn_verify_options *options, mmn_error *error);

/* One line per stage of a dump, "digest  stage" in the order of the forward pass, and the digest of
 * all; doc/formats.md states the byte layout. */
MMN_API mmn_status mmn_dump_digests(const char *dump, const char *stages, char **text,
                                    mmn_error *error);

#ifdef __cplusplus
}
#endif

#endif
