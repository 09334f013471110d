"""The table of the control plane's cases and the tests that cover them (control_plane §7).

A test has the marker `@control_case(42)`. `test_control_cases.py` compares the markers with the
table, so that no case is missing.
"""

from collections.abc import Callable
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])

CASE_COUNT = 96

CASES: dict[int, tuple[str, ...]] = {
    1: ("test_basins_create.py::test_a_new_basin_is_described_with_all_its_keys",),
    2: ("test_basins_create.py::test_a_name_that_is_taken",),
    3: ("test_basins_create.py::test_a_replay_answers_the_basin_that_was_made",),
    4: ("test_basins_create.py::test_what_is_no_replay",),
    5: ("test_basins_create.py::test_what_is_no_replay",),
    6: (
        "test_basins_create.py::test_a_replay_after_a_change_finds_the_basin_and_keeps_the_change",
    ),
    7: ("test_basins_create.py::test_a_basin_made_without_a_token_has_no_replay",),
    8: ("test_basins_create.py::test_configurations_that_say_nothing_are_equal",),
    9: ("test_basins_create.py::test_a_default_that_is_spelled_out_is_another_configuration",),
    10: ("test_names.py::test_a_bad_basin_in_a_body",),
    11: ("test_names.py::test_a_bad_basin_in_a_body",),
    12: ("test_basins_create.py::test_an_age_of_zero_is_invalid_and_makes_nothing",),
    13: ("test_basins_create.py::test_a_full_configuration_comes_back",),
    14: ("test_bodies.py::test_a_missing_field",),
    15: ("test_bodies_content_type.py::test_a_required_body_without_a_content_type",),
    16: ("test_basins_create.py::test_nothing_and_unknown_keys_are_fine",),
    17: ("test_headers.py::test_the_length_of_a_token",),
    18: ("test_basins_ensure.py::test_a_new_basin_without_a_body",),
    19: ("test_basins_ensure.py::test_the_configuration_that_it_has",),
    20: ("test_basins_ensure.py::test_a_changed_flag",),
    21: ("test_basins_ensure.py::test_the_whole_configuration_is_replaced",),
    22: ("test_basins_ensure.py::test_an_explicit_zero_is_kept",),
    23: ("test_basins_ensure.py::test_a_body_without_a_content_type_is_no_body",),
    24: ("test_basins_config.py::test_a_missing_basin_has_no_configuration",),
    25: ("test_basins_ensure.py::test_a_new_basin_without_a_body",),
    26: ("test_basins_config.py::test_defaults_and_flags",),
    27: ("test_basins_config.py::test_what_is_not_mentioned_stays",),
    28: ("test_basins_config.py::test_a_flag_is_true_or_false",),
    29: ("test_basins_config.py::test_no_defaults_are_null",),
    30: ("test_basins_config.py::test_a_missing_basin",),
    31: ("test_basins_config.py::test_an_age_of_zero_is_invalid_and_changes_nothing",),
    32: ("test_basins_delete.py::test_a_deleted_basin_is_gone_or_marked",),
    33: ("test_basins_delete.py::test_deleting_again",),
    34: ("test_basins_delete.py::test_the_name_is_taken_until_the_deletion_is_complete",),
    35: ("test_basins_delete.py::test_its_configuration_can_be_read_while_it_lasts",),
    36: ("test_basins_delete.py::test_a_missing_basin",),
    37: ("test_basins_list.py::test_in_name_order",),
    38: ("test_basins_list.py::test_page_after_page",),
    39: ("test_basins_list.py::test_a_prefix_and_pages",),
    40: ("test_basins_list.py::test_limits_beyond_the_maximum",),
    41: ("test_query.py::test_a_limit_that_is_no_number",),
    42: ("test_basins_list.py::test_prefix_and_start_after",),
    43: ("test_streams_create.py::test_a_new_stream_is_described_with_all_its_keys",),
    44: ("test_streams_create.py::test_a_name_that_is_taken",),
    45: ("test_streams_create.py::test_a_replay_answers_the_stream_that_was_made",),
    46: ("test_streams_create.py::test_what_is_no_replay",),
    47: ("test_streams_create.py::test_a_replay_after_the_basin_has_changed",),
    48: ("test_streams_create.py::test_a_replay_after_the_stream_has_changed",),
    49: ("test_streams_create.py::test_configurations_that_say_nothing_are_equal",),
    50: ("test_streams_create.py::test_a_default_that_is_spelled_out_is_another_configuration",),
    51: ("test_streams_create.py::test_a_missing_basin",),
    52: ("test_basins_delete.py::test_streams_cannot_be_made_in_it",),
    53: ("test_headers.py::test_no_basin",),
    54: ("test_names.py::test_a_bad_stream_in_a_body",),
    55: ("test_names.py::test_a_good_stream",),
    56: (
        "test_order.py::test_the_earlier_fault",
        "test_streams_create.py::test_an_age_of_zero_is_invalid_and_makes_nothing",
    ),
    57: ("test_streams_create.py::test_the_defaults_of_the_basin",),
    58: ("test_streams_create.py::test_an_explicit_zero_overrides_the_basin",),
    59: ("test_streams_create.py::test_the_defaults_of_the_system",),
    60: ("test_streams_config.py::test_a_missing_stream_has_no_configuration",),
    61: ("test_streams_config.py::test_a_missing_basin_is_a_missing_stream",),
    62: ("test_streams_ensure.py::test_created_then_noop_then_updated",),
    63: ("test_streams_ensure.py::test_the_whole_configuration_is_replaced",),
    64: ("test_streams_ensure.py::test_explicit_values_that_the_stream_has",),
    65: ("test_streams_ensure.py::test_the_configuration_is_the_body",),
    66: ("test_streams_config.py::test_all_at_once",),
    67: ("test_streams_config.py::test_nulls_fall_back_to_the_basin",),
    68: ("test_streams_config.py::test_the_mode_alone",),
    69: ("test_streams_config.py::test_what_is_not_mentioned_stays",),
    70: ("test_streams_config.py::test_delete_on_empty_can_be_switched_off",),
    71: ("test_streams_config.py::test_a_missing_stream_and_a_missing_basin",),
    72: ("test_streams_config.py::test_a_writer_meets_the_new_configuration",),
    73: ("test_streams_delete.py::test_a_deleted_stream_is_gone_or_marked",),
    74: (
        "test_streams_delete.py::test_what_a_deleted_stream_answers",
        "test_streams_delete.py::test_the_name_is_taken_until_the_deletion_is_complete",
    ),
    75: ("test_streams_delete.py::test_deleting_again",),
    76: ("test_streams_delete.py::test_a_missing_stream_and_a_missing_basin",),
    77: ("test_streams_delete.py::test_after_the_deletion_the_name_is_free",),
    78: ("test_streams_create.py::test_the_cipher_is_that_of_the_basin_at_creation",),
    79: ("test_streams_list.py::test_a_prefix",),
    80: ("test_streams_list.py::test_a_missing_basin",),
    81: (
        "test_paths.py::test_a_name",
        "test_paths.py::test_the_tail_of_a_name_with_a_slash",
    ),
    82: ("test_paths.py::test_bytes_that_are_no_utf8",),
    83: ("test_paths.py::test_dots",),
    84: (
        "test_streams_auto_create.py::test_an_append_makes_the_stream",
        "test_streams_auto_create.py::test_not_allowed",
    ),
    85: ("test_streams_auto_create.py::test_a_read_makes_the_stream",),
    86: ("test_streams_auto_create.py::test_a_look_at_the_tail_makes_the_stream",),
    87: (
        "test_access_tokens.py::test_not_served",
        "test_locations.py::test_not_served",
        "test_metrics.py::test_not_served",
    ),
    88: ("test_access_tokens_served.py::test_a_token_that_may_do_nothing",),
    89: ("test_access_tokens_served.py::test_prefixing_needs_a_prefix",),
    90: ("test_access_tokens_served.py::test_issuing_and_revoking_twice",),
    91: ("test_access_tokens_served.py::test_a_token_with_a_prefix",),
    92: ("test_access_tokens_served.py::test_a_token_beyond_its_scope",),
    93: ("test_access_tokens_served.py::test_a_token_that_is_none",),
    94: ("test_metrics.py::test_a_bad_time_range",),
    95: (
        "test_routing.py::test_an_unknown_path",
        "test_routing.py::test_a_wrong_method",
    ),
    96: ("test_bodies.py::test_the_largest_body",),
}


def control_case(*numbers: int) -> Callable[[Test], Test]:
    """Return a marker with the numbers of the cases that a test covers."""

    def mark(test: Test) -> Test:
        vars(test)["control_cases"] = numbers
        return test

    return mark
