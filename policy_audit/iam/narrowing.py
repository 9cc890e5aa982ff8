"""A question about one resource without the Allows that name other ones: what is proven so needs none of them.

A role that may send to a hundred queues has a hundred open names, which may all be each other's: too many to be tried.
Whether it may send to one of them hangs on the statement that names this one, on those without open names, and on what
denies.
"""

from policy_audit.iam.request import Policies, Proven, RequestSet
from policy_audit.model.policy import Policy, Statement
from policy_audit.model.value import has_letters
from policy_audit.record import NamedTuple


class Narrowed(NamedTuple):
    """Policies of which some Allows are left out, beside the ones they were made of."""

    policies: Policies
    origins: tuple[tuple[Policy, Policy, tuple[int, ...]], ...]
    """Each identity policy as it is here, as it was, and the places that its statements had there."""

    def restored(self, proof: Proven) -> Proven:
        """The proof with its statements as they stand in the policies that this was made of.

        Whoever is allowed with fewer Allows is allowed with all of them.
        """
        because = []
        for deciding in proof.because:
            for fewer, whole, places in self.origins:
                if deciding.policy is fewer:
                    deciding = deciding._replace(policy=whole, index=places[deciding.index])
                    break
            because.append(deciding)
        return proof._replace(because=tuple(because))


def narrowed(requests: RequestSet, policies: Policies, many: int) -> Narrowed | None:
    """The policies without the identity policies' Allows for other open resources; None if these are at most `many`."""
    asked = frozenset(requests.resources.patterns)

    def is_of_another(statement: Statement) -> bool:
        named = statement.resources or ()
        return statement.effect == "Allow" and asked.isdisjoint(named) and any(map(has_letters, named))

    identity = policies.identity or ()
    if sum(is_of_another(one) for policy in identity for one in policy.statements) <= many:
        return None
    origins = []
    for policy in identity:
        places = tuple(index for index, one in enumerate(policy.statements) if not is_of_another(one))
        fewer = policy._replace(statements=tuple(policy.statements[index] for index in places))
        origins.append((fewer, policy, places))
    return Narrowed(policies._replace(identity=tuple(one for one, _, _ in origins)), tuple(origins))
