"""Help texts state the defaults that apply, and each option is the same in all places."""

import argparse
import inspect
import re
import sys
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

import s2mock.__main__
from s2mock import S2Mock
from s2mock.control.command_line.parser import make_parser
from s2mock.control.command_line.subcommands import SUBCOMMANDS
from s2mock.options import CHOICE, FLAG, NAMES, OBJECT, OPTIONS, SETTINGS
from s2mock.pytest_plugin.options import help_of, marker_declaration

MIB = 1024 * 1024
STATED = re.compile(r"\(default: ([^)]*)\)")
KINDS = ("serve", "lite", "run")
ARGUMENTS = {name: value.default for name, value in inspect.signature(S2Mock).parameters.items()}


def value_of(text: str) -> object:
    """A stated default as a value: a number where it is one, with its unit."""
    if size := re.fullmatch(r"(\d+) MiB", text):
        return int(size[1]) * MIB
    if text == "none":
        return None
    if text == "off":
        return False
    number = text.replace("_", "")
    return float(number) if re.fullmatch(r"\d+(\.\d+)?", number) else text.strip("'")


def stated_defaults(kind: str) -> dict[str, object]:
    """The defaults in the help of the command line, by the names of their options."""
    parser = make_parser(kind)
    formatter = argparse.HelpFormatter(parser.prog)
    stated = {}
    for action in parser._actions:
        if found := STATED.search(formatter._expand_help(action) if action.help else ""):
            stated[action.dest] = value_of(found[1])
    return stated


def test_options_are_the_arguments_of_the_mock() -> None:
    """In the same order; `listening` is for the fixture only."""
    options = {option.name: option.default for option in OPTIONS.values() if option.is_argument}
    arguments = {name: value for name, value in ARGUMENTS.items() if name != "listening"}

    assert options == arguments
    assert list(options) == list(arguments)


def test_types_of_options_are_those_of_the_arguments() -> None:
    hints: dict[str, Any] = get_type_hints(S2Mock.__init__, None, _NAMES)
    for option in OPTIONS.values():
        if not option.is_argument or option.kind in (OBJECT, NAMES):
            continue
        hint = hints[option.name]
        if option.kind is CHOICE:
            assert get_origin(hint) is Literal
            assert get_args(hint) == option.choices, option.name
        else:
            expected = option.kind.type if option.default is not None else option.kind.type | None
            assert hint == expected, option.name


# For the annotations of `S2Mock` that only type checkers resolve.
_NAMES = {"Snapshot": object}


def test_another_account_inherits_each_option_that_it_could_be_given() -> None:
    """What it starts from, and its clock, are chosen for each account."""
    own = {"basins", "clock", "faults", "snapshot"}
    inherited = {option.name for option in OPTIONS.values() if option.is_member} - own

    assert S2Mock()._options().keys() == inherited


@pytest.mark.parametrize("name", [option.name for option in OPTIONS.values() if option.choices])
def test_choices_of_an_option_are_all_that_works(name: str) -> None:
    option = OPTIONS[name]
    assert option.default in option.choices
    if option.is_argument:
        for choice in option.choices:
            S2Mock(**{name: choice}).close()
        with pytest.raises(ValueError, match=f"{name} must be") as error:
            S2Mock(**{name: "zzzzzz"})
        assert all(f'"{choice}"' in str(error.value) for choice in option.choices)


def test_options_on_the_command_line_have_the_default_of_the_mock_or_of_a_server() -> None:
    options = vars(make_parser("serve").parse_args([]))
    own = {"port": 8080, "token": "s2mock", "clock": "system"}
    for option in OPTIONS.values():
        flag = option.server_flag
        if flag is None or option.kind is FLAG or flag == "init_file":
            continue
        assert options[flag] == own.get(option.name, option.default), option.name


@pytest.mark.parametrize("kind", KINDS)
def test_help_states_the_defaults_of_the_parser(kind: str) -> None:
    options = vars(make_parser(kind).parse_args([]))
    stated = stated_defaults(kind)

    assert {"host", "port", "token", "journal_limit", "journal_bytes"} <= stated.keys()
    # The names of the default locations are those of the mock: see below.
    assert options["locations"] is None
    del stated["locations"]
    assert options["control_origin"] == []
    del stated["control_origin"]
    assert stated == {name: options[name] for name in stated}


def test_help_of_lite_states_the_host_and_the_port_of_lite() -> None:
    shown = " ".join(make_parser("lite").format_help().split())

    assert "address to listen on (default: 0.0.0.0)" in shown
    assert "0 picks a free one (default: 80)" in shown


def test_help_of_pytest_states_the_defaults_of_the_mock() -> None:
    stated = {}
    for option in SETTINGS:
        found = STATED.search(help_of(option))
        assert found is not None
        stated[option.name] = value_of(found[1])
    # Neither is an argument's default: a switch of the plugin, and a token that the mock makes.
    assert stated.pop("advice") == "on"
    assert stated.pop("token") == "another one in each test"
    locations = [location.name for location in S2Mock().account.engine.settings.locations]
    assert stated.pop("locations") == ", ".join(locations)

    assert {"deletion_delay", "profile", "auth", "journal_limit", "host"} <= stated.keys()
    assert stated == {name: ARGUMENTS[name] for name in stated}


def test_marker_states_the_defaults_of_the_mock() -> None:
    [arguments] = re.findall(r"^s2_mock\(\*, (.*?)\):", marker_declaration())
    stated = {
        name: value_of(value)
        for name, _, value in (pair.partition("=") for pair in arguments.split(", "))
    }
    assert stated.pop("use_env") == "False"

    wanted = {"None": None, "True": True, "False": False, "[]": ()}
    assert {name: wanted.get(str(value), value) for name, value in stated.items()} == {
        name: ARGUMENTS[name] for name in stated
    }
    assert stated.keys() == ARGUMENTS.keys() - {"host", "port", "listening"}


def test_misspelt_flag_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        make_parser().parse_args(["--deletion-dely=5"])

    assert "--deletion-dely=5; did you mean --deletion-delay?" in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
def test_help_states_a_default_for_each_flag(kind: str) -> None:
    ending = {"help", "version"}
    silent = [
        action.dest
        for action in make_parser(kind)._actions
        if action.dest not in ending and not STATED.search(action.help or "")
    ]
    assert silent == []


def test_help_of_the_server_has_a_line_for_each_command_and_groups_of_flags() -> None:
    shown = make_parser().format_help()

    for name, text in SUBCOMMANDS.items():
        assert f"\n  {name:<12}{text}\n" in shown
    titles = re.findall(r"^(\w.*):$", shown, re.MULTILINE)
    assert titles == [
        *("options", "the server", "the account", "the journal", "the control API"),
        *("a real server behind it", "commands"),
    ]


@pytest.mark.parametrize(
    ("text", "size"),
    [("7", 7), ("64MiB", 64 * MIB), ("1KiB", 1024), ("2gb", 2 * 10**9), ("10_000", 10_000)],
)
def test_size_with_a_unit_is_a_number_of_bytes(text: str, size: int) -> None:
    assert OPTIONS["journal_bytes"].parse(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "64 XiB", "1.5", "64MiBB", "-"])
def test_text_that_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a size such as 64MiB or 67108864, not"):
        OPTIONS["journal_bytes"].parse(text)


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Return the exit status of the command line in this process."""
    monkeypatch.setattr(sys, "argv", ["s2mock", *arguments])
    try:
        return s2mock.__main__.main()
    except SystemExit as ended:
        return int(ended.code or 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lit",), "s2mock: error: there is no command 'lit': did you mean 'lite'?"),
        (("nothing",), "there is no command 'nothing': the commands are run, lite, proxy,"),
        (("verify", "--tokn", "x", "http://a"), "; did you mean --token-env?"),
        (("drift", "--ignore-haeder=x", "a"), "; did you mean --ignore-header?"),
        (("run", "npm", "test"), "-- is missing before the command to run: s2mock run -- npm test"),
        (
            ("run", "--port", "0", "npm", "test", "--watch"),
            "before the command to run: s2mock run --port 0 -- npm test --watch",
        ),
        (("run", "--prot=1", "npm"), "-- is missing before the command to run"),
    ],
)
def test_misspelt_command_line_says_what_would_be_right(
    arguments: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_main(monkeypatch, *arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [(("help",), "usage: s2mock [-h]"), (("help", "run"), "usage: s2mock run [options] --")],
)
def test_help_command_prints_the_help_of_a_command(
    arguments: tuple[str, ...],
    usage: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_main(monkeypatch, *arguments) == 0
    assert capsys.readouterr().out.startswith(usage)


def test_completions_have_each_command_and_its_flags(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("shtab")
    assert run_main(monkeypatch, "completion", "bash") == 0

    script = capsys.readouterr().out
    assert f"_subparsers=({' '.join(SUBCOMMANDS)})" in script
    [of_verify] = re.findall(r"_verify_option_strings=\((.*)\)", script)
    assert "--basin-endpoint" in of_verify.split()


def test_completions_without_shtab_name_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)

    assert run_main(monkeypatch, "completion", "zsh") == 1
    assert "pip install 's2mock[completion]'" in capsys.readouterr().err
