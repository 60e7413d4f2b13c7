/* Digests of dumps: one per stage, and one of all. doc/formats.md states the byte layout. */
#include <string.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "model/dump_read.h"

/* The quiet NaN without sign and payload that stands for all NaN of a type of floating-point
 * numbers; and what bits are above infinity's. */
typedef struct nan_rule {
    uint64_t magnitude, infinity, canonical;
} nan_rule;

static bool nan_rule_of(nan_rule *rule, mmn_tensor_type type)
{
    switch (type) {
    case MMN_TYPE_F64:
        *rule = (nan_rule){UINT64_MAX >> 1, UINT64_C(0x7ff) << 52, UINT64_C(0xfff) << 51};
        return true;
    case MMN_TYPE_F32:
        *rule = (nan_rule){0x7fffffff, 0x7f800000, 0x7fc00000};
        return true;
    case MMN_TYPE_F16:
        *rule = (nan_rule){0x7fff, 0x7c00, 0x7e00};
        return true;
    case MMN_TYPE_BF16:
        *rule = (nan_rule){0x7fff, 0x7f80, 0x7fc0};
        return true;
    default:
        return false;
    }
}

static uint64_t load_bits(const uint8_t *from, size_t size)
{
    return size == 8 ? mmn_load_u64(from) : size == 4 ? mmn_load_u32(from) : mmn_load_u16(from);
}

static void store_bits(uint8_t *to, size_t size, uint64_t bits)
{
    if (size == 8)
        mmn_store_u64(to, bits);
    else if (size == 4)
        mmn_store_u32(to, (uint32_t)bits);
    else
        mmn_store_u16(to, (uint16_t)bits);
}

static void add_elements(mmn_digest *digest, const mmn_tensor *tensor)
{
    nan_rule rule;
    uint8_t block[4096];
    if (!nan_rule_of(&rule, tensor->type)) {
        mmn_digest_add(digest, tensor->data, tensor->bytes);
        return;
    }
    size_t size = mmn_tensor_type_size(tensor->type);
    for (size_t done = 0; done < tensor->bytes;) {
        size_t bytes = tensor->bytes - done < sizeof(block) ? tensor->bytes - done : sizeof(block);
        memcpy(block, tensor->data + done, bytes);
        for (size_t i = 0; i < bytes; i += size)
            if ((load_bits(block + i, size) & rule.magnitude) > rule.infinity)
                store_bits(block + i, size, rule.canonical);
        mmn_digest_add(digest, block, bytes);
        done += bytes;
    }
}

static mmn_status digest_tensor(char digest[MMN_DIGEST_SIZE], const mmn_tensor *tensor,
                                mmn_error *error)
{
    mmn_digest *state = NULL;
    MMN_TRY(mmn_digest_begin(&state, error));
    mmn_digest_add_text(state, tensor->name);
    mmn_digest_add_text(state, mmn_tensor_type_name(tensor->type));
    mmn_digest_add_u64(state, tensor->dimensions);
    for (size_t i = 0; i < tensor->dimensions; i++)
        mmn_digest_add_u64(state, tensor->shape[i]);
    add_elements(state, tensor);
    mmn_digest_finish(state, digest);
    mmn_digest_free(state);
    return MMN_OK;
}

mmn_status mmn_dump_digests(const char *dump, const char *stages, char **text, mmn_error *error)
{
    MMN_CLEAR(text);
    MMN_GIVEN(error, dump, text);
    mmn_safetensors *file = NULL;
    const mmn_tensor **list = NULL;
    size_t count = 0;
    mmn_text lines = {0};
    char digest[MMN_DIGEST_SIZE];
    mmn_status status = mmn_dump_open(&file, dump, error);
    if (status == MMN_OK)
        status = mmn_dump_list(&list, &count, file, stages, error);
    if (status == MMN_OK && count == 0)
        status = mmn_fail(error, MMN_INPUT, dump, stages, "there is no stage of such a name");
    for (size_t i = 0; i < count && status == MMN_OK; i++) {
        status = digest_tensor(digest, list[i], error);
        if (status == MMN_OK)
            mmn_text_add(&lines, "%s  %s\n", digest, list[i]->name);
    }
    if (status == MMN_OK)
        status = mmn_safetensors_unchanged(file, error);
    if (status == MMN_OK) {
        mmn_digest_of(lines.text, lines.length, digest);
        mmn_text_add(&lines, "%s  all\n", digest);
        status = mmn_text_finish(&lines, text, error);
    }
    mmn_text_free(&lines);
    mmn_free(list);
    mmn_safetensors_close(file);
    return status;
}
