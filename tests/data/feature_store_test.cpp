// SPDX-License-Identifier: MIT
// Features come back bit by bit for the trunk and the data they were computed with, and else not.
#include "tessera/data/feature_store.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "files.hpp"
#include "tessera/core/folder.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

const FeatureKey key{.trunk = 0xABCD, .data = 77, .rows = 3, .columns = 5};

std::vector<float> numbers() {
    std::vector<float> values(15);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0.1f * static_cast<float>(i) - 1;
    return values;
}

void write(const std::string& path, const FeatureKey& with = key) {
    FeatureWriter writer(path, with);
    const std::vector<float> values = numbers();
    writer.append(std::span(values).first(5));
    writer.append(std::span(values).subspan(5));
    writer.finish();
}

}  // namespace

TEST_CASE("features are written in pieces and read as rows") {
    const TemporaryFolder folder;
    write(folder / "f");
    CHECK(folder.entries() == 1);
    CHECK(feature_mismatch(folder / "f", key).empty());
    const FeatureStore store(folder / "f", key);
    CHECK(store.rows() == 3);
    CHECK(store.columns() == 5);
    const std::vector<float> values = numbers();
    CHECK(std::ranges::equal(store.row(1), std::span(values).subspan(5, 5)));
    CHECK(std::equal(values.begin(), values.end(), store.data()));
    CHECK(reinterpret_cast<std::uintptr_t>(store.data()) % 64 == 0);
    CHECK(read_file(folder / "f").size() == 64 + 60);
}

TEST_CASE("a file for another trunk, other data or another size says what differs") {
    const TemporaryFolder folder;
    write(folder / "f");
    const auto with = [&](FeatureKey other) { return feature_mismatch(folder / "f", other); };
    CHECK(has(with({0xABCE, 77, 3, 5}),
              "found features of trunk 000000000000abcd, expected trunk "
              "000000000000abce"));
    CHECK(has(with({0xABCD, 78, 3, 5}), "found features of data 000000000000004d, expected data"));
    CHECK(has(with({0xABCD, 77, 4, 5}), "found 3 rows of 5 columns, expected 4 of 5"));
    CHECK(has(with({0xABCD, 77, 3, 6}), "found 3 rows of 5 columns, expected 3 of 6"));
    CHECK(has(message_of([&] { FeatureStore(folder / "f", {1, 2, 3, 4}); }), folder / "f"));
}

TEST_CASE("files that are missing, cut short or of another kind are refused") {
    const TemporaryFolder folder;
    CHECK(has(feature_mismatch(folder / "none", key), "none: No such file"));
    write(folder / "f");
    const std::string whole = words_of(folder / "f");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        write_file(folder / "f", whole.substr(0, size));
        CHECK_MESSAGE(has(feature_mismatch(folder / "f", key), "bytes, expected"), size);
    }
    write_file(folder / "f", whole + "x");
    CHECK(has(feature_mismatch(folder / "f", key), "found 125 bytes, expected 124"));
    write_file(folder / "f", "PNG" + whole.substr(3));
    CHECK(has(feature_mismatch(folder / "f", key), "found other data"));
    std::string later = whole;
    later[8] = 2;
    write_file(folder / "f", later);
    CHECK(has(feature_mismatch(folder / "f", key), "found features of version 2, expected 1"));
}

TEST_CASE(
    "an unfinished file leaves the old one as it was, and a part that the next goes on with") {
    const TemporaryFolder folder;
    write_file(folder / "f", "old");
    const std::vector<float> values = numbers();
    {
        FeatureWriter writer(folder / "f", key);
        writer.append(std::span(values).first(10));
        CHECK(has(message_of([&] { writer.finish(); }), "found 2 rows, expected 3"));
        CHECK(has(message_of([&] { FeatureWriter(folder / "f", key); }),
                  "another process is writing " + (folder / "f.part")));
    }
    CHECK(words_of(folder / "f") == "old");
    {
        FeatureWriter writer(folder / "f", key);
        CHECK(writer.written() == 2);
        CHECK(has(message_of([&] { writer.append(std::span(values).first(7)); }),
                  "found 7 elements to append, expected rows of 5"));
        CHECK(has(message_of([&] { writer.append(std::span(values).first(10)); }),
                  "found more rows than the 3 announced"));
    }
    CHECK(words_of(folder / "f") == "old");
    {
        FeatureWriter writer(folder / "f", key);
        writer.append(std::span(values).subspan(10));
        writer.finish();
    }
    CHECK(folder.entries() == 1);
    const FeatureStore store(folder / "f", key);
    CHECK(std::equal(values.begin(), values.end(), store.data()));
}

TEST_CASE("a part cut anywhere is continued from whole units of its rows") {
    const TemporaryFolder folder;
    write(folder / "f");
    const std::string whole = words_of(folder / "f");
    const std::vector<float> values = numbers();
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        for (const Index unit : {1, 2}) {
            write_file(folder / "g.part", whole.substr(0, size));
            FeatureWriter writer(folder / "g", key, unit);
            const Index rows = size < 64 ? 0 : static_cast<Index>(size - 64) / 20 / unit * unit;
            CHECK_MESSAGE(writer.written() == rows, size);
            writer.append(std::span(values).subspan(static_cast<std::size_t>(rows) * 5));
            writer.finish();
            CHECK_MESSAGE(words_of(folder / "g") == whole, size);
        }
    }
    write_file(folder / "g.part", whole + "longer than it can be");
    CHECK(FeatureWriter(folder / "g", key).written() == 3);
    CHECK(FeatureWriter(folder / "g", {0xABCE, 77, 3, 5}).written() == 0);  // another trunk
}

TEST_CASE("a link to features stays a link, and the permissions stay") {
    const TemporaryFolder folder;
    write(folder / "f");
    const std::string whole = words_of(folder / "f");
    write_file(folder / "f", "old");
    std::filesystem::permissions(folder / "f", std::filesystem::perms(0640));
    std::filesystem::create_symlink(folder / "f", folder / "link");
    write(folder / "link");
    CHECK(std::filesystem::is_symlink(folder / "link"));
    CHECK(words_of(folder / "f") == whole);
    CHECK(std::filesystem::status(folder / "f").permissions() == std::filesystem::perms(0640));
    CHECK(folder.entries() == 2);
}

TEST_CASE("a disk that fills up leaves the old features, and what was written for the next try") {
    const TemporaryFolder folder;
    const FeatureKey other{0xABCE, 78, 3, 5};
    write(folder / "f");
    const std::string old = words_of(folder / "f");
    for (const rlim_t room : {10, 64, 84, 123}) {
        const std::string message =
            message_within(RLIMIT_FSIZE, room, [&] { write(folder / "f", other); });
        CHECK(message == "cannot write " + (folder / "f") + ": File too large");
        CHECK(words_of(folder / "f") == old);
        CHECK(file_size(folder / "f.part") == room);
        std::filesystem::remove(folder / "f.part");
    }
    CHECK(feature_mismatch(folder / "f", key).empty());
    write(folder / "f", other);
    CHECK(feature_mismatch(folder / "f", other).empty());
}

TEST_CASE("a full disk, a read-only folder and impossible sizes are errors that name the file") {
    const auto to = [](const std::string& path) { return message_of([&] { write(path); }); };
    if (std::filesystem::exists("/dev/full")) {
        CHECK(has(to("/dev/full"), "/dev/full"));
        CHECK(has(to("/dev/full"), "No space left"));
    }
    const ReadOnlyFolder closed;
    CHECK(has(to(closed / "f"), closed / "f"));
    const TemporaryFolder folder;
    for (const FeatureKey& odd : {FeatureKey{0, 0, -1, 5}, FeatureKey{0, 0, 3, 0},
                                  FeatureKey{0, 0, Index{1} << 40, Index{1} << 40}}) {
        CHECK(has(message_of([&] { FeatureWriter(folder / "f", odd); }), "features: found"));
    }
    CHECK(folder.entries() == 0);
}
