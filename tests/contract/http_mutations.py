"""Broken rules of requests in general: the order of checks, bodies, queries, routing."""

from s2mock.api import app, query, requests, responses, routing, streams
from s2mock.json_bodies import decoder, validators
from s2mock.server import fields
from tests.contract.mutation import Mutation

HTTP_MUTATIONS = (
    # The order of checks.
    Mutation(
        "the basin is judged before the request token",
        streams.create_stream,
        "token, basin = request.request_token, request.basin",
        "basin, token = request.basin, request.request_token",
        ("test_order::test_the_earlier_fault",),
    ),
    Mutation(
        "the basin is looked up before the configuration is judged",
        streams.create_stream,
        'config = stream_config(document.get("config"))',
        'request.account.basin(basin); config = stream_config(document.get("config"))',
        ("test_streams_create::test_an_age_of_zero_is_invalid_and_makes_nothing",),
    ),
    # JSON bodies and query strings.
    Mutation(
        "an unknown field is refused",
        decoder._validate,
        "return document if node.accepts([document]) else normalize_refused(document, node)",
        "if isinstance(document, dict) and document.keys() - node.fields.keys():\n"
        "        raise BadJson('an unknown field')\n"
        "    return document if node.accepts([document]) else normalize_refused(document, node)",
        ("test_basins_create::test_nothing_and_unknown_keys_are_fine",),
    ),
    Mutation(
        "a field may come twice",
        decoder._object,
        "if len(fields) < len(pairs):",
        "if False:",
        ("test_append_json::test_a_key_twice",),
    ),
    Mutation(
        "-0 is an integer",
        decoder._integer,
        'digits == "-0" or ',
        "",
        ("test_append_json::test_not_an_unsigned_integer",),
    ),
    Mutation(
        "a whole number may be written as a float",
        validators._all_of,
        "type(column[0]) is kind",
        "type(column[0]) is kind or kind is int and type(column[0]) is float",
        ("test_append_json::test_not_an_unsigned_integer",),
    ),
    Mutation(
        "true is an integer",
        validators._all_of,
        "type(column[0]) is kind",
        "isinstance(column[0], kind)",
        ("test_append_json::test_not_an_unsigned_integer",),
    ),
    Mutation(
        "a body of one byte more than 2 MiB is read",
        requests.S2Request.body,
        "self.sent_body = inflate(sent, coding, MAX_BODY_BYTES)",
        "self.sent_body = inflate(sent, coding, MAX_BODY_BYTES + 1)",
        ("test_append_json::test_longest_body",),
    ),
    Mutation(
        "a repeated query parameter is read twice",
        query.parse_query,
        "if name in values:",
        "if False:",
        ("test_read_query::test_a_parameter_twice",),
    ),
    Mutation(
        "an unknown query parameter is refused",
        query.parse_query,
        "continue",
        "raise BadQuery(name)",
        ("test_streams_list::test_prefix_and_start_after",),
    ),
    Mutation(
        "1 is true in a query",
        query.flag,
        '("true", "false")',
        '("true", "false", "1")',
        ("test_read_query::test_not_a_boolean",),
    ),
    Mutation(
        "a plus in a path is a blank",
        requests.S2Request._decoded_path,
        'raw.encode("latin-1")',
        'raw.replace("+", " ").encode("latin-1")',
        ("test_paths::test_a_name",),
    ),
    # Routing and transport.
    Mutation(
        "an encoded slash separates segments",
        app.raw_path_of,
        "path_of(target)",
        'path_of(target).replace("%2F", "/")',
        ("test_tail::test_stream_name_is_one_encoded_segment",),
    ),
    Mutation(
        "404 with a body",
        app.App._respond,
        "empty_response(200 if preflight else 404)",
        "S2Response(200 if preflight else 404, [], b'{}')",
        ("test_tail::test_other_paths",),
    ),
    Mutation(
        "405 without allow",
        app.App._respond,
        'response.headers.append(("allow", route.allow))',
        "pass",
        ("test_tail::test_other_methods",),
    ),
    Mutation(
        "HEAD is not allowed where GET is",
        routing.Route.row,
        '"GET" if method == "HEAD" else method',
        "method",
        ("test_tail::test_head_is_get_without_the_body",),
    ),
    Mutation(
        "an unknown content coding is read as none",
        app.App._respond,
        "not in REQUEST_CODINGS",
        'not in (*REQUEST_CODINGS, "br")',
        ("test_append_compression::test_unknown_coding",),
    ),
    Mutation(
        "no CORS headers",
        app.App.__init__,
        "self.cors = cors",
        "self.cors = False",
        ("test_cors::test_every_answer",),
    ),
    Mutation(
        "any origin is allowed as *",
        app.allow_cross_origin,
        '("access-control-allow-origin", origin)',
        '("access-control-allow-origin", "*")',
        ("test_cors::test_every_answer",),
    ),
    Mutation(
        "an empty origin is none",
        app.allow_cross_origin,
        '(origin := environ.get("HTTP_ORIGIN")) is not None',
        'origin := environ.get("HTTP_ORIGIN")',
        ("test_framing::test_origin_may_be_empty",),
    ),
    # Framing.
    Mutation(
        "an answer without a body has no length",
        responses.S2Response.head.fget,
        "if not self.body and self.has_length and self.status != 204:",
        "if False:",
        ("test_framing::test_answer_without_a_body_has_length_0",),
    ),
    Mutation(
        "a compressed answer has a length",
        responses.S2Response._steps,
        "yield Head(self.status, self.headers)\n            yield body",
        "yield Head(self.status, self.headers, body)",
        ("test_framing::test_compressed_answer_has_no_length",),
    ),
    Mutation(
        "a path may have any byte",
        fields._apply_pseudo,
        " or _NOT_IN_A_TARGET.search(text)",
        "",
        ("test_transport_http2::test_pseudo_fields",),
    ),
    Mutation(
        "blanks around the basin are nothing",
        requests.S2Request.basin,
        "BasinName(value)",
        "BasinName(value.strip())",
        ("test_framing::test_blanks_around_the_basin",),
    ),
)
