"""What Colab needs before it shows widgets that are not its own."""

import importlib
import warnings

ADVICE = (
    "Colab's widget manager could not be switched on ({reason}), so the widgets below may stay "
    "empty. Run `from google.colab import output; output.enable_custom_widget_manager()` in a "
    "cell of its own, allow third-party widgets if Colab asks, and run the widget's cell again."
)


def enable_custom_widgets() -> bool:
    """Let Colab show the course's widgets; elsewhere there is nothing to do.

    Call it once, before the first widget. Colab then loads the front end of widgets from a host of
    its own. Where that cannot be had, a warning says what to do, and the notebook goes on: the
    widgets' still pictures need nothing.

    Returns:
        Whether the notebook runs on Colab and its manager of custom widgets is now on.
    """
    try:
        importlib.import_module("google.colab")
    except ImportError:
        return False
    try:
        importlib.import_module("google.colab.output").enable_custom_widget_manager()
    except Exception as error:  # whatever goes wrong there must not stop a notebook
        reason = f"{type(error).__name__}: {error}"
        warnings.warn(ADVICE.format(reason=reason), stacklevel=2)
        return False
    return True
