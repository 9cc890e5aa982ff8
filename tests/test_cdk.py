"""Cloud assemblies: stacks with their names, environments and assets, under the paths of their constructs."""

import json
from pathlib import Path
from typing import Any

import pytest

from policy_audit.audit import audit
from policy_audit.findings import Report

FLOW = {
    "StartAt": "Call",
    "States": {
        "Call": {
            "Type": "Task",
            "Resource": "arn:aws:states:::http:invoke",
            "Parameters": {"ApiEndpoint": "http://ledger.example/x", "Method": "GET"},
            "End": True,
        }
    },
}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ]
        }
    },
}
EXPORT = "Network:ExportsOutputFnGetAttRoleArn"


def write(name: str, content: object) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(json.dumps(content, indent=1), encoding="utf-8")


def stack(name: str, **more: object) -> dict[str, object]:
    return {
        "type": "aws:cloudformation:stack",
        "environment": "aws://111122223333/eu-west-1",
        "properties": {"templateFile": f"{name}.template.json"},
        "dependencies": [f"{name}.assets"],
        "additionalMetadataFile": f"{name}.metadata.json",
        **more,
    }


def told(logical_id: str, *frames: str) -> list[dict[str, object]]:
    facts: list[dict[str, object]] = [{"type": "aws:cdk:logicalId", "data": logical_id}]
    return [*facts, {"type": "aws:cdk:creationStack", "data": list(frames)}] if frames else facts


def files(**paths: str) -> dict[str, object]:
    found = {
        key: {"source": {"path": path}, "destinations": {"here": {"bucketName": "b", "objectKey": f"{key}.json"}}}
        for key, path in paths.items()
    }
    return {"version": "55.0.0", "files": found}


@pytest.fixture(autouse=True)
def assembly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    artifacts: dict[str, Any] = {
        "Network": stack("Network"),
        "Network.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Network.assets.json"}},
        "Flows": stack("Flows"),
        "Flows.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Flows.assets.json"}},
        "Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}},
        "assembly-Prod": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}},
    }
    write("cdk.out/manifest.json", {"version": "55.0.0", "artifacts": artifacts})
    write("cdk.out/tree.json", {"Resources": "::Type"})
    write(
        "cdk.out/Network.template.json",
        {
            "Resources": {"Role1A2B": ROLE},
            "Outputs": {"Out": {"Value": {"Fn::GetAtt": ["Role1A2B", "Arn"]}, "Export": {"Name": EXPORT}}},
        },
    )
    write("cdk.out/Network.metadata.json", {"/Network/Role/Resource": told("Role1A2B")})
    write("cdk.out/Network.assets.json", files())
    write("cdk.out/Flows.template.json", {"Resources": {"M3C4D": machine({"DefinitionS3Location": s3("abc")})}})
    frames = ("...new StateMachine in aws-cdk-lib...", "new Flows (lib/flows.ts:12:5)", "<anonymous> (bin/app.ts:3:1)")
    write("cdk.out/Flows.metadata.json", {"/Flows/M/Resource": told("M3C4D", *frames)})
    write("cdk.out/Flows.assets.json", files(abc="asset.abc.json", inner="Inner.nested.template.json"))
    write("cdk.out/asset.abc.json", FLOW)
    write("cdk.out/assembly-Prod/manifest.json", {"version": "55.0.0", "artifacts": {"ProdNetwork": prod()}})
    write("cdk.out/assembly-Prod/ProdNetwork.template.json", {"Resources": {"Role9Z": ROLE}})
    return tmp_path


def prod() -> dict[str, object]:
    facts = {"/Prod/Network/Role/Resource": told("Role9Z")}
    return {**stack("ProdNetwork"), "environment": "aws://unknown-account/unknown-region", "metadata": facts}


def s3(key: str) -> dict[str, object]:
    return {"Bucket": {"Fn::Sub": "b-${AWS::AccountId}"}, "Key": f"{key}.json"}


def machine(definition: dict[str, object]) -> dict[str, object]:
    properties = {**definition, "RoleArn": {"Fn::ImportValue": EXPORT}}
    return {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}


def answers(report: Report) -> dict[str, str]:
    return {one.rule: one.answer for one in report.requirements}


@pytest.mark.parametrize("given", [".", "cdk.out"])
def test_an_assembly_is_read_by_its_manifest_and_nothing_of_it_twice(given: str) -> None:
    report = audit([given])
    assert {(one.path, one.form) for one in report.targets} == {
        (f"cdk.out/{name}.template.json", "CDK stack") for name in ("Network", "Flows", "assembly-Prod/ProdNetwork")
    }
    assert not report.skipped
    found = answers(report)
    assert found["state-machine-definition"] == "proven"
    assert found["state-machine-trust"] == "proven"


def test_a_finding_names_the_construct_and_the_line_that_made_it() -> None:
    report = audit(["."])
    (finding,) = [one for one in report.findings if one.rule == "http-task-https"]
    assert finding.address == "cdk.out/Flows.template.json#Flows/M/Resource"
    assert finding.location.file == "cdk.out/asset.abc.json"
    made = [(mark.span.file, mark.span.line, mark.span.column) for mark in finding.related if mark.label == "made here"]
    assert made == [("lib/flows.ts", 12, 5)]


def test_the_environment_of_a_stack_is_pinned() -> None:
    report = audit(["."])
    (trust,) = [one for one in report.requirements if one.rule == "state-machine-trust"]
    assert ":111122223333:role/" in trust.requirement


def test_a_nested_stack_is_found_by_its_asset() -> None:
    resources = {
        "M3C4D": machine({"DefinitionS3Location": s3("abc")}),
        "Inner": {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {
                "TemplateURL": {"Fn::Join": ["", ["https://s3.eu-west-1.", {"Ref": "AWS::URLSuffix"}, "/b/inner.json"]]}
            },
        },
    }
    write("cdk.out/Flows.template.json", {"Resources": resources})
    inner = machine({"DefinitionString": json.dumps(FLOW).replace("http://", "https://")})
    write("cdk.out/Inner.nested.template.json", {"Resources": {"Deep": inner}})
    report = audit(["."])
    assert not report.skipped
    assert [one.answer for one in report.requirements if one.rule == "http-task-https"] == ["refuted", "proven"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("Flows.template.json", None), ("Flows.template.json", "{"), ("manifest.json", "{"), ("Flows.assets.json", "{")],
)
def test_a_broken_assembly_says_so(name: str, content: str | None) -> None:
    path = Path("cdk.out") / name
    if content is None:
        path.unlink()
    elif name == "manifest.json":
        path.write_text(path.read_text(encoding="utf-8") + "}", encoding="utf-8")
    else:
        path.write_text(content, encoding="utf-8")
    report = audit(["."])
    assert any(one.broken for one in report.skipped)


@pytest.mark.parametrize("place", ["templateFile", "directoryName", "file", "asset"])
def test_nothing_outside_of_the_folder_is_opened(place: str, assembly: Path) -> None:
    write("secret.json", {"Resources": {"X": ROLE}, "marker": "hunter2"})
    manifest = json.loads(Path("cdk.out/manifest.json").read_text(encoding="utf-8"))
    changed = {
        "templateFile": ("Flows", "templateFile", "../secret.json"),
        "directoryName": ("assembly-Prod", "directoryName", "../.."),
        "file": ("Flows.assets", "file", "../secret.json"),
    }
    if place == "asset":
        write("cdk.out/Flows.assets.json", files(abc="../secret.json"))
    else:
        artifact, key, value = changed[place]
        manifest["artifacts"][artifact]["properties"][key] = value
        write("cdk.out/manifest.json", manifest)
    report = audit(["cdk.out"])
    assert any(one.broken for one in report.skipped)
    assert not any("secret" in one.path for one in report.targets)
    assert not any("hunter2" in line for lines in report.texts.values() for line in lines)
