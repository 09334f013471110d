"""Broken rules of basins and streams: names, creation, configurations, listings, deletion."""

from s2mock.api import basins, responses, streams
from s2mock.json_bodies import control_plane
from s2mock.registry import state
from s2mock.registry.rules import basins as registry_basins
from s2mock.registry.rules import listing, provision
from s2mock.registry.rules import streams as registry_streams
from s2mock.registry.values import config, names
from tests.contract.mutation import Mutation

CONTROL_MUTATIONS = (
    # Names and tokens.
    Mutation(
        "characters for bytes in names",
        names.utf8_length,
        "return len(text.encode())",
        "return len(text)",
        ("test_names::test_a_bad_stream_in_a_body",),
    ),
    Mutation(
        "a basin's name may not have 48 bytes",
        names._check_basin,
        "length > MAX_BASIN_NAME_BYTES",
        "length >= MAX_BASIN_NAME_BYTES",
        ("test_names::test_a_good_basin",),
    ),
    Mutation(
        "a basin's name may have 7 bytes",
        names._check_basin,
        "length < MIN_BASIN_NAME_BYTES",
        "length < MIN_BASIN_NAME_BYTES - 1",
        ("test_names::test_a_bad_basin_in_a_body",),
    ),
    Mutation(
        "a basin's name may end with a hyphen",
        names._check_basin,
        'what == "name" and text[-1] not in _ALNUM',
        "False",
        ("test_names::test_a_bad_basin_in_a_path",),
    ),
    Mutation(
        "a stream's name may have 513 bytes",
        names._check_free,
        "length > maximum",
        "length > maximum + 1",
        ("test_names::test_a_bad_stream_in_a_body",),
    ),
    Mutation(
        "a stream's name may be two dots",
        names._check_free,
        'text in (".", "..")',
        'text == "."',
        ("test_names::test_a_bad_stream_in_a_body",),
    ),
    Mutation(
        "a request token may have 37 bytes",
        names.RequestToken.__new__,
        "length > MAX_REQUEST_TOKEN_BYTES",
        "length > MAX_REQUEST_TOKEN_BYTES + 1",
        ("test_headers::test_the_length_of_a_token",),
    ),
    # Create and replay.
    Mutation(
        "200 for 201 on the replay of a basin's creation",
        basins._created,
        "json_response(201,",
        'json_response(200 if made.result == "noop" else 201,',
        ("test_basins_create::test_a_replay_answers_the_basin_that_was_made",),
    ),
    Mutation(
        "200 for 201 on the replay of a stream's creation",
        streams._created,
        "text_response(201,",
        'text_response(200 if made.result == "noop" else 201,',
        ("test_streams_create::test_a_replay_answers_the_stream_that_was_made",),
    ),
    Mutation(
        "the request token compared without the configuration",
        provision.is_replay,
        " and (profile.replay_ignores_config or config == made_as)",
        "",
        ("test_streams_create::test_what_is_no_replay",),
    ),
    Mutation(
        "a replay compared with the present configuration",
        registry_streams.CreateStream.decide,
        "is_replay(stream.creation,",
        "is_replay(stream.creation and (stream.creation[0], stream.config),",
        ("test_streams_create::test_a_replay_after_the_stream_has_changed",),
    ),
    Mutation(
        "a replay compared with the resolved configuration",
        registry_streams.CreateStream.decide,
        "(self.token, config)",
        "(self.token, config.merge(basin.resolved_defaults))",
        ("test_streams_create::test_a_replay_after_the_basin_has_changed",),
    ),
    Mutation(
        "no s2-provision-result on a create",
        streams._created,
        ", s2_provision_result=made.result",
        "",
        ("test_streams_create::test_a_new_stream_is_described_with_all_its_keys",),
    ),
    # Configurations.
    Mutation(
        "400 for 422 on an invalid configuration",
        responses.error_response,
        "json_response(error.status,",
        "json_response(400 if error.status == 422 else error.status,",
        ("test_streams_create::test_an_age_of_zero_is_invalid_and_makes_nothing",),
    ),
    Mutation(
        "an age of 0 is accepted",
        config.StreamConfig.__post_init__,
        "if self.retention_policy == 0 and self.retention_policy is not False:",
        "if False:",
        ("test_streams_create::test_an_age_of_zero_is_invalid_and_makes_nothing",),
    ),
    Mutation(
        "the basin's defaults are not merged",
        registry_streams.new_stream,
        "(config or UNSET).merge(basin.resolved_defaults)",
        "(config or UNSET).merge(basin._replace(config=type(basin.config)()).resolved_defaults)",
        ("test_streams_create::test_the_defaults_of_the_basin",),
    ),
    Mutation(
        "PUT of a stream merges with what is there",
        registry_streams.EnsureStream.decide,
        "self.config.merge(basin.resolved_defaults)",
        "self.config.merge(stream.config)",
        ("test_streams_ensure::test_the_whole_configuration_is_replaced",),
    ),
    Mutation(
        "PUT of a basin keeps the defaults for streams",
        registry_basins.EnsureBasin.decide,
        "basin.refuse_if_deleting()",
        "basin.refuse_if_deleting(); config = BasinConfig(config.default_stream_config.merge("
        "basin.config.default_stream_config), create_stream_on_read=config.create_stream_on_read)",
        ("test_basins_ensure::test_the_whole_configuration_is_replaced",),
    ),
    Mutation(
        "PUT of the same configuration is an update",
        registry_streams.EnsureStream.decide,
        "if stream.config == resolved:",
        "if False:",
        ("test_streams_ensure::test_created_then_noop_then_updated",),
    ),
    Mutation(
        "null in a PATCH keeps the value",
        config.StreamConfig.reconfigure,
        "**changes",
        "**{name: value for name, value in changes.items() if value is not None}",
        ("test_streams_config::test_nulls_fall_back_to_the_basin",),
    ),
    Mutation(
        "unset defaults of a basin are shown resolved",
        control_plane.basin_config_to_json,
        "None if defaults == UNSET else ",
        "",
        ("test_basins_config::test_no_defaults_are_null",),
    ),
    Mutation(
        "a stream's cipher follows its basin",
        registry_streams.ListStreams.decide,
        "_info,",
        "lambda stream: stream.info._replace(cipher=basin.config.stream_cipher),",
        ("test_streams_create::test_the_cipher_is_that_of_the_basin_at_creation",),
    ),
    Mutation(
        "a basin has no state",
        control_plane.basin_info_to_json,
        '"state": "active" if info.deleted_at is None else "deleting",',
        "",
        ("test_basins_create::test_a_new_basin_is_described_with_all_its_keys",),
    ),
    Mutation(
        "times end with +00:00",
        control_plane.time_to_json,
        'rstrip("0") + "Z"',
        'rstrip("0") + "+00:00"',
        ("test_basins_create::test_times_are_rfc_3339_in_utc_without_trailing_zeros",),
    ),
    # Blanks and request tokens.
    Mutation(
        "blanks around a basin's name are nothing",
        names.BasinName.__new__,
        '_check_basin(text, "name")',
        'text = text.strip(); _check_basin(text, "name")',
        (
            "test_names::test_a_bad_basin_in_a_body",
            "test_names::test_a_bad_basin_in_a_path",
        ),
    ),
    Mutation(
        "blanks around a stream's name are nothing",
        names.StreamName.__new__,
        '_check_stream(text, "name")',
        'text = text.strip(); _check_stream(text, "name")',
        ("test_names::test_a_good_stream",),
    ),
    Mutation(
        "blanks around a request token are nothing",
        names.RequestToken.__new__,
        "length = utf8_length(text)",
        "text = text.strip(); length = utf8_length(text)",
        ("test_framing::test_blanks_around_a_token",),
    ),
    Mutation(
        "the empty request token is none",
        provision.is_replay,
        "token is None or",
        "not token or",
        ("test_headers::test_any_ascii_is_a_token",),
    ),
    Mutation(
        "any request token makes a replay",
        provision.is_replay,
        "token == made_with and",
        "",
        ("test_streams_create::test_what_is_no_replay",),
    ),
    Mutation(
        "request tokens are kept without their basin",
        registry_streams.CreateStream.decide,
        "stream = basin.streams.get(name)",
        "stream = basin.streams.get(name)\n"
        "    for key in context.state.basins.names_from(''):\n"
        "        made = context.state.basins.get(key).streams.get(name)\n"
        "        profile = context.settings.profile\n"
        "        if made and is_replay(made.creation, self._token, config, profile):\n"
        "            stream = made",
        ("test_streams_create::test_one_name_in_two_basins",),
    ),
    # Configurations.
    Mutation(
        "an update is told to be a creation",
        registry_streams.EnsureStream.decide,
        'Provisioned("updated"',
        'Provisioned("created"',
        ("test_streams_ensure::test_created_then_noop_then_updated",),
    ),
    Mutation(
        "an update is answered 201",
        streams._ensured,
        'made.result == "created"',
        'made.result != "noop"',
        ("test_streams_ensure::test_created_then_noop_then_updated",),
    ),
    Mutation(
        "null keeps the defaults of a basin",
        config.BasinConfig.reconfigure,
        "UNSET if defaults is None",
        "self.default_stream_config if defaults is None",
        ("test_basins_config::test_no_defaults_are_null",),
    ),
    Mutation(
        "null keeps both leaves of timestamping",
        control_plane._leaves,
        'timestamping = {"mode": None, "uncapped": None}',
        "timestamping = {}",
        ("test_streams_config::test_one_leaf",),
    ),
    Mutation(
        "delete_on_empty without an age is unset",
        control_plane.stream_config,
        'changes.setdefault("delete_on_empty_min_age", 0)',
        "pass",
        ("test_streams_create::test_an_explicit_zero_overrides_the_basin",),
    ),
    Mutation(
        "fractions of a second have nine digits",
        control_plane.time_to_json,
        '.rstrip("0")',
        "",
        ("test_basins_create::test_a_fraction_of_a_second_has_no_trailing_zeros",),
    ),
    # Listing.
    Mutation(
        "has_more is said of every full page",
        listing.page_of,
        "return Page(found, has_more=False)",
        "return Page(found, has_more=len(found) == limit)",
        ("test_basins_list::test_page_after_page",),
    ),
    Mutation(
        "the listing runs backwards",
        listing.page_of,
        "return Page(found, has_more=False)",
        "return Page(found[::-1], has_more=False)",
        ("test_streams_list::test_in_the_order_of_the_bytes",),
    ),
    Mutation(
        "start_after is part of the page",
        listing.page_of,
        "after=after",
        "after=False",
        ("test_streams_list::test_page_after_page",),
    ),
    Mutation(
        "the prefix of a listing is ignored",
        listing.page_of,
        "if not name.startswith(prefix):",
        "if False:",
        ("test_streams_list::test_a_prefix",),
    ),
    Mutation(
        "a limit of 0 is an empty page",
        listing.page_of,
        "if not 0 < limit < MAX_PAGE:",
        "if limit > MAX_PAGE:",
        ("test_streams_list::test_limits_that_fit_all",),
    ),
    Mutation(
        "a page has one item more than its limit",
        listing.page_of,
        "len(found) == limit",
        "len(found) > limit",
        ("test_basins_list::test_page_after_page",),
    ),
    # Deletion.
    Mutation(
        "409 for a second DELETE of a stream",
        registry_streams.DeleteStream.decide,
        "stream = self._found(context)",
        "stream = self._found(context); stream.refuse_if_deleting()",
        ("test_deletion::test_while_the_deletion_is_pending",),
    ),
    Mutation(
        "409 for a second DELETE of a basin",
        registry_basins.DeleteBasin.decide,
        "context.settings.deletion_delay",
        "context.settings.deletion_delay; basin.refuse_if_deleting()",
        ("test_basins_delete::test_deleting_again",),
        ("--s2mock-deletion-delay=3600",),
    ),
    Mutation(
        "a second DELETE of a basin begins the deletion anew",
        registry_basins.DeleteBasin.decide,
        "basin.deleted_at is not None",
        "False",
        ("test_basins_delete::test_deleting_again",),
        ("--s2mock-deletion-delay=3600",),
    ),
    Mutation(
        "a stream is usable during its deletion",
        state.StreamState.refuse_if_deleting,
        "self.deleted_at is not None",
        "False",
        ("test_deletion::test_while_the_deletion_is_pending",),
    ),
    Mutation(
        "a basin is usable during its deletion",
        state.BasinState.refuse_if_deleting,
        "self.deleted_at is not None",
        "False",
        ("test_deletion::test_streams_to_create_in_a_deleted_basin",),
    ),
    Mutation(
        "the configuration of a deleted stream is shown",
        registry_streams.GetStreamConfig.decide,
        "stream.refuse_if_deleting()",
        "pass",
        ("test_streams_delete::test_what_a_deleted_stream_answers",),
        ("--s2mock-deletion-delay=3600",),
    ),
    Mutation(
        "basin_not_found for a stream in a missing basin",
        state.AccountState.stream,
        "raise StreamNotFound(basin, name)",
        "raise BasinNotFound(basin)",
        ("test_streams_config::test_a_missing_basin_is_a_missing_stream",),
    ),
)
