/* The table of prompt templates, and how one is applied to a question. */
#include "text/template.h"

#include <string.h>

#include "base/names.h"
#include "base/text_buffer.h"

/* A prompt is `before`, then `image` or `no_image`, the question, and `after`. */
typedef struct prompt_template {
    const char *name;
    const char *before, *image, *no_image, *after;
} prompt_template;

#define CURIOUS_HUMAN                                                                              \
    "A chat between a curious human and an artificial intelligence assistant. "                    \
    "The assistant gives helpful, detailed, and polite answers to the human's questions."

static const prompt_template templates[] = {
    {"llava-1.5", "USER: ", "<image>\n", "", " ASSISTANT:"},
    {"llava-v1.6-vicuna", CURIOUS_HUMAN " USER: ", "<image>\n", "", " ASSISTANT:"},
    {"llava-v1.6-mistral", "[INST] ", "<image>\n", "", " [/INST]"},
    /* The published chat template: its text begins with a line break, image or not. */
    {"llava-interleave-qwen", "<|im_start|>user\n", "<image>\n", "\n",
     "<|im_end|>\n<|im_start|>assistant\n"},
    /* The original LLaVA's first conversation, and that of its LLaMA-2. */
    {"llava-v0", CURIOUS_HUMAN "###Human: ", "<image>\n", "", "###Assistant:"},
    {"llava-llama-2",
     "[INST] <<SYS>>\nYou are a helpful language and vision assistant. You are able to understand "
     "the visual content that the user provides, and assist the user with a variety of tasks using "
     "natural language.\n<</SYS>>\n\n",
     "<image>\n", "", " [/INST]"},
    /* InstructBLIP was trained with many forms of instructions, the bare question among them, and
     * with this one for short answers. Its image has no place in the text. */
    {"instructblip", "", "", "", ""},
    {"instructblip-short-answer", "Question: ", "", "", " Short Answer:"},
    /* Language models tuned to chat: one question, and for Qwen2 the system's line that its
     * published template adds where none is given. The tokenizer adds what a text begins with. */
    {"llama-2-chat", "[INST] ", "<image>\n", "", " [/INST]"},
    {"llama-3-instruct", "<|start_header_id|>user<|end_header_id|>\n\n", "<image>\n", "",
     "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"},
    {"mistral-instruct", "[INST] ", "<image>\n", "", " [/INST]"},
    {"qwen2-instruct",
     "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n", "<image>\n",
     "", "<|im_end|>\n<|im_start|>assistant\n"},
    /* Other published forms. */
    {"mistral-instruct-v0.3", "[INST] ", "<image>\n", "", "[/INST]"},
    {"llava-v1.6-34b", "<|im_start|>system\nAnswer the questions.<|im_end|><|im_start|>user\n",
     "<image>\n", "", "<|im_end|><|im_start|>assistant\n"},
    {"chatml", "<|im_start|>user\n", "<image>\n", "", "<|im_end|>\n<|im_start|>assistant\n"},
    {"smollm2-instruct",
     "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging "
     "Face<|im_end|>\n<|im_start|>user\n",
     "<image>\n", "", "<|im_end|>\n<|im_start|>assistant\n"},
    {"raw", "", "<image>\n", "", ""},
};

enum { TEMPLATE_COUNT = MMN_LENGTH(templates) };

static const char placeholder[] = "<image>";

const char *mmn_template_name(size_t index)
{
    return index < TEMPLATE_COUNT ? templates[index].name : NULL;
}

static mmn_status refuse(const char *name, mmn_error *error)
{
    mmn_text known = {0};
    for (size_t i = 0; i < TEMPLATE_COUNT; i++)
        mmn_text_add(&known, "%s%s",
                     i == 0                    ? ""
                     : i + 1 == TEMPLATE_COUNT ? " or "
                                               : ", ",
                     templates[i].name);
    mmn_status status = mmn_text_status(&known, error);
    if (status == MMN_OK)
        status = mmn_fail(error, MMN_USAGE, NULL, NULL,
                          "there is no prompt template \"%s\": expected %s", name, known.text);
    mmn_text_free(&known);
    return status;
}

mmn_status mmn_template_apply(const char *name, const char *question, bool has_image, char **prompt,
                              mmn_error *error)
{
    size_t index = MMN_NAME_INDEX(name, templates);
    *prompt = NULL;
    if (index == TEMPLATE_COUNT)
        return refuse(name, error);
    const prompt_template *chosen = &templates[index];
    const char *image = has_image ? chosen->image : chosen->no_image, *first = "";
    if (strstr(question, placeholder))
        image = "";
    /* An image that has no place in the text can only begin the prompt, as it begins the
     * question. */
    if (chosen->image[0] == '\0' && strncmp(question, placeholder, strlen(placeholder)) == 0) {
        first = placeholder;
        question += strlen(placeholder);
        question += *question == '\n';
    }
    mmn_text text = {0};
    mmn_text_add(&text, "%s%s%s%s%s", first, chosen->before, image, question, chosen->after);
    return mmn_text_finish(&text, prompt, error);
}
