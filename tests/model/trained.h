/* Where the trained model is, with what PyTorch makes of it (golden/make_trained.py). */
#ifndef MMN_TESTS_MODEL_TRAINED_H
#define MMN_TESTS_MODEL_TRAINED_H

#include <stdlib.h>

/* MMN_TRAINED_DIR names another such folder. */
static inline const char *trained_folder(void)
{
    const char *folder = getenv("MMN_TRAINED_DIR");
    return folder && folder[0] ? folder : MMN_SOURCE_DIR "/models/five-domains";
}

#endif
