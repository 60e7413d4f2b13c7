/* Reading dumps: stages in the order of the forward pass, elements of any type as binary64. */
#include "model/dump_read.h"

#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/file_kind.h"
#include "base/memory.h"
#include "base/names.h"
#include "kernels.h"
#include "model/stages.h"

static int compare_tensors(const void *a, const void *b)
{
    const mmn_tensor *const *x = a, *const *y = b;
    return mmn_stage_compare((*x)->name, (*y)->name);
}

/* Names stand in tables and in lines of text. */
static bool is_printable(const char *name)
{
    for (; *name != '\0'; name++)
        if ((unsigned char)*name <= ' ' || (unsigned char)*name == 0x7f)
            return false;
    return true;
}

mmn_status mmn_dump_open(mmn_safetensors **file, const char *path, mmn_error *error)
{
    mmn_file_kind kind = mmn_file_kind_of(path);
    mmn_status status = mmn_safetensors_open(file, path, error);
    if (status == MMN_OK && (kind == MMN_KIND_COUNTS || kind == MMN_KIND_STATE)) {
        mmn_safetensors_close(*file);
        *file = NULL;
        status = MMN_INPUT;
    }
    return mmn_file_kind_explain(error, status, path, MMN_KIND_DUMP);
}

mmn_status mmn_dump_list(const mmn_tensor ***list, size_t *count, const mmn_safetensors *file,
                         const char *stages, mmn_error *error)
{
    size_t all = mmn_safetensors_count(file);
    *count = 0;
    MMN_NEED(*list = mmn_allocate(all, sizeof(**list), error));
    for (size_t i = 0; i < all; i++) {
        const mmn_tensor *tensor = mmn_safetensors_get(file, i);
        if (!is_printable(tensor->name)) {
            mmn_free(*list);
            *list = NULL;
            return mmn_fail(error, MMN_INPUT, tensor->file, tensor->name,
                            "a stage's name has control characters or spaces");
        }
        if (mmn_glob_match(stages, tensor->name))
            (*list)[(*count)++] = tensor;
    }
    qsort(*list, *count, sizeof(**list), compare_tensors);
    return MMN_OK;
}

bool mmn_dump_is_integer(const mmn_tensor *tensor)
{
    switch (tensor->type) {
    case MMN_TYPE_F8_E5M2:
    case MMN_TYPE_F8_E4M3:
    case MMN_TYPE_F16:
    case MMN_TYPE_BF16:
    case MMN_TYPE_F32:
    case MMN_TYPE_F64:
        return false;
    default:
        return true;
    }
}

/* A whole number of any type: its sign and its size. */
typedef struct whole {
    bool negative;
    uint64_t size;
} whole;

static whole load_whole(const mmn_tensor *tensor, size_t index)
{
    size_t bytes = mmn_tensor_type_size(tensor->type);
    const uint8_t *data = tensor->data + index * bytes;
    uint64_t bits = 0;
    for (size_t i = bytes; i-- > 0;)
        bits = bits << 8 | data[i];
    bool is_signed = tensor->type == MMN_TYPE_I8 || tensor->type == MMN_TYPE_I16 ||
                     tensor->type == MMN_TYPE_I32 || tensor->type == MMN_TYPE_I64;
    uint64_t sign = UINT64_C(1) << (8 * bytes - 1);
    if (!is_signed || !(bits & sign))
        return (whole){false, bits};
    return (whole){true, sign - (bits ^ sign)};
}

bool mmn_dump_same_integer(const mmn_tensor *a, const mmn_tensor *b, size_t index)
{
    whole one = load_whole(a, index), other = load_whole(b, index);
    return one.negative == other.negative && one.size == other.size;
}

/* f16 and bf16, by the kernel that widens weights. */
static void load_half(double *values, const uint8_t *data, mmn_weight_type type, size_t count)
{
    enum { BLOCK = 256 };
    const mmn_kernels *kernels = mmn_kernels_reference();
    float widened[BLOCK];
    for (size_t done = 0; done < count;) {
        size_t block = count - done < BLOCK ? count - done : BLOCK;
        kernels->widen(widened, data + 2 * done, type, block);
        for (size_t i = 0; i < block; i++)
            values[done + i] = widened[i];
        done += block;
    }
}

/* One byte: a sign, an exponent, and `mantissa` bits (arXiv 2209.05433). E5M2 has infinities as
 * IEEE types do; E4M3 has none, and NaN only where all bits but the sign are set. */
static double load_quarter(uint8_t byte, int mantissa)
{
    int bias = mantissa == 2 ? 15 : 7, most = mantissa == 2 ? 31 : 15;
    int exponent = (byte & 0x7f) >> mantissa, fraction = byte & ((1 << mantissa) - 1);
    double value;
    if (exponent == most && mantissa == 2)
        value = fraction == 0 ? (double)INFINITY : (double)NAN;
    else if ((byte & 0x7f) == 0x7f)
        value = (double)NAN;
    else if (exponent == 0)
        value = ldexp(fraction, 1 - bias - mantissa);
    else
        value = ldexp(fraction + (1 << mantissa), exponent - bias - mantissa);
    return byte & 0x80 ? -value : value;
}

void mmn_dump_load(double *values, const mmn_tensor *tensor, size_t first, size_t count)
{
    const uint8_t *data = tensor->data + first * mmn_tensor_type_size(tensor->type);
    switch (tensor->type) {
    case MMN_TYPE_F64:
        for (size_t i = 0; i < count; i++)
            values[i] = mmn_load_f64(data + 8 * i);
        break;
    case MMN_TYPE_F32:
        for (size_t i = 0; i < count; i++)
            values[i] = mmn_load_f32(data + 4 * i);
        break;
    case MMN_TYPE_F16:
        load_half(values, data, MMN_WEIGHT_F16, count);
        break;
    case MMN_TYPE_BF16:
        load_half(values, data, MMN_WEIGHT_BF16, count);
        break;
    case MMN_TYPE_F8_E5M2:
    case MMN_TYPE_F8_E4M3:
        for (size_t i = 0; i < count; i++)
            values[i] = load_quarter(data[i], tensor->type == MMN_TYPE_F8_E5M2 ? 2 : 3);
        break;
    default:
        for (size_t i = 0; i < count; i++) {
            whole number = load_whole(tensor, first + i);
            values[i] = number.negative ? -(double)number.size : (double)number.size;
        }
        break;
    }
}
