// SPDX-License-Identifier: MIT
#include "program/console.hpp"

#include <doctest/doctest.h>

using namespace program;

TEST_CASE("progress says what is done, how fast, and how long the rest takes") {
    CHECK(advance_text({.done = 30, .total = 90, .seconds = 3}, "images") ==
          "30 of 90 images, 10/s, 6 s left");
    CHECK(advance_text({.done = 90, .total = 90, .seconds = 45}, "rows") ==
          "90 of 90 rows, 2/s, 0 s left");
    CHECK(advance_text({.done = 1, .total = 11, .seconds = 20}, "patches") ==
          "1 of 11 patches, 0/s, 3 min 20 s left");
}

TEST_CASE("what earlier runs did counts, but not for the rate and the time left") {
    CHECK(advance_text({.first = 60, .done = 90, .total = 210, .seconds = 3}, "images") ==
          "90 of 210 images, 10/s, 12 s left");
}

TEST_CASE("nothing is foretold before something was done") {
    CHECK(advance_text({.first = 60, .done = 60, .total = 90, .seconds = 3}, "images") ==
          "60 of 90 images, 0/s, ? left");
    CHECK(advance_text({.total = 90}, "images") == "0 of 90 images, 0/s, ? left");
}

TEST_CASE("durations are written in the two units that matter") {
    CHECK(duration_text(0) == "0 s");
    CHECK(duration_text(59.4) == "59 s");
    CHECK(duration_text(59.6) == "1 min 00 s");
    CHECK(duration_text(185) == "3 min 05 s");
    CHECK(duration_text(3725) == "1 h 02 min");
}
