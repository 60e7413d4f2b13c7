/* Jobs: pieces of real work on a checkpoint that can be repeated and timed. */
#include "jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "measure.h"
#include "model/input.h"
#include "model/model.h"
#include "pass/session.h"
#include "pass/vision.h"

/* Ids below FIRST_ID may be special tokens; NEURONS is what one thread counts at a time. */
enum { PROMPT = 600, FIRST_ID = 3, NEURONS = 256 };

static mmn_status ignore(void *context, const mmn_stage *stage, mmn_error *error)
{
    (void)context;
    (void)stage;
    (void)error;
    return MMN_OK;
}

/* --- inputs --- */

/* A prompt of `tokens` ids without an image; compare_torch.py makes the same one. */
static mmn_status make_prompt(bench_job *job, size_t tokens, mmn_error *error)
{
    const mmn_config *config = &job->model->config;
    int32_t ids = (int32_t)config->language.vocab_size - FIRST_ID - 1;

    if (mmn_input_create(&job->input, job->model, 0, error) != MMN_OK)
        return MMN_SYSTEM;
    job->input->ids = mmn_allocate(tokens, sizeof *job->input->ids, error);
    if (!job->input->ids)
        return MMN_SYSTEM;
    job->input->length = tokens;
    for (size_t i = 0; i < tokens; i++) {
        int32_t id = FIRST_ID + (int32_t)(i * 7919 % (size_t)ids);
        job->input->ids[i] = id == config->image_token_id ? id + 1 : id;
    }
    return MMN_OK;
}

/* Gives the prompt another beginning, so that nothing of the last repetition can be taken over. */
static void change_prompt(bench_job *job)
{
    job->input->ids[0] = 1 + (int32_t)(job->repetitions % 2);
}

/* Pixels between -1 and 1; compare_torch.py makes the same. */
static mmn_status make_pixels(bench_job *job, mmn_error *error)
{
    const mmn_vision_config *vision = &job->model->config.vision;
    size_t count = (size_t)vision->channels * vision->image_size * vision->image_size;

    job->pixels = mmn_allocate(count, sizeof *job->pixels, error);
    if (!job->pixels)
        return MMN_SYSTEM;
    for (size_t i = 0; i < count; i++)
        job->pixels[i] = (float)(i * 7919 % 2001) / 1000.0f - 1.0f;
    return MMN_OK;
}

static mmn_status add_probe(bench_job *job, const mmn_probe *probe, mmn_error *error)
{
    return job->session ? mmn_session_add_probe(job->session, probe, error)
                        : mmn_probes_add(&job->probes, probe, error);
}

/* --- counting --- */

/* "vision.layers.0.mlp.act,vision.layers.1.mlp.act,..." of the layers that reach the output. */
static mmn_status counted_stages(char **stages, const mmn_module *module, mmn_error *error)
{
    size_t size = module->first_inert_layer * (size_t)MMN_STAGE_NAME_SIZE, length = 0;
    char name[MMN_STAGE_NAME_SIZE];

    *stages = mmn_allocate(size + 1, 1, error);
    if (!*stages)
        return MMN_SYSTEM;
    for (uint32_t layer = 0; layer < module->first_inert_layer; layer++) {
        mmn_stage_name(name, module->stages, (int)layer);
        length += (size_t)snprintf(*stages + length, size + 1 - length, "%s%s",
                                   layer > 0 ? "," : "", name);
    }
    return MMN_OK;
}

/* Counts as mmn_count does: threads own neurons. */
static mmn_status count_stage(void *context, const mmn_stage *stage, mmn_error *error)
{
    const bench_job *job = context;
    const mmn_compute *compute = &job->model->compute;
    const float *values = stage->data;
    size_t neurons = stage->shape[stage->dimensions - 1], rows = 1;
    size_t offset = (size_t)stage->layer * neurons;

    (void)error;
    for (size_t i = 0; i + 1 < stage->dimensions; i++)
        rows *= stage->shape[i];
    MMN_PARALLEL_FOR(compute->threads, static)
    for (size_t first = 0; first < neurons; first += NEURONS) {
        size_t count = neurons - first < NEURONS ? neurons - first : NEURONS;
        compute->kernels->count_active(job->active + offset + first, job->sum + offset + first,
                                       values + first, neurons, rows, count);
    }
    return MMN_OK;
}

static mmn_status add_count_probe(bench_job *job, mmn_error *error)
{
    const char *wanted = job->kind == BENCH_VISION ? "vision" : "language";
    const mmn_module *module = mmn_model_describe(job->model)->modules;
    char *stages;

    while (strcmp(module->name, wanted) != 0)
        module++;
    size_t count = (size_t)module->layers * module->neurons;
    job->active = mmn_allocate(count, sizeof *job->active, error);
    job->sum = mmn_allocate(count, sizeof *job->sum, error);
    if (!job->active || !job->sum || counted_stages(&stages, module, error) != MMN_OK)
        return MMN_SYSTEM;
    const mmn_probe probe = {.stages = stages, .see = count_stage, .context = job};
    mmn_status status = add_probe(job, &probe, error);
    mmn_free(stages);
    return status;
}

/* Where nothing is made for who sees it that would not be made anyway. */
static mmn_status add_pauses(bench_job *job, mmn_error *error)
{
    const mmn_probe probe = {
        .stages = job->kind == BENCH_VISION
                      ? "vision.layers.*.attn.out,vision.layers.*.mlp.act,vision.layers.*.out"
                      : "language.layers.*.attn.out,language.layers.*.mlp.act,"
                        "language.layers.*.out",
        .see = bench_pause_job,
        .context = &job->pauses};

    job->pausing = true;
    return add_probe(job, &probe, error);
}

/* --- jobs --- */

static mmn_status read_name(bench_job *job, const char *name, mmn_error *error)
{
    const mmn_vision_config *vision = &job->model->config.vision;
    char *end;

    job->ways = 1;
    snprintf(job->name, sizeof job->name, "%s", name);
    if (strcmp(name, "vision") == 0) {
        job->kind = BENCH_VISION;
        job->tokens = vision->positions;
        return MMN_OK;
    }
    job->beams = strncmp(name, "beams:", 6) == 0;
    job->kind = job->beams || strncmp(name, "decode:", 7) == 0 ? BENCH_DECODE : BENCH_PREFILL;
    if (job->kind == BENCH_PREFILL && strncmp(name, "prefill:", 8) != 0)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "no job is called %s", name);
    job->tokens = strtoul(strchr(name, ':') + 1, &end, 10);
    if (job->kind == BENCH_DECODE && *end == ':')
        job->ways = strtoul(end + 1, &end, 10);
    if (job->ways < (job->beams ? 2 : 1) || job->ways > BENCH_WAYS)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "%s: 1 to %d ways, 2 of beams or more", name,
                        BENCH_WAYS);
    if (*end != '\0' || job->tokens == 0 ||
        job->tokens > job->model->config.language.max_position_embeddings)
        return mmn_fail(error, MMN_USAGE, NULL, NULL, "%s: no such number of tokens", name);
    return MMN_OK;
}

static size_t sessions_of(const bench_job *job)
{
    return job->beams ? 1 : job->ways;
}

static mmn_status prepare_language(bench_job *job, mmn_error *error)
{
    size_t prompt = job->kind == BENCH_PREFILL ? job->tokens : PROMPT;
    mmn_status status = make_prompt(job, prompt, error);

    for (size_t way = 0; way < sessions_of(job) && status == MMN_OK; way++)
        status = mmn_session_create(&job->sessions[way], job->model, NULL, error);
    job->session = job->sessions[0];
    if (status == MMN_OK && job->beams) {
        const mmn_beam_search search = {.beams = (uint32_t)job->ways, .length_penalty = 1.0};
        status = mmn_session_set_beam_search(job->session, &search, error);
    }
    return status;
}

/* Each way's prompt begins otherwise, so that none has anything in common with another. */
static mmn_status prefill_ways(bench_job *job, mmn_error *error)
{
    mmn_status status = MMN_OK;

    for (size_t way = 0; way < sessions_of(job) && status == MMN_OK; way++) {
        job->input->ids[0] = FIRST_ID + 1 + (int32_t)way;
        status = mmn_session_prefill(job->sessions[way], job->input, error);
    }
    return status;
}

static mmn_status prepare_vision(bench_job *job, mmn_error *error)
{
    const mmn_probe probe = {.stages = "vision.out", .see = ignore};
    mmn_status status = make_pixels(job, error);

    if (status == MMN_OK)
        status = mmn_probes_add(&job->probes, &probe, error);
    return status;
}

mmn_status bench_job_create(bench_job *job, const mmn_model *model, const char *name,
                            bench_seen seen, mmn_error *error)
{
    *job = (bench_job){.model = model};
    mmn_status status = read_name(job, name, error);
    if (status == MMN_OK)
        status = job->kind == BENCH_VISION ? prepare_vision(job, error)
                                           : prepare_language(job, error);
    if (status == MMN_OK && seen == BENCH_COUNTED)
        status = add_count_probe(job, error);
    if (status == MMN_OK && seen == BENCH_PAUSED)
        status = add_pauses(job, error);
    if (status == MMN_OK && job->kind == BENCH_DECODE)
        status = prefill_ways(job, error);
    if (status != MMN_OK)
        bench_job_free(job);
    return status;
}

void bench_job_free(bench_job *job)
{
    for (size_t way = 0; way < BENCH_WAYS; way++)
        mmn_session_free(job->sessions[way]);
    mmn_input_free(job->input);
    mmn_probes_free(&job->probes);
    mmn_free(job->active);
    mmn_free(job->sum);
    mmn_free(job->pixels);
    *job = (bench_job){0};
}

static mmn_status run_vision(bench_job *job, mmn_error *error)
{
    const mmn_model *model = job->model;
    mmn_compute compute = model->compute;
    float *features;
    mmn_status status = mmn_vision_run(&compute, &model->config.vision, &model->weights->vision,
                                       &job->probes, job->pixels, 1, &features, error);

    mmn_free(features);
    mmn_compute_free_scratch(&compute);
    return status;
}

/* The prompt's own logits give the first token of beams. */
static mmn_status generate_by_beams(bench_job *job, int32_t *ids, mmn_error *error)
{
    size_t count;
    mmn_status status = mmn_session_generate(job->session, job->tokens + 1, ids, &count, error);

    if (status == MMN_OK && count <= job->tokens)
        status = mmn_fail(error, MMN_USAGE, NULL, NULL, "%s: beams ended before", job->name);
    return status;
}

/* A stop token ends a call, but not the sequence. */
static mmn_status generate_side_by_side(bench_job *job, int32_t *ids, mmn_error *error)
{
    size_t counts[BENCH_WAYS] = {0};
    mmn_status status = MMN_OK;

    for (size_t done = 0; status == MMN_OK && done < job->tokens; done += counts[0])
        status = mmn_sessions_generate(job->sessions, job->ways, job->tokens - done, ids, counts,
                                       error);
    return status;
}

static mmn_status generate(bench_job *job, mmn_error *error)
{
    int32_t *ids = mmn_allocate((job->tokens + 1) * job->ways, sizeof *ids, error);
    mmn_status status = ids ? MMN_OK : MMN_SYSTEM;

    if (status == MMN_OK)
        status = job->beams ? generate_by_beams(job, ids, error)
                            : generate_side_by_side(job, ids, error);
    mmn_free(ids);
    return status;
}

mmn_status bench_job_run(bench_job *job, double *seconds, mmn_error *error)
{
    mmn_status status;

    job->repetitions++;
    if (job->kind == BENCH_PREFILL)
        change_prompt(job);
    if (job->beams && job->repetitions > 1)
        MMN_TRY(mmn_session_prefill(job->session, job->input, error));
    if (job->pausing)
        bench_pauses_begin(&job->pauses, job->model->compute.threads);
    double start = bench_seconds();
    switch (job->kind) {
    case BENCH_VISION:
        status = run_vision(job, error);
        break;
    case BENCH_PREFILL:
        status = mmn_session_prefill(job->session, job->input, error);
        break;
    default:
        status = generate(job, error);
        break;
    }
    *seconds = bench_seconds() - start;
    if (job->pausing)
        *seconds -= bench_pauses_end(&job->pauses);
    return status;
}

/* --- how much work that is --- */

/* Weights of the matrices of one layer. */
static double vision_layer_weights(const mmn_vision_config *vision)
{
    double width = vision->hidden_size;
    return 4.0 * width * width + 2.0 * width * vision->intermediate_size;
}

static double language_layer_weights(const mmn_language_config *language)
{
    double width = language->hidden_size;
    return 2.0 * width * language->head_dim * (language->heads + language->kv_heads) +
           3.0 * width * language->intermediate_size;
}

static double language_head_weights(const mmn_language_config *language)
{
    return (double)language->vocab_size * language->hidden_size;
}

static uint32_t vision_layers_run(const bench_job *job)
{
    const mmn_vision_config *vision = &job->model->config.vision;
    uint32_t layers = 0;

    for (size_t i = 0; i < vision->feature_layer_count; i++)
        if (vision->feature_layers[i] > layers)
            layers = vision->feature_layers[i];
    return layers;
}

/* Query-key pairs of one head: everything sees everything, or what came before. */
static double pairs(const bench_job *job)
{
    double tokens = (double)job->tokens;

    switch (job->kind) {
    case BENCH_VISION:
        return tokens * tokens;
    case BENCH_PREFILL:
        return tokens * (tokens + 1) / 2;
    default:
        return tokens * PROMPT;
    }
}

double bench_job_operations(const bench_job *job)
{
    const mmn_config *config = &job->model->config;
    const mmn_vision_config *vision = &config->vision;
    const mmn_language_config *language = &config->language;
    double tokens = (double)job->tokens;

    if (job->kind == BENCH_VISION) {
        double patch = (double)vision->channels * vision->patch_size * vision->patch_size;
        double layer = 2 * tokens * vision_layer_weights(vision) +
                       4 * pairs(job) * vision->heads * vision->head_dim;
        return 1e-9 * (vision_layers_run(job) * layer +
                       2.0 * vision->patches * patch * vision->hidden_size);
    }
    double layer = 2 * tokens * language_layer_weights(language) +
                   4 * pairs(job) * language->heads * language->head_dim;
    double head = job->kind == BENCH_DECODE ? 2 * tokens * language_head_weights(language) : 0.0;
    return 1e-9 * (double)job->ways * (language->layers * layer + head);
}

double bench_job_bytes(const bench_job *job)
{
    const mmn_config *config = &job->model->config;
    const mmn_weights *weights = job->model->weights;
    double size = (double)weights->bytes / (double)weights->parameters;

    if (job->kind == BENCH_VISION)
        return 1e-9 * size * vision_layers_run(job) * vision_layer_weights(&config->vision);
    double layers = config->language.layers * language_layer_weights(&config->language);
    if (job->kind == BENCH_PREFILL)
        return 1e-9 * size * layers;
    return 1e-9 * size * (double)job->tokens * (layers + language_head_weights(&config->language));
}

mmn_status bench_begin(const mmn_model *model, const mmn_probe *probe, mmn_error *error)
{
    bench_job job = {.model = model};
    mmn_status status = make_prompt(&job, 1, error);

    if (status == MMN_OK)
        status = mmn_session_create(&job.sessions[0], model, NULL, error);
    if (status == MMN_OK)
        status = mmn_session_add_probe(job.sessions[0], probe, error);
    if (status == MMN_OK)
        status = mmn_session_prefill(job.sessions[0], job.input, error);
    bench_job_free(&job);
    return status;
}
