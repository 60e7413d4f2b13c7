/* Families: what is particular to each kind of model, of language model and of vision tower, as
 * tables of functions. The forward pass, the commands and everything about neurons know none of
 * them by name; families.c, language_forms.c and vision_forms.c list all. */
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
    mmn_generation_config tokens;    /* its class's, where the files do not say */
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
    mmn_image_processor
        image_processor; /* whose defaults its images have; families that read any */
    /* As mmn_family_template, but NULL for "raw"; the function may be NULL too. */
    const char *(*template_name)(const mmn_language_form *language);
    /* Writes the modules, in the order of their stages, and returns how many there are. */
    size_t (*list_modules)(mmn_module modules[MMN_MODULES], const mmn_config *config);
};

/* The name of the prompt template that models of this family and language model were trained with;
 * "raw" for all of which nothing tells whether they were tuned to chat. */
const char *mmn_family_template(const mmn_config *config);

/* The family of a config.json, or NULL: one that is not supported is wrong, and the message lists
 * those that are. */
const mmn_family *mmn_family_find(const mmn_object *object);

extern const mmn_family mmn_family_llava, mmn_family_llava_next, mmn_family_llava_original,
    mmn_family_instructblip, mmn_family_deberta, mmn_family_owlvit;

/* ---- What families share --------------------------------------------------------------------- */

/* Read config.json's part about a language model or vision tower, of whatever form `object` says
 * that it is; without a word it is a LLaMA, or the `usual` tower. Another is wrong, as above. */
void mmn_language_config_read(mmn_language_config *language, const mmn_object *root,
                              const mmn_object *object);
void mmn_vision_config_read(mmn_vision_config *vision, const mmn_object *object, const char *usual);

/* Tensors and modules of LLaVA's families, whose projector has one layer or two. */
void mmn_llava_bind(mmn_binder *binder, mmn_weights *weights, const mmn_config *config);
size_t mmn_llava_list_modules(mmn_module modules[MMN_MODULES], const mmn_config *config);

/* The modules of a vision tower of which hidden state `last_used` is the last that is read, and of
 * a language model. */
mmn_module mmn_vision_module(const mmn_vision_config *config, uint32_t last_used);
mmn_module mmn_language_module(const mmn_language_config *config);

/* ---- What readers of configurations share ---------------------------------------------------- */

/* The largest numbers accepted. They are far above any published model and keep every product of
 * them that the forward pass makes inside 64 bits. */
#define MMN_LIMIT_WIDTH 65536u
#define MMN_LIMIT_INTERMEDIATE 1048576u
#define MMN_LIMIT_LAYERS 1024u
#define MMN_LIMIT_HEADS 1024u
#define MMN_LIMIT_VOCABULARY 4194304u
#define MMN_LIMIT_IMAGE 4096u
#define MMN_LIMIT_POSITIONS 16777216u /* positions are exact in f32 up to here */

/* The model_type of a table's entry `index`, or NULL behind the last. */
typedef const char *(*mmn_name_function)(size_t index);

/* Sets *index to the entry that `object` names at "model_type", or without it to the one called
 * `fallback`, and returns whether there is one; if not, that is wrong. */
bool mmn_find_model_type(size_t *index, const mmn_object *object, const char *what,
                         const char *fallback, mmn_name_function name);

/* Reads the rotary embedding's parameters, in either form, into language->rope, whose theta is the
 * class's; the language model's other numbers have been read. */
void mmn_config_rope(mmn_language_config *language, const mmn_object *object);

/* Reads the activation function that `key` names; absent: *activation is left as it was. */
void mmn_config_activation(mmn_activation *activation, const mmn_object *object, const char *key);

/* *head_dim: `width` divided among heads, whose number `key` says. */
void mmn_config_heads(uint32_t *head_dim, const mmn_object *object, const char *key, uint32_t heads,
                      uint32_t width);

/* Reads the placeholder's id: image_token_index, or its alias image_token_id, which overrules
 * it. */
void mmn_config_image_token(mmn_config *config, const mmn_object *root, int64_t usual);

#endif
