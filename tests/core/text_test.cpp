// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <climits>
#include <string>
#include <string_view>

#include "tessera/core/error.hpp"

using namespace tessera;

TEST_CASE("a message is its words one after the other") {
    const std::string long_name(300, 'n');
    CHECK(text() == "");
    CHECK(text("file ", long_name, ": found ", std::string_view("abc").substr(1), '!') ==
          "file " + long_name + ": found bc!");
    CHECK(text(true, ' ', false, ' ', 'x') == "true false x");
    CHECK(text(INT_MIN, ' ', UINT_MAX) == "-2147483648 4294967295");
    CHECK(text(LONG_MIN, ' ', ULONG_MAX) == "-9223372036854775808 18446744073709551615");
    CHECK(text(LLONG_MIN, ' ', ULLONG_MAX) == "-9223372036854775808 18446744073709551615");
    CHECK(text(0.5, ' ', 1e300, ' ', -1.0 / 3, ' ', 2.0f) == "0.5 1e+300 -0.333333 2");
}

TEST_CASE("a shape is its extents, with a question mark for what a workspace will say") {
    CHECK(text(Shape{3, 224, 17}) == "3x224x17");
    CHECK(text(Shape{3, dynamic, dynamic}) == "3x?x?");
    CHECK(text(Shape{INT_MAX, INT_MAX, INT_MAX}) == "2147483647x2147483647x2147483647");
}

TEST_CASE("an error says its words") {
    CHECK_NOTHROW(require(true, "not said"));
    CHECK_THROWS_WITH_AS(require(1 > 2, "found ", 1, ", expected ", 2), "found 1, expected 2",
                         Error);
    CHECK_THROWS_WITH_AS(fail("no ", std::string("way")), "no way", Error);
}
