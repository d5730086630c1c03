"""The command itself, to which the other files here add."""

from cyclopts import App, Parameter

import audioprior

app = App(
    name="audioprior",
    help="Training-free audio restoration: an untrained network is fitted to the one damaged recording. "
    "`--debug`, with any command, shows the whole traceback of an error.",
    version=lambda: audioprior.__version__,  # looked up when it is asked for
    default_parameter=Parameter(negative=()),
    suppress_keyboard_interrupt=False,  # main() says that it was interrupted
)
