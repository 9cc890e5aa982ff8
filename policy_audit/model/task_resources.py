"""The ARNs that a task's permissions are asked on, as far as its arguments name a resource.

An argument may be a name, an ARN, a queue's URL, or text that the workflow computes: where nobody can say before it
runs which resource it is, the ARN is a hole, and only a policy for every resource is sure to cover it.
Forms of the ARNs: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from policy_audit.model.call import Task
from policy_audit.model.targets import Target
from policy_audit.model.value import has_letters, is_hole, is_letter
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    from policy_audit.model.system import System

_ARN_PARTS: Final = 6


class Named(NamedTuple):
    """A resource that a task names. `unconfirmed` is another form of its ARN, of which AWS's pages do not say whether
    a policy for it alone suffices."""

    arn: str
    unconfirmed: str | None = None


class Naming:
    """Finds the resources of one task: in the Region of its state machine, and the account of the role it runs with."""

    def __init__(self, system: "System", task: Task, region: str = "", account: str = "") -> None:
        self.system = system
        self.task = task
        self.region, self.account = region or system.region, account or system.account

    def any(self, why: str = "") -> str:
        """A hole for a resource that the arguments do not tell."""
        task = self.task
        if task.computed is not None:
            why = next(iter(self.system.symbols.reasons(task.computed.text)), why)
        return self.system.symbols.hole(why or "which resource it is asked on is not known", "any resource")

    def texts(self, name: str) -> tuple[str, ...]:
        """The values of an argument: several where it stands in a list."""
        return tuple(field.text for key, field in self.task.arguments if key == name)

    def text(self, name: str) -> str | None:
        return next(iter(self.texts(name)), None)

    def arn(self, service: str, tail: str, *, region: bool = True, account: bool = True) -> str:
        system = self.system
        where = f"{self.region if region else ''}:{self.account if account else ''}"
        return f"arn:{system.partition}:{service}:{where}:{tail}"

    def named(self, argument: str, service: str, start: str) -> Named:
        """The resource whose name or ARN an argument gives."""
        text = self.text(argument)
        if text is None:
            return Named(self.any(f"the state has no `{argument}`"))
        if is_arn(text):
            return Named(text)
        arn = self.arn(service, start + text)
        return Named(text if self.is_open(text) and not self.declares(arn) else arn)

    def declares(self, arn: str) -> bool:
        """Whether the audited files declare the resource with this ARN."""
        return arn in self.system.index(Target, "arn")

    def is_open(self, text: str) -> bool:
        """Whether nobody can say if `text` is a name or an ARN: a parameter, or what the workflow computes."""
        if text == "" or not is_letter(text[0]):
            return False
        # A name that CloudFormation makes is a name; what has text of its own around it is as good as one.
        return not self.system.symbols.of(text[0]).generated and (len(text) == 1 or ":" in text)

    # ---- kinds of resources ----

    def function(self) -> Named:
        """The function, with the version or alias that is invoked: permissions are asked on the ARN of that.

        https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
        """
        text = self.text("FunctionName")
        if text is None and ":lambda:" in self.task.resource:
            text = self.task.resource
        if text is None:
            return Named(self.any("the state has no `FunctionName`"))
        return function_arn(self, text, self.text("Qualifier"))

    def topic(self) -> Named:
        text = self.text("TopicArn")
        # A phone number, or an endpoint of a device, is no resource that a policy can name.
        return Named(self.any("the message goes to no topic that the state names") if text is None else text)

    def queue(self) -> Named:
        text = self.text("QueueUrl")
        if text is None:
            return Named(self.any("the state has no `QueueUrl`"))
        arn = queue_arn(text, self.system.partition)
        return Named(arn or self.any(f"which queue `{self.system.symbols.show(text)}` is is not known"))

    def table(self) -> Named:
        return self.named("TableName", "dynamodb", "table/")

    def machine(self) -> Named:
        """The state machine without version or alias: that is what IAM is asked for.

        https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
        """
        text = self.text("StateMachineArn")
        if text is None:
            return Named(self.any("the state has no `StateMachineArn`"))
        return Named(plain_machine(text))

    def execution(self) -> Named:
        """An execution of the state machine that is started; Step Functions or the workflow makes its name."""
        parts = self.machine().arn.split(":")
        if len(parts) != 7 or parts[5] != "stateMachine":
            return Named(self.any("which state machine is started is not known"))
        name = self.system.symbols.hole("the name of an execution is made when it starts", "execution")
        return Named(":".join((*parts[:5], "execution", parts[6], name)))

    def task_definition(self) -> Named:
        """The task definition with its revision: the latest one if the state names none."""
        text = self.text("TaskDefinition")
        if text is None:
            return Named(self.any("the state has no `TaskDefinition`"))
        if self.is_open(text):
            return Named(text)
        family = text.rpartition("/")[2] if is_arn(text) else text
        arn = text if is_arn(text) else self.arn("ecs", f"task-definition/{text}")
        if ":" in family:
            return Named(arn)
        revision = self.system.symbols.hole("the latest revision is the one that runs", "revision")
        return Named(f"{arn}:{revision}", arn)

    def project(self) -> Named:
        return self.named("ProjectName", "codebuild", "project/")

    def databrew_job(self) -> Named:
        return self.named("Name", "databrew", "job/")

    def workgroup(self) -> Named:
        """The workgroup of a query: `primary` if the state names none.

        https://docs.aws.amazon.com/athena/latest/ug/workgroups-manage-queries-control-costs.html
        """
        if self.task.computed is None and self.text("WorkGroup") is None:
            return Named(self.arn("athena", "workgroup/primary"))
        return self.named("WorkGroup", "athena", "workgroup/")

    def cluster(self) -> Named:
        return self.named("ClusterId", "elasticmapreduce", "cluster/")

    def virtual_cluster(self) -> Named:
        return self.named("VirtualClusterId", "emr-containers", "/virtualclusters/")

    def service_linked_role(self) -> Named:
        """The role that Amazon EMR on EKS makes with the first virtual cluster.

        https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/using-service-linked-roles.html
        """
        name = "aws-service-role/emr-containers.amazonaws.com/AWSServiceRoleForAmazonEMRContainers"
        return Named(self.arn("iam", f"role/{name}", region=False))

    def application(self) -> Named:
        return self.named("ApplicationId", "emr-serverless", "/applications/")

    def job_run(self) -> Named:
        name = self.system.symbols.hole("the id of a job run is made when it starts", "job run")
        return Named(f"{self.application().arn}/jobruns/{name}")

    def model(self) -> Named:
        """A foundation model by its id, or whatever an ARN names; ids of inference profiles stand for several models.

        https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-prereq.html
        """
        text = self.text("ModelId")
        if text is None or (not is_arn(text) and (has_letters(text) or text.count(".") != 1)):
            return Named(self.any("which models the state's `ModelId` stands for is not known"))
        return Named(text if is_arn(text) else self.arn("bedrock", f"foundation-model/{text}", account=False))

    def object(self) -> Named:
        """An object of a bucket, by `Bucket` and `Key`."""
        bucket, key = self.text("Bucket"), self.text("Key")
        if bucket is None or key is None or _is_computed(bucket):
            return Named(self.any("which object it is is not known"))
        return Named(f"{self.bucket().arn}/{key}")

    def written(self) -> Named:
        """An object below `Prefix` of `Bucket`, where a distributed Map writes its results."""
        bucket, prefix = self.text("Bucket"), self.text("Prefix")
        if bucket is None or _is_computed(bucket):
            return Named(self.any("which bucket it is is not known"))
        name = self.system.symbols.hole("the names of the objects are made when the Map runs", "result")
        return Named(f"{self.bucket().arn}/{prefix.rstrip('/') + '/' if prefix else ''}{name}")

    def bucket(self) -> Named:
        bucket = self.text("Bucket")
        if bucket is None:
            return Named(self.any("the state has no `Bucket`"))
        arn = bucket if is_arn(bucket) else self.arn("s3", bucket, region=False, account=False)
        if _is_computed(bucket):
            return Named(self.any("which bucket it is is not known"))
        return Named(arn)

    def index(self) -> Named:
        """The table, or its index, that a query or scan reads."""
        table, index = self.table().arn, self.text("IndexName")
        return Named(table if index is None else f"{table}/index/{index}")


KINDS: Final[dict[str, Callable[[Naming], Named]]] = {
    "any": lambda naming: Named(naming.any()),
    "application": Naming.application,
    "bucket": Naming.bucket,
    "cluster": Naming.cluster,
    "databrew-job": Naming.databrew_job,
    "execution": Naming.execution,
    "function": Naming.function,
    "index": Naming.index,
    "job-run": Naming.job_run,
    "machine": Naming.machine,
    "model": Naming.model,
    "object": Naming.object,
    "project": Naming.project,
    "queue": Naming.queue,
    "service-linked-role": Naming.service_linked_role,
    "table": Naming.table,
    "task-definition": Naming.task_definition,
    "topic": Naming.topic,
    "virtual-cluster": Naming.virtual_cluster,
    "workgroup": Naming.workgroup,
    "written": Naming.written,
}
"""The words that `integrations.table` has for kinds of resources; `bus` is not among them, for a task may name many."""

OF_ACTIONS: Final = {
    "dynamodb:DeleteItem": "table",
    "dynamodb:GetItem": "table",
    "dynamodb:PutItem": "table",
    "dynamodb:Query": "index",
    "dynamodb:Scan": "index",
    "dynamodb:UpdateItem": "table",
    "lambda:InvokeFunction": "function",
    "s3:DeleteObject": "object",
    "s3:GetObject": "object",
    "s3:ListBucket": "bucket",
    "s3:PutObject": "object",
    "sns:Publish": "topic",
    "sqs:DeleteMessage": "queue",
    "sqs:ReceiveMessage": "queue",
    "sqs:SendMessage": "queue",
    "states:StartExecution": "machine",
    "states:StartSyncExecution": "machine",
}
"""Actions of SDK integrations whose arguments tell the resource; of all others it is not known."""


def is_arn(text: str) -> bool:
    """Whether `text` is an ARN; its parts may be open."""
    return text.startswith("arn:") and text.count(":") >= _ARN_PARTS - 1


def _is_computed(text: str) -> bool:
    return text == "" or is_hole(text[0])


def plain_machine(arn: str) -> str:
    """The ARN of a state machine without version or alias."""
    parts = arn.split(":")
    return ":".join(parts[:7]) if len(parts) == 8 and parts[5] == "stateMachine" else arn


def function_arn(naming: Naming, text: str, qualifier: str | None = None) -> Named:
    """The function that `text` names: by name, ARN or part of one (`111122223333:function:name`), with qualifier."""
    if naming.declares(naming.arn("lambda", f"function:{text}")):
        text = naming.arn("lambda", f"function:{text}")
    if naming.is_open(text) and (qualifier is None or len(text) == 1):
        return Named(text if qualifier is None else f"{text}:{qualifier}")
    if is_arn(text):
        arn = text
    elif text.count(":function:") == 1:
        system = naming.system
        arn = f"arn:{system.partition}:lambda:{system.region}:{text}"
    else:
        arn = naming.arn("lambda", f"function:{text}")
    parts = arn.split(":", 7)
    plain = ":".join(parts[:7])
    named = parts[7] if len(parts) > 7 else qualifier
    # `$LATEST` is the function itself. Of a policy for the ARN without it AWS does not say whether it suffices.
    return Named(plain if named is None else f"{plain}:{named}", plain if named == "$LATEST" else None)


def queue_arn(url: str, partition: str) -> str | None:
    """The ARN of the queue with this URL; None if it is no URL of a queue.

    `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`, or `https://REGION.queue.amazonaws.com/ACCOUNT/NAME` of old.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
    """
    parts = url.split("/")
    if len(parts) != 5 or parts[0] not in ("https:", "http:") or not all(parts[2:]) or _is_computed(parts[2]):
        return None
    host = parts[2].split(".")
    if len(host) < 3 or ("sqs" not in host[:1] and host[1] != "queue"):
        return None
    region = host[1] if host[0] == "sqs" else host[0]
    return f"arn:{partition}:sqs:{region}:{parts[3]}:{parts[4]}"


def bus_arns(naming: Naming) -> tuple[str, ...]:
    """The event buses that the entries of `events:putEvents` go to: `default` where an entry names none."""
    names = naming.texts("Entries.EventBusName")
    if not names:
        return (naming.any("which bus the events go to is not known"),)
    return tuple(
        dict.fromkeys(
            name if is_arn(name) or naming.is_open(name) else naming.arn("events", f"event-bus/{name}")
            for name in names
        )
    )
