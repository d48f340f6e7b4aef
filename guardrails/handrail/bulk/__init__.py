"""One pure function for each row of a log of any size: in this process, in several, or on a Ray cluster."""

from handrail.bulk.backtest import BacktestJob, added_up, backtest_job
from handrail.bulk.job import RowJob
from handrail.bulk.run import BulkRun, run

__all__ = ["BacktestJob", "BulkRun", "RowJob", "added_up", "backtest_job", "run"]
