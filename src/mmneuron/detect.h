/* mmneuron/detect.h: detectors: models that find in a picture what texts name (OWL-ViT, arXiv
 * 2205.06230), and language models that read what they see.
 *
 * Ownership. Results are freed with mmn_result_free. What options point to is needed until the
 * function returns.
 *
 * Threads. A model is for all threads. */
#ifndef MMNEURON_DETECT_H
#define MMNEURON_DETECT_H

#include <stddef.h>
#include <stdint.h>

#include "mmneuron/error.h"
#include "mmneuron/model.h"
#include "mmneuron/result.h"
#include "mmneuron/study.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmn_detect_options {
    size_t size;                /* sizeof(mmn_detect_options) */
    const char *image;          /* a picture's file */
    const char *const *queries; /* "a photo of a cat", ... */
    size_t query_count;         /* at least 1 */
    double threshold; /* what is found has a score above it, in 0..1; transformers' usual is 0.1 */
    mmn_progress_function progress;
    void *progress_context;
} mmn_detect_options;

/* Looks for what the queries name. Each patch of the model's grid has a box; its score is the
 * sigmoid of the largest of the queries' logits there, and its query the first that has that. The
 * result has the boxes with scores above the threshold, the largest score first, in pixels of the
 * picture: as transformers' post_process_object_detection gives them. The same bits on every
 * machine. MMN_INPUT for a model that is no detector, a picture that cannot be read, and a query of
 * more tokens than the model reads. */
MMN_API mmn_status mmn_detect(mmn_result **result, const mmn_model *model,
                              const mmn_detect_options *options, mmn_error *error);

/* ---- The joint model ------------------------------------------------------------------------- */

typedef struct mmn_locate_options {
    size_t size;           /* sizeof(mmn_locate_options) */
    const char *alignment; /* a safetensors file: the network that makes of a patch of the
                              detector's embedding what the language model reads (doc/formats.md) */
    const char *image;     /* a picture's file */
    const char *prompt;    /* the raw text, with "<image>" where the picture goes */
    const char *word;      /* whose logit behind the prompt is derived; NULL: none */
    const char *weights;   /* what of a box the map shows: "class", "coordinates" or "any"; NULL:
                              "class" */
    const char *from, *to; /* NULL, or words: answer once more after a step of the embedding to
                              where the detector sees `to` rather than `from` */
    double epsilon;        /* by which each of its numbers goes; 0: 1 */
    uint64_t tokens;       /* of the answer, at most 4096; 0: 32 */
    mmn_progress_function progress;
    void *progress_context;
} mmn_locate_options;

/* Lets a language model answer a prompt about a picture that it reads through a detector: what
 * enters the last layer of the detector's tower goes, without the class token, through the
 * alignment to the positions of the image, and the language model's own tower is left out (Giulivi
 * and Boracchi, arXiv 2405.14612). Of a word it gives the logit of its last token behind the
 * prompt, and the length of that logit's gradient by the embedding. The same bits on every machine.
 * MMN_INPUT for models that are of other kinds or do not fit the alignment or each other: the
 * picture must have as many positions in the language model as the detector has patches. */
MMN_API mmn_status mmn_locate(mmn_result **result, const mmn_model *detector,
                              const mmn_model *language, const mmn_locate_options *options,
                              mmn_error *error);

/* ---- Hallucinations -------------------------------------------------------------------------- */

typedef struct mmn_hallucinations_options {
    size_t size;               /* sizeof(mmn_hallucinations_options) */
    const char *list;          /* DATA.jsonl, each line of which has a picture and its objects */
    const mmn_model *detector; /* through which the language model reads the pictures */
    const char *alignment;     /* as in mmn_locate_options */
    const char *prompt;  /* the raw text, with "<image>" where the picture goes and "{class}" where
                            the class does; NULL: as published (doc/method.md) */
    const char *classes; /* that are asked about, separated by commas; NULL: all objects of the
                            list, in bytewise order */
    uint64_t samples;    /* per domain, the first N of the list; 0: all */
    uint64_t tokens;     /* of an answer, at most 4096; 0: 16 */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors
                               else */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    mmn_progress_function progress;
    void *progress_context;
    mmn_rows_options rows;
} mmn_hallucinations_options;

/* Asks the joint model of `detector` and `model` (mmn_locate) about each picture of a list whether
 * things of each class are in it, and the detector for the class: the largest score of any box is
 * its confidence. Counts answers of yes, of no and others where the class is among the picture's
 * objects and where it is not, with the confidences of each, and tells the hallucinations, which
 * are absent and answered yes, with the boxes that speak for them (Giulivi and Boracchi, arXiv
 * 2405.14612; doc/method.md). The same bits on every machine. MMN_INPUT as from mmn_locate, and for
 * a line without objects or without just one picture. */
MMN_API mmn_status mmn_hallucinations_run(mmn_result **result, const mmn_model *model,
                                          const mmn_hallucinations_options *options,
                                          mmn_error *error);

/* ---- Bias ------------------------------------------------------------------------------------ */

typedef struct mmn_bias_options {
    size_t size;      /* sizeof(mmn_bias_options) */
    const char *list; /* DATA.jsonl, each line of which has a picture, and a property unless that
                         of all lines is named */
    const mmn_model *detector; /* through which the language model reads the pictures */
    const char *alignment;     /* as in mmn_locate_options */
    const char *from, *to;     /* words: the step goes to where the detector sees `to` rather than
                                  `from` */
    double epsilon;            /* by which each number of the embedding goes; 0: 1 */
    const char *property;      /* of lines that have none of their own; NULL: all must have one */
    const char *prompt;     /* the raw text, with "<image>" where the picture goes and "{property}"
                               where the property does; NULL: as published (doc/method.md) */
    uint64_t samples;       /* per domain, the first N of the list; 0: all */
    uint64_t tokens;        /* of an answer, at most 4096; 0: 100 */
    int allow_unknown_keys; /* pass over keys of the list that no sample has, which are errors
                               else */
    int allow_long_prompts; /* run prompts of more positions than the model was made for */
    mmn_progress_function progress;
    void *progress_context;
    mmn_rows_options rows;
} mmn_bias_options;

/* Asks the joint model of `detector` and `model` (mmn_locate) about each picture of a list how
 * likely the person in it has a property, from 1 to 10, and again after one step of the picture's
 * embedding, as mmn_locate makes it; where both answers are whole numbers from 1 to 10, the
 * difference is the bias score (Giulivi and Boracchi, arXiv 2405.14612; doc/method.md), of which
 * the result has the means by domain. The same bits on every machine. MMN_INPUT as from mmn_locate,
 * and for a line without a property or without just one picture. */
MMN_API mmn_status mmn_bias_run(mmn_result **result, const mmn_model *model,
                                const mmn_bias_options *options, mmn_error *error);

#ifdef __cplusplus
}
#endif

#endif
