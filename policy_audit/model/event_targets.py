"""A target of a rule, pipe or schedule as rules ask about it: what it is, the role it is invoked with, and the API."""

from typing import TYPE_CHECKING, Final

from policy_audit.model.api_destinations import ApiDestination
from policy_audit.model.fix import Fix, NameByArn
from policy_audit.model.own_policies import OwnPolicy, action_on, own_policy
from policy_audit.model.resources import Api, Fact, Method, Missing, Role
from policy_audit.model.senders import SERVICES, Sender
from policy_audit.model.senders import Target as SentTo
from policy_audit.model.targets import Target
from policy_audit.model.value import has_letters
from policy_audit.model.workflow import OtherThan
from policy_audit.origin import Span
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

ANOTHER_ACCOUNT: Final = "999999999999"
_MESSAGES: Final = {"sqs": "queue", "sns": "topic"}
_ARN_COLONS: Final = 5
_OWN_POLICY: Final = ("queue", "topic", "function")
"""Kinds of targets that EventBridge invokes without a role, by their own policies."""
_NO_CONDITION: Final = "AWS documents that the policy of a topic can have no `Condition` for EventBridge"
_NEEDS_A_ROLE: Final = frozenset({"api-destination", "state-machine"})
_OPEN_TYPES: Final = (
    "AWS::CloudFormation::",
    "AWS::EventsV2::",
    "AWS::Serverless::Application",
    "AWS::Serverless::StateMachine",
    "AWS::StepFunctions::",
    "Custom::",
)
"""Types whose attributes may be the ARN of anything, or of a kind of target that rules ask about."""


class EventTarget(NamedTuple):
    """One target of a rule or schedule, or the target or enrichment of a pipe."""

    system: "System"
    sender: Sender
    target: SentTo
    destination_names: frozenset[str] = frozenset()
    """The names of the API destinations that the files declare."""

    @property
    def address(self) -> str:
        return self.sender.address

    @property
    def span(self) -> Span:
        return self.target.span

    @property
    def part(self) -> str:
        """What a reader knows it by within its rule, pipe or schedule."""
        return self.target.name

    @property
    def sent_by(self) -> str:
        """`rule`, `pipe`, `schedule` or `subscriber`."""
        return self.sender.kind

    @property
    def name(self) -> str:
        """The logical id of the rule, pipe or schedule."""
        return self.sender.address.rpartition("#")[2]

    @property
    def rule_name(self) -> str:
        """The physical name of the rule, pipe or schedule."""
        return self.sender.name

    # ---- what it is ----

    @property
    def arn(self) -> str | Missing:
        """The target's ARN."""
        field = self.target.arn
        return Missing("the target has no ARN") if field is None else field.text

    @property
    def kind(self) -> str:
        """`api-destination`, `state-machine`, `rest-api`, `private-api`, `http-api`, `event-bus`, `queue`, `topic`,
        `function`, or else `other`.

        Of a target whose ARN does not tell it is empty: `names_its_target` says why.
        """
        service, resource = self._service_and_resource()
        if service == "events":
            return resource.partition("/")[0] if resource.startswith(("api-destination/", "event-bus/")) else "other"
        if service == "states":
            return "state-machine" if resource.startswith("stateMachine:") else "other"
        if service == "execute-api":
            return self._kind_of_api()
        if service == "lambda":
            return "function" if resource.startswith("function:") else "other"
        if service:
            return _MESSAGES.get(service, "other")
        if self.arn in self.destination_names:
            return ""
        made = self.target.resource_type
        return "other" if made.startswith("AWS::") and not made.startswith(_OPEN_TYPES) else ""

    def _service_and_resource(self) -> tuple[str, str]:
        """The third field of the ARN and the last one; empty when they are not known."""
        arn = self.arn
        parts = arn.split(":", 5) if isinstance(arn, str) else []
        if len(parts) < 6 or parts[0] != "arn" or has_letters(parts[2]):
            return "", ""
        return parts[2], parts[5]

    def _kind_of_api(self) -> str:
        api = self.api
        if isinstance(api, Missing):
            return "rest-api"
        if api.kind == "HTTP":
            return "http-api"
        return "private-api" if "PRIVATE" in api.endpoint_types else "rest-api"

    @property
    def names_its_target(self) -> Fact:
        """Whether the target is an ARN: `Ref` of a connection, an API destination or a bus is only a name.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-events-rule-target.html
        """
        field = self.target.arn
        if field is None:
            return Fact(False, "has no ARN")
        if self.kind:
            return Fact(True, "")
        start = field.text[: len("arn:")]
        open_start = has_letters(start) and field.text not in self.destination_names
        shown = self.system.symbols.show(field.text)
        if open_start or (start == "arn:" and has_letters(field.text)):
            reasons = self.system.symbols.reasons(field.text)
            return Fact(None, reasons[0] if reasons else f"what `{shown}` is the ARN of is not known", span=field.span)
        fix = Fix((NameByArn(field.span),))
        return Fact(False, f"is `{shown}`, which is not an ARN", span=field.span, fix=fix)

    @property
    def reaches_a_public_api(self) -> Fact:
        """Whether the REST API is edge-optimized or Regional: EventBridge does not reach private ones.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-gateway-target.html
        """
        api = self.api
        if isinstance(api, Missing):
            return Fact(None, api.reason)
        if any(map(has_letters, api.endpoint_types)):
            return Fact(None, "the endpoint type of the API is not known")
        shown = api.address.rpartition("#")[2]
        return Fact("PRIVATE" not in api.endpoint_types, f"names `{shown}`, whose endpoint type is PRIVATE")

    # ---- who invokes it ----

    @property
    def has_role(self) -> bool:
        """Whether a role is named."""
        return self.target.role is not None

    @property
    def names_a_role(self) -> Fact:
        """Whether a role is named where the target can't be invoked without one.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-api-destination-target.html
        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html
        """
        if self.has_role or self.kind not in (*_NEEDS_A_ROLE, *_OWN_POLICY):
            return Fact(True, "")
        if self.kind in _NEEDS_A_ROLE:
            return Fact(False, "names no role", span=self.target.span)
        elsewhere = self.is_of_another_account
        if isinstance(elsewhere, Missing):
            return Fact(None, elsewhere.reason, span=self.target.span)
        return Fact(not elsewhere, f"is a {self.kind} of another account, and names no role", span=self.target.span)

    @property
    def is_of_another_account(self) -> bool | Missing:
        """Whether the target belongs to another account than the rule, pipe or schedule."""
        arn = self.arn
        if isinstance(arn, Missing):
            return arn
        account = arn.split(":", 5)[4] if arn.count(":") >= _ARN_COLONS else ""
        if account == self.account:
            return False
        if not account or has_letters(account + self.account):
            shown = self.system.symbols.show(arn)
            return Missing(
                f"whether `{shown}` is of another account is not known (`accounts` tells where templates are)"
            )
        return True

    @property
    def delivers_with_role(self) -> bool | Missing:
        """Whether it is the role that a queue, topic or function is invoked with.

        Of a rule that names a role for one of its own account AWS's pages say both: that the role may be used, and that
        none is to be named. A target of another account needs one, as pipes and schedules always do.
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html
        """
        if not self.has_role:
            return False
        return self.is_of_another_account if self.sender.kind == "rule" else True

    @property
    def other_grants(self) -> tuple[str, ...]:
        """The policy of the target itself, where it may let the role in.

        In one account it is enough that either the role's policies or the target's own allow a request, in two both
        have to.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
        """
        arn = self.arn
        if isinstance(arn, Missing) or self.kind not in (*_OWN_POLICY, "event-bus"):
            return ()
        if self.is_of_another_account is True:
            return ()
        declared = self.system.index(Target, "arn")
        found = declared.get(arn) or declared.get(":".join(arn.split(":", 7)[:7]))
        if found is None:
            return (f"the policy of `{self.system.symbols.show(arn)}`",)
        return (found.open_to_roles,) if found.open_to_roles else ()

    @property
    def role(self) -> Role | Missing:
        """The role that the target is invoked with."""
        field = self.target.role
        if field is None:
            return Missing("the target names no role")
        reasons = self.system.symbols.reasons(field.text)
        shown = self.system.symbols.show(field.text)
        outside = Missing(reasons[0] if reasons else f"the role `{shown}` is not among the audited files")
        return self.system.role(field.text, self.address) or outside

    @property
    def source_arn(self) -> str:
        """What the role's trust policy sees as `aws:SourceArn`."""
        return self.sender.source_arn

    @property
    def account(self) -> str:
        """The account of the rule, pipe or schedule."""
        return self.sender.account

    @property
    def told_source(self) -> str:
        """What the policy of a queue, topic or function sees as `aws:SourceArn`.

        Of a topic's policy AWS's page says that it can have no `Condition` for EventBridge, without telling what the
        requests carry: some such policies are seen to work.
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
        """
        return self.system.symbols.hole(_NO_CONDITION) if self.kind == "topic" else self.source_arn

    @property
    def told_account(self) -> str:
        """What it sees as `aws:SourceAccount`, likewise."""
        return self.system.symbols.hole(_NO_CONDITION) if self.kind == "topic" else self.account

    @property
    def service(self) -> str:
        """Who assumes the role."""
        return SERVICES[self.sender.kind]

    @property
    def other_accounts(self) -> OtherThan:
        """Account ids other than the sender's."""
        return OtherThan("????????????", (self.account,), (ANOTHER_ACCOUNT,))

    @property
    def other_sources(self) -> OtherThan:
        """ARNs of rules, pipes or schedule groups of other accounts."""
        partition, service, region, _, resource = self.source_arn.split(":", 5)[1:]
        start = f"arn:{partition}:{service}:"
        telling = f"{start}{region}:{ANOTHER_ACCOUNT}:{resource.partition('/')[0]}/of-another-account"
        return OtherThan(f"{start}*", (f"{start}*:{self.account}:*",), (telling,))

    @property
    def trust_names_the_default_bus(self) -> bool:
        """Whether the role's trust policy asks for this rule's name as if it were on the default event bus.

        The ARN of a rule on another bus is `rule/BUS/RULE`, and a condition on `rule/RULE` never matches it.
        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
        """
        role = self.role
        if isinstance(role, Missing) or self.sender.kind != "rule" or self.sender.bus == "default":
            return False
        ending = f":rule/{self.sender.name}"
        return any(
            condition.key.lower() == "aws:sourcearn" and any(value.endswith(ending) for value in condition.values)
            for statement in role.trust.statements
            if statement.effect == "Allow"
            for condition in statement.conditions
        )

    # ---- what is asked of it ----

    @property
    def name_arn(self) -> str | Missing:
        """The ARN of an API destination without its UUID: `Fn::GetAtt` calls it `ArnForPolicy`."""
        arn = self.arn
        if isinstance(arn, Missing):
            return arn
        start, separator, name = arn.partition(":api-destination/")
        return f"{start}{separator}{name.partition('/')[0]}"

    @property
    def state_machine_arn(self) -> str | Missing:
        """The ARN of a state machine without version or alias, on which `states:StartExecution` is authorized.

        https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
        """
        arn = self.arn
        return arn if isinstance(arn, Missing) else ":".join(arn.split(":", 7)[:7])

    @property
    def start_action(self) -> tuple[str, ...] | Missing:
        """How a state machine is started: rules and schedules do not wait for it, a pipe does unless it is told not to.

        What a subscriber does that is not told no page says.
        https://docs.aws.amazon.com/eventbridge/latest/pipes-reference/API_PipeTargetStateMachineParameters.html
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-target-sfn.html
        """
        if self.sender.kind == "subscriber":
            told = self.target.invocation.text if self.target.invocation else ""
            actions = {"EVENT": "states:StartExecution", "REQUEST_RESPONSE": "states:StartSyncExecution"}
            return (actions[told],) if told in actions else Missing("how the subscriber invokes it is not known")
        if self.sender.kind != "pipe":
            return ("states:StartExecution",)
        invocation = self.target.invocation
        if invocation is not None and has_letters(invocation.text):
            return Missing("the invocation type of the pipe's target is not known")
        asynchronous = invocation is not None and invocation.text == "FIRE_AND_FORGET"
        return ("states:StartExecution",) if asynchronous else ("states:StartSyncExecution",)

    @property
    def own_policy(self) -> OwnPolicy | Missing:
        """The policies of the queue, topic, function or bus that the target is: by these services and others get in."""
        return own_policy(self.system, self.arn)

    @property
    def shows_own_policy(self) -> bool:
        """Whether that resource is among the audited files."""
        return not isinstance(self.own_policy, Missing)

    @property
    def delivery_action(self) -> tuple[str, ...] | Missing:
        """By which action a queue, topic, function or bus is sent to."""
        arn = self.arn
        return arn if isinstance(arn, Missing) else action_on(arn)

    # ---- the API of a direct target ----

    @property
    def api(self) -> Api | Missing:
        """The API whose method the target is."""
        service, resource = self._service_and_resource()
        api_id = resource.partition("/")[0]
        if service != "execute-api":
            return Missing("the target is no method of an API")
        shown = self.system.symbols.show(api_id)
        return self.system.api(api_id) or Missing(f"the API `{shown}` is not among the audited files")

    @property
    def request_arn(self) -> str | Missing:
        """The ARN that `execute-api:Invoke` is asked on: each `*` of the target's path has its parameter's value.

        Which method a `*` in its place stands for (the CDK writes that) no page says.
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-gateway-target.html
        """
        arn = self.arn
        if isinstance(arn, Missing):
            return arn
        before, (path, *rest) = arn.split("/")[:3], "/".join(arn.split("/")[3:]).split("*")
        for index, part in enumerate(rest):
            path += self._path_value(index) + part
        hole = self.system.symbols.hole
        start = [hole("the target's ARN leaves it open") if part == "*" else part for part in before]
        return "/".join((*start, path)) if len(start) == 3 else arn

    def _path_value(self, index: int) -> str:
        values = self.target.path_values
        if index < len(values):
            return values[index]
        return self.system.symbols.hole("the target gives no value for this part of the path")

    @property
    def api_method(self) -> Method | Missing | None:
        """The method that the target is; None when the API has no such method."""
        api, arn = self.api, self.request_arn
        if isinstance(api, Missing) or isinstance(arn, Missing):
            return api if isinstance(api, Missing) else Missing("the target has no ARN")
        parts = arn.split(":", 5)[5].split("/", 3)
        if len(parts) < 4:
            return Missing("the target's ARN names no stage, method and path")
        return self.system.method(api, parts[2], "/" + parts[3].strip("/"))

    @property
    def method_authorization(self) -> str | Missing:
        """The authorization type of that method."""
        method = self.api_method
        if method is None:
            return Missing("the API has no such method")
        return method if isinstance(method, Missing) else method.authorization

    @property
    def reaches_a_method(self) -> Fact:
        """Whether the API has the method and path that the target names."""
        method = self.api_method
        if isinstance(method, Missing):
            return Fact(None, method.reason, span=self.target.span)
        return Fact(method is not None, "is a method that the API does not have", span=self.target.span)


def every(system: "System") -> tuple[EventTarget, ...]:
    """Every target of every rule, pipe and schedule."""
    names = frozenset(one.name_arn.partition(":api-destination/")[2] for one in system.all(ApiDestination))
    return tuple(
        EventTarget(system, sender, target, names) for sender in system.all(Sender) for target in sender.targets
    )
