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

/// Writes to `<path>.part`, which takes the place of the file in commit(), with its permissions;
/// until then the file is as it was. The part stays when the writer goes or the process is killed,
/// and the next writer finds it. A device or a pipe cannot be replaced and is written directly.
class PartFile {
public:
    /// Throws Error naming the path when the folder is missing or may not be written, or another
    /// process is writing the part.
    explicit PartFile(const std::string& path) : path_(path) {
        const detail::Target target = detail::find_target(path);
        target_ = target.path;
        if (!target.replaceable) {
            file_ = detail::Descriptor(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        } else {
            part_ = target_ + ".part";
            const int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC;
            file_ = detail::Descriptor(::open(part_.c_str(), flags, 0666));
        }
        if (file_.number < 0) detail::fail_with_errno("cannot write ", path);
        if (!target.replaceable) return;
        // A part that was put in its place before the lock was ours is a part no more.
        struct stat locked {};
        struct stat named {};
        const bool free = ::flock(file_.number, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
        if (::fstat(file_.number, &locked) != 0) detail::fail_with_errno("cannot write ", path);
        require(free && ::stat(part_.c_str(), &named) == 0 && named.st_ino == locked.st_ino,
                "cannot write ", path, ": another process is writing ", part_);
        if (target.exists) ::fchmod(file_.number, target.permissions);
        size_ = static_cast<std::uint64_t>(locked.st_size);
    }

    /// Bytes that are there.
    std::uint64_t size() const { return size_; }

    /// The first `size` bytes, or what there is of them.
    std::vector<std::uint8_t> beginning(std::size_t size) const {
        std::vector<std::uint8_t> bytes(size_ < size ? static_cast<std::size_t>(size_) : size);
        read(0, bytes);
        return bytes;
    }

    /// Fills `bytes` with what was written at `place`, all of which must be there.
    void read(std::uint64_t place, std::span<std::uint8_t> bytes) const {
        while (!bytes.empty()) {
            const ssize_t got =
                ::pread(file_.number, bytes.data(), bytes.size(), static_cast<off_t>(place));
            if (got <= 0) detail::fail_with_errno("cannot read ", part_);
            bytes = bytes.subspan(static_cast<std::size_t>(got));
            place += static_cast<std::uint64_t>(got);
        }
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
        if (std::rename(part_.c_str(), target_.c_str()) != 0) {
            detail::fail_with_errno("cannot write ", path_);
        }
    }

private:
    std::string path_;    // as the caller wrote it, for messages
    std::string target_;  // what commit() replaces
    std::string part_;    // empty: written directly
    detail::Descriptor file_;
    std::uint64_t size_ = 0;
};

}  // namespace tessera
