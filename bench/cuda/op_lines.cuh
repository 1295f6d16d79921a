// SPDX-License-Identifier: MIT
// Measures ops of one arithmetic, one line of output each.
#pragma once

#include <string>

#include "measure.cuh"

namespace bench {

class OpLines {
public:
    /// Products run at `product_rate` at most, everything else at the rate of floats.
    OpLines(const Options& options, const Ceilings& ceilings, const char* arithmetic,
            double product_rate)
        : options_(options),
          ceilings_(ceilings),
          arithmetic_(arithmetic),
          product_rate_(product_rate) {}

protected:
    /// make(sets) gives the call to measure, with arrays for so many sets.
    template <class Make>
    void run(const std::string& name, int batch, const std::string& geometry, const Work& work,
             const Make& make, Way way = Way::recorded) {
        measure_op(name, batch, geometry, work, make, way, ceilings_.float32);
    }
    template <class Make>
    void run_product(const std::string& name, int batch, const std::string& geometry,
                     const Work& work, const Make& make) {
        measure_op(name, batch, geometry, work, make, Way::recorded, product_rate_);
    }

    /// The geometry of a layer.
    static std::string words(const LayerInfo& info) {
        const tessera::SlidingWindow& w = info.window;
        std::string all = tessera::text(info.input, " to ", info.output);
        if (info.kind == "conv" || info.kind == "max_pool") {
            all += tessera::text(", window ", w.height, ", stride ", w.stride);
        }
        if (info.kind == "conv" && info.parameters.items[0].groups > 1) {
            all += tessera::text(", ", info.parameters.items[0].groups, " groups");
        }
        return all;
    }

private:
    template <class Make>
    void measure_op(const std::string& name, int batch, const std::string& geometry,
                    const Work& work, const Make& make, Way way, double flop_rate) {
        if (!options_.wants(name)) return;
        const int sets = sets_for(work.bytes);
        auto call = make(sets);
        const Timing timing = measure(call, sets, options_.quick, way);
        Line line;
        line.add("what", "op")
            .add("program", "tessera")
            .add("name", name)
            .add("arithmetic", arithmetic_)
            .add("batch", batch)
            .add("geometry", geometry)
            .add("sets", sets);
        add_rates(line, timing, work, flop_rate, ceilings_.copy).print();
    }

    Options options_;
    Ceilings ceilings_;
    const char* arithmetic_;
    double product_rate_;
};

}  // namespace bench
