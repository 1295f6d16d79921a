// SPDX-License-Identifier: MIT
// Mapped files give the bytes of the file, and errors name the path and the reason.
#include "tessera/core/mapped_file.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "files.hpp"

using namespace tessera;
using namespace tessera::testing;

TEST_CASE("a mapped file shows the bytes of the file") {
    const TemporaryFolder folder;
    std::vector<std::uint8_t> bytes(100'000);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::uint8_t(i * 13 + i / 256);
    write_file(folder / "a", bytes);
    MappedFile file(folder / "a");
    CHECK(std::ranges::equal(file.bytes(), bytes));
    CHECK(file.path() == folder / "a");

    MappedFile moved(std::move(file));
    CHECK(file.bytes().empty());
    CHECK(std::ranges::equal(moved.bytes(), bytes));
    MappedFile assigned(folder / "a");
    assigned = std::move(moved);
    CHECK(std::ranges::equal(assigned.bytes(), bytes));
}

TEST_CASE("a mapped file keeps its bytes when the file is replaced or removed") {
    const TemporaryFolder folder;
    write_file(folder / "a", "before");
    const MappedFile file(folder / "a");
    write_file(folder / "a", "after the change");
    CHECK(std::string(file.bytes().begin(), file.bytes().end()) == "before");
    std::filesystem::remove(folder / "a");
    CHECK(std::string(file.bytes().begin(), file.bytes().end()) == "before");
}

TEST_CASE("an empty file maps to no bytes") {
    const TemporaryFolder folder;
    write_file(folder / "empty", "");
    CHECK(MappedFile(folder / "empty").bytes().empty());
}

TEST_CASE("what cannot be mapped is named") {
    const TemporaryFolder folder;
    const std::string missing = message_of([&] { MappedFile(folder / "missing"); });
    CHECK(has(missing, folder / "missing"));
    CHECK(has(missing, "No such file"));
    CHECK(has(message_of([&] { MappedFile(folder.path.string()); }), "expected a regular file"));
    CHECK(has(message_of([&] { MappedFile("/dev/null"); }), "expected a regular file"));
}
