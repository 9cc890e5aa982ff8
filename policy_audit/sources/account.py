"""Account snapshots (`live.snapshot`): what is deployed, as the resources that a template would declare."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from policy_audit.errors import INCOMPLETE, AuditError
from policy_audit.findings import Mark, Skipped
from policy_audit.model.node import Mapping as Object
from policy_audit.sources.account_apis import add_apis
from policy_audit.sources.account_details import managed_policy, read_role
from policy_audit.sources.account_networks import add_networks
from policy_audit.sources.account_organization import add_control_policies
from policy_audit.sources.account_section import Refusal, Refusals, Resources, Section, place_of, refusal
from policy_audit.sources.account_targets import add_targets
from policy_audit.sources.account_workflows import add_workflows
from policy_audit.sources.build import template
from policy_audit.sources.inputs import Input, MadeBy, StackResource
from policy_audit.sources.reach import Reach
from policy_audit.sources.tree import child, entries, items, text, texts

FORM: Final = "account snapshot"
MARK: Final = "policy_audit_snapshot"
VERSION: Final = "1"
_SHOWN: Final = 3
_ALIASES: Final = "stepfunctions.ListStateMachineAliases"
_IAM: Final = "iam.GetAccountAuthorizationDetails"


def read(path: str, content: str, reach: Reach) -> Sequence[Input] | None:
    """An input for each Region of the snapshot, and one for its roles; None if the file is no snapshot.

    Addresses are ARNs, places are lines of the snapshot. Raises AuditError as `Reach.document` does, and for a
    snapshot of another version.
    """
    document = reach.document(path)
    if not isinstance(document, Object) or document.get(MARK) is None:
        return None
    version = text(document.get(MARK))
    if version != VERSION:
        raise AuditError(
            f"this snapshot is of version {version}, and the audit reads version {VERSION}",
            where=path,
            help="take it again with `policy-audit live --save`",
            exit_code=INCOMPLETE,
        )
    return tuple(_Account(path, document).inputs())


class _Account:
    """A snapshot on its way to inputs."""

    def __init__(self, path: str, document: Object) -> None:
        self.path = path
        self.document = document
        self.account = text(document.get("account")) or ""
        self.partition = text(document.get("partition")) or "aws"
        self.complete = text(document.get("complete")) != "false"
        self.rows = tuple(map(refusal, items(document.get("not_inspected"))))
        self.refusals = Refusals(self.rows, self.complete)
        self.regions = {
            one.key.text: Section(self.partition, one.key.text, one.value, self.refusals)
            for one in entries(document.get("regions"))
        }
        self.everywhere = Section(self.partition, "", document.get("global"), self.refusals)
        self.rows_of_stacks = tuple(_rows(self.regions.values()))
        self.stacks: dict[tuple[str, str], MadeBy] = {}
        """By type and physical id, the stack that made a resource."""
        for row, mark in self.rows_of_stacks:
            made = MadeBy(row.stack, row.kind, row.logical_id, (mark,))
            self.stacks.setdefault((row.kind, row.physical_id), made)

    def inputs(self) -> Iterator[Input]:
        """The roles first; then each Region, what other accounts share with this one apart from its own."""
        workflows = self._workflows_unread()
        region = next(iter(self.regions), "us-east-1")
        sections = [(region, "iam", self._roles()), *((name, name, _regional(self, name)) for name in self.regions)]
        skipped = tuple(self._skipped())
        arns = {
            (kind, name): arn
            for *_, resources in sections
            for arn, (kind, names) in resources.physical.items()
            for name in names
        }
        stacks = tuple(row._replace(arn=arns.get((row.kind, row.physical_id), "")) for row, _ in self.rows_of_stacks)
        for region, key, resources in sections:
            for owner, found in (resources.by_account or {self.account: []}).items():
                yield Input(
                    self.path,
                    template(self.document.place, found),
                    FORM,
                    key=f"{self.path} {key} {owner}",
                    pinned={"AWS::Partition": self.partition, "AWS::AccountId": owner, "AWS::Region": region},
                    ids=resources.ids,
                    made_by=self._made_by(resources),
                    is_deployed=True,
                    workflows_unread=workflows,
                    stack_resources=stacks,
                    skipped=skipped,
                )
                skipped, stacks = (), ()

    def _roles(self) -> Resources:
        resources = Resources(self.account)
        for role in self.everywhere.listed(_IAM, "RoleDetailList"):
            key, node = read_role(role)
            resources.put(key, "AWS::IAM::Role", node, (text(role.get("RoleName")),))
        for policy in self.everywhere.listed(_IAM, "Policies"):
            for key, node in managed_policy(policy):
                resources.put(key, "AWS::IAM::ManagedPolicy", node)
        add_control_policies(self.everywhere, resources, self.document.place)
        return resources

    def _workflows_unread(self) -> str:
        """Why a workflow of the account may be missing here: then nobody can say who else is meant to call an API."""
        chosen = texts(child(self.document, "selected", "state_machines"))
        if chosen:
            return f"only {len(chosen)} state machines of the account were chosen to be inspected"
        for row in self.refusals.of_regions():
            return f"no state machine was inspected in {row.region}: {row.said}"
        for section in self.regions.values():
            why = next(_gaps(section), "")
            if why:
                return f"not every state machine was inspected in {section.region}: {why}"
        return ""

    def _made_by(self, resources: Resources) -> dict[str, MadeBy]:
        """By ARN, the stack that made the resource."""
        if not self.stacks:
            return {}
        found = {}
        for arn, (kind, names) in resources.physical.items():
            made = next((self.stacks[kind, name] for name in names if (kind, name) in self.stacks), None)
            if made is not None:
                found[arn] = made
        return found

    def _not_inspected(self, rows: Sequence[Refusal]) -> Skipped:
        """What rows tell that differ in what was asked about alone: an account may have hundreds of them."""
        row = rows[0]
        asked = _listed([one.resource for one in rows if one.resource])
        about = "".join((f" of {asked}" if asked else "", f" in {row.region}" if row.region else ""))
        called = f"{row.service} {row.operation}" if row.service else "the whole Region"
        denied = row.service and "denied" in row.code.lower()
        return Skipped(
            " ".join(filter(None, (self.account, row.call or row.region))),
            f"not inspected: {called}{about} ({row.said})",
            f"allow what `{row.call}` needs" if denied else "take the snapshot again",
            broken=True,
            span=row.place.span,
        )

    def _skipped(self) -> Iterator[Skipped]:
        """Every call without an answer, and a reading that was broken off or narrowed."""
        alike: dict[tuple[str, str, str], list[Refusal]] = {}
        for row in self.rows:
            alike.setdefault((row.region, row.call, row.code), []).append(row)
        for rows in alike.values():
            yield self._not_inspected(rows)
        if not self.complete:
            yield Skipped(
                self.path, "the reading of the account was broken off", "take the snapshot again", broken=True
            )
        for entry in entries(self.document.get("selected")):
            if texts(entry.value):
                what = entry.key.text.replace("_", " ")
                yield Skipped(self.path, f"only these {what} were inspected: {', '.join(texts(entry.value)[:5])}")


def _gaps(section: Section) -> Iterator[str]:
    """Why a state machine of the Region, or a version that an alias leads to, may be missing."""
    machines = "stepfunctions.ListStateMachines"
    asked = [(machines, "")]
    for one in section.listed(machines, "stateMachines"):
        arn = text(one.get("stateMachineArn")) or ""
        asked += [("stepfunctions.DescribeStateMachine", arn), (_ALIASES, arn)]
        for alias in section.listed(_ALIASES, "stateMachineAliases", arn):
            asked.append(("stepfunctions.DescribeStateMachineAlias", text(alias.get("stateMachineAliasArn")) or ""))
    for answer in section.answers("stepfunctions.DescribeStateMachineAlias").values():
        for route in items(answer.get("routingConfiguration")):
            asked.append(("stepfunctions.DescribeStateMachine", text(child(route, "stateMachineVersionArn")) or ""))
    yield from filter(None, (section.why(operation, about) for operation, about in asked))
    # What names a version by its own ARN is not looked at again here: of a version that was refused there is a row.
    yield from section.failures("stepfunctions.DescribeStateMachine")


def _listed(names: Sequence[str]) -> str:
    """The first of many names, and how many there are more."""
    more = len(names) - _SHOWN
    return ", ".join(f"`{name}`" for name in names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _regional(account: _Account, region: str) -> Resources:
    resources = Resources(account.account)
    section = account.regions[region]
    for add in (add_workflows, add_targets, add_apis, add_networks):
        add(section, resources)
    return resources


def _rows(sections: Iterable[Section]) -> Iterator[tuple[StackResource, Mark]]:
    """What CloudFormation tells of the stacks of the account, with the place of each row."""
    operation = "cloudformation.ListStackResources"
    for section in sections:
        for asked in section.answers(operation):
            stack = asked.partition(":stack/")[2].partition("/")[0] or asked
            for row in section.listed(operation, "StackResourceSummaries", asked):
                kind, physical, logical = (
                    text(row.get(name)) or "" for name in ("ResourceType", "PhysicalResourceId", "LogicalResourceId")
                )
                if physical:
                    place = place_of(row, "LogicalResourceId")
                    mark = Mark(place.span, f"made as `{logical}` by the stack `{stack}`")
                    yield StackResource(stack, section.region, kind, logical, physical), mark
