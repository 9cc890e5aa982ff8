"""Requirements asked again with another policy in force: the referee of every policy that is written."""

from collections.abc import Callable

from policy_audit.iam.api_gateway import Question
from policy_audit.iam.request import Policies
from policy_audit.rulebook.requirement import Requirement

Change = Callable[[Policies], Policies]


def with_policies(requirement: Requirement, change: Change) -> Requirement:
    """The requirement with what `change` makes of the policies of each of its questions."""

    def changed(question: Question) -> Question:
        return question._replace(policies=change(question.policies))

    return requirement._replace(
        questions=tuple(map(changed, requirement.questions)),
        otherwise=(),
        doubtful=(),
        telling=(),
        guarded=tuple((changed(question), reason) for question, reason in requirement.guarded),
        unseen=(),
    )
