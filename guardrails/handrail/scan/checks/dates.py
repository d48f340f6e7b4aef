"""Dates: whether day and month exist, and whether somebody alive can have been born then."""

import re
from collections.abc import Callable, Mapping
from datetime import date

_NUMBERS = re.compile(r"\d+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = re.compile(r"(?i)(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)")


def exists(year: int, month: int, day: int) -> bool:
    """Tell whether the calendar has this day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def short_year_exists(year: int, month: int, day: int) -> bool:
    """Tell whether a day with a two-digit year exists in the last or in this century."""
    return exists(1900 + year, month, day) or exists(2000 + year, month, day)


def is_calendar_date(text: str) -> bool:
    """Tell whether a written date exists, read in either order of day and month."""
    numbers = [int(number) for number in _NUMBERS.findall(text)[:3]]
    name = _MONTH_NAME.search(text)
    if name is not None:
        month = _MONTHS.index(name.group().lower()) + 1
        days = [number for number in numbers if number <= 31]
        return not numbers or any(exists(2000, month, day) for day in days) or not days
    if len(numbers) < 3:
        return False
    if numbers[0] > 31:
        return exists(numbers[0], numbers[1], numbers[2])
    year = numbers[2] if numbers[2] > 99 else 2000
    return exists(year, numbers[0], numbers[1]) or exists(year, numbers[1], numbers[0])


def is_birth_date(text: str) -> bool:
    """Tell whether a written date exists and its year, where given in full, lies in 1890..2100."""
    years = [int(number) for number in _NUMBERS.findall(text) if len(number) == 4]
    return all(1890 <= year <= 2100 for year in years) and is_calendar_date(text)


CHECKS: Mapping[str, Callable[[str], bool]] = {"date": is_calendar_date, "birth_date": is_birth_date}
