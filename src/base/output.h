/* The place of an output before there is anything to write: proved, locked against a second run,
 * and rid of what a killed run left; and a second place for what cannot be written there in the
 * end. */
#ifndef MMN_BASE_OUTPUT_H
#define MMN_BASE_OUTPUT_H

#include "base/error.h"

/* Takes the output `path` as mmn_output_claim does, whatever its sources: a file, or the folder
 * that receives several files, which is made if it is not there. The folder that is written to is
 * really written to: a lock is made in it, which says what runs, and which no killed process leaves
 * locked. Temporary files of it and of what is beside it are removed. MMN_USAGE when `path` is
 * something else than what it is to become; MMN_SYSTEM, naming the folder, when nothing can be
 * written there, and, naming `path`, when another run has it. */
mmn_status mmn_output_lock(mmn_output **output, const char *path, const mmn_output_options *options,
                           mmn_error *error);

/* Something that writes a result to the file (or folder) `path`. */
typedef mmn_status mmn_output_writer(const void *context, const char *path, mmn_error *error);

/* Calls `write` for `path`. When the system refuses that, calls it for a file of the same name in a
 * new folder of TMPDIR, /tmp, /var/tmp, HOME or /dev/shm, whichever takes it first: the error,
 * which is still returned, then says where the result is. */
mmn_status mmn_output_write(const char *path, mmn_output_writer *write, const void *context,
                            mmn_error *error);

#endif
