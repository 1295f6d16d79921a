// SPDX-License-Identifier: MIT
// The published networks: shapes, counts, receptive fields and plans. Compiling is the test.
#include "tessera/models/oquab.hpp"
#include "tessera/net/layout.hpp"
#include "tessera/net/plan.hpp"
#include "tessera/net/receptive_field.hpp"

namespace tessera {
namespace {

using models::AlexNet2012;
using models::AlexNet6144;
using models::CaffeNet;
using models::TorchvisionAlexNet;
using Transfer = models::TransferNet<AlexNet2012<>>;
using Scratch = models::ScratchNet<AlexNet2012<>>;
using Fc6Unfrozen = models::Fc6UnfrozenNet<AlexNet2012<>>;

constexpr Shape crop{3, 224, 224};
constexpr Shape caffe_crop{3, 227, 227};

// Shapes on the way, of Krizhevsky et al. 2012, figure 2.
template <class Net>
constexpr Shape behind(std::string_view name, Shape input) {
    const auto layers = describe<Net>(input);
    return layers[static_cast<std::size_t>(find_layer(layers, name))].output;
}
static_assert(behind<AlexNet2012<>>("conv1", crop) == Shape{96, 55, 55});
static_assert(behind<AlexNet2012<>>("conv2", crop) == Shape{256, 27, 27});
static_assert(behind<AlexNet2012<>>("conv3", crop) == Shape{384, 13, 13});
static_assert(behind<AlexNet2012<>>("conv5", crop) == Shape{256, 13, 13});
static_assert(behind<AlexNet2012<>>("pool5", crop) == Shape{256, 6, 6});
static_assert(behind<CaffeNet<>>("pool5", caffe_crop) == Shape{256, 6, 6});
static_assert(behind<TorchvisionAlexNet<>>("features.10", crop) == Shape{256, 13, 13});
static_assert(output_shape<AlexNet2012<>>(crop) == Shape{1000, 1, 1});
static_assert(output_shape<Transfer>(crop) == Shape{21, 1, 1});

// Published counts.
static_assert(parameter_count<AlexNet2012<>>(crop) == 60'965'224);
static_assert(parameter_count<CaffeNet<>>(caffe_crop) == 60'965'224);
static_assert(parameter_count<TorchvisionAlexNet<>>(crop) == 61'100'840);
static_assert(parameter_count<models::AlexNetTrunk<>>(crop) == 60'965'224 - 4'097'000);
static_assert(parameter_count<AlexNet6144<>>(crop) == 106'009'448);
static_assert(parameter_count<models::AdaptationLayers<21>>({4096}) ==
              4096 * 2048 + 2048 + 2048 * 21 + 21);
static_assert(parameter_count<models::TransferNet<AlexNet6144<>>>(crop) ==
              2'334'080 + 94'384'128 + 6144 * 2048 + 2048 + 2048 * 21 + 21);

// Multiply-adds of the convolutions and Linears: 724 million with groups.
static_assert(flops<AlexNet2012<>>(crop) > 2 * 724e6 && flops<AlexNet2012<>>(crop) < 2 * 735e6);

// pool5 sees 195 pixels in steps of 32; with padding it begins outside the image.
constexpr ReceptiveField pool5 = receptive_field<CutAfter<AlexNet2012<>, "pool5">>(crop);
static_assert(pool5.vertical == pool5.horizontal);
static_assert(pool5.vertical.size == 195 && pool5.vertical.stride == 32);
static_assert(pool5.vertical.offset == -(2 * 8 + 3 * 16));
static_assert(receptive_field<CutAfter<CaffeNet<>, "pool5">>(caffe_crop).vertical ==
              pool5.vertical);
static_assert(receptive_field<CutAfter<AlexNet2012<>, "conv1">>(crop).vertical == Field{11, 4, 0});
static_assert(receptive_field<AlexNet2012<>>(crop).vertical.size == 195 + 5 * 32);

// Plans. Training keeps what the way back needs; a frozen trunk needs nothing of it.
constexpr PlanOptions training{.mode = Mode::training};
constexpr auto transfer = plan<Transfer>(crop, training);
constexpr auto fc7 = static_cast<std::size_t>(find_layer(describe<Transfer>(crop), "relu7"));
static_assert(transfer.trunk == static_cast<int>(fc7) + 1);
static_assert([] {
    for (std::size_t i = 0; i <= fc7; ++i) {
        if (transfer.gradients[i] != absent || transfer.saved[i] != absent) return false;
    }
    // The trunk's last output is the head's input, whose gradient nobody asks for.
    return transfer.gradients[fc7 + 1] == absent && transfer.gradients[fc7 + 2] != absent;
}());
static_assert(transfer.bytes_per_sample < plan<Scratch>(crop, training).bytes_per_sample / 3);
static_assert(transfer.bytes_per_sample == plan<Transfer>(crop).bytes_per_sample);
static_assert(plan<Fc6Unfrozen>(crop, training).trunk == 15);
static_assert(plan<AlexNet2012<>>(crop, training).trunk == 0);
static_assert(plan<AlexNet2012<>>(crop, training).gradients[0] == absent);
// At inference two maps of C1 and no more.
static_assert(plan<AlexNet2012<>>(crop).bytes_per_sample == 2 * 4 * 96 * 55 * 55);
// A training step of 128 images, in bytes.
static_assert(plan<AlexNet2012<>>(crop, training).arena_bytes(128) < 1'000'000'000);

// Parameters that learn come first, the last layer's before all others; frozen ones behind them.
constexpr auto layout = lay_out<2 * 9>(describe<Transfer>(crop));
static_assert(layout.trainable >= 8'433'685 && layout.trainable < 8'433'685 + 4 * 16);
static_assert(layout.entries[16].offset == 0 && layout.entries[16].info.outputs == 21);
static_assert(layout.entries[14].offset > layout.entries[17].offset);
static_assert(layout.entries[0].frozen && layout.entries[0].offset >= layout.trainable);
static_assert(layout.total >= 65'301'909);

}  // namespace
}  // namespace tessera
