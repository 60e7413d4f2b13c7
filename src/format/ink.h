/* Four inks to three colours. */
#ifndef MMN_FORMAT_INK_H
#define MMN_FORMAT_INK_H

#include <stdint.h>

/* As Pillow: of what cyan, magenta, yellow and black leave of the light, colours and black are
 * multiplied in rounded steps of 1/255. */
static inline void mmn_light_to_rgb(uint8_t rgb[3], const uint8_t left[4])
{
    for (int channel = 0; channel < 3; channel++) {
        int product = (255 - left[channel]) * left[3] + 128;
        rgb[channel] = (uint8_t)(left[3] - ((product + (product >> 8)) >> 8));
    }
}

#endif
