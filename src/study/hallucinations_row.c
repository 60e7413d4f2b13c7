/* Rows of hallucinations over a list: what is kept of a picture, and what is taken of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/names.h"
#include "model/model.h"
#include "study/hallucinations.h"

#define MANY(name, type, member)                                                                   \
    MMN_ROW_MANY(name, type, mmn_hallucination_row, member, member##_count)
const mmn_row_column mmn_hallucination_columns[] = {
    MMN_ROW_ONE("height", MMN_ROW_WHOLE, mmn_hallucination_row, height),
    MMN_ROW_ONE("width", MMN_ROW_WHOLE, mmn_hallucination_row, width),
    MANY("answers", MMN_ROW_TEXT, answers),
    MANY("confidences", MMN_ROW_REAL, confidences),
    MANY("likely", MMN_ROW_WHOLE, likely),
    MANY("patches", MMN_ROW_WHOLE, patches),
    MANY("scores", MMN_ROW_REAL, scores),
    MANY("sides", MMN_ROW_REAL, sides),
    {0}};

/* ---- What is there and what is said ---------------------------------------------------------- */

const char *const mmn_says_names[MMN_SAYS] = {"yes", "no", "neither"};

mmn_says mmn_answer_says(const char *answer)
{
    static const char blanks[] = " \t\r\n", marks[] = ".,;:!?\"'`)]}*-";
    const char *word = answer + strspn(answer, blanks);
    size_t length = strcspn(word, blanks);
    while (length > 0 && strchr(marks, word[length - 1]))
        length--;
    for (mmn_says says = 0; says < MMN_SAYS_NEITHER; says++)
        if (length == strlen(mmn_says_names[says]) &&
            strncasecmp(word, mmn_says_names[says], length) == 0)
            return says;
    return MMN_SAYS_NEITHER;
}

bool mmn_hallucinations_present(const mmn_hallucinations *h, const mmn_sample *sample, size_t class)
{
    return sample->object_count > 0 &&
           bsearch(&h->classes[class], sample->objects, sample->object_count,
                   sizeof(*sample->objects), mmn_compare_names);
}

/* ---- Checking -------------------------------------------------------------------------------- */

static bool is_hallucination(const mmn_hallucinations *h, const mmn_hallucination_row *row,
                             const mmn_sample *sample, size_t class)
{
    return mmn_answer_says(row->answers[class]) == MMN_SAYS_YES &&
           !mmn_hallucinations_present(h, sample, class);
}

static size_t kept_of(const mmn_hallucination_row *row, size_t class)
{
    return row->likely[class] < MMN_HALLUCINATION_BOXES ? (size_t)row->likely[class]
                                                        : MMN_HALLUCINATION_BOXES;
}

static mmn_status check_row(const mmn_hallucinations *h, const mmn_hallucination_row *row,
                            const mmn_sample *sample, mmn_error *error)
{
    const size_t classes = h->class_count, patches = h->base.detector->config.vision.patches;
    size_t boxes = 0;
    if (row->answers_count != classes)
        return mmn_row_refuse("answers", error);
    if (row->confidences_count != classes)
        return mmn_row_refuse("confidences", error);
    if (row->likely_count != classes)
        return mmn_row_refuse("likely", error);
    for (size_t class = 0; class < classes; class ++) {
        const double confidence = row->confidences[class];
        if (!isnan(confidence) && !(confidence >= 0 && confidence <= 1))
            return mmn_row_refuse("confidences", error);
        if (row->likely[class] > (is_hallucination(h, row, sample, class) ? patches : 0))
            return mmn_row_refuse("likely", error);
        boxes += kept_of(row, class);
    }
    for (size_t i = 0; i < row->patches_count; i++)
        if (row->patches[i] >= patches)
            return mmn_row_refuse("patches", error);
    if (row->patches_count != boxes)
        return mmn_row_refuse("patches", error);
    if (row->scores_count != boxes)
        return mmn_row_refuse("scores", error);
    return row->sides_count == 4 * boxes ? MMN_OK : mmn_row_refuse("sides", error);
}

/* ---- Taking ---------------------------------------------------------------------------------- */

/* Takes a hallucination, whose boxes are the row's from number `first` on. */
static mmn_status take_hallucination(mmn_hallucinations *h, const mmn_hallucination_row *row,
                                     const mmn_sample *sample, size_t class, size_t first,
                                     mmn_error *error)
{
    mmn_study *study = &h->base.study;
    MMN_TRY(
        mmn_study_reserve(study, &h->list, &h->capacity, h->count + 1, sizeof(*h->list), error));
    mmn_hallucination *taken = &h->list[h->count];
    *taken = (mmn_hallucination){.asked = h->asked_count,
                                 .height = row->height,
                                 .width = row->width,
                                 .likely = row->likely[class],
                                 .box_count = kept_of(row, class)};
    MMN_NEED(taken->id = mmn_study_copy_text(study, sample->id, error));
    MMN_NEED(taken->image = mmn_study_copy_text(study, sample->images[0], error));
    MMN_NEED(taken->answer = mmn_study_copy_text(study, row->answers[class], error));
    MMN_NEED(taken->boxes =
                 mmn_study_allocate(study, taken->box_count, sizeof(*taken->boxes), error));
    for (size_t i = 0; i < taken->box_count; i++) {
        mmn_likely_box *box = &taken->boxes[i];
        box->patch = row->patches[first + i];
        box->score = row->scores[first + i];
        memcpy(box->sides, row->sides + 4 * (first + i), sizeof(box->sides));
    }
    h->count++;
    return MMN_OK;
}

mmn_status mmn_hallucination_row_take(void *context, const mmn_planned_sample *planned, size_t run,
                                      const void *context_row, mmn_error *error)
{
    mmn_hallucinations *h = context;
    const mmn_hallucination_row *row = context_row;
    const mmn_sample *sample = &planned->sample;
    size_t boxes = 0;
    (void)run;
    MMN_TRY(check_row(h, row, sample, error));
    MMN_TRY(mmn_study_reserve(&h->base.study, &h->asked, &h->asked_capacity,
                              h->asked_count + h->class_count, sizeof(*h->asked), error));
    for (size_t class = 0; class < h->class_count; class ++) {
        if (is_hallucination(h, row, sample, class))
            MMN_TRY(take_hallucination(h, row, sample, class, boxes, error));
        boxes += kept_of(row, class);
        h->asked[h->asked_count++] =
            (mmn_asked_class){.domain = planned->domain,
                              .class = class,
                              .present = mmn_hallucinations_present(h, sample, class),
                              .says = mmn_answer_says(row->answers[class]),
                              .confidence = row->confidences[class]};
    }
    return MMN_OK;
}
