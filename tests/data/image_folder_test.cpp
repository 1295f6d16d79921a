// SPDX-License-Identifier: MIT
// ImageNet-style folders are listed in a fixed order, and what is wrong with them is named.
#include "tessera/data/image_folder.hpp"

#include <doctest/doctest.h>

#include "files.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

std::vector<std::string> names_below(const ImageSet& set, const std::string& folder) {
    std::vector<std::string> names;
    for (const ImageItem& item : set.items) {
        REQUIRE(item.path.starts_with(folder));
        names.push_back(text(item.path.substr(folder.size() + 1), " ", item.label));
    }
    return names;
}

}  // namespace

TEST_CASE("folders become labels in sorted order, whatever the endings of the files") {
    const TemporaryFolder folder;
    for (const char* name : {"train/n02/b.JPEG", "train/n02/a.jpg", "train/n01/z.png",
                             "train/n10/images/1.JPG", "train/n10/n10_boxes.txt",
                             "train/n01/notes.txt", "train/readme.txt", "train/.git/x.jpg"}) {
        folder.add(name, "");
    }
    const ImageSet set = read_image_folder(folder / "train");
    CHECK(set.classes == std::vector<std::string>{"n01", "n02", "n10"});
    CHECK(names_below(set, folder / "train") ==
          std::vector<std::string>{"n01/z.png 0", "n02/a.jpg 1", "n02/b.JPEG 1",
                                   "n10/images/1.JPG 2"});

    folder.add("val/n10/v.jpeg", "");
    const ImageSet val = read_image_folder(folder / "val", set.classes);
    CHECK(val.classes == set.classes);
    CHECK(names_below(val, folder / "val") == std::vector<std::string>{"n10/v.jpeg 2"});
}

TEST_CASE("missing and empty folders and unknown classes are named") {
    const TemporaryFolder folder;
    const auto train = [&] { read_image_folder(folder / "train"); };
    CHECK(has(message_of(train), (folder / "train") + ": found no such folder"));
    folder.add("train/stray.jpg", "");
    CHECK(has(message_of(train), (folder / "train") + ": found no folder in it"));
    folder.add("train/n01/a.jpg", "");
    folder.add("train/n02/a.txt", "");
    CHECK(has(message_of(train), (folder / "train/n02") + ": found no image in it"));
    folder.add("val/n03/a.jpg", "");
    const std::vector<std::string> classes{"n01", "n02"};
    CHECK(has(message_of([&] { read_image_folder(folder / "val", classes); }),
              "found class 'n03', expected one of the 2 training classes"));
}

TEST_CASE("the flat validation set takes its labels from the list") {
    const TemporaryFolder folder;
    const std::vector<std::string> classes{"n01", "n02", "n03"};
    for (const char* name : {"val/ILSVRC2012_val_00000002.JPEG", "val/ILSVRC2012_val_00000001.JPEG",
                             "val/ILSVRC2012_val_00000003.JPEG"}) {
        folder.add(name, "");
    }
    const FlatImages place{folder / "val", folder.add("truth.txt", "2\r\n1\r\n2\r\n"),
                           folder.add("ids.txt", "1 n03 kit fox\n2 n01\n3 n02\n")};
    const ImageSet set = read_flat_images(place, classes);
    CHECK(names_below(set, folder / "val") ==
          std::vector<std::string>{"ILSVRC2012_val_00000001.JPEG 0",
                                   "ILSVRC2012_val_00000002.JPEG 2",
                                   "ILSVRC2012_val_00000003.JPEG 0"});

    const auto with = [&](std::string_view truth, std::string_view ids) {
        folder.add("truth.txt", truth);
        folder.add("ids.txt", ids);
        return message_of([&] { read_flat_images(place, classes); });
    };
    CHECK(has(with("1\n1\n", "1 n01"), "found 3 images, expected 2"));
    CHECK(has(with("1\n1\n1\n1\n", "1 n01"), "found 3 images, expected 4"));
    CHECK(has(with("1\n0\n1\n", "1 n01"), "truth.txt:2: found 0, expected one of the 1 integers"));
    CHECK(has(with("1\nx\n1\n", "1 n01"), "truth.txt:2: found 'x', expected an integer"));
    CHECK(has(with("1\n1.5\n1\n", "1 n01"), "found '1.5', expected an integer"));
    CHECK(has(with("1\n1\n1\n", "1 n09"), "found class 'n09', expected one of the 3"));
    CHECK(has(with("1\n1\n1\n", "1\n"), "ids.txt:1: found '1', expected an integer and a class"));
    CHECK(has(with("1\n1\n1\n", "1 n01\n1 n02\n"), "ids.txt:2: found 1 again"));
    CHECK(with("1\n1\n1\n", "1 n01\n") == "no error");
    CHECK(has(message_of([&] {
                  read_flat_images({folder / "none", place.truth, place.ids}, classes);
              }),
              "found no such folder"));
    CHECK(has(message_of([&] {
                  read_flat_images({folder / "val", folder / "none.txt", place.ids}, classes);
              }),
              "none.txt: No such file"));
}

TEST_CASE("a flat folder with a list of files and classes is read, as Tiny-ImageNet's val") {
    const TemporaryFolder folder;
    const std::vector<std::string> classes{"n01", "n02"};
    folder.add("val/images/val_0.JPEG", "");
    folder.add("val/images/val_1.JPEG", "");
    const auto with = [&](std::string_view lines) {
        return read_listed_images(folder / "val/images", folder.add("list.txt", lines), classes);
    };
    const ImageSet set = with("val_1.JPEG\tn02\t0\t32\t44\t62\nval_0.JPEG\tn01\t0\t0\t1\t1\n");
    CHECK(names_below(set, folder / "val/images") ==
          std::vector<std::string>{"val_1.JPEG 1", "val_0.JPEG 0"});
    CHECK(has(message_of([&] { with("val_9.JPEG n01\n"); }),
              "list.txt:1: found no " + (folder / "val/images/val_9.JPEG")));
    CHECK(has(message_of([&] { with("val_1.JPEG n03\n"); }), "found class 'n03'"));
    CHECK(has(message_of([&] { with("val_1.JPEG\n"); }), "expected a file and a class"));
    CHECK(has(message_of([&] { with(""); }), "list.txt: found an empty list"));
}

TEST_CASE("classes get readable names") {
    const TemporaryFolder folder;
    const std::vector<std::string> classes{"n01", "n02", "n03"};
    const std::string tabs = folder.add("words.txt", "n03\tkit fox, Vulpes\nn01\tgoldfish");
    CHECK(read_class_names(tabs, classes) ==
          std::vector<std::string>{"goldfish", "n02", "kit fox, Vulpes"});
    const std::string blanks = folder.add("synset_words.txt", "n01 great white shark\nn02\n");
    CHECK(read_class_names(blanks, classes) ==
          std::vector<std::string>{"great white shark", "n02", "n03"});
}

TEST_CASE("the fingerprint follows names, labels and sizes, not the place") {
    const TemporaryFolder folder;
    for (const char* place : {"a/", "b/"}) {
        folder.add(std::string(place) + "n01/1.jpg", "x");
        folder.add(std::string(place) + "n02/1.jpg", "y");
    }
    const auto mark = [&](const char* place) {
        return fingerprint(read_image_folder(folder / place), folder / place);
    };
    CHECK(mark("a") == mark("b"));
    folder.add("b/n01/1.jpg", "longer");
    CHECK(mark("a") != mark("b"));
    folder.add("b/n01/1.jpg", "z");
    CHECK(mark("a") == mark("b"));
    std::filesystem::rename(folder / "b/n01/1.jpg", folder / "b/n01/2.jpg");
    CHECK(mark("a") != mark("b"));
    ImageSet set = read_image_folder(folder / "a");
    set.items[0].label = 1;
    CHECK(fingerprint(set, folder / "a") != mark("a"));
}
