// SPDX-License-Identifier: MIT
// Everything but the CUDA backend. Written by tools/umbrella.py.
#pragma once

// core: values, views, errors, random numbers
#include "tessera/core/box.hpp"
#include "tessera/core/buffer.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/file.hpp"
#include "tessera/core/fingerprint.hpp"
#include "tessera/core/folder.hpp"
#include "tessera/core/mapped_file.hpp"
#include "tessera/core/pack.hpp"
#include "tessera/core/random.hpp"
#include "tessera/core/shape.hpp"
#include "tessera/core/text.hpp"
#include "tessera/core/version.hpp"
#include "tessera/core/view.hpp"

// backend: the contract of a backend
#include "tessera/backend/concept.hpp"
#include "tessera/backend/geometry.hpp"

// backend/reference: plain loops, the oracle
#include "tessera/backend/reference/average_pool.hpp"
#include "tessera/backend/reference/conv.hpp"
#include "tessera/backend/reference/dropout.hpp"
#include "tessera/backend/reference/linear.hpp"
#include "tessera/backend/reference/loss.hpp"
#include "tessera/backend/reference/lrn.hpp"
#include "tessera/backend/reference/max_pool.hpp"
#include "tessera/backend/reference/reference.hpp"
#include "tessera/backend/reference/relu.hpp"
#include "tessera/backend/reference/softmax.hpp"
#include "tessera/backend/reference/update.hpp"

// backend/cpu: Eigen's product, threads
#include "tessera/backend/cpu/average_pool.hpp"
#include "tessera/backend/cpu/carve.hpp"
#include "tessera/backend/cpu/conv.hpp"
#include "tessera/backend/cpu/cpu.hpp"
#include "tessera/backend/cpu/dropout.hpp"
#include "tessera/backend/cpu/few_rows.hpp"
#include "tessera/backend/cpu/gemm.hpp"
#include "tessera/backend/cpu/im2col.hpp"
#include "tessera/backend/cpu/inverse_root.hpp"
#include "tessera/backend/cpu/linear.hpp"
#include "tessera/backend/cpu/loss.hpp"
#include "tessera/backend/cpu/lrn.hpp"
#include "tessera/backend/cpu/max_pool.hpp"
#include "tessera/backend/cpu/parallel.hpp"
#include "tessera/backend/cpu/pieces.hpp"
#include "tessera/backend/cpu/pool_window.hpp"
#include "tessera/backend/cpu/product.hpp"
#include "tessera/backend/cpu/relu.hpp"
#include "tessera/backend/cpu/softmax.hpp"
#include "tessera/backend/cpu/update.hpp"

// layer: one layer per file
#include "tessera/layer/average_pool.hpp"
#include "tessera/layer/conv.hpp"
#include "tessera/layer/dropout.hpp"
#include "tessera/layer/layer.hpp"
#include "tessera/layer/linear.hpp"
#include "tessera/layer/lrn.hpp"
#include "tessera/layer/max_pool.hpp"
#include "tessera/layer/named.hpp"
#include "tessera/layer/relu.hpp"
#include "tessera/layer/softmax.hpp"
#include "tessera/layer/window.hpp"

// net: lists of layers, plans, surgery, models
#include "tessera/net/correspondence.hpp"
#include "tessera/net/description.hpp"
#include "tessera/net/diagnose.hpp"
#include "tessera/net/layout.hpp"
#include "tessera/net/model.hpp"
#include "tessera/net/parameters.hpp"
#include "tessera/net/plan.hpp"
#include "tessera/net/receptive_field.hpp"
#include "tessera/net/seq.hpp"
#include "tessera/net/summary.hpp"
#include "tessera/net/surgery.hpp"
#include "tessera/net/workspace.hpp"

// io: weight files
#include "tessera/io/dtype.hpp"
#include "tessera/io/json_reader.hpp"
#include "tessera/io/load_report.hpp"
#include "tessera/io/parameter_order.hpp"
#include "tessera/io/safetensors.hpp"
#include "tessera/io/safetensors_header.hpp"
#include "tessera/io/safetensors_writer.hpp"
#include "tessera/io/weights.hpp"

// train: losses, optimisers, the training loop
#include "tessera/train/checkpoint.hpp"
#include "tessera/train/evaluate.hpp"
#include "tessera/train/fit.hpp"
#include "tessera/train/gradient_check.hpp"
#include "tessera/train/initialise.hpp"
#include "tessera/train/loss.hpp"
#include "tessera/train/optimizer.hpp"
#include "tessera/train/progress.hpp"
#include "tessera/train/schedule.hpp"
#include "tessera/train/trainer.hpp"

// models: networks of the literature
#include "tessera/models/alexnet.hpp"
#include "tessera/models/oquab.hpp"

// image: 8-bit images
#include "tessera/image/augment.hpp"
#include "tessera/image/axis_filter.hpp"
#include "tessera/image/codec.hpp"
#include "tessera/image/crop.hpp"
#include "tessera/image/draw.hpp"
#include "tessera/image/format.hpp"
#include "tessera/image/image.hpp"
#include "tessera/image/map.hpp"
#include "tessera/image/mean.hpp"
#include "tessera/image/normaliser.hpp"
#include "tessera/image/resize.hpp"

// patch: square windows and their scores
#include "tessera/patch/aggregate.hpp"
#include "tessera/patch/extract.hpp"
#include "tessera/patch/heat_map.hpp"
#include "tessera/patch/label.hpp"
#include "tessera/patch/pointing.hpp"
#include "tessera/patch/sample.hpp"
#include "tessera/patch/tile.hpp"

// data: folders of images
#include "tessera/data/feature_store.hpp"
#include "tessera/data/image_folder.hpp"
#include "tessera/data/lines.hpp"
#include "tessera/data/loader.hpp"
#include "tessera/data/voc.hpp"
#include "tessera/data/voc_annotation.hpp"
#include "tessera/data/voc_devkit.hpp"
#include "tessera/data/voc_results.hpp"
#include "tessera/data/voc_writer.hpp"
#include "tessera/data/wordnet.hpp"

// metric: accuracy and average precision
#include "tessera/metric/average_precision.hpp"
#include "tessera/metric/pointing.hpp"
#include "tessera/metric/top_k.hpp"
