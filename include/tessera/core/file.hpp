// SPDX-License-Identifier: MIT
// Files: read whole, and written whole or not at all.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"

namespace tessera {
namespace detail {

/// Throws Error with what failed, the path and the system's words for errno.
[[noreturn]] inline void fail_with_errno(const char* action, const std::string& path) {
    const int error = errno;
    fail(action, path, ": ", std::generic_category().message(error));
}

/// Owns an open file descriptor.
struct Descriptor {
    int number = -1;

    Descriptor() = default;
    explicit Descriptor(int opened) : number(opened) {}
    Descriptor(Descriptor&& other) noexcept : number(std::exchange(other.number, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number, other.number);
        return *this;
    }
    ~Descriptor() {
        if (number >= 0) ::close(number);
    }
};

/// Owns an open folder; null when it cannot be opened.
struct FolderStream {
    DIR* stream;

    explicit FolderStream(const std::string& path) : stream(::opendir(path.c_str())) {}
    FolderStream(const FolderStream&) = delete;
    FolderStream& operator=(const FolderStream&) = delete;
    ~FolderStream() {
        if (stream) ::closedir(stream);
    }
};

/// What lies where a file is to be written.
struct Target {
    std::string path;  ///< of the file itself, behind all links
    bool exists = false;
    bool replaceable = true;  ///< not so a device or a pipe, which is written directly
    mode_t permissions = 0;
};

/// Throws Error for a folder.
inline Target find_target(const std::string& path) {
    Target target{.path = path};
    struct stat status {};
    target.exists = ::stat(path.c_str(), &status) == 0;
    if (!target.exists) return target;
    require(!S_ISDIR(status.st_mode), "cannot write ", path, ": it is a folder, expected a file");
    target.replaceable = S_ISREG(status.st_mode);
    target.permissions = status.st_mode & 07777;
    if (char* resolved = ::realpath(path.c_str(), nullptr)) {
        target.path = resolved;
        std::free(resolved);
    }
    return target;
}

inline void write_all(int file, std::span<const std::uint8_t> bytes, const std::string& path) {
    const std::uint8_t* next = bytes.data();
    for (std::size_t left = bytes.size(); left > 0;) {
        const ssize_t count = ::write(file, next, left);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail_with_errno("cannot write ", path);
        next += count;
        left -= std::size_t(count);
    }
}

/// Brings what was written to the disk.
inline void flush(int file, const std::string& path) {
    // Pipes and some devices answer EINVAL: there is nothing to bring to a disk.
    const bool flushed = ::fsync(file) == 0 || errno == EINVAL || errno == EROFS;
    if (!flushed) fail_with_errno("cannot write ", path);
}

/// Makes room for `size` bytes of a file. Throws Error naming the path where memory is too small.
inline void make_room(std::vector<std::uint8_t>& bytes, std::size_t size, const std::string& path) {
    try {
        bytes.resize(size);
    } catch (const std::exception&) {  // bad_alloc, or length_error
        fail("cannot read ", path, ": found no memory for its ", size, " bytes");
    }
}

/// Removes the temporaries of `target` that killed processes left. A process that is not here may
/// live on another machine that shares the disk: what was written to within the hour stays.
inline void remove_leftovers(const std::string& target) {
    const std::size_t name_begin = target.rfind('/') + 1;  // 0 where there is no folder
    const std::string folder = name_begin == 0 ? "./" : target.substr(0, name_begin);
    const std::string beginning = target.substr(name_begin) + ".tmp-";
    const FolderStream entries(folder);
    if (!entries.stream) return;  // leftovers do no harm
    while (const dirent* entry = ::readdir(entries.stream)) {
        const std::string name = entry->d_name;
        if (!name.starts_with(beginning)) continue;
        char* end = nullptr;
        const long process = std::strtol(name.c_str() + beginning.size(), &end, 10);
        const long attempt = *end == '-' ? std::strtol(end + 1, nullptr, 10) : -1;
        const bool ours = name == text(beginning, process, "-", attempt) && process > 0 &&
                          process == static_cast<pid_t>(process);
        struct stat status {};
        if (ours && ::kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH &&
            ::stat((folder + name).c_str(), &status) == 0 &&
            std::time(nullptr) - status.st_mtime > 3600) {
            ::unlink((folder + name).c_str());
        }
    }
}

}  // namespace detail

/// The bytes of a file. Throws Error naming the path when it cannot be opened or read, has more
/// than `most` bytes, which are not read then, or more than memory holds.
inline std::vector<std::uint8_t> read_file(const std::string& path,
                                           std::uint64_t most = ~std::uint64_t{}) {
    const detail::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number < 0) detail::fail_with_errno("cannot open ", path);
    struct stat status {};
    if (::fstat(file.number, &status) != 0) detail::fail_with_errno("cannot read ", path);
    const auto check = [&](std::uint64_t size) {
        require(size <= most, "cannot read ", path, ": found ", size, " bytes, expected at most ",
                most);
    };
    const bool regular = S_ISREG(status.st_mode);
    if (regular) check(static_cast<std::uint64_t>(status.st_size));
    std::vector<std::uint8_t> bytes;
    // One byte more than the size, so that the read that finds the end needs no second block.
    detail::make_room(bytes, regular ? std::size_t(status.st_size) + 1 : 65536, path);
    for (std::size_t size = 0;;) {
        const ssize_t count = ::read(file.number, bytes.data() + size, bytes.size() - size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) detail::fail_with_errno("cannot read ", path);
        size += std::size_t(count);
        if (count == 0) {
            bytes.resize(size);
            return bytes;
        }
        check(size);
        if (size == bytes.size()) detail::make_room(bytes, 2 * size, path);
    }
}

/// Writes a file piece by piece. The pieces go to a temporary file beside the target, which takes
/// the target's place in commit(), with its permissions; until then, and after any failure, the
/// target is as it was. A process that is killed leaves its temporary,
/// `<target>.tmp-<process>-<n>`, which goes when the target is next replaced.
/// A device or a pipe cannot be replaced and is written directly.
class FileWriter {
public:
    /// Throws Error naming the path when the folder is missing or may not be written.
    explicit FileWriter(const std::string& path) : path_(path) {
        const detail::Target target = detail::find_target(path);
        target_ = target.path;
        if (!target.replaceable) {
            file_ = detail::Descriptor(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        } else {
            if (target.exists) detail::remove_leftovers(target_);
            // The name of a process that was killed may be taken: O_EXCL, and count on.
            for (int attempt = 0; file_.number < 0; ++attempt) {
                temporary_ = text(target_, ".tmp-", ::getpid(), "-", attempt);
                const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
                file_ = detail::Descriptor(::open(temporary_.c_str(), flags, 0666));
                if (file_.number < 0 && (errno != EEXIST || attempt == 10000)) break;
            }
        }
        if (file_.number < 0) {
            temporary_.clear();  // not ours
            detail::fail_with_errno("cannot write ", path_);
        }
        if (target.exists && target.replaceable) ::fchmod(file_.number, target.permissions);
    }
    FileWriter(FileWriter&& other) noexcept
        : path_(std::move(other.path_)),
          target_(std::move(other.target_)),
          temporary_(std::exchange(other.temporary_, {})),
          file_(std::move(other.file_)) {}
    FileWriter& operator=(FileWriter&&) = delete;
    ~FileWriter() {
        if (!temporary_.empty()) ::unlink(temporary_.c_str());
    }

    /// Appends. Throws Error, for instance when the disk is full.
    void write(std::span<const std::uint8_t> bytes) {
        detail::write_all(file_.number, bytes, path_);
    }
    void write(std::string_view words) {
        write({reinterpret_cast<const std::uint8_t*>(words.data()), words.size()});
    }

    /// Brings the bytes to the disk and puts the file in its place. Call once, at the end.
    void commit() {
        detail::flush(file_.number, path_);
        const int closed = ::close(std::exchange(file_.number, -1));
        if (closed != 0) detail::fail_with_errno("cannot write ", path_);
        if (temporary_.empty()) return;
        const int renamed = std::rename(temporary_.c_str(), target_.c_str());
        if (renamed != 0) detail::fail_with_errno("cannot write ", path_);
        temporary_.clear();
    }

private:
    std::string path_;       // as the caller wrote it, for messages
    std::string target_;     // what commit() replaces
    std::string temporary_;  // empty: written directly, or done
    detail::Descriptor file_;
};

/// Writes a file whole or not at all. Throws Error naming the path and the system's reason.
inline void write_file(const std::string& path, std::span<const std::uint8_t> bytes) {
    FileWriter file(path);
    file.write(bytes);
    file.commit();
}

inline void write_file(const std::string& path, std::string_view words) {
    FileWriter file(path);
    file.write(words);
    file.commit();
}

}  // namespace tessera
