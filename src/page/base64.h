/* Base64: bytes as text, for pictures inside a page. */
#ifndef MMN_REPORT_BASE64_H
#define MMN_REPORT_BASE64_H

#include <stdint.h>

#include "base/text_buffer.h"

/* RFC 4648, with padding, on one line. */
void mmn_base64_add(mmn_text *text, const uint8_t *data, size_t size);

#endif
