"""What the real Terraform says of expressions and configurations; run to make the answers again.

`python tests/terraform_oracle.py tests/terraform_expressions.txt` writes a `.json` beside the table: by expression, its
value. Given a folder, it writes `planned.json` into it: by address, the values that the plan of the configuration has.
It needs the command `terraform` (1.11.4 made the files), and for a folder the provider of AWS 5.100 where
`TF_CLI_CONFIG_FILE` says that it is; nothing is asked of the network.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def expressions(path: Path) -> list[str]:
    """The expressions of a file, one a line; `#` begins a line that is none."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("# ")]


def answers(asked: list[str]) -> dict[str, object]:
    """What Terraform makes of each expression."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = "".join(f'output "o{index}" {{\n  value = jsonencode({one})\n}}\n' for index, one in enumerate(asked))
        Path(folder, "main.tf").write_text(outputs, encoding="utf-8")
        for command in (["init"], ["apply", "-auto-approve"]):
            subprocess.run(["terraform", f"-chdir={folder}", *command, "-no-color"], check=True, stdout=sys.stderr)
        made = subprocess.run(
            ["terraform", f"-chdir={folder}", "output", "-json"], check=True, stdout=subprocess.PIPE, text=True
        )
        found = json.loads(made.stdout)
    return {one: json.loads(found[f"o{index}"]["value"]) for index, one in enumerate(asked)}


OFFLINE = """
provider "aws" {
  access_key                  = "x"
  secret_key                  = "x"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
}
"""


def planned(folder: Path) -> dict[str, object]:
    """The values of every resource that the plan of a configuration has, by address."""
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        Path(copy, "offline_override.tf").write_text(OFFLINE, encoding="utf-8")
        for command in (["init"], ["plan", "-refresh=false", "-out", "plan"]):
            subprocess.run(["terraform", f"-chdir={copy}", *command, "-no-color"], check=True, stdout=sys.stderr)
        shown = subprocess.run(
            ["terraform", f"-chdir={copy}", "show", "-json", "plan"], check=True, stdout=subprocess.PIPE, text=True
        )
    modules = [json.loads(shown.stdout)["planned_values"]["root_module"]]
    found: dict[str, object] = {}
    for module in modules:
        found.update({one["address"]: one["values"] for one in module.get("resources", ())})
        modules += module.get("child_modules", ())
    return found


def written(found: dict[str, object]) -> str:
    """The answers as JSON, one a line."""
    lines = (f"{json.dumps(one)}: {json.dumps(value, ensure_ascii=False)}" for one, value in found.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    asked = Path(sys.argv[1])
    if asked.is_dir():
        (asked / "planned.json").write_text(written(planned(asked)), encoding="utf-8")
    else:
        asked.with_suffix(".json").write_text(written(answers(expressions(asked))), encoding="utf-8")
