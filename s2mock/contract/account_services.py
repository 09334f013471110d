"""The grade of evidence for each rule of the account services, which s2-lite does not serve.

Source: reference: account_services. The grades are those of the page. A rule with grade O is a
choice of this project that nothing confirms, and so is unverified.
"""

from typing import Final, Literal, NamedTuple

Grade = Literal["T", "D", "E", "O"]

GRADES: Final[dict[Grade, str]] = {
    "T": "types that server and SDKs share",
    "D": "the vendor's documentation",
    "E": "expected by the SDKs, or seen by their users",
    "O": "ours, unverified",
}


class Rule(NamedTuple):
    """A rule: the grade of its evidence, its section in the reference, and its text."""

    grade: Grade
    section: str
    what: str


RULES: Final = (
    # Access tokens.
    Rule("T", "§1.1", "Listing answers 200 with `access_tokens` and `has_more`."),
    Rule("T", "§1.1", "Issuing answers 201 with the secret, which is told there only."),
    Rule("T", "§1.1", "Revoking answers 204 without a body."),
    Rule("T", "§1.1", "An id has 1 to 96 bytes, no NUL, and is neither `.` nor `..`."),
    Rule("T", "§1.1", "What is told of a token, and the form of its scope."),
    Rule("T", "§1.1", "A missing set, and an empty exact name, give access to nothing."),
    Rule("T", "§1.1", "A scope is told in its normal form, with all operations that it names."),
    Rule("O", "§1.1", "The same calls under one `seed` and `token` give the same secrets."),
    Rule("D", "§1.1", "A secret begins with `s2_`."),
    Rule("D", "§1.1", "The end of the requester's token is the default and the maximum."),
    Rule("O", "§1.1", "An end later than the requester's is refused with 422 `invalid`."),
    Rule("E", "§1.1", "An end in the past is refused with 422 `invalid`."),
    Rule("T", "§1.1", "An id that is taken is refused with 409 `resource_already_exists`."),
    Rule("O", "§1.1", "The message of that: access token `x` already exists."),
    Rule("O", "§1.1", "The id of a revoked token is free again."),
    Rule("O", "§1.1", "An expired token is listed, and its id taken, until it is revoked."),
    Rule("T", "§1.1", "Revoking what is not there is refused with 404 `access_token_not_found`."),
    Rule("E", "§1.1", "A token may be revoked by itself: 204."),
    Rule(
        "O",
        "§1.1",
        'With `auth="open"` the own token of the account is revoked only by a request that carries '
        "it, else 403.",
    ),
    Rule("O", "§1.1", "What a token has issued stays valid when it is revoked."),
    Rule("D", "§1.1", "A revocation may take minutes to count (`revocation_delay`)."),
    Rule("E", "§1.1", "The account's own token is an ordinary listed one."),
    Rule("T", "§1.2", "The 24 operations, and their order."),
    Rule(
        "O",
        "§1.2",
        "The configuration of a basin is given by `account.read` and by `basin.read`, that of a "
        "stream by `basin.read` and by `stream.read`.",
    ),
    Rule("O", "§1.2", "PUT needs both the operation that creates and the one that reconfigures."),
    Rule("O", "§1.2", "The group `account` gives the operations on locations."),
    Rule("E", "§1.2", "A fence and a trim in a batch need `fence` and `trim`."),
    Rule("O", "§1.2", "`append` is needed for a batch that holds a plain record."),
    Rule("E", "§1.2", "Making a stream on append or read needs `create-stream`, else 404."),
    Rule("D", "§1.2", "In a session each batch is looked at; a refusal is a terminal frame."),
    Rule(
        "O",
        "§1.2",
        "A session of appends is refused at its opening where the token has none of `append`, "
        "`fence` and `trim`.",
    ),
    Rule("E", "§1.3", "An expired token is refused with 401 `authn`."),
    Rule("O", "§1.3", "A revoked token is refused with 401 `authn`."),
    Rule("E", "§1.3", 'With `auth="required"` an unknown token is refused with 401 `authn`.'),
    Rule("O", "§1.3", "The messages of 401."),
    Rule("E", "§1.3", "What a token does not give is refused with 403: Operation not permitted."),
    Rule("O", "§1.3", "The order of checks: 401, the request by itself, 403, the account."),
    Rule("E", "§1.3", "A token issues only what is no broader than itself, else 403."),
    Rule("D", "§1.3", "Nothing but the end is inherited from the token that issues another."),
    Rule("E", "§1.3", "The messages of empty permissions and of prefixes without a prefix."),
    Rule("E", "§1.3", "Prefixes go before names that are asked for, and are taken off others."),
    Rule("O", "§1.3", "Prefixes are taken off in messages."),
    Rule("O", "§1.3", "The limit of 512 bytes counts the full name."),
    Rule("O", "§1.3", "A token with prefixes issues scopes that are taken literally."),
    Rule("O", "§1.3", "Listings show what the sets match, in pages of that."),
    Rule("O", "§1.3", "When a token ends, appends end with the next batch, and reads go on."),
    # Metrics.
    Rule("T", "§2", "The sets, their intervals and units, and the form of the answer."),
    Rule("T", "§2", "`estimated-billable-usage` has a `total` in `usd`, by the hour or the day."),
    Rule("O", "§2", "Without prices that total has no values."),
    Rule("O", "§2", "With prices there is a series for each, named as that."),
    Rule("E", "§2", "Appends of a basin have a series for each storage class, empty or not."),
    Rule("E", "§2", "A period needs both ends, else 422, and its message."),
    Rule("T", "§2", "A period is in order, spans 90 days at most, ends within 60 s to come."),
    Rule("O", "§2", "The messages of those."),
    Rule("T", "§2", "An accumulation leaves out empty intervals, a gauge has all of them."),
    Rule("T", "§2", "A gauge tells what there was at the instant of its time."),
    Rule("O", "§2", "The interval in which a period ends is a part of it."),
    Rule("D", "§2", "A minute of appends to a stream over a connection is one operation."),
    Rule("D", "§2", "A read in one answer is one operation, a session one a started minute."),
    Rule("E", "§2", "What is not there has no values, and is no 404."),
    Rule("O", "§2", "The names of series."),
    Rule("O", "§2", "`check-tail` and the metrics of streams are among the `basin-ops`."),
    Rule("O", "§2", "What was refused is not counted."),
    Rule("O", "§2", "Metrics have no lag; the real ones lag by minutes."),
    # Locations.
    Rule("T", "§3", "Listing, asking for the default and setting it, and their forms."),
    Rule("D", "§3", "The three locations, and which is the default."),
    Rule("O", "§3", "The storage classes of each, and the default among them."),
    Rule("O", "§3", "None of them is private."),
    Rule("E", "§3", "A basin without a location takes the default, and says so."),
    Rule("O", "§3", "An unknown location, or another one for a basin, is 422 `invalid`."),
    Rule("O", "§3", "A location is no part of what makes a creation a replay."),
    # Limits.
    Rule("D", "§5", "200 batches a second for each stream and connection (`limits`)."),
    Rule("D", "§5", "100 MiB a second for each stream."),
    Rule("D", "§5", "Above a limit a unary append is answered 429, and a session is throttled."),
    Rule("E", "§5", "`retry-after-ms` with 429."),
    Rule("O", "§5", "While a batch of a session waits, the session is not read from."),
    Rule("O", "§5", "A limit is a bucket of one second that refills evenly."),
    Rule("O", "§5", "A batch counts when all other checks have passed."),
    Rule("O", "§5", "Bytes are metered; a batch above a second's bytes is owed."),
    Rule("O", "§5", "A connection is that of TCP; all calls by WSGI are one."),
    Rule("D", "§5", "On the free tier: 100 basins, and 28 days of retention."),
    Rule("O", "§5", "Above the number of basins: 403 `quota_exhausted`, and its message."),
    Rule("O", "§5", "Basins with a pending deletion count, replays do not."),
    Rule("O", "§5", "A longer retention, and an infinite one: 422 `invalid`, and its message."),
    Rule("D", "§5", "Acknowledgements take 40 ms at most for `express`, 400 ms for `standard`."),
    Rule("O", "§5", 'With `append_latency="cloud"` each append takes that bound.'),
)


def counted() -> str:
    """Return the number of rules with each grade, in words."""
    return ", ".join(
        f"{sum(rule.grade == grade for rule in RULES)} {grade} ({why})"
        for grade, why in GRADES.items()
    )
