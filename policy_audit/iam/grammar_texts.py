"""How the texts of a policy must be written: actions, resources, and the values of conditions."""

import re
from typing import Final

from policy_audit.iam.operators import Operator

_PARTITIONS: Final = ("aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f")
_ARN_FIELDS: Final = 6
_VARIABLE: Final = r"\$\{[^${}]*\}"
_IAM_PATHS: Final = (
    *("user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/"),
    *("sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/"),
)
_IAM_WHOLE: Final = ("*", "root")
"""`root` is what `sts:AssumeRoot` is granted on:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html"""
_S3_REGIONAL: Final = (
    *("accesspoint/", "access-grants/", "job/", "storage-lens/", "storage-lens-group/", "async-request/"),
)
"""https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"""

_NUMBER: Final = r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_BASE64: Final = r"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_DATE: Final = (
    r"(-?[0-9]{1,9})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?"
    r"(?:[Tt](?:([0-9]{1,2})(?::([0-9]{1,2})(?::([0-9]{1,2})(?:\.[0-9]{1,9})?)?)?)?"
    r"(?:[Zz]|[+-]([0-9]{2})(?::?([0-9]{2}))?)?)?"
)
_FIRST_YEAR: Final = -292275054
_LAST_YEAR: Final = 292278993
_LAST_MOMENT: Final = 9223372036854775807
_MONTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def action_problem(text: str) -> str | None:
    """What is wrong with `text` as an action, or None. Whether the service has that action is not asked.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
    """
    if text in ("*", "*:*"):
        return None
    service, colon, name = text.partition(":")
    if not colon:
        return f"the action {quoted(text)} names no service: write `service:Action`, as in `s3:GetObject`, or `*`"
    if ":" in name:
        return f"the action {quoted(text)} has more than one colon"
    if re.search("[*?]", service):
        return f"the service of the action {quoted(text)} must be written in full, without wildcards"
    if not re.fullmatch("[A-Za-z0-9.-]+", service):
        return f"{quoted(service)} is no service, as the action {quoted(text)} has it"
    return None if name else f"the action {quoted(text)} names nothing after the colon"


def arn_problem(text: str, stored_by_iam: bool) -> str | None:
    """What is wrong with `text` as a resource, or None. `stored_by_iam` adds what IAM asks of its own and S3's ARNs.

    An ARN may end early: AWS completes it with `*`, provided that none of the fields written is empty.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    if text == "*":
        return None
    fields = re.sub(_VARIABLE, "${}", text).split(":", _ARN_FIELDS - 1)
    if len(fields) == 1 or fields[0] != "arn":
        return f"the resource {quoted(text)} must be an ARN (`arn:partition:service:region:account:resource`) or `*`"
    if fields[1] != "*" and fields[1] not in _PARTITIONS:
        return f"{quoted(fields[1])} is no partition, as the resource {quoted(text)} has it: as `aws` is one"
    if len(fields) == 2 or not fields[2]:
        return f"the resource {quoted(text)} names no service: `arn:partition:service:region:account:resource`"
    if re.search(r"[*?$]", fields[2]):
        return f"the service of the resource {quoted(text)} must be written in full, without wildcards or variables"
    if len(fields) < _ARN_FIELDS and "" in fields:
        return f"the resource {quoted(text)} lacks fields: `arn:partition:service:region:account:resource`"
    return _own_arn_problem(text, fields) if stored_by_iam else None


def _own_arn_problem(text: str, fields: list[str]) -> str | None:
    """What IAM asks of the ARNs of IAM and S3, whose resources mostly have no Region."""
    service = fields[2]
    region = fields[3] if len(fields) > 3 else "*"
    resource = fields[5] if len(fields) == _ARN_FIELDS else ""
    if service == "iam":
        if region:
            return f"the IAM resource {quoted(text)} must not name a Region"
        if resource not in _IAM_WHOLE and not resource.startswith(_IAM_PATHS):
            paths = ", ".join(f"`{path}`" for path in _IAM_PATHS)
            return f"the path of the IAM resource {quoted(text)} must be `*` or start with one of {paths}"
    if service == "s3" and region and not _may_be_regional(resource):
        return f"the S3 resource {quoted(text)} must not name a Region: buckets and objects have none in their ARNs"
    return None


def _may_be_regional(resource: str) -> bool:
    """Whether an S3 resource, wildcards and variables resolved, may be one that has a Region in its ARN."""
    literal = re.split(r"[*?]|\$\{", resource, maxsplit=1)[0]
    if literal.startswith(_S3_REGIONAL) or resource in ("access-grants", "access-grants/default"):
        return True
    return literal != resource and any(kind.startswith(literal) for kind in _S3_REGIONAL)


def value_problem(operator: Operator, text: str) -> str | None:
    """What is wrong with `text` as a value of a condition with this operator, or None.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    if operator.family == "date" and not _is_date(text):
        return f"{quoted(text)} is no date: write it as in `2030-01-31T00:00:00Z`, or as seconds since 1970"
    if operator.family == "numeric" and not re.fullmatch(_NUMBER, text):
        return f"{quoted(text)} is no number, and `{operator.name}` compares numbers"
    if operator.family == "binary" and not re.fullmatch(_BASE64, text):
        return f"{quoted(text)} is not in base64, and `{operator.name}` compares binary values so written"
    return None


def _is_date(text: str) -> bool:
    """Whether `text` is a calendar date of ISO 8601, whole or in part, with or without a time; or an epoch time."""
    if re.fullmatch("0*+[0-9]{1,19}|0++", text):
        return int(text) <= _LAST_MOMENT
    found = re.fullmatch(_DATE, text)
    if found is None:
        return False
    year = int(found[1])
    month, day = int(found[2] or 1), int(found[3] or 1)
    hour, minute, second, zone_hour, zone_minute = (int(found[group] or 0) for group in range(4, 9))
    if not (_FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= 12):
        return False
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _MONTHS[month - 1] + leap:
        return False
    return max(hour, zone_hour) <= 23 and max(minute, second, zone_minute) <= 59


def quoted(text: str) -> str:
    """`text` in backticks, its end left out when it is long."""
    return f"`{text}`" if len(text) <= 80 else f"`{text[:77]}...`"
