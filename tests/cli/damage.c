/* Writes a damaged copy of a file, for tests of what is done about bad input.
 *
 *   damage cut FILE OUTPUT I N       its first I / N
 *   damage flip FILE OUTPUT I N      one bit of the byte at I / N
 *   damage header FILE OUTPUT I N    one bit of a safetensors header (or its length), at I / N of
 * it damage erase FILE OUTPUT I N     the I-th of N evenly chosen structural characters of JSON
 *   damage zero FILE OUTPUT I N      the N-th part of the bytes from I / N on, all 0
 *   damage ones FILE OUTPUT I N      two bytes from I / N of a safetensors' data on, all bits 1:
 * NaN as bf16 and f16, and in
 * f32 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads all of a file; ends the program if that fails. */
static unsigned char *read_all(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        *size = (size_t)ftell(file);
        bytes = malloc(*size + 1);
        rewind(file);
    }
    if (bytes == NULL || fread(bytes, 1, *size, file) != *size) {
        fprintf(stderr, "damage: cannot read %s\n", path);
        exit(2);
    }
    fclose(file);
    return bytes;
}

static void write_all(const char *path, const unsigned char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        fprintf(stderr, "damage: cannot write %s\n", path);
        exit(2);
    }
}

/* Length of a safetensors file's header and the 8 bytes before it. */
static size_t header_end(const unsigned char *bytes, size_t size)
{
    uint64_t length = 0;
    for (size_t index = 0; index < 8 && index < size; index++)
        length |= (uint64_t)bytes[index] << (8 * index);
    return length + 8 < size ? (size_t)length + 8 : size;
}

/* Replaces the structural character whose number is index / count of all by a letter. */
static void erase_structure(unsigned char *bytes, size_t size, size_t index, size_t count)
{
    const char structure[] = "{}[]:,\"";
    size_t total = 0;
    for (size_t at = 0; at < size; at++)
        total += bytes[at] != 0 && strchr(structure, bytes[at]) != NULL;
    size_t chosen = total * index / count;
    size_t seen = 0;
    for (size_t at = 0; at < size; at++) {
        if (bytes[at] != 0 && strchr(structure, bytes[at]) != NULL && seen++ == chosen)
            bytes[at] = 'x';
    }
}

/* Two bytes that every type of weights has at an even place, or the upper ones of f32. */
static void set_ones(unsigned char *bytes, size_t size, size_t index, size_t count)
{
    size_t data = header_end(bytes, size);
    size_t place = (size_t)((double)(size - data) * (double)index / (double)count) / 4 * 4;
    if (data + place + 4 <= size)
        memset(bytes + data + place, 0xff, 4);
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: damage KIND FILE OUTPUT I N\n");
        return 2;
    }
    size_t size = 0;
    unsigned char *bytes = read_all(argv[2], &size);
    size_t index = strtoul(argv[4], NULL, 10);
    size_t count = strtoul(argv[5], NULL, 10);
    if (size == 0 || count == 0 || index >= count) {
        fprintf(stderr, "damage: nothing to damage, or I is not below N\n");
        return 2;
    }
    size_t place = (size_t)((double)size * (double)index / (double)count);
    if (strcmp(argv[1], "cut") == 0)
        size = place;
    else if (strcmp(argv[1], "flip") == 0)
        bytes[place] ^= (unsigned char)(1u << index % 8);
    else if (strcmp(argv[1], "header") == 0)
        bytes[header_end(bytes, size) * index / count] ^= (unsigned char)(1u << index % 8);
    else if (strcmp(argv[1], "erase") == 0)
        erase_structure(bytes, size, index, count);
    else if (strcmp(argv[1], "ones") == 0)
        set_ones(bytes, size, index, count);
    else if (strcmp(argv[1], "zero") == 0)
        memset(bytes + place, 0, size / count);
    else
        return 2;
    write_all(argv[3], bytes, size);
    free(bytes);
    return 0;
}
