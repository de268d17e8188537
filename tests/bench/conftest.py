import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Once is enough: the benchmark has stores of its own, so the run on SQLite would show nothing else."""
    if not os.environ.get("DATABASE_URL", "").startswith("sqlite"):
        return
    out = [item for item in items if item.path == HERE / "test_quick.py"]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]
