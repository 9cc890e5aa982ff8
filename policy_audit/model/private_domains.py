"""Custom domain names of private APIs, with the policy that each has beside its APIs' own."""

from policy_audit.model.policy import Policy
from policy_audit.origin import Span
from policy_audit.record import NamedTuple


class BasePath(NamedTuple):
    """Where a custom domain name leads under one base path, which is empty for the rest."""

    path: str
    api: str
    stage: str


class PrivateDomain(NamedTuple):
    """A private custom domain name. `arn` is what `execute-api:Invoke` is asked on at its own policy.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-custom-domains.html
    """

    address: str
    span: Span
    name: str
    arn: str
    account: str
    policy: Policy | None = None
    base_paths: tuple[BasePath, ...] = ()

    def base_path(self, path: str) -> BasePath | None:
        """The base path that a request for `path` falls under: the longest that fits.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mappings.html
        """
        fitting = [one for one in self.base_paths if _under(path, one.path)]
        return max(fitting, key=lambda one: len(one.path)) if fitting else None


def _under(path: str, base: str) -> bool:
    wanted, given = [part for part in base.split("/") if part], path.strip("/").split("/")
    return given[: len(wanted)] == wanted
