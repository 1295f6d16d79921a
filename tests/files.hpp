// SPDX-License-Identifier: MIT
// What the tests of files and data sets share.
#pragma once

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>

#include "tessera/core/error.hpp"
#include "tessera/core/file.hpp"

namespace tessera::testing {

/// A fresh folder that goes away with everything in it.
struct TemporaryFolder {
    std::filesystem::path path;

    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "tessera-XXXXXX").string();
        if (!::mkdtemp(name.data())) fail("cannot make a temporary folder");
        path = name;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() { std::filesystem::remove_all(path); }
    std::string operator/(std::string_view name) const { return (path / name).string(); }

    /// Writes a file below the folder, with the folders on its way.
    std::string add(std::string_view name, std::string_view words) const {
        const std::filesystem::path target = path / name;
        std::filesystem::create_directories(target.parent_path());
        write_file(target.string(), words);
        return target.string();
    }
    /// A file of zeros that take no room on the disk.
    std::string add_sparse(std::string_view name, std::uintmax_t bytes) const {
        const std::string target = add(name, "");
        std::filesystem::resize_file(target, bytes);
        return target;
    }
    int entries() const {
        return static_cast<int>(std::distance(std::filesystem::directory_iterator(path), {}));
    }
};

/// A folder in which nothing can be made, not even by root (who may write where the mode says no).
struct ReadOnlyFolder {
    TemporaryFolder folder;
    std::filesystem::path path = ::geteuid() == 0 ? "/proc/self" : folder.path;

    ReadOnlyFolder() { ::chmod(folder.path.c_str(), 0555); }
    ~ReadOnlyFolder() { ::chmod(folder.path.c_str(), 0755); }
    std::string operator/(std::string_view name) const { return (path / name).string(); }
};

/// The text of the Error that `action` throws, or "no error".
template <class Action>
std::string message_of(Action action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

/// A limit of this process, lowered as long as the object lives. Beyond RLIMIT_FSIZE bytes of a
/// file writing fails, as on a full disk.
class LoweredLimit {
public:
    LoweredLimit(int resource, rlim_t most) : resource_(resource) {
        require(::getrlimit(resource_, &before_) == 0, "cannot read limit ", resource_);
        const rlimit lowered{std::min(most, before_.rlim_max), before_.rlim_max};
        require(::setrlimit(resource_, &lowered) == 0, "cannot lower limit ", resource_);
    }
    LoweredLimit(const LoweredLimit&) = delete;
    LoweredLimit& operator=(const LoweredLimit&) = delete;
    ~LoweredLimit() {
        ::setrlimit(resource_, &before_);
        ::signal(SIGXFSZ, handler_);
    }

private:
    int resource_;
    rlimit before_{};
    // By default the signal of a file that is too large ends the process.
    void (*handler_)(int) = ::signal(SIGXFSZ, SIG_IGN);
};

/// message_of() under a lowered limit. Nothing is checked meanwhile: it holds for the test's own
/// output too.
template <class Action>
std::string message_within(int resource, rlim_t most, Action action) {
    const LoweredLimit limit(resource, most);
    return message_of(action);
}

inline bool has(std::string_view words, std::string_view part) {
    return words.find(part) != std::string_view::npos;
}

inline std::string words_of(const std::string& path) {
    const auto bytes = read_file(path);
    return {bytes.begin(), bytes.end()};
}

/// The folder of real data sets, or an empty path where there is none.
inline std::filesystem::path shared_data() {
    const char* chosen = std::getenv("TESSERA_SHARED_DATA");
    const std::filesystem::path folder =
        chosen ? std::filesystem::path(chosen)
               : std::filesystem::path(TESSERA_SOURCE_DIR) / "../shared/data";
    return std::filesystem::is_directory(folder) ? folder : std::filesystem::path{};
}

/// Runs a command; true when it ends well.
inline bool succeeds(const std::string& command) {
    return std::system(command.c_str()) == 0;  // NOLINT: the tests choose the words
}

}  // namespace tessera::testing
