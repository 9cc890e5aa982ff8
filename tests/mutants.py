"""Seeds faults in the engine, and in what parts estates, one at a time in a copy of the project, and prints which test
notices each.

    python -m tests.mutants [WORD ...]

With words, only the faults whose names hold one of them, or whose folder one is: `iam`, `sources`. Ends with 1 when a
fault survives or its text is not found.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PARALLEL = 2
SECONDS = 240
TESTS = {
    "iam": (
        "operators",
        "search",
        "automata",
        "lazy",
        "broad",
        "beginnings",
        "numbers",
        "open_text",
        "iam_rules",
        "prove",
        "prove_oracle",
        "relation",
        "conformance",
        "simulate",
        "prove_symbols",
        "symbol_values",
        "evaluate",
        "limits",
        "three_valued",
        "laws",
        "growth",
        "broad",
    ),
    "sources": ("separate", "copies", "estate"),
}
"""By the folder of the fault, the files of the tests, the quick ones first."""


class Fault(NamedTuple):
    name: str
    file: str
    """Its name without suffix."""
    right: str
    wrong: str
    folder: str = "iam"
    """Where below `policy_audit` the file is."""


FAULTS = (
    # ---- the evaluator
    Fault(
        "a negated operator fails on an absent key", "operators", "return self.negated and not", "return False and not"
    ),
    Fault("IfExists fails on an absent key", "operators", "if self.if_exists or self.q", "if self.q"),
    Fault("ForAllValues fails on an absent key", "operators", ' or self.quantifier == "ForAllValues":', ":"),
    Fault(
        "StringLike without wildcards",
        "operators",
        '"StringLike", negated=False, globs=True',
        '"StringLike", negated=False',
    ),
    Fault(
        "ArnNotLike not negated", "operators", '_arn("ArnNotLike", negated=True)', '_arn("ArnNotLike", negated=False)'
    ),
    Fault("less or equal reads as less", "values", "return left <= right", "return left < right"),
    Fault("a range leaves out its last address", "values", "address.high <= self.high", "address.high < self.high"),
    Fault("an address of the other family is in a range", "values", "self.family == address.family and ", ""),
    Fault("an IPv4-mapped address is another address", "values", "prefix >= 96 and number", "prefix > 128 and number"),
    Fault("a date's offset is added", "values", "* 60 + second - _offset(zone)", "* 60 + second + _offset(zone)"),
    Fault(
        "ForAnyValue needs all values",
        "conditions",
        'quantifier == "ForAllValues" else any_of',
        "quantifier else any_of",
    ),
    Fault(
        "a condition of an unknown operator holds",
        "conditions",
        'False if effect == "Allow" and not quantifier else None',
        "True",
    ),
    Fault("Null turned round", "conditions", "(value is False) == wants_absent", "(value is False) != wants_absent"),
    Fault("a negated ARN operator takes what is no ARN", "conditions", "if negated_arn and truth is False", "if False"),
    Fault(
        "several values under a single-valued negation lift a Deny",
        "conditions",
        'None if operator.negated and effect == "Deny" else False',
        "False",
    ),
    Fault(
        "a value that cannot be read ends the list",
        "conditions",
        "if parsed is not None]",
        "if parsed is not None][:1]",
    ),
    Fault(
        "an empty value counts as present", "context", "return value if value and any(value) else False", "return value"
    ),
    Fault("actions told apart by case", "context", "_as_set(action.lower())", "_as_set(action)"),
    Fault("a session's role keeps no partition", "context", '("arn", parts[1], "iam"', '("arn", "aws", "iam"'),
    Fault("an unknown rest is absent", "context", '= unlisted == "unknown"', "= False"),
    Fault(
        "NotAction not negated",
        "statements",
        "negate(truth) if self.statement.not_action",
        "truth if self.statement.not_action",
    ),
    Fault(
        "NotResource not negated",
        "statements",
        "negate(truth) if self.statement.not_resource",
        "truth if self.statement.not_resource",
    ),
    Fault("a wildcard for the service is taken", "statements", "[^\\s,:*?]+:[^\\s,]+", "[^\\s,:]+:[^\\s,]+"),
    Fault("NotPrincipal with Allow allows those named", "statements", "about = negate(any_of(", "about = negate(all("),
    Fault("NotPrincipal with Allow allows nobody", "statements", "about = negate(any_of(", "about = (any_of("),
    Fault(
        "a trust policy may have a resource", "statements", 'if self.policy_type == "trust policy" and', "if False and"
    ),
    Fault(
        "a lone star in the first segments does not cross",
        "resource_patterns",
        "ANY if free or last else",
        "ANY if free else",
    ),
    Fault("a star inside a segment crosses", "resource_patterns", "else ANY_IN_SEGMENT)", "else ANY)"),
    Fault("an SCP reads a short ARN without a star", "resource_patterns", 'if text.endswith("*"):', "if True:"),
    Fault(
        "a wildcard in the resource type grants",
        "resource_patterns",
        "return None if self.grants else doubtful",
        "return doubtful",
    ),
    Fault("a variable in 2008-10-17", "variables", "if not variables or ", "if "),
    Fault(
        "a variable without a value keeps its text",
        "variables",
        "            return None\n        parts.append(value)",
        "            value = ''\n        parts.append(value)",
    ),
    Fault("chunks of a glob overlap", "globs", "len(text) < shortest or ", ""),
    Fault(
        "a question mark matches nothing",
        "globs",
        "one |= at if part == ONE else 0",
        "loop |= at if part == ONE else 0",
    ),
    Fault(
        "NotPrincipal spares a user without the account",
        "naming",
        'all_of((account, ways.get("directly", False)))',
        'ways.get("directly", False)',
    ),
    Fault("NotPrincipal spares who has a boundary", "naming", "if facts.is_bounded:", "if False:"),
    Fault(
        "a session is not its role",
        "naming",
        '    if facts.kind == "session":\n        yield "by role"',
        '    if False:\n        yield "by role"',
    ),
    Fault("an account's number is nobody", "naming", "len(value) == 12 and value.isascii()", "len(value) == 13"),
    Fault(
        "one account's policy is enough across accounts",
        "combine",
        "truth = both(own.truth, allow)",
        "truth = either(own.truth, allow)",
    ),
    Fault(
        "a boundary does not limit the identity policy",
        "combine",
        "_Sides(both(identity, limited)",
        "_Sides(identity",
    ),
    Fault(
        "a boundary limits a direct grant",
        "combine",
        'either(ways.get("directly", False), both(',
        'either(both(ways.get("directly", False), own.limits), both(',
    ),
    Fault(
        "a boundary does not limit a grant to the role",
        "combine",
        'both(ways["by role"], own.limits)',
        'ways["by role"]',
    ),
    Fault("a key's policy need not delegate", "combine", 'both(own.truth, ways.get("by account", False))', "own.truth"),
    Fault("one SCP level is enough", "combine", 'all_of(truths), "SCP"', 'any_of(truths), "SCP"'),
    Fault("SCPs limit services", "combine", "facts.kind in IAM_PRINCIPALS and answers.scps", "answers.scps"),
    Fault(
        "SCPs deny service-linked roles",
        "combine",
        "all_of((bound, answer.deny)) for answer in answers.scps",
        "answer.deny for answer in answers.scps",
    ),
    Fault("RCPs reach every service", "combine", "if is_limited_by_rcps(facts):", "if True:"),
    Fault(
        "an endpoint's policy need not allow",
        "combine",
        "_through(grant, answers.endpoint.allow,",
        "_through(grant, True,",
    ),
    Fault(
        "an unsigned request passes AWS_IAM",
        "combine",
        'if authorization == "api-gateway-iam" and facts.kind',
        "if False and facts.kind",
    ),
    Fault("an unreadable document is silent", "combine", "None if group.unreadable else False\n", "False\n"),
    Fault(
        "an undecided Deny is none", "evaluate", "if denial is None or grant.truth is None:", "if grant.truth is None:"
    ),
    Fault("what AWS reserves is allowed", "evaluate", "if is_never_allowed(facts):", "if False:"),
    Fault(
        "the session policy is not asked",
        "evaluate",
        "ask(self._session, facts) if self._session is not None and has_own",
        "ask(self._session, facts) if False",
    ),
    Fault(
        "a statement is set aside by an open resource's beginning",
        "combine",
        "if beginnings and not opened:",
        "if beginnings:",
    ),
    Fault(
        "a NotResource is set aside by its beginnings",
        "statements",
        "or self.unclear or self.statement.not_resource:",
        "or self.unclear:",
    ),
    Fault(
        "an unclear statement is set aside by its beginnings", "statements", "is None or self.unclear or", "is None or"
    ),
    Fault(
        "a resource that begins with a wildcard is set aside",
        "resource_patterns",
        "return texts if len(texts) == len(firsts) and not",
        "return texts if texts and not",
    ),
    Fault("open beginnings are compared", "resource_patterns", "and first and not has_letters(first)", "and first"),
    Fault("beginnings match nothing", "pattern_set", "or text.startswith(self._beginnings)", ""),
    Fault("open and dynamic patterns are passed over", "pattern_set", "not self._open and not self._dynamic", "True"),
    Fault(
        "several values under one-valued operators match",
        "conditions",
        "            return several\n        truth",
        "            value = value[0]\n        truth",
    ),
    Fault(
        "identity policies alone allow what AWS reserves",
        "evaluate",
        "answer.allow is None or is_never_allowed(facts)",
        "answer.allow is None",
    ),
    Fault(
        "identity policies alone ignore a Deny",
        "evaluate",
        "if answer.deny is not False or answer.allow is None",
        "if answer.allow is None",
    ),
    Fault(
        "a boundary is passed over",
        "evaluate",
        '("kms", "trust") and not groups',
        '("kms", "trust")',
    ),
    Fault(
        "a boundary is passed over beside a resource policy", "evaluate", "groups == [self._resource]", "bool(groups)"
    ),
    Fault(
        "whom a resource policy names in another account needs nothing else",
        "evaluate",
        "self._own is not None and facts.kind in _WITH_IDENTITY and facts.is_same_account()",
        "self._own is not None and facts.kind in _WITH_IDENTITY",
    ),
    Fault(
        "a Deny of the caller's is passed over beside a resource policy",
        "evaluate",
        "if resource.deny or (identity is not None and identity.deny):",
        "if resource.deny:",
    ),
    Fault(
        "whoever belongs to an account that is named gets in",
        "evaluate",
        'ways.get("directly") or ways.get("by role")',
        "any(ways.values())",
    ),
    Fault(
        "other accounts need no resource policy",
        "evaluate",
        "self._alone is not None and facts.kind in _WITH_IDENTITY and facts.is_same_account()",
        "self._alone is not None and facts.kind in _WITH_IDENTITY",
    ),
    Fault(
        "unknown and true make true",
        "truth",
        "return None if one is None or other is None else True",
        "return None if one is None and other is None else True",
    ),
    Fault(
        "unknown or false make false",
        "truth",
        "return None if one is None or other is None else False",
        "return None if one is None and other is None else False",
    ),
    # ---- the prover
    Fault(
        "a negation keeps what is in doubt",
        "boxes",
        "dimension.base & ~must, dimension.base & ~may",
        "dimension.base & ~may, dimension.base & ~must",
    ),
    Fault("a term about an absent key never holds", "boxes", "(missing if may_absent else 0)", "0"),
    Fault("a term about an absent key always holds", "boxes", "(missing if must_absent else 0)", "missing"),
    Fault(
        "ForAllValues as ForAnyValue",
        "boxes",
        'if term.quantifier == "ForAllValues":\n            may',
        "if False:\n            may",
    ),
    Fault(
        "Bool ignores which value is wanted",
        "boxes",
        'negated=term.negated != (wanted == {"false"})',
        "negated=term.negated",
    ),
    Fault("a contested absent key is granted for certain", "boxes", "absent and not contested", "absent"),
    Fault("an ARN operator takes what is no ARN", "boxes", "if guarded else None", "if False else None"),
    Fault(
        "numbers are compared the other way",
        "numbers",
        "return left > right if comparison",
        "return left < right if comparison",
    ),
    Fault(
        "no number between two bounds", "numbers", "            if above < points[index + 1]:", "            if False:"
    ),
    Fault(
        "a range of addresses leaves out its last",
        "numbers",
        "start & ~free, start | free",
        "start & ~free, max(start & ~free, (start | free) - 1)",
    ),
    Fault("sets of one value only", "domains", "joint = vector | other", "joint = vector"),
    Fault(
        "a word of a longer text is missing",
        "domains",
        "words.extend(text + fresh(taken)",
        "words.extend(text for taken in ()",
    ),
    Fault(
        "classes of characters lead nowhere",
        "automata",
        "bases = [(state & group.match) << 1",
        "bases = [(0 & group.match) << 1",
    ),
    Fault(
        "a loop is left",
        "automata",
        "(state & group.match) << 1 | state & group.loop for",
        "(state & group.match) << 1 for",
    ),
    Fault(
        "a branch is lost",
        "search",
        "stack.extend((branch, open_boxes) for branch in reversed(branches))",
        "stack.extend((branch, open_boxes) for branch in branches[:1])",
    ),
    Fault(
        "propagation keeps what a box covers",
        "search",
        "masks[dimension] &= ~mask\n                    changed",
        "masks[dimension] &= mask\n                    changed",
    ),
    Fault(
        "a covered cube is a way out",
        "search",
        "                if not undecided:\n                    return None",
        "                if not undecided:\n                    continue",
    ),
    Fault(
        "one gate of several is enough",
        "search",
        "yield from _inside(part, gates[1:], out, steps)",
        "yield from _inside(part, (), out, steps)",
    ),
    Fault("one alternative missed is enough", "search", "(*gate, *boxes)", "gate"),
    Fault(
        "what others deny is no difference",
        "search",
        "(*alternative.gates, other_denies), denies",
        "(*alternative.gates, ()), denies",
    ),
    Fault("a Deny in doubt refutes nothing", "ways", "draft.box(may=not allow_may)", "draft.box(may=allow_may)"),
    Fault(
        "SCPs gate nobody",
        "ways",
        "if question.signed and question.policies.scps:\n        free",
        "if False:\n        free",
    ),
    Fault(
        "a boundary gates the root user",
        "ways",
        '_allowing(question, "permissions boundary"), root)',
        '_allowing(question, "permissions boundary"), ())',
    ),
    Fault("a federated user needs no session policy", "ways", 'elif _callers(question, "federated"):', "elif False:"),
    Fault(
        "a key's policy need not delegate, to the prover",
        "ways",
        'Gate(_allowing(question, kind, "by account"))',
        "Gate(open_for=((),))",
    ),
    Fault(
        "a grant to anyone is limited for certain",
        "ways",
        "            yield [Gate(anyone)], True",
        "            pass",
    ),
    Fault(
        "RCPs reach every service, to the prover",
        "question",
        "draft.terms.append(Term(ACTION, reached, reached))",
        "pass",
    ),
    Fault("keys with several values are not noticed", "question", 'if each.operator.startswith("For")', "if False"),
    Fault(
        "what one policy asks is not refined for the other",
        "question",
        "for question in questions for draft in question.drafts())",
        "for question in questions[:1] for draft in question.drafts())",
    ),
    Fault(
        "callers of other accounts belong to the set",
        "space",
        "                but.append(of_account)",
        "                pass",
    ),
    Fault(
        "what the set leaves out belongs to it",
        "space",
        "mask = dimension.everything & ~excluded",
        "mask = dimension.everything",
    ),
    Fault("a user's name is asked of every caller", "space", '("name", (USER,))', '("name", ())'),
    Fault(
        "a service has the keys of principals",
        "space",
        "return NEVER if name in _OF_PRINCIPALS or name.startswith",
        "return NEVER if name.startswith",
    ),
    Fault(
        "`?` in a request set is a character",
        "readings",
        "return glob(text)\n    parsed",
        "return literal(text)\n    parsed",
    ),
    Fault("an ARN operator crosses colons", "readings", "pattern = arn_glob_of(parts)\n", "pattern = glob_of(parts)\n"),
    Fault(
        "an incomplete ARN is not completed",
        "readings",
        "for _ in range(5 - parts.count",
        "for _ in range(0 * parts.count",
    ),
    Fault(
        "the root of an account is the root user alone",
        "principal_boxes",
        'exactly(glob(f"arn:{parts[1]}:*::{parts[4]}:*"))',
        "_equal(value)",
    ),
    Fault(
        "NotPrincipal spares without the account, to the prover",
        "principal_boxes",
        "if any(_is_in(each, account) for account in accounts.narrow)",
        "if True",
    ),
    Fault("no well-formed federated users", "principal_domain", '"root", "federated-user/")', '"root")'),
    Fault(
        "symbols are never equal",
        "unifiers",
        "return Unifiers(tuple(found), True, sources)",
        "return Unifiers((), True, sources)",
    ),
    Fault("a symbol's shape is not asked", "symbol_values", "return symbol.shape.admits(text)", "return True"),
    Fault("a value in a wildcard is as short as the rest", "symbol_values", "if lack > 0 and not", "if False and not"),
    Fault("no value ends as AWS ends names", "symbol_values", "if self._shape.suffix else None", "if False else None"),
    Fault(
        "a wildcard has the same character for all symbols",
        "symbol_values",
        "character = example(token, self._shape)",
        'character = "x"',
    ),
    Fault(
        "a symbol without a common character is left out for good",
        "symbol_values",
        "if shortest and not _share_characters",
        "if not _share_characters",
    ),
    Fault(
        "only letters give a symbol a value", "symbol_values", "elif token in ascii or not token.isascii():", "elif 0:"
    ),
    Fault(
        "values of two patterns at once are not tried",
        "symbols",
        "complete = _spread(found, sources, symbols, account) and complete",
        "complete = complete",
    ),
    Fault(
        "kinds of values that are not known are none",
        "symbols",
        "        if kinds is None:\n            complete = False\n",
        "        if kinds is None:\n",
    ),
    Fault("bindings that agree are not joined", "symbols", "return tuple(sorted(joint.items()))", "return None"),
    Fault("a longer beginning is set aside", "space", "own.startswith(other) or other.startswith(own)", "own == other"),
    Fault("NotResource is sliced as Resource", "space", "if statement.not_resource or statement", "if statement"),
    Fault(
        "NotAction is sliced as Action", "space", "if not statement.not_action and not _may_meet", "if not _may_meet"
    ),
    Fault("short ARNs are set aside", "space", 'text.count(":") < 5 for text', "False for text"),
    Fault("beginnings hold variables", "space", "[ -#%-)+->@-~]*", "[ -)+->@-~]*"),
    Fault("beginnings hold wildcards", "space", "[ -#%-)+->@-~]*", "[ -#%->@-~]*"),
    Fault(
        "a substitution skips conditions",
        "symbols",
        "condition._replace(values=tuple(map(text, condition.values)))",
        "condition",
    ),
    # ---- dimensions decided lazily
    Fault(
        "a negation keeps its leaves",
        "lazy",
        "not formula.every, formula.lacks, formula.has,",
        "not formula.every, formula.has, formula.lacks,",
    ),
    Fault(
        "a negation keeps the absent value",
        "lazy",
        "made = self._make(not self.absent, self)",
        "made = self._make(self.absent, self)",
    ),
    Fault(
        "members found later are in a negation",
        "lazy",
        "made._own = (1 << self._asked) - 1 & ~self._own",
        "made._own = ~self._own & (1 << self._asked + 3) - 1",
    ),
    Fault(
        "what asks for more makes empty",
        "lazy",
        "not (one.has & ~formula.has or one.lacks & ~formula.lacks)",
        "not (formula.has & ~one.has or formula.lacks & ~one.lacks)",
    ),
    Fault("a part that makes empty is forgotten", "lazy", "and parts.issuperset(one.parts)", ""),
    Fault(
        "a worse state sets a better one aside",
        "lazy",
        "if any(not other & ~unwanted for other in others)",
        "if any(not unwanted & ~other for other in others)",
    ),
    Fault(
        "states with other wanted places are set aside",
        "lazy",
        "seen.setdefault(state ^ unwanted, [])",
        "seen.setdefault(0, [])",
    ),
    Fault(
        "what one part does without is forbidden", "lazy", "if bit & formula.lacks and formula.every", "if bit & lacks"
    ),
    Fault("a pattern met for good is forgotten", "lazy", "state = state & ~span | end", "state = state & ~span"),
    Fault("what is met for good may fail", "lazy", "holds(self._formula, can, ~met)", "holds(self._formula, can, met)"),
    Fault(
        "texts need not be in the dimension",
        "lazy",
        "self._search(conjunction(formula, self._universe))",
        "self._search(formula)",
    ),
    Fault(
        "a look that is not complete shows emptiness",
        "lazy",
        "if looked.complete and looked.word is None",
        "if looked.word is None",
    ),
    Fault(
        "a first look shows emptiness",
        "lazy",
        "        if looked.complete:\n            return looked.word",
        "        if looked.complete or not wanted:\n            return looked.word",
    ),
    Fault("places apart lose the other patterns", "lazy", "yield rest | place", "yield place"),
    Fault(
        "a word that is all beginning is missed",
        "lazy",
        "if self._laid.beginning and self._accepts(self._start)",
        "if False and self._accepts(self._start)",
    ),
    Fault(
        "a demand that is to be missed is hit",
        "lazy",
        "rest = rest & ~self._demands[index]",
        "rest = rest & self._demands[index]",
    ),
    Fault(
        "one demand of several is enough",
        "lazy",
        "if not rest or not all(hitting)",
        "if not rest or (hitting and not any(hitting))",
    ),
    Fault("an empty set of values is one", "lazy", "if not rest or not all(hitting)", "if not all(hitting)"),
    Fault(
        "only demands that are hit are chosen",
        "lazy",
        "        yield Formula(True, 0, 1 << index)",
        "        yield from ()",
    ),
    Fault(
        "an optional key is always absent, lazily",
        "domains",
        "ValueSet(texts, NOTHING, absent=self.optional)",
        "ValueSet(texts, NOTHING, absent=True)",
    ),
    Fault(
        "an optional set is always absent, lazily",
        "domains",
        "ValueSet(sets, NOTHING, absent=self.optional)",
        "ValueSet(sets, NOTHING, absent=True)",
    ),
    Fault(
        "a class of characters begins like any",
        "automata",
        "        if not isinstance(position, str):\n            break",
        "        if not isinstance(position, str):\n            continue",
    ),
    Fault(
        "a pattern met for good is dropped",
        "automata",
        "following = following & mask | met",
        "following = following & mask",
    ),
    Fault("a loop where reading begins is lost", "automata", "if at >= skipped:", "if at > skipped:"),
    Fault(
        "groups that may be met for good ask nothing",
        "automata",
        "if not any(laid.start & met & end",
        "if not any(met & end",
    ),
    Fault(
        "the common beginning alone is no word",
        "automata",
        "if (state in came_from or laid.beginning) and all(",
        "if state in came_from and all(",
    ),
    Fault(
        "the shortest beginning of a group is common",
        "automata",
        "if len(group) == 1 and group[0].kind",
        "if group[0].kind",
    ),
    Fault(
        "only the longest prefix counts",
        "domains",
        "vector |= prefixes.get(value[:length], 0)",
        "vector = prefixes.get(value[:length], 0)",
    ),
    Fault(
        "tails of an account are not asked for in it",
        "principal_domain",
        "everywhere.union(by_account.get(account, ()))",
        "everywhere",
    ),
    Fault(
        "tails of every account are asked for in none", "principal_domain", '{*_TAILS, *by_account[""]}', "{*_TAILS}"
    ),
    Fault(
        "values that there was no budget for count as tried",
        "prove",
        "            is_whole = complete = False\n            break",
        "            break",
    ),
    Fault(
        "values that there was no budget for are no difference",
        "relation",
        "            complete = False\n            break",
        "            break",
    ),
    Fault(
        "unifiers that there was no budget for are none",
        "symbols",
        "    except OverBudgetError:\n        complete = False",
        "    except OverBudgetError:\n        complete = True",
    ),
    Fault("halves are left out unasked", "core", "    without.difference_update(keys)\n", ""),
    Fault(
        "a proof without budget for its core has none",
        "core",
        "        without.clear()\n    return",
        "        without.update(keys)\n    return",
    ),
    Fault("budgets have no end", "limits", "if self.left < 0:", "if False:"),
    # ---- verdicts
    Fault(
        "a refutation need not be in the set", "decide", "if against and is_member(request, question):", "if against:"
    ),
    Fault(
        "what carries a proof is not smallest",
        "core",
        "    if holds(without):\n        return\n",
        "",
    ),
    Fault(
        "what carries a proof is that of the letters",
        "core",
        "all(holds(without) for holds in checks)",
        "checks[0](without)",
    ),
    Fault(
        "values of symbols are not tried",
        "prove",
        "    if flipping:\n        return _hanging",
        "    if False:\n        return _hanging",
    ),
    Fault("identity policies that are not visible allow nothing", "prove", "identity=(EVERYTHING,)", "identity=()"),
    Fault("identity policies that are not visible are silent", "prove", "identity=(NOT_VISIBLE,)", "identity=()"),
    Fault(
        "only what hidden identity policies allow is compared",
        "relation",
        "_either(allowing.lost, silent.lost)",
        "allowing.lost",
    ),
    Fault("a difference is not replayed", "relation", 'decision.outcome == "Allowed" and refused', "True"),
    Fault("values of symbols make no difference", "relation", "lost = lost or _hanging", "lost = lost and _hanging"),
    # ---- what prover and evaluator have to read alike
    Fault("numbers that are whole have fractions", "ordered", 'name.strip("`") in _WHOLE', "name in _WHOLE"),
    Fault(
        "a mapped address is an IPv6 one, to the prover", "numbers", "place is not None and place in MAPPED", "False"
    ),
    Fault(
        "dates without fractions, to the prover",
        "numbers",
        "seconds * 10 ** len(fraction) + int(fraction or 0)",
        "seconds * 10 ** len(fraction)",
    ),
    Fault("a leap second is lost", "numbers", "- offset + leap, fraction", "- offset, fraction"),
    Fault("bytes are given encoded only", "readings", "*((literal(plain),) if plain else ())", ""),
    Fault("superfluous bits of base64 count", "readings", "kept : kept + free", "kept : kept + 1"),
    Fault(
        "a single-valued negation is in doubt for some values only",
        "boxes",
        "dimension.present if term.negated else dimension.hits(may), 0",
        "dimension.hits(may), 0",
    ),
    Fault("what AWS refuses is narrowed down", "boxes", "self.unread = bool(doubt)", "self.unread = False"),
    Fault("what AWS refuses is sliced", "question", "if not doubt and not self.space", "if not self.space"),
    Fault(
        "all actions reserve nothing",
        "reserved_boxes",
        "    return any(service.starts",
        "    return False and any(service.starts",
    ),
    Fault("a listed value has to be an ARN", "space", " and not _is_listed(key.values)", ""),
    Fault("a service may hide its name", "space", "return Key(requests.callers)", "return Key(requests.callers, True)"),
    Fault("a Kelvin sign is a k", "conditions", "_KELVIN.join(map(str.lower, text.split(_KELVIN)))", "text.lower()"),
    Fault(
        "limits that are not known go without saying",
        "combine",
        " or (through_resource is None and own.limits is None)",
        "",
    ),
    # ---- time
    Fault(
        "a long glob is matched",
        "globs",
        "if isinstance(part, str) else 1 for part in parts) > LONGEST",
        "if isinstance(part, str) else 1 for part in parts) > 64 * LONGEST",
    ),
    Fault(
        "a long text is not like itself",
        "open_text",
        "return True if parts == (text,)",
        "return None if parts == (text,)",
    ),
    Fault("long families are laid out", "automata", "> MOST_POSITIONS:", "> 64 * MOST_POSITIONS:"),
    Fault(
        "long texts are not unified, for certain",
        "unifiers",
        "MOST_TOKENS:\n        return Unifiers((), False, {})",
        "MOST_TOKENS:\n        return Unifiers((), True, {})",
    ),
    Fault(
        "a beginning is looked up a character short",
        "domains",
        "prefixes.get(value[:length], 0)",
        "prefixes.get(value[: length - 1], 0)",
    ),
    Fault(
        "a predicate is asked of the wrong atoms", "automata", "yield low.bit_length() - 1", "yield low.bit_length()"
    ),
    Fault("long families are laid out lazily", "lazy", "size // 10 + size * size // 50_000", "size // 10"),
    Fault("long patterns take no more steps", "lazy", "compared * (1 + size // 10_000)", "compared"),
    Fault("all bounds are held against each", "ordered", "if len(bounds) > MOST_BOUNDS:", "if False:"),
    Fault(
        "no proof relies on values without colons",
        "prove",
        "Proven)\n    except OverBudgetError:\n        return True",
        "Proven) and False\n    except OverBudgetError:\n        return True",
    ),
    Fault("a listed value with a colon is not tried", "symbols", "{(binding,): None for binding in listed}", "{}"),
    # ---- questions that tell no resources apart
    Fault(
        "whatever a set leaves out is a truth",
        "space",
        "for each in (*excluded, *but)} < _TRUTHS",
        "for each in ()} < _TRUTHS",
    ),
    Fault("a Deny of one resource counts for all", "space", "return all(any(matches_all", "return any(any(matches_all"),
    Fault("a wildcard reads what only another mentions", "patterns", " and _FRESH not in pattern.positions", ""),
    Fault(
        "a question mark reads a wildcard", "patterns", 'pattern.kind != "linear" and matches(pattern, sample) and', ""
    ),
    Fault(
        "a request is shown that something left out is about",
        "decide",
        "if any(matches(pattern, request.resource) for pattern in question.left_out):",
        "if False:",
    ),
    Fault(
        "NotResource leaves out what it lists", "question", '(glob("*"),) if negated else reading.wide', "reading.wide"
    ),
    Fault("a NotResource is about what it lists", "question", "if not negated and self.space", "if self.space"),
    Fault(
        "a Deny of some resources counts for all",
        "question",
        "            return False\n        self._overstated",
        "            return True\n        self._overstated",
    ),
    Fault("more carries a broad proof than it needs", "prove", "if question.understate() and", "if False and"),
    Fault(
        "an open question is decided as a closed one",
        "prove",
        "closed = symbols.is_empty or is_closed",
        "closed = True or is_closed",
    ),
    Fault("a question is whole that leaves a Deny out", "question", "return not self.left_out and not", "return not"),
    Fault(
        "a question is whole that overstates",
        "question",
        "return not self.left_out and not self._overstated",
        "return not self.left_out",
    ),
    Fault(
        "a gate that nothing passes is open",
        "ways",
        "if () not in (boxes := _boxes(gate, allow_may, without))",
        "if (boxes := _boxes(gate, allow_may, without)) and () not in boxes",
    ),
    Fault("a wildcard within a segment crosses it", "readings", 'or tail[:1] == ":")', "or True)"),
    Fault("a question mark is plain text", "readings", '"${" not in text and "?" not in text', '"${" not in text'),
    Fault("a policy variable is plain text", "readings", '"${" not in text and "?"', '"?"'),
    Fault("a hole is plain text", "readings", '"**" not in text and text.isascii()', '"**" not in text'),
    Fault("one beginning tells of all patterns", "pattern_set", "== len(self.patterns)", "> 0"),
    Fault(
        "a contested beginning is told",
        "resource_patterns",
        "self._contested is None and self._plain.are",
        "self._plain.are",
    ),
    Fault(
        "loops are laid out a place off",
        "patterns",
        "accumulate(map(len, self.chunks[:-1]))",
        "accumulate(map(len, self.chunks[1:]))",
    ),
    # ---- the parting of estates
    Fault(
        "ids in a host are not looked for",
        "ties",
        '        hosts = [one for one in found if "vpce-" in one or ".execute-api" in one]',
        "        hosts: list[str] = []",
        "sources",
    ),
    Fault("the service of an ARN is a name", "ties", '_HEAD.sub("", text.replace', '"".join(text.replace', "sources"),
    Fault("escapes of JSON are left", "ties", '        if "\\\\u" in text:', "        if False:", "sources"),
    Fault(
        "a workflow is taken as it is written",
        "ties",
        "(*_texts(template), *_texts_of_workflows(template))",
        "(*_texts(template),)",
        "sources",
    ),
    Fault(
        "what outputs name is passed over",
        "ties",
        "    pending += [one.value for one in template.outputs().values()]\n",
        "",
        "sources",
    ),
    Fault(
        "a resource of another case counts", "ties", "if template.exists(resource.logical_id):", "if True:", "sources"
    ),
    Fault(
        "what is there in some cases is there in all",
        "ties",
        "frozenset.intersection(*self._worlds)",
        "frozenset.union(*self._worlds)",
        "sources",
    ),
    Fault("ids that AWS made are no names", "ties", "len(one) >= _SHORTEST_ID", "False", "sources"),
    Fault("a task definition has no name", "ties", '    "AWS::ECS::TaskDefinition": ("Family", ""),\n', "", "sources"),
    Fault(
        "a private domain has no name",
        "ties",
        '    "AWS::ApiGateway::DomainNameV2": ("DomainName", ""),\n',
        "",
        "sources",
    ),
    Fault(
        "the account's number is another's in each file",
        "ties",
        "_SHARED.get(symbols.of(found.group()).name, OPEN)",
        "OPEN",
        "sources",
    ),
    Fault(
        "an export of some cases is one of all",
        "joined",
        "(name, path) in one.exports.always and OPEN not in name",
        "True",
        "sources",
    ),
    Fault(
        "an export that may be meant is not",
        "joined",
        "for like in () if name in joined else exports.like(name):",
        "for like in ():",
        "sources",
    ),
    Fault(
        "what another part declares stays open",
        "joined",
        "            if found and len(parts) > 1:",
        "            if False:",
        "sources",
    ),
    Fault(
        "no copy is nearer than another",
        "joined",
        'for where in (path, folder(path), ""))\n\n    def join_all',
        'for where in ("",))\n\n    def join_all',
        "sources",
    ),
    Fault(
        "nothing far is meant",
        "joined",
        'for where in (path, folder(path), ""))\n\n    def join_all',
        "for where in (path, folder(path)))\n\n    def join_all",
        "sources",
    ),
    Fault(
        "what is written in one file may be parted",
        "joined",
        "*(owners.setdefault(path, number) for path in one.files)",
        "*(number for path in one.files if not owners.setdefault(path, number) + 1)",
        "sources",
    ),
    Fault(
        "policies of the default bus are apart",
        "joined",
        "(of_bus.setdefault(bus, unit[0]) for bus in one.buses)",
        "(unit[0] for bus in one.buses if not of_bus.setdefault(bus, unit[0]) + 1)",
        "sources",
    ),
    Fault(
        "callers are apart from what they call",
        "joined",
        "for unit, one in found.items() if one.is_named)",
        "for unit, one in found.items() if False)",
        "sources",
    ),
    Fault(
        "an open share is of nothing",
        "joined",
        "if one.has_open_shares or one.has_configurations)",
        "if one.has_open_shares)",
        "sources",
    ),
    Fault("a stack is not found by its name", "joined", "*self._stacks.get(name, ())", "*()", "sources"),
    Fault(
        "an imported name stays open",
        "joined",
        "        if len(parts) == 1 or (parts and all(one.is_known for one in parts)):",
        "        if parts:",
        "sources",
    ),
    Fault(
        "what was joined once is not found again",
        "joined",
        "        self._found[name, where] = {first: always}",
        "        self._found[name, where] = {}",
        "sources",
    ),
    Fault(
        "an estate's own is around it",
        "elsewhere",
        "each[:start] + each[start + mine :] if mine else each",
        "each",
        "sources",
    ),
    Fault(
        "the own of one estate is taken for another's",
        "elsewhere",
        "            starts[kind] += mine\n",
        "            starts[kind] += 0\n",
        "sources",
    ),
    Fault(
        "what is deployed is parted",
        "separate",
        "parting = parting and not one.is_deployed",
        "parting = bool(parting)",
        "sources",
    ),
    Fault(
        "open policies of buses are not told",
        "unplaced",
        '    "bus": _Finding(frozenset((event_buses.POLICY,)), event_buses.unplaced),\n',
        "",
        "sources",
    ),
    Fault(
        "open grants are not told",
        "unplaced",
        '    "grant": _Finding(frozenset(targets.ATTACHING), targets.unplaced),\n',
        "",
        "sources",
    ),
    Fault(
        "open rules of groups are not told",
        "unplaced",
        '    "group": _Finding(private_connections.RULES, private_connections.unplaced),\n',
        "",
        "sources",
    ),
    Fault(
        "open policies of queues are not told",
        "unplaced",
        '    "own policy": _Finding(own_policies.ATTACHING, own_policies.unplaced),\n',
        "",
        "sources",
    ),
    Fault(
        "open parts of APIs are not told",
        "unplaced",
        '    "API": _Finding(frozenset((*apis.REST_PARTS, *apis.HTTP_PARTS)), apis.unplaced),\n',
        "",
        "sources",
    ),
    Fault(
        "open policies of roles are not told",
        "unplaced",
        '    "role": _Finding(frozenset(roles.ATTACHING), roles.unplaced),\n',
        "",
        "sources",
    ),
    Fault(
        "a role of another case is anybody",
        "template",
        "if self.exists(resource.logical_id) or self._is_generated(self.reference_text(resource.logical_id)):",
        "if self.exists(resource.logical_id):",
        "sources",
    ),
    Fault(
        "a role that is not there is there",
        "template",
        "if self.exists(resource.logical_id) or self._is_generated(self.reference_text(resource.logical_id)):",
        "if True:",
        "sources",
    ),
    Fault(
        "a template is not let go of",
        "scope",
        "self.reference = self.attribute = self.passed = self.imported = self.stack_output = _none",
        "self.reference = _none",
        "sources",
    ),
)


class Outcome(NamedTuple):
    fault: Fault
    killer: str
    """The first test that failed, or empty."""


def copy_of_project(folder: Path) -> Path:
    """A copy with everything that the tests read."""
    copy = folder / "project"
    skipped = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "dist", "build")
    shutil.copytree(ROOT, copy, ignore=skipped)
    return copy


def run(copy: Path, tests: Sequence[str]) -> str:
    """The first of the tests that fails in the copy, or an empty text."""
    files = [f"tests/test_{name}.py" for name in tests if (copy / "tests" / f"test_{name}.py").exists()]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-n0",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        *files,
    ]
    try:
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "(took too long)"
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if failed:
        return failed[0].split(" - ")[0].split(" ", 1)[1]
    return "" if done.returncode == 0 else f"(pytest ended with {done.returncode})"


def seeded(fault: Fault) -> Outcome:
    """Which test notices the fault."""
    with TemporaryDirectory() as folder:
        copy = copy_of_project(Path(folder))
        file = copy / "policy_audit" / fault.folder / f"{fault.file}.py"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
        return Outcome(fault, run(copy, TESTS[fault.folder]))


def misplaced(faults: Sequence[Fault]) -> list[Fault]:
    """The faults whose text is not found exactly once."""
    files = {each: ROOT / "policy_audit" / each.folder / f"{each.file}.py" for each in faults}
    return [each for each, file in files.items() if file.read_text(encoding="utf-8").count(each.right) != 1]


def main(words: Sequence[str]) -> int:
    chosen = [each for each in FAULTS if not words or any(word in each.name or word == each.folder for word in words)]
    lost = misplaced(chosen)
    for each in lost:
        print(f"NOT FOUND  {each.name} ({each.file})")
    survivors = 0
    with ThreadPoolExecutor(PARALLEL) as pool:
        for fault, killer in pool.map(seeded, [each for each in chosen if each not in lost]):
            survivors += not killer
            print(f"{fault.name:64} {killer or 'SURVIVES'}", flush=True)
    print(f"{len(chosen)} faults, {survivors} survive, {len(lost)} not found")
    return 1 if survivors or lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
