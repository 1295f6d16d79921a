// SPDX-License-Identifier: MIT
// Folders: what is in them, and making them. <filesystem> would cost every user's unit 0.5 s.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/file.hpp"

namespace tessera {

/// Whether something of any kind is there.
inline bool path_exists(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0;
}

inline bool is_folder(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// In bytes; the largest number when there is no such file.
inline std::uint64_t file_size(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? std::uint64_t(status.st_size) : ~std::uint64_t{};
}

/// The names in a folder, sorted, without `.` and `..`. Throws Error naming the folder when it
/// cannot be read.
inline std::vector<std::string> list_folder(const std::string& path) {
    const detail::FolderStream folder(path);
    if (!folder.stream) detail::fail_with_errno("cannot read folder ", path);
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(folder.stream);
        if (!entry) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) detail::fail_with_errno("cannot read folder ", path);
    std::sort(names.begin(), names.end());
    return names;
}

/// Makes a folder and those above it that are missing. Throws Error naming the one that cannot be
/// made.
inline void make_folders(const std::string& path) {
    for (std::size_t end = 0; end < path.size();) {
        end = std::min(path.find('/', end + 1), path.size());
        const std::string folder = path.substr(0, end);
        if (::mkdir(folder.c_str(), 0777) == 0) continue;
        const int reason = errno;
        if (is_folder(folder)) continue;
        errno = reason;
        detail::fail_with_errno("cannot make folder ", folder);
    }
}

/// The last name of a path: `VOC2007` of `VOCdevkit/VOC2007` and of `VOCdevkit/VOC2007/`.
inline std::string_view last_name(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    return path.substr(path.rfind('/') + 1);
}

}  // namespace tessera
