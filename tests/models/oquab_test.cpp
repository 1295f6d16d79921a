// SPDX-License-Identifier: MIT
#include "tessera/models/oquab.hpp"

#include <doctest/doctest.h>

#include "net/random_model.hpp"
#include "tessera/backend/cpu/cpu.hpp"

using namespace tessera;

namespace {

/// AlexNet in small, with the names the paper's surgery asks for.
using Source = Seq<Named<"conv1", Conv<8, 5, Stride<2>>>, ReLU, Lrn<>, Named<"pool5", MaxPool<2>>,
                   Named<"fc6", Linear<24>>, ReLU, Dropout<>, Named<"fc7", Linear<16>>,
                   Named<"relu7", ReLU>, Dropout<>, Named<"fc8", Linear<30>>>;
constexpr Shape input{3, 17, 17};

using Transfer = models::TransferNet<Source, 5, 12>;
using Scratch = models::ScratchNet<Source, 5, 12>;
using Fc6Unfrozen = models::Fc6UnfrozenNet<Source, 5, 12>;

template <class Net>
using OnCpu = Model<Net, input, Cpu>;

static_assert(std::is_same_v<models::Fc7Features<Source>, CutAfter<Source, "relu7">>);
static_assert(std::is_same_v<Scratch, Append<models::Fc7Features<Source>, Named<"fca", Linear<12>>,
                                             ReLU, Named<"fcb", Linear<5>>, Softmax>>);

constexpr std::array<bool, 10> learning(const auto& layout) {
    std::array<bool, 10> learns{};
    for (std::size_t i = 0; i < 10; ++i) learns[i] = !layout.entries[i].frozen;
    return learns;
}
constexpr bool no = false, yes = true;
// Weights and biases of conv1, fc6, fc7, fca, fcb.
static_assert(learning(OnCpu<Transfer>::layout) ==
              std::array{no, no, no, no, no, no, yes, yes, yes, yes});
static_assert(learning(OnCpu<Scratch>::layout) ==
              std::array{yes, yes, yes, yes, yes, yes, yes, yes, yes, yes});
static_assert(learning(OnCpu<Fc6Unfrozen>::layout) ==
              std::array{no, no, yes, yes, no, no, yes, yes, yes, yes});

std::vector<float> forward(const auto& model, int count = -1) {
    const auto in = test::random_numbers(2 * input.size());
    auto workspace = model.workspace(2);
    return test::numbers(
        model.forward_until(workspace, {in.data(), 2, input}, count < 0 ? model.depth : count));
}

}  // namespace

TEST_CASE("the transferred trunk gives the source's FC7, through the source's own parameters") {
    const auto source = test::random_model<OnCpu<Source>>();
    const OnCpu<Transfer> target(source);
    for (int i = 0; i < 6; ++i) {
        CHECK(target.parameters()[i].data() == source.parameters()[i].data());
    }
    CHECK(forward(target, 9) == forward(source, 9));
    CHECK(target.parameter_name(6) == "fca.weight");
}

TEST_CASE("a training step of the transfer net touches its two new layers only") {
    auto source = test::random_model<OnCpu<Source>>();
    OnCpu<Transfer> target(source);
    for (int i = 6; i < 10; ++i)
        std::ranges::copy(test::random_numbers(target.parameters().entry(i).info.count()),
                          target.parameters()[i].begin());
    auto workspace = target.training_workspace(3);
    workspace.fill(std::byte{0xFF});
    const test::Step step = test::training_step(target, workspace, 3);
    CHECK(static_cast<Index>(step.gradients.size()) == OnCpu<Transfer>::layout.trainable);
    CHECK(step.gradients.size() < 16 * 12 + 12 + 12 * 5 + 5 + 4 * 16);
    CHECK(std::ranges::all_of(step.gradients, [](float g) { return std::isfinite(g); }));
    CHECK(std::ranges::any_of(step.gradients, [](float g) { return g != 0; }));
}

TEST_CASE("a frozen trunk gives the same in training as at inference: its dropout rests") {
    using Trunk = Freeze<CutAfter<Source, 9>>;
    const auto source = test::random_model<OnCpu<Source>>();
    OnCpu<Append<Trunk, Linear<4>>> target(source);
    std::ranges::fill(target.parameters()[6], 1.0f);
    auto workspace = target.training_workspace(2);
    CHECK(test::training_step(target, workspace, 2).output == forward(target));
}

TEST_CASE("in the network of the action task FC6 learns below a frozen FC7") {
    const auto source = test::random_model<OnCpu<Source>>();
    OnCpu<Fc6Unfrozen> target(source, [](const ParameterEntry& entry) { return entry.frozen; });
    CHECK(target.parameters()[2].data() != source.parameters()[2].data());
    CHECK(std::ranges::equal(target.parameters()[2], source.parameters()[2]));
    CHECK(target.parameters()[4].data() == source.parameters()[4].data());
    test::randomise(target, 3);
    auto workspace = target.training_workspace(3);
    workspace.fill(std::byte{0xFF});
    const auto gradients = test::training_step(target, workspace, 3).gradients;
    const ParameterEntry& fc6 = OnCpu<Fc6Unfrozen>::layout.entries[2];
    const auto begin = gradients.begin() + fc6.offset;
    CHECK(std::any_of(begin, begin + fc6.info.count(), [](float g) { return g != 0; }));
}
