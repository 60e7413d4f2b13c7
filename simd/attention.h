/* Attention of one head over the vocabulary: of a single row as decoding has it, or block by block.
 * Included after attention_block.h and attention_row.h. */
#ifndef MMN_SIMD_ATTENTION_H
#define MMN_SIMD_ATTENTION_H

static void KERNEL(attention)(const mmn_attention_task *task)
{
    const size_t most = mmn_attention_block(task->key_count);
    const size_t block = smaller(task->rows, most);
    attention a = {.task = task, .keys = task->scratch, .values = task->scratch};

    a.shared = task->rows > block;
    a.query = task->scratch + MMN_ATTENTION_TILE * MMN_PANEL;
    if (a.shared) {
        a.values = task->scratch + mmn_attention_keys(task->key_count) * task->head_dim;
        a.query = a.values + mmn_attention_keys(task->key_count) *
                                 ((task->head_dim + TILE_WIDTH - 1) / TILE_WIDTH * TILE_WIDTH);
    }
    a.scores = a.query + block * MMN_PANEL;
    for (a.row = 0; a.row < task->rows; a.row += block) {
        a.rows = smaller(task->rows - a.row, block);
        find_limits(&a);
        a.origin = a.row == 0 ? a.first_key : a.origin;
        if (task->rows == 1)
            attend_row(&a);
        else
            attend_block(&a);
    }
}

#endif
