// SPDX-License-Identifier: MIT
// Classes below a node are found once each, and the paper's 512 are those it counts.
#include "tessera/data/wordnet.hpp"

#include <doctest/doctest.h>

#include <set>

#include "files.hpp"

using namespace tessera;
using namespace tessera::testing;

TEST_CASE("a class with two parents is below both, and found once") {
    const TemporaryFolder folder;
    const WordNet relation(folder.add("is_a.txt", "a b\na c\nb d\nc d\nd e\nf d\n"));
    using Names = std::vector<std::string>;
    CHECK(relation.size() == 6);
    CHECK(relation.subtree("a") == Names{"a", "b", "c", "d", "e"});
    CHECK(relation.subtree("f") == Names{"d", "e", "f"});
    CHECK(relation.subtree("e") == Names{"e"});
    const Names available{"e", "d", "a", "z"}, chosen{"d"};
    CHECK(select_classes(relation, "a", available, chosen) == Names{"a", "e"});
}

TEST_CASE("a relation with a circle ends") {
    const TemporaryFolder folder;
    const WordNet relation(folder.add("is_a.txt", "a b\nb a\nb b\n"));
    CHECK(relation.subtree("a") == std::vector<std::string>{"a", "b"});
}

TEST_CASE("malformed lines, empty files and unknown classes are named") {
    const TemporaryFolder folder;
    const auto with = [&](std::string_view lines) {
        const std::string path = folder.add("is_a.txt", lines);
        return message_of([&] { WordNet{path}.subtree("n1"); });
    };
    CHECK(has(with("a b\na\n"), "is_a.txt:2: found 'a', expected a parent and a child"));
    CHECK(has(with("a b c\n"), "is_a.txt:1: found 'a b c'"));
    CHECK(has(with("\n"), "is_a.txt: found no line"));
    CHECK(has(with("a b\n"), "found no class 'n1' among 2"));
    CHECK(has(message_of([&] { WordNet(folder / "none"); }), "No such file"));
    CHECK(has(message_of([&] { read_class_list(folder.add("l", "")); }), "found an empty list"));
}

TEST_CASE("the five roots of the paper add 276, 165, 48, 18 and 5 classes") {
    const std::filesystem::path source = shared_data() / "wordnet";
    if (!std::filesystem::exists(source)) {
        MESSAGE("skipped: no " << source.string());
        return;
    }
    const TemporaryFolder folder;
    const auto unpacked = [&](const std::string& name) {
        const std::string packed = (source / (name + ".gz")).string();
        REQUIRE(succeeds("gzip -dc '" + packed + "' > '" + (folder / name) + "'"));
        return folder / name;
    };
    const WordNet relation(unpacked("wordnet.is_a.txt"));
    CHECK(relation.size() == 74'401);
    const std::vector<std::string> ilsvrc = read_class_list(unpacked("synset_words.txt"));
    REQUIRE(ilsvrc.size() == 1000);

    const std::vector<std::size_t> below{304, 197, 78, 22, 7}, added{276, 165, 48, 18, 5};
    for (const char* list : {"imagenet21k_goog_synsets.txt", "imagenet22k_synsets.txt"}) {
        const std::vector<std::string> available = read_class_list(unpacked(list));
        std::set<std::string> all;
        for (std::size_t i = 0; i < 5; ++i) {
            const std::string_view root = target_related_roots[i].wnid;
            CHECK(relation.subtree(root).size() == below[i]);
            const auto selected = select_classes(relation, root, available, ilsvrc);
            CHECK_MESSAGE(selected.size() == added[i], list);
            all.insert(selected.begin(), selected.end());
        }
        CHECK_MESSAGE(all.size() == 512, list);
    }
}
