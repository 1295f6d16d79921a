// SPDX-License-Identifier: MIT
// Result files have the lines of the development kit, and wrong ones are refused as it does.
#include "tessera/data/voc_results.hpp"

#include <doctest/doctest.h>

#include "files.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

const std::vector<std::string> ids{"000012", "000004", "2008_000008"};
constexpr double infinite = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("scores come back as they were written") {
    const TemporaryFolder folder;
    const std::string path = VocResultName{.set = "test", .name = "dog"}.path(folder.path.string());
    CHECK(path == folder / "comp2_cls_test_dog.txt");
    const std::vector<double> scores{0.1, -1e-300, 12345678.9};
    write_voc_results(path, ids, scores);
    CHECK(words_of(path) == "000012 0.1\n000004 -1e-300\n2008_000008 12345678.9\n");
    CHECK(read_voc_results(path, ids) == scores);
}

TEST_CASE("lines may be in any order, and an id without a line ranks last") {
    const TemporaryFolder folder;
    const std::string path = folder.add("r.txt", "2008_000008\t 3e-1\r\n\n000012 -4 \n");
    CHECK(read_voc_results(path, ids) == std::vector<double>{-4, -infinite, 0.3});
}

TEST_CASE("persons of the action task are known by image and object") {
    const TemporaryFolder folder;
    const VocResultName name{"comp10", "val", "running", "action"};
    const std::string path = name.path(folder.path.string());
    CHECK(path == folder / "comp10_action_val_running.txt");
    const std::vector<std::string> persons{"2010_1 1", "2010_1 2"};
    write_voc_results(path, persons, std::vector<double>{1, 2});
    CHECK(words_of(path) == "2010_1 1 1\n2010_1 2 2\n");
    CHECK(read_voc_results(path, persons) == std::vector<double>{1, 2});
    CHECK(has(message_of([&] { read_voc_results(path, ids); }), "found id '2010_1 1'"));
}

TEST_CASE("unknown and repeated ids and bad numbers are refused by line") {
    const TemporaryFolder folder;
    const auto with = [&](std::string_view lines) {
        const std::string path = folder.add("r.txt", lines);
        return message_of([&] { read_voc_results(path, ids); });
    };
    CHECK(has(with("000012 1\n000005 1\n"), "r.txt:2: found id '000005', expected one of the 3"));
    CHECK(has(with("000012 1\n000012 1\n"), "r.txt:2: found id '000012' again"));
    CHECK(has(with("000012 high\n"), "r.txt:1: found 'high', expected a confidence"));
    CHECK(has(with("000012 nan\n"), "found 'nan', expected a confidence"));
    CHECK(has(with("000012\n"), "found '000012', expected id and confidence"));
    CHECK(has(message_of([&] { read_voc_results(folder / "none", ids); }), "No such file"));
}

TEST_CASE("what cannot be written leaves the old file and names the new one") {
    const TemporaryFolder folder;
    const std::string path = folder.add("r.txt", "old");
    const auto with = [&](const std::string& target, std::vector<double> scores) {
        return message_of([&] { write_voc_results(target, ids, scores); });
    };
    CHECK(has(with(path, {1, 2}), "found 2 scores, expected 3"));
    CHECK(has(with(path, {1, infinite, 2}), "found score inf of 000004, expected a finite number"));
    CHECK(words_of(path) == "old");
    CHECK(has(with("/dev/full", {1, 2, 3}), "/dev/full"));
    const ReadOnlyFolder closed;
    CHECK(has(with(closed / "r.txt", {1, 2, 3}), closed / "r.txt"));
}
