// SPDX-License-Identifier: MIT
// The version of the library; the build reads it from here.
#pragma once

namespace tessera {

inline constexpr const char* version = "0.1.0";

}  // namespace tessera
