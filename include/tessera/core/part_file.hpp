// SPDX-License-Identifier: MIT
// PartFile: a file that takes long to make, so long that what an interrupted process has written of
// it is kept for the next one.
#pragma once

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/file.hpp"

namespace tessera {

/// Writes to `<path>.part`, which takes the place of the file in commit(); until then the file is
/// as it was. The part stays when the writer goes or the process is killed, and the next writer
/// finds it. A device or a pipe cannot be replaced and is written directly.
class PartFile {
public:
    /// Throws Error naming the path when the folder is missing or may not be written, or another
    /// process is writing the part.
    explicit PartFile(const std::string& path) : path_(path), part_(path + ".part") {
        struct stat status {};
        const bool exists = ::stat(path.c_str(), &status) == 0;
        require(!exists || !S_ISDIR(status.st_mode), "cannot write ", path,
                ": it is a folder, expected a file");
        if (exists && !S_ISREG(status.st_mode)) {
            part_.clear();
            file_ = detail::Descriptor(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        } else {
            const int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC;
            file_ = detail::Descriptor(::open(part_.c_str(), flags, 0666));
        }
        if (file_.number < 0) detail::fail_with_errno("cannot write ", path);
        if (part_.empty()) return;
        require(::flock(file_.number, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK,
                "cannot write ", path, ": another process is writing ", part_);
        if (::fstat(file_.number, &status) != 0) detail::fail_with_errno("cannot write ", path);
        size_ = static_cast<std::uint64_t>(status.st_size);
    }

    /// Bytes that are there.
    std::uint64_t size() const { return size_; }

    /// The first `size` bytes, or what there is of them.
    std::vector<std::uint8_t> beginning(std::size_t size) const {
        std::vector<std::uint8_t> bytes(size_ < size ? static_cast<std::size_t>(size_) : size);
        const auto wanted = static_cast<ssize_t>(bytes.size());
        if (wanted > 0 && ::pread(file_.number, bytes.data(), bytes.size(), 0) != wanted) {
            detail::fail_with_errno("cannot read ", part_);
        }
        return bytes;
    }

    /// Forgets all but the first `size` bytes.
    void shorten(std::uint64_t size) {
        if (size == size_) return;
        if (::ftruncate(file_.number, static_cast<off_t>(size)) != 0) {
            detail::fail_with_errno("cannot write ", path_);
        }
        size_ = size;
    }

    /// Appends. Throws Error, for instance when the disk is full.
    void write(std::span<const std::uint8_t> bytes) {
        detail::write_all(file_.number, bytes, path_);
        size_ += bytes.size();
    }

    /// Brings the bytes to the disk and puts the file in its place. Call once, at the end.
    void commit() {
        detail::flush(file_.number, path_);
        if (part_.empty()) return;
        // The lock goes with the descriptor, after the part has its new name.
        if (std::rename(part_.c_str(), path_.c_str()) != 0) {
            detail::fail_with_errno("cannot write ", path_);
        }
    }

private:
    std::string path_;
    std::string part_;  // empty: written directly
    detail::Descriptor file_;
    std::uint64_t size_ = 0;
};

}  // namespace tessera
