/* Sessions: their life, the end of a forward pass, and generation. */
#include "model/session.h"

#include <string.h>

#include "base/memory.h"

mmn_status mmn_session_create(mmn_session **created, const mmn_model *model,
                              const mmn_session_options *options, mmn_error *error)
{
    *created = NULL;
    mmn_session *session = mmn_allocate(1, sizeof(*session), error);
    if (!session)
        return MMN_SYSTEM;
    session->model = model;
    session->compute = model->compute;
    session->language.keep_cache = !(options && options->prompt_only);
    session->pending = MMN_NO_TOKEN;
    session->last = mmn_allocate(model->config.language.hidden_size, sizeof(float), error);
    session->logits = mmn_allocate(model->config.language.vocab_size, sizeof(float), error);
    if (!session->last || !session->logits ||
        mmn_compute_reserve(&session->compute, 1, 0, 0, error) != MMN_OK) {
        mmn_session_free(session);
        return MMN_SYSTEM;
    }
    *created = session;
    return MMN_OK;
}

void mmn_session_free(mmn_session *session)
{
    if (!session)
        return;
    mmn_probes_free(&session->probes);
    mmn_language_free(&session->language);
    mmn_compute_free_scratch(&session->compute);
    mmn_image_features_free(&session->images);
    mmn_free(session->cached_ids);
    mmn_free(session->last);
    mmn_free(session->logits);
    mmn_free(session);
}

mmn_status mmn_session_add_probe(mmn_session *session, const mmn_probe *probe, mmn_error *error)
{
    return mmn_probes_add(&session->probes, probe, error);
}

mmn_status mmn_session_set_sampling(mmn_session *session, const mmn_sampling *sampling,
                                    mmn_error *error)
{
    return mmn_sampler_set(&session->sampler, sampling, error);
}

size_t mmn_session_positions_reused(const mmn_session *session)
{
    return session->positions_reused;
}

int mmn_session_images_reused(const mmn_session *session)
{
    return session->images_reused;
}

mmn_status mmn_session_reserve_ids(mmn_session *session, size_t length, mmn_error *error)
{
    return mmn_reserve(&session->cached_ids, &session->cached_capacity, length,
                       sizeof(*session->cached_ids), error);
}

mmn_status mmn_session_show_copy(const mmn_session *session, const mmn_shown *shown, size_t bytes,
                                 mmn_error *error)
{
    if (!mmn_probes_want(&session->probes, shown->pattern, -1))
        return MMN_OK;
    mmn_shown copy = *shown;
    copy.data = mmn_allocate(bytes, 1, error);
    if (!copy.data)
        return MMN_SYSTEM;
    memcpy(copy.data, shown->data, bytes);
    mmn_status status = mmn_probes_show(&session->probes, &copy, error);
    mmn_free(copy.data);
    return status;
}

/* Final norm and, where a probe wants them, logits of all rows of hidden; of the last one what
 * generating needs. */
static mmn_status finish(mmn_session *session, float *hidden, const mmn_sequences *sequences,
                         mmn_error *error)
{
    const mmn_model *model = session->model;
    const mmn_probes *probes = &session->probes;
    const mmn_language_config *config = &model->config.language;
    const mmn_language_weights *weights = &model->weights->language;
    size_t width = config->hidden_size, rows = sequences->rows;
    bool want_logits = mmn_probes_want(probes, "language.logits", -1);
    bool want_norm = mmn_probes_want(probes, "language.norm", -1) || want_logits;
    size_t first = want_norm ? 0 : rows - 1;
    float *normed = hidden + first * width;

    session->have_logits = false;
    mmn_language_norm(&session->compute, config, weights, normed, normed, rows - first);
    if (want_norm) {
        mmn_status status =
            mmn_sequences_show(sequences, probes, "language.norm", -1, normed, width, error);
        if (status != MMN_OK)
            return status;
    }
    memcpy(session->last, hidden + (rows - 1) * width, width * sizeof(float));
    if (!want_logits)
        return MMN_OK;

    size_t vocabulary = config->vocab_size;
    float *logits = mmn_allocate(rows, vocabulary * sizeof(float), error);
    if (!logits)
        return MMN_SYSTEM;
    mmn_language_logits(&session->compute, weights, logits, normed, rows);
    mmn_status status =
        mmn_sequences_show(sequences, probes, "language.logits", -1, logits, vocabulary, error);
    memcpy(session->logits, logits + (rows - 1) * vocabulary, vocabulary * sizeof(float));
    session->have_logits = true;
    mmn_free(logits);
    return status;
}

/* All decoder layers where something depends on the last one's output, else as many as are seen. */
static uint32_t layers_needed(const mmn_session *session)
{
    uint32_t layers = session->model->config.language.layers;
    if (session->language.keep_cache || mmn_probes_want(&session->probes, "language.norm", -1) ||
        mmn_probes_want(&session->probes, "language.logits", -1))
        return layers;
    return mmn_probes_layers(&session->probes, "language.layers.", layers);
}

mmn_status mmn_session_run_language(mmn_session *session, float *hidden,
                                    const mmn_sequences *sequences, mmn_error *error)
{
    const mmn_model *model = session->model;
    uint32_t layers = layers_needed(session);
    mmn_status status =
        mmn_sequences_show(sequences, &session->probes, "language.embeddings", -1, hidden,
                           model->config.language.hidden_size, error);
    if (status == MMN_OK)
        status = mmn_language_run(&session->compute, &model->config.language,
                                  &model->weights->language, &session->probes,
                                  &session->language, hidden, sequences, layers, error);
    if (status == MMN_OK && layers == model->config.language.layers)
        status = finish(session, hidden, sequences, error);
    return status;
}

static bool stops(const mmn_generation_config *generation, int32_t token)
{
    for (size_t i = 0; i < generation->eos_count; i++)
        if (generation->eos_ids[i] == token)
            return true;
    return false;
}

static mmn_status run_pending(mmn_session *session, float *hidden, mmn_error *error)
{
    size_t position = session->language.length;
    mmn_sequence alone;
    const mmn_sequences sequences = mmn_sequences_of_one(&alone, position, 1);
    mmn_status status = mmn_session_reserve_ids(session, position + 1, error);
    if (status != MMN_OK)
        return status;
    session->cached_ids[position] = session->pending;
    mmn_language_embed(&session->compute, &session->model->weights->language, hidden,
                       &session->pending, 1);
    status = mmn_session_run_language(session, hidden, &sequences, error);
    if (status == MMN_OK)
        session->pending = MMN_NO_TOKEN;
    return status;
}

mmn_status mmn_session_generate(mmn_session *session, size_t limit, int32_t *ids, size_t *count,
                                mmn_error *error)
{
    const mmn_model *model = session->model;
    size_t vocabulary = model->config.language.vocab_size;
    *count = 0;
    if (!session->prefilled)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "nothing has been prefilled to go on from");
    if (!session->language.keep_cache)
        return mmn_fail(error, MMN_USAGE, NULL, NULL,
                        "this session was made for prompts only and cannot generate");
    float *hidden = mmn_allocate(model->config.language.hidden_size, sizeof(float), error);
    if (!hidden)
        return MMN_SYSTEM;

    mmn_status status = MMN_OK;
    session->probes.generating = true;
    while (*count < limit) {
        if (session->pending != MMN_NO_TOKEN)
            status = run_pending(session, hidden, error);
        if (status != MMN_OK)
            break;
        if (!session->have_logits)
            mmn_language_logits(&session->compute, &model->weights->language, session->logits,
                                session->last, 1);
        session->have_logits = true;
        status = mmn_sampler_choose(&session->pending, &session->sampler, model->compute.kernels,
                                    session->logits, vocabulary, session->generated, error);
        if (status != MMN_OK)
            break;
        session->generated++;
        ids[(*count)++] = session->pending;
        if (stops(&model->config.generation, session->pending))
            break;
    }
    mmn_free(hidden);
    if (status == MMN_OK)
        status = mmn_session_show_copy(session,
                                       &(mmn_shown){.pattern = "generated_ids",
                                                    .layer = -1,
                                                    .data = ids,
                                                    .shape = {*count}},
                                       *count * sizeof(*ids), error);
    return status;
}
