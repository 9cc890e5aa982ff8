"""Least policies as CloudFormation, Terraform or JSON, with what is not covered beside each, as comments."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from policy_audit.formats.json import dumped
from policy_audit.formats.visible import inert, visible
from policy_audit.iam.write import document_of
from policy_audit.model.policy import Policy
from policy_audit.permissions.derived import Least
from policy_audit.permissions.references import Names, References, names_of, snake_case, template_of
from policy_audit.record import NamedTuple
from policy_audit.sources.template import Template

FORMATS: Final = ("cloudformation", "terraform", "json")
VERSION: Final = "1"


class Subject(NamedTuple):
    """A role or an API with the policy that it needs, and what this is proven for and does not cover."""

    is_role: bool
    address: str
    policy: Policy | None
    proven: tuple[str, ...]
    open: tuple[str, ...]

    @property
    def name(self) -> str:
        """The last name of the address."""
        return self.address.rpartition("#")[2]


def render(least: Least, output: str) -> str:
    """The whole output in one of `FORMATS`, newline at its end included."""
    subjects = [*_subjects(least)]
    if output == "json":
        return _json(subjects, least)
    write = _cloudformation if output == "cloudformation" else _terraform
    blocks = [write(one, References(names, least.symbols)) for one, names in _with_names(subjects, least.templates)]
    return inert("\n".join(blocks)) if blocks else "# no role and no API of the audited files needs anything\n"


def _with_names(subjects: Sequence[Subject], templates: Sequence[Template]) -> Iterator[tuple[Subject, Names]]:
    """Each subject with what its template can refer to, which is worked out once for each template."""
    known: dict[int, Names] = {}
    for subject in subjects:
        template = template_of(subject.address, templates)
        if template is not None and id(template) not in known:
            known[id(template)] = names_of(template, templates)
        yield subject, Names() if template is None else known[id(template)]


def _subjects(least: Least) -> Iterator[Subject]:
    for role in least.roles:
        policy = role.policy if role.policy.statements else None
        yield Subject(True, role.role.address, policy, tuple(one.sentence for one in role.needs), role.open)
    for api in least.apis:
        yield Subject(False, api.api.address, api.policy, tuple(one.sentence for one in api.needs), api.open)


def _json(subjects: list[Subject], least: Least) -> str:
    show = least.symbols.show

    def entry(one: Subject) -> Mapping[str, object]:
        return {
            "address": one.address,
            "policy": document_of(one.policy, show) if one.policy else None,
            "proven": [show(sentence) for sentence in one.proven],
            "open": list(one.open),
        }

    roles = [entry(one) for one in subjects if one.is_role]
    return dumped({"version": VERSION, "roles": roles, "apis": [entry(one) for one in subjects if not one.is_role]})


def _comments(subject: Subject, unknown: Mapping[str, None], what: str) -> str:
    lines = [f"# {subject.address}: proven for {len(subject.proven)} requirement{'s' * (len(subject.proven) != 1)}"]
    lines += [f"# not covered: {one}" for one in subject.open]
    if unknown:
        lines.append(f"# {what}: {', '.join(unknown)}")
    return "".join(f"{visible(line)}\n" for line in lines)


def _mapped(node: Any, write: Callable[[str], object]) -> Any:
    """The document with `write` applied to each text in it, keys left as they are."""
    if isinstance(node, Mapping):
        return {key: _mapped(value, write) for key, value in node.items()}
    if isinstance(node, list):
        return [_mapped(item, write) for item in node]
    return write(node) if isinstance(node, str) else node


# ---- CloudFormation -------------------------------------------------------------------------------------------------


def _cloudformation(subject: Subject, references: References) -> str:
    body: dict[str, object] = {}
    if subject.policy is not None:
        document = _mapped(document_of(subject.policy), references.in_template)
        name = re.sub("[^A-Za-z0-9]", "", subject.name)
        if subject.is_role:
            properties = {"RoleName": {"Ref": name}, "PolicyName": "least-privilege", "PolicyDocument": document}
            body = {f"{name}LeastPrivilege": {"Type": "AWS::IAM::RolePolicy", "Properties": properties}}
        else:
            body = {name: {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Policy": document}}}
    told = _comments(subject, references.unknown, "written as `*`, for the template does not give them")
    return told + (_yaml(body) if body else "")


def _yaml(body: Mapping[str, object]) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Lists indented, and nothing told by an alias."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

        def ignore_aliases(self, data: object) -> bool:
            return True

    return str(yaml.dump(body, Dumper=Dumper, sort_keys=False, width=1000))


# ---- Terraform ------------------------------------------------------------------------------------------------------


def _terraform(subject: Subject, references: References) -> str:
    name = snake_case(subject.name.rpartition(".")[2]) or "it"
    block = ""
    if subject.policy is not None:
        document = _mapped(document_of(subject.policy), references.for_terraform)
        body = json.dumps(document, indent=2).replace("\n", "\n  ")
        if subject.is_role:
            block = (
                f'resource "aws_iam_role_policy" "{name}" {{\n  name   = "least-privilege"\n'
                f"  role   = aws_iam_role.{name}.name\n  policy = jsonencode({body})\n}}\n"
            )
        else:
            block = (
                f'resource "aws_api_gateway_rest_api_policy" "{name}" {{\n'
                f"  rest_api_id = aws_api_gateway_rest_api.{name}.id\n  policy      = jsonencode({body})\n}}\n"
            )
    return _comments(subject, references.unknown, "give as variables") + block
