// SPDX-License-Identifier: MIT
// What a Graph has recorded, on a device that is the processor: the counterpart of device_tape.cuh
// for tests without a GPU.
#pragma once

#include "tessera/backend/cuda/host_device.hpp"

namespace tessera::cuda::detail {

/// As Tape of device_tape.cuh. Replays the numbers that it was told, no others.
class Tape {
public:
    void record(const Work& body) { body(); }
    bool take(const Request& request) {
        requests_.add(request);
        return false;
    }
    void done(const Request&) {}
    void change(std::size_t i, const Request& request) { requests_.change(i, request); }
    void replay() {
        for (std::size_t i = 0; i < requests_.size(); ++i) play(requests_[i]);
    }

private:
    Requests requests_;
};

}  // namespace tessera::cuda::detail
