// SPDX-License-Identifier: MIT
// Time on the device, by events: calls are recorded once and replayed, so that the processor's part
// of a launch does not count; the median of some runs, and how far they lie apart. Arrays hold
// random numbers, never zeros, with which a GPU draws less power and runs faster, and take turns
// with others where they would stay in the cache.
#pragma once

#include <algorithm>
#include <cmath>
#include <ctime>
#include <type_traits>
#include <utility>
#include <vector>

#include "report.hpp"
#include "tessera/backend/cuda/bfloat16.cuh"
#include "tessera/backend/cuda/graph.cuh"
#include "tessera/backend/cuda/philox.cuh"
#include "work.hpp"

namespace bench {

using tessera::Buffer;
using tessera::cuda::DeviceMemory;

/// A moment in the calling thread's stream.
class Event {
public:
    Event() { tessera::cuda::detail::check(::cudaEventCreate(&event_), "cudaEventCreate"); }
    Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
    Event& operator=(Event&&) = delete;
    ~Event() {
        if (event_) ::cudaEventDestroy(event_);
    }
    void record() {
        tessera::cuda::detail::check(::cudaEventRecord(event_, cudaStreamPerThread),
                                     "cudaEventRecord");
    }
    /// Milliseconds from an earlier event to this one, which is waited for.
    double since(const Event& earlier) const {
        float milliseconds = 0;
        tessera::cuda::detail::check(::cudaEventSynchronize(event_), "cudaEventSynchronize");
        tessera::cuda::detail::check(::cudaEventElapsedTime(&milliseconds, earlier.event_, event_),
                                     "cudaEventElapsedTime");
        return milliseconds;
    }

private:
    cudaEvent_t event_ = nullptr;
};

/// Milliseconds of one call: the median of the runs; a tenth of them lie below `low`, a tenth above
/// `high`.
struct Timing {
    double ms = 0, low = 0, high = 0;
    int runs = 0;
};

/// Of any numbers, at least one.
inline Timing summarise(std::vector<double> times) {
    std::sort(times.begin(), times.end());
    const std::size_t edge = times.size() / 10;
    return {times[times.size() / 2], times[edge], times[times.size() - 1 - edge],
            static_cast<int>(times.size())};
}

/// How work reaches the device.
enum class Way { recorded, plain };

inline const char* name_of(Way way) { return way == Way::recorded ? "graph" : "plain"; }

/// Measures body(set), which asks the device for work on one of `sets` sets of arrays, in turns.
/// Each run lasts some milliseconds or one round of the sets.
template <class Body>
Timing measure(Body&& body, int sets, bool quick, Way way = Way::recorded) {
    Event begin, end;
    const auto time = [&](const auto& work) {
        begin.record();
        work();
        end.record();
        return end.since(begin);
    };
    const auto calls_of_body = [&](int count) {
        for (int call = 0; call < count; ++call) body(call % sets);
    };
    calls_of_body(sets);  // warm: memory is there, code is loaded
    const double once = std::max(time([&] { calls_of_body(sets); }) / sets, 1e-3);
    const double wanted = quick ? 3 : 20;
    const int rounds = static_cast<int>(std::ceil(wanted / once / sets));
    const int calls = std::clamp(rounds, 1, std::max(1, 4000 / sets)) * sets;

    tessera::cuda::Graph graph;
    if (way == Way::recorded) graph.record([&] { calls_of_body(calls); });
    const auto run = [&] { way == Way::recorded ? graph.replay() : calls_of_body(calls); };
    // Slow calls have fewer runs: three seconds of them, but at least three.
    const double most_runs = 3000 / (once * calls);
    if (most_runs > 10) run();
    const double runs = std::clamp(most_runs, 3.0, quick ? 5.0 : 15.0);
    std::vector<double> times(static_cast<std::size_t>(runs));
    for (double& each : times) each = time(run) / calls;
    return summarise(times);
}

/// Numbers from `low` to `high`, the same every time.
template <class T>
struct FillRandom {
    Index count;
    tessera::Stream stream;
    float low, high;
    T* to;

    __device__ void operator()() const {
        const Index first = tessera::cuda::global_thread() * 4;
        if (first >= count) return;
        const auto words =
            tessera::cuda::random_words(stream, static_cast<std::uint32_t>(first / 4));
        for (int k = 0; k < 4 && first + k < count; ++k) {
            const float share = static_cast<float>(words[k] >> 8) * 0x1p-24F;
            const float number = low + share * (high - low);
            if constexpr (std::is_same_v<T, tessera::Bf16>) {
                to[first + k].bits =
                    static_cast<std::uint16_t>(tessera::cuda::packed_bf16(number, 0));
            } else {
                to[first + k] = static_cast<T>(number);
            }
        }
    }
};

template <class T>
void fill_random(T* to, Index count, float low, float high, std::uint64_t seed = 1) {
    tessera::cuda::launch("random numbers", tessera::cuda::blocks_for((count + 3) / 4),
                          tessera::cuda::default_threads,
                          FillRandom<T>{count, {.seed = seed}, low, high, to});
}

/// How many sets of `bytes` it takes to leave nothing of one in the cache until its next turn.
inline int sets_for(double bytes) {
    int device = 0, cache = 0;
    tessera::cuda::detail::check(::cudaGetDevice(&device), "cudaGetDevice");
    tessera::cuda::detail::check(::cudaDeviceGetAttribute(&cache, cudaDevAttrL2CacheSize, device),
                                 "cudaDeviceGetAttribute");
    return static_cast<int>(std::clamp(std::ceil(4.0 * cache / std::max(bytes, 1.0)), 1.0, 1000.0));
}

/// One array for each set, of random numbers from `low` to `high`.
template <class T = float>
class Arrays {
public:
    Arrays(int sets, Index count, float low = -1, float high = 1)
        : count_((count + 63) / 64 * 64), memory_(sets * count_) {
        fill_random(memory_.data(), memory_.size(), low, high, next_seed());
    }
    T* operator[](int set) { return memory_.data() + set * count_; }

private:
    static std::uint64_t next_seed() {
        static std::uint64_t seed = 0;
        return ++seed;
    }
    Index count_;
    Buffer<T, DeviceMemory> memory_;
};

/// The first line of every program here: the machine, and what was measured on it.
inline void print_machine(const char* program) {
    int number = 0, driver = 0, runtime = 0;
    cudaDeviceProp device{};
    tessera::cuda::detail::check(::cudaGetDevice(&number), "cudaGetDevice");
    tessera::cuda::detail::check(::cudaGetDeviceProperties(&device, number),
                                 "cudaGetDeviceProperties");
    tessera::cuda::detail::check(::cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
    tessera::cuda::detail::check(::cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
    char date[32];
    const std::time_t now = std::time(nullptr);
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
    Line()
        .add("what", "machine")
        .add("program", program)
        .add("card", device.name)
        .add("capability", device.major + 0.1 * device.minor)
        .add("multiprocessors", device.multiProcessorCount)
        .add("cache_mb", device.l2CacheSize / 1e6)
        .add("memory_gb", static_cast<double>(device.totalGlobalMem) / 1e9)
        .add("driver", first_line_of("nvidia-smi --query-gpu=driver_version --format=csv,noheader"))
        .add("driver_cuda", tessera::cuda::detail::version_text(driver))
        .add("runtime", tessera::cuda::detail::version_text(runtime))
        .add("clocks", clocks_now())
        .add("commit", commit())
        .add("date", date)
        .print();
}

/// Adds what every measurement of counted work says.
inline Line& add_rates(Line& line, const Timing& timing, const Work& work, double flop_ceiling,
                       double byte_ceiling) {
    const double seconds = timing.ms * 1e-3;
    const double expected = work.seconds(flop_ceiling, byte_ceiling);
    return line.add("ms", timing.ms)
        .add("ms_low", timing.low)
        .add("ms_high", timing.high)
        .add("runs", timing.runs)
        .add("gflop", work.flops * 1e-9)
        .add("mb", work.bytes * 1e-6)
        .add("tflop_per_s", work.flops / seconds * 1e-12)
        .add("gb_per_s", work.bytes / seconds * 1e-9)
        .add("percent_of_product", 100 * work.flops / seconds / flop_ceiling)
        .add("percent_of_copy", 100 * work.bytes / seconds / byte_ceiling)
        .add("predicted_ms", expected * 1e3)
        .add("percent_of_prediction", 100 * expected / seconds);
}

}  // namespace bench
