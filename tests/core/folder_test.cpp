// SPDX-License-Identifier: MIT
// Folders are listed in order and made with all that is missing above; errors name the path.
#include "tessera/core/folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>

using namespace tessera;

namespace {

struct TemporaryFolder {
    std::string path = "/tmp/tessera-folder-XXXXXX";

    TemporaryFolder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~TemporaryFolder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("folders are made with those above, and listed in order without the dots") {
    const TemporaryFolder here;
    make_folders(here.path + "/b/c//d/");
    make_folders(here.path + "/b");
    make_folders(here.path + "/a");
    write_file(here.path + "/B.txt", "four");
    CHECK(is_folder(here.path + "/b/c/d"));
    CHECK(list_folder(here.path) == std::vector<std::string>{"B.txt", "a", "b"});
    CHECK(list_folder(here.path + "/a").empty());
    CHECK(path_exists(here.path + "/B.txt"));
    CHECK_FALSE(is_folder(here.path + "/B.txt"));
    CHECK_FALSE(path_exists(here.path + "/x"));
    CHECK(file_size(here.path + "/B.txt") == 4);
    CHECK(file_size(here.path + "/x") == ~std::uint64_t{});
}

TEST_CASE("a folder that cannot be read or made is named with the reason") {
    const TemporaryFolder here;
    write_file(here.path + "/file", "");
    CHECK_THROWS_WITH_AS(
        list_folder(here.path + "/x"),
        ("cannot read folder " + here.path + "/x: No such file or directory").c_str(), Error);
    CHECK_THROWS_WITH_AS(make_folders("/proc/tessera"),
                         "cannot make folder /proc/tessera: No such file or directory", Error);
    CHECK_THROWS_WITH_AS(make_folders(here.path + "/file/x"),
                         ("cannot make folder " + here.path + "/file: File exists").c_str(), Error);
}

TEST_CASE("the last name of a path is that of its folder") {
    CHECK(last_name("VOCdevkit/VOC2007") == "VOC2007");
    CHECK(last_name("VOCdevkit/VOC2007//") == "VOC2007");
    CHECK(last_name("VOC2007") == "VOC2007");
    CHECK(last_name("/") == "");
}
