// SPDX-License-Identifier: MIT
// Applies a target network to a VOC set (average precision, result files, pointing, heat maps) or
// to one image.
#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <numeric>
#include <thread>

#include "program/dense_scoring.hpp"
#include "program/heat_pictures.hpp"
#include "program/interrupt.hpp"
#include "program/parallel.hpp"
#include "program/scoring.hpp"
#include "program/threads.hpp"
#include "program/unreadable_images.hpp"
#include "tessera/data/voc_results.hpp"
#include "tessera/metric/average_precision.hpp"
#include "tessera/metric/pointing.hpp"

using namespace tessera;
using namespace program;

namespace {

struct Settings {
    std::string devkit, weights, out, set = "test", image, cover = "mean", outside = "refuse",
                                      bad = "stop";
    Platform platform;
    std::vector<double> lambdas;
    double stride = 0, tolerance = 0;
    Aggregation aggregation{};
    bool mirror = false, dense = false;
    int examples = 3, top = 3, threads = 0;
};

void add_options(CLI::App& app, Settings& s) {
    app.add_option("--weights", s.weights, "what transfer wrote")->required();
    app.add_option("--out", s.out, "folder for everything written")->required();
    auto* devkit =
        app.add_option("--devkit", s.devkit, "VOCdevkit/VOC2007, or VOCdevkit with one year");
    app.add_option("--set", s.set, "val or test")->capture_default_str()->needs(devkit);
    app.add_option("--image", s.image, "one image instead of a set")->excludes(devkit);
    app.add_option("--top", s.top, "classes drawn for --image")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--lambdas", s.lambdas, "scales, in place of those trained on")
        ->delimiter(',')
        ->check(CLI::Range(1.0, 100.0));
    app.add_option("--stride", s.stride, "of the tiling, in place of the one trained with")
        ->check(CLI::Range(0.01, 1.0));
    auto* mirror = app.add_flag("--mirror", s.mirror, "score every patch and its mirror image");
    app.add_flag("--dense", s.dense,
                 "the convolutions over whole images at each scale, not over patch after patch: "
                 "faster, and not quite the same scores")
        ->excludes(mirror);
    app.add_option("--power", s.aggregation.power, "k of the mean of k-th powers")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--lambdas-used", s.aggregation.lambdas, "scales that take part in the scores")
        ->delimiter(',');
    app.add_flag("--per-scale-mean", s.aggregation.per_scale_mean,
                 "the mean of the means of the scales");
    app.add_option("--tolerance", s.tolerance, "pixels by which boxes grow for pointing")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--examples", s.examples, "true and false positives drawn for each class")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--cover", s.cover, "heat maps drawn: mean or sum of the covering patches")
        ->capture_default_str()
        ->check(CLI::IsMember({"mean", "sum"}));
    add_platform_options(app, s.platform);
    app.add_option("--threads", s.threads, "0: all the machine has")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_option("--outside", s.outside, "boxes that reach out of their image: refuse or clip")
        ->capture_default_str()
        ->check(CLI::IsMember({"refuse", "clip"}));
    app.add_option("--bad", s.bad, "unreadable images: stop, or skip and count")
        ->capture_default_str()
        ->check(CLI::IsMember({"stop", "skip"}))
        ->needs(devkit);
}

TargetSpec read_spec(const Settings& s, const SafetensorsFile& weights) {
    TargetSpec spec = TargetSpec::read(weights);
    if (!s.lambdas.empty()) spec.tiling.lambdas = s.lambdas;
    if (s.stride > 0) spec.tiling.stride = s.stride;
    require(!s.dense || !spec.whole(), s.weights,
            ": found a network of whole images, expected one of patches for --dense");
    const Platform& platform = s.platform;
    require(!s.dense || (platform.device == "cpu" && platform.precision == "float"),
            "--dense: found --device ", platform.device, " and --precision ", platform.precision,
            ", expected cpu and float");
    return spec;
}

/// What of an image is scored.
std::vector<Tile> tiles_of(const Settings& s, const TargetSpec& spec, int width, int height) {
    if (s.dense) return dense_tiles(spec.input.network, width, height, spec.tiling);
    return tile(width, height, spec.tiling);
}

bool score_images(const Settings& s, const SafetensorsFile& weights, const TargetSpec& spec,
                  const std::vector<ImageBoxes>& images, const ScoringOptions& options,
                  const TakeScores& take) {
    return s.dense ? score_densely(weights, spec, images, options, take)
                   : score_boxes(weights, spec, images, options, take);
}

/// A set with the outputs of all its patches. Unreadable images, where they are skipped, are none
/// of it: no score, no place in a ranking, no line in a result file.
class ScoredSet {
public:
    ScoredSet(const Settings& s, RunFolder& run) : settings_(s), run_(run), weights_(s.weights) {
        spec = read_spec(s, weights_);
        folder = open_voc(s.devkit);
        require(folder.classes == spec.input.classes, s.weights, ": found weights for ",
                spec.input.classes.size(), " classes (", spec.input.classes.front(),
                ", ...), expected the ", folder.classes.size(), " of ", folder.root, " (",
                folder.classes.front(), ", ...)");
        set = read_voc_set(folder, s.set,
                           s.outside == "clip" ? OutsideBox::clip : OutsideBox::refuse);
        for (const VocAnnotation& image : set.images) listed.push_back(image.id);
        if (s.bad == "skip") skipped = drop_unreadable(folder, set);
        boxes_ = spec.whole() ? whole_images(folder, set)
                              : tile_images(folder, set, [&](int width, int height) {
                                    return tiles_of(s, spec, width, height);
                                });
        first_rows_.push_back(0);
        for (const ImageBoxes& image : boxes_) {
            first_rows_.push_back(first_rows_.back() + std::ssize(image.boxes));
        }
    }

    TargetSpec spec;
    VocFolder folder;
    VocSet set;
    std::vector<std::string> listed;  ///< ids of all images, the skipped ones too
    Index skipped = 0;
    double seconds = 0;  ///< that scoring took, in this run or in the one that left the scores

    int classes() const { return static_cast<int>(folder.classes.size()); }
    Index patches() const { return first_rows_.back(); }

    /// False when interrupted.
    bool score() {
        if (interrupted()) return false;  // images may be missing that are not unreadable
        const std::string base = run_.file("scores/" + set.name);
        make_folders(run_.file("scores"));
        Fingerprint data;
        data.add(fingerprint(folder, set));
        add_to(data, boxes_);
        data.add(settings_.mirror);
        if (settings_.dense) data.add("dense");
        data.add(settings_.platform.precision);
        const FeatureKey key{.trunk = fingerprint_of(weights_),
                             .data = data.value(),
                             .rows = patches(),
                             .columns = score_columns(spec)};
        const auto read_seconds = [&] {
            if (!path_exists(base + ".json")) return 0.0;
            const auto words = read_file(base + ".json");
            return json::parse(words.begin(), words.end()).value("seconds", 0.0);
        };
        const Index unit = settings_.dense ? 1 : scoring_unit(settings_.mirror);
        rows_ = open_or_compute(base + ".scores", key, unit, [&](FeatureWriter& writer) {
            Stage stage(run_, "scoring " + set.name, "patches");
            const Index done = writer.written();
            const double before = done > 0 ? read_seconds() : 0;
            const bool whole =
                score_images(settings_, weights_, spec, boxes_,
                             {.platform = settings_.platform,
                              .mirrored_too = settings_.mirror,
                              .done = done,
                              .interrupted = interrupted},
                             [&](std::span<const float> rows) { writer.append(rows); });
            if (whole) stage.finish(static_cast<double>(patches() - done));
            const json spent{{"seconds", before + stage.seconds()}};
            write_file(base + ".json", spent.dump() + "\n");
            return whole;
        });
        if (!rows_) return false;
        seconds = read_seconds();
        return true;
    }

    std::span<const float> outputs(std::size_t image) const {
        return {rows_->data() + first_rows_[image] * rows_->columns(),
                static_cast<std::size_t>((first_rows_[image + 1] - first_rows_[image]) *
                                         rows_->columns())};
    }
    /// Those of the scales that `how` says; only for networks of patches.
    ScoredPatches patches_of(std::size_t image, const Aggregation& how = {}) const {
        const VocAnnotation& it = set.images[image];
        return select_patches(tiles_of(settings_, spec, it.width, it.height), spec.tiling.lambdas,
                              how, outputs(image), score_columns(spec));
    }
    /// The scores of an image for all classes.
    std::vector<double> image_scores(std::size_t image) const {
        if (spec.whole()) {
            const auto row = outputs(image);
            return {row.begin(), row.end()};
        }
        const Aggregation& how = settings_.aggregation;
        std::vector<double> scores = aggregate(patches_of(image, how), how.power);
        scores.resize(static_cast<std::size_t>(classes()));  // without the background
        return scores;
    }

private:
    const Settings& settings_;
    RunFolder& run_;
    SafetensorsFile weights_;
    std::vector<ImageBoxes> boxes_;
    std::vector<Index> first_rows_;
    std::unique_ptr<FeatureStore> rows_;
};

std::vector<Box> boxes_of_class(const VocAnnotation& image, int label) {
    std::vector<Box> boxes;
    for (const VocObject& object : image.objects) {
        if (object.label == label) boxes.push_back(object.box);
    }
    return boxes;
}

/// One class over a set.
struct ClassResult {
    std::vector<int> labels;
    std::vector<double> scores;
    AveragePrecision eleven_point, area;
};

/// Labels from the lists of the set, or from the annotations where there are none.
std::vector<ClassResult> rank_images(const ScoredSet& scored) {
    std::vector<std::vector<double>> scores(scored.set.images.size());
    for_each_index(scores.size(), [&](std::size_t i, int) { scores[i] = scored.image_scores(i); });
    std::vector<ClassResult> results(static_cast<std::size_t>(scored.classes()));
    if (interrupted()) return results;
    for (int c = 0; c < scored.classes(); ++c) {
        ClassResult& result = results[static_cast<std::size_t>(c)];
        const std::string& name = scored.folder.classes[static_cast<std::size_t>(c)];
        if (std::filesystem::exists(scored.folder.list(name, scored.set.name))) {
            const auto labels =
                read_voc_labels(scored.folder, scored.set.name, name, scored.listed);
            std::size_t place = 0;
            for (const VocAnnotation& image : scored.set.images) {
                while (scored.listed[place] != image.id) ++place;
                result.labels.push_back(labels[place]);
            }
        } else {
            for (const VocAnnotation& image : scored.set.images) {
                result.labels.push_back(voc_label(image, c));
            }
        }
        for (const auto& row : scores) result.scores.push_back(row[static_cast<std::size_t>(c)]);
        const PrecisionRecall curve = precision_recall(result.labels, result.scores);
        result.eleven_point = average_precision(curve, ApRule::eleven_point);
        result.area = average_precision(curve, ApRule::area);
    }
    return results;
}

double mean_of(const std::vector<ClassResult>& results, AveragePrecision ClassResult::*rule) {
    std::vector<AveragePrecision> each;
    for (const ClassResult& result : results) each.push_back(result.*rule);
    return mean_average_precision(each);
}

/// In per cent, to the right of its column. Without positives it means nothing: a dash, which is
/// one column and three bytes.
std::string percent_text(const AveragePrecision& precision, int width) {
    if (precision.positives == 0) {
        return std::string(static_cast<std::size_t>(width - 1), ' ') + "\u2013";
    }
    char digits[32];
    std::snprintf(digits, sizeof digits, "%*.1f", width, 100 * precision.value);
    return digits;
}

void print_table(const ScoredSet& scored, const std::vector<ClassResult>& results) {
    std::printf("%-16s %12s %8s %10s\n", "class", "11-point AP", "area AP", "positives");
    for (std::size_t c = 0; c < results.size(); ++c) {
        std::printf("%-16s %s %s %10td\n", scored.folder.classes[c].c_str(),
                    percent_text(results[c].eleven_point, 12).c_str(),
                    percent_text(results[c].area, 8).c_str(), results[c].area.positives);
    }
    std::printf("%-16s %12.1f %8.1f\n", "mean", 100 * mean_of(results, &ClassResult::eleven_point),
                100 * mean_of(results, &ClassResult::area));
}

/// comp2: something but VOC was seen, from scratch too, whose mean image is the source's.
void write_result_files(RunFolder& run, const ScoredSet& scored,
                        const std::vector<ClassResult>& results) {
    std::vector<std::string> ids;
    for (const VocAnnotation& image : scored.set.images) ids.push_back(image.id);
    make_folders(run.file("results"));
    for (std::size_t c = 0; c < results.size(); ++c) {
        const VocResultName name{
            .competition = "comp2", .set = scored.set.name, .name = scored.folder.classes[c]};
        write_voc_results(name.path(run.file("results")), ids, results[c].scores);
    }
}

/// Maps are of all scales. Over the pairs of an image and a class with an object that is not
/// difficult; any object of the class counts as hit.
json point(const Settings& s, const ScoredSet& scored, const std::vector<ClassResult>& results) {
    enum Way { sum, mean, centre };
    struct Pair {
        int label;
        bool hit[3];
    };
    std::vector<std::vector<Pair>> pairs(scored.set.images.size());
    for_each_index(pairs.size(), [&](std::size_t i, int) {
        const VocAnnotation& image = scored.set.images[i];
        ScoredPatches patches;
        if (!scored.spec.whole()) patches = scored.patches_of(i);
        HeatMapper mapper(image.width, image.height, patches.boxes);
        for (int c = 0; c < scored.classes(); ++c) {
            if (results[static_cast<std::size_t>(c)].labels[i] != 1) continue;
            const auto boxes = boxes_of_class(image, c);
            Pair pair{c, {}};
            pair.hit[centre] = points_at(image.width / 2.0, image.height / 2.0, boxes, s.tolerance);
            for (const Way way : {sum, mean}) {
                if (scored.spec.whole()) continue;
                const Peak peak =
                    find_peak(heat_map(mapper, patches, c, way == sum ? Cover::sum : Cover::mean));
                pair.hit[way] = points_at(peak.x, peak.y, boxes, s.tolerance);
            }
            pairs[i].push_back(pair);
        }
    });
    json out = json::object();
    const char* names[] = {"sum", "mean", "centre"};
    for (const Way way : {sum, mean, centre}) {
        if (scored.spec.whole() && way != centre) continue;
        PointingAccuracy accuracy(scored.classes());
        for (const auto& of_image : pairs) {
            for (const Pair& pair : of_image) accuracy.add(pair.label, pair.hit[way]);
        }
        out[names[way]] = {{"micro", accuracy.micro()}, {"macro", accuracy.macro()}};
        std::printf("pointing, %-7s %5.1f %% of objects, %5.1f %% as mean of the classes\n",
                    names[way], 100 * accuracy.micro(), 100 * accuracy.macro());
    }
    out["tolerance"] = s.tolerance;
    return out;
}

/// The highest ranked images with the class and without it: figures 5 and 6 of the paper.
json draw_examples(const Settings& s, RunFolder& run, const ScoredSet& scored,
                   const std::vector<ClassResult>& results) {
    json examples = json::array();
    make_folders(run.file("pictures"));
    for (std::size_t c = 0; c < results.size(); ++c) {
        const ClassResult& result = results[c];
        const std::string& name = scored.folder.classes[c];
        std::vector<std::size_t> order(result.scores.size());
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return result.scores[a] > result.scores[b];
        });
        int drawn[2] = {0, 0};
        for (std::size_t rank = 0; rank < order.size() && !interrupted(); ++rank) {
            const std::size_t i = order[rank];
            const bool right = result.labels[i] == 1;
            if (result.labels[i] == 0 || drawn[right] == s.examples) continue;
            const int number = ++drawn[right];
            const VocAnnotation& image = scored.set.images[i];
            const std::string kind = right ? "true_positive" : "false_positive";
            const std::string picture = text("pictures/", name, "-", kind, "-", number, ".png");
            const ScoredPatches patches = scored.patches_of(i);
            HeatMapper mapper(image.width, image.height, patches.boxes);
            const Map map = heat_map(mapper, patches, static_cast<int>(c),
                                     s.cover == "sum" ? Cover::sum : Cover::mean);
            write_image(run.file(picture),
                        heat_picture(read_image(scored.folder.image(image.id)), map,
                                     boxes_of_class(image, static_cast<int>(c))));
            examples.push_back({{"class", name},
                                {"kind", kind},
                                {"image", image.id},
                                {"score", result.scores[i]},
                                {"rank", rank + 1},
                                {"picture", picture}});
        }
    }
    return examples;
}

/// Null without positives: the value means nothing then.
json value_of(const AveragePrecision& precision) {
    return precision.positives > 0 ? json(precision.value) : json();
}

json summary(const Settings& s, const ScoredSet& scored, const std::vector<ClassResult>& results) {
    json ap = json::array(), area = json::array(), positives = json::array();
    for (const ClassResult& result : results) {
        ap.push_back(value_of(result.eleven_point));
        area.push_back(value_of(result.area));
        positives.push_back(result.area.positives);
    }
    const double images = static_cast<double>(scored.set.images.size());
    const auto patches = static_cast<double>(scored.patches());
    const double seconds = std::max(scored.seconds, 1e-9);
    return {{"set", scored.set.name},
            {"mode", scored.spec.mode},
            {"weights", s.weights},
            {"ap_rule", "eleven_point"},
            {"classes", scored.folder.classes},
            {"ap", ap},
            {"ap_area", area},
            {"map", mean_of(results, &ClassResult::eleven_point)},
            {"map_area", mean_of(results, &ClassResult::area)},
            {"positives", positives},
            {"images", scored.set.images.size()},
            {"skipped", scored.skipped},
            {"patches", scored.patches()},
            {"seconds", scored.seconds},
            {"images_per_second", images / seconds},
            {"patches_per_second", patches / seconds},
            {"power", s.aggregation.power},
            {"lambdas", scored.spec.tiling.lambdas},
            {"lambdas_used",
             s.aggregation.lambdas.empty() ? scored.spec.tiling.lambdas : s.aggregation.lambdas},
            {"stride", scored.spec.tiling.stride},
            {"dense", s.dense},
            {"per_scale_mean", s.aggregation.per_scale_mean},
            {"mirror", s.mirror}};
}

int stopped_early() {
    std::fputs("stopped; the scores are kept: the same command goes on with them\n", stderr);
    return 130;
}

int evaluate_set(const Settings& s) {
    RunFolder run(s.out);
    ScoredSet scored(s, run);
    if (!scored.score()) return stopped_early();
    const std::vector<ClassResult> results = rank_images(scored);
    if (interrupted()) return stopped_early();
    print_table(scored, results);
    write_result_files(run, scored, results);
    json evaluation = summary(s, scored, results);
    evaluation["pointing"] = point(s, scored, results);
    evaluation["examples"] =
        scored.spec.whole() ? json::array() : draw_examples(s, run, scored, results);
    if (interrupted()) return stopped_early();
    write_file(run.file("evaluation.json"), evaluation.dump(1) + "\n");
    run.log("evaluation", {{"set", scored.set.name},
                           {"map", evaluation["map"]},
                           {"map_area", evaluation["map_area"]},
                           {"skipped", scored.skipped},
                           {"pointing", evaluation["pointing"]}});
    std::printf("%td patches of %td images, scored in %s; all in %s\n", scored.patches(),
                std::ssize(scored.set.images), duration_text(scored.seconds).c_str(),
                run.path().c_str());
    if (scored.skipped > 0) {
        std::printf("%td unreadable images are left out of all this, the result files too\n",
                    scored.skipped);
    }
    return 0;
}

/// Scores of the classes for one image, and heat maps of the highest.
int evaluate_image(const Settings& s) {
    RunFolder run(s.out);
    const SafetensorsFile weights(s.weights);
    const TargetSpec spec = read_spec(s, weights);
    const Image photograph = read_image(s.image);
    const int width = photograph.width, height = photograph.height;
    const std::vector<Box> boxes = spec.whole()
                                       ? std::vector<Box>{{0, 0, double(width), double(height)}}
                                       : boxes_of(tiles_of(s, spec, width, height));
    std::vector<float> outputs;
    const bool whole =
        score_images(s, weights, spec, {{s.image, width, height, boxes}},
                     {.platform = s.platform, .mirrored_too = s.mirror, .interrupted = interrupted},
                     [&](std::span<const float> rows) {
                         outputs.insert(outputs.end(), rows.begin(), rows.end());
                     });
    if (!whole) {
        std::fputs("stopped\n", stderr);
        return 130;
    }
    std::vector<double> scores(outputs.begin(), outputs.begin() + score_columns(spec));
    ScoredPatches patches;
    if (!spec.whole()) {
        patches = select_patches(tiles_of(s, spec, width, height), spec.tiling.lambdas,
                                 s.aggregation, outputs, score_columns(spec));
        scores = aggregate(patches, s.aggregation.power);
    }
    std::vector<std::size_t> order(spec.input.classes.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    HeatMapper mapper(width, height, patches.boxes);
    const std::string stem = std::filesystem::path(s.image).stem().string();
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
        const std::string& name = spec.input.classes[order[rank]];
        std::printf("%-16s %.6g", name.c_str(), scores[order[rank]]);
        if (!spec.whole() && rank < static_cast<std::size_t>(std::max(s.top, 0))) {
            const std::string picture = run.file(stem + "-" + name + ".png");
            const Map map = heat_map(mapper, patches, static_cast<int>(order[rank]),
                                     s.cover == "sum" ? Cover::sum : Cover::mean);
            write_image(picture, heat_picture(photograph, map, {}));
            std::printf("  %s", picture.c_str());
        }
        std::printf("\n");
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    wait_without_spinning(argv);
    CLI::App app{"Applies a target network to a PASCAL VOC set or to one image."};
    Settings settings;
    add_options(app, settings);
    CLI11_PARSE(app, argc, argv);
    watch_interrupts();
    try {
        require(settings.image.empty() != settings.devkit.empty(),
                "found neither --devkit nor --image, expected one of them");
        if (settings.threads > 0) cpu::set_max_threads(settings.threads);
        return settings.image.empty() ? evaluate_set(settings) : evaluate_image(settings);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "evaluate: %s\n", error.what());
        return 1;
    }
}
