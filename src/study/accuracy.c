/* Accuracy: how right an answer is, by the measures of the published data sets. */
#include "study/accuracy.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/names.h"
#include "base/utf8.h"

/* Longer answers are cut for edit distances, whose cost grows with the product of two lengths. */
enum { DISTANCE_LIMIT = 4096 };

enum { VQA_MATCHES = 3, LETTERS = 26 };

/* ---- Scores of two texts --------------------------------------------------------------------- */

static size_t decode(uint32_t *codes, const char *text)
{
    size_t count = 0;
    for (; *text != '\0' && count < DISTANCE_LIMIT; text += mmn_utf8_size(text))
        codes[count++] = mmn_utf8_decode(text);
    return count;
}

/* 1 - distance / length of the longer one. */
static mmn_status similarity(double *score, const char *a, const char *b, mmn_error *error)
{
    uint32_t *codes = mmn_allocate(2 * DISTANCE_LIMIT, sizeof(*codes), error);
    size_t *rows = mmn_allocate(3 * (DISTANCE_LIMIT + 1), sizeof(*rows), error);
    mmn_status status = codes && rows ? MMN_OK : MMN_SYSTEM;
    if (status == MMN_OK) {
        size_t count_a = decode(codes, a), count_b = decode(codes + DISTANCE_LIMIT, b);
        size_t longer = count_a > count_b ? count_a : count_b;
        size_t distance =
            mmn_edit_distance(codes, count_a, codes + DISTANCE_LIMIT, count_b, false, rows);
        *score = longer > 0 ? 1 - (double)distance / (double)longer : 1;
    }
    mmn_free(codes);
    mmn_free(rows);
    return status;
}

static size_t word_length(const char *words)
{
    return strcspn(words, " ");
}

static const char *next_word(const char *words)
{
    words += word_length(words);
    return *words == ' ' ? words + 1 : words;
}

static size_t count_words(const char *words)
{
    size_t count = 0;
    for (; *words != '\0'; words = next_word(words))
        count++;
    return count;
}

/* How often a word is among words, before `end` or (NULL) all. */
static size_t occurrences(const char *words, const char *end, const char *word, size_t length)
{
    size_t count = 0;
    for (; *words != '\0' && words != end; words = next_word(words))
        count += word_length(words) == length && strncmp(words, word, length) == 0;
    return count;
}

/* Of two texts of words with one space between: 2 PR / (P + R), words counted as often as both have
 * them. */
static double token_f1(const char *a, const char *b)
{
    size_t count_a = count_words(a), count_b = count_words(b), common = 0;
    if (count_a == 0 || count_b == 0)
        return count_a == count_b;
    for (const char *word = a; *word != '\0'; word = next_word(word)) {
        const size_t length = word_length(word);
        common += occurrences(a, word, word, length) < occurrences(b, NULL, word, length);
    }
    return 2.0 * (double)common / (double)(count_a + count_b);
}

/* ---- The best of the right answers ----------------------------------------------------------- */

typedef enum comparison { SAME, SIMILARITY, WORDS } comparison;

static mmn_status compare(double *score, const char *a, const char *b, comparison how,
                          mmn_error *error)
{
    if (how == SIMILARITY)
        return similarity(score, a, b, error);
    *score = how == WORDS ? token_f1(a, b) : strcmp(a, b) == 0;
    return MMN_OK;
}

/* The scores of an answer with all right ones: the best in *best, their sum in *sum. */
static mmn_status compare_all(double *best, double *sum, const mmn_sample *right,
                              const char *answer, mmn_answer_form make, comparison how,
                              mmn_error *error)
{
    char *own;
    *best = *sum = 0;
    mmn_status status = make(&own, answer, error);
    for (size_t i = 0; i < right->answer_count && status == MMN_OK; i++) {
        char *other;
        double score = 0;
        status = make(&other, right->answers[i], error);
        if (status == MMN_OK)
            status = compare(&score, own, other, how, error);
        *best = score > *best ? score : *best;
        *sum += score;
        mmn_free(other);
    }
    mmn_free(own);
    return status;
}

/* Of `count` people `matches` answered the same. Each in turn is left out: the answer is right as
 * far as 3 of the others, or all if there are fewer than 3, gave it. */
static double vqa_accuracy(size_t matches, size_t count)
{
    if (count < 2)
        return (double)matches;
    size_t wanted = count - 1 < VQA_MATCHES ? count - 1 : VQA_MATCHES;
    size_t with_one_less = matches > 0 ? matches - 1 : 0;
    double left_out_match = with_one_less < wanted ? (double)with_one_less / (double)wanted : 1;
    double left_out_other = matches < wanted ? (double)matches / (double)wanted : 1;
    return ((double)matches * left_out_match + (double)(count - matches) * left_out_other) /
           (double)count;
}

/* ---- Multiple choice ------------------------------------------------------------------------- */

static bool is_word_byte(char byte)
{
    return isalnum((unsigned char)byte) || (unsigned char)byte >= 0x80;
}

/* The option whose letter `text` has first as a word of its own, or SIZE_MAX. A letter in lower
 * case counts only where there is no other letter or digit. */
static size_t option_letter(const char *text, size_t options)
{
    size_t words = 0;
    for (const char *at = text; *at != '\0'; at++)
        words += is_word_byte(*at);
    for (const char *at = text; *at != '\0'; at++) {
        bool alone = (at == text || !is_word_byte(at[-1])) && !is_word_byte(at[1]);
        char letter = words == 1 ? (char)toupper((unsigned char)*at) : *at;
        if (alone && letter >= 'A' && letter <= 'Z' && (size_t)(letter - 'A') < options)
            return (size_t)(letter - 'A');
    }
    return SIZE_MAX;
}

/* The option that `text` is word by word, or SIZE_MAX. */
static mmn_status option_text(size_t *option, const mmn_sample *right, const char *text,
                              mmn_error *error)
{
    char *own;
    *option = SIZE_MAX;
    mmn_status status = mmn_answer_squad(&own, text, error);
    for (size_t i = 0; i < right->choice_count && status == MMN_OK && *option == SIZE_MAX; i++) {
        char *other;
        status = mmn_answer_squad(&other, right->choices[i], error);
        if (status == MMN_OK && other[0] != '\0' && strcmp(own, other) == 0)
            *option = i;
        mmn_free(other);
    }
    mmn_free(own);
    return status;
}

/* The option that a text stands for: the one that it repeats, else the one whose letter it
 * names. */
static mmn_status find_option(size_t *option, const mmn_sample *right, const char *text,
                              mmn_error *error)
{
    size_t letters = right->choice_count > 0 && right->choice_count < LETTERS ? right->choice_count
                                                                              : LETTERS;
    MMN_TRY(option_text(option, right, text, error));
    if (*option == SIZE_MAX)
        *option = option_letter(text, letters);
    return MMN_OK;
}

mmn_status mmn_right_option(size_t *option, const mmn_sample *sample, mmn_error *error)
{
    return find_option(option, sample, sample->answers[0], error);
}

static mmn_status measure_choice(double *scores, const mmn_sample *right, const char *answer,
                                 mmn_error *error)
{
    size_t given, wanted = SIZE_MAX;
    MMN_TRY(find_option(&given, right, answer, error));
    if (right->answer_count > 0)
        MMN_TRY(find_option(&wanted, right, right->answers[0], error));
    if (wanted >= LETTERS)
        return MMN_OK;
    scores[MMN_MEASURE_CHOICE] = given == wanted;
    for (const char *at = answer; *at != '\0'; at++)
        scores[MMN_MEASURE_CHOICE_PUBLISHED] += *at == (char)('A' + wanted);
    return MMN_OK;
}

/* ---- All measures ---------------------------------------------------------------------------- */

static const struct {
    const char *name;
    mmn_metric metric;    /* of the samples that it says something about; NONE: all but choices */
    mmn_answer_form make; /* what is compared with the right answers; NULL: found by other means */
    comparison how;
} measures[MMN_MEASURES] = {
    [MMN_MEASURE_VQA] = {"vqa", MMN_METRIC_VQA, mmn_answer_vqa, SAME},
    [MMN_MEASURE_VQA_PUBLISHED] = {"vqa_published", MMN_METRIC_VQA, mmn_answer_lowercase, SAME},
    [MMN_MEASURE_EXACT] = {"exact", MMN_METRIC_NONE, mmn_answer_trimmed, SAME},
    [MMN_MEASURE_ANLS] = {"anls", MMN_METRIC_ANLS, NULL, SAME},
    [MMN_MEASURE_ANLS_PUBLISHED] = {"anls_published", MMN_METRIC_ANLS, mmn_answer_words,
                                    SIMILARITY},
    [MMN_MEASURE_CHOICE] = {"choice", MMN_METRIC_CHOICE, NULL, SAME},
    [MMN_MEASURE_CHOICE_PUBLISHED] = {"choice_published", MMN_METRIC_CHOICE, NULL, SAME},
    [MMN_MEASURE_TOKEN_F1] = {"token_f1", MMN_METRIC_NONE, mmn_answer_squad, WORDS},
    [MMN_MEASURE_LINGO] = {"lingo", MMN_METRIC_LINGO, NULL, SAME},
    [MMN_MEASURE_LANGUAGE] = {"language", MMN_METRIC_LANGUAGE, NULL, SAME},
};

const char *mmn_measure_name(mmn_measure measure)
{
    return measures[measure].name;
}

mmn_measure mmn_metric_measure(mmn_metric metric)
{
    static const mmn_measure found[] = {
        [MMN_METRIC_NONE] = MMN_MEASURE_EXACT,       [MMN_METRIC_EXACT] = MMN_MEASURE_EXACT,
        [MMN_METRIC_VQA] = MMN_MEASURE_VQA,          [MMN_METRIC_ANLS] = MMN_MEASURE_ANLS,
        [MMN_METRIC_CHOICE] = MMN_MEASURE_CHOICE,    [MMN_METRIC_LINGO] = MMN_MEASURE_LINGO,
        [MMN_METRIC_LANGUAGE] = MMN_MEASURE_LANGUAGE};
    return found[metric];
}

bool mmn_measure_applies(mmn_measure measure, mmn_metric metric)
{
    return measures[measure].metric == MMN_METRIC_NONE
               ? metric != MMN_METRIC_CHOICE && metric != MMN_METRIC_LANGUAGE
               : measures[measure].metric == metric;
}

mmn_status mmn_measure_answer(double *scores, const mmn_sample *right, const char *answer,
                              mmn_error *error)
{
    for (mmn_measure m = 0; m < MMN_MEASURES; m++)
        scores[m] = 0;
    if (right->metric == MMN_METRIC_CHOICE)
        return measure_choice(scores, right, answer, error);
    for (mmn_measure m = 0; m < MMN_MEASURES; m++) {
        double sum;
        if (!measures[m].make || !mmn_measure_applies(m, right->metric))
            continue;
        MMN_TRY(
            compare_all(&scores[m], &sum, right, answer, measures[m].make, measures[m].how, error));
        if (m == MMN_MEASURE_VQA && right->answer_count > 0)
            scores[m] = vqa_accuracy((size_t)sum, right->answer_count);
    }
    const double similar = scores[MMN_MEASURE_ANLS_PUBLISHED];
    scores[MMN_MEASURE_ANLS] = similar >= 0.5 ? similar : 0;
    return MMN_OK;
}

/* ---- What can be measured -------------------------------------------------------------------- */

static mmn_status refuse(const mmn_sample *sample, const char *key, const char *file,
                         mmn_error *error, const char *message)
{
    char where[40];
    snprintf(where, sizeof(where), "line %" PRIu64 ", %s", sample->line, key);
    return mmn_fail(error, MMN_INPUT, file, where, "%s", message);
}

static mmn_status check_choice(const mmn_sample *sample, const char *file, mmn_error *error)
{
    size_t option;
    if (sample->choice_count < 2 || sample->choice_count > LETTERS)
        return refuse(sample, "choices", file, error,
                      "must be 2 to 26 options, of which the metric \"choice\" looks for one");
    if (sample->answer_count > 1)
        return refuse(sample, "answers", file, error,
                      "must be one option, where the metric is \"choice\"");
    MMN_TRY(mmn_right_option(&option, sample, error));
    return option < sample->choice_count
               ? MMN_OK
               : refuse(sample, "answers", file, error,
                        "must be the text or the letter of one of the choices");
}

mmn_status mmn_sample_check_answers(const mmn_sample *sample, const char *file, mmn_error *error)
{
    if (sample->answer_count == 0)
        return refuse(sample, "answers", file, error,
                      "are missing, without which no answer can be right: a sample has them as "
                      "\"answers\": [\"house\"]");
    for (size_t i = 0; i < sample->answer_count; i++)
        if (sample->answers[i][strspn(sample->answers[i], " \t\r\n")] == '\0')
            return refuse(sample, "answers", file, error, "must not be empty texts");
    if (sample->metric == MMN_METRIC_NONE && sample->choice_count > 0)
        return refuse(
            sample, "metric", file, error,
            "is missing beside choices; expected \"choice\", or another that says how the "
            "answers are measured");
    if (sample->metric == MMN_METRIC_LINGO && !sample->question)
        return refuse(sample, "question", file, error,
                      "is missing, which a judge of answers reads beside the prompt");
    return sample->metric == MMN_METRIC_CHOICE ? check_choice(sample, file, error) : MMN_OK;
}
