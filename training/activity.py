"""How active neurons are in each picture, and how much they write: what two penalties are made of."""
import torch
from torch import Tensor, nn

from model import Batch

MARGIN = 0.5  # below zero, where a neuron counts as silent


class Activity:
    """Sees what every MLP makes of a batch, in the vision tower, the projector and the language model.

    active: the root mean square of a neuron's pre-activation, as far as it is above -MARGIN, over the
    positions of a picture and its questions; written: that of what the neuron adds to the states that
    are read, of the last language layer therefore only where an answer's token is said.
    """
    def __init__(self, model: nn.Module) -> None:
        self.batch: Batch | None = None
        self.active: dict[str, list[Tensor]] = {}
        self.written: dict[str, list[Tensor]] = {}
        *read, last = model.model.vision_tower.encoder.layers
        projector = model.model.multi_modal_projector
        for layer in read:
            self.watch("vision", layer.mlp.fc1, layer.mlp.fc2)
        self.watch("vision", projector.linear_1, projector.linear_2)
        # What nobody reads is run for the penalty alone, and changes nothing below it.
        last.mlp.fc1.register_forward_hook(lambda _, inputs, out: self.add_active("vision", out))
        read[-1].register_forward_hook(lambda _, inputs, out: self.run_unread(last, out))
        layers = model.model.language_model.layers
        for layer in layers:
            self.watch("language", layer.mlp.gate_proj, layer.mlp.down_proj, layer is layers[-1])

    def watch(self, part: str, up: nn.Linear, down: nn.Linear, said: bool = False) -> None:
        up.register_forward_hook(lambda _, inputs, out: self.add_active(part, out))
        down.register_forward_pre_hook(lambda _, inputs: self.add_written(part, inputs[0], down, said))

    def begin(self, batch: Batch | None) -> None:
        """Watches what is made of `batch`, or nothing."""
        self.batch = batch
        self.active = {"vision": [], "language": []}
        self.written = {"vision": [], "language": []}

    def run_unread(self, layer: nn.Module, out) -> None:
        if self.batch is not None:
            layer((out if isinstance(out, Tensor) else out[0]).detach(), None)

    def mean(self, part: str, square: Tensor, said: bool) -> Tensor:
        """The root mean over the positions of each picture [pictures, neurons]."""
        if part == "vision":
            mean = square.reshape(len(self.batch.tiles), -1, square.shape[-1]).mean(1)
        else:
            used = self.batch.used
            if said:
                used = torch.zeros_like(used)
                used[:, -self.batch.words.shape[1]:] = self.batch.targets != -100
            mean = (square * used[:, :, None]).sum(1) / used.sum(1).clamp(min=1)[:, None]
        return (mean + 1e-6).sqrt()

    def add_active(self, part: str, values: Tensor) -> None:
        if self.batch is not None:
            self.active[part].append(self.mean(part, (values + MARGIN).relu().square(), False))

    def add_written(self, part: str, values: Tensor, down: nn.Linear, said: bool) -> None:
        if self.batch is not None:
            size = down.weight.norm(dim=0)
            self.written[part].append(self.mean(part, values.square(), said) * size)


def entropy(shares: Tensor) -> Tensor:
    return -torch.special.xlogy(shares, shares).sum(-1)


def sparse(layers: list[Tensor]) -> Tensor:
    """Over layers, the sum of mean activity: the group lasso of pictures and neurons."""
    return torch.stack([active.mean() for active in layers]).sum()


def alike(layers: list[Tensor], few: float) -> Tensor:
    """Over layers, how little the neurons that write in one picture differ from those of all.

    The negative of the information (in nats) that a neuron that writes gives about the picture; and,
    `few` times, the entropy of who writes in a picture.
    """
    total = []
    for written in layers:
        shares = written / written.sum(1, keepdim=True)
        total.append(entropy(shares).mean() * (1 + few) - entropy(shares.mean(0)))
    return torch.stack(total).sum()
