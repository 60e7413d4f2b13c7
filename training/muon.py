"""An optimiser for the matrices inside the layers of a small model."""
import torch
from torch import Tensor


class Muon:
    """Momentum made orthogonal, for the matrices inside blocks (Jordan and others, 2024)."""
    def __init__(self, weights: list[Tensor], momentum: float = 0.95, decay: float = 0.02) -> None:
        self.weights, self.momentum, self.decay = weights, momentum, decay
        self.mean = [torch.zeros_like(weight) for weight in weights]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        shapes: dict[tuple[int, int], list[int]] = {}
        for i, weight in enumerate(self.weights):
            if weight.grad is None:
                continue
            self.mean[i].mul_(self.momentum).add_(weight.grad)
            rows, columns = weight.shape
            shapes.setdefault((min(rows, columns), max(rows, columns)), []).append(i)
        for members in shapes.values():
            steps = [self.weights[i].grad + self.momentum * self.mean[i] for i in members]
            flat = torch.stack([s if s.shape[0] <= s.shape[1] else s.T for s in steps])
            flat = flat / (flat.norm(dim=(1, 2), keepdim=True) + 1e-7)
            for _ in range(5):
                square = flat @ flat.mT
                flat = 3.4445 * flat + (-4.7750 * square + 2.0315 * square @ square) @ flat
            for i, turned in zip(members, flat):
                weight = self.weights[i]
                turned = turned if weight.shape[0] <= weight.shape[1] else turned.T
                weight.mul_(1 - rate * self.decay)
                weight.add_(turned, alpha=-rate * max(1, weight.shape[0] / weight.shape[1]) ** 0.5)
