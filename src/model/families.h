/* The families, language models and vision towers that there are: each is defined in a file of its
 * own and listed in families.c or forms.c. */
#ifndef MMN_MODEL_FAMILIES_H
#define MMN_MODEL_FAMILIES_H

#include "model/family.h"

extern const mmn_family mmn_family_llava, mmn_family_llava_next, mmn_family_instructblip;
extern const mmn_family mmn_family_llama, mmn_family_mistral, mmn_family_qwen2, mmn_family_bloom;
extern const mmn_language_form mmn_language_llama, mmn_language_mistral, mmn_language_qwen2;
extern const mmn_language_form mmn_language_bloom;
extern const mmn_vision_form mmn_vision_clip, mmn_vision_eva, mmn_vision_siglip;

#endif
