"""Operators of torch that its ONNX exporter lacks, or has only for sizes that are known, in operators that ONNX has.

torch.ops.aten.… --TABLE--> a function that builds its nodes (onnxscript)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import onnxscript
import torch

op: Any = onnxscript.opset18
"""Without types: they are those of tensors, and what is here are nodes."""
_MEAN: Final = 1


def bincount(values: Any, _weights: Any = None, minlength: Any = 0) -> Any:
    """How often each number from 0 to `minlength` - 1 stands in `values [N]`; none is larger here."""
    zeros = op.Expand(op.Constant(value_int=0), op.Reshape(minlength, op.Constant(value_ints=[-1])))
    ones = op.Expand(op.Constant(value_int=1), op.Shape(values))
    return op.ScatterElements(zeros, values, ones, axis=0, reduction="add")


def sort(values: Any, **_: Any) -> Any:
    """Of equal values ONNX takes the one with the lower index first, so its TopK is stable."""
    return op.TopK(values, op.Shape(values), axis=0, largest=0, sorted=1)


def embedding_bag(weight: Any, ids: Any, starts: Any, _by_frequency: bool = False, mode: int = 0, *_: Any) -> Any:
    """Sums (mode 0) or means (mode 1) of the rows `ids [R]` of `weight [W, E]`, a bag from each of `starts [N]` on.

    A row's bag is the number of starts up to it: empty bags have the start of the next, or R.
    """
    zero, one = op.Constant(value_ints=[0]), op.Constant(value_ints=[1])
    bags, rows = op.Shape(starts), op.Shape(ids)
    marks = op.ScatterElements(
        op.Expand(zero, op.Add(rows, one)), starts, op.Expand(one, bags), axis=0, reduction="add"
    )
    bag = op.Sub(op.CumSum(op.Slice(marks, zero, rows, zero), op.Constant(value_int=0)), one)
    found = op.Gather(weight, ids, axis=0)
    nothing = op.Expand(op.Constant(value_float=0.0), op.Concat(bags, op.Shape(weight, start=1), axis=0))
    places = op.Expand(op.Unsqueeze(bag, one), op.Shape(found))
    total = op.ScatterElements(nothing, places, found, axis=0, reduction="add")
    if mode == _MEAN:
        single = op.Constant(value_float=1.0)
        none = op.Expand(op.Constant(value_float=0.0), bags)
        count = op.ScatterElements(none, bag, op.Expand(single, rows), axis=0, reduction="add")
        total = op.Div(total, op.Unsqueeze(op.Max(count, single), one))
    # Torch's other three results are for its backward pass; nothing reads them.
    return total, op.Identity(bag), op.Identity(starts), op.Identity(starts)


TABLE: Final[dict[Callable[..., Any], Callable[..., Any]]] = {
    torch.ops.aten.bincount.default: bincount,
    torch.ops.aten.sort.stable: sort,
    torch.ops.aten._embedding_bag_forward_only.default: embedding_bag,
    torch.ops.aten.embedding_bag.padding_idx: embedding_bag,
}
