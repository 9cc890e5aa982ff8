"""The space of a set of requests: its dimensions, what each context key is among them, and the set as a region."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from policy_audit.iam.domains import Dimension, Matches
from policy_audit.iam.limits import Steps
from policy_audit.iam.patterns import (
    ANY,
    PLAIN,
    CharClass,
    Pattern,
    concatenate,
    glob,
    literal,
    matches,
    matches_all,
    sample_of,
    segmented,
)
from policy_audit.iam.principal_domain import TYPES, USER, Principals
from policy_audit.iam.readings import Reading, set_reading
from policy_audit.iam.request import Key, RequestSet, Texts, literal_text
from policy_audit.iam.search import Atoms, Cube
from policy_audit.model.policy import Statement
from policy_audit.model.value import Symbols, has_holes, is_letter
from policy_audit.record import NamedTuple

PRINCIPAL: Final = 0
ACTION: Final = 1
RESOURCE: Final = 2

Image = Literal["", "account", "type", "name"]


class KeyUse(NamedTuple):
    """Where a condition key is asked for: in `dimension`, as the value itself or as something that follows from it.

    `present` are the patterns of values for which the key exists, if it does not for all of the dimension's.
    """

    dimension: int
    image: Image = ""
    present: tuple[Pattern, ...] = ()


_FOLLOWING: Final[dict[str, tuple[Image, tuple[Pattern, ...]]]] = {
    "aws:principalarn": ("", ()),
    "aws:principalaccount": ("account", ()),
    "aws:principaltype": ("type", ()),
    "aws:username": ("name", (USER,)),
}
_OF_SERVICES: Final = (
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
)
"""Keys that only the calls of AWS services have.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""
_OF_PRINCIPALS: Final = (
    "aws:principalarn",
    "aws:username",
    "aws:userid",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:tokenissuetime",
    "aws:multifactorauthpresent",
    "aws:multifactorauthage",
)
_MULTIVALUED: Final = frozenset(
    (
        "aws:calledvia",
        "aws:principalorgpaths",
        "aws:principalservicenameslist",
        "aws:resourceorgpaths",
        "aws:sourceorgpaths",
        "aws:tagkeys",
        "dynamodb:attributes",
        "dynamodb:leadingkeys",
        "kms:encryptioncontextkeys",
        "kms:grantoperations",
        "s3:requestobjecttagkeys",
    )
)
_SINGLE: Final = frozenset(
    (
        *_FOLLOWING,
        *_OF_PRINCIPALS,
        "aws:currenttime",
        "aws:epochtime",
        "aws:principalisawsservice",
        "aws:principalservicename",
        "aws:referer",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:resourceorgid",
        "aws:securetransport",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:useragent",
        "aws:viaawsservice",
        "aws:vpcsourceip",
    )
)
NEVER: Final = Key(None, maybe_absent=True)
ANYTHING: Final = Key(Texts(("*",)), maybe_absent=True)
_NOT_SLASH: Final = CharClass(frozenset("/"), complement=True, letters=True)
_PLAIN_NOT_SLASH: Final = CharClass(frozenset("/"), complement=True)
_STAR: Final = glob("*")
_TRUTHS: Final = frozenset({"true", "false"})
_OPEN: Final = Pattern((CharClass(frozenset(), letters=True),), ((1, ANY),))
"""Words that begin with a letter: ARNs of which not even the account is known."""
_AN_ARN: Final = glob("arn:*:*:*:*:*")


class Space:
    """Dimensions of one request set, made as policies ask for them."""

    def __init__(self, requests: RequestSet, symbols: Symbols, open_arns: bool, steps: Steps | None = None) -> None:
        """`open_arns`: some text of the question begins with a letter, so that an ARN may be open as a whole."""
        self.requests = requests
        self.symbols = symbols
        self.steps = steps or Steps()
        self.dimensions: list[Dimension] = []
        self._keys: dict[str, KeyUse] = {}
        self._but: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
        self._open_arns = open_arns
        self._actions = tuple(_beginning(text.lower()) for text in requests.actions.patterns)
        self._resources = tuple(_beginning(text) for text in requests.resources.patterns)
        self._samples: list[str] | None = None
        self.quantified: set[str] = set()
        """Keys that some condition asks for with a set operator; to be filled before the keys are asked for."""
        self.accounts: list[Pattern] = []
        """The pattern for ARNs of the resource's account, if it is known."""
        self._add_principals()
        self._add("the action", _lower(requests.actions))
        self._add("the resource", requests.resources)

    def _add_principals(self) -> None:
        requests = self.requests
        if requests.kind == "anonymous":
            self._add("the caller", Texts(("anonymous",)))
            return
        if requests.kind == "service":
            self._add("the caller", requests.callers)
            return
        within: list[list[Pattern]] = []
        but: list[Pattern] = []
        account = requests.resource_account
        if account and not has_holes(account):
            of_account = concatenate(("arn:", _STAR, ":", _STAR, "::", literal(account), ":", _STAR))
            self.accounts.append(segmented(of_account))
            if requests.same_account:
                within.append([of_account, _OPEN] if self._open_arns else [of_account])
            else:
                but.append(of_account)
        self._add("the caller", requests.callers, within, but, universe=Principals(self.symbols))

    def _add(
        self,
        name: str,
        texts: Texts | None,
        within: Sequence[Sequence[Pattern]] = (),
        but: Sequence[Pattern] = (),
        *,
        optional: bool = False,
        several: bool = False,
        universe: Principals | None = None,
    ) -> int:
        groups = [*within]
        if texts is not None:
            groups.append([set_reading(text) for text in texts.patterns])
        dimension = Dimension(
            name,
            groups,
            optional=optional,
            present=texts is not None,
            several=several,
            universe=universe,
            steps=self.steps,
        )
        excluded = [set_reading(text) for text in texts.but] if texts is not None else []
        # What the set leaves out but one of these two are other values, though only `Bool` may ask for the key.
        boolean = {each.text for each in (*excluded, *but)} < _TRUTHS
        wide = tuple(dimension.add(Matches(each), boolean=boolean) for each in (*excluded, *but))
        certain = [not has_holes(text) for text in texts.but] if texts is not None else []
        certain += [True] * len(but)
        self.dimensions.append(dimension)
        self._but.append((wide, tuple(index for index, sure in zip(wide, certain, strict=True) if sure)))
        return len(self.dimensions) - 1

    def may_ask(self, beginning: str) -> bool:
        """Whether an action of the set may begin so (in lower case)."""
        return _may_meet(self._actions, (beginning,))

    def may_concern(self, statement: Statement) -> bool:
        """Whether the statement may be about a request of the set, judged by what its texts literally begin with.

        Most statements of a long policy are about other actions or resources: not even their patterns are made.
        """
        if not statement.not_action and not _may_meet(self._actions, map(str.lower, statement.actions)):
            return False
        if statement.not_resource or statement.resources is None:
            return True
        # An ARN without its six parts may stand for more than it begins with.
        return any(text.count(":") < 5 for text in statement.resources) or _may_meet(
            self._resources, statement.resources
        )

    def is_about_all(self, reading: Reading) -> bool:
        """Whether some pattern certainly matches each resource of the set, judged pattern by pattern."""
        if self._samples is None:
            self._samples = [sample_of(set_reading(text)) for text in self.requests.resources.patterns]
        return all(any(matches_all(pattern, sample) for pattern in reading.narrow) for sample in self._samples)

    # ---- context keys

    def key(self, name: str) -> KeyUse:
        """Where the key `name` (in lower case) is asked for."""
        use = self._keys.get(name)
        if use is None:
            use = self._keys[name] = self._key(name)
        return use

    def follows_from_caller(self, name: str) -> bool:
        """Whether the key `name` (in lower case) is asked for among the callers."""
        return name in _FOLLOWING and self.requests.kind == "signed" and name not in self.requests.context

    def contextual(self) -> range:
        """The dimensions of context keys."""
        return range(RESOURCE + 1, len(self.dimensions))

    def used_keys(self) -> Iterator[tuple[str, KeyUse]]:
        """The keys that were asked for."""
        yield from self._keys.items()

    def _key(self, name: str) -> KeyUse:
        if self.follows_from_caller(name):
            return KeyUse(PRINCIPAL, *_FOLLOWING[name])
        key = self.values_of(name)
        several = name in _MULTIVALUED or (name in self.quantified and not self._is_single(name))
        within: list[list[Pattern]] = []
        if name.endswith("arn") and key.values is not None and not _is_listed(key.values):
            within.append([_AN_ARN, _OPEN] if self._open_arns else [_AN_ARN])
        return KeyUse(
            self._add(f"`{name}`", key.values, within, optional=key.maybe_absent or key.values is None, several=several)
        )

    def _is_single(self, name: str) -> bool:
        return (
            name in _SINGLE
            or name in self.requests.context
            or name.startswith(("aws:principaltag/", "aws:resourcetag/", "aws:requesttag/"))
        )

    def values_of(self, name: str) -> Key:
        """What the key may be among the requests, when it is no pre-image."""
        listed = self.requests.context.get(name)
        if listed is not None:
            return listed
        by_kind = {"signed": _signed, "service": _service, "anonymous": _anonymous}[self.requests.kind]
        key = by_kind(name, self.requests)
        if key is not None:
            return key
        if name == "aws:resourceaccount" and self.requests.resource_account:
            return Key(Texts((self.requests.resource_account,)))
        return ANYTHING if self.requests.unlisted == "any" else NEVER

    def lookup(self, name: str) -> str | bool:
        """The value of a policy variable: its text, False if it is absent, True if it is not the same for all."""
        if self.follows_from_caller(name):
            return self._lookup_principal(name)
        key = self.values_of(name)
        if key.values is None:
            return False
        if key.maybe_absent or name in _MULTIVALUED or len(key.values.patterns) != 1 or key.values.but:
            return True
        pattern = set_reading(key.values.patterns[0])
        return pattern.text if pattern.kind == "literal" else True

    def _lookup_principal(self, name: str) -> str | bool:
        callers = self.requests.callers.patterns
        pattern = set_reading(callers[0]) if len(callers) == 1 else _STAR
        parts = pattern.text.split(":", 5)
        if name == "aws:principalaccount" and self.requests.same_account and self.requests.resource_account:
            return self.requests.resource_account
        if pattern.kind != "literal" or len(parts) != 6:
            return True
        if name == "aws:principalarn":
            return pattern.text
        if name == "aws:principalaccount":
            return parts[4]
        if name == "aws:principaltype":
            return next((kind for kind, arns in TYPES.items() if matches(glob(arns), pattern.text)), True)
        return parts[5].rpartition("/")[2] if parts[5].startswith("user/") else False

    def own_api(self) -> str:
        """What `execute-api:` at the start of a resource stands for: the ARN of the one API of the set, or nothing."""
        heads = {text.partition("/")[0] for text in self.requests.resources.patterns}
        head = heads.pop() if len(heads) == 1 else ""
        return head if ":execute-api:" in head and not any(character in head for character in "*?$") else ""

    # ---- pre-images

    def image_of(self, reading: Reading, use: KeyUse) -> Reading:
        """What `reading` of a key means for the dimension that the key follows from."""
        if not use.image:
            return reading
        wide = tuple(image for pattern in reading.wide for image in self._image(pattern, use.image))
        narrow = tuple(image for pattern in reading.narrow for image in self._image(pattern, use.image))
        reason = reading.reason
        if self._open_arns:
            wide += (_OPEN,)
            account = self.requests.resource_account
            certain = use.image == "account" and self.requests.same_account
            if certain and any(matches(pattern, account) for pattern in reading.narrow):
                narrow += (_OPEN,)
            else:
                reason = reason or "not even the account of an open ARN is known"
        return Reading(wide, narrow, reason)

    def _image(self, pattern: Pattern, image: Image) -> list[Pattern]:
        if image == "account":
            return [concatenate(("arn:", _STAR, ":", _STAR, "::", pattern, ":", _STAR))]
        if image == "type":
            return [glob(arns) for kind, arns in TYPES.items() if matches(pattern, kind)]
        if "/" in pattern.positions:
            return []
        positions = tuple(_PLAIN_NOT_SLASH if position is PLAIN else position for position in pattern.positions)
        name = Pattern(positions, tuple((at, _NOT_SLASH) for at, _ in pattern.loops))
        head: tuple[Pattern | str, ...] = ("arn:", _STAR, ":iam::", _STAR, ":user/")
        return [concatenate((*head, name)), concatenate((*head, _STAR, "/", name))]

    # ---- regions

    def patterns(self) -> Iterator[list[Pattern]]:
        """For each dimension, the patterns of policies and set. Those for callers stay within the parts of an ARN."""
        for index, dimension in enumerate(self.dimensions):
            patterns = dimension.patterns()
            yield [segmented(each) for each in patterns] if index == PRINCIPAL else patterns

    def alone(self) -> dict[int, Pattern]:
        """The resource, by its dimension, where the set has but one."""
        texts = self.requests.resources
        found = [set_reading(text) for text in texts.patterns]
        return {RESOURCE: found[0]} if len(found) == 1 and found[0].kind == "literal" and not texts.but else {}

    def excluded(self, dimension: int) -> list[Pattern]:
        """The patterns of values that the set leaves out."""
        patterns = self.dimensions[dimension].chosen(self._but[dimension][0])
        return [segmented(each) for each in patterns] if dimension == PRINCIPAL else patterns

    def region(self, *, wide: bool) -> Cube | None:
        """The set as a cube over refined dimensions: with all that may belong to it, or only what certainly does.

        Nobody picks a unique id at will: in the narrow set it is one that no policy speaks of. None when it is empty.
        """
        masks: list[Atoms] = []
        for dimension, (maybe, certain) in zip(self.dimensions, self._but, strict=True):
            excluded = dimension.union(certain if wide else maybe)
            if dimension.several:
                excluded = 0
            mask = dimension.everything & ~excluded
            if not wide and dimension.name == "`aws:userid`":
                mask &= dimension.unasked()
            masks.append(mask)
        return tuple(masks) if all(masks) else None


def _is_listed(texts: Texts) -> bool:
    """Whether the set says each value itself, so that it is taken at its word."""
    return all(literal_text(text) is not None for text in texts.patterns)


def _lower(texts: Texts) -> Texts:
    return Texts(tuple(text.lower() for text in texts.patterns), tuple(text.lower() for text in texts.but))


def _signed(name: str, requests: RequestSet) -> Key | None:
    if name == "aws:principalisawsservice":
        return Key(Texts(("false",)))
    if name in _OF_SERVICES:
        return NEVER
    return Key(Texts(("*",))) if name == "aws:userid" else None


def _service(name: str, requests: RequestSet) -> Key | None:
    # In every signed request, and "in the request when the call is made by an AWS service principal":
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    if name == "aws:principalisawsservice":
        return Key(Texts(("true",)))
    if name == "aws:principalservicename":
        return Key(requests.callers)
    return NEVER if name in _OF_PRINCIPALS or name.startswith("aws:principaltag/") else None


def _anonymous(name: str, requests: RequestSet) -> Key | None:
    if name == "aws:principalaccount":
        return Key(Texts(("anonymous",)))
    if name == "aws:principaltype":
        return Key(Texts(("Anonymous",)))
    if name in _OF_PRINCIPALS or name in _OF_SERVICES or name == "aws:principalisawsservice":
        return NEVER
    return NEVER if name.startswith("aws:principaltag/") else None


def _beginning(text: str) -> str:
    """What `text` begins with before anything that may stand for another text."""
    found = re.match("[ -#%-)+->@-~]*", text)
    return found.group() if found is not None else ""


def _may_meet(beginnings: Sequence[str], texts: Iterable[str]) -> bool:
    """Whether the beginning of one of the texts goes together with one of these."""
    return any(own.startswith(other) or other.startswith(own) for own in map(_beginning, texts) for other in beginnings)


def is_open_arn(text: str) -> bool:
    """Whether `text` begins with a letter."""
    return bool(text) and text[0] > "\uffff" and is_letter(text[0])
