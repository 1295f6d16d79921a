// SPDX-License-Identifier: MIT
// Packed images come back byte by byte, and files that are something else are refused.
#include "tessera/data/packed_images.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "files.hpp"
#include "tessera/core/random.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

const PackedSet set{.source = 0xABCD, .images = 3, .classes = 10, .shape = {3, 5, 7}};

Image picture(Index n) {
    Image image(7, 5);
    Random random({.seed = 1, .sample = static_cast<std::uint32_t>(n)});
    for (auto& pixel : image.pixels) pixel = static_cast<std::uint8_t>(random.below(256));
    return image;
}

constexpr std::int32_t labels[] = {9, -1, 0};

void append_rest(PackedImageWriter& writer) {
    for (Index n = writer.written(); n < 3; ++n) writer.append(picture(n), labels[n]);
}

void write(const std::string& path, const PackedSet& with = set) {
    PackedImageWriter writer(path, with);
    append_rest(writer);
    writer.finish();
}

std::string refusal(const std::string& path, const PackedSet& expected = set) {
    return message_of([&] { PackedImages(path, expected); });
}

/// The file with some of its bytes changed.
template <class Number>
std::string changed(std::string words, std::size_t at, Number number) {
    std::memcpy(words.data() + at, &number, sizeof number);
    return words;
}

}  // namespace

TEST_CASE("images and labels come back as they were appended") {
    const TemporaryFolder folder;
    write(folder / "p");
    CHECK(folder.entries() == 1);
    const PackedImages images(folder / "p");
    CHECK(images.set() == set);
    CHECK(images.size() == 3);
    for (Index n = 0; n < 3; ++n) {
        CHECK(std::ranges::equal(images.image(n), picture(n).pixels));
        CHECK(images.label(n) == labels[n]);
        CHECK(reinterpret_cast<std::uintptr_t>(images.image(n).data()) % 64 == 0);
    }
    CHECK(std::filesystem::file_size(folder / "p") == 64 + 3 * 128);
    CHECK(refusal(folder / "p") == "no error");
    PackedImageWriter(folder / "none", {.shape = {1, 1, 1}}).finish();
    CHECK(PackedImages(folder / "none").size() == 0);
}

TEST_CASE("a file of another source or size says what differs") {
    const TemporaryFolder folder;
    write(folder / "p");
    PackedSet other = set;
    other.source = 1;
    CHECK(has(refusal(folder / "p", other),
              "found images packed from 000000000000abcd, expected from 0000000000000001"));
    other = set;
    other.shape.width = 8;
    CHECK(refusal(folder / "p", other) ==
          (folder / "p") + ": found 3 images of 3x5x7 in 10 classes, expected 3 of 3x5x8 in 10");
}

TEST_CASE("files that are missing, cut short, of another kind or hostile are refused") {
    const TemporaryFolder folder;
    CHECK(has(refusal(folder / "missing"), "missing: No such file"));
    write(folder / "p");
    const std::string whole = words_of(folder / "p");
    const auto said = [&](const std::string& words) {
        write_file(folder / "p", words);
        return message_of([&] { PackedImages(folder / "p"); });
    };
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CHECK_MESSAGE(has(said(whole.substr(0, size)), "bytes, expected"), size);
    }
    CHECK(has(said(whole + "x"), "found 1 other bytes behind the last image"));
    CHECK(has(said("PNG" + whole.substr(3)), "found other data"));
    CHECK(has(said(changed(whole, 8, std::uint64_t{2})), "of version 2, expected 1"));
    CHECK(has(said(changed(whole, 24, std::int64_t{-1})), "found -1 packed images"));
    for (const std::int64_t images :
         {std::int64_t{4}, std::int64_t{1} << 55, std::numeric_limits<std::int64_t>::max()}) {
        CHECK(has(said(changed(whole, 24, images)), "expected"));
    }
    CHECK(has(said(changed(whole, 32, -5)), "in -5 classes"));
    constexpr int most = std::numeric_limits<int>::max();
    for (const std::size_t at : {36, 40, 44}) {
        for (const int extent : {0, -1, most}) {
            CHECK(has(said(changed(whole, at, extent)), "expected"));
        }
    }
    std::string large = changed(changed(changed(whole, 36, most), 40, most), 44, most);
    CHECK(has(said(large), "less than 2^63 bytes"));

    CHECK(said(changed(whole, 64 + 128 + 105, 10)) == "no error");
    const PackedImages damaged(folder / "p");
    CHECK(damaged.label(0) == 9);
    CHECK(message_of([&] { damaged.label(1); }) ==
          (folder / "p") + ": found label 10 of image 1, expected -1 to 9");
}

TEST_CASE("an unfinished file leaves the old one, and a part that the next writer goes on with") {
    const TemporaryFolder folder;
    write(folder / "p");
    const std::string whole = words_of(folder / "p");
    for (std::size_t size = 0; size <= whole.size(); size += 3) {
        write_file(folder / "q.part", whole.substr(0, size));
        PackedImageWriter writer(folder / "q", set);
        CHECK_MESSAGE(writer.written() == (size < 64 ? 0 : Index(size - 64) / 128), size);
        CHECK(has(message_of([&] { PackedImageWriter(folder / "q", set); }), "another process"));
        append_rest(writer);
        writer.finish();
        CHECK_MESSAGE(words_of(folder / "q") == whole, size);
    }
    write_file(folder / "q.part", whole + "longer than it can be, by more than a record is long: " +
                                      std::string(128, 'x'));
    CHECK(PackedImageWriter(folder / "q", set).written() == 3);
    PackedSet other = set;
    other.source = 1;
    CHECK(PackedImageWriter(folder / "q", other).written() == 0);
    CHECK(words_of(folder / "q") == whole);
}

TEST_CASE("images of another shape, wrong labels and impossible sets are refused in writing") {
    const TemporaryFolder folder;
    PackedImageWriter writer(folder / "p", set);
    const auto appending = [&](const Image& image, std::int32_t label) {
        return message_of([&] { writer.append(image, label); });
    };
    CHECK(has(appending(Image(5, 7), 0), "found an image of 3x7x5, expected 3x5x7"));
    CHECK(has(appending(picture(0), 10), "found label 10 of image 0, expected -1 to 9"));
    CHECK(has(appending(picture(0), -2), "found label -2"));
    CHECK(has(message_of([&] { writer.finish(); }), "found 0 images, expected 3"));
    append_rest(writer);
    CHECK(has(appending(picture(0), 0), "found more images than the 3 announced"));
    for (const PackedSet& odd :
         {PackedSet{0, -1, 1, {3, 5, 7}}, PackedSet{0, 1, 1, {3, 0, 7}},
          PackedSet{0, 1, -1, {3, 5, 7}}, PackedSet{0, Index{1} << 60, 1, {3, 5, 7}}}) {
        CHECK(has(message_of([&] { PackedImageWriter(folder / "odd", odd); }), "packed images of"));
    }
    if (std::filesystem::exists("/dev/full")) {
        CHECK(has(message_of([&] { write("/dev/full"); }), "No space left"));
    }
    const ReadOnlyFolder closed;
    CHECK(has(message_of([&] { write(closed / "p"); }), closed / "p"));
}

namespace {

PackedSummary summary_of(const PackedSet& with) {
    PackedSummary summary{.list = 7, .unreadable = 1};
    for (int c = 0; c < with.classes; ++c) summary.classes.push_back(text("class ", c));
    for (Index i = 0; i < with.shape.size(); ++i) summary.mean.push_back(0.1F * float(i));
    return summary;
}

}  // namespace

TEST_CASE("a summary lies behind the images and comes back") {
    const TemporaryFolder folder;
    const PackedSummary wanted = summary_of(set);
    {
        PackedImageWriter writer(folder / "p", set);
        append_rest(writer);
        writer.finish(wanted);
    }
    const PackedImages images(folder / "p", set);
    CHECK(images.summary().classes == wanted.classes);
    CHECK(images.summary().mean == wanted.mean);
    CHECK(images.summary().list == 7);
    CHECK(images.summary().unreadable == 1);
    CHECK(std::ranges::equal(images.image(2), picture(2).pixels));
    write(folder / "none");
    CHECK(PackedImages(folder / "none").summary().empty());

    const std::string whole = words_of(folder / "p");
    const std::size_t first = 64 + 3 * 128;
    const auto said = [&](const std::string& words) {
        write_file(folder / "q", words);
        return message_of([&] { PackedImages(folder / "q"); });
    };
    CHECK(said(whole) == "no error");
    for (std::size_t size = first + 1; size < whole.size(); ++size) {
        CHECK_MESSAGE(has(said(whole.substr(0, size)), "q: found"), size);
    }
    CHECK(has(said(whole + "x"), "do not fit: cut short?"));
    CHECK(has(said(changed(whole, first, 'x')), "other bytes behind the last image"));
    CHECK(has(said(changed(whole, first + 8, std::uint64_t{2})), "version 2, expected 1"));
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    for (const std::size_t at : {first + 32, first + 40}) {
        for (const std::int64_t count : {std::int64_t{-1}, std::int64_t{0}, most, most - 63}) {
            CHECK(has(said(changed(whole, at, count)), "q: found a summary of"));
        }
    }
    CHECK(has(said(changed(whole, first + 64 + 7, 'x')), "found 9 names of classes, expected 10"));
    CHECK(has(said(changed(whole, first + 64 + 79, 'x')), "a class without an end"));

    PackedSummary odd = wanted;
    odd.mean.pop_back();
    PackedImageWriter writer(folder / "r", set);
    append_rest(writer);
    CHECK(has(message_of([&] { writer.finish(odd); }), "found a mean of 104 values, expected 105"));
    odd = wanted;
    odd.classes[3] = "two\nlines";
    CHECK(has(message_of([&] { writer.finish(odd); }), "a line feed in class"));
    odd.classes.pop_back();
    CHECK(has(message_of([&] { writer.finish(odd); }), "found 9 names of classes"));
    CHECK_FALSE(std::filesystem::exists(folder / "r"));
    writer.finish(wanted);
    CHECK(words_of(folder / "r") == whole);
}

TEST_CASE("what is written can be read back before the end, and a part says what it is of") {
    const TemporaryFolder folder;
    CHECK_FALSE(begun_set(folder / "p"));
    {
        PackedImageWriter writer(folder / "p", set);
        writer.append(picture(0), 9);
        writer.append(picture(1), -1);
    }
    CHECK(begun_set(folder / "p") == set);
    PackedImageWriter writer(folder / "p", set);
    CHECK(writer.written() == 2);
    Image image(7, 5);
    CHECK(writer.read(1, image) == -1);
    CHECK(image.pixels == picture(1).pixels);
    writer.append(picture(2), 0);
    CHECK(writer.read(2, image) == 0);
    CHECK(image.pixels == picture(2).pixels);
    CHECK(writer.read(0, image) == 9);
    CHECK(image.pixels == picture(0).pixels);
    writer.finish();
    CHECK_FALSE(begun_set(folder / "p"));
    write_file(folder / "q.part", std::string(100, 'x'));
    CHECK(has(message_of([&] { begun_set(folder / "q"); }), "found other data"));
}
