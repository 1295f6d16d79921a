// SPDX-License-Identifier: MIT
// JPEG by libjpeg gives what stb gives, refuses what it refuses, and fractions of the extent. Built
// where there is libjpeg.
#include "tessera/image/jpeg.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "files.hpp"
#include "tessera/core/random.hpp"
#include "tessera/image/resize.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

using Bytes = std::vector<std::uint8_t>;

Image smooth(int width, int height, int channels = 3) {
    Image image(width, height, channels);
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            for (int c = 0; c < channels; ++c) {
                image.at(x, y, c) =
                    std::uint8_t(128 + 90 * std::sin(0.04 * (x + 20 * c)) * std::cos(0.05 * y));
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

/// By libjpeg itself, since stb writes neither progressive files nor inks.
Bytes encode(const Image& image, J_COLOR_SPACE colours, bool progressive) {
    jpeg_compress_struct state{};
    jpeg_error_mgr errors{};
    state.err = ::jpeg_std_error(&errors);
    jpeg_create_compress(&state);
    unsigned char* memory = nullptr;
    unsigned long size = 0;
    ::jpeg_mem_dest(&state, &memory, &size);
    state.image_width = JDIMENSION(image.width);
    state.image_height = JDIMENSION(image.height);
    state.input_components = image.channels;
    state.in_color_space = image.channels == 4   ? JCS_CMYK
                           : image.channels == 3 ? JCS_RGB
                                                 : JCS_GRAYSCALE;
    ::jpeg_set_defaults(&state);
    ::jpeg_set_colorspace(&state, colours);
    ::jpeg_set_quality(&state, 95, TRUE);
    if (progressive) ::jpeg_simple_progression(&state);
    ::jpeg_start_compress(&state, TRUE);
    for (int y = 0; y < image.height; ++y) {
        JSAMPROW row = const_cast<std::uint8_t*>(image.row(y));
        ::jpeg_write_scanlines(&state, &row, 1);
    }
    ::jpeg_finish_compress(&state);
    const Bytes bytes(memory, memory + size);
    ::jpeg_destroy_compress(&state);
    std::free(memory);
    return bytes;
}

}  // namespace

TEST_CASE("libjpeg decodes what stb decodes, to within the roundings of both") {
    struct Kind {
        int channels;
        J_COLOR_SPACE colours;
    };
    for (const Kind kind : {Kind{3, JCS_YCbCr}, Kind{3, JCS_RGB}, Kind{1, JCS_GRAYSCALE},
                            Kind{4, JCS_CMYK}, Kind{4, JCS_YCCK}}) {
        for (const bool progressive : {false, true}) {
            const Bytes bytes = encode(smooth(61, 47, kind.channels), kind.colours, progressive);
            CAPTURE(kind.channels);
            CAPTURE(int(kind.colours));
            CHECK(largest_difference(decode_jpeg(bytes), decode(bytes)) <= 6);
            if (kind.channels == 4) continue;  // stb takes the grey of inks from their luma alone
            const DecodeOptions grey{.channels = 1};
            CHECK(largest_difference(decode_jpeg(bytes, {.decode = grey}), decode(bytes, grey)) <=
                  6);
        }
    }
}

TEST_CASE("a fraction of the extent is the smallest that is large enough") {
    const Image image = smooth(501, 375);
    const Bytes bytes = encode_jpeg(image, 95);
    const auto extent = [&](const Extent& at_least) {
        const Image found = decode_jpeg(bytes, {.at_least = at_least});
        const Image expected = resize(image, {found.width, found.height});
        CHECK(largest_difference(found, expected) <= 12);
        return Extent{found.width, found.height};
    };
    CHECK(extent({}) == Extent{501, 375});
    CHECK(extent({252, 1}) == Extent{501, 375});
    CHECK(extent({251, 188}) == Extent{251, 188});
    CHECK(extent({126, 94}) == Extent{126, 94});
    CHECK(extent({64, 40}) == Extent{126, 94});
    CHECK(extent({63, 47}) == Extent{63, 47});
    CHECK(extent({1, 1}) == Extent{63, 47});
    CHECK(extent({600, 600}) == Extent{501, 375});
}

TEST_CASE("libjpeg's errors name the file, what was found and what was expected") {
    const Bytes whole = encode_jpeg(smooth(40, 30));
    const auto message = [](const Bytes& bytes, const JpegOptions& options = {}) {
        return message_of([&] { decode_jpeg(bytes, options, "a.jpg"); });
    };
    CHECK(has(message({}), "a.jpg: empty file, expected a JPEG"));
    CHECK(has(message(encode_png(smooth(4, 4))), "a.jpg: found a PNG image"));
    CHECK(has(message(whole, {.decode = {.most_pixels = 1000}}),
              "a.jpg: the header states 40 x 30 pixels, expected at most 1000"));
    CHECK(has(message(whole, {.decode = {.channels = 2}}), "channels must be 1 or 3, found 2"));
    Bytes broken = whole;
    std::fill(broken.end() - 200, broken.end() - 2, std::uint8_t{0x7F});
    CHECK(has(message(broken), "that cannot be decoded ("));
}

TEST_CASE("a JPEG cut short anywhere is refused by libjpeg too") {
    for (const bool progressive : {false, true}) {
        const Bytes whole = encode(smooth(40, 30), JCS_YCbCr, progressive);
        for (std::size_t size = 0; size < whole.size(); size += 7) {
            Bytes part(whole.begin(), whole.begin() + std::ptrdiff_t(size));
            CHECK_THROWS_AS(decode_jpeg(part), Error);
            part.insert(part.end(), {0xFF, 0xD9});  // with an end, but not whole
            if (size + 40 < whole.size() && !progressive) CHECK_THROWS_AS(decode_jpeg(part), Error);
        }
    }
}

TEST_CASE("damaged data never crashes libjpeg: an image or an Error") {
    const Bytes files[] = {encode(smooth(24, 24), JCS_YCbCr, false),
                           encode(smooth(24, 24), JCS_YCbCr, true),
                           encode(smooth(24, 24, 4), JCS_YCCK, false)};
    Random random({.seed = 3, .purpose = Purpose::generate});
    int refused = 0, decoded = 0;
    for (int trial = 0; trial < 3000; ++trial) {
        Bytes bytes = files[random.below(3)];
        for (int change = 0; change < 3; ++change) {
            bytes[random.below(std::uint32_t(bytes.size()))] = std::uint8_t(random.bits());
        }
        try {
            const Extent at_least{trial % 2 * 8, trial % 2 * 8};
            decode_jpeg(bytes, {.decode = {.most_pixels = 1 << 20}, .at_least = at_least});
            ++decoded;
        } catch (const Error&) {
            ++refused;
        }
    }
    CHECK(refused > 100);
    CHECK(decoded > 100);
}

TEST_CASE("files are read by libjpeg where they are JPEG, else as ever") {
    const TemporaryFolder folder;
    const Image image = smooth(64, 48);
    write_image(folder / "a.png", image);
    write_image(folder / "a.jpg", image, 95);
    const JpegOptions small{.at_least = {30, 20}};
    CHECK(read_image(folder / "a.png", small) == image);
    CHECK(read_image(folder / "a.jpg", small).shape() == Shape{3, 24, 32});
    CHECK(read_image(folder / "a.jpg", {.channels = 1}).shape() == Shape{1, 48, 64});
    CHECK(has(message_of([&] { read_image(folder / "no.jpg", small); }), "no.jpg: No such file"));
}
