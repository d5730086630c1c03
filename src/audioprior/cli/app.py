"""The command itself, to which the other files here add."""

from cyclopts import App, Parameter

from audioprior import __version__

app = App(
    name="audioprior",
    help="Training-free audio restoration: an untrained network is fitted to the one damaged recording. "
    "`--debug`, with any command, shows the whole traceback of an error.",
    version=__version__,
    default_parameter=Parameter(negative=()),
    suppress_keyboard_interrupt=False,  # main() says that it was interrupted
)
