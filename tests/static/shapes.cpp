// SPDX-License-Identifier: MIT
// What the layers answer from shapes alone. Compiling is the test.
#include "tessera/layer/average_pool.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/layer/softmax.hpp"
#include "tessera/net/description.hpp"

namespace tessera {

// Extents: rounding down, rounding up, padding on one side, a window that would start outside.
static_assert(output_shape<Conv<96, 11, Stride<4>, Pad<0, 3>>>({3, 224, 224}) == Shape{96, 55, 55});
static_assert(output_shape<Conv<96, 11, Stride<4>>>({3, 227, 227}) == Shape{96, 55, 55});
static_assert(output_shape<Conv<96, 11, Stride<4>>>({3, 224, 224}) == Shape{96, 54, 54});
static_assert(output_shape<Conv<96, 11, Stride<4>, Ceil>>({3, 224, 224}) == Shape{96, 55, 55});
static_assert(output_shape<Conv<2, 3, KernelWidth<1>>>({1, 5, 5}) == Shape{2, 3, 5});
static_assert(output_shape<MaxPool<3, Stride<2>>>({7, 6, 13}) == Shape{7, 2, 6});
static_assert(output_shape<MaxPool<3, Stride<2>, Ceil>>({7, 6, 13}) == Shape{7, 3, 6});
static_assert(output_shape<MaxPool<2>>({7, 6, 13}) == Shape{7, 3, 6});
static_assert(output_shape<MaxPool<2, Stride<3>, Pad<1>, Ceil>>({1, 5, 5}) == Shape{1, 2, 2});
static_assert(output_shape<AvgPool<3, Stride<2>, Pad<1>>>({4, 8, 8}) == Shape{4, 4, 4});
static_assert(output_shape<GlobalMaxPool>({9, dynamic, 4}) == Shape{9, 1, 1});
static_assert(output_shape<Linear<10>>({3, 4, 5}) == Shape{10, 1, 1});
static_assert(output_shape<Seq<ReLU, Lrn<>, Dropout<>, Softmax>>({3, dynamic, 5}) ==
              Shape{3, dynamic, 5});
static_assert(output_shape<Conv<4, 3, Stride<2>>>({1, dynamic, 9}) == Shape{4, dynamic, 4});

// Reasons to refuse.
static_assert(Conv<4, 5>::fit({1, 4, 9}) == Fit::window_exceeds_input);
static_assert(Conv<4, 5, Pad<0, 1>>::fit({1, 4, 9}) == Fit::yes);
static_assert(Conv<4, 3, Pad<3>>::fit({1, 9, 9}) == Fit::padding_reaches_window);
static_assert(Conv<4, 3, KernelWidth<1>, Pad<1>>::fit({1, 9, 9}) == Fit::padding_reaches_window);
static_assert(Conv<4, 3, Groups<2>>::fit({3, 9, 9}) == Fit::groups_divide_input);
static_assert(Conv<3, 3, Groups<2>>::fit({4, 9, 9}) == Fit::groups_divide_filters);
static_assert(Linear<4>::fit({4, dynamic, 9}) == Fit::extent_is_dynamic);
static_assert(MaxPool<5>::fit({4, 4, 9}) == Fit::window_exceeds_input);

// A table ends at the first misfit.
static_assert(first_misfit(describe<Seq<ReLU, Conv<4, 5>, Conv<4, 5>, ReLU>>({1, 8, 8})) == 2);
static_assert(first_misfit(describe<Seq<ReLU, Conv<4, 5>>>({1, 8, 8})) == -1);

// Parameters and their fan-in; in a file: outputs, inputs of a group, height, width.
static_assert(parameter_count<Conv<256, 5, Groups<2>>>({96, 27, 27}) == 256 * 48 * 25 + 256);
static_assert(parameter_count<Conv<8, 3, NoBias, KernelWidth<2>>>({5, 9, 9}) == 8 * 5 * 6);
static_assert(parameter_count<Linear<10>>({3, 4, 5}) == 610);
static_assert(parameter_count<Seq<ReLU, MaxPool<2>, Softmax>>({3, 4, 5}) == 0);
static_assert(Conv<256, 5, Groups<2>>::parameters({96, 27, 27}).items[0].fan_in() == 1200);
static_assert(Conv<8, 3>::parameters({5, 9, 9}).items[0].rank == 4);
static_assert(Linear<8>::parameters({5, 9, 9}).items[0].rank == 2);
static_assert(Linear<8>::parameters({5, 9, 9}).items[1].is_bias());

// Operations: a multiply-add counts as two, a bias as one.
static_assert(flops<Conv<4, 3, NoBias>>({2, 5, 6}) == 2.0 * 9 * 2 * 4 * 3 * 4);
static_assert(flops<Conv<4, 3, Groups<2>>>({2, 5, 6}) == (2.0 * 9 + 1) * 4 * 3 * 4);
static_assert(flops<Linear<10>>({2, 5, 6}) == (2.0 * 60 + 1) * 10);
static_assert(flops<Seq<Linear<10>, ReLU>>({2, 5, 6}) == 1210 + 10);
static_assert(flops<MaxPool<2>>({2, 4, 4}) == 8 * 4);

// Bytes: input and parameters read, output written; the parameters once for a batch.
static_assert(bytes<Linear<10>>({2, 5, 6}) == 4 * (60 + 10 + 610));
static_assert(bytes<Linear<10>>({2, 5, 6}, 3) == 4 * (3 * 70 + 610));
static_assert(bytes<Seq<Linear<10>, ReLU>>({2, 5, 6}, 1, 8) == 8 * (680 + 20));
static_assert(bytes<Conv<4, 3>>({2, dynamic, 6}) == 0);

// What is kept from forward to backward.
static_assert(MaxPool<2>::saved_bytes({2, 4, 4}, 8) == 8 * 4);
static_assert(Lrn<>::saved_bytes({2, 4, 4}, 8) == 32 * 8);
static_assert(Dropout<>::saved_bytes({2, 4, 4}, 8) == 32);

}  // namespace tessera
