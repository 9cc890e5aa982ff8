"""Every test has a cache folder of its own: none reads what another run remembered, or writes to the user's."""

from collections.abc import Iterator, Sequence

import pytest

from policy_audit.rulebook.read import read_rules
from policy_audit.rulebook.rule import Rule
from policy_audit.unchanged import Watch


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="what takes minutes as well: all of what is sampled")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test first, beside which all others have time: mypy, where nothing is known from an earlier run."""
    items.sort(key=lambda item: "mypy" not in item.name)


@pytest.fixture(autouse=True)
def _cache_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(tmp_path_factory.getbasetemp() / "cache")
    monkeypatch.setenv("XDG_CACHE_HOME", folder)
    monkeypatch.setenv("LOCALAPPDATA", folder)
    # Nor does one print what another one came to.
    monkeypatch.setattr("policy_audit.cli.printed", lambda folder, asked: None)
    monkeypatch.setattr("policy_audit.cli.Watch", lambda folder, asked: Watch("", asked))


@pytest.fixture(autouse=True, scope="session")
def _rules_are_read_once() -> Iterator[None]:
    """Audits of tests take the package's own rules as they were read first: nobody changes them on the way."""
    own = read_rules()

    def read(folders: Sequence[str] = (), cache: str = "") -> tuple[Rule, ...]:
        return read_rules(folders, cache) if folders or cache else own

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("policy_audit.audit.read_rules", read)
        yield
