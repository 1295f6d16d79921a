// SPDX-License-Identifier: MIT
// VOC annotations: the traps of the real files are read right, broken ones are refused by name.
#include "tessera/data/voc.hpp"

#include <doctest/doctest.h>

#include "files.hpp"

using namespace tessera;
using namespace tessera::testing;

namespace {

const std::vector<std::string> classes(voc_classes.begin(), voc_classes.end());

std::string annotation(const std::string& objects,
                       const std::string& size = "<width>500</width><height>375</height>") {
    return "<annotation><folder>VOC2007</folder><owner><name>dog</name></owner><size>" + size +
           "</size>" + objects + "</annotation>";
}

std::string object(const std::string& box, const std::string& rest = "<name>dog</name>") {
    return "<object>" + rest + "<bndbox>" + box + "</bndbox></object>";
}

std::string corners(const std::string& xmin, const std::string& ymin, const std::string& xmax,
                    const std::string& ymax) {
    return "<xmin>" + xmin + "</xmin><ymin>" + ymin + "</ymin><xmax>" + xmax + "</xmax><ymax>" +
           ymax + "</ymax>";
}

VocAnnotation read(const std::string& xml, OutsideBox outside = OutsideBox::refuse) {
    const TemporaryFolder folder;
    return read_voc_annotation(folder.add("000012.xml", xml), classes, outside);
}

void refused(const std::string& xml, const std::string& part) {
    const TemporaryFolder folder;
    const std::string path = folder.add("000012.xml", xml);
    const std::string message = message_of([&] { read_voc_annotation(path, classes); });
    CHECK_MESSAGE((message.starts_with(path) && has(message, part)), message);
}

}  // namespace

TEST_CASE("boxes are one-based and inclusive in the file, half-open from zero here") {
    const VocAnnotation image = read(annotation(object(corners("1", "2", "500", "2"))));
    CHECK(image.id == "000012");
    CHECK(image.width == 500);
    CHECK(image.height == 375);
    CHECK(image.depth == 3);
    REQUIRE(image.objects.size() == 1);
    CHECK(image.objects[0].box == Box{0, 1, 500, 2});
    CHECK(image.objects[0].label == 11);
}

TEST_CASE("flags that are missing are false, and those that stand there are read") {
    const VocAnnotation image = read(annotation(
        object(corners("1", "1", "9", "9")) +
        object(corners("1", "1", "9", "9"),
               "<name> cat </name><pose>Left</pose><truncated>1</truncated><difficult>\n1\n"
               "</difficult><occluded>1</occluded>")));
    CHECK(image.objects[0] == VocObject{.label = 11, .box = {0, 0, 9, 9}});
    CHECK(image.objects[1] == VocObject{.label = 7,
                                        .box = {0, 0, 9, 9},
                                        .difficult = true,
                                        .truncated = true,
                                        .occluded = true,
                                        .pose = "Left"});
}

TEST_CASE("the order of the elements does not matter, and coordinates may be fractional") {
    const VocAnnotation image = read(annotation(
        "<object><bndbox><xmax>201.4905</xmax><xmin>45.70000076293945</xmin><ymax>30</ymax>"
        "<ymin>20</ymin></bndbox><name>person</name></object>"));
    CHECK(image.objects[0].box.left == doctest::Approx(44.7).epsilon(1e-6));
    CHECK(image.objects[0].box.right == 201.4905);
    CHECK(image.objects[0].box.top == 19);
}

TEST_CASE("names and boxes of parts are not taken for those of the object") {
    const std::string part =
        "<part><name>head</name><bndbox>" + corners("900", "1", "2", "3") + "</bndbox></part>";
    const VocAnnotation image =
        read(annotation("<object>" + part + "<name>person</name><bndbox>" +
                        corners("5", "6", "7", "8") + "</bndbox></object>"));
    REQUIRE(image.objects.size() == 1);
    CHECK(image.objects[0].box == Box{4, 5, 7, 8});
    CHECK(image.objects[0].label == 14);
    refused(annotation("<object>" + part + "<name>person</name></object>"),
            "object 1: found no <bndbox> in <object>");
    refused(annotation("<object>" + part + "</object>"), "found no <name> in <object>");
}

TEST_CASE("persons have several actions") {
    std::string actions = "<actions>";
    for (const std::string_view name : voc_actions) {
        const bool done = name == "running" || name == "phoning";
        actions += text("<", name, ">", done ? 1 : 0, "</", name, ">");
    }
    const VocAnnotation image = read(annotation(
        object(corners("1", "1", "9", "9"), "<name>person</name>" + actions + "</actions>")));
    REQUIRE(image.objects[0].actions.has_value());
    VocActionFlags expected{};
    expected[2] = expected[7] = true;
    CHECK(*image.objects[0].actions == expected);
}

TEST_CASE("an image without objects is read") {
    CHECK(read(annotation("")).objects.empty());
    CHECK(read("<?xml version=\"1.0\"?><!-- made by hand -->" + annotation("")).width == 500);
}

TEST_CASE("labels tell difficult objects from none") {
    const std::string box = corners("1", "1", "9", "9");
    const std::string hard = object(box, "<name>cat</name><difficult>1</difficult>");
    const VocAnnotation image = read(
        annotation(object(box) + hard + object(box, "<name>dog</name><difficult>1</difficult>")));
    const std::vector<std::int8_t> labels = voc_labels(image, 20);
    for (std::size_t i = 0; i < 20; ++i) CHECK(int{labels[i]} == (i == 11 ? 1 : i == 7 ? 0 : -1));
}

TEST_CASE("a box outside the image or inverted is refused by object") {
    const std::string good = object(corners("1", "1", "500", "375"));
    const auto second = [&](const std::string& box, const std::string& part) {
        refused(annotation(good + object(box)), "object 2: found box " + part);
    };
    second(corners("0", "1", "5", "5"),
           "0..5 x 1..5, expected it inside the image, 1..500 x 1..375");
    second(corners("1", "0.5", "5", "5"), "1..5 x 0.5..5, expected it inside");
    second(corners("1", "1", "501", "5"), "1..501 x 1..5, expected it inside");
    second(corners("1", "1", "5", "376"), "1..5 x 1..376, expected it inside");
    second(corners("6", "1", "5", "5"), "6..5 x 1..5, expected xmin <= xmax");
    second(corners("1", "9", "5", "5"), "1..5 x 9..5, expected xmin <= xmax and ymin <= ymax");
}

TEST_CASE("a box that reaches beyond the image can be clipped") {
    const auto clipped = [](const std::string& box) {
        return read(annotation(object(box)), OutsideBox::clip).objects[0].box;
    };
    CHECK(clipped(corners("0", "-3", "501", "9")) == Box{0, 0, 500, 9});
    CHECK(has(message_of([&] { clipped(corners("501", "1", "600", "9")); }), "expected it inside"));
    CHECK(has(message_of([&] { clipped(corners("9", "1", "5", "9")); }), "expected xmin <= xmax"));
}

TEST_CASE("malformed XML is refused with the line") {
    const TemporaryFolder folder;
    const std::string whole = annotation(object(corners("1", "1", "9", "9")));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::string path = folder.add("a.xml", whole.substr(0, size));
        const std::string message = message_of([&] { read_voc_annotation(path, classes); });
        CHECK_MESSAGE(has(message, path + ":1: malformed XML"), size);
    }
    refused("", ":1: malformed XML");
    refused("<annotation>\n\n<size></oops></annotation>", ":3: malformed XML");
    refused("\xff\xd8\xff\xe0 not XML at all", "malformed XML");
    refused("<html></html>", "found element <html>, expected <annotation>");
    const std::string missing =
        message_of([&] { read_voc_annotation(folder / "none.xml", classes); });
    CHECK(has(missing, "none.xml: No such file"));
}

TEST_CASE("missing and malformed fields are refused by name") {
    const std::string good = object(corners("1", "1", "9", "9"));
    refused("<annotation>" + good + "</annotation>", "found no <size> in <annotation>");
    refused(annotation(good, "<width>500</width>"), "found no <height> in <size>");
    refused(annotation(good, "<width>500</width><height/>"), "found an empty <height>");
    refused(annotation(good, "<width>5e2</width><height>3</height>"), "<width>: found '5e2'");
    refused(annotation(good, "<width>0</width><height>3</height>"), "found image size 0x3");
    refused(annotation(good, "<width>-5</width><height>3</height>"), "found image size -5x3");
    refused(annotation(good, "<width>65536</width><height>3</height>"),
            "found image size 65536x3, expected 1 to 65535 pixels each way");
    refused(annotation(good, "<width>9</width><height>2147483647</height>"),
            "found image size 9x2147483647, expected 1 to 65535 pixels each way");
    CHECK(read(annotation(good, "<width>65535</width><height>65535</height>")).width == 65535);
    refused(annotation(good, "<width>99999999999</width><height>3</height>"), "expected a number");
    refused(annotation(good + "<object><name>dog</name></object>"),
            "object 2: found no <bndbox> in <object>");
    refused(annotation(object("<xmin>1</xmin><ymin>1</ymin><xmax>2</xmax>")),
            "object 1: found no <ymax> in <bndbox>");
    refused(annotation(object(corners("1", "1", "x", "9"))), "object 1: <xmax>: found 'x'");
    refused(annotation(object(corners("1", "1", "9px", "9"))), "found '9px', expected a number");
    refused(annotation(object(corners("nan", "1", "9", "9"))), "found 'nan', expected a number");
    refused(annotation(object(corners("1", "1", "inf", "9"))), "found 'inf', expected a number");
    refused(annotation(object(corners("1", "1", "9", "9"),
                              "<name>dog</name><difficult>maybe</difficult>")),
            "object 1: <difficult>: found 'maybe', expected 0 or 1");
}

TEST_CASE("an unknown class is refused with the classes that are known") {
    refused(annotation(object(corners("1", "1", "9", "9"), "<name>unicorn</name>")),
            "object 1: found class 'unicorn', expected one of aeroplane, bicycle");
}
