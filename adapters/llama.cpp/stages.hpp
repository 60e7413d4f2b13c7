// The table from llama.cpp's names of nodes to mmneuron's names of stages.
//
// A node of layer 3 is called "ffn_out-3"; {i} stands for the number in both columns. What llama.cpp
// fuses or does not name has no row: verify --common passes over it.
#pragma once

#include <string>

struct StageName {
    const char *node, *stage;
};

// The language model (llama-graph.cpp and models/ of llama.cpp). With a gate, llama.cpp 2025 and later
// computes act(gate) * up in one node, ffn_swiglu; before that ffn_silu was the activation.
inline constexpr StageName language_stages[] = {
    {"embd", "language.embeddings"},
    {"attn_out-{i}", "language.layers.{i}.attn.out"},
    {"ffn_gate-{i}", "language.layers.{i}.mlp.gate"},
    {"ffn_silu-{i}", "language.layers.{i}.mlp.act"},
    {"ffn_up-{i}", "language.layers.{i}.mlp.up"},
    {"ffn_swiglu-{i}", "language.layers.{i}.mlp.product"},
    {"ffn_out-{i}", "language.layers.{i}.mlp.out"},
    {"l_out-{i}", "language.layers.{i}.out"},
    {"result_norm", "language.norm"},
    {"result_output", "language.logits"},
    {nullptr, nullptr},
};

// The vision tower of CLIP's form (tools/mtmd/clip.cpp and models/llava.cpp). What it gives the language
// model is projector.merged.
inline constexpr StageName vision_stages[] = {
    {"pre_ln", "vision.embeddings"},
    {"ffn_gelu_quick-{i}", "vision.layers.{i}.mlp.act"},
    {"ffn_gelu-{i}", "vision.layers.{i}.mlp.act"},
    {"ffn_gelu_erf-{i}", "vision.layers.{i}.mlp.act"},
    {"layer_out-{i}", "vision.layers.{i}.out"},
    {nullptr, nullptr},
};

// The stage that the node called `name` is, or "".
inline std::string stage_of(const StageName *names, const std::string &name)
{
    static const std::string hole = "{i}";
    for (; names->node; names++) {
        std::string node = names->node, stage = names->stage;
        size_t at = node.find(hole);
        if (at == std::string::npos) {
            if (name == node)
                return stage;
            continue;
        }
        std::string number = name.size() > at ? name.substr(at) : "";
        if (name.compare(0, at, node, 0, at) != 0 || number.empty() ||
            number.find_first_not_of("0123456789") != std::string::npos)
            continue;
        return stage.replace(stage.find(hole), hole.size(), number);
    }
    return "";
}
