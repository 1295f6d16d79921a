// SPDX-License-Identifier: MIT
// Threads that wait for each other, directly on POSIX: <thread> and <condition_variable> would cost
// every user's unit 0.4 s.
#pragma once

#include <pthread.h>

#include <system_error>
#include <utility>

#include "tessera/core/error.hpp"

namespace tessera {

class Mutex {
public:
    Mutex() = default;
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;
    ~Mutex() { ::pthread_mutex_destroy(&handle_); }

    void lock() { ::pthread_mutex_lock(&handle_); }
    void unlock() { ::pthread_mutex_unlock(&handle_); }

private:
    friend class Condition;
    pthread_mutex_t handle_ = PTHREAD_MUTEX_INITIALIZER;
};

/// Holds a mutex as long as it lives.
class Lock {
public:
    explicit Lock(Mutex& mutex) : mutex_(mutex) { mutex_.lock(); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() { mutex_.unlock(); }

private:
    Mutex& mutex_;
};

/// What threads wait for while they hold a mutex.
class Condition {
public:
    Condition() = default;
    Condition(const Condition&) = delete;
    Condition& operator=(const Condition&) = delete;
    ~Condition() { ::pthread_cond_destroy(&handle_); }

    /// Returns when holds() does; meanwhile others may have the mutex.
    template <class Holds>
    void wait(Mutex& mutex, Holds holds) {
        while (!holds()) ::pthread_cond_wait(&handle_, &mutex.handle_);
    }
    void notify_all() { ::pthread_cond_broadcast(&handle_); }

private:
    pthread_cond_t handle_ = PTHREAD_COND_INITIALIZER;
};

/// Runs body() on a thread of its own; the destructor waits for its end. `body` must not throw.
class Thread {
public:
    /// Throws Error when the system gives no thread.
    template <class Body>
    explicit Thread(Body body) {
        auto* owned = new Body(std::move(body));
        const int error = ::pthread_create(&handle_, nullptr, run<Body>, owned);
        if (error != 0) delete owned;
        require(error == 0, "cannot start a thread: ", std::generic_category().message(error));
        runs_ = true;
    }
    Thread(Thread&& other) noexcept
        : handle_(other.handle_), runs_(std::exchange(other.runs_, false)) {}
    Thread& operator=(Thread&&) = delete;
    ~Thread() {
        if (runs_) ::pthread_join(handle_, nullptr);
    }

private:
    template <class Body>
    static void* run(void* owned) {
        auto* body = static_cast<Body*>(owned);
        (*body)();
        delete body;
        return nullptr;
    }

    pthread_t handle_{};
    bool runs_ = false;
};

}  // namespace tessera
