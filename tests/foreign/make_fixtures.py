#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Computes with PyTorch what the tests in this folder compare Tessera with.

    make_fixtures.py [FOLDER]        FOLDER defaults to fixtures/ beside this script

Needs torch (1.13 or later), numpy and safetensors; run again, it writes the same numbers up to the
last bits of the installed PyTorch. Everything is computed in double. Arrays are stored as F64 in
PyTorch's order (batch, channels, height, width), labels too.

  ops.safetensors                <case>.input, .weight, .bias, .output_gradient (random), and what
                                 PyTorch makes of them: .output, .input_gradient, .weight_gradient,
                                 .bias_gradient
  losses.safetensors             <case>.scores, .targets, .class_weights, .loss, .gradient
  optimisers.safetensors         <case>.weights (before), .gradients (one row a step), .trajectory
                                 (weights after each step)
  training.safetensors           a small network trained for five steps by each optimiser
  narrow_*.safetensors           state_dict of an AlexNet with an eighth to a sixteenth of the
                                 width, as a user would save it, nothing else
  alexnets.safetensors           outputs of those for the patterned image, and of the three AlexNets
                                 in full width with patterned weights
  average_precision.safetensors  rankings with the devkit's AP by both rules

The pattern is an integer hash that the C++ side computes too, so that neither images nor 240 MB of
weights have to be stored.
"""
import math
import pathlib
import sys

import numpy
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch import nn

torch.set_default_dtype(torch.float64)


def pattern(stream, count):
    """count numbers in [-1, 1), multiples of 2^-23: element i of a stream is a hash of both."""
    with numpy.errstate(over="ignore"):
        x = numpy.arange(count, dtype=numpy.uint32)
        x = x * numpy.uint32(0x9E3779B9) + numpy.uint32(stream) * numpy.uint32(0x85EBCA6B)
        x ^= x >> numpy.uint32(16)
        x *= numpy.uint32(0x7FEB352D)
        x ^= x >> numpy.uint32(15)
        x *= numpy.uint32(0x846CA68B)
        x ^= x >> numpy.uint32(16)
    return (x >> numpy.uint32(8)).astype(numpy.float32) * numpy.float32(2.0**-23) - numpy.float32(1)


def pattern_scale(fan_in):
    """A power of two s with 3 < s^2 fan_in <= 12: deviations near He's."""
    scale = 1.0
    while scale * scale * fan_in > 12:
        scale /= 2
    return scale


def fill_with_pattern(net):
    """Parameter i of a network is stream i; biases reach from -1/2 to 1/2."""
    with torch.no_grad():
        for i, parameter in enumerate(net.parameters()):
            scale = 0.5 if parameter.dim() == 1 else pattern_scale(parameter[0].numel())
            values = pattern(i, parameter.numel()) * numpy.float32(scale)
            parameter.copy_(torch.from_numpy(values).view_as(parameter))


def pattern_image(side, reach):
    """Bytes minus the mean reach to 128, where LRN bends; torchvision's normalised ones to 2."""
    image = reach * pattern(1000, 3 * side * side).astype(numpy.float64)
    return torch.from_numpy(image).view(1, 3, side, side)


def save(path, tensors):
    plain = {}
    for name, value in tensors.items():
        if isinstance(value, torch.Tensor):
            value = value.detach().numpy()
        plain[name] = numpy.ascontiguousarray(value, dtype=numpy.float64)
    save_file(plain, str(path))


# ---------------------------------------------------------------- single layers

def operation(tensors, name, function, shape, weight=None, bias=None, quantised=False):
    x = torch.randn(shape)
    if quantised:  # many ties
        x = torch.round(x * 2) / 2
    leaves = {"input": x.requires_grad_()}
    if weight is not None:
        leaves["weight"] = (torch.randn(weight) / math.sqrt(math.prod(weight[1:]))).requires_grad_()
    if bias is not None:
        leaves["bias"] = torch.randn(bias).requires_grad_()
    y = function(*leaves.values())
    slope = torch.randn_like(y)
    y.backward(slope)
    tensors[f"{name}.output"] = y
    tensors[f"{name}.output_gradient"] = slope
    for role, leaf in leaves.items():
        tensors[f"{name}.{role}"] = leaf
        tensors[f"{name}.{role}_gradient"] = leaf.grad


def operations():
    tensors = {}

    def add(*arguments, **options):
        operation(tensors, *arguments, **options)

    add("conv", F.conv2d, (2, 3, 7, 6), (4, 3, 3, 3), (4,))
    add("conv_stride_pad", lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1),
        (2, 5, 8, 7), (6, 5, 3, 3), (6,))
    add("conv_groups", lambda x, w, b: F.conv2d(x, w, b, padding=2, groups=2),
        (2, 4, 6, 7), (6, 2, 5, 5), (6,))
    add("conv_depthwise", lambda x, w, b: F.conv2d(x, w, b, groups=6),
        (1, 6, 5, 4), (6, 1, 3, 3), (6,))
    add("conv_far_pad", lambda x, w, b: F.conv2d(F.pad(x, (0, 3, 0, 3)), w, b, stride=4),
        (1, 3, 20, 20), (4, 3, 11, 11), (4,))
    # Rounded up: (9 - 5) / 3 leaves 1, two rows and columns of zeros make it whole.
    add("conv_ceil", lambda x, w, b: F.conv2d(F.pad(x, (0, 2, 0, 2)), w, b, stride=3),
        (2, 2, 9, 9), (3, 2, 5, 5), (3,))
    add("conv_oblong", lambda x, w: F.conv2d(x, w), (2, 3, 6, 7), (4, 3, 5, 2))
    add("conv_pointwise", F.conv2d, (2, 5, 3, 4), (7, 5, 1, 1), (7,))
    add("linear", lambda x, w, b: F.linear(x.flatten(1), w, b).view(2, 7, 1, 1),
        (2, 3, 4, 5), (7, 60), (7,))
    add("relu", F.relu, (2, 3, 4, 5))
    add("softmax", lambda x: F.softmax(x, 1), (3, 6, 1, 1))
    add("softmax_map", lambda x: F.softmax(x, 1), (2, 5, 3, 4))
    # PyTorch divides alpha by the window's size, as Lrn does.
    add("lrn", lambda x: F.local_response_norm(x, 5, 1e-4, 0.75, 2.0), (2, 8, 3, 2))
    add("lrn_strong", lambda x: F.local_response_norm(x, 5, 2.0, 0.75, 1.0), (2, 8, 3, 2))
    add("lrn_three", lambda x: F.local_response_norm(x, 3, 0.5, 0.5, 1.5), (2, 7, 2, 3))
    add("lrn_few_channels", lambda x: F.local_response_norm(x, 5, 1.0, 0.75, 1.0), (2, 2, 2, 2))
    add("max_pool", lambda x: F.max_pool2d(x, 3, 2), (2, 3, 8, 7))
    add("max_pool_ceil", lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), (2, 3, 8, 6))
    add("max_pool_pad", lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), (2, 3, 8, 7))
    add("max_pool_disjoint", lambda x: F.max_pool2d(x, 2), (2, 3, 6, 5))
    add("max_pool_ties", lambda x: F.max_pool2d(F.relu(x), 3, 2), (2, 3, 9, 9), quantised=True)
    add("max_pool_global", lambda x: F.adaptive_max_pool2d(x, 1), (2, 3, 4, 5))
    add("average_pool", lambda x: F.avg_pool2d(x, 3, 2), (2, 3, 8, 7))
    add("average_pool_pad_ceil",
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False), (2, 3, 8, 7))
    return tensors


# ---------------------------------------------------------------- losses

def losses():
    tensors = {}

    def add(name, scores, targets, loss, class_weights=None):
        loss.backward()
        tensors[f"{name}.scores"] = scores
        tensors[f"{name}.targets"] = targets
        tensors[f"{name}.loss"] = loss.view(1)
        tensors[f"{name}.gradient"] = scores.grad
        if class_weights is not None:
            tensors[f"{name}.class_weights"] = class_weights

    scores = (3 * torch.randn(6, 5)).requires_grad_()
    labels = torch.tensor([0, 4, 2, 2, 1, 3])
    add("cross_entropy", scores, labels, F.cross_entropy(scores, labels))

    scores = (3 * torch.randn(6, 5)).requires_grad_()
    labels = torch.tensor([0, -1, 2, 2, -1, 3])
    add("cross_entropy_left_out", scores, labels,
        F.cross_entropy(scores, labels, ignore_index=-1))

    # PyTorch's weighted mean divides by the sum of the weights, Tessera's by the number of rows.
    scores = (3 * torch.randn(6, 5)).requires_grad_()
    weights = torch.tensor([0.25, 1.0, 3.0, 0.0, 0.5])
    labels = torch.tensor([0, 4, 2, -1, 1, 3])
    add("cross_entropy_weighted", scores, labels,
        F.cross_entropy(scores, labels, weights, ignore_index=-1, reduction="sum") / 5, weights)

    scores = torch.tensor([[1000.0, 0.0, -1000.0], [-2000.0, -2000.0, -1990.0]]).requires_grad_()
    labels = torch.tensor([2, 2])
    add("cross_entropy_far", scores, labels, F.cross_entropy(scores, labels))

    scores = (2 * torch.randn(2, 4, 3, 2)).requires_grad_()
    labels = torch.randint(-1, 4, (2, 3, 2))
    add("cross_entropy_map", scores, labels, F.cross_entropy(scores, labels, ignore_index=-1))

    scores = (4 * torch.randn(5, 7)).requires_grad_()
    signs = torch.randint(-1, 2, (5, 7))
    all_losses = F.binary_cross_entropy_with_logits(scores, (signs > 0).double(), reduction="none")
    add("multi_label", scores, signs, (all_losses * (signs != 0)).sum() / 5)

    scores = (2 * torch.randn(3, 4)).requires_grad_()
    wanted = torch.randn(3, 4)
    add("squared_error", scores, wanted, F.mse_loss(scores, wanted, reduction="sum") / 2 / 3)
    return tensors


# ---------------------------------------------------------------- optimisers

OPTIMISERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0, weight_decay=0),
    "sgd_decay": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0, weight_decay=0.05),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01,
                                          nesterov=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.02, betas=(0.9, 0.99), eps=1e-6,
                                         weight_decay=0.1),
}


def optimisers():
    tensors = {}
    steps, size = 8, 20
    for name, make in OPTIMISERS.items():
        weights = torch.randn(size).requires_grad_()
        gradients = torch.randn(steps, size) * torch.logspace(-3, 1, size)
        tensors[f"{name}.weights"] = weights.detach().clone()
        tensors[f"{name}.gradients"] = gradients
        optimiser = make([weights])
        trajectory = []
        for gradient in gradients:
            weights.grad = gradient.clone()
            optimiser.step()
            trajectory.append(weights.detach().clone())
        tensors[f"{name}.trajectory"] = torch.stack(trajectory)
    return tensors


class SmallNet(nn.Module):
    """A convolution, LRN, overlapping pooling, a grouped convolution, two Linears."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.lrn = nn.LocalResponseNorm(5, 0.5, 0.75, 1.0)
        self.pool = nn.MaxPool2d(3, 2)
        self.conv2 = nn.Conv2d(8, 6, 3, groups=2)
        self.fc3 = nn.Linear(6 * 3 * 3, 10)
        self.fc4 = nn.Linear(10, 4)

    def forward(self, x):
        x = self.pool(self.lrn(F.relu(self.conv1(x))))
        x = F.relu(self.conv2(x))
        return self.fc4(F.relu(self.fc3(x.flatten(1))))


def training():
    """Five steps over the same five batches; biases do not decay, as is Trainer's default."""
    tensors = {}
    steps, batch = 5, 4
    images = torch.randn(steps, batch, 3, 11, 11)
    labels = torch.randint(0, 4, (steps, batch))
    tensors["images"], tensors["labels"] = images, labels
    first = SmallNet()
    for name, value in first.state_dict().items():
        tensors[f"before.{name}"] = value.clone()
    for optimiser_name in ("momentum", "nesterov", "adamw"):
        net = SmallNet()
        net.load_state_dict(first.state_dict())
        optimiser = OPTIMISERS[optimiser_name](
            [{"params": [p for p in net.parameters() if p.dim() > 1]},
             {"params": [p for p in net.parameters() if p.dim() == 1], "weight_decay": 0}])
        history = []
        for x, y in zip(images, labels):
            optimiser.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimiser.step()
            history.append(loss.item())
        tensors[f"{optimiser_name}.losses"] = torch.tensor(history)
        for name, value in net.state_dict().items():
            tensors[f"{optimiser_name}.{name}"] = value
    return tensors


# ---------------------------------------------------------------- AlexNets

class Grouped(nn.Module):
    """The network of 2012, or CaffeNet, which pools before it normalises; C1 to FC8 by name."""

    def __init__(self, caffe=False, c=(96, 256, 384, 384, 256), hidden=4096, classes=1000):
        super().__init__()
        self.caffe = caffe
        self.conv1 = nn.Conv2d(3, c[0], 11, 4)
        self.conv2 = nn.Conv2d(c[0], c[1], 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(c[1], c[2], 3, padding=1)
        self.conv4 = nn.Conv2d(c[2], c[3], 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(c[3], c[4], 3, padding=1, groups=2)
        self.fc6 = nn.Linear(c[4] * 36, hidden)
        self.fc7 = nn.Linear(hidden, hidden)
        self.fc8 = nn.Linear(hidden, classes)

    def shrink(self, x):
        if self.caffe:
            x = F.max_pool2d(x, 3, 2, ceil_mode=True)
            return F.local_response_norm(x, 5, 1e-4, 0.75, 1.0)
        return F.max_pool2d(F.local_response_norm(x, 5, 1e-4, 0.75, 2.0), 3, 2)

    def forward(self, x):
        if not self.caffe:
            x = F.pad(x, (0, 3, 0, 3))
        x = self.shrink(F.relu(self.conv1(x)))
        x = self.shrink(F.relu(self.conv2(x)))
        x = F.relu(self.conv4(F.relu(self.conv3(x))))
        x = F.max_pool2d(F.relu(self.conv5(x)), 3, 2, ceil_mode=self.caffe)
        return self.fc8(F.relu(self.fc7(F.relu(self.fc6(x.flatten(1))))))


class Torchvision(nn.Module):
    """torchvision.models.alexnet."""

    def __init__(self, c=(64, 192, 384, 256, 256), hidden=4096, classes=1000):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, c[0], kernel_size=11, stride=4, padding=2), nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(c[0], c[1], kernel_size=5, padding=2), nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(c[1], c[2], kernel_size=3, padding=1), nn.ReLU(),
            nn.Conv2d(c[2], c[3], kernel_size=3, padding=1), nn.ReLU(),
            nn.Conv2d(c[3], c[4], kernel_size=3, padding=1), nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2))
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(c[4] * 36, hidden), nn.ReLU(),
            nn.Dropout(), nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, classes))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def alexnets(folder):
    outputs = {}
    grouped = {"c": (8, 16, 24, 24, 16), "hidden": 32, "classes": 10}
    narrow = {"narrow_2012": (Grouped(**grouped), 224, 128),
              "narrow_caffenet": (Grouped(caffe=True, **grouped), 227, 128),
              "narrow_torchvision": (Torchvision((4, 12, 24, 16, 16), 32, 10), 224, 2)}
    with torch.no_grad():
        for name, (net, *image) in narrow.items():
            for parameter in net.parameters():
                if parameter.dim() > 1:
                    nn.init.kaiming_normal_(parameter)
            # Saved in float, as everybody does; the outputs are those of the saved numbers.
            net.eval().float().double()
            outputs[name] = net(pattern_image(*image))
            save_file({key: value.float().numpy() for key, value in net.state_dict().items()},
                      str(folder / f"{name}.safetensors"), metadata={"format": "pt"})
        for name, make, *image in (("full_2012", Grouped, 224, 128),
                                   ("full_caffenet", lambda: Grouped(caffe=True), 227, 128),
                                   ("full_torchvision", Torchvision, 224, 2)):
            net = make().eval()
            fill_with_pattern(net)
            outputs[name] = net(pattern_image(*image))
    save(folder / "alexnets.safetensors", outputs)


# ---------------------------------------------------------------- average precision

def devkit_curve(labels, scores):
    """VOCevalcls.m: [so, si] = sort(-out); tp = gt(si) > 0; fp = gt(si) < 0."""
    order = numpy.argsort(-scores, kind="stable")
    tp = numpy.cumsum(labels[order] > 0)
    fp = numpy.cumsum(labels[order] < 0)
    with numpy.errstate(invalid="ignore"):
        return tp / numpy.sum(labels > 0), tp / (fp + tp)


def devkit_area(recall, precision):
    """VOCap.m. MATLAB's max passes over NaN, so does fmax."""
    mrec = numpy.concatenate(([0.0], recall, [1.0]))
    mpre = numpy.concatenate(([0.0], precision, [0.0]))
    for i in range(len(mpre) - 2, -1, -1):
        mpre[i] = numpy.fmax(mpre[i], mpre[i + 1])
    changes = numpy.nonzero(mrec[1:] != mrec[:-1])[0] + 1
    return numpy.sum((mrec[changes] - mrec[changes - 1]) * mpre[changes])


def devkit_eleven(recall, precision):
    """VOC 2007: t in 0:0.1:1, with t / 10 by division so that 3 of 10 reaches 0.3."""
    total = 0.0
    for t in range(11):
        reached = precision[recall >= t / 10]
        total += (numpy.nanmax(reached) if len(reached) else 0.0) / 11
    return total


def rankings():
    tensors = {}
    random = numpy.random.RandomState(7)
    for case in range(60):
        size = int(random.randint(1, 120))
        labels = random.choice([-1, 0, 1], size, p=[0.6, 0.15, 0.25])
        labels[random.randint(size)] = 1
        scores = random.randn(size) + 0.7 * labels
        if case % 3 == 1:
            scores = numpy.round(2 * scores) / 2  # ties, which keep the list's order
        if case % 3 == 2:
            labels[numpy.argsort(-scores)[: size // 8]] = 0  # the ranking begins with 0 / 0
            labels[numpy.argmin(scores)] = 1
            scores[random.rand(size) < 0.2] = -numpy.inf  # no answer
        curve = devkit_curve(labels, scores)
        tensors[f"{case}.labels"] = labels
        tensors[f"{case}.scores"] = scores
        tensors[f"{case}.area"] = [devkit_area(*curve)]
        tensors[f"{case}.eleven_point"] = [devkit_eleven(*curve)]
    return tensors


def main():
    default = pathlib.Path(__file__).parent / "fixtures"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(exist_ok=True)
    for name, make in (("ops", operations), ("losses", losses), ("optimisers", optimisers),
                       ("training", training), ("average_precision", rankings)):
        torch.manual_seed(1)
        save(folder / f"{name}.safetensors", make())
    torch.manual_seed(1)
    alexnets(folder)


if __name__ == "__main__":
    main()
