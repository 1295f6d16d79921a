// SPDX-License-Identifier: MIT
// Packs a folder of labelled images into one file of decoded ones, from which training reads as
// fast as the disk goes.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <deque>
#include <filesystem>

#include "program/console.hpp"
#include "program/interrupt.hpp"
#include "program/listed_images.hpp"
#include "program/parallel.hpp"

using namespace tessera;
using namespace program;

namespace {

struct Settings {
    std::string data, out, classes_of, bad = "stop";
    GroundTruth truth;
    int extent = 256, threads = 0;
    bool replace = false;
};

void add_options(CLI::App& app, Settings& s) {
    app.add_option("--data", s.data,
                   "folder with <class>/*, or with the flat images of ILSVRC's val")
        ->required();
    app.add_option("--out", s.out, "file to write; pretrain looks for train.packed and val.packed")
        ->required();
    app.add_option("--extent", s.extent,
                   "width and height of the packed images: 256 for alexnet, 64 for small. The "
                   "shorter side is brought to it, and the middle is kept")
        ->capture_default_str()
        ->check(CLI::Range(1, 4096));
    auto* classes = app.add_option("--classes-of", s.classes_of,
                                   "packed file or folder whose classes, and labels, are meant; "
                                   "else those of --data");
    auto* truth = app.add_option("--val-truth", s.truth.truth,
                                 "ILSVRC's flat val/: list with one integer a picture");
    auto* ids = app.add_option("--val-ids", s.truth.ids, "and the list of `integer class` lines");
    ids->needs(truth);
    truth->needs(ids)->needs(classes);
    app.add_option("--bad", s.bad,
                   "unreadable pictures: stop, or skip and count; they stay in the file, black "
                   "and without a label, and pretrain leaves them out with --bad skip")
        ->capture_default_str()
        ->check(CLI::IsMember({"stop", "skip"}));
    app.add_option("--threads", s.threads, "that decode; 0: all the machine has")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber);
    app.add_flag("--replace", s.replace, "replace a file of other images, or what is begun of one");
}

std::vector<std::string> classes_of(const std::string& path) {
    if (is_folder(path)) return tessera::detail::class_folders(path);
    return ListedImages(path).classes();
}

std::string size_text(double bytes) {
    char words[32];
    const bool large = bytes >= 1e9;
    std::snprintf(words, sizeof words, large ? "%.1f GB" : "%.1f MB", bytes / (large ? 1e9 : 1e6));
    return words;
}

std::string words_of(const PackedSet& set) {
    return text(set.images, " images of ", set.shape.width, " x ", set.shape.height, " in ",
                set.classes, " classes");
}

PackedSet packed_set(const ImageSet& images, std::uint64_t list, int extent) {
    Fingerprint source;
    source.add("shorter side, then the middle");  // how read_square() makes them
    source.add(list);
    return {.source = source.value(),
            .images = std::ssize(images.items),
            .classes = static_cast<int>(images.classes.size()),
            .shape = {3, extent, extent}};
}

/// Whether the file is there already. Throws Error when something else is, of which nobody said
/// that it may go, or when the disk has no room for what is missing.
bool check_place(const Settings& s, const PackedSet& set) {
    const tessera::detail::Target target = tessera::detail::find_target(s.out);
    if (!s.replace && target.exists && target.replaceable) {
        const PackedImages there(s.out);
        if (there.set() == set && !there.summary().empty()) return true;
        fail(s.out, ": found ", words_of(there.set()),
             ", packed from other images or in another way; give --replace, or another --out");
    }
    const std::optional<PackedSet> begun = s.replace ? std::nullopt : begun_set(s.out);
    require(!begun || *begun == set, s.out, ".part: found the beginning of ",
            begun ? words_of(*begun) : "",
            ", packed from other images or in another way; give --replace, or another --out");
    const std::filesystem::path folder = std::filesystem::path(target.path).parent_path();
    std::error_code unknown;
    const auto room = std::filesystem::space(folder.empty() ? "." : folder, unknown);
    const std::string part = target.path + ".part";
    const auto have = static_cast<double>(path_exists(part) ? file_size(part) : 0);
    const auto missing = static_cast<double>(tessera::detail::packed_bytes(set, s.out)) - have;
    require(unknown || static_cast<double>(room.available) >= missing, s.out, ": found ",
            size_text(static_cast<double>(room.available)), " free on the disk, expected ",
            size_text(missing), " for ", words_of(set));
    return false;
}

/// An image on its way from a thread that decodes to the file.
struct Decoded {
    Image image;
    int label = 0;
    MeanAccumulator* sum = nullptr;  // of all images that came this way
};

/// What an earlier run has written counts for the mean too. Returns how many were unreadable.
Index read_back(const PackedImageWriter& writer, int extent, MeanAccumulator& sum) {
    std::vector<MeanAccumulator> sums(static_cast<std::size_t>(Cpu::threads()));
    std::vector<Image> images(sums.size(), Image(extent, extent));
    ProgressLine line("reading what is there", static_cast<double>(writer.written()), "images");
    Mutex mutex;
    Index done = 0, unreadable = 0;
    for_each_index(static_cast<std::size_t>(writer.written()), [&](std::size_t i, int thread) {
        const auto own = static_cast<std::size_t>(thread);
        const bool good = writer.read(static_cast<Index>(i), images[own]) >= 0;
        if (good) sums[own].add(images[own]);
        const Lock lock(mutex);
        unreadable += good ? 0 : 1;
        line.update(static_cast<double>(++done));
    });
    for (const MeanAccumulator& one : sums) sum.add(one);
    return unreadable;
}

int stopped(const PackedImageWriter& writer, const PackedSet& set) {
    std::fprintf(stderr,
                 "stopped behind image %td of %td; what is there is kept. To go on: the same "
                 "command\n",
                 writer.written(), set.images);
    return 130;
}

int pack(const Settings& s) {
    std::vector<std::string> classes;
    if (!s.classes_of.empty()) classes = classes_of(s.classes_of);
    const ImageSet images = list_images(s.data, s.truth, s.classes_of.empty() ? nullptr : &classes);
    const std::uint64_t list = fingerprint(images, s.data);
    const PackedSet set = packed_set(images, list, s.extent);
    if (check_place(s, set)) {
        std::printf("%s: there already, %s\n", s.out.c_str(), words_of(set).c_str());
        return 0;
    }
    PackedImageWriter writer(s.out, set);
    std::deque<MeanAccumulator> sums(1);
    Index unreadable = 0;
    if (writer.written() > 0) {
        std::fprintf(stderr, "%s: going on behind image %td of %td\n", s.out.c_str(),
                     writer.written(), set.images);
        unreadable = read_back(writer, s.extent, sums[0]);
        if (interrupted()) return stopped(writer, set);
    }
    const int threads = Cpu::threads();
    Loader<Decoded> loader(
        {.samples = set.images, .workers = threads, .prefetch = 2 * threads, .shuffle = false},
        [&] {
            return Decoded{{}, 0, &sums.emplace_back()};
        },
        [&](const LoaderSample& sample, Decoded& decoded) {
            const ImageItem& item = images.items[static_cast<std::size_t>(sample.index)];
            try {
                decoded.image = read_square(item.path, s.extent);
                decoded.label = item.label;
                decoded.sum->add(decoded.image);
            } catch (const Error& error) {
                if (s.bad == "stop") fail(error.what(), "; --bad skip leaves it out");
                decoded.image = Image(s.extent, s.extent);
                decoded.label = -1;
                std::fprintf(stderr, "left out: %s\n", error.what());
            }
        });
    loader.start(0, writer.written());
    ProgressLine line("packing", static_cast<double>(set.images), "images");
    line.begin_at(static_cast<double>(writer.written()));
    while (const Decoded* decoded = loader.next().batch) {
        writer.append(decoded->image, decoded->label);
        unreadable += decoded->label < 0 ? 1 : 0;
        line.update(static_cast<double>(writer.written()));
        if (interrupted() && writer.written() < set.images) {
            line.finish();
            return stopped(writer, set);
        }
    }
    for (std::size_t i = 1; i < sums.size(); ++i) sums[0].add(sums[i]);
    require(sums[0].count() > 0, s.data, ": found no image that can be read");
    writer.finish({.classes = images.classes,
                   .mean = sums[0].image(),
                   .list = list,
                   .unreadable = unreadable});
    line.finish();
    std::printf("%s: %s, %s", s.out.c_str(), words_of(set).c_str(),
                size_text(static_cast<double>(file_size(s.out))).c_str());
    if (unreadable > 0) std::printf("; %td could not be read", unreadable);
    std::printf("\n");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Packs a folder of labelled images into one file: decoded, brought to one size, with the "
        "names\nof the classes and the mean image. pretrain reads train.packed and val.packed in "
        "its --data folder\nin place of train/ and val/:\n"
        "  pack --data imagenet/train --out packed/train.packed\n"
        "  pack --data imagenet/val   --out packed/val.packed --classes-of packed/train.packed\n"
        "  pretrain --data packed --network alexnet ...\n"
        "An image takes 3 x extent x extent bytes: 197 kB at 256, 252 GB for ILSVRC's 1.28 million."
        "\nAfter Ctrl-C, or a crash, the same command goes on where it stopped."};
    Settings settings;
    add_options(app, settings);
    CLI11_PARSE(app, argc, argv);
    watch_interrupts();
    try {
        if (settings.threads > 0) cpu::set_max_threads(settings.threads);
        return pack(settings);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "pack: %s\n", error.what());
        return 1;
    }
}
