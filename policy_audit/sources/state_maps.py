"""Reads what a Map state in DISTRIBUTED mode takes from S3 and writes there: calls of the role like those of a task."""

from policy_audit.model.call import DistributedMap, Field, Task
from policy_audit.model.node import Mapping, Scalar
from policy_audit.sources.state_tasks import State, TaskReader


def read_distributed_map(state: State, reader: TaskReader) -> DistributedMap | None:
    """The Map that `state` is; None where its mode is not known to be DISTRIBUTED.

    https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
    """
    processor = state.body.get("ItemProcessor") or state.body.get("Iterator")
    config = processor.get("ProcessorConfig") if isinstance(processor, Mapping) else None
    mode = config.get("Mode") if isinstance(config, Mapping) else None
    if not isinstance(mode, Scalar) or mode.text != "DISTRIBUTED":
        return None
    label = state.body.get("Label")
    return DistributedMap(
        " / ".join((*state.path, state.name)),
        state.key.place.span,
        Field(label.text, label.place.span) if isinstance(label, Scalar) else None,
        _call(state, "ItemReader", reader),
        _call(state, "ResultWriter", reader),
    )


def _call(state: State, name: str, reader: TaskReader) -> Task | None:
    """The call that `ItemReader` or `ResultWriter` describes: each has a `Resource` and arguments, as a task has."""
    node = state.body.get(name)
    if not isinstance(node, Mapping) or node.get("Resource") is None:
        # A writer without `Resource` only formats the results.
        return None
    return reader.read(state._replace(body=node))
