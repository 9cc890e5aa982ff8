"""The snapshot of an account as large as one wishes, and how long its audit takes.

    python tests/large_account.py 500 5000 50000

prints the processor time of one core and the memory that each takes, and the time for each role as a ratio of the
first's. Most of the roles are those of functions, one in ten runs a workflow that calls an API of its own; there is an
API for every 25 roles.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from typing import Any

from policy_audit.live.snapshot import Snapshot, dump

ACCOUNT, REGION = "111122223333", "eu-west-1"
ROLES_TO_A_WORKFLOW, ROLES_TO_AN_API = 10, 25


def snapshot(roles: int) -> Snapshot:
    """An account with so many roles, and workflows and APIs in proportion, that has nothing wrong."""
    found = Snapshot(ACCOUNT, "aws", "2026-11-21T12:00:00Z")
    apis = max(roles // ROLES_TO_AN_API, 1)
    details = [_role(number, apis) for number in range(roles)]
    for start in range(0, roles, 100):
        page = {"RoleDetailList": details[start : start + 100], "Policies": _policies() if not start else []}
        found.add("iam.GetAccountAuthorizationDetails", page)
    _workflows(found, roles, apis)
    _apis(found, roles, apis)
    for operation in ("events.ListConnections", "events.ListApiDestinations", "events.ListEventBuses"):
        found.add(operation, {}, region=REGION)
    return found


def _arn(number: int) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{_name(number)}"


def _name(number: int) -> str:
    return f"workflow-{number:05d}" if number % ROLES_TO_A_WORKFLOW == 0 else f"function-{number:05d}"


def _api(number: int, apis: int) -> str:
    return f"a{number // ROLES_TO_A_WORKFLOW % apis:09d}"


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _role(number: int, apis: int) -> dict[str, Any]:
    is_workflow = number % ROLES_TO_A_WORKFLOW == 0
    trust: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    trust["Action"] = "sts:AssumeRole"
    if is_workflow:
        trust["Principal"] = {"Service": "states.amazonaws.com"}
        source = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:orders-{number:05d}"
        trust["Condition"] = {"ArnLike": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}
        call = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{_api(number, apis)}/live/GET/orders/*"
        statements: list[dict[str, Any]] = [
            {"Sid": "Call", "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": call}
        ]
    else:
        table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders-{number:05d}"
        statements = [
            {"Sid": "Read", "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": table},
            {
                "Sid": "Write",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": f"arn:aws:s3:::orders-{number:05d}/*",
                "Condition": {"StringEquals": {"aws:ResourceAccount": ACCOUNT}},
            },
        ]
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    own = f"arn:aws:iam::{ACCOUNT}:policy/everybody"
    attached = [own] if is_workflow else [basic, own]
    return {
        "Path": "/",
        "RoleName": _name(number),
        "Arn": _arn(number),
        "AssumeRolePolicyDocument": _document(trust),
        "RolePolicyList": [{"PolicyName": "own", "PolicyDocument": _document(*statements)}],
        "AttachedManagedPolicies": [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in attached],
    }


def _policies() -> list[dict[str, Any]]:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1b2c3d4e-0000-4000-8000-000000000000"
    document = _document({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key})
    version = {"Document": document, "VersionId": "v1", "IsDefaultVersion": True}
    arn = f"arn:aws:iam::{ACCOUNT}:policy/everybody"
    return [{"PolicyName": "everybody", "Arn": arn, "Path": "/", "PolicyVersionList": [version]}]


def _workflows(found: Snapshot, roles: int, apis: int) -> None:
    for number in range(0, roles, ROLES_TO_A_WORKFLOW):
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:orders-{number:05d}"
        parameters = {
            "ApiEndpoint": f"{_api(number, apis)}.execute-api.{REGION}.amazonaws.com",
            "Method": "GET",
            "Stage": "live",
            "Path.$": "States.Format('/orders/{}', $.id)",
            "AuthType": "IAM_ROLE",
        }
        read = {"Type": "Task", "Resource": "arn:aws:states:::apigateway:invoke", "Parameters": parameters}
        states = {"Read": {**read, "Next": "Wait"}, "Wait": _WAIT, "Again": {**read, "End": True}}
        definition = {"StartAt": "Read", "States": states}
        described = {
            "stateMachineArn": arn,
            "name": f"orders-{number:05d}",
            "status": "ACTIVE",
            "type": "STANDARD",
            "roleArn": _arn(number),
            "definition": json.dumps(definition),
            "loggingConfiguration": {"level": "OFF"},
            "tracingConfiguration": {"enabled": False},
        }
        listed = {"stateMachineArn": arn, "name": described["name"], "type": "STANDARD"}
        found.add("stepfunctions.ListStateMachines", {"stateMachines": [listed]}, region=REGION)
        found.add("stepfunctions.DescribeStateMachine", described, {"stateMachineArn": arn}, REGION)
        found.add("stepfunctions.ListStateMachineAliases", {}, {"stateMachineArn": arn}, REGION)


_WAIT = {"Type": "Wait", "Seconds": 60, "Next": "Again"}


def _apis(found: Snapshot, roles: int, apis: int) -> None:
    for index in range(apis):
        id = f"a{index:09d}"
        callers = [_arn(n * ROLES_TO_A_WORKFLOW) for n in range(index, -(-roles // ROLES_TO_A_WORKFLOW), apis)]
        start = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{id}"
        deny = {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": f"{start}/*"}
        deny["Condition"] = {"ArnNotEquals": {"aws:PrincipalArn": callers}}  # type: ignore[assignment]
        item = {
            "id": id,
            "name": f"orders-{index}",
            "endpointConfiguration": {"types": ["REGIONAL"]},
            "policy": json.dumps(_document(deny)).replace('"', '\\"'),
            "rootResourceId": f"r{index}",
        }
        method = {"httpMethod": "GET", "authorizationType": "AWS_IAM", "methodIntegration": {"type": "MOCK"}}
        resources = [
            {"id": f"r{index}", "path": "/"},
            {"id": f"o{index}", "parentId": f"r{index}", "pathPart": "orders"},
            {"id": f"i{index}", "parentId": f"o{index}", "pathPart": "{id}", "resourceMethods": {"GET": method}},
        ]
        found.add("apigateway.GetRestApis", {"items": [item]}, region=REGION)
        asked = {"restApiId": id}
        found.add("apigateway.GetResources", {"items": resources}, asked, REGION)
        found.add("apigateway.GetStages", {"item": [{"stageName": "live", "deploymentId": "d"}]}, asked, REGION)
        found.add("apigateway.GetDeployments", {"items": [{"id": "d"}]}, asked, REGION)
        found.add("apigateway.GetAuthorizers", {"items": []}, asked, REGION)


def measured(path: str) -> tuple[float, float, str]:
    """Seconds of processor time, MiB of memory and the last line of an audit in a process of its own."""
    started = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", _AUDIT, "check", path]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    memory = float(ended.stderr.strip().rpartition("\n")[2])
    lines = ended.stdout.strip().split("\n")
    return used.ru_utime + used.ru_stime - started.ru_utime - started.ru_stime, memory, lines[-1]


_AUDIT = """
import resource, sys
from policy_audit.cli import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)
"""


def main() -> None:
    first = 0.0
    for roles in map(int, sys.argv[1:] or ("500", "5000")):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "snapshot.json")
            began = time.process_time()
            dump(snapshot(roles), path)
            written = time.process_time() - began
            seconds, memory, said = measured(path)
            each = seconds / roles * 1000
            first = first or each
            size = os.path.getsize(path) / (1 << 20)
            print(
                f"{roles:6d} roles, {size:5.1f} MiB written in {written:.1f} s: {seconds:6.2f} s, {memory:5.0f} MiB, "
                f"{each:.2f} ms a role, {each / first:.2f} of the first; {said}",
                flush=True,
            )


if __name__ == "__main__":
    main()
