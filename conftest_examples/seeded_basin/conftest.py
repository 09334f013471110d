import pytest

# What every test of this project begins with. A test's own marker wins over it.
SEED = pytest.mark.s2_mock(
    basins=[
        {
            "name": "previews",
            "config": {"default_stream_config": {"retention_policy": "2days"}},
            "streams": [
                {"name": "main/clicks", "config": {"retention_policy": "infinite"}},
                {"name": "topic/clicks"},
                {"name": "topic/orders"},
                {"name": "topic/views"},
                {"name": "topic-2/clicks"},
            ],
        }
    ]
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(SEED)
