// SPDX-License-Identifier: MIT
// What the passes of a convolution work with: columns of patches for each thread, the weights in
// panels for all of them, and the memory for both.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tessera/backend/cpu/gemm.hpp"
#include "tessera/backend/cpu/im2col.hpp"

namespace tessera::cpu::detail {

/// Of rows or columns.
struct Range {
    Index begin = 0;
    Index end = 0;
};

/// Columns that a thread holds at once: half to all of a core's own cache was best among 0.5 to
/// 8 MB.
inline constexpr Index column_bytes = Index{1} << 20;

constexpr Index filters(const ConvGeometry& g) { return g.output.channels / g.groups; }
constexpr Index output_rows(const ConvGeometry& g) { return Index{g.batch} * g.output.height; }
constexpr Index output_row_size(const ConvGeometry& g) {
    return Index{g.output.width} * g.output.channels;
}

constexpr bool is_pointwise(const ConvGeometry& g) {
    return g.window.height == 1 && g.window.width == 1 && g.window.stride == 1 &&
           g.input.height == g.output.height && g.input.width == g.output.width;
}

/// The input itself is the matrix of patches: each pixel, or each image, is one patch.
constexpr bool is_matrix(const ConvGeometry& g) {
    const bool whole = g.groups == 1 && g.output.area() == 1 && g.window.height == g.input.height &&
                       g.window.width == g.input.width;
    return (is_pointwise(g) || whole) && g.window.pad_top == 0 && g.window.pad_left == 0;
}
constexpr Index matrix_stride(const ConvGeometry& g) {
    return is_pointwise(g) ? g.input.channels : g.input.size();
}
constexpr Index matrix_offset(const ConvGeometry& g, int group, Index row) {
    return row * g.output.width * matrix_stride(g) + group * (g.input.channels / g.groups);
}

/// Elements of a thread's columns: those of one output row at the least.
template <class T>
constexpr Index column_count(const ConvGeometry& g) {
    const Index row = g.output.width * g.depth();
    const Index budget = column_bytes / static_cast<Index>(sizeof(T));
    return is_matrix(g) ? 0 : std::min(std::max(budget, row), output_rows(g) * row);
}

template <class T>
constexpr std::size_t conv_packing(const ConvGeometry& g) {
    const Index positions = g.batch * g.output.area();
    return std::max({packing_bytes<T>(positions, filters(g), g.depth()),
                     packing_bytes<T>(positions, g.depth(), filters(g)),
                     packing_bytes<T>(g.depth(), filters(g), positions)});
}

/// Elements of all weights in panels, for the pass that needs more; 0 where products pack for
/// themselves: the weights are large, or there is one product.
template <class T>
inline Index weight_panels(const ConvGeometry& g) {
    constexpr Index most = (Index{16} << 20) / static_cast<Index>(sizeof(T));
    const Index size =
        g.groups * std::max(panels_size(g.depth(), filters(g)), panels_size(filters(g), g.depth()));
    const bool wanted = std::is_same_v<T, float> && panel_columns() > 0 && !is_matrix(g);
    return wanted && size <= most ? size : 0;
}

/// The working memory, a share for each thread.
template <class T>
class ConvMemory {
public:
    ConvMemory(const ConvGeometry& g, const Scratch& scratch)
        : column_count_(static_cast<Index>(carved_bytes<T>(column_count<T>(g)) / sizeof(T))),
          packing_bytes_(conv_packing<T>(g)) {
        Carve carve(scratch);
        columns_ = carve.take<T>(scratch.threads * column_count_);
        panels_ = carve.take<T>(weight_panels<T>(g));
        packing_ = carve.take<std::byte>(scratch.threads * static_cast<Index>(packing_bytes_));
    }

    T* panels() const { return panels_; }
    T* columns(int thread) const { return columns_ + thread * column_count_; }
    std::byte* packing(int thread) const {
        return packing_ + static_cast<std::size_t>(thread) * packing_bytes_;
    }

    /// Columns `taps` of the patches of output rows `rows`, copied unless x has them so.
    Matrix<T> patches(const ConvGeometry& g, int group, Range rows, Range taps, const T* x,
                      int thread) const {
        if (is_matrix(g)) {
            return {x + matrix_offset(g, group, rows.begin) + taps.begin, matrix_stride(g)};
        }
        image_to_columns(g, group, rows.begin, rows.end, taps.begin, taps.end, x, columns(thread));
        return {columns(thread), taps.end - taps.begin};
    }

private:
    T* columns_ = nullptr;
    T* panels_ = nullptr;
    std::byte* packing_ = nullptr;
    Index column_count_ = 0;
    std::size_t packing_bytes_ = 0;
};

/// The weights of a pass, `factor` and those of the other groups behind it, packed once for all
/// stretches and threads.
template <class T>
class WeightPanels {
public:
    WeightPanels(const ConvGeometry& g, const ConvMemory<T>& memory, int threads,
                 const Matrix<T>& factor, Index depth, Index columns)
        : depth_(depth), size_(panels_size(depth, columns)) {
        if constexpr (std::is_same_v<T, float>) {
            if (weight_panels<T>(g) == 0) return;
            first_ = memory.panels();
            const Index width = panel_columns(), panels = (columns + width - 1) / width;
            parallel_for(g.groups * panels, threads_for(size_, threads),
                         [&](Index begin, Index end, int) {
                             for (Index i = begin; i < end; ++i) {
                                 const Index group = i / panels, j = i % panels * width;
                                 Matrix<T> own = factor;
                                 own.data += group * depth * columns;
                                 pack_panels(own, 0, depth, j, std::min(width, columns - j),
                                             first_ + group * size_ + j * depth, 0);
                             }
                         });
        }
    }

    /// Those from a column on that begins a panel; null where there are none.
    const T* of(int group, Index column) const {
        return first_ ? first_ + group * size_ + column * depth_ : nullptr;
    }

private:
    Index depth_, size_;
    T* first_ = nullptr;
};

}  // namespace tessera::cpu::detail
