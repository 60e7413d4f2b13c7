/* The words of a generated answer, and the tokens that begin them. */
#include "study/contribution.h"

#include <string.h>

#include "base/memory.h"

/* Articles, pronouns, prepositions, conjunctions, auxiliaries, and what else says nothing of a
 * picture. */
static const char *const function_words[] = {
    "a",       "about",  "above", "after",   "against", "all",    "also",    "am",    "among",
    "an",      "and",    "any",   "are",     "around",  "as",     "at",      "be",    "because",
    "been",    "before", "being", "below",   "between", "both",   "but",     "by",    "can",
    "could",   "did",    "do",    "does",    "doing",   "done",   "down",    "each",  "either",
    "few",     "for",    "from",  "had",     "has",     "have",   "having",  "he",    "her",
    "here",    "hers",   "him",   "his",     "how",     "i",      "if",      "in",    "into",
    "is",      "it",     "its",   "just",    "may",     "me",     "might",   "mine",  "more",
    "most",    "must",   "my",    "neither", "nor",     "not",    "of",      "off",   "on",
    "only",    "onto",   "or",    "other",   "our",     "out",    "over",    "own",   "per",
    "same",    "shall",  "she",   "should",  "so",      "some",   "such",    "than",  "that",
    "the",     "their",  "them",  "then",    "there",   "these",  "they",    "this",  "those",
    "through", "to",     "too",   "under",   "until",   "up",     "upon",    "us",    "very",
    "was",     "we",     "were",  "what",    "when",    "where",  "which",   "while", "who",
    "whom",    "whose",  "why",   "will",    "with",    "within", "without", "would", "you",
    "your",
};

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static bool same_word(const char *word, size_t length, const char *other)
{
    size_t i = 0;
    while (i < length && other[i] != '\0' && lower(word[i]) == lower(other[i]))
        i++;
    return i == length && other[i] == '\0';
}

/* Up to an apostrophe: "it's" is a function word as "it" is. */
static bool is_function_word(const char *word, size_t length)
{
    size_t stem = 0;
    while (stem < length && word[stem] != '\'')
        stem++;
    for (size_t i = 0; i < MMN_LENGTH(function_words); i++)
        if (same_word(word, stem, function_words[i]))
            return true;
    return false;
}

static bool belongs_to_word(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || (unsigned char)letter >= 0x80;
}

static size_t word_length(const char *text)
{
    size_t length = 0;
    while (belongs_to_word(text[length]) ||
           (length > 0 && text[length] == '\'' && belongs_to_word(text[length + 1])))
        length++;
    return length;
}

/* ends[i]: how far the text of the tokens up to number i reaches into the answer. A token that is
 * but a part of a character reaches only as far as those before it. */
static mmn_status find_ends(size_t *ends, const char *answer, const mmn_model *model,
                            const int32_t *ids, size_t count, mmn_error *error)
{
    size_t reached = 0;
    for (size_t i = 0; i < count; i++) {
        char *text;
        MMN_TRY(mmn_model_decode(model, ids, i + 1, 1, &text, error));
        size_t same = 0;
        while (text[same] != '\0' && text[same] == answer[same])
            same++;
        mmn_free(text);
        reached = same > reached ? same : reached;
        ends[i] = reached;
    }
    return MMN_OK;
}

static bool is_known(const mmn_spoken_words *words, const char *word, size_t length)
{
    for (size_t i = 0; i < words->count; i++)
        if (same_word(word, length, words->list[i].text))
            return true;
    return false;
}

static mmn_status add_word(mmn_spoken_words *words, const char *word, size_t length, size_t token,
                           mmn_error *error)
{
    MMN_TRY(MMN_RESERVE(words->list, words->capacity, words->count + 1, error));
    char *text = mmn_copy_bytes(word, length, error);
    MMN_NEED(text);
    words->list[words->count++] = (mmn_answer_word){.text = text, .token = token};
    return MMN_OK;
}

bool mmn_is_same_word(const char *word, const char *other)
{
    return same_word(word, strlen(word), other);
}

static bool is_wanted(const char *word, size_t length, const mmn_word_choice *choice)
{
    if (!choice->only)
        return choice->all || !is_function_word(word, length);
    size_t i = 0;
    while (i < choice->only_count && !same_word(word, length, choice->only[i]))
        i++;
    return i < choice->only_count;
}

mmn_status mmn_spoken_words_of(mmn_spoken_words *words, const mmn_model *model, const int32_t *ids,
                               size_t count, const mmn_word_choice *choice, mmn_error *error)
{
    *words = (mmn_spoken_words){0};
    size_t *ends = mmn_allocate(count, sizeof(*ends), error), token = 0, length;
    mmn_status status = ends ? mmn_model_decode(model, ids, count, 1, &words->answer, error)
                             : MMN_SYSTEM;
    if (status == MMN_OK)
        status = find_ends(ends, words->answer, model, ids, count, error);
    for (const char *at = words->answer; status == MMN_OK && *at != '\0'; at += length) {
        length = word_length(at);
        if (length == 0) {
            length = 1;
            continue;
        }
        while (token < count && ends[token] <= (size_t)(at - words->answer))
            token++;
        if (token < count && is_wanted(at, length, choice) && !is_known(words, at, length))
            status = add_word(words, at, length, token, error);
    }
    mmn_free(ends);
    return status;
}

void mmn_spoken_words_free(mmn_spoken_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        mmn_free(words->list[i].text);
    mmn_free(words->list);
    mmn_free(words->answer);
    *words = (mmn_spoken_words){0};
}
