"""What a profile has found: its intervals and contours, its numbers as files, and its words."""

from pdflang.results.profile.result import Level, Profile, to_csv, to_record, to_tree
from pdflang.results.profile.words import to_text

__all__ = ["Level", "Profile", "to_csv", "to_record", "to_text", "to_tree"]
