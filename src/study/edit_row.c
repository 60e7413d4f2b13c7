/* Rows of edits over a list: what is kept of a line, and what is taken of it. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "model/model.h"
#include "study/edit_list.h"

#define MANY(name, type, member) MMN_ROW_MANY(name, type, mmn_edit_row, member, member##_count)
const mmn_row_column mmn_edit_columns[] = {
    MMN_ROW_ONE("answer", MMN_ROW_TEXT, mmn_edit_row, answer),
    MMN_ROW_ONE("said", MMN_ROW_WHOLE, mmn_edit_row, said),
    MMN_ROW_ONE("before_from", MMN_ROW_REAL, mmn_edit_row, before_from),
    MMN_ROW_ONE("before_to", MMN_ROW_REAL, mmn_edit_row, before_to),
    MANY("found", MMN_ROW_WHOLE, found),
    MANY("passes", MMN_ROW_WHOLE, passes),
    MANY("after", MMN_ROW_REAL, after),
    MANY("answers", MMN_ROW_TEXT, answers),
    MANY("replaced", MMN_ROW_WHOLE, replaced),
    MANY("general_has", MMN_ROW_WHOLE, general_has),
    MANY("general_said", MMN_ROW_WHOLE, general_said),
    MANY("local_tokens", MMN_ROW_WHOLE, local_tokens),
    MANY("local_same", MMN_ROW_WHOLE, local_same),
    MANY("local_fall", MMN_ROW_REAL, local_fall),
    {0}};

/* ---- Making ---------------------------------------------------------------------------------- */

#define ROOM(member, wanted)                                                                       \
    MMN_NEED((row->member) = mmn_study_allocate_in_row(                                            \
                 &list->study, row->member##_count = (wanted), sizeof(*row->member), error))

mmn_status mmn_edit_row_reserve(mmn_edit_list *list, mmn_edit_row *row, const mmn_sample *sample,
                                mmn_error *error)
{
    static char nothing[] = "";
    const size_t ways = list->way_count;
    ROOM(found, ways);
    ROOM(passes, ways);
    ROOM(after, ways);
    ROOM(answers, ways);
    ROOM(replaced, ways);
    ROOM(general_has, sample->general_count);
    ROOM(general_said, ways * sample->general_count);
    ROOM(local_tokens, sample->local_count);
    ROOM(local_same, ways * sample->local_count);
    ROOM(local_fall, ways * sample->local_count);
    for (size_t i = 0; i < ways; i++)
        row->answers[i] = nothing;
    for (size_t i = 0; i < row->local_fall_count; i++)
        row->local_fall[i] = (double)NAN;
    return MMN_OK;
}

/* ---- Checking -------------------------------------------------------------------------------- */

static bool are_truths(const uint64_t *values, size_t count)
{
    size_t i = 0;
    while (i < count && values[i] < 2)
        i++;
    return i == count;
}

/* Whether a row's lists are as long as they must be. */
static mmn_status check_row(const mmn_edit_list *list, const mmn_edit_row *row,
                            const mmn_sample *sample, mmn_error *error)
{
    const size_t ways = row->said ? list->way_count : 0;
    const size_t general = row->said ? sample->general_count : 0;
    const size_t local = row->said ? sample->local_count : 0;
    const struct {
        const char *column;
        size_t count, wanted;
        const uint64_t *truths; /* NULL: other numbers */
    } lists[] = {{"found", row->found_count, ways, row->found},
                 {"passes", row->passes_count, ways, NULL},
                 {"after", row->after_count, ways, NULL},
                 {"answers", row->answers_count, ways, NULL},
                 {"replaced", row->replaced_count, ways, row->replaced},
                 {"general_has", row->general_has_count, general, row->general_has},
                 {"general_said", row->general_said_count, ways * general, row->general_said},
                 {"local_tokens", row->local_tokens_count, local, NULL},
                 {"local_same", row->local_same_count, ways * local, row->local_same},
                 {"local_fall", row->local_fall_count, ways * local, NULL}};
    if (!row->answer)
        return mmn_row_refuse("answer", error);
    if (row->said > 1)
        return mmn_row_refuse("said", error);
    for (size_t i = 0; i < MMN_LENGTH(lists); i++)
        if (lists[i].count != lists[i].wanted ||
            (lists[i].truths && !are_truths(lists[i].truths, lists[i].count)))
            return mmn_row_refuse(lists[i].column, error);
    return MMN_OK;
}

/* ---- Taking ---------------------------------------------------------------------------------- */

/* The mean over what counts; NaN: nothing does. */
static double share(double sum, size_t count)
{
    return count > 0 ? sum / (double)count : (double)NAN;
}

static double generality(const mmn_edit_row *row, size_t way, size_t general)
{
    double said = 0;
    size_t count = 0;
    for (size_t i = 0; i < general; i++)
        if (row->general_has[i]) {
            said += (double)row->general_said[way * general + i];
            count++;
        }
    return share(said, count);
}

static void look_at_local(double *measures, const mmn_edit_row *row, size_t way, size_t local)
{
    double same = 0, fall = 0;
    size_t count = 0;
    for (size_t i = 0; i < local; i++)
        if (row->local_tokens[i] > 0) {
            same += (double)row->local_same[way * local + i];
            fall += row->local_fall[way * local + i];
            count++;
        }
    measures[MMN_EDIT_LOCALITY] = share(same, count);
    measures[MMN_EDIT_FALL] = share(fall, count);
}

static mmn_status take_way(mmn_edit_list *list, mmn_tried_way *tried, const mmn_edit_row *row,
                           size_t way, const mmn_sample *sample, mmn_error *error)
{
    *tried = (mmn_tried_way){
        .found = row->found[way] != 0, .passes = row->passes[way], .after = row->after[way]};
    MMN_NEED(tried->answer = mmn_study_copy_text(&list->study, row->answers[way], error));
    for (int m = 0; m < MMN_EDIT_MEASURES; m++)
        tried->measures[m] = (double)NAN;
    tried->measures[MMN_EDIT_RELIABILITY] = (double)(tried->found && row->replaced[way]);
    if (!tried->found)
        return MMN_OK;
    tried->measures[MMN_EDIT_GENERALITY] = generality(row, way, sample->general_count);
    look_at_local(tried->measures, row, way, sample->local_count);
    return MMN_OK;
}

mmn_status mmn_edit_row_take(void *context, const mmn_planned_sample *planned, size_t run,
                             const void *context_row, mmn_error *error)
{
    mmn_edit_list *list = context;
    mmn_study *study = &list->study;
    const mmn_edit_row *row = context_row;
    const mmn_sample *sample = &planned->sample;
    (void)run;
    MMN_TRY(check_row(list, row, sample, error));
    MMN_TRY(mmn_study_reserve(study, &list->edits, &list->edit_capacity, list->edit_count + 1,
                              sizeof(*list->edits), error));
    mmn_tried_edit *edit = &list->edits[list->edit_count];
    *edit = (mmn_tried_edit){.domain = planned->domain,
                             .said = row->said != 0,
                             .before = {row->before_from, row->before_to}};
    edit->id = mmn_study_copy_text(study, sample->id, error);
    edit->from = mmn_study_copy_text(study, sample->from, error);
    edit->to = mmn_study_copy_text(study, sample->to, error);
    edit->answer = mmn_study_copy_text(study, row->answer, error);
    MMN_NEED(edit->id && edit->from && edit->to && edit->answer);
    if (edit->said)
        MMN_NEED(edit->ways =
                     mmn_study_allocate(study, list->way_count, sizeof(*edit->ways), error));
    for (size_t i = 0; edit->said && i < list->way_count; i++)
        MMN_TRY(take_way(list, &edit->ways[i], row, i, sample, error));
    list->edit_count++;
    return MMN_OK;
}
