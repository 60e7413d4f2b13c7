/* One decoder layer in reverse: what it makes is made again, then MLP, norm, attention and norm
 * give gradients to what they read. */
#include <string.h>

#include "base/memory.h"
#include "pass/added.h"
#include "pass/reverse.h"

/* ---- Memory ---------------------------------------------------------------------------------- */

/* *array = [rows][width]. */
static mmn_status make_rows(float **array, size_t rows, size_t width, mmn_error *error)
{
    MMN_NEED(*array = mmn_allocate(rows, width * sizeof(float), error));
    return MMN_OK;
}

static mmn_heads heads_of(const mmn_batch *batch, const mmn_key_span *span, uint32_t layer)
{
    const mmn_language_config *config = &batch->model->config.language;
    return (mmn_heads){
        .query = batch->memory->query,
        .spans = span,
        .rows = batch->rows,
        .key_count = batch->rows,
        .heads = config->heads,
        .kv_heads = config->kv_heads,
        .head_dim = config->head_dim,
        .causal = true,
        .window = layer < config->first_window_layer ? 0 : config->sliding_window,
        .alibi_slopes = config->alibi ? batch->memory->slopes : NULL,
    };
}

/* Rows in which nothing stands in the place of another thing. */
static mmn_status make_forward_rows(mmn_row_memory *forward, const mmn_batch *batch,
                                    mmn_error *error)
{
    const mmn_language_config *config = &batch->model->config.language;
    size_t query = mmn_language_query_width(config), key = mmn_language_key_width(config);
    MMN_TRY(make_rows(&forward->normed, batch->rows, config->hidden_size, error));
    MMN_TRY(make_rows(&forward->query, batch->rows, query, error));
    MMN_TRY(make_rows(&forward->keys, batch->rows, key, error));
    MMN_TRY(make_rows(&forward->values, batch->rows, key, error));
    return config->fused_qkv ? make_rows(&forward->fused, batch->rows, 3 * query, error) : MMN_OK;
}

/* The angles of the run, and the same turned the other way. */
static void take_angles(mmn_reverse_memory *memory, const mmn_batch *batch)
{
    const size_t count = batch->rows * (batch->model->config.language.rotary_dim / 2);
    memory->forward.cosine = batch->memory->cosine;
    memory->forward.sine = batch->memory->sine;
    memory->forward.slopes = batch->memory->slopes;
    for (size_t i = 0; i < count; i++)
        memory->sine[i] = -batch->memory->sine[i];
}

/* The most numbers that a row of what a product with transposed weights reads has. */
static size_t widest(const mmn_language_config *config)
{
    const size_t query = mmn_language_query_width(config) * (config->fused_qkv ? 3 : 1);
    const size_t inner = config->intermediate_size > query ? config->intermediate_size : query;
    return config->hidden_size > inner ? config->hidden_size : inner;
}

static mmn_status make_arrays(mmn_reverse_memory *memory, const mmn_batch *batch, mmn_error *error)
{
    const mmn_language_config *config = &batch->model->config.language;
    const size_t rows = batch->rows, width = config->hidden_size, inner = config->intermediate_size;
    const size_t query = mmn_language_query_width(config), key = mmn_language_key_width(config);
    const mmn_heads heads = heads_of(batch, NULL, 0);
    const struct {
        float **array;
        size_t width;
    } needed[] = {
        {&memory->context, query},
        {&memory->state, width},
        {&memory->gate, inner},
        {&memory->up, config->gated ? inner : 0},
        {&memory->gate_gradient, inner},
        {&memory->up_gradient, config->gated ? inner : 0},
        {&memory->query_gradient, query},
        {&memory->key_gradient, key},
        {&memory->value_gradient, key},
        {&memory->fused_gradient, config->fused_qkv ? 3 * query : 0},
        {&memory->context_gradient, query},
        {&memory->normed_gradient, width},
        {&memory->addend, width},
        {&memory->sine, config->rotary_dim / 2},
    };
    MMN_TRY(make_forward_rows(&memory->forward, batch, error));
    for (size_t i = 0; i < MMN_LENGTH(needed); i++)
        if (needed[i].width > 0)
            MMN_TRY(make_rows(needed[i].array, rows, needed[i].width, error));
    MMN_NEED(memory->attention = mmn_allocate((size_t)batch->compute->threads,
                                              mmn_attention_reverse_floats(&heads) * sizeof(float),
                                              error));
    memory->rows = rows;
    return MMN_OK;
}

mmn_status mmn_reverse_memory_reserve(mmn_reverse_memory *memory, const mmn_batch *batch,
                                      mmn_error *error)
{
    MMN_TRY(mmn_compute_reserve(batch->compute, batch->rows, widest(&batch->model->config.language),
                                0, 0, error));
    if (batch->rows > memory->rows) {
        mmn_reverse_memory_free(memory);
        MMN_TRY(make_arrays(memory, batch, error));
    }
    take_angles(memory, batch);
    return MMN_OK;
}

void mmn_reverse_memory_free(mmn_reverse_memory *memory)
{
    float *const arrays[] = {
        memory->forward.normed,
        memory->forward.query,
        memory->forward.keys,
        memory->forward.values,
        memory->forward.fused,
        memory->context,
        memory->state,
        memory->gate,
        memory->up,
        memory->gate_gradient,
        memory->up_gradient,
        memory->query_gradient,
        memory->key_gradient,
        memory->value_gradient,
        memory->fused_gradient,
        memory->context_gradient,
        memory->normed_gradient,
        memory->addend,
        memory->sine,
        memory->attention,
    };
    for (size_t i = 0; i < MMN_LENGTH(arrays); i++)
        mmn_free(arrays[i]);
    *memory = (mmn_reverse_memory){0};
}

/* ---- The layer ------------------------------------------------------------------------------- */

void mmn_language_normalise_reverse(const mmn_compute *compute, const mmn_language_config *config,
                                    float *output, const float *gradient, const float *input,
                                    const mmn_norm *norm, size_t rows)
{
    (config->layer_norm ? mmn_layer_norm_reverse : mmn_rms_norm_reverse)(
        compute, output, gradient, input, norm, rows, config->hidden_size, config->norm_eps);
}

/* As mmn_language_layer, up to what enters `down`. */
static void make_again(const mmn_batch *batch, mmn_reverse_memory *memory, const float *entered,
                       uint32_t number)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_language_layer_weights *layer = &batch->model->weights->language.layers[number];
    const mmn_compute *compute = batch->compute;
    size_t rows = batch->rows;
    float *normed = memory->forward.normed;
    /* Attention writes over its queries, which are needed again. */
    mmn_row_memory attended = memory->forward;
    mmn_batch attending = *batch;
    attended.query = memory->context;
    attending.memory = &attended;

    mmn_language_normalise(compute, config, normed, entered, &layer->attention_norm, rows);
    mmn_language_project(batch, layer);
    memcpy(memory->context, memory->forward.query,
           rows * mmn_language_query_width(config) * sizeof(float));
    mmn_language_attend(&attending, number);
    if (!config->parallel_mlp) {
        mmn_apply_linear(compute, memory->state, memory->context, rows, &layer->output);
        mmn_accumulate(compute, memory->state, entered, rows * config->hidden_size);
        mmn_language_normalise(compute, config, normed, memory->state, &layer->mlp_norm, rows);
    }
    const mmn_product products[] = {{memory->gate, &layer->gate, NULL},
                                    {memory->up, &layer->up, NULL}};
    mmn_apply_linears(compute, products, config->gated ? 2 : 1, normed, rows);
}

/* normed_gradient = what the MLP gives to what it reads, given the gradient of its output. */
static mmn_status reverse_mlp(const mmn_batch *batch, mmn_reverse_memory *memory,
                              const float *gradient, uint32_t number, mmn_error *error)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_language_layer_weights *layer = &batch->model->weights->language.layers[number];
    const mmn_compute *compute = batch->compute;
    size_t rows = batch->rows, width = config->hidden_size, inner = config->intermediate_size;
    float *gate = memory->gate, *of_gate = memory->gate_gradient, *of_up = memory->up_gradient;
    int i = (int)number;

    mmn_apply_transposed(compute, of_gate, gradient, rows, &layer->down.weight);
    mmn_added_transposed(&batch->model->deltas.additions, number, of_gate, gradient, inner, rows);
    if (config->gated) {
        MMN_TRY(mmn_batch_show(batch, "grad.language.layers.{i}.mlp.product", i, of_gate, inner,
                               error));
        memcpy(of_up, gate, rows * inner * sizeof(float));
        mmn_activate(compute, config->activation, of_up, rows * inner);
        mmn_multiply(compute, of_up, of_gate, rows * inner);
        MMN_TRY(mmn_batch_show(batch, "grad.language.layers.{i}.mlp.up", i, of_up, inner, error));
        mmn_multiply(compute, of_gate, memory->up, rows * inner);
    }
    MMN_TRY(mmn_batch_show(batch, "grad.language.layers.{i}.mlp.act", i, of_gate, inner, error));
    mmn_activation_slope(compute, config->activation, gate, rows * inner);
    mmn_multiply(compute, of_gate, gate, rows * inner);
    MMN_TRY(mmn_batch_show(batch, "grad.language.layers.{i}.mlp.gate", i, of_gate, inner, error));
    mmn_apply_transposed(compute, memory->normed_gradient, of_gate, rows, &layer->gate.weight);
    if (config->gated) {
        mmn_apply_transposed(compute, memory->addend, of_up, rows, &layer->up.weight);
        mmn_accumulate(compute, memory->normed_gradient, memory->addend, rows * width);
    }
    return MMN_OK;
}

/* The gradient of the fused product, of those of queries, keys and values. */
static void fuse(const mmn_batch *batch, const mmn_reverse_memory *memory)
{
    const mmn_language_config *config = &batch->model->config.language;
    size_t width = config->head_dim, groups = batch->rows * config->heads;
    float *fused = memory->fused_gradient;
    for (size_t group = 0; group < groups; group++, fused += 3 * width) {
        memcpy(fused, memory->query_gradient + group * width, width * sizeof(float));
        memcpy(fused + width, memory->key_gradient + group * width, width * sizeof(float));
        memcpy(fused + 2 * width, memory->value_gradient + group * width, width * sizeof(float));
    }
}

/* normed_gradient += what one of the projections gives to what it reads. */
static void add_projection(const mmn_batch *batch, const mmn_reverse_memory *memory,
                           const float *gradient, const mmn_linear *linear)
{
    mmn_apply_transposed(batch->compute, memory->addend, gradient, batch->rows, &linear->weight);
    mmn_accumulate(batch->compute, memory->normed_gradient, memory->addend,
                   batch->rows * batch->model->config.language.hidden_size);
}

/* normed_gradient += what attention gives to what it reads, given the gradient of its output. */
static void reverse_attention(const mmn_batch *batch, mmn_reverse_memory *memory,
                              const float *gradient, uint32_t number)
{
    const mmn_language_config *config = &batch->model->config.language;
    const mmn_language_layer_weights *layer = &batch->model->weights->language.layers[number];
    const mmn_row_memory *forward = &memory->forward;
    const mmn_key_span span = mmn_key_rows(forward->keys, forward->values, batch->rows,
                                           config->kv_heads, config->head_dim);
    const mmn_heads heads = heads_of(batch, &span, number);
    const mmn_attention_reverse attention = {
        .heads = &heads,
        .gradient = memory->context_gradient,
        .query_gradient = memory->query_gradient,
        .key_gradient = memory->key_gradient,
        .value_gradient = memory->value_gradient,
        .scratch = memory->attention,
    };

    mmn_apply_transposed(batch->compute, memory->context_gradient, gradient, batch->rows,
                         &layer->output.weight);
    mmn_attend_reverse(batch->compute, &attention);
    mmn_language_rotate(batch, memory->query_gradient, memory->key_gradient, memory->sine);
    if (config->fused_qkv) {
        fuse(batch, memory);
        add_projection(batch, memory, memory->fused_gradient, &layer->fused);
    } else {
        add_projection(batch, memory, memory->query_gradient, &layer->query);
        add_projection(batch, memory, memory->key_gradient, &layer->key);
        add_projection(batch, memory, memory->value_gradient, &layer->value);
    }
}

mmn_status mmn_language_layer_reverse(const mmn_batch *run, mmn_reverse_memory *memory,
                                      const float *entered, float *gradient, uint32_t number,
                                      mmn_error *error)
{
    const mmn_language_config *config = &run->model->config.language;
    const mmn_language_layer_weights *layer = &run->model->weights->language.layers[number];
    const mmn_compute *compute = run->compute;
    size_t rows = run->rows, width = config->hidden_size;
    int i = (int)number;
    mmn_batch batch = *run;
    batch.memory = &memory->forward;

    MMN_TRY(mmn_batch_show(&batch, "grad.language.layers.{i}.out", i, gradient, width, error));
    make_again(&batch, memory, entered, number);
    MMN_TRY(reverse_mlp(&batch, memory, gradient, number, error));
    if (!config->parallel_mlp) {
        mmn_language_normalise_reverse(compute, config, memory->addend, memory->normed_gradient,
                                       memory->state, &layer->mlp_norm, rows);
        mmn_accumulate(compute, gradient, memory->addend, rows * width);
        memset(memory->normed_gradient, 0, rows * width * sizeof(float));
    }
    MMN_TRY(mmn_batch_show(&batch, "grad.language.layers.{i}.attn.out", i, gradient, width, error));
    reverse_attention(&batch, memory, gradient, number);
    mmn_language_normalise_reverse(compute, config, memory->addend, memory->normed_gradient,
                                   entered, &layer->attention_norm, rows);
    mmn_accumulate(compute, gradient, memory->addend, rows * width);
    mmn_watch_values(compute, gradient, rows, width);
    return mmn_interrupt_check(compute->interrupt, error);
}
