// SPDX-License-Identifier: MIT
// The paper's results: Oquab, Bottou, Laptev, Sivic, "Learning and Transferring Mid-Level Image
// Representations using Convolutional Neural Networks", CVPR 2014, tables 1 and 2.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace report {

/// The classes of PASCAL VOC in the devkit's order.
inline constexpr std::array<std::string_view, 20> voc_classes{
    "aeroplane", "bicycle",     "bird",  "boat",        "bottle", "bus",      "car",
    "cat",       "chair",       "cow",   "diningtable", "dog",    "horse",    "motorbike",
    "person",    "pottedplant", "sheep", "sofa",        "train",  "tvmonitor"};

/// Average precisions in per cent, in the order of voc_classes, and their mean as printed.
struct PaperRow {
    std::string_view name;
    std::array<double, 20> ap;
    double map;
};

struct PaperTable {
    std::string_view data;  ///< set the rows were measured on
    std::string_view rule;  ///< definition of AP
    std::span<const PaperRow> rows;
};

/// The printed mAP of NUS-PSL is 0.5 above the mean of its printed row.
inline constexpr std::array<PaperRow, 3> paper_voc2007{{
    {"INRIA",
     {77.5, 63.6, 56.1, 71.9, 33.1, 60.6, 78.0, 58.8, 53.5, 42.6,
      54.9, 45.8, 77.5, 64.0, 85.9, 36.3, 44.7, 50.6, 79.2, 53.2},
     59.4},
    {"NUS-PSL",
     {82.5, 79.6, 64.8, 73.4, 54.2, 75.0, 77.5, 79.2, 46.2, 62.7,
      41.4, 74.6, 85.0, 76.8, 91.1, 53.9, 61.0, 67.5, 83.6, 70.6},
     70.5},
    {"PRE-1000C",
     {88.5, 81.5, 87.9, 82.0, 47.5, 75.5, 90.1, 87.2, 61.6, 75.7,
      67.3, 85.5, 83.5, 80.0, 95.6, 60.8, 76.8, 58.0, 90.4, 77.9},
     77.7},
}};

inline constexpr std::array<PaperRow, 5> paper_voc2012{{
    {"NUS-PSL",
     {97.3, 84.2, 80.8, 85.3, 60.8, 89.9, 86.8, 89.3, 75.4, 77.8,
      75.1, 83.0, 87.5, 90.1, 95.0, 57.8, 79.2, 73.4, 94.5, 80.7},
     82.2},
    {"NO PRETRAIN",
     {85.2, 75.0, 69.4, 66.2, 48.8, 82.1, 79.5, 79.8, 62.4, 61.9,
      49.8, 75.9, 71.4, 82.7, 93.1, 59.1, 69.7, 49.3, 80.0, 76.7},
     70.9},
    {"PRE-1000C",
     {93.5, 78.4, 87.7, 80.9, 57.3, 85.0, 81.6, 89.4, 66.9, 73.8,
      62.0, 89.5, 83.2, 87.6, 95.8, 61.4, 79.0, 54.3, 88.0, 78.3},
     78.7},
    {"PRE-1000R",
     {93.2, 77.9, 83.8, 80.0, 55.8, 82.7, 79.0, 84.3, 66.2, 71.7,
      59.5, 83.4, 81.4, 84.8, 95.2, 59.8, 74.9, 52.9, 83.8, 75.7},
     76.3},
    {"PRE-1512",
     {94.6, 82.9, 88.2, 84.1, 60.3, 89.0, 84.4, 90.7, 72.1, 86.8,
      69.0, 92.1, 93.4, 88.6, 96.1, 64.3, 86.6, 62.3, 91.1, 79.8},
     82.8},
}};

inline constexpr std::array<PaperTable, 2> paper_tables{{
    {"VOC2007 test", "eleven points", paper_voc2007},
    {"VOC2012 test", "all points", paper_voc2012},
}};

inline constexpr std::string_view paper_citation =
    "Oquab, Bottou, Laptev, Sivic: Learning and Transferring Mid-Level Image Representations using "
    "Convolutional Neural Networks, CVPR 2014, tables 1 and 2";

/// Position in voc_classes, or nothing.
constexpr std::optional<std::size_t> voc_index(std::string_view name) {
    const auto found = std::find(voc_classes.begin(), voc_classes.end(), name);
    if (found == voc_classes.end()) return std::nullopt;
    return static_cast<std::size_t>(found - voc_classes.begin());
}

inline bool are_voc_classes(const std::vector<std::string>& names) {
    return !names.empty() && std::all_of(names.begin(), names.end(), [](const std::string& name) {
        return voc_index(name).has_value();
    });
}

constexpr double mean_of(const PaperRow& row) {
    double sum = 0;
    for (const double ap : row.ap) sum += ap;
    return sum / static_cast<double>(row.ap.size());
}

}  // namespace report
