/* Names of weights: one normalised form for what each version of each library calls a tensor. */
#include <string.h>

#include "model/weights.h"

/* Rules for the beginning of a name, applied one after the other as long as one fits. Layouts: P,
 * published by llava-hf; 4, transformers from 4.52 on; 5, transformers 5; F, transformers 5 saving
 * a model that it did not load; O, the original code; B, a language model saved without its head. */
static const mmn_name_rule common_rules[] = {
    {"model.language_model.", "language_model."}, /* 4 5 */
    {"model.vision_tower.", "vision_tower."}, /* 4 5 O */
    {"model.multi_modal_projector.", "multi_modal_projector."}, /* 4 5 */
    {"model.image_newline", "image_newline"}, /* 4 5 O */
    {"model.mm_projector.0.", "multi_modal_projector.linear_1."}, /* O */
    {"model.mm_projector.2.", "multi_modal_projector.linear_2."}, /* O */
    {"model.layers.", "language_model.layers."}, /* O */
    {"model.embed_tokens.", "language_model.embed_tokens."}, /* O */
    {"model.norm.", "language_model.norm."}, /* O */
    {"layers.", "language_model.layers."}, /* B */
    {"embed_tokens.", "language_model.embed_tokens."}, /* B */
    {"norm.", "language_model.norm."}, /* B */
    {"language_model.lm_head.", "lm_head."}, /* P F */
    {"language_model.model.", "language_model."}, /* P F */
    {"vision_tower.vision_tower.", "vision_tower."}, /* O */
    {"vision_tower.vision_model.", "vision_tower."}, /* P 4 O */
    {"vision_model.", "vision_tower."}, /* InstructBLIP's P and 5 */
    {NULL, NULL},
};

/* Replaces the beginning of `name` by the first rule that fits. */
static bool apply_rule(char *name, const mmn_name_rule *rules)
{
    for (; rules && rules->prefix; rules++) {
        size_t prefix = strlen(rules->prefix), replacement = strlen(rules->replacement);
        if (strncmp(name, rules->prefix, prefix) == 0) {
            memmove(name + replacement, name + prefix, strlen(name + prefix) + 1);
            memcpy(name, rules->replacement, replacement);
            return true;
        }
    }
    return false;
}

void mmn_weights_normalise_name(char *name, const char *original, const mmn_name_rule *rules)
{
    memcpy(name, original, strlen(original) + 1);
    /* The longest chain is O's vision tower: three rules. The bound keeps a name that repeats
     * a prefix from going through more. */
    for (int step = 0; step < 3 && (apply_rule(name, common_rules) || apply_rule(name, rules));
         step++)
        continue;
}
