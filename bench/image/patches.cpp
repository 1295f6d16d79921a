// SPDX-License-Identifier: MIT
// The image side on a photograph of 500 x 375: the 488 patches of the dense tiling brought to
// 224 x 224, beside OpenCV's area interpolation of the same boxes at whole pixels, and JPEG decoded
// by stb and by libjpeg.
//
// A name is work/what/threads/who, where "tessera" is libjpeg for JPEG, and `what` then the part of
// the extent. tools/ratios.py compares those that differ in `who` alone:
//   bench_image_patches --benchmark_enable_random_interleaving --benchmark_repetitions=9
//       --benchmark_out=image.json && tools/ratios.py image.json
// The photograph is generated, or the JPEG that the environment variable TESSERA_PHOTOGRAPH names.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>

#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/core/random.hpp"
#include "tessera/image/codec.hpp"
#include "tessera/patch/extract.hpp"
#include "tessera/patch/tile.hpp"
#ifdef TESSERA_JPEG
#include "tessera/image/jpeg.hpp"
#endif
#ifdef TESSERA_OPENCV
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#endif

namespace {

using namespace tessera;
using benchmark::State;

constexpr Extent patch{224, 224};
constexpr Index patch_values = Index{3} * patch.width * patch.height;

/// Octaves of noise, each twice as fine and half as strong: the spectrum of photographs.
Image generated_photograph() {
    constexpr int width = 500, height = 375;
    std::vector<float> sum(std::size_t{3} * width * height, 128.0F);
    Random random({.seed = 1, .purpose = Purpose::generate});
    float strength = 0.6F;
    for (int cells = 2; cells <= 256; cells *= 2, strength /= 2) {
        Image grid(cells, cells);
        for (auto& value : grid.pixels) value = static_cast<std::uint8_t>(random.below(256));
        const Image octave = resize(grid, {width, height});
        for (std::size_t i = 0; i < sum.size(); ++i) {
            sum[i] += strength * (static_cast<float>(octave.pixels[i]) - 127.5F);
        }
    }
    Image photograph(width, height);
    std::transform(sum.begin(), sum.end(), photograph.pixels.begin(), to_pixel);
    return photograph;
}

const std::vector<std::uint8_t>& jpeg() {
    static const std::vector<std::uint8_t> bytes = [] {
        const char* path = std::getenv("TESSERA_PHOTOGRAPH");
        return path ? read_file(path) : encode_jpeg(generated_photograph(), 90);
    }();
    return bytes;
}

const Image& photograph() {
    static const Image image = decode(jpeg());
    return image;
}

const std::vector<Box>& boxes() {
    static const std::vector<Box> all =
        boxes_of(tile(photograph().width, photograph().height, Tiling::dense()));
    return all;
}

const Normaliser& normaliser() {
    static const Normaliser by_pixel = [] {
        std::vector<float> mean(patch_values);
        for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = static_cast<float>(90 + i % 60);
        return Normaliser({3, patch.height, patch.width}, mean, 1);
    }();
    return by_pixel;
}

/// A part of the boxes at a time, so that what is written stays in a cache as that of a batch does.
constexpr Index piece = 16;

void report(State& state, double bytes_a_value) {
    state.counters["GB"] = benchmark::Counter(
        bytes_a_value * 1e-9 * static_cast<double>(std::ssize(boxes()) * patch_values),
        benchmark::Counter::kIsIterationInvariantRate);
}

/// Runs body(first, count, thread) over pieces of the boxes.
template <class Body>
void for_each_piece(int threads, const Body& body) {
    const Index count = std::ssize(boxes());
    cpu::parallel_for(count, threads, [&](Index begin, Index end, int thread) {
        for (; begin < end; begin += piece) body(begin, std::min(piece, end - begin), thread);
    });
}

void extract_bytes(State& state, int threads) {
    std::vector<PatchExtractor> extractors(static_cast<std::size_t>(threads));
    std::vector<std::vector<Image>> patches(extractors.size());
    for (auto _ : state) {
        cpu::parallel_for(std::ssize(boxes()), threads, [&](Index begin, Index end, int thread) {
            const auto t = static_cast<std::size_t>(thread);
            extractors[t].images(
                photograph(),
                std::span(boxes()).subspan(std::size_t(begin), std::size_t(end - begin)), patch,
                patches[t]);
        });
        benchmark::ClobberMemory();
    }
    report(state, 1);
}

void extract_floats(State& state, int threads) {
    std::vector<PatchExtractor> extractors(static_cast<std::size_t>(threads));
    std::vector<std::vector<float>> rows(static_cast<std::size_t>(threads));
    for (auto& row : rows) row.resize(static_cast<std::size_t>(piece * patch_values));
    for (auto _ : state) {
        for_each_piece(threads, [&](Index begin, Index count, int thread) {
            const auto t = static_cast<std::size_t>(thread);
            extractors[t].samples(
                photograph(), std::span(boxes()).subspan(std::size_t(begin), std::size_t(count)),
                {patch, {}, patch, normaliser()}, rows[t].data());
        });
        benchmark::ClobberMemory();
    }
    report(state, 4);
}

#ifdef TESSERA_OPENCV
/// The box at whole pixels: OpenCV's regions have no others.
cv::Rect region(const Box& box) {
    const auto whole = [](double edge) { return static_cast<int>(std::lround(edge)); };
    const int left = whole(box.left), top = whole(box.top);
    return {left, top, whole(box.right) - left, whole(box.bottom) - top};
}

cv::Mat matrix(const Image& image) {
    return {image.height, image.width, CV_8UC3, const_cast<std::uint8_t*>(image.pixels.data())};
}

void opencv_bytes(State& state, int threads) {
    cv::setNumThreads(1);
    const cv::Mat image = matrix(photograph());
    std::vector<cv::Mat> patches(boxes().size());
    for (auto _ : state) {
        for_each_piece(threads, [&](Index begin, Index count, int) {
            for (Index i = begin; i < begin + count; ++i) {
                const auto at = static_cast<std::size_t>(i);
                cv::resize(image(region(boxes()[at])), patches[at], {patch.width, patch.height}, 0,
                           0, cv::INTER_AREA);
            }
        });
        benchmark::ClobberMemory();
    }
    report(state, 1);
}

void opencv_floats(State& state, int threads) {
    cv::setNumThreads(1);
    const cv::Mat image = matrix(photograph());
    const cv::Mat mean(patch.height, patch.width, CV_32FC3,
                       const_cast<float*>(normaliser().mean().data()));
    std::vector<std::vector<float>> rows(static_cast<std::size_t>(threads));
    for (auto& row : rows) row.resize(static_cast<std::size_t>(piece * patch_values));
    for (auto _ : state) {
        for_each_piece(threads, [&](Index begin, Index count, int thread) {
            float* target = rows[static_cast<std::size_t>(thread)].data();
            cv::Mat bytes, floats;
            for (Index i = begin; i < begin + count; ++i, target += patch_values) {
                cv::resize(image(region(boxes()[static_cast<std::size_t>(i)])), bytes,
                           {patch.width, patch.height}, 0, 0, cv::INTER_AREA);
                cv::Mat sample(patch.height, patch.width, CV_32FC3, target);
                cv::subtract(bytes, mean, sample, cv::noArray(), CV_32F);
            }
        });
        benchmark::ClobberMemory();
    }
    report(state, 4);
}
#endif

template <class Decode>
void run_decoder(State& state, const Decode& decode) {
    for (auto _ : state) benchmark::DoNotOptimize(decode().pixels.data());
    state.counters["GB"] =
        benchmark::Counter(static_cast<double>(photograph().pixels.size()) * 1e-9,
                           benchmark::Counter::kIsIterationInvariantRate);
}

void decode_by_stb(State& state) {
    run_decoder(state, [] { return decode(jpeg()); });
}

#ifdef TESSERA_JPEG
void decode_by_libjpeg(State& state, int part) {
    const Extent at_least{photograph().width / part, photograph().height / part};
    run_decoder(state, [&] { return decode_jpeg(jpeg(), {.at_least = at_least}); });
}
#endif

template <class Run, class... Arguments>
void add(const std::string& name, Run run, Arguments... arguments) {
    benchmark::RegisterBenchmark(name.c_str(), run, arguments...)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
}

const bool registered = [] {
#ifdef TESSERA_OPENCV
    benchmark::AddCustomContext("opencv", CV_VERSION);
#endif
    for (const int threads : std::set{1, cpu::max_threads()}) {
        const std::string end = "/" + std::to_string(threads) + "/";
        add("patches/bytes" + end + "tessera", extract_bytes, threads);
#ifdef TESSERA_OPENCV
        add("patches/bytes" + end + "opencv", opencv_bytes, threads);
#endif
        add("patches/floats" + end + "tessera", extract_floats, threads);
#ifdef TESSERA_OPENCV
        add("patches/floats" + end + "opencv", opencv_floats, threads);
#endif
    }
    const std::pair<const char*, int> parts[] = {
        {"whole", 1}, {"half", 2}, {"quarter", 4}, {"eighth", 8}};
    for (const auto& [what, part] : parts) {
        const std::string name = std::string("jpeg/") + what + "/1/";
        add(name + "stb", decode_by_stb);  // knows no part
#ifdef TESSERA_JPEG
        add(name + "tessera", decode_by_libjpeg, part);
#endif
    }
    return true;
}();

}  // namespace
