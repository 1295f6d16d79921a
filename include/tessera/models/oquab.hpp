// SPDX-License-Identifier: MIT
// The networks of Oquab, Bottou, Laptev, Sivic, CVPR 2014: a pre-trained trunk cut after FC7,
// frozen, with two new layers FCa and FCb.
#pragma once

#include "tessera/layer/softmax.hpp"
#include "tessera/models/alexnet.hpp"

namespace tessera::models {

/// FCa (2,048, ReLU) and FCb (one output a class, and one for the background).
template <int Outputs, int Hidden = 2048>
using AdaptationLayers =
    Seq<Named<"fca", Linear<Hidden>>, ReLU, Named<"fcb", Linear<Outputs>>, Softmax>;

/// C1 to FC7 of a network whose seventh ReLU is called relu7.
template <class Source>
using Fc7Features = CutAfter<Source, "relu7">;

/// The paper's target network: everything up to FC7 frozen.
template <class Source, int Outputs = 21, int Hidden = 2048>
using TransferNet = Append<Freeze<Fc7Features<Source>>, AdaptationLayers<Outputs, Hidden>>;

/// The no-pretraining baseline: the same network, all of it learning.
template <class Source, int Outputs = 21, int Hidden = 2048>
using ScratchNet = Append<Fc7Features<Source>, AdaptationLayers<Outputs, Hidden>>;

/// PRE-1512U of the paper's action task: FC6, FCa and FCb learn, FC7 stays as it was.
template <class Source, int Outputs = 21, int Hidden = 2048>
using Fc6UnfrozenNet = Append<Replace<FreezeUntil<Fc7Features<Source>, "relu7">, "fc6",
                                      LayerAt<detail::locate<Flat<Source>, "fc6">(), Flat<Source>>>,
                              AdaptationLayers<Outputs, Hidden>>;

}  // namespace tessera::models
