// SPDX-License-Identifier: MIT
// Fingerprints are those of FNV-1a and tell apart what differs.
#include "tessera/core/fingerprint.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace tessera;

namespace {

template <class... Values>
std::uint64_t of(const Values&... values) {
    Fingerprint fingerprint;
    (fingerprint.add(values), ...);
    return fingerprint.value();
}

}  // namespace

TEST_CASE("the fingerprint is FNV-1a") {
    CHECK(Fingerprint().value() == 0xCBF29CE484222325ull);
    // The published value of "foobar"; the number below is these six bytes and two zero bytes more.
    std::uint64_t expected = 0x85944171F73967E8ull;
    for (int i = 0; i < 2; ++i) expected *= 0x100000001B3ull;
    CHECK(of(0x7261'626F'6F66ull) == expected);
    CHECK(hexadecimal(0x85944171F73967E8ull) == "85944171f73967e8");
    CHECK(hexadecimal(0) == "0000000000000000");
}

TEST_CASE("neighbouring texts are told apart") {
    CHECK(of("ab", "c") != of("a", "bc"));
    CHECK(of("abc") != of("abc", ""));
    CHECK(of(1, 2) != of(2, 1));
    CHECK(of(std::int8_t{-1}) == of(-1L));
    const std::vector<std::uint8_t> bytes{'a', 'b'};
    CHECK(of(std::span<const std::uint8_t>(bytes)) == of(std::string_view("ab")));
}
