/* Maps a file of a page and more, shortens it as another program would, and reads behind its new
 * end:
 *
 *   shortened
 * FILE */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/signals.h"

enum { SIZE = 1 << 20 };

int main(int argc, char **argv)
{
    int descriptor = argc == 2 ? open(argv[1], O_RDWR | O_CREAT, 0600) : -1;
    if (descriptor < 0 || ftruncate(descriptor, SIZE) != 0)
        return 2;
    const volatile char *bytes = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED || bytes[SIZE - 1] != 0 || ftruncate(descriptor, 1) != 0)
        return 2;
    mmn_cli_guard_mappings();
    printf("not there and read: %d\n", bytes[SIZE - 1]);
    return 0;
}
