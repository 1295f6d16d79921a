// SPDX-License-Identifier: MIT
// Normalisation and maximum as one op against the reference's two.
#include "tessera/backend/cuda/lrn_max_pool.cuh"

#include <doctest/doctest.h>

#include <cstring>

#include "hosted_cuda.hpp"
#include "oracle.hpp"
#include "tessera/backend/reference/reference.hpp"

using namespace tessera;
using namespace tessera::test;
using cuda::LrnMaxPool;
using cuda::no_place;

namespace {

/// Numbers of T that begin `Late` elements after a multiple of 16 bytes.
template <class T, int Late>
struct Way {
    using Number = T;
    using Arrays = CudaOfHost<Late>;
};
#define TESSERA_WAYS Way<float, 0>, Way<float, 1>, Way<double, 0>, Way<Bf16, 0>, Way<Bf16, 1>

/// What a ReLU gives: half of it noughts, and few different numbers, for ties.
template <class T>
std::vector<T> rectified_values(Random& random, Index count) {
    auto values = random_values<T>(random, count);
    for (T& value : values) value = T(std::max(0.0f, std::round(float(value) * 8)));
    return values;
}

/// Whether each place is that of the first maximum in its window of `values`, but for the rounding
/// of numbers of type T.
template <class T>
bool are_first_maxima(const PoolGeometry& g, const std::vector<std::uint8_t>& places,
                      const Values& values) {
    double largest = 0;
    for (const double value : values) {
        if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
    }
    const double slack = largest * (std::is_same_v<T, Bf16> ? 1.0 / 128 : tolerance);
    const SlidingWindow& w = g.window;
    for (Index i = 0; i < g.batch * g.output.size(); ++i) {
        const Index c = i % g.output.channels, pixel = i / g.output.channels;
        const Index ox = pixel % g.output.width, oy = pixel / g.output.width % g.output.height;
        const Index image = pixel / g.output.area() * g.input.area();
        int best = no_place, chosen = places[static_cast<std::size_t>(i)];
        double most = 0, found = 0;
        for (int place = 0; place < w.height * w.width; ++place) {
            const Index iy = oy * w.stride - w.pad_top + place / w.width;
            const Index ix = ox * w.stride - w.pad_left + place % w.width;
            if (iy < 0 || iy >= g.input.height || ix < 0 || ix >= g.input.width) continue;
            const double value = values[static_cast<std::size_t>(
                (image + iy * g.input.width + ix) * g.input.channels + c)];
            if (best == no_place || (most == most && !(value <= most))) {
                best = place;
                most = value;
            }
            if (place == chosen) found = value;
        }
        if (chosen == best) continue;
        // Another one only where rounding cannot tell, and not for the same number.
        if (best == no_place || chosen == no_place || most != most) return false;
        if (!(found >= most - slack) || found == most) return false;
    }
    return true;
}

template <class Way>
void check(const LrnGeometry& lrn, const PoolGeometry& g, Random& random, bool with_nan) {
    using T = typename Way::Number;
    using Arrays = typename Way::Arrays;
    CAPTURE(text(g.batch, " x ", g.input, " to ", g.output, ", ", lrn.size, " channels, beta ",
                 lrn.beta));
    CAPTURE(text(g.window.height, "x", g.window.width, "/", g.window.stride, " padded ",
                 g.window.pad_top, ", ", g.window.pad_left));
    REQUIRE(LrnMaxPool::takes(lrn.size, g.window));
    const Index inputs = g.batch * g.input.size(), outputs = g.batch * g.output.size();
    auto x = rectified_values<T>(random, inputs);
    const auto dy = random_values<T>(random, outputs);
    const auto forward = [&](std::vector<T>& y, std::uint8_t* places) {
        Arrays::call([&](auto& d) {
            LrnMaxPool::forward(lrn, g, d.read(x.data(), inputs), d.write(y.data(), outputs),
                                d.write(places, outputs));
        });
    };
    auto y = unwritten<T>(outputs), unplaced = y;
    std::vector<std::uint8_t> places(y.size(), 77);
    Values normalised(x.size()), scale(x.size()), pooled(y.size());
    std::vector<std::int32_t> argmax(y.size());
    if (with_nan) {
        x[x.size() / 2] = unwritten<T>(1)[0];
        forward(y, places.data());
        reference::Lrn::forward(lrn, widened(x).data(), normalised.data(), scale.data());
        reference::MaxPool::forward(g, normalised.data(), pooled.data(), argmax.data());
        CHECK(difference(y, pooled) < tolerance);
        CHECK(are_first_maxima<T>(g, places, normalised));
        x[x.size() / 2] = T(1.0f);
    }
    forward(y, places.data());
    forward(unplaced, nullptr);
    const Values wide = widened(x);
    reference::Lrn::forward(lrn, wide.data(), normalised.data(), scale.data());
    reference::MaxPool::forward(g, normalised.data(), pooled.data(), argmax.data());
    CHECK(difference(y, pooled) < tolerance);
    CHECK(unplaced == y);
    CHECK(are_first_maxima<T>(g, places, normalised));

    auto dx = unwritten<T>(inputs), rectified = dx;
    const auto backward = [&](T* to, const T* outputs_of_relu) {
        Arrays::call([&](auto& d) {
            LrnMaxPool::backward(lrn, g, d.read(x.data(), inputs), d.read(places.data(), outputs),
                                 d.read(dy.data(), outputs), d.write(to, inputs),
                                 d.read(outputs_of_relu, inputs));
        });
    };
    backward(dx.data(), nullptr);
    backward(rectified.data(), x.data());
    backward(nullptr, nullptr);
    // From the places that were kept.
    for (std::size_t i = 0; i < places.size(); ++i) {
        const int place = places[i];
        const auto pixel = static_cast<int>(i / static_cast<std::size_t>(g.output.channels) %
                                            static_cast<std::size_t>(g.output.area()));
        const SlidingWindow& w = g.window;
        const int iy = pixel / g.output.width * w.stride - w.pad_top + place / w.width;
        const int ix = pixel % g.output.width * w.stride - w.pad_left + place % w.width;
        argmax[i] = place == no_place ? -1 : iy * g.input.width + ix;
    }
    Values slopes(x.size()), expected(x.size());
    reference::MaxPool::backward(g, argmax.data(), widened(dy).data(), slopes.data());
    reference::Lrn::backward(lrn, wide.data(), normalised.data(), scale.data(), slopes.data(),
                             expected.data());
    CHECK(difference(dx, expected) < tolerance);
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (!(x[i] > 0)) dx[i] = T(0.0f);
    }
    CHECK(std::memcmp(rectified.data(), dx.data(), dx.size() * sizeof(T)) == 0);
}

LrnGeometry normalising(const PoolGeometry& g, int size, double beta = 0.75) {
    return {g.batch, g.input, size, 0.02, beta, 2};
}

}  // namespace

TEST_CASE_TEMPLATE("normalisation and maximum in one agree with the reference", Table,
                   TESSERA_WAYS) {
    Random random({.seed = 1});
    for (int round = 0; round < 60; ++round) {
        PoolGeometry g = random_pooling(random);
        if (round % 2 == 0) g.input.channels = g.output.channels = 8 * between(random, 1, 9);
        const int size = round % 10 == 0 ? between(random, 9, 127) : between(random, 1, 9);
        check<Table>(normalising(g, size, round % 3 == 0 ? 0.6 : 0.75), g, random, round % 5 == 0);
    }
}

TEST_CASE_TEMPLATE("normalisation and maximum in one agree with the reference in many tiles", Table,
                   TESSERA_WAYS) {
    Random random({.seed = 2});
    const PoolGeometry geometries[] = {
        // Like AlexNet's, whose last windows reach beyond where the extent is even.
        {.batch = 2, .input = {96, 29, 32}, .output = {96, 14, 16}, .window = {3, 3, 2}},
        {.batch = 1, .input = {304, 13, 14}, .output = {304, 6, 7}, .window = {3, 3, 2}},
        {.batch = 3, .input = {40, 33, 70}, .output = {40, 33, 70}, .window = {3, 5, 1, 1, 2}},
        // As many places as a byte can tell, channels that are no packs, windows wide apart.
        {.batch = 1, .input = {72, 20, 21}, .output = {72, 3, 3}, .window = {15, 17, 3, 2, 3}},
        {.batch = 2, .input = {131, 19, 18}, .output = {131, 4, 4}, .window = {2, 2, 5}},
    };
    for (const PoolGeometry& g : geometries) check<Table>(normalising(g, 5), g, random, true);
}

TEST_CASE("tiles of pooling fit their memory and cover the outputs") {
    Random random({.seed = 3});
    for (int round = 0; round < 2000; ++round) {
        const int width = 1 << between(random, 0, 3), capacity = between(random, 256, 4096);
        PoolGeometry g = random_pooling(random);
        g.input.channels = g.output.channels = width * between(random, 1, 90);
        g.output.height = between(random, 1, 60);
        g.output.width = between(random, 1, 60);
        const cuda::PoolTiles tiles(g, width, capacity, 16);
        CHECK(tiles.input_rows == (tiles.rows - 1) * g.window.stride + g.window.height);
        CHECK(tiles.input_columns == (tiles.columns - 1) * g.window.stride + g.window.width);
        CHECK(tiles.input_rows * tiles.input_columns * tiles.packs <= capacity);
        CHECK(tiles.packs <= 16);
        CHECK(tiles.down * tiles.rows >= g.output.height);
        CHECK(tiles.across * tiles.columns >= g.output.width);
        CHECK(tiles.chunks * tiles.packs * width >= g.input.channels);
        CHECK((tiles.down - 1) * tiles.rows < g.output.height);
        CHECK((tiles.across - 1) * tiles.columns < g.output.width);
        CHECK((tiles.chunks - 1) * tiles.packs * width < g.input.channels);
    }
}

TEST_CASE("what normalisation and maximum in one do not take is an error") {
    CHECK(LrnMaxPool::takes(127, {15, 17}));
    CHECK_FALSE(LrnMaxPool::takes(128, {3, 3}));
    CHECK_FALSE(LrnMaxPool::takes(5, {16, 16}));
    const PoolGeometry g{.batch = 1, .input = {1, 16, 16}, .output = {1}, .window = {16, 16}};
    const float* none = nullptr;
    CHECK_THROWS_WITH_AS(
        LrnMaxPool::backward(normalising(g, 5), g, none, nullptr, none,
                             static_cast<float*>(nullptr)),
        "lrn and max_pool: found windows of 5 channels and 16 x 16 pixels, expected fewer than 128 "
        "and at most 255",
        Error);
}
