"""Each default that a help text states is the default that counts."""

import argparse
import inspect
import re

import pytest

from s2mock import S2Mock, pytest_plugin
from s2mock.__main__ import _parser

MIB = 1024 * 1024
STATED = re.compile(r"\(default: ([^),]*)\)")
KINDS = ("serve", "lite", "run")
ARGUMENTS = {name: value.default for name, value in inspect.signature(S2Mock).parameters.items()}


def value_of(text: str) -> object:
    """A stated default as a value: a number where it is one, with its unit."""
    if size := re.fullmatch(r"(\d+) MiB", text):
        return int(size[1]) * MIB
    number = text.replace("_", "")
    return float(number) if re.fullmatch(r"\d+(\.\d+)?", number) else text.strip("'")


def stated_defaults(kind: str) -> dict[str, object]:
    """The defaults in the help of the command line, by the names of their options."""
    parser = _parser(kind)
    formatter = argparse.HelpFormatter(parser.prog)
    stated = {}
    for action in parser._actions:
        if found := STATED.search(formatter._expand_help(action) if action.help else ""):
            stated[action.dest] = value_of(found[1])
    return stated


@pytest.mark.parametrize("kind", KINDS)
def test_help_states_the_defaults_of_the_parser(kind: str) -> None:
    options = vars(_parser(kind).parse_args([]))
    stated = stated_defaults(kind)

    assert {"host", "port", "token", "journal_limit", "journal_bytes"} <= stated.keys()
    assert stated == {name: options[name] for name in stated}


def test_help_of_lite_states_the_host_and_the_port_of_lite() -> None:
    shown = " ".join(_parser("lite").format_help().split())

    assert "address to listen on (default: 0.0.0.0)" in shown
    assert "0 picks a free one (default: 80)" in shown


def test_help_of_pytest_states_the_defaults_of_the_mock() -> None:
    stated = {}
    for name, text in pytest_plugin._OPTIONS.items():
        if found := STATED.search(text) or re.search(r"('\w+') \(default\)", text):
            stated[name] = value_of(found[1])
    # Neither is an argument's default: a switch of the plugin, and a token that the mock makes.
    assert stated.pop("advice") == "on"
    assert stated.pop("token") == "another one in each test"

    assert {"deletion_delay", "profile", "auth", "journal_limit", "host"} <= stated.keys()
    assert stated == {name: ARGUMENTS[name] for name in stated}


def test_help_of_the_locations_states_those_of_the_mock() -> None:
    [names] = re.findall(r"\(default: (.*)\)", pytest_plugin._OPTIONS["locations"])

    assert names.split(", ") == [
        location.name for location in S2Mock().account.engine.settings.locations
    ]


def test_marker_states_the_defaults_of_the_mock() -> None:
    [arguments] = re.findall(r"^s2_mock\(\*, (.*?)\):", pytest_plugin._MARKER)
    stated = {
        name: value_of(value)
        for name, _, value in (pair.partition("=") for pair in arguments.split(", "))
    }
    assert stated.pop("use_env") == "False"

    wanted = {"None": None, "True": True, "False": False, "[]": ()}
    assert {name: wanted.get(str(value), value) for name, value in stated.items()} == {
        name: ARGUMENTS[name] for name in stated
    }
