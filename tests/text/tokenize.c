/* Reads requests from standard input and answers each with a line, for compare_with_tokenizers.py:
 * "E 0|1 HEX" encodes the UTF-8 text HEX without or with special tokens, "D 0|1 ID ID ..." decodes
 * with or without special tokens left out. Usage: tokenize FOLDER. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "text/tokenizer.h"

static void print_error(const mmn_error *error)
{
    char sentence[2048];
    mmn_error_sentence(error, sentence, sizeof(sentence));
    printf("error %d %s\n", (int)error->status, sentence);
}

static void encode(const mmn_tokenizer *tokenizer, const char *request)
{
    bool special = request[0] == '1';
    const char *digits = request + 2;
    size_t length = strlen(digits) / 2, count;
    char *text = malloc(length + 1);
    int32_t *ids;
    mmn_error error;
    for (size_t i = 0; i < length; i++) {
        char pair[3] = {digits[2 * i], digits[2 * i + 1], 0};
        text[i] = (char)strtoul(pair, NULL, 16);
    }
    if (mmn_tokenizer_encode(tokenizer, text, length, special, &ids, &count, &error) != MMN_OK) {
        print_error(&error);
    } else {
        for (size_t i = 0; i < count; i++)
            printf(i ? " %d" : "%d", (int)ids[i]);
        putchar('\n');
        mmn_free(ids);
    }
    free(text);
}

static void decode(const mmn_tokenizer *tokenizer, const char *request)
{
    bool skip = request[0] == '1';
    const char *next = request + 1;
    int32_t *ids = calloc(strlen(request) + 1, sizeof(*ids));
    size_t count = 0, length;
    char *text, *end;
    mmn_error error;
    for (long id = strtol(next, &end, 10); end != next; id = strtol(next, &end, 10)) {
        ids[count++] = (int32_t)id;
        next = end;
    }
    if (mmn_tokenizer_decode(tokenizer, ids, count, skip, &text, &length, &error) != MMN_OK) {
        print_error(&error);
    } else {
        for (size_t i = 0; i < length; i++)
            printf("%02x", (unsigned char)text[i]);
        putchar('\n');
        mmn_free(text);
    }
    free(ids);
}

int main(int argc, char **argv)
{
    mmn_tokenizer *tokenizer;
    mmn_error error;
    if (argc != 2) {
        fprintf(stderr, "usage: tokenize FOLDER\n");
        return 2;
    }
    if (mmn_tokenizer_open(&tokenizer, argv[1], &error) != MMN_OK) {
        print_error(&error);
        return (int)error.status;
    }
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, stdin)) > 0) {
        if (line[length - 1] == '\n')
            line[--length] = '\0';
        if (length >= 3 && line[0] == 'E')
            encode(tokenizer, line + 2);
        else if (length >= 3 && line[0] == 'D')
            decode(tokenizer, line + 2);
        fflush(stdout);
    }
    free(line);
    mmn_tokenizer_close(tokenizer);
    return 0;
}
