// SPDX-License-Identifier: MIT
// The whole idea on one screen: write a network as a list, train it, cut it, freeze it, give it a
// new end and train that. The pictures are stripes: first six directions, then only "steep or
// flat".
#include <cstdio>
#include <tessera/tessera.hpp>
#include <vector>

using namespace tessera;

constexpr Shape picture{1, 24, 24};
using SixWays = Seq<Conv<12, 7, Stride<2>>, ReLU, MaxPool<3, Stride<2>>,
                    Named<"features", Linear<32>>, Named<"cut", ReLU>, Linear<6>, Softmax>;
using TwoWays = Append<Freeze<CutAfter<SixWays, "cut">>, Linear<2>, Softmax>;

struct Stripes {
    std::vector<float> pixels;
    std::vector<std::int32_t> labels;
    View<const float> view() const { return {pixels.data(), int(labels.size()), picture}; }
};

/// Direction d of six turns by 30 d degrees; for two classes 60 to 120 degrees count as steep.
Stripes draw(int count, int classes, std::uint32_t epoch) {
    Stripes set{std::vector<float>(count * picture.size()), std::vector<std::int32_t>(count)};
    Random random({.seed = 1, .purpose = Purpose::generate, .epoch = epoch});
    for (int n = 0; n < count; ++n) {
        const auto direction = static_cast<int>(random.below(6));
        const double angle = direction * 0.5236, width = random.uniform(0.8f, 1.2f);
        set.labels[n] = classes == 6 ? direction : direction >= 2 && direction <= 4;
        for (Index i = 0; i < picture.size(); ++i) {
            const double along = i % 24 * std::cos(angle) + i / 24 * std::sin(angle);
            set.pixels[n * picture.size() + i] = float(std::sin(along * width) + random.normal());
        }
    }
    return set;
}

template <class ModelType>
double train(ModelType& model, int classes, int steps) {
    Trainer trainer(model, SoftmaxCrossEntropy{}, Sgd{.rate = 0.01}, {.batch = 32});
    for (int step = 0; step < steps; ++step) {
        const Stripes batch = draw(32, classes, step);
        trainer.step(batch.view(), batch.labels);
    }
    const Stripes test = draw(500, classes, 1'000'000);
    auto workspace = model.workspace(500);
    EvaluationSum sum;
    sum.add(model.forward(workspace, test.view()), test.labels, 0);
    return 100 * sum.mean().top1;
}

int main() {
    std::printf("%s\n", summary<SixWays>(picture).c_str());
    Model<SixWays, picture, Cpu> source;
    initialise(source, He{}, 1);
    std::printf("six directions: %.0f %% right\n", train(source, 6, 300));

    Model<TwoWays, picture, Cpu> target(source);  // shares what it keeps, adds one layer
    initialise(target, He{}, 2);                  // only what learns
    std::printf("steep or flat:  %.0f %% right, %td of %td parameters learned\n",
                train(target, 2, 30), parameter_count<Seq<Linear<2>>>(Shape{32}),
                parameter_count<TwoWays>(picture));
}
