// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <vector>

#include "tessera/core/random.hpp"
#include "tessera/net/plan.hpp"

using namespace tessera;

namespace {

constexpr int depth = 14;
using Layers = Description<depth>;

/// Layers of every temper: in place or not, needing what they like, frozen or learning.
Layers random_layers(Random& random) {
    Layers layers;
    Shape shape{1 + static_cast<int>(random.below(40)), 2, 3};
    const auto frozen = static_cast<int>(random.below(depth + 2));
    for (int i = 0; i < depth; ++i) {
        LayerInfo& layer = layers[static_cast<std::size_t>(i)];
        layer.input = shape;
        layer.in_place = random.chance(0.4f);
        if (!layer.in_place) shape.channels = 1 + static_cast<int>(random.below(40));
        layer.output = shape;
        layer.needs_input = random.chance(0.4f);
        layer.needs_output = random.chance(0.4f);
        layer.tapped = random.chance(0.1f);
        layer.frozen = i < frozen || random.chance(0.1f);
        if (random.chance(0.3f)) layer.parameters.add({.outputs = 3});
        if (random.chance(0.3f)) layer.saved_bytes = 1 + random.below(300);
    }
    for (std::size_t i = 0; i + 1 < depth; ++i) {
        const auto plain = [](const LayerInfo& layer) {
            return !layer.in_place && layer.parameters.count == 0;
        };
        const bool alone = i == 0 || !layers[i - 1].paired;
        layers[i].paired = random.chance(0.6f) && alone && !layers[i].tapped && plain(layers[i]) &&
                           plain(layers[i + 1]);
    }
    return layers;
}

/// Runs a training step tick by tick on an arena in which every byte says what it holds, and
/// reports what a layer does not find where the plan says it is.
class Simulation {
public:
    Simulation(const Layers& layers, const PlanOptions& options)
        : layers_(layers),
          options_(options),
          plan_(make_plan(layers, options)),
          arena_(static_cast<std::size_t>(plan_.bytes_per_sample), nothing) {}

    std::string run() {
        for (int i = 0; i < depth; ++i) forward(i);
        expect(activation(depth), "the output");
        forward_to_pairs();
        for (int i = 0; i < depth; ++i) forward(i);
        if (options_.mode == Mode::training && plan_.trunk < depth) {
            write(gradient(depth));
            for (int i = depth - 1; i >= plan_.trunk; --i) backward(i);
            expect(activation(depth), "the output afterwards");
            if (options_.input_gradient) expect(gradient(0), "the input's gradient");
        }
        for (int i = 0; i < depth; ++i) {
            if (at(i).tapped) expect(activation(i + 1), text("the tapped output of ", i));
        }
        return problem_;
    }

private:
    struct Value {
        int tag;
        Index offset;
        Index bytes;
    };
    static constexpr int nothing = -1;

    const LayerInfo& at(int i) const { return layers_[static_cast<std::size_t>(i)]; }
    Index size(int i) const {
        return (i == 0 ? at(0).input : at(i - 1).output).size() * options_.scalar_bytes;
    }
    Value activation(int i) const {
        return {i, plan_.activations[static_cast<std::size_t>(i)], size(i)};
    }
    Value gradient(int i) const {
        return {100 + i, plan_.gradients[static_cast<std::size_t>(i)], size(i)};
    }
    Value saved(int i) const {
        return {200 + i, plan_.saved[static_cast<std::size_t>(i)], at(i).saved_bytes};
    }

    /// Passes that end within a pair.
    void forward_to_pairs() {
        for (int i = 0; i < depth; ++i) {
            if (at(i).paired) {
                if (i > 0) expect(activation(i), text("the input of the pair ", i));
                write(activation(i + 1));
                expect_apart(activation(i), activation(i + 1), false, i);
            }
            forward(i);
        }
    }
    /// The layer before is one op with layer i.
    bool ends_pair(int i) const { return i > 0 && at(i - 1).paired; }
    void forward_pair(int first) {
        const int second = first + 1;
        if (first > 0) expect(activation(first), text("the input of the pair ", first));
        write(activation(second + 1));
        expect_apart(activation(first), activation(second + 1), false, first);
        if (second >= plan_.trunk && at(second).saved_bytes > 0) {
            write(saved(second));
            expect(activation(second + 1), text("the output beside what is saved of ", second));
        }
    }
    void backward_pair(int first) {
        const int second = first + 1;
        const auto read = [&](const char* when) {
            if (first > 0 && at(first).needs_input) {
                expect(activation(first), text("the pair's input ", when, first));
            }
            if (at(second).needs_output) {
                expect(activation(second + 1), text("the pair's output ", when, first));
            }
            if (at(second).saved_bytes > 0) {
                expect(saved(second), text("what is saved of the pair ", when, first));
            }
            expect(gradient(second + 1), text("the gradient of the pair's output ", when, first));
        };
        read("before ");
        if (saved(first).offset != absent) complain(text("the pair saves twice: ", first));
        if (gradient(second).offset != absent) complain(text("a gradient in the pair ", first));
        const bool wanted = first > plan_.trunk || options_.input_gradient;
        if (wanted != (gradient(first).offset != absent)) complain(text("a gradient of ", first));
        if (!wanted) return;
        write(gradient(first));
        read("beside dx ");
    }

    void forward(int i) {
        if (at(i).paired) return;
        if (ends_pair(i)) return forward_pair(i - 1);
        if (i > 0) expect(activation(i), text("the input of ", i));
        write(activation(i + 1));
        expect_apart(activation(i), activation(i + 1), at(i).in_place, i);
        if (i >= plan_.trunk && at(i).saved_bytes > 0) {
            write(saved(i));
            expect(activation(i + 1), text("the output beside what is saved of ", i));
        }
    }
    void backward(int i) {
        if (at(i).paired) return;
        if (ends_pair(i)) return backward_pair(i - 1);
        if (i > 0 && at(i).needs_input) expect(activation(i), text("the needed input of ", i));
        if (at(i).needs_output) expect(activation(i + 1), text("the needed output of ", i));
        if (at(i).saved_bytes > 0) expect(saved(i), text("what is saved of ", i));
        expect(gradient(i + 1), text("the output's gradient of ", i));
        const bool wanted = i > plan_.trunk || options_.input_gradient;
        if (wanted != (gradient(i).offset != absent)) complain(text("a gradient of input ", i));
        if (!wanted) return;
        write(gradient(i));
        expect_apart(gradient(i + 1), gradient(i), at(i).in_place, i);
        if (at(i).needs_output) expect(activation(i + 1), text("the output beside dx of ", i));
        if (i > 0 && at(i).needs_input) expect(activation(i), text("the input beside dx of ", i));
    }

    void write(const Value& value) {
        if (value.offset < 0 || value.offset % 64 != 0 ||
            value.offset + value.bytes > plan_.bytes_per_sample) {
            return complain(text("the place of ", value.tag));
        }
        std::fill_n(arena_.begin() + value.offset, value.bytes, value.tag);
    }
    void expect(const Value& value, const std::string& what) {
        if (value.offset < 0) return complain(what + " is absent");
        for (Index i = 0; i < value.bytes; ++i) {
            if (arena_[static_cast<std::size_t>(value.offset + i)] != value.tag) {
                return complain(what + " is overwritten");
            }
        }
    }
    /// The same place, if the layer allows it, or no common byte.
    void expect_apart(const Value& a, const Value& b, bool may_be_same, int i) {
        if (a.offset < 0 || (may_be_same && a.offset == b.offset)) return;
        if (a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes) {
            complain(text("input and output of ", i, " overlap"));
        }
    }
    void complain(const std::string& what) {
        if (problem_.empty()) problem_ = what;
    }

    Layers layers_;
    PlanOptions options_;
    Plan<depth> plan_;
    std::vector<int> arena_;
    std::string problem_;
};

}  // namespace

TEST_CASE("every layer finds what it reads, whatever the layers are") {
    Random random({.seed = 3, .purpose = Purpose::sample});
    for (int trial = 0; trial < 1500; ++trial) {
        const Layers layers = random_layers(random);
        for (const Mode mode : {Mode::inference, Mode::training}) {
            CAPTURE(trial);
            CHECK(Simulation(layers, {.mode = mode}).run() == "");
            CHECK(Simulation(layers, {.mode = mode, .scalar_bytes = 8, .input_gradient = true})
                      .run() == "");
        }
    }
}

TEST_CASE("inference reuses memory, and no plan is smaller than its largest layer") {
    Random random({.seed = 4, .purpose = Purpose::sample});
    for (int trial = 0; trial < 200; ++trial) {
        Layers layers = random_layers(random);
        for (LayerInfo& layer : layers) layer.paired = false;  // first fit has no order then
        const Index inference = make_plan(layers, {}).bytes_per_sample;
        const Index training = make_plan(layers, {.mode = Mode::training}).bytes_per_sample;
        Index largest = 0;
        for (const LayerInfo& layer : layers) {
            largest = std::max(largest, layer.output.size() * Index{sizeof(float)});
        }
        CHECK(inference >= largest);
        CHECK(inference <= training);
    }
}

TEST_CASE("a frozen trunk is planned as inference, and nothing behind it has a gradient") {
    Random random({.seed = 5, .purpose = Purpose::sample});
    for (int trial = 0; trial < 200; ++trial) {
        Layers layers = random_layers(random);
        for (int i = 0; i < 8; ++i) layers[static_cast<std::size_t>(i)].frozen = true;
        const auto plan = make_plan(layers, {.mode = Mode::training});
        CHECK(plan.trunk >= 8);
        for (int i = 0; i < plan.trunk; ++i) {
            CHECK(plan.saved[static_cast<std::size_t>(i)] == absent);
            CHECK(plan.gradients[static_cast<std::size_t>(i)] == absent);
        }
    }
}
