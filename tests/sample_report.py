"""A report with everything that a report can hold, on two small files of its own."""

from hashlib import sha256

from policy_audit.findings import (
    SEVERITIES,
    Admitted,
    CallPath,
    Checked,
    Counterexample,
    Finding,
    Ignored,
    Mark,
    Report,
    Skipped,
    Stop,
    Target,
)
from policy_audit.origin import Span
from policy_audit.rulebook.rule import Rule

ORDERS = """\
Resources:
  OrdersRole:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: CallOrders
          PolicyDocument:
            Statement:
              - Effect: Allow
                Action: execute-api:Invoke
                Resource: !Sub arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${OrdersApi}/prod/POST/orders
  Orders:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt OrdersRole.Arn
      DefinitionString: '{"Comment": "a definition on one line", "StartAt": "ListOrders", "States": {"ListOrders": {"Type": "Task", "Resource": "arn:aws:states:::apigateway:invoke", "Parameters": {"Method": "GET"}, "End": true}}}'
"""  # noqa: E501
GATEWAY = """\
Resources:
  OrdersApi:
    Type: AWS::ApiGateway::RestApi
    Properties:
      Policy:
        Statement:
          - Effect: Allow
            Principal: "*"
            Action: execute-api:Invoke
            Resource: "*"
"""
TEXTS = {"orders.yaml": tuple(ORDERS.splitlines()), "net/gateway.yaml": tuple(GATEWAY.splitlines())}


def span(file: str, needle: str, length: int | None = None) -> Span:
    """Where `needle` first stands in a file of `TEXTS`."""
    for number, line in enumerate(TEXTS[file], 1):
        if (at := line.find(needle)) >= 0:
            return Span(file, number, at + 1, number, at + 1 + (len(needle) if length is None else length))
    raise LookupError(needle)


ROLE = "arn:aws:iam::123456789012:role/OrdersRole"
LIST = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/orders"

REFUTED_CALL = Finding(
    rule="execute-api-invoke",
    severity="high",
    confidence="high",
    answer="refuted",
    address="orders.yaml#OrdersRole",
    requirement=f"`{ROLE}` may call `execute-api:Invoke` on `{LIST}`",
    message=f"`OrdersRole` may not call `execute-api:Invoke` on `{LIST}`, which state `ListOrders` needs",
    help="allow the method in a statement of the role:\n\nEffect: Allow\nAction: execute-api:Invoke",
    page="execute-api-invoke",
    location=span("orders.yaml", '"ListOrders": {', 12),
    label="state `ListOrders` calls it",
    related=(Mark(span("orders.yaml", "!Sub arn", 4), "grants another path"),),
    counterexample=Counterexample(
        ROLE,
        "execute-api:Invoke",
        LIST,
        {"aws:SecureTransport": "true", "aws:TagKeys": ("team", "stage")},
        "ImplicitlyDenied",
        {"request": {"principal": ROLE, "action": "execute-api:Invoke", "resource": LIST, "context": {}}},
    ),
    references=("https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access.html",),
    fingerprint="5d1f0a",
)
REFUTED_RESTRICTION = Finding(
    rule="api-callers",
    severity="critical",
    confidence="medium",
    answer="refuted",
    address="net/gateway.yaml#OrdersApi",
    requirement="no principal but its callers may call `execute-api:Invoke` on any method of `OrdersApi`",
    message="anybody may call `execute-api:Invoke` on `OrdersApi`",
    help="deny every other principal",
    page="api-callers",
    location=span("net/gateway.yaml", "Policy"),
    related=(
        Mark(span("net/gateway.yaml", '"*"'), "admits everybody"),
        Mark(span("orders.yaml", "OrdersRole"), "the intended caller"),
    ),
    counterexample=Counterexample("", "execute-api:Invoke", LIST, {}, "Allowed", {}),
    admitted=(
        Admitted("anonymous", "an unsigned request", LIST),
        Admitted("arn:aws:iam::123456789012:root", "a principal of the API's account", LIST, {"aws:TagKeys": ("a",)}),
    ),
    when=("IsProduction and not UsesVpc",),
    fingerprint="77aa01",
)
UNDECIDED_FINDING = Finding(
    rule="connection-secret",
    severity="medium",
    confidence="low",
    answer="undecided",
    address="orders.yaml#OrdersRole",
    requirement=f"`{ROLE}` may call `secretsmanager:GetSecretValue` on `…`",
    message="whether `OrdersRole` may call `secretsmanager:GetSecretValue` is not known",
    help="name the stack that exports it with --stack",
    page="connection-secret",
    location=span("orders.yaml", "OrdersRole"),
    reasons=("no audited template exports `ConnectionSecret`",),
    fingerprint="0b0b0b",
)
PROVEN = Checked(
    "task-role-trust",
    "orders.yaml#OrdersRole",
    f"`states.amazonaws.com` may call `sts:AssumeRole` on `{ROLE}`",
    "proven",
    span("orders.yaml", "OrdersRole"),
    because=(Mark(span("orders.yaml", "Type: AWS::IAM"), "OrdersRole.AssumeRolePolicyDocument, statement 1"),),
    assumptions=("account 123456789012, the only one that the files name",),
)
UNDECIDED = Checked(
    "http-task-timeout",
    "orders.yaml#Orders",
    "state `ListOrders`: a timeout is set",
    "undecided",
    span("orders.yaml", "Orders:"),
    reasons=("the workflow computes it while it runs",),
    assumptions=("account 123456789012, the only one that the files name", "region eu-west-1"),
    when=("IsProduction",),
)


def checked(finding: Finding) -> Checked:
    """The requirement that a finding is about."""
    return Checked(
        finding.rule,
        finding.address,
        finding.requirement,
        finding.answer,
        finding.location,
        finding.related[:1],
        finding.reasons,
    )


IGNORED = Ignored(
    REFUTED_CALL._replace(
        rule="http-task-timeout", severity="low", message="`ListOrders` has no timeout", fingerprint="1a"
    ),
    "the API answers within a second",
    span("orders.yaml", "Orders:"),
    True,
)
BASELINED = REFUTED_RESTRICTION._replace(rule="rest-api-public", message="`OrdersApi` is public", fingerprint="2b")
RULE = Rule(
    id="execute-api-invoke",
    summary="a role must be allowed to call `execute-api:Invoke` on what its workflow calls",
    severity="high",
    confidence="high",
    since="0.1.0",
    about="call",
    where=(),
    require=(),
    message="",
    help="",
    references=REFUTED_CALL.references,
    file="no-such-folder/rest-api/execute-api-invoke.yaml",
)
FINDINGS = (UNDECIDED_FINDING, REFUTED_CALL, REFUTED_RESTRICTION)
WORKFLOW = Stop("state machine", "Orders", "orders.yaml#Orders", span("orders.yaml", "Orders:"), "standard")
CALLS = CallPath(
    WORKFLOW,
    "ListOrders",
    "GET /orders, AWS_IAM",
    REFUTED_CALL.location,
    (
        Stop("role", "OrdersRole", "orders.yaml#OrdersRole", span("orders.yaml", "OrdersRole")),
        Stop("REST API", "OrdersApi", "net/gateway.yaml#OrdersApi", span("net/gateway.yaml", "OrdersApi"), "regional"),
        Stop("load balancer", "Backend", unseen="it is not among the audited files"),
    ),
)
PUBLISHES = CALLS._replace(
    name="Each / Tell",
    call="sns:publish",
    span=span("orders.yaml", "StartAt"),
    stops=(CALLS.stops[0], Stop("service", "sns")),
)
REPORT = Report(
    findings=FINDINGS,
    requirements=(PROVEN, *map(checked, FINDINGS), UNDECIDED),
    skipped=(
        Skipped("notes.yaml", "not a template of a known form"),
        Skipped("b/notes.yaml", "not a template of a known form"),
        Skipped(
            "broken.yaml", "this is not YAML: a quote is not closed", "close it", True, Span("broken.yaml", 3, 9, 3, 9)
        ),
        Skipped("orders.yaml#Queue", "resources of this type are not audited", span=span("orders.yaml", "Resources")),
    ),
    assumptions=("parameter `Stage` of orders.yaml is its default `prod`", "region eu-west-1"),
    targets=(Target("orders.yaml", "CloudFormation template"), Target("net/gateway.yaml", "CloudFormation template")),
    texts=TEXTS,
    ignored=(IGNORED,),
    baselined=(BASELINED,),
    paths=(CALLS, PUBLISHES),
    parts={"net/gateway.yaml#ListMethod": "net/gateway.yaml#OrdersApi"},
    asked=(RULE,),
    rules={"api-callers": "0.1.0", "execute-api-invoke": "0.1.0", "http-task-timeout": "0.1.0"},
)
CLEAN_REPORT = Report(
    requirements=(PROVEN,), targets=(Target("orders.yaml", "CloudFormation template"),), texts=TEXTS, rules=REPORT.rules
)


def hostile(text: str) -> Report:
    """The sample report with `text` wherever a template's author has a say."""
    place = Span(text, 1, 2, 1, 4)
    finding = REFUTED_CALL._replace(
        address=text,
        requirement=text,
        message=text,
        help=text,
        location=place,
        label=text,
        related=(Mark(place._replace(column=1), text),),
        reasons=(text,),
        when=(text,),
        counterexample=Counterexample(text, text, text, {text: text, "list": (text,)}, "Allowed", {text: text}),
        admitted=(Admitted(text, text, text, {text: text}), Admitted(text, text, text)),
    )
    requirement = Checked(text, text, text, "undecided", place, (Mark(place, text),), (text,), (text,), (text,))
    return Report(
        (finding,),
        (requirement,),
        (Skipped(text, text, text, True, place), Skipped(text, text)),
        (text,),
        (Target(text, text),),
        {text: (text,)},
        {text: text},
        (Ignored(finding, text, place), Ignored(finding, text)),
        (finding,),
        (RULE._replace(id=text, summary=text, references=(text,), file=text),),
        (
            CallPath(
                Stop(text, text, text, place, text), text, text, place, (Stop(text, text, text, place, text, text),)
            ),
        ),
        {text: text},
    )


# Terminal escapes, a carriage return, a direction change, an invisible letter, half a character, an open value.
HOSTILE = "a\x1b[31m\x9b0m\r\n\t\x7f\u202eb\u200b\ud83c\udce9\U000f0000é漢"


def many(number: int) -> Report:
    """A report with so many findings, of all severities, each on a line of its own and with a request that shows it."""
    found = []
    for index in range(number):
        first = FINDINGS[index % len(FINDINGS)]
        place = Span(f"templates/stack-{index % 40:02}.yaml", index + 1, 3, index + 4, 9)
        found.append(
            first._replace(
                severity=SEVERITIES[index % len(SEVERITIES)],
                address=f"{place.file}#Role{index}",
                requirement=f"{first.requirement} {index}",
                message=f"{first.message} {index}",
                location=place,
                fingerprint=sha256(str(index).encode()).hexdigest()[:16],
            )
        )
    return REPORT._replace(findings=tuple(found), requirements=tuple(map(checked, found)), ignored=(), baselined=())
