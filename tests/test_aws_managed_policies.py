"""AWS managed policies: a few from AWS's reference, the whole table against the facts it is made from, speed."""

import json
import os
import time
from configparser import ConfigParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_audit.devtools import build_managed_policies as build
from policy_audit.model.policy import Condition, Policy, Statement
from policy_audit.model.value import PARTITION, Symbol, Symbols
from policy_audit.sources import aws_managed_policies
from policy_audit.sources.aws_managed_policies import TABLE, aws_managed_policy, names, table_date

FACTS = Path(__file__).resolve().parents[2] / "shared" / "facts" / "aws_managed_policies.json"
PREFIX = "arn:aws:iam::aws:policy/"
NAMES = frozenset(names())


def policy(name: str, partition: str = "aws") -> Policy:
    found = aws_managed_policy(f"arn:{partition}:iam::aws:policy/{name}")
    assert found is not None
    return found


# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
@pytest.mark.parametrize(
    ("name", "statements"),
    [
        ("AdministratorAccess", [Statement("Allow", ("*",), ("*",))]),
        (
            "service-role/AWSLambdaBasicExecutionRole",
            [Statement("Allow", ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"), ("*",))],
        ),
        ("service-role/AWSLambdaRole", [Statement("Allow", ("lambda:InvokeFunction",), ("*",))]),
        ("AmazonS3FullAccess", [Statement("Allow", ("s3-object-lambda:*", "s3:*"), ("*",))]),
        (
            "AmazonAPIGatewayInvokeFullAccess",
            [
                Statement(
                    "Allow", ("execute-api:Invoke", "execute-api:ManageConnections"), ("arn:aws:execute-api:*:*:*",)
                )
            ],
        ),
        ("AWSStepFunctionsFullAccess", [Statement("Allow", ("states:*",), ("*",))]),
        ("AWSDenyAll", [Statement("Deny", ("*",), ("*",))]),
    ],
)
def test_known_policies(name: str, statements: list[Statement]) -> None:
    assert list(policy(name).statements) == statements
    assert policy(name).version == "2012-10-17"


def test_the_name_tells_the_version() -> None:
    assert policy("service-role/AWSLambdaBasicExecutionRole").name == "AWSLambdaBasicExecutionRole v1"


def test_power_users_get_everything_but_three_services() -> None:
    everything_else, some = policy("PowerUserAccess").statements
    assert everything_else.not_action
    assert set(everything_else.actions) == {"iam:*", "organizations:*", "account:*"}
    assert "iam:CreateServiceLinkedRole" in some.actions
    assert not some.not_action


def test_conditions_and_absent_resources_are_kept() -> None:
    statements = policy("CloudWatchEventsFullAccess").statements
    passing = [statement for statement in statements if "iam:PassRole" in statement.actions]
    assert passing
    creating = [statement for statement in statements if "iam:CreateServiceLinkedRole" in statement.actions]
    assert any(
        condition.operator == "StringEquals" and condition.key == "iam:AWSServiceName"
        for statement in creating
        for condition in statement.conditions
    )


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "arn",
        "AdministratorAccess",
        f"{PREFIX}NoSuchPolicy",
        f"{PREFIX}",
        f"{PREFIX}A",
        f"{PREFIX}D",
        f"{PREFIX}administratoraccess",
        f"{PREFIX}AWSLambdaBasicExecutionRole",
        f"{PREFIX}service-role/AdministratorAccess",
        f"{PREFIX}AdministratorAccess/",
        f"{PREFIX}AdministratorAccess\tv1",
        f"{PREFIX}AdministratorAccess\tv1\t2015-02-06\nA",
        f"{PREFIX}zzzz",
        f"{PREFIX}!",
        f"{PREFIX}\U000f0000",
        "arn:aws:iam::aws:role/AdministratorAccess",
        "arn:aws:iam::123456789012:policy/AdministratorAccess",
        "arn:aws:s3::aws:policy/AdministratorAccess",
        "x:aws:iam::aws:policy/AdministratorAccess",
    ],
)
def test_what_the_table_lacks_is_unknown(arn: str) -> None:
    assert aws_managed_policy(arn) is None


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_any_text_is_answered(text: str) -> None:
    assert aws_managed_policy(text) is None
    found = aws_managed_policy(PREFIX + text)
    assert (found is not None) == (text in NAMES)


@pytest.mark.parametrize("partition", ["aws-us-gov", "aws-cn", "letter"])
def test_other_partitions(partition: str) -> None:
    if partition == "letter":
        partition = Symbols().symbol(Symbol("${AWS::Partition}", PARTITION))
    assert policy("AmazonAPIGatewayInvokeFullAccess", partition).statements[0].resources == (
        f"arn:{partition}:execute-api:*:*:*",
    )
    assert policy("AdministratorAccess", partition) == policy("AdministratorAccess")


def test_a_look_up_reads_no_more_than_it_needs() -> None:
    def seconds(name: str) -> float:
        start = time.process_time()
        policy(name)
        return time.process_time() - start

    # The best of several: other processes may hold the machine up, but cannot make a look-up faster than it is.
    assert min(seconds("service-role/AWSLambdaBasicExecutionRole") for _ in range(20)) < 0.005
    assert os.path.getsize(TABLE) < 700_000


def test_the_table_is_installed_with_the_package() -> None:
    package = Path(TABLE).parent.parent
    settings = ConfigParser()
    settings.read(package.parent / "setup.cfg", encoding="utf-8")
    patterns = settings["options.package_data"]["policy_audit"].split()
    assert any(Path(TABLE) in package.glob(pattern) for pattern in patterns)


def test_the_table_is_sorted_and_dated() -> None:
    assert list(names()) == sorted(NAMES)
    assert len(NAMES) == len(names())
    assert time.strptime(table_date(), "%Y-%m-%d")


# ---- the table and the facts it is made from ------------------------------------------------------------------------


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def conditions(document: dict[str, Any]) -> set[Condition]:
    return {
        Condition(
            operator, key, tuple(str(value).lower() if value in (True, False) else value for value in as_list(values))
        )
        for operator, keys in document.get("Condition", {}).items()
        for key, values in keys.items()
    }


def same_actions(kept: tuple[str, ...], given: list[str]) -> bool:
    """Whether two lists match the same actions: `kept` is part of `given`, and its prefixes cover the rest."""
    left = {action.lower() for action in kept}
    prefixes = tuple(action[:-1] for action in left if action.endswith("*"))
    return left <= {action.lower() for action in given} and all(
        action.lower() in left or action.lower().startswith(prefixes) for action in given
    )


def assert_same(found: Policy, document: dict[str, Any]) -> None:
    statements = as_list(document["Statement"])
    assert len(found.statements) == len(statements)
    assert found.version == document["Version"]
    for one, other in zip(found.statements, statements, strict=True):
        assert one.effect == other["Effect"]
        assert one.not_action == ("NotAction" in other)
        assert one.not_resource == ("NotResource" in other)
        assert same_actions(one.actions, as_list(other.get("Action", other.get("NotAction"))))
        assert set(one.resources or ()) == set(as_list(other.get("Resource", other.get("NotResource"))))
        assert set(one.conditions) == conditions(other)
        assert one.principals is None


@pytest.mark.skipif(not FACTS.exists(), reason="the facts that the table is made from are not beside the checkout")
def test_the_table_says_what_the_facts_say() -> None:
    facts = json.loads(FACTS.read_text("utf-8"))["policies"]
    known = {fact["arn"].removeprefix(PREFIX): fact for fact in facts.values() if fact["arn"]}
    assert set(known) | set(build.MISSING) == NAMES
    for name, fact in known.items():
        assert_same(policy(name), fact["document"])
        assert policy(name).name == f"{name.rpartition('/')[2]} {fact['version']}"
    assert table_date() == max(fact["updated"] for fact in known.values())


# ---- the builder ----------------------------------------------------------------------------------------------------

WORDS = st.text("abAB*?$ {}:/.=!", min_size=1, max_size=8)
ACTIONS = st.one_of(st.just("*"), st.from_regex(r"[ab]{1,2}:[aAbB*?]{1,4}", fullmatch=True))
CONDITIONS = st.dictionaries(
    st.sampled_from(["StringEquals", "ForAllValues:StringLike", "Null"]),
    st.dictionaries(
        WORDS, st.one_of(WORDS, st.booleans(), st.lists(WORDS, min_size=1, max_size=3)), min_size=1, max_size=2
    ),
    max_size=2,
)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "Sid": "x",
        "Effect": draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Action", "NotAction"])): draw(
            st.one_of(ACTIONS, st.lists(ACTIONS, min_size=1, max_size=6))
        ),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(
            st.lists(WORDS.filter(lambda word: word[0] != "!"), min_size=1)
        ),
        "Condition": draw(CONDITIONS),
    }


def facts(documents: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "arn": PREFIX + name,
            "version": "v3",
            "updated": "2020-01-02",
            "document": {"Version": "2012-10-17", "Statement": listed},
        }
        for name, listed in documents.items()
    }


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text("abAD/-_", min_size=1, max_size=5), st.lists(statements(), min_size=1, max_size=3)))
def test_every_policy_is_found_as_it_was_given(documents: dict[str, list[dict[str, Any]]]) -> None:
    given_facts = facts(documents)
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        path = Path(folder, "small.table")
        patch.setattr(build, "BLOCK_SIZE", 200)
        patch.setattr(aws_managed_policies, "TABLE", str(path))
        path.write_bytes(build.table(given_facts))
        for name, fact in given_facts.items():
            assert_same(policy(name), fact["document"])
        assert set(names()) == {*documents, *build.MISSING}


@pytest.mark.parametrize(
    "changed",
    [
        {"Principal": "*"},
        {"Effect": "Maybe"},
        {"Resource": "a|b"},
        {"Resource": "a\nb"},
        {"Resource": []},
        {"Action": "s3:Get,Put"},
        {"Condition": {"StringEquals": {"aws:x|y": "z"}}},
        {"Condition": {"StringEquals": {"aws:x": "a\tb"}}},
    ],
)
def test_what_cannot_be_written_is_refused(changed: dict[str, Any]) -> None:
    statement = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*", **changed}
    with pytest.raises((ValueError, KeyError)):
        build.table(facts({"X": [statement]}))


def test_a_policy_without_arn_or_of_another_version_is_not_taken() -> None:
    statement = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
    nameless = facts({"X": [statement]})
    nameless["X"]["arn"] = None
    assert b" 2 " in build.table(nameless).split(b"\n")[0]
    old = facts({"X": [statement]})
    old["X"]["document"]["Version"] = "2008-10-17"
    with pytest.raises(ValueError, match="2012-10-17"):
        build.table(old)
