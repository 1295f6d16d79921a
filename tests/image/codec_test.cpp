// SPDX-License-Identifier: MIT
// Decoding and encoding: every kind of file stb reads, and every kind of bad file.
#include "tessera/image/codec.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "files.hpp"
#include "tessera/core/random.hpp"

using namespace tessera;
using namespace tessera::testing;
namespace fs = std::filesystem;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes from_hex(std::string_view digits) {
    auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        bytes.push_back(std::uint8_t(value(digits[i]) * 16 + value(digits[i + 1])));
    }
    return bytes;
}

// 8 x 8 pixels each, written by libjpeg.
const Bytes grey_jpeg = from_hex(  // one component, value 200
    "ffd8ffe000104a46494600010100000100010000ffdb004300100b0c0e0c0a100e0d0e1211101318281a181616"
    "183123251d283a333d3c3933383740485c4e404457453738506d51575f626768673e4d71797064785c656763ff"
    "c0000b080008000801011100ffc40014000100000000000000000000000000000006ffc4001410010000000000"
    "0000000000000000000000ffda0008010100003f0048ffd9");
const Bytes cmyk_jpeg = from_hex(  // four components: 10, 100, 200, 30
    "ffd8ffee000e41646f626500640000000000ffdb004300080606070605080707070909080a0c140d0c0b0b0c19"
    "12130f141d1a1f1e1d1a1c1c20242e2720222c231c1c2837292c30313434341f27393d38323c2e333432ffc000"
    "140800080008044311004d11005911004b1100ffc4001500010100000000000000000000000000000705ffc400"
    "14100100000000000000000000000000000000ffda000e0443004d0059004b00003f00755b1b185fffd9");
const Bytes progressive_jpeg = from_hex(  // red 200, green 100, blue 50
    "ffd8ffe000104a46494600010100000100010000ffdb004300080606070605080707070909080a0c140d0c0b0b"
    "0c1912130f141d1a1f1e1d1a1c1c20242e2720222c231c1c2837292c30313434341f27393d38323c2e333432ff"
    "db0043010909090c0b0c180d0d1832211c21323232323232323232323232323232323232323232323232323232"
    "3232323232323232323232323232323232323232323232323232ffc20011080008000803012200021101031101"
    "ffc4001500010100000000000000000000000000000002ffc40014010100000000000000000000000000000005"
    "ffda000c0301000210031000000190631fffc40014100100000000000000000000000000000000ffda00080101"
    "000105027fffc40014110100000000000000000000000000000000ffda0008010301013f017fffc40014110100"
    "000000000000000000000000000000ffda0008010201013f017fffc40014100100000000000000000000000000"
    "000000ffda0008010100063f027fffc40014100100000000000000000000000000000000ffda0008010100013f"
    "217fffda000c030100020003000000100bffc40014110100000000000000000000000000000000ffda00080103"
    "01013f107fffc40014110100000000000000000000000000000000ffda0008010201013f107fffc40014100100"
    "000000000000000000000000000000ffda0008010100013f107fffd9");

std::uint32_t checksum(std::span<const std::uint8_t> bytes) {  // CRC-32 of the PNG standard
    std::uint32_t value = ~0U;
    for (const std::uint8_t byte : bytes) {
        value ^= byte;
        for (int i = 0; i < 8; ++i) value = value >> 1 ^ (value & 1 ? 0xEDB88320U : 0U);
    }
    return ~value;
}

void put(Bytes& bytes, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(std::uint8_t(value >> shift));
}

struct Header {
    std::uint32_t width, height;
    std::uint8_t depth, colour;
};

void put_chunk(Bytes& png, std::string_view name, const Bytes& payload) {
    put(png, std::uint32_t(payload.size()));
    const std::size_t begin = png.size();
    png.insert(png.end(), name.begin(), name.end());
    png.insert(png.end(), payload.begin(), payload.end());
    put(png, checksum(std::span(png).subspan(begin)));
}

/// A PNG of one stored (uncompressed) block. `lines`: per row a filter byte 0, then the samples.
Bytes png_of(const Header& header, const Bytes& lines, const Bytes& palette = {}) {
    Bytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    Bytes start;
    put(start, header.width);
    put(start, header.height);
    start.insert(start.end(), {header.depth, header.colour, 0, 0, 0});
    put_chunk(png, "IHDR", start);
    if (!palette.empty()) put_chunk(png, "PLTE", palette);
    Bytes zlib = {0x78, 0x01};
    for (std::size_t at = 0; at < lines.size(); at += 65535) {  // stored, block by block
        const auto size = std::uint16_t(std::min<std::size_t>(65535, lines.size() - at));
        const bool last = at + size == lines.size();
        zlib.insert(zlib.end(), {std::uint8_t(last), std::uint8_t(size), std::uint8_t(size >> 8),
                                 std::uint8_t(~size), std::uint8_t(~size >> 8)});
        zlib.insert(zlib.end(), lines.begin() + std::ptrdiff_t(at),
                    lines.begin() + std::ptrdiff_t(at + size));
    }
    std::uint32_t a = 1, b = 0;
    for (const std::uint8_t byte : lines) {
        a = (a + byte) % 65521;
        b = (b + a) % 65521;
    }
    put(zlib, b << 16 | a);
    put_chunk(png, "IDAT", zlib);
    put_chunk(png, "IEND", {});
    return png;
}

Image noise(int width, int height, int channels) {
    Image image(width, height, channels);
    Random random({.seed = 1, .purpose = Purpose::generate});
    for (auto& pixel : image.pixels) pixel = static_cast<std::uint8_t>(random.below(256));
    return image;
}

Image smooth(int width, int height, int channels) {
    Image image(width, height, channels);
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            for (int c = 0; c < channels; ++c) {
                image.at(x, y, c) = std::uint8_t(40 + 3 * x + 2 * y + 10 * c);
            }
        }
    }
    return image;
}

int largest_difference(const Image& a, const Image& b) {
    REQUIRE(a.shape() == b.shape());
    int largest = 0;
    for (std::size_t i = 0; i < a.pixels.size(); ++i) {
        largest = std::max(largest, std::abs(int(a.pixels[i]) - int(b.pixels[i])));
    }
    return largest;
}

}  // namespace

TEST_CASE("PNG keeps every pixel") {
    for (const int channels : {1, 3}) {
        for (const auto& [width, height] : {std::pair{1, 1}, {17, 5}, {64, 64}}) {
            const Image image = noise(width, height, channels);
            CHECK(decode(encode_png(image), {.channels = channels}) == image);
        }
    }
}

TEST_CASE("JPEG comes back close, and closer with more quality") {
    const Image image = smooth(40, 30, 3);
    const int low = largest_difference(image, decode(encode_jpeg(image, 20)));
    const int high = largest_difference(image, decode(encode_jpeg(image, 98)));
    CHECK(high <= 4);
    CHECK(low <= 40);
    CHECK(encode_jpeg(image, 20).size() < encode_jpeg(image, 98).size());
    const Image grey = smooth(33, 9, 1);
    CHECK(largest_difference(grey, decode(encode_jpeg(grey, 95), {.channels = 1})) <= 4);
}

TEST_CASE("a grey JPEG becomes RGB, and RGB becomes grey on demand") {
    const Image image = decode(grey_jpeg);
    CHECK(image.shape() == Shape{3, 8, 8});
    for (const auto pixel : image.pixels) CHECK(std::abs(int(pixel) - 200) <= 1);
    CHECK(decode(grey_jpeg, {.channels = 1}).shape() == Shape{1, 8, 8});
    CHECK(image_shape(grey_jpeg) == Shape{1, 8, 8});
    CHECK(decode(progressive_jpeg, {.channels = 1}).shape() == Shape{1, 8, 8});
}

TEST_CASE("a CMYK JPEG becomes RGB") {
    const Image image = decode(cmyk_jpeg);
    CHECK(image.shape() == Shape{3, 8, 8});
    // (255 - ink) (255 - black) / 255, within the losses of the compression.
    CHECK(std::abs(int(image.at(3, 3, 0)) - 216) <= 6);
    CHECK(std::abs(int(image.at(3, 3, 1)) - 137) <= 6);
    CHECK(std::abs(int(image.at(3, 3, 2)) - 49) <= 6);
}

TEST_CASE("a progressive JPEG is decoded") {
    const Image image = decode(progressive_jpeg);
    CHECK(std::abs(int(image.at(4, 4, 0)) - 200) <= 3);
    CHECK(std::abs(int(image.at(4, 4, 1)) - 100) <= 3);
    CHECK(std::abs(int(image.at(4, 4, 2)) - 50) <= 3);
}

TEST_CASE("a 16-bit PNG keeps its upper 8 bits") {
    const Bytes lines = {0, 0x12, 0xFF, 0x34, 0x00, 0x56, 0x80, 0xFF, 0xFF, 0x00, 0x00, 0x01, 0x02};
    const Image image = decode(png_of({2, 1, 16, 2}, lines));
    CHECK(image.pixels == Bytes{0x12, 0x34, 0x56, 0xFF, 0x00, 0x01});
}

TEST_CASE("a palette is looked up, alpha is dropped, one bit becomes black and white") {
    const Image indexed = decode(png_of({2, 1, 8, 3}, {0, 1, 0}, {1, 2, 3, 40, 50, 60}));
    CHECK(indexed.pixels == Bytes{40, 50, 60, 1, 2, 3});
    const Image opaque = decode(png_of({1, 1, 8, 6}, {0, 7, 8, 9, 0}));
    CHECK(opaque.pixels == Bytes{7, 8, 9});
    const Image bits = decode(png_of({3, 1, 1, 0}, {0, 0xA0}), {.channels = 1});
    CHECK(bits.pixels == Bytes{255, 0, 255});
}

TEST_CASE("bytes that are no image are refused with what they are") {
    auto message = [](std::string_view words) {
        const Bytes bytes(words.begin(), words.end());
        return message_of([&] { decode(bytes, {}, "a.jpg"); });
    };
    CHECK(has(message(""), "a.jpg: empty file"));
    CHECK(has(message("GIF89a...."), "a.jpg: found a GIF image (10 bytes)"));
    CHECK(has(message("<!DOCTYPE html><html>"), "found a web page"));
    CHECK(has(message("version https://git-lfs.github.com/spec/v1"), "Git LFS pointer"));
    CHECK(has(message("just words\n"), "found text (11 bytes)"));
    CHECK(has(message(std::string_view("\x00\x01\x02", 3)), "unknown bytes"));
    CHECK(has(message("\xFF\xD8\xFF"), "found a JPEG image cut short (3 bytes)"));
    CHECK(has(message("\xFF\xD8\xFF\xD9"), "header cannot be read"));
    CHECK(has(message("\x89PNG\r\n\x1A\n"), "found a PNG image cut short (8 bytes)"));
}

TEST_CASE("an image cut short anywhere is refused") {
    const Bytes jpeg = encode_jpeg(noise(48, 40, 3));
    const Bytes png = encode_png(noise(20, 20, 3));
    CHECK_NOTHROW(decode(jpeg));
    for (const Bytes* whole : {&jpeg, &png, &progressive_jpeg, &grey_jpeg}) {
        const std::size_t step = whole->size() > 600 ? 37 : 1;
        for (std::size_t size = 0; size < whole->size(); size += step) {
            const auto part = std::span(*whole).first(size);
            CHECK_THROWS_AS(decode(part), Error);
        }
        const auto part = std::span(*whole).first(whole->size() - 1);
        CHECK(has(message_of([&] { decode(part); }), "cut short"));
    }
}

TEST_CASE("bytes after the end of an image do no harm") {
    Bytes jpeg = encode_jpeg(smooth(16, 16, 3));
    const Image image = decode(jpeg);
    jpeg.insert(jpeg.end(), {0, 1, 2, 0xFF});
    CHECK(decode(jpeg) == image);
}

TEST_CASE("a Huffman table of more than 256 codes never reaches the decoder") {
    Bytes jpeg = grey_jpeg;
    const std::array<std::uint8_t, 2> mark{0xFF, 0xC4};
    const auto table = std::search(jpeg.begin(), jpeg.end(), mark.begin(), mark.end());
    REQUIRE(table != jpeg.end());
    std::fill_n(table + 5, 16, std::uint8_t{17});  // 272 codes
    CHECK(has(message_of([&] { decode(jpeg, {}, "x"); }), "x: found a JPEG image with a broken"));
    CHECK(has(message_of([&] { image_shape(jpeg, "x"); }), "Huffman table"));
    std::fill_n(table + 5, 16, std::uint8_t{16});  // 256, too many for what follows
    CHECK_THROWS_AS(decode(jpeg), Error);
}

TEST_CASE("a JPEG without Huffman tables is refused") {
    Bytes jpeg = encode_jpeg(smooth(16, 16, 3));
    const std::array<std::uint8_t, 2> mark{0xFF, 0xC4};
    int removed = 0;
    for (;; ++removed) {
        const auto table = std::search(jpeg.begin(), jpeg.end(), mark.begin(), mark.end());
        if (table == jpeg.end()) break;
        jpeg.erase(table, table + 2 + (table[2] << 8 | table[3]));
    }
    REQUIRE(removed > 0);
    CHECK(has(message_of([&] { decode(jpeg, {}, "x"); }), "x: found a JPEG image without Huffman"));
}

TEST_CASE("a small image whose data unpack to far more than its pixels is refused") {
    const Bytes bomb = png_of({1, 1, 8, 0}, Bytes(std::size_t{16} << 20));
    CHECK(has(message_of([&] { decode(bomb, {}, "x"); }), "cannot be decoded (outofmem)"));
    CHECK(decode(encode_png(smooth(300, 200, 3))) == smooth(300, 200, 3));
}

TEST_CASE("damaged data never crashes: an image or an Error") {
    const std::array files = {encode_jpeg(noise(24, 24, 3)), encode_png(smooth(24, 24, 3)),
                              progressive_jpeg, cmyk_jpeg};
    Random random({.seed = 3, .purpose = Purpose::generate});
    int refused = 0, decoded = 0;
    for (int trial = 0; trial < 2000; ++trial) {
        Bytes bytes = files[random.below(4)];
        for (int change = 0; change < 3; ++change) {
            bytes[random.below(std::uint32_t(bytes.size()))] = std::uint8_t(random.bits());
        }
        try {
            decode(bytes, {.most_pixels = 1 << 20});
            ++decoded;
        } catch (const Error&) {
            ++refused;
        }
    }
    CHECK(refused > 100);
    CHECK(decoded > 100);
}

TEST_CASE("a header that states a huge image is refused before anything is allocated") {
    const Bytes bomb = png_of({1 << 23, 1 << 23, 8, 0}, {0, 0});
    CHECK_THROWS_AS(decode(bomb), Error);
    const Bytes large = png_of({4000, 4000, 8, 0}, {0, 0});
    const std::string message = message_of([&] { decode(large, {.most_pixels = 1'000'000}, "x"); });
    CHECK(has(message, "x: the header states 4000 x 4000 pixels, expected at most 1000000"));
    CHECK(has(message_of([&] { decode(large, {}, "x"); }), "cannot be decoded"));
}

TEST_CASE("files are written by their ending and read back") {
    const TemporaryFolder folder;
    const Image image = smooth(20, 10, 3);
    write_image(folder / "a.PNG", image);
    write_image(folder / "a.jpeg", image, 95);
    CHECK(read_image(folder / "a.PNG") == image);
    CHECK(largest_difference(read_image(folder / "a.jpeg"), image) <= 6);
    CHECK(has(message_of([&] { write_image(folder / "a.gif", image); }), "a.gif: unknown image"));
    CHECK(has(message_of([&] { write_image("png", image); }), "unknown image ending"));
    CHECK(has(message_of([&] { write_image("/dev/full.png/x.png", image); }), "/dev/full.png/x"));
    CHECK(has(message_of([&] { write_image(folder / "no/a.png", image); }), "no/a.png: No such"));
    CHECK_FALSE(fs::exists(folder / "a.gif"));
}

TEST_CASE("errors of files name the file") {
    const TemporaryFolder folder;
    write_file(folder / "empty.jpg", "");
    CHECK(has(message_of([&] { read_image(folder / "empty.jpg"); }), "empty.jpg: empty file"));
    CHECK(has(message_of([&] { read_image(folder / "none.jpg"); }), "none.jpg: No such file"));
}

TEST_CASE("a file that is far too large for an image is refused before it is read") {
    const TemporaryFolder folder;
    const std::string sparse = folder.add_sparse("sparse.jpg", std::uintmax_t{1} << 40);
    CHECK(message_of([&] { read_image(sparse); }) ==
          "cannot read " + sparse + ": found 1099511627776 bytes, expected at most 1073741824");
    const std::string image = folder / "a.png";
    write_image(image, smooth(20, 10, 3));
    const std::uint64_t size = read_file(image).size();
    CHECK(read_image(image, {.most_bytes = size}).width == 20);
    CHECK(has(message_of([&] { read_image(image, {.most_bytes = size - 1}); }),
              text("a.png: found ", size, " bytes, expected at most ", size - 1)));
}

TEST_CASE("arguments that make no sense are refused") {
    CHECK_THROWS_AS(encode_png(Image()), Error);
    CHECK_THROWS_AS(encode_jpeg(Image()), Error);
    CHECK_THROWS_AS(encode_jpeg(smooth(2, 2, 3), 0), Error);
    CHECK_THROWS_AS(encode_jpeg(smooth(2, 2, 3), 101), Error);
    CHECK_THROWS_AS(encode_jpeg(Image(65536, 1, 3)), Error);
    CHECK_THROWS_AS(decode(grey_jpeg, {.channels = 2}), Error);
}

TEST_CASE("real photographs are decoded with the size their header states") {
    const fs::path archive = shared_data() / "voc-original-sample.tar.gz";
    if (!fs::exists(archive)) {
        MESSAGE("skipped: no photographs in the folder of real data");
        return;
    }
    const TemporaryFolder folder;
    const std::string command =
        "tar -xzf '" + archive.string() + "' -C '" + folder.path.string() + "'";
    REQUIRE(std::system(command.c_str()) == 0);
    int images = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path)) {
        if (entry.path().extension() != ".jpg") continue;
        const Bytes bytes = read_file(entry.path().string());
        const Image image = decode(bytes, {}, entry.path().string());
        const Shape stated = image_shape(bytes);
        CHECK(image.shape() == Shape{3, stated.height, stated.width});
        CHECK(decode(encode_png(image)) == image);
        if (++images == 5) break;
    }
    CHECK(images == 5);
}
