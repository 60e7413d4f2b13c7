/* Hexadecimal digits: one of them, and bytes written as two each. */
#ifndef MMN_BASE_HEXADECIMAL_H
#define MMN_BASE_HEXADECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* What a digit of either case stands for, or -1. */
int mmn_hexadecimal_value(char digit);

/* Writes 2 * count lower-case digits and a zero. */
void mmn_hexadecimal_write(char *text, const uint8_t *bytes, size_t count);

/* Reads 2 * count digits, which are there. */
void mmn_hexadecimal_read(uint8_t *bytes, const char *text, size_t count);

#endif
