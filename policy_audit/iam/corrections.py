"""Where AWS's pages say more than the catalog's data, or something else: one row each, with the page."""

from collections.abc import Iterable
from typing import Final

from policy_audit.iam.event_bus_corrections import EVENT_BUS
from policy_audit.iam.reference import Action, ConditionKey, Correction, ResourceType, Row, Service

_DOCS: Final = "https://docs.aws.amazon.com"
_REFERENCE: Final = f"{_DOCS}/service-authorization/latest/reference"
_ON_SEVERAL_PAGES: Final = {
    "apigateway": f"{_REFERENCE}/list_apigatewayv2.html",
    "aws-marketplace": f"{_REFERENCE}/list_marketplace-deployment.html",
    "cloudformation": f"{_REFERENCE}/list_cloudformation.html",
    "elasticloadbalancing": f"{_REFERENCE}/list_elb.html",
    "greengrass": f"{_REFERENCE}/list_greengrassv2.html",
    "kinesisanalytics": f"{_REFERENCE}/list_kinesisanalyticsv2.html",
    "lex": f"{_REFERENCE}/list_lex-v2.html",
    "ses": f"{_REFERENCE}/list_sesv2.html",
    "sms-voice": f"{_REFERENCE}/list_pinpoint-sms-voice-v2.html",
}
"""Prefixes that more than one page of the reference is about, each with one of the pages. Where two of them have the
same action or resource type, the data keeps what it read last."""

CORRECTIONS: Final = (
    Correction(
        ("states:InvokeHTTPEndpoint",),
        "the reference lists neither a resource type nor a condition key for it; the guide scopes it to the ARN of the"
        " state machine, and limits it by both keys",
        f"{_DOCS}/step-functions/latest/dg/call-https-apis.html",
        rows=(Row("", condition_keys=("states:HTTPEndpoint", "states:HTTPMethod")), Row("statemachine")),
    ),
    Correction(
        ("states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"),
        "the reference lists no resource type for them; the guide allows them on activities, and"
        " a refusal names the state machine whose task has the token",
        f"{_DOCS}/step-functions/latest/dg/concept-create-iam-advanced.html",
        rows=(Row("activity"), Row("statemachine")),
    ),
    Correction(
        ("states:TestState",),
        "a caller who gives a role needs iam:PassRole for it",
        f"{_DOCS}/step-functions/latest/dg/manage-state-machine-permissions.html",
        rows=(Row("", dependent_actions=("iam:PassRole",)),),
    ),
    Correction(
        ("events",),
        "the ARN of a connection ends with its UUID",
        f"{_DOCS}/eventbridge/latest/APIReference/API_Connection.html",
        resource_types=(
            ResourceType(
                "connection", ("arn:${Partition}:events:${Region}:${Account}:connection/${ConnectionName}/${UUID}",)
            ),
        ),
    ),
    Correction(
        ("events",),
        "the ARN of an API destination ends with its UUID",
        f"{_DOCS}/eventbridge/latest/APIReference/API_ApiDestination.html",
        resource_types=(
            ResourceType(
                "api-destination",
                ("arn:${Partition}:events:${Region}:${Account}:api-destination/${ApiDestinationName}/${UUID}",),
            ),
        ),
    ),
    *EVENT_BUS,
    Correction(
        tuple(f"apigateway:{method}" for method in ("DELETE", "GET", "PATCH", "POST", "PUT")),
        "two pages list it, and the data has the resource types of the one about HTTP and WebSocket APIs; REST APIs and"
        " what belongs to them are further paths",
        f"{_DOCS}/apigateway/latest/developerguide/arn-format-reference.html",
        rows=(Row("resource of a REST API"),),
        resource_types=(
            ResourceType(
                "resource of a REST API",
                (
                    "arn:${Partition}:apigateway:${Region}::/${ResourcePath}",
                    "arn:${Partition}:apigateway:${Region}:${Account}:/${ResourcePath}",
                ),
                ("aws:ResourceTag/${TagKey}",),
            ),
        ),
    ),
    Correction(
        ("apigateway:UpdateRestApiPolicy",),
        "a change of a resource policy needs apigateway:PATCH as well",
        f"{_DOCS}/apigateway/latest/developerguide/apigateway-resource-policies-create-attach.html",
        rows=(Row("", dependent_actions=("apigateway:PATCH",)),),
    ),
    Correction(
        ("cloudformation",),
        "the prefix is first of all AWS CloudFormation's",
        f"{_REFERENCE}/list_cloudformation.html",
        title="AWS CloudFormation",
    ),
    Correction(
        ("sts",),
        "the key cognito-identity.amazonaws.com:amr may have several values",
        f"{_DOCS}/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html",
        condition_keys=(ConditionKey("cognito-identity.amazonaws.com:amr", "ArrayOfString"),),
    ),
    *(
        Correction(
            (prefix,),
            f"several pages are about the prefix {prefix}; of an action or a resource type that two of them have, the"
            " data keeps what one says",
            page,
            is_partial=True,
        )
        for prefix, page in _ON_SEVERAL_PAGES.items()
    ),
)


def corrected(service: Service) -> Service:
    """`service` with what `CORRECTIONS` says of it."""
    for correction in CORRECTIONS:
        if correction.about[0].partition(":")[0] == service.prefix:
            service = _corrected(service, correction)
    return service


def _corrected(service: Service, correction: Correction) -> Service:
    return service._replace(
        title=correction.title or service.title,
        page=correction.page if correction.title else service.page,
        actions=_actions(service.actions, correction),
        resource_types=_resource_types(service.resource_types, correction.resource_types),
        condition_keys=_keys(service.condition_keys, correction.condition_keys),
    )


def _actions(actions: Iterable[Action], correction: Correction) -> tuple[Action, ...]:
    found = {action.name: _action(action, correction) for action in actions}
    if correction.access_level:
        for name in correction.about:
            found.setdefault(name, Action(name, "", correction.access_level, correction.rows, (correction,)))
    return tuple(found.values())


def _action(action: Action, correction: Correction) -> Action:
    touched = {resource_type.name for resource_type in correction.resource_types}
    if action.name in correction.about:
        action = action._replace(rows=_rows(action.rows, correction.rows))
    elif not (correction.is_partial or any(row.resource_type in touched for row in action.rows)):
        return action
    return action._replace(
        corrections=(*action.corrections, correction), is_partial=action.is_partial or correction.is_partial
    )


def _rows(rows: Iterable[Row], corrections: Iterable[Row]) -> tuple[Row, ...]:
    found = {row.resource_type: row for row in rows}
    for row in corrections:
        known = found.get(row.resource_type, row)
        found[row.resource_type] = row._replace(
            condition_keys=_union(known.condition_keys, row.condition_keys),
            dependent_actions=_union(known.dependent_actions, row.dependent_actions),
        )
    return tuple(found.values())


def _resource_types(types: Iterable[ResourceType], corrections: Iterable[ResourceType]) -> tuple[ResourceType, ...]:
    found = {each.name: each for each in types}
    for each in corrections:
        known = found.get(each.name, each)
        found[each.name] = known._replace(
            arns=_union(known.arns, each.arns), condition_keys=_union(known.condition_keys, each.condition_keys)
        )
    return tuple(found.values())


def _keys(keys: Iterable[ConditionKey], corrections: Iterable[ConditionKey]) -> tuple[ConditionKey, ...]:
    return tuple({key.name: key for key in (*keys, *corrections)}.values())


def _union(known: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))
