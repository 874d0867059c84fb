"""What the documents say of the code is so."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from config import urls
from config.errors import Refusal

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "api.md").read_text()
CODE = re.compile(r"`([a-z_0-9]+)`")
DOCUMENTS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "examples" / "README.md"]
ROW = re.compile(r"\| (`.*?) \| (\d{3}) \|")


def section(name: str) -> str:
    return GUIDE.partition(f"<!-- {name} -->")[2].partition(f"<!-- end of {name} -->")[0]


def table() -> dict[str, int]:
    """The codes of the guide with their status."""
    rows = ROW.findall(section("errors"))
    return {code: int(status) for codes, status in rows for code in CODE.findall(codes)}


def codes(path: Path) -> set[str]:
    """Those that a module's refusals have, as classes or one by one."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.ClassDef():
                found |= {
                    str(each.value.value)
                    for each in node.body
                    if isinstance(each, ast.Assign)
                    and isinstance(each.value, ast.Constant)
                    and [target.id for target in each.targets if isinstance(target, ast.Name)] == ["code"]
                }
            case ast.keyword(arg="code", value=ast.Constant(value=str(code))):
                found.add(code)
            case ast.Call(func=ast.Name(id="PydanticCustomError"), args=[ast.Constant(value=str(code)), *_]):
                found.add(code)
    return found


def modules() -> list[Path]:
    return [
        path for room in ("config", "accounts", "jobs", "voice") for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts
    ]


def test_the_guide_has_every_code_of_a_refusal():
    used = set().union(*(codes(path) for path in modules()))
    known = set(table()) | set(CODE.findall(section("events")))

    assert used - known == set()


def test_the_guide_has_no_code_that_nothing_says():
    source = "".join(path.read_text() for path in modules())
    endings = {code for code in table() if f'"{code}"' not in source}
    live = {code for code in CODE.findall(section("events")) if f'"{code}"' not in source}

    assert endings == set()
    # these are put together of what was asked for
    assert live <= {f"item_{verb}_invalid_item_id" for verb in ("delete", "retrieve", "truncate")}


def every(kind: type[Refusal]) -> list[type[Refusal]]:
    return [kind, *(deeper for below in kind.__subclasses__() for deeper in every(below))]


def test_the_guide_has_the_status_of_every_refusal():
    assert urls.urlpatterns  # everything that answers is imported

    told = table()

    assert [(kind.__name__, kind.status) for kind in every(Refusal) if told[kind.code] != kind.status] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_points_to_is_there(document: Path):
    missing = []
    for link in re.findall(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)", document.read_text()):
        if link[0] and not (document.parent / link[0]).exists():
            missing.append(link[0])

    assert missing == []
