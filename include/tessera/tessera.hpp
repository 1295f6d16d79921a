// SPDX-License-Identifier: MIT
// Everything but the CUDA backend. Written by tools/umbrella.py.
#pragma once

// core: values, views, errors, random numbers
#include "tessera/core/box.hpp"
#include "tessera/core/buffer.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/file.hpp"
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
#include "tessera/net/surgery.hpp"
#include "tessera/net/workspace.hpp"

// io: weight files
#include "tessera/io/dtype.hpp"
#include "tessera/io/json_reader.hpp"
#include "tessera/io/safetensors.hpp"
#include "tessera/io/safetensors_header.hpp"
#include "tessera/io/safetensors_writer.hpp"

// models: networks of the literature
#include "tessera/models/alexnet.hpp"
#include "tessera/models/oquab.hpp"

// image: 8-bit images
#include "tessera/image/codec.hpp"
#include "tessera/image/crop.hpp"
#include "tessera/image/format.hpp"
#include "tessera/image/image.hpp"
#include "tessera/image/resize.hpp"
