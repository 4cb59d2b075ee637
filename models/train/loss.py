"""SimOTA assignment and the YOLOX losses (Ge et al., "YOLOX: Exceeding YOLO Series in 2021").

Written from the paper: sections 2.1-2.3 (decoupled head, strong assignment) and the OTA cost of
section "SimOTA": classification cost + 3 x localisation cost, candidates in the box or within
2.5 cells of its centre, the number of positives of a box from the sum of its best overlaps.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

STRIDES = (8, 16, 32)
_CENTRE_CELLS = 2.5
_CANDIDATES = 10


def flatten(maps: list[tuple[Tensor, Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Boxes x0 y0 x1 y1 in pixels ``(b, n, 4)``, objectness and class logits, cells ``(n, 3)``.

    A cell is its centre's x and y and its stride, in pixels.
    """
    boxes, objects, classes, cells = [], [], [], []
    for (reg, obj, cls), stride in zip(maps, STRIDES, strict=True):
        height, width = reg.shape[2:]
        ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        grid = torch.stack((xs, ys), -1).reshape(-1, 2).float()
        flat = reg.float().flatten(2).transpose(1, 2)
        centre = (flat[..., :2] + grid) * stride
        half = flat[..., 2:].clamp(max=6.0).exp() * stride / 2
        boxes.append(torch.cat((centre - half, centre + half), -1))
        objects.append(obj.float().flatten(1))
        classes.append(cls.float().flatten(2).transpose(1, 2))
        size = torch.full((len(grid), 1), float(stride))
        cells.append(torch.cat(((grid + 0.5) * stride, size), -1))
    return torch.cat(boxes, 1), torch.cat(objects, 1), torch.cat(classes, 1), torch.cat(cells)


def overlaps(left: Tensor, right: Tensor) -> Tensor:
    """IoU of boxes ``(…, 4)``, broadcast: ``(n, 1, 4)`` and ``(1, m, 4)`` give every pair."""
    low = torch.maximum(left[..., :2], right[..., :2])
    high = torch.minimum(left[..., 2:], right[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    areas = [(b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1) for b in (left, right)]
    return both / (areas[0] + areas[1] - both + 1e-9)


def assign(
    truth: Tensor, kinds: Tensor, boxes: Tensor, objects: Tensor, classes: Tensor, cells: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """SimOTA for one picture: indices of positive cells, of their truth, and their IoU."""
    x, y, stride = cells.T
    inside = (x > truth[:, :1]) & (x < truth[:, 2:3]) & (y > truth[:, 1:2]) & (y < truth[:, 3:])
    middle = (truth[:, :2] + truth[:, 2:]) / 2
    reach = _CENTRE_CELLS * stride
    central = ((x - middle[:, :1]).abs() < reach) & ((y - middle[:, 1:]).abs() < reach)
    candidates = torch.nonzero((inside | central).any(0)).flatten()
    iou = overlaps(truth[:, None], boxes[candidates][None])
    probability = (classes[candidates].sigmoid() * objects[candidates, None].sigmoid()).sqrt()
    wanted = F.one_hot(kinds, classes.shape[-1]).float()
    cost = F.binary_cross_entropy(
        probability[None].expand(len(truth), -1, -1).clamp(1e-6, 1 - 1e-6),
        wanted[:, None].expand(-1, len(candidates), -1),
        reduction="none",
    ).sum(-1)
    cost = cost - 3.0 * (iou + 1e-8).log()
    cost = cost + 1e5 * ~(inside & central)[:, candidates]
    top = iou.topk(min(_CANDIDATES, iou.shape[1]), dim=1).values
    counts = top.sum(1).int().clamp(min=1)
    matched = torch.zeros_like(cost, dtype=torch.bool)
    for row, count in enumerate(counts.tolist()):
        matched[row, cost[row].topk(count, largest=False).indices] = True
    twice = torch.nonzero(matched.sum(0) > 1).flatten()
    if len(twice):
        best = cost[:, twice].argmin(0)
        matched[:, twice] = False
        matched[best, twice] = True
    rows, columns = torch.nonzero(matched, as_tuple=True)
    return candidates[columns], rows, iou[rows, columns]


def yolox_loss(
    maps: list[tuple[Tensor, Tensor, Tensor]], truths: list[tuple[Tensor, Tensor]]
) -> Tensor:
    """Mean loss of a batch; ``truths`` holds boxes ``(g, 4)`` pixels and kinds ``(g,)``."""
    boxes, objects, classes, cells = flatten(maps)
    wanted_object = torch.zeros_like(objects)
    box_loss = class_loss = objects.sum() * 0
    positives = 0
    for i, (truth, kinds) in enumerate(truths):
        if not len(truth):
            continue
        with torch.no_grad():
            cell, row, iou = assign(truth, kinds, boxes[i], objects[i], classes[i], cells)
        wanted_object[i, cell] = 1.0
        positives += len(cell)
        matched = overlaps(boxes[i, cell], truth[row])
        box_loss = box_loss + (1 - matched**2).sum()
        wanted = F.one_hot(kinds[row], classes.shape[-1]).float() * iou[:, None]
        class_loss = class_loss + F.binary_cross_entropy_with_logits(
            classes[i, cell], wanted, reduction="sum"
        )
    object_loss = F.binary_cross_entropy_with_logits(objects, wanted_object, reduction="sum")
    return (5.0 * box_loss + object_loss + class_loss) / max(positives, 1)
