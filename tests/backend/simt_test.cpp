// SPDX-License-Identifier: MIT
// The machine that runs CUDA kernels on the processor.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tessera/backend/cuda/divide.cuh"
#include "tessera/backend/cuda/warp.cuh"

using namespace tessera;
using cuda::launch;

namespace {

struct Numbers {
    float values[96];
};

struct CountVisits {
    int* visits;
    void operator()() const {
        const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
        const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
        ++visits[block * (blockDim.x * blockDim.y * blockDim.z) + thread];
    }
};

/// Each thread passes its number on through shared memory, to the one `step` further.
struct PassOn {
    using Shared = Numbers;
    unsigned step;
    bool waits;
    float* found;
    void operator()() const {
        auto& shared = cuda::shared_memory<Shared>();
        for (unsigned round = 0; round < 3; ++round) {
            shared.values[threadIdx.x] = static_cast<float>(threadIdx.x + round);
            if (waits) __syncthreads();
            found[cuda::global_thread()] = shared.values[(threadIdx.x + step) % blockDim.x];
            if (waits) __syncthreads();
            if (!waits) return;
        }
    }
};

/// Every second thread stays away from the barrier or the shuffle.
struct StayAway {
    bool shuffles;
    void operator()() const {
        if (threadIdx.x % 2) return;
        if (shuffles) {
            __shfl_xor_sync(0xFFFFFFFF, 1, 2);
        } else {
            __syncthreads();
        }
    }
};

/// The sum and the maximum of each warp, the sum twice with a barrier between.
template <class T>
struct WarpSums {
    const T* x;
    T* sums;
    T* maxima;
    void operator()() const {
        const Index i = cuda::global_thread();
        const T sum = cuda::warp_sum(x[i]);
        __syncthreads();
        sums[i] = cuda::warp_sum(x[i]);
        maxima[i] = cuda::warp_max(x[i]);
        if (sum != sums[i]) sums[i] = -1;
    }
};

struct OrderOfThreads {
    int* next;
    int* order;
    void operator()() const { order[cuda::global_thread()] = (*next)++; }
};

}  // namespace

TEST_CASE("every thread of every block runs once and knows its place") {
    std::vector<int> visits(2 * 3 * 4 * 5 * 6 * 7);
    launch("", {2, 3, 4}, {5, 6, 7}, CountVisits{visits.data()});
    CHECK(std::all_of(visits.begin(), visits.end(), [](int count) { return count == 1; }));
    launch("", {2, 0, 4}, 7, CountVisits{nullptr});
}

TEST_CASE("the threads of every second block run from the last to the first") {
    int next = 0;
    std::vector<int> order(12, -1);
    launch("", 3, 3, OrderOfThreads{&next, order.data()});
    launch("", 1, 3, OrderOfThreads{&next, order.data() + 9});
    const std::vector<int> upwards{0, 1, 2, 5, 4, 3, 6, 7, 8, 11, 10, 9};
    const std::vector<int> downwards{2, 1, 0, 3, 4, 5, 8, 7, 6, 9, 10, 11};
    CHECK((order == upwards || order == downwards));
}

TEST_CASE("a barrier lets a thread read what another wrote") {
    for (const unsigned step : {1u, 40u, 95u}) {
        std::vector<float> found(4 * 96);
        launch("", 4, 96, PassOn{step, true, found.data()});
        for (unsigned i = 0; i < found.size(); ++i) {
            CHECK(found[i] == static_cast<float>((i + step) % 96 + 2));
        }
    }
}

TEST_CASE("a missing barrier shows, and every block begins with NaN in its shared memory") {
    for (const unsigned step : {1u, 95u}) {
        std::vector<float> found(4 * 96);
        launch("", 4, 96, PassOn{step, false, found.data()});
        // Upwards, all but the last read the next one's number before it is written; downwards,
        // only the first to run does.
        std::vector<long> counts;
        for (unsigned block = 0; block < 4; ++block) {
            const auto begin = found.begin() + block * 96;
            const auto lost =
                std::count_if(begin, begin + 96, [](float value) { return std::isnan(value); });
            counts.push_back(lost);
        }
        CHECK((counts == std::vector<long>{95, 1, 95, 1} ||
               counts == std::vector<long>{1, 95, 1, 95}));
    }
}

TEST_CASE_TEMPLATE("the lanes of a warp exchange numbers", T, int, float, double) {
    std::vector<T> x(2 * 96), sums(x.size()), maxima(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(i * 37 % 101);
    launch("", 2, 96, WarpSums<T>{x.data(), sums.data(), maxima.data()});
    for (std::size_t i = 0; i < x.size(); ++i) {
        const auto first = x.begin() + static_cast<Index>(i / 32 * 32);
        T sum = 0;
        for (auto value = first; value != first + 32; ++value) sum += *value;
        CHECK(sums[i] == sum);
        CHECK(maxima[i] == *std::max_element(first, first + 32));
    }
}

TEST_CASE("threads that wait for others in vain are an error, and the next launch is well") {
    CHECK_THROWS_WITH(launch("", 1, 64, StayAway{false}),
                      "kernel: 32 of 64 threads of a block wait at a barrier, 32 are through, the "
                      "others wait in a shuffle");
    CHECK_THROWS_WITH(launch("", 1, 64, StayAway{true}),
                      "kernel: 0 of 64 threads of a block wait at a barrier, 32 are through, the "
                      "others wait in a shuffle");
    const std::vector<float> x(16, 1);
    std::vector<float> sums(16), maxima(16);
    CHECK_THROWS_WITH(launch("", 1, 16, WarpSums<float>{x.data(), sums.data(), maxima.data()}),
                      "kernel: a shuffle asks for a lane that a block of 16 threads does not have");
    std::vector<float> found(2 * 96);
    launch("", 2, 96, PassOn{1, true, found.data()});
    CHECK(std::none_of(found.begin(), found.end(), [](float value) { return std::isnan(value); }));
}

TEST_CASE("positions beyond 32 bits are divided too") {
    for (const Index number : {Index{0}, Index{6}, Index{1} << 31, (Index{1} << 32) - 1,
                               Index{1} << 32, (Index{1} << 45) + 12345}) {
        for (const int by : {1, 7, 2147483647}) {
            const cuda::Divided divided = cuda::divide(number, by);
            CHECK(divided.quotient == number / by);
            CHECK(divided.remainder == number % by);
        }
    }
}
