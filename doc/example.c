/* A short program on libmmneuron: asks a model about a photograph, and shows for every layer of its
 * language model what share of the neurons is active, apart for image and text positions.
 *
 *     cc example.c $(pkg-config --cflags --libs mmneuron) -o example
 *     ./example MODEL photo.jpg "What is in the picture?"
 */
#include <mmneuron.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAXIMUM_LAYERS = 128, MAXIMUM_TOKENS = 32 };

/* Of each layer: activations seen and those above 0, of text (0) and image (1) positions. */
typedef struct activity {
    uint64_t seen[MAXIMUM_LAYERS][2], active[MAXIMUM_LAYERS][2];
} activity;

/* Sees [positions, neurons] after the activation function, once for each layer. */
static mmn_status see_neurons(void *context, const mmn_stage *stage, mmn_error *error)
{
    (void)error;
    activity *found = context;
    const float *value = stage->data;
    if (stage->generating || stage->layer >= MAXIMUM_LAYERS)
        return MMN_OK;
    for (size_t row = 0; row < stage->shape[0]; row++) {
        int kind = mmn_input_is_image(stage->input, stage->first_position + row) != 0;
        for (size_t neuron = 0; neuron < stage->shape[1]; neuron++)
            found->active[stage->layer][kind] += *value++ > 0;
        found->seen[stage->layer][kind] += stage->shape[1];
    }
    return MMN_OK;
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0.0;
}

static void print_activity(const activity *found, uint32_t layers)
{
    printf("\nlayer  active on image  on text\n");
    for (uint32_t layer = 0; layer < layers && layer < MAXIMUM_LAYERS; layer++)
        printf("%5u  %14.1f%%  %6.1f%%\n", (unsigned)layer,
               percent(found->active[layer][1], found->seen[layer][1]),
               percent(found->active[layer][0], found->seen[layer][0]));
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: example MODEL IMAGE QUESTION\n");
        return 2;
    }
    const char *image = argv[2];
    activity *found = calloc(1, sizeof *found);
    const mmn_probe probe = {
        .stages = "language.layers.*.mlp.act", .see = see_neurons, .context = found};
    mmn_error error;
    mmn_model *model = NULL;
    mmn_input *input = NULL;
    mmn_session *session = NULL;
    char *prompt = NULL;
    char *answer = NULL;
    int32_t ids[MAXIMUM_TOKENS];
    size_t count = 0;
    int code = 0;

    if (found == NULL) {
        fprintf(stderr, "memory is short\n");
        return 3;
    }
    if (mmn_model_open(&model, argv[1], NULL, &error) != MMN_OK ||
        mmn_prompt_from_template(model, NULL, argv[3], 1, &prompt, &error) != MMN_OK ||
        mmn_input_from_prompt(&input, model, prompt, &image, 1, &error) != MMN_OK ||
        mmn_session_create(&session, model, NULL, &error) != MMN_OK ||
        mmn_session_add_probe(session, &probe, &error) != MMN_OK ||
        mmn_session_prefill(session, input, &error) != MMN_OK ||
        mmn_session_generate(session, MAXIMUM_TOKENS, ids, &count, &error) != MMN_OK ||
        mmn_model_decode(model, ids, count, 1, &answer, &error) != MMN_OK) {
        char sentence[2400];
        mmn_error_sentence(&error, sentence, sizeof sentence);
        fprintf(stderr, "%s\n", sentence);
        code = 3;
    } else {
        printf("%s\n", answer);
        print_activity(found, mmn_model_describe(model)->language_layers);
    }

    mmn_release(answer);
    mmn_session_free(session);
    mmn_input_free(input);
    mmn_release(prompt);
    mmn_model_close(model);
    free(found);
    return code;
}
