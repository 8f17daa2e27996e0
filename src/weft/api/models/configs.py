"""Versions of configurations. Secrets are masked: ``<secret 1f3a09bc>``."""

from __future__ import annotations

from weft.api.models.base import Answer


class ConfigVersionView(Answer):
    """One version of a device's configuration."""

    number: int
    """Counts from 1."""
    time: float
    """When it took effect, as far as known, UTC seconds."""
    collected: float
    """When Weft read it."""
    source: str
    """``ssh`` or ``directory``."""
    author: str
    """Who changed it, where known."""
    reference: str
    """The commit it came with."""
    title: str
    """The commit's title."""
    platform: str
    lines: int
    added: int
    """Lines that came since the version before."""
    removed: int
    """Lines that went."""
    sections: list[str]
    """Sections that changed."""


class ConfigVersionsView(Answer):
    """The versions of a device's configuration, newest first."""

    device: str
    versions: list[ConfigVersionView]


class ConfigTextView(ConfigVersionView):
    """A version with its text."""

    device: str
    text: str


class ConfigDiffView(Answer):
    """What changed from one version to another."""

    device: str
    old: int
    new: int
    diff: str
    """Unified diff, three lines of context."""
    added: int
    removed: int
    sections: list[str]
