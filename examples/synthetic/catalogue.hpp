// SPDX-License-Identifier: MIT
// Catalogue: which families of things exist, the fine classes of the source and the coarse classes
// of the target.
//
// A fine class is (family, detail, coat): ten families, two details of build each, three coats
// each. The target regroups them as VOC regroups ImageNet: some classes split a family (by build or
// by coat), some merge two, one is unknown to the source, and families without a target class
// remain as clutter.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "synthetic/animals.hpp"
#include "synthetic/furnishings.hpp"
#include "synthetic/texture.hpp"
#include "synthetic/vehicles.hpp"

namespace synthetic {

/// The first ten in the order of the fine classes; houses exist in the target only.
enum class Family {
    wagon,
    quadruped,
    bird,
    butterfly,
    fish,
    pot,
    bottle,
    chair,
    plant,
    boat,
    house
};
inline constexpr int family_count = 11;
inline constexpr int source_families = 10;
inline constexpr int details = 2;
inline constexpr int coats = 3;
inline constexpr int most_source_classes = source_families * details * coats;

/// One fine class.
struct Kind {
    Family family = Family::wagon;
    int detail = 0;
    int coat = 0;

    friend constexpr bool operator==(const Kind&, const Kind&) = default;
};

/// The families take turns, so that any number of classes covers as many families as it can.
constexpr Kind source_kind(int index) {
    const int variant = index / source_families;
    return {static_cast<Family>(index % source_families), variant % details, variant / details};
}

constexpr Texture coat_of(const Kind& kind) {
    using enum Texture;
    constexpr std::array<std::array<Texture, coats>, family_count> table{{
        {zigzag, checked, grained},   // wagon
        {striped, blotched, dotted},  // quadruped
        {scaled, dotted, zigzag},     // bird
        {ringed, celled, striped},    // butterfly
        {striped, scaled, checked},   // fish
        {checked, ringed, blotched},  // pot
        {celled, bricked, dotted},    // bottle
        {grained, dotted, scaled},    // chair
        {blotched, zigzag, ringed},   // plant
        {bricked, grained, celled},   // boat
        {bricked, checked, scaled},   // house
    }};
    return table[static_cast<std::size_t>(kind.family)][static_cast<std::size_t>(kind.coat)];
}

/// Like "striped grazer".
inline std::string name_of(const Kind& kind) {
    constexpr std::array<std::array<std::string_view, details>, family_count> names{{
        {"car", "truck"},
        {"grazer", "hunter"},
        {"wader", "fantail"},
        {"butterfly", "swallowtail"},
        {"herring", "spinefish"},
        {"mug", "tea pot"},
        {"flask", "amphora"},
        {"chair", "arm chair"},
        {"leaf plant", "cactus"},
        {"sailing boat", "steamer"},
        {"cottage", "tower"},
    }};
    return std::string(name_of(coat_of(kind))) + " " +
           std::string(
               names[static_cast<std::size_t>(kind.family)][static_cast<std::size_t>(kind.detail)]);
}

/// An identifier in the style of WordNet's, from a range that WordNet does not use.
inline std::string wnid(int index) {
    char letters[16];
    std::snprintf(letters, sizeof letters, "n9%07d", 1000 + 137 * index);
    return letters;
}

inline Blueprint blueprint(const Kind& kind, tessera::Random& random) {
    switch (kind.family) {
        case Family::wagon:
            return wagon(kind.detail, random);
        case Family::quadruped:
            return quadruped(kind.detail, random);
        case Family::bird:
            return bird(kind.detail, random);
        case Family::butterfly:
            return butterfly(kind.detail, random);
        case Family::fish:
            return fish(kind.detail, random);
        case Family::pot:
            return pot(kind.detail, random);
        case Family::bottle:
            return bottle(kind.detail, random);
        case Family::chair:
            return chair(kind.detail, random);
        case Family::plant:
            return plant(kind.detail, random);
        case Family::boat:
            return boat(kind.detail, random);
        case Family::house:
            return house(kind.detail, random);
    }
    return {};
}

inline constexpr std::array<std::string_view, 11> target_names{
    "car",    "truck", "zebra", "leopard", "flyer", "fish",
    "vessel", "chair", "boat",  "house",   "plant"};
inline constexpr int most_target_classes = static_cast<int>(target_names.size());

/// The target class of a kind; -1 for a spotted quadruped, which is neither zebra nor leopard.
constexpr int target_class(const Kind& kind) {
    switch (kind.family) {
        case Family::wagon:
            return kind.detail;
        case Family::quadruped:
            return kind.coat < 2 ? 2 + kind.coat : -1;
        case Family::bird:
        case Family::butterfly:
            return 4;
        case Family::fish:
            return 5;
        case Family::pot:
        case Family::bottle:
            return 6;
        case Family::chair:
            return 7;
        case Family::boat:
            return 8;
        case Family::house:
            return 9;
        case Family::plant:
            return 10;
    }
    return -1;
}

/// Any kind of a target class, with equal chances for its families, builds and the two first coats.
inline Kind random_kind(int target, tessera::Random& random) {
    for (;;) {
        const Kind kind{static_cast<Family>(random.below(family_count)),
                        static_cast<int>(random.below(details)), static_cast<int>(random.below(2))};
        if (target_class(kind) == target) return kind;
    }
}

}  // namespace synthetic
