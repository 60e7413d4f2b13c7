/* Maps of characters: SentencePiece's precompiled_charsmap, applied as `tokenizers` does. */
#include "text/character_map.h"

#include <stdbool.h>
#include <string.h>
#ifdef HAVE_UTF8PROC
#include <utf8proc.h>
#endif

#include "base/bytes.h"
#include "base/memory.h"
#include "base/names.h"
#include "base/utf8.h"

struct mmn_character_map {
    uint8_t *bytes; /* of the whole map */
    const uint8_t *units;
    size_t unit_count;
    const char *texts; /* UTF-8 */
    size_t texts_size;
};

/* ---- Base64 ---------------------------------------------------------------------------------- */

static int value_of_letter(char letter)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = letter ? strchr(letters, letter) : NULL;
    return found ? (int)(found - letters) : -1;
}

/* Writes the bytes of RFC 4648's base64 with its padding, and returns how many there are; SIZE_MAX
 * for what is none. */
static size_t decode_base64(uint8_t *bytes, const char *text, size_t length)
{
    size_t count = 0, padding = 0;
    if (length % 4 != 0)
        return SIZE_MAX;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
        padding++;
    for (size_t at = 0; at < length; at += 4) {
        uint32_t word = 0;
        size_t letters = at + 4 == length ? 4 - padding : 4;
        for (size_t i = 0; i < 4; i++) {
            int value = i < letters ? value_of_letter(text[at + i]) : 0;
            if (value < 0)
                return SIZE_MAX;
            word = word << 6 | (uint32_t)value;
        }
        for (size_t i = 0; i < letters - 1; i++)
            bytes[count++] = (uint8_t)(word >> (16 - 8 * i));
        if (word << (8 * (letters - 1)) & 0xffffff)
            return SIZE_MAX; /* bits that belong to no byte */
    }
    return count;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static mmn_status fail(mmn_error *error, const char *what)
{
    return mmn_fail(error, MMN_INPUT, NULL, "precompiled_charsmap", "%s", what);
}

static mmn_status read_parts(mmn_character_map *map, size_t size, mmn_error *error)
{
    if (size == SIZE_MAX)
        return fail(error, "is not base64");
    size_t trie_size = size < 4 ? 0 : mmn_load_u32(map->bytes);
    map->unit_count = trie_size / 4;
    if (map->unit_count == 0 || trie_size > size - 4)
        return fail(error, "does not hold the trie whose size it says");
    map->units = map->bytes + 4;
    map->texts = (const char *)map->units + map->unit_count * 4;
    map->texts_size = size - 4 - map->unit_count * 4;
    if (mmn_utf8_valid_prefix(map->texts, map->texts_size) != map->texts_size)
        return fail(error, "has texts that are not UTF-8");
    return MMN_OK;
}

mmn_status mmn_character_map_read(mmn_character_map **result, const char *base64, mmn_error *error)
{
    size_t length = strlen(base64);
    mmn_character_map *map = mmn_allocate(1, sizeof(*map), error);
    *result = map;
    MMN_NEED(map);
    map->bytes = mmn_allocate(length / 4 + 1, 3, error);
    mmn_status status =
        map->bytes ? read_parts(map, decode_base64(map->bytes, base64, length), error) : MMN_SYSTEM;
    if (status == MMN_OK)
        return MMN_OK;
    mmn_character_map_free(map);
    *result = NULL;
    return status;
}

void mmn_character_map_free(mmn_character_map *map)
{
    if (!map)
        return;
    mmn_free(map->bytes);
    mmn_free(map);
}

/* ---- Applying -------------------------------------------------------------------------------- */

#ifdef HAVE_UTF8PROC

/* What a search has found. */
typedef enum finding { NOTHING, A_TEXT, A_DAMAGE } finding;

/* A unit of the trie: its label, or with the highest bit a value; whether it has a leaf; and how
 * far its children lie from it. Source: darts-clone, dawgdic. */
static uint32_t unit_at(const mmn_character_map *map, size_t place)
{
    return mmn_load_u32(map->units + 4 * place);
}

static size_t children_of(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 1u << 9) >> 6);
}

static bool has_leaf(uint32_t unit)
{
    return unit >> 8 & 1;
}

/* The text of a leaf's value, which may be anything. */
static finding find_text(const mmn_character_map *map, size_t value, mmn_item *text)
{
    if (value > map->texts_size ||
        (value < map->texts_size && ((unsigned char)map->texts[value] & 0xc0) == 0x80))
        return A_DAMAGE;
    const char *start = map->texts + value;
    const char *end = memchr(start, '\0', map->texts_size - value);
    *text = (mmn_item){start, end ? (size_t)(end - start) : map->texts_size - value};
    return A_TEXT;
}

/* The text of the shortest beginning of `part` that has one. */
static finding find(const mmn_character_map *map, const char *part, size_t length, mmn_item *text)
{
    size_t place = children_of(unit_at(map, 0));
    for (size_t i = 0; i < length && part[i] != '\0'; i++) {
        const uint8_t byte = (uint8_t)part[i];
        place ^= byte;
        if (place >= map->unit_count)
            return A_DAMAGE;
        const uint32_t unit = unit_at(map, place);
        if ((unit & (1u << 31 | 0xff)) != byte)
            return NOTHING;
        place ^= children_of(unit);
        if (has_leaf(unit))
            return place < map->unit_count ? find_text(map, unit_at(map, place) & 0x7fffffff, text)
                                           : A_DAMAGE;
    }
    return NOTHING;
}

/* Where the grapheme cluster ends that begins at `start`. */
static size_t end_of_cluster(const char *text, size_t length, size_t start)
{
    utf8proc_int32_t state = 0, code = (utf8proc_int32_t)mmn_utf8_decode(text + start);
    size_t at = start + mmn_utf8_size(text + start);
    while (at < length) {
        utf8proc_int32_t next = (utf8proc_int32_t)mmn_utf8_decode(text + at);
        if (utf8proc_grapheme_break_stateful(code, next, &state))
            break;
        code = next;
        at += mmn_utf8_size(text + at);
    }
    return at;
}

/* Appends what replaces `part`, if anything does. */
static finding replace(const mmn_character_map *map, const char *part, size_t length,
                       mmn_text *result)
{
    mmn_item text;
    const finding found = find(map, part, length, &text);
    if (found == A_TEXT)
        mmn_text_add_bytes(result, text.text, text.length);
    return found;
}

static finding replace_cluster(const mmn_character_map *map, const char *cluster, size_t length,
                               mmn_text *result)
{
    enum { SHORT_CLUSTER = 6 };
    finding found = length < SHORT_CLUSTER ? replace(map, cluster, length, result) : NOTHING;
    if (found != NOTHING)
        return found;
    for (size_t at = 0, size; at < length && found != A_DAMAGE; at += size) {
        size = mmn_utf8_size(cluster + at);
        found = replace(map, cluster + at, size, result);
        if (found == NOTHING)
            mmn_text_add_bytes(result, cluster + at, size);
    }
    return found;
}

mmn_status mmn_character_map_apply(const mmn_character_map *map, const char *text, size_t length,
                                   size_t most, mmn_text *result, mmn_error *error)
{
    for (size_t at = 0, end; at < length && result->length <= most; at = end) {
        end = end_of_cluster(text, length, at);
        if (replace_cluster(map, text + at, end - at, result) == A_DAMAGE)
            return fail(error, "is damaged: it leads out of its own trie or texts");
    }
    return MMN_OK;
}

#else

mmn_status mmn_character_map_apply(const mmn_character_map *map, const char *text, size_t length,
                                   size_t most, mmn_text *result, mmn_error *error)
{
    (void)map, (void)text, (void)length, (void)most, (void)result;
    return mmn_fail(error, MMN_USAGE, NULL, NULL, "this build leaves utf8proc out");
}

#endif
