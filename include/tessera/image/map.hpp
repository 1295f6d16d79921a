// SPDX-License-Identifier: MIT
// Map: one number for each pixel of an image.
#pragma once

#include <cstddef>
#include <vector>

namespace tessera {

/// Rows from top to bottom: values[y * width + x].
struct Map {
    int width = 0;
    int height = 0;
    std::vector<float> values;

    Map() = default;
    Map(int columns, int rows)
        : width(columns),
          height(rows),
          values(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows)) {}

    bool empty() const { return values.empty(); }
    float& at(int x, int y) { return values[index(x, y)]; }
    float at(int x, int y) const { return values[index(x, y)]; }

    friend bool operator==(const Map&, const Map&) = default;

private:
    std::size_t index(int x, int y) const {
        return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
               static_cast<std::size_t>(x);
    }
};

}  // namespace tessera
