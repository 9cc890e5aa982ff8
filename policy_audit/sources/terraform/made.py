"""What AWS has made for resources that exist, as a state has it: ids, and the parts of ARNs that nobody chose."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from policy_audit.sources.terraform.instances import Instance
from policy_audit.sources.terraform.values import argument
from policy_audit.sources.tree import text

Parts = Iterator[tuple[str, str]]
"""By what tells one from another of a resource (`physical_ids.Ids.made`), what AWS made."""


def made_by_aws(instances: Sequence[Instance]) -> Mapping[str, Mapping[str, str]]:
    """By logical id, the parts that AWS has made: `{"": "a1b2c3d4e5"}` of an API is its id."""
    return {
        one.address: {part: made for part, made in _PARTS.get(one.type, _id)(one) if made}
        for one in instances
        if one.mode == "managed"
    }


def _text(instance: Instance, path: str) -> str:
    return text(argument(instance, path)) or ""


def _id(instance: Instance) -> Parts:
    yield "", _text(instance, "id")
    yield ".Terraform.id", _text(instance, "id")
    yield ".Terraform.arn", _text(instance, "arn")


def _named(_: Instance) -> Parts:
    """Nothing: what is known of it is made of its name."""
    yield from ()


def _rest_api(instance: Instance) -> Parts:
    yield "", _text(instance, "id")
    yield ".RootResourceId", _text(instance, "root_resource_id")


def _unique(instance: Instance) -> Parts:
    yield ".UUID", _text(instance, "arn").rpartition("/")[2]


def _connection(instance: Instance) -> Parts:
    yield from _unique(instance)
    name = _text(instance, "name")
    yield ".SecretArn", _text(instance, "secret_arn").partition(f":secret:events!connection/{name}/")[2]


def _endpoint(instance: Instance) -> Parts:
    own = _text(instance, "id")
    yield "", own.removeprefix("vpce-")
    yield ".HostedZoneId", _text(instance, "dns_entry.0.hosted_zone_id")
    host = _text(instance, "dns_entry.0.dns_name").partition(".")[0]
    yield ".DnsLabel", host.removeprefix(f"{own}-") if host.startswith(f"{own}-") else ""


def _vpc(instance: Instance) -> Parts:
    yield "", _text(instance, "id").removeprefix("vpc-")


def _lattice(instance: Instance) -> Parts:
    yield ".Id", _text(instance, "id")


def _arn(instance: Instance) -> Parts:
    yield "", _text(instance, "arn")
    yield ".DNSName", _text(instance, "dns_name")


def _key(instance: Instance) -> Parts:
    yield "", _text(instance, "key_id")


def _task_definition(instance: Instance) -> Parts:
    yield ".Revision", _text(instance, "revision")


_PARTS: Final[dict[str, Callable[[Instance], Parts]]] = {
    "aws_api_gateway_rest_api": _rest_api,
    "aws_cloudwatch_event_api_destination": _unique,
    "aws_cloudwatch_event_bus": _named,
    "aws_cloudwatch_event_connection": _connection,
    "aws_cloudwatch_event_rule": _named,
    "aws_ecs_task_definition": _task_definition,
    "aws_iam_policy": _named,
    "aws_iam_role": _named,
    "aws_kms_key": _key,
    "aws_lb": _arn,
    "aws_lb_listener": _arn,
    "aws_lb_target_group": _arn,
    "aws_s3_bucket": _named,
    "aws_secretsmanager_secret": _arn,
    "aws_sfn_state_machine": _named,
    "aws_sns_topic": _named,
    "aws_sqs_queue": _named,
    "aws_vpc": _vpc,
    "aws_vpc_endpoint": _endpoint,
    "aws_vpclattice_resource_configuration": _lattice,
    "aws_vpclattice_resource_gateway": _lattice,
}
