"""What the catalog has of actions, for a person and for a program."""

from collections.abc import Iterable, Iterator, Sequence

from policy_audit.errors import AuditError
from policy_audit.formats.visible import visible
from policy_audit.iam.catalog import Catalog
from policy_audit.iam.grammar_texts import action_problem
from policy_audit.iam.reference import PAGES, Action, ConditionKey, ResourceType, Unlisted
from policy_audit.record import NamedTuple


class Description(NamedTuple):
    """An action with what belongs to it. `page` is AWS's, and `source` the data that the rest is from."""

    action: Action
    resource_types: tuple[ResourceType, ...]
    condition_keys: tuple[ConditionKey, ...]
    page: str
    source: str


def describe(catalog: Catalog, patterns: Iterable[str]) -> list[Description]:
    """The actions that `patterns` of a policy stand for, each once. Raises AuditError at one that stands for none."""
    found: dict[str, Description] = {}
    for pattern in patterns:
        actions = catalog.actions_matching(pattern)
        if not actions:
            raise _unknown(catalog, pattern)
        found.update((action.name, _description(catalog, action)) for action in actions if action.name not in found)
    return list(found.values())


def _description(catalog: Catalog, action: Action) -> Description:
    service = catalog.service(action.name.partition(":")[0])
    types, keys = catalog.resource_types(action.name), catalog.condition_keys(action.name)
    assert not isinstance(service, Unlisted) and not isinstance(types, Unlisted) and not isinstance(keys, Unlisted)
    return Description(action, types, keys, service.page, catalog.source)


def _unknown(catalog: Catalog, pattern: str) -> AuditError:
    unlisted, problem = catalog.action(pattern), action_problem(pattern)
    assert isinstance(unlisted, Unlisted)
    if problem:
        return AuditError(problem)
    return AuditError(unlisted.reason, help=catalog.suggestion(pattern) or f"AWS may have it since: {PAGES}")


def render(descriptions: Sequence[Description], output: str) -> str:
    """A block of lines for each action; or, for `json`, an array of objects."""
    if output == "json":
        from policy_audit.formats.json import dumped

        return dumped([_object(each) for each in descriptions])
    return "\n".join("".join(f"{visible(line)}\n" for line in _lines(each)) for each in descriptions)


def _lines(described: Description) -> Iterator[str]:
    action = described.action
    yield f"{action.name}  {action.access_level}"
    if action.description:
        yield f"  {action.description}"
    if described.resource_types:
        yield "  resource types (*required):"
        width = max(len(each.name) for each in described.resource_types) + 1
        for each in described.resource_types:
            yield from _type_lines(each, width)
    else:
        yield "  no resource types: `Resource` must be `*`"
    if described.condition_keys:
        yield "  condition keys, beside the global ones:"
        width = max(len(key.name) for key in described.condition_keys)
        yield from (f"    {key.name:<{width}}  {key.type}".rstrip() for key in described.condition_keys)
    if action.dependent_actions:
        yield "  may also need: " + ", ".join(action.dependent_actions)
    if action.corrections:
        yield "  corrected:"
    for correction in action.corrections:
        yield f"    {correction.says}"
        yield f"    {correction.page}"
    yield f"  {described.page} as {described.source} has it"


def _type_lines(resource_type: ResourceType, width: int) -> Iterator[str]:
    name = resource_type.name + "*" * resource_type.is_required
    for arn in resource_type.arns:
        yield f"    {name:<{width}}  {arn}"
        name = ""


def _object(described: Description) -> dict[str, object]:
    action = described.action
    return {
        "name": action.name,
        "description": action.description,
        "access_level": action.access_level,
        "resource_types": [
            {
                "name": each.name,
                "arns": list(each.arns),
                "required": each.is_required,
                "condition_keys": list(each.condition_keys),
            }
            for each in described.resource_types
        ],
        "condition_keys": [
            {"name": key.name, "type": key.type or None, "multivalued": key.is_multivalued if key.type else None}
            for key in described.condition_keys
        ],
        "dependent_actions": list(action.dependent_actions),
        "corrections": [{"says": each.says, "page": each.page} for each in action.corrections],
        "partial": action.is_partial,
        "page": described.page,
        "source": described.source,
    }
