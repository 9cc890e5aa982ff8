"""Credentials and clients: the one module that imports boto3, and only when a session is opened."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from policy_audit import __version__
from policy_audit.errors import INCOMPLETE, AuditError
from policy_audit.record import NamedTuple

if TYPE_CHECKING:
    import boto3

CONNECT_SECONDS: Final = 10
READ_SECONDS: Final = 60
"""A page of `get_account_authorization_details` takes seconds to come."""
ATTEMPTS: Final = 8
"""How often a call is made that is throttled or fails on the way, the waits growing up to 20 seconds.

https://docs.aws.amazon.com/boto3/latest/guide/retries.html
"""
ATTEMPTS_WHERE_NOT_LISTED: Final = 2
"""The same for a service that botocore does not list for a Region, where there may be nobody to answer."""
INSTALL: Final = "`pip install boto3`: it comes with policy-audit, and is missing here"
_SESSION: Final = "policy-audit"


class Access(NamedTuple):
    """How an account is reached: a profile, a Region to start from, a role to assume with an external id.

    Each may be empty: then the standard chain of credentials and configuration decides, and no role is assumed.
    """

    profile: str = ""
    region: str = ""
    role_arn: str = ""
    external_id: str = ""


class Clients:
    """Clients by service and Region, made once each; safe to be asked from several threads."""

    def __init__(self, session: boto3.Session, connections: int, attempts: int = ATTEMPTS) -> None:
        self.session = session
        self._connections = connections
        self._attempts = attempts
        self._making = threading.Lock()
        self._made: dict[tuple[str, str], Any] = {}
        self._listed: dict[str, frozenset[str]] = {}

    def __call__(self, service: str, region: str) -> Any:
        # Making a client of a session is not safe in threads, using it is.
        # https://docs.aws.amazon.com/boto3/latest/guide/clients.html
        with self._making:
            found = self._made.get((service, region))
            if found is None:
                listed = self._is_listed(service, region)
                found = self._made[service, region] = self.session.client(
                    service, region_name=region, config=self._config(listed)
                )
            return found

    def is_listed(self, service: str, region: str) -> bool:
        """Whether botocore lists the service for the Region; its list may be older than the service's start there."""
        with self._making:
            return self._is_listed(service, region)

    def _is_listed(self, service: str, region: str) -> bool:
        if service not in self._listed:
            partition = self.session.get_partition_for_region(region)
            self._listed[service] = frozenset(self.session.get_available_regions(service, partition))
        # For a service that is the same everywhere no Region is listed.
        return not self._listed[service] or region in self._listed[service]

    def _config(self, listed: bool) -> Any:
        from botocore.config import Config

        attempts = self._attempts if listed else min(self._attempts, ATTEMPTS_WHERE_NOT_LISTED)
        return Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=self._connections,
            retries={"mode": "adaptive", "total_max_attempts": attempts},
            user_agent_extra=f"policy-audit/{__version__}",
        )


def open_session(access: Access) -> boto3.Session:
    """A session by the standard chain of credentials, in the role of `access` if it names one.

    Raises AuditError when boto3 is not installed, when there is no such profile, and when there are no credentials.
    https://docs.aws.amazon.com/boto3/latest/guide/credentials.html
    """
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise AuditError(f"`live` reads accounts with boto3: {str(error).lower()}", help=INSTALL) from None
    try:
        session = boto3.Session(profile_name=access.profile or None, region_name=access.region or None)
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise AuditError(_sentence(error), help="`--profile` names one of ~/.aws/config") from None
    if credentials is None:
        raise AuditError(
            "there are no AWS credentials",
            help="name a profile with `--profile`, or sign in as for the AWS CLI (`aws sts get-caller-identity` works)",
        )
    if not access.role_arn:
        return session
    sts = session.client("sts", region_name=session.region_name or default_region(_partition_of(access.role_arn)))
    return assume(session, sts, access.role_arn, access.external_id)


def assume(session: boto3.Session, sts: Any, role_arn: str, external_id: str = "") -> boto3.Session:
    """A session in a role, whose credentials the client `sts` renews as long as its own last.

    Nothing is asked of AWS before the first call in the role. Safe to be called from several threads.
    """
    import boto3
    from botocore.credentials import DeferredRefreshableCredentials
    from botocore.session import Session

    asked = {"RoleArn": role_arn, "RoleSessionName": _SESSION} | ({"ExternalId": external_id} if external_id else {})

    def refresh() -> dict[str, str]:
        given = sts.assume_role(**asked)["Credentials"]
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }

    inner = Session(profile=None if session.profile_name == "default" else session.profile_name)
    inner._credentials = DeferredRefreshableCredentials(refresh, "assume-role")
    # The service models, which take long to read: once for all accounts.
    inner.register_component("data_loader", session._session.get_component("data_loader"))
    return boto3.Session(botocore_session=inner, region_name=session.region_name)


def default_region(partition: str) -> str:
    """The Region where an account that is read without one is asked for its IAM: the home of the partition."""
    return {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}.get(partition, "us-east-1")


def partition_of_region(region: str) -> str:
    """The partition that a Region's name tells: `aws` but for China's and the US government's.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """
    start = region.partition("-")[0]
    if start == "cn":
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _partition_of(arn: str) -> str:
    return arn.split(":")[1] if arn.startswith("arn:") else "aws"


def identity(clients: Clients, region: str) -> tuple[str, str]:
    """The account that the session's credentials are of, and its partition.

    Raises AuditError when AWS refuses the credentials or the role, and when it cannot be reached.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        caller = clients("sts", region).get_caller_identity()
    except ClientError as error:
        what = "the role cannot be assumed" if error.operation_name == "AssumeRole" else "AWS refuses the credentials"
        help = "sign in again, or name another profile with `--profile`, or another role with `--role-arn`"
        raise AuditError(f"{what}: {_sentence(error)}", help=help, exit_code=INCOMPLETE) from None
    except BotoCoreError as error:
        help = "look at the profile, the name of the Region, and the network"
        raise AuditError(f"AWS cannot be asked: {_sentence(error)}", help=help, exit_code=INCOMPLETE) from None
    return str(caller["Account"]), _partition_of(str(caller["Arn"]))


def _sentence(error: Exception) -> str:
    text = str(error).strip().rstrip(".")
    return text[:1].lower() + text[1:]
