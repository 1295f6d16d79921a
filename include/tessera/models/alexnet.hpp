// SPDX-License-Identifier: MIT
// The three AlexNets that circulate. They differ in groups, widths, order and normalisation, and
// weights of one are of no use to another.
#pragma once

#include "tessera/layer/conv.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/net/surgery.hpp"

namespace tessera::models {

/// What the paper pre-trains on ImageNet: C1 to C5 and FC6, FC7, by Krizhevsky, Sutskever, Hinton,
/// NIPS 2012, with the connections of two GPUs as groups. For 224 x 224: C1 reaches 3 pixels past
/// the right and lower edge (rounding up there), which gives 55. Inputs are RGB minus the mean, 0
/// to 255.
template <int Fc6 = 4096, int Fc7 = 4096>
using AlexNetTrunk =
    Seq<Named<"conv1", Conv<96, 11, Stride<4>, Pad<0, 3>>>, ReLU, Lrn<>, MaxPool<3, Stride<2>>,
        Named<"conv2", Conv<256, 5, Pad<2>, Groups<2>>>, ReLU, Lrn<>, MaxPool<3, Stride<2>>,
        Named<"conv3", Conv<384, 3, Pad<1>>>, ReLU, Named<"conv4", Conv<384, 3, Pad<1>, Groups<2>>>,
        ReLU, Named<"conv5", Conv<256, 3, Pad<1>, Groups<2>>>, ReLU,
        Named<"pool5", MaxPool<3, Stride<2>>>, Named<"fc6", Linear<Fc6>>, ReLU, Dropout<>,
        Named<"fc7", Linear<Fc7>>, Named<"relu7", ReLU>, Dropout<>>;

/// The 2012 network: 60,965,224 parameters with 1,000 classes.
template <int Classes = 1000>
using AlexNet2012 = Append<AlexNetTrunk<>, Named<"fc8", Linear<Classes>>>;

/// The paper's network for 1,512 source classes: FC6 and FC7 of 6,144.
template <int Classes = 1512>
using AlexNet6144 = Append<AlexNetTrunk<6144, 6144>, Named<"fc8", Linear<Classes>>>;

/// Caffe's bvlc_reference_caffenet: pooling before normalisation, k = 1, 227 x 227, BGR.
template <int Classes = 1000>
using CaffeNet =
    Seq<Named<"conv1", Conv<96, 11, Stride<4>>>, ReLU, MaxPool<3, Stride<2>, Ceil>, Lrn<K<1>>,
        Named<"conv2", Conv<256, 5, Pad<2>, Groups<2>>>, ReLU, MaxPool<3, Stride<2>, Ceil>,
        Lrn<K<1>>, Named<"conv3", Conv<384, 3, Pad<1>>>, ReLU,
        Named<"conv4", Conv<384, 3, Pad<1>, Groups<2>>>, ReLU,
        Named<"conv5", Conv<256, 3, Pad<1>, Groups<2>>>, ReLU,
        Named<"pool5", MaxPool<3, Stride<2>, Ceil>>, Named<"fc6", Linear<4096>>, ReLU, Dropout<>,
        Named<"fc7", Linear<4096>>, Named<"relu7", ReLU>, Dropout<>, Named<"fc8", Linear<Classes>>>;

/// torchvision's alexnet (Krizhevsky, "One weird trick", 2014, one tower): 61,100,840 parameters
/// with 1,000 classes, no normalisation, no groups, dropout before the Linears, 224 x 224, RGB
/// scaled to [0, 1] and normalised by mean (0.485, 0.456, 0.406), deviation (0.229, 0.224, 0.225).
template <int Classes = 1000>
using TorchvisionAlexNet =
    Seq<Named<"features.0", Conv<64, 11, Stride<4>, Pad<2>>>, ReLU, MaxPool<3, Stride<2>>,
        Named<"features.3", Conv<192, 5, Pad<2>>>, ReLU, MaxPool<3, Stride<2>>,
        Named<"features.6", Conv<384, 3, Pad<1>>>, ReLU, Named<"features.8", Conv<256, 3, Pad<1>>>,
        ReLU, Named<"features.10", Conv<256, 3, Pad<1>>>, ReLU, MaxPool<3, Stride<2>>, Dropout<>,
        Named<"classifier.1", Linear<4096>>, ReLU, Dropout<>, Named<"classifier.4", Linear<4096>>,
        Named<"relu7", ReLU>, Named<"classifier.6", Linear<Classes>>>;

}  // namespace tessera::models
