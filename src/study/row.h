/* Rows: what one of a plan's runs made of one sample. A study describes its rows by data: a struct,
 * and the columns that its members are. */
#ifndef MMN_STUDY_ROW_H
#define MMN_STUDY_ROW_H

#include <stddef.h>

#include "base/memory.h"
#include "base/reader.h"
#include "base/text_buffer.h"
#include "count/samples.h"
#include "study/plan.h"

typedef enum mmn_row_type {
    MMN_ROW_WHOLE, /* uint64_t, at most INT64_MAX */
    MMN_ROW_REAL,  /* double; it may be infinite or NaN */
    MMN_ROW_TEXT   /* char *, UTF-8; NULL is nothing */
} mmn_row_type;

typedef struct mmn_row_column {
    const char *name;
    mmn_row_type type;
    bool many;
    size_t offset; /* of the member, or of many: of a pointer to them, and... */
    size_t count;  /* ...of their number, a size_t; of many texts none is NULL */
} mmn_row_column;

/* Columns, up to one without a name, of the struct `row`. */
#define MMN_ROW_ONE(name, type, row, member)                                                       \
    {                                                                                              \
        name, type, false, offsetof(row, member), 0                                                \
    }
#define MMN_ROW_MANY(name, type, row, member, number)                                              \
    {                                                                                              \
        name, type, true, offsetof(row, member), offsetof(row, number)                             \
    }

/* What the struct begins with. */
typedef struct mmn_row {
    void *kept; /* by the study */
    const mmn_run *run;
} mmn_row;

/* What is known of the sample that rows are of. */
typedef struct mmn_row_sample {
    uint64_t positions[2]; /* text, image */
    bool nonfinite;        /* numbers were infinite or NaN, and allowed */
} mmn_row_sample;

/* Adds the beginning of a row's line, which says what it is of: "{", and members each with ", "
 * behind it. */
void mmn_row_add_key(mmn_text *line, const mmn_row *row, const mmn_plan *plan,
                     const mmn_samples *samples, const mmn_planned_sample *planned);
/* Adds the rest of its members, up to the last without ", " behind it. MMN_INPUT where there are
 * more values than a line can have. */
mmn_status mmn_row_add_values(mmn_text *line, const mmn_row *row, const mmn_row_sample *sample,
                              const mmn_row_column *columns, mmn_error *error);
/* Adds the members that the columns are of any struct, with ", " between them. MMN_INPUT
 * likewise. */
mmn_status mmn_row_add_columns(mmn_text *line, const void *row, const mmn_row_column *columns,
                               mmn_error *error);
/* Reads them; what is not in the row's struct itself is kept in `blocks`. */
void mmn_row_read(mmn_row *row, mmn_row_sample *sample, const mmn_object *line,
                  const mmn_row_column *columns, mmn_blocks *blocks);
void mmn_row_read_columns(void *row, const mmn_object *line, const mmn_row_column *columns,
                          mmn_blocks *blocks);
/* MMN_INPUT, for a row that can be read and whose column does not go with the study. */
mmn_status mmn_row_refuse(const char *column, mmn_error *error);

#endif
