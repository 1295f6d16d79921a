// SPDX-License-Identifier: MIT
// The reader of JSON pieces agrees with a general library on what a text and a number are.
#include "tessera/io/json_reader.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "tessera/core/random.hpp"

#if __has_include(<nlohmann/json.hpp>)
#include <nlohmann/json.hpp>
#endif

using namespace tessera;
using detail::JsonReader;

namespace {

std::optional<std::string> read_text(const std::string& json) {
    try {
        JsonReader reader(json, "test");
        std::string value = reader.string("a text");
        reader.expect_end();
        return value;
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::optional<std::int64_t> read_whole(const std::string& json) {
    try {
        JsonReader reader(json, "test");
        const std::int64_t value = reader.number("a number");
        reader.expect_end();
        return value;
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace

TEST_CASE("texts are quoted so that reading gives them back") {
    std::string all;
    for (int c = 1; c < 128; ++c) all += static_cast<char>(c);
    all += std::string("\0", 1) + "é€😀";
    CHECK(read_text(detail::json_quoted(all, "test")) == all);
    CHECK(detail::json_quoted("a\"b\\\n\x1f/", "test") == R"("a\"b\\\n\u001f/")");
    CHECK_THROWS_AS(detail::json_quoted("\xc3", "test"), Error);
}

TEST_CASE("whole numbers are read up to the largest") {
    CHECK(read_whole(" 0 ") == 0);
    CHECK(read_whole("9223372036854775807") == INT64_MAX);
    for (const char* words : {"9223372036854775808", "-1", "-0", "+1", "01", "00", "1.0", "1e2", "",
                              "x", "0x1", "1 2", "\"1\""}) {
        CHECK_MESSAGE(read_whole(words) == std::nullopt, words);
    }
}

TEST_CASE("an error says where, what was found and what was expected") {
    JsonReader reader("  {\x01zz", "file");
    reader.expect('{', "an object");
    CHECK_THROWS_WITH_AS(reader.string("a name"), "file: byte 3: found '?zz', expected a name",
                         Error);
}

#if __has_include(<nlohmann/json.hpp>)
TEST_CASE("random texts and numbers are accepted or refused as by a general library") {
    const std::vector<std::string> pieces{
        "a",       "\"",    "\\",   "\\\"",     "\\n",  "\\u",  "\\u00e9", "\\ud83d",
        "\\ude00", "\n",    "\x7f", "\xc3\xa9", "\xc3", "\x80", "\xe0",    "\xed",
        "\xa0",    "\x9f",  "\xf0", "\xf4",     "\x90", "\x8f", "/",       "0",
        "\\/",     "\\u12", "dF",   " ",        "\xc1", "\xbf"};
    Random random({.seed = 7, .purpose = Purpose::generate});
    int accepted = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string json = "\"";
        for (std::uint32_t n = random.below(6); n > 0; --n) {
            json += pieces[random.below(static_cast<std::uint32_t>(pieces.size()))];
        }
        json += '"';
        const auto ours = read_text(json);
        const auto theirs = nlohmann::json::parse(json, nullptr, false);
        REQUIRE_MESSAGE(ours.has_value() == theirs.is_string(), json);
        if (ours) {
            ++accepted;
            REQUIRE(*ours == theirs.get<std::string>());
            REQUIRE(nlohmann::json::parse(detail::json_quoted(*ours, "test")) == theirs);
        }
    }
    CHECK(accepted > 1000);
    const std::string symbols = "0123456789.-+eE ";
    for (int round = 0; round < 20'000; ++round) {
        std::string json;
        for (std::uint32_t n = 1 + random.below(5); n > 0; --n) json += symbols[random.below(16)];
        const auto ours = read_whole(json);
        const auto theirs = nlohmann::json::parse(json, nullptr, false);
        REQUIRE_MESSAGE(ours.has_value() == theirs.is_number_unsigned(), json);
        if (ours) REQUIRE(*ours == theirs.get<std::int64_t>());
    }
}
#endif
