"""Commands that a page, an alert or the head of the command line names are understood as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from cells import __main__ as command_line
from cells.parser import parser

ROOT = Path(__file__).parents[3]
PLACES = [
    path
    for pattern in ("*.md", "docs/**/*.md", "deploy/**/*.md", "deploy/**/*.yml", "perf/**/*.md", "router/*.md")
    for path in sorted(ROOT.glob(pattern))
]
# To the end of the code or the line; in a text also to the end of the sentence's part.
_NAMED = re.compile(r'python -m cells ([^`\n"#;,()]+(?:"[^"\n]*")?)')
# What a page writes for a value of the reader's, and one that would do.
_VALUES = {"<region>": "us", "REGION": "us", "{{ $labels.region }}": "us", " N": " 2"}


def named(text: str) -> list[str]:
    """The commands of a text, without `…`, and of alternatives `a | b` the first."""
    for placeholder, value in _VALUES.items():
        text = text.replace(placeholder, value)
    found = [command.split(" | ")[0].strip().rstrip(".:") for command in _NAMED.findall(text)]
    return [command for command in found if command != "…"]


def understood(command: str) -> bool:
    try:
        parser().parse_args(shlex.split(command))
    except SystemExit:
        return False
    return True


@pytest.mark.parametrize("place", PLACES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_command_of_a_page_is_refused_by_the_command_line(place):
    assert [command for command in named(place.read_text()) if not understood(command)] == []


def test_no_page_names_any_command():
    assert len([command for place in PLACES for command in named(place.read_text())]) > 10


def test_the_head_of_the_command_line_names_what_it_does_not_know():
    lines = [line for line in command_line.__doc__.splitlines() if line.startswith("python -m cells ")]
    commands = [re.split(r" {2,}", line)[0].replace("[regions…]", "us eu") for line in lines]
    assert [command for command in commands if not understood(command.removeprefix("python -m cells "))] == []
    unlisted = {"deploy", "withdraw"}  # they stand beside `keep`, which runs them
    assert {command.split()[3] for command in commands} | unlisted == set(commands_of())


def commands_of() -> dict[str, str]:
    """All that a wrong name is offered, with its text."""
    (choices,) = (action for action in parser()._actions if action.choices and action.dest == "command")
    return {action.dest: action.help or "" for action in choices._choices_actions} | {
        name: "" for name in choices.choices if name not in {action.dest for action in choices._choices_actions}
    }


def test_a_command_is_listed_without_a_word_of_what_it_does():
    assert [name for name, text in commands_of().items() if not text] == []


@pytest.mark.parametrize("name", list(commands_of()))
def test_the_help_of_a_command_does_not_say_what_it_does(name, capsys):
    with pytest.raises(SystemExit):
        parser().parse_args([name, "--help"])
    assert commands_of()[name][1:40] in " ".join(capsys.readouterr().out.split())
