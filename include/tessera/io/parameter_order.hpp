// SPDX-License-Identifier: MIT
// The order of a parameter's elements: (outputs, inputs, height, width) in files, as PyTorch has
// it, (groups, height, width, inputs, outputs / groups) in memory.
#pragma once

#include <span>
#include <vector>

#include "tessera/layer/layer.hpp"

namespace tessera {

/// The shape a file gives: (F), (F, C * H * W) or (F, C, H, W).
inline std::vector<Index> file_shape(const ParameterInfo& info) {
    switch (info.rank) {
        case 1:
            return {info.outputs};
        case 2:
            return {info.outputs, info.fan_in()};
        default:
            return {info.outputs, info.inputs, info.height, info.width};
    }
}

namespace detail {
/// visit(place in the file, place in memory) for every element.
template <class Visit>
void for_each_element(const ParameterInfo& info, Visit visit) {
    const Index per_group = info.outputs / info.groups;
    const Index area = Index{info.height} * info.width;
    for (Index f = 0; f < info.outputs; ++f) {
        const Index group = f / per_group;
        for (Index c = 0; c < info.inputs; ++c) {
            for (Index p = 0; p < area; ++p) {
                visit((f * info.inputs + c) * area + p,
                      ((group * area + p) * info.inputs + c) * per_group + f % per_group);
            }
        }
    }
}
}  // namespace detail

/// The elements in the file's order.
template <class T>
std::vector<T> to_file_order(const ParameterInfo& info, std::span<const T> memory) {
    std::vector<T> file(memory.size());
    detail::for_each_element(info, [&](Index in_file, Index in_memory) {
        file[static_cast<std::size_t>(in_file)] = memory[static_cast<std::size_t>(in_memory)];
    });
    return file;
}

/// The elements of a file in the memory's order.
template <class T>
void from_file_order(const ParameterInfo& info, std::span<const T> file, std::span<T> memory) {
    detail::for_each_element(info, [&](Index in_file, Index in_memory) {
        memory[static_cast<std::size_t>(in_memory)] = file[static_cast<std::size_t>(in_file)];
    });
}

}  // namespace tessera
