/* Roles of models in a study of encoding: who is multimodal, whose random twin or control, and what
 * is joined; and the comparisons that follow. */
#include <string.h>

#include "base/names.h"
#include "study/encode.h"

static const char *const kinds[] = {[MMN_ENCODE_UNSAID] = "",
                                    [MMN_ENCODE_MULTIMODAL] = "multimodal",
                                    [MMN_ENCODE_VISION] = "vision",
                                    [MMN_ENCODE_LANGUAGE] = "language",
                                    [MMN_ENCODE_JOINED] = "joined"};

const char *mmn_encode_kind_name(mmn_encode_kind kind)
{
    return kind == MMN_ENCODE_UNSAID ? NULL : kinds[kind];
}

/* ---- Names ----------------------------------------------------------------------------------- */

mmn_encode_model *mmn_encode_find(mmn_encode_study *study, const char *name, size_t length)
{
    for (size_t i = 0; i < study->model_count; i++)
        if (strlen(study->models[i].name) == length &&
            memcmp(study->models[i].name, name, length) == 0)
            return &study->models[i];
    return NULL;
}

mmn_status mmn_encode_name(mmn_encode_study *study, mmn_encode_model *model, const char *name,
                           size_t length, mmn_error *error)
{
    char *copy = mmn_copy_bytes(name, length, error);
    MMN_NEED(mmn_blocks_keep(&study->blocks, copy, error));
    if (length == 0 || strpbrk(copy, ":+"))
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "\"%s\" names no model; expected a name without \":\" and \"+\"", copy);
    if (mmn_encode_find(study, name, length))
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "two models are called \"%s\"", copy);
    model->name = copy;
    return MMN_OK;
}

/* ---- Joined models --------------------------------------------------------------------------- */

static mmn_status refuse_join(mmn_error *error, const char *given)
{
    return mmn_fail(error, MMN_USAGE, NULL, NULL,
                    "\"%s\" joins nothing; expected NAME=A+B, names of models that have files",
                    given);
}

/* Adds the parts that "A+B" names to a model that has room for them. */
static mmn_status add_parts(mmn_encode_study *study, mmn_encode_model *model, const char *given,
                            const char *names, mmn_error *error)
{
    mmn_item name;
    while (mmn_next_item(&name, &names, '+')) {
        const mmn_encode_model *part = mmn_encode_find(study, name.text, name.length);
        if (!part || part->kind == MMN_ENCODE_JOINED)
            return refuse_join(error, given);
        model->parts[model->part_count++] = part;
    }
    return model->part_count < 2 ? refuse_join(error, given) : MMN_OK;
}

static mmn_status join(mmn_encode_study *study, const char *given, mmn_error *error)
{
    mmn_encode_model *model = &study->models[study->model_count];
    const char *equals = strchr(given, '=');
    if (!equals)
        return refuse_join(error, given);
    MMN_TRY(mmn_encode_name(study, model, given, (size_t)(equals - given), error));
    model->parts = mmn_blocks_keep(
        &study->blocks, mmn_allocate(strlen(equals), sizeof(*model->parts), error), error);
    MMN_NEED(model->parts);
    MMN_TRY(add_parts(study, model, given, equals + 1, error));
    model->kind = MMN_ENCODE_JOINED;
    study->model_count++;
    return MMN_OK;
}

/* ---- Roles ----------------------------------------------------------------------------------- */

static mmn_status refuse_role(mmn_error *error, const char *given)
{
    return mmn_fail(error, MMN_USAGE, NULL, NULL,
                    "\"%s\" is no role; expected NAME=multimodal, vision or language, "
                    "NAME=random:MODEL or NAME=control:MODEL",
                    given);
}

/* Sets the other model that `role` names behind `word`. */
static bool refers(const mmn_encode_model **other, mmn_encode_study *study,
                   const mmn_encode_model *model, const char *role, const char *word)
{
    const size_t length = strlen(word);
    if (strncmp(role, word, length) != 0 || *other)
        return false;
    *other = mmn_encode_find(study, role + length, strlen(role + length));
    return *other && *other != model;
}

static mmn_status give_role(mmn_encode_study *study, const char *given, mmn_error *error)
{
    const char *equals = strchr(given, '=');
    mmn_encode_model *model = equals ? mmn_encode_find(study, given, (size_t)(equals - given))
                                     : NULL;
    if (!model)
        return refuse_role(error, given);
    if (refers(&model->trained, study, model, equals + 1, "random:") ||
        refers(&model->controlled, study, model, equals + 1, "control:"))
        return MMN_OK;
    const size_t kind = MMN_NAME_INDEX(equals + 1, kinds);
    if (kind == MMN_ENCODE_UNSAID || kind >= MMN_ENCODE_JOINED || model->kind != MMN_ENCODE_UNSAID)
        return refuse_role(error, given);
    model->kind = (mmn_encode_kind)kind;
    return MMN_OK;
}

mmn_status mmn_encode_roles(mmn_encode_study *study, mmn_error *error)
{
    const mmn_encode_options *options = study->options;
    for (size_t i = 0; i < options->join_count; i++)
        MMN_TRY(join(study, options->joins[i], error));
    for (size_t i = 0; i < options->role_count; i++)
        MMN_TRY(give_role(study, options->roles[i], error));
    return MMN_OK;
}

/* ---- Comparisons ----------------------------------------------------------------------------- */

/* Adds a pair unless it is there. */
static mmn_status add_pair(mmn_encode_study *study, const mmn_encode_model *first,
                           const mmn_encode_model *second, mmn_error *error)
{
    for (size_t i = 0; i < study->pair_count; i++)
        if (study->pairs[i].first == first && study->pairs[i].second == second)
            return MMN_OK;
    MMN_TRY(MMN_RESERVE(study->pairs, study->pair_capacity, study->pair_count + 1, error));
    study->pairs[study->pair_count++] = (mmn_encode_pair){.first = first, .second = second};
    return MMN_OK;
}

/* How many models may be the best at a site: random twins are not. */
static size_t count_candidates(const mmn_encode_study *study)
{
    size_t count = 0;
    for (size_t i = 0; i < study->model_count; i++)
        count += !study->models[i].trained;
    return count;
}

static mmn_status add_asked(mmn_encode_study *study, const char *comparison, mmn_error *error)
{
    const size_t length = strcspn(comparison, ":");
    const mmn_encode_model *first = mmn_encode_find(study, comparison, length), *second = NULL;
    if (comparison[length] == ':')
        second = mmn_encode_find(study, comparison + length + 1, strlen(comparison + length + 1));
    const bool is_best = !first && !second &&
                         strcmp(comparison, MMN_ENCODE_BEST ":" MMN_ENCODE_SECOND) == 0;
    if (is_best ? count_candidates(study) < 2 : !first || !second || first == second)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "\"%s\" is no comparison; expected A:B, two names of models, or "
                        "best:second where two are not random",
                        comparison);
    return add_pair(study, first, second, error);
}

/* A trained model against its random twin and the reverse, a multimodal one against its control,
 * against those of one modality, and against what is joined. */
static mmn_status add_following(mmn_encode_study *study, const mmn_encode_model *model,
                                mmn_error *error)
{
    const mmn_encode_model *controlled = model->controlled;
    if (model->trained) {
        MMN_TRY(add_pair(study, model->trained, model, error));
        MMN_TRY(add_pair(study, model, model->trained, error));
    }
    if (controlled)
        MMN_TRY(add_pair(study, controlled, model, error));
    for (size_t i = 0; i < study->model_count; i++)
        if (study->models[i].kind == MMN_ENCODE_MULTIMODAL && model->kind > MMN_ENCODE_MULTIMODAL)
            MMN_TRY(add_pair(study, &study->models[i], model, error));
    return MMN_OK;
}

mmn_status mmn_encode_list_pairs(mmn_encode_study *study, mmn_error *error)
{
    const mmn_encode_options *options = study->options;
    for (size_t i = 0; i < options->comparison_count; i++)
        MMN_TRY(add_asked(study, options->comparisons[i], error));
    for (size_t i = 0; i < study->model_count; i++)
        MMN_TRY(add_following(study, &study->models[i], error));
    return MMN_OK;
}
