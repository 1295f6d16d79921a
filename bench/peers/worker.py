#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A peer's part in alexnet.py, which starts this in the peers' Python: see worker.hpp for what is asked
and answered.

usage: worker.py pytorch|onnxruntime|openvino THREADS

  alexnet2012 forward|training   the network of 2012: response normalisation, groups of two
  lrn forward|backward           PyTorch's response normalisation of 96 x 55 x 55

PyTorch runs eagerly, in both layouts of memory, and the faster of the two counts. The others get the
same network as ONNX, with its own LRN, and float32 throughout; they know no training."""

import json
import sys
import time

CLASSES = 1000


class Unknown(Exception):
    """What this peer does not do."""


# ---- PyTorch ----

class PyTorch:
    def __init__(self, threads):
        import torch
        self.torch = torch
        torch.set_num_threads(threads)
        self.version, self.note = torch.__version__, "eager"

    def network(self):
        """The network of models::AlexNet2012."""
        nn = self.torch.nn

        def norm():
            return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2)

        def pool():
            return nn.MaxPool2d(3, 2)

        def relu():
            return nn.ReLU(inplace=True)

        # 3 pixels at the right and lower edge give 55 x 55 behind C1.
        return nn.Sequential(
            nn.ZeroPad2d((0, 3, 0, 3)), nn.Conv2d(3, 96, 11, 4), relu(), norm(), pool(),
            nn.Conv2d(96, 256, 5, padding=2, groups=2), relu(), norm(), pool(),
            nn.Conv2d(256, 384, 3, padding=1), relu(),
            nn.Conv2d(384, 384, 3, padding=1, groups=2), relu(),
            nn.Conv2d(384, 256, 3, padding=1, groups=2), relu(), pool(),
            nn.Flatten(), nn.Linear(9216, 4096), relu(), nn.Dropout(),
            nn.Linear(4096, 4096), relu(), nn.Dropout(), nn.Linear(4096, CLASSES))

    def prepare(self, work, which, batch):
        bodies = {}
        for layout in (self.torch.contiguous_format, self.torch.channels_last):
            if work == "alexnet2012":
                body = self.prepare_net(which, batch, layout)
            elif work == "lrn":
                body = self.prepare_lrn(which, batch, layout)
            else:
                raise Unknown(work)
            body()
            bodies[time_ms(body, 1)] = body
        return bodies[min(bodies)]

    def prepare_net(self, which, batch, layout):
        torch = self.torch
        torch.manual_seed(1)
        net = self.network().to(memory_format=layout)
        images = torch.empty(batch, 3, 224, 224).uniform_(-120, 120).to(memory_format=layout)
        if which == "forward":
            net.eval()

            def forward():
                with torch.inference_mode():
                    return net(images)
            return forward
        if which != "training":
            raise Unknown(which)
        labels = torch.randint(0, CLASSES, (batch,))
        optimizer = self.optimizer(net)
        loss = torch.nn.CrossEntropyLoss()
        net.train()

        def step():
            optimizer.zero_grad(set_to_none=True)
            value = loss(net(images), labels)
            value.backward()
            optimizer.step()
            return value.item()
        return step

    def optimizer(self, net):
        settings = {"lr": 1e-4, "momentum": 0.9, "weight_decay": 0.0005}
        try:
            return self.torch.optim.SGD(net.parameters(), fused=True, **settings)
        except (TypeError, RuntimeError, ValueError):  # older ones fuse for GPUs alone
            return self.torch.optim.SGD(net.parameters(), **settings)

    def prepare_lrn(self, which, batch, layout):
        torch = self.torch
        x = torch.rand(batch, 96, 55, 55).to(memory_format=layout)
        norm = torch.nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2)
        if which == "forward":
            def forward():
                with torch.inference_mode():
                    return norm(x)
            return forward
        if which != "backward":
            raise Unknown(which)
        x.requires_grad_(True)
        y = norm(x)
        dy = torch.rand(batch, 96, 55, 55).to(memory_format=layout)
        return lambda: torch.autograd.grad(y, x, dy, retain_graph=True)


# ---- ONNX ----

def onnx_network(batch):
    """The network of models::AlexNet2012 as the bytes of an ONNX file."""
    import numpy
    from onnx import TensorProto, helper, numpy_helper
    random = numpy.random.default_rng(1)
    nodes, weights = [], []
    last = "x"

    def add(kind, *more, **attributes):
        nonlocal last
        name = f"y{len(nodes)}"
        nodes.append(helper.make_node(kind, [last, *more], [name], **attributes))
        last = name

    def layer(kind, shape, **attributes):
        """With weights of `shape`, the first of which is the outputs."""
        names = [f"w{len(weights)}", f"b{len(weights)}"]
        values = random.standard_normal(shape, dtype=numpy.float32) * 0.01
        weights.append(numpy_helper.from_array(values, names[0]))
        weights.append(numpy_helper.from_array(numpy.full(shape[0], 0.1, numpy.float32), names[1]))
        add(kind, *names, **attributes)

    def conv(filters, inputs, window, group=1, strides=1, pads=(0, 0, 0, 0)):
        layer("Conv", (filters, inputs // group, window, window), group=group,
              kernel_shape=[window, window], strides=[strides, strides], pads=pads)
        add("Relu")

    def norm():
        add("LRN", alpha=1e-4, beta=0.75, bias=2.0, size=5)

    def pool():
        add("MaxPool", kernel_shape=[3, 3], strides=[2, 2])

    conv(96, 3, 11, strides=4, pads=(0, 0, 3, 3))
    norm()
    pool()
    conv(256, 96, 5, group=2, pads=(2, 2, 2, 2))
    norm()
    pool()
    conv(384, 256, 3, pads=(1, 1, 1, 1))
    conv(384, 384, 3, group=2, pads=(1, 1, 1, 1))
    conv(256, 384, 3, group=2, pads=(1, 1, 1, 1))
    pool()
    add("Flatten")
    layer("Gemm", (4096, 9216), transB=1)
    add("Relu")
    layer("Gemm", (4096, 4096), transB=1)
    add("Relu")
    layer("Gemm", (CLASSES, 4096), transB=1)
    graph = helper.make_graph(
        nodes, "alexnet2012",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 224, 224])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [batch, CLASSES])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model.SerializeToString()


def random_images(batch):
    import numpy
    return numpy.random.default_rng(2).uniform(-120, 120, (batch, 3, 224, 224)).astype("float32")


class OnnxRuntime:
    def __init__(self, threads):
        import onnx  # writes the network
        import onnxruntime
        self.onnxruntime, self.threads = onnxruntime, threads
        self.version, self.note = onnxruntime.__version__, f"onnx {onnx.__version__}"

    def prepare(self, work, which, batch):
        if (work, which) != ("alexnet2012", "forward"):
            raise Unknown(f"{work} {which}")
        options = self.onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        network = self.onnxruntime.InferenceSession(onnx_network(batch), options,
                                                    providers=["CPUExecutionProvider"])
        images = random_images(batch)

        def forward():
            scores, = network.run(None, {"x": images})
            assert scores.shape == (batch, CLASSES)
        return forward


class OpenVino:
    def __init__(self, threads):
        import onnx  # writes the network
        import openvino
        self.core = openvino.Core()
        self.settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads,
                         "INFERENCE_PRECISION_HINT": "f32"}
        self.version, self.note = openvino.__version__.split("-")[0], f"onnx {onnx.__version__}"

    def prepare(self, work, which, batch):
        if (work, which) != ("alexnet2012", "forward"):
            raise Unknown(f"{work} {which}")
        model = self.core.read_model(model=onnx_network(batch))
        request = self.core.compile_model(model, "CPU", self.settings).create_infer_request()
        images = random_images(batch)

        def forward():
            scores = request.infer([images], share_inputs=True, share_outputs=True)[0]
            assert scores.shape == (batch, CLASSES)
        return forward


PEERS = {"pytorch": PyTorch, "onnxruntime": OnnxRuntime, "openvino": OpenVino}


def time_ms(body, calls):
    started = time.perf_counter()
    for _ in range(calls):
        body()
    return (time.perf_counter() - started) * 1e3 / calls


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in PEERS:
        sys.exit(__doc__)
    try:
        peer = PEERS[sys.argv[1]](int(sys.argv[2]))
    except ImportError as error:
        print(json.dumps({"error": f"not installed: {error}"}), flush=True)
        return
    print(json.dumps({"version": peer.version, "note": peer.note}), flush=True)
    body = None
    for line in sys.stdin:
        work, which, batch, calls = line.split()
        try:
            if calls == "0":
                body = None  # what the case before held is free again
                body = peer.prepare(work, which, int(batch))
                body()
            if int(calls) > 1:
                body()  # for the caches and the threads to come to life again
            print(json.dumps({"ms": time_ms(body, max(int(calls), 1))}), flush=True)
        except Exception as error:  # what a peer cannot do here is a finding, too
            print(json.dumps({"error": f"{type(error).__name__}: {error}"[:300]}), flush=True)


if __name__ == "__main__":
    main()
