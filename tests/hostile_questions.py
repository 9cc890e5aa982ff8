"""Questions made to take long: each has to end soon, decided, or undecided with the budget as the reason."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from policy_audit.iam.prove import prove_allowed, prove_denied
from policy_audit.iam.request import Authorization, Key, Policies, RequestSet, Texts, Undecided, Verdict
from policy_audit.model.policy import Condition, Policy, Principal, Statement
from policy_audit.model.value import NAME, Shape, Symbol, Symbols

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders"
EVERYBODY = (Principal("*", "*"),)
KEY = "aws:PrincipalTag/team"


class Hostile(NamedTuple):
    """A question; `decided` says whether an answer is expected, and not just an end."""

    name: str
    requests: RequestSet
    policies: Policies
    allowed: bool
    """Whether to ask for all requests to be allowed, and not for all to be denied."""
    decided: bool = True
    symbols: Symbols = Symbols()
    authorization: Authorization = "ordinary"

    def answer(self) -> Verdict:
        prove = prove_allowed if self.allowed else prove_denied
        return prove(self.requests, self.policies, self.symbols, self.authorization)


def is_given_up(verdict: Verdict) -> bool:
    """Whether the prover has run out of its budget, or of values of symbols that it tries."""
    return isinstance(verdict, Undecided) and any("too many" in reason for reason in verdict.reasons)


def requests(
    resources: Sequence[str] = ("*",),
    actions: Sequence[str] = ("s3:GetObject",),
    callers: Sequence[str] = (ROLE,),
    but: Sequence[str] = (),
) -> RequestSet:
    """A set of signed requests within one account."""
    return RequestSet(
        "signed", Texts(tuple(callers), tuple(but)), Texts(tuple(actions)), Texts(tuple(resources)), ACCOUNT
    )


def role(*statements: Statement) -> Policies:
    """Nothing but a role's own policy."""
    return Policies(identity=(Policy(statements, "2012-10-17", "role"),))


def allow(*resources: str, conditions: tuple[Condition, ...] = ()) -> Statement:
    return Statement("Allow", ("s3:GetObject",), resources or ("*",), None, conditions)


def deny(*resources: str, conditions: tuple[Condition, ...] = ()) -> Statement:
    return Statement("Deny", ("s3:GetObject",), resources or ("*",), None, conditions)


def like(*patterns: str, operator: str = "StringLike", key: str = KEY) -> tuple[Condition, ...]:
    """One condition on a key that may have any value, or none."""
    return (Condition(operator, key, patterns),)


def arn(tail: str) -> str:
    return f"arn:aws:s3:::{tail}"


def questions() -> Iterator[Hostile]:
    """All of them."""
    yield from infix_globs()
    yield from many_texts()
    yield from solvers_traps()
    yield from long_patterns()
    yield from hard_searches()
    yield from open_texts()
    yield from principals()
    yield from sets_of_values()


def infix_globs() -> Iterator[Hostile]:
    """`*Key*` over an unrestricted dimension: 2^k classes of values."""
    for number in (4, 8, 10, 12, 20, 40):
        globs = [f"*Key{index:02}*" for index in range(number)]
        denies = [deny(conditions=like(glob)) for glob in globs]
        yield Hostile(f"{number} infix globs denied", requests(), role(allow(), *denies), False)
        everywhere = [deny(conditions=like(glob, operator="StringNotLike")) for glob in globs]
        # No value of forty is put together within the budget.
        yield Hostile(f"{number} infix globs wanted", requests(), role(allow(), *everywhere), False, number < 40)
        allows = [allow(conditions=like(glob)) for glob in globs]
        yield Hostile(f"{number} infix globs allowed", requests(), role(*allows), True)
        on_paths = [deny(arn(glob)) for glob in globs]
        yield Hostile(f"{number} infix globs of resources", requests([arn("*")]), role(allow(), *on_paths), False)
        spread = [deny(conditions=like(glob, key=f"aws:PrincipalTag/t{index}")) for index, glob in enumerate(globs)]
        yield Hostile(f"{number} infix globs of as many keys", requests(), role(allow(), *spread), False)


def many_texts() -> Iterator[Hostile]:
    for number in (100, 400):
        yield from (
            Hostile(
                f"{number} {name}",
                requests([arn("*")]),
                role(allow(), deny(*(form.format(i) for i in range(number)))),
                False,
            )
            for name, form in {
                "prefix globs": arn("bucket-{:03}/*"),
                "literals": arn("bucket/{:03}"),
                "suffixes": arn("*/key{:03}"),
                "prefixes and suffixes": arn("b{:03}*/key"),
            }.items()
        )
    nested = [arn("x" * index + "*") for index in range(1, 200)]
    yield Hostile("200 nested prefixes", requests([arn("*")]), role(allow(), deny(*nested)), False)


def solvers_traps() -> Iterator[Hostile]:
    """Inclusions that solvers stumble over: requests `inside` are all allowed by a statement for `outside`."""
    for inside, outside in (
        ("foo*?bar", "foo?*bar"),
        ("foo?*bar", "foo*?bar"),
        ("ab*b*b*b", "a*b*b*b"),
        ("a*b*b*b", "ab*b*b*b"),
        ("*a??????????", "*a??????????*"),
        ("*a" + "?" * 16, "*a" + "?" * 16 + "*"),
        ("*a" + "?" * 16 + "*", "*a" + "?" * 16),
        ("*a*a*a*a*a*a*a*b", "*a*a*a*a*a*a*b"),
    ):
        yield Hostile(f"{inside} in {outside}", requests([arn(inside)]), role(allow(arn(outside))), True)
        key = Key(Texts((inside,)))
        given = requests()._replace(context={KEY.lower(): key})
        yield Hostile(f"{inside} in {outside}, as a key", given, role(allow(conditions=like(outside))), True)
    apart = role(allow(), deny(arn("*a" + "?" * 16)), deny(arn("*b" + "?" * 16 + "*")))
    yield Hostile("sixteen question marks twice", requests([arn("*")]), apart, False)


def long_patterns() -> Iterator[Hostile]:
    """Patterns near the size that AWS allows a policy (10 kB for all of a role's, 20 kB for a bucket's)."""
    stars = "*".join("abcdefghij"[index % 10] for index in range(2000))
    yield Hostile("2,000 stars", requests([arn("*")]), role(allow(), deny(arn(stars + "*"))), False)
    yield Hostile("2,000 stars twice", requests([arn(stars)]), role(allow(arn("*" + stars))), True)
    yield Hostile("3,000 question marks", requests([arn("*")]), role(allow(), deny(arn("?" * 3000))), False)
    yield Hostile(
        "3,000 characters twice", requests([arn("a" * 3000 + "*b")]), role(allow(arn("a" * 2999 + "*b"))), True
    )
    repeated = "*" + "ab" * 1500 + "*"
    yield Hostile("a long infix", requests([arn("*")]), role(allow(), deny(arn(repeated)), deny(arn("*ba*"))), False)


def hard_searches() -> Iterator[Hostile]:
    """Thirty keys, and as many Denies of three conditions each as make the question hardest."""
    for number in (129, 150, 180):
        dice = random.Random(number)
        denies = []
        for _ in range(number):
            chosen = dice.sample(range(30), 3)
            denies.append(
                deny(
                    conditions=tuple(
                        Condition(dice.choice(("StringEquals", "StringNotEquals")), f"aws:PrincipalTag/t{each}", ("x",))
                        for each in chosen
                    )
                )
            )
        yield Hostile(f"30 keys, {number} Denies", requests(), role(allow(), *denies), False)


def open_texts() -> Iterator[Hostile]:
    for number in (5, 20, 60):
        symbols = Symbols()
        letters = [symbols.symbol(Symbol(f"${{Name{index}}}", NAME)) for index in range(number)]
        globs = [arn(f"bucket-{letter}/*") for letter in letters]
        yield Hostile(
            f"{number} symbols", requests([arn("bucket-*/key")]), role(allow(), deny(*globs)), False, False, symbols
        )
        policy = role(allow(*globs), *(deny(arn(f"*{letter}*")) for letter in letters))
        asked = requests([arn(f"bucket-{letters[0]}/key")])
        yield Hostile(f"{number} symbols in infix globs", asked, policy, True, False, symbols)
        anything = [symbols.symbol(Symbol(f"${{Any{index}}}", Shape("anything"))) for index in range(number)]
        mixed = role(allow("*"), deny(arn("*".join(anything)), arn("x" + "".join(anything))))
        yield Hostile(f"{number} symbols side by side", requests([arn("x*")]), mixed, False, False, symbols)
    variables = "".join(f"${{aws:PrincipalTag/t{index}}}/" for index in range(100))
    yield Hostile("100 policy variables", requests([arn("*")]), role(allow(arn(variables))), True, False)
    nested = "${aws:PrincipalTag/" * 200 + "x" + "}" * 200
    yield Hostile("nested policy variables", requests([arn("*")]), role(allow(), deny(arn(nested))), False, False)


def principals() -> Iterator[Hostile]:
    for number in (100, 400):
        names = [f"arn:aws:iam::{100000000000 + index}:role/r{index}" for index in range(number)]
        open_to = Statement("Allow", ("s3:GetObject",), ("*",), tuple(Principal("AWS", name) for name in names))
        policies = Policies(identity=None, resource=Policy((open_to,), "2012-10-17", "bucket"))
        abroad = requests(callers=("*",))._replace(same_account=False)
        yield Hostile(f"{number} principals of as many accounts", abroad, policies, False)
        ours = [f"arn:aws:iam::{ACCOUNT}:role/r{index}" for index in range(number)]
        keeps_out = (
            Statement("Allow", ("s3:GetObject",), ("*",), EVERYBODY),
            Statement(
                "Deny",
                ("s3:GetObject",),
                ("*",),
                EVERYBODY,
                like(*ours, operator="StringNotLike", key="aws:PrincipalArn"),
            ),
        )
        policies = Policies(identity=None, resource=Policy(keeps_out, "2012-10-17", "bucket"))
        yield Hostile(f"{number} principals but these", requests(callers=("*",), but=ours), policies, False)
        infix = [f"arn:aws:iam::*:role/*r{index}*" for index in range(number // 10)]
        covered = (
            Statement("Allow", ("s3:GetObject",), ("*",), EVERYBODY),
            *(
                Statement("Deny", ("s3:GetObject",), ("*",), EVERYBODY, like(each, key="aws:PrincipalArn"))
                for each in infix
            ),
        )
        policies = Policies(identity=None, resource=Policy(covered, "2012-10-17", "bucket"))
        yield Hostile(f"{number // 10} infix globs of principals", requests(callers=("*",)), policies, False)


def sets_of_values() -> Iterator[Hostile]:
    for number in (5, 12, 20, 60):
        hits = [
            deny(conditions=like(f"t{i}", operator="ForAnyValue:StringEquals", key="aws:TagKeys"))
            for i in range(number)
        ]
        yield Hostile(f"{number} demands on a set", requests(), role(allow(), *hits), False)
        misses = [
            deny(conditions=like(f"t{i}", operator="ForAllValues:StringNotEquals", key="aws:TagKeys"))
            for i in range(number)
        ]
        yield Hostile(f"{number} demands on a set, all wanted", requests(), role(allow(), *misses), False)
        mixed = [
            deny(conditions=like(f"*k{i}*", operator="ForAnyValue:StringLike", key="aws:TagKeys"))
            for i in range(number)
        ]
        yield Hostile(f"{number} infix demands on a set", requests(), role(allow(), *mixed), False)
