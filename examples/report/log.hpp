// SPDX-License-Identifier: MIT
// log.jsonl: one JSON object a line, appended while a run goes on, and again when it is resumed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "report/fields.hpp"

namespace report {

struct EpochEntry {
    double epoch = missing, loss = missing, rate = missing, seconds = missing;
    double train_subset_loss = missing, train_top1 = missing;
    double val_loss = missing, val_top1 = missing, val_top5 = missing;
    double per_second = missing;  ///< images, or patches in a transfer
};

struct StepEntry {
    double step = missing, loss = missing, rate = missing;
};

struct StageEntry {
    std::string name, unit;
    double seconds = missing, count = missing, per_second = missing;
};

/// What became of the patches of a set.
struct PatchCounts {
    std::string set;
    double images = missing, patches = missing;
    double objects = missing, background = missing, deleted = missing, used = missing;
};

struct Log {
    std::string program;                                   ///< the first that wrote to the log
    json start = json::object(), finish = json::object();  ///< fields of these events, merged
    std::vector<EpochEntry> epochs;
    std::vector<StepEntry> steps;
    std::vector<StageEntry> stages;
    std::vector<PatchCounts> patches;
    double began = missing, ended = missing;  ///< seconds since 1970
    bool finished = false, interrupted = false;
    bool cut = false;  ///< the last line was not written to its end
};

namespace detail {

/// After a resumption a run does again what the last checkpoint had not seen: the later entry
/// replaces the earlier ones from there on.
template <class Entry>
void append_entry(std::vector<Entry>& entries, const Entry& entry, double Entry::*position) {
    while (!entries.empty() && entries.back().*position >= entry.*position) entries.pop_back();
    entries.push_back(entry);
}

inline void take_event(Log& log, const Fields& line) {
    const std::string event = line.words("event");
    require(!event.empty(), line.where(), ": no field 'event'");
    const double time = line.number("time");
    if (!(log.began <= time)) log.began = time;
    log.ended = time;
    if (event == "start") {
        if (log.program.empty()) log.program = line.words("program");
        log.start.update(line.all());
        log.finished = log.interrupted = false;
    } else if (event == "step") {
        append_entry(log.steps,
                     StepEntry{.step = line.number("step"),
                               .loss = line.number("loss"),
                               .rate = line.number("rate")},
                     &StepEntry::step);
    } else if (event == "epoch") {
        append_entry(log.epochs,
                     EpochEntry{.epoch = line.number("epoch"),
                                .loss = line.number("loss"),
                                .rate = line.number("rate"),
                                .seconds = line.number("seconds"),
                                .train_subset_loss = line.number("train_subset_loss"),
                                .train_top1 = line.number("train_top1"),
                                .val_loss = line.number("val_loss"),
                                .val_top1 = line.number("val_top1"),
                                .val_top5 = line.number("val_top5"),
                                .per_second = line.number("per_second")},
                     &EpochEntry::epoch);
    } else if (event == "stage") {
        log.stages.push_back({.name = line.words("stage", "unnamed stage"),
                              .unit = line.words("unit"),
                              .seconds = line.number("seconds"),
                              .count = line.number("count"),
                              .per_second = line.number("per_second")});
    } else if (event == "patches") {
        log.patches.push_back({.set = line.words("set"),
                               .images = line.number("images"),
                               .patches = line.number("patches"),
                               .objects = line.number("objects"),
                               .background = line.number("background"),
                               .deleted = line.number("deleted"),
                               .used = line.number("used")});
    } else if (event == "finish") {
        log.finish.update(line.all());
        log.finished = true;
    } else if (event == "interrupted") {
        log.interrupted = true;
    }
}

}  // namespace detail

/// Events of other names are passed over. A last line without its newline may be cut short, as a
/// kill leaves it; any other line that is not a JSON object is an Error with file and line.
inline Log read_log(const std::string& path) {
    const std::vector<std::uint8_t> bytes = tessera::read_file(path);
    const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    Log log;
    long number = 0;
    for (std::size_t begin = 0; begin < all.size();) {
        const std::size_t end = std::min(all.find('\n', begin), all.size());
        const std::string_view line = all.substr(begin, end - begin);
        const std::string where = tessera::text(path, ": line ", ++number);
        begin = end + 1;
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        if (end == all.size() && !json::accept(line)) {
            log.cut = true;
            break;
        }
        detail::take_event(log, Fields(parse_json(line, where), where));
    }
    return log;
}

}  // namespace report
