// SPDX-License-Identifier: MIT
// Copies beside the program: they arrive for who waits, in order.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <vector>

#include "tessera/backend/cuda/staging.cuh"

using namespace tessera;

namespace {

using PinnedInts = Buffer<int, cuda::PinnedMemory>;
using DeviceInts = Buffer<int, cuda::DeviceMemory>;

constexpr Index count = 1 << 16;

std::vector<int> numbers_of(const DeviceInts& numbers) {
    std::vector<int> copy(static_cast<std::size_t>(numbers.size()));
    copy_numbers<HostMemory, cuda::DeviceMemory>(copy.data(), numbers.data(), numbers.size());
    return copy;
}

std::vector<int> counted_from(int first) {
    std::vector<int> numbers(count);
    std::iota(numbers.begin(), numbers.end(), first);
    return numbers;
}

}  // namespace

TEST_CASE("work that an event holds back finds what a stream beside it has brought") {
    PinnedInts source(count);
    DeviceInts there(count), copied(count);
    cuda::Event sent, used;
    cuda::SideStream stream;
    sent.wait();  // no mark, no wait
    for (int round = 0; round < 5; ++round) {
        std::iota(source.begin(), source.end(), round);
        stream.hold(used);
        stream.upload(there.data(), source.data(), count * sizeof(int));
        stream.record(sent);
        sent.hold();
        cuda::DeviceMemory::copy(copied.data(), there.data(), count * sizeof(int));
        used.record();
        sent.wait();
        CHECK(numbers_of(copied) == counted_from(round));
    }
}

TEST_CASE("a stream goes on behind another's event, and ends with all its work done") {
    PinnedInts first(count), second(count);
    std::iota(first.begin(), first.end(), 1);
    std::iota(second.begin(), second.end(), 2);
    DeviceInts there(count);
    {
        cuda::Event sent;
        cuda::SideStream one, other;
        one.upload(there.data(), first.data(), count * sizeof(int));
        one.record(sent);
        other.hold(sent);
        other.upload(there.data(), second.data(), count * sizeof(int));
    }
    CHECK(numbers_of(there) == counted_from(2));
}

TEST_CASE("a download beside the program is there for who waits, whatever is written behind it") {
    DeviceInts there(count);
    std::array<PinnedInts, 2> back{PinnedInts(count), PinnedInts(count)};
    std::array<cuda::Event, 2> arrived;
    cuda::Event written;
    cuda::SideStream stream;
    for (int round = 0; round < 5; ++round) {
        const std::size_t own = static_cast<std::size_t>(round % 2), other = 1 - own;
        const std::vector<int> numbers = counted_from(round);
        arrived[other].hold();  // reads what is written now
        cuda::DeviceMemory::upload(there.data(), numbers.data(), count * sizeof(int));
        written.record();
        stream.hold(written);
        stream.download(back[own].data(), there.data(), count * sizeof(int));
        stream.record(arrived[own]);
        if (round == 0) continue;
        arrived[other].wait();
        const auto expected = counted_from(round - 1);
        CHECK(std::equal(expected.begin(), expected.end(), back[other].begin()));
    }
}

TEST_CASE("staged numbers may be overwritten at once, and blocks grow") {
    DeviceInts there(6 * count);
    cuda::Staging staging;
    for (int round = 0; round < 6; ++round) {
        const Index part = (round + 1) * count / 6 / 16 * 16;
        const auto bytes = part * static_cast<Index>(sizeof(int));
        const auto numbers = counted_from(round);
        std::memcpy(staging.begin(bytes), numbers.data(), static_cast<std::size_t>(bytes));
        staging.send(there.data() + round * count, bytes);
    }
    const auto found = numbers_of(there);
    for (int round = 0; round < 6; ++round) {
        const Index part = (round + 1) * count / 6 / 16 * 16;
        const auto expected = counted_from(round);
        CHECK(std::equal(expected.begin(), expected.begin() + part, found.begin() + round * count));
    }
}
