/* Binding: taking named tensors out of a checkpoint, each once and with the shape expected. */
#ifndef MMN_MODEL_BINDER_H
#define MMN_MODEL_BINDER_H

#include "base/memory.h"
#include "model/weights.h"

/* The beginning of a name and what takes its place. Lists of rules end with a NULL prefix. */
typedef struct mmn_name_rule {
    const char *prefix, *replacement;
} mmn_name_rule;

/* The rules can lengthen a name by this much, its terminating zero included. */
#define MMN_NAME_GROWTH 32

/* Writes the normalised form of a tensor's name, one for what each version of each library calls
 * it, to `name`, which has room for strlen(original) + MMN_NAME_GROWTH bytes: the name itself where
 * no rule applies. `rules` (may be NULL) are those of a family, behind those that all have. */
void mmn_normalise_name(char *name, const char *original, const mmn_name_rule *rules);

/* A vector, `length` elements of a tensor from `first` on, whose place waits for the one block that
 * all vectors share. */
typedef struct mmn_waiting_vector {
    const float **place;
    const mmn_tensor *tensor;
    size_t first, length;
} mmn_waiting_vector;

/* What a checkpoint would have to hold. Zero-initialise; free with mmn_wanted_free. */
typedef struct mmn_wanted {
    mmn_tensor *list; /* normalised names and shapes, in the order of binding */
    size_t count, capacity;
    mmn_blocks names;
} mmn_wanted;

void mmn_wanted_free(mmn_wanted *wanted);

/* A binding in progress. The first failure is kept in `status`; what is called after it does
 * nothing. */
typedef struct mmn_binder {
    mmn_named_tensor *named; /* the checkpoint's tensors, in the order of their normalised names */
    size_t count;
    char *names;               /* what `named` points to */
    bool *used;                /* by index of `named` */
    mmn_named_tensor *aliases; /* behind them: those with second names in the files' metadata */
    size_t alias_count;
    const char *file;           /* names the checkpoint in messages */
    char prefix[96];            /* with which the names begin that are taken next */
    uint64_t parameters, bytes; /* of the tensors taken */
    bool seen_types[MMN_WEIGHT_BF16 + 1];
    mmn_waiting_vector *vectors;
    size_t vector_count, vector_capacity;
    mmn_wanted *wanted; /* lists what is not there and not optional, in place of refusing it */
    mmn_status status;
    mmn_error *error;
} mmn_binder;

/* Lists `tensors` under their normalised names, for which there are `rules` besides the common
 * ones; those that can be computed from the configuration are left out. The binder must be freed
 * whatever its status. */
void mmn_binder_begin(mmn_binder *binder, const mmn_safetensors *tensors, const char *file,
                      const mmn_name_rule *rules, mmn_error *error);
/* Frees the scratch memory; `named` and `names` are the caller's. */
void mmn_binder_free(mmn_binder *binder);

/* The tensor with this normalised name, also where it is stored under another that the file's
 * metadata says is the same; or NULL. */
const mmn_tensor *mmn_binder_find(const mmn_binder *binder, const char *name);

/* The type of weights that are stored so; -1: it is none of weights. */
int mmn_stored_weight_type(mmn_tensor_type stored);

/* How the names begin of all that is taken next; there is no prefix at first. */
void mmn_binder_prefix(mmn_binder *binder, const char *format, ...) MMN_PRINTF(2, 3);
void mmn_binder_no_prefix(mmn_binder *binder);

/* A shape and the number of its dimensions, as two arguments. */
#define MMN_SHAPE(...)                                                                             \
    (const size_t[]){__VA_ARGS__}, sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t)

/* Takes a tensor, which must have this shape and a type of weights. NULL if there is none, which is
 * an error unless it is optional, or if something is wrong with it. */
const mmn_tensor *mmn_binder_take(mmn_binder *binder, const char *name, const size_t *shape,
                                  size_t dimensions, bool optional);
/* Takes a matrix: shape[0] rows, and columns of the product of the other dimensions. */
void mmn_binder_take_matrix(mmn_binder *binder, mmn_matrix *matrix, const char *name,
                            const size_t *shape, size_t dimensions, bool optional);
/* Takes a vector; *vector is set by mmn_binder_finish. */
void mmn_binder_take_vector(mmn_binder *binder, const float **vector, const char *name,
                            size_t length);
/* The same for an array of any shape, whose elements are widened in their order. */
void mmn_binder_take_array(mmn_binder *binder, const float **array, const char *name,
                           const size_t *shape, size_t dimensions);

/* Takes weight [outputs, inputs] and, with `bias`, bias [outputs] of a linear layer: the tensors
 * "name.weight" and "name.bias". */
void mmn_binder_take_linear(mmn_binder *binder, mmn_linear *linear, const char *name,
                            size_t outputs, size_t inputs, bool bias);
/* Takes `count` linear layers with the same input whose rows lie one behind the other in one
 * tensor, weight [count * outputs, inputs] and, with `bias`, bias [count * outputs], named as
 * above. */
void mmn_binder_take_stacked(mmn_binder *binder, mmn_linear *const *linears, size_t count,
                             const char *name, size_t outputs, size_t inputs, bool bias);
/* Takes weight and, with `bias`, bias of a normalisation, [width] each, named as above. */
void mmn_binder_take_norm(mmn_binder *binder, mmn_norm *norm, const char *name, size_t width,
                          bool bias);

/* Takes a feed-forward layer of BERT's, whose parts' names may have a suffix ("_query"). */
void mmn_binder_take_bert_mlp(mmn_binder *binder, mmn_bert_mlp_weights *mlp, const char *suffix,
                              size_t width, size_t inner);

/* Checks that no tensor is left, and widens all vectors to f32 into one block, *vectors. */
void mmn_binder_finish(mmn_binder *binder, float **vectors);

#endif
