// SPDX-License-Identifier: MIT
// From boxes of image files to rows of a network's outputs, in full batches. Threads decode ahead;
// the samples are made on the processor, or on the device where the network runs on one.
#pragma once

#include <algorithm>
#include <functional>
#include <span>
#include <vector>

#include "program/console.hpp"
#include "program/outputs.hpp"
#include "program/patch_stream.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/net/model.hpp"
#if defined(__CUDACC__) || defined(TESSERA_CUDA_ON_CPU)
#include "program/batches_in_flight.hpp"
#include "tessera/patch/cuda/patches.cuh"
#endif

namespace program {

/// Samples that a network sees at once.
inline constexpr int scoring_batch = 128;

/// How far a run over boxes is: `done` boxes were run before.
struct BoxRun {
    const std::vector<ImageBoxes>& images;
    Index done = 0;
    const PatchView& view;
    const char* task = "";
    const std::function<bool()>& interrupted;
};

/// The network sees samples that threads of the processor have made. False when interrupted.
template <class ModelType, class Take>
bool run_on_host(const ModelType& model, const BoxRun& run, const std::vector<ImageBoxes>& rest,
                 Take take) {
    const Shape shape = run.view.crop;
    PatchStream<float> stream = sample_stream(rest, run.view);
    auto workspace = model.workspace(scoring_batch);
    Buffer<float> samples(scoring_batch * shape.size());
    int filled = 0;
    auto flush = [&] {
        if (filled == 0) return;
        take(model.forward(workspace, {samples.data(), filled, shape}));
        filled = 0;
    };
    auto place = [&] {
        if (filled == scoring_batch) flush();
        return samples.data() + filled++ * shape.size();
    };
    ProgressLine line(run.task, static_cast<double>(box_count(run.images)), "patches");
    line.begin_at(static_cast<double>(run.done));
    Index done = run.done;
    while (const auto* piece = stream.next()) {
        for (Index i = 0; i < piece->count; ++i) {
            const float* sample = piece->rows.data() + i * shape.size();
            std::copy_n(sample, shape.size(), place());
            if (run.view.mirrored_too) write_mirrored(sample, shape, place());
        }
        done += piece->count;
        line.update(static_cast<double>(done));
        if (run.interrupted()) return false;
    }
    flush();
    return true;
}

#if defined(__CUDACC__) || defined(TESSERA_CUDA_ON_CPU)

/// The same with samples that the device makes, where the network reads them: an image crosses the
/// bus as bytes, once for each batch that has boxes of it. Two batches are in flight; an
/// interruption ends with both of them taken, an Error with the outputs of the last not.
template <class ModelType, class Take>
bool run_on_device(const ModelType& model, const BoxRun& run, const std::vector<ImageBoxes>& rest,
                   Take take) {
    const PatchView& view = run.view;
    const Shape shape = view.crop;
    const Extent resized{view.extent, view.extent};
    const Window window = centre_window(resized, {shape.width, shape.height});
    const auto per_box = static_cast<int>(view.rows_per_box());
    // The processor has nothing else to do.
    const int workers = std::max(1, Cpu::threads());
    Loader<Image> images(
        {.samples = std::ssize(rest),
         .workers = workers,
         .prefetch = 2 * workers,
         .shuffle = false},
        [] { return Image(); },
        [&](const LoaderSample& sample, Image& image) {
            image = read_announced(rest[static_cast<std::size_t>(sample.index)]);
        });
    cuda::PatchWriter writer(view.normaliser, shape.channels);
    BatchesInFlight<ModelType, Take> batches(model, scoring_batch, std::move(take));
    ProgressLine line(run.task, static_cast<double>(box_count(run.images)), "patches");
    line.begin_at(static_cast<double>(run.done));
    Index done = run.done;
    images.start(0);
    for (auto loaded = images.next(); loaded.batch; loaded = images.next()) {
        std::span<const Box> boxes(rest[static_cast<std::size_t>(loaded.number)].boxes);
        done += std::ssize(boxes);
        while (!boxes.empty()) {
            const auto room = static_cast<std::size_t>(batches.room() / per_box);
            const std::span<const Box> next = boxes.first(std::min(room, boxes.size()));
            writer.write(*loaded.batch, next, resized, window,
                         batches.samples(static_cast<int>(next.size()) * per_box),
                         view.mirrored_too);
            if (batches.room() == 0) batches.run();
            boxes = boxes.subspan(next.size());
        }
        line.update(static_cast<double>(done));
        if (run.interrupted()) {
            batches.finish();
            return false;
        }
    }
    batches.run();
    batches.finish();
    return true;
}

#endif

/// Runs the model over every box but the first `done`, whose samples must be whole batches;
/// `take(outputs)` gets floats of the host, one row a sample, in order, a batch at a time. False
/// when interrupted.
template <class ModelType, class Take>
bool run_over_boxes(const ModelType& model, const BoxRun& run, Take take) {
    const std::vector<ImageBoxes> rest = without_first(run.done, run.images);
    if (rest.empty()) return true;
    const auto take_floats = [&](const auto& outputs) { take(to_floats(outputs)); };
#if defined(__CUDACC__) || defined(TESSERA_CUDA_ON_CPU)
    if constexpr (!ModelType::Memory::on_host) {
        return run_on_device(model, run, rest, take_floats);
    } else
#endif
    {
        return run_on_host(model, run, rest, take_floats);
    }
}

}  // namespace program
