#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures AlexNet-2012 in PyTorch as bench_cuda_net measures it in Tessera.

usage: peer_pytorch.py [--quick] [--batch N]... [--filter TEXT] [--seconds S] [--device cuda]

The network of models::AlexNet2012: groups of two in C2, C4 and C5, response normalisation over 5
channels (alpha 1e-4, which PyTorch divides by 5 as Tessera does, beta 3/4, k 2), FC6 and FC7 of 4096
with dropout, 1000 classes, 224 x 224. Channels last, cudnn.benchmark on, SGD with momentum 0.9 and
decay 0.0005 (fused where PyTorch can). In float32 proper, with TF32 products, and with bfloat16
autocast; each as written ("plain"), recorded as a CUDA graph ("graph"), and, for one batch, since it
takes long, by torch.compile ("compile"). What does not work is reported as a line with "error". Then
the forward and backward times of single layers, recorded: backward is both less forward alone.

Prints the JSON lines of bench_cuda_net: "what": "machine", "net", "layer". Nothing waits for the value
of a loss. Inputs and labels lie on the device and hold random numbers."""

import argparse
import datetime
import json
import math
import statistics
import subprocess
import sys
import time
import warnings

import torch
from torch import nn

BATCHES = [128, 512, 1024]
CLASSES = 1000


def say(**members):
    print(json.dumps({name: float(f"{value:.6g}") if isinstance(value, float) else value
                      for name, value in members.items()}), flush=True)


def ask_nvidia_smi(query):
    try:
        done = subprocess.run(["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"],
                              capture_output=True, text=True, timeout=20)
        return done.stdout.splitlines()[0].strip() if done.returncode == 0 else ""
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return ""


def clocks_now():
    return ask_nvidia_smi("clocks.sm,clocks.mem,power.draw,temperature.gpu")


# ---- the network ----

def layers():
    """Name and layer, in order; the names are those of bench_cuda_net."""
    def norm():
        return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2)

    return [
        # 3 pixels at the right and lower edge, as Caffe's rounding up has them, give 55.
        ("conv1", nn.Sequential(nn.ZeroPad2d((0, 3, 0, 3)), nn.Conv2d(3, 96, 11, 4))),
        ("relu1", nn.ReLU(inplace=True)), ("lrn1", norm()), ("max_pool1", nn.MaxPool2d(3, 2)),
        ("conv2", nn.Conv2d(96, 256, 5, padding=2, groups=2)),
        ("relu2", nn.ReLU(inplace=True)), ("lrn2", norm()), ("max_pool2", nn.MaxPool2d(3, 2)),
        ("conv3", nn.Conv2d(256, 384, 3, padding=1)), ("relu3", nn.ReLU(inplace=True)),
        ("conv4", nn.Conv2d(384, 384, 3, padding=1, groups=2)), ("relu4", nn.ReLU(inplace=True)),
        ("conv5", nn.Conv2d(384, 256, 3, padding=1, groups=2)), ("relu5", nn.ReLU(inplace=True)),
        ("pool5", nn.MaxPool2d(3, 2)),
        ("fc6", nn.Sequential(nn.Flatten(), nn.Linear(9216, 4096))),
        ("relu6", nn.ReLU(inplace=True)), ("dropout6", nn.Dropout()),
        ("fc7", nn.Linear(4096, 4096)), ("relu7", nn.ReLU(inplace=True)), ("dropout7", nn.Dropout()),
        ("fc8", nn.Linear(4096, CLASSES)),
    ]


def network(device):
    torch.manual_seed(1)
    net = nn.Sequential(*[layer for _, layer in layers()])
    return net.to(device).to(memory_format=torch.channels_last)


def random_batch(batch, device):
    images = torch.empty(batch, 3, 224, 224, device=device).uniform_(-120, 120)
    return (images.to(memory_format=torch.channels_last),
            torch.randint(0, CLASSES, (batch,), device=device))


# ---- measuring ----

class Clock:
    """Milliseconds of calls: CUDA events, or the processor's clock where there is no GPU."""

    def __init__(self, device, quick):
        self.on_gpu = device == "cuda"
        self.wanted, self.runs = (3, 5) if quick else (20, 15)

    def wait(self):
        if self.on_gpu:
            torch.cuda.synchronize()

    def time(self, body, calls):
        if not self.on_gpu:
            started = time.perf_counter()
            for _ in range(calls):
                body()
            return (time.perf_counter() - started) * 1e3
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(calls):
            body()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end)

    def measure(self, body):
        """Median, lower and upper tenth, runs; of one call."""
        for _ in range(3):
            body()
        self.wait()
        once = max(self.time(body, 2) / 2, 1e-3)
        calls = max(1, math.ceil(self.wanted / once))
        times = sorted(self.time(body, calls) / calls for _ in range(self.runs))
        edge = len(times) // 10
        return {"ms": statistics.median(times), "ms_low": times[edge],
                "ms_high": times[-1 - edge], "runs": len(times)}


def recorded(body):
    """body() as a CUDA graph, after a warm-up on a stream of its own."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            body()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        body()
    return graph.replay


class Arithmetic:
    """How products are computed."""

    def __init__(self, name, device):
        self.name, self.device = name, device

    def choose(self):
        allow = self.name == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = allow
        torch.backends.cudnn.allow_tf32 = allow

    def __call__(self):
        # Without the cache of cast weights, which a recording must not share with what is outside.
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.name == "bfloat16",
                              cache_enabled=False)


def inference(net, arithmetic, images):
    def body():
        with torch.no_grad(), arithmetic():
            return net(images)
    net.eval()
    return body


def training(net, arithmetic, images, labels):
    settings = {"lr": 1e-7, "momentum": 0.9, "weight_decay": 0.0005}
    try:
        optimizer = torch.optim.SGD(net.parameters(), fused=True, **settings)
    except (TypeError, RuntimeError, ValueError):
        optimizer = torch.optim.SGD(net.parameters(), **settings)
    loss = nn.CrossEntropyLoss()

    def body():
        optimizer.zero_grad(set_to_none=True)
        with arithmetic():
            scores = net(images)
        loss(scores.float(), labels).backward()
        optimizer.step()
    net.train()
    return body


def measure_net(pass_name, way, arithmetic, batch, clock, device):
    arithmetic.choose()
    images, labels = random_batch(batch, device)
    net = network(device)
    called = net
    if way == "compile":
        torch._dynamo.reset()
        called = torch.compile(net)
    body = (inference(called, arithmetic, images) if pass_name == "inference" else
            training(called, arithmetic, images, labels))
    if way == "graph":
        body = recorded(body)
    return clock.measure(body)


def first_line(error):
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]


def measure_nets(options, clock, arithmetic, batch):
    ways = ["plain", "graph"]
    if batch == options.batch[len(options.batch) // 2]:
        ways.append("compile")
    for pass_name in ("inference", "training"):
        for way in ways:
            name = f"alexnet2012/{pass_name}/{way}"
            if options.filter not in name or options.time_is_up():
                continue
            row = {"what": "net", "program": "pytorch", "name": "alexnet2012", "pass": pass_name,
                   "way": way, "arithmetic": arithmetic.name, "batch": batch}
            try:
                timing = measure_net(pass_name, way, arithmetic, batch, clock, options.device)
                say(**row, **timing, images_per_s=batch / timing["ms"] * 1e3, clocks=clocks_now())
            except Exception as error:  # what PyTorch cannot do here is a finding, too
                say(**row, error=first_line(error))
            if options.device == "cuda":
                torch.cuda.empty_cache()


def measure_layers(options, clock, arithmetic, batch):
    arithmetic.choose()
    x = random_batch(batch, options.device)[0]
    for name, layer in layers():
        layer = layer.to(options.device).to(memory_format=torch.channels_last).train()
        # In place would change x from call to call; the traffic of the two is the same.
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
        x = x.detach().requires_grad_(name != "conv1")
        with arithmetic():
            y = layer(x).detach()
        if options.filter in f"layers/{name}" and not options.time_is_up():
            row = {"what": "layer", "program": "pytorch", "name": name, "batch": batch,
                   "arithmetic": arithmetic.name}
            try:
                times = layer_times(options, clock, arithmetic, layer, x, torch.randn_like(y))
                say(**row, **{"pass": "forward"}, **times["forward"])
                say(**row, **{"pass": "backward"}, **times["backward"])
            except Exception as error:
                say(**row, error=first_line(error))
        x = y


def layer_times(options, clock, arithmetic, layer, x, dy):
    wanted = [p for p in [x, *layer.parameters()] if p.requires_grad]

    def forward():
        with arithmetic():
            return layer(x)

    def both():
        return torch.autograd.grad(forward(), wanted, dy)

    if options.device == "cuda":  # or calls would be as long as the processor takes to make them
        forward, both = recorded(forward), recorded(both)
    there, there_and_back = clock.measure(forward), clock.measure(both)
    return {"forward": there,
            "backward": {"ms": there_and_back["ms"] - there["ms"],
                         "ms_both": there_and_back["ms"], "runs": there["runs"]}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, action="append", help="repeat for several "
                        "(default: 128, 512, 1024)")
    parser.add_argument("--filter", default="", help="only what has this in its name, as in "
                        "'alexnet2012/training/graph' or 'layers/conv2'")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("--seconds", type=float, default=math.inf, help="start nothing new after so "
                        "many seconds")
    parser.add_argument("--device", default="cuda", help="cpu: to try this script, slowly")
    options = parser.parse_args()
    options.batch = options.batch or BATCHES
    started = time.monotonic()
    options.time_is_up = lambda: time.monotonic() - started > options.seconds
    warnings.filterwarnings("ignore")
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("peer_pytorch.py: PyTorch finds no GPU here")
    torch.backends.cudnn.benchmark = True
    on_gpu = options.device == "cuda"
    say(what="machine", program="pytorch", torch=torch.__version__,
        card=torch.cuda.get_device_name() if on_gpu else "none",
        driver=ask_nvidia_smi("driver_version"), runtime=torch.version.cuda or "",
        cudnn=torch.backends.cudnn.version() or 0, clocks=clocks_now(),
        date=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
    clock = Clock(options.device, options.quick)
    arithmetics = [Arithmetic(name, options.device) for name in ("float32", "tf32", "bfloat16")]
    for measured in (measure_nets, measure_layers):
        for batch in options.batch:
            for arithmetic in arithmetics:
                measured(options, clock, arithmetic, batch)
    say(what="end", program="pytorch", time_was_up=options.time_is_up(), clocks=clocks_now())


if __name__ == "__main__":
    main()
