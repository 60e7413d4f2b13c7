/* Hexadecimal digits: one of them, and bytes written as two each. */
#include "base/hexadecimal.h"

int mmn_hexadecimal_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

void mmn_hexadecimal_write(char *text, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * count] = '\0';
}

void mmn_hexadecimal_read(uint8_t *bytes, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(mmn_hexadecimal_value(text[2 * i]) << 4 |
                             mmn_hexadecimal_value(text[2 * i + 1]));
}
