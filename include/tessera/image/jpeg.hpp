// SPDX-License-Identifier: MIT
// JPEG by libjpeg or libjpeg-turbo, for who asks: faster than stb, and at a fraction of the extent
// where no more is wanted. The only header that includes jpeglib.h; link tessera::jpeg.
//
// Pixels may differ by a few units from those of decode(): the two round in other places.
#pragma once

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// After <cstdio> and <cstddef>, whose types it uses.
#include <jerror.h>
#include <jpeglib.h>

#include "tessera/core/error.hpp"
#include "tessera/core/file.hpp"
#include "tessera/image/codec.hpp"
#include "tessera/image/crop.hpp"
#include "tessera/image/format.hpp"
#include "tessera/image/image.hpp"

namespace tessera {

struct JpegOptions {
    DecodeOptions decode{};
    /// The decoder may leave out a half, three or seven of every eight rows and columns, by its
    /// means over the pixels of a block, as long as the image stays at least as large. {0, 0}: the
    /// whole image. {256, 256} of 500 x 375 is the whole, of 1200 x 800 is 600 x 400.
    Extent at_least{};
};

namespace detail {

/// What libjpeg calls instead of printing and ending the program.
struct JpegErrors {
    jpeg_error_mgr manager{};
    std::jmp_buf place{};
    char message[JMSG_LENGTH_MAX]{};

    JpegErrors() {
        ::jpeg_std_error(&manager);
        manager.error_exit = stop;
        manager.emit_message = [](j_common_ptr state, int level) {
            const int code = state->err->msg_code;
            const bool harmless =
                code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM;
            if (level < 0 && !harmless) stop(state);  // data that it would mend
        };
    }
    static void stop(j_common_ptr state) {
        auto& errors = *reinterpret_cast<JpegErrors*>(state->err);
        errors.manager.format_message(state, errors.message);
        std::longjmp(errors.place, 1);
    }
};

/// A decoder, released whatever happens. Nothing between a setjmp and the call of libjpeg that may
/// jump there has a destructor.
class JpegDecoder {
public:
    explicit JpegDecoder(std::span<const std::uint8_t> bytes) : bytes_(bytes) {
        state_.err = &errors_.manager;
    }
    JpegDecoder(const JpegDecoder&) = delete;
    JpegDecoder& operator=(const JpegDecoder&) = delete;
    ~JpegDecoder() { ::jpeg_destroy_decompress(&state_); }

    /// False, with a message(), when the header or the data are damaged.
    bool start(int channels, const Extent& at_least) {
        if (setjmp(errors_.place)) return false;
        jpeg_create_decompress(&state_);
        ::jpeg_mem_src(&state_, bytes_.data(), static_cast<unsigned long>(bytes_.size()));
        ::jpeg_read_header(&state_, TRUE);
        const bool inks = state_.num_components == 4;
        state_.out_color_space = inks ? JCS_CMYK : channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
        state_.scale_num = 1;
        state_.scale_denom = 1;
        for (unsigned part = 8; part > 1 && state_.scale_denom == 1; part /= 2) {
            if (at_least.width > 0 && at_least.height > 0 &&
                divided(state_.image_width, part) >= at_least.width &&
                divided(state_.image_height, part) >= at_least.height) {
                state_.scale_denom = part;
            }
        }
        ::jpeg_start_decompress(&state_);
        return true;
    }
    int width() const { return static_cast<int>(state_.output_width); }
    int height() const { return static_cast<int>(state_.output_height); }
    int channels() const { return static_cast<int>(state_.output_components); }

    /// The next row of width() * channels() bytes. False as start().
    bool read_row(std::uint8_t* row) {
        if (setjmp(errors_.place)) return false;
        return ::jpeg_read_scanlines(&state_, &row, 1) == 1;
    }
    /// After the last row. False as start().
    bool finish() {
        if (setjmp(errors_.place)) return false;
        return ::jpeg_finish_decompress(&state_);
    }
    const char* message() const { return errors_.message; }

private:
    static int divided(unsigned length, unsigned part) {
        return static_cast<int>((length + part - 1) / part);
    }

    std::span<const std::uint8_t> bytes_;
    JpegErrors errors_;
    jpeg_decompress_struct state_{};
};

/// a * b / 255, rounded as stb does.
constexpr std::uint8_t ink_product(int a, int b) {
    const int product = a * b + 128;
    return static_cast<std::uint8_t>((product + (product >> 8)) >> 8);
}

/// A row of four inks, complements as Adobe writes them, to RGB or grey.
inline void write_inks(const std::uint8_t* inks, int width, int channels, std::uint8_t* row) {
    for (int x = 0; x < width; ++x, inks += 4, row += channels) {
        const std::uint8_t colour[] = {ink_product(inks[0], inks[3]), ink_product(inks[1], inks[3]),
                                       ink_product(inks[2], inks[3])};
        if (channels == 3) {
            std::copy_n(colour, 3, row);
        } else {
            row[0] =
                static_cast<std::uint8_t>((colour[0] * 77 + colour[1] * 150 + colour[2] * 29) >> 8);
        }
    }
}

}  // namespace detail

/// As decode(), by libjpeg: a JPEG (baseline or progressive; grey, YCbCr, RGB, CMYK, YCCK) to RGB
/// or grey, perhaps at a fraction of its extent. Throws Error saying what was found, also for data
/// that libjpeg would mend.
inline Image decode_jpeg(std::span<const std::uint8_t> bytes, const JpegOptions& options = {},
                         std::string_view name = "image") {
    const int channels = options.decode.channels;
    require(channels == 1 || channels == 3, "decode_jpeg: channels must be 1 or 3, found ",
            channels);
    require(!bytes.empty(), name, ": empty file, expected a JPEG image");
    require(format_of(bytes) == ImageFormat::jpeg, name, ": found ", describe(bytes), " (",
            bytes.size(), " bytes), expected a JPEG image");
    const Shape stored = image_shape(bytes, name);
    require(stored.area() <= options.decode.most_pixels, name, ": the header states ", stored.width,
            " x ", stored.height, " pixels, expected at most ", options.decode.most_pixels);
    detail::JpegDecoder decoder(bytes);
    const auto refuse = [&] {
        fail(name, ": found a JPEG image of ", bytes.size(), " bytes that cannot be decoded (",
             decoder.message(), "), expected a whole one");
    };
    if (!decoder.start(channels, options.at_least)) refuse();
    Image image;
    std::vector<std::uint8_t> inks;
    try {
        image = Image(decoder.width(), decoder.height(), channels);
        if (decoder.channels() == 4) inks.resize(std::size_t(4) * std::size_t(image.width));
    } catch (const std::bad_alloc&) {
        fail(name, ": found no memory for ", decoder.width(), " x ", decoder.height(), " pixels");
    }
    for (int y = 0; y < image.height; ++y) {
        if (!decoder.read_row(inks.empty() ? image.row(y) : inks.data())) refuse();
        if (!inks.empty()) detail::write_inks(inks.data(), image.width, channels, image.row(y));
    }
    if (!decoder.finish()) refuse();
    return image;
}

/// Reads a file and decodes it: a JPEG by libjpeg, a PNG by decode(). Throws Error naming the path.
inline Image read_image(const std::string& path, const JpegOptions& options) {
    const std::vector<std::uint8_t> bytes = read_file(path, options.decode.most_bytes);
    return format_of(bytes) == ImageFormat::jpeg ? decode_jpeg(bytes, options, path)
                                                 : decode(bytes, options.decode, path);
}

}  // namespace tessera
