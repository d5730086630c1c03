"""Playwright's names, for tests in a real browser: a module that imports them is skipped where it is not installed.

Unless AUDIOPRIOR_BROWSER says that there must be one.
"""

import os

import pytest

try:
    from playwright.sync_api import Browser, Locator, Page, expect
except ImportError:
    if os.environ.get("AUDIOPRIOR_BROWSER"):
        raise
    pytest.skip("playwright is not installed", allow_module_level=True)

__all__ = ["Browser", "Locator", "Page", "expect"]
