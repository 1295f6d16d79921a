// SPDX-License-Identifier: MIT
// What the tests of the ops share: random values and geometries, exact working memory, comparison.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "tessera/backend/geometry.hpp"
#include "tessera/core/bfloat16.hpp"
#include "tessera/core/buffer.hpp"
#include "tessera/core/random.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace tessera::test {

using Values = std::vector<double>;

inline constexpr double tolerance = 1e-5;

template <class T>
std::vector<T> random_values(Random& random, Index count, double low = -1, double high = 1) {
    std::vector<T> values(static_cast<std::size_t>(count));
    for (T& value : values) value = static_cast<T>(low + (high - low) * random.uniform());
    return values;
}

/// The same numbers in another type, rounded where it has fewer bits.
template <class T, class From>
std::vector<T> converted(const std::vector<From>& values) {
    return std::vector<T>(values.begin(), values.end());
}

/// The oracle works in double on the very values the other backend gets.
template <class T>
Values widened(const std::vector<T>& values) {
    return converted<double>(values);
}

/// An output as the contract allows it to be before the op runs.
template <class T>
std::vector<T> unwritten(Index count) {
    const auto nan = static_cast<T>(std::numeric_limits<float>::quiet_NaN());
    return std::vector<T>(static_cast<std::size_t>(count), nan);
}

/// How far from `value` the nearest number of type T may be: half a unit in the last place of
/// bfloat16, nothing worth mentioning of the others.
template <class T>
double half_unit(double value) {
    if (!std::is_same_v<T, Bf16> || value == 0 || !std::isfinite(value)) return 0;
    return std::ldexp(1.0, std::ilogb(value) - 8);
}

/// The largest difference beyond half_unit(), relative to the largest expected magnitude; infinite
/// for a NaN that is not expected.
template <class T>
double difference(const std::vector<T>& found, const Values& expected) {
    double most = 0, largest = std::numeric_limits<double>::min();
    if (found.size() != expected.size()) return std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < found.size(); ++i) {
        const double number = static_cast<double>(found[i]);
        if (std::isnan(expected[i]) && std::isnan(number)) continue;
        const double apart = std::abs(number - expected[i]) - half_unit<T>(expected[i]);
        most = std::isnan(apart) ? std::numeric_limits<double>::infinity() : std::max(most, apart);
        largest = std::max(largest, std::abs(expected[i]));
        if (std::isinf(most)) break;
    }
    return most / largest;
}

/// The number of threads for the ops without working memory, until the end of the scope.
class Threads {
public:
    explicit Threads(int count) {
#ifdef _OPENMP
        before_ = omp_get_max_threads();
        omp_set_num_threads(count);
#else
        static_cast<void>(count);
#endif
    }
    ~Threads() {
#ifdef _OPENMP
        omp_set_num_threads(before_);
#endif
    }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;

private:
    [[maybe_unused]] int before_ = 1;
};

/// As many bytes as the op asks for and not one more, so that a sanitizer sees what goes beyond.
template <class Op, class T>
class Memory {
public:
    template <class Geometry>
    Memory(const Geometry& g, int threads)
        : bytes_(static_cast<Index>(Op::template scratch_bytes<T>(g, threads))),
          threads_(threads) {}
    operator Scratch() {
        return {bytes_.data(), static_cast<std::size_t>(bytes_.size()), threads_};
    }

private:
    Buffer<std::byte> bytes_;
    int threads_;
};

/// How many of `count` rounds a table runs: a GPU in software takes its time.
template <class Table>
constexpr int rounds(int count) {
    if constexpr (requires { Table::in_software; }) return (count + 7) / 8;
    return count;
}

inline int between(Random& random, int low, int high) {
    return low + static_cast<int>(random.below(static_cast<std::uint32_t>(high - low + 1)));
}

/// Positions of a window of `size` over `input` plus `pad` in front, with the last one as far out
/// as rounding up allows, or one further.
inline int random_output(Random& random, int input, int size, int stride, int pad) {
    const int room = std::max(0, input + pad - size);
    return 1 + between(random, room / stride, (room + stride - 1) / stride + 1);
}

inline SlidingWindow random_window(Random& random) {
    SlidingWindow window;
    window.height = between(random, 1, 5);
    window.width = between(random, 1, 5);
    window.stride = between(random, 1, 4);
    window.pad_top = between(random, 0, window.height - 1);
    window.pad_left = between(random, 0, window.width - 1);
    return window;
}

inline int random_batch(Random& random) { return between(random, 1, 33); }

inline ConvGeometry random_convolution(Random& random) {
    ConvGeometry g;
    g.batch = random_batch(random);
    g.groups = between(random, 1, 3);
    g.window = random_window(random);
    g.input = {g.groups * between(random, 1, 19), between(random, 1, 13), between(random, 1, 13)};
    g.output.channels = g.groups * between(random, 1, 21);
    g.output.height =
        random_output(random, g.input.height, g.window.height, g.window.stride, g.window.pad_top);
    g.output.width =
        random_output(random, g.input.width, g.window.width, g.window.stride, g.window.pad_left);
    return g;
}

inline PoolGeometry random_pooling(Random& random) {
    PoolGeometry g;
    g.batch = random_batch(random);
    g.window = random_window(random);
    g.input = {between(random, 1, 70), between(random, 1, 13), between(random, 1, 13)};
    g.output = {
        g.input.channels,
        random_output(random, g.input.height, g.window.height, g.window.stride, g.window.pad_top),
        random_output(random, g.input.width, g.window.width, g.window.stride, g.window.pad_left)};
    return g;
}

/// The largest difference between `gradient` and central differences of `loss` over the values of
/// `x`, relative to the largest magnitude of the gradient. `loss` reads x through its reference.
template <class F>
double gradient_error(Values& x, const Values& gradient, const F& loss, double step = 1e-4) {
    double most = 0, largest = std::numeric_limits<double>::min();
    if (x.size() != gradient.size()) return std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double before = x[i];
        x[i] = before + step;
        const double above = loss();
        x[i] = before - step;
        const double below = loss();
        x[i] = before;
        const double apart = std::abs((above - below) / (2 * step) - gradient[i]);
        most = std::isnan(apart) ? std::numeric_limits<double>::infinity() : std::max(most, apart);
        largest = std::max(largest, std::abs(gradient[i]));
    }
    return most / largest;
}

/// The scalar whose gradient with respect to `y` is `dy`.
inline double dot(const Values& y, const Values& dy) {
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * dy[i];
    return sum;
}

}  // namespace tessera::test
