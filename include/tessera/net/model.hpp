// SPDX-License-Identifier: MIT
// Model: a network type with an input shape, a backend and parameters.
#pragma once

#include <algorithm>
#include <array>
#include <type_traits>

#include "tessera/core/error.hpp"
#include "tessera/net/correspondence.hpp"
#include "tessera/net/diagnose.hpp"
#include "tessera/net/input.hpp"
#include "tessera/net/neighbours.hpp"
#include "tessera/net/parameters.hpp"
#include "tessera/net/workspace.hpp"

namespace tessera {

/// Owns or shares parameters; every pass is const over them and keeps its state in a Workspace, so
/// one model serves many threads. `Input` may have a dynamic height and width: then each workspace
/// says which. Copying a model shares its parameters; clone() copies them.
template <class Net, Shape Input, class Backend, class Scalar = float>
class Model {
public:
    using Layers = Flat<Net>;
    using Element = Scalar;
    /// The type in which parameters learn and inputs come from the host: float where Element is
    /// Bf16.
    using Number = Master<Scalar>;
    using Memory = typename Backend::Memory;
    using BackendType = Backend;
    static constexpr int depth = Layers::depth;
    static constexpr Shape input = Input;
    static_assert(depth > 0, "tessera: a network has at least one layer");
    static_assert(check_net<Layers, Input>());

    static constexpr Description<depth> layers = describe<Layers>(Input, sizeof(Scalar));
    static constexpr Shape output = layers.back().output;
    static constexpr int parameter_arrays = detail::count_parameters(layers);
    static constexpr ParameterLayout<parameter_arrays> layout = lay_out<parameter_arrays>(layers);

    using Workspace = tessera::Workspace<Scalar, depth, Memory>;
    using Gradients = Buffer<Number, Memory>;

    /// All parameters zero: initialise, load or transfer them.
    Model() : parameters_(layout) { parameters_.allocate_missing(); }

    /// A view of another model after surgery: layers kept share their parameters, trainable ones
    /// too; new ones are zero. From a model in another memory, a device's or the host's, or of
    /// another precision, parameters are copied.
    template <class OtherNet, Shape OtherInput, class OtherBackend, class OtherScalar>
    explicit Model(const Model<OtherNet, OtherInput, OtherBackend, OtherScalar>& source)
        : Model(source, [](const ParameterEntry&) { return true; }) {}

    /// Shares the kept arrays for which shared(entry) holds, and copies the others.
    template <class OtherNet, Shape OtherInput, class OtherBackend, class OtherScalar, class Shared>
    Model(const Model<OtherNet, OtherInput, OtherBackend, OtherScalar>& source, Shared shared)
        : parameters_(layout) {
        using Source = Model<OtherNet, OtherInput, OtherBackend, OtherScalar>;
        static_assert(std::is_same_v<Number, typename Source::Number>,
                      "tessera: the parameters of the two networks are of different types");
        constexpr auto kept =
            correspondence<Layers, typename Source::Layers>(layout, Source::layout);
        static_assert(parameter_arrays == 0 || kept.front() != ambiguous,
                      "tessera: these layers are the first of the other network as well as its "
                      "last; give them names, so that it is clear which are kept");
        for (int i = 0; i < parameter_arrays; ++i) {
            const int j = kept[static_cast<std::size_t>(i)];
            if constexpr (std::is_same_v<Memory, typename Source::Memory> &&
                          std::is_same_v<Scalar, OtherScalar>) {
                if (j >= 0 && shared(parameters_.entry(i))) {
                    parameters_.share(i, source.parameters(), j);
                }
            }
        }
        parameters_.allocate_missing();
        for (int i = 0; i < parameter_arrays; ++i) {
            const int j = kept[static_cast<std::size_t>(i)];
            if (j >= 0 && parameters_.data(i) != source.parameters().data(j)) {
                copy_numbers<Memory, typename Source::Memory>(
                    parameters_.data(i), source.parameters().data(j), parameters_.size(i));
            }
        }
        Memory::synchronize();
    }

    /// The same network with parameters of its own.
    Model clone() const {
        return Model(*this, [](const ParameterEntry&) { return false; });
    }

    const Parameters<Scalar, parameter_arrays, Memory>& parameters() const { return parameters_; }
    Parameters<Scalar, parameter_arrays, Memory>& parameters() { return parameters_; }
    /// "fc6.weight", or "0.bias" for a layer without a name.
    std::string parameter_name(int i) const {
        return tessera::parameter_name(layers, parameters_.entry(i));
    }

    /// Memory for batches of up to `batch`. For a dynamic input `actual` gives the extents; throws
    /// Error when a layer does not accept them.
    Workspace workspace(int batch, Mode mode = Mode::inference, Shape actual = Input,
                        bool input_gradient = false) const {
        require(batch > 0, "workspace: the batch is ", batch, ", expected at least 1");
        require(actual.known() && actual.valid(), "workspace: the input is ", actual,
                ", expected a known height and width of at least 1");
        require(actual == Input || (!Input.known() && actual.channels == Input.channels),
                "workspace: the input is ", actual, ", expected ", Input);
        // Described anew at run time, they took a twentieth of the time in which AlexNet compiles.
        Description<depth> rows = layers;
        if constexpr (!Input.known()) {
            rows = describe<Layers>(actual, sizeof(Scalar));
            require_fit(rows, "workspace");
        }
        for (std::size_t i = 0; i < depth; ++i) rows[i].paired = Together::paired[i];
        const Plan<depth> plan = make_plan(
            rows, {.mode = mode, .scalar_bytes = sizeof(Scalar), .input_gradient = input_gradient});
        std::size_t scratch = 0;
        const int threads = Backend::threads();
        for_each_position<depth>([&](auto i) {
            scratch = std::max(scratch, LayerAt<i, Layers>::template scratch_bytes<Backend, Scalar>(
                                            batch, rows[i].input, threads));
        });
        return Workspace(&layers, rows, plan, mode, batch, scratch, threads);
    }
    Workspace training_workspace(int batch) const { return workspace(batch, Mode::training); }

    /// Gradients of everything that learns, in one zeroed block.
    Gradients gradients() const {
        Gradients block(layout.trainable);
        Memory::fill(block.data(), std::byte{0},
                     static_cast<std::size_t>(block.size()) * sizeof(Number));
        return block;
    }

    /// Runs the layers and returns the output, which lives in the workspace until its next pass.
    /// A backend may do neighbouring layers as one op, and then what is between them is written
    /// nowhere, unless the first is Tapped.
    /// The input must stay in place until backward is done. `random` keys dropout: its `sample` is
    /// overwritten with the layer. Throws Error when the input does not fit the workspace, or when
    /// another type of model made the workspace.
    View<const Scalar, Memory> forward(Workspace& workspace, InputView<Scalar, Memory> in,
                                       const Stream& random = {}) const {
        return forward_until(workspace, in, depth, random);
    }

    /// The same for the first `count` layers; returns the output of the last of them.
    View<const Scalar, Memory> forward_until(Workspace& workspace, InputView<Scalar, Memory> in,
                                             int count, const Stream& random = {}) const {
        require(workspace.network() == &layers,
                "forward: the workspace was made by another type of model");
        require(count >= 0 && count <= depth, "forward: found ", count, " layers, expected 0 to ",
                depth);
        if constexpr (narrow) {
            parameters_.refresh([](const Number* numbers, Scalar* working, Index size) {
                Backend::Narrow::forward(size, numbers, working);
            });
        }
        if constexpr (std::is_same_v<InputView<Scalar, Memory>, View<const Scalar>>) {
            enter(workspace, in);
        } else if (in.elements) {
            enter(workspace, in.elements);
        } else {
            check(workspace, in.numbers.batch, in.numbers.shape);
            const View<const Number, Memory> staged = workspace.stage(in.numbers);
            if constexpr (narrow) {
                const View<Scalar, Memory> elements = workspace.narrow_input(staged.batch);
                Backend::Narrow::forward(staged.size(), staged.data, elements.data);
                enter(workspace, elements);
            } else {
                enter(workspace, staged);
            }
        }
        int next = 0;
        for_each_position<depth>([&](auto i) {
            if (i == next && i < count) next += forward_from<i>(workspace, random, count - i);
        });
        return std::as_const(workspace).activation(count);
    }

    /// From the gradient in workspace.gradient(depth) back to the first layer that learns;
    /// parameter gradients are added to `gradients`. requires a forward pass of the same workspace.
    /// Throws Error when the workspace is not for training or the gradients are another model's.
    void backward(Workspace& workspace, Gradients& gradients) const {
        require(workspace.network() == &layers,
                "backward: the workspace was made by another type of model");
        require(workspace.mode() == Mode::training,
                "backward: the workspace is for inference, expected one for training");
        require(gradients.size() == layout.trainable, "backward: the gradients are ",
                gradients.size(), " elements, expected ", layout.trainable);
        int last = depth - 1;
        for_each_position<depth>([&](auto reversed) {
            constexpr int i = depth - 1 - reversed;
            // The first of a pair is done with the second.
            if constexpr (!Together::template is_paired<i>()) {
                if (i == last && i >= workspace.plan().trunk) {
                    last -= backward_from<i>(workspace, gradients.data());
                }
            }
        });
    }

private:
    using Together = Neighbours<Layers, Backend>;

    /// Whether elements are narrower than what learns.
    static constexpr bool narrow = !std::is_same_v<Scalar, Number>;

    /// The first parameter array of a layer.
    static constexpr std::array<int, depth> first_array = [] {
        std::array<int, depth> first{};
        int next = 0;
        for (std::size_t i = 0; i < depth; ++i) {
            first[i] = next;
            next += layers[i].parameters.count;
        }
        return first;
    }();

    /// Of layer i, as what both passes see: as templates of each layer these functions took a fifth
    /// of the time that a list of 400 layers compiles.
    std::array<const Scalar*, max_parameters> layer_parameters(int i) const {
        const auto at = static_cast<std::size_t>(i);
        std::array<const Scalar*, max_parameters> pointers{};
        for (int slot = 0; slot < layers[at].parameters.count; ++slot) {
            pointers[static_cast<std::size_t>(slot)] = parameters_.working(first_array[at] + slot);
        }
        return pointers;
    }

    void check(const Workspace& workspace, int batch, Shape shape) const {
        require(shape == workspace.input_shape() && batch > 0 && batch <= workspace.capacity(),
                "forward: the input is ", batch, " samples of ", shape, ", expected 1 to ",
                workspace.capacity(), " of ", workspace.input_shape());
    }
    void enter(Workspace& workspace, View<const Scalar, Memory> in) const {
        check(workspace, in.batch, in.shape);
        workspace.set_input(in);
    }

    /// Layers hand pointers of the backend's memory to the backend's ops.
    template <class T>
    static View<T> for_layer(const View<T, Memory>& view) {
        return {view.data, view.batch, view.shape};
    }

    ForwardPass<Scalar> forward_pass(Workspace& workspace, Stream random, int i) const {
        random.sample = static_cast<std::uint32_t>(i);
        return {.mode = i < workspace.plan().trunk ? Mode::inference : workspace.mode(),
                .input = for_layer(std::as_const(workspace).activation(i)),
                .output = for_layer(workspace.activation(i + 1)),
                .parameters = layer_parameters(i),
                .saved = workspace.saved(i),
                .scratch = workspace.scratch(),
                .random = random,
                .dropout = workspace.dropout()};
    }

    /// Layer I, and the next one where both are one op or that is a ReLU which layer I does as
    /// well; no more than `room` layers. Returns how many.
    template <int I>
    int forward_from(Workspace& workspace, const Stream& random, int room) const {
        ForwardPass<Scalar> pass = forward_pass(workspace, random, I);
        if constexpr (Together::template is_paired<I>()) {
            if (room > 1) {
                Together::template Pair<I>::template forward<Backend>(
                    pass, forward_pass(workspace, random, I + 1));
                return 2;
            }
        }
        if constexpr (Together::template takes_relu_behind<I>()) {
            pass.rectify =
                room > 1 && workspace.activation(I + 1).data == workspace.activation(I + 2).data;
        }
        LayerAt<I, Layers>::template forward<Backend>(pass);
        return pass.rectify ? 2 : 1;
    }

    BackwardPass<Scalar> backward_pass(Workspace& workspace, Number* gradients, int i) const {
        BackwardPass<Scalar> pass{.input = for_layer(std::as_const(workspace).activation(i)),
                                  .output = for_layer(std::as_const(workspace).activation(i + 1)),
                                  .output_gradient = for_layer(workspace.gradient(i + 1)),
                                  .input_gradient = for_layer(workspace.gradient(i)),
                                  .parameters = layer_parameters(i),
                                  .parameter_gradients = {},
                                  .saved = workspace.saved(i),
                                  .scratch = workspace.scratch(),
                                  .dropout = workspace.dropout()};
        const auto at = static_cast<std::size_t>(i);
        if (layers[at].frozen) return pass;
        for (int slot = 0; slot < layers[at].parameters.count; ++slot) {
            const auto array = static_cast<std::size_t>(first_array[at] + slot);
            pass.parameter_gradients[static_cast<std::size_t>(slot)] =
                gradients + layout.entries[array].offset;
        }
        return pass;
    }

    /// Layer I, or the pair whose second it is, and the ReLU before where that is taken along: the
    /// plan keeps a ReLU's output until its own turn, and its gradient in place. Returns how many.
    template <int I>
    int backward_from(Workspace& workspace, Number* gradients) const {
        constexpr bool pair = Together::template is_paired<I - 1>();
        constexpr int first = pair ? I - 1 : I;
        BackwardPass<Scalar> pass = backward_pass(workspace, gradients, first);
        if constexpr (Together::template takes_relu_before<first>()) {
            if (pass.input_gradient.data == workspace.gradient(first - 1).data) {
                pass.rectified = pass.input_gradient ? pass.input.data : nullptr;
            }
        }
        if constexpr (pair) {
            Together::template Pair<first>::template backward<Backend>(
                pass, backward_pass(workspace, gradients, I));
        } else {
            LayerAt<I, Layers>::template backward<Backend>(pass);
        }
        return I - first + (pass.rectified ? 2 : 1);
    }

    Parameters<Scalar, parameter_arrays, Memory> parameters_;
};

}  // namespace tessera
