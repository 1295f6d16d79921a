// SPDX-License-Identifier: MIT
// Safetensors files: what is written comes back, files made by hand are read, hostile ones refused.
#include "tessera/io/safetensors.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "files.hpp"
#include "tessera/io/safetensors_writer.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

/// A file with this header and `data_bytes` bytes 0, 1, 2 ... behind it.
std::string file_words(std::string_view header, std::size_t data_bytes) {
    const std::uint64_t length = header.size();
    std::string words(8, '\0');
    std::memcpy(words.data(), &length, 8);
    words += header;
    for (std::size_t i = 0; i < data_bytes; ++i) words += static_cast<char>(i);
    return words;
}

/// What opening such a file says.
std::string complaint(std::string_view header, std::size_t data_bytes) {
    const TemporaryFolder folder;
    const std::string path = folder.add("hostile.safetensors", file_words(header, data_bytes));
    const std::string message = message_of([&] { SafetensorsFile file(path); });
    CHECK((message == "no error" || message.rfind(path, 0) == 0));
    return message;
}

constexpr std::string_view one_u8 = R"({"dtype":"U8","shape":[4],"data_offsets":[0,4]})";

std::string named(std::string_view name, std::string_view entry) {
    return "{\"" + std::string(name) + "\":" + std::string(entry) + "}";
}

}  // namespace

TEST_CASE("a file made by hand is read") {
    const TemporaryFolder folder;
    const std::string header = R"( {"b": {"shape":[2,1], "dtype":"I16", "data_offsets":[4, 8]},)"
                               R"("__metadata__":{"net":"\u0041lex\n\"\\\u00e9\ud83d\ude00é"},)"
                               R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                               R"("none":{"dtype":"F32","shape":[3,0],"data_offsets":[8,8]},)"
                               R"("one":{"dtype":"BOOL","shape":[],"data_offsets":[8,9]}}   )";
    const SafetensorsFile file(folder.add("a", file_words(header, 9)));
    REQUIRE(file.tensors().size() == 4);
    CHECK(file.tensors()[0].name == "a");
    CHECK(file.tensors()[1].name == "b");
    CHECK(file.at("a").dtype == Dtype::u8);
    CHECK(std::vector<int>(file.at("a").bytes.begin(), file.at("a").bytes.end()) ==
          std::vector{0, 1, 2, 3});
    CHECK(file.at("b").shape == std::vector<Index>{2, 1});
    CHECK(file.at("b").size() == 2);
    CHECK(file.at("b").bytes[3] == 7);
    CHECK(file.at("none").size() == 0);
    CHECK(file.at("one").shape.empty());
    CHECK(file.at("one").size() == 1);
    CHECK(file.metadata().at("net") == "Alex\n\"\\é😀é");
    CHECK(file.find("c") == nullptr);
    CHECK(has(message_of([&] { file.at("c"); }), "found no tensor 'c' among 4"));
}

TEST_CASE("a file without tensors is read") {
    const TemporaryFolder folder;
    CHECK(SafetensorsFile(folder.add("a", file_words("{}", 0))).tensors().empty());
}

TEST_CASE("written tensors come back bit by bit, and writing again gives the same bytes") {
    const TemporaryFolder folder;
    const std::vector<float> weights{1.5f,
                                     -0.0f,
                                     std::numeric_limits<float>::denorm_min(),
                                     std::numeric_limits<float>::infinity(),
                                     NAN,
                                     7};
    const std::vector<double> doubles{1e-300, 2};
    const std::vector<std::uint8_t> small{1, 2, 3};
    const std::vector<TensorSource> tensors{
        {.name = "z/é \"\n\x01", .dtype = Dtype::u8, .shape = {3}, .bytes = small},
        {.name = "conv.weight",
         .dtype = Dtype::f32,
         .shape = {3, 2},
         .produce =
             [&](const ByteSink& sink) {
                 for (const float& w : weights) sink(bytes_of(std::span(&w, 1)));
             }},
        {.name = "empty", .dtype = Dtype::bf16, .shape = {0, 5}},
        {.name = "d",
         .dtype = Dtype::f64,
         .shape = {2},
         .bytes = bytes_of(std::span<const double>(doubles))}};
    const std::map<std::string, std::string> metadata{{"made by", "tessera"}, {"\t", "\"\\\x02ü"}};
    write_safetensors(folder / "a", tensors, metadata);
    std::vector<TensorSource> reversed(tensors.rbegin(), tensors.rend());
    write_safetensors(folder / "b", reversed, metadata);
    CHECK(read_file(folder / "a") == read_file(folder / "b"));

    const SafetensorsFile file(folder / "a");
    CHECK(file.metadata() == metadata);
    REQUIRE(file.tensors().size() == 4);
    std::vector<std::string> order;
    for (const TensorInfo& info : file.tensors()) order.push_back(info.name);
    CHECK(order == std::vector<std::string>{"d", "conv.weight", "empty", "z/é \"\n\x01"});
    CHECK(file.at("conv.weight").shape == std::vector<Index>{3, 2});
    CHECK(std::memcmp(file.at("conv.weight").bytes.data(), weights.data(), 24) == 0);
    CHECK(std::ranges::equal(file.at("z/é \"\n\x01").bytes, small));
    CHECK(reinterpret_cast<std::uintptr_t>(file.tensors()[0].bytes.data()) % 8 == 0);

    std::vector<TensorSource> again;
    for (const TensorInfo& info : file.tensors()) {
        again.push_back(
            {.name = info.name, .dtype = info.dtype, .shape = info.shape, .bytes = info.bytes});
    }
    write_safetensors(folder / "c", again, file.metadata());
    CHECK(read_file(folder / "c") == read_file(folder / "a"));
}

TEST_CASE("the bytes of a small file are these") {
    const TemporaryFolder folder;
    const std::vector<float> one{1};
    write_safetensors(
        folder / "a",
        std::vector<TensorSource>{
            {.name = "w", .shape = {1, 1}, .bytes = bytes_of(std::span<const float>(one))}});
    const std::string header = R"({"w":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}})";
    REQUIRE(header.size() == 56);
    CHECK(words_of(folder / "a") ==
          std::string("\x38\0\0\0\0\0\0\0", 8) + header + std::string("\0\0\x80\x3f", 4));
}

TEST_CASE("floating-point tensors are read as float and as double") {
    const TemporaryFolder folder;
    const std::vector<std::uint16_t> halves{0x3C00, 0xC000, 0x0001, 0x7BFF, 0x7C00, 0x8000, 0x3555};
    const std::vector<std::uint16_t> bfloats{0x3F80, 0xC000, 0x7F80, 0x0001};
    const std::vector<double> doubles{0.1, -3};
    const std::vector<std::uint8_t> odd{1};
    write_safetensors(
        folder / "a",
        std::vector<TensorSource>{{.name = "h",
                                   .dtype = Dtype::f16,
                                   .shape = {7},
                                   .bytes = bytes_of(std::span(std::as_const(halves)))},
                                  {.name = "b",
                                   .dtype = Dtype::bf16,
                                   .shape = {4},
                                   .bytes = bytes_of(std::span(std::as_const(bfloats)))},
                                  {.name = "d",
                                   .dtype = Dtype::f64,
                                   .shape = {2},
                                   .bytes = bytes_of(std::span(std::as_const(doubles)))},
                                  {.name = "u", .dtype = Dtype::u8, .shape = {1}, .bytes = odd}});
    const SafetensorsFile file(folder / "a");
    std::vector<float> h(7, NAN), b(4, NAN), d(2, NAN);
    std::vector<double> wide(2, NAN);
    file.read("h", std::span(h));
    CHECK(h == std::vector<float>{1, -2, 0x1p-24f, 65504, INFINITY, -0.f, 0x1.554p-2f});
    CHECK(std::signbit(h[5]));
    file.read("b", std::span(b));
    CHECK(b == std::vector<float>{1, -2, INFINITY, 0x1p-133f});
    file.read("d", std::span(d));
    CHECK(d == std::vector<float>{0.1f, -3});
    file.read("d", std::span(wide));
    CHECK(wide == doubles);
    CHECK(std::isnan(float_from_half(0x7E00)));
    CHECK(has(message_of([&] { file.read("d", std::span(h)); }),
              "tensor 'd': found 2 elements (2), expected 7"));
    std::vector<float> u(1);
    CHECK(has(message_of([&] { file.read("u", std::span(u)); }),
              "tensor 'u': found element type U8, expected F16"));
}

TEST_CASE("a file that is cut short is refused") {
    const TemporaryFolder folder;
    const std::string whole = file_words(named("a", one_u8), 4);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::string path = folder.add("cut", whole.substr(0, size));
        const std::string message = message_of([&] { SafetensorsFile file(path); });
        CHECK_MESSAGE(has(message, path), size);
    }
    CHECK(has(message_of([&] { SafetensorsFile f(folder.add("empty", "")); }), "found 0 bytes"));
    CHECK(has(complaint(named("a", one_u8), 3), "but the file has 3 bytes of data"));
    CHECK(has(message_of([&] { SafetensorsFile f(folder / "missing"); }), "No such file"));
}

TEST_CASE("a header of impossible length is refused before it is read") {
    const TemporaryFolder folder;
    const auto with_length = [&](std::uint64_t length) {
        std::string words = file_words("{}", 0);
        std::memcpy(words.data(), &length, 8);
        return message_of([&] { SafetensorsFile f(folder.add("a", words)); });
    };
    CHECK(has(with_length(3), "found a header of 3 bytes, but only 2 bytes follow"));
    CHECK(has(with_length(100'000'001), "expected at most 100000000"));
    CHECK(has(with_length(~std::uint64_t{0}), "expected at most 100000000"));
    CHECK(has(with_length(std::uint64_t{1} << 63), "expected at most 100000000"));
    CHECK(has(with_length(0), "expected an object of tensors"));
}

TEST_CASE("tensors that overlap, leave gaps or lie out of bounds are refused") {
    const auto two = [](std::string_view second, std::string_view shape) {
        return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":)" +
               std::string(shape) + R"(,"data_offsets":)" + std::string(second) + "}}";
    };
    CHECK(complaint(two("[4,8]", "[4]"), 8) == "no error");
    CHECK(has(complaint(two("[3,7]", "[4]"), 8), "tensor 'b': found data_offsets [3, 7]"));
    CHECK(has(complaint(two("[3,7]", "[4]"), 8), "no overlap: the tensor before ends at 4"));
    CHECK(has(complaint(two("[0,4]", "[4]"), 4), "no overlap"));
    CHECK(has(complaint(two("[5,9]", "[4]"), 9), "no gap: the tensor before ends at 4"));
    CHECK(has(complaint(two("[4,9]", "[5]"), 8), "but the file has 8 bytes of data"));
    CHECK(has(complaint(two("[4,2]", "[4]"), 8), "expected the end at or behind the begin"));
    CHECK(has(complaint(two("[4,8]", "[4]"), 9), "found 1 bytes behind the last tensor"));
    CHECK(has(complaint(two("[4,9223372036854775807]", "[4]"), 8), "bytes of data"));
    CHECK(has(complaint(two("[4]", "[4]"), 8), "found 1 data_offsets, expected two"));
    CHECK(has(complaint(two("[4,8,9]", "[4]"), 8), "more than two data_offsets"));
    CHECK(has(complaint("{}", 1), "found 1 bytes behind the last tensor"));
}

TEST_CASE("a type or a shape that does not fit the bytes is refused") {
    const auto entry = [](std::string_view dtype, std::string_view shape) {
        return R"({"a":{"dtype":)" + std::string(dtype) + R"(,"shape":)" + std::string(shape) +
               R"(,"data_offsets":[0,8]}})";
    };
    CHECK(complaint(entry(R"("F64")", "[1]"), 8) == "no error");
    CHECK(complaint(entry(R"("BF16")", "[2,1,2]"), 8) == "no error");
    CHECK(has(complaint(entry(R"("F32")", "[3]"), 8), "found 8 bytes, expected 12 for F32 3"));
    CHECK(has(complaint(entry(R"("F32")", "[]"), 8), "expected 4 for F32 scalar"));
    CHECK(has(complaint(entry(R"("f32")", "[2]"), 8), "found dtype 'f32', expected BOOL"));
    CHECK(has(complaint(entry("7", "[2]"), 8), "expected a dtype in quotes"));
    CHECK(has(complaint(entry("null", "[2]"), 8), "expected a dtype in quotes"));
    CHECK(has(complaint(entry(R"("U8")", "8"), 8), "expected an array of extents"));
    CHECK(has(complaint(entry(R"("U8")", "[-8]"), 8), "expected an extent from 0"));
    CHECK(has(complaint(entry(R"("U8")", "[8.0]"), 8), "expected an extent from 0"));
    CHECK(has(complaint(entry(R"("U8")", "[8e0]"), 8), "expected an extent from 0"));
    CHECK(has(complaint(entry(R"("U8")", "[08]"), 8), "expected an extent from 0"));
    CHECK(has(complaint(entry(R"("U8")", R"(["8"])"), 8), "expected an extent from 0"));
    CHECK(has(complaint(entry(R"("U8")", "[9223372036854775808]"), 8), "expected an extent"));
    CHECK(has(complaint(entry(R"("U8")", "[99999999999999999999999]"), 8), "expected an extent"));
    CHECK(has(complaint(entry(R"("U8")", "[4294967296,4294967296]"), 8), "exceeds 2^63 bytes"));
    CHECK(has(complaint(entry(R"("F64")", "[4611686018427387904]"), 8), "exceeds 2^63 bytes"));
    std::string deep = "[1";
    for (int i = 0; i < 70; ++i) deep += ",1";
    CHECK(has(complaint(entry(R"("F64")", deep + "]"), 8), "more than 64 extents"));
}

TEST_CASE("names and fields that occur twice are refused") {
    const std::string entry(one_u8);
    CHECK(has(complaint("{\"a\":" + entry + ",\"a\":" + entry + "}", 4), "tensor 'a' twice"));
    CHECK(has(complaint("{\"a\":" + entry + ",\"\\u0061\":" + entry + "}", 4), "tensor 'a' twice"));
    CHECK(has(complaint(R"({"__metadata__":{},"__metadata__":{}})", 0), "two __metadata__"));
    CHECK(has(complaint(R"({"__metadata__":{"k":"1","k":"2"}})", 0), "key 'k' twice"));
    CHECK(has(
        complaint(named("a", R"({"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]})"), 1),
        "tensor 'a': found dtype twice"));
}

TEST_CASE("fields that are missing or unknown are refused") {
    CHECK(has(complaint(named("a", R"({"shape":[],"data_offsets":[0,1]})"), 1), "found no dtype"));
    CHECK(has(complaint(named("a", R"({"dtype":"U8","data_offsets":[0,1]})"), 1), "no shape"));
    CHECK(has(complaint(named("a", R"({"dtype":"U8","shape":[]})"), 1), "found 0 data_offsets"));
    CHECK(has(complaint(named("a", R"({"dtype":"U8","shape":[1],"size":1})"), 1), "field 'size'"));
    CHECK(has(complaint(named("a", "{}"), 0), "found no dtype"));
}

TEST_CASE("JSON that is malformed is refused where it breaks") {
    for (const std::string_view header : {"[]",
                                          "{",
                                          "{\"a\"",
                                          "{\"a\":}",
                                          "{\"__metadata__\":{},}",
                                          "{}}",
                                          "{} x",
                                          "null",
                                          "{\"a\":[]}",
                                          "{'a':1}",
                                          "{\"a\":1}",
                                          "{\"__metadata__\":{\"k\":1}}",
                                          "{\"__metadata__\":[]}",
                                          "{\"__metadata__\":{\"k\":{\"deep\":1}}}",
                                          "{\"a\\x\":1}",
                                          "{\"a\\u12\":1}",
                                          "{\"\\ud800\":1}",
                                          "{\"\\udc00\":1}",
                                          "{\"\\ud800\\u0041\":1}",
                                          "{\"\xff\":1}",
                                          "{\"\xc0\x80\":1}",
                                          "{\"\xed\xa0\x80\":1}",
                                          "{\"\xf5\x80\x80\x80\":1}",
                                          "{\"a\nb\":1}",
                                          "\xef\xbb\xbf{}"}) {
        CHECK_MESSAGE(has(complaint(header, 0), "header: byte "), header);
    }
    std::string deep(1'000'000, '[');
    CHECK(has(complaint(deep, 0), "byte 0: found '[[[[[[[[[[[[', expected an object of tensors"));
    CHECK(has(complaint("{\"a\":" + std::string(1'000'000, '{'), 0), "expected a name in quotes"));
}

TEST_CASE("what cannot be written leaves the old file as it was") {
    const TemporaryFolder folder;
    const std::vector<std::uint8_t> four{1, 2, 3, 4};
    const auto tensor = [&](std::string name, std::vector<Index> shape) {
        return TensorSource{
            .name = std::move(name), .dtype = Dtype::u8, .shape = std::move(shape), .bytes = four};
    };
    const std::string path = folder.add("w", "old");
    const auto refuse = [&](std::vector<TensorSource> tensors, const std::string& part) {
        const std::string message = message_of([&] { write_safetensors(path, tensors); });
        CHECK_MESSAGE((has(message, part) && has(message, path)), message);
        CHECK(words_of(path) == "old");
        CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
    };
    refuse({tensor("a", {5})}, "tensor 'a': found 4 bytes, expected 5");
    refuse({tensor("a", {3})}, "found more bytes than the 3");
    refuse({tensor("a", {-4})}, "found extent -4");
    refuse({tensor("a", {Index{1} << 40, Index{1} << 40})}, "expected a shape");
    refuse({tensor("a", {4}), tensor("a", {4})}, "tensor name 'a' twice");
    refuse({tensor("__metadata__", {4})}, "reserved");
    refuse({tensor("a\xff", {4})}, "byte 1 is not UTF-8");
    refuse({tensor("a", {4}),
            {.name = "b",
             .dtype = Dtype::u8,
             .shape = {1},
             .produce = [&](const ByteSink&) { fail(path, ": gave up"); }}},
           "gave up");
}

TEST_CASE("a full disk and a read-only folder are errors that name the file") {
    const std::vector<std::uint8_t> bytes(100'000);
    const std::vector<TensorSource> tensors{
        {.name = "a", .dtype = Dtype::u8, .shape = {100'000}, .bytes = bytes}};
    if (std::filesystem::exists("/dev/full")) {
        const std::string message = message_of([&] { write_safetensors("/dev/full", tensors); });
        CHECK(has(message, "/dev/full"));
        CHECK(has(message, "No space left"));
    }
    const TemporaryFolder folder;
    CHECK(has(message_of([&] { write_safetensors(folder / "no/w", tensors); }), "No such file"));
    const ReadOnlyFolder closed;
    const std::string message = message_of([&] { write_safetensors(closed / "w", tensors); });
    CHECK(has(message, "cannot write " + (closed / "w")));
}
