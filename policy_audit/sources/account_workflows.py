"""State machines, EventBridge and keys of an account snapshot, as resources of CloudFormation's types."""

from collections.abc import Iterator
from typing import Final

from policy_audit.model.node import Mapping, Node, Scalar
from policy_audit.model.node import Sequence as List
from policy_audit.sources.account_section import Resources, Section, name_of, place_of, renamed
from policy_audit.sources.build import listing, mapping, scalar, unread
from policy_audit.sources.tree import child, items, text

_CREDENTIAL: Final = "AWS returns no credential of a connection"
_SECRET: Final = ":secret:events!connection/"  # noqa: S105 - the start of a name


def add_workflows(section: Section, resources: Resources) -> None:
    """State machines, what EventBridge has, schedules, pipes, keys and policies of secrets."""
    for add in (_state_machines, _connections, _destinations, _buses, _rules, _schedules, _pipes, _keys, _secrets):
        add(section, resources)


def _asked(section: Section, listing: tuple[str, str], name: str, describing: str) -> Iterator[tuple[Scalar, Mapping]]:
    """What a listing names and what was described without being listed, each once: its name, and where it stands."""
    seen = set()
    for one in section.listed(*listing):
        found = one.get(name)
        if isinstance(found, Scalar) and found.text not in seen:
            seen.add(found.text)
            yield found, one
    for asked, answer in section.answers(describing).items():
        found = answer.get(name)
        if asked not in seen and isinstance(found, Scalar):
            yield found, answer


# ---- Step Functions -------------------------------------------------------------------------------------------------


def _state_machines(section: Section, resources: Resources) -> None:
    """State machines, and those of their versions that an alias or a caller names and that are not as the newest is."""
    describing = "stepfunctions.DescribeStateMachine"
    listed = ("stepfunctions.ListStateMachines", "stateMachines")
    found = {arn.text: (arn, item) for arn, item in _asked(section, listed, "stateMachineArn", describing)}
    for version in _versions(section):
        found.setdefault(version.text, (version, mapping(version.place, [])))
    for arn, item in found.values():
        answer, newest = section.answer(describing, arn.text), section.answer(describing, _unqualified(arn.text))
        if answer is not None and newest is not None and newest is not answer and _runs_the_same(answer, newest):
            continue
        why = section.why(describing, arn.text)
        place = arn.place
        name = child(answer, "name") or item.get("name") or scalar(_unqualified(arn.text).rpartition(":")[2], place)
        kind = item.get("type") or child(newest, "type")
        properties: list[tuple[str | Scalar, Node | None]] = [("StateMachineName", name)]
        if answer is None or why:
            properties += [
                ("StateMachineType", kind),
                ("DefinitionUnread", scalar(f"its definition was not inspected: {why}", place)),
                *((one, unread(why, place)) for one in ("RoleArn", "LoggingConfiguration", "TracingConfiguration")),
            ]
        else:
            properties += [
                ("StateMachineType", answer.get("type")),
                ("RoleArn", answer.get("roleArn")),
                ("DefinitionAsIs", answer.get("definition")),
                ("LoggingConfiguration", renamed(answer.get("loggingConfiguration"), Level="level")),
                ("TracingConfiguration", renamed(answer.get("tracingConfiguration"), Enabled="enabled")),
            ]
        resources.add(arn.text, place, "AWS::StepFunctions::StateMachine", properties)


def _versions(section: Section) -> Iterator[Scalar]:
    """The ARNs of the versions that aliases lead to."""
    for answer in section.answers("stepfunctions.DescribeStateMachineAlias").values():
        for one in items(answer.get("routingConfiguration")):
            found = child(one, "stateMachineVersionArn")
            if isinstance(found, Scalar):
                yield found


def _unqualified(arn: str) -> str:
    """The ARN of the state machine that a version is of: its first seven fields."""
    return ":".join(arn.split(":")[:7])


def _runs_the_same(one: Mapping, other: Mapping) -> bool:
    members = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration")
    return all(_is_same(one.get(name), other.get(name)) for name in members)


def _is_same(one: Node | None, other: Node | None) -> bool:
    """Whether two nodes say the same, wherever they stand."""
    pending = [(one, other)]
    while pending:
        left, right = pending.pop()
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            if (left.text, left.kind) != (right.text, right.kind):
                return False
        elif isinstance(left, Mapping) and isinstance(right, Mapping):
            if [entry.key.text for entry in left.entries] != [entry.key.text for entry in right.entries]:
                return False
            pending += [(a.value, b.value) for a, b in zip(left.entries, right.entries, strict=True)]
        elif isinstance(left, List) and isinstance(right, List):
            if len(left.items) != len(right.items):
                return False
            pending += list(zip(left.items, right.items, strict=True))
        elif left is not None or right is not None:
            return False
    return True


# ---- EventBridge ----------------------------------------------------------------------------------------------------


def _connections(section: Section, resources: Resources) -> None:
    describing = "events.DescribeConnection"
    for name, item in _asked(section, ("events.ListConnections", "Connections"), "Name", describing):
        answer = section.answer(describing, name.text)
        why = section.why(describing, name.text)
        arn = text((answer or item).get("ConnectionArn")) or name.text
        properties: list[tuple[str | Scalar, Node | None]] = [
            ("Name", name),
            ("AuthParameters", unread(_CREDENTIAL, name.place)),
        ]
        if answer is None or why:
            properties += [
                (one, unread(why, name.place)) for one in ("InvocationConnectivityParameters", "KmsKeyIdentifier")
            ]
        else:
            properties += [
                ("AuthorizationType", answer.get("AuthorizationType")),
                ("InvocationConnectivityParameters", answer.get("InvocationConnectivityParameters")),
                ("KmsKeyIdentifier", answer.get("KmsKeyIdentifier")),
            ]
        _, found, secret = (text(child(answer, "SecretArn")) or "").partition(_SECRET)
        ids = {".UUID": name_of(arn), ".SecretArn": secret.partition("/")[2] if found else None}
        place = place_of(answer or item, "ConnectionArn")
        resources.add(arn, place, "AWS::Events::Connection", properties, ids, (name.text,))


def _destinations(section: Section, resources: Resources) -> None:
    for one in section.listed("events.ListApiDestinations", "ApiDestinations"):
        arn = text(one.get("ApiDestinationArn")) or "?"
        names = ("Name", "ConnectionArn", "InvocationEndpoint", "HttpMethod")
        resources.add(
            arn,
            place_of(one, "ApiDestinationArn"),
            "AWS::Events::ApiDestination",
            [(name, one.get(name)) for name in names],
            {".UUID": name_of(arn)},
            (text(one.get("Name")),),
        )


def _buses(section: Section, resources: Resources) -> None:
    for one in section.listed("events.ListEventBuses", "EventBuses"):
        properties = [(name, one.get(name)) for name in ("Name", "Policy")]
        arn = text(one.get("Arn")) or "?"
        resources.add(arn, place_of(one, "Arn"), "AWS::Events::EventBus", properties, names=(text(one.get("Name")),))


def _rules(section: Section, resources: Resources) -> None:
    """Rules but for those that another service keeps, such as Step Functions for its `.sync` integrations."""
    for bus in section.answers("events.ListRules"):
        for one in section.listed("events.ListRules", "Rules", bus):
            if one.get("ManagedBy") is not None:
                continue
            name = text(one.get("Name")) or "?"
            asked = ("events.ListTargetsByRule", bus, name)
            answer = section.answer(*asked)
            found = None if answer is None else listing(answer.place, _targets(answer))
            properties = [
                ("Name", one.get("Name")),
                ("EventBusName", one.get("EventBusName")),
                ("RoleArn", one.get("RoleArn")),
                ("Targets", section.or_unread(found, one.place, *asked)),
            ]
            arn = text(one.get("Arn")) or name
            resources.add(arn, place_of(one, "Arn"), "AWS::Events::Rule", properties, names=(name, f"{bus}|{name}"))


def _targets(answer: Mapping) -> Iterator[Node]:
    for one in items(answer.get("Targets")):
        names = ("Id", "Arn", "RoleArn", "HttpParameters", "DeadLetterConfig")
        yield mapping(one.place, [(name, child(one, name)) for name in names])


def _schedules(section: Section, resources: Resources) -> None:
    for one in section.listed("scheduler.ListSchedules", "Schedules"):
        group, name = text(one.get("GroupName")), text(one.get("Name"))
        asked = ("scheduler.GetSchedule", group, name)
        found = child(section.answer(*asked), "Target")
        properties = [
            ("Name", one.get("Name")),
            ("GroupName", one.get("GroupName")),
            ("Target", section.or_unread(found, one.place, *asked)),
        ]
        arn = text(one.get("Arn")) or "?"
        names = (name, f"{group}|{name}")
        resources.add(arn, place_of(one, "Arn"), "AWS::Scheduler::Schedule", properties, names=names)


def _pipes(section: Section, resources: Resources) -> None:
    described = (
        "RoleArn",
        "Source",
        "SourceParameters",
        "Enrichment",
        "EnrichmentParameters",
        "Target",
        "TargetParameters",
    )
    for one in section.listed("pipes.ListPipes", "Pipes"):
        name = text(one.get("Name"))
        asked = ("pipes.DescribePipe", name)
        answer, why = section.answer(*asked), section.why(*asked)
        properties: list[tuple[str | Scalar, Node | None]] = [("Name", one.get("Name"))]
        if answer is None or why:
            properties += [(member, unread(why, one.place)) for member in ("RoleArn", "Source", "Target")]
        else:
            properties += [(member, answer.get(member)) for member in described]
        arn = text(one.get("Arn")) or "?"
        resources.add(arn, place_of(one, "Arn"), "AWS::Pipes::Pipe", properties, names=(name,))


# ---- keys and secrets -----------------------------------------------------------------------------------------------


def _keys(section: Section, resources: Resources) -> None:
    """The keys that were asked about, by whatever name, and their aliases."""
    for asked, answer in section.answers("kms.DescribeKey").items():
        found = answer.get("KeyMetadata")
        if not isinstance(found, Mapping):
            continue
        # Policy and tags are asked for by the ARN: these two calls take no alias.
        arn = text(found.get("Arn")) or asked
        tags = [
            mapping(tag.place, [("Key", child(tag, "TagKey")), ("Value", child(tag, "TagValue"))])
            for tag in items(child(section.answer("kms.ListResourceTags", arn), "Tags"))
        ]
        policy = child(section.answer("kms.GetKeyPolicy", arn), "Policy")
        properties = [
            ("KeyPolicy", section.or_unread(policy, found.place, "kms.GetKeyPolicy", arn)),
            ("Tags", section.or_unread(listing(found.place, tags), found.place, "kms.ListResourceTags", arn)),
        ]
        id = text(found.get("KeyId"))
        resources.add(arn, place_of(found, "Arn"), "AWS::KMS::Key", properties, {"": id}, (id,))
        if "alias/" in asked:
            alias = scalar(f"alias/{asked.partition('alias/')[2]}", found.place)
            named = [("AliasName", alias), ("TargetKeyId", found.get("KeyId"))]
            resources.add(f"{arn.rpartition(':')[0]}:{alias.text}", found.place, "AWS::KMS::Alias", named)


def _secrets(section: Section, resources: Resources) -> None:
    for one in section.answers("secretsmanager.GetResourcePolicy").values():
        policy = one.get("ResourcePolicy")
        arn = text(one.get("ARN"))
        if policy is not None and arn is not None:
            properties = [("SecretId", one.get("ARN")), ("ResourcePolicy", policy)]
            resources.add(f"{arn}/policy", policy.place, "AWS::SecretsManager::ResourcePolicy", properties)
