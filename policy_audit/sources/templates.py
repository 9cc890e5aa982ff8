"""CloudFormation templates as files: told from other YAML and JSON by their resources."""

from collections.abc import Sequence

from policy_audit.model.node import Mapping
from policy_audit.sources.inputs import Input
from policy_audit.sources.reach import Reach
from policy_audit.sources.tree import child, entries, text


def read(path: str, content: str, reach: Reach) -> Sequence[Input] | None:
    """The template in the file; None if it declares no resources. Raises AuditError for text that can't be parsed."""
    document = reach.document(path)
    if not isinstance(document, Mapping) or not is_template(document):
        return None
    found = Input(path, document)
    if "AWS::Include" in content or "BodyS3Location" in content:
        from policy_audit.sources import includes

        found = includes.expand(found, reach)
        document = found.body
    if "AWS::Serverless" in content:
        from policy_audit.sources import sam

        if sam.is_serverless(document):
            found = sam.expand(found, reach)
    return (found,)


def is_template(document: Mapping) -> bool:
    """Whether the document declares resources as CloudFormation does."""
    if document.get("AWSTemplateFormatVersion") is not None and document.get("Resources") is not None:
        return True
    resources = document.get("Resources")
    return isinstance(resources, Mapping) and any(
        text(child(entry.value, "Type")) is not None or entry.key.text.startswith("Fn::ForEach::")
        for entry in entries(resources)
    )
