/* Maps of characters: what SentencePiece puts in place of characters before it takes a text
 * apart. */
#ifndef MMN_TEXT_CHARACTER_MAP_H
#define MMN_TEXT_CHARACTER_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text_buffer.h"

/* A trie of what is replaced, as a double array, and the texts that replace it, each ended by a
 * zero: a leaf's value is where its text begins. */
typedef struct mmn_character_map mmn_character_map;

/* Reads a map as tokenizer.json has it: the base64 of the trie's size in bytes, u32, its units, u32
 * each, and the texts, all little-endian. MMN_INPUT for what is none. */
mmn_status mmn_character_map_read(mmn_character_map **map, const char *base64, mmn_error *error);
void mmn_character_map_free(mmn_character_map *map);

/* Appends `text` (valid UTF-8) to `result` with its characters replaced as the `tokenizers` library
 * replaces them: a grapheme cluster of less than six bytes as a whole by the text of its shortest
 * beginning that has one, and otherwise each character by itself. Ends early where the result has
 * more than `most` bytes. MMN_INPUT where the map leads out of itself. */
mmn_status mmn_character_map_apply(const mmn_character_map *map, const char *text, size_t length,
                                   size_t most, mmn_text *result, mmn_error *error);

#endif
