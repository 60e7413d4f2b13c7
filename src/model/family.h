/* Families: what is particular to each kind of model, of language model and of vision tower, as
 * tables of functions. The forward pass, the commands and everything about neurons know none of
 * them by name; families.c and forms.c list all. */
#ifndef MMN_MODEL_FAMILY_H
#define MMN_MODEL_FAMILY_H

#include "base/modules.h"
#include "base/reader.h"
#include "mmneuron.h"
#include "model/binder.h"
#include "model/config.h"
#include "model/input.h"

/* A kind of language model. */
struct mmn_language_form {
    const char *model_type; /* of text_config, or of config.json where there is only text */
    const mmn_name_rule *name_rules; /* for its tensors, besides the common ones; may be NULL */
    mmn_generation_config tokens; /* its class's, where the files do not say */
    /* Fills *language, whose form is set, with what `object` says and the class's defaults. Its
     * value is NULL where config.json leaves it out. `root` is the whole document, where some keys
     * of it may stand. */
    void (*read)(mmn_language_config *language, const mmn_object *root, const mmn_object *object);
    /* Takes its tensors; language->layers is allocated. */
    void (*bind)(mmn_binder *binder, mmn_language_weights *language,
                 const mmn_language_config *config);
};

/* A kind of vision tower. */
struct mmn_vision_form {
    const char *model_type; /* of vision_config */
    const char *name;       /* for people */
    bool name_in_digest;    /* not CLIP, whose digests are older than other towers */
    /* As above, but for which hidden states are read, and how: that is the family's business. */
    void (*read)(mmn_vision_config *vision, const mmn_object *object);
    void (*bind)(mmn_binder *binder, mmn_vision_weights *vision, const mmn_vision_config *config);
};

/* What makes of the tower's features what enters the language model at the image positions. */
typedef enum mmn_connector { MMN_CONNECTOR_PROJECTOR, MMN_CONNECTOR_QFORMER } mmn_connector;

/* A kind of model: its parts, and what stands between vision tower and language model. */
struct mmn_family {
    const char *model_type; /* of config.json */
    /* Fills *config, whose family is set, but for the tokens of `generation`. */
    void (*read)(mmn_config *config, const mmn_object *root);
    /* Takes all tensors; all parts' layers are allocated. */
    void (*bind)(mmn_binder *binder, mmn_weights *weights, const mmn_config *config);
    mmn_connector connector; /* of families that read images */
    mmn_image_processor image_processor; /* whose defaults its images have; families that read any */
    /* As mmn_family_template, but NULL for "raw"; the function may be NULL too. */
    const char *(*template_name)(const mmn_language_form *language);
    /* Writes the modules, in the order of their stages, and returns how many there are. */
    size_t (*list_modules)(mmn_module modules[MMN_MODULES], const mmn_config *config);
};

/* The name of the prompt template that models of this family and language model were trained with; "raw"
 * for all of which nothing tells whether they were tuned to chat. */
const char *mmn_family_template(const mmn_config *config);

/* The family of a config.json, or NULL: one that is not supported is wrong, and the message lists those
 * that are. */
const mmn_family *mmn_family_find(const mmn_object *object);

/* Read config.json's part about a language model or vision tower, of whatever form `object` says
 * that it is; without a word it is a LLaMA, or CLIP's. Another is wrong, as above. */
void mmn_language_config_read(mmn_language_config *language, const mmn_object *root,
                              const mmn_object *object);
void mmn_vision_config_read(mmn_vision_config *vision, const mmn_object *object);

/* The modules of a vision tower of which hidden state `last_used` is the last that is read, and of
 * a language model. */
mmn_module mmn_vision_module(const mmn_vision_config *config, uint32_t last_used);
mmn_module mmn_language_module(const mmn_language_config *config);

#endif
