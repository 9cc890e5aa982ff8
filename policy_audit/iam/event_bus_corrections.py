"""The actions of EventBridge's custom event buses with subscribers, which are newer than the catalog's data.

All rows follow https://docs.aws.amazon.com/service-authorization/latest/reference/list_eventbridge.html
"""

from collections.abc import Mapping
from typing import Final

from policy_audit.iam.reference import ConditionKey, Correction, ResourceType, Row

_PAGE: Final = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_eventbridge.html"
_ARN: Final = "arn:${Partition}:events:${Region}:${Account}:"
_RESOURCE_TAG: Final = "aws:ResourceTag/${TagKey}"
_TAGS: Final = ("aws:RequestTag/${TagKey}", _RESOURCE_TAG, "aws:TagKeys")
_FILTER: Final = (
    "events:ContentFilterPresent",
    "events:Metadata/${MetadataKey}",
    "events:Metadata/${MetadataKey}/Matcher",
)
_SYSTEM: Final = (
    "events:SystemMetadata/AwsDetailType",
    "events:SystemMetadata/AwsSource",
    "events:SystemMetadata/ContentType",
)
_BUS_TYPES: Final = (
    ResourceType("event-busv2", (_ARN + "event-busv2/${EventBusName}/${OpaqueId}",), (_RESOURCE_TAG,)),
    ResourceType(
        "event-sourcev2", (_ARN + "event-sourcev2/${SourceType}/${EventSourceName}/${OpaqueId}",), (_RESOURCE_TAG,)
    ),
    ResourceType("subscriber", (_ARN + "subscriber/${SubscriberName}/${OpaqueId}",), (_RESOURCE_TAG,)),
)
_BUS_KEYS: Final = (
    ConditionKey("events:ContentFilterPresent", "Bool"),
    ConditionKey("events:Metadata/${MetadataKey}", "ArrayOfString"),
    ConditionKey("events:Metadata/${MetadataKey}/Matcher", "String"),
    ConditionKey("events:PolicyName", "String"),
    *(ConditionKey(key, "String") for key in _SYSTEM),
)

_New = tuple[str, str, tuple[str, ...], tuple[str, ...]]
_NEW: Final[Mapping[str, _New]] = {
    "CreateEventSource": ("Write", "event-busv2* event-sourcev2*", (*_TAGS, "events:source"), ()),
    "CreateSubscriber": ("Write", "event-busv2* subscriber*", (*_TAGS, *_FILTER), ("iam:PassRole",)),
    "DeleteEventSource": ("Write", "event-sourcev2*", (_RESOURCE_TAG,), ()),
    "DeleteResourcePolicy": ("Permissions management", "event-busv2*", (_RESOURCE_TAG, "events:PolicyName"), ()),
    "DeleteSubscriber": ("Write", "subscriber*", (_RESOURCE_TAG,), ()),
    "DescribeSubscriber": ("Read", "subscriber*", (_RESOURCE_TAG,), ()),
    "GetResourcePolicy": ("Read", "event-busv2*", (_RESOURCE_TAG, "events:PolicyName"), ()),
    "ListResourcePolicies": ("List", "event-busv2*", (_RESOURCE_TAG,), ()),
    "ListSubscribers": ("List", "", (), ()),
    "PutRawEvents": (
        "Write",
        "event-busv2*",
        (_RESOURCE_TAG, "events:eventBusInvocation", "events:Metadata/${MetadataKey}", *_SYSTEM),
        (),
    ),
    "PutResourcePolicy": ("Permissions management", "event-busv2*", (_RESOURCE_TAG, "events:PolicyName"), ()),
    "RevokeResource": ("Write", "event-busv2*", (_RESOURCE_TAG,), ()),
    "UpdateEventSource": ("Write", "event-busv2 event-sourcev2*", (_RESOURCE_TAG, "events:source"), ()),
    "UpdateSubscriber": ("Write", "event-busv2 subscriber*", (_RESOURCE_TAG, *_FILTER), ("iam:PassRole",)),
}
"""Action to access level, resource types (`*`: required, as AWS marks them), condition keys and dependent actions."""

_CHANGED: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "AllowVendedLogDeliveryForResource": ("event-bus subscriber", ()),
    "CreateEventBus": ("event-bus event-busv2", ()),
    "DeleteEventBus": ("event-bus event-busv2", ()),
    "DescribeEventBus": ("event-bus event-busv2", ()),
    "DescribeEventSource": ("event-source event-sourcev2", ()),
    "ListTagsForResource": ("event-busv2 event-sourcev2 subscriber", ()),
    "PutEvents": ("event-bus event-busv2", _SYSTEM),
    "TagResource": ("event-busv2 event-sourcev2 subscriber", ()),
    "UntagResource": ("event-busv2 event-sourcev2 subscriber", ()),
    "UpdateEventBus": ("event-bus event-busv2", ()),
}
"""Action of both kinds of buses to resource types and further condition keys."""


def _rows(types: str, keys: tuple[str, ...], dependent: tuple[str, ...]) -> tuple[Row, ...]:
    about_all = (Row("", False, keys, dependent),) if keys or dependent or not types else ()
    return (*about_all, *(Row(name.rstrip("*"), name.endswith("*")) for name in types.split()))


EVENT_BUS: Final = (
    Correction(
        ("events",),
        "the data lacks the resource types and condition keys of custom event buses",
        _PAGE,
        resource_types=_BUS_TYPES,
        condition_keys=_BUS_KEYS,
    ),
    *(
        Correction(
            (f"events:{name}",),
            "an action of custom event buses that the data lacks",
            _PAGE,
            _rows(types, keys, dependent),
            access_level,
        )
        for name, (access_level, types, keys, dependent) in _NEW.items()
    ),
    *(
        Correction(
            (f"events:{name}",),
            "it is also an action of custom event buses, whose resource types the data lacks",
            _PAGE,
            _rows(types, keys, ()),
        )
        for name, (types, keys) in _CHANGED.items()
    ),
)
