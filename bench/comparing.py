"""Whom a scenario's rates are compared with."""

from collections.abc import Mapping

from bench.results import Result
from bench.scenarios import SCENARIOS
from bench.summary import Summary


def of(results: Mapping[str, Result], scenario: str, server: str) -> Summary | None:
    """One server in one scenario; None where it was not measured."""
    result = results.get(scenario)
    return next((one for one in result.summaries if one.server == server), None) if result else None


def against(results: Mapping[str, Result], name: str) -> Summary | None:
    """The tutorial, in this scenario or in the one it names."""
    return of(results, SCENARIOS[name].against or name, "a")
