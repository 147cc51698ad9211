"""What the documents say exists: every command, option, make target, link and path."""

import re
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from pipeline.cli.command import app

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = get_command(app).commands


def code(text: str) -> list[str]:
    """Inline code and the lines of code blocks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return [line for block in blocks for line in block.splitlines()] + inline


def options(command, rest: str) -> set[str]:
    """The options that a command takes; of a group of verbs those of the verb that follows, else the group's own."""
    verb = rest.split()[0] if rest.split() else ""
    chosen = getattr(command, "commands", {}).get(verb, command)
    return {"--help", *(option for param in chosen.params for option in param.opts)}


def test_every_command_in_the_documents_exists():
    for line in (line for document in DOCUMENTS for line in code(document.read_text(encoding="utf-8"))):
        for name, rest in re.findall(r"(?:^|[\s/])terukur (?:--workspace \S+ )?([a-z]+)([^#|]*)", line):
            assert name in COMMANDS, f"terukur {name}"
            for option in re.findall(r"(?<!\S)(--[a-z-]+)", rest):
                assert option in options(COMMANDS[name], rest), f"terukur {name} {option}"
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
        for target in re.findall(r"^make ([a-z]+)", line):
            assert target in targets, f"make {target}"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_in_both_languages_what_it_and_its_options_do(name):
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0
    assert " / " in COMMANDS[name].help
    options = [param for param in COMMANDS[name].params if "--help" not in param.opts]
    assert [param.name for param in options if not getattr(param, "help", "")] == []


def test_the_readme_lists_every_command():
    listed = set(re.findall(r"^\| `terukur ([a-z]+)`", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert listed == set(COMMANDS)


def test_every_link_and_path_in_the_documents_exists():
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        links = [target for target in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in target]
        assert [link for link in links if not (document.parent / link).exists()] == [], document
        named = [
            path for path in code(text) if re.fullmatch(r"(pipeline|warehouse|tests|docs|notebooks|benchmarks)/[\w./-]+", path)
        ]
        assert [path for path in named if not (ROOT / path).exists()] == [], document


def test_every_picture_is_shown_by_a_document():
    shown = {name for document in DOCUMENTS for name in re.findall(r"img/([\w-]+\.png)", document.read_text(encoding="utf-8"))}
    assert {path.name for path in (ROOT / "docs/img").iterdir()} == shown


def test_every_decision_has_a_subject_a_date_and_a_place_in_the_index():
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for path in sorted(folder.glob("*.md")):
        if path.name != "README.md":
            assert f"({path.name})" in index
            records = re.split(r"(?m)^## ", path.read_text(encoding="utf-8"))[1:]
            assert records and all(re.match(r".+\n\*\d{4}-\d{2}-\d{2}\*\n\n\S", record) for record in records), path.name
