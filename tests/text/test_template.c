/* Prompt templates: the texts that the models were trained with. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "text/template.h"

static mmn_error error;

static void check(const char *name, bool has_image, const char *expected)
{
    char *prompt;
    cr_assert_eq(mmn_template_apply(name, "Why?", has_image, &prompt, &error), MMN_OK);
    cr_assert_str_eq(prompt, expected);
    mmn_free(prompt);
}

Test(template, gives_the_prompts_of_the_families)
{
    check("llava-1.5", true, "USER: <image>\nWhy? ASSISTANT:");
    check("llava-1.5", false, "USER: Why? ASSISTANT:");
    check("llava-v1.6-vicuna", true,
          "A chat between a curious human and an artificial intelligence assistant. The assistant "
          "gives helpful, detailed, and polite answers to the human's questions. "
          "USER: <image>\nWhy? ASSISTANT:");
    check("llava-v1.6-mistral", true, "[INST] <image>\nWhy? [/INST]");
    check("llava-v1.6-mistral", false, "[INST] Why? [/INST]");
    check("llama-2-chat", false, "[INST] Why? [/INST]");
    check("llama-3-instruct", false,
          "<|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
          "<|start_header_id|>assistant<|end_header_id|>\n\n");
    check("mistral-instruct", false, "[INST] Why? [/INST]");
    check("qwen2-instruct", false,
          "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
          "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n");
    check("llava-interleave-qwen", true,
          "<|im_start|>user\n<image>\nWhy?<|im_end|>\n<|im_start|>assistant\n");
    check("llava-interleave-qwen", false,
          "<|im_start|>user\n\nWhy?<|im_end|>\n<|im_start|>assistant\n");
    check("instructblip", true, "Why?");
    check("instructblip-short-answer", true, "Question: Why? Short Answer:");
    check("raw", false, "Why?");
    check("raw", true, "<image>\nWhy?");
}

/* InstructBLIP's image has no place in the text: it begins the prompt, or the question does. */
Test(template, begins_with_an_image_that_has_no_place)
{
    char *prompt;
    cr_assert_eq(
        mmn_template_apply("instructblip-short-answer", "<image>\nWhy?", true, &prompt, &error),
        MMN_OK);
    cr_expect_str_eq(prompt, "<image>Question: Why? Short Answer:");
    mmn_free(prompt);
    cr_assert_eq(mmn_template_apply("instructblip", "Why <image>?", true, &prompt, &error), MMN_OK);
    cr_expect_str_eq(prompt, "Why <image>?");
    mmn_free(prompt);
}

Test(template, leaves_an_image_where_the_question_has_it)
{
    char *prompt;
    cr_assert_eq(mmn_template_apply("llava-1.5", "Is <image> a cat?", true, &prompt, &error),
                 MMN_OK);
    cr_assert_str_eq(prompt, "USER: Is <image> a cat? ASSISTANT:");
    mmn_free(prompt);
    cr_assert_eq(mmn_template_apply("llava-interleave-qwen", "<image><image>\nThe same?", true,
                                    &prompt, &error),
                 MMN_OK);
    cr_assert_str_eq(prompt, "<|im_start|>user\n<image><image>\nThe same?<|im_end|>\n"
                             "<|im_start|>assistant\n");
    mmn_free(prompt);
}

Test(template, lists_the_names_in_its_error)
{
    char *prompt;
    cr_assert_eq(mmn_template_apply("llava", "Why?", true, &prompt, &error), MMN_USAGE);
    cr_assert_null(prompt);
    cr_assert(strstr(error.message, " or raw"), "%s", error.message);
    for (size_t i = 0; mmn_template_name(i); i++)
        cr_assert(strstr(error.message, mmn_template_name(i)), "%s", error.message);
}
