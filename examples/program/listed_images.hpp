// SPDX-License-Identifier: MIT
// Labelled images by name, before any is read: those of a folder, or a packed file of them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "program/images.hpp"
#include "tessera/core/folder.hpp"
#include "tessera/data/image_folder.hpp"
#include "tessera/data/packed_images.hpp"

namespace program {

using namespace tessera;

/// Where ILSVRC's flat folder says what its images show; empty for a folder of class folders.
struct GroundTruth {
    std::string truth, ids;

    bool given() const { return !truth.empty(); }
};

/// The images of a folder, in classes of their own when `classes` is null.
inline ImageSet list_images(const std::string& folder, const GroundTruth& truth,
                            const std::vector<std::string>* classes) {
    if (truth.given()) return read_flat_images({folder, truth.truth, truth.ids}, *classes);
    return classes ? read_image_folder(folder, *classes) : read_image_folder(folder);
}

class ListedImages {
public:
    ListedImages(ImageSet set, std::string folder)
        : path_(std::move(folder)), set_(std::move(set)) {}
    /// A packed file. Throws Error unless `pack` wrote it.
    explicit ListedImages(const std::string& path)
        : path_(path), packed_(std::make_unique<PackedImages>(path)) {
        check_from_pack(*packed_, path);
    }

    const std::string& path() const { return path_; }
    bool packed() const { return packed_ != nullptr; }
    const std::vector<std::string>& classes() const {
        return packed_ ? packed_->summary().classes : set_.classes;
    }
    /// The same for a folder and for the file that it was packed into.
    std::uint64_t list_fingerprint() const {
        return packed_ ? packed_->summary().list : fingerprint(set_, path_);
    }
    /// Throws Error when the images of a packed file are not extent x extent pixels.
    void check(int extent) const {
        const Shape wanted{3, extent, extent};
        require(!packed_ || packed_->set().shape == wanted, path_, ": found images of ",
                packed_ ? packed_->set().shape : wanted, ", expected ", wanted,
                " for this network: pack with --extent ", extent);
    }
    /// This must outlive them.
    PreparedImages prepared(int extent, Index memory_limit) const {
        if (packed_) return PreparedImages(*packed_, path_);
        return PreparedImages(set_, extent, memory_limit);
    }

private:
    std::string path_;
    ImageSet set_;
    std::unique_ptr<PackedImages> packed_;
};

/// What a network learns from, and what it is watched on.
struct SourceImages {
    ListedImages training, validation;
};

/// DIR/train.packed and DIR/val.packed where they are, else the folders DIR/train and DIR/val.
/// Throws Error when only one of the two is packed, or the classes differ.
inline SourceImages list_source(const std::string& data, const GroundTruth& truth) {
    const std::string training = data + "/train.packed", validation = data + "/val.packed";
    const bool one = path_exists(training), other = path_exists(validation);
    if (!one && !other) {
        ImageSet set = read_image_folder(data + "/train");
        ImageSet watched = list_images(data + "/val", truth, &set.classes);
        return {{std::move(set), data + "/train"}, {std::move(watched), data + "/val"}};
    }
    require(one && other, data, ": found ", one ? "train" : "val", ".packed without ",
            one ? "val" : "train", ".packed beside it; pack both, or give a folder without");
    require(!truth.given(), "--val-truth: found beside ", validation,
            ", which holds the labels; pack takes these lists");
    SourceImages images{ListedImages(training), ListedImages(validation)};
    require(images.training.classes() == images.validation.classes(), validation,
            ": found other classes than in ", training, "; pack it with --classes-of ", training);
    return images;
}

}  // namespace program
