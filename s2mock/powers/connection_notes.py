"""The notes of a connection: which exchange has ended it, or has muted it, for the others on it.

All requests of a connection share its notes, those to other accounts too. A WSGI call has none.
"""

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from s2mock.powers.entry import Entry
    from s2mock.powers.journal_store import JournalStore

_ENDED: Final = "ended"
_MUTED: Final = "muted"


def note_end(entry: "Entry", store: "JournalStore") -> None:
    """Note that the fault of an exchange ends its connection."""
    notes = _notes_of(entry.environ)
    if notes is not None:
        notes[_ENDED] = (entry, store)


def note_mute(entry: "Entry", store: "JournalStore") -> None:
    """Note that the fault of an exchange mutes its connection, if none has muted it before."""
    notes = _notes_of(entry.environ)
    if notes is not None:
        notes.setdefault(_MUTED, (entry, store))


def is_muted(environ: dict[str, Any]) -> bool:
    """True if nothing more is sent on the connection of a request, by the fault of an exchange."""
    notes = _notes_of(environ)
    return notes is not None and _MUTED in notes


def explain_mute(entry: "Entry", store: "JournalStore") -> str | None:
    """Return a text about the other exchange that has muted the connection; None without one."""
    return _explain(_MUTED, entry, store)


def explain_loss(entry: "Entry", store: "JournalStore") -> str | None:
    """Return why an exchange has lost its connection, if another has muted or ended that."""
    return explain_mute(entry, store) or _explain(_ENDED, entry, store)


def _explain(verb: str, entry: "Entry", store: "JournalStore") -> str | None:
    notes = _notes_of(entry.environ)
    if not notes or verb not in notes:
        return None
    other, of = notes[verb]
    if other is entry:
        return None
    where = f"of exchange {other.number}" if of is store else "of another account"
    return f"its connection was {verb} by {other.fault!r} {where}"


def _notes_of(environ: dict[str, Any]) -> dict[str, Any] | None:
    notes: dict[str, Any] | None = environ.get("s2mock.notes")
    return notes
