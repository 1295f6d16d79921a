// SPDX-License-Identifier: MIT
#include "tessera/models/alexnet.hpp"

#include <doctest/doctest.h>

#include "net/random_model.hpp"
#include "tessera/backend/cpu/cpu.hpp"

using namespace tessera;

namespace {

constexpr Shape input{3, 224, 224};
using Net = models::AlexNet2012<>;

}  // namespace

TEST_CASE("the 2012 network steps forward and back inside its plan") {
    constexpr int batch = 2;
    const auto model = test::random_model<Model<Net, input, Cpu>>();
    auto workspace = model.training_workspace(batch);
    CHECK(workspace.bytes() == plan<Net>(input, {.mode = Mode::training}).arena_bytes(batch) +
                                   aligned(static_cast<Index>(workspace.scratch().bytes)));
    workspace.fill(std::byte{0xFF});
    const test::Step step = test::training_step(model, workspace, batch);
    REQUIRE(step.output.size() == batch * 1000);
    const auto finite = [](float value) { return std::isfinite(value); };
    CHECK(std::ranges::all_of(step.output, finite));
    CHECK(std::ranges::all_of(step.gradients, finite));

    // Every array learns: none of its gradients is all zero.
    for (const ParameterEntry& entry : model.layout.entries) {
        CAPTURE(entry.layer);
        const auto begin = step.gradients.begin() + entry.offset;
        CHECK(std::any_of(begin, begin + entry.info.count(), [](float g) { return g != 0; }));
    }
}
