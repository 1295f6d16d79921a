// SPDX-License-Identifier: MIT
// Numbers as people read them. A number that is not there (NaN) is an en dash.
#pragma once

#include <cmath>
#include <cstdio>
#include <ctime>
#include <string>

namespace report {

inline constexpr const char* absent = "\u2013";
inline constexpr const char* minus = "\u2212";

/// With a true minus sign and so many decimals: "−0.25".
inline std::string fixed(double value, int decimals) {
    if (!std::isfinite(value)) return absent;
    char digits[400];
    std::snprintf(digits, sizeof digits, "%.*f", decimals, std::abs(value));
    const bool zero = std::string(digits).find_first_not_of("0.") == std::string::npos;
    return (value < 0 && !zero ? minus : "") + std::string(digits);
}

/// A fraction in per cent without the sign: 0.3481 is "34.8".
inline std::string percent(double fraction) { return fixed(100 * fraction, 1); }

/// A difference of fractions in points, always signed: "+7.9".
inline std::string points(double fraction) {
    if (!std::isfinite(fraction)) return absent;
    const std::string digits = percent(fraction);
    return digits.starts_with(minus) || digits == "0.0" ? digits : "+" + digits;
}

/// A whole number in groups of three: "103,733".
inline std::string count(double value) {
    if (!std::isfinite(value)) return absent;
    std::string digits = fixed(std::abs(value), 0);
    for (auto i = static_cast<long>(digits.size()) - 3; i > 0; i -= 3) {
        digits.insert(static_cast<std::size_t>(i), ",");
    }
    return (value < 0 ? minus : "") + digits;
}

/// Three digits that count: "0.0213", "2.13", "213".
inline std::string significant(double value) {
    if (!std::isfinite(value)) return absent;
    if (value == 0) return "0";
    const int magnitude = static_cast<int>(std::floor(std::log10(std::abs(value))));
    if (magnitude >= 3) return count(value);
    if (magnitude >= -4) return fixed(value, std::max(0, 2 - magnitude));
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.3g", value);
    return digits;
}

/// As short as it can be written: learning rates, ticks of an axis.
inline std::string shortest(double value) {
    if (!std::isfinite(value)) return absent;
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.6g", std::abs(value));
    return (value < 0 ? minus : "") + std::string(digits);
}

/// "1 h 02 min", "3 min 05 s", "12.3 s".
inline std::string duration(double seconds) {
    if (!std::isfinite(seconds)) return absent;
    if (seconds < 59.95) return fixed(seconds, 1) + " s";
    char digits[64];
    const long whole = std::lround(seconds);
    if (whole >= 3600) {
        std::snprintf(digits, sizeof digits, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
    } else {
        std::snprintf(digits, sizeof digits, "%ld min %02ld s", whole / 60, whole % 60);
    }
    return digits;
}

/// Seconds since 1970 as "2024-06-01 12:30 UTC".
inline std::string date(double seconds) {
    if (!std::isfinite(seconds) || std::abs(seconds) > 1e11) return absent;
    const auto whole = static_cast<std::time_t>(seconds);
    std::tm fields{};
    if (!::gmtime_r(&whole, &fields)) return absent;
    char digits[64];
    std::strftime(digits, sizeof digits, "%Y-%m-%d %H:%M UTC", &fields);
    return digits;
}

}  // namespace report
