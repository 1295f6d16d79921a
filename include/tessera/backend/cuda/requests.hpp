// SPDX-License-Identifier: MIT
// What a program asks of the device, call by call, as numbers: a Graph listens, records them, and
// tells whether a later pass asks for the same.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "tessera/core/buffer.hpp"
#include "tessera/core/error.hpp"

namespace tessera::cuda {

/// Thrown where work that is being recorded does what a recording cannot.
struct CannotRecord : Error {
    using Error::Error;
};

namespace detail {

/// One call, and the numbers it is given: of a kernel, the kernel itself, which is its arguments.
struct Request {
    enum class Kind { kernel, fill, copy, product };

    Kind kind = Kind::kernel;
    void (*function)() = nullptr;    ///< of a kernel
    std::array<unsigned, 7> grid{};  ///< of a kernel: blocks, threads, bytes of shared memory
    const void* numbers = nullptr;
    std::size_t bytes = 0;

    Request() = default;
    template <std::size_t Count>
    Request(Kind of, const std::array<Index, Count>& given)
        : kind(of), numbers(given.data()), bytes(sizeof given) {}
};

inline Index number(const void* address) { return reinterpret_cast<Index>(address); }

/// Bytes between the members of a kernel hold anything: cleared where the compiler can, so that
/// equal kernels are equal bytes.
template <class Kernel>
Kernel without_padding(Kernel kernel) {
#if __has_builtin(__builtin_clear_padding)
    __builtin_clear_padding(&kernel);
#endif
    return kernel;
}

/// Somebody's function, called where it lies: so that what is done with it is compiled once.
class Work {
public:
    template <class Body>
    explicit Work(const Body& body)
        : body_(&body), call_([](const void* called) { (*static_cast<const Body*>(called))(); }) {}
    void operator()() const { call_(body_); }

private:
    const void* body_;
    void (*call_)(const void*);
};

/// Who hears what the calling thread asks of the device.
class Listener {
public:
    /// Whether the request is to be carried out; if so, done() comes after it.
    virtual bool hear(const Request&) = 0;
    virtual void done(const Request&) = 0;
    /// Instead of a copy from the host.
    virtual void upload(void* to, const void* from, std::size_t bytes) = 0;

protected:
    ~Listener() = default;
};
inline thread_local Listener* listener = nullptr;

/// To be called before the host waits for results.
inline void about_to_wait() {
    if (listener) throw CannotRecord("CUDA: a recording cannot wait for results");
}

/// Requests in order, with copies of their numbers.
class Requests {
public:
    bool empty() const { return entries_.empty(); }
    std::size_t size() const { return entries_.size(); }
    const Request& operator[](std::size_t i) const { return entries_[i].request; }

    void add(const Request& request) {
        Entry entry{request, Buffer<std::byte>(static_cast<Index>(request.bytes))};
        std::memcpy(entry.numbers.data(), request.numbers, request.bytes);
        entry.request.numbers = entry.numbers.data();
        entries_.push_back(std::move(entry));
    }
    /// Whether another request can take the place of the i-th: a call of the same kernel, or
    /// anything else with the same numbers.
    bool admits(std::size_t i, const Request& request) const {
        const Request& own = entries_[i].request;
        return own.kind == request.kind && own.function == request.function &&
               own.bytes == request.bytes &&
               (own.kind == Request::Kind::kernel || same_numbers(i, request));
    }
    /// Of one that it admits.
    bool same_numbers(std::size_t i, const Request& request) const {
        const Request& own = entries_[i].request;
        return own.grid == request.grid &&
               std::memcmp(own.numbers, request.numbers, own.bytes) == 0;
    }
    /// The i-th gets the numbers of one that it admits.
    void change(std::size_t i, const Request& request) {
        entries_[i].request.grid = request.grid;
        std::memcpy(entries_[i].numbers.data(), request.numbers, request.bytes);
    }

private:
    struct Entry {
        Request request;
        Buffer<std::byte> numbers;
    };
    std::vector<Entry> entries_;
};

}  // namespace detail

}  // namespace tessera::cuda
