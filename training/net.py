"""The second reader's network as it is trained, and its conversion to whole numbers."""

import io

import numpy as np
import torch
from torch import Tensor, nn

DROPOUT = 0.15
SMALL = (20, 20, 32, 32, 48, 48)
LARGE = (24, 24, 40, 40, 56, 56)
SIDES = (5, 3, 3, 3, 3, 3)
STRIDES = (2, 1, 2, 1, 2, 1)
CHANNELS = 3
HIDDEN = 48


class Net(nn.Module):
    """Windows down to 6 x 6 pixels, a maximum over 2 x 2, two dense layers. Input (n, 3, 48, 48), 0 to 1."""

    def __init__(self, widths: tuple[int, ...] = SMALL) -> None:
        super().__init__()
        channels = (CHANNELS, *widths)
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, side, stride, side // 2, bias=False)
            for a, b, side, stride in zip(channels, widths, SIDES, STRIDES, strict=False)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths)
        self.dense = nn.Linear(9 * widths[-1], HIDDEN)
        self.last = nn.Linear(HIDDEN, 3)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        """Logarithms of the odds, (n, 3)."""
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = torch.relu(norm(conv(x)))
        x = torch.max_pool2d(x, 2).permute(0, 2, 3, 1).flatten(1)
        return self.last(self.drop(torch.relu(self.dense(self.drop(x)))))


def folded(net: Net) -> list[tuple[Tensor, Tensor]]:
    """Weights (in, out), as rows of windows, and biases, with the normalisation taken into them."""
    layers = []
    for conv, norm in zip(net.convs, net.norms, strict=True):
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weights = (conv.weight * gain[:, None, None, None]).permute(2, 3, 1, 0).flatten(0, 2)
        layers.append((weights.detach(), (norm.bias - norm.running_mean * gain).detach()))
    layers += [(dense.weight.T.detach(), dense.bias.detach()) for dense in (net.dense, net.last)]
    return layers


@torch.no_grad()
def largest(net: Net, seen: Tensor, batch: int = 512) -> list[float]:
    """What all but a hundred-thousandth of each layer's outputs stay below."""
    tops = [0.0] * (len(net.convs) + 1)
    for start in range(0, len(seen), batch):
        x = seen[start : start + batch].float() / 255
        for number, (conv, norm) in enumerate(zip(net.convs, net.norms, strict=True)):
            x = torch.relu(norm(conv(x)))
            tops[number] = max(tops[number], _top(x))
        x = torch.relu(net.dense(torch.max_pool2d(x, 2).permute(0, 2, 3, 1).flatten(1)))
        tops[-1] = max(tops[-1], _top(x))
    return tops


def _top(x: Tensor) -> float:
    flat = x.flatten()
    return (
        float(flat.kthvalue(max(1, int(len(flat) * (1 - 1e-5)))).values) if len(flat) < 1 << 22 else float(flat.max())
    )


def exported(net: Net, seen: Tensor, temperature: float) -> bytes:
    """The file that `aigaq.recount.reading.second` reads. `seen` are typical inputs, (n, 3, 48, 48), whole numbers."""
    net.eval()
    tops = [value / 255 for value in largest(net, seen)]
    ins, outs = [1 / 255, *tops], [*tops, temperature]
    arrays: dict[str, np.ndarray] = {
        "shapes": np.array([*zip(SIDES, STRIDES, strict=True), (0, 0), (0, 0)], np.uint8),
        "pool_before": np.array(len(net.convs), np.uint8),
    }
    for number, ((weights, bias), a, b) in enumerate(zip(folded(net), ins, outs, strict=True)):
        w = weights.cpu().double().numpy()
        step = np.abs(w).max(axis=0) / 127 + 1e-12
        arrays[f"weights{number}"] = np.rint(w / step).astype(np.int8)
        arrays[f"bias{number}"] = np.rint(bias.cpu().double().numpy() / (step * a)).astype(np.int32)
        arrays[f"scale{number}"] = (step * a / b).astype(np.float32)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()
