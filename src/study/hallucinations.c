/* Hallucinations over a list: the classes, and what is asked of a picture.
 *
 * Source: Giulivi and Boracchi (arXiv 2405.14612). */
#include "study/hallucinations.h"

#include <string.h>

#include "base/error.h"
#include "base/names.h"
#include "model/model.h"

enum { TOKENS = 16, MOST_CLASSES = 10000 };

/* By how much less than the largest a score may be for its box to count as likely, as published. */
#define LIKELY 0.01

#define PROMPT                                                                                     \
    "<image>\nUSER: Is there a {class} in the image? Only answer with 'yes' or 'no'.\nASSISTANT:"

/* ---- Classes --------------------------------------------------------------------------------- */

static mmn_status add_class(mmn_hallucinations *h, const char *name, size_t length,
                            mmn_error *error)
{
    mmn_study *study = &h->base.study;
    if (h->class_count == MOST_CLASSES)
        return mmn_fail(error, MMN_INPUT, study->samples.file, NULL,
                        "there can be %d classes at most", MOST_CLASSES);
    MMN_TRY(mmn_study_reserve(study, &h->classes, &h->class_capacity, h->class_count + 1,
                              sizeof(*h->classes), error));
    char *copy = mmn_copy_bytes(name, length, error);
    MMN_NEED(h->classes[h->class_count] = mmn_study_keep(study, copy, error));
    h->class_count++;
    return MMN_OK;
}

static size_t find_class(const mmn_hallucinations *h, const char *name, size_t length)
{
    size_t i = 0;
    while (i < h->class_count &&
           (strncmp(h->classes[i], name, length) != 0 || h->classes[i][length] != '\0'))
        i++;
    return i;
}

static mmn_status take_named(mmn_hallucinations *h, mmn_error *error)
{
    const char *rest = h->options->classes;
    for (mmn_item item; mmn_next_item(&item, &rest, ',');) {
        if (item.length == 0 || find_class(h, item.text, item.length) < h->class_count)
            return mmn_fail(error, MMN_USAGE, NULL, NULL,
                            item.length == 0 ? "a class has no name%.*s"
                                             : "the class \"%.*s\" is named twice",
                            (int)mmn_smaller(item.length, 200), item.text);
        MMN_TRY(add_class(h, item.text, item.length, error));
    }
    return MMN_OK;
}

/* Where a name stands among classes in bytewise order, or would. */
static size_t place_of(const mmn_hallucinations *h, const char *name)
{
    size_t first = 0, end = h->class_count;
    while (first < end) {
        const size_t middle = first + (end - first) / 2;
        if (strcmp(h->classes[middle], name) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static mmn_status take_objects(mmn_hallucinations *h, const mmn_sample *sample, mmn_error *error)
{
    for (size_t i = 0; i < sample->object_count; i++) {
        const char *object = sample->objects[i];
        const size_t place = place_of(h, object);
        if (place < h->class_count && strcmp(h->classes[place], object) == 0)
            continue;
        MMN_TRY(add_class(h, object, strlen(object), error));
        char *added = h->classes[h->class_count - 1];
        memmove(h->classes + place + 1, h->classes + place,
                (h->class_count - 1 - place) * sizeof(*h->classes));
        h->classes[place] = added;
    }
    return MMN_OK;
}

/* Those of all lines, also where fewer are taken, so that shards and shorter runs ask the same. */
static mmn_status take_all(mmn_hallucinations *h, mmn_error *error)
{
    mmn_samples *samples = &h->base.study.samples;
    mmn_list_rewind(samples->list);
    for (bool found = true; found;) {
        mmn_sample sample;
        MMN_TRY(mmn_list_next(samples->list, &sample, &found, error));
        if (found)
            MMN_TRY(take_objects(h, &sample, error));
    }
    mmn_samples_again(samples);
    return h->class_count > 0
               ? MMN_OK
               : mmn_fail(error, MMN_INPUT, samples->file, NULL,
                          "no line has objects, so that there is no class to ask about");
}

mmn_status mmn_hallucinations_classes(mmn_hallucinations *h, mmn_error *error)
{
    return h->options->classes ? take_named(h, error) : take_all(h, error);
}

/* ---- One picture ----------------------------------------------------------------------------- */

static mmn_status reserve(mmn_hallucinations *h, mmn_hallucination_row *row, mmn_error *error)
{
    const size_t classes = h->class_count, boxes = classes * MMN_HALLUCINATION_BOXES;
    mmn_study *study = &h->base.study;
    row->answers_count = row->confidences_count = row->likely_count = classes;
    MMN_NEED(row->answers =
                 mmn_study_allocate_in_row(study, classes, sizeof(*row->answers), error));
    MMN_NEED(row->confidences =
                 mmn_study_allocate_in_row(study, classes, sizeof(*row->confidences), error));
    MMN_NEED(row->likely = mmn_study_allocate_in_row(study, classes, sizeof(*row->likely), error));
    MMN_NEED(row->patches = mmn_study_allocate_in_row(study, boxes, sizeof(*row->patches), error));
    MMN_NEED(row->scores = mmn_study_allocate_in_row(study, boxes, sizeof(*row->scores), error));
    MMN_NEED(row->sides = mmn_study_allocate_in_row(study, boxes, 4 * sizeof(*row->sides), error));
    return MMN_OK;
}

/* Keeps the boxes by which the detector finds class number `class`, which is not there. */
static void keep_boxes(mmn_hallucinations *h, mmn_hallucination_row *row, size_t class,
                       float confidence)
{
    const float *logits = h->looking.session->detector.logits;
    const size_t likely =
        mmn_looking_find(h->found, &h->looking, logits, (float)((double)confidence - LIKELY));
    row->likely[class] = likely;
    for (size_t i = 0; i < likely && i < MMN_HALLUCINATION_BOXES; i++) {
        const mmn_detection *box = &h->found[i];
        row->patches[row->patches_count++] = box->patch;
        row->scores[row->scores_count++] = (double)box->score;
        row->sides[row->sides_count++] = (double)box->left;
        row->sides[row->sides_count++] = (double)box->top;
        row->sides[row->sides_count++] = (double)box->right;
        row->sides[row->sides_count++] = (double)box->bottom;
    }
}

/* The largest score of any box for the last query. */
static float confidence_of(const mmn_looking *looking)
{
    const mmn_session *session = looking->session;
    const float *logits = session->detector.logits;
    float largest = logits[0];
    for (size_t patch = 1; patch < session->model->config.vision.patches; patch++)
        largest = logits[patch] > largest ? logits[patch] : largest;
    return mmn_detector_score(largest);
}

/* Asks about class number `class`. The language model is lent the embedding with the first. */
static mmn_status ask(mmn_hallucinations *h, mmn_hallucination_row *row, const mmn_sample *sample,
                      size_t class, const float *embedding, mmn_error *error)
{
    mmn_joint_list *base = &h->base;
    const char *name = h->classes[class];
    mmn_input *input;
    char *answer = NULL;
    MMN_TRY(mmn_look_for(&h->looking, name, MMN_PLACE("the class \"%.100s\"", name), error));
    MMN_TRY(mmn_joint_list_ask(base, &input, sample, name, error));
    mmn_status status = class == 0 ? mmn_joint_lend(&base->joint, input, embedding, error) : MMN_OK;
    if (status == MMN_OK)
        status = mmn_joint_say(&base->joint, input, base->tokens, &answer, error);
    mmn_input_free(input);
    MMN_TRY(status);
    MMN_NEED(row->answers[class] = mmn_study_keep_in_row(&base->study, answer, error));
    const float confidence = confidence_of(&h->looking);
    row->confidences[class] = (double)confidence;
    if (mmn_answer_says(row->answers[class]) == MMN_SAYS_YES &&
        !mmn_hallucinations_present(h, sample, class))
        keep_boxes(h, row, class, confidence);
    return MMN_OK;
}

static mmn_status ask_all(mmn_hallucinations *h, mmn_hallucination_row *row,
                          const mmn_sample *sample, const float *embedding, mmn_error *error)
{
    mmn_study *study = &h->base.study;
    MMN_TRY(reserve(h, row, error));
    MMN_TRY(mmn_look_at(&h->looking, sample->images[0], error));
    for (size_t class = 0; class < h->class_count; class ++) {
        MMN_TRY(ask(h, row, sample, class, embedding, error));
        study->progress.begun = (double)(class + 1) / (double)h->class_count;
        MMN_TRY(mmn_study_advance(study, 0, error));
    }
    return mmn_study_advance(study, 1, error);
}

/* An mmn_study_function. */
static mmn_status measure(void *context, const mmn_planned_sample *planned, const mmn_input *none,
                          mmn_error *error)
{
    mmn_hallucinations *h = context;
    mmn_study *study = &h->base.study;
    const mmn_sample *sample = &planned->sample;
    mmn_hallucination_row *row =
        mmn_study_row(study, mmn_plan_next(&study->plan, 0, planned->domain));
    mmn_resolution size;
    float *embedding = NULL;
    (void)none;
    mmn_status status =
        mmn_joint_see(&h->base.joint, sample->images[0], "", &embedding, &size, error);
    if (status == MMN_OK) {
        row->height = size.height;
        row->width = size.width;
        status = ask_all(h, row, sample, embedding, error);
    }
    mmn_free(embedding);
    return status;
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* An mmn_samples check. */
static mmn_status has_objects(const void *context, const mmn_sample *sample, const char *file,
                              mmn_error *error)
{
    (void)context;
    if (!sample->objects)
        return mmn_fail(error, MMN_INPUT, file,
                        MMN_PLACE("line %llu, objects", (unsigned long long)sample->line),
                        "is missing: what the picture shows, as [\"dog\", \"cup\"] or []");
    return mmn_joint_list_check(sample, file, error);
}

static mmn_status set_up(void *context, const mmn_model *model, const void *asked, mmn_error *error)
{
    mmn_hallucinations *h = context;
    const mmn_hallucinations_options *options = h->options = asked;
    MMN_GIVEN(error, options->list, options->detector, options->alignment);
    h->base = (mmn_joint_list){MMN_JOINT_LIST_ASKED(model, options), .blank = "{class}"};
    h->base.study.samples.check = has_objects;
    return mmn_joint_list_wish(&h->base, PROMPT, TOKENS, error);
}

static mmn_status check(void *context, mmn_error *error)
{
    mmn_hallucinations *h = context;
    MMN_TRY(mmn_hallucinations_classes(h, error));
    MMN_TRY(mmn_joint_list_open(h, error));
    MMN_TRY(mmn_looking_open(&h->looking, h->base.detector, error));
    mmn_study_attend(&h->base.study, h->looking.session);
    MMN_NEED(h->found = mmn_study_allocate(&h->base.study, h->base.detector->config.vision.patches,
                                           sizeof(*h->found), error));
    return MMN_OK;
}

static void end(void *context)
{
    mmn_looking_close(&((mmn_hallucinations *)context)->looking);
    mmn_joint_list_close(context);
}

static const mmn_study_kind kind = {.doing = "asking",
                                    .unit = "pictures",
                                    .size = sizeof(mmn_hallucinations),
                                    .options_size = sizeof(mmn_hallucinations_options),
                                    .set_up = set_up,
                                    .check = check,
                                    .begin = mmn_joint_list_begin,
                                    .columns = mmn_hallucination_columns,
                                    .row_size = sizeof(mmn_hallucination_row),
                                    .measure = measure,
                                    .take = mmn_hallucination_row_take,
                                    .judge = mmn_joint_list_judge,
                                    .end = end,
                                    .form = &mmn_hallucinations_form,
                                    .describe = mmn_hallucinations_describe,
                                    .fill = mmn_hallucinations_fill};

mmn_status mmn_hallucinations_run(mmn_result **result, const mmn_model *model,
                                  const mmn_hallucinations_options *options, mmn_error *error)
{
    return mmn_study_make(result, &kind, model, options, error);
}
