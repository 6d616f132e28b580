"""Measured data in the commondata format, with the covariance of all sets together."""

from pdflang.data.commondata.joint import CommonData, commondata_columns, read_commondata
from pdflang.data.commondata.metadata import OPERATIONS, ErrorSource, installed_collection

__all__ = [
    "OPERATIONS", "CommonData", "ErrorSource", "commondata_columns", "installed_collection", "read_commondata",
]  # fmt: skip
