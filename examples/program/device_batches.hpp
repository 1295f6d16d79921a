// SPDX-License-Identifier: MIT
// Packed images on their way into a network on the device, where they are cropped and normalised.
#pragma once

#include "program/device.hpp"
#include "program/images.hpp"

namespace program {

#if defined(__CUDACC__) || defined(TESSERA_CUDA_ON_CPU)

/// ImageBatches for a packed file on the device: the same samples, in float to the same bits,
/// except that an image that could not be read is black and not zeros. Its label is -1 either way.
template <class T>
class DeviceBatches {
public:
    /// requires packed images and no zoom.
    DeviceBatches(const PreparedImages& images, const Normaliser& normaliser,
                  const ImageBatchOptions& options, Index limit = -1)
        : batches_(*images.packed(), normaliser,
                   {.crop = {options.crop.width, options.crop.height},
                    .batch = options.batch,
                    .workers = options.workers,
                    .seed = options.seed,
                    .augment = options.augment,
                    .whole_batches = options.augment,
                    .limit = std::max<Index>(0, limit)}) {}

    long batches() const { return batches_.batches(); }
    void start(int epoch, long position) { batches_.start(epoch, position); }
    bool next(Batch<T, std::int32_t, Cuda::Memory>& batch) { return batches_.next(batch); }
    /// The file says beforehand what cannot be read.
    Index skipped() const { return 0; }

private:
    cuda::PackedBatches<T> batches_;
};

#else

template <class T>
using DeviceBatches = ImageBatches;  // there is no device

#endif

}  // namespace program
