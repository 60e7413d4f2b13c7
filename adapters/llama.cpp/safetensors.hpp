// A safetensors file of named stages, kept in memory until it is written.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace safetensors {

struct Tensor {
    const char *type;
    std::vector<uint64_t> shape;
    std::vector<uint8_t> bytes; // little-endian, as this machine must be
};

class File {
public:
    // Adds a stage, or behind one that is there more rows of it: a prompt with pictures runs in parts.
    void append(const std::string &name, std::vector<uint64_t> shape, const std::vector<float> &values)
    {
        add(name, "F32", std::move(shape), values.data(), values.size() * sizeof(float));
    }

    void append_integers(const std::string &name, std::vector<uint64_t> shape,
                         const std::vector<int32_t> &values)
    {
        add(name, "I32", std::move(shape), values.data(), values.size() * sizeof(int32_t));
    }

    size_t size() const
    {
        return tensors.size();
    }

    void write(const std::string &path) const
    {
        std::string header = "{\"__metadata__\":{\"format\":\"mmneuron-dump-1\",\"backend\":\"llama.cpp\"}";
        uint64_t offset = 0;
        for (const auto &[name, tensor] : tensors) {
            header += ",\"" + name + "\":{\"dtype\":\"" + tensor.type + "\",\"shape\":[";
            for (size_t i = 0; i < tensor.shape.size(); i++)
                header += (i ? "," : "") + std::to_string(tensor.shape[i]);
            header += "],\"data_offsets\":[" + std::to_string(offset) + ",";
            header += std::to_string(offset += tensor.bytes.size()) + "]}";
        }
        header += "}";
        header.resize((header.size() + 7) / 8 * 8, ' ');

        std::FILE *file = std::fopen(path.c_str(), "wb");
        if (!file)
            throw std::runtime_error(path + ": cannot be written");
        uint64_t length = header.size();
        bool written = std::fwrite(&length, sizeof(length), 1, file) == 1 &&
                       std::fwrite(header.data(), header.size(), 1, file) == 1;
        for (const auto &[name, tensor] : tensors)
            written = written && std::fwrite(tensor.bytes.data(), tensor.bytes.size(), 1, file) == 1;
        if (std::fclose(file) != 0 || !written)
            throw std::runtime_error(path + ": cannot be written");
    }

private:
    void add(const std::string &name, const char *type, std::vector<uint64_t> shape, const void *data,
             size_t size)
    {
        auto [place, added] = tensors.try_emplace(name, Tensor{type, shape, {}});
        if (!added)
            place->second.shape[0] += shape[0];
        const auto *bytes = static_cast<const uint8_t *>(data);
        place->second.bytes.insert(place->second.bytes.end(), bytes, bytes + size);
    }

    std::map<std::string, Tensor> tensors;
};

} // namespace safetensors
