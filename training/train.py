"""Trains, calibrates, exports: `python -m training.train TRAIN VALID --out FOLDER`. Writes second.npz and more."""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from aigaq.recount.reading import second
from training.augment import Augment
from training.crops import Rows, read, thinned, whole_odds
from training.net import LARGE, SMALL, Net, exported


def evened(crops: Tensor) -> Tensor:
    """As `second.look` does it."""
    rank = int(second.CROP**2 * 0.8) + 1
    paper = crops.flatten(1).kthvalue(rank, dim=1).values.clamp(min=1)
    return (crops * (second.PAPER / paper)[:, None, None]).round().clamp(max=255)


def seen(crops: Tensor, blanks: Tensor) -> Tensor:
    """(n, 3, 48, 48), whole numbers, as `second.look` makes them."""
    crop, blank = evened(crops.float()), evened(blanks.float())
    return torch.stack([crop, blank, (second.EVEN + second.ENLARGED * (crop - blank)).clamp(0, 255)], dim=1)


class Trainer:
    """One run on one device."""

    def __init__(self, rows: Rows, device: str, widths: tuple[int, ...], bank: int) -> None:
        self._device = device
        self._crops, self._blanks = (torch.from_numpy(a).to(device) for a in (rows.crops, rows.blanks))
        self._targets = torch.from_numpy(rows.targets).to(device)
        self._clear = torch.from_numpy(rows.columns["visible"] > 0.97).to(device)
        self._px = torch.from_numpy(rows.columns["box_px"]).to(device)
        self._augment = Augment(device, bank, 5)
        self.net = Net(widths).to(device)
        self.average = Net(widths).to(device)

    def run(self, steps: int, batch: int, seconds: float, rate: float) -> int:
        """Until so many steps are done or the time is up; the learning rate follows whichever is nearer."""
        optimiser = torch.optim.AdamW(self.net.parameters(), lr=rate, weight_decay=0.02)
        began, share, step = time.monotonic(), 0.0, 0
        while share < 1:
            for group in optimiser.param_groups:
                group["lr"] = rate * min(1, step / 100) * (0.5 + 0.5 * np.cos(np.pi * share)) + 1e-6
            loss = self._step(optimiser, batch)
            self._follow(min(0.998, step / (step + 10)))
            step += 1
            share = max(step / steps, (time.monotonic() - began) / seconds)
            if step % max(1, steps // 25) == 0:
                print(f"step {step} loss {float(loss):.4f} {time.monotonic() - began:.0f} s", flush=True)
        return step

    def _step(self, optimiser: torch.optim.Optimizer, batch: int) -> Tensor:
        pick = torch.randint(len(self._crops), (batch,), device=self._device)
        with torch.no_grad():
            crops, blanks, target = self._augment(
                self._crops[pick], self._blanks[pick], self._targets[pick], self._clear[pick], self._px[pick]
            )
            inputs = seen(crops, blanks) / 255
        self.net.train()
        loss = functional.cross_entropy(self.net(inputs), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.detach()

    @torch.no_grad()
    def _follow(self, keep: float) -> None:
        for mine, other in zip(self.average.state_dict().values(), self.net.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.mul_(keep).add_(other, alpha=1 - keep)
            else:
                mine.copy_(other)


@torch.no_grad()
def odds(net: Net, inputs: Tensor, batch: int = 1024) -> Tensor:
    """What the network says before it is made whole numbers."""
    net.eval()
    return torch.cat([net(inputs[i : i + batch].float() / 255) for i in range(0, len(inputs), batch)])


def temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """What the logits are divided by so that they say how often they are right: least cross entropy."""
    choices = np.geomspace(0.4, 4, 60)
    losses = [-(targets * _log_softmax(logits / t)).sum(axis=1).mean() for t in choices]
    return float(choices[int(np.argmin(losses))])


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    top = logits - logits.max(axis=1, keepdims=True)
    return top - np.log(np.exp(top).sum(axis=1, keepdims=True))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("valid", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--bank", type=int, default=6000, help="how many drawn marks")
    parser.add_argument("--check", type=int, default=15_000, help="how many rows to calibrate by")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--start", type=Path, help="second.pt of an earlier run to go on from")
    parser.add_argument("--rate", type=float, default=3e-3)
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(1)
    rows, valid = read(args.train.glob("*.npz")), thinned(read(args.valid.glob("*.npz")), args.check)
    print(f"{len(rows)} rows to learn from, {len(valid)} to check by, {device}", flush=True)
    trainer = Trainer(rows, device, LARGE if args.large else SMALL, args.bank)
    if args.start:
        for net in (trainer.net, trainer.average):
            net.load_state_dict(torch.load(args.start, map_location=device, weights_only=True))
    steps = trainer.run(args.steps, args.batch, args.seconds, args.rate)
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(trainer.average.state_dict(), args.out / "second.pt")
    content, facts = finished(trainer.average, valid, device)
    (args.out / "second.npz").write_bytes(content)
    facts |= {"rows": len(rows), "valid": len(valid), "steps": steps, "batch": args.batch}
    (args.out / "training.json").write_text(json.dumps(facts, indent=1) + "\n")
    print(json.dumps(facts, indent=1))


def finished(net: Net, valid: Rows, device: str) -> tuple[bytes, dict[str, float]]:
    """The calibrated weights in whole numbers, and how they do beside the network as it was trained."""
    inputs = torch.cat(
        [
            seen(*(torch.from_numpy(part[i : i + 4096]).to(device) for part in (valid.crops, valid.blanks)))
            for i in range(0, len(valid), 4096)
        ]
    )
    whole = whole_odds(valid, second.load(exported(net, inputs[:4096], 1.0)))
    warmth = temperature(whole, valid.targets)
    content = exported(net, inputs[:4096], warmth)
    real = odds(net, inputs).cpu().numpy()
    sure = valid.targets.max(axis=1) == 1
    right = valid.targets.argmax(axis=1)
    return content, {
        "temperature": warmth,
        "bytes": len(content),
        "right_real": float((real.argmax(1) == right)[sure].mean()),
        "right_whole": float((whole.argmax(1) == right)[sure].mean()),
        "largest_difference": float(np.abs(real - whole).max()),
    }


if __name__ == "__main__":
    main()
