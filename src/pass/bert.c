/* What encoders of BERT's kind share: layers whose norms come behind the sums. */
#include "pass/bert.h"

#include <string.h>

void mmn_bert_add_norm(const mmn_compute *compute, float *hidden, float *sum, const mmn_norm *norm,
                       size_t rows, size_t width, float epsilon)
{
    mmn_accumulate(compute, sum, hidden, rows * width);
    mmn_layer_norm(compute, hidden, sum, norm, rows, width, epsilon);
}

mmn_status mmn_bert_feed_forward(const mmn_compute *compute, const mmn_bert_mlp_weights *weights,
                                 mmn_activation activation, float epsilon, const mmn_bert_rows *r,
                                 const char *pattern, int layer, const mmn_probes *probes,
                                 mmn_error *error)
{
    size_t width = weights->intermediate.weight.columns, inner = weights->intermediate.weight.rows;
    if (r->before) {
        mmn_apply_linear(compute, r->before, r->hidden, r->rows, &weights->intermediate);
        memcpy(r->inner, r->before, r->rows * inner * sizeof(float));
        mmn_activate(compute, activation, r->inner, r->rows * inner);
    } else {
        mmn_apply_activated(compute, r->inner, r->hidden, r->rows, &weights->intermediate,
                            activation);
    }
    MMN_TRY(mmn_show_rows(compute, probes, pattern, layer, r->inner, r->rows, inner, error));
    mmn_apply_linear(compute, r->sum, r->inner, r->rows, &weights->output);
    mmn_bert_add_norm(compute, r->hidden, r->sum, &weights->norm, r->rows, width, epsilon);
    return MMN_OK;
}
