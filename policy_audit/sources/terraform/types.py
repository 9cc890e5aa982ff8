"""Terraform's resource types as CloudFormation's: which argument is which property, and what attributes refer to.

Arguments and attributes: https://registry.terraform.io/providers/hashicorp/aws/latest/docs
"""

import os
from typing import Final

from policy_audit.record import NamedTuple


class Type(NamedTuple):
    """One resource type. `properties` are pairs of an argument's and a property's path.

    A path leads through blocks, of which the first counts where there may be several: `dns_resource.domain_name`.
    """

    name: str
    properties: tuple[tuple[str, str], ...]


_ALIASES: Final = {
    "aws_alb": "aws_lb",
    "aws_alb_listener": "aws_lb_listener",
    "aws_alb_target_group": "aws_lb_target_group",
    "aws_default_security_group": "aws_security_group",
}


def _lines(name: str) -> list[str]:
    """The lines of a table beside this module."""
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")]


def _read() -> dict[str, Type]:
    found: dict[str, Type] = {}
    name = kind = ""
    pairs: list[tuple[str, str]] = []
    for line in [*_lines("types.table"), "end of table"]:
        if line.startswith(" "):
            for word in line.split():
                argument, _, path = word.partition("=")
                pairs.append((argument, path))
            continue
        if name:
            found[name] = Type(kind, tuple(pairs))
        name, kind = line.split(None, 1)
        pairs = []
    return found | {alias: found[name] for alias, name in _ALIASES.items()}


TYPES: Final = _read()
"""By Terraform's name."""

_BLOCKS: Final = {
    "aws_cloudwatch_event_target": ("http_target",),
    "aws_iam_role": ("inline_policy",),
}
"""Blocks that are read beside those of the table."""


def arguments_of(kind: str) -> frozenset[str]:
    """The arguments and blocks of a type that the table has."""
    return frozenset(path.partition(".")[0] for path, _ in TYPES[kind].properties) if kind in TYPES else frozenset()


def is_block(kind: str, name: str) -> bool:
    """Whether what a type has by this name is a block that is read, so that a `dynamic` one may make it."""
    known = kind in TYPES and any(path.startswith(f"{name}.") for path, _ in TYPES[kind].properties)
    return known or name in _BLOCKS.get(kind, ())


REFERENCE: Final = "Ref"


def _read_attributes() -> dict[tuple[str, str], str]:
    found = {}
    for line in _lines("attributes.table"):
        name, *pairs = line.split()
        names = [name, *(alias for alias, meant in _ALIASES.items() if meant == name)]
        for pair in pairs:
            attribute, _, given = pair.partition("=")
            found.update({(one, attribute): given for one in names})
    return found


ATTRIBUTES: Final = _read_attributes()
"""What an attribute of a resource type is in CloudFormation: `Ref`, or an attribute for `Fn::GetAtt`."""

GENERATED_NAMES: Final = {
    "aws_cloudwatch_event_rule": "name",
    "aws_iam_policy": "name",
    "aws_iam_role": "name",
    "aws_iam_role_policy": "name",
    "aws_s3_bucket": "bucket",
    "aws_scheduler_schedule": "name",
    "aws_sfn_state_machine": "name",
    "aws_sns_topic": "name",
    "aws_sqs_queue": "name",
}
"""Where the provider makes up a name when none is given: `terraform-`, or the prefix that is given, and 26 digits."""

_SERVICES: Final = (
    "api_gateway",
    "apigatewayv2",
    "cloudwatch_event",
    "iam",
    "kms",
    "organizations",
    "pipes",
    "scheduler",
    "secretsmanager",
    "sfn",
    "vpclattice",
)


_CLOUD_CONTROL: Final = (
    "apigateway",
    "apigatewayv2",
    "events",
    "iam",
    "kms",
    "organizations",
    "pipes",
    "scheduler",
    "secretsmanager",
    "stepfunctions",
    "vpclattice",
)
"""The same services as the provider `awscc` calls them."""


def is_unread(name: str) -> bool:
    """Whether a type that is not translated may change what the audit is about."""
    if name.startswith("awscc_"):
        return name.startswith(tuple(f"awscc_{one}_" for one in _CLOUD_CONTROL))
    service = name.removeprefix("aws_")
    return name.startswith("aws_") and service.startswith(_SERVICES) and name not in _lines("harmless.table")
