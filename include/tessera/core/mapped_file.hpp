// SPDX-License-Identifier: MIT
// MappedFile: the bytes of a file without reading them into memory first.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "tessera/core/error.hpp"
#include "tessera/core/file.hpp"

namespace tessera {

/// Read-only and move-only. Pages come from the disk when they are touched, and processes share
/// them. The bytes stay valid when the file is replaced by rename, as FileWriter does; a file that
/// somebody else cuts short in place while it is mapped ends the process (SIGBUS).
class MappedFile {
public:
    /// Throws Error naming the path when it is missing, unreadable or not a regular file.
    explicit MappedFile(const std::string& path) : path_(path) {
        const detail::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (file.number < 0) detail::fail_with_errno("cannot open ", path);
        struct stat status {};
        if (::fstat(file.number, &status) != 0) detail::fail_with_errno("cannot read ", path);
        require(S_ISREG(status.st_mode), "cannot map ", path,
                ": found a folder, device or pipe, expected a regular file");
        size_ = static_cast<std::size_t>(status.st_size);
        if (size_ == 0) return;  // the system refuses to map nothing
        void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.number, 0);
        if (mapped == MAP_FAILED) detail::fail_with_errno("cannot map ", path);
        data_ = static_cast<const std::uint8_t*>(mapped);
    }
    MappedFile(MappedFile&& other) noexcept
        : path_(std::move(other.path_)),
          data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)) {}
    MappedFile& operator=(MappedFile&& other) noexcept {
        std::swap(path_, other.path_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~MappedFile() {
        if (data_) ::munmap(const_cast<std::uint8_t*>(data_), size_);
    }

    const std::string& path() const { return path_; }
    /// The first byte lies on a page boundary.
    std::span<const std::uint8_t> bytes() const { return {data_, size_}; }

private:
    std::string path_;
    const std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace tessera
