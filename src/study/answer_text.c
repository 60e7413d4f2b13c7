/* Texts of answers: the forms in which accuracy measures compare them. */
#include "study/accuracy.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "base/text_buffer.h"
#include "base/utf8.h"
#include "text/characters.h"

static size_t white_prefix(const char *text)
{
    size_t at = 0;
    while (text[at] != '\0' && mmn_is_whitespace(mmn_utf8_decode(text + at)))
        at += mmn_utf8_size(text + at);
    return at;
}

/* Bytes up to the next white space. */
static size_t word_prefix(const char *text)
{
    size_t at = 0;
    while (text[at] != '\0' && !mmn_is_whitespace(mmn_utf8_decode(text + at)))
        at += mmn_utf8_size(text + at);
    return at;
}

static void add_lowercase(mmn_text *result, const char *text, size_t length)
{
    for (size_t at = 0; at < length; at += mmn_utf8_size(text + at))
        mmn_text_add_character(result, mmn_to_lowercase(mmn_utf8_decode(text + at)));
}

mmn_status mmn_answer_lowercase(char **result, const char *text, mmn_error *error)
{
    mmn_text lower = {0};
    add_lowercase(&lower, text, strlen(text));
    return mmn_text_finish(&lower, result, error);
}

mmn_status mmn_answer_trimmed(char **result, const char *text, mmn_error *error)
{
    mmn_text lower = {0};
    size_t start = white_prefix(text), end = strlen(text);
    while (end > start) {
        size_t last = mmn_utf8_previous(text, end);
        if (!mmn_is_whitespace(mmn_utf8_decode(text + last)))
            break;
        end = last;
    }
    add_lowercase(&lower, text + start, end - start);
    return mmn_text_finish(&lower, result, error);
}

/* Adds a word of the text in the making; `word` is in lower case. */
typedef void (*add_word)(mmn_text *result, const char *word);

static void add_any_word(mmn_text *result, const char *word)
{
    mmn_text_add(result, "%s%s", result->length > 0 ? " " : "", word);
}

/* Calls `add` for each word of `text` in lower case. */
static mmn_status for_each_word(char **result, const char *text, add_word add, mmn_error *error)
{
    mmn_text words = {0};
    mmn_status status = MMN_OK;
    for (const char *at = text + white_prefix(text); *at != '\0' && status == MMN_OK;) {
        size_t length = word_prefix(at);
        char *word;
        mmn_text lower = {0};
        add_lowercase(&lower, at, length);
        status = mmn_text_finish(&lower, &word, error);
        if (status == MMN_OK)
            add(&words, word);
        mmn_free(word);
        at += length;
        at += white_prefix(at);
    }
    if (status == MMN_OK)
        return mmn_text_finish(&words, result, error);
    mmn_text_free(&words);
    *result = NULL;
    return status;
}

mmn_status mmn_answer_words(char **result, const char *text, mmn_error *error)
{
    return for_each_word(result, text, add_any_word, error);
}

static bool is_article(const char *word)
{
    return strcmp(word, "a") == 0 || strcmp(word, "an") == 0 || strcmp(word, "the") == 0;
}

/* ---- VQA ------------------------------------------------------------------------------------- */

/* Whether a comma stands between two digits somewhere. */
static bool has_grouped_digits(const char *text)
{
    for (const char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ','))
        if (comma > text && isdigit((unsigned char)comma[-1]) && isdigit((unsigned char)comma[1]))
            return true;
    return false;
}

/* Whether `mark` stands beside a space somewhere. */
static bool stands_beside_space(const char *text, char mark)
{
    for (const char *at = strchr(text, mark); at; at = strchr(at + 1, mark))
        if (at[1] == ' ' || (at > text && at[-1] == ' '))
            return true;
    return false;
}

/* Every punctuation mark goes if it stands beside a space anywhere in the answer, or if the answer
 * groups digits by commas; else a space takes its place. */
static void remove_punctuation(mmn_text *result, const char *text)
{
    bool grouped = has_grouped_digits(text);
    for (const char *at = text; *at != '\0'; at++) {
        if (!strchr(";/[]\"{}()=+\\_-><@`,?!", *at))
            mmn_text_add_bytes(result, at, 1);
        else if (!grouped && !stands_beside_space(text, *at))
            mmn_text_add_bytes(result, " ", 1);
    }
}

/* Full stops stay before a digit only. */
static void remove_full_stops(char *text)
{
    char *end = text;
    for (const char *at = text; *at != '\0'; at++)
        if (*at != '.' || isdigit((unsigned char)at[1]))
            *end++ = *at;
    *end = '\0';
}

/* Words that also count as contractions with one apostrophe left out. */
static const char *const contractions[] = {
    "ain't",       "aren't",      "can't",          "could've",     "couldn't",
    "couldn't've", "didn't",      "doesn't",        "don't",        "hadn't",
    "hadn't've",   "hasn't",      "haven't",        "he'd",         "he'd've",
    "he's",        "how'd",       "how'll",         "how's",        "isn't",
    "it'd",        "it'd've",     "it'll",          "ma'am",        "mightn't",
    "mightn't've", "might've",    "mustn't",        "must've",      "needn't",
    "not've",      "o'clock",     "oughtn't",       "'ow's'at",     "shan't",
    "she'd've",    "should've",   "shouldn't",      "shouldn't've", "somebody'd've",
    "somebody'll", "somebody's",  "someone'd",      "someone'd've", "someone'll",
    "someone's",   "something'd", "something'd've", "something'll", "that's",
    "there'd",     "there'd've",  "there're",       "there's",      "they'd",
    "they'd've",   "they'll",     "they're",        "they've",      "'twas",
    "wasn't",      "we'd've",     "we've",          "weren't",      "what'll",
    "what're",     "what's",      "what've",        "when's",       "where'd",
    "where's",     "where've",    "who'd",          "who'd've",     "who'll",
    "who's",       "who've",      "why'll",         "why're",       "why's",
    "won't",       "would've",    "wouldn't",       "wouldn't've",  "y'all",
    "y'all'll",    "y'all'd've",  "you'd",          "you'd've",     "you'll",
    "you're",      "you've",
};

/* Whether `word` is `full` with one of its apostrophes left out. */
static bool lacks_apostrophe(const char *word, const char *full)
{
    if (strlen(word) + 1 != strlen(full))
        return false;
    for (const char *mark = strchr(full, '\''); mark; mark = strchr(mark + 1, '\'')) {
        size_t before = (size_t)(mark - full);
        if (strncmp(word, full, before) == 0 && strcmp(word + before, mark + 1) == 0)
            return true;
    }
    return false;
}

/* The official table also has capitalised words ("Im"), which lower-cased answers never are, and
 * one entry the wrong way round. */
static const char *contraction(const char *word)
{
    if (strcmp(word, "somebody'd") == 0)
        return "somebodyd";
    for (size_t i = 0; i < MMN_LENGTH(contractions); i++)
        if (lacks_apostrophe(word, contractions[i]))
            return contractions[i];
    return word;
}

static void add_vqa_word(mmn_text *result, const char *word)
{
    static const char *const numbers[] = {"zero", "one",   "two",   "three", "four", "five",
                                          "six",  "seven", "eight", "nine",  "ten"};
    if (strcmp(word, "none") == 0) {
        add_any_word(result, "0");
        return;
    }
    for (int i = 0; i < (int)(MMN_LENGTH(numbers)); i++)
        if (strcmp(word, numbers[i]) == 0) {
            mmn_text_add(result, "%s%d", result->length > 0 ? " " : "", i);
            return;
        }
    if (!is_article(word))
        add_any_word(result, contraction(word));
}

mmn_status mmn_answer_vqa(char **result, const char *text, mmn_error *error)
{
    /* The official evaluation trims an answer and makes its line breaks and tabs spaces first. */
    char *trimmed, *bare;
    mmn_text without = {0};
    *result = NULL;
    MMN_TRY(mmn_answer_trimmed(&trimmed, text, error));
    for (char *at = trimmed; *at != '\0'; at++)
        if (*at == '\n' || *at == '\t')
            *at = ' ';
    remove_punctuation(&without, trimmed);
    mmn_free(trimmed);
    MMN_TRY(mmn_text_finish(&without, &bare, error));
    remove_full_stops(bare);
    const mmn_status status = for_each_word(result, bare, add_vqa_word, error);
    mmn_free(bare);
    return status;
}

/* ---- SQuAD ----------------------------------------------------------------------------------- */

static void add_squad_word(mmn_text *result, const char *word)
{
    if (!is_article(word))
        add_any_word(result, word);
}

mmn_status mmn_answer_squad(char **result, const char *text, mmn_error *error)
{
    char *bare;
    mmn_text without = {0};
    *result = NULL;
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80 || !ispunct((unsigned char)*at))
            mmn_text_add_bytes(&without, at, 1);
    MMN_TRY(mmn_text_finish(&without, &bare, error));
    const mmn_status status = for_each_word(result, bare, add_squad_word, error);
    mmn_free(bare);
    return status;
}
