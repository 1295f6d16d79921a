// SPDX-License-Identifier: MIT
// What the tests of training share: a small network and data it can learn.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/core/random.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/named.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/train/evaluate.hpp"
#include "tessera/train/initialise.hpp"
#include "tessera/train/trainer.hpp"

namespace tessera::test {

inline constexpr Shape toy_image{2, 8, 8};

using ToyTrunk = Seq<Named<"conv1", Conv<8, 3, Pad<1>>>, ReLU, MaxPool<2>, Named<"fc2", Linear<16>>,
                     Named<"relu2", ReLU>, Dropout<25>>;
/// Four classes, with dropout.
using ToyNet = Append<ToyTrunk, Named<"fc3", Linear<4>>>;
template <class Backend>
using ToyModelOn = Model<ToyNet, toy_image, Backend>;
using ToyModel = ToyModelOn<Cpu>;
using ToyTrainer = Trainer<ToyModel, SoftmaxCrossEntropy, Sgd>;

struct ToyData {
    std::vector<float> images;
    std::vector<std::int32_t> labels;

    int size() const { return static_cast<int>(labels.size()); }
    View<const float> view(int first, int count) const {
        return {images.data() + first * toy_image.size(), count, toy_image};
    }
    std::span<const std::int32_t> targets(int first, int count) const {
        return std::span(labels).subspan(static_cast<std::size_t>(first),
                                         static_cast<std::size_t>(count));
    }
};

/// Noise with a bright square in the quadrant of the class; `turned` numbers the quadrants
/// otherwise, which is another task.
inline ToyData toy_data(int samples, std::uint64_t seed = 1, int turned = 0) {
    ToyData data;
    Random random({.seed = seed, .purpose = Purpose::generate});
    for (int n = 0; n < samples; ++n) {
        const int label = n % 4, quadrant = (label + turned) % 4;
        data.labels.push_back(label);
        for (int y = 0; y < 8; ++y) {
            for (int x = 0; x < 8; ++x) {
                const bool bright = y / 4 == quadrant / 2 && x / 4 == quadrant % 2;
                for (int c = 0; c < 2; ++c) {
                    data.images.push_back(random.uniform(-1, 1) + (bright ? 0.7f : 0.0f));
                }
            }
        }
    }
    return data;
}

/// The batches of toy data, in another order each epoch.
class ToySource {
public:
    ToySource(const ToyData& data, int batch) : data_(data), size_(batch) {}

    long batches() const { return (data_.size() + size_ - 1) / size_; }
    void start(int epoch, long position) {
        Random random({5, Purpose::shuffle, static_cast<std::uint32_t>(epoch), 0});
        order_.resize(static_cast<std::size_t>(batches()));
        for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<int>(i);
        random.shuffle(order_);
        position_ = static_cast<std::size_t>(position);
    }
    bool next(Batch<float, std::int32_t>& batch) {
        if (position_ == order_.size()) return false;
        const int first = order_[position_++] * size_;
        const int count = std::min(size_, data_.size() - first);
        batch = {data_.view(first, count), data_.targets(first, count)};
        return true;
    }

private:
    const ToyData& data_;
    int size_;
    std::vector<int> order_{};
    std::size_t position_ = 0;
};

template <class Backend = Cpu>
ToyModelOn<Backend> toy_model(std::uint64_t seed = 3) {
    ToyModelOn<Backend> model;
    initialise(model, He{}, seed);
    return model;
}

/// All parameters, one after the other.
template <class ModelType>
std::vector<typename ModelType::Number> parameters_of(const ModelType& model) {
    std::vector<typename ModelType::Number> numbers;
    for (int i = 0; i < model.parameter_arrays; ++i) {
        auto array = model.parameters().on_host(i);
        numbers.insert(numbers.end(), array.span().begin(), array.span().end());
    }
    return numbers;
}

/// The optimiser's state as well.
template <class TrainerType>
auto everything_of(const TrainerType& trainer) {
    auto numbers = parameters_of(trainer.model());
    for (const auto& state : trainer.optimizer_state()) {
        HostArray<const typename TrainerType::Number, typename TrainerType::Memory> array(
            state.data(), state.size());
        numbers.insert(numbers.end(), array.span().begin(), array.span().end());
    }
    return numbers;
}

}  // namespace tessera::test
