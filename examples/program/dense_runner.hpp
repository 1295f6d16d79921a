// SPDX-License-Identifier: MIT
// Dense scores: the convolutions of a network of patches over the whole image at each scale, and
// what is behind them over windows of the map, about where the patches would be.
//
// What neighbouring patches have in common is computed once, and patches see what is beside them
// where they would see padding. Of the paper's nine scales the largest images have 62 times the
// area of the smallest, together 83 patches for an image of 4 to 3, which has 275: a
// third of the arithmetic of the convolutions.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "program/scoring.hpp"
#include "tessera/net/receptive_field.hpp"
#include "tessera/net/surgery.hpp"

namespace program {

/// The two parts of a network of patches.
template <class Choice, int Classes>
using ConvolutionNet = CutAfter<PatchNet<Choice, Classes>, "pool5">;
template <class Choice, int Classes>
using WindowNet = CutBefore<PatchNet<Choice, Classes>, "fc6">;

/// Of an image that is resized for one scale. A strip of thousands of pixels by one would ask for
/// billions.
inline constexpr int most_pixels = 1 << 26;

/// The windows of a network's map on an image that is resized for one scale, where a patch is
/// Choice::image pixels wide and the network sees the centre of it.
struct DenseGrid {
    Extent resized{};             ///< the whole image
    Window window{};              ///< what of it the network sees: without the margins of patches
    Extent seen{};                ///< the window's extent
    Shape map{};                  ///< behind the convolutions
    std::vector<int> rows{};      ///< of the map where windows begin
    std::vector<int> columns{};   ///< of the map where windows begin
    int stride = 1;               ///< pixels of the resized image from one of these to the next
    double patch = 0;             ///< and those of a patch
    double across = 1, down = 1;  ///< pixels of the image in one of the resized one

    /// Of the map behind the convolutions, for a patch.
    template <class Choice>
    static constexpr Shape window_shape = output_shape<ConvolutionNet<Choice, 1>>(Choice::input);

    /// For an image of width x height pixels. Throws Error for more than most_pixels.
    template <class Choice>
    static DenseGrid of(Choice, int width, int height, double lambda, double stride) {
        constexpr int margin = Choice::image - Choice::input.width;
        constexpr ReceptiveField field = receptive_field<ConvolutionNet<Choice, 1>>(Choice::input);
        const double scale = lambda * Choice::image / std::min(width, height);
        require(width * scale * height * scale <= most_pixels, "dense scores: found an image of ",
                width, " x ", height, " pixels at lambda ", lambda, ", expected at most ",
                most_pixels, " pixels when it is resized");
        const auto extent = [&](int length) {
            return std::max(Choice::image, static_cast<int>(std::lround(length * scale)));
        };
        DenseGrid grid;
        grid.resized = {extent(width), extent(height)};
        grid.seen = {grid.resized.width - margin, grid.resized.height - margin};
        grid.window = centre_window(grid.resized, grid.seen);
        grid.map = output_shape<ConvolutionNet<Choice, 1>>(
            {Choice::input.channels, grid.seen.height, grid.seen.width});
        grid.stride = field.horizontal.stride;
        grid.patch = Choice::image;
        const int step =
            std::max(1, static_cast<int>(std::lround(stride * grid.patch / grid.stride)));
        grid.rows = beginnings(grid.map.height - window_shape<Choice>.height, step);
        grid.columns = beginnings(grid.map.width - window_shape<Choice>.width, step);
        grid.across = double(width) / grid.resized.width;
        grid.down = double(height) / grid.resized.height;
        return grid;
    }

    /// The patch of a window, in pixels of the image.
    Box box(int row, int column) const {
        const double left = column * stride * across, top = row * stride * down;
        return {left, top, left + patch * across, top + patch * down};
    }

private:
    /// 0, step, 2 step, ..., and the last one there is.
    static std::vector<int> beginnings(int last, int step) {
        std::vector<int> places;
        for (int place = 0; place < last; place += step) places.push_back(place);
        places.push_back(last);
        return places;
    }
};

/// The patches that the windows of all scales stand for: scale after scale, row after row.
template <class Choice>
std::vector<Tile> dense_tiles(Choice choice, int width, int height, const Tiling& tiling) {
    std::vector<Tile> tiles;
    for (std::size_t scale = 0; scale < tiling.lambdas.size(); ++scale) {
        const auto grid =
            DenseGrid::of(choice, width, height, tiling.lambdas[scale], tiling.stride);
        for (const int row : grid.rows) {
            for (const int column : grid.columns) {
                tiles.push_back({grid.box(row, column), static_cast<int>(scale), row, column});
            }
        }
    }
    return tiles;
}

/// Runs a network of patches over the dense_tiles of images, on the processor; take(rows) gets the
/// rows of an image at a time, but for the first `options.done`, any number. False when
/// interrupted.
template <class Choice, int Classes>
bool run_densely(Choice choice, const Model<PatchNet<Choice, Classes>, Choice::input, Cpu>& model,
                 const Normaliser& normaliser, const Tiling& tiling,
                 const std::vector<ImageBoxes>& images, const ScoringOptions& options,
                 const TakeScores& take) {
    constexpr std::size_t columns = Classes + 1;
    constexpr Shape any{Choice::input.channels, dynamic, dynamic};
    constexpr Shape shape = DenseGrid::window_shape<Choice>;
    const Model<ConvolutionNet<Choice, Classes>, any, Cpu> convolutions(model);
    const Model<WindowNet<Choice, Classes>, shape, Cpu> classifier(model);
    auto workspace = classifier.workspace(scoring_batch);
    Buffer<float> windows(scoring_batch * shape.size());
    // Images of a set have few sizes; what a workspace takes is asked for once for each.
    using Memory = decltype(convolutions.workspace(1));
    std::map<std::pair<int, int>, Memory> workspaces;
    constexpr std::size_t most_workspaces = 18;
    const auto workspace_for = [&](const Extent& seen) -> Memory& {
        const std::pair extent{seen.height, seen.width};
        auto found = workspaces.find(extent);
        if (found != workspaces.end()) return found->second;
        if (workspaces.size() == most_workspaces) workspaces.clear();
        return workspaces
            .emplace(extent, convolutions.workspace(1, Mode::inference,
                                                    {any.channels, seen.height, seen.width}))
            .first->second;
    };

    const std::vector<ImageBoxes> rest = without_first(options.done, images);
    const int workers = std::max(1, Cpu::threads() / 2);
    struct Pyramid {
        PatchExtractor extractor;
        std::vector<Buffer<float>> scales;
    };
    Loader<Pyramid> inputs(
        {.samples = std::ssize(rest),
         .workers = workers,
         .prefetch = workers + 1,
         .shuffle = false},
        [] { return Pyramid{}; },
        [&](const LoaderSample& sample, Pyramid& pyramid) {
            const Image image = read_announced(rest[static_cast<std::size_t>(sample.index)]);
            const Box whole{0, 0, double(image.width), double(image.height)};
            pyramid.scales.clear();
            for (const double lambda : tiling.lambdas) {
                const auto grid =
                    DenseGrid::of(choice, image.width, image.height, lambda, tiling.stride);
                Buffer<float> pixels(Index{3} * grid.seen.width * grid.seen.height);
                pyramid.extractor.samples(image, std::span(&whole, 1),
                                          {grid.resized, grid.window, grid.seen, normaliser},
                                          pixels.data());
                pyramid.scales.push_back(std::move(pixels));
            }
        });
    ProgressLine line(options.task, static_cast<double>(box_count(images)), "patches");
    line.begin_at(static_cast<double>(options.done));
    Index done = options.done;
    std::vector<float> rows;
    inputs.start(0);
    for (auto loaded = inputs.next(); loaded.batch; loaded = inputs.next()) {
        const ImageBoxes& image = rest[static_cast<std::size_t>(loaded.number)];
        rows.clear();
        int filled = 0;
        const auto classify = [&] {
            if (filled == 0) return;
            const auto out =
                classifier.forward(workspace, View<const float>{windows.data(), filled, shape});
            rows.insert(rows.end(), out.data, out.data + out.size());
            filled = 0;
        };
        for (std::size_t scale = 0; scale < tiling.lambdas.size(); ++scale) {
            const auto grid = DenseGrid::of(choice, image.width, image.height,
                                            tiling.lambdas[scale], tiling.stride);
            const auto map = convolutions.forward(
                workspace_for(grid.seen),
                View<const float>{loaded.batch->scales[scale].data(),
                                  1,
                                  {any.channels, grid.seen.height, grid.seen.width}});
            for (const int row : grid.rows) {
                for (const int column : grid.columns) {
                    if (filled == scoring_batch) classify();
                    float* to = windows.data() + filled++ * shape.size();
                    for (int y = 0; y < shape.height; ++y) {
                        const Index from = Index{row + y} * map.shape.width + column;
                        to = std::copy_n(map.data + from * shape.channels,
                                         Index{shape.width} * shape.channels, to);
                    }
                }
            }
        }
        classify();
        // The first image may have rows from before.
        const std::size_t wanted = image.boxes.size() * columns;
        take(std::span<const float>(rows).last(wanted));
        done += std::ssize(image.boxes);
        line.update(static_cast<double>(done));
        if (options.interrupted()) return false;
    }
    return true;
}

}  // namespace program
