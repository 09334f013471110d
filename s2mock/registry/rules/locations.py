"""Operations on locations of basins. Source: reference: account_services §3."""

from collections.abc import Iterable, Mapping
from typing import Any

from s2mock.registry.operation import Context, Operation
from s2mock.registry.state import Change, Effect, Location
from s2mock.registry.values.errors import InvalidLocation, InvalidName
from s2mock.registry.values.names import LocationName
from s2mock.runtime.arguments import check_iterable, check_name, described
from s2mock.runtime.clock import Moment


def as_locations(given: Iterable[str | Mapping[str, Any]]) -> tuple[Location, ...]:
    """Return the locations that an option gives: names, or mappings as S2 describes one.

    Raises `TypeError`, `ValueError`.
    """
    check_iterable("locations", given, "names or mappings")
    locations = tuple(map(_location, given))
    if len({location.name for location in locations}) < len(locations) or not locations:
        raise ValueError("locations must name one location at least, and each once")
    return locations


def _location(given: object) -> Location:
    if isinstance(given, Location):
        # From the account that a fork copies.
        return given
    if isinstance(given, str):
        return Location(_name(given))
    if not isinstance(given, Mapping) or "name" not in given:
        raise TypeError(f"locations must be names or mappings with a name, not {described(given)}")
    if unknown := sorted(set(given) - set(Location._fields)):
        raise ValueError(f"locations have {', '.join(Location._fields)}, and no {unknown[0]!r}")
    name = _name(check_name("a location's name", given["name"]))
    classes = tuple(given.get("storage_classes", Location._field_defaults["storage_classes"]))
    default = given.get("default_storage_class", classes[-1] if classes else None)
    if default not in classes:
        raise ValueError(f"default_storage_class must be one of {classes}, not {default!r}")
    return Location(name, bool(given.get("is_private", False)), classes, default)


def _name(text: str) -> str:
    try:
        return str(LocationName(text))
    except InvalidName as error:
        raise ValueError(f"locations: {error}, as {text!r} does not") from None


def location_named(context: Context, name: str) -> Location:
    """Return the location of that name. Raises `InvalidLocation`."""
    for location in context.settings.locations:
        if location.name == name:
            return location
    known = ", ".join(f"`{location.name}`" for location in context.settings.locations)
    raise InvalidLocation(f"location `{name}` not found", f"there are the locations {known}")


def default_location(context: Context) -> Location:
    """Return the location of basins that name none."""
    chosen = context.state.default_location
    return next(
        (location for location in context.settings.locations if location.name == chosen),
        context.settings.locations[0],
    )


class ListLocations(Operation):
    """List all locations. Returns a tuple of `Location`."""

    __slots__ = ()
    name = "list-locations"

    def decide(self, context: Context, _: Moment) -> Change:
        """Return the locations of the account."""
        return Change(context.settings.locations)


class GetDefaultLocation(Operation):
    """Get the location of basins that name none. Returns a `Location`."""

    __slots__ = ()
    name = "get-default-location"

    def decide(self, context: Context, _: Moment) -> Change:
        """Return the default location now."""
        return Change(default_location(context))


class SetDefaultLocation(Operation):
    """Set the location of new basins that name none; no existing basin moves.

    Returns a `Location`. Raises `InvalidName`, `InvalidLocation`.
    """

    __slots__ = ("location",)
    name = "set-default-location"

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = str(LocationName(location))

    def decide(self, context: Context, _: Moment) -> Change:
        """Return the name of the new default."""
        location = location_named(context, self.location)
        return Change(
            location,
            effect=Effect("updated"),
            default_location=location.name,
        )
