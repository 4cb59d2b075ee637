"""Train a detector by a recipe; see README.md beside this file.

python models/train/train.py models/train/rubbish.toml --data DIR --base yolox_nano.onnx --out DIR
"""

from __future__ import annotations

import argparse
import copy
import math
import queue
import random
import threading
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import banners
import cv2
import numpy as np
import torch
from data import Cutout, Sample, augmented, cut_out, fitted, load_entries, pasted, read_picture
from graph import YoloxGraph
from loss import yolox_loss

_EMPTY = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)


class Pictures:
    """Draws training pictures as the recipe says.

    Args:
        recipe: the parsed TOML.
        data: folder that the recipe's paths are below.
        seed: of everything random.
    """

    def __init__(self, recipe: dict, data: Path, seed: int) -> None:
        self.recipe = recipe
        self.rng = random.Random(seed)
        self.positives = load_entries(recipe["positives"], data)
        self.negatives = [
            Sample(read_picture(path), *_EMPTY)
            for pattern in recipe.get("negatives", [])
            for path in sorted(data.glob(pattern))
        ]
        self.weights = [1.0] * len(self.negatives)
        paste = recipe.get("paste", {})
        self.cutouts: list[Cutout] = []
        if paste:
            self.cutouts = cut_out(data / paste["folder"], paste["limit"], self.rng)

    def mine(self, model: YoloxGraph, side: int) -> None:
        """Hard negatives: draw a background picture the more often the surer the model is of it."""
        self.weights = []
        for sample in self.negatives:
            picture = fitted(sample, side).picture.transpose(2, 0, 1)[None]
            with torch.no_grad():
                maps = model(torch.from_numpy(np.ascontiguousarray(picture)).float())
            surest = max(float((o.sigmoid() * c.sigmoid()).max()) for _, o, c in maps)
            self.weights.append(1 + 10 * surest)
        print(f"mined: {sum(w > 4 for w in self.weights)} of {len(self.weights)} fire", flush=True)

    def draw(self) -> Sample:
        """One labelled picture, not yet augmented."""
        chances = self.recipe["chances"]
        if self.negatives and self.rng.random() < chances["negative"]:
            sample = self.rng.choices(self.negatives, self.weights)[0]
        else:
            sample = self.rng.choice(self.positives)
        if self.cutouts and not len(sample.boxes) and self.rng.random() < chances["paste"]:
            sample = pasted(sample, self.cutouts, self.rng)
        if self.rng.random() < chances.get("banner", 0):
            sample = banners.hung(sample, self.recipe["classes"].index("banner"), self.rng)
        return sample

    def batch(self, size: int, side: int, *, plain: bool) -> tuple[torch.Tensor, list]:
        """Pictures ``(size, 3, side, side)`` BGR 0-255, and their truths."""
        augment = self.recipe["augment"]
        scales = tuple(augment["scales"])
        samples = [
            augmented(
                self.draw,
                side,
                self.rng,
                mosaic=0 if plain else augment["mosaic"],
                scales=scales,
                lean_deg=augment["lean_deg"],
            )
            for _ in range(size)
        ]
        pictures = np.stack([s.picture for s in samples]).transpose(0, 3, 1, 2)
        truths = [(torch.from_numpy(s.boxes), torch.from_numpy(s.kinds)) for s in samples]
        return torch.from_numpy(np.ascontiguousarray(pictures)).float(), truths


def _prefetched(make: Callable[[], tuple], depth: int = 6) -> Callable[[], tuple]:
    """Batches made by a thread: OpenCV and torch both let go of the interpreter."""
    waiting: queue.Queue = queue.Queue(depth)

    def work() -> None:
        while True:
            waiting.put(make())

    threading.Thread(target=work, daemon=True).start()
    return waiting.get


def _groups(model: YoloxGraph, recipe: dict, pictures: Pictures) -> list[dict]:
    """What learns, and how fast: the prediction layers three times the rate.

    Without batch norms nothing reins in a large step, so the backbone keeps what it knows; with
    them (``norms``) it learns too, at a share of the rate.
    """
    rate, early = recipe["rate"], set(model.early)
    if recipe.get("norms"):
        model.unfold(pictures.batch(48, recipe["side"], plain=False)[0])
    kept = [p for n, p in model.weights.items() if n in early]
    heads = [p for n, p in model.weights.items() if "_preds" in n]
    body = [p for n, p in model.weights.items() if n not in early and "_preds" not in n]
    if not recipe.get("norms"):
        for parameter in kept:
            parameter.requires_grad_(False)
        return [{"params": body, "lr": rate}, {"params": heads, "lr": rate * 3}]
    norms = {n: list(norm.parameters()) for n, norm in model.norms.items()}
    first = [p for n, found in norms.items() if n in early for p in found]
    later = [p for n, found in norms.items() if n not in early for p in found]
    slow = rate * recipe["backbone_rate"]
    return [
        {"params": kept, "lr": slow},
        {"params": first, "lr": slow, "weight_decay": 0.0},
        {"params": body, "lr": rate},
        {"params": later, "lr": rate, "weight_decay": 0.0},
        {"params": heads, "lr": rate * 3},
    ]


def _floats(model: YoloxGraph) -> list[torch.Tensor]:
    """Everything that is averaged: weights, and the running figures of the batch norms."""
    buffers = [b for b in model.buffers() if b.is_floating_point()]
    return [*model.parameters(), *buffers]


def train(
    recipe: dict, data: Path, base: Path, out: Path, *, minutes: float | None, resume: bool
) -> None:
    """Fine-tune; ``out`` gets ``model.onnx`` now and then, from the averaged weights."""
    seed, side = recipe["seed"] + resume, recipe["side"]
    torch.manual_seed(seed)
    torch.set_num_threads(recipe.get("threads", 1))
    pictures = Pictures(recipe, data, seed)
    print(
        f"{len(pictures.positives)} positives, {len(pictures.negatives)} negatives, "
        f"{len(pictures.cutouts)} cut-outs",
        flush=True,
    )
    model = YoloxGraph(base)
    if recipe.get("mine"):
        pictures.mine(model, side)
    if not resume:
        model.set_classes(recipe["ancestors"])
    groups = _groups(model, recipe, pictures)
    average = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(groups, weight_decay=0.005)
    tops = [group["lr"] for group in groups]
    steps, warm = recipe["steps"], recipe.get("warm", 200)
    began = time.time()
    done = {"step": 0}

    def share() -> float:
        by_steps = done["step"] / steps
        return max(by_steps, (time.time() - began) / (60 * minutes)) if minutes else by_steps

    def make() -> tuple:
        now = [size for begin, size in recipe.get("grow", [[0, side]]) if share() >= begin][-1]
        return pictures.batch(recipe["batch"], now, plain=share() > 0.85)

    take = _prefetched(make)
    smooth = None
    while share() < 1:
        step = done["step"]
        factor = min(step / warm, 1) * (0.02 + 0.98 * (1 + math.cos(math.pi * min(share(), 1))) / 2)
        for group, top in zip(optimiser.param_groups, tops, strict=True):
            group["lr"] = top * factor
        tensor, truths = take()
        tensor = tensor.to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            maps = model(tensor)
        loss = yolox_loss(maps, truths)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimiser.step()
        decay = min(0.998, (1 + step) / (10 + step))
        with torch.no_grad():
            for old, new in zip(_floats(average), _floats(model), strict=True):
                old.lerp_(new, 1 - decay)
        smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()
        done["step"] += 1
        if done["step"] % 50 == 0:
            spent = time.time() - began
            print(
                f"step {step + 1} share {share():.2f} loss {smooth:.3f} "
                f"{done['step'] * recipe['batch'] / spent:.1f} pictures/s",
                flush=True,
            )
        if done["step"] % 100 == 0:
            average.save(out / "model.onnx", side)
    average.save(out / "model.onnx", side)


def show(recipe: dict, data: Path, out: Path) -> None:
    """Sixteen training pictures with their boxes, to be looked at."""
    pictures = Pictures(recipe, data, recipe["seed"])
    tiles = []
    for i in range(24):
        augment = recipe["augment"]
        s = augmented(
            pictures.draw,
            recipe["side"],
            pictures.rng,
            mosaic=augment["mosaic"] if i % 2 else 0,
            scales=tuple(augment["scales"]),
            lean_deg=augment["lean_deg"],
        )
        for box, kind in zip(s.boxes.astype(int), s.kinds, strict=True):
            colour = ((0, 0, 255), (0, 255, 0), (255, 0, 0), (0, 255, 255))[kind % 4]
            cv2.rectangle(s.picture, box[:2].tolist(), box[2:].tolist(), colour, 2)
        tiles.append(cv2.resize(s.picture, (320, 320)))
    cv2.imwrite(
        str(out / "training.jpg"), np.vstack([np.hstack(tiles[i : i + 6]) for i in range(0, 24, 6)])
    )


def main() -> None:
    """Read the recipe, train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, help="end earlier, with the schedule shortened")
    parser.add_argument("--resume", action="store_true", help="another leg: keep the class heads")
    parser.add_argument("--show", action="store_true", help="only draw training pictures")
    given = parser.parse_args()
    recipe = tomllib.loads(given.recipe.read_text())
    given.out.mkdir(parents=True, exist_ok=True)
    if given.show:
        show(recipe, given.data, given.out)
    else:
        train(recipe, given.data, given.base, given.out, minutes=given.minutes, resume=given.resume)


if __name__ == "__main__":
    main()
