// SPDX-License-Identifier: MIT
// What the passes of a convolution work with: columns of patches for each thread, the weights in
// panels for all of them, and the memory for both.
#pragma once

#include <algorithm>

#include "tessera/backend/cpu/carve.hpp"
#include "tessera/backend/cpu/few_rows.hpp"
#include "tessera/backend/cpu/im2col.hpp"
#include "tessera/backend/cpu/panel.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/product.hpp"

namespace tessera::cpu::detail {

/// The working memory of a convolution and how it is cut; `Kernel` is one of gemm.hpp.
template <class T, class Kernel>
class ConvMemory {
public:
    /// Bytes that the constructor asks of its `scratch`.
    static constexpr std::size_t bytes(const ConvGeometry& g, int threads) {
        return static_cast<std::size_t>(threads) *
                   (carved_bytes<T>(column_count(g)) + packing_size(g)) +
               carved_bytes<T>(panel_count(g));
    }

    ConvMemory(const ConvGeometry& g, const Scratch& scratch)
        : column_stride_(carved_bytes<T>(column_count(g))), packing_stride_(packing_size(g)) {
        Carve carve(scratch);
        const auto threads = static_cast<std::size_t>(scratch.threads);
        columns_ = carve.take<std::byte>(static_cast<Index>(threads * column_stride_));
        if (panel_count(g) > 0) panels_ = carve.take<T>(panel_count(g));
        packing_ = carve.take<std::byte>(static_cast<Index>(threads * packing_stride_));
    }

    /// column_count elements of a thread.
    T* columns(int thread) const {
        return reinterpret_cast<T*>(columns_ + static_cast<std::size_t>(thread) * column_stride_);
    }
    std::byte* packing(int thread) const {
        return packing_ + static_cast<std::size_t>(thread) * packing_stride_;
    }
    /// panel_count elements; null for none.
    T* panels() const { return panels_; }

    /// Columns `taps` of the patches of output rows `rows`, copied unless x has them so.
    Matrix<T> patches(const ConvGeometry& g, int group, Range rows, Range taps, const T* x,
                      int thread) const {
        if (is_matrix(g)) {
            return {x + matrix_offset(g, group, rows.begin) + taps.begin, matrix_stride(g)};
        }
        image_to_columns(g, group, rows, taps, x, columns(thread));
        return {columns(thread), taps.length()};
    }

    /// Elements of a thread's columns: those of one output row at the least, and about 1 MB. Half
    /// to all of a core's own cache was best among 0.5 to 8 MB.
    static constexpr Index column_count(const ConvGeometry& g) {
        constexpr Index budget = (Index{1} << 20) / static_cast<Index>(sizeof(T));
        const Index row = g.output.width * g.depth();
        return is_matrix(g) ? 0 : std::min(std::max(budget, row), output_rows(g) * row);
    }

    /// Elements of all weights in panels, for the pass that needs more; 0 where products pack for
    /// themselves: the weights are large, or there is one product.
    static constexpr Index panel_count(const ConvGeometry& g) {
        if (!Kernel::takes_panels || is_matrix(g)) return 0;
        constexpr Index most = (Index{16} << 20) / static_cast<Index>(sizeof(T));
        const Index size = g.groups * std::max(panels_size<T>(g.depth(), g.filters()),
                                               panels_size<T>(g.filters(), g.depth()));
        return size <= most ? size : 0;
    }

private:
    static constexpr std::size_t packing_size(const ConvGeometry& g) {
        const Index filters = g.filters(), depth = g.depth(), positions = g.batch * g.output.area();
        return std::max({Kernel::template packing_bytes<T>(positions, filters, depth),
                         Kernel::template packing_bytes<T>(positions, depth, filters),
                         Kernel::template packing_bytes<T>(depth, filters, positions),
                         FewRows::packing_bytes<T>(positions, std::max(filters, depth), 0)});
    }

    std::size_t column_stride_, packing_stride_;  // bytes
    std::byte* columns_ = nullptr;
    std::byte* packing_ = nullptr;
    T* panels_ = nullptr;
};

/// The weights of a pass, `factor` and those of the other groups behind it, packed once for all
/// stretches and threads.
template <class T>
class WeightPanels {
public:
    /// `memory`: panels_size for each group; null where products pack for themselves.
    WeightPanels(int groups, const Matrix<T>& factor, Index depth, Index columns, T* memory,
                 int threads)
        : depth_(depth), size_(panels_size<T>(depth, columns)), first_(memory) {
        if (!memory) return;
        const Index width = panel_columns<T>(), panels = (columns + width - 1) / width;
        parallel_for(groups * panels, threads_for(size_, threads),
                     [&](Index begin, Index end, int) {
                         for (Index i = begin; i < end; ++i) {
                             const Index group = i / panels, j = i % panels * width;
                             Matrix<T> own = factor;
                             own.data += group * depth * columns;
                             pack_panels(own, 0, depth, j, std::min(width, columns - j),
                                         memory + group * size_ + j * depth, 0);
                         }
                     });
    }

    /// Those from a column on that begins a panel; null where there are none.
    const T* of(int group, Index column) const {
        return first_ ? first_ + group * size_ + column * depth_ : nullptr;
    }

private:
    Index depth_, size_;
    const T* first_;
};

}  // namespace tessera::cpu::detail
