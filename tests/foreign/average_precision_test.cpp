// SPDX-License-Identifier: MIT
// Average precision against the devkit's rules, transcribed apart from us in make_fixtures.py.
#include "tessera/metric/average_precision.hpp"

#include "foreign/fixture.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("average precision is the devkit's on random rankings with ties and label 0") {
    const SafetensorsFile file(fixture_path("average_precision"));
    int ignored = 0, unanswered = 0;
    const int cases = static_cast<int>(file.tensors().size()) / 4;
    REQUIRE(cases == 60);
    for (int i = 0; i < cases; ++i) {
        CAPTURE(i);
        const auto stored = values(file, text(i, ".labels"));
        const std::vector<int> labels(stored.begin(), stored.end());
        const auto scores = values(file, text(i, ".scores"));
        CHECK(average_precision(labels, scores, ApRule::area).value ==
              doctest::Approx(values(file, text(i, ".area"))[0]).epsilon(1e-12));
        CHECK(average_precision(labels, scores, ApRule::eleven_point).value ==
              doctest::Approx(values(file, text(i, ".eleven_point"))[0]).epsilon(1e-12));
        ignored += static_cast<int>(std::ranges::count(labels, 0));
        unanswered += static_cast<int>(std::ranges::count(scores, -HUGE_VAL));
    }
    CHECK(ignored > 100);
    CHECK(unanswered > 20);
}
