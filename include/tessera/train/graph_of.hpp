// SPDX-License-Identifier: MIT
// What makes one launch of a pass, where the backend launches.
#pragma once

namespace tessera::detail {

/// In place of the Graph of a backend that has none.
struct PlainGraph {
    template <class Body>
    void run(const Body& body) {
        body();
    }
};

template <class Backend>
auto graph_of() {
    if constexpr (requires { typename Backend::Graph; }) {
        return typename Backend::Graph();
    } else {
        return PlainGraph();
    }
}

}  // namespace tessera::detail
