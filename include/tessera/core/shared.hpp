// SPDX-License-Identifier: MIT
// What several owners and threads share. <memory> and <atomic>, which bring streams and locales
// along, would cost every user's unit 0.1 s and 19 MB.
#pragma once

#include <utility>

namespace tessera {

/// A bool that any thread reads and sets; who reads it set sees what happened before.
class SharedFlag {
public:
    explicit SharedFlag(bool set) : set_(set) {}
    SharedFlag(const SharedFlag&) = delete;
    SharedFlag& operator=(const SharedFlag&) = delete;

    explicit operator bool() const { return __atomic_load_n(&set_, __ATOMIC_ACQUIRE); }
    void set(bool value) { __atomic_store_n(&set_, value, __ATOMIC_RELEASE); }

private:
    bool set_;
};

/// Holds a T that lives as long as any copy of this does. Threads may copy and drop what others
/// hold, too.
template <class T>
class SharedOwner {
public:
    template <class... Arguments>
    static SharedOwner make(Arguments&&... arguments) {
        SharedOwner made;
        made.held_ = new Held{1, T(std::forward<Arguments>(arguments)...)};
        return made;
    }
    SharedOwner(const SharedOwner& other) : held_(other.held_) {
        if (held_) __atomic_fetch_add(&held_->owners, 1, __ATOMIC_RELAXED);
    }
    SharedOwner(SharedOwner&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
    SharedOwner& operator=(SharedOwner other) noexcept {
        std::swap(held_, other.held_);
        return *this;
    }
    ~SharedOwner() {
        if (held_ && __atomic_sub_fetch(&held_->owners, 1, __ATOMIC_ACQ_REL) == 0) delete held_;
    }

    T* get() const { return &held_->value; }
    T* operator->() const { return get(); }
    /// Whether both hold the same.
    bool operator==(const SharedOwner& other) const { return held_ == other.held_; }

private:
    struct Held {
        long owners;
        T value;
    };

    SharedOwner() = default;

    Held* held_ = nullptr;
};

}  // namespace tessera
