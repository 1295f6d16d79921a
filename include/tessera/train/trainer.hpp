// SPDX-License-Identifier: MIT
// Trainer: one step of learning, without allocation after the first.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/layer/softmax.hpp"
#include "tessera/net/model.hpp"
#include "tessera/net/surgery.hpp"
#include "tessera/train/graph_of.hpp"
#include "tessera/train/loss.hpp"
#include "tessera/train/optimizer.hpp"

namespace tessera {

namespace detail {
template <class Net>
inline constexpr bool ends_in_softmax =
    std::is_same_v<Bare<LayerAt<Flat<Net>::depth - 1, Flat<Net>>>, Softmax>;

template <class Net, bool Cut>
struct Scoring {
    using type = Flat<Net>;
};
template <class Net>
struct Scoring<Net, true> {
    using type = tessera::Slice<Net, 0, Flat<Net>::depth - 1>;
};
}  // namespace detail

/// The network whose output a loss sees: without its final Softmax when the loss takes scores.
template <class Net, class Loss>
using ScoringNet =
    typename detail::Scoring<Net, Loss::takes_scores && detail::ends_in_softmax<Net>>::type;

struct TrainerOptions {
    int batch = 128;
    std::uint64_t seed = 1;  ///< of the dropout masks
    /// Steps before dropout sets in. Small deep nets with dropout from the start can sit at
    /// ln(classes) for hundreds of steps.
    long dropout_after = 0;
    /// Steps between readings of the loss, which wait for a GPU to finish the step: in between,
    /// step() returns the last one read, and a loss that is not finite is found out later.
    long loss_every = 1;
    /// On a GPU the two passes of a step are recorded the second time that they are the same, and
    /// from then on cost a launch each. The numbers of a step are those of a step that is not
    /// recorded, bit by bit. A backend of the host launches nothing and has nothing to record.
    bool record = false;
    Multipliers weights{};
    Multipliers biases{.rate = 1, .decay = 0};
    /// For single layers, by name or position as in parameter names, on top of the two above.
    std::vector<std::pair<std::string, Multipliers>> layers{};
};

/// Trains a model in place: its parameters are shared, everything else (workspace, gradients, the
/// optimiser's state) is the trainer's own. Frozen layers have no part in any of it.
template <class ModelType, class Loss, class Optimizer>
class Trainer {
public:
    using Element = typename ModelType::Element;
    using Number = typename ModelType::Number;  ///< of weights, gradients and inputs
    using Backend = typename ModelType::BackendType;
    using Memory = typename ModelType::Memory;
    using Input = InputView<Element, Memory>;  ///< of the host's, or in the backend's memory
    using Scores =
        Model<ScoringNet<typename ModelType::Layers, Loss>, ModelType::input, Backend, Element>;
    using LossType = Loss;
    using Target = typename Loss::Target;
    static constexpr std::size_t states = Optimizer::state_names.size();
    static_assert(Scores::layout.trainable > 0, "tessera: nothing to train, every layer is frozen");

    Trainer(ModelType& trained, Loss minimised, Optimizer used, const TrainerOptions& options = {})
        : loss(std::move(minimised)),
          optimizer(std::move(used)),
          model_(trained),
          workspace_(model_.training_workspace(options.batch)),
          gradients_(model_.gradients()),
          seed_(options.seed),
          dropout_after_(options.dropout_after),
          loss_every_(std::max(options.loss_every, 1L)),
          record_(options.record) {
        for (auto& state : states_) state = model_.gradients();
        set_pieces(options);
    }

    Loss loss;
    Optimizer optimizer;

    /// Forward, backward, update. Returns the mean loss of the batch before the update. Throws
    /// Error when the number of targets does not fit, or when the loss is not finite, before any
    /// weight is touched.
    double step(Input input, std::span<const Target> targets) {
        const double value = accumulate(input, targets);
        update();
        return value;
    }

    /// Forward and backward; gradients are added to those already there. Returns and throws as
    /// step() does.
    double accumulate(Input input, std::span<const Target> targets) {
        // Batches gathered for one update must not share their masks: each has a seed of its own.
        const Stream dropout{seed_ + 0x9E3779B97F4A7C15 * static_cast<std::uint64_t>(gathered_),
                             Purpose::dropout, static_cast<std::uint32_t>(steps_), 0};
        workspace_.set_dropout(steps_ < dropout_after_ ? 0 : 1);
        run(forward_, [&] {
            const auto scores = model_.forward(workspace_, input, dropout);
            const Index expected = Loss::targets(scores.batch, scores.shape);
            require(static_cast<Index>(targets.size()) == expected, "train: found ", targets.size(),
                    " targets for ", scores.batch, " samples, expected ", expected);
            loss.template operator()<Backend>(
                scores, targets, workspace_.gradient(Scores::depth).data, loss_memory_);
        });
        if (steps_ % loss_every_ == 0 || !read_) {
            last_loss_ = loss_memory_.value();
            read_ = true;
            if (!std::isfinite(last_loss_)) fail_diverged(last_loss_);
        }
        run(backward_, [&] { model_.backward(workspace_, gradients_); });
        ++gathered_;
        return last_loss_;
    }

    /// Moves the weights by the mean of the gradients gathered so far and clears them: several
    /// batches that fit in memory do for a larger one.
    void update() {
        ++steps_;
        optimizer.template advance<Backend>(std::span<const Piece>(pieces_), steps_,
                                            1.0 / std::max(gathered_, 1));
        gathered_ = 0;
    }

    /// The scores of the last step, one row a sample.
    View<const Element, Memory> scores() const { return workspace_.activation(Scores::depth); }
    long steps() const { return steps_; }
    int batch() const { return workspace_.capacity(); }
    std::uint64_t seed() const { return seed_; }
    /// The model as trained: without a final Softmax when the loss takes scores.
    const Scores& model() const { return model_; }
    Scores& model() { return model_; }
    /// What a checkpoint has to keep besides the weights.
    std::array<typename Scores::Gradients, states>& optimizer_state() { return states_; }
    const std::array<typename Scores::Gradients, states>& optimizer_state() const {
        return states_;
    }
    const typename Scores::Gradients& gradients() const { return gradients_; }
    /// For a training that goes on: gradients gathered but not used are forgotten.
    void resume_at(long steps) {
        steps_ = steps;
        clear_gradients();
    }
    /// Bytes of workspace, gradients and optimiser state.
    Index bytes() const {
        return workspace_.bytes() +
               static_cast<Index>((1 + states) * sizeof(Number)) * gradients_.size();
    }

private:
    using Piece = UpdatePiece<Number, states>;
    using Graph = decltype(detail::graph_of<Backend>());

    template <class Body>
    void run(Graph& graph, const Body& body) {
        if (record_) return graph.run(body);
        body();
    }

    void clear_gradients() {
        Memory::fill(gradients_.data(), std::byte{0},
                     static_cast<std::size_t>(gradients_.size()) * sizeof(Number));
        gathered_ = 0;
    }

    /// What learns, with its factors on rate and decay.
    void set_pieces(const TrainerOptions& options) {
        std::vector<char> used(options.layers.size(), false);
        for (int i = 0; i < Scores::parameter_arrays; ++i) {
            const ParameterEntry& entry = model_.parameters().entry(i);
            Multipliers factors = entry.info.is_bias() ? options.biases : options.weights;
            const std::string name = model_.parameter_name(i);
            const std::string layer = name.substr(0, name.rfind('.'));
            for (std::size_t rule = 0; rule < options.layers.size(); ++rule) {
                if (options.layers[rule].first != layer) continue;
                used[rule] = true;
                factors.rate *= options.layers[rule].second.rate;
                factors.decay *= options.layers[rule].second.decay;
            }
            if (entry.frozen) continue;
            auto& parameters = model_.parameters();
            Piece piece{.count = entry.info.count(),
                        .gradient = gradients_.data() + entry.offset,
                        .weights = parameters.learning(i),
                        .rate = factors.rate,
                        .decay = factors.decay};
            for (std::size_t s = 0; s < states; ++s) {
                piece.state[s] = states_[s].data() + entry.offset;
            }
            if constexpr (!std::is_same_v<Element, Number>) {
                piece.working = parameters.learning_copy(i);
            }
            pieces_.push_back(piece);
        }
        for (std::size_t rule = 0; rule < used.size(); ++rule) {
            require(used[rule], "train: multipliers are given for layer '",
                    options.layers[rule].first, "', which the network does not have");
        }
    }

    [[noreturn]] void fail_diverged(double value) const {
        for (int i = 0; i < Scores::parameter_arrays; ++i) {
            auto weights = model_.parameters().on_host(i);
            for (const Number weight : weights.span()) {
                if (std::isfinite(weight)) continue;
                fail("train: the loss is ", value, " at step ", steps_, "; ",
                     model_.parameter_name(i), " holds numbers that are not finite: the rate of ",
                     optimizer.rate, " is too high");
            }
        }
        fail("train: the loss is ", value, " at step ", steps_,
             " although every weight is finite: look at the input, or lower the rate of ",
             optimizer.rate);
    }

    Scores model_;
    typename Scores::Workspace workspace_;
    typename Scores::Gradients gradients_;
    LossMemory<Memory> loss_memory_;
    std::array<typename Scores::Gradients, states> states_{};
    std::vector<Piece> pieces_;
    std::uint64_t seed_;
    long dropout_after_;
    long loss_every_;
    bool record_;
    Graph forward_, backward_;  // with the loss; back from it
    double last_loss_ = 0;
    bool read_ = false;  // whether any loss was
    long steps_ = 0;
    int gathered_ = 0;  // batches in the gradients
};

}  // namespace tessera
