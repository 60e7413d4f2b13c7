// Writes the stages of one forward pass in llama.cpp as a dump of mmneuron has them.
//
// llama.cpp calls back for every node of its graph (cb_eval of its public headers); the nodes that are
// stages are copied under mmneuron's names (stages.hpp has the table). README.md says how to build
// and use this.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "ggml-backend.h"
#include "ggml.h"
#include "llama.h"
#include "mtmd.h"

#include "safetensors.hpp"
#include "stages.hpp"

namespace {

struct Arguments {
    std::string model, projector, prompt, output, ids;
    std::vector<std::string> images;
    int image_token = 32000;
    int threads = 1;
};

// What the callback of one part, language or vision, works with.
struct Recorder {
    const StageName *names;
    safetensors::File *file;
};

// The node's numbers as f32, row after row. Views are followed through their strides.
std::vector<float> read_node(const ggml_tensor *node)
{
    std::vector<uint8_t> bytes(ggml_nbytes(node));
    ggml_backend_tensor_get(node, bytes.data(), 0, bytes.size());
    std::vector<float> values;
    values.reserve(ggml_nelements(node));
    for (int64_t i3 = 0; i3 < node->ne[3]; i3++)
        for (int64_t i2 = 0; i2 < node->ne[2]; i2++)
            for (int64_t i1 = 0; i1 < node->ne[1]; i1++)
                for (int64_t i0 = 0; i0 < node->ne[0]; i0++) {
                    const uint8_t *at = bytes.data() + i0 * node->nb[0] + i1 * node->nb[1] +
                                        i2 * node->nb[2] + i3 * node->nb[3];
                    values.push_back(node->type == GGML_TYPE_F16
                                         ? ggml_fp16_to_fp32(*reinterpret_cast<const ggml_fp16_t *>(at))
                                         : *reinterpret_cast<const float *>(at));
                }
    return values;
}

// The node's dimensions, slowest first, without those of 1 in front.
std::vector<uint64_t> shape_of(const ggml_tensor *node)
{
    std::vector<uint64_t> shape;
    for (int i = GGML_MAX_DIMS - 1; i >= 0; i--)
        if (!shape.empty() || node->ne[i] > 1 || i < 2)
            shape.push_back(node->ne[i]);
    return shape;
}

// llama.cpp asks first whether the node is wanted, and calls again when it has been computed.
bool see(ggml_tensor *node, bool asks, void *context)
{
    auto *recorder = static_cast<Recorder *>(context);
    std::string stage = stage_of(recorder->names, node->name);
    bool readable = node->type == GGML_TYPE_F32 || node->type == GGML_TYPE_F16;
    if (asks || stage.empty() || !readable)
        return !stage.empty() && readable;
    recorder->file->append(stage, shape_of(node), read_node(node));
    return true;
}

// ---- The model ---------------------------------------------------------------------------------

struct Model {
    llama_model *model = nullptr;
    llama_context *context = nullptr;
    mtmd_context *vision = nullptr;

    Model(const Arguments &arguments, uint32_t positions, Recorder *language, Recorder *tower)
    {
        llama_log_set([](ggml_log_level, const char *, void *) {}, nullptr);
        llama_model_params model_params = llama_model_default_params();
        model_params.n_gpu_layers = 0;
        model_params.use_extra_bufts = false; // weights as they are, not repacked
        model = llama_model_load_from_file(arguments.model.c_str(), model_params);
        if (!model)
            throw std::runtime_error(arguments.model + ": llama.cpp cannot read it");

        // One graph for the whole prompt, whose positions all give logits; keys and values in f32.
        llama_context_params params = llama_context_default_params();
        params.n_ctx = params.n_batch = params.n_ubatch = std::max(positions, 512u);
        params.n_threads = params.n_threads_batch = arguments.threads;
        params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
        params.type_k = params.type_v = GGML_TYPE_F32;
        params.cb_eval = see;
        params.cb_eval_user_data = language;
        context = llama_init_from_model(model, params);
        if (!context)
            throw std::runtime_error(arguments.model + ": llama.cpp cannot make a context");
        if (arguments.projector.empty())
            return;
        mtmd_context_params vision_params = mtmd_context_params_default();
        vision_params.use_gpu = false;
        vision_params.warmup = false;
        vision_params.print_timings = false;
        vision_params.n_threads = arguments.threads;
        vision_params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
        vision_params.cb_eval = see;
        vision_params.cb_eval_user_data = tower;
        vision = mtmd_init_from_file(arguments.projector.c_str(), model, vision_params);
        if (!vision)
            throw std::runtime_error(arguments.projector + ": llama.cpp cannot read it");
    }

    ~Model()
    {
        mtmd_free(vision);
        llama_free(context);
        llama_model_free(model);
    }
};

// Runs tokens, or embeddings of as many positions, from position `first` on.
void run(const Model &model, const std::vector<llama_token> &tokens, const float *embeddings,
         size_t count, size_t first)
{
    int width = embeddings ? llama_model_n_embd_inp(model.model) : 0;
    llama_batch batch = llama_batch_init(int32_t(count), width, 1);
    batch.n_tokens = int32_t(count);
    for (size_t i = 0; i < count; i++) {
        if (!embeddings)
            batch.token[i] = tokens[i];
        batch.pos[i] = llama_pos(first + i);
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = 1;
    }
    if (embeddings)
        std::copy(embeddings, embeddings + count * size_t(width), batch.embd);
    int failed = llama_decode(model.context, batch);
    llama_batch_free(batch);
    if (failed)
        throw std::runtime_error("llama_decode failed");
}

std::vector<llama_token> parse_ids(const std::string &text)
{
    std::vector<llama_token> ids;
    for (size_t at = 0; at <= text.size();) {
        size_t end = std::min(text.find(',', at), text.size());
        ids.push_back(std::stoi(text.substr(at, end - at)));
        at = end + 1;
    }
    return ids;
}

std::vector<llama_token> tokenize(const Model &model, const std::string &prompt)
{
    const llama_vocab *vocabulary = llama_model_get_vocab(model.model);
    std::vector<llama_token> ids(prompt.size() + 16);
    int count = llama_tokenize(vocabulary, prompt.data(), int32_t(prompt.size()), ids.data(),
                               int32_t(ids.size()), true, true);
    if (count < 0)
        throw std::runtime_error("the prompt cannot be tokenized");
    ids.resize(size_t(count));
    return ids;
}

// ---- Pictures ----------------------------------------------------------------------------------

// A binary PPM (P6, 255): give one of the tower's size, so that nobody resizes it.
mtmd_bitmap *read_picture(const std::string &path, safetensors::File &file)
{
    std::ifstream stream(path, std::ios::binary);
    std::string magic;
    uint32_t width = 0, height = 0, most = 0;
    stream >> magic >> width >> height >> most;
    stream.get();
    std::vector<unsigned char> pixels(size_t(3) * width * height);
    if (magic != "P6" || most != 255 || pixels.empty() ||
        !stream.read(reinterpret_cast<char *>(pixels.data()), std::streamsize(pixels.size())))
        throw std::runtime_error(path + ": expected a binary PPM (P6) with 8 bits a channel");
    file.append_integers("image_sizes", {1, 2}, {int32_t(height), int32_t(width)});
    return mtmd_bitmap_init(width, height, pixels.data());
}

// Runs the prompt's parts one after the other, pictures through the tower first.
std::vector<llama_token> run_with_pictures(const Model &model, const Arguments &arguments,
                                           safetensors::File &file)
{
    std::string prompt = arguments.prompt;
    for (size_t at; (at = prompt.find("<image>")) != std::string::npos;)
        prompt.replace(at, 7, mtmd_default_marker());
    std::vector<mtmd_bitmap *> pictures;
    for (const std::string &image : arguments.images)
        pictures.push_back(read_picture(image, file));
    mtmd_input_chunks *chunks = mtmd_input_chunks_init();
    mtmd_input_text text = {};
    text.text = prompt.c_str();
    text.text_len = prompt.size();
    text.add_special = text.parse_special = true;
    if (mtmd_tokenize(model.vision, chunks, &text,
                      const_cast<const mtmd_bitmap **>(pictures.data()), pictures.size()) != 0)
        throw std::runtime_error("the prompt cannot be divided: one <image> for each --image?");

    std::vector<llama_token> ids;
    for (size_t i = 0; i < mtmd_input_chunks_size(chunks); i++) {
        const mtmd_input_chunk *chunk = mtmd_input_chunks_get(chunks, i);
        size_t count = mtmd_input_chunk_get_n_tokens(chunk), first = ids.size();
        if (mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_TEXT) {
            const llama_token *tokens = mtmd_input_chunk_get_tokens_text(chunk, &count);
            std::vector<llama_token> part(tokens, tokens + count);
            ids.insert(ids.end(), part.begin(), part.end());
            run(model, part, nullptr, count, first);
            continue;
        }
        if (mtmd_encode_chunk(model.vision, chunk) != 0)
            throw std::runtime_error("the picture cannot be encoded");
        const float *features = mtmd_get_output_embd(model.vision);
        size_t width = size_t(llama_model_n_embd_inp(model.model));
        std::vector<float> rows(features, features + count * width);
        file.append("projector.merged", {count, width}, rows);
        file.append("language.embeddings", {count, width}, rows); // an input of the graph, not a node
        ids.insert(ids.end(), count, arguments.image_token);
        run(model, {}, features, count, first);
    }
    mtmd_input_chunks_free(chunks);
    for (mtmd_bitmap *picture : pictures)
        mtmd_bitmap_free(picture);
    return ids;
}

// ---- The command line --------------------------------------------------------------------------

Arguments parse(int count, char **words)
{
    Arguments arguments;
    for (int i = 1; i + 1 < count; i += 2) {
        std::string option = words[i], value = words[i + 1];
        if (option == "--model")
            arguments.model = value;
        else if (option == "--mmproj")
            arguments.projector = value;
        else if (option == "--prompt")
            arguments.prompt = value;
        else if (option == "--ids")
            arguments.ids = value;
        else if (option == "--image")
            arguments.images.push_back(value);
        else if (option == "--image-token")
            arguments.image_token = std::stoi(value);
        else if (option == "--threads")
            arguments.threads = std::stoi(value);
        else if (option == "-o")
            arguments.output = value;
        else
            throw std::invalid_argument(option);
    }
    bool starts = arguments.prompt.empty() != arguments.ids.empty();
    if (count % 2 == 0 || arguments.model.empty() || arguments.output.empty() || !starts ||
        arguments.images.empty() != arguments.projector.empty())
        throw std::invalid_argument("options are missing, or do not go together");
    return arguments;
}

void capture(const Arguments &arguments)
{
    safetensors::File file;
    Recorder language = {language_stages, &file}, tower = {vision_stages, &file};
    uint32_t positions = uint32_t(arguments.prompt.size() + arguments.ids.size()) + 64 +
                         uint32_t(arguments.images.size()) * 4096;
    Model model(arguments, positions, &language, &tower);
    std::vector<llama_token> ids;
    if (!arguments.images.empty()) {
        ids = run_with_pictures(model, arguments, file);
    } else {
        ids = arguments.ids.empty() ? tokenize(model, arguments.prompt) : parse_ids(arguments.ids);
        run(model, ids, nullptr, ids.size(), 0);
    }
    file.append_integers("input_ids", {ids.size()}, std::vector<int32_t>(ids.begin(), ids.end()));
    file.write(arguments.output);
    std::printf("%s: %zu stages, %zu positions\n", arguments.output.c_str(), file.size(), ids.size());
}

} // namespace

int main(int count, char **words)
{
    try {
        capture(parse(count, words));
        return EXIT_SUCCESS;
    } catch (const std::invalid_argument &error) {
        std::fprintf(stderr,
                     "capture: %s\nusage: capture --model M.gguf (--prompt TEXT | --ids 1,2,3)"
                     " -o D.safetensors\n"
                     "       [--mmproj P.gguf --image F.ppm]... [--image-token ID] [--threads N]\n",
                     error.what());
        return 2;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "capture: %s\n", error.what());
        return 3;
    }
}
