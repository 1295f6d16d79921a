// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "files.hpp"
#include "report/page.hpp"

using namespace report;
using tessera::Image;
using tessera::testing::has;
using tessera::testing::message_of;
using tessera::testing::ReadOnlyFolder;
using tessera::testing::TemporaryFolder;

namespace {

constexpr const char* small_evaluation = R"({
  "set": "test", "mode": "frozen", "classes": ["cat", "dog"], "ap": [0.3456, 0.5], "map": 0.4228,
  "ap_area": [0.33, 0.48], "map_area": 0.405, "positives": [12, 1034], "images": 2498,
  "patches": 725829, "seconds": 700, "patches_per_second": 1037, "power": 5,
  "pointing": {"sum": {"micro": 0.763, "macro": 0.752}, "centre": {"micro": 0.651, "macro": null}},
  "examples": []})";

int count_of(const std::string& page, const std::string& words) {
    int found = 0;
    for (std::size_t at = 0; (at = page.find(words, at)) != std::string::npos; ++at) ++found;
    return found;
}

std::string page_of(const std::vector<std::string>& folders) {
    Runs runs;
    for (const std::string& folder : folders) runs.push_back(read_run(folder));
    tell_apart(runs);
    return page(runs, {.command = "report a --out b"});
}

std::string error_of(const TemporaryFolder& folder, const std::string& run) {
    return message_of([&] { page_of({folder / run}); });
}

void write_picture(const TemporaryFolder& folder, const std::string& name, int width, int height) {
    const std::string path = folder.add(name, "");
    Image image(width, height);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
        image.pixels[i] = static_cast<std::uint8_t>(i * 31);
    }
    tessera::write_image(path, image);
}

std::string epoch_line(int epoch, double loss, double rate, double top1) {
    return json{{"event", "epoch"},  {"epoch", epoch},       {"loss", loss},  {"rate", rate},
                {"val_top1", top1},  {"val_top5", 2 * top1}, {"seconds", 10}, {"val_loss", loss},
                {"per_second", 400}, {"time", 1e9}}
               .dump() +
           "\n";
}

const std::string start_line =
    R"({"event": "start", "program": "pretrain", "threads": 2, "time": 1000000000})"
    "\n";

/// Pre-training, transfer and scratch with everything that the programs write.
void write_whole_study(const TemporaryFolder& folder) {
    folder.add("source/config.json", R"({"network": "small", "seed": 7})");
    folder.add("source/log.jsonl", start_line + epoch_line(1, 5.1, 0.01, 0.05) +
                                       epoch_line(2, 3.2, 0.01, 0.16) +
                                       epoch_line(3, 2.1, 0.001, 0.2274));
    for (const std::string run : {"transfer", "scratch"}) {
        const bool scratch = run == "scratch";
        folder.add(run + "/config.json", json{{"program", "transfer"},
                                              {"mode", scratch ? "scratch" : "frozen"},
                                              {"rate", "0.01"}}
                                             .dump());
        folder.add(run + "/log.jsonl",
                   R"({"event": "patches", "set": "trainval", "patches": 713109, "time": 1})"
                   "\n"
                   R"({"event": "stage", "stage": "features of trainval", "count": 207466,)"
                   R"( "unit": "patches", "seconds": 192.3, "per_second": 1079, "time": 2})"
                   "\n");
        json evaluation = json::parse(small_evaluation);
        evaluation["mode"] = scratch ? "scratch" : "frozen";
        evaluation["classes"] = {"cat", "dog"};
        if (scratch) evaluation["ap"] = {0.25, 0.4};
        if (scratch) evaluation["map"] = 0.325;
        evaluation["examples"] = json::array({{{"class", "dog"},
                                               {"kind", "true_positive"},
                                               {"image", "000012"},
                                               {"score", 0.875},
                                               {"rank", 1},
                                               {"picture", "pictures/dog.png"}}});
        // One beside the weights, one in a folder of its own: both are found.
        const std::string place = scratch ? run + "/" : run + "/evaluation/";
        folder.add(place + "evaluation.json", evaluation.dump());
        write_picture(folder, place + "pictures/dog.png", 40, 20);
    }
    write_picture(folder, "transfer/pictures/patches.png", 2 * (8 + 2) + 2, 8 + 4);
    folder.add("transfer/patches.json",
               R"({"picture": "pictures/patches.png", "columns": 2, "side": 8, "gap": 2, "rows":
               [{"label": "cat", "kind": "object", "count": 1234, "patches":
               [{"image": "000001"}, {"image": "000002"}]}]})");
}

/// Elements that are open, from outside to inside; fails where an end does not match its beginning.
void check_balanced(const std::string& page) {
    const std::set<std::string> empty{"meta", "img", "br"};
    std::vector<std::string> open;
    for (std::size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
        if (page[at + 1] == '!') continue;
        const std::size_t end = page.find('>', at);
        REQUIRE(end != std::string::npos);
        const bool closes = page[at + 1] == '/';
        const std::size_t first = at + (closes ? 2 : 1);
        const std::string name = page.substr(first, page.find_first_of(" />\n", first) - first);
        if (closes) {
            REQUIRE(!open.empty());
            CHECK(open.back() == name);
            open.pop_back();
        } else if (page[end - 1] != '/') {
            CHECK(!empty.contains(name));
            open.push_back(name);
        }
    }
    CHECK(open.empty());
}

}  // namespace

TEST_CASE("words are escaped wherever they enter the page") {
    CHECK(escaped("<a href=\"x\">&'") == "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
    CHECK(escaped("na\xC3\xAFve") == "na\xC3\xAFve");
    CHECK(escaped("a\x01"
                  "b\xFF"
                  "c") ==
          "a b\xEF\xBF\xBD"
          "c");
    CHECK(element("p", {{"title", "\"><script>"}}, words("<b>")).code() ==
          "<p title=\"&quot;&gt;&lt;script&gt;\">&lt;b&gt;</p>");

    TemporaryFolder folder;
    const std::string evil = "<script>alert(1)</script>\"'";
    json evaluation = json::parse(small_evaluation);
    evaluation["classes"] = {evil, "dog"};
    evaluation["set"] = evil;
    evaluation["examples"] = json::array({{{"class", evil},
                                           {"kind", "false_positive"},
                                           {"image", evil},
                                           {"score", 0.5},
                                           {"picture", "p.png"}}});
    write_picture(folder, "<img onerror=x>/p.png", 8, 8);
    folder.add("<img onerror=x>/evaluation.json", evaluation.dump());
    folder.add("<img onerror=x>/config.json", json{{evil, evil}, {"mode", evil}}.dump());
    folder.add(
        "<img onerror=x>/log.jsonl",
        json{{"event", "stage"}, {"stage", evil}, {"unit", evil}, {"time", 1}}.dump() + "\n");
    const std::string page = page_of({folder / "<img onerror=x>"});
    CHECK(!has(page, "<script"));
    CHECK(!has(page, "<img onerror"));
    CHECK(has(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    check_balanced(page);
}

TEST_CASE("numbers are written for people") {
    CHECK(percent(0.34812) == "34.8");
    CHECK(points(0.079) == "+7.9");
    CHECK(points(-0.079) == "\u22127.9");
    CHECK(points(-0.00001) == "0.0");
    CHECK(points(missing) == "\u2013");
    CHECK(count(725829) == "725,829");
    CHECK(count(-1000) == "\u22121,000");
    CHECK(count(999) == "999");
    CHECK(significant(0.02134) == "0.0213");
    CHECK(significant(2.134) == "2.13");
    CHECK(significant(21345) == "21,345");
    CHECK(significant(1.5e-9) == "1.5e-09");
    CHECK(duration(12.34) == "12.3 s");
    CHECK(duration(59.97) == "1 min 00 s");
    CHECK(duration(3725) == "1 h 02 min");
    CHECK(date(1e9) == "2001-09-09 01:46 UTC");
}

TEST_CASE("base64 has the values of RFC 4648") {
    const auto of = [](std::string_view words) {
        return base64({reinterpret_cast<const std::uint8_t*>(words.data()), words.size()});
    };
    CHECK(of("") == "");
    CHECK(of("f") == "Zg==");
    CHECK(of("fo") == "Zm8=");
    CHECK(of("foo") == "Zm9v");
    CHECK(of("foobar") == "Zm9vYmFy");
    CHECK(of("\xFF\xFE\xFD") == "//79");
}

TEST_CASE("ticks are round and inside the axis") {
    CHECK(linear_ticks(0, 1, 5) == std::vector<double>{0, 0.2, 0.4, 0.2 * 3, 0.8, 1});
    CHECK(linear_ticks(1, 25, 6) == std::vector<double>{5, 10, 15, 20, 25});
    CHECK(linear_ticks(1, 2, 6, 1) == std::vector<double>{1, 2});
    CHECK(logarithmic_ticks(0.2, 5).size() == 5);  // 0.2 0.5 1 2 5
    CHECK(logarithmic_ticks(0.001, 100).size() == 6);
    const Axis logarithmic{1, 100, 0, 10, true};
    CHECK(logarithmic.at(10) == doctest::Approx(5));
}

TEST_CASE("the paper's rows have the printed means") {
    for (const PaperTable& table : paper_tables) {
        for (const PaperRow& row : table.rows) {
            const bool known_difference = table.data == "VOC2007 test" && row.name == "NUS-PSL";
            CAPTURE(row.name);
            CHECK(std::abs(mean_of(row) - row.map) < (known_difference ? 0.5 : 0.051));
        }
    }
    CHECK(voc_index("tvmonitor") == 19);
    CHECK(!voc_index("sailing boat"));
}

TEST_CASE("a log that ends within a line is read up to there") {
    TemporaryFolder folder;
    const std::string whole = start_line + epoch_line(1, 2, 0.01, 0.1);
    const std::string path = folder.add("log.jsonl", whole + R"({"event": "epoch", "epo)");
    const Log log = read_log(path);
    CHECK(log.cut);
    CHECK(!log.finished);
    CHECK(log.epochs.size() == 1);
    CHECK(has(page_of({folder.path.string()}), "the log ends within a line"));

    CHECK(!read_log(folder.add("log.jsonl", whole.substr(0, whole.size() - 1))).cut);
    CHECK(read_log(folder.add("log.jsonl", "")).epochs.empty());

    folder.add("log.jsonl", start_line + "{\"event\": \"epo\n" + whole);
    CHECK(message_of([&] { read_log(path); }).starts_with(path + ": line 2: not valid JSON: "));
    folder.add("log.jsonl", start_line + R"({"event": "epoch", "epoch": "one"})" + "\n");
    CHECK(message_of([&] { read_log(path); }) ==
          path + ": line 2: field 'epoch': found a string, expected a number");
    folder.add("log.jsonl", "[1]\n");
    CHECK(message_of([&] { read_log(path); }) ==
          path + ": line 1: found an array, expected a JSON object");
    folder.add("log.jsonl", "{}\n");
    CHECK(message_of([&] { read_log(path); }) == path + ": line 1: no field 'event'");
}

TEST_CASE("what a resumed run did again replaces what it had done") {
    TemporaryFolder folder;
    const std::string path =
        folder.add("log.jsonl", start_line + epoch_line(1, 3, 0.01, 0.1) +
                                    epoch_line(2, 2.5, 0.01, 0.2) + epoch_line(3, 2.4, 0.01, 0.3) +
                                    start_line + epoch_line(2, 2.6, 0.01, 0.4) +
                                    R"({"event": "unheard of", "time": 9})" + "\n");
    const Log log = read_log(path);
    REQUIRE(log.epochs.size() == 2);
    CHECK(log.epochs[1].loss == 2.6);
    CHECK(log.program == "pretrain");
}

TEST_CASE("missing parts are said in a sentence") {
    TemporaryFolder folder;
    folder.add("run/config.json", R"({"network": "small"})");
    const std::string page = page_of({folder / "run"});
    for (const char* sentence :
         {"No run has been evaluated yet", "None of these runs has logged a training",
          "No evaluation.json in these runs", "No pictures of training patches",
          "No heat maps in these runs", "No evaluation of pointing", "have logged no stage"}) {
        CAPTURE(sentence);
        CHECK(has(page, sentence));
    }
    CHECK(has(page, "network"));
    check_balanced(page);

    folder.add("only/evaluation.json", R"({"classes": ["x"], "ap": [null]})");
    const std::string bare = page_of({folder / "only"});
    CHECK(has(bare, "\u2013"));
    CHECK(!has(bare, "nan"));
    check_balanced(bare);
}

TEST_CASE("broken files are refused by name and reason") {
    TemporaryFolder folder;
    const std::string run = folder / "run";
    CHECK(error_of(folder, "run") ==
          run + ": no such folder, expected the run folder of pretrain, transfer or evaluate");
    folder.add("run/notes.txt", "");
    CHECK(error_of(folder, "run") == run +
                                         ": found no config.json, log.jsonl or evaluation.json, "
                                         "expected a run folder");
    folder.add("run/config.json", "{\"network\": ");
    CHECK(error_of(folder, "run").starts_with(run + "/config.json: not valid JSON: parse error"));
    folder.add("run/config.json", "[]");
    CHECK(error_of(folder, "run") == run + "/config.json: found an array, expected a JSON object");
    folder.add("run/config.json", R"({"mode": 3})");
    CHECK(error_of(folder, "run") ==
          run + "/config.json: field 'mode': found a number, expected a text");
    folder.add("run/config.json", R"({"environment": 3})");
    CHECK(has(error_of(folder, "run"), "run/config.json: field 'environment': "));
    folder.add("run/config.json", "{}");

    const std::string path = run + "/evaluation.json";
    const auto evaluation_error = [&](const char* field, const json& value) {
        json evaluation = json::parse(small_evaluation);
        evaluation[field] = value;
        folder.add("run/evaluation.json", evaluation.dump());
        return error_of(folder, "run");
    };
    CHECK(evaluation_error("set", "val") == "no error");
    CHECK(evaluation_error("ap", "high") == path + ": field 'ap': found a string, expected a list");
    CHECK(evaluation_error("ap", json::array({0.5})) ==
          path + ": field 'ap': found 1 values, expected one for each of the 2 classes");
    CHECK(evaluation_error("ap", json::array({0.5, "x"})) ==
          path + ": field 'ap': found a string, expected a number");
    CHECK(has(evaluation_error("classes", json::array()), path + ": found no 'classes'"));
    CHECK(
        has(evaluation_error("pointing", json::object({{"sum", 3}})), path + ": field 'pointing'"));
    CHECK(has(evaluation_error("power", "five"), "field 'power': found a string"));

    json example{{"class", "cat"}, {"kind", "true_positive"}, {"picture", "gone.png"}};
    CHECK(has(evaluation_error("examples", json::array({example})), run + "/gone.png"));
    folder.add("run/gone.png", "not a picture");
    CHECK(has(evaluation_error("examples", json::array({example})), run + "/gone.png: found "));
    for (const char* outside : {"../secret.png", "/etc/passwd", "a/../../b.png", ""}) {
        example["picture"] = outside;
        CHECK(has(evaluation_error("examples", json::array({example})),
                  "expected a path inside the run folder"));
    }
    example["kind"] = "maybe";
    CHECK(has(evaluation_error("examples", json::array({example})),
              "found kind 'maybe', expected true_pos"));
}

TEST_CASE("a sheet of patches must be as large as its description says") {
    TemporaryFolder folder;
    folder.add("run/config.json", "{}");
    write_picture(folder, "run/pictures/patches.png", 19, 12);
    const std::string rows = R"("rows": [{"label": "a", "count": 2, "patches": [{}, {}]}]})";
    folder.add("run/patches.json",
               R"({"picture": "pictures/patches.png", "side": 8, "gap": 2, )" + rows);
    CHECK(has(error_of(folder, "run"), "found 19 x 12 pixels"));
    folder.add("run/patches.json",
               R"({"picture": "pictures/patches.png", "side": 0, "gap": 2, )" + rows);
    CHECK(has(error_of(folder, "run"), "found a side of 0 and a gap of 2"));
    folder.add("run/patches.json",
               R"({"picture": "pictures/patches.png", "side": 8, "gap": 1, )" + rows);
    CHECK(read_run(folder / "run").patches.at(0).patches.size() == 2);
}

TEST_CASE("the page of a whole study") {
    TemporaryFolder folder;
    write_whole_study(folder);
    const std::string page = page_of({folder / "source", folder / "transfer", folder / "scratch"});
    check_balanced(page);
    CHECK(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));

    SUBCASE("needs nothing outside itself") {
        for (const char* outside : {"http://", "https://", "<script", "<link", "@import", "url(",
                                    "<iframe", "srcset", "file:"}) {
            CAPTURE(outside);
            CHECK(!has(page, outside));
        }
        CHECK(count_of(page, "src=") == 4);  // two heat maps, two patches
        CHECK(count_of(page, "src=\"data:image/") == 4);
        CHECK(count_of(page, "<img ") == count_of(page, " alt=\""));
        CHECK(count_of(page, "<svg") == count_of(page,
                                                 "aria-"
                                                 "label=\"Loss") +
                                            count_of(page, "aria-label=\"Accuracy") +
                                            count_of(page, "aria-label=\"Average precision by") +
                                            count_of(page, "aria-hidden=\"true\""));
    }
    SUBCASE("shows the numbers") {
        for (const char* cell :
             {"34.6</td>", "50.0</td>", "+9.6</td>", "+10.0</td>", "42.3</td>", "32.5</td>",
              "40.5</td>", "1,034</td>", "76.3</td>", "75.2</td>", "1,079</td>", "713,109</td>",
              "3 min 12 s</td>", "725,829</td>", "22.7</td>"}) {
            CAPTURE(cell);
            CHECK(has(page, cell));
        }
        CHECK(has(page, "<span class=\"figure\">42.3</span> %"));
        CHECK(has(page, "<span class=\"figure\">+9.8</span> points"));
        CHECK(has(page, "<span class=\"figure\">22.7</span> %"));
        CHECK(has(page, "rank 1, score 0.875, image 000012"));
        CHECK(has(page, "1,234 patches"));
    }
    SUBCASE("marks where the rate falls") { CHECK(count_of(page, "<line class=\"mark\"") == 2); }
    SUBCASE("puts the paper's rows beside classes of VOC") {
        CHECK(has(page, "NO PRETRAIN"));
        CHECK(has(page, "79.8</td>"));  // cat, NO PRETRAIN
        CHECK(has(page, "other images"));
        CHECK(!has(page, "89.9</td>"));  // bus, which was not evaluated
    }
}

TEST_CASE("other classes than VOC's get the paper's means only") {
    TemporaryFolder folder;
    json evaluation = json::parse(small_evaluation);
    evaluation["classes"] = {"cat", "cottage"};
    folder.add("run/evaluation.json", evaluation.dump());
    const std::string page = page_of({folder / "run"});
    CHECK(has(page, "are not those of PASCAL VOC"));
    CHECK(has(page, "70.9</td>"));
    CHECK(!has(page, "79.8</td>"));
}

TEST_CASE("runs of several seeds share a headline") {
    TemporaryFolder folder;
    for (const auto& [name, mode, map] :
         {std::tuple{"a", "frozen", 0.30}, {"b", "frozen", 0.40}, {"c", "scratch", 0.25}}) {
        json evaluation = json::parse(small_evaluation);
        evaluation["mode"] = mode;
        evaluation["map"] = map;
        folder.add(std::string(name) + "/run/evaluation.json", evaluation.dump());
    }
    const std::string page = page_of({folder / "a/run", folder / "b/run/", folder / "c/run"});
    CHECK(has(page, "<span class=\"figure\">35.0</span> %"));
    CHECK(has(page, "mean of 2 runs, 30.0 to 40.0"));
    CHECK(has(page, "<span class=\"figure\">+10.0</span> points"));
    CHECK(has(page, escaped(folder / "a/run")));  // three runs called "run" are told apart
}

TEST_CASE("a page that cannot be written leaves nothing behind") {
    ReadOnlyFolder folder;
    const std::string message =
        message_of([&] { tessera::write_file(folder / "report.html", page({}, {})); });
    CHECK(message.starts_with("cannot write " + (folder / "report.html")));
}

TEST_CASE("the command line is repeated as a shell would take it") {
    const char* arguments[] = {"report", "my run", "it's", "--out=a.html", ""};
    CHECK(program::command_line(5, arguments) == "report 'my run' 'it'\\''s' --out=a.html ''");
}
