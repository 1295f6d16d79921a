// SPDX-License-Identifier: MIT
// The labelling rules: the cases of the paper's figure 4, every threshold from both sides.
#include "tessera/patch/label.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace tessera;

namespace {

constexpr Box patch{0, 0, 100, 100};
const PatchLabel background{};
const PatchLabel deleted{.kind = PatchLabel::Kind::deleted};

PatchLabel object(int label, int index) { return {PatchLabel::Kind::object, label, index}; }

PatchLabel label(const std::vector<LabelledBox>& objects, const LabelRule& rule = {}) {
    return label_patch(patch, objects, rule);
}

}  // namespace

TEST_CASE("one object well inside labels the patch") {
    CHECK(label({{{20, 20, 80, 80}, 7}}) == object(7, 0));
}

TEST_CASE("no object, or none that overlaps, is background") {
    CHECK(label({}) == background);
    CHECK(label({{{100, 0, 200, 100}, 7}}) == background);  // touches the border
    CHECK(label({{{150, 150, 200, 200}, 7}}) == background);
}

TEST_CASE("a truncated object alone is background, beside another it does not veto") {
    const LabelledBox truncated{{50, 0, 150, 100}, 3};  // half inside
    CHECK(label({truncated}) == background);
    CHECK(label({truncated, {{0, 0, 50, 50}, 5}}) == object(5, 1));
    CHECK(label({{{0, 0, 50, 50}, 5}, truncated}) == object(5, 0));
}

TEST_CASE("an object too small in the patch is background and does not veto") {
    const LabelledBox small{{0, 0, 40, 40}, 3};  // 16 %
    CHECK(label({small}) == background);
    CHECK(label({small, {{40, 40, 90, 90}, 5}}) == object(5, 1));
}

TEST_CASE("two qualifying objects delete the patch, of one class too unless told otherwise") {
    const LabelledBox a{{0, 0, 50, 50}, 1}, b{{50, 50, 100, 100}, 2}, c{{50, 50, 100, 100}, 1};
    CHECK(label({a, b}) == deleted);
    CHECK(label({a, c}) == deleted);
    CHECK(label({a, c}, {.delete_same_class = false}) == object(1, 0));
    CHECK(label({a, b}, {.delete_same_class = false}) == deleted);
    CHECK(label({a, c, b}, {.delete_same_class = false}) == deleted);
}

TEST_CASE("exactly one fifth of the patch is enough, a little less is not") {
    CHECK(label({{{0, 0, 20, 100}, 1}}) == object(1, 0));
    CHECK(label({{{0, 0, 19.999, 100}, 1}}) == background);
}

TEST_CASE("exactly three fifths of the object are enough, a little less is not") {
    CHECK(label({{{40, 0, 140, 100}, 1}}) == object(1, 0));
    CHECK(label({{{40.001, 0, 140.001, 100}, 1}}) == background);
}

TEST_CASE("both thresholds at once, at their boundary") {
    // 40 x 50 of 10000 is one fifth; 2000 of 3333.33 is three fifths.
    const double height = 2000 / 0.6 / 40;
    CHECK(label({{{10, 50, 50, 50 + height}, 1}}) == object(1, 0));
}

TEST_CASE("fractional patches reach their thresholds in spite of rounding") {
    for (int i = 1; i < 200; ++i) {
        const double side = 333.0 / (1 + i * 0.01), left = i * 0.37, top = i * 0.11;
        const Box box{left, top, left + side, top + side};
        const Box fifth{left, top, left + side * 0.2, top + side};
        const Box mostly{left - side * 0.4, top, left + side * 0.6, top + side};
        CHECK(qualifies(box, fifth));
        CHECK(qualifies(box, mostly));
        CHECK_FALSE(qualifies(box, {left, top, left + side * 0.1999, top + side}));
    }
}

TEST_CASE("thresholds are policy values") {
    const LabelledBox half{{50, 0, 150, 100}, 3};
    CHECK(label({half}, {.object_share = 0.5}) == object(3, 0));
    CHECK(label({half}, {.patch_share = 0.6, .object_share = 0.5}) == background);
    CHECK(label({{{200, 0, 300, 100}, 3}}, {.patch_share = 0, .object_share = 0}) == background);
    CHECK_THROWS_AS(label({half}, {.patch_share = 1.5}), Error);
    CHECK_THROWS_AS(label({half}, {.object_share = -0.1}), Error);
}

TEST_CASE("difficult objects are kept, ignored or background") {
    const LabelledBox hard{{0, 0, 60, 60}, 4, true}, easy{{50, 50, 100, 100}, 2};
    const LabelledBox hard_outside{{90, 90, 160, 160}, 4, true};
    CHECK(label({hard}, {.difficult = Difficult::keep}) == object(4, 0));
    CHECK(label({hard}, {.difficult = Difficult::ignore}) == deleted);
    CHECK(label({hard}, {.difficult = Difficult::background}) == background);
    CHECK(label({hard, easy}, {.difficult = Difficult::keep}) == deleted);
    CHECK(label({easy, hard}, {.difficult = Difficult::ignore}) == deleted);
    CHECK(label({hard, easy}, {.difficult = Difficult::background}) == object(2, 1));
    for (const auto difficult : {Difficult::keep, Difficult::ignore, Difficult::background}) {
        CHECK(label({hard_outside}, {.difficult = difficult}) == background);
    }
}

TEST_CASE("an empty or inverted object box labels nothing") {
    CHECK(label({{{50, 50, 50, 80}, 1}}, {.patch_share = 0}) == background);
    CHECK(label({{{80, 20, 20, 80}, 1}}, {.patch_share = 0}) == background);
}
