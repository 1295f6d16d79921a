// SPDX-License-Identifier: MIT
// Rows as vectors give the bits of the loops they stand for, whatever the width of a vector.
#include "tessera/image/row.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tessera/core/random.hpp"
#include "tessera/image/resize.hpp"

using namespace tessera;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

std::vector<float> numbers(std::size_t count, float low, float high, std::uint64_t seed) {
    std::vector<float> values(count);
    Random random({.seed = seed, .purpose = Purpose::generate});
    for (float& value : values) value = random.uniform(low, high);
    return values;
}

/// sum + a * b, each rounded to float: exact in double before that, so that no compiler can fuse
/// it.
float rounded_twice(float sum, float a, float b) {
    const auto product = static_cast<float>(double(a) * double(b));
    return static_cast<float>(double(sum) + double(product));
}

/// Calls f with what calls a loop compiled with some instructions, for all that this processor has.
template <class F>
void with_each_kind(const F& f) {
    f([](const auto& loop) { detail::call_with_bytes<16>(loop); });
#if defined(__x86_64__)
    const Instructions best = detail::best_instructions();
    if (best >= Instructions::avx2) f([](const auto& loop) { detail::call_with_avx2(loop); });
    if (best >= Instructions::avx512) f([](const auto& loop) { detail::call_with_avx512(loop); });
#endif
    f([](const auto& loop) { with_instructions(loop); });
}

}  // namespace

TEST_CASE("blended rows have the bits of sums over the taps in their order") {
    constexpr int pitch = 64;
    const auto rows = numbers(9 * pitch, 0, 255, 1), weights = numbers(9, 0, 0.4F, 2);
    for (const int taps : {1, 2, 3, 4, 9}) {
        for (const int count : {1, 15, 16, 17, 64}) {
            with_each_kind([&](auto call) {
                std::vector<float> found(pitch, not_a_number);
                call([&](auto bytes) {
                    detail::RowLoops<bytes>::blend(rows.data(), pitch, weights.data(), taps, count,
                                                   found.data());
                });
                int wrong = 0;
                for (int j = 0; j < count; ++j) {
                    float sum = 0;
                    for (int k = 0; k < taps; ++k) {
                        sum = rounded_twice(sum, weights[std::size_t(k)],
                                            rows[std::size_t(k * pitch + j)]);
                    }
                    wrong += !(found[std::size_t(j)] == sum);
                }
                CHECK(wrong == 0);
            });
        }
    }
}

TEST_CASE("normalised rows have the bits of the formula") {
    const auto source = numbers(70, 0, 255, 3), mean = numbers(70, 0, 255, 4);
    std::vector<std::uint8_t> pixels(70);
    for (std::size_t j = 0; j < pixels.size(); ++j) pixels[j] = std::uint8_t(source[j]);
    for (const int count : {1, 3, 16, 31, 70}) {
        with_each_kind([&](auto call) {
            std::vector<float> of_floats(71, not_a_number), of_pixels(71, not_a_number);
            call([&](auto bytes) {
                using Loops = detail::RowLoops<bytes>;
                Loops::normalise(source.data(), mean.data(), 0.017F, count, of_floats.data());
                Loops::normalise(pixels.data(), mean.data(), 0.017F, count, of_pixels.data());
            });
            int wrong = 0;
            for (std::size_t j = 0; j < std::size_t(count); ++j) {
                wrong += !(of_floats[j] == (source[j] - mean[j]) * 0.017F);
                wrong += !(of_pixels[j] == (float(pixels[j]) - mean[j]) * 0.017F);
            }
            CHECK(wrong == 0);
            CHECK(std::isnan(of_floats[std::size_t(count)]));
        });
    }
}

TEST_CASE("rounded rows have the pixels of to_pixel, also beyond 0 and 255") {
    std::vector<float> row = numbers(400, -2, 258, 5);
    for (int i = -4; i < 520; ++i) {
        const auto half = float(i) / 2;
        row.insert(row.end(), {half, std::nextafter(half, -9.0F), std::nextafter(half, 999.0F)});
    }
    row.insert(row.end(), {1e6F, -1e6F, -0.0F, 1e20F, -1e20F});
    for (const std::size_t count : {std::size_t{1}, std::size_t{15}, std::size_t{33}, row.size()}) {
        with_each_kind([&](auto call) {
            std::vector<std::uint8_t> found(count + 1, 77);
            call([&](auto bytes) {
                detail::RowLoops<bytes>::round(row.data(), int(count), found.data());
            });
            int wrong = found[count] != 77;
            for (std::size_t j = 0; j < count; ++j) wrong += found[j] != to_pixel(row[j]);
            CHECK(wrong == 0);
        });
    }
}

TEST_CASE("a resized image in colour has the bits of two sums in float, one after the other") {
    Random random({.seed = 6, .purpose = Purpose::generate});
    for (int trial = 0; trial < 40; ++trial) {
        const int width = 1 + int(random.below(50)), height = 1 + int(random.below(50));
        Image image(width, height);
        for (auto& pixel : image.pixels) pixel = std::uint8_t(random.below(256));
        const double left = random.uniform(-0.5F, 0.9F) * float(width);
        const double right = left + random.uniform(0.05F, 1.5F) * float(width);
        const int columns = 1 + int(random.below(40)), rows = 1 + int(random.below(40));
        AxisFilter across, down;
        across.plan(left, right, width, columns);
        down.plan(0, height, height, rows);
        std::vector<float> strip(std::size_t(height * columns * 3), 0.0F);
        const auto at = [&](int y, int j) { return std::size_t(y * columns * 3 + j); };
        for (int y = 0; y < height; ++y) {
            for (int j = 0; j < columns * 3; ++j) {
                for (int k = 0; k < across.taps(); ++k) {
                    strip[at(y, j)] = rounded_twice(strip[at(y, j)], across.weights(j / 3)[k],
                                                    image.at(across.first(j / 3) + k, y, j % 3));
                }
            }
        }
        int wrong = 0;
        Resizer resizer;
        resizer.columns(image, left, right, columns);
        resizer.rows(0, height, rows, [&](int y, const float* row) {
            for (int j = 0; j < columns * 3; ++j) {
                float sum = 0;
                for (int k = 0; k < down.taps(); ++k) {
                    sum = rounded_twice(sum, down.weights(y)[k], strip[at(down.first(y) + k, j)]);
                }
                wrong += !(row[j] == sum);
            }
        });
        CHECK(wrong == 0);
    }
}
