/* Damaged and hostile tokenizer files: each gives MMN_INPUT and a sentence, or a tokenizer that
 * works; nothing crashes, hangs or takes much memory. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/tools/failing_allocator.h"
#include "tests/tools/scratch.h"
#include "text/pattern.h"
#include "text/tokenizer.h"

#define GOLDEN MMN_SOURCE_DIR "/golden/tokenizer/"
#define BERT MMN_SOURCE_DIR "/golden/qformer_tokenizer/"

static mmn_error error;

TestSuite(hostile_tokenizer, .init = scratch_make, .fini = scratch_remove);

static char *read_golden(const char *golden, const char *name, size_t *size)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s%s", golden, name);
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    char *data = malloc(1 << 16);
    *size = fread(data, 1, 1 << 16, file);
    fclose(file);
    data[*size] = '\0';
    return data;
}

/* Opens the folder. A file that is refused has to be named with a sentence; one that is not has to
 * give a tokenizer that encodes and decodes. Returns whether it was refused. */
static bool is_refused(void)
{
    static const char text[] =
        "USER: <image>\nWhat is it\xc3\xa9? \xf0\x9f\x99\x82 </s> ASSISTANT:";
    mmn_tokenizer *tokenizer;
    int32_t *ids;
    size_t count;
    char *decoded;
    memset(&error, 0, sizeof(error));
    mmn_status status = mmn_tokenizer_open(&tokenizer, scratch, &error);
    if (status != MMN_OK) {
        cr_assert_eq(status, MMN_INPUT, "%d: %s", (int)status, error.message);
        cr_assert(strstr(error.file, scratch), "%s: %s", error.file, error.message);
        cr_assert_neq(error.message[0], '\0');
        cr_assert_null(tokenizer);
        return true;
    }
    status = mmn_tokenizer_encode(tokenizer, text, strlen(text), true, &ids, &count, &error);
    cr_assert(status == MMN_OK || status == MMN_INPUT);
    if (status == MMN_OK) {
        status = mmn_tokenizer_decode(tokenizer, ids, count, false, &decoded, NULL, &error);
        cr_assert(status == MMN_OK || status == MMN_INPUT);
        if (status == MMN_OK)
            mmn_free(decoded);
        mmn_free(ids);
    }
    mmn_tokenizer_close(tokenizer);
    return false;
}

/* Truncates `name` of the folder `golden` at many places and flips bits in it; returns how many of
 * the damaged files were refused. */
static size_t count_refused(const char *golden, const char *name, size_t truncations, size_t flips)
{
    size_t size, refused = 0;
    char *data = read_golden(golden, name, &size);
    for (size_t i = 0; i < truncations; i++) {
        scratch_write_bytes(name, data, size * i / truncations);
        refused += is_refused();
    }
    uint32_t random = 1;
    for (size_t i = 0; i < flips; i++) {
        random = random * 1664525u + 1013904223u;
        size_t at = (size_t)(random >> 8) % size;
        char old = data[at];
        data[at] = (char)(old ^ (1 << (random >> 5 & 7)));
        scratch_write_bytes(name, data, size);
        refused += is_refused();
        data[at] = old;
    }
    free(data);
    unlink(scratch_path(name));
    return refused;
}

Test(hostile_tokenizer, damaged_json)
{
    cr_assert_geq(count_refused(GOLDEN, "tokenizer.json", 300, 0), 299);
    cr_assert_gt(count_refused(GOLDEN, "tokenizer.json", 0, 400), 200);
}

Test(hostile_tokenizer, damaged_model)
{
    cr_assert_gt(count_refused(GOLDEN, "tokenizer.model", 300, 0), 280);
    cr_assert_gt(count_refused(GOLDEN, "tokenizer.model", 0, 400), 40);
}

Test(hostile_tokenizer, damaged_settings_beside_a_model)
{
    size_t size;
    char *model = read_golden(GOLDEN, "tokenizer.model", &size);
    scratch_write_bytes("tokenizer.model", model, size);
    cr_assert_gt(count_refused(GOLDEN, "tokenizer_config.json", 100, 100), 100);
    cr_assert_gt(count_refused(GOLDEN, "special_tokens_map.json", 50, 50), 50);
    free(model);
}

#ifdef HAVE_UTF8PROC
Test(hostile_tokenizer, damaged_bert)
{
    size_t size;
    cr_assert_geq(count_refused(BERT, "tokenizer.json", 300, 0), 299);
    cr_assert_gt(count_refused(BERT, "tokenizer.json", 0, 400), 150);
    cr_assert_gt(count_refused(BERT, "vocab.txt", 300, 400), 5);
    char *words = read_golden(BERT, "vocab.txt", &size);
    scratch_write_bytes("vocab.txt", words, size);
    cr_assert_gt(count_refused(BERT, "tokenizer_config.json", 100, 100), 100);
    cr_assert_gt(count_refused(BERT, "added_tokens.json", 10, 50), 10);
    free(words);
}

Test(hostile_tokenizer, says_what_is_wrong_in_a_vocabulary)
{
    static const struct {
        const char *text, *where, *message;
    } bad[] = {{"", "unk_token", "\"[UNK]\" is not a token of vocab.txt"},
               {"[UNK]\n[CLS]\n[SEP]\n[PAD]\n", "mask_token", "is not a token"},
               {"[UNK]\na\na\n", "token 2", "\"a\" has the id 1 already"},
               {"[UNK]\n\xff\n", "line 2", "is not UTF-8"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        scratch_write("vocab.txt", bad[i].text);
        cr_assert(is_refused(), "%s", bad[i].text);
        cr_assert(strstr(error.where, bad[i].where) && strstr(error.message, bad[i].message),
                  "%s: %s: %s", bad[i].text, error.where, error.message);
    }
}
#endif

/* ---- Files that are well-formed but ask for what cannot be --------------------------------- */

static const char head[] = "{\"version\":\"1.0\",\"added_tokens\":[";
static const char model[] =
    "],\"model\":{\"type\":\"BPE\",\"unk_token\":\"u\",\"vocab\":{\"u\":0,\"a\":1,\"b\":2,"
    "\"ab\":3},\"merges\":[\"a b\"]}}";

typedef struct bad_json {
    const char *text, *where, *message;
} bad_json;

Test(hostile_tokenizer, says_what_is_wrong_in_a_json)
{
#define STEPS(key, steps) "{\"" key "\":" steps ",\"model\":{\"vocab\":{\"a\":0},\"merges\":[]}}"
#define MODEL(members) "{\"model\":{" members "}}"
#define WORDPIECE(prefix, longest)                                                                 \
    MODEL("\"type\":\"WordPiece\",\"vocab\":{\"a\":0},\"unk_token\":\"u\","                        \
          "\"continuing_subword_prefix\":" prefix ",\"max_input_chars_per_word\":" longest)
    static const bad_json bad[] = {
        {"[]", "", "must be a JSON object"},
        {"{}", "model", "is missing"},
        {"{\"version\":\"2.0\",\"model\":{}}", "version", "must be \"1.0\""},
        {MODEL("\"type\":\"WordLevel\",\"vocab\":{}"), "model.type",
         "\"WordLevel\" is not supported"},
        {MODEL("\"type\":\"BPE\""), "model.vocab", "is missing"},
        {MODEL("\"vocab\":{\"a\":0}"), "model.merges", "is missing"},
        {MODEL("\"vocab\":{\"a\":0},\"merges\":[],\"dropout\":0.1"), "model.dropout", "by chance"},
        {MODEL("\"vocab\":{\"a\":0},\"merges\":[],\"continuing_subword_prefix\":\"##\""),
         "model.continuing_subword_prefix", "\"##\" is not supported"},
        {MODEL("\"vocab\":{\"a\":0},\"merges\":[],\"end_of_word_suffix\":\"12345678901234567\""),
         "model.end_of_word_suffix", "more than 16 bytes"},
        {MODEL("\"vocab\":{\"a\":0},\"merges\":[],\"end_of_word_suffix\":\"\\u0000\""),
         "model.end_of_word_suffix", "U+0000"},
        {MODEL("\"vocab\":{\"a\":0},\"merges\":[],\"end_of_word_suffix\":\"</w>\","
               "\"byte_fallback\":true"),
         "model.end_of_word_suffix", "is not supported with byte_fallback"},
        {MODEL("\"vocab\":{\"a\":\"0\"},\"merges\":[]"), "model.vocab.a", "must be an id"},
        {MODEL("\"vocab\":{\"a\":-1},\"merges\":[]"), "token -1", "token ids must lie"},
        {MODEL("\"vocab\":{\"a\":4000000000},\"merges\":[]"), "token 4000000000", "must lie"},
        {MODEL("\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]"), "token 0", "\"a\" and to \"b\""},
        {MODEL("\"vocab\":{\"a\":0},\"merges\":[\"a\"]"), "model.merges[0]", "must be two tokens"},
        {MODEL("\"vocab\":{\"a\":0},\"merges\":[\"a a a\"]"), "model.merges[0]", "two tokens"},
        {MODEL("\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]"), "model.merges[0]", "two tokens"},
        {MODEL("\"vocab\":{\"a\":0},\"merges\":[7]"), "model.merges[0]", "two tokens"},
        {MODEL("\"vocab\":{\"a\":0},\"merges\":[\"a a\"]"), "model.merges[0]", "vocabulary lacks"},
        {MODEL("\"vocab\":{\"a\":0,\"aa\":1},\"merges\":[\"a a\",[\"a\",\"a\"]]"), "model.merges",
         "mixes"},
        {MODEL("\"vocab\":{\"a\":0},\"merges\":[],\"unk_token\":\"<unk>\""), "model.unk_token",
         "\"<unk>\" is not in the vocabulary"},
        {STEPS("normalizer", "{\"type\":\"Precompiled\"}"), "normalizer.precompiled_charsmap",
         "is missing"},
        {STEPS("normalizer", "{\"type\":\"Sequence\",\"normalizers\":["
                             "{\"type\":\"Unknown\"}]}"),
         "normalizer.normalizers[0].type", "\"Unknown\" is not supported"},
        {STEPS("normalizer", "{\"type\":\"Sequence\",\"normalizers\":[3]}"),
         "normalizer.normalizers[0]", "must be an object"},
        {STEPS("normalizer", "{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},"
                             "\"content\":\"b\"}"),
         "normalizer.pattern.String", "is empty"},
        {STEPS("normalizer", "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"}}"),
         "normalizer.content", "is missing"},
        {STEPS("normalizer", "{\"type\":\"Prepend\"}"), "normalizer.prepend", "is missing"},
        {STEPS("pre_tokenizer", "{\"type\":\"UnicodeScripts\"}"), "pre_tokenizer.type",
         "\"UnicodeScripts\" is not supported"},
        {STEPS("pre_tokenizer", "{\"type\":\"Digits\"}"), "pre_tokenizer.individual_digits",
         "is missing"},
        {STEPS("pre_tokenizer", "{\"type\":\"Punctuation\",\"behavior\":\"Away\"}"),
         "pre_tokenizer.behavior", "must be Isolated, Removed,"},
        {STEPS("pre_tokenizer", "{\"type\":\"CharDelimiterSplit\",\"delimiter\":\"ab\"}"),
         "pre_tokenizer.delimiter", "must be one character"},
        {STEPS("pre_tokenizer", "{\"type\":\"ByteLevel\",\"use_regex\":1}"),
         "pre_tokenizer.use_regex", "true or false"},
        {STEPS("pre_tokenizer", "{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"}}"),
         "pre_tokenizer.behavior", "missing"},
        {STEPS("pre_tokenizer", "{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},"
                                "\"behavior\":\"Joined\"}"),
         "pre_tokenizer.behavior", "must be Isolated, Removed,"},
        {STEPS("pre_tokenizer", "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\"},"
                                "\"behavior\":\"Isolated\"}"),
         "pre_tokenizer.pattern.Regex", "must have 1 to"},
        {STEPS("pre_tokenizer", "{\"type\":\"Metaspace\",\"replacement\":\"ab\"}"),
         "pre_tokenizer.replacement", "must be one character"},
        {STEPS("pre_tokenizer", "{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":"
                                "\"last\"}"),
         "pre_tokenizer.prepend_scheme", "must be always, first or never"},
        {STEPS("pre_tokenizer", "{\"type\":\"Metaspace\",\"replacement\":\"_\","
                                "\"add_prefix_space\":false}"),
         "pre_tokenizer.add_prefix_space", "contradicts"},
        {STEPS("post_processor", "{\"type\":\"PairProcessing\"}"), "post_processor.type",
         "\"PairProcessing\" is not supported"},
        {STEPS("post_processor", "{\"type\":\"BertProcessing\"}"), "post_processor.cls",
         "is missing"},
        {STEPS("post_processor", "{\"type\":\"BertProcessing\",\"cls\":[\"a\",-1]}"),
         "post_processor.cls", "must be a token and its id"},
        {STEPS("normalizer", "{\"type\":\"BertNormalizer\"}"), "normalizer.clean_text",
         "is missing"},
        {STEPS("post_processor", "{\"type\":\"TemplateProcessing\",\"single\":[]}"),
         "post_processor.single", "does not hold the sequence A"},
        {STEPS("post_processor", "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":"
                                 "{\"id\":\"x\"}}],\"special_tokens\":{}}"),
         "post_processor.special_tokens.x", "is missing"},
        {STEPS("decoder", "{\"type\":\"CTC\"}"), "decoder.type", "\"CTC\" is not"},
        {STEPS("decoder", "{\"type\":\"WordPiece\"}"), "decoder.prefix", "is missing"},
        {STEPS("decoder", "{\"type\":\"WordPiece\",\"prefix\":\"\",\"cleanup\":true}"),
         "decoder.prefix", "is empty"},
        {WORDPIECE("\"#\"", "9"), "model.unk_token", "\"u\" is not in the vocabulary"},
        {WORDPIECE("\"\"", "9"), "model.continuing_subword_prefix", "is empty"},
        {WORDPIECE("\"#\"", "1000000000"), "model.max_input_chars_per_word", "1000"},
        {WORDPIECE("\"#\"", "null"), "model.max_input_chars_per_word", "is missing"},
        {STEPS("decoder", "{\"type\":\"Strip\",\"content\":\"\"}"), "decoder.content",
         "one character"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        scratch_write("tokenizer.json", bad[i].text);
        cr_assert(is_refused(), "%s", bad[i].text);
        cr_assert(strstr(error.where, bad[i].where) && strstr(error.message, bad[i].message),
                  "%s: %s: %s", bad[i].text, error.where, error.message);
    }
}

Test(hostile_tokenizer, says_what_is_wrong_in_an_added_token)
{
#define TOKEN(id, content)                                                                         \
    "{\"id\":" id ",\"content\":\"" content "\",\"single_word\":false,\"lstrip\":false,"           \
    "\"rstrip\":false,\"normalized\":false,\"special\":true}"
    static const bad_json bad[] = {
        {TOKEN("7", "c"), "added_tokens[0].id", "is 7, but \"c\" gets the id 4"},
        {TOKEN("4", "a"), "added_tokens[0].id", "gets the id 1"},
        {TOKEN("4", "c") "," TOKEN("4", "c"), "added_tokens[1].id", "gets the id 5"},
        {TOKEN("1", "a") "," TOKEN("1", "a"), "token 1", "belongs to"},
        {TOKEN("4", ""), "", "has no content"},
        {"{\"id\":4}", "added_tokens[0].content", "is missing"},
        {"4", "added_tokens[0]", "must be an object"},
    };
    char text[2048];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int size = snprintf(text, sizeof(text), "%s%s%s", head, bad[i].text, model);
        scratch_write_bytes("tokenizer.json", text, (size_t)size);
        cr_assert(is_refused(), "%s", bad[i].text);
        cr_assert(strstr(error.where, bad[i].where) && strstr(error.message, bad[i].message),
                  "%s: %s: %s", bad[i].text, error.where, error.message);
    }
}

Test(hostile_tokenizer, steps_that_multiply_are_stopped)
{
    char text[8192];
    size_t size = (size_t)snprintf(text, sizeof(text),
                                   "{\"model\":{\"vocab\":{\"a\":0},\"merges\":[]},\"normalizer\":"
                                   "{\"type\":\"Sequence\",\"normalizers\":[");
    for (int i = 0; i < 16; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size,
                                 "%s{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},"
                                 "\"content\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
                                 i ? "," : "");
    size += (size_t)snprintf(text + size, sizeof(text) - size, "]}}");
    scratch_write_bytes("tokenizer.json", text, size);
    mmn_tokenizer *tokenizer;
    int32_t *ids;
    size_t count;
    cr_assert_eq(mmn_tokenizer_open(&tokenizer, scratch, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_tokenizer_encode(tokenizer, "a", 1, false, &ids, &count, &error), MMN_INPUT);
    cr_assert(strstr(error.message, "normaliser makes"), "%s", error.message);
    mmn_tokenizer_close(tokenizer);
}

#ifdef HAVE_PCRE2
Test(hostile_tokenizer, patterns_that_explode_are_stopped)
{
    static const char text[] =
        "{\"model\":{\"vocab\":{\"a\":0},\"merges\":[]},\"normalizer\":{\"type\":\"Replace\","
        "\"pattern\":{\"Regex\":\"(a|aa)+[bc]\"},\"content\":\"c\"}}";
    char word[512];
    mmn_tokenizer *tokenizer;
    int32_t *ids;
    size_t count;
    memset(word, 'a', sizeof(word));
    scratch_write("tokenizer.json", text);
    cr_assert_eq(mmn_tokenizer_open(&tokenizer, scratch, &error), MMN_OK, "%s", error.message);
    cr_assert_eq(mmn_tokenizer_encode(tokenizer, word, sizeof(word), false, &ids, &count, &error),
                 MMN_INPUT);
    cr_assert(strstr(error.message, "cannot be matched"), "%s", error.message);
    mmn_tokenizer_close(tokenizer);
}

/* How often it was asked whether to go on, and when not. */
static unsigned long questions, stop_at;

static int answer(void *context)
{
    (void)context;
    return ++questions == stop_at;
}

/* A search that takes a long time and finds nothing: 30,000 steps for each of 20,000 bytes. */
Test(hostile_tokenizer, a_search_for_nothing_can_be_interrupted)
{
    enum { SIZE = 20000 };
    static char text[SIZE];
    const mmn_interrupt interrupt = {.asked = answer};
    mmn_pattern *pattern;
    size_t start, end;
    bool found;
    memset(text, 'a', SIZE);
    cr_assert_eq(mmn_pattern_compile(&pattern, "a{0,120}a{0,120}b", &error), MMN_OK);
    stop_at = 3;
    cr_assert_eq(mmn_pattern_find(pattern, text, SIZE, 0, &found, &start, &end, &interrupt, &error),
                 MMN_INTERRUPTED);
    cr_assert_eq(questions, 3);
    mmn_pattern_free(pattern);
}

/* What is searched in stretches is found as in one: far away, between characters of several bytes,
 * by what stands before and behind it, and empty at the end. */
Test(hostile_tokenizer, finds_what_is_far_away)
{
    static const struct {
        const char *expression;
        size_t start, end;
    } cases[] = {{"b", 3001, 3002},    {"(?<=xb)c", 3002, 3003},    {"\\xE9+x", 0, 3001},
                 {"x.*$", 3000, 3005}, {"b(?=c\\xE9)", 3001, 3002}, {"\\z", 3005, 3005}};
    char text[3006] = "";
    for (size_t i = 0; i < 1500; i++)
        memcpy(text + 2 * i, "\xc3\xa9", 2);
    memcpy(text + 3000, "xbc\xc3\xa9", 6);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mmn_pattern *pattern;
        size_t start = 0, end = 0;
        bool found;
        cr_assert_eq(mmn_pattern_compile(&pattern, cases[i].expression, &error), MMN_OK, "%s",
                     error.message);
        cr_assert_eq(mmn_pattern_find(pattern, text, 3005, 0, &found, &start, &end, NULL, &error),
                     MMN_OK, "%s", error.message);
        cr_assert(found, "%s", cases[i].expression);
        cr_assert_eq(start, cases[i].start, "%s: %zu", cases[i].expression, start);
        cr_assert_eq(end, cases[i].end, "%s: %zu", cases[i].expression, end);
        mmn_pattern_free(pattern);
    }
}
#endif

/* Pieces of a sentencepiece model: tag, length, content. */
#define PIECE(length, text, type) "\x0a" length "\x0a" text "\x18" type
#define BPE "\x12\x02\x18\x02"
#define NO_BYTES "\x1a\x02\x20\x00"

Test(hostile_tokenizer, says_what_is_wrong_in_a_model)
{
    static const struct {
        const char *data;
        size_t size;
        const char *where, *message;
    } bad[] = {
#define DATA(bytes) bytes, sizeof(bytes) - 1
        {DATA(""), "model_type", "type unigram is not supported"},
        {DATA(BPE), "", "no unknown piece"},
        {DATA("\x12\x02\x18\x01"), "model_type", "type unigram"},
        {DATA("\x12\x02\x18\x63"), "model_type", "type unknown"},
        {DATA("\x0a"), "byte 1", "expected the length"},
        {DATA("\x0a\x7f"), "byte 2", "longer than what is left"},
        {DATA("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "byte 11", "longer than"},
        {DATA("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "byte 11", "the length"},
        {DATA("\x0b"), "byte 1", "unknown wire type"},
        {DATA("\x02"), "byte 1", "the key of a field"},
        {DATA("\x15\x01\x02"), "byte 1", "ends inside a number"},
        {DATA(BPE "\x0a\x00"), "piece 0", "expected 1 to"},
        {DATA(BPE PIECE("\x06", "\x02\xc3\x28", "\x01")), "piece 0", "bytes of UTF-8"},
        {DATA(BPE PIECE("\x05", "\x01x", "\x04")), "", "no unknown piece"},
        {DATA(BPE PIECE("\x05", "\x01x", "\x05")), "", "no unknown piece"},
        {DATA(BPE PIECE("\x05", "\x01x", "\x06")), "piece 0", "expected a byte"},
        {DATA(BPE PIECE("\x05", "\x01x", "\x07")), "piece 0", "not valid"},
        {DATA(BPE PIECE("\x05", "\x01x", "\x02") PIECE("\x05", "\x01x", "\x01")), "token 1",
         "has the id 0 already"},
        {DATA(BPE PIECE("\x05", "\x01x", "\x02") PIECE("\x05", "\x01y", "\x02")), "piece 1",
         "second unknown"},
        {DATA("\x12\x05\x18\x02\xc0\x01\x01" PIECE("\x05", "\x01x", "\x02")), "suffix",
         "not supported"},
        {DATA("\x12\x05\x18\x02\x98\x02\x01" PIECE("\x05", "\x01x", "\x02")), "",
         "no piece \"<0x00>\""},
        {DATA(BPE "\x1a\x03\x12\x01x" PIECE("\x05", "\x01x", "\x02")), "precompiled_charsmap",
         "map of characters"},
        {DATA(BPE "\x0a\x0a\x0a\x01x\x15\x00\x00\xc0\x7f\x18\x01"), "piece 0", "score"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        scratch_write_bytes("tokenizer.model", bad[i].data, bad[i].size);
        cr_assert(is_refused(), "model %zu", i);
        cr_assert(strstr(error.where, bad[i].where) && strstr(error.message, bad[i].message),
                  "model %zu: %s: %s", i, error.where, error.message);
    }
}

Test(hostile_tokenizer, says_when_there_is_none)
{
    cr_assert(is_refused());
    cr_assert(strstr(error.message, "neither a tokenizer.json nor a tokenizer.model"));
}

/* Every allocation fails once: nothing leaks or crashes, and the error says so. */
Test(hostile_tokenizer, survives_a_lack_of_memory)
{
    size_t size;
#ifdef HAVE_UTF8PROC
    const int kinds = 3; /* the last is BERT's */
#else
    const int kinds = 2;
#endif
    for (int kind = 0; kind < kinds; kind++) {
        const char *name = kind == 1 ? "tokenizer.model" : "tokenizer.json";
        char *data = read_golden(kind == 2 ? BERT : GOLDEN, name, &size);
        scratch_write_bytes(name, data, size);
        unsigned long number = 1;
        for (mmn_status status = MMN_SYSTEM; status != MMN_OK; number++) {
            mmn_tokenizer *tokenizer;
            int32_t *ids = NULL;
            char *text = NULL;
            size_t count;
            fail_allocation_at(number);
            status = mmn_tokenizer_open(&tokenizer, scratch, &error);
            if (status == MMN_OK)
                status = mmn_tokenizer_encode(tokenizer, "a <s> b", 7, true, &ids, &count, &error);
            if (status == MMN_OK)
                status = mmn_tokenizer_decode(tokenizer, ids, count, true, &text, NULL, &error);
            cr_assert(status == MMN_OK || status == MMN_SYSTEM, "%s", error.message);
            mmn_free(ids);
            mmn_free(text);
            mmn_tokenizer_close(tokenizer);
        }
        fail_allocation_at(0);
        cr_assert_gt(number, 30);
        free(data);
        unlink(scratch_path(name));
    }
}
