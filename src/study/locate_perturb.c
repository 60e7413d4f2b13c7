/* One step of a picture's embedding towards seeing another thing in it.
 *
 * Source: the semantic adversarial perturbation of Giulivi and Boracchi (arXiv 2405.14612): a step
 * of the fast gradient sign method. Their loss is the mean squared distance of all logits from
 * -1e6, or 1e6 for the query that is to be found; its gradient has the signs of that of the
 * difference of the logits here. */
#include <string.h>

#include "base/memory.h"
#include "study/locate.h"

void mmn_perturbation_free(mmn_perturbation *perturbation)
{
    mmn_free(perturbation->embedding);
    *perturbation = (mmn_perturbation){0};
}

/* The mean over patches of the word's logits; a copy of its query [query_size], unless NULL. */
static mmn_status look_for(mmn_joint *joint, const char *image, const char *word, double *mean,
                           float *copy, mmn_error *error)
{
    const size_t patches = joint->rows - 1;
    char *query;
    MMN_TRY(mmn_joint_ask_for(&query, word, error));
    const mmn_status status = mmn_joint_see(joint, image, query, NULL, NULL, error);
    mmn_free(query);
    MMN_TRY(status);
    *mean = 0;
    for (size_t patch = 0; patch < patches; patch++)
        *mean += (double)joint->detecting->detector.logits[patch] / (double)patches;
    if (copy)
        memcpy(copy, mmn_joint_query(joint), joint->detector->config.query_size * sizeof(float));
    return MMN_OK;
}

/* Room for two queries. */
static mmn_status step(mmn_perturbation *perturbation, mmn_joint *joint, const char *image,
                       const float *embedding, const char *from, const char *to, double epsilon,
                       float *room, mmn_error *error)
{
    const size_t values = joint->rows * joint->width;
    float *less = room, *more = room + joint->detector->config.query_size;
    float *moved = perturbation->embedding;
    double of_from, of_to;
    MMN_TRY(look_for(joint, image, from, &of_from, less, error));
    MMN_TRY(look_for(joint, image, to, &of_to, more, error));
    perturbation->before = of_to - of_from;
    MMN_TRY(mmn_detector_reverse_difference(&joint->detecting->compute, joint->detector,
                                            &joint->detecting->detector, embedding, more, less,
                                            moved, error));
    for (size_t i = 0; i < values; i++) {
        const double sign = (moved[i] > 0) - (moved[i] < 0);
        moved[i] = (float)((double)embedding[i] + epsilon * sign);
    }
    joint->given = moved;
    MMN_TRY(look_for(joint, image, from, &of_from, NULL, error));
    MMN_TRY(look_for(joint, image, to, &of_to, NULL, error));
    perturbation->after = of_to - of_from;
    return MMN_OK;
}

mmn_status mmn_perturbation_make(mmn_perturbation *perturbation, mmn_joint *joint,
                                 const char *image, const float *embedding, const char *from,
                                 const char *to, double epsilon, mmn_error *error)
{
    const size_t size = joint->detector->config.query_size;
    MMN_NEED(perturbation->embedding =
                 mmn_allocate(joint->rows, joint->width * sizeof(float), error));
    float *room = mmn_allocate(2, size * sizeof(float), error);
    MMN_NEED(room);
    const mmn_status status =
        step(perturbation, joint, image, embedding, from, to, epsilon, room, error);
    joint->given = NULL;
    mmn_free(room);
    return status;
}

static const char *skip_spaces(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

unsigned mmn_answer_score(const char *answer)
{
    const char *digits = skip_spaces(answer), *end = digits;
    unsigned score = 0;
    for (; *end >= '0' && *end <= '9' && score <= 10; end++)
        score = 10 * score + (unsigned)(*end - '0');
    return *skip_spaces(end) == '\0' && score <= 10 ? score : 0;
}
