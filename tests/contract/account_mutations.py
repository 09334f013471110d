"""Broken rules of the account services: access tokens, metrics, locations."""

from s2mock.api import access_tokens as api_tokens
from s2mock.api import query, streams
from s2mock.api import requests as api_requests
from s2mock.json_bodies import tokens as documents
from s2mock.registry.rules import access_tokens as registry_tokens
from s2mock.registry.rules import basins, listing, locations, metrics, open_stream, permission
from s2mock.registry.usage import storage_metrics, usage
from s2mock.registry.values import scopes, tokens
from tests.contract.mutation import Mutation

SCOPES = "test_token_scopes_served"
LIVES = "test_token_lives_served"
METRICS = "test_metrics_served"
LOCATIONS = "test_locations_served"
PREFIXES = f"{SCOPES}::TestPrefixes"

ACCOUNT_MUTATIONS = (
    # What a token may do.
    Mutation(
        "one of two operations is enough",
        permission._missing,
        "for name in wanted or ():",
        "for name in list(wanted or ())[:1]:",
        (f"{SCOPES}::test_ensuring_needs_two",),
    ),
    Mutation(
        "no token needs an operation",
        permission._missing,
        "name not in scope.granted",
        "False",
        (f"{SCOPES}::test_an_operation_is_given_by_its_name",),
    ),
    Mutation(
        "a session opens without any of its operations",
        permission._missing,
        "scope.granted.intersection(needs.operations)",
        "True",
        (f"{SCOPES}::test_a_session_without_any_of_them",),
    ),
    Mutation(
        "every name is in the set",
        permission.permit,
        "not names.matches(name)",
        "False",
        (f"{SCOPES}::test_a_name_that_is_not_in_the_set",),
    ),
    Mutation(
        "an exact name is a prefix",
        scopes.ResourceSet.matches,
        'return name == self.name != ""',
        "return name.startswith(self.name)",
        (f"{SCOPES}::test_a_name_that_is_not_in_the_set",),
    ),
    Mutation(
        "an empty exact name is all names",
        scopes.ResourceSet.matches,
        'name == self.name != ""',
        'self.name in ("", name)',
        (f"{SCOPES}::test_a_name_that_is_not_in_the_set",),
    ),
    Mutation(
        "a prefix is an exact name",
        scopes.ResourceSet.matches,
        "return name.startswith(self.name)",
        "return name == self.name",
        (f"{SCOPES}::test_a_name_that_is_in_the_set",),
    ),
    Mutation(
        "groups give nothing",
        scopes.Scope.__post_init__,
        'put(self, "granted", given | ops)',
        'put(self, "granted", frozenset(ops))',
        (f"{SCOPES}::test_a_group_gives_its_operations",),
    ),
    Mutation(
        "operations beside groups give nothing",
        scopes.Scope.__post_init__,
        'put(self, "granted", given | ops)',
        'put(self, "granted", given or frozenset(ops))',
        (f"{SCOPES}::test_a_token_issues_no_more_operations",),
    ),
    Mutation(
        "a stream is made on append without create-stream",
        open_stream.open_stream,
        '"create-stream" not in token.scope.granted',
        "False",
        (f"{SCOPES}::test_making_a_stream_on_append",),
    ),
    # Narrowing.
    Mutation(
        "a token issues more operations than it has",
        scopes.Scope.first_beyond,
        "self.granted - other.granted",
        "frozenset()",
        (f"{SCOPES}::test_a_token_issues_no_more_operations",),
    ),
    Mutation(
        "a token issues broader sets than it has",
        scopes.Scope.first_beyond,
        "not own.is_within(others)",
        "False",
        (f"{SCOPES}::test_a_token_issues_no_broader_set",),
    ),
    Mutation(
        "a prefix is within an exact name",
        scopes.ResourceSet.is_within,
        "return self == other",
        "return self.name == other.name",
        (f"{SCOPES}::test_a_token_issues_no_broader_set",),
    ),
    Mutation(
        "nothing is within nothing else",
        scopes.ResourceSet.is_within,
        "if self == NOTHING:",
        "if False:",
        (f"{SCOPES}::test_a_token_issues_no_broader_set",),
    ),
    # Listings.
    Mutation(
        "a listing shows basins that the set does not match",
        basins.ListBasins.decide,
        "token.scope.basins",
        "ALL",
        (f"{SCOPES}::test_listings_show_what_the_sets_match",),
    ),
    Mutation(
        "a listing shows tokens that the set does not match",
        registry_tokens.ListAccessTokens.decide,
        "token.scope.access_tokens",
        "ALL",
        (f"{SCOPES}::test_tokens_are_listed_likewise",),
    ),
    Mutation(
        "a listing of an exact name looks at no start",
        listing.page_of,
        '(start_after == "" or name > start_after)',
        "True",
        (f"{SCOPES}::test_listings_show_what_the_sets_match",),
    ),
    Mutation(
        "a set's prefix does not narrow that of a listing",
        listing.page_of,
        "if within.name.startswith(prefix):",
        "if False:",
        (f"{SCOPES}::test_listings_show_what_the_sets_match",),
    ),
    # Prefixes.
    Mutation(
        "a name in a path gets no prefix",
        api_requests.S2Request.stream_name,
        "return StreamName(self.prefix + name)",
        "return name",
        (f"{PREFIXES}::test_in_paths_bodies_and_answers",),
    ),
    Mutation(
        "a name in a body gets no prefix",
        streams.create_stream,
        'request.prefix + document["stream"]',
        'document["stream"]',
        (f"{PREFIXES}::test_in_paths_bodies_and_answers",),
    ),
    Mutation(
        "a prefix is told in answers",
        streams._told,
        "info.name.removeprefix(request.prefix)",
        "info.name",
        (f"{PREFIXES}::test_in_listings",),
    ),
    Mutation(
        "a prefix is told in messages",
        api_requests.S2Request.prepare_error,
        "if self.prefix and error.message.startswith(named):",
        "if False:",
        (f"{PREFIXES}::test_in_messages",),
    ),
    Mutation(
        "a listing starts after a name without its prefix",
        query.prefixed_filters,
        'prefix + values["start_after"]',
        'values["start_after"]',
        (f"{PREFIXES}::test_in_listings",),
    ),
    # How tokens live.
    Mutation(
        "a revoked token is good",
        permission.check_end,
        "moment.account_time >= token.ends",
        "False",
        (f"{LIVES}::test_a_revoked_token_is_refused",),
    ),
    Mutation(
        "what is wrong with a request is told to whose token has ended",
        api_requests.S2Request.error_to_send,
        "return ended",
        "return error",
        (f"{LIVES}::test_a_revoked_token_is_refused",),
    ),
    Mutation(
        "a revoked token is listed",
        tokens.Tokens.with_revoked,
        "del own.by_id[token.id]",
        "own.by_id[token.id] = token",
        (f"{LIVES}::test_a_revoked_token_is_refused",),
    ),
    Mutation(
        "a token never expires",
        permission.check_end,
        "moment.account_time >= token.expires",
        "False",
        (f"{LIVES}::test_an_end_by_the_clock",),
    ),
    Mutation(
        "a token expires a moment late",
        permission.check_end,
        "moment.account_time >= token.expires",
        "moment.account_time > token.expires",
        (f"{LIVES}::test_an_end_by_the_clock",),
    ),
    Mutation(
        "unknown tokens are let in",
        permission.bearer_of,
        "if is_open:",
        "if True:",
        ("test_access_tokens_served::test_a_token_that_is_none",),
    ),
    Mutation(
        "a taken id is issued again",
        registry_tokens.IssueAccessToken.decide,
        "tokens.by_id.get(token.id) is not None",
        "False",
        (f"{LIVES}::test_an_id_that_is_taken",),
    ),
    Mutation(
        "all tokens have one secret",
        registry_tokens.IssueAccessToken.decide,
        "settings.own_secret, tokens.issued)",
        "settings.own_secret, 1)",
        (f"{LIVES}::test_a_revoked_token_is_refused",),
    ),
    Mutation(
        "a token may outlive its issuer's",
        registry_tokens.IssueAccessToken._expires,
        "expires > latest",
        "False",
        (f"{LIVES}::test_the_end_of_the_issuer_is_the_last",),
    ),
    Mutation(
        "a token without a time never expires",
        registry_tokens.IssueAccessToken._expires,
        "return latest",
        "return None",
        (f"{LIVES}::test_the_end_of_the_issuer_is_the_last",),
    ),
    Mutation(
        "a time that has passed is taken",
        registry_tokens.IssueAccessToken.check,
        "self.expires_at <= moment.now",
        "False",
        (f"{LIVES}::test_a_time_that_has_passed",),
    ),
    Mutation(
        "a token that may do nothing is issued",
        registry_tokens.IssueAccessToken.check,
        "not scope.granted",
        "False",
        ("test_access_tokens_served::test_a_token_that_may_do_nothing",),
    ),
    Mutation(
        "an exact set is a prefix for names",
        registry_tokens.IssueAccessToken.check,
        'scope.streams.kind != "prefix"',
        "False",
        ("test_access_tokens_served::test_prefixing_needs_a_prefix",),
    ),
    Mutation(
        "revoking what is not there succeeds",
        registry_tokens.RevokeAccessToken.decide,
        "raise AccessTokenNotFound(self.access_token)",
        "return Change()",
        ("test_access_tokens_served::test_issuing_and_revoking_twice",),
    ),
    Mutation(
        "a revocation is answered 202",
        api_tokens._revoked,
        "S2Response(204, [])",
        "S2Response(202, [])",
        (f"{LIVES}::test_a_revoked_token_is_refused",),
    ),
    Mutation(
        "an empty set is told",
        documents._set_to_json,
        "None if names == NOTHING else",
        "",
        (f"{LIVES}::test_a_scope_in_its_normal_form",),
    ),
    Mutation(
        "operations that groups give are not told",
        scopes.Scope.__post_init__,
        "op in ops)",
        "op in ops and op not in given)",
        (f"{LIVES}::test_a_scope_in_its_normal_form",),
    ),
    # Metrics.
    Mutation(
        "a period may have one end",
        metrics._Metrics._period,
        "start is None or end is None",
        "start is None",
        (f"{METRICS}::test_a_period",),
    ),
    Mutation(
        "a period may have 91 days",
        metrics._Metrics._period,
        "end - start > _MAX_SPAN_SECONDS",
        "end - start > _MAX_SPAN_SECONDS + 86_400",
        (f"{METRICS}::test_a_period",),
    ),
    Mutation(
        "a period may end tomorrow",
        metrics._Metrics._period,
        "+ _LEEWAY_SECONDS",
        "+ 86_400",
        (f"{METRICS}::test_the_leeway",),
    ),
    Mutation(
        "storage has every interval",
        metrics._Metrics._period,
        "intervals and interval not in (None, *intervals)",
        "False",
        (f"{METRICS}::test_the_interval_of_storage", f"{METRICS}::test_billable_usage"),
    ),
    Mutation(
        "usage is billed in bytes",
        metrics._billed,
        '"total", "usd"',
        '"total", "bytes"',
        (f"{METRICS}::test_billable_usage",),
    ),
    Mutation(
        "a storage class without appends has no series",
        metrics._accumulated,
        "metric.values or metric.name in always",
        "metric.values",
        (f"{METRICS}::test_append_series_of_a_basin_without_appends",),
    ),
    Mutation(
        "each append is one",
        usage.Usage._append,
        "self._connection = connection",
        "self._connection = object()",
        (f"{METRICS}::test_appends_one_by_one",),
    ),
    Mutation(
        "appends of a day are one",
        usage.Usage._append,
        "if now >= self._minute_end:",
        "if not self._minute_end:",
        (f"{METRICS}::test_appends",),
    ),
    Mutation(
        "a streaming read is one",
        usage._minutes,
        "return max(1, -(-(now - began) // MINUTE))",
        "return 1",
        (f"{METRICS}::test_reads",),
    ),
    Mutation(
        "records expire when a request looks",
        storage_metrics._course,
        "if log.next_expiry + shift > (end - 1) * MINUTE:",
        "if True:",
        (f"{METRICS}::test_storage",),
    ),
    Mutation(
        "a basin without streams was never active",
        metrics._active,
        "usage.was_active(name, start, end)",
        "False",
        (f"{METRICS}::test_basins_with_streams",),
    ),
    # Locations.
    Mutation(
        "every location is known",
        locations.location_named,
        "location.name == name",
        "True",
        (f"{LOCATIONS}::test_a_location_that_there_is_not",),
    ),
    Mutation(
        "a new default is forgotten",
        locations.default_location,
        "location.name == chosen",
        "False",
        (f"{LOCATIONS}::test_a_basin_is_where_it_was_made",),
    ),
    Mutation(
        "a basin moves",
        basins.EnsureBasin.decide,
        "self.location not in (None, basin.location)",
        "False",
        (f"{LOCATIONS}::test_a_location_that_there_is_not",),
    ),
)
