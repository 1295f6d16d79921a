// SPDX-License-Identifier: MIT
// Camera: turns a canvas into an 8-bit picture as a cheap camera would.
#pragma once

#include <algorithm>
#include <cmath>

#include "synthetic/canvas.hpp"
#include "tessera/core/random.hpp"
#include "tessera/image/image.hpp"

namespace synthetic {

/// Canvases are drawn this much larger than the picture, which antialiases the textures.
inline constexpr int oversampling = 2;

namespace detail {

/// Means of squares of oversampling^2 pixels.
inline Canvas shrunk(const Canvas& canvas) {
    Canvas small(canvas.width / oversampling, canvas.height / oversampling);
    for (int y = 0; y < small.height; ++y) {
        for (int x = 0; x < small.width; ++x) {
            Colour sum{};
            for (int i = 0; i < oversampling * oversampling; ++i) {
                sum = sum + canvas.colours[canvas.index(oversampling * x + i % oversampling,
                                                        oversampling * y + i / oversampling)];
            }
            small.colours[small.index(x, y)] = (1.0F / (oversampling * oversampling)) * sum;
        }
    }
    return small;
}

/// Weights (w, 1 - 2w, w) in both directions; the border repeats.
inline void blur(Canvas& canvas, float w) {
    const Canvas source = canvas;
    const auto at = [&](int x, int y) {
        return source.colours[source.index(std::clamp(x, 0, source.width - 1),
                                           std::clamp(y, 0, source.height - 1))];
    };
    const auto row = [&](int x, int y) {
        return w * (at(x - 1, y) + at(x + 1, y)) + (1 - 2 * w) * at(x, y);
    };
    for (int y = 0; y < canvas.height; ++y) {
        for (int x = 0; x < canvas.width; ++x) {
            canvas.colours[canvas.index(x, y)] =
                w * (row(x, y - 1) + row(x, y + 1)) + (1 - 2 * w) * row(x, y);
        }
    }
}

}  // namespace detail

/// Shrinks, blurs a little, then exposure, contrast, white balance, a darker rim and noise.
/// requires sides divisible by `oversampling`.
inline tessera::Image photograph(const Canvas& canvas, tessera::Random& random) {
    Canvas small = detail::shrunk(canvas);
    detail::blur(small, 0.25F * random.uniform() * random.uniform());
    const float exposure = std::exp(random.uniform(-0.35F, 0.3F));
    const float contrast = random.uniform(0.7F, 1.2F), rim = random.uniform(0, 0.4F);
    const Colour balance{random.uniform(0.88F, 1.12F), 1, random.uniform(0.88F, 1.12F)};
    const float noise = random.uniform(0.005F, 0.028F);

    tessera::Image image(small.width, small.height);
    for (int y = 0; y < small.height; ++y) {
        for (int x = 0; x < small.width; ++x) {
            const float u = 2 * static_cast<float>(x) / static_cast<float>(small.width) - 1;
            const float v = 2 * static_cast<float>(y) / static_cast<float>(small.height) - 1;
            const float gain = exposure * (1 - rim * 0.5F * (u * u + v * v));
            const Colour c = small.colours[small.index(x, y)];
            const float values[3] = {balance.red * c.red, balance.green * c.green,
                                     balance.blue * c.blue};
            const float grain = random.uniform(-1, 1);
            for (int channel = 0; channel < 3; ++channel) {
                const float own = noise * (grain + random.uniform(-1, 1));
                const float value = 0.5F + contrast * (gain * values[channel] - 0.5F) + own;
                image.at(x, y, channel) =
                    static_cast<std::uint8_t>(255 * std::clamp(value, 0.0F, 1.0F) + 0.5F);
            }
        }
    }
    return image;
}

}  // namespace synthetic
