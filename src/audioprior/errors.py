"""Every failure a user can meet.

Each message is one sentence with the offending value and the cure; `exit_code` is what the command returns for it.
"""


class AudiopriorError(Exception):
    """The base of all errors that audioprior raises on purpose."""

    exit_code = 1


class SettingsError(AudiopriorError):
    """A setting or an argument makes no sense."""

    exit_code = 2


class AudioError(AudiopriorError):
    """A file cannot be read as sound, or sound cannot be written."""

    exit_code = 3


class FitError(AudiopriorError):
    """The fit did not produce a usable result."""

    exit_code = 4
