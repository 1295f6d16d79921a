// SPDX-License-Identifier: MIT
// The VOC folder tree: lists and labels are read, agree with the annotations, and faults are named.
#include "tessera/data/voc_devkit.hpp"

#include <doctest/doctest.h>

#include "files.hpp"
#include "tessera/data/voc_writer.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

/// Two classes and three images, all in set `train`.
struct SmallTree {
    TemporaryFolder folder;
    std::string root = folder / "VOCdevkit/VOC2031";
    std::vector<std::string> classes{"round", "square"};
    std::vector<VocAnnotation> images{
        {.id = "a1",
         .width = 40,
         .height = 30,
         .objects = {{.label = 1, .box = {0, 0, 40, 30}, .truncated = true, .pose = "<&>"},
                     {.label = 1, .box = {3, 4, 5, 6}, .difficult = true, .occluded = true}}},
        {.id = "a2",
         .width = 30,
         .height = 41,
         .depth = 1,
         .objects = {{.label = 0, .box = {0.5, 0, 9, 9}, .difficult = true}}},
        {.id = "a3", .width = 9, .height = 9, .objects = {}}};

    SmallTree() {
        make_voc_folders(root);
        for (const VocAnnotation& image : images) {
            write_voc_annotation(root, image, classes);
            folder.add("VOCdevkit/VOC2031/JPEGImages/" + image.id + ".jpg", "");
        }
        write_voc_lists(root, "train", images, classes);
    }
};

}  // namespace

TEST_CASE("a tree that was written is read back identically") {
    const SmallTree tree;
    const VocFolder folder = open_voc(tree.root);
    CHECK(folder.classes == tree.classes);
    CHECK(open_voc(tree.folder / "VOCdevkit").root == folder.root);
    const VocSet set = read_voc_set(folder, "train");
    CHECK(set.images == tree.images);
    CHECK_NOTHROW(check_voc_labels(folder, set));
    const std::vector<std::string> ids = read_voc_ids(folder, "train");
    CHECK(read_voc_labels(folder, "train", "square", ids) == std::vector<std::int8_t>{1, -1, -1});
    CHECK(read_voc_labels(folder, "train", "round", ids) == std::vector<std::int8_t>{-1, 0, -1});
    CHECK(words_of(folder.list("square", "train")) == "a1  1\na2 -1\na3 -1\n");
}

TEST_CASE("the fingerprint follows images and objects, not the place") {
    const SmallTree tree, twin;
    const auto mark = [](const SmallTree& t) {
        const VocFolder folder = open_voc(t.root);
        return fingerprint(folder, read_voc_set(folder, "train"));
    };
    CHECK(mark(tree) == mark(twin));
    write_file(open_voc(twin.root).image("a2"), "longer");
    CHECK(mark(tree) != mark(twin));
    VocAnnotation moved = tree.images[0];
    const std::uint64_t before = mark(tree);
    moved.objects[0].box.right -= 1;
    write_voc_annotation(tree.root, moved, tree.classes);
    CHECK(mark(tree) != before);
}

TEST_CASE("an image of another size than its annotation says is refused") {
    const VocAnnotation image{.id = "a", .width = 4, .height = 3, .objects = {}};
    CHECK_NOTHROW(check_voc_size(image, 4, 3));
    CHECK(has(message_of([&] { check_voc_size(image, 3, 4); }),
              "image a: found 3x4 pixels, expected 4x3"));
}

TEST_CASE("persons with actions are read back identically") {
    const SmallTree tree;
    VocActionFlags actions{};
    actions[3] = true;
    const VocAnnotation image{.id = "p",
                              .width = 9,
                              .height = 9,
                              .objects = {{.label = 0, .box = {1, 2, 3, 4}, .actions = actions}}};
    write_voc_annotation(tree.root, image, tree.classes);
    CHECK(read_voc_annotation(open_voc(tree.root).annotation("p"), tree.classes) == image);
    CHECK(has(message_of([&] { write_voc_annotation(tree.root, image, {}); }), "found label 0"));
}

TEST_CASE("a tree without class lists has the twenty classes") {
    const SmallTree tree;
    std::filesystem::remove_all(tree.root + "/ImageSets/Main");
    make_voc_folders(tree.root);
    CHECK(std::ranges::equal(open_voc(tree.root).classes, voc_classes));
}

TEST_CASE("folders that are missing are named") {
    const SmallTree tree;
    CHECK(
        has(message_of([&] { open_voc("no/such/place"); }), "no/such/place: found no such folder"));
    CHECK(has(message_of([&] { open_voc(tree.root + "/Annotations"); }), "found 0 folders"));
    std::filesystem::remove_all(tree.root + "/JPEGImages");
    CHECK(
        has(message_of([&] { open_voc(tree.root); }), tree.root + ": found no folder JPEGImages"));
    make_voc_folders(tree.folder / "VOCdevkit/VOC2032");
    CHECK(has(message_of([&] { open_voc(tree.folder / "VOCdevkit"); }), "found 2 folders"));
}

TEST_CASE("an empty set, a missing set and ids that repeat are refused") {
    const SmallTree tree;
    const VocFolder folder = open_voc(tree.root);
    CHECK(has(message_of([&] { read_voc_ids(folder, "val"); }), "ImageSets/Main/val.txt: No such"));
    write_file(folder.list("val"), "\n \n");
    CHECK(has(message_of([&] { read_voc_ids(folder, "val"); }), "found an empty set"));
    write_file(folder.list("val"), "a1\r\na2\n\na1\n");
    CHECK(has(message_of([&] { read_voc_ids(folder, "val"); }), "val.txt:4: found id 'a1' again"));
    CHECK(has(message_of([&] { read_voc_ids(folder, "round_train"); }), "expected one image id"));
}

TEST_CASE("an image that is listed but absent is refused, and so is an absent annotation") {
    const SmallTree tree;
    const VocFolder folder = open_voc(tree.root);
    std::filesystem::remove(folder.image("a2"));
    CHECK(has(message_of([&] { read_voc_set(folder, "train"); }),
              "train.txt: image a2 is listed, but found no " + folder.image("a2")));
    write_file(folder.image("a2"), "");
    std::filesystem::remove(folder.annotation("a3"));
    CHECK(has(message_of([&] { read_voc_set(folder, "train"); }), "a3.xml: No such file"));
}

TEST_CASE("label lists that do not fit the set or the annotations are refused") {
    const SmallTree tree;
    const VocFolder folder = open_voc(tree.root);
    const VocSet set = read_voc_set(folder, "train");
    const auto with = [&](std::string_view lines) {
        write_file(folder.list("round", "train"), lines);
        return message_of([&] { check_voc_labels(folder, set); });
    };
    CHECK(with("a3   -1\na1\t-1\na2 0\n") == "no error");
    CHECK(
        has(with("a1 -1\na2 1\na3 -1\n"), "found label 1 of image a2, but its annotation gives 0"));
    CHECK(has(with("a1 -1\na2 0\n"), "found no label of image a3"));
    CHECK(has(with("a1 -1\na2 0\na3 -1\na4 1\n"), "found 4 images, expected the 3"));
    CHECK(has(with("a1 -1\na2 0\na2 0\n"), "round_train.txt:3: found id 'a2' again"));
    CHECK(has(with("a1 -1\na2 2\n"), "round_train.txt:2: found label '2', expected -1, 0 or 1"));
    CHECK(has(with("a1\n"), "found 'a1', expected id and label"));
}

TEST_CASE("action lists are read") {
    const SmallTree tree;
    const VocFolder folder = open_voc(tree.root);
    const auto with = [&](std::string_view lines) {
        tree.folder.add("VOCdevkit/VOC2031/ImageSets/Action/jumping_val.txt", lines);
        return read_voc_action_labels(folder, "val", "jumping");
    };
    CHECK(with("2010_006217  2 -1\n2010_006217 3  1\n") ==
          std::vector<VocActionLabel>{{"2010_006217", 2, -1}, {"2010_006217", 3, 1}});
    CHECK(has(message_of([&] { with("2010_006217 0 1"); }), "found object 0, expected one from 1"));
    CHECK(has(message_of([&] { with("2010_006217 1"); }), "expected id, object and label"));
    CHECK(has(message_of([&] { with("2010_006217 1 0"); }), "found label '0', expected -1 or 1"));
    CHECK(has(message_of([&] { with(""); }), "jumping_val.txt: found an empty set"));
}

TEST_CASE("writing where nothing can be written names the place") {
    const SmallTree tree;
    const ReadOnlyFolder closed;
    CHECK(has(message_of([&] { make_voc_folders(closed / "VOC"); }), closed / "VOC"));
    CHECK(
        has(message_of([&] { write_voc_annotation(closed / "VOC", tree.images[0], tree.classes); }),
            closed / "VOC/Annotations/a1.xml"));
    CHECK(
        has(message_of([&] { write_voc_lists(closed / "VOC", "val", tree.images, tree.classes); }),
            closed / "VOC/ImageSets/Main/val.txt"));
}

TEST_CASE("the original VOC files are read whole") {
    const std::filesystem::path archive = shared_data() / "voc-original-sample.tar.gz";
    if (!std::filesystem::exists(archive)) {
        MESSAGE("skipped: no " << archive.string());
        return;
    }
    const TemporaryFolder folder;
    REQUIRE(succeeds("tar xzf '" + archive.string() + "' -C '" + folder.path.string() + "'"));
    const VocFolder tree = open_voc(folder / "VOCdevkit");
    CHECK(std::ranges::equal(tree.classes, voc_classes));
    std::size_t objects = 0;
    for (const char* name : {"trainval", "test"}) {
        const VocSet set = read_voc_set(tree, name);
        CHECK(set.images.size() == 33);
        check_voc_labels(tree, set);
        for (const VocAnnotation& image : set.images) objects += image.objects.size();
        std::vector<int> present(20);
        for (const VocAnnotation& image : set.images) {
            for (const VocObject& object : image.objects) ++present[std::size_t(object.label)];
        }
        CHECK(std::ranges::all_of(present, [](int count) { return count > 0; }));
    }
    CHECK(objects == 210);
}
