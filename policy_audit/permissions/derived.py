"""The least policies for a set of templates: of every role and API, whatever the templates' conditions are."""

from collections.abc import Sequence

from policy_audit.findings import Skipped
from policy_audit.model.resources import Role
from policy_audit.model.value import Symbols
from policy_audit.options import Options
from policy_audit.permissions.apis import ApiPolicy, api_policies
from policy_audit.permissions.roles import RolePolicy, role_policies
from policy_audit.record import NamedTuple
from policy_audit.rulebook.derive import derive
from policy_audit.rulebook.read import read_rules
from policy_audit.rulebook.requirement import Requirement
from policy_audit.sources.cloudformation import named_in_vain, read_system, unsupported
from policy_audit.sources.estate import Estate, said
from policy_audit.sources.files import load
from policy_audit.sources.template import Template


class Least(NamedTuple):
    """The policies, what they are written with, and what could not be read."""

    roles: tuple[RolePolicy, ...]
    apis: tuple[ApiPolicy, ...]
    templates: tuple[Template, ...]
    symbols: Symbols
    skipped: tuple[Skipped, ...]


def least(paths: Sequence[str], options: Options, cache: str = "") -> Least:
    """The least policies of the roles and APIs at `paths`. Raises AuditError when nothing is there to be audited.

    A role's policy is enough in every combination of the templates' conditions. That of an API is made for the first
    in which it exists.
    """
    rules = tuple(rule for rule in read_rules(options.rules, cache) if rule.id not in options.disabled)
    loaded = load(paths, options.policies_are, options.parameters)
    estate = Estate(loaded.inputs, said(options))
    asked: dict[str, list[Requirement]] = {}
    roles: dict[str, Role] = {}
    apis: dict[str, ApiPolicy] = {}
    for _ in estate.worlds():
        system = read_system(estate, options.callers, options.deployers, cache)
        found = derive(rules, system)
        for requirement in found:
            same = asked.setdefault(requirement.sentence, [])
            if not any(one.asks == requirement.asks for one in same):
                same.append(requirement)
        roles |= {role.arn: role for role in system.roles}
        for policy in api_policies(found, system):
            apis.setdefault(policy.api.address, policy)
    every = [one for same in asked.values() for one in same]
    skipped = (*loaded.omitted, *named_in_vain(estate, options.callers, options.deployers), *unsupported(estate))
    return Least(
        role_policies(every, roles, estate.symbols),
        tuple(apis.values()),
        tuple(estate.templates),
        estate.symbols,
        skipped,
    )
