// SPDX-License-Identifier: MIT
// Files are written whole or not at all, and errors name the path and the reason.
#include "tessera/core/file.hpp"

#include <doctest/doctest.h>

#include <filesystem>

using namespace tessera;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
    fs::path path;

    TemporaryFolder() {
        std::string name = (fs::temp_directory_path() / "tessera-file-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~TemporaryFolder() { fs::remove_all(path); }
    std::string operator/(const char* name) const { return (path / name).string(); }
    int entries() const {
        return static_cast<int>(std::distance(fs::directory_iterator(path), {}));
    }
};

template <class Action>
std::string message_of(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

bool has(const std::string& words, const std::string& part) {
    return words.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a file comes back as it was written") {
    const TemporaryFolder folder;
    std::vector<std::uint8_t> bytes(100'000);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::uint8_t(i * 7 + i / 256);
    write_file(folder / "a", bytes);
    CHECK(read_file(folder / "a") == bytes);
    write_file(folder / "a", std::string_view("short"));
    CHECK(read_file(folder / "a") == std::vector<std::uint8_t>{'s', 'h', 'o', 'r', 't'});
    write_file(folder / "a", std::span<const std::uint8_t>{});
    CHECK(read_file(folder / "a").empty());
    CHECK(folder.entries() == 1);
}

TEST_CASE("a file that has no size in the folder is read to its end") {
    const auto bytes = read_file("/proc/self/cmdline");
    CHECK_FALSE(bytes.empty());
}

TEST_CASE("pieces are joined, and nothing is visible before commit") {
    const TemporaryFolder folder;
    write_file(folder / "a", "old");
    {
        FileWriter file(folder / "a");
        file.write("new ");
        FileWriter moved(std::move(file));
        moved.write("words");
        CHECK(read_file(folder / "a").size() == 3);
        moved.commit();
    }
    CHECK(read_file(folder / "a").size() == 9);
    CHECK(folder.entries() == 1);
}

TEST_CASE("a writer that is abandoned leaves the old file and no temporary") {
    const TemporaryFolder folder;
    write_file(folder / "a", "old");
    { FileWriter(folder / "a").write("half"); }
    CHECK(read_file(folder / "a").size() == 3);
    CHECK(folder.entries() == 1);
}

TEST_CASE("two writers of one path do not share a temporary") {
    const TemporaryFolder folder;
    FileWriter first(folder / "a");
    FileWriter second(folder / "a");
    first.write("first");
    second.write("second!");
    second.commit();
    first.commit();
    CHECK(read_file(folder / "a").size() == 5);
    CHECK(folder.entries() == 1);
}

TEST_CASE("a link stays a link and its file is replaced") {
    const TemporaryFolder folder;
    write_file(folder / "a", "old");
    fs::create_symlink(folder / "a", folder / "link");
    write_file(folder / "link", "longer");
    CHECK(fs::is_symlink(folder / "link"));
    CHECK(read_file(folder / "a").size() == 6);
}

TEST_CASE("a replaced file keeps its permissions") {
    const TemporaryFolder folder;
    write_file(folder / "a", "old");
    fs::permissions(folder / "a", fs::perms(0640));
    write_file(folder / "a", "longer");
    CHECK(fs::status(folder / "a").permissions() == fs::perms(0640));
}

TEST_CASE("a full disk is an error and the device survives") {
    const std::string message = message_of([] { write_file("/dev/full", "bytes"); });
    CHECK(has(message, "/dev/full"));
    CHECK(has(message, "No space left on device"));
    CHECK(fs::is_character_file("/dev/full"));
}

TEST_CASE("a place that cannot be written is an error with the path and the reason") {
    const TemporaryFolder folder;
    write_file(folder / "file", "x");
    CHECK(has(message_of([&] { write_file(folder / "none/a", "x"); }), "none/a: No such file"));
    CHECK(has(message_of([&] { write_file(folder / "file/a", "x"); }), "file/a: Not a directory"));
    CHECK(has(message_of([&] { write_file(folder.path.string(), "x"); }), "is a folder"));
    CHECK(has(message_of([] { write_file("/proc/tessera", "x"); }), "cannot write /proc/tessera"));
    CHECK(folder.entries() == 1);
}

TEST_CASE("a file that cannot be read is an error with the path and the reason") {
    CHECK(has(message_of([] { read_file("/nowhere/a"); }), "/nowhere/a: No such file"));
    CHECK(has(message_of([] { read_file("/tmp"); }), "/tmp: Is a directory"));
}
