// SPDX-License-Identifier: MIT
// Files are written whole or not at all, and errors name the path and the reason.
#include "tessera/core/file.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>

#include "files.hpp"

using namespace tessera;
using namespace tessera::testing;
namespace fs = std::filesystem;

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

TEST_CASE("a disk that fills up leaves the old file and no temporary") {
    const TemporaryFolder folder;
    folder.add("old", "old words");
    const std::vector<std::uint8_t> bytes(100'000, 7);
    for (const char* name : {"old", "new"}) {
        for (const rlim_t room : {0, 1, 4096, 99'999}) {
            const std::string message =
                message_within(RLIMIT_FSIZE, room, [&] { write_file(folder / name, bytes); });
            CHECK(message == "cannot write " + (folder / name) + ": File too large");
            CHECK(words_of(folder / "old") == "old words");
            CHECK(folder.entries() == 1);
        }
    }
    const std::string piece = message_within(RLIMIT_FSIZE, 6, [&] {
        FileWriter file(folder / "old");
        file.write("first");
        file.write("second");
    });
    CHECK(has(piece, "old: File too large"));
    CHECK(words_of(folder / "old") == "old words");
    CHECK(message_within(RLIMIT_FSIZE, 100'000, [&] { write_file(folder / "old", bytes); }) ==
          "no error");
    CHECK(read_file(folder / "old") == bytes);
    CHECK(folder.entries() == 1);
}

TEST_CASE("what a killed process left beside a file goes when the file is replaced") {
    const TemporaryFolder folder;
    const auto old = fs::file_time_type::clock::now() - std::chrono::hours(2);
    // No process has so large a number; this one and the first live.
    const std::string gone = "999999999";
    const std::vector<std::string> kept{"a.tmp-1-0",
                                        text("a.tmp-", ::getpid(), "-5"),
                                        "b.tmp-" + gone + "-0",
                                        "aa.tmp-" + gone + "-0",
                                        "a.tmp-" + gone,
                                        "a.tmp-" + gone + "-0.txt",
                                        "a.tmp-0" + gone + "-0",
                                        "a.tmp--1-0",
                                        "a.tmp-99999999999999999999-0",
                                        "a.tmp-words-0"};
    for (const std::string& name : kept) fs::last_write_time(folder.add(name, "x"), old);
    folder.add("a.tmp-" + gone + "-3", "written to within the hour, perhaps by another machine");
    const std::vector<std::string> removed{"a.tmp-" + gone + "-0", "a.tmp-" + gone + "-12"};
    for (const std::string& name : removed) fs::last_write_time(folder.add(name, "x"), old);

    write_file(folder / "a", "new");
    CHECK(folder.entries() == 14);
    write_file(folder / "a", "newer");
    CHECK(folder.entries() == 12);
    for (const std::string& name : removed) CHECK_FALSE(fs::exists(folder / name));
    CHECK(words_of(folder / "a") == "newer");

    // By a link, and by a name without a folder.
    fs::create_symlink(folder / "a", folder / "link");
    for (const std::string& path : {folder / "link", std::string("a")}) {
        fs::last_write_time(folder.add("a.tmp-" + gone + "-0", "x"), old);
        const fs::path before = fs::current_path();
        fs::current_path(folder.path);
        write_file(path, "newest");
        fs::current_path(before);
        CHECK_FALSE(fs::exists(folder / ("a.tmp-" + gone + "-0")));
    }
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

TEST_CASE("a file that is larger than agreed is refused before it is read") {
    const TemporaryFolder folder;
    folder.add("a", "words");
    CHECK(read_file(folder / "a", 5).size() == 5);
    CHECK(message_of([&] { read_file(folder / "a", 4); }) ==
          "cannot read " + (folder / "a") + ": found 5 bytes, expected at most 4");
    const std::string sparse = folder.add_sparse("sparse", std::uintmax_t{1} << 40);
    CHECK(has(message_of([&] { read_file(sparse, 1'000'000); }),
              "found 1099511627776 bytes, expected at most 1000000"));
    // No size is known of a device.
    CHECK(has(message_of([] { read_file("/dev/zero", 70'000); }), "expected at most 70000"));
}

TEST_CASE("a file that memory does not hold is an error with the path") {
    std::vector<std::uint8_t> bytes;
    CHECK(message_of([&] { detail::make_room(bytes, SIZE_MAX, "a.jpg"); }) ==
          "cannot read a.jpg: found no memory for its 18446744073709551615 bytes");
    // A sanitizer keeps its notes in terabytes of addresses, and cannot go on in fewer.
    const std::string pages = words_of("/proc/self/statm");
    constexpr rlim_t room = rlim_t{1} << 39;
    if (std::stoull(pages) > room / 4096) return;
    const TemporaryFolder folder;
    const std::string sparse = folder.add_sparse("sparse", std::uintmax_t{1} << 40);
    const std::string message = message_within(RLIMIT_AS, room, [&] { read_file(sparse); });
    CHECK(has(message, "cannot read " + sparse + ": found no memory for its 10995116"));
}
