/* Activation functions: their names, here and in configurations. */
#include <string.h>

#include "model/config_internal.h"

const char *mmn_activation_name(mmn_activation activation)
{
    switch (activation) {
    case MMN_ACTIVATION_SILU:
        return "silu";
    case MMN_ACTIVATION_GELU:
        return "gelu";
    case MMN_ACTIVATION_GELU_TANH:
        return "gelu_tanh";
    case MMN_ACTIVATION_QUICK_GELU:
        return "quick_gelu";
    case MMN_ACTIVATION_RELU:
        break;
    }
    return "relu";
}

void mmn_config_activation(mmn_activation *activation, const mmn_object *object, const char *key)
{
    static const struct {
        const char *name;
        mmn_activation activation;
    } known[] = {
        {"silu", MMN_ACTIVATION_SILU},
        {"swish", MMN_ACTIVATION_SILU},
        {"gelu", MMN_ACTIVATION_GELU},
        {"gelu_pytorch_tanh", MMN_ACTIVATION_GELU_TANH},
        {"gelu_new", MMN_ACTIVATION_GELU_TANH},
        {"quick_gelu", MMN_ACTIVATION_QUICK_GELU},
        {"relu", MMN_ACTIVATION_RELU},
    };
    const char *name = NULL;
    mmn_read_text(&name, object, key);
    if (!name)
        return;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) == 0) {
            *activation = known[i].activation;
            return;
        }
    }
    mmn_read_wrong(object, key,
                   "activation \"%.60s\" is not supported; supported are silu, gelu, "
                   "gelu_pytorch_tanh, gelu_new, quick_gelu and relu",
                   name);
}
