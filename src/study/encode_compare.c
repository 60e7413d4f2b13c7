/* Comparisons of encoding: which sites one model predicts better than another. */
#include <math.h>

#include "study/encode.h"
#include "study/result_forms.h"

static const char *const outcomes[] = {
    [MMN_ENCODING_UNTESTED] = "neither is predicted",
    [MMN_ENCODING_COMPARED] = "compared",
    [MMN_ENCODING_FIRST_ALONE] = "first alone",
    [MMN_ENCODING_SECOND_ALONE] = "second alone",
};

const char *mmn_encode_outcome_name(mmn_encoding_outcome outcome)
{
    return outcomes[outcome];
}

/* What all sites of an alignment need; `room` is for bins, `scores` [bins][draws]. */
typedef struct comparing {
    double *p;
    bool *better;
    uint32_t *room;
    double *scores[2];
} comparing;

double mmn_encode_validation_at(const mmn_encode_study *study, const mmn_encode_model *model,
                                size_t site)
{
    double sum = 0;
    for (size_t bin = 0; bin < study->bins; bin++)
        sum += model->validation[site * study->bins + bin];
    return sum;
}

/* The model that validates best at a site, but for `other` and random twins; of equals the first.
 */
static const mmn_encode_model *best_at(const mmn_encode_study *study, size_t site,
                                       const mmn_encode_model *other)
{
    const mmn_encode_model *best = NULL;
    double greatest = 0;
    for (size_t i = 0; i < study->model_count; i++) {
        const mmn_encode_model *model = &study->models[i];
        const double validation = mmn_encode_validation_at(study, model, site);
        if (model == other || model->trained || (best && !(validation > greatest)))
            continue;
        best = model;
        greatest = validation;
    }
    return best;
}

/* The models that are compared at a site. */
typedef struct compared_models {
    const mmn_encode_model *first, *second;
} compared_models;

static compared_models compared_at(const mmn_encode_study *study, const mmn_encode_pair *pair,
                                   size_t site)
{
    const mmn_encode_model *best = pair->first ? NULL : best_at(study, site, NULL);
    return pair->first ? (compared_models){pair->first, pair->second}
                       : (compared_models){best, best_at(study, site, best)};
}

static mmn_encoding_site site_of(double *scores, const mmn_encode_study *study,
                                 const mmn_encode_model *model, size_t site)
{
    mmn_encode_site_scores(scores, model->scores, study, site);
    return (mmn_encoding_site){scores, study->options->draws,
                               model->predicted + site * study->bins};
}

static mmn_status compare(const comparing *all, const mmn_encode_study *study,
                          const mmn_encode_pair *pair, mmn_error *error)
{
    for (size_t i = 0; i < study->site_count; i++) {
        const compared_models models = compared_at(study, pair, i);
        const mmn_encoding_site first = site_of(all->scores[0], study, models.first, i);
        const mmn_encoding_site second = site_of(all->scores[1], study, models.second, i);
        pair->sites[i] = mmn_encoding_compare(&first, &second, study->bins, study->options->draws,
                                              study->options->seed, (uint32_t)i, all->room);
        all->p[i] = pair->sites[i].p;
    }
    return mmn_encoding_discoveries(all->better, all->p, study->site_count, study->options->rate,
                                    error);
}

static void add_comparison(mmn_result *result, const mmn_encode_study *study,
                           const mmn_encode_pair *pair, const comparing *all)
{
    size_t compared = 0, better = 0, alone = 0, second_alone = 0;
    double sum = 0;
    for (size_t i = 0; i < study->site_count; i++) {
        const mmn_encoding_comparison *site = &pair->sites[i];
        if (site->outcome == MMN_ENCODING_COMPARED)
            sum += site->difference;
        compared += site->outcome == MMN_ENCODING_COMPARED;
        better += all->better[i];
        alone += site->outcome == MMN_ENCODING_FIRST_ALONE;
        second_alone += site->outcome == MMN_ENCODING_SECOND_ALONE;
    }
    MMN_ADD(result, "comparisons", mmn_as_text(pair->first ? pair->first->name : MMN_ENCODE_BEST),
            mmn_as_text(pair->first ? pair->second->name : MMN_ENCODE_SECOND),
            mmn_as_whole(compared), mmn_as_whole(better), mmn_as_whole(alone),
            mmn_as_real(compared ? sum / (double)compared : NAN), mmn_as_whole(MMN_ENCODING_BINS),
            mmn_as_whole(study->site_count - compared - alone),
            mmn_as_whole(study->site_count - compared - second_alone));
    for (size_t i = 0; i < study->site_count; i++) {
        const mmn_encoding_comparison *site = &pair->sites[i];
        const compared_models models = compared_at(study, pair, i);
        MMN_ADD(result, "compared_sites", mmn_as_text(mmn_encode_site_name(study, i)),
                mmn_as_text(mmn_encode_outcome_name(site->outcome)), mmn_as_whole(site->bins),
                mmn_as_real(site->difference), mmn_as_real(site->p), mmn_as_truth(all->better[i]),
                mmn_as_text(pair->first ? NULL : models.first->name),
                mmn_as_text(pair->first ? NULL : models.second->name));
    }
}

mmn_status mmn_encode_compare(mmn_result *result, mmn_encode_study *study, mmn_error *error)
{
    comparing all;
    MMN_NEED(all.p = mmn_encode_room(study, study->site_count, sizeof(*all.p), error));
    MMN_NEED(all.better = mmn_encode_room(study, study->site_count, sizeof(*all.better), error));
    MMN_NEED(all.room = mmn_encode_room(study, study->bins, sizeof(*all.room), error));
    for (size_t i = 0; i < MMN_LENGTH(all.scores); i++)
        MMN_NEED(all.scores[i] = mmn_encode_room(study, study->bins * study->options->draws,
                                                 sizeof(double), error));
    for (size_t i = 0; i < study->pair_count; i++) {
        mmn_encode_pair *pair = &study->pairs[i];
        MMN_NEED(pair->sites =
                     mmn_encode_room(study, study->site_count, sizeof(*pair->sites), error));
        MMN_TRY(compare(&all, study, pair, error));
        add_comparison(result, study, pair, &all);
    }
    return MMN_OK;
}
