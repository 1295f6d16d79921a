// SPDX-License-Identifier: MIT
// A backend that does what another does, with an event before and after every op: the times of the
// layers of a network in one pass.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "measure.cuh"

namespace bench {

/// The calls of ops of the thread's passes, in order.
class Tape {
public:
    struct Call {
        const char* pass;
        Event begin, end;
        double ms() const { return end.since(begin); }
    };

    static Tape& own() {
        static thread_local Tape tape;
        return tape;
    }
    void clear() { calls_.clear(); }
    const std::vector<Call>& calls() const { return calls_; }

    template <class Work>
    void record(const char* pass, const Work& work) {
        calls_.push_back({pass, Event(), Event()});
        calls_.back().begin.record();
        work();
        calls_.back().end.record();
    }

private:
    std::vector<Call> calls_;
};

/// What is not timed is the op's own: scratch_bytes, and what it takes, so that the same layers are
/// part of an op as without the events.
template <class Op>
struct TimedOp : Op {
    template <class... Arguments>
    static void forward(const Arguments&... arguments) {
        Tape::own().record("forward", [&] { Op::forward(arguments...); });
    }
    template <class... Arguments>
    static void backward(const Arguments&... arguments) {
        Tape::own().record("backward", [&] { Op::backward(arguments...); });
    }
    template <class... Arguments>
    static void backward_data(const Arguments&... arguments) {
        Tape::own().record("backward_data", [&] { Op::backward_data(arguments...); });
    }
    template <class... Arguments>
    static void backward_parameters(const Arguments&... arguments) {
        Tape::own().record("backward_parameters", [&] { Op::backward_parameters(arguments...); });
    }
    template <class... Arguments>
    static void softmax_cross_entropy(const Arguments&... arguments) {
        Tape::own().record("loss", [&] { Op::softmax_cross_entropy(arguments...); });
    }
    template <class... Arguments>
    static void sgd(const Arguments&... arguments) {
        Tape::own().record("update", [&] { Op::sgd(arguments...); });
    }
};

/// The ops that AlexNet-2012 and its training call.
template <class Table>
struct Timed {
    using Memory = typename Table::Memory;
    static int threads() { return Table::threads(); }

    using Conv = TimedOp<typename Table::Conv>;
    using Linear = TimedOp<typename Table::Linear>;
    using Relu = TimedOp<typename Table::Relu>;
    using Lrn = TimedOp<typename Table::Lrn>;
    using MaxPool = TimedOp<typename Table::MaxPool>;
    using LrnMaxPool = TimedOp<typename Table::LrnMaxPool>;
    using Dropout = TimedOp<typename Table::Dropout>;
    using Loss = TimedOp<typename Table::Loss>;
    using Update = TimedOp<typename Table::Update>;
    using Narrow = typename Table::Narrow;  // before the first pass alone: no part of a step
};

/// Keeps the device busy while the processor queues what comes after it.
struct Delay {
    long long cycles;
    __device__ void operator()() const {
        const long long start = clock64();
        while (clock64() - start < cycles) {
        }
    }
};

}  // namespace bench
