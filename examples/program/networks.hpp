// SPDX-License-Identifier: MIT
// The networks the programs know, and the steps from a number of classes in a folder, and from the
// name of a precision, to a type.
#pragma once

#include <string>
#include <type_traits>

#include "tessera/core/bfloat16.hpp"
#include "tessera/core/error.hpp"
#include "tessera/models/alexnet.hpp"
#include "tessera/models/oquab.hpp"

// What the programs are built for; CMake writes the file from variables of the same names. Each
// network and each number of classes costs compile time.
#if __has_include("program/choices.hpp")
#include "program/choices.hpp"
#endif
#ifndef TESSERA_NETWORKS
#define TESSERA_NETWORKS Small, AlexNet
#endif
#ifndef TESSERA_SOURCE_CLASSES
#define TESSERA_SOURCE_CLASSES 40, 200, 1000
#endif
#ifndef TESSERA_TARGET_CLASSES
#define TESSERA_TARGET_CLASSES 10, 20
#endif
#ifndef TESSERA_PRECISIONS
#define TESSERA_PRECISIONS float
#endif

namespace program {

using namespace tessera;

/// An AlexNet for pictures of 64 x 64: five convolutions, three pools, FC6 and FC7 of 1,024. Inputs
/// are scaled to about deviation 1, hence the larger alpha. 66.5 MFLOP forward.
struct Small {
    static constexpr const char* name = "small";
    static constexpr int image = 64;           ///< extent that pictures are brought to
    static constexpr Shape input{3, 56, 56};   ///< extent of a crop
    static constexpr float scale = 1.0F / 60;  ///< of pixels, after the mean
    static constexpr int hidden = 512;         ///< of FCa
    using Normalisation = Lrn<K<1>, Alpha<1, 10>, AlphaUndivided>;

    template <int Classes>
    using Net =
        Seq<Named<"conv1", Conv<48, 5, Stride<2>, Pad<2>>>, ReLU, Normalisation,
            MaxPool<3, Stride<2>, Ceil>, Named<"conv2", Conv<96, 3, Pad<1>>>, ReLU, Normalisation,
            MaxPool<3, Stride<2>, Ceil>, Named<"conv3", Conv<128, 3, Pad<1>>>, ReLU,
            Named<"conv4", Conv<128, 3, Pad<1>>>, ReLU, Named<"conv5", Conv<128, 3, Pad<1>>>, ReLU,
            Named<"pool5", MaxPool<3, Stride<2>, Ceil>>, Named<"fc6", Linear<1024>>, ReLU,
            Dropout<>, Named<"fc7", Linear<1024>>, Named<"relu7", ReLU>, Dropout<>,
            Named<"fc8", Linear<Classes>>>;
};

/// The 2012 network on 224 x 224 crops of 256 x 256.
struct AlexNet {
    static constexpr const char* name = "alexnet";
    static constexpr int image = 256;
    static constexpr Shape input{3, 224, 224};
    static constexpr float scale = 1;
    static constexpr int hidden = 2048;

    template <int Classes>
    using Net = models::AlexNet2012<Classes>;
};

/// The paper's network for 1,512 classes: FC6 and FC7 of 6,144.
struct AlexNet6144 : AlexNet {
    static constexpr const char* name = "alexnet6144";

    template <int Classes>
    using Net = models::AlexNet6144<Classes>;
};

/// Calls body(Position<N>{}) for the N in the list that equals `count`. Throws Error when it is not
/// there: a network's width is part of its type, so a program is built for some numbers of classes.
template <int... Known, class Body>
auto with_count(int count, const char* what, const char* option, Body body) {
    using Result = std::common_type_t<decltype(body(Position<Known>{}))...>;
    Result result{};
    const bool found = ((count == Known ? (result = body(Position<Known>{}), true) : false) || ...);
    std::string known;
    ((known += (known.empty() ? "" : ", ") + std::to_string(Known)), ...);
    require(found, "found ", count, " ", what, ", but this program was built for ", known,
            "; configure with -D", option, "=", count, " and build again");
    return result;
}

template <class Body>
auto with_source_classes(int count, Body body) {
    return with_count<TESSERA_SOURCE_CLASSES>(count, "source classes", "TESSERA_SOURCE_CLASSES",
                                              body);
}

template <class Body>
auto with_target_classes(int count, Body body) {
    return with_count<TESSERA_TARGET_CLASSES>(count, "target classes", "TESSERA_TARGET_CLASSES",
                                              body);
}

/// Calls body(Known{}) for the one of that name. Throws Error that begins with `where`.
template <class... Known, class Body>
auto choose_named(const std::string& where, const std::string& name, const char* option,
                  Body body) {
    std::common_type_t<decltype(body(Known{}))...> result{};
    const bool found = ((name == Known::name ? (result = body(Known{}), true) : false) || ...);
    std::string known;
    ((known += (known.empty() ? "" : ", ") + std::string(Known::name)), ...);
    require(found, where, ": found '", name, "', but this program was built for ", known, "; see ",
            option);
    return result;
}

template <class... Known, class Body>
auto choose_network(const std::string& where, const std::string& name, Body body) {
    return choose_named<Known...>(where, name, "TESSERA_NETWORKS", body);
}

template <class Body>
auto with_network(const std::string& where, const std::string& name, Body body) {
    return choose_network<TESSERA_NETWORKS>(where, name, body);
}

/// A type of elements of a network.
template <class Scalar>
struct Precision : std::type_identity<Scalar> {
    static constexpr const char* name = std::is_same_v<Scalar, Bf16> ? "bf16" : "float";
};

template <class... Scalars, class Body>
auto choose_precision(const std::string& name, Body body) {
    return choose_named<Precision<Scalars>...>("--precision", name, "TESSERA_PRECISIONS", body);
}

/// Calls body(std::type_identity<Scalar>{}).
template <class Body>
auto with_precision(const std::string& name, Body body) {
    return choose_precision<TESSERA_PRECISIONS>(name, body);
}

}  // namespace program
