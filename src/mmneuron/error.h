/* mmneuron/error.h: errors, memory and progress: what all functions of the library share.
 *
 * Ownership. Texts and arrays that a function makes for its caller are freed with mmn_release. What
 * an error, or a progress, points to belongs to the library.
 *
 * Threads. All functions may be called by several threads at once, but for mmn_set_allocator. */
#ifndef MMNEURON_ERROR_H
#define MMNEURON_ERROR_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MMN_API __attribute__((visibility("default")))
#else
#define MMN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors ---------------------------------------------------------------------------------- */

typedef enum mmn_status {
    MMN_OK = 0,
    MMN_DIFFERENT = 1,   /* compared, and different */
    MMN_USAGE = 2,       /* the caller asked for something that cannot be */
    MMN_INPUT = 3,       /* a file's contents are not what they should be */
    MMN_SYSTEM = 4,      /* the operating system refused: a file, the disk, memory */
    MMN_INTERRUPTED = 5, /* a progress callback asked to stop; what was done is kept */
    MMN_NONFINITE =
        6 /* a number of the forward pass became infinite or NaN; `where` is the stage */
} mmn_status;

typedef struct mmn_error {
    mmn_status status;
    int cause;          /* errno's value where the operating system refused, else 0 */
    char file[1024];    /* the file at fault, or "" */
    char where[256];    /* the byte, line, key or tensor in it, or "" */
    char message[1024]; /* what is wrong, and what was expected */
} mmn_error;

/* Writes "file: where: message" to `text`, cut to `size`, control characters replaced. */
MMN_API void mmn_error_sentence(const mmn_error *error, char *text, size_t size);

/* Replaces in `text` by "?" what could drive a terminal or hide what stands there: controls (C0,
 * C1, DEL), overrides of direction and the like, and bytes that are not UTF-8. With `lines`, line
 * breaks and tabs stay. The text gets no longer. */
MMN_API void mmn_make_printable(char *text, int lines);

/* The library's version, "major.minor.patch". */
MMN_API const char *mmn_version(void);

/* Frees a text or array that a function of this header allocated for the caller. */
MMN_API void mmn_release(void *pointer);

/* Where the library's memory comes from, and PCRE2's and libpng's with it. Both functions may be
 * called by several threads at once. */
typedef struct mmn_allocator {
    /* `size` bytes, at least 1, at a multiple of `alignment`, a power of two; NULL: there is no
     * memory, which ends what was asked for with MMN_SYSTEM. They need not be zero. */
    void *(*allocate)(void *context, size_t size, size_t alignment);
    void (*release)(void *context, void *pointer); /* what allocate returned, never NULL */
    void *context;
} mmn_allocator;

/* Takes all memory from `allocator`, which is copied; NULL: from posix_memalign and free, as at
 * first. MMN_USAGE once the library has allocated, and where a function is missing. For the start
 * of a program, before it has threads. */
MMN_API mmn_status mmn_set_allocator(const mmn_allocator *allocator, mmn_error *error);

/* The name among `count` that the mistyped `text` was probably meant to be, or NULL if none is
 * near. `names` points to the first name's pointer and the next is `stride` bytes further, so that
 * a member of any table's entries can be searched. */
MMN_API const char *mmn_nearest_name(const char *text, const void *names, size_t stride,
                                     size_t count);

/* ---- Progress -------------------------------------------------------------------------------- */

typedef struct mmn_progress {
    const char *label; /* what is being done */
    const char *unit;  /* what is counted: "samples" */
    uint64_t done, total;
    uint64_t already; /* of `done`, how many an earlier run had done */
    double seconds;   /* since this run began */
    double begun; /* what of the units at work is done, by their layers: 1.5 may be half of three */
} mmn_progress;

/* Called now and then; a value other than 0 asks the work to stop with MMN_INTERRUPTED. */
typedef int (*mmn_progress_function)(void *context, const mmn_progress *progress);

/* Draws one line (a bar of the given width in columns, share, rate, time left), without a line
 * break or escape codes, cut to `size`. */
MMN_API void mmn_progress_line(char *line, size_t size, const mmn_progress *progress, int columns);

#ifdef __cplusplus
}
#endif

#endif
