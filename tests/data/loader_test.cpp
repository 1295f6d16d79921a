// SPDX-License-Identifier: MIT
// The loader gives the same batches whatever the number of workers, and bad samples do as agreed.
#include "tessera/data/loader.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>

#include "files.hpp"
#include "tessera/data/image_folder.hpp"
#include "tessera/image/augment.hpp"
#include "tessera/image/codec.hpp"
#include "tessera/image/normaliser.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

struct Rows {
    std::vector<double> values;
};

using RowLoader = Loader<Rows>;

std::function<Rows()> rows(int batch) {
    return [batch] { return Rows{std::vector<double>(static_cast<std::size_t>(batch), -7)}; };
}

/// A value that tells index and epoch; some take longer than others.
void fill(const LoaderSample& sample, Rows& batch) {
    if (sample.index % 5 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    batch.values[static_cast<std::size_t>(sample.position)] =
        static_cast<double>(sample.index) + 1000.0 * sample.epoch;
}

void clear(const LoaderSample& sample, Rows& batch) {
    batch.values[static_cast<std::size_t>(sample.position)] = -1;
}

/// What arrives from a batch to the end of the epoch: values and samples, batch by batch.
struct Arrived {
    std::vector<std::vector<double>> values;
    std::vector<std::vector<Index>> samples;

    friend bool operator==(const Arrived&, const Arrived&) = default;
};

Arrived drain(RowLoader& loader, Index first = 0) {
    Arrived arrived;
    for (Index number = first;; ++number) {
        const RowLoader::Loaded loaded = loader.next();
        if (!loaded.batch) return arrived;
        REQUIRE(loaded.number == number);
        const auto& values = loaded.batch->values;
        arrived.samples.emplace_back(loaded.samples.begin(), loaded.samples.end());
        arrived.values.emplace_back(values.begin(), values.begin() + std::ssize(loaded.samples));
    }
}

}  // namespace

TEST_CASE("batches are the same for any number of workers and any prefetch") {
    Arrived expected[2];
    for (const int workers : {0, 1, 2, 5}) {
        for (const int prefetch : {1, 3, 40}) {
            RowLoader loader(
                {.samples = 103, .batch = 8, .workers = workers, .prefetch = prefetch, .seed = 11},
                rows(8), fill);
            CHECK(loader.batches() == 13);
            for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
                loader.start(epoch);
                const Arrived arrived = drain(loader);
                if (workers == 0 && prefetch == 1) expected[epoch] = arrived;
                CHECK(arrived == expected[epoch]);
                CHECK_FALSE(loader.next().batch);
            }
        }
    }
    CHECK(expected[0].samples.back().size() == 7);
    CHECK(expected[0].samples != expected[1].samples);
    for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
        std::set<Index> seen;
        for (std::size_t b = 0; b < 13; ++b) {
            for (std::size_t i = 0; i < expected[epoch].samples[b].size(); ++i) {
                const Index sample = expected[epoch].samples[b][i];
                seen.insert(sample);
                CHECK(expected[epoch].values[b][i] == static_cast<double>(sample) + 1000 * epoch);
            }
        }
        CHECK(seen.size() == 103);
        CHECK(*seen.rbegin() == 102);
    }
}

TEST_CASE("random crops have the same bytes for any number of workers") {
    constexpr Extent whole{40, 32}, part{28, 24};
    constexpr int samples = 30, batch = 4;
    Random random({.seed = 8, .purpose = Purpose::generate});
    std::vector<Image> images(samples, Image(whole.width, whole.height));
    for (Image& image : images) {
        for (std::uint8_t& pixel : image.pixels) pixel = std::uint8_t(random.bits());
    }
    const Normaliser normaliser({124, 117, 104}, 1 / 57.0f);
    const auto bytes_with = [&](int workers) {
        std::vector<std::vector<float>> epochs;
        Loader<std::vector<float>> loader(
            {.samples = samples, .batch = batch, .workers = workers, .prefetch = 3, .seed = 6},
            [&] { return std::vector<float>(std::size_t(batch * part.width * part.height * 3)); },
            [&](const LoaderSample& sample, std::vector<float>& rows) {
                const AugmentKey key{6, sample.epoch, std::uint32_t(sample.index)};
                const Window window = random_window(whole, part, key);
                normaliser.write(images[std::size_t(sample.index)], window, part,
                                 rows.data() + sample.position * part.width * part.height * 3);
            });
        for (const std::uint32_t epoch : {0u, 1u}) {
            auto& values = epochs.emplace_back();
            loader.start(epoch);
            for (auto loaded = loader.next(); loaded.batch; loaded = loader.next()) {
                const auto count = std::ssize(loaded.samples) * part.width * part.height * 3;
                values.insert(values.end(), loaded.batch->begin(), loaded.batch->begin() + count);
            }
        }
        return epochs;
    };
    const auto expected = bytes_with(1);
    REQUIRE(expected[0].size() == std::size_t(samples * part.width * part.height * 3));
    CHECK(expected[0] != expected[1]);
    for (const int workers : {0, 2, 4}) {
        const auto found = bytes_with(workers);
        for (std::size_t epoch = 0; epoch < 2; ++epoch) {
            REQUIRE(found[epoch].size() == expected[epoch].size());
            CHECK(std::memcmp(found[epoch].data(), expected[epoch].data(),
                              found[epoch].size() * sizeof(float)) == 0);
        }
    }
}

TEST_CASE("another seed gives another order, and without shuffling it is the order of the data") {
    const auto first = [](std::uint64_t seed, bool shuffle) {
        RowLoader loader({.samples = 50, .batch = 50, .seed = seed, .shuffle = shuffle}, rows(50),
                         fill);
        loader.start(3);
        return drain(loader).samples.at(0);
    };
    CHECK(first(1, true) == first(1, true));
    CHECK(first(1, true) != first(2, true));
    std::vector<Index> order(50);
    shuffle_epoch(order, 1, 3);
    CHECK(first(1, true) == order);
    std::iota(order.begin(), order.end(), Index{0});
    CHECK(first(1, false) == order);
}

TEST_CASE("an epoch can begin at any batch") {
    RowLoader loader({.samples = 30, .batch = 4, .workers = 3, .seed = 5}, rows(4), fill);
    loader.start(2);
    const Arrived whole = drain(loader);
    REQUIRE(whole.samples.size() == 8);
    for (Index first = 0; first <= 8; ++first) {
        loader.start(2, first);
        const Arrived rest = drain(loader, first);
        CHECK(
            std::ranges::equal(rest.samples, std::span(whole.samples).subspan(std::size_t(first))));
        CHECK(std::ranges::equal(rest.values, std::span(whole.values).subspan(std::size_t(first))));
    }
    CHECK(has(message_of([&] { loader.start(2, 9); }), "found first batch 9, expected 0..8"));
}

TEST_CASE("an incomplete last batch can be left out") {
    RowLoader loader({.samples = 30, .batch = 4, .whole_batches = true}, rows(4), fill);
    CHECK(loader.batches() == 7);
    loader.start(0);
    const Arrived arrived = drain(loader);
    CHECK(arrived.samples.size() == 7);
    CHECK(arrived.samples.back().size() == 4);
}

TEST_CASE("the consumer may stop early, start again, or leave") {
    std::atomic<int> made = 0;
    const auto slow = [&](const LoaderSample& sample, Rows& batch) {
        std::this_thread::sleep_for(std::chrono::microseconds(300));
        fill(sample, batch);
        ++made;
    };
    {
        RowLoader loader({.samples = 1000, .batch = 4, .workers = 3, .prefetch = 4}, rows(4), slow);
        CHECK_FALSE(loader.next().batch);
        loader.start(0);
        loader.next();
        loader.start(1);
        CHECK(loader.next().number == 0);
        loader.next();
    }
    CHECK(made < 100);
    RowLoader untouched({.samples = 10, .batch = 4, .workers = 2}, rows(4), slow);
}

TEST_CASE("no more batches are prepared than asked for, and a batch in use is left alone") {
    std::atomic<Index> furthest = -1;
    const auto watch = [&](const LoaderSample& sample, Rows& batch) {
        Index seen = furthest;
        while (seen < sample.batch && !furthest.compare_exchange_weak(seen, sample.batch)) {
        }
        fill(sample, batch);
    };
    RowLoader loader({.samples = 80, .batch = 2, .workers = 4, .prefetch = 3, .shuffle = false},
                     rows(2), watch);
    loader.start(0);
    for (Index number = 0; number < 40; ++number) {
        const RowLoader::Loaded loaded = loader.next();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        CHECK(furthest <= number + 3);
        CHECK(loaded.batch->values ==
              std::vector<double>{2.0 * double(number), 2.0 * double(number) + 1});
    }
}

TEST_CASE("the batches are made once and filled again") {
    int made = 0;
    std::set<const Rows*> used;
    RowLoader loader(
        {.samples = 40, .batch = 4, .workers = 2, .prefetch = 2}, [&] { return ++made, rows(4)(); },
        fill);
    for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
        loader.start(epoch);
        while (const Rows* batch = loader.next().batch) used.insert(batch);
    }
    CHECK(made == 3);
    CHECK(used.size() == 3);
}

TEST_CASE("under stop, the first bad sample of a batch reaches the consumer in its place") {
    const auto produce = [](const LoaderSample& sample, Rows& batch) {
        // The later one is quicker to fail.
        if (sample.index == 17) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        require(sample.index != 17 && sample.index != 19, "image ", sample.index, " is broken");
        fill(sample, batch);
    };
    for (const int workers : {0, 1, 4}) {
        RowLoader loader({.samples = 40, .batch = 4, .workers = workers, .shuffle = false}, rows(4),
                         produce);
        for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
            loader.start(epoch);
            for (int i = 0; i < 4; ++i) CHECK(loader.next().number == i);
            CHECK(message_of([&] { loader.next(); }) == "image 17 is broken");
            CHECK_FALSE(loader.next().batch);
        }
        loader.start(0, 5);
        CHECK(drain(loader, 5).samples.size() == 5);
        CHECK(loader.skipped() == 0);
    }
}

TEST_CASE("under skip, bad samples are blanked in their place and counted once") {
    const auto produce = [](const LoaderSample& sample, Rows& batch) {
        if (sample.index == 9) throw 42;
        require(sample.index % 20 != 17, "image ", sample.index, " is broken");
        fill(sample, batch);
    };
    Arrived expected;
    for (const int workers : {0, 1, 4}) {
        RowLoader loader(
            {.samples = 60, .batch = 7, .workers = workers, .seed = 3, .bad = BadSample::skip},
            rows(7), produce, clear);
        for (int repeat = 0; repeat < 2; ++repeat) {
            loader.start(0);
            const Arrived arrived = drain(loader);
            if (workers == 0) expected = arrived;
            CHECK(arrived == expected);
            CHECK(loader.skipped() == 4);
            CHECK(loader.complaints().size() == 4);
        }
    }
    int blanks = 0;
    for (std::size_t b = 0; b < expected.samples.size(); ++b) {
        for (std::size_t i = 0; i < expected.samples[b].size(); ++i) {
            CHECK((expected.samples[b][i] == -1) == (expected.values[b][i] == -1));
            blanks += expected.samples[b][i] == -1 ? 1 : 0;
        }
    }
    CHECK(blanks == 4);
}

TEST_CASE("a batch without a good sample, or a blank that fails, stops all the same") {
    const auto produce = [](const LoaderSample& sample, Rows&) {
        require(sample.index < 4, "image ", sample.index, " is broken");
    };
    const LoaderOptions options{
        .samples = 12, .batch = 4, .workers = 2, .shuffle = false, .bad = BadSample::skip};
    RowLoader loader(options, rows(4), produce, clear);
    loader.start(0);
    CHECK(loader.next().number == 0);
    CHECK(message_of([&] { loader.next(); }) ==
          "loader: all 4 samples of batch 1 are bad, the first: image 4 is broken");

    RowLoader strict(options, rows(4), produce,
                     [](const LoaderSample&, Rows&) { fail("cannot blank"); });
    strict.start(0, 1);
    CHECK(message_of([&] { strict.next(); }) == "cannot blank");
}

TEST_CASE("a last batch of one bad sample is blanked like any other") {
    const LoaderOptions options{
        .samples = 9, .batch = 4, .workers = 2, .shuffle = false, .bad = BadSample::skip};
    RowLoader loader(
        options, rows(4),
        [](const LoaderSample& sample, Rows& batch) {
            require(sample.index != 8, "image 8 is broken");
            batch.values[std::size_t(sample.position)] = 1;
        },
        clear);
    for (std::uint32_t epoch : {0u, 1u}) {
        loader.start(epoch);
        CHECK(drain(loader).values ==
              std::vector<std::vector<double>>{{1, 1, 1, 1}, {1, 1, 1, 1}, {-1}});
    }
    CHECK(loader.skipped() == 1);

    RowLoader hopeless(
        {.samples = 3, .batch = 4, .bad = BadSample::skip}, rows(4),
        [](const LoaderSample&, Rows&) { fail("broken"); }, clear);
    hopeless.start(0);
    CHECK(has(message_of([&] { hopeless.next(); }), "all 3 samples of batch 0 are bad"));
}

TEST_CASE("broken images in a folder stop the loader or are skipped and counted") {
    const TemporaryFolder folder;
    for (const char* name : {"n01/a.png", "n01/b.png", "n02/c.png"}) {
        folder.add(name, "");
        write_image(folder / name, Image(3, 2));
    }
    const std::string whole = words_of(folder / "n01/a.png");
    folder.add("n01/empty.jpg", "");
    folder.add("n02/cut.png", whole.substr(0, whole.size() / 2));
    folder.add("n02/words.jpg", "this is no image");
    const ImageSet set = read_image_folder(folder.path.string());
    REQUIRE(set.items.size() == 6);
    const auto produce = [&](const LoaderSample& sample, Rows& batch) {
        const Image image = read_image(set.items[std::size_t(sample.index)].path);
        batch.values[std::size_t(sample.position)] = image.width;
    };
    LoaderOptions options{.samples = 6, .batch = 3, .workers = 2, .shuffle = false};
    RowLoader strict(options, rows(3), produce);
    strict.start(0);
    CHECK(has(message_of([&] { strict.next(); }), (folder / "n01/empty.jpg") + ": empty file"));

    options.bad = BadSample::skip;
    RowLoader loader(options, rows(3), produce, clear);
    loader.start(0);
    CHECK(drain(loader).values == std::vector<std::vector<double>>{{3, 3, -1}, {3, -1, -1}});
    CHECK(loader.skipped() == 3);
    const std::vector<std::string> complaints = loader.complaints();
    for (const char* name : {"n01/empty.jpg", "n02/cut.png", "n02/words.jpg"}) {
        CHECK(std::ranges::any_of(complaints,
                                  [&](const std::string& c) { return has(c, folder / name); }));
    }
}

TEST_CASE("options that make no sense are refused") {
    const auto with = [](const LoaderOptions& options) {
        return message_of([&] { RowLoader loader(options, rows(4), fill); });
    };
    CHECK(has(with({.samples = 0}), "found 0 samples"));
    CHECK(has(with({.samples = 4, .batch = 0}), "found batch size 0"));
    CHECK(has(with({.samples = 4, .workers = -1}), "found -1 workers"));
    CHECK(has(with({.samples = 4, .prefetch = 0}), "0 batches ahead"));
    CHECK(has(with({.samples = 3, .batch = 4, .whole_batches = true}), "at least one whole batch"));
    CHECK(has(with({.samples = 4, .bad = BadSample::skip}), "needs a blank function"));
    CHECK(with({.samples = 4}) == "no error");
}
