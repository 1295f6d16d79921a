// SPDX-License-Identifier: MIT
// Folders are listed in order and made with all that is missing above; errors name the path.
#include "tessera/core/folder.hpp"

#include <doctest/doctest.h>

#include "files.hpp"

using namespace tessera;
using namespace tessera::testing;

TEST_CASE("folders are made with those above, and listed in order without the dots") {
    const TemporaryFolder here;
    make_folders(here / "b/c//d/");
    make_folders(here / "b");
    make_folders(here / "a");
    write_file(here / "B.txt", "four");
    CHECK(is_folder(here / "b/c/d"));
    CHECK(list_folder(here.path.string()) == std::vector<std::string>{"B.txt", "a", "b"});
    CHECK(list_folder(here / "a").empty());
    CHECK(path_exists(here / "B.txt"));
    CHECK_FALSE(is_folder(here / "B.txt"));
    CHECK_FALSE(path_exists(here / "x"));
    CHECK(file_size(here / "B.txt") == 4);
    CHECK(file_size(here / "x") == ~std::uint64_t{});
}

TEST_CASE("a folder that cannot be read or made is named with the reason") {
    const TemporaryFolder here;
    write_file(here / "file", "");
    CHECK_THROWS_WITH_AS(
        list_folder(here / "x"),
        ("cannot read folder " + (here / "x") + ": No such file or directory").c_str(), Error);
    CHECK_THROWS_WITH_AS(make_folders("/proc/tessera"),
                         "cannot make folder /proc/tessera: No such file or directory", Error);
    CHECK_THROWS_WITH_AS(make_folders(here / "file/x"),
                         ("cannot make folder " + (here / "file") + ": File exists").c_str(),
                         Error);
}

TEST_CASE("the last name of a path is that of its folder") {
    CHECK(last_name("VOCdevkit/VOC2007") == "VOC2007");
    CHECK(last_name("VOCdevkit/VOC2007//") == "VOC2007");
    CHECK(last_name("VOC2007") == "VOC2007");
    CHECK(last_name("/") == "");
}
