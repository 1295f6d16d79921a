// SPDX-License-Identifier: MIT
// dlib's part in alexnet.py: alexnet_plain, forward and training. dlib has neither response
// normalisation nor groups, so this is the nearest network that it can build: C2, C4 and C5 see all
// channels, and C1 is padded by 2 on all sides, which gives the same 55 x 55.
#include <dlib/dnn.h>
#include <dlib/revision.h>

#include <memory>
#include <string>
#include <vector>

#include "peers/worker.hpp"

namespace {

using namespace dlib;

template <long Filters, long Window, int Stride, int Pad, class Below>
using Convolution = relu<add_layer<con_<Filters, Window, Window, Stride, Stride, Pad, Pad>, Below>>;
template <class Below>
using Pool = max_pool<3, 3, 2, 2, Below>;

template <template <class> class Drop>
using AlexNet = loss_multiclass_log<
    fc<1000,
       Drop<relu<fc<
           4096,
           Drop<relu<fc<
               4096, Pool<Convolution<
                         256, 3, 1, 1,
                         Convolution<384, 3, 1, 1,
                                     Convolution<384, 3, 1, 1,
                                                 Pool<Convolution<
                                                     256, 5, 1, 2,
                                                     Pool<Convolution<
                                                         96, 11, 4, 2,
                                                         input<matrix<rgb_pixel>>>>>>>>>>>>>>>>>>;

template <class Below>
using Kept = multiply<Below>;  // what stands for dropout in inference

struct Images {
    resizable_tensor pixels;
    std::vector<unsigned long> labels;

    template <class Net>
    Images(Net& net, int batch) {
        std::vector<matrix<rgb_pixel>> pictures(static_cast<std::size_t>(batch),
                                                matrix<rgb_pixel>(224, 224));
        dlib::rand random;
        for (auto& picture : pictures) {
            for (rgb_pixel& pixel : picture) {
                pixel = {random.get_random_8bit_number(), random.get_random_8bit_number(),
                         random.get_random_8bit_number()};
            }
            labels.push_back(random.get_random_32bit_number() % 1000);
        }
        net.to_tensor(pictures.begin(), pictures.end(), pixels);
    }
};

bench::Body prepare(const bench::Case& wanted) {
    if (wanted.work != "alexnet_plain") bench::refuse(wanted);
    if (wanted.pass == "forward") {
        const auto net = std::make_shared<AlexNet<Kept>>();
        const auto images = std::make_shared<Images>(*net, wanted.batch);
        return [=] { net->subnet().forward(images->pixels); };
    }
    if (wanted.pass != "training") bench::refuse(wanted);
    using Net = AlexNet<dropout>;
    const auto net = std::make_shared<Net>();
    const auto images = std::make_shared<Images>(*net, wanted.batch);
    const auto solvers =
        std::make_shared<std::vector<sgd>>(Net::num_computational_layers, sgd(0.0005f, 0.9f));
    return [=] {
        net->compute_parameter_gradients(images->pixels, images->labels.begin());
        net->update_parameters(make_sstack(*solvers), 1e-4);
    };
}

}  // namespace

int main() {
    return bench::serve(
        std::to_string(DLIB_MAJOR_VERSION) + "." + std::to_string(DLIB_MINOR_VERSION),
        "no response normalisation, no groups", prepare);
}
