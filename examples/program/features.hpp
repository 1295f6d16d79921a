// SPDX-License-Identifier: MIT
// What frozen layers say about patches, and patches as pixels: computed once, kept in files, reused
// when the same network saw the same data.
#pragma once

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "program/box_runner.hpp"
#include "program/patch_stream.hpp"
#include "program/stage.hpp"
#include "tessera/data/feature_store.hpp"
#include "tessera/io/weights.hpp"

namespace program {

/// Changes with the layers, their elements and any parameter.
template <class Net, Shape Input, class Backend, class Scalar>
std::uint64_t fingerprint_of(const Model<Net, Input, Backend, Scalar>& model) {
    Fingerprint mark;
    mark.add(architecture<Net>(Input));
    mark.add(sizeof(Scalar));
    for (int i = 0; i < model.parameter_arrays; ++i) {
        auto parameters = model.parameters().on_host(i);
        const std::span<const Master<Scalar>> array = parameters.span();
        mark.add(
            std::span(reinterpret_cast<const std::uint8_t*>(array.data()), array.size_bytes()));
    }
    return mark.value();
}

/// Changes with any tensor of the file, the mean image included.
inline std::uint64_t fingerprint_of(const SafetensorsFile& file) {
    Fingerprint mark;
    for (const TensorInfo& tensor : file.tensors()) {
        mark.add(tensor.name);
        mark.add(tensor.bytes);
    }
    return mark.value();
}

/// Opens the file, or says on stderr why it is no use and lets `compute(writer)` write it, or the
/// rows that an interrupted run did not, behind a multiple of `unit`; null when that returns false,
/// for "interrupted".
template <class Compute>
std::unique_ptr<FeatureStore> open_or_compute(const std::string& path, const FeatureKey& key,
                                              Index unit, Compute compute) {
    if (std::filesystem::exists(path)) {
        const std::string why = feature_mismatch(path, key);
        if (why.empty()) {
            std::fprintf(stderr, "%s: reused, %td rows\n", path.c_str(), key.rows);
            return std::make_unique<FeatureStore>(path, key);
        }
        std::fprintf(stderr, "made anew: %s\n", why.c_str());
    }
    FeatureWriter writer(path, key, unit);
    if (writer.written() > 0) {
        std::fprintf(stderr, "%s: going on behind row %td of %td\n", path.c_str(), writer.written(),
                     key.rows);
    }
    if (!compute(writer)) return nullptr;
    writer.finish();
    return std::make_unique<FeatureStore>(path, key);
}

/// Outputs of `model` for every box, in order; two rows a box when the view says so.
template <class ModelType>
std::unique_ptr<FeatureStore> features_of(RunFolder& run, const ModelType& model,
                                          const std::vector<ImageBoxes>& images,
                                          const PatchView& view, std::uint64_t data,
                                          const std::string& path, const std::string& name,
                                          const std::function<bool()>& interrupted) {
    Fingerprint mark;
    mark.add(data);
    add_to(mark, images);
    view.add_to(mark);
    const FeatureKey key{.trunk = fingerprint_of(model),
                         .data = mark.value(),
                         .rows = box_count(images) * view.rows_per_box(),
                         .columns = ModelType::output.size()};
    return open_or_compute(path, key, scoring_batch, [&](FeatureWriter& writer) {
        Stage stage(run, name, "rows");
        const Index first = writer.written();
        const bool whole = run_over_boxes(
            model, {images, first / view.rows_per_box(), view, name.c_str(), interrupted},
            [&](const View<const float>& out) {
                writer.append({out.data, static_cast<std::size_t>(out.size())});
            });
        if (whole) stage.finish(static_cast<double>(key.rows - first));
        return whole;
    });
}

/// Patches as extent x extent pixels of three bytes, for a network whose first layers learn too.
/// Rows of a FeatureStore, whose columns then hold four bytes each.
class PatchPixels {
public:
    static std::unique_ptr<FeatureStore> store(RunFolder& run,
                                               const std::vector<ImageBoxes>& images, int extent,
                                               int workers, std::uint64_t data,
                                               const std::string& path, const std::string& name,
                                               const std::function<bool()>& interrupted) {
        const Index bytes = row_bytes(extent);
        Fingerprint mark;
        mark.add(data);
        add_to(mark, images);
        mark.add(extent);
        const FeatureKey key{.data = mark.value(), .rows = box_count(images), .columns = bytes / 4};
        return open_or_compute(path, key, 1, [&](FeatureWriter& writer) {
            Stage stage(run, name, "patches");
            const Index first = writer.written();
            const std::vector<ImageBoxes> rest = without_first(first, images);
            if (rest.empty()) return true;
            PatchStream<std::uint8_t> stream(
                rest, bytes, workers,
                [extent, bytes](PatchExtractor& extractor, const Image& image,
                                std::span<const Box> boxes, std::uint8_t* rows) {
                    extractor.each_row(
                        image, boxes, {extent, extent}, [&](int box, int y, const float* row) {
                            std::transform(row, row + extent * 3,
                                           rows + box * bytes + y * extent * 3, to_pixel);
                        });
                });
            ProgressLine line(name, static_cast<double>(key.rows), "patches");
            line.begin_at(static_cast<double>(first));
            std::vector<float> columns;
            Index done = first;
            while (const auto* piece = stream.next()) {
                columns.resize(static_cast<std::size_t>(piece->count * key.columns));
                std::memcpy(columns.data(), piece->rows.data(),
                            static_cast<std::size_t>(piece->count * bytes));
                writer.append(columns);
                line.update(static_cast<double>(done += piece->count));
                if (interrupted()) return false;
            }
            stage.finish(static_cast<double>(key.rows - first));
            return true;
        });
    }

    PatchPixels(const FeatureStore& rows, int extent) : rows_(rows), extent_(extent) {}

    Index size() const { return rows_.rows(); }
    int extent() const { return extent_; }
    /// One patch through `window` as a sample of `crop`.
    void write(Index patch, const Window& window, const Extent& crop, const Normaliser& normaliser,
               float* sample) const {
        const auto* pixels = reinterpret_cast<const std::uint8_t*>(rows_.row(patch).data());
        for (int y = 0; y < crop.height; ++y, sample += crop.width * 3) {
            const int line = window.top + y;
            normaliser.write_row(pixels + Index{line} * extent_ * 3, line, {extent_, 3}, window,
                                 crop.width, sample);
        }
    }

private:
    static Index row_bytes(int extent) { return Index{3} * extent * extent; }

    const FeatureStore& rows_;
    int extent_;
};

}  // namespace program
