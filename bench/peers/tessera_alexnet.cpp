// SPDX-License-Identifier: MIT
// Tessera's part in alexnet.py, on random pictures:
//   alexnet2012 forward|training     the network of 2012, a training step with momentum and decay
//   alexnet_plain forward|training   the same without response normalisation and groups, for dlib
//   lrn forward|backward             response normalisation of 96 x 55 x 55
// The networks are of TESSERA_SCALAR, float or tessera::Bf16.
#include <memory>

#include "peers/worker.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/core/version.hpp"
#include "tessera/models/alexnet.hpp"
#include "tessera/train/initialise.hpp"
#include "tessera/train/trainer.hpp"

using namespace tessera;

namespace {

constexpr Shape input{3, 224, 224};

using PlainAlexNet =
    Seq<Conv<96, 11, Stride<4>, Pad<0, 3>>, ReLU, MaxPool<3, Stride<2>>, Conv<256, 5, Pad<2>>, ReLU,
        MaxPool<3, Stride<2>>, Conv<384, 3, Pad<1>>, ReLU, Conv<384, 3, Pad<1>>, ReLU,
        Conv<256, 3, Pad<1>>, ReLU, MaxPool<3, Stride<2>>, Linear<4096>, ReLU, Dropout<>,
        Linear<4096>, ReLU, Dropout<>, Linear<1000>>;

Buffer<float> random_numbers(Index count, float largest) {
    Buffer<float> numbers(count);
    Random random({.seed = 1, .purpose = Purpose::generate});
    for (float& number : numbers) number = random.uniform(-largest, largest);
    return numbers;
}

template <class Net>
struct Passes {
    using Trained = Model<Net, input, Cpu, TESSERA_SCALAR>;

    int batch;
    Buffer<float> pictures = random_numbers(batch * input.size(), 120);
    std::vector<std::int32_t> labels{};
    Trained model{};

    explicit Passes(int images) : batch(images) {
        Random random({.seed = 2, .purpose = Purpose::generate});
        for (int n = 0; n < batch; ++n) {
            labels.push_back(static_cast<std::int32_t>(random.below(1000)));
        }
        initialise(model, Krizhevsky{.positive_bias = 0.1}, 1);
    }
    View<const float> images() const { return {pictures.data(), batch, input}; }
};

template <class Net>
bench::Body prepare_net(const bench::Case& wanted) {
    const auto passes = std::make_shared<Passes<Net>>(wanted.batch);
    if (wanted.pass == "forward") {
        const auto workspace = std::make_shared<typename Passes<Net>::Trained::Workspace>(
            passes->model.workspace(wanted.batch));
        return [=] { passes->model.forward(*workspace, passes->images()); };
    }
    if (wanted.pass != "training") bench::refuse(wanted);
    using Step = Trainer<typename Passes<Net>::Trained, SoftmaxCrossEntropy, Sgd>;
    const auto trainer =
        std::make_shared<Step>(passes->model, SoftmaxCrossEntropy{}, Sgd{.rate = 1e-4},
                               TrainerOptions{.batch = wanted.batch});
    return [=] { trainer->step(passes->images(), passes->labels); };
}

struct LrnArrays {
    LrnGeometry g;
    Index count = g.batch * g.shape.size();
    Buffer<float> x = random_numbers(count, 1), y{count}, scale{count};
    Buffer<float> dy = random_numbers(count, 1), dx{count};

    explicit LrnArrays(const LrnGeometry& geometry) : g(geometry) {}
};

bench::Body prepare_lrn(const bench::Case& wanted) {
    const auto a =
        std::make_shared<LrnArrays>(LrnGeometry{.batch = wanted.batch, .shape = {96, 55, 55}});
    Cpu::Lrn::forward(a->g, a->x.data(), a->y.data(), a->scale.data());
    if (wanted.pass == "forward") {
        return [=] { Cpu::Lrn::forward(a->g, a->x.data(), a->y.data(), nullptr); };
    }
    if (wanted.pass != "backward") bench::refuse(wanted);
    return [=] {
        Cpu::Lrn::backward(a->g, a->x.data(), a->y.data(), a->scale.data(), a->dy.data(),
                           a->dx.data());
    };
}

}  // namespace

int main() {
    return bench::serve(std::string(version), "", [](const bench::Case& wanted) {
        if (wanted.work == "alexnet2012") return prepare_net<models::AlexNet2012<>>(wanted);
        if (wanted.work == "alexnet_plain") return prepare_net<PlainAlexNet>(wanted);
        if (wanted.work == "lrn") return prepare_lrn(wanted);
        bench::refuse(wanted);
    });
}
