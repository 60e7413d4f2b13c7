/* What a tokenizer consists of, for the files that make its parts and those that read one. */
#ifndef MMN_TEXT_TOKENIZER_PARTS_H
#define MMN_TEXT_TOKENIZER_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/reader.h"
#include "base/text_buffer.h"
#include "text/character_map.h"
#include "text/decoder.h"
#include "text/pattern.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

/* ---- Normalisation: what is changed in a text before pieces are looked for ------------------- */

typedef enum mmn_normalizer_kind {
    MMN_NORMALIZER_PREPEND,
    MMN_NORMALIZER_REPLACE,
    MMN_NORMALIZER_STRIP,
    MMN_NORMALIZER_NMT,           /* drops some controls, makes other white space spaces */
    MMN_NORMALIZER_BYTE_LEVEL,    /* spells bytes as characters */
    MMN_NORMALIZER_CHARACTER_MAP, /* this and the next six need utf8proc */
    MMN_NORMALIZER_LOWERCASE,
    MMN_NORMALIZER_STRIP_ACCENTS, /* drops all marks */
    MMN_NORMALIZER_NFC,
    MMN_NORMALIZER_NFD,
    MMN_NORMALIZER_NFKC,
    MMN_NORMALIZER_NFKD,
    MMN_NORMALIZER_CLEAN,            /* BERT: drops controls, makes white space spaces */
    MMN_NORMALIZER_SPACE_IDEOGRAPHS, /* BERT: a space before and after each */
    MMN_NORMALIZER_DROP_MARKS,       /* BERT: after NFD it strips accents */
    MMN_NORMALIZER_SENTENCEPIECE     /* all that a tokenizer.model asks for */
} mmn_normalizer_kind;

typedef struct mmn_normalizer_step {
    mmn_normalizer_kind kind;
    mmn_replacement replacement;           /* REPLACE; PREPEND: `to` */
    bool left, right;                      /* STRIP: which ends lose their white space */
    bool add_prefix, remove_extra, escape; /* SENTENCEPIECE: as its normalizer_spec names them */
    mmn_character_map *map;                /* CHARACTER_MAP */
} mmn_normalizer_step;

/* BERT's normaliser: which of its parts are wanted. */
typedef struct mmn_bert_options {
    bool clean_text, handle_chinese_chars, strip_accents, lowercase;
} mmn_bert_options;

/* Steps that follow each other. Start from {0}. */
typedef struct mmn_normalizer {
    mmn_normalizer_step *steps;
    size_t count, capacity;
} mmn_normalizer;

/* Appends a step, whose replacement or map then belongs to the normalizer, also on failure.
 * MMN_INPUT if this build cannot do it. */
mmn_status mmn_normalizer_add(mmn_normalizer *normalizer, mmn_normalizer_step *step,
                              mmn_error *error);
/* Appends the steps of BERT's. */
mmn_status mmn_normalizer_add_bert(mmn_normalizer *normalizer, const mmn_bert_options *options,
                                   mmn_error *error);
/* Puts the normalised form of `text` (valid UTF-8) into `result`, replacing what was there. An
 * empty text stays empty. */
mmn_status mmn_normalizer_apply(const mmn_normalizer *normalizer, const char *text, size_t length,
                                mmn_text *result, mmn_error *error);
void mmn_normalizer_free(mmn_normalizer *normalizer);
void mmn_normalizer_step_free(mmn_normalizer_step *step);

/* ---- Texts of tokens ------------------------------------------------------------------------- */

/* A text to be found, and its token's index. */
typedef struct mmn_searched_text {
    const char *text;
    size_t length, token;
} mmn_searched_text;

/* The texts of some tokens, sorted, for searching. */
typedef struct mmn_token_search {
    mmn_searched_text *texts;
    size_t count, capacity;
    bool first_bytes[256]; /* which bytes a text can begin with */
} mmn_token_search;

mmn_status mmn_token_search_add(mmn_token_search *search, const char *text, size_t length,
                                size_t token, mmn_error *error);
/* After the last was added, whose texts must stay where they are. */
void mmn_token_search_sort(mmn_token_search *search);
void mmn_token_search_free(mmn_token_search *search);

/* Those that a text begins with. */
typedef struct mmn_prefixes {
    const mmn_token_search *search;
    const char *text;
    size_t length, depth, low, high; /* those from low to high begin with `depth` bytes of text */
} mmn_prefixes;

mmn_prefixes mmn_token_search_begin(const mmn_token_search *search, const char *text,
                                    size_t length);
/* The shortest that has not been found yet, or NULL. */
const mmn_searched_text *mmn_token_search_next(mmn_prefixes *found);

/* ---- Added tokens ("<image>", "</s>"): found in a text before it is taken apart -------------- */

typedef struct mmn_added_token {
    int32_t id;
    bool single_word;               /* only where no word character stands beside it */
    bool lstrip, rstrip;            /* takes the white space before or after it */
    bool normalized;                /* found in the normalised text, in its normalised form */
    bool special;                   /* left out by decoding with skip_special */
    size_t spelled, spelled_length; /* how decoding spells it, in mmn_added_tokens.spellings */
} mmn_added_token;

/* Start from {0}. */
typedef struct mmn_added_tokens {
    mmn_added_token *tokens; /* special ones first, otherwise in the order of the file */
    size_t count, capacity;
    mmn_vocabulary contents; /* their texts as the file has them */
    mmn_text spellings;      /* their texts, normalised where they are normalized */
    int32_t *by_id;          /* index + 1 of the token with an id below contents.size, or 0 */
    size_t by_id_capacity;
    mmn_token_search before, after; /* normalisation */
} mmn_added_tokens;

typedef struct mmn_token_match {
    const mmn_added_token *token;
    size_t start, end; /* with the white space it takes; may begin before an earlier one's end */
} mmn_token_match;

/* Adds a token (its spelling is filled in later) with its content. MMN_INPUT if content or id are
 * there already, the content is empty, or this build cannot find such a token. */
mmn_status mmn_added_tokens_add(mmn_added_tokens *added, const mmn_added_token *token,
                                const char *content, size_t length, mmn_error *error);
/* The same as the `tokenizers` library adds one: the id is that of the content in the model's
 * vocabulary, or the next one beyond both; a content that is there keeps its id and gets the
 * options of `token`. */
mmn_status mmn_added_tokens_put(mmn_added_tokens *added, const mmn_vocabulary *model,
                                mmn_added_token *token, const char *content, size_t length,
                                mmn_error *error);
/* The id that the library gives a content that is no added token yet. */
int64_t mmn_added_tokens_next_id(const mmn_added_tokens *added, const mmn_vocabulary *model,
                                 const char *content, size_t length);
/* Prepares the searches, after the last token was added. */
mmn_status mmn_added_tokens_finish(mmn_added_tokens *added, const mmn_normalizer *normalizer,
                                   mmn_error *error);

/* Finds the leftmost token at or after *from, of several there the longest, in valid UTF-8, and
 * moves *from to where the next search begins. `covered` is where the last match ended. */
bool mmn_added_tokens_find(const mmn_added_tokens *added, const mmn_token_search *search,
                           const char *text, size_t length, size_t covered, size_t *from,
                           mmn_token_match *match);

/* How decoding spells the added token `id`, and whether skip_special leaves it out; NULL if `id` is
 * no added token. */
const char *mmn_added_tokens_spelling(const mmn_added_tokens *added, int32_t id, size_t *length,
                                      bool *special);
void mmn_added_tokens_free(mmn_added_tokens *added);

/* ---- Pre-tokenisation: cutting a stretch of text into words ---------------------------------- */

typedef enum mmn_prepend_scheme {
    MMN_PREPEND_ALWAYS,
    MMN_PREPEND_FIRST, /* only before the stretch that the text begins with */
    MMN_PREPEND_NEVER
} mmn_prepend_scheme;

/* A Metaspace: spaces become `replacement`, which is put in front of the stretch too; `split` cuts
 * before each. */
typedef struct mmn_metaspace {
    char replacement[5];
    size_t replacement_length;
    mmn_prepend_scheme scheme;
    bool split;
} mmn_metaspace;

typedef enum mmn_pre_tokenizer_kind {
    MMN_PRE_TOKENIZER_METASPACE,
    MMN_PRE_TOKENIZER_PREFIX_SPACE, /* what begins with no space gets one */
    MMN_PRE_TOKENIZER_SPLIT,        /* cuts around what is found */
    MMN_PRE_TOKENIZER_BYTE_LEVEL    /* spells bytes as characters */
} mmn_pre_tokenizer_kind;

/* What a SPLIT finds: a pattern, or each character of a class by itself, or for WORDS each run of
 * word characters and each run of characters that are neither those nor white space. */
typedef enum mmn_split_finds {
    MMN_SPLIT_FINDS_PATTERN,
    MMN_SPLIT_FINDS_WHITE_SPACE,
    MMN_SPLIT_FINDS_PUNCTUATION,
    MMN_SPLIT_FINDS_NUMBERS, /* needs utf8proc, as the next one does */
    MMN_SPLIT_FINDS_WORDS
} mmn_split_finds;

/* What becomes of a match: a word of its own, nothing, a part of the piece before or after it
 * (unless that is a match too), or one word together with its neighbouring matches. */
typedef enum mmn_split_behavior {
    MMN_SPLIT_ISOLATED,
    MMN_SPLIT_REMOVED,
    MMN_SPLIT_MERGED_WITH_PREVIOUS,
    MMN_SPLIT_MERGED_WITH_NEXT,
    MMN_SPLIT_CONTIGUOUS
} mmn_split_behavior;

typedef struct mmn_pre_tokenizer_step {
    mmn_pre_tokenizer_kind kind;
    mmn_metaspace metaspace; /* METASPACE */
    mmn_split_finds finds;   /* SPLIT, and the next three too */
    mmn_split_behavior behavior;
    bool invert;          /* what lies between matches counts as the matches */
    mmn_pattern *pattern; /* FINDS_PATTERN */
} mmn_pre_tokenizer_step;

#define MMN_PRE_TOKENIZER_STEPS 16

/* Steps that follow each other. Start from {0}. */
typedef struct mmn_pre_tokenizer {
    mmn_pre_tokenizer_step steps[MMN_PRE_TOKENIZER_STEPS];
    size_t count;
    const mmn_interrupt *interrupt; /* asked at every cut; NULL: nobody */
} mmn_pre_tokenizer;

/* Appends a step, whose pattern then belongs to the pre-tokeniser, also on failure. MMN_INPUT if
 * there are too many, or this build cannot find what it finds. */
mmn_status mmn_pre_tokenizer_add(mmn_pre_tokenizer *pre_tokenizer, mmn_pre_tokenizer_step *step,
                                 mmn_error *error);
/* Appends BERT's: cuts at white space, which goes, and around each punctuation mark. */
mmn_status mmn_pre_tokenizer_add_bert(mmn_pre_tokenizer *pre_tokenizer, mmn_error *error);
void mmn_pre_tokenizer_free(mmn_pre_tokenizer *pre_tokenizer);

/* Takes one word. */
typedef mmn_status (*mmn_word_function)(void *context, const char *text, size_t length,
                                        mmn_error *error);

/* Calls `word` for each word of `text` in order; is_first says whether the whole text begins with
 * this stretch. */
mmn_status mmn_pre_tokenize(const mmn_pre_tokenizer *pre_tokenizer, const char *text, size_t length,
                            bool is_first, mmn_word_function word, void *context, mmn_error *error);

/* ---- Byte pair encoding ---------------------------------------------------------------------- */

/* Which of two rules says whether neighbours merge, and in which order. */
typedef enum mmn_bpe_rule {
    MMN_BPE_MERGES, /* tokenizer.json: listed pairs of ids, the first of the list first */
    MMN_BPE_PIECES  /* sentencepiece: any two that spell a normal piece, best score first */
} mmn_bpe_rule;

typedef struct mmn_merge {
    int32_t left, right; /* ids that merge; right is -1 in an empty slot of the table */
    int32_t id;          /* what they become */
    uint32_t rank;       /* the lowest merges first, among equals the leftmost */
} mmn_merge;

/* The longest spelling of a word's end. */
#define MMN_WORD_END_LIMIT 16

/* Start from {0}. */
typedef struct mmn_bpe {
    mmn_bpe_rule rule;
    mmn_vocabulary vocabulary; /* the model's own tokens, without added ones */
    int32_t unknown;           /* id of the unknown token, or -1: unknown characters vanish */
    bool fuse_unknown;         /* neighbouring unknown characters give one unknown token */
    bool byte_fallback;        /* unknown characters become tokens "<0xNN>", if all are there */
    bool ignore_merges;        /* a stretch that is a token as a whole is not taken apart */
    /* How the vocabulary spells a word's last character: with this behind it ("</w>"). */
    char word_end[MMN_WORD_END_LIMIT + 1];
    int32_t byte_ids[256]; /* ids of "<0x00>" to "<0xFF>", -1 where there is none */
    mmn_merge *merges;     /* MMN_BPE_MERGES: open-addressing table */
    size_t merge_count, merge_slots;
    const mmn_interrupt *interrupt; /* asked while pieces merge; NULL: nobody */
    uint32_t *piece_ranks; /* MMN_BPE_PIECES: by id; UINT32_MAX for pieces no merge may make */
} mmn_bpe;

/* Looks up the tokens of bytes, "<0x00>" to "<0xFF>", in a vocabulary: -1 where there is none. */
void mmn_find_byte_tokens(int32_t ids[256], const mmn_vocabulary *vocabulary);
/* Adds the merge of `rank`; a pair that is listed twice keeps its last rank. */
mmn_status mmn_bpe_add_merge(mmn_bpe *bpe, const mmn_merge *merge, mmn_error *error);
/* Appends the ids of `length` bytes (below 2^31) of valid UTF-8 to `ids`, in time O(n log n). */
mmn_status mmn_bpe_encode(const mmn_bpe *bpe, const char *text, size_t length, mmn_ids *ids,
                          mmn_error *error);
void mmn_bpe_free(mmn_bpe *bpe);

/* ---- Unigram --------------------------------------------------------------------------------- */

/* Start from {0}. */
typedef struct mmn_unigram {
    mmn_vocabulary vocabulary; /* the model's own tokens, without added ones */
    double *scores;            /* by id: logarithms of probabilities */
    size_t score_capacity;
    double least_score;
    int32_t unknown;        /* id of the unknown token, or -1: an unknown character is an error */
    bool byte_fallback;     /* what is unknown becomes tokens "<0xNN>", if all are there */
    int32_t byte_ids[256];  /* as in mmn_bpe */
    mmn_token_search texts; /* of the vocabulary */
    const mmn_interrupt *interrupt; /* asked while a text is taken apart; NULL: nobody */
} mmn_unigram;

/* Adds the next token. */
mmn_status mmn_unigram_add(mmn_unigram *unigram, const char *text, size_t length, double score,
                           mmn_error *error);
/* Prepares the search, after the last token was added. */
mmn_status mmn_unigram_finish(mmn_unigram *unigram, mmn_error *error);
/* Appends the ids of `length` bytes (below 2^31) of valid UTF-8: the sequence of tokens with the
 * greatest sum of scores, among equal ones that whose last token, then the one before it, and so
 * on, is the longest. */
mmn_status mmn_unigram_encode(const mmn_unigram *unigram, const char *text, size_t length,
                              mmn_ids *ids, mmn_error *error);
void mmn_unigram_free(mmn_unigram *unigram);

/* ---- WordPiece ------------------------------------------------------------------------------- */

/* The time for a word grows with the square of its characters, so no file may allow more. */
#define MMN_WORDPIECE_CHARACTER_LIMIT 1000
#define MMN_WORDPIECE_PREFIX_LIMIT 64

/* Start from {0}. */
typedef struct mmn_wordpiece {
    mmn_vocabulary vocabulary; /* the model's own tokens, without added ones */
    int32_t unknown;           /* what a word becomes that is no sequence of pieces */
    char prefix[MMN_WORDPIECE_PREFIX_LIMIT + 1]; /* how pieces are spelt that begin no word: "##" */
    size_t longest_word;                         /* in characters; longer ones are unknown */
} mmn_wordpiece;

/* Appends the ids of a word of `length` bytes of valid UTF-8: at each place the longest piece that
 * fits, or the unknown token alone if there is none. */
mmn_status mmn_wordpiece_encode(const mmn_wordpiece *wordpiece, const char *word, size_t length,
                                mmn_ids *ids, mmn_error *error);
void mmn_wordpiece_free(mmn_wordpiece *wordpiece);

/* ---- Tokenizers ------------------------------------------------------------------------------ */

/* No token or pattern is longer than this many bytes (sentencepiece has the same limit for its
 * pieces), and no text that a tokenizer puts in place of another longer than the second; so a
 * hostile file can neither search for long nor turn a short input into a huge one. */
#define MMN_TOKEN_LENGTH_LIMIT 8000
#define MMN_REPLACEMENT_LENGTH_LIMIT 64
/* Nor has it more steps of one kind. */
#define MMN_STEP_LIMIT 16

/* How words are taken apart. */
typedef enum mmn_tokenizer_model {
    MMN_MODEL_BPE,
    MMN_MODEL_WORDPIECE,
    MMN_MODEL_UNIGRAM
} mmn_tokenizer_model;

/* In the order in which encoding uses them. */
struct mmn_tokenizer {
    size_t id_limit;   /* encoding gives ids below this; 0: any */
    char *image_token; /* what the folder's files call it, or NULL */
    mmn_added_tokens added;
    mmn_normalizer normalizer;
    mmn_pre_tokenizer pre_tokenizer;
    mmn_tokenizer_model model; /* which of the next three takes words apart; the others are empty */
    mmn_bpe bpe;
    mmn_wordpiece wordpiece;
    mmn_unigram unigram;
    mmn_ids before, after; /* what add_special puts around a text */
    mmn_decoder decoder;
};

/* The vocabulary of the model that the tokenizer has. */
static inline const mmn_vocabulary *mmn_model_vocabulary(const mmn_tokenizer *tokenizer)
{
    switch (tokenizer->model) {
    case MMN_MODEL_WORDPIECE:
        return &tokenizer->wordpiece.vocabulary;
    case MMN_MODEL_UNIGRAM:
        return &tokenizer->unigram.vocabulary;
    case MMN_MODEL_BPE:
        break;
    }
    return &tokenizer->bpe.vocabulary;
}

/* Fills a zeroed tokenizer from the text of a tokenizer.json; `file` is its name in errors. */
mmn_status mmn_tokenizer_read_json(mmn_tokenizer *tokenizer, const char *text, size_t size,
                                   const char *file, mmn_error *error);

/* Reads the pieces and rules of a tokenizer.model of `size` bytes: vocabulary, normaliser, special
 * tokens and decoder. Where `scheme` is not NULL, it says where a space is put before a text, in
 * place of the model's rules. */
mmn_status mmn_sentencepiece_read(mmn_tokenizer *tokenizer, const uint8_t *data, size_t size,
                                  const mmn_prepend_scheme *scheme, mmn_error *error);

/* Puts steps in place of a tokenizer's that write spaces as LLaMA's vocabulary does and put none
 * before a text. */
mmn_status mmn_sentencepiece_put_no_space(mmn_tokenizer *tokenizer, mmn_error *error);

/* Makes a tokenizer of the bytes of a tokenizer.json, or of a tokenizer.model that no other file
 * stands beside. */
mmn_status mmn_tokenizer_from_json(mmn_tokenizer **tokenizer, const char *text, size_t size,
                                   const char *file, mmn_error *error);
mmn_status mmn_tokenizer_from_model(mmn_tokenizer **tokenizer, const uint8_t *data, size_t size,
                                    const char *file, mmn_error *error);

/* ---- Reading the steps of tokenizer.json ----------------------------------------------------- */

/* Each reads one key of tokenizer.json's `document` into the tokenizer; absent or null gives no
 * steps. MMN_INPUT for what would change ids or texts and is not supported, by its type's name. */
void mmn_json_read_normalizer(mmn_tokenizer *tokenizer, const mmn_object *document);
void mmn_json_read_pre_tokenizer(mmn_tokenizer *tokenizer, const mmn_object *document);
void mmn_json_read_post_processor(mmn_tokenizer *tokenizer, const mmn_object *document);
void mmn_json_read_decoder(mmn_tokenizer *tokenizer, const mmn_object *document);

/* ---- Steps that cut texts -------------------------------------------------------------------- */

/* The types that the next function reads, for messages. */
#define MMN_JSON_SPLITS                                                                            \
    "Split, CharDelimiterSplit, Digits, Punctuation, Whitespace, WhitespaceSplit, "                \
    "BertPreTokenizer or ByteLevel"

/* Reads a pre-tokeniser of such a type into up to three steps; false for another type. */
bool mmn_json_read_split(mmn_pre_tokenizer *pre_tokenizer, const mmn_object *json,
                         const char *type);

/* Reads the text `key`, which must be there and not empty: what pieces of WordPiece begin with that
 * begin no word. */
void mmn_json_read_prefix(const char **prefix, const mmn_object *json, const char *key);

/* Reads the options of BERT's normaliser as the keys of a BertNormalizer or of
 * tokenizer_config.json, with what holds for absent ones already there; strip_accents that is
 * absent or null is as lowercase. */
void mmn_json_read_bert_options(mmn_bert_options *options, const mmn_object *json,
                                const char *lowercase_key, const char *ideographs_key);

#endif
