/* The table of stages: names, layers, and the order of the forward pass. */
#include <criterion/criterion.h>
#include <string.h>

#include "model/stages.h"

Test(stages, are_found_by_name)
{
    int layer = 7;
    const mmn_stage_kind *kind = mmn_stage_kind_find("vision.layers.12.mlp.act", &layer);
    cr_assert_not_null(kind);
    cr_assert_str_eq(kind->pattern, "vision.layers.{i}.mlp.act");
    cr_assert_str_eq(kind->module, "vision");
    cr_assert_eq(layer, 12);
    cr_assert_not_null(mmn_stage_kind_find("projector.act", &layer));
    cr_assert_eq(layer, -1);
    static const char *const unknown[] = {"",
                                          "vision",
                                          "vision.layers.12",
                                          "vision.layers..mlp.act",
                                          "vision.layers.x.mlp.act",
                                          "vision.layers.01.mlp.act",
                                          "vision.layers.-1.mlp.act",
                                          "vision.layers.1.mlp.act.x",
                                          "vision.layers.999999999999.out",
                                          "vision.layers.{i}.out",
                                          "Projector.act"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        cr_assert_null(mmn_stage_kind_find(unknown[i], &layer), "%s", unknown[i]);
        cr_assert_eq(mmn_stage_order(unknown[i]), UINT64_MAX);
    }
}

Test(stages, come_in_the_order_of_the_forward_pass)
{
    static const char *const order[] = {"input_ids",
                                        "pixel_values",
                                        "vision.embeddings",
                                        "vision.layers.0.mlp.act",
                                        "vision.layers.0.out",
                                        "vision.layers.2.mlp.act",
                                        "vision.layers.2.out",
                                        "vision.layers.10.mlp.act",
                                        "vision.out",
                                        "query.layers.0.mlp.act",
                                        "qformer.layers.0.mlp.act",
                                        "qformer.layers.0.out",
                                        "query.layers.1.mlp.act",
                                        "qformer.out",
                                        "projector.act",
                                        "projector.out",
                                        "projector.merged",
                                        "language.embeddings",
                                        "language.layers.0.attn.out",
                                        "language.layers.0.mlp.gate",
                                        "language.layers.0.mlp.act",
                                        "language.layers.0.mlp.out",
                                        "language.layers.0.out",
                                        "language.layers.1.attn.out",
                                        "language.norm",
                                        "language.logits",
                                        "generated_ids",
                                        "grad.language.norm",
                                        "grad.language.layers.1.out",
                                        "grad.language.layers.1.mlp.act",
                                        "grad.language.layers.0.out",
                                        "grad.language.embeddings",
                                        "another",
                                        "zebra"};
    size_t count = sizeof(order) / sizeof(order[0]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            int sign = mmn_stage_compare(order[i], order[j]);
            cr_assert_eq((sign > 0) - (sign < 0), (i > j) - (i < j), "%s, %s", order[i], order[j]);
        }
}

Test(stages, have_as_many_axes_as_dimensions)
{
    for (size_t i = 0; i < mmn_stage_kind_count(); i++) {
        const mmn_stage_kind *kind = mmn_stage_kind_get(i);
        for (size_t axis = 0; axis < 4; axis++)
            cr_assert_eq(kind->axes[axis] != NULL, axis < kind->dimensions, "%s", kind->pattern);
    }
    cr_assert_null(mmn_stage_kind_get(mmn_stage_kind_count()));
}
