"""Whether an alarm rings: CloudWatch's evaluation of metrics and expressions, as far as the template uses it."""

from __future__ import annotations

import ast
import operator
from typing import Any, Iterator, Mapping, NamedTuple, Sequence

#: The samples of a metric in each period, the latest last; no samples, no data.
Samples = Sequence[Sequence[float]]
#: A statistic in each period.
Series = list[float | None]

COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


class Metric(NamedTuple):
    """A metric that an alarm looks at."""

    id: str
    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str
    period: int


def metrics(alarm: Mapping[str, Any]) -> Iterator[Metric]:
    """The metrics of an alarm, those of its expressions included."""
    if "MetricName" in alarm:
        statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        yield _metric("", alarm, statistic, alarm["Period"])
    for query in alarm.get("Metrics", []):
        if "MetricStat" in query:
            stat = query["MetricStat"]
            yield _metric(query["Id"], stat["Metric"], stat["Stat"], stat["Period"])


def _metric(name: str, metric: Mapping[str, Any], statistic: str, period: Any) -> Metric:
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])}
    return Metric(name, metric["Namespace"], metric["MetricName"], dimensions, statistic, int(period))


def rings(alarm: Mapping[str, Any], samples: Mapping[str, Samples]) -> bool:
    """Whether the alarm rings when its metrics, by their names, had these samples in its last periods."""
    periods = max(map(len, samples.values()))
    series = {each.id: [statistic(each.statistic, one) for one in samples[each.name]] for each in metrics(alarm)}
    expressions = [query["Expression"] for query in alarm.get("Metrics", []) if query.get("ReturnData")]
    found = _calculated(ast.parse(expressions[0], mode="eval").body, series, periods) if expressions else series[""]
    assert isinstance(found, list)
    counted = int(alarm["EvaluationPeriods"])
    breaches = COMPARISONS[alarm["ComparisonOperator"]]
    missing = {"breaching": True, "notBreaching": False}[alarm["TreatMissingData"]]
    last = found[-counted:]
    assert len(last) == counted, "samples for all evaluation periods"
    breaching = [missing if value is None else breaches(value, float(alarm["Threshold"])) for value in last]
    return sum(breaching) >= int(alarm.get("DatapointsToAlarm", counted))


def statistic(name: str, samples: Sequence[float]) -> float | None:
    """A statistic of the samples of one period."""
    if not samples:
        return None
    if name.startswith("p"):
        ordered = sorted(samples)
        return ordered[min(len(ordered) - 1, int(len(ordered) * float(name[1:]) / 100))]
    return {"Sum": sum, "Maximum": max, "Minimum": min, "Average": lambda all: sum(all) / len(all)}[name](samples)


def _calculated(node: ast.expr, series: Mapping[str, Series], periods: int) -> Series | float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            return series[name]
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, ast.Constant(value=number)]):
            values = _calculated(filled, series, periods)
            assert isinstance(values, list)
            return [number if value is None else value for value in values]
        case ast.Call(func=ast.Name(id="IF"), args=[asked, then, otherwise]):
            columns = [_column(_calculated(each, series, periods), periods) for each in (asked, then, otherwise)]
            return [None if None in row else row[1] if row[0] else row[2] for row in zip(*columns)]
        case ast.Compare(left=left, ops=[ast.Gt()], comparators=[right]):
            columns = [_column(_calculated(side, series, periods), periods) for side in (left, right)]
            return [None if None in row else float(row[0] > row[1]) for row in zip(*columns)]
        case ast.BinOp(left=left, op=op, right=right):
            rows = zip(*(_column(_calculated(side, series, periods), periods) for side in (left, right)))
            # What one side lacks, the result lacks.
            return [None if None in row else ARITHMETIC[type(op)](*row) for row in rows]
    raise NotImplementedError(ast.dump(node))


def _column(value: Series | float, periods: int) -> Series:
    """A value in each period."""
    return value if isinstance(value, list) else [value] * periods
