"""The bars on a terminal, and silence elsewhere."""

from __future__ import annotations

import io

import pytest

from pdflang.inference import Progressed, QuietMonitor, RichMonitor, terminal_monitor


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bars_tell_phase_step_size_and_divergences(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("TERM", "xterm")
    monitor = terminal_monitor()
    assert isinstance(monitor, RichMonitor)
    monitor.start("nuts", 2, 2000)
    monitor.update(Progressed(0, "warmup", 500, 2000, 0.25))
    monitor.update(Progressed(1, "sampling", 1500, 2000, 0.5, 3))
    monitor.finish()
    text = terminal.getvalue()
    assert "chain 1" in text
    assert "step size 0.25" in text
    assert "3 divergent" in text
    assert "1500/2000" in text


def test_no_terminal_no_bars(capsys: pytest.CaptureFixture[str]) -> None:
    monitor = terminal_monitor(io.StringIO())
    assert isinstance(monitor, QuietMonitor)
    monitor.start("nuts", 1, 10)
    monitor.update(Progressed(0, "warmup", 5, 10))
    monitor.finish()
    assert capsys.readouterr() == ("", "")


def test_finishing_without_a_start_is_harmless() -> None:
    RichMonitor().finish()
