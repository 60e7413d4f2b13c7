/* A model: everything that mmn_model_open has read and decided, shared by sessions and inputs. */
#ifndef MMN_MODEL_MODEL_H
#define MMN_MODEL_MODEL_H

#include "base/interrupt.h"
#include "image/settings.h"
#include "mmneuron.h"
#include "model/compute.h"
#include "model/config.h"
#include "model/delta.h"
#include "model/family.h"
#include "model/folder.h"
#include "model/generation_rules.h"
#include "model/prompt.h"
#include "model/weights.h"
#include "text/tokenizer.h"

struct mmn_model {
    char *folder;
    uint64_t number; /* which no other model of the process has */
    mmn_config config;
    mmn_generation_rules rules;
    mmn_weights *weights;
    mmn_deltas deltas;                /* which the weights do not have */
    mmn_tokenizer *tokenizer;         /* NULL: texts are neither read nor written */
    mmn_tokenizer *qformer_tokenizer; /* NULL: the model has no Q-Former */
    mmn_own_template own_template;    /* the folder's chat template, or none */
    const char *usual_template;       /* of the model's family */
    mmn_image_settings image_settings;
    mmn_compute compute;
    mmn_interrupt interrupt; /* read-only: a session has its own */
    mmn_finite_watch watch;  /* what each session's begins as */
    mmn_nonfinite passed;
    mmn_remarks remarks;
    mmn_module modules[MMN_MODULES];
    mmn_model_info info;
};

/* How its pictures are resized: "horizontal-first" or "pillow-13". */
const char *mmn_model_resize_order(const mmn_model *model);

/* Whether the model continues texts. A judge and a detector do not. */
bool mmn_model_has_language(const mmn_model *model);

/* MMN_INPUT where it does not: such a model neither answers nor has neurons that are counted. */
mmn_status mmn_model_check_language(const mmn_model *model, mmn_error *error);

#endif
