"""Reads what pictures.py cached: pictures, and which thing each patch shows."""
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pictures import GRID, THINGS


class Cache:
    def __init__(self, file: Path) -> None:
        arrays = np.load(file)
        self.images, self.things, self.boxes = arrays["images"], arrays["things"], arrays["boxes"]

    def __len__(self) -> int:
        return len(self.images)

    def things_of(self, number: int) -> list[str]:
        return [THINGS[thing] for thing in self.things[number] if thing >= 0]

    def owners_of(self, numbers: np.ndarray) -> np.ndarray:
        """[n, patches]: which of a picture's things covers a patch's centre, or -1."""
        centres = (np.arange(GRID) + 0.5) / GRID
        owners = np.full((len(numbers), GRID, GRID), -1)
        for row, number in enumerate(numbers):
            for i, (left, top, right, bottom) in enumerate(self.boxes[number]):
                inside = ((centres >= top) & (centres < bottom))[:, None] & ((centres >= left) & (centres < right))
                owners[row][inside] = i
        return owners.reshape(len(numbers), -1)

    def labels_of(self, numbers: np.ndarray) -> Tensor:
        """[n, patches]: the number of the thing that covers a patch's centre, or -1."""
        owners = self.owners_of(numbers)
        things = np.take_along_axis(self.things[numbers].astype(np.int64), np.maximum(owners, 0), 1)
        return torch.from_numpy(np.where(owners < 0, -1, things))

    def boxes_of(self, numbers: np.ndarray) -> Tensor:
        """[n, patches, 4]: the box of the thing that covers a patch's centre, else of any."""
        owners = np.maximum(self.owners_of(numbers), 0)
        return torch.from_numpy(np.take_along_axis(self.boxes[numbers], owners[..., None], 1))
