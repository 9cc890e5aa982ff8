"""Resources that tasks call and that the audited files declare, with what their own policies may grant."""

from policy_audit.origin import Span
from policy_audit.record import NamedTuple

# fmt: off
WITH_POLICIES = frozenset({
    "acm-pca", "aoss", "backup", "bedrock", "cloudtrail", "codeartifact", "comprehend", "dynamodb", "ecr",
    "elasticfilesystem", "es", "events", "execute-api", "glue", "kinesis", "kms", "lambda", "lex", "logs",
    "organizations", "redshift", "redshift-serverless", "rekognition", "s3", "s3express", "s3tables", "schemas",
    "secretsmanager", "serverlessrepo", "ses", "signer", "sns", "sqs", "ssm", "ssm-contacts", "ssm-incidents",
    "vpc-lattice",
})
# fmt: on
"""IAM prefixes of services whose resources have policies of their own: in the same account these may grant as well.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html
"""
_GLUE_CATALOG = ("catalog", "database", "table", "partition", "userdefinedfunction", "connection", "columnstatistics")
"""What a Glue resource policy is about: https://docs.aws.amazon.com/glue/latest/dg/glue-policy-examples-resource-policies.html"""


def may_be_granted_by_a_resource(action: str) -> bool:
    """Whether the policy of a resource may grant `action` to a role of the same account."""
    prefix, _, name = action.lower().partition(":")
    if prefix == "glue":
        return any(word in name for word in _GLUE_CATALOG)
    return prefix in WITH_POLICIES and action != "bedrock:InvokeModel"


class Target(NamedTuple):
    """A function, queue, topic, bucket, table or bus. `open_to_roles` says which policy of it may let roles in."""

    arn: str
    span: Span
    open_to_roles: str = ""


class TaskDefinition(NamedTuple):
    """A task definition of ECS with the roles that its tasks get; a role is None where it has none."""

    family: str
    arn: str
    roles: tuple[str, ...] = ()

    @property
    def family_arn(self) -> str:
        """The ARN without revision."""
        return self.arn.rpartition(":")[0]
