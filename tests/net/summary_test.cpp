// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include "tessera/layer/conv.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/summary.hpp"

using namespace tessera;

namespace {

using Small = Seq<Frozen<Named<"first", Conv<8, 3, Stride<2>>>>, Tapped<ReLU>,
                  MaxPool<2, KernelWidth<3>>, Named<"last", Linear<1000>>>;

bool contains(const std::string& words, const std::string& part) {
    return words.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a summary is a table with a line for each layer and the totals below") {
    // first: 15x15 of 8 filters of 27 and a bias; MFLOPs 2 * 216 * 225 + 8 * 225 = 99,000.
    // last: 8 * 7 * 7 inputs (the pool's stride is 2); the arena keeps the tapped
    // 7,200 bytes beside 1,568 and 4,000, each to a multiple of 64, and a gradient of 4,000.
    CHECK(summary<Small>({3, 31, 31}) ==
          "input 3x31x31\n"
          "   name   kind      marks     output  parameters  MFLOPs  output KB      field\n"
          "0  first  conv      frozen   8x15x15         224    0.10        7.0        3/2\n"
          "1         relu      tapped   8x15x15           0    0.00        7.0        3/2\n"
          "2         max_pool             8x7x7           0    0.00        1.5    5/4 7/4\n"
          "3  last   linear            1000x1x1     393,000    0.79        3.9  29/4 31/4\n"
          "393,224 parameters, 393,000 of them learning\n"
          "0.89 MFLOPs, 1.62 MB moved\n"
          "arena bytes per sample: 12,864 for inference, 16,896 for training\n");
}

TEST_CASE("a summary of a dynamic shape leaves open what it cannot know") {
    const auto words = summary<Seq<Conv<8, 3>, GlobalMaxPool, Linear<2>>>({3, dynamic, 40});
    CHECK(contains(words, "8x?x38"));
    CHECK(contains(words, "242 parameters"));
    CHECK(contains(words, " ?"));
    CHECK(!contains(words, "arena"));
    CHECK(!contains(words, "-1"));
}

TEST_CASE("a graph has a box for each layer and the shapes on its arrows") {
    CHECK(dot_graph<Seq<Small, ReLU>>({3, 31, 31}) ==
          "digraph network {\n"
          "  node [shape=box];\n"
          "  input [shape=plaintext];\n"
          "  output [shape=plaintext];\n"
          "  layer0 [label=\"first\\nconv\\n224 parameters\", style=filled, "
          "fillcolor=lightgrey];\n"
          "  input -> layer0 [label=\"3x31x31\"];\n"
          "  layer1 [label=\"1\\nrelu\", peripheries=2];\n"
          "  layer0 -> layer1 [label=\"8x15x15\"];\n"
          "  layer2 [label=\"2\\nmax_pool\"];\n"
          "  layer1 -> layer2 [label=\"8x15x15\"];\n"
          "  layer3 [label=\"last\\nlinear\\n393,000 parameters\"];\n"
          "  layer2 -> layer3 [label=\"8x7x7\"];\n"
          "  layer4 [label=\"4\\nrelu\"];\n"
          "  layer3 -> layer4 [label=\"1000x1x1\"];\n"
          "  layer4 -> output [label=\"1000x1x1\"];\n"
          "}\n");
}

TEST_CASE("a summary for a shape the network does not accept says which layer refuses") {
    CHECK_THROWS_WITH_AS(summary<Small>({3, 4, 4}),
                         "summary: layer 2 (max_pool) does not accept its input of 8x1x1 for an image "
                         "of 3x4x4",
                         Error);
    CHECK_THROWS_WITH_AS(dot_graph<Small>({3, dynamic, 31}),
                         "dot_graph: layer 3 (linear) does not accept its input of 8x?x7 for an image "
                         "of 3x?x31",
                         Error);
    CHECK_THROWS_WITH_AS(parameter_count<Small>({3, 4, 4}),
                         "parameter_count: layer 2 (max_pool) does not accept its input of 8x1x1 "
                         "for an image of 3x4x4",
                         Error);
}
